package main

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// The catalogue as JSON. Every list is there, if only empty.
type (
	specView struct {
		ID       string        `json:"id"`
		Name     string        `json:"name"`
		Vendor   string        `json:"vendor"`
		Version  string        `json:"version"`
		Category string        `json:"category"`
		Aliases  []string      `json:"aliases"`
		Summary  string        `json:"summary"`
		DocsURL  string        `json:"docs_url"`
		Auth     []authView    `json:"auth"`
		Hosts    []string      `json:"hosts"`
		Settings []settingView `json:"settings"`
		Streams  []streamView  `json:"streams"`
		// Platforms are the systems it runs on; empty for all.
		Platforms []string `json:"platforms"`
	}
	authView struct {
		ID    string `json:"id"`
		Label string `json:"label"`
		Help  string `json:"help"`
		Kind  string `json:"kind"`
	}
	settingView struct {
		Name     string   `json:"name"`
		Label    string   `json:"label"`
		Help     string   `json:"help"`
		Type     string   `json:"type"`
		Default  string   `json:"default"`
		Required bool     `json:"required"`
		Secret   bool     `json:"secret"`
		Multi    bool     `json:"multi"`
		Choices  []string `json:"choices"`
	}
	streamView struct {
		Name         string            `json:"name"`
		Label        string            `json:"label"`
		Summary      string            `json:"summary"`
		Object       string            `json:"object"`
		Key          string            `json:"key"`
		Fields       []sourceFieldView `json:"fields"`
		SyncKeys     []string          `json:"sync_keys"`
		Mapping      []mappedView      `json:"mapping"`
		Permissions  []needView        `json:"permissions"`
		Complete     bool              `json:"complete"`
		Incremental  bool              `json:"incremental"`
		StableResume bool              `json:"stable_resume"`
	}
	sourceFieldView struct {
		Path      string `json:"path"`
		Type      string `json:"type"`
		Label     string `json:"label"`
		Example   string `json:"example"`
		Sensitive bool   `json:"sensitive"`
	}
	mappedView struct {
		Object string `json:"object"`
		To     string `json:"to"`
		From   string `json:"from,omitempty"`
		Value  string `json:"value,omitempty"`
	}
	needView struct {
		Name string `json:"name"`
		Why  string `json:"why"`
	}
)

// list returns a list that is not nil.
func list[T any](items []T) []T { return append([]T{}, items...) }

func viewSpec(s connector.Spec) specView {
	v := specView{
		ID: s.ID, Name: s.Name, Vendor: s.Vendor, Version: s.Version, Category: s.Category, Aliases: list(s.Aliases), Summary: s.Summary,
		DocsURL: s.DocsURL, Auth: []authView{}, Hosts: list(s.Hosts), Settings: []settingView{}, Streams: []streamView{}, Platforms: list(s.Platforms),
	}
	for _, m := range s.Auth {
		v.Auth = append(v.Auth, authView{ID: m.ID, Label: m.Label, Help: m.Help, Kind: string(m.Kind)})
	}
	for _, d := range s.Settings {
		v.Settings = append(v.Settings, settingView{
			Name: d.Name, Label: d.Label, Help: d.Help, Type: string(cmp.Or(d.Type, connector.Text)), Default: d.Default,
			Required: d.Required, Secret: d.Secret, Multi: d.Multi, Choices: list(d.Choices),
		})
	}
	for _, st := range s.Streams {
		v.Streams = append(v.Streams, viewStream(st))
	}
	return v
}

func viewStream(s connector.Stream) streamView {
	v := streamView{
		Name: s.Name, Label: s.Label, Summary: s.Summary, Object: s.Object, Key: s.Key, Fields: []sourceFieldView{}, SyncKeys: list(s.Mapping.SyncKeys),
		Mapping: []mappedView{}, Permissions: []needView{}, Complete: s.Complete, Incremental: s.Incremental, StableResume: s.StableResume,
	}
	for _, f := range s.Fields {
		v.Fields = append(v.Fields, sourceFieldView{Path: f.Path, Type: string(f.Type), Label: f.Label, Example: f.Example, Sensitive: f.Sensitive})
	}
	m := mapping.FromDefault(s)
	for _, f := range m.Fields {
		v.Mapping = append(v.Mapping, mappedView{Object: m.Object, To: f.To, From: f.From, Value: f.Value})
	}
	for _, c := range m.Children {
		for _, f := range c.Fields {
			from := f.From
			if from != "" {
				from = c.From + "[]." + from
			}
			v.Mapping = append(v.Mapping, mappedView{Object: c.Object, To: f.To, From: from, Value: f.Value})
		}
	}
	for _, p := range s.Permissions {
		v.Permissions = append(v.Permissions, needView(p))
	}
	return v
}

