package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// Split undoes the merge of m.From into m.Into, in one transaction, as far as nobody
// has changed since what it did. It returns what it left, a sentence each. The
// error is [syncer.ErrNotFound] if From is not merged into Into, and
// [syncer.ErrConflict] if one of the two has another revision.
func (s *Store) Split(ctx context.Context, m syncer.Merge) (left []string, err error) {
	err = s.write(ctx, func(c *conn) error {
		g, err := s.newMerging(ctx, c, m)
		if err != nil {
			return err
		}
		found, err := c.one(ctx, "SELECT did, at FROM ledger_merges WHERE object = ? AND record = ? AND target = ?", g.layout.number, g.from.id, g.into.id)
		switch {
		case err != nil:
			return err
		case found == nil:
			return fmt.Errorf("record %s is not merged into record %s: %w", m.From, m.Into, syncer.ErrNotFound)
		}
		if err := g.checkRevisions(m); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text(found[0])), &g.did); err != nil {
			return fmt.Errorf("read what the merge did: %w", err)
		}
		p := splitting{merging: g, mergedAt: text(found[1])}
		if err := p.split(ctx); err != nil {
			return err
		}
		left = p.left
		return nil
	})
	return left, s.explain(err, fmt.Sprintf("split record %s of %s from record %s", m.From, m.Object, m.Into))
}

// A splitting is a merge being undone.
type splitting struct {
	*merging
	mergedAt string
	left     []string
}

// leave notes what the split does not undo.
func (p *splitting) leave(format string, args ...any) {
	p.left = append(p.left, fmt.Sprintf(format, args...))
}

func (p *splitting) split(ctx context.Context) error {
	given, err := p.giveBack(ctx)
	if err != nil {
		return err
	}
	if err := p.releaseKeys(ctx); err != nil {
		return err
	}
	if err := p.repointBack(ctx, &given); err != nil {
		return err
	}
	if len(given.changes) == 0 {
		given.change("merged", mapping.TextValue(idText(p.from.id)), mapping.Null)
	}
	if err := p.write(ctx, p.layout, p.into, given); err != nil {
		return err
	}
	back := edit{op: codeSplit}
	back.set(colArchived, orNull(p.did.Archived))
	back.change("merged_into", mapping.TextValue(idText(p.into.id)), mapping.Null)
	if err := p.write(ctx, p.layout, p.from, back); err != nil {
		return err
	}
	if err := p.regainKeys(ctx); err != nil {
		return err
	}
	if err := p.moveLinksBack(ctx); err != nil {
		return err
	}
	if err := p.spoilBoth(ctx); err != nil {
		return err
	}
	_, err = p.exec(ctx, "DELETE FROM ledger_merges WHERE object = ? AND record = ?", p.layout.number, p.from.id)
	return err
}

// giveBack returns the edit that gives back what Into took and still has.
func (p *splitting) giveBack(ctx context.Context) (edit, error) {
	given := edit{op: codeUpdate}
	values := slices.Clone(p.into.values)
	for _, t := range p.did.Took {
		f := p.layout.object.Field(t.Field)
		if f < 0 || p.into.values[f] != p.from.values[f] {
			p.leave("%s of record %d stays as it is, since it was changed after the merge", t.Field, p.into.id)
			continue
		}
		before := mapping.Null
		if t.Before != nil {
			before = mapping.TextValue(*t.Before)
		}
		values[f] = before
		free, err := p.free(ctx, f, values)
		if err != nil {
			return given, err
		}
		if !free {
			values[f] = p.into.values[f]
			p.leave("%s of record %d stays as it is, since another record has the key that it had before the merge", t.Field, p.into.id)
			continue
		}
		given.setField(p.layout, f, p.into.values[f], before)
	}
	return given, nil
}

// releaseKeys takes from From the keys that it holds for Into.
func (p *splitting) releaseKeys(ctx context.Context) error {
	for i := range p.layout.keys {
		k := &p.layout.keys[i]
		if len(k.fields) == 1 || !p.differs(k) {
			continue
		}
		if err := giveUp(ctx, p.conn, p.layout, k, p.from.id); err != nil {
			return err
		}
	}
	return nil
}

// differs reports whether From has another key than its fields say.
func (p *splitting) differs(k *key) bool {
	return slices.ContainsFunc(k.fields, func(f int) bool {
		return p.layout.columns[f].keyed != "" && p.from.keyed[f] != p.layout.keyForm(f, p.from.values[f])
	})
}

// regainKeys gives From the keys that it gave up, as far as nobody has them.
func (p *splitting) regainKeys(ctx context.Context) error {
	for i := range p.layout.keys {
		k := &p.layout.keys[i]
		if !p.differs(k) {
			continue
		}
		var sets []string
		var args params
		for _, f := range k.fields {
			if keyed := p.layout.columns[f].keyed; keyed != "" {
				sets = append(sets, keyed+" = ?")
				args.add(p.layout.keyForm(f, p.from.values[f]))
			}
		}
		args.add(p.from.id)
		n, err := p.execParams(ctx, "UPDATE OR IGNORE "+p.layout.table+" SET "+strings.Join(sets, ", ")+" WHERE \"id\" = ?", args)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		id, err := holder(ctx, p.conn, p.layout, k, p.from.values)
		if err != nil {
			return err
		}
		p.leave("record %d is not found by its %s, which is that of record %d now", p.from.id, strings.ReplaceAll(k.name, ",", " and "), id)
	}
	return nil
}

