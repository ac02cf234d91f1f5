package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// Check checks what needs the target model: the file's custom fields against
// those that schema has, and each entry's mapping. It returns the schema with
// the custom fields added. An error is an *Error with all faults.
//
// What a mapping lacks is no fault. An entry without any mapped field is not
// checked beyond its object: it is a draft, or its host brings a Mapper.
func (f *File) Check(schema *mapping.Schema) (*mapping.Schema, error) {
	r := &reader{places: f.places}
	for at, c := range f.fields() {
		have, ok := customField(schema, c)
		if !ok {
			grown, err := schema.With(c.Object, c.Field)
			if err != nil {
				r.faultAt(at, "%v", err)
				continue
			}
			schema = grown
			continue
		}
		if diff := differences(have, c.Field); diff != "" {
			r.faultAt(at, "the store has this field already, with another %s; a field cannot be changed", diff)
		} else if f.changesUnique(at, have, c) {
			schema = withUnique(schema, c)
		}
	}
	for i, e := range f.Integrations {
		checkMapping(r, fmt.Sprintf("integrations[%d]", i), e.Mapping, schema, f.options[e.ID])
	}
	for _, p := range f.Precedence {
		f.checkPrecedence(r, p, schema)
	}
	return schema, newError(f.Name, r.problems)
}

// fields yields the custom fields with their paths in the file.
func (f *File) fields() iter.Seq2[string, CustomField] {
	return func(yield func(string, CustomField) bool) {
		count := map[string]int{}
		for _, c := range f.Fields {
			at := fmt.Sprintf("%s[%d]", join("fields", c.Object), count[c.Object])
			count[c.Object]++
			if !yield(at, c) {
				return
			}
		}
	}
}

// changesUnique reports whether the file says of a field that is there that it is
// unique, or says in so many words that it is not, and the store has it
// otherwise.
func (f *File) changesUnique(at string, have mapping.Field, c CustomField) bool {
	_, said := f.places.at[at+".unique"]
	return have.Unique != c.Field.Unique && (c.Field.Unique || said)
}

// withUnique returns the schema with a field as unique as the file says.
func withUnique(schema *mapping.Schema, c CustomField) *mapping.Schema {
	schema = schema.Clone()
	o, _ := schema.Object(c.Object)
	o.Fields[o.Field(c.Field.Name)].SetUnique(c.Field.Unique)
	return schema
}

// customField returns the field of that name, if it is one that was added.
func customField(s *mapping.Schema, c CustomField) (mapping.Field, bool) {
	o, ok := s.Object(c.Object)
	if !ok {
		return mapping.Field{}, false
	}
	i := o.Field(c.Field.Name)
	if i < 0 || !o.Fields[i].Custom {
		return mapping.Field{}, false
	}
	return o.Fields[i], true
}

// differences names what the file says otherwise than the store has it.
func differences(have, want mapping.Field) string {
	var diff []string
	add := func(name string, differs bool) {
		if differs {
			diff = append(diff, name)
		}
	}
	add("type", have.Type != want.Type)
	add("item", have.Item != want.Item)
	add("object", have.Object != want.Object)
	add("choices", !slices.Equal(have.Choices, want.Choices))
	add("label", want.Label != "" && have.Label != want.Label)
	add("help", want.Help != "" && have.Help != want.Help)
	return strings.Join(diff, ", ")
}

func checkMapping(r *reader, entry string, m mapping.Mapping, schema *mapping.Schema, opt mapping.Options) {
	if m.Object == "" {
		return
	}
	if len(m.Fields) == 0 && len(m.Children) == 0 {
		m = mapping.Mapping{Object: m.Object, Key: "id", Filter: m.Filter, CreateIf: m.CreateIf, UpdateIf: m.UpdateIf}
	}
	_, err := mapping.Compile(m, schema, opt)
	var faults *mapping.CompileError
	if !errors.As(err, &faults) {
		return
	}
	for _, p := range faults.Problems {
		if p.Place == "key" && m.Key == "" {
			continue // a draft may lack it
		}
		at := entry + "." + keyOf(p.Place)
		if strings.HasSuffix(at, ".default") && r.written[at] == entry+defaultRoleKey {
			continue // so may a role that the host does not have
		}
		if _, written := r.at[at]; p.Place == "key" && !written {
			at = entry + ".settings." + keySetting
		}
		r.faultAt(at, "%s", p.Message)
	}
}

