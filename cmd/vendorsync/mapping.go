package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
)

// A mappingView is an integration's mapping as JSON output shows it. Every list is
// there, if only empty.
type mappingView struct {
	Integration string       `json:"integration"`
	Connector   string       `json:"connector"`
	Stream      string       `json:"stream"`
	Object      string       `json:"object"`
	Key         string       `json:"key"`
	Filter      string       `json:"filter"`
	CreateIf    string       `json:"create_if"`
	UpdateIf    string       `json:"update_if"`
	Unseen      unseenView   `json:"ignore_unseen"`
	SyncKeys    []keyView    `json:"sync_keys"`
	Fields      []targetView `json:"fields"`
	// Required are the required fields that nothing fills, Unmapped the others.
	Required []string     `json:"unmapped_required"`
	Unmapped []string     `json:"unmapped"`
	Sources  []sourceView `json:"sources"`
	Sampled  int          `json:"sampled"` // how many records the samples come from
}

type unseenView struct {
	Field string `json:"field"`
	Days  int    `json:"days"`
}

type keyView struct {
	Field  string `json:"field"`
	Update bool   `json:"update"` // it is written, not only matched by
}

// A targetView is one mapped field.
type targetView struct {
	Object    string            `json:"object"`
	To        string            `json:"to"`
	Type      mapping.Type      `json:"type"`
	From      string            `json:"from"`
	Value     string            `json:"value"`
	Setting   string            `json:"setting"`
	Values    map[string]string `json:"values"`
	Otherwise string            `json:"otherwise"`
	Unlisted  string            `json:"unlisted"`
	Default   string            `json:"default"`
	Write     string            `json:"write"`
	Format    string            `json:"format"`
	SyncKey   int               `json:"sync_key"` // its place among the sync keys, from 1; 0 for none
	Sample    string            `json:"sample"`   // what it makes of the first record that gives it a value
	Fault     string            `json:"fault"`    // what is wrong with the value of a sampled record
	list      string            // of a child, where its paths begin
}

// A sourceView is one field of the vendor's records.
type sourceView struct {
	Path   string `json:"path"`
	Type   string `json:"type"`
	Label  string `json:"label"`
	Sample string `json:"sample"` // of a record that was read
	// Example is the one that the connector declares, masked if it is sensitive.
	Example string   `json:"example"`
	Fills   []string `json:"fills"` // as object.field, or what else reads it, as (filter)
}

// mapFlags are the flags of the command map.
type mapFlags struct {
	set, unset, syncKeys []string
	filter               string
	filterGiven          bool
	keysGiven            bool
	smart, write         bool
	noRead               bool
	all                  string
}

func (f mapFlags) edits() bool {
	return len(f.set)+len(f.unset) > 0 || f.filterGiven || f.keysGiven
}

