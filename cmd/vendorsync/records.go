package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// A recordView is a record as JSON output shows it.
type recordView struct {
	ID           string                     `json:"id"`
	Revision     int64                      `json:"revision"`
	Fields       map[string]json.RawMessage `json:"fields"`
	CreatedAt    time.Time                  `json:"created_at"`
	UpdatedAt    time.Time                  `json:"updated_at"`
	ArchivedAt   *time.Time                 `json:"archived_at"`   // null for a live record
	MissingSince *time.Time                 `json:"missing_since"` // null for one that the vendors still have
}

// defaultRecords is how many records a table shows.
const defaultRecords = 50

// A selection says which records are shown, and how.
type selection struct {
	where, fields []string
	archived, csv bool
	limit         int
	limited       bool   // the limit was given
	key           string // of the one record to show
	provenance    bool   // and where its values come from
}

func (a *app) recordsCommand() *cobra.Command {
	var sel selection
	cmd := &cobra.Command{
		Use:   "records OBJECT",
		Short: "Show the records of an object: users, assets, software, ...",
		Long: fmt.Sprintf("Show the records of an object. A table shows the first %d and the fields that have values; --json and --csv show all.\n\n"+
			"In CSV, a cell that begins with = + - or @ gets an apostrophe in front, so that no spreadsheet takes it for a formula.", defaultRecords),
		Example: "  vendorsync records assets --where status=Active --where os_name=macOS\n  vendorsync records users --csv > users.csv\n" +
			"  vendorsync records assets --key C02XY1 --provenance",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			sel.limited = cmd.Flags().Changed("limit")
			if sel.csv && a.json {
				return usagef("--json and --csv exclude each other")
			}
			if sel.provenance != (sel.key != "") {
				return usagef("--key and --provenance go together: one record, and where its values come from")
			}
			return a.in(func(ctx context.Context, s *session, args []string) error { return s.records(ctx, args[0], sel) })(cmd, args)
		},
	}
	cmd.Flags().StringArrayVar(&sel.where, "where", nil, "only records with this value: field=value (repeatable)")
	cmd.Flags().StringSliceVar(&sel.fields, "fields", nil, "only these fields, separated by commas")
	cmd.Flags().BoolVar(&sel.archived, "archived", false, "archived records too")
	cmd.Flags().BoolVar(&sel.csv, "csv", false, "write CSV")
	cmd.Flags().IntVar(&sel.limit, "limit", defaultRecords, "how many records; 0 for all (default for --json and --csv)")
	cmd.Flags().StringVar(&sel.key, "key", "", "with --provenance: the record, by its id or the value of one of its unique fields")
	cmd.Flags().BoolVar(&sel.provenance, "provenance", false, "show which integration set each value, when, in which run, and what the others say")
	return cmd
}

func (s *session) records(ctx context.Context, object string, sel selection) error {
	o, err := s.object(object)
	if err != nil {
		return err
	}
	if sel.provenance {
		return s.provenance(ctx, o, sel.key)
	}
	q := syncer.RecordQuery{Object: o.Name, Archived: sel.archived, Where: map[string]string{}}
	for _, text := range sel.where {
		field, value, ok := strings.Cut(text, "=")
		if !ok {
			return usagef("--where %q is not of the form field=value", text)
		}
		f, err := fieldOf(o, field)
		if err != nil {
			return err
		}
		if _, err := o.Fields[f].Parse(value); err != nil {
			return usagef("--where %s: %w", field, err)
		}
		q.Where[field] = value
	}
	columns, err := columnsOf(o, sel.fields)
	if err != nil {
		return err
	}
	if !s.json && !sel.csv && len(sel.fields) == 0 { // what a reference means stands behind its text
		columns = slices.DeleteFunc(columns, func(i int) bool { return o.Fields[i].For != "" })
	}
	if !s.json && !sel.csv || sel.limited {
		q.Limit = sel.limit
	}
	switch {
	case s.json:
		return s.recordsJSON(ctx, o, q, columns)
	case sel.csv:
		return s.recordsCSV(ctx, o, q, columns)
	}
	return s.recordsTable(ctx, o, q, columns, len(sel.fields) > 0)
}

