package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// Merge makes m.From a part of m.Into, in one transaction. A field that would give
// Into a third record's key stays empty. The error is [syncer.ErrNotFound] if one
// of the two is not there, [syncer.ErrConflict] if one has another revision or is
// merged already, and [connector.ErrUnsupported] for a record that is not in this
// database.
func (s *Store) Merge(ctx context.Context, m syncer.Merge) error {
	err := s.write(ctx, func(c *conn) error {
		g, err := s.newMerging(ctx, c, m)
		if err != nil {
			return err
		}
		for _, r := range []*row{g.into, g.from} {
			if target, err := mergedTarget(ctx, c, g.layout, r.id); err != nil || target > 0 {
				return orConflict(err)
			}
		}
		if err := g.checkRevisions(m); err != nil {
			return err
		}
		return g.merge(ctx)
	})
	return s.explain(err, fmt.Sprintf("merge record %s of %s into record %s", m.From, m.Object, m.Into))
}

// orConflict returns err, or [syncer.ErrConflict] where there is none.
func orConflict(err error) error {
	if err == nil {
		return syncer.ErrConflict
	}
	return err
}

// mergedTarget returns what a record was merged into, 0 if it was not.
func mergedTarget(ctx context.Context, c *conn, l *layout, id driver.Value) (int64, error) {
	return c.number(ctx, "SELECT target FROM ledger_merges WHERE object = ? AND record = ?", l.number, id)
}

// hasMerges reports whether records of an object are merged.
func hasMerges(ctx context.Context, c *conn, l *layout) (bool, error) {
	n, err := c.number(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_merges WHERE object = ?)", l.number)
	return n > 0, err
}

// mergeRoot returns the record that a record has become a part of, itself if it
// was not merged.
func mergeRoot(ctx context.Context, c *conn, l *layout, id int64) (int64, error) {
	for {
		target, err := mergedTarget(ctx, c, l, id)
		if err != nil || target == 0 {
			return id, err
		}
		id = target
	}
}

// A merging is two records being merged or split.
type merging struct {
	*editor
	layout     *layout
	into, from *row
	did        did
}

// Did is what a merge did and a split takes back. Integrations and objects are
// given by their numbers in the ledger.
type did struct {
	Archived *string `json:"archived_at"` // of the merged record, before
	Took     []taken `json:"took,omitempty"`
	// Moved are the links that now lead to Into; those of Lost were removed, since
	// the integration has one to Into already, and Superseded are those that were
	// superseded before.
	Moved      []oldLink    `json:"moved,omitempty"`
	Lost       []oldLink    `json:"lost,omitempty"`
	Superseded []oldLink    `json:"superseded,omitempty"`
	Referrers  []references `json:"referrers,omitempty"`
	Children   []references `json:"children,omitempty"` // that were archived
}

// A taken is a field that Into took from From. What it had before is empty to
// those who match records: nothing, blanks, or a placeholder.
type taken struct {
	Field  string  `json:"field"`
	Before *string `json:"before,omitempty"`
}

// An oldLink is a link as it was. Its hash is text, since not every reader of JSON
// keeps 64 bits.
type oldLink struct {
	Integration int64   `json:"integration"`
	VendorID    *string `json:"vendor_id"`
	Hash        int64   `json:"hash,string,omitempty"`
	Missing     *string `json:"missing_since,omitempty"`
	Withheld    *string `json:"withheld,omitempty"`
}

// References are records that one link field of an object led from.
type references struct {
	Object int64   `json:"object"`
	Field  string  `json:"field"`
	IDs    []int64 `json:"ids"`
}

