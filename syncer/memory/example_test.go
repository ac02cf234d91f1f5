package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/vendorsync/vendorsync/mapping"
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

func ExampleStore_Merge() {
	ctx := context.Background()
	store := memory.New(memory.Options{})
	var ids []string
	for _, values := range []map[string]string{
		{"username": "ada", "email": "ada@example.com", "role": "member"},
		{"username": "alovelace", "email": "a.lovelace@example.com", "role": "member", "employee_id": "E7"},
	} {
		id, err := store.Insert(ctx, "ada", "users", values)
		if err != nil {
			fmt.Println(err)
			return
		}
		ids = append(ids, id)
	}
	twins := syncer.Merge{Object: "users", From: ids[1], Into: ids[0], FromRevision: -1, IntoRevision: -1, Actor: "bob"}
	if err := store.Merge(ctx, twins); err != nil {
		fmt.Println(err)
		return
	}
	hits, err := store.Match(ctx, syncer.Query{Object: "users", By: syncer.ByKey, Fields: []string{"username"}, Values: []string{"ada", "alovelace"}})
	fmt.Println(hits[0][0].ID, hits[1][0].ID, err)
	for event, err := range store.History(ctx, "users", ids[0]) {
		fmt.Println(event.Op, event.Actor, len(event.Changes), err)
	}
	left, err := store.Split(ctx, twins)
	fmt.Println(len(left), err)
	// Output:
	// 1 1 <nil>
	// create ada 3 <nil>
	// update bob 1 <nil>
	// 0 <nil>
}

func ExampleStore_SetUnique() {
	ctx := context.Background()
	store := memory.New(memory.Options{})
	if err := store.AddField(ctx, "assets", mapping.Field{Name: "badge", Type: mapping.Text}); err != nil {
		fmt.Println(err)
		return
	}
	for _, badge := range []string{"B 1", "b 1", "B 2"} {
		if _, err := store.Insert(ctx, "ada", "assets", map[string]string{"badge": badge}); err != nil {
			fmt.Println(err)
			return
		}
	}
	err := store.SetUnique(ctx, "assets", "badge", true)
	var duplicates *syncer.DuplicatesError
	if errors.As(err, &duplicates) {
		fmt.Println(duplicates.Groups)
	}
	// Output:
	// [{B 1 [1 2]}]
}
