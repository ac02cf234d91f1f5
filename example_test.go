package vendorsync_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/files"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// syncLaptops brings the rows of a CSV file into the store, as assets.
func syncLaptops(ctx context.Context, store syncer.Store, csv string) (syncer.Run, error) {
	registry, err := connector.NewRegistry(files.New())
	if err != nil {
		return syncer.Run{}, err
	}
	s, err := syncer.New(store, syncer.Options{Registry: registry})
	if err != nil {
		return syncer.Run{}, err
	}
	_, err = s.Save(ctx, syncer.Integration{
		ID:        "laptops",
		Name:      "Laptops",
		Connector: "files",
		Stream:    "records",
		Settings:  connector.Settings{"path": {csv}},
		User:      "it-sync@example.com", // every change is in this user's name
		Mapping: mapping.Mapping{
			Object: "assets",
			Key:    "id", // the vendor's own id
			Fields: []mapping.FieldMapping{
				{To: "serial_number", From: "serial"},
				{To: "device_name", From: "name"},
				{To: "assigned_to", From: "owner", Write: mapping.NeverClear},
				{To: "status", Value: "Active"},
			},
			SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
		},
	}, "ops@example.com")
	if err != nil {
		return syncer.Run{}, err
	}
	if err := s.Launch(ctx, "laptops", "ops@example.com"); err != nil {
		return syncer.Run{}, err // a *syncer.MissingError says what is missing
	}
	return s.Run(ctx, "laptops", syncer.RunOptions{})
}

func Example() {
	dir, err := os.MkdirTemp("", "vendorsync")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	csv := filepath.Join(dir, "laptops.csv")
	store := memory.New(memory.Options{})

	for _, rows := range []string{
		"id,serial,name,owner\n1,C02XG0FHJGH5,ada-mbp,ada@example.com\n2,5E10,bob-t14,bob@example.com\n",
		"id,serial,name,owner\n1,C02XG0FHJGH5,ada-mbp,ada@example.com\n2,5E10,spare-t14,\n",
	} {
		if err := os.WriteFile(csv, []byte(rows), 0o600); err != nil {
			fmt.Println(err)
			return
		}
		run, err := syncLaptops(context.Background(), store, csv)
		if err != nil {
			fmt.Println(err)
			return
		}
		c := run.Counts
		fmt.Printf("%s: %d created, %d updated, %d unchanged\n", run.Status, c.Created, c.Updated, c.Unchanged)
	}
	// Output:
	// succeeded: 2 created, 0 updated, 0 unchanged
	// succeeded: 0 created, 1 updated, 1 unchanged
}
