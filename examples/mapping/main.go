// Command mapping shows what an administrator does on a mapping page, over three
// small sources that come with it: a device management, a stock list and the
// people of a company. It proposes a mapping, tries one with templates, a filter
// and a table of values, resolves who has which device, lets two sources share a
// record by precedence, finds a duplicate, and takes a run back.
//
//	go run ./examples/mapping
package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/files"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

//go:embed people.csv mdm.json stock.json
var sources embed.FS

// admin is who asks for things here.
const admin = "admin@example.com"

func main() {
	dir, err := os.MkdirTemp("", "vendorsync-mapping-")
	if err == nil {
		err = run(context.Background(), os.Stdout, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mapping:", err)
		os.Exit(1)
	}
}

// A tour is one look around.
type tour struct {
	io.Writer
	*syncer.Syncer
	store *sqlite.Store
}

func run(ctx context.Context, out io.Writer, dir string) error {
	for _, name := range []string{"people.csv", "mdm.json", "stock.json"} {
		data, err := sources.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "inventory.db"), sqlite.Options{Roles: []string{"Employee", "Admin"}})
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // every run has committed what it wrote.
	registry, err := connector.NewRegistry(files.New())
	if err != nil {
		return err
	}
	s, err := syncer.New(store, syncer.Options{Registry: registry, Dir: dir})
	if err != nil {
		return err
	}
	t := tour{out, s, store}
	for _, step := range []func(context.Context) error{
		t.proposes, t.launches, t.foretells, t.refers, t.shares, t.findsDuplicates, t.takesBack,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// proposes shows what smart mapping makes of the device management's records.
func (t *tour) proposes(context.Context) error {
	data, err := sources.ReadFile("mdm.json")
	if err != nil {
		return err
	}
	var samples []connector.Record
	if err := json.Unmarshal(data, &samples); err != nil {
		return err
	}
	p, err := mapping.Suggest("assets", mapping.Standard(), nil, samples)
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "What smart mapping makes of mdm.json (the vendor id is at %q):\n", p.Key)
	rows := [][]string{{"TO", "FROM", "SCORE", "WHY"}}
	for _, f := range p.Fields {
		rows = append(rows, []string{f.To, f.From, fmt.Sprintf("%.2f", f.Score), f.Reason})
	}
	return t.table(rows)
}

// integrations returns the three sources with their mappings.
func integrations() []syncer.Integration {
	files := func(id, file string, m mapping.Mapping) syncer.Integration {
		return syncer.Integration{ID: id, Connector: "files", Stream: "records", Settings: connector.Settings{"path": {file}, "key": {m.Key}}, User: id + "@example.com", Mapping: m}
	}
	people := mapping.Mapping{
		Object: "users", Key: "id",
		Fields: []mapping.FieldMapping{
			{To: "username", From: "{{ mail | email_local | lower }}"},
			{To: "email", From: "{{ mail | lower }}"},
			{To: "full_name", From: "{{ first | title }} {{ last | title }}"},
			{To: "manager", From: "boss"},
			{To: "role", Value: "Employee"},
		},
		SyncKeys: []mapping.SyncKey{{Field: "username"}, {Field: "email"}},
		Companions: []mapping.CompanionMapping{{Object: "saas_users", Application: "Chat", Deactivate: true, Fields: []mapping.FieldMapping{
			{To: "external_id", From: "account"}, {To: "status", From: "state"},
		}}},
	}
	devices := mapping.Mapping{
		Object: "assets", Key: "id", Filter: "{{ not record.general.retired }}",
		Fields: []mapping.FieldMapping{
			{To: "serial_number", From: "hardware.serialNumber"},
			{To: "device_name", From: "{{ record.general.name | upper }}"},
			{To: "model", From: "{{ record.hardware.make ~ ' ' ~ record.hardware.model }}"},
			{To: "os_name", From: "operatingSystem.name", Values: map[string]string{"OSX": "macOS", "Win32": "Windows"}},
			{To: "memory_mb", From: "hardware.totalRamMegabytes"},
			{To: "mac_addresses", From: "hardware.macAddress"},
			{To: "assigned_to", From: "userAndLocation.email"},
			{To: "last_seen_at", From: "general.lastContactTime"},
			{To: "notes", From: "by {{ integration.id }}"},
		},
		SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
		Children: []mapping.ChildMapping{{Object: "software", From: "applications", Fields: []mapping.FieldMapping{
			{To: "name", From: "{{ item.name | strip_suffix('.app') }}"}, {To: "version", From: "version"},
		}}},
	}
	stock := mapping.Mapping{
		Object: "assets", Key: "number",
		Fields: []mapping.FieldMapping{
			{To: "asset_tag", From: "number"},
			{To: "serial_number", From: "serial", Write: mapping.NeverClear},
			{To: "device_name", From: "title"},
			{To: "location", From: "place"},
			{To: "purchase_price", From: "price"},
		},
		SyncKeys: []mapping.SyncKey{{Field: "serial_number"}, {Field: "asset_tag", Update: true}},
	}
	return []syncer.Integration{files("mdm", "mdm.json", devices), files("people", "people.csv", people), files("stock", "stock.json", stock)}
}

func (t *tour) launches(ctx context.Context) error {
	for _, in := range integrations() {
		if _, err := t.Save(ctx, in, admin); err != nil {
			return err
		}
		if err := t.Launch(ctx, in.ID, admin); err != nil {
			return err
		}
	}
	return nil
}

// foretells tries the devices' mapping out.
func (t *tour) foretells(ctx context.Context) error {
	fmt.Fprintln(t, "\nA test run of the devices, with templates, a filter and a table of values:")
	rows := [][]string{{"RECORD", "WHAT", "MODEL", "OS", "WHY"}}
	_, err := t.TestRun(ctx, "mdm", syncer.TestOptions{By: admin, Record: func(r syncer.TestRecord) error {
		rows = append(rows, []string{r.Record, string(r.Action), shown(r.Mapped["model"]), shown(r.Mapped["os_name"]), r.Reason})
		return nil
	}})
	if err != nil {
		return err
	}
	return t.table(rows)
}

// refers brings the devices before the people they are assigned to.
func (t *tour) refers(ctx context.Context) error {
	fmt.Fprintln(t, "\nThe devices come first, then the people: who has which is found out late.")
	if err := t.runs(ctx, "mdm", "people"); err != nil {
		return err
	}
	return t.assets(ctx, "serial_number", "device_name", "os_name", "assigned_to", "assigned_to_id")
}

// shares lets the stock list fill what the device management leaves empty.
func (t *tour) shares(ctx context.Context) error {
	fmt.Fprintln(t, "\nThe stock list knows the same devices. The device management goes before it:")
	if err := t.SetPrecedence(ctx, syncer.Precedence{Object: "assets", Order: []string{"mdm", "stock"}, SilentAfter: 30}, admin); err != nil {
		return err
	}
	if err := t.runs(ctx, "stock"); err != nil {
		return err
	}
	p, err := t.Provenance(ctx, "assets", "1")
	if err != nil {
		return err
	}
	rows := [][]string{{"FIELD", "VALUE", "SET BY", "OTHERS SAY"}}
	for _, f := range p.Fields {
		var others []string
		for _, o := range f.Others {
			others = append(others, o.Integration+": "+o.Text)
		}
		rows = append(rows, []string{f.Field, f.Text, f.Integration, strings.Join(others, ", ")})
	}
	return t.table(rows)
}

// findsDuplicates makes two records one.
func (t *tour) findsDuplicates(ctx context.Context) error {
	fmt.Fprintln(t, "\nThe stock list has one laptop twice, once by its barcode:")
	var sets []syncer.DuplicateSet
	for set, err := range t.Duplicates(ctx, "assets", syncer.DuplicateOptions{}) {
		if err != nil {
			return err
		}
		sets = append(sets, set)
	}
	for _, set := range sets {
		for _, why := range set.Shared {
			fmt.Fprintln(t, " ", why)
		}
		for _, r := range set.Records {
			if r.ID == set.Keep {
				continue
			}
			if _, err := t.Merge(ctx, set.Object, set.Keep, r.ID, syncer.MergeOptions{By: admin}); err != nil {
				return err
			}
			fmt.Fprintf(t, "  record %s is a part of record %s now\n", r.ID, set.Keep)
		}
	}
	return t.assets(ctx, "serial_number", "asset_tag", "device_name", "location")
}

// takesBack makes a bad run and takes it back.
func (t *tour) takesBack(ctx context.Context) error {
	fmt.Fprintln(t, "\nA bad mapping moves everybody to the moon, and the run is taken back:")
	bad, err := t.Journal().Integration(ctx, "stock")
	if err != nil {
		return err
	}
	bad.Mapping.Fields[3] = mapping.FieldMapping{To: "location", Value: "the moon"}
	if _, err := t.Save(ctx, bad, admin); err != nil {
		return err
	}
	if err := t.runs(ctx, "stock"); err != nil {
		return err
	}
	if err := t.assets(ctx, "serial_number", "location"); err != nil {
		return err
	}
	last, err := t.Journal().Runs(ctx, syncer.RunQuery{Integration: "stock", Limit: 1})
	if err != nil {
		return err
	}
	reverted, err := t.Revert(ctx, last[0].ID, syncer.RevertOptions{By: admin})
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "  put back: %d of %d records; the integration is paused\n", reverted.Counts.Updated, reverted.Counts.Fetched)
	return t.assets(ctx, "serial_number", "location")
}

