package memory_test

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

func Example() {
	ctx := context.Background()
	store := memory.New(memory.Options{})
	id, err := store.Insert(ctx, "ada", "assets", map[string]string{"serial_number": "C02XK1", "memory_mb": "8192"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := store.Edit(ctx, "bob", "assets", id, map[string]string{"memory_mb": "16384"}); err != nil {
		fmt.Println(err)
		return
	}
	for record, err := range store.Records(ctx, syncer.RecordQuery{Object: "assets", Where: map[string]string{"serial_number": "c02xk1"}}) {
		fmt.Println(record.ID, record.Revision, err)
	}
	for event, err := range store.History(ctx, "assets", id) {
		for _, c := range event.Changes {
			fmt.Println(event.Op, event.Actor, c.Field, c.Before.Int, c.After.Int, c.After.Text, err)
		}
	}
	// Output:
	// 1 2 <nil>
	// create ada serial_number 0 0 C02XK1 <nil>
	// create ada memory_mb 0 8192  <nil>
	// update bob memory_mb 8192 16384  <nil>
}
