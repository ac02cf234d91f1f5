package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// scan makes a sequence of what do yields on a reading connection. Its errors are
// the last element.
func scan[V any](ctx context.Context, s *Store, doing string, do func(c *conn, yield func(V) error) error) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		stopped := false
		err := s.read(ctx, func(c *conn) error {
			return do(c, func(v V) error {
				if stopped = !yield(v, nil); stopped {
					return errStop
				}
				return nil
			})
		})
		if err != nil && !stopped {
			var zero V
			yield(zero, s.explain(err, doing))
		}
	}
}

const (
	sqlScanLinks = `SELECT hash, vendor_id, stale + 2 * (missing_since IS NOT NULL), target FROM ledger_links WHERE object = ? AND integration = ?`

	sqlScanSuperseded = `SELECT s.vendor_id, s.target, l.vendor_id FROM ledger_superseded s
		CROSS JOIN ledger_links l ON l.object = s.object AND l.target = s.target AND l.integration = s.integration
		WHERE s.integration = ? AND s.object = ?`
)

// ScanLinks yields all links of an integration to the records of an object: the
// live ones in the order of the records' ids, then the superseded ones.
func (s *Store) ScanLinks(ctx context.Context, integration, object string) iter.Seq2[syncer.Link, error] {
	return scan(ctx, s, "read the links to "+object, func(c *conn, yield func(syncer.Link) error) error {
		m, err := s.currentModel(ctx, c)
		if err != nil {
			return err
		}
		l := m.layout(object)
		if l == nil {
			return nil // nothing can be linked to it
		}
		number, err := integrationNumber(ctx, c, integration)
		if err != nil {
			return err
		}
		stopped := false
		var args params
		args.add(l.number)
		args.add(number)
		err = c.query(ctx, sqlScanLinks, args, func(v []driver.Value) error {
			err := yield(*newLink(v[3], v))
			stopped = err != nil
			return err
		})
		if err != nil || stopped {
			return err
		}
		args = args[:0]
		args.add(number)
		args.add(l.number)
		return c.query(ctx, sqlScanSuperseded, args, func(v []driver.Value) error {
			return yield(syncer.Link{VendorID: text(v[0]), ID: idText(v[1]), SupersededBy: text(v[2])})
		})
	})
}

// ScanKeys yields the normal forms of all keys of an object, those of archived
// records included.
func (s *Store) ScanKeys(ctx context.Context, object string) iter.Seq2[syncer.Key, error] {
	return scan(ctx, s, "read the keys of "+object, func(c *conn, yield func(syncer.Key) error) error {
		m, err := s.currentModel(ctx, c)
		if err != nil {
			return err
		}
		l, err := m.object(object)
		if err != nil {
			return err
		}
		stopped := false
		emit := func(k *key, text string) error {
			if text == "" {
				return nil
			}
			err := yield(syncer.Key{Field: k.name, Text: text})
			stopped = err != nil
			return err
		}
		for i := range l.keys {
			k := &l.keys[i]
			if err := c.query(ctx, l.scanKeysSQL(k), nil, func(v []driver.Value) error { return emit(k, joinKey(v)) }); err != nil || stopped {
				return err
			}
		}
		for after := int64(0); ; {
			rows, err := l.handmade(ctx, c, after, adoptChunk)
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, r := range rows {
				after = r.id
				for i := range l.keys {
					if err := emit(&l.keys[i], l.keyText(&l.keys[i], r.values)); err != nil || stopped {
						return err
					}
				}
			}
		}
	})
}

// scanKeysSQL selects the keys that stand in an index. Rows edited by hand stand
// there as they were typed, which does no harm: what they are known by comes
// after.
func (l *layout) scanKeysSQL(k *key) string {
	return "SELECT " + strings.Join(k.exprs, ", ") + " FROM " + l.table + " WHERE " + k.where
}

func joinKey(parts []driver.Value) string {
	if len(parts) == 1 {
		return text(parts[0])
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = text(p)
	}
	return strings.Join(texts, syncer.KeySeparator)
}

// waitingSQL selects the records in which a reference waits: those that stand
// under NULL in the index of its link.
func (l *layout) waitingSQL(link int) string {
	c := &l.columns[link]
	return `SELECT "id", "revision", ` + c.text + " FROM " + l.table + " WHERE " + c.name + " IS NULL AND " + c.text + " <> ''"
}

// ScanWaiting yields the records in which the reference of that name has a text
// and no record, archived ones included. In a merged record, nothing waits.
func (s *Store) ScanWaiting(ctx context.Context, object, field string) iter.Seq2[syncer.Waiting, error] {
	doing := fmt.Sprintf("read which %s wait for %s", object, field)
	return scan(ctx, s, doing, func(c *conn, yield func(syncer.Waiting) error) error {
		m, err := s.currentModel(ctx, c)
		if err != nil {
			return err
		}
		l, err := m.object(object)
		if err != nil {
			return err
		}
		at, link := l.object.Field(field), -1
		if at >= 0 {
			link = l.object.Resolved(at)
		}
		if link < 0 {
			return &connector.Error{Class: connector.ErrInvalid, Message: fmt.Sprintf("%s have no reference %q", object, field), Remedy: "name a field of type reference, such as assigned_to of assets"}
		}
		query := l.waitingSQL(link)
		merges, err := hasMerges(ctx, c, l)
		if err != nil {
			return err
		}
		if merges { // of a merged record, nothing waits
			query += fmt.Sprintf(` AND +"id" NOT IN (SELECT record FROM ledger_merges WHERE object = %d)`, l.number)
		}
		return c.query(ctx, query, nil, func(v []driver.Value) error {
			w := syncer.Waiting{ID: idText(v[0]), Revision: integer(v[1]), Text: text(v[2])}
			if l.object.Fields[at].Normalize(mapping.TextValue(w.Text)) == "" {
				return nil
			}
			return yield(w)
		})
	})
}
