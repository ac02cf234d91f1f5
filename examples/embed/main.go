// Command embed keeps a host's own table in step with this machine: two functions
// make the table a Store, and the host's own Mapper says what goes where.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/localhost"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// machines is the host's own table: fields of a machine by its tag.
type machines map[string]map[string]string

func (m machines) find(_ context.Context, _ string, tags []string) ([][]syncer.HostRecord, error) {
	found := make([][]syncer.HostRecord, len(tags)) // looked up by id or by asset_tag, which are the same here
	for i, tag := range tags {
		if fields, ok := m[strings.ToUpper(tag)]; ok {
			found[i] = []syncer.HostRecord{{ID: strings.ToUpper(tag), Fields: fields}}
		}
	}
	return found, nil
}

func (m machines) write(_ context.Context, w syncer.HostWrite) (string, error) {
	if w.Op == syncer.Create {
		w.ID = strings.ToUpper(w.Fields["asset_tag"])
		m[w.ID] = map[string]string{}
	}
	for field, value := range w.Fields {
		m[w.ID][field] = value
	}
	return w.ID, nil
}

// mapper is the host's own: it decodes into a struct and decides in Go.
type mapper struct{}

func (mapper) Targets() []mapping.Target {
	return []mapping.Target{{Object: "assets", Columns: []mapping.Column{{Field: "asset_tag"}, {Field: "notes"}}}}
}

func (mapper) Map(rec connector.Record, out *mapping.Out) error {
	var machine struct{ ID, Hostname, CPU string }
	if err := json.Unmarshal(rec, &machine); err != nil {
		return err
	}
	out.VendorID = machine.ID
	_, row := out.AddRow(0, 2)
	row[0], row[1] = mapping.TextValue(machine.ID), mapping.TextValue(machine.Hostname+" has "+machine.CPU)
	return nil
}

func main() {
	ctx, table := context.Background(), machines{}
	store := must(syncer.Sidecar(memory.New(memory.Options{}), syncer.HostTable{Object: "assets", Find: table.find, Write: table.write}))
	s := must(syncer.New(store, syncer.Options{Registry: must(connector.NewRegistry(localhost.New())), Mappers: map[string]mapping.Mapper{"machine": mapper{}}}))
	in := syncer.Integration{ID: "machine", Connector: "localhost", Stream: "asset", User: "sync@example.com"}
	in.Mapping = mapping.Mapping{Object: "assets", SyncKeys: []mapping.SyncKey{{Field: "asset_tag"}}}
	must(s.Save(ctx, in, "embed"))
	must(0, s.Launch(ctx, "machine", "embed"))
	for range 2 {
		run := must(s.Run(ctx, "machine", syncer.RunOptions{}))
		fmt.Printf("%s: %d created, %d unchanged; the table holds %v\n", run.Status, run.Counts.Created, run.Counts.Unchanged, table)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