func (a *app) mapCommand() *cobra.Command {
	var f mapFlags
	cmd := &cobra.Command{
		Use:   "map ID",
		Short: "Show what fills which field of an integration, or change it",
		Long: "Show what fills which field of an integration, with sample values, and what is not mapped yet; or change it in the configuration file.\n\n" +
			"--set takes FIELD=SOURCE, where SOURCE is a path of the vendor's record, a template, value:TEXT for a constant or setting:NAME for the value of a setting.\n" +
			"--sync-key takes the keys in order of priority; a + behind a later one means that its value is written, too, and not only matched by.",
		Example: "  vendorsync map laptops\n" +
			"  vendorsync map laptops --set model=hardware.model --set 'device_name={{ user.first ~ \" \" ~ model }}' --set status=value:Active\n" +
			"  vendorsync map laptops --unset notes --sync-key serial_number,asset_tag+ --filter \"{{ managed }}\"\n" +
			"  vendorsync map laptops --smart --write\n  vendorsync map --all assets",
		Args: func(cmd *cobra.Command, args []string) error {
			f.filterGiven, f.keysGiven = cmd.Flags().Changed("filter"), cmd.Flags().Changed("sync-key")
			return f.check(args)
		},
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			if f.all != "" {
				return s.mapAll(ctx, f.all)
			}
			in, err := s.integration(ctx, args[0])
			switch {
			case err != nil:
				return err
			case f.edits():
				return s.editMapping(ctx, in, f)
			case f.smart:
				return s.suggest(ctx, in, f)
			}
			return s.showMapping(ctx, in, !f.noRead)
		}),
		ValidArgsFunction: a.completeIDs,
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.set, "set", nil, "fill a field: FIELD=SOURCE (repeatable)")
	flags.StringArrayVar(&f.unset, "unset", nil, "fill a field no more (repeatable)")
	flags.StringSliceVar(&f.syncKeys, "sync-key", nil, "the fields by which records are matched, in order of priority")
	flags.StringVar(&f.filter, "filter", "", "a template; a record for which it is not true is left out")
	flags.BoolVar(&f.smart, "smart", false, "propose a mapping by names, types and values")
	flags.BoolVar(&f.write, "write", false, "with --smart: write it down for the fields that nothing fills yet")
	flags.BoolVar(&f.noRead, "no-read", false, "do not read the source; show the examples that its connector declares")
	flags.StringVar(&f.all, "all", "", "show what all integrations say of an object, side by side")
	return cmd
}

// check refuses flags that do not go together.
func (f mapFlags) check(args []string) error {
	switch {
	case f.all != "" && (len(args) > 0 || f.edits() || f.smart):
		return errors.New("--all OBJECT stands alone")
	case f.all != "":
		return nil
	case f.smart && f.edits():
		return errors.New("--smart does not go with --set, --unset, --sync-key and --filter")
	case f.write && !f.smart:
		return errors.New("--write goes with --smart")
	case len(args) != 1:
		return errors.New("name one integration, or an object with --all")
	}
	return nil
}

// editMapping changes the mapping in the configuration file.
func (s *session) editMapping(ctx context.Context, in syncer.Integration, f mapFlags) error {
	edit := config.MappingEdit{Unset: f.unset}
	for _, text := range f.set {
		line, err := sourceOf(text)
		if err != nil {
			return err
		}
		edit.Set = append(edit.Set, line)
	}
	if f.keysGiven {
		edit.SyncKeys = []mapping.SyncKey{}
		for _, text := range f.syncKeys {
			field, update := strings.CutSuffix(strings.TrimSpace(text), "+")
			if field != "" {
				edit.SyncKeys = append(edit.SyncKeys, mapping.SyncKey{Field: field, Update: update})
			}
		}
	}
	err := s.editFile(func(data []byte, opt config.Options) ([]byte, error) {
		data, err := config.SetMapping(data, in.ID, opt, edit)
		if err != nil || !f.filterGiven {
			return data, err
		}
		return config.Set(data, in.ID, opt, config.Assignment{Key: "filter", Value: f.filter})
	})
	if err != nil {
		return err
	}
	return s.afterEdit(ctx, in.ID, "changed the mapping of %s in %s", in.ID, s.file.Name)
}

// sourceOf reads FIELD=SOURCE.
func sourceOf(text string) (mapping.FieldMapping, error) {
	to, from, ok := strings.Cut(text, "=")
	to, from = strings.TrimSpace(to), strings.TrimSpace(from)
	if !ok || to == "" || from == "" {
		return mapping.FieldMapping{}, usagef("--set %q is not of the form FIELD=SOURCE", text)
	}
	if value, ok := strings.CutPrefix(from, "value:"); ok {
		return mapping.FieldMapping{To: to, Value: value}, nil
	}
	if name, ok := strings.CutPrefix(from, "setting:"); ok {
		return mapping.FieldMapping{To: to, Setting: name}, nil
	}
	return mapping.FieldMapping{To: to, From: from}, nil
}

