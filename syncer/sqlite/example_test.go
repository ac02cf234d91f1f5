package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// A Syncer does all of this by itself; here is what it asks of the store.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "inventory")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder.
	store, err := sqlite.Open(ctx, filepath.Join(dir, "inventory.db"), sqlite.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // what was applied is on disk.

	schema, err := store.Schema(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	assets, _ := schema.Object("assets")
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	lease, err := store.Begin(ctx, syncer.Claim{Integration: "laptops", Owner: "example", TTL: time.Minute, Now: now})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = store.Apply(ctx, &syncer.Batch{
		Integration: "laptops", Run: "1", Actor: "it-sync@example.com", Fence: lease.Fence, Seq: lease.Seq + 1, At: now,
		Units: []syncer.Unit{{
			Changes: []syncer.Change{{
				Object: "assets", Op: syncer.Create,
				Columns: []int{assets.Field("serial_number"), assets.Field("device_name")},
				After:   []mapping.Value{mapping.TextValue("C02XK1"), mapping.TextValue("ada's laptop")},
			}},
			Links: []syncer.LinkChange{{Object: "assets", VendorID: "4711", Ref: syncer.Ref{Change: 0}, Hash: 1}},
		}},
		Seal:    func([]syncer.Outcome) ([]byte, error) { return []byte("where the read has come"), nil },
		Release: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	for record, err := range store.Records(ctx, syncer.RecordQuery{Object: "assets", Where: map[string]string{"serial_number": "c02xk1"}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.ID, record.Values[assets.Field("device_name")].Text, record.CreatedAt)
		for event, err := range store.History(ctx, "assets", record.ID) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(event.Op, "by", event.Actor, "in run", event.Run, "of", event.Integration)
		}
	}
	// Output:
	// 1 ada's laptop 2026-01-02 15:04:05 +0000 UTC
	// create by it-sync@example.com in run 1 of laptops
}