// beside are the parts of a mapping that the file has beside it, and the keys
// there.
var beside = []struct{ part, key string }{
	{"object", "object"},
	{"filter", "filter"},
	{"create_if", "create_if"},
	{"update_if", "update_if"},
	{"unseen", "ignore_unseen"},
	{"companions[0]", "saas"},
}

// keyOf returns the key of an entry at which a part of its mapping is written.
func keyOf(place string) string {
	for _, b := range beside {
		if rest, ok := strings.CutPrefix(place, b.part); ok && (rest == "" || rest[0] == '.') {
			return b.key + rest
		}
	}
	return "mapping." + place
}

// checkPrecedence checks that an order is for an object and for fields that
// there are, and of integrations that fill the object.
func (f *File) checkPrecedence(r *reader, p syncer.Precedence, schema *mapping.Schema) {
	at := join("precedence", p.Object)
	o, ok := schema.Object(p.Object)
	if !ok {
		names := make([]string, len(schema.Objects))
		for i := range schema.Objects {
			names[i] = schema.Objects[i].Name
		}
		r.faultAt(at, "there is no object %q; %s", excerpt.Of(p.Object), meant(p.Object, names))
		return
	}
	var names []string
	for i := range o.Fields {
		if o.Fields[i].For == "" {
			names = append(names, o.Fields[i].Name)
		}
	}
	order := at
	if _, long := r.at[at+".order"]; long {
		order = at + ".order"
	}
	f.checkFilling(r, order, o.Name, p.Order)
	for _, field := range slices.Sorted(maps.Keys(p.Fields)) {
		if !slices.Contains(names, field) {
			r.faultAt(join(at+".fields", field), "%s have no field %q to order; %s", o.Name, excerpt.Of(field), meant(field, names))
		}
		f.checkFilling(r, join(at+".fields", field), o.Name, p.Fields[field])
	}
}

// checkFilling checks that the integrations of an order fill an object.
func (f *File) checkFilling(r *reader, at, object string, order []string) {
	for i, id := range order {
		if e, ok := f.Entry(id); ok && !fills(e.Mapping, object) {
			r.faultAt(fmt.Sprintf("%s[%d]", at, i), "%s fills %s, not %s", id, cmp.Or(e.Mapping.Object, "nothing yet"), object)
		}
	}
}

// fills reports whether a mapping fills an object, by itself or with what comes
// along: the software of an asset and its installs, the account of a person and
// its application.
func fills(m mapping.Mapping, object string) bool {
	return m.Object == object ||
		slices.ContainsFunc(m.Children, func(c mapping.ChildMapping) bool { return c.Object == object || c.Object+"_installs" == object }) ||
		slices.ContainsFunc(m.Companions, func(c mapping.CompanionMapping) bool { return c.Object == object || object == "saas_applications" })
}

// Applied says what Apply has done.
type Applied struct {
	Fields   []string // custom fields added, as object.field
	Unique   []string // custom fields that became unique, or stopped being it, as object.field
	Launched []string // integrations that became active, by id
	Paused   []string // integrations that the file no longer names, by id
	// NotUnique are the custom fields that cannot become unique, because records
	// share a value. All else was applied.
	NotUnique []*syncer.DuplicatesError
}

// Apply brings the syncer in line with the file, on behalf of the person by. It
// checks the file against the store's target model, adds the custom fields,
// saves every integration, pauses the active ones that the file no longer
// names, launches the entries with launch: true that lack nothing, and declares
// the precedence of each object, none for an object that the file has none for.
//
// Nothing is ever deleted. Launch: true launches drafts, and what Apply itself
// has paused; what a person has paused or archived stays so. An entry that comes
// back after it was removed from the file is the same integration, with its
// links, runs and history.
//
// An error is an *Error if the file does not fit the target model; then nothing
// was changed.
func Apply(ctx context.Context, s *syncer.Syncer, f *File, by string) (Applied, error) {
	var done Applied
	schema, err := s.Store().Schema(ctx)
	if err != nil {
		return done, fmt.Errorf("apply the configuration: read the schema: %w", err)
	}
	if _, err := f.Check(schema); err != nil {
		return done, err
	}
	if err := f.applyFields(ctx, s.Store(), schema, &done); err != nil {
		return done, err
	}
	if done.Paused, err = pauseOthers(ctx, s, f, by); err != nil {
		return done, err
	}
	for _, e := range f.Integrations {
		saved, err := s.Save(ctx, e.Integration, by)
		if err != nil {
			return done, fmt.Errorf("apply the configuration: %w", err)
		}
		if !e.Launch || !launchable(saved) {
			continue
		}
		err = s.Launch(ctx, e.ID, by)
		var missing *syncer.MissingError
		switch {
		case err == nil:
			done.Launched = append(done.Launched, e.ID)
		case !errors.As(err, &missing):
			return done, fmt.Errorf("apply the configuration: %w", err)
		}
	}
	return done, f.applyPrecedence(ctx, s, schema, by)
}