// repointBack lets what the merge pointed to Into point to From again, and takes
// the children that it archived out of the archive. Into's own fields go into own.
func (p *splitting) repointBack(ctx context.Context, own *edit) error {
	for _, refs := range p.did.Referrers {
		l, field := p.linkOf(refs)
		if field < 0 {
			continue
		}
		for _, id := range refs.IDs {
			r, err := p.row(ctx, l, id)
			if err != nil {
				return err
			}
			switch {
			case r == nil: // it was deleted since
			case r.values[field].Text != idText(p.into.id):
				p.leave("%s of record %d of %s stays as it is, since it was changed after the merge", refs.Field, id, l.object.Name)
			case l == p.layout && id == p.into.id:
				own.setField(l, field, r.values[field], mapping.TextValue(idText(p.from.id)))
			default:
				back := edit{op: codeUpdate}
				back.setField(l, field, r.values[field], mapping.TextValue(idText(p.from.id)))
				err := p.write(ctx, l, r, back)
				if errors.Is(err, syncer.ErrConflict) {
					p.leave("%s of record %d of %s stays as it is, since record %d has its like", refs.Field, id, l.object.Name, p.from.id)
					err = nil
				}
				if err != nil {
					return err
				}
			}
		}
	}
	for _, refs := range p.did.Children {
		l, field := p.linkOf(refs)
		if field < 0 {
			continue
		}
		for _, id := range refs.IDs {
			if err := p.restoreChild(ctx, l, field, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// restoreChild takes a child that the merge archived out of the archive, unless
// somebody has touched that since.
func (p *splitting) restoreChild(ctx context.Context, l *layout, field int, id int64) error {
	r, err := p.row(ctx, l, id)
	if err != nil || r == nil {
		return err
	}
	if text(r.archived) != p.mergedAt || r.values[field].Text != idText(p.from.id) {
		p.leave("record %d of %s stays as it is, since it was changed after the merge", id, l.object.Name)
		return nil
	}
	back := edit{op: codeRestore}
	back.set(colArchived, nil)
	return p.write(ctx, l, r, back)
}

// linkOf returns the link field that references are about, -1 if there is none
// any more.
func (p *splitting) linkOf(refs references) (*layout, int) {
	for _, l := range p.model.layouts {
		if l.number == refs.Object {
			return l, l.linkField(refs.Field)
		}
	}
	return nil, -1
}

// moveLinksBack lets links lead to From again that still lead to Into.
func (p *splitting) moveLinksBack(ctx context.Context) error {
	for _, link := range p.did.Moved {
		n, err := p.number(ctx, "SELECT count(*) FROM ledger_links WHERE object = ? AND target = ? AND integration = ? AND vendor_id IS ?",
			p.layout.number, p.into.id, link.Integration, orNull(link.VendorID))
		if err != nil {
			return err
		}
		if n == 0 {
			if err := p.leaveLink(ctx, link); err != nil {
				return err
			}
			continue
		}
		if err := p.moveLink(ctx, link.Integration, p.into.id, p.from.id); err != nil {
			return err
		}
	}
	for _, link := range p.did.Lost {
		if err := p.reviveLink(ctx, link); err != nil {
			return err
		}
	}
	for _, link := range p.did.Superseded {
		_, err := p.exec(ctx, `UPDATE ledger_superseded SET target = ?1 WHERE integration = ?2 AND object = ?3 AND vendor_id = ?4 AND target = ?5
			AND EXISTS (SELECT 1 FROM ledger_links WHERE object = ?3 AND target = ?1 AND integration = ?2)`,
			p.from.id, link.Integration, p.layout.number, orNull(link.VendorID), p.into.id)
		if err != nil {
			return err
		}
	}
	return nil
}

// reviveLink makes a link that the merge removed anew. Its vendor id was
// superseded by the one that Into's link has.
func (p *splitting) reviveLink(ctx context.Context, link oldLink) error {
	if link.VendorID != nil {
		n, err := p.exec(ctx, "DELETE FROM ledger_superseded WHERE integration = ? AND object = ? AND vendor_id = ? AND target = ?",
			link.Integration, p.layout.number, *link.VendorID, p.into.id)
		if err != nil {
			return err
		}
		if n == 0 {
			return p.leaveLink(ctx, link)
		}
	}
	_, err := p.exec(ctx, "INSERT INTO ledger_links (object, target, integration, vendor_id, hash, stale, missing_since) VALUES (?, ?, ?, ?, ?, 1, ?)",
		p.layout.number, p.from.id, link.Integration, orNull(link.VendorID), link.Hash, orNull(link.Missing))
	if err != nil || link.Withheld == nil {
		return err
	}
	_, err = p.exec(ctx, sqlWithhold, p.layout.number, p.from.id, link.Integration, *link.Withheld)
	return err
}

// leaveLink notes that a link does not come back.
func (p *splitting) leaveLink(ctx context.Context, link oldLink) error {
	found, err := p.one(ctx, "SELECT id FROM ledger_integrations WHERE number = ?", link.Integration)
	if err != nil {
		return err
	}
	var integration driver.Value
	if found != nil {
		integration = found[0]
	}
	vendorID := ""
	if link.VendorID != nil {
		vendorID = *link.VendorID
	}
	p.leave("the link of %q with the vendor id %q stays as it is, since it was changed after the merge", text(integration), vendorID)
	return nil
}
