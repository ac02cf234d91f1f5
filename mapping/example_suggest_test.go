package mapping_test

import (
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// A proposal goes by the names of the fields and by what their values look like.
func ExampleSuggest() {
	p, err := mapping.Suggest("assets", mapping.Standard(), nil, []connector.Record{
		connector.Record(`{"id": 1, "hw": {"serialNumber": "C02XK1ABJG5H", "make": "Apple"}, "lastContact": 1767366245, "tags": ["a"]}`),
		connector.Record(`{"id": 2, "hw": {"serialNumber": "C02XK2ABJG5H", "make": "Apple"}, "lastContact": 1767366300, "tags": []}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("vendor id:", p.Key)
	for _, f := range p.Fields {
		fmt.Printf("%s from %s, score %.1f\n", f.To, f.From, f.Score)
	}
	for _, k := range p.SyncKeys {
		fmt.Println("sync key:", k.Field)
	}
	// Output:
	// vendor id: id
	// serial_number from hw.serialNumber, score 0.9
	// manufacturer from hw.make, score 0.9
	// last_seen_at from lastContact, score 1.0
	// sync key: serial_number
}