// newMerging reads the two records.
func (s *Store) newMerging(ctx context.Context, c *conn, m syncer.Merge) (*merging, error) {
	model, err := s.currentModel(ctx, c)
	if err != nil {
		return nil, err
	}
	l, err := model.object(m.Object)
	if err != nil {
		return nil, err
	}
	if m.Into == m.From {
		return nil, &connector.Error{Class: connector.ErrInvalid, Message: "it is one record", Remedy: "name two records"}
	}
	if err := adoptAll(ctx, c, model); err != nil {
		return nil, err
	}
	g := &merging{editor: newEditor(c, model, m.Actor, timeText(m.At)), layout: l}
	if g.into, err = g.named(ctx, m.Into); err != nil {
		return nil, err
	}
	g.from, err = g.named(ctx, m.From)
	return g, err
}

// named returns the record that a caller names.
func (g *merging) named(ctx context.Context, id string) (*row, error) {
	if number, ok := recordID(id); ok {
		if r, err := g.row(ctx, g.layout, number); err != nil || r != nil {
			return r, err
		}
	}
	elsewhere, err := hasElsewhere(ctx, g.conn, g.layout)
	if err != nil {
		return nil, err
	}
	if elsewhere {
		n, err := g.number(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_links WHERE object = ? AND target = ?)", g.layout.number, id)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			return nil, &connector.Error{
				Class: connector.ErrUnsupported, Message: fmt.Sprintf("record %s is not in this database, only its links and history are", id),
				Remedy: "merge the records where they are",
			}
		}
	}
	return nil, fmt.Errorf("record %s: %w", id, syncer.ErrNotFound)
}

func (g *merging) checkRevisions(m syncer.Merge) error {
	if m.IntoRevision >= 0 && m.IntoRevision != g.into.revision || m.FromRevision >= 0 && m.FromRevision != g.from.revision {
		return syncer.ErrConflict
	}
	return nil
}

func (g *merging) merge(ctx context.Context) error {
	took, err := g.takeable(ctx)
	if err != nil {
		return err
	}
	if err := g.putAway(ctx); err != nil {
		return err
	}
	filled := edit{op: codeUpdate}
	values := slices.Clone(g.into.values)
	for _, f := range took {
		filled.setField(g.layout, f, g.into.values[f], g.from.values[f])
		g.did.Took = append(g.did.Took, taken{Field: g.layout.object.Fields[f].Name, Before: textOrNil(g.layout.bound(f, g.into.values[f]))})
		values[f] = g.from.values[f]
	}
	passed, err := g.passKeys(ctx, took, values)
	if err != nil {
		return err
	}
	if err := g.repoint(ctx, g.from.id, g.into.id, &filled); err != nil {
		return err
	}
	if len(filled.changes) == 0 {
		filled.change("merged", mapping.Null, mapping.TextValue(idText(g.from.id)))
	}
	if err := g.write(ctx, g.layout, g.into, filled); err != nil {
		return err
	}
	if err := g.keepKeys(ctx, passed); err != nil {
		return err
	}
	if err := g.moveLinks(ctx); err != nil {
		return err
	}
	if err := g.spoilBoth(ctx); err != nil {
		return err
	}
	document, err := json.Marshal(g.did)
	if err != nil {
		return err
	}
	actor, _ := g.actor.(string)
	_, err = g.exec(ctx, "INSERT INTO ledger_merges (object, record, target, actor, at, did) VALUES (?, ?, ?, ?, ?, ?)",
		g.layout.number, g.from.id, g.into.id, actor, g.at, string(document))
	return err
}

// spoilBoth marks the links to both records as stale, and those of who uses them.
func (g *merging) spoilBoth(ctx context.Context) error {
	for _, r := range []*row{g.into, g.from} {
		if err := g.spoil(ctx, g.layout, r); err != nil {
			return err
		}
		if err := g.spoilUsers(ctx, g.layout, r.id); err != nil {
			return err
		}
	}
	return nil
}