// fieldOf returns the index of an object's field.
func fieldOf(o *mapping.Object, name string) (int, error) {
	if i := o.Field(name); i >= 0 {
		return i, nil
	}
	names := make([]string, len(o.Fields))
	for i, f := range o.Fields {
		names[i] = f.Name
	}
	return 0, usagef("%s have no field %q; they have %s", o.Name, name, strings.Join(names, ", "))
}

// columnsOf returns the indexes of the named fields, of all if none is named.
func columnsOf(o *mapping.Object, names []string) ([]int, error) {
	var columns []int
	for _, name := range names {
		i, err := fieldOf(o, name)
		if err != nil {
			return nil, err
		}
		columns = append(columns, i)
	}
	if names == nil {
		for i := range o.Fields {
			columns = append(columns, i)
		}
	}
	return columns, nil
}

func (s *session) recordsJSON(ctx context.Context, o *mapping.Object, q syncer.RecordQuery, columns []int) error {
	out := s.newArray()
	for r, err := range s.store.Records(ctx, q) {
		if err != nil {
			return fmt.Errorf("read %s: %w", o.Name, err)
		}
		v := recordView{
			ID: r.ID, Revision: r.Revision, Fields: map[string]json.RawMessage{}, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
			ArchivedAt: maybe(r.Archived), MissingSince: maybe(r.MissingSince),
		}
		for _, i := range columns {
			v.Fields[o.Fields[i].Name] = o.Fields[i].AppendJSON(nil, r.Values[i])
		}
		if err := out.add(v); err != nil {
			return err
		}
	}
	return out.end()
}

// maybe returns a time in UTC, nil for none.
func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// chunk is how many records are labelled at once.
const chunk = 500

func (s *session) recordsCSV(ctx context.Context, o *mapping.Object, q syncer.RecordQuery, columns []int) error {
	w := csv.NewWriter(s.out)
	header := []string{"id"}
	for _, i := range columns {
		header = append(header, o.Fields[i].Name)
	}
	if err := w.Write(append(header, "created_at", "updated_at", "archived_at", "missing_since")); err != nil {
		return err
	}
	err := s.eachRow(ctx, o, q, columns, func(r syncer.Record, cells []string) error {
		row := append([]string{r.ID}, cells...)
		row = append(row, stamp(r.CreatedAt), stamp(r.UpdatedAt), stamp(r.Archived), stamp(r.MissingSince))
		for i := range row {
			row[i] = guarded(row[i])
		}
		return w.Write(row)
	})
	w.Flush()
	return errors.Join(err, w.Error())
}

// stamp writes a time for programs, nothing for no time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// recordsTable shows records for people, without the columns that are empty in
// all of them unless they were asked for.
func (s *session) recordsTable(ctx context.Context, o *mapping.Object, q syncer.RecordQuery, columns []int, asked bool) error {
	limit := q.Limit
	if limit > 0 {
		q.Limit++ // to know whether there are more
	}
	var all [][]string
	used := make([]bool, len(columns)+2)
	err := s.eachRow(ctx, o, q, columns, func(r syncer.Record, cells []string) error {
		for k, i := range columns {
			cells[k] = referring(o, i, r.Values, cells[k])
		}
		cells = append(cells, s.when(r.Archived), s.when(r.MissingSince))
		for i, c := range cells {
			used[i] = used[i] || c != "" || asked && i < len(columns)
		}
		all = append(all, append([]string{r.ID}, cells...))
		return nil
	})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		s.note("there are no such records of %s", o.Name)
		return nil
	}
	header := []string{"ID"}
	for _, i := range columns {
		header = append(header, strings.ToUpper(o.Fields[i].Name))
	}
	header = append(header, "ARCHIVED", "MISSING SINCE")
	keep := func(cells []string) []string {
		out := cells[:1:1]
		for i, c := range cells[1:] {
			if used[i] {
				out = append(out, c)
			}
		}
		return out
	}
	t := newTable(keep(header)...)
	for i, cells := range all {
		if limit == 0 || i < limit {
			t.add(keep(cells)...)
		}
	}
	if err := s.print(t); err != nil {
		return err
	}
	if limit > 0 && len(all) > limit {
		s.note("there are more; see them with --limit 0")
	}
	return nil
}

