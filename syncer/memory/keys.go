package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// mostGroups is how many groups a *syncer.DuplicatesError lists.
const mostGroups = 100

// SetUnique makes a custom field unique, or takes that from it. It returns a
// *syncer.DuplicatesError if records share a value, and an error of the class
// [connector.ErrInvalid] for a standard field, a list, a reference, or what is no
// field. A text field that becomes unique and has no placeholders takes
// [mapping.DefaultPlaceholders], as one does that was added so.
func (s *Store) SetUnique(ctx context.Context, object, field string, unique bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.setUnique(object, field, unique); err != nil {
		return fmt.Errorf("set whether %s of %s is unique: %w", field, object, err)
	}
	return nil
}

func (s *Store) setUnique(object, field string, unique bool) error {
	o, t, err := s.object(object)
	if err != nil {
		return err
	}
	if err := canBeUnique(o, field); err != nil {
		return err
	}
	at := o.Field(field)
	if o.Fields[at].Unique == unique {
		return nil
	}
	schema := s.schema.Clone()
	o, _ = schema.Object(object)
	o.Fields[at].SetUnique(unique)
	tx := &tx{}
	t.dropKeys(tx, field)
	if unique {
		if err := t.addKeys(tx, o, at); err != nil {
			tx.rollback(0)
			return err
		}
	}
	s.schema = schema
	return nil
}

// canBeUnique says why a field cannot become unique, or stop being it.
func canBeUnique(o *mapping.Object, field string) error {
	at := o.Field(field)
	if at < 0 {
		return invalid(fmt.Sprintf("%s have no field %q", o.Name, field), "name a custom field of the object")
	}
	switch f := &o.Fields[at]; {
	case !f.Custom:
		return invalid(field+" is a standard field", "name a custom field; which standard fields are unique is fixed")
	case f.Type == mapping.List, f.Type == mapping.Reference:
		return invalid(fmt.Sprintf("a field of type %s cannot be unique", f.Type), "name a field of another type")
	}
	return nil
}

// invalid returns the error of what cannot be asked for.
func invalid(message, remedy string) error {
	return &connector.Error{Class: connector.ErrInvalid, Message: message, Remedy: remedy}
}

// dropKeys removes the keys of a field.
func (t *table) dropKeys(tx *tx, field string) {
	isOf := func(k syncer.Key) bool { return k.Field == field }
	for k := range t.keys {
		if isOf(k) {
			unset(tx, t.keys, k)
		}
	}
	for id, r := range t.records {
		if slices.ContainsFunc(r.gaveUp, isOf) {
			kept := *r
			kept.gaveUp = slices.DeleteFunc(slices.Clone(r.gaveUp), isOf)
			set(tx, t.records, id, &kept)
		}
	}
}

// addKeys makes the values of a field keys, or returns which records share one. A
// record does not share its value with one that is a part of it.
func (t *table) addKeys(tx *tx, o *mapping.Object, field int) error {
	f := &o.Fields[field]
	holders := map[string][]string{} // the records by the normal form of their value
	for _, id := range sorted(t.records) {
		if text := f.Normalize(t.records[id].value(field)); text != "" {
			holders[text] = append(holders[text], id)
		}
	}
	duplicates := &syncer.DuplicatesError{Object: o.Name, Field: f.Name}
	for text, ids := range holders {
		if finals := t.finals(ids); len(ids) > 1 && (len(t.merged) == 0 || len(finals) > 1) {
			duplicates.Groups = append(duplicates.Groups, syncer.DuplicateGroup{Value: f.Format(t.records[ids[0]].value(field)), IDs: ids})
			continue
		}
		k := syncer.Key{Field: f.Name, Text: text}
		holder := ids[0]
		if final := t.final(holder); slices.Contains(ids, final) {
			holder = final
		}
		for _, id := range ids {
			if id != holder {
				t.giveUp(tx, id, k)
			}
		}
		set(tx, t.keys, k, holder)
	}
	if len(duplicates.Groups) == 0 {
		return nil
	}
	slices.SortFunc(duplicates.Groups, func(a, b syncer.DuplicateGroup) int { return strings.Compare(a.Value, b.Value) })
	duplicates.More = max(0, len(duplicates.Groups)-mostGroups)
	duplicates.Groups = duplicates.Groups[:len(duplicates.Groups)-duplicates.More]
	return duplicates
}