// takeable returns the fields that Into takes from From: those that say nothing in
// Into, unless the key that this makes is another record's.
func (g *merging) takeable(ctx context.Context) ([]int, error) {
	var took []int
	values := slices.Clone(g.into.values)
	for i := range g.layout.columns {
		f := &g.layout.object.Fields[i]
		into, from := g.into.values[i], g.from.values[i]
		switch {
		case f.Normalize(into) != "", f.Normalize(from) == "", f.Link && f.For == "":
			continue
		case f.Link && (!slices.Contains(took, g.layout.object.Field(f.For)) || from.Text == idText(g.into.id)):
			continue // it goes with its text, and nobody is their own manager
		}
		values[i] = from
		free, err := g.free(ctx, i, values)
		if err != nil {
			return nil, err
		}
		if !free {
			values[i] = into
			continue
		}
		took = append(took, i)
	}
	return took, nil
}

// free reports whether no record but these two, and what is a part of them, has a
// key in which a field takes part, with these values.
func (g *merging) free(ctx context.Context, field int, values []mapping.Value) (bool, error) {
	for i := range g.layout.keys {
		k := &g.layout.keys[i]
		if !slices.Contains(k.fields, field) {
			continue
		}
		holder, err := holder(ctx, g.conn, g.layout, k, values)
		if err != nil {
			return false, err
		}
		if holder == 0 {
			continue
		}
		root, err := mergeRoot(ctx, g.conn, g.layout, holder)
		if err != nil || root != g.into.id && root != g.from.id {
			return false, err
		}
	}
	return true, nil
}

// holder returns the record that has a key with these values, 0 if none has.
func holder(ctx context.Context, c *conn, l *layout, k *key, values []mapping.Value) (int64, error) {
	text := l.keyText(k, values)
	if text == "" {
		return 0, nil
	}
	parts, ok := l.splitKey(k, text, syncer.KeySeparator)
	if !ok {
		return 0, nil
	}
	return c.number(ctx, l.findSQL(k), parts...)
}

// giveUp takes a key from a record, which goes on showing its fields: it has none
// then, or, where its first field is a link, one that nothing else can have.
func giveUp(ctx context.Context, c *conn, l *layout, k *key, id int64) error {
	first, last := l.columns[k.fields[0]].keyed, ""
	for _, f := range k.fields {
		if keyed := l.columns[f].keyed; keyed != "" {
			last = keyed
		}
	}
	var err error
	switch {
	case first != "":
		_, err = c.exec(ctx, "UPDATE "+l.table+" SET "+first+" = '' WHERE \"id\" = ?", id)
	case last != "":
		_, err = c.exec(ctx, "UPDATE "+l.table+" SET "+last+" = ? WHERE \"id\" = ?", syncer.KeySeparator+idText(id), id)
	}
	return err
}

// passKeys takes the keys that Into is going to have from those that have them,
// and returns which From had.
func (g *merging) passKeys(ctx context.Context, took []int, values []mapping.Value) ([]*key, error) {
	var passed []*key
	for i := range g.layout.keys {
		k := &g.layout.keys[i]
		if !slices.ContainsFunc(k.fields, func(f int) bool { return slices.Contains(took, f) }) {
			continue
		}
		holder, err := holder(ctx, g.conn, g.layout, k, values)
		if err != nil {
			return nil, err
		}
		if holder == 0 {
			continue
		}
		if err := giveUp(ctx, g.conn, g.layout, k, holder); err != nil {
			return nil, err
		}
		if holder == g.from.id {
			passed = append(passed, k)
		}
	}
	return passed, nil
}

// keepKeys gives From the composite keys that Into had before, so that a title is
// still found as it was called before it had a publisher.
func (g *merging) keepKeys(ctx context.Context, passed []*key) error {
	for _, k := range passed {
		if len(k.fields) == 1 || g.layout.keyText(k, g.into.values) == "" {
			continue
		}
		var sets []string
		var args params
		for _, f := range k.fields {
			if keyed := g.layout.columns[f].keyed; keyed != "" {
				sets = append(sets, keyed+" = ?")
				args.add(g.layout.object.Fields[f].Normalize(g.into.values[f]))
			}
		}
		args.add(g.from.id)
		if _, err := g.execParams(ctx, "UPDATE OR IGNORE "+g.layout.table+" SET "+strings.Join(sets, ", ")+" WHERE \"id\" = ?", args); err != nil {
			return err
		}
	}
	return nil
}

