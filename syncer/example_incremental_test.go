package syncer_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// With FullEvery, runs ask the vendor for what has changed since the last one,
// and for everything again once a week.
func ExampleIntegration_fullEvery() {
	ctx := context.Background()
	now := time.Date(2026, time.March, 1, 8, 0, 0, 0, time.UTC)
	vendor := &connectortest.Fake{
		ID: "mdm", Stream: "devices",
		Records: []connector.Record{
			connector.Record(`{"id": "d-1", "serial": "C02XK1"}`),
			connector.Record(`{"id": "d-2", "serial": "C02XK2"}`),
			connector.Record(`{"id": "d-3", "serial": "C02XK3"}`),
		},
		ChangedAt: func(i int) time.Time { return time.Date(2026, time.March, 1+i, 7, 0, 0, 0, time.UTC) },
	}
	registry, err := connector.NewRegistry(vendor)
	if err != nil {
		log.Fatal(err)
	}
	s, err := syncer.New(memory.New(memory.Options{}), syncer.Options{Registry: registry, Now: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	weekly := laptops
	weekly.FullEvery = 7
	if _, err := s.Save(ctx, weekly, "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	if err := s.Launch(ctx, "laptops", "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	for _, day := range []int{1, 2, 3, 8} {
		now = time.Date(2026, time.March, day, 8, 0, 0, 0, time.UTC)
		run, err := s.Run(ctx, "laptops", syncer.RunOptions{})
		if err != nil {
			log.Fatal(err)
		}
		if run.Since.IsZero() {
			fmt.Printf("March %d: all %d, since %s\n", day, run.Counts.Fetched, run.ReadAll)
		} else {
			fmt.Printf("March %d: %d changed since %s\n", day, run.Counts.Fetched, run.Since.Format("January 2, 15:04"))
		}
	}
	// Output:
	// March 1: all 3, since no run before it has read everything
	// March 2: 2 changed since March 1, 07:45
	// March 3: 1 changed since March 2, 07:45
	// March 8: all 3, since the last full read is 7 days old
}
