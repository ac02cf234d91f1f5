package config

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
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
	count := map[string]int{}
	for _, c := range f.Fields {
		at := fmt.Sprintf("%s[%d]", join("fields", c.Object), count[c.Object])
		count[c.Object]++
		if have, ok := customField(schema, c); ok {
			if diff := differences(have, c.Field); diff != "" {
				r.faultAt(at, "the store has this field already, with another %s; a field cannot be changed", diff)
			}
			continue
		}
		grown, err := schema.With(c.Object, c.Field)
		if err != nil {
			r.faultAt(at, "%v", err)
			continue
		}
		schema = grown
	}
	for i, e := range f.Integrations {
		checkMapping(r, fmt.Sprintf("integrations[%d]", i), e.Mapping, schema)
	}
	return schema, newError(f.Name, r.problems)
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
	add("unique", have.Unique != want.Unique)
	add("choices", !slices.Equal(have.Choices, want.Choices))
	add("label", want.Label != "" && have.Label != want.Label)
	add("help", want.Help != "" && have.Help != want.Help)
	return strings.Join(diff, ", ")
}

func checkMapping(r *reader, entry string, m mapping.Mapping, schema *mapping.Schema) {
	if m.Object == "" {
		return
	}
	if len(m.Fields) == 0 && len(m.Children) == 0 {
		m = mapping.Mapping{Object: m.Object, Key: "id"}
	}
	_, err := mapping.Compile(m, schema)
	var faults *mapping.CompileError
	if !errors.As(err, &faults) {
		return
	}
	for _, p := range faults.Problems {
		switch {
		case p.Place == "object":
			r.faultAt(entry+".object", "%s", p.Message)
		case p.Place == "key" && m.Key == "":
		case p.Place == "key" && r.places[entry+".mapping.key"] == place{}:
			r.faultAt(entry+".settings."+keySetting, "%s", p.Message)
		default:
			r.faultAt(entry+".mapping."+p.Place, "%s", p.Message)
		}
	}
}

// Applied says what Apply has done.
type Applied struct {
	Fields   []string // custom fields added, as object.field
	Launched []string // integrations that became active, by id
	Paused   []string // integrations that the file no longer names, by id
}

// Apply brings the syncer in line with the file, on behalf of the person by. It
// checks the file against the store's target model, adds the custom fields,
// saves every integration, pauses the active ones that the file no longer
// names, and launches the entries with launch: true that lack nothing.
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
	if done.Fields, err = addFields(ctx, s.Store(), schema, f.Fields); err != nil {
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
	return done, nil
}

func addFields(ctx context.Context, store syncer.Store, schema *mapping.Schema, fields []CustomField) ([]string, error) {
	var added []string
	for _, c := range fields {
		if _, ok := customField(schema, c); ok {
			continue
		}
		editor, ok := store.(syncer.SchemaEditor)
		if !ok {
			return added, connector.Errorf(connector.ErrUnsupported, "add field "+c.Object+"."+c.Field.Name, "%T cannot add fields", store)
		}
		if err := editor.AddField(ctx, c.Object, c.Field); err != nil {
			return added, fmt.Errorf("add field %s.%s: %w", c.Object, c.Field.Name, err)
		}
		added = append(added, c.Object+"."+c.Field.Name)
	}
	return added, nil
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