// putAway archives From.
func (g *merging) putAway(ctx context.Context) error {
	away := edit{op: codeMerge}
	if g.from.archived == nil {
		away.set(colArchived, g.at)
	} else {
		g.did.Archived = textOrNil(g.from.archived)
	}
	away.change("merged_into", mapping.Null, mapping.TextValue(idText(g.into.id)))
	return g.write(ctx, g.layout, g.from, away)
}

// repoint lets every link field that holds one record hold the other. Into's own
// fields go into own.
func (g *merging) repoint(ctx context.Context, before, after int64, own *edit) error {
	for _, l := range g.model.layouts {
		for _, f := range l.links {
			if g.model.parent(l, f) != g.layout {
				continue
			}
			if err := g.repointField(ctx, l, f, before, after, own); err != nil {
				return err
			}
		}
	}
	return nil
}

// referring is the condition of the next records that one link field leads from.
func (l *layout) referring(field int) string {
	return fmt.Sprintf(`t.%s = ? AND t."id" > ? ORDER BY t."id" LIMIT %d`, l.columns[field].name, adoptChunk)
}

func (g *merging) repointField(ctx context.Context, l *layout, field int, before, after int64, own *edit) error {
	moved := references{Object: l.number, Field: l.object.Fields[field].Name}
	closed := moved
	for last := int64(0); ; {
		found, err := g.rows(ctx, l, l.referring(field), before, last)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			break
		}
		for i := range found {
			r := &found[i]
			last = r.id
			if l == g.layout && r.id == before {
				continue // what it said of itself stays
			}
			if l == g.layout && r.id == after {
				own.setField(l, field, r.values[field], mapping.TextValue(idText(after)))
				moved.IDs = append(moved.IDs, r.id)
				continue
			}
			was := r.archived
			there, err := g.repointRow(ctx, l, r, field, after)
			switch {
			case err != nil:
				return err
			case there:
				moved.IDs = append(moved.IDs, r.id)
			case was == nil:
				closed.IDs = append(closed.IDs, r.id)
			}
		}
	}
	if len(moved.IDs) > 0 {
		g.did.Referrers = append(g.did.Referrers, moved)
	}
	if len(closed.IDs) > 0 {
		g.did.Children = append(g.did.Children, closed)
	}
	return nil
}

// repointRow lets one record point to another, and reports whether it does: one
// whose key the other has already stays where it is, and is archived.
func (g *merging) repointRow(ctx context.Context, l *layout, r *row, field int, after int64) (bool, error) {
	there := edit{op: codeUpdate}
	there.setField(l, field, r.values[field], mapping.TextValue(idText(after)))
	err := g.write(ctx, l, r, there)
	if !errors.Is(err, syncer.ErrConflict) {
		return true, err
	}
	if r.archived != nil {
		return false, nil
	}
	away := edit{op: codeArchive}
	away.set(colArchived, g.at)
	return false, g.write(ctx, l, r, away)
}

// moveLinks makes the links to From links to Into.
func (g *merging) moveLinks(ctx context.Context) error {
	taken := map[int64]bool{}
	var args params
	args.add(g.layout.number)
	args.add(g.into.id)
	err := g.query(ctx, "SELECT integration FROM ledger_links WHERE object = ? AND target = ?", args, func(v []driver.Value) error {
		taken[integer(v[0])] = true
		return nil
	})
	if err != nil {
		return err
	}
	links, err := g.linksTo(ctx, g.from.id)
	if err != nil {
		return err
	}
	for _, link := range links {
		if taken[link.Integration] {
			g.did.Lost = append(g.did.Lost, link)
			err = g.loseLink(ctx, link)
		} else {
			g.did.Moved = append(g.did.Moved, link)
			err = g.moveLink(ctx, link.Integration, g.from.id, g.into.id)
		}
		if err != nil {
			return err
		}
	}
	return g.moveSuperseded(ctx)
}

