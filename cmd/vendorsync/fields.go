package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/mapping"
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
	cmd := &cobra.Command{
		Use:   "fields [OBJECT [add NAME]]",
		Short: "Show the objects and fields of the target model, or add a field",
		Example: "  vendorsync fields\n  vendorsync fields assets\n" +
			"  vendorsync fields assets add rack --type text --label Rack\n  vendorsync fields assets add barcode --unique",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && (len(args) != 3 || args[1] != "add") {
				return errors.New("it is `fields OBJECT` or `fields OBJECT add NAME`")
			}
			return nil
		},
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			if len(args) < 3 {
				return s.showFields(args)
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
