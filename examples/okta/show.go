package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

// runs makes full runs and shows what came of them. One that fails does not hinder
// the next.
func (t *tour) runs(ctx context.Context, reading syncer.Reading, ids ...string) error {
	rows := [][]string{{"INTEGRATION", "RESULT", "FETCHED", "CREATED", "UPDATED", "UNCHANGED", "WITH THEM"}}
	var notes []string
	for _, id := range ids {
		r, err := t.Run(ctx, id, syncer.RunOptions{By: admin, Reading: reading})
		if err != nil {
			notes = append(notes, err.Error())
		}
		if !r.Since.IsZero() {
			notes = append(notes, fmt.Sprintf("%s asked for what has changed since %s", id, r.Since.Format(time.DateTime)))
		}
		for _, p := range r.Problems {
			notes = append(notes, fmt.Sprintf("%s, record %s: %s", id, p.Record, p.Reason))
		}
		var effects []string
		for _, object := range []string{"users", "assets", "saas_applications", "saas_users"} {
			if e := r.Effects[object]; e.Created+e.Updated > 0 {
				effects = append(effects, fmt.Sprintf("%s: %d created, %d updated", object, e.Created, e.Updated))
			}
		}
		c := r.Counts
		rows = append(rows, []string{id, string(r.Status), fmt.Sprint(c.Fetched), fmt.Sprint(c.Created), fmt.Sprint(c.Updated), fmt.Sprint(c.Unchanged), strings.Join(effects, "; ")})
	}
	if err := t.table(rows); err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(t, " ", note)
	}
	return nil
}

// records shows fields of the records of an object.
func (t *tour) records(ctx context.Context, object string, fields ...string) error {
	schema, err := t.store.Schema(ctx)
	if err != nil {
		return err
	}
	o, _ := schema.Object(object)
	rows := [][]string{append([]string{"id"}, fields...)}
	for r, err := range t.store.Records(ctx, syncer.RecordQuery{Object: object}) {
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

// history returns the changes of the record that has a value in its first sync
// key: what changed, who asked for the run, and in whose name it was written.
func (t *tour) history(ctx context.Context, object, key string) ([][]string, error) {
	schema, err := t.store.Schema(ctx)
	if err != nil {
		return nil, err
	}
	o, _ := schema.Object(object)
	keyField := map[string]string{"users": "username", "assets": "serial_number"}[object]
	var rows [][]string
	for r, err := range t.store.Records(ctx, syncer.RecordQuery{Object: object, Where: map[string]string{keyField: key}}) {
		if err != nil {
			return nil, err
		}
		for e, err := range t.store.History(ctx, object, r.ID) {
			if err != nil {
				return nil, err
			}
			made, err := t.Journal().Run(ctx, e.Run)
			if err != nil {
				return nil, err
			}
			row := []string{key, e.At.Format(time.DateTime), fmt.Sprintf("%s, asked for by %s", e.Integration, made.By), e.Actor}
			if e.Op == syncer.Create {
				rows = append(rows, append(row, "created", "", ""))
				continue
			}
			for _, c := range e.Changes {
				f := o.Fields[o.Field(c.Field)]
				rows = append(rows, append(row[:len(row):len(row)], c.Field, f.Format(c.Before), f.Format(c.After)))
			}
		}
	}
	return rows, nil
}

// shown returns a mapped value as text.
func shown(v any) string {
	if v == nil {
		return ""
	}
	return strings.Trim(fmt.Sprintf("%s", v), `"`)
}

func (t *tour) table(rows [][]string) error {
	w := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.TrimRight("  "+strings.Join(row, "\t"), "\t "))
	}
	return w.Flush()
}