// linksTo returns the live links to a record.
func (g *merging) linksTo(ctx context.Context, id int64) ([]oldLink, error) {
	var args params
	args.add(g.layout.number)
	args.add(id)
	var links []oldLink
	err := g.query(ctx, `SELECT l.integration, l.vendor_id, l.hash, l.missing_since, w.said FROM ledger_links l
		LEFT JOIN ledger_withheld w ON w.object = l.object AND w.target = l.target AND w.integration = l.integration
		WHERE l.object = ? AND l.target = ?`, args, func(v []driver.Value) error {
		links = append(links, oldLink{Integration: integer(v[0]), VendorID: textOrNil(v[1]), Hash: integer(v[2]), Missing: textOrNil(v[3]), Withheld: textOrNil(v[4])})
		return nil
	})
	return links, err
}

// textOrNil returns a column as text, nil for NULL.
func textOrNil(v driver.Value) *string {
	if v == nil {
		return nil
	}
	s := text(v)
	return &s
}

// orNull returns a text as it goes into a column.
func orNull(s *string) driver.Value {
	if s == nil {
		return nil
	}
	return *s
}

// moveLink lets an integration's link, and what is withheld with it, lead to
// another record.
func (g *merging) moveLink(ctx context.Context, integration, before, after int64) error {
	for _, table := range []string{"ledger_links", "ledger_withheld"} {
		if _, err := g.exec(ctx, "UPDATE "+table+" SET target = ? WHERE object = ? AND target = ? AND integration = ?", after, g.layout.number, before, integration); err != nil {
			return err
		}
	}
	return nil
}

// loseLink removes a link to From, whose vendor id the one to Into supersedes.
func (g *merging) loseLink(ctx context.Context, link oldLink) error {
	for _, table := range []string{"ledger_links", "ledger_withheld"} {
		if _, err := g.exec(ctx, "DELETE FROM "+table+" WHERE object = ? AND target = ? AND integration = ?", g.layout.number, g.from.id, link.Integration); err != nil {
			return err
		}
	}
	if link.VendorID == nil {
		return nil
	}
	_, err := g.exec(ctx, "INSERT INTO ledger_superseded (integration, object, vendor_id, target) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		link.Integration, g.layout.number, *link.VendorID, g.into.id)
	return err
}

// moveSuperseded lets vendor ids that were superseded before follow.
func (g *merging) moveSuperseded(ctx context.Context) error {
	var args params
	args.add(g.layout.number)
	args.add(g.from.id)
	err := g.query(ctx, "SELECT integration, vendor_id FROM ledger_superseded WHERE object = ? AND target = ?", args, func(v []driver.Value) error {
		g.did.Superseded = append(g.did.Superseded, oldLink{Integration: integer(v[0]), VendorID: textOrNil(v[1])})
		return nil
	})
	if err != nil || len(g.did.Superseded) == 0 {
		return err
	}
	_, err = g.exec(ctx, "UPDATE ledger_superseded SET target = ? WHERE object = ? AND target = ?", g.into.id, g.layout.number, g.from.id)
	return err
}

// Merges yields the merges of an object that stand, in the order of the merged
// records' ids. Their revisions are -1.
func (s *Store) Merges(ctx context.Context, object string) iter.Seq2[syncer.Merge, error] {
	return scan(ctx, s, "read the merges of "+object, func(c *conn, yield func(syncer.Merge) error) error {
		m, err := s.currentModel(ctx, c)
		if err != nil {
			return err
		}
		l, err := m.object(object)
		if err != nil {
			return err
		}
		var args params
		args.add(l.number)
		return c.query(ctx, "SELECT record, target, actor, at FROM ledger_merges WHERE object = ? ORDER BY record", args, func(v []driver.Value) error {
			return yield(syncer.Merge{
				Object: object, From: idText(v[0]), Into: idText(v[1]), FromRevision: -1, IntoRevision: -1,
				Actor: text(v[2]), At: timeOf(v[3]),
			})
		})
	})
}
