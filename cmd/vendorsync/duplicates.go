package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func (a *app) duplicatesCommand() *cobra.Command {
	var opt syncer.DuplicateOptions
	cmd := &cobra.Command{
		Use:   "duplicates OBJECT",
		Short: "Find records that are probably one",
		Long: "Find records that are probably one: that share a serial number but for its punctuation, an address, a network card.\n" +
			"Placeholders do not count, nor does what many records share, such as the address of a docking station.",
		Example: "  vendorsync duplicates assets\n  vendorsync duplicates users --compare full_name",
		Args:    cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			o, err := s.object(args[0])
			if err != nil {
				return err
			}
			for _, name := range opt.Fields {
				if _, err := fieldOf(o, name); err != nil {
					return err
				}
			}
			return s.duplicates(ctx, o, opt)
		}),
	}
	cmd.Flags().StringSliceVar(&opt.Fields, "compare", nil, "more fields to compare, separated by commas")
	return cmd
}

func (s *session) duplicates(ctx context.Context, o *mapping.Object, opt syncer.DuplicateOptions) error {
	out := s.newArray()
	t := newTable("SET", "RECORD", "NAME", "BROUGHT BY", "SHARES")
	sets, hint := 0, ""
	for set, err := range s.syncer.Duplicates(ctx, o.Name, opt) {
		if err != nil {
			return err
		}
		sets++
		if s.json {
			if err := out.add(set); err != nil {
				return err
			}
			continue
		}
		if hint == "" {
			hint = mergeHint(set)
		}
		addSet(t, sets, set)
	}
	switch {
	case s.json:
		return out.end()
	case sets == 0:
		return s.line("there are no duplicates among %s", o.Name)
	}
	if err := s.print(t); err != nil {
		return err
	}
	s.note("The first record of a set is the one to keep. Merge two, after a look at what that does: %s --dry-run", hint)
	return nil
}

