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

// Two vendors brought the same laptop, each under a serial number of its own. A
// person says that it is one, and later that it was not.
func ExampleStore_Merge() {
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
	serial, name := assets.Field("serial_number"), assets.Field("device_name")
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	for integration, values := range map[string][]mapping.Value{
		"mdm":       {mapping.TextValue("C02XK1"), mapping.Null},
		"warehouse": {mapping.TextValue("S/N C02XK1"), mapping.TextValue("ada's laptop")},
	} {
		lease, err := store.Begin(ctx, syncer.Claim{Integration: integration, Owner: "example", TTL: time.Minute, Now: now})
		if err != nil {
			fmt.Println(err)
			return
		}
		err = store.Apply(ctx, &syncer.Batch{
			Integration: integration, Run: "1", Fence: lease.Fence, Seq: lease.Seq + 1, At: now,
			Units: []syncer.Unit{{
				Changes: []syncer.Change{{Object: "assets", Op: syncer.Create, Columns: []int{serial, name}, After: values}},
				Links:   []syncer.LinkChange{{Object: "assets", VendorID: "1", Ref: syncer.Ref{Change: 0}}},
			}},
			Seal:    func([]syncer.Outcome) ([]byte, error) { return nil, nil },
			Release: true,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	find := func(key string) syncer.Hit {
		found, err := store.Match(ctx, syncer.Query{Object: "assets", By: syncer.ByKey, Fields: []string{"serial_number"}, Values: []string{key}})
		if err != nil || len(found[0]) != 1 {
			fmt.Println(found, err)
			return syncer.Hit{}
		}
		return found[0][0]
	}
	one := syncer.Merge{
		Object: "assets", Into: find("C02XK1").ID, From: find("S/N C02XK1").ID, IntoRevision: 1, FromRevision: 1,
		Actor: "grace@example.com", At: now,
	}
	if err := store.Merge(ctx, one); err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"C02XK1", "S/N C02XK1"} {
		h := find(key)
		fmt.Printf("%s is found as %s, %q\n", key, h.Values[serial].Text, h.Values[name].Text)
	}

	one.IntoRevision, one.FromRevision = 2, 2
	left, err := store.Split(ctx, one)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d things could not be taken back\n", len(left))
	for _, key := range []string{"C02XK1", "S/N C02XK1"} {
		h := find(key)
		fmt.Printf("%s is found as %s, %q\n", key, h.Values[serial].Text, h.Values[name].Text)
	}
	// Output:
	// C02XK1 is found as C02XK1, "ada's laptop"
	// S/N C02XK1 is found as C02XK1, "ada's laptop"
	// 0 things could not be taken back
	// C02XK1 is found as C02XK1, ""
	// S/N C02XK1 is found as S/N C02XK1, "ada's laptop"
}