// applyFields adds the custom fields, and makes those that are there as unique as
// the file says.
func (f *File) applyFields(ctx context.Context, store syncer.Store, schema *mapping.Schema, done *Applied) error {
	for at, c := range f.fields() {
		name := c.Object + "." + c.Field.Name
		have, ok := customField(schema, c)
		switch {
		case !ok:
			editor, ok := store.(syncer.SchemaEditor)
			if !ok {
				return connector.Errorf(connector.ErrUnsupported, "add field "+name, "%T cannot add fields", store)
			}
			if err := editor.AddField(ctx, c.Object, c.Field); err != nil {
				return fmt.Errorf("add field %s: %w", name, err)
			}
			done.Fields = append(done.Fields, name)
		case f.changesUnique(at, have, c):
			if err := setUnique(ctx, store, c, done); err != nil {
				return err
			}
		}
	}
	return nil
}

// setUnique makes a field that is there unique, or takes that from it. Records
// that share a value are no error: they are to be merged first.
func setUnique(ctx context.Context, store syncer.Store, c CustomField, done *Applied) error {
	name := c.Object + "." + c.Field.Name
	editor, ok := store.(syncer.KeyEditor)
	if !ok {
		return connector.Errorf(connector.ErrUnsupported, "make "+name+" unique", "%T cannot change whether a field is unique", store)
	}
	err := editor.SetUnique(ctx, c.Object, c.Field.Name, c.Field.Unique)
	var shared *syncer.DuplicatesError
	switch {
	case errors.As(err, &shared):
		done.NotUnique = append(done.NotUnique, shared)
	case err != nil:
		return fmt.Errorf("make %s unique: %w", name, err)
	default:
		done.Unique = append(done.Unique, name)
	}
	return nil
}

// applyPrecedence declares the file's orders, and takes back those that it no
// longer has.
func (f *File) applyPrecedence(ctx context.Context, s *syncer.Syncer, schema *mapping.Schema, by string) error {
	declared := map[string]syncer.Precedence{}
	for _, p := range f.Precedence {
		declared[p.Object] = p
	}
	if _, ok := s.Journal().(syncer.PrecedenceKeeper); !ok && len(declared) == 0 {
		return nil
	}
	for i := range schema.Objects {
		p := declared[schema.Objects[i].Name]
		p.Object = schema.Objects[i].Name
		if err := s.SetPrecedence(ctx, p, by); err != nil {
			return fmt.Errorf("apply the configuration: %w", err)
		}
	}
	return nil
}

// removed follows the name of whoever applied a file that no longer names an
// integration, in the integration's history of edits.
const removed = " (removed from the configuration)"

// pauseOthers pauses the active integrations that the file does not name.
func pauseOthers(ctx context.Context, s *syncer.Syncer, f *File, by string) ([]string, error) {
	all, err := s.Journal().Integrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("apply the configuration: list the integrations: %w", err)
	}
	var paused []string
	for _, in := range all {
		if _, named := f.Entry(in.ID); named || in.State != syncer.Active {
			continue
		}
		if err := s.Pause(ctx, in.ID, by+removed); err != nil {
			return paused, fmt.Errorf("apply the configuration: pause %s, which it no longer names: %w", in.ID, err)
		}
		paused = append(paused, in.ID)
	}
	return paused, nil
}

// launchable reports whether launch: true makes the integration active: a draft
// is, and one that Apply has paused.
func launchable(in syncer.Integration) bool {
	if in.State != syncer.Paused {
		return in.State == syncer.Draft
	}
	for _, e := range slices.Backward(in.Changes) {
		if strings.HasPrefix(e.What, "became ") {
			return strings.HasSuffix(e.By, removed)
		}
	}
	return false
}