// addSet adds a set of records, the one to keep first.
func addSet(t *table, number int, set syncer.DuplicateSet) {
	slices.SortStableFunc(set.Records, func(a, b syncer.DuplicateRecord) int {
		return cmp.Compare(b2i(a.ID != set.Keep), b2i(b.ID != set.Keep))
	})
	cell := strconv.Itoa(number)
	for _, r := range set.Records {
		var shares []string
		for _, v := range set.Shared {
			if slices.Contains(v.IDs, r.ID) {
				shares = append(shares, strings.Join(v.Fields, " and ")+" "+v.Value)
			}
		}
		t.add(cell, r.ID, r.Label, strings.Join(r.Integrations, ", "), strings.Join(shares, "; "))
		cell = ""
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// mergeHint is the command that merges the first two records of a set.
func mergeHint(set syncer.DuplicateSet) string {
	for _, r := range set.Records {
		if r.ID != set.Keep {
			return fmt.Sprintf("vendorsync merge %s %s %s", set.Object, set.Keep, r.ID)
		}
	}
	return ""
}

func (a *app) mergeCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "merge OBJECT KEEP OTHER",
		Short: "Make two records one; split undoes it",
		Long: "Make the record OTHER a part of the record KEEP, which keeps its values and takes those of the other where it has none.\n" +
			"Links, references, history and keys of the other lead to KEEP from then on. Both are named by their id or the value of a unique field.",
		Example: "  vendorsync merge assets 3 41 --dry-run\n  vendorsync merge users ada@example.com ada.l@example.com",
		Args:    cobra.ExactArgs(3),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			o, err := s.object(args[0])
			if err != nil {
				return err
			}
			into, err := s.find(ctx, o, args[1])
			if err != nil {
				return err
			}
			from, err := s.find(ctx, o, args[2])
			if err != nil {
				return err
			}
			report, err := s.syncer.Merge(ctx, o.Name, into, from, syncer.MergeOptions{By: s.person(), DryRun: dryRun})
			if err != nil {
				return notThere(o, err)
			}
			if s.json {
				return s.writeJSON(report)
			}
			return s.showMerge(o, report, dryRun)
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would happen; nothing is written")
	return cmd
}

// notThere says where a person finds records, if one was not there.
func notThere(o *mapping.Object, err error) error {
	if errors.Is(err, syncer.ErrNotFound) {
		return fmt.Errorf("%w (see `vendorsync records %s`)", err, o.Name)
	}
	return err
}

// showMerge says what a merge does.
func (s *session) showMerge(o *mapping.Object, r syncer.MergeReport, dryRun bool) error {
	done := "is a part of"
	if dryRun {
		done = "would become a part of"
	}
	if err := s.line("%s %s of %s %s %s", r.From, parens(r.FromLabel), o.Name, done, r.Into+" "+parens(r.IntoLabel)); err != nil {
		return err
	}
	fields := newTable("FIELD", "KEPT", "OF THE OTHER", "")
	for _, f := range r.Fields {
		note := ""
		switch {
		case f.Taken && f.Key:
			note = "taken, and finds it"
		case f.Taken:
			note = "taken"
		case f.Key:
			note = "finds it, too"
		}
		fields.add(f.Field, jsonText(f.Into), jsonText(f.From), note)
	}
	links := newTable("LINK", "VENDOR ID", "BECOMES")
	for _, l := range r.Links {
		becomes := "a link to " + r.Into
		if l.SupersededBy != "" {
			becomes = "superseded by " + l.SupersededBy
		}
		links.add(l.Integration, l.VendorID, becomes)
	}
	references := newTable("REFERS TO IT", "FIELD", "RECORDS", "ARCHIVED")
	for _, ref := range r.References {
		references.add(ref.Object, ref.Field, strconv.Itoa(ref.Records), strconv.Itoa(ref.Archived))
	}
	if err := errors.Join(s.section(fields), s.section(links), s.section(references)); err != nil {
		return err
	}
	if dryRun {
		s.note("Nothing was written.")
	} else {
		s.note("Undo it with: vendorsync split %s %s", o.Name, r.From)
	}
	return nil
}

// parens puts a name behind an id.
func parens(label string) string {
	if label == "" {
		return ""
	}
	return "(" + label + ")"
}

// jsonText is a JSON value for people.
func jsonText(raw []byte) string {
	text := string(raw)
	if text == "null" {
		return ""
	}
	if s, err := strconv.Unquote(text); err == nil && strings.HasPrefix(text, `"`) {
		return s
	}
	return text
}

// A splitView is an undone merge as JSON output shows it.
type splitView struct {
	Object string   `json:"object"`
	ID     string   `json:"id"`
	Left   []string `json:"left"` // what was left as it is, since it was changed later
}

// A mergeView is a merge that stands.
type mergeView struct {
	Into string `json:"into"`
	From string `json:"from"`
	By   string `json:"by"`
	At   string `json:"at"`
}

func (a *app) splitCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "split OBJECT [ID]",
		Short:   "Undo a merge, or list the merges that can be undone",
		Long:    "Undo the merge of the record ID, as far as nobody has changed since what it did. Without ID, list the merges that can be undone.",
		Example: "  vendorsync split assets\n  vendorsync split assets 41",
		Args:    cobra.RangeArgs(1, 2),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			o, err := s.object(args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return s.merges(ctx, o)
			}
			left, err := s.syncer.Split(ctx, o.Name, args[1], s.person())
			switch {
			case errors.Is(err, syncer.ErrNotFound):
				return fmt.Errorf("%s %s is no part of another record (see `vendorsync split %s`)", o.Name, args[1], o.Name)
			case err != nil:
				return err
			case s.json:
				return s.writeJSON(splitView{o.Name, args[1], list(left)})
			}
			if err := s.line("%s of %s is a record of its own again", args[1], o.Name); err != nil {
				return err
			}
			return s.lines(left...)
		}),
	}
}

// merges lists the merges that stand.
func (s *session) merges(ctx context.Context, o *mapping.Object) error {
	views := []mergeView{}
	t := newTable("RECORD", "IS A PART OF", "SINCE", "BY")
	for m, err := range s.syncer.Merges(ctx, o.Name) {
		if err != nil {
			return err
		}
		views = append(views, mergeView{m.Into, m.From, m.Actor, stamp(m.At)})
		t.add(m.From, m.Into, s.when(m.At), m.Actor)
	}
	switch {
	case s.json:
		return s.writeJSON(views)
	case len(views) == 0:
		return s.line("no record of %s is a part of another", o.Name)
	}
	return s.print(t)
}
