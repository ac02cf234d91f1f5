package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// An eventView is one change of a record as JSON output shows it.
type eventView struct {
	Object      string           `json:"object"`
	ID          string           `json:"id"`
	Revision    int64            `json:"revision"`
	At          time.Time        `json:"at"`
	Op          syncer.Op        `json:"op"`
	Actor       string           `json:"actor"`
	Integration string           `json:"integration"` // empty for a change from outside
	Run         string           `json:"run"`
	Changes     []differenceView `json:"changes"`
}

// A differenceView is one field before and after.
type differenceView struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

func (a *app) historyCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "history OBJECT KEY",
		Short:   "Show who changed a record, when, in which run, and what it was before",
		Long:    "Show the changes of one record, the oldest first. KEY is the record's id, or the value of one of its unique fields.",
		Example: "  vendorsync history assets C02XY1\n  vendorsync history users ada@example.com",
		Args:    cobra.ExactArgs(2),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			o, err := s.object(args[0])
			if err != nil {
				return err
			}
			id, err := s.find(ctx, o, args[1])
			if err != nil {
				return err
			}
			return s.history(ctx, o, id, args[1])
		}),
	}
}

// find returns the id of the record that a person means. A text that no record
// has is taken as the id of one that no longer exists.
func (s *session) find(ctx context.Context, o *mapping.Object, key string) (string, error) {
	found := map[string]bool{}
	match := func(q syncer.Query) error {
		q.Object = o.Name
		hits, err := s.store.Match(ctx, q)
		if err != nil {
			return fmt.Errorf("find %q among %s: %w", key, o.Name, err)
		}
		for _, h := range slices.Concat(hits...) {
			found[h.ID] = true
		}
		return nil
	}
	if err := match(syncer.Query{By: syncer.ByID, Values: []string{key}}); err != nil {
		return "", err
	}
	for i := range o.Fields {
		f := &o.Fields[i]
		v, err := f.Parse(key)
		if !f.Unique || err != nil {
			continue
		}
		if form := f.Normalize(v); form != "" {
			if err := match(syncer.Query{By: syncer.ByKey, Fields: []string{f.Name}, Values: []string{form}}); err != nil {
				return "", err
			}
		}
	}
	if err := s.findByName(ctx, o, key, found); err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return key, nil
	case 1:
		for id := range found {
			return id, nil
		}
	}
	var ids []string
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return "", fmt.Errorf("%q is a value of several %s; name one by its id: %s", key, o.Name, strings.Join(ids, ", "))
}

// findByName looks for the first field of a composite key: the name of a
// software title.
func (s *session) findByName(ctx context.Context, o *mapping.Object, key string, found map[string]bool) error {
	if len(o.Key) == 0 || o.Fields[o.Field(o.Key[0])].Link {
		return nil
	}
	q := syncer.RecordQuery{Object: o.Name, Where: map[string]string{o.Key[0]: key}, Archived: true}
	for r, err := range s.store.Records(ctx, q) {
		if err != nil {
			return fmt.Errorf("find %q among %s: %w", key, o.Name, err)
		}
		found[r.ID] = true
	}
	return nil
}

func (s *session) history(ctx context.Context, o *mapping.Object, id, key string) error {
	var events []eventView
	t := newTable("WHEN", "WHO", "RUN", "INTEGRATION", "CHANGE", "FIELD", "BEFORE", "AFTER")
	for e, err := range s.store.History(ctx, o.Name, id) {
		if err != nil {
			return fmt.Errorf("read the history of %s %s: %w", o.Name, id, err)
		}
		events = append(events, viewEvent(o, e))
		row := []string{s.when(e.At), cmp.Or(e.Actor, "unknown"), e.Run, cmp.Or(e.Integration, "from outside"), string(e.Op)}
		if len(e.Changes) == 0 {
			t.add(append(row, "", "", "")...)
		}
		for _, c := range e.Changes {
			if field, before, after, told := shownChange(o, e.Changes, c); told {
				t.add(append(slices.Clone(row), field, before, after)...)
			}
		}
	}
	switch {
	case len(events) == 0:
		return fmt.Errorf("%s have no record %q, by id or by a unique field (see `vendorsync records %s`)", o.Name, key, o.Name)
	case s.json:
		return s.writeJSON(events)
	}
	return s.print(t)
}

func viewEvent(o *mapping.Object, e syncer.Event) eventView {
	v := eventView{
		Object: e.Object, ID: e.ID, Revision: e.Revision, At: e.At.UTC(), Op: e.Op, Actor: e.Actor, Integration: e.Integration, Run: e.Run,
		Changes: []differenceView{},
	}
	for _, c := range e.Changes {
		d := differenceView{Field: c.Field, Before: json.RawMessage(`"` + credentials.Mask + `"`), After: json.RawMessage(`"` + credentials.Mask + `"`)}
		if f := historyField(o, c.Field); !c.Hidden {
			d.Before, d.After = f.AppendJSON(nil, c.Before), f.AppendJSON(nil, c.After)
		}
		v.Changes = append(v.Changes, d)
	}
	return v
}

// shownChange is a change for people. The record that a reference means stands
// behind its text, and has no line of its own beside it.
func shownChange(o *mapping.Object, all []syncer.FieldChange, c syncer.FieldChange) (field, before, after string, told bool) {
	field, before, after = c.Field, shown(o, c, c.Before), shown(o, c, c.After)
	at := o.Field(c.Field)
	if at < 0 {
		return field, before, after, true
	}
	change := func(name string) (syncer.FieldChange, bool) {
		i := slices.IndexFunc(all, func(c syncer.FieldChange) bool { return c.Field == name })
		if i < 0 {
			return syncer.FieldChange{}, false
		}
		return all[i], true
	}
	if link := &o.Fields[at]; link.For != "" {
		_, beside := change(link.For)
		return link.For, recordOf(link, c.Before), recordOf(link, c.After), !beside
	}
	link := o.Resolved(at)
	if link < 0 || c.Hidden {
		return field, before, after, true
	}
	if r, ok := change(o.Fields[link].Name); ok {
		behind := func(text string, v mapping.Value) string {
			if v.IsEmpty() {
				return text
			}
			return strings.TrimSpace(text + " (" + recordOf(&o.Fields[link], v) + ")")
		}
		before, after = behind(before, r.Before), behind(after, r.After)
	}
	return field, before, after, true
}

// recordOf is the record that a link holds, for people.
func recordOf(link *mapping.Field, v mapping.Value) string {
	if v.IsEmpty() {
		return ""
	}
	return recordName(link, v.Text)
}

// shown is a value of the history for people.
func shown(o *mapping.Object, c syncer.FieldChange, v mapping.Value) string {
	if c.Hidden {
		return credentials.Mask
	}
	return historyField(o, c.Field).Format(v)
}

// historyField returns a field of the object, as text if it is there no longer.
func historyField(o *mapping.Object, name string) *mapping.Field {
	if i := o.Field(name); i >= 0 {
		return &o.Fields[i]
	}
	return &mapping.Field{Name: name, Type: mapping.Text}
}