// showMapping shows target fields against source fields.
func (s *session) showMapping(ctx context.Context, in syncer.Integration, read bool) error {
	src := s.source(ctx, in, read)
	v := s.viewMapping(in, src)
	if s.json {
		return s.writeJSON(v)
	}
	return s.printMapping(v, in)
}

// viewMapping puts together what is known of a mapping.
func (s *session) viewMapping(in syncer.Integration, src sampled) mappingView {
	m := in.Mapping
	v := mappingView{
		Integration: in.ID, Connector: in.Connector, Stream: in.Stream, Object: m.Object, Key: m.Key,
		Filter: m.Filter, CreateIf: m.CreateIf, UpdateIf: m.UpdateIf, Unseen: unseenView(m.Unseen),
		SyncKeys: []keyView{}, Fields: []targetView{}, Required: []string{}, Unmapped: []string{}, Sources: []sourceView{}, Sampled: len(src.records),
	}
	for i, k := range m.SyncKeys {
		v.SyncKeys = append(v.SyncKeys, keyView{k.Field, k.Update || i == 0})
	}
	v.Fields = s.targets(m)
	s.addSamples(in, src, v.Fields)
	s.unmapped(&v)
	fills := fillsOf(v.Fields)
	fills.rules(m)
	for _, f := range src.fields {
		v.Sources = append(v.Sources, sourceView{Path: f.Path, Type: string(f.Type), Label: f.Label, Sample: src.leaves.samples[itemsOf(f.Path)], Example: exampleOf(f), Fills: fills.of(f.Path)})
	}
	return v
}

// targets are the lines of a mapping, those of children and accounts included.
func (s *session) targets(m mapping.Mapping) []targetView { return targetsOf(m, s.schema) }

func targetsOf(m mapping.Mapping, schema *mapping.Schema) []targetView {
	out := []targetView{}
	add := func(list string, fields []mapping.FieldMapping, objects ...string) {
		for _, f := range fields {
			t := targetView{
				Object: objects[0], To: f.To, From: f.From, Value: f.Value, Setting: f.Setting, Values: f.Values, Otherwise: f.Otherwise,
				Unlisted: string(f.Unlisted), Default: f.Default, Write: string(cmp.Or(f.Write, mapping.Always)), Format: string(f.Format), list: list,
			}
			if t.Values == nil {
				t.Values = map[string]string{}
			}
			for _, name := range objects {
				if o, ok := schema.Object(name); ok && o.Field(f.To) >= 0 {
					t.Object, t.Type = name, o.Fields[o.Field(f.To)].Type
					break
				}
			}
			if list == "" && t.Object == m.Object {
				t.SyncKey = 1 + slices.IndexFunc(m.SyncKeys, func(k mapping.SyncKey) bool { return k.Field == f.To })
			}
			out = append(out, t)
		}
	}
	add("", m.Fields, m.Object)
	for _, c := range m.Companions {
		add("", c.Fields, c.Object)
	}
	for _, c := range m.Children {
		add(c.From, c.Fields, c.Object, c.Object+"_installs")
	}
	return out
}

// unmapped names the fields of the object that nothing fills.
func (s *session) unmapped(v *mappingView) {
	o, ok := s.schema.Object(v.Object)
	if !ok {
		return
	}
	for i := range o.Fields {
		f := &o.Fields[i]
		mapped := slices.ContainsFunc(v.Fields, func(t targetView) bool { return t.Object == o.Name && t.list == "" && t.To == f.Name })
		switch {
		case mapped || f.For != "":
		case f.Required:
			v.Required = append(v.Required, f.Name)
		default:
			v.Unmapped = append(v.Unmapped, f.Name)
		}
	}
}

// addSamples fills in what the mapping makes of the sampled records.
func (s *session) addSamples(in syncer.Integration, src sampled, targets []targetView) {
	program, err := mapping.Compile(in.Mapping, s.schema, src.options)
	if err != nil {
		return // what is wrong with it, the configuration's own messages say
	}
	var out mapping.Out
	for _, rec := range src.records {
		out.Reset()
		if err := program.Map(rec, &out); err != nil {
			continue
		}
		for i := range targets {
			if t := &targets[i]; t.Sample == "" {
				t.Sample = s.made(program.Targets(), &out, t)
			}
		}
		for _, fault := range out.Faults {
			for i := range targets {
				if targets[i].To == fault.Field && targets[i].Fault == "" {
					targets[i].Fault = fault.String()
				}
			}
		}
	}
}

