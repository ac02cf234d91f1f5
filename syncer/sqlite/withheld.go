package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// withhold keeps what the vendor says of fields that are not written, in place of
// what was kept with the link before.
func (a *apply) withhold(ctx context.Context, l *layout, r record, said []syncer.Said) error {
	if len(said) == 0 {
		return a.withholdNothing(ctx, r)
	}
	text, err := a.saidJSON(ctx, l, said)
	if err != nil {
		return err
	}
	if !a.withheld[r.object] {
		if _, err := a.exec(ctx, "UPDATE ledger_linked SET withheld = 1 WHERE object = ? AND integration = ?", r.object, a.integration); err != nil {
			return err
		}
		a.withheld[r.object] = true
	}
	_, err = a.exec(ctx, sqlWithhold, r.object, r.id, a.integration, text)
	return err
}

const sqlWithhold = "INSERT INTO ledger_withheld (object, target, integration, said) VALUES (?, ?, ?, ?) ON CONFLICT (object, target, integration) DO UPDATE SET said = excluded.said"

// withholdNothing removes what was kept with a link, if the integration may have
// kept anything.
func (a *apply) withholdNothing(ctx context.Context, r record) error {
	if !a.withheld[r.object] {
		return nil
	}
	_, err := a.exec(ctx, "DELETE FROM ledger_withheld WHERE object = ? AND target = ? AND integration = ?", r.object, r.id, a.integration)
	return err
}

// saidJSON returns withheld values as the JSON text that [readSaid] reads. Hidden
// ones are masked for good.
func (a *apply) saidJSON(ctx context.Context, l *layout, said []syncer.Said) (string, error) {
	b := []byte{'{'}
	for i, s := range said {
		if s.Field < 0 || s.Field >= len(l.columns) {
			return "", fmt.Errorf("%s have no column %d", l.object.Name, s.Field)
		}
		v := s.Value
		if v.Kind == mapping.KindRow {
			target, err := a.earlier(v.Int)
			if err != nil {
				return "", err
			}
			v = mapping.TextValue(idText(target.record))
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, l.object.Fields[s.Field].Name...)
		b = append(b, `":[`...)
		if s.Hidden {
			if err := a.hide(ctx, l, s.Field); err != nil {
				return "", err
			}
			b = append(appendJSON(b, mask(v)), ",true]"...)
			continue
		}
		b = append(appendJSON(b, v), ']')
	}
	return string(append(b, '}')), nil
}

// readSaid returns withheld values, in the order of the fields.
func (l *layout) readSaid(raw string) ([]syncer.Said, error) {
	if raw == "" {
		return nil, nil
	}
	var kept map[string][]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &kept); err != nil {
		return nil, fmt.Errorf("read what is withheld: %w", err)
	}
	var said []syncer.Said
	for name, parts := range kept {
		field := l.object.Field(name)
		if field < 0 || len(parts) == 0 {
			continue
		}
		v, err := valueOf(parts[0])
		if err != nil {
			return nil, fmt.Errorf("read what is withheld of %s: %w", name, err)
		}
		said = append(said, syncer.Said{Field: field, Value: v, Hidden: len(parts) > 1})
	}
	slices.SortFunc(said, func(a, b syncer.Said) int { return cmp.Compare(a.Field, b.Field) })
	return said, nil
}