// referring is a value for people, with the record that a reference means.
func referring(o *mapping.Object, field int, values []mapping.Value, text string) string {
	link := o.Resolved(field)
	if link < 0 || values[link].IsEmpty() {
		return text
	}
	return text + " (" + recordName(&o.Fields[link], values[link].Text) + ")"
}

// eachRow yields each record and its cells for people, links as what they point
// to.
func (s *session) eachRow(ctx context.Context, o *mapping.Object, q syncer.RecordQuery, columns []int, yield func(syncer.Record, []string) error) error {
	labels := newLabels(s)
	for records, err := range chunks(s.store.Records(ctx, q), chunk) {
		if err != nil {
			return fmt.Errorf("read %s: %w", o.Name, err)
		}
		for _, i := range columns {
			if err := labels.learn(ctx, &o.Fields[i], i, records); err != nil {
				return err
			}
		}
		for _, r := range records {
			cells := make([]string, len(columns))
			for k, i := range columns {
				cells[k] = labels.cell(&o.Fields[i], r.Values[i])
			}
			if err := yield(r, cells); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunks gathers what a sequence yields.
func chunks[T any](seq func(func(T, error) bool), size int) func(func([]T, error) bool) {
	return func(yield func([]T, error) bool) {
		var part []T
		for v, err := range seq {
			if err != nil {
				yield(nil, err)
				return
			}
			if part = append(part, v); len(part) == size {
				if !yield(part, nil) {
					return
				}
				part = nil
			}
		}
		if len(part) > 0 {
			yield(part, nil)
		}
	}
}

// labels are the names of records that links point to, by object and id.
type labels struct {
	s     *session
	known map[string]map[string]string
}

func newLabels(s *session) *labels { return &labels{s: s, known: map[string]map[string]string{}} }

// maxLabels bounds the names that are remembered of one object.
const maxLabels = 100_000

// learn looks up the names that the values of a link field need.
func (l *labels) learn(ctx context.Context, f *mapping.Field, column int, records []syncer.Record) error {
	if !f.Link {
		return nil
	}
	names := l.known[f.Object]
	if names == nil || len(names) > maxLabels {
		names = map[string]string{}
		l.known[f.Object] = names
	}
	unknown := map[string]bool{}
	for _, r := range records {
		if id := r.Values[column].Text; id != "" && names[id] == "" {
			unknown[id] = true
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	target, err := l.s.object(f.Object)
	if err != nil {
		return err
	}
	ids := slices.Sorted(maps.Keys(unknown))
	hits, err := l.s.store.Match(ctx, syncer.Query{Object: f.Object, By: syncer.ByID, Values: ids})
	if err != nil {
		return fmt.Errorf("look up %s: %w", f.Object, err)
	}
	for i, id := range ids {
		names[id] = id
		if len(hits[i]) > 0 {
			names[id] = nameOf(target, hits[i][0].Values, id)
		}
	}
	return nil
}

// cell is a value for people.
func (l *labels) cell(f *mapping.Field, v mapping.Value) string {
	if name := l.known[f.Object][v.Text]; f.Link && name != "" {
		return name
	}
	return f.Format(v)
}

// nameOf is what a person calls a record: the first of its names and unique
// fields that has a value.
func nameOf(o *mapping.Object, values []mapping.Value, id string) string {
	for i := range o.Fields {
		f := &o.Fields[i]
		if text := f.Format(values[i]); text != "" && (f.Unique || slices.Contains(o.Key, f.Name)) && !f.Link {
			return text
		}
	}
	return id
}
