package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
)

// precedenceFlags are the flags of the command precedence.
type precedenceFlags struct {
	field, silentAfter string
	silentGiven, clear bool
}

func (a *app) precedenceCommand() *cobra.Command {
	var f precedenceFlags
	cmd := &cobra.Command{
		Use:   "precedence OBJECT [ID,ID,...]",
		Short: "Show or declare whose values count where several integrations fill one object",
		Long: "Show whose values count where several integrations fill one object, or declare it in the configuration file.\n" +
			"An integration does not overwrite what one before it has set, and fills what those before it leave empty. One that is not named comes after all that are.",
		Example: "  vendorsync precedence assets\n  vendorsync precedence assets jamf,intune --silent-after 30d\n" +
			"  vendorsync precedence assets okta,jamf --field assigned_to\n  vendorsync precedence assets --clear",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.silentGiven = cmd.Flags().Changed("silent-after")
			return a.in(func(ctx context.Context, s *session, args []string) error {
				if len(args) == 1 && !f.silentGiven && !f.clear {
					return s.showPrecedence(ctx, args[0])
				}
				return s.setPrecedence(ctx, args, f)
			})(cmd, args)
		},
	}
	cmd.Flags().StringVar(&f.field, "field", "", "for this field alone")
	cmd.Flags().StringVar(&f.silentAfter, "silent-after", "", "a source that is silent about a record for so long loses its precedence on it: 30d; 0 for never")
	cmd.Flags().BoolVar(&f.clear, "clear", false, "declare none, for the object or with --field for the field")
	return cmd
}

// A precedenceView is who goes before whom, as JSON output shows it.
type precedenceView struct {
	Object      string              `json:"object"`
	Order       []string            `json:"order"`
	Fields      map[string][]string `json:"fields"`
	SilentAfter int                 `json:"silent_after"` // days; 0 for never
	Others      []string            `json:"others"`       // integrations that fill the object and are in no order
}

func (s *session) showPrecedence(ctx context.Context, object string) error {
	o, err := s.object(object)
	if err != nil {
		return err
	}
	p, err := s.syncer.Precedence(ctx, o.Name)
	if err != nil {
		return err
	}
	all, err := s.store.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("list integrations: %w", err)
	}
	v := precedenceView{Object: o.Name, Order: list(p.Order), Fields: map[string][]string{}, SilentAfter: p.SilentAfter, Others: []string{}}
	maps.Copy(v.Fields, p.Fields)
	for _, in := range all {
		if in.Mapping.Object == o.Name && in.State != syncer.Archived && !slices.Contains(p.Order, in.ID) {
			v.Others = append(v.Others, in.ID)
		}
	}
	if s.json {
		return s.writeJSON(v)
	}
	return s.printPrecedence(v)
}

func (s *session) printPrecedence(v precedenceView) error {
	if len(v.Order)+len(v.Fields) == 0 {
		return s.line("no integration goes before another for %s; the last one to write counts", v.Object)
	}
	t := newTable("FIELD", "FIRST COUNTS")
	if len(v.Order) > 0 {
		others := ""
		if len(v.Others) > 0 {
			others = ", then " + strings.Join(v.Others, ", ")
		}
		t.add("(all)", strings.Join(v.Order, ", ")+others)
	}
	for _, field := range slices.Sorted(maps.Keys(v.Fields)) {
		t.add(field, strings.Join(v.Fields[field], ", "))
	}
	if err := s.print(t); err != nil || v.SilentAfter == 0 {
		return err
	}
	return s.lines("", fmt.Sprintf("A source that is silent about a record for %d days loses its precedence on it.", v.SilentAfter))
}

// setPrecedence declares an order in the configuration file.
func (s *session) setPrecedence(ctx context.Context, args []string, f precedenceFlags) error {
	o, err := s.object(args[0])
	if err != nil {
		return err
	}
	p, err := s.syncer.Precedence(ctx, o.Name)
	if err != nil {
		return err
	}
	if err := f.change(&p, args[1:]); err != nil {
		return err
	}
	err = s.editFile(func(data []byte, opt config.Options) ([]byte, error) {
		return config.SetTop(data, opt, config.Assignment{Key: "precedence." + o.Name, Value: precedenceText(p)})
	})
	if err != nil {
		return err
	}
	if s.file, err = s.load(); err != nil {
		return err
	}
	if err := s.apply(ctx); err != nil {
		return err
	}
	return s.showPrecedence(ctx, o.Name)
}

// change makes of a precedence what the command line says.
func (f precedenceFlags) change(p *syncer.Precedence, order []string) error {
	var ids []string
	if len(order) > 0 {
		for id := range strings.SplitSeq(order[0], ",") {
			if id = strings.TrimSpace(id); id != "" {
				ids = append(ids, id)
			}
		}
	}
	switch {
	case f.clear && (len(ids) > 0 || f.silentGiven):
		return usageError{errors.New("--clear goes with nothing but --field")}
	case f.clear && f.field == "":
		*p = syncer.Precedence{Object: p.Object}
	case f.field != "" && (f.clear || len(ids) > 0):
		p.Fields = maps.Clone(p.Fields)
		if p.Fields == nil {
			p.Fields = map[string][]string{}
		}
		if p.Fields[f.field] = ids; f.clear {
			delete(p.Fields, f.field)
		}
	case f.field != "":
		return usageError{errors.New("--field needs an order of integrations, or --clear")}
	case len(ids) > 0:
		p.Order = ids
	}
	if !f.silentGiven {
		return nil
	}
	age := time.Duration(0)
	if f.silentAfter != "0" {
		var err error
		if age, err = parseAge(f.silentAfter); err != nil {
			return err
		}
	}
	const day = 24 * time.Hour
	if age%day != 0 {
		return usagef("--silent-after counts whole days, and %s are none", f.silentAfter)
	}
	p.SilentAfter = int(age / day)
	return nil
}

// precedenceText writes a precedence as YAML in one line.
func precedenceText(p syncer.Precedence) string {
	order := "[" + strings.Join(p.Order, ", ") + "]"
	if len(p.Fields) == 0 && p.SilentAfter == 0 {
		return order
	}
	parts := []string{"order: " + order}
	if p.SilentAfter > 0 {
		parts = append(parts, "silent_after: "+strconv.Itoa(p.SilentAfter)+"d")
	}
	if len(p.Fields) > 0 {
		var fields []string
		for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
			fields = append(fields, name+": ["+strings.Join(p.Fields[name], ", ")+"]")
		}
		parts = append(parts, "fields: {"+strings.Join(fields, ", ")+"}")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
