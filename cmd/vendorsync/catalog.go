package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/nearest"
)

func (a *app) catalogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "catalog [WORD]",
		Short: "List the connectors, or those that have to do with a word",
		Long: "List the connectors, or those whose id, name, vendor, category or other name has a word in it.\n\n" +
			"`vendorsync catalog show ID` says what to gather before one is used.",
		Example: "  vendorsync catalog\n  vendorsync catalog identity\n  vendorsync catalog azure ad",
		Args:    cobra.ArbitraryArgs, // a name may have several words
		RunE: func(_ *cobra.Command, args []string) error {
			word := strings.Join(args, " ")
			found := a.registry.Search(word)
			switch {
			case a.json:
				views := make([]specView, len(found))
				for i, c := range found {
					views[i] = viewSpec(c.Spec())
				}
				return a.writeJSON(views)
			case len(found) == 0:
				a.noteNothingFound(word)
				return nil
			}
			return a.print(catalogTable(found, word))
		},
	}
	cmd.AddCommand(a.catalogShowCommand())
	return cmd
}

// catalogTable lists connectors; if they were looked for, it says by what each
// was found.
func catalogTable(found []connector.Connector, word string) *table {
	t := newTable("ID", "NAME", "VENDOR", "CATEGORY", "STREAMS", "SUMMARY")
	if word != "" {
		t.header = slices.Insert(t.header, 4, "FOUND BY")
	}
	for _, c := range found {
		s := c.Spec()
		row := []string{s.ID, s.Name, s.Vendor, s.Category, strings.Join(streamNames(s), ", "), s.Summary}
		if word != "" {
			row = slices.Insert(row, 4, foundBy(s, word))
		}
		t.add(row...)
	}
	return t
}

func streamNames(s connector.Spec) []string {
	names := make([]string, len(s.Streams))
	for i, st := range s.Streams {
		names[i] = st.Name
	}
	return names
}

// A handle is a text by which a connector is found.
type handle struct{ kind, text string }

func handles(s connector.Spec) []handle {
	all := []handle{{"id", s.ID}, {"name", s.Name}, {"vendor", s.Vendor}, {"category", s.Category}}
	for _, alias := range s.Aliases {
		all = append(all, handle{"other name", alias})
	}
	return all
}

// foundBy says by which of its texts a connector has to do with a word.
func foundBy(s connector.Spec, word string) string {
	word = strings.ToLower(strings.TrimSpace(word))
	for _, t := range handles(s) {
		if strings.Contains(strings.ToLower(t.text), word) {
			if t.kind == "other name" {
				return t.text
			}
			return t.kind
		}
	}
	return ""
}

// noteNothingFound says what else to look for.
func (a *app) noteNothingFound(word string) {
	text := fmt.Sprintf("no connector has to do with %q", word)
	if near := a.nearestConnectors(word); len(near) > 0 {
		text += "; did you mean " + alternatives(near) + "?"
	}
	a.note("%s", text)
	a.note("The categories are %s; `vendorsync catalog` lists all connectors.", strings.Join(a.categories(), ", "))
}

func (a *app) categories() []string {
	var all []string
	for _, c := range a.registry.All() {
		all = append(all, c.Spec().Category)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// nearestConnectors returns the ids of the connectors that have the name which a
// misspelt word most likely means.
func (a *app) nearestConnectors(word string) []string {
	var names []string
	ids := map[string][]string{}
	for _, c := range a.registry.All() {
		s := c.Spec()
		for _, t := range handles(s) {
			for _, name := range append(strings.Fields(t.text), t.text) {
				name = strings.ToLower(strings.Trim(name, ".,"))
				if len(name) < 3 || slices.Contains(ids[name], s.ID) {
					continue
				}
				names, ids[name] = append(names, name), append(ids[name], s.ID)
			}
		}
	}
	return ids[nearest.Name(word, names)]
}

func (a *app) catalogShowCommand() *cobra.Command {
	var o pageOptions
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show what to gather before a connector is used: credential, permissions, settings, mapping",
		Long: "Show what to gather before a connector is used: how to prove who asks, where a credential goes, the permissions\n" +
			"that each stream needs, the settings, the vendor's limits, and what fills which field by default.",
		Example: "  vendorsync catalog show okta\n  vendorsync catalog show okta --fields",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := a.registry.Get(args[0])
			if err != nil {
				return a.noConnector(args[0], err)
			}
			if a.json {
				return a.writeJSON(viewSpec(c.Spec()))
			}
			return a.showSpec(viewSpec(c.Spec()), o)
		},
		ValidArgsFunction: a.completeConnectors,
	}
	cmd.Flags().BoolVar(&o.fields, "fields", false, "the fields of each stream's records, too")
	cmd.Flags().BoolVar(&o.advanced, "all", false, "as --fields, and what of a credential is seldom needed")
	return cmd
}

// noConnector says which connector may be meant by a word that is no id.
func (a *app) noConnector(word string, err error) error {
	var ids []string
	for _, c := range a.registry.Search(word) {
		ids = append(ids, c.Spec().ID)
	}
	if len(ids) == 0 {
		ids = a.nearestConnectors(word)
	}
	if len(ids) == 0 {
		return err
	}
	return fmt.Errorf("there is no connector %q; did you mean %s?", word, alternatives(ids))
}

// alternatives lists names to choose from.
func alternatives(names []string) string { return `"` + strings.Join(names, `" or "`) + `"` }

// completeConnectors completes the first argument with the connectors' ids.
func (a *app) completeConnectors(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, c := range a.registry.All() {
		ids = append(ids, cobra.CompletionWithDesc(c.Spec().ID, c.Spec().Name))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
