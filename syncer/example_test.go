package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// laptops is an integration that syncs a vendor's devices into assets.
var laptops = syncer.Integration{
	ID: "laptops", Name: "Laptops", Connector: "mdm", Stream: "devices",
	User: "it-sync@example.com",
	Mapping: mapping.Mapping{
		Object: "assets",
		Key:    "id",
		Fields: []mapping.FieldMapping{
			{To: "serial_number", From: "serial"},
			{To: "device_name", From: "name"},
			{To: "memory_mb", From: "memory"},
		},
		SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
	},
}

// newSyncer returns a Syncer over an empty store and a vendor with these records.
func newSyncer(records ...string) (*syncer.Syncer, error) {
	vendor := &connectortest.Fake{ID: "mdm", Stream: "devices"}
	for _, r := range records {
		vendor.Records = append(vendor.Records, connector.Record(r))
	}
	registry, err := connector.NewRegistry(vendor)
	if err != nil {
		return nil, err
	}
	return syncer.New(memory.New(memory.Options{}), syncer.Options{Registry: registry})
}

// An integration is saved, launched, and run; the second run over the same
// source finds nothing to do.
func ExampleSyncer_Run() {
	ctx := context.Background()
	s, err := newSyncer(
		`{"id": "d-1", "serial": "C02XK1", "name": "Ada's laptop", "memory": 16384}`,
		`{"id": "d-2", "serial": "c02xk2 ", "name": "Bob's laptop", "memory": 8192}`,
		`{"id": "d-3", "serial": "To Be Filled By O.E.M.", "name": "no serial number"}`,
		`{"id": "d-4", "serial": "C02XK4", "name": "Cy's laptop", "memory": "a lot"}`,
	)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.Save(ctx, laptops, "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	if err := s.Launch(ctx, "laptops", "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		run, err := s.Run(ctx, "laptops", syncer.RunOptions{})
		if err != nil {
			log.Fatal(err)
		}
		c := run.Counts
		fmt.Printf("%s: %d fetched, %d created, %d unchanged, %d skipped, %d failed\n", run.Status, c.Fetched, c.Created, c.Unchanged, c.Skipped, c.Failed)
		for _, p := range run.Problems {
			fmt.Printf("  %s: %s\n", p.Record, p.Reason)
		}
	}
	// Output:
	// succeeded_with_problems: 4 fetched, 2 created, 0 unchanged, 1 skipped, 1 failed
	//   d-4: invalid value: memory_mb "a lot": is not a whole number in plain digits
	// succeeded_with_problems: 4 fetched, 0 created, 2 unchanged, 1 skipped, 1 failed
	//   d-4: invalid value: memory_mb "a lot": is not a whole number in plain digits
}

// A test run foretells what a full run would do with each record, and writes
// nothing. It needs no launch.
func ExampleSyncer_TestRun() {
	ctx := context.Background()
	s, err := newSyncer(
		`{"id": "d-1", "serial": "C02XK1", "name": "Ada's laptop"}`,
		`{"id": "d-2", "serial": "c02xk1", "name": "the same, enrolled twice"}`,
		`{"id": "d-3", "name": "no serial number"}`,
	)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.Save(ctx, laptops, "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	run, err := s.TestRun(ctx, "laptops", syncer.TestOptions{
		Sample: 10,
		Record: func(r syncer.TestRecord) error {
			fmt.Printf("%s would be %s", r.Record, r.Action)
			if r.Reason != "" {
				fmt.Printf(" (%s)", r.Reason)
			}
			fmt.Println()
			for _, c := range r.Changes {
				fmt.Printf("  %s: %s -> %s\n", c.Field, c.Before, c.After)
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.Status)
	// Output:
	// d-1 would be created
	//   serial_number: null -> "C02XK1"
	//   device_name: null -> "Ada's laptop"
	// d-2 would be skipped (duplicate of d-1)
	// d-3 would be skipped (no sync key: none of serial_number has a usable value)
	// succeeded
}

// Missing says what an integration needs before it can be launched.
func ExampleSyncer_Missing() {
	ctx := context.Background()
	s, err := newSyncer()
	if err != nil {
		log.Fatal(err)
	}
	draft := laptops
	draft.User = ""
	draft.Mapping.SyncKeys = nil
	if _, err := s.Save(ctx, draft, "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	missing, err := s.Missing(ctx, "laptops")
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range missing {
		fmt.Println(m)
	}
	// Output:
	// an integration user, to whom the changes are attributed (integration_user)
	// a sync key: a unique field of assets by which records are matched (sync_keys)
}

// A draft cannot be run; the error says why.
func ExampleSyncer_Launch() {
	ctx := context.Background()
	s, err := newSyncer()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.Save(ctx, laptops, "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	_, err = s.Run(ctx, "laptops", syncer.RunOptions{})
	var state *syncer.StateError
	if errors.As(err, &state) {
		fmt.Println(err)
	}
	if err := s.Launch(ctx, "laptops", "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	run, err := s.Run(ctx, "laptops", syncer.RunOptions{})
	fmt.Println(run.Status, err)
	// Output:
	// integration "laptops" is a draft: launch it first
	// empty <nil>
}

// History tells who changed what, and in which run.
func ExampleReader() {
	ctx := context.Background()
	s, err := newSyncer(`{"id": "d-1", "serial": "C02XK1", "name": "Ada's laptop"}`)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.Save(ctx, laptops, "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	if err := s.Launch(ctx, "laptops", "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	run, err := s.Run(ctx, "laptops", syncer.RunOptions{})
	if err != nil {
		log.Fatal(err)
	}
	reader, ok := s.Store().(syncer.Reader)
	if !ok {
		log.Fatal("the store cannot be read")
	}
	for record, err := range reader.Records(ctx, syncer.RecordQuery{Object: "assets", Where: map[string]string{"serial_number": "c02xk1"}}) {
		if err != nil {
			log.Fatal(err)
		}
		for event, err := range reader.History(ctx, "assets", record.ID) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(event.Op, "by", event.Actor, "in that run:", event.Run == run.ID)
			for _, c := range event.Changes {
				fmt.Printf("  %s is now %q\n", c.Field, c.After.Text)
			}
		}
	}
	// Output:
	// create by it-sync@example.com in that run: true
	//   serial_number is now "C02XK1"
	//   device_name is now "Ada's laptop"
}
