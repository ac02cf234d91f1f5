package syncer_test

import (
	"cmp"
	"context"
	"fmt"
	"log"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// synced returns a Syncer over a store in which each vendor's devices are, with
// the runs that brought them, in order.
func synced(ctx context.Context, vendors ...*connectortest.Fake) (*syncer.Syncer, []syncer.Run, error) {
	connectors := make([]connector.Connector, len(vendors))
	for i, v := range vendors {
		v.Stream = "devices"
		connectors[i] = v
	}
	registry, err := connector.NewRegistry(connectors...)
	if err != nil {
		return nil, nil, err
	}
	s, err := syncer.New(memory.New(memory.Options{}), syncer.Options{Registry: registry})
	if err != nil {
		return nil, nil, err
	}
	var runs []syncer.Run
	for _, v := range vendors {
		in := laptops
		in.ID, in.Connector = v.ID, v.ID
		if _, err := s.Save(ctx, in, "ada@example.com"); err != nil {
			return nil, nil, err
		}
		if err := s.Launch(ctx, in.ID, "ada@example.com"); err != nil {
			return nil, nil, err
		}
		run, err := s.Run(ctx, in.ID, syncer.RunOptions{})
		if err != nil {
			return nil, nil, err
		}
		runs = append(runs, run)
	}
	return s, runs, nil
}

func devices(id string, records ...string) *connectortest.Fake {
	f := &connectortest.Fake{ID: id}
	for _, r := range records {
		f.Records = append(f.Records, connector.Record(r))
	}
	return f
}

// A run that should not have been is put back: what it wrote over has its value
// from before, what it made is in the archive.
func ExampleSyncer_Revert() {
	ctx := context.Background()
	s, runs, err := synced(ctx,
		devices("mdm", `{"id": "d-1", "serial": "C02XK1", "name": "Ada's laptop"}`),
		devices("export", `{"id": "1", "serial": "C02XK1", "name": "#REF!"}`, `{"id": "2", "serial": "Serial-No.", "name": "Name"}`),
	)
	if err != nil {
		log.Fatal(err)
	}
	run, err := s.Revert(ctx, runs[1].ID, syncer.RevertOptions{
		By: "ada@example.com",
		Record: func(r syncer.RevertRecord) error {
			fmt.Printf("%s %s: %s\n", r.Object, r.ID, cmp.Or(string(r.Op), string(r.Action)))
			for _, d := range r.Changes {
				fmt.Printf("  %s: %s -> %s\n", d.Field, d.Before, d.After)
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.Trigger, run.Status, run.Counts.Updated)
	// Output:
	// assets 2: archive
	// assets 1: updated
	//   device_name: "#REF!" -> "Ada's laptop"
	// revert succeeded 2
}

// Two records of one device are found and made one.
func ExampleSyncer_Merge() {
	ctx := context.Background()
	s, _, err := synced(ctx,
		devices("mdm", `{"id": "d-1", "serial": "C02XK17", "name": "Ada's laptop"}`),
		devices("export", `{"id": "1", "serial": "C02-XK17", "memory": 16384}`),
	)
	if err != nil {
		log.Fatal(err)
	}
	for set, err := range s.Duplicates(ctx, "assets", syncer.DuplicateOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		for _, why := range set.Shared {
			fmt.Println("they share", why)
		}
		for _, rec := range set.Records {
			if rec.ID == set.Keep {
				continue
			}
			report, err := s.Merge(ctx, set.Object, set.Keep, rec.ID, syncer.MergeOptions{By: "ada@example.com"})
			if err != nil {
				log.Fatal(err)
			}
			for _, f := range report.Fields {
				if f.Taken {
					fmt.Printf("%s takes %s %s\n", report.IntoLabel, f.Field, f.From)
				}
			}
		}
	}
	// Output:
	// they share serial_number C02XK17 in 1, 2
	// Ada's laptop / C02XK17 takes memory_mb 16384
}

// Provenance tells who set a value, and what the others say.
func ExampleSyncer_Provenance() {
	ctx := context.Background()
	s, _, err := synced(ctx,
		devices("mdm", `{"id": "d-1", "serial": "C02XK1", "name": "Ada's laptop"}`),
		devices("export", `{"id": "1", "serial": "C02XK1", "name": "LAPTOP-17", "memory": 16384}`),
	)
	if err != nil {
		log.Fatal(err)
	}
	p, err := s.Provenance(ctx, "assets", "1")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range p.Fields {
		fmt.Printf("%s: %s, says %s\n", f.Field, f.Text, f.Integration)
		for _, other := range f.Others {
			fmt.Printf("  %s said %s\n", other.Integration, other.Text)
		}
	}
	// Output:
	// serial_number: C02XK1, says mdm
	// device_name: LAPTOP-17, says export
	//   mdm said Ada's laptop
	// memory_mb: 16384, says export
}

// CheckAccounts compares accounts with what their application says now.
func ExampleSyncer_CheckAccounts() {
	ctx := context.Background()
	chat := &connectortest.Fake{
		ID:      "chat",
		Records: []connector.Record{connector.Record(`{"id": "U1", "state": "active"}`), connector.Record(`{"id": "U2", "state": "active"}`)},
		// Since the last run one account was suspended and the other deleted.
		Accounts: []connector.Account{{ID: "U1", Status: "suspended"}},
	}
	registry, err := connector.NewRegistry(chat)
	if err != nil {
		log.Fatal(err)
	}
	s, err := syncer.New(memory.New(memory.Options{}), syncer.Options{Registry: registry})
	if err != nil {
		log.Fatal(err)
	}
	_, err = s.Save(ctx, syncer.Integration{
		ID: "chat", Connector: "chat", Stream: "records", User: "it-sync@example.com",
		Mapping: mapping.Mapping{
			Object: "saas_users", Key: "id",
			Fields: []mapping.FieldMapping{
				{To: "application", Value: "Chat"}, {To: "external_id", From: "id"}, {To: "status", From: "state"},
			},
			SyncKeys: []mapping.SyncKey{{Field: "external_id"}},
		},
	}, "ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	if err := s.Launch(ctx, "chat", "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	if _, err := s.Run(ctx, "chat", syncer.RunOptions{}); err != nil {
		log.Fatal(err)
	}
	summary, err := s.CheckAccounts(ctx, "Chat", syncer.AccountOptions{Record: func(c syncer.AccountCheck) error {
		fmt.Println(c.ExternalID, c.State)
		for _, d := range c.Differences {
			fmt.Printf("  %s: %s here, %s there\n", d.Field, d.Before, d.After)
		}
		return nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d checked, %d differ, %d gone\n", summary.Checked, summary.Differs, summary.Gone)
	// Output:
	// U1 differs
	//   status: "active" here, "suspended" there
	// U2 gone
	// 2 checked, 1 differ, 1 gone
}

// SetPrecedence says whose values count.
func ExampleSyncer_SetPrecedence() {
	ctx := context.Background()
	s, _, err := synced(ctx,
		devices("mdm", `{"id": "d-1", "serial": "C02XK1", "name": "Ada's laptop"}`),
		devices("export", `{"id": "1", "serial": "C02XK1"}`),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.SetPrecedence(ctx, syncer.Precedence{Object: "assets", Order: []string{"mdm", "exprot"}}, "ada@example.com"))
	if err := s.SetPrecedence(ctx, syncer.Precedence{Object: "assets", Order: []string{"mdm", "export"}, SilentAfter: 30}, "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	p, err := s.Precedence(ctx, "assets")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Order, p.SilentAfter, p.UpdatedBy)
	// Output:
	// set the precedence of assets: order: there is no integration "exprot"; did you mean "export"? [invalid_config: name integrations that feed assets, each once]
	// [mdm export] 30 ada@example.com
}