// made is the first value that a record gave to a target field, for people.
func (s *session) made(all []mapping.Target, out *mapping.Out, t *targetView) string {
	for _, row := range out.Rows {
		target := all[row.Target]
		o, ok := s.schema.Object(target.Object)
		if target.Object != t.Object || !ok {
			continue
		}
		for i, c := range target.Columns {
			if c.Field != t.To || row.Values[i].Kind == mapping.KindRow || row.Values[i].IsEmpty() {
				continue
			}
			if c.Sensitive {
				return credentials.Mask
			}
			return o.Fields[o.Field(c.Field)].Format(row.Values[i])
		}
	}
	return ""
}

// A fills tells which target fields a path fills.
type fills map[string][]string

// fillsOf finds the paths that each line reads.
func fillsOf(targets []targetView) fills {
	out := fills{}
	for _, t := range targets {
		m := mapping.Mapping{Key: "id", Fields: []mapping.FieldMapping{{From: t.From}}}
		if t.list != "" {
			m = mapping.Mapping{Key: "id", Children: []mapping.ChildMapping{{From: t.list, Fields: m.Fields}}}
		}
		read := m.Paths()[1:]
		if t.list != "" {
			read = read[1:] // the list itself
		}
		for _, at := range read {
			at = itemsOf(at)
			if name := t.Object + "." + t.To; !slices.Contains(out[at], name) {
				out[at] = append(out[at], name)
			}
		}
	}
	return out
}

// rules adds what is read beside the fields.
func (f fills) rules(m mapping.Mapping) {
	add := func(name string, paths []string) {
		for _, at := range paths {
			at = itemsOf(at)
			if at != "" && !slices.Contains(f[at], name) {
				f[at] = append(f[at], name)
			}
		}
	}
	add("(vendor id)", mapping.Mapping{Key: m.Key}.Paths())
	add("(filter)", mapping.Mapping{Filter: m.Filter}.Paths())
	add("(create_if)", mapping.Mapping{CreateIf: m.CreateIf}.Paths())
	add("(update_if)", mapping.Mapping{UpdateIf: m.UpdateIf}.Paths())
}