// runs makes full runs and shows what came of them.
func (t *tour) runs(ctx context.Context, ids ...string) error {
	for _, id := range ids {
		r, err := t.Run(ctx, id, syncer.RunOptions{By: admin})
		if err != nil {
			return err
		}
		c := r.Counts
		fmt.Fprintf(t, "  %s: %d fetched = %d filtered + %d created + %d updated + %d unchanged + %d skipped + %d failed\n",
			id, c.Fetched, c.Filtered, c.Created, c.Updated, c.Unchanged, c.Skipped, c.Failed)
		for _, object := range []string{"assets", "users", "software", "software_installs", "saas_applications", "saas_users"} {
			if e, ok := r.Effects[object]; ok {
				fmt.Fprintf(t, "    with them, %s: %d created, %d updated\n", object, e.Created, e.Updated)
			}
		}
		for _, p := range r.Problems {
			fmt.Fprintf(t, "    %s %s: %s\n", p.Record, p.Field, p.Reason)
		}
	}
	return nil
}

// assets shows fields of the devices.
func (t *tour) assets(ctx context.Context, fields ...string) error {
	schema, err := t.store.Schema(ctx)
	if err != nil {
		return err
	}
	o, _ := schema.Object("assets")
	rows := [][]string{append([]string{"id"}, fields...)}
	for r, err := range t.store.Records(ctx, syncer.RecordQuery{Object: "assets"}) {
		if err != nil {
			return err
		}
		row := []string{r.ID}
		for _, name := range fields {
			at := o.Field(name)
			row = append(row, o.Fields[at].Format(r.Values[at]))
		}
		rows = append(rows, row)
	}
	return t.table(rows)
}

func (t *tour) table(rows [][]string) error {
	w := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	return w.Flush()
}

// shown returns a mapped value as text.
func shown(v any) string {
	raw, ok := v.(json.RawMessage)
	if !ok {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return string(raw)
	}
	return text
}
