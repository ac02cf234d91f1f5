// Command quickstart syncs this machine and the people and laptops of a small
// company, which come as a CSV file, into an SQLite file: a test run, a full
// run, a second run that finds everything unchanged, and a look at the result.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/files"
	"github.com/vendorsync/vendorsync/connectors/localhost"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

//go:embed company.csv
var company []byte

// user is the integration user: every change is made in its name.
const user = "it-sync@example.com"

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "vendorsync-quickstart-")
	if err != nil {
		return err
	}
	csv, database := filepath.Join(dir, "company.csv"), filepath.Join(dir, "inventory.db")
	if err := os.WriteFile(csv, company, 0o600); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, database, sqlite.Options{})
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // every run has committed what it wrote.
	registry, err := connector.NewRegistry(files.New(), localhost.New())
	if err != nil {
		return err
	}
	s, err := syncer.New(store, syncer.Options{Registry: registry})
	if err != nil {
		return err
	}
	all := integrations(registry, csv)
	for _, in := range all {
		if _, err := s.Save(ctx, in, "quickstart"); err != nil {
			return err
		}
		if err := s.Launch(ctx, in.ID, "quickstart"); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "A test run of the company's people foretells what would happen, and writes nothing:")
	if err := foretell(ctx, out, s, "people"); err != nil {
		return err
	}
	for _, title := range []string{"The full runs:", "The same again: what is in step stays as it is:"} {
		fmt.Fprintf(out, "\n%s\n", title)
		if err := runAll(ctx, out, s, all); err != nil {
			return err
		}
	}
	for _, t := range []struct {
		object, title string
		fields        []string
		limit         int
	}{
		{"assets", "Assets", []string{"serial_number", "asset_tag", "device_name", "model", "os_name", "os_version", "assigned_to"}, 10},
		{"users", "People", []string{"username", "full_name", "email", "title", "department", "manager"}, 12},
		{"software", "Software (the first titles)", []string{"name", "publisher"}, 8},
	} {
		fmt.Fprintf(out, "\n%s\n", t.title)
		if err := table(ctx, out, store, t.object, t.fields, t.limit); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\nAll of it lies in %s\nTry: sqlite3 %s \"SELECT serial_number, device_name FROM assets\"\n", database, database)
	return nil
}

// integrations returns two that read the CSV file and two that read this
// machine, with the mapping that the connector suggests.
func integrations(registry *connector.Registry, csv string) []syncer.Integration {
	settings := connector.Settings{"path": {csv}}
	from := func(pairs ...string) []mapping.FieldMapping {
		var fields []mapping.FieldMapping
		for i := 0; i < len(pairs); i += 2 {
			fields = append(fields, mapping.FieldMapping{To: pairs[i], From: pairs[i+1]})
		}
		return fields
	}
	people := mapping.Mapping{
		Object: "users", Key: "employee_id", SyncKeys: []mapping.SyncKey{{Field: "email"}},
		Fields: append(from("employee_id", "employee_id", "full_name", "name", "first_name", "first_name", "last_name", "last_name", "username", "username",
			"email", "email", "title", "title", "department", "department", "manager", "manager"), mapping.FieldMapping{To: "role", Value: "Employee"}),
	}
	laptops := mapping.Mapping{
		Object: "assets", Key: "employee_id", SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
		Fields: append(from("serial_number", "laptop_serial", "device_name", "laptop_name", "model", "laptop_model", "assigned_to", "email", "department", "department"),
			mapping.FieldMapping{To: "asset_type", Value: "computer"}),
	}
	all := []syncer.Integration{
		{ID: "people", Name: "The company's people", Connector: "files", Stream: "records", Settings: settings, User: user, Mapping: people},
		{ID: "laptops", Name: "The company's laptops", Connector: "files", Stream: "records", Settings: settings, User: user, Mapping: laptops},
	}
	for _, c := range registry.All() {
		if c.Spec().ID != "localhost" {
			continue
		}
		for _, stream := range c.Spec().Streams {
			all = append(all, syncer.Integration{ID: "this-machine-" + stream.Name, Name: "This machine: " + stream.Label, Connector: "localhost", Stream: stream.Name, User: user, Mapping: mapping.FromDefault(stream)})
		}
	}
	return all
}

func foretell(ctx context.Context, out io.Writer, s *syncer.Syncer, id string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, err := s.TestRun(ctx, id, syncer.TestOptions{Sample: 3, Record: func(rec syncer.TestRecord) error {
		_, err := fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", rec.Record, rec.Action, rec.Mapped["full_name"], rec.Mapped["email"])
		return err
	}})
	if err != nil {
		return err
	}
	return w.Flush()
}

func runAll(ctx context.Context, out io.Writer, s *syncer.Syncer, all []syncer.Integration) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  integration\tresult\tfetched\tcreated\tupdated\tunchanged\tskipped\tfailed")
	var notes []string
	for _, in := range all {
		r, err := s.Run(ctx, in.ID, syncer.RunOptions{})
		if err != nil {
			notes = append(notes, fmt.Sprintf("  %s: %v", in.Name, err))
		}
		c := r.Counts
		fmt.Fprintf(w, "  %s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", in.Name, r.Status, c.Fetched, c.Created, c.Updated, c.Unchanged, c.Skipped, c.Failed)
		for _, p := range r.Problems {
			notes = append(notes, fmt.Sprintf("  %s, record %s: %s", in.Name, p.Record, p.Reason))
		}
		if e := r.Effects["software_installs"]; e.Created > 0 {
			notes = append(notes, fmt.Sprintf("  %s brought %d installs of %d software titles", in.Name, e.Created, r.Effects["software"].Created))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(out, note)
	}
	return nil
}

// table prints the first records of an object.
func table(ctx context.Context, out io.Writer, store *sqlite.Store, name string, fields []string, limit int) error {
	schema, err := store.Schema(ctx)
	if err != nil {
		return err
	}
	object, ok := schema.Object(name)
	if !ok {
		return fmt.Errorf("there is no object %s", name)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  "+strings.Join(fields, "\t"))
	for rec, err := range store.Records(ctx, syncer.RecordQuery{Object: name, Limit: limit}) {
		if err != nil {
			return err
		}
		cells := make([]string, len(fields))
		for i, field := range fields {
			if at := object.Field(field); at >= 0 {
				cells[i] = object.Fields[at].Format(rec.Values[at])
			}
		}
		fmt.Fprintln(w, "  "+strings.Join(cells, "\t"))
	}
	return w.Flush()
}