// of returns what a path fills, as it is, as a part of something, or by its parts.
func (f fills) of(at string) []string {
	out := []string{}
	at = itemsOf(at)
	for _, read := range slices.Sorted(maps.Keys(f)) {
		if read != at && !within(read, at) && !within(at, read) {
			continue
		}
		for _, name := range f[read] {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// within reports whether a path leads into what stands at another.
func within(at, outer string) bool {
	rest, ok := strings.CutPrefix(at, outer)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// itemsOf writes a path in one form, with [] for each index.
func itemsOf(text string) string {
	steps, err := path.ParsePattern(text)
	if err != nil {
		return text
	}
	var b strings.Builder
	for _, s := range steps {
		if s.IsIndex {
			b.WriteString("[]")
			continue
		}
		b.WriteString(joined(b.Len() > 0, s.Key))
	}
	return b.String()
}

// joined is a key as it stands in a path, behind another step or not.
func joined(behind bool, key string) string {
	step := path.Path{{Key: key}}.String()
	if behind && !strings.HasPrefix(step, "[") {
		return "." + step
	}
	return step
}

// printMapping shows a mapping to people.
func (s *session) printMapping(v mappingView, in syncer.Integration) error {
	facts := newTable("INTEGRATION", v.Integration)
	for _, f := range [][2]string{
		{"object", cmp.Or(v.Object, "none yet")},
		{"reads", v.Connector + " " + v.Stream},
		{"vendor id", v.Key},
		{"sync keys", keysText(v.SyncKeys)},
		{"filter", v.Filter},
		{"created if", v.CreateIf},
		{"updated if", v.UpdateIf},
		{"left out", s.unseenText(in.Mapping)},
	} {
		if f[1] != "" {
			facts.add(f[0], f[1])
		}
	}
	if err := s.print(facts); err != nil {
		return err
	}
	targets := newTable("FIELD", "FROM", "SAMPLE", "KEY", "WRITTEN", "RULES")
	for _, t := range v.Fields {
		key, name := "", t.To
		if t.SyncKey > 0 {
			key = strconv.Itoa(t.SyncKey)
		}
		if t.Object != v.Object {
			name = t.Object + "." + t.To
		}
		targets.add(name, fromText(t), cmp.Or(t.Fault, t.Sample), key, writtenText(t), rulesText(t))
	}
	for _, name := range v.Required {
		targets.add(name, "(nothing, and it is required)", "", "", "", "")
	}
	if err := s.section(targets); err != nil {
		return err
	}
	if len(v.Unmapped) > 0 {
		if err := s.lines("", "Nothing fills: "+strings.Join(v.Unmapped, ", ")); err != nil {
			return err
		}
	}
	sources := newTable("SOURCE", "TYPE", "SAMPLE", "FILLS")
	free := 0
	for _, f := range v.Sources {
		if len(f.Fills) == 0 {
			free++
		}
		sample := f.Sample
		if sample == "" && f.Example != "" {
			sample = "e.g. " + f.Example
		}
		sources.add(f.Path, f.Type, sample, strings.Join(f.Fills, ", "))
	}
	if err := s.section(sources); err != nil || free == 0 {
		return err
	}
	return s.lines("", fmt.Sprintf("%d of %d source fields fill nothing.", free, len(v.Sources)))
}

// lines writes lines for people.
func (a *app) lines(lines ...string) error {
	for _, l := range lines {
		if err := a.line("%s", l); err != nil {
			return err
		}
	}
	return nil
}

// fromText says where a value comes from.
func fromText(t targetView) string {
	switch {
	case t.From != "":
		return t.From
	case t.Value != "":
		return "value: " + t.Value
	case t.Setting != "":
		return "setting: " + t.Setting
	}
	return "(its default alone)"
}

// writtenText says when a field of a record that exists is written, nothing for
// always.
func writtenText(t targetView) string {
	if t.Write == string(mapping.Always) {
		return ""
	}
	return t.Write
}

// rulesText says what else a line says.
func rulesText(t targetView) string {
	var rules []string
	if len(t.Values) > 0 {
		names := slices.Sorted(maps.Keys(t.Values))
		for i, name := range names {
			names[i] = name + " → " + cmp.Or(t.Values[name], "empty")
		}
		const most = 3
		if more := len(names) - most; more > 0 {
			names = append(names[:most], fmt.Sprintf("%d more", more))
		}
		rules = append(rules, strings.Join(names, ", "))
	}
	if t.Otherwise != "" {
		rules = append(rules, "otherwise "+t.Otherwise)
	}
	if t.Unlisted != "" {
		rules = append(rules, "unlisted: "+t.Unlisted)
	}
	if t.Default != "" {
		rules = append(rules, "default "+t.Default)
	}
	if t.Format != "" {
		rules = append(rules, t.Format)
	}
	return strings.Join(rules, "; ")
}

// keysText lists sync keys in their order.
func keysText(keys []keyView) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		if names[i] = k.Field; !k.Update {
			names[i] += " (only matched by)"
		}
	}
	return strings.Join(names, ", ")
}

// unseenText says which records are left out as stale.
func (s *session) unseenText(m mapping.Mapping) string {
	if m.Unseen.Days == 0 {
		return ""
	}
	field := m.Unseen.Field
	if o, ok := s.schema.Object(m.Object); ok && field == "" {
		for _, name := range []string{"last_activity_at", "last_login_at", "last_seen_at"} {
			if o.Field(name) >= 0 {
				field = name
			}
		}
	}
	return strings.TrimSuffix(fmt.Sprintf("not seen for %d days, by %s", m.Unseen.Days, field), ", by ")
}

// A sideView is what one integration says of an object.
type sideView struct {
	Integration string       `json:"integration"`
	Name        string       `json:"name"`
	State       syncer.State `json:"state"`
	SyncKeys    []keyView    `json:"sync_keys"`
	Fields      []targetView `json:"fields"`
}

// mapAll shows the mapped fields and sync keys of all integrations that fill an
// object, side by side.
func (s *session) mapAll(ctx context.Context, object string) error {
	o, err := s.object(object)
	if err != nil {
		return err
	}
	all, err := s.store.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("list integrations: %w", err)
	}
	views := []sideView{}
	for _, in := range all {
		v := sideView{Integration: in.ID, Name: in.Name, State: in.State, SyncKeys: []keyView{}, Fields: []targetView{}}
		for _, t := range s.targets(in.Mapping) {
			if t.Object == o.Name {
				v.Fields = append(v.Fields, t)
			}
		}
		if in.Mapping.Object == o.Name {
			for i, k := range in.Mapping.SyncKeys {
				v.SyncKeys = append(v.SyncKeys, keyView{k.Field, k.Update || i == 0})
			}
		}
		if in.State != syncer.Archived && (len(v.Fields) > 0 || in.Mapping.Object == o.Name) {
			views = append(views, v)
		}
	}
	switch {
	case s.json:
		return s.writeJSON(map[string]any{"object": o.Name, "integrations": views})
	case len(views) == 0:
		s.note("no integration fills %s", o.Name)
		return nil
	}
	return s.print(sideBySide(o, views))
}

// sideBySide has a line for each field that anybody fills.
func sideBySide(o *mapping.Object, views []sideView) *table {
	t := newTable("FIELD")
	state, keys := []string{"(state)"}, []string{"(sync keys)"}
	for _, v := range views {
		t.header = append(t.header, strings.ToUpper(v.Integration))
		state = append(state, stateWords(v.State))
		keys = append(keys, keysText(v.SyncKeys))
	}
	t.add(state...)
	t.add(keys...)
	for i := range o.Fields {
		row, filled := []string{o.Fields[i].Name}, false
		for _, v := range views {
			cell := ""
			for _, target := range v.Fields {
				if target.To == o.Fields[i].Name {
					cell, filled = fromText(target), true
				}
			}
			row = append(row, cell)
		}
		if filled {
			t.add(row...)
		}
	}
	return t
}

// A proposalView is a proposed mapping as JSON output shows it.
type proposalView struct {
	Integration string              `json:"integration"`
	Object      string              `json:"object"`
	Key         string              `json:"key"`
	Fields      []suggestionView    `json:"fields"`
	SyncKeys    []keySuggestionView `json:"sync_keys"`
	Doubtful    []suggestionView    `json:"doubtful"`
}

type suggestionView struct {
	To     string  `json:"to"`
	From   string  `json:"from"`
	Format string  `json:"format"`
	Score  float64 `json:"score"`
	Reason string  `json:"reason"`
	Mapped string  `json:"mapped"` // what fills the field already
}

type keySuggestionView struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// suggest proposes a mapping, and writes it down where that is asked for.
func (s *session) suggest(ctx context.Context, in syncer.Integration, f mapFlags) error {
	if in.Mapping.Object == "" {
		return usagef("%s fills no object yet; choose one: vendorsync edit %s --set object=assets", in.ID, in.ID)
	}
	src := s.source(ctx, in, !f.noRead)
	p, err := mapping.Suggest(in.Mapping.Object, s.schema, src.fields, src.records)
	if err != nil {
		return err
	}
	if f.write {
		return s.writeSuggestions(ctx, in, src, p)
	}
	v := viewProposal(in, p)
	if s.json {
		return s.writeJSON(v)
	}
	return s.showProposal(v)
}

func viewProposal(in syncer.Integration, p mapping.Proposal) proposalView {
	mapped := map[string]string{}
	for _, f := range in.Mapping.Fields {
		mapped[f.To] = fromText(targetView{From: f.From, Value: f.Value, Setting: f.Setting})
	}
	view := func(list []mapping.Suggestion) []suggestionView {
		out := []suggestionView{}
		for _, g := range list {
			out = append(out, suggestionView{g.To, g.From, string(g.Format), g.Score, g.Reason, mapped[g.To]})
		}
		return out
	}
	v := proposalView{Integration: in.ID, Object: in.Mapping.Object, Key: p.Key, Fields: view(p.Fields), Doubtful: view(p.Doubtful), SyncKeys: []keySuggestionView{}}
	for _, k := range p.SyncKeys {
		v.SyncKeys = append(v.SyncKeys, keySuggestionView(k))
	}
	return v
}

func (s *session) showProposal(v proposalView) error {
	if len(v.Fields)+len(v.Doubtful) == 0 {
		return s.line("nothing of %s looks like a field of %s", v.Integration, v.Object)
	}
	show := func(title string, list []suggestionView) error {
		t := newTable(title, "FROM", "FORMAT", "SCORE", "BECAUSE", "MAPPED NOW")
		for _, g := range list {
			t.add(g.To, g.From, g.Format, strconv.FormatFloat(g.Score, 'f', 2, 64), g.Reason, g.Mapped)
		}
		if title == "FIELD" {
			return s.print(t)
		}
		return s.section(t)
	}
	if err := show("FIELD", v.Fields); err != nil {
		return err
	}
	keys := newTable("SYNC KEY", "BECAUSE")
	for _, k := range v.SyncKeys {
		keys.add(k.Field, k.Reason)
	}
	if err := s.section(keys); err != nil {
		return err
	}
	if err := show("DOUBTFUL", v.Doubtful); err != nil {
		return err
	}
	s.note("Write it down for the fields that nothing fills yet: vendorsync map %s --smart --write", v.Integration)
	return nil
}

// writeSuggestions puts what is proposed into the configuration file, for the
// fields that nothing fills yet.
func (s *session) writeSuggestions(ctx context.Context, in syncer.Integration, src sampled, p mapping.Proposal) error {
	var edit config.MappingEdit
	for _, g := range p.Fields {
		filled := slices.ContainsFunc(in.Mapping.Fields, func(f mapping.FieldMapping) bool {
			return f.To == g.To && (f.From != "" || f.Value != "" || f.Setting != "")
		})
		if !filled {
			edit.Set = append(edit.Set, mapping.FieldMapping{To: g.To, From: g.From, Format: g.Format})
		}
	}
	if len(in.Mapping.SyncKeys) == 0 {
		for _, k := range p.SyncKeys {
			edit.SyncKeys = append(edit.SyncKeys, mapping.SyncKey{Field: k.Field})
		}
	}
	key := p.Key != "" && p.Key != in.Mapping.Key && (in.Mapping.Key == "" || len(src.records) > 0 && !src.has(in.Mapping.Key))
	if len(edit.Set)+len(edit.SyncKeys) == 0 && !key {
		return s.line("there is nothing to add to the mapping of %s", in.ID)
	}
	err := s.editFile(func(data []byte, opt config.Options) ([]byte, error) {
		data, err := config.SetMapping(data, in.ID, opt, edit)
		if err != nil || !key {
			return data, err
		}
		return config.Set(data, in.ID, opt, config.Assignment{Key: "mapping.key", Value: p.Key})
	})
	if err != nil {
		return err
	}
	more := "1 more field"
	if n := len(edit.Set); n != 1 {
		more = fmt.Sprintf("%d more fields", n)
	}
	return s.afterEdit(ctx, in.ID, "mapped %s of %s in %s", more, in.ID, s.file.Name)
}