func (a *app) catalogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "catalog [WORD]",
		Short: "List the connectors, or those that have to do with a word",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			word := strings.Join(args, "")
			found := a.registry.Search(word)
			if a.json {
				views := make([]specView, len(found))
				for i, c := range found {
					views[i] = viewSpec(c.Spec())
				}
				return a.writeJSON(views)
			}
			if len(found) == 0 {
				a.note("no connector has to do with %q (see `vendorsync catalog`)", word)
				return nil
			}
			t := newTable("ID", "NAME", "VENDOR", "CATEGORY", "STREAMS", "SUMMARY")
			for _, c := range found {
				s := c.Spec()
				t.add(s.ID, s.Name, s.Vendor, s.Category, strings.Join(streamNames(s), ", "), s.Summary)
			}
			return a.print(t)
		},
	}
	cmd.AddCommand(a.catalogShowCommand())
	return cmd
}

func streamNames(s connector.Spec) []string {
	names := make([]string, len(s.Streams))
	for i, st := range s.Streams {
		names[i] = st.Name
	}
	return names
}

func (a *app) catalogShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a connector: settings, streams, fields, default mapping",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := a.registry.Get(args[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(viewSpec(c.Spec()))
			}
			return a.showSpec(viewSpec(c.Spec()))
		},
		ValidArgsFunction: a.completeConnectors,
	}
}

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

// showSpec writes a catalogue page for people.
func (a *app) showSpec(v specView) error {
	facts := newTable("CONNECTOR", v.ID)
	facts.add("name", v.Name)
	facts.add("vendor", v.Vendor)
	facts.add("version", v.Version)
	facts.add("summary", v.Summary)
	facts.add("documentation", v.DocsURL)
	facts.add("runs on", cmp.Or(strings.Join(v.Platforms, ", "), "every system"))
	if err := a.print(facts); err != nil {
		return err
	}
	auth := newTable("CREDENTIAL", "KIND", "HELP")
	for _, m := range v.Auth {
		auth.add(m.Label, m.Kind, m.Help)
	}
	if err := a.section(auth); err != nil {
		return err
	}
	settings := newTable("SETTING", "TYPE", "DEFAULT", "HELP")
	for _, d := range v.Settings {
		fallback := d.Default
		if d.Required {
			fallback = "(required)"
		}
		settings.add(d.Name, d.Type, fallback, d.Help)
	}
	if err := a.section(settings); err != nil {
		return err
	}
	for _, st := range v.Streams {
		if err := a.showStream(st); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) showStream(st streamView) error {
	facts := newTable("STREAM", st.Name)
	facts.add("summary", st.Summary)
	facts.add("fills", cmp.Or(st.Object, "an object of your choice"))
	facts.add("key", st.Key)
	facts.add("sync keys", strings.Join(st.SyncKeys, ", "))
	for _, p := range st.Permissions {
		facts.add("needs", p.Name+": "+p.Why)
	}
	to := map[string][]string{}
	for _, m := range st.Mapping {
		if m.From == "" {
			facts.add("constant", m.Object+"."+m.To+" = "+m.Value)
		}
		to[m.From] = append(to[m.From], m.Object+"."+m.To)
	}
	if err := a.section(facts); err != nil {
		return err
	}
	fields := newTable("FIELD", "TYPE", "FILLS", "EXAMPLE", "LABEL")
	for _, f := range st.Fields {
		fields.add(f.Path, f.Type, strings.Join(to[f.Path], ", "), f.Example, f.Label)
	}
	return a.section(fields)
}
