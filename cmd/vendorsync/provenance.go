package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// provenance shows of each value of a record who set it, when and in which run,
// and what the others say.
func (s *session) provenance(ctx context.Context, o *mapping.Object, key string) error {
	id, err := s.find(ctx, o, key)
	if err != nil {
		return err
	}
	p, err := s.syncer.Provenance(ctx, o.Name, id)
	switch {
	case errors.Is(err, syncer.ErrNotFound):
		return fmt.Errorf("%s have no record %q, by id or by a unique field (see `vendorsync records %s`)", o.Name, key, o.Name)
	case err != nil:
		return err
	case s.json:
		return s.writeJSON(p)
	}
	return s.showProvenance(o, p)
}

func (s *session) showProvenance(o *mapping.Object, p syncer.Provenance) error {
	facts := newTable("RECORD", strings.TrimSpace(o.Name+" "+p.ID+" "+parens(p.Label)))
	if p.MergedFrom != "" {
		facts.add("asked for", p.MergedFrom+", which is a part of it")
	}
	if p.Archived {
		facts.add("archived", "yes")
	}
	for _, l := range p.Links {
		text := strings.TrimSpace(l.Integration + " " + l.VendorID)
		if !l.MissingSince.IsZero() {
			text += ", missing there since " + s.when(l.MissingSince)
		}
		facts.add("brought by", text)
	}
	if err := s.print(facts); err != nil {
		return err
	}
	t := newTable("FIELD", "VALUE", "SET BY", "WHEN", "RUN", "THE OTHERS SAY")
	for _, f := range p.Fields {
		value := f.Text
		if f.Refers != nil {
			value += " (" + strings.TrimSuffix(f.Refers.Object, "s") + " " + f.Refers.ID + ")"
		}
		by := f.Integration
		if by == "" && !f.At.IsZero() {
			by = cmp.Or(f.Actor, "unknown") + " (from outside)"
		}
		t.add(f.Field, value, by, s.when(f.At), f.Run, s.statements(f.Others))
	}
	return s.section(t)
}

// statements is what the other integrations say of a field.
func (s *session) statements(others []syncer.Statement) string {
	texts := make([]string, len(others))
	for i, o := range others {
		text := o.Text
		if text == "" {
			text = "nothing"
		}
		switch {
		case o.Withheld:
			text += ", withheld"
		case !o.At.IsZero():
			text += ", on " + s.when(o.At)
		}
		texts[i] = o.Integration + ": " + text
	}
	return strings.Join(texts, "; ")
}
