package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// A fieldView is one field of the target model as JSON output shows it.
type fieldView struct {
	Object   string       `json:"object"`
	Name     string       `json:"name"`
	Label    string       `json:"label"`
	Help     string       `json:"help"`
	Type     mapping.Type `json:"type"`
	Item     mapping.Type `json:"item,omitempty"`      // of a list
	RefersTo string       `json:"refers_to,omitempty"` // of a reference
	Unique   bool         `json:"unique"`
	Required bool         `json:"required"`
	Custom   bool         `json:"custom"`
	Choices  []string     `json:"choices"`
}

func (a *app) fieldsCommand() *cobra.Command {
	var f mapping.Field
	var fieldType, item string
	var off bool
	cmd := &cobra.Command{
		Use:   "fields [OBJECT [add|unique NAME]]",
		Short: "Show the objects and fields of the target model, add a field, or make one unique",
		Example: "  vendorsync fields\n  vendorsync fields assets\n" +
			"  vendorsync fields assets add rack --type text --label Rack\n  vendorsync fields assets add barcode --unique\n" +
			"  vendorsync fields assets unique rack\n  vendorsync fields assets unique rack --off",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 1 && (len(args) != 3 || args[1] != "add" && args[1] != "unique"):
				return errors.New("it is `fields OBJECT`, `fields OBJECT add NAME` or `fields OBJECT unique NAME`")
			case off && (len(args) < 2 || args[1] != "unique"):
				return errors.New("--off goes with `fields OBJECT unique NAME`")
			}
			return nil
		},
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			switch {
			case len(args) < 3:
				return s.showFields(args)
			case args[1] == "unique":
				return s.setUnique(ctx, args[0], args[2], !off)
			}
			f.Name, f.Type, f.Item = args[2], mapping.Type(fieldType), mapping.Type(item)
			return s.addField(ctx, args[0], f)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&fieldType, "type", string(mapping.Text), "the type of a new field: "+joinTypes())
	flags.StringVar(&item, "item", "", "the type of a list's items (default text)")
	flags.StringVar(&f.Object, "object", "", "the object that a reference points to")
	flags.StringSliceVar(&f.Choices, "choices", nil, "the values that a choice allows, separated by commas")
	flags.StringVar(&f.Label, "label", "", "the field's label for people (default: its name in words)")
	flags.StringVar(&f.Help, "help-text", "", "one sentence for people")
	flags.BoolVar(&f.Unique, "unique", false, "no two records have the same value; the field can be a sync key")
	flags.BoolVar(&off, "off", false, "with unique: let records share a value again")
	return cmd
}

func joinTypes() string {
	types := mapping.Types()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// showFields lists the fields of one object, or of all.
func (s *session) showFields(objects []string) error {
	var views []fieldView
	t := newTable("OBJECT", "FIELD", "TYPE", "UNIQUE", "REQUIRED", "CUSTOM", "LABEL", "HELP")
	chosen := s.schema.Objects
	if len(objects) == 1 {
		o, err := s.object(objects[0])
		if err != nil {
			return err
		}
		chosen = []mapping.Object{*o}
	}
	for _, o := range chosen {
		for _, f := range o.Fields {
			views = append(views, viewField(o.Name, f))
			t.add(o.Name, f.Name, typeWords(f), yes(f.Unique), yes(f.Required), yes(f.Custom), f.Label, f.Help)
		}
	}
	if s.json {
		return s.writeJSON(views)
	}
	return s.print(t)
}

func viewField(object string, f mapping.Field) fieldView {
	return fieldView{
		Object: object, Name: f.Name, Label: f.Label, Help: f.Help, Type: f.Type, Item: f.Item, RefersTo: f.Object,
		Unique: f.Unique, Required: f.Required, Custom: f.Custom, Choices: list(f.Choices),
	}
}

// typeWords says what a field holds.
func typeWords(f mapping.Field) string {
	switch {
	case f.Type == mapping.Reference:
		return "reference to " + f.Object
	case f.Type == mapping.List:
		return "list of " + string(cmp.Or(f.Item, mapping.Text))
	case f.Type == mapping.Choice && len(f.Choices) > 0:
		return "choice of " + strings.Join(f.Choices, ", ")
	}
	return string(f.Type)
}

// addField adds a field to the store.
func (s *session) addField(ctx context.Context, object string, f mapping.Field) error {
	if _, err := s.object(object); err != nil {
		return err
	}
	grown, err := s.schema.With(object, f)
	if err != nil {
		return usageError{err}
	}
	if err := s.store.AddField(ctx, object, f); err != nil {
		return fmt.Errorf("add field %q to %s: %w", f.Name, object, err)
	}
	if !s.json {
		return s.line("%s have the field %s now", object, f.Name)
	}
	o, ok := grown.Object(object)
	if !ok {
		return fmt.Errorf("%s is there no longer", object)
	}
	return s.writeJSON(viewField(object, o.Fields[o.Field(f.Name)]))
}

// setUnique makes a custom field unique, or takes that from it.
func (s *session) setUnique(ctx context.Context, object, name string, unique bool) error {
	o, err := s.object(object)
	if err != nil {
		return err
	}
	at, err := fieldOf(o, name)
	if err != nil {
		return err
	}
	if !o.Fields[at].Custom {
		return usagef("%s is a field of the standard model; only custom fields change", name)
	}
	for _, c := range s.file.Fields {
		if c.Object == object && c.Field.Name == name && c.Field.Unique && !unique {
			return usagef("%s says that %s.%s is unique; change it there", s.file.Name, object, name)
		}
	}
	editor, ok := s.store.(syncer.KeyEditor)
	if !ok {
		return connector.Errorf(connector.ErrUnsupported, "make "+name+" unique", "this store cannot change whether a field is unique")
	}
	if err := editor.SetUnique(ctx, object, name, unique); err != nil {
		return err
	}
	if s.schema, err = s.store.Schema(ctx); err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	if s.json {
		return s.writeJSON(viewField(object, s.fieldNow(object, name)))
	}
	if !unique {
		return s.line("%s of %s may be shared now", name, object)
	}
	return s.line("%s of %s is unique now, and can be a sync key", name, object)
}

// fieldNow returns a field as it is now.
func (s *session) fieldNow(object, name string) mapping.Field {
	if o, ok := s.schema.Object(object); ok && o.Field(name) >= 0 {
		return o.Fields[o.Field(name)]
	}
	return mapping.Field{Name: name}
}
