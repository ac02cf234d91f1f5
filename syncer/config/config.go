package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

// The stores that a file names, beside "sqlite:" with any other file.
const (
	DefaultStore = "sqlite:inventory.db" // of a file that names none
	MemoryStore  = "memory"              // keeps nothing
)

// MaxSize is how many bytes a file may have.
const MaxSize = 8 << 20

// A File is what a configuration file says.
type File struct {
	Name string // the file's path, for messages
	// Dir is the folder that relative paths start from, the store's and those in
	// settings: the file's own. Empty for a file that was not loaded from disk.
	Dir string
	// Store is "sqlite:FILE", or "memory" for one that keeps nothing. Defaults to
	// DefaultStore.
	Store string
	// Roles are what users.role may be. Whoever opens the store gives them to it.
	// Empty means any.
	Roles []string
	// Fields are the custom fields that the file adds to the target model, in its
	// order.
	Fields []CustomField
	// Precedence says for some objects whose values count.
	Precedence []syncer.Precedence
	// Credentials are those that the file names by reference, by their names. It
	// holds no secret itself.
	Credentials map[string]credentials.Ref
	// Notices say how a server tells people of troubles.
	Notices Notices
	// Integrations are its entries, in its order.
	Integrations []Entry

	places places
	// options are what the mapping of an entry is checked with, by its id.
	options map[string]mapping.Options
}

// An Entry is one integration of a File.
type Entry struct {
	syncer.Integration
	// Launch makes the integration active as soon as nothing is missing.
	Launch bool
	Line   int // where the entry begins
}

// A CustomField is a field that a File adds to an object of the target model.
type CustomField struct {
	Object string
	Field  mapping.Field
}

// Options say how a file is read. The zero value reads without knowing any
// connector.
type Options struct {
	// Name is the file's name in messages. Load sets it.
	Name string
	// Registry holds the connectors that entries may name. With it, connectors,
	// streams and settings are checked, and defaults filled in. Without it, they
	// are taken as they are written.
	Registry *connector.Registry
}

// Load reads the file at that path. An error is an *Error if the file could be
// read and has faults.
func Load(name string, opt Options) (*File, error) {
	data, err := read(name)
	if err != nil {
		return nil, err
	}
	opt.Name = name
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("find the folder of %s: %w", name, err)
	}
	f, err := Parse(data, opt)
	if err != nil {
		return nil, err
	}
	f.Dir = dir
	return f, nil
}

func read(name string) (data []byte, err error) {
	file, err := os.Open(name) //nolint:gosec // The configuration file is the one that the user names.
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err = io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return data, nil
}

// Parse reads a configuration file's text. An error is an *Error with all its
// faults.
//
// What an entry lacks is no fault: it makes a draft, see
// [syncer.Syncer.Missing]. What needs the target model is checked by
// [File.Check].
func Parse(data []byte, opt Options) (*File, error) {
	doc, err := decode(data)
	if err != nil {
		return nil, withName(err, opt.Name)
	}
	r := &reader{places: newPlaces()}
	var raw fileDoc
	if doc != nil {
		raw, _ = fileForm().read(r, doc, "")
	}
	b := &builder{reader: r, registry: opt.Registry, ids: map[string]string{}, options: map[string]mapping.Options{}}
	f := &File{Name: opt.Name, Store: cmp.Or(raw.store, DefaultStore), Roles: raw.roles, Notices: raw.notices, places: r.places, options: b.options}
	b.checkStore(f.Store)
	for _, object := range raw.fields {
		for _, field := range object.value {
			field.Type = cmp.Or(field.Type, mapping.Text)
			f.Fields = append(f.Fields, CustomField{Object: object.name, Field: field})
		}
	}
	f.Credentials = b.references(raw.refs)
	for _, e := range raw.entries {
		f.Integrations = append(f.Integrations, b.entry(e))
	}
	for _, p := range raw.precedence {
		p.value.Object = p.name
		f.Precedence = append(f.Precedence, p.value)
	}
	f.checkOrders(r)
	if err := newError(opt.Name, r.problems); err != nil {
		return nil, err
	}
	return f, nil
}

func withName(err error, name string) error {
	var e *Error
	if errors.As(err, &e) {
		e.Name = name
	}
	return err
}

// Entry returns the integration of that id.
func (f *File) Entry(id string) (Entry, bool) {
	i := slices.IndexFunc(f.Integrations, func(e Entry) bool { return e.ID == id })
	if i < 0 {
		return Entry{}, false
	}
	return f.Integrations[i], true
}

// syntaxError is how the YAML library says where a document goes wrong.
var syntaxError = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

// decode returns the root of a document, nil if the document is empty. An error
// is an *Error.
func decode(data []byte) (*yaml.Node, error) {
	problem := func(line int, format string, args ...any) error {
		return &Error{Problems: []Problem{{Line: line, Message: fmt.Sprintf(format, args...)}}}
	}
	if len(data) > MaxSize {
		return nil, problem(0, "the file has more than %d MiB, which no configuration needs", MaxSize>>20)
	}
	if line, ok := badText(data); !ok {
		return nil, problem(line, "this is not UTF-8; save the file in that encoding")
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		m := syntaxError.FindStringSubmatch(err.Error())
		if m == nil {
			return nil, problem(0, "this is not YAML: %v", err)
		}
		line, err := strconv.Atoi(m[1])
		if err != nil {
			line = 1 // the library leaves out the first line's number
		}
		return nil, problem(line, "this is not YAML: %s%s", m[2], templateHint(data))
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, problem(second.Line, "a second document begins here; a configuration is one document")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return nil, nil
	}
	return doc.Content[0], nil
}

// openTemplate is a template that YAML takes for an object, since it is not quoted.
var openTemplate = regexp.MustCompile(`(?m)^[^#\n'"]*[:,[{-] +\{\{`)

// templateHint says what may be wrong with a document that does not read: an open
// template. The YAML library then often names another line.
func templateHint(data []byte) string {
	at := openTemplate.FindIndex(data)
	if at == nil {
		return ""
	}
	return fmt.Sprintf("; in line %d, a text that begins with {{ stands in quotes: \"{{ ... }}\"", bytes.Count(data[:at[1]], []byte("\n"))+1)
}

// badText finds the line of the first byte that is not UTF-8. Text with another
// byte order mark is left to the YAML library.
func badText(data []byte) (line int, ok bool) {
	if utf8.Valid(data) || bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return 0, true
	}
	line = 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[n:]
	}
	return line, false
}

// A builder makes integrations of what is written.
type builder struct {
	*reader
	registry *connector.Registry
	ids      map[string]string // where an id was first
	options  map[string]mapping.Options
	refs     map[string]credentials.Ref
}

// faultAt reports a fault at a path whose place is known, else at the nearest
// one above it.
func (r *reader) faultAt(path, format string, args ...any) {
	path, at := r.find(path)
	r.problems = append(r.problems, Problem{Line: at.line, Column: at.column, Path: path, Message: fmt.Sprintf(format, args...)})
}

// parent cuts the last step off a path.
func parent(p string) string {
	steps, err := path.Parse(p)
	if err != nil || len(steps) < 2 {
		return ""
	}
	return steps[:len(steps)-1].String()
}

func (b *builder) checkStore(store string) {
	kind, rest, ok := strings.Cut(store, ":")
	switch {
	case kind == "sqlite" && rest == "":
		b.faultAt("store", "the file's name is missing; write %s", DefaultStore)
	case ok && kind == "sqlite", store == MemoryStore:
	default:
		b.faultAt("store", "%q is no store; write sqlite:FILE, or %s to keep nothing", excerpt.Of(store), MemoryStore)
	}
}

// idPattern is what an integration's id looks like.
var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// notInID is what a name has and an id has not.
var notInID = regexp.MustCompile(`[^a-z0-9_]+`)

// slug makes an id of a name: "Laptops (US)" becomes "laptops-us". It is empty
// if nothing of the name can stand in an id.
func slug(name string) string {
	id := strings.Trim(notInID.ReplaceAllString(strings.ToLower(name), "-"), "-_")
	return strings.TrimRight(id[:min(len(id), 63)], "-_")
}

func (b *builder) entry(e entryDoc) Entry {
	b.checkID(&e)
	b.checkCredential(&e)
	out := Entry{Launch: e.launch, Line: b.at[e.place].line, Integration: syncer.Integration{
		ID: e.id, Name: cmp.Or(e.name, e.id), Connector: e.connector, Stream: e.stream,
		Credential: e.credential, Policy: e.policy, User: e.user, Installation: e.installation, Contacts: e.contacts,
		Absence: e.absence, RestoreArchived: e.restoreArchived, FullEvery: e.fullEvery, Schedule: e.schedule,
	}}
	if len(e.settings) > 0 {
		out.Settings = connector.Settings{}
		for _, s := range e.settings {
			out.Settings[s.name] = s.value
		}
	}
	spec, known := b.connector(&e)
	out.Stream = e.stream
	if known {
		b.checkSettings(e, spec, out.Settings)
	}
	stream, listed := spec.Stream(e.stream)
	if e.fullEvery > 0 && listed && !stream.Incremental {
		b.faultAt(e.place+".full_every", "%s cannot tell which of its %s have changed, so that each run reads them all; leave this out", spec.ID, stream.Name)
	}
	out.Mapping = e.buildMapping(spec, stream, out.Settings)
	b.rules(e, &out.Mapping)
	b.options[e.id] = checkOptions(out.Integration, spec, stream)
	return out
}

// checkOptions returns what an entry's mapping is checked with. A setting that is
// yet to be given counts as empty.
func checkOptions(in syncer.Integration, spec connector.Spec, stream connector.Stream) mapping.Options {
	opt := mapping.Options{Fields: stream.Fields, Facts: mapping.Facts{
		IntegrationID: in.ID, Integration: in.Name, Connector: in.Connector, Stream: in.Stream, User: in.User,
	}}
	if spec.ID == "" {
		return opt
	}
	opt.Settings = connector.Settings{}
	for _, s := range spec.Settings {
		if values, given := in.Settings[s.Name]; !s.Secret && given {
			opt.Settings[s.Name] = values
		} else if !s.Secret {
			opt.Settings[s.Name] = []string{s.Default}
		}
	}
	return opt
}

// rules adds to a mapping what the entry says beside it.
func (b *builder) rules(e entryDoc, m *mapping.Mapping) {
	m.Filter, m.CreateIf, m.UpdateIf, m.Unseen = e.filter, e.createIf, e.updateIf, e.unseen
	if e.saas != nil {
		b.saas(e, m)
	}
	if e.defaultRole != "" {
		b.defaultRole(e, m)
	}
}

// accounts is the object that saas fills.
const accounts = "saas_users"

func (b *builder) saas(e entryDoc, m *mapping.Mapping) {
	c := *e.saas
	c.Object = accounts
	switch at := e.place + ".saas"; {
	case c.Application != "" && c.ApplicationID != "":
		b.faultAt(at+".application_id", "application names the application already; keep one of the two")
	case c.Application == "" && c.ApplicationID == "":
		b.faultAt(at, "say which application it is: its name (application), or its id (application_id)")
	}
	m.Companions = append(m.Companions, c)
}

// role is the target field that default_role is for.
const (
	role           = "role"
	defaultRoleKey = ".default_role"
)

// defaultRole makes the default role the default of the role's mapping.
func (b *builder) defaultRole(e entryDoc, m *mapping.Mapping) {
	at := e.place + defaultRoleKey
	i := slices.IndexFunc(m.Fields, func(f mapping.FieldMapping) bool { return f.To == role })
	written := e.mapping != nil && e.mapping.fields != nil
	if i >= 0 && !written && m.Fields[i].From == "" { // the stream's own constant stands back
		m.Fields[i] = mapping.FieldMapping{To: role}
	}
	if i < 0 {
		i = len(m.Fields)
		m.Fields = append(m.Fields, mapping.FieldMapping{To: role})
		b.writtenAt(fmt.Sprintf("%s.mapping.fields[%d]", e.place, i), at)
	}
	f := &m.Fields[i]
	switch {
	case f.Default != "":
		b.faultAt(at, "the mapping of role has a default already, %q; keep one of the two", excerpt.Of(f.Default))
	case f.Value != "" || f.Setting != "":
		b.faultAt(at, "the mapping gives every user the same role already; keep one of the two")
	default:
		f.Default = e.defaultRole
		b.written[fmt.Sprintf("%s.mapping.fields[%d].default", e.place, i)] = at
	}
}

// checkOrders checks that the orders of precedence name integrations of the
// file, each once.
func (f *File) checkOrders(r *reader) {
	ids := make([]string, len(f.Integrations))
	for i, e := range f.Integrations {
		ids[i] = e.ID
	}
	for _, p := range f.Precedence {
		at := join("precedence", p.Object)
		order := at
		if _, long := r.at[at+".order"]; long {
			order = at + ".order"
		}
		f.checkOrder(r, order, ids, p.Order)
		for _, field := range slices.Sorted(maps.Keys(p.Fields)) {
			f.checkOrder(r, join(at+".fields", field), ids, p.Fields[field])
		}
	}
}

func (f *File) checkOrder(r *reader, at string, ids, order []string) {
	for i, id := range order {
		item := fmt.Sprintf("%s[%d]", at, i)
		switch _, ok := f.Entry(id); {
		case !ok:
			r.faultAt(item, "there is no integration %q; %s", excerpt.Of(id), meant(id, ids))
		case slices.Contains(order[:i], id):
			r.faultAt(item, "%q is there already", id)
		}
	}
}

func (b *builder) checkID(e *entryDoc) {
	if e.id == "" {
		e.id = slug(e.name)
	}
	switch {
	case e.id == "" && e.name == "":
		b.faultAt(e.place+".id", "is missing: an integration has an id or a name")
	case e.id == "":
		b.faultAt(e.place+".id", "is missing: no id can be made of the name %q", excerpt.Of(e.name))
	case !idPattern.MatchString(e.id):
		b.faultAt(e.place+".id", "%q must be small letters, digits, - and _, at most 63, beginning with a letter or digit; %q would do", excerpt.Of(e.id), cmp.Or(slug(e.id), "laptops"))
	case b.ids[e.id] != "":
		b.faultAt(e.place+".id", "the id %q is that of %s already; ids are unique", e.id, b.ids[e.id])
	default:
		b.ids[e.id] = e.place
	}
}

// connector finds the entry's connector and fills in its only stream.
func (b *builder) connector(e *entryDoc) (connector.Spec, bool) {
	if b.registry == nil || e.connector == "" {
		return connector.Spec{}, false
	}
	var ids []string
	for _, c := range b.registry.All() {
		ids = append(ids, c.Spec().ID)
	}
	c, err := b.registry.Get(e.connector)
	if err != nil {
		b.faultAt(e.place+".connector", "there is no connector %q; %s", excerpt.Of(e.connector), meant(e.connector, ids))
		return connector.Spec{}, false
	}
	spec := c.Spec()
	names := make([]string, len(spec.Streams))
	for i, s := range spec.Streams {
		names[i] = s.Name
	}
	_, found := spec.Stream(e.stream)
	switch {
	case found:
	case e.stream != "":
		b.faultAt(e.place+".stream", "%s has no stream %q; %s", spec.ID, excerpt.Of(e.stream), meant(e.stream, names))
	case len(names) == 1:
		e.stream = names[0]
	default:
		b.faultAt(e.place+".stream", "is missing: %s has several, %s", spec.ID, strings.Join(names, ", "))
	}
	return spec, true
}

// checkSettings reports settings that the connector does not have or cannot
// use. One that is missing only makes a draft.
func (b *builder) checkSettings(e entryDoc, spec connector.Spec, settings connector.Settings) {
	names := make([]string, len(spec.Settings))
	for i, s := range spec.Settings {
		names[i] = s.Name
	}
	for _, given := range e.settings {
		at := join(e.place+".settings", given.name)
		i := slices.Index(names, given.name)
		if i < 0 {
			b.faultAt(at, "%s has no setting %q; %s", spec.ID, excerpt.Of(given.name), meant(given.name, names))
			continue
		}
		def := spec.Settings[i]
		if def.Secret && len(given.value) > 0 {
			b.faultAt(at, "this is a secret and does not belong in the file; put it into a credential and name that under credential")
			continue
		}
		if def.Type == connector.Boolean {
			settings[def.Name] = lower(given.value)
		}
		def.Required = false
		one := connector.Spec{ID: spec.ID, Settings: []connector.Setting{def}}
		if _, err := one.Resolve(connector.Settings{def.Name: settings[def.Name]}); err != nil {
			b.faultAt(at, "%s", reason(err, def.Name))
		}
	}
}

// lower returns the words that YAML takes for true and false as connectors
// write them.
func lower(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		if out[i] = w; strings.EqualFold(w, "true") || strings.EqualFold(w, "false") {
			out[i] = strings.ToLower(w)
		}
	}
	return out
}

// reason takes a setting's fault out of the error that Resolve gives.
func reason(err error, setting string) string {
	var e *connector.Error
	if errors.As(err, &e) && e.Err != nil {
		return strings.ReplaceAll(strings.TrimPrefix(e.Err.Error(), setting+": "), "\n"+setting+": ", "; ")
	}
	return err.Error()
}

// keySetting is the setting by which a connector whose records have no fixed
// shape is told where the vendor's id is.
const keySetting = "key"

// buildMapping returns the mapping that is written, what is left out taken from
// the stream's own.
func (e entryDoc) buildMapping(spec connector.Spec, stream connector.Stream, settings connector.Settings) mapping.Mapping {
	m := mapping.FromDefault(stream)
	if e.object != "" && e.object != stream.Object {
		m = mapping.Mapping{Object: e.object, Key: stream.Key} // the default is made for another object
	}
	for _, s := range spec.Settings {
		if s.Name == keySetting {
			m.Key = cmp.Or(settings.Get(keySetting), s.Default, m.Key)
		}
	}
	if e.mapping == nil {
		return m
	}
	m.Key = cmp.Or(e.mapping.key, m.Key)
	if e.mapping.fields != nil {
		m.Fields, m.SyncKeys, m.Children = e.mapping.fields, nil, nil
	}
	if e.mapping.syncKeys != nil {
		m.SyncKeys = e.mapping.syncKeys
	}
	if e.mapping.children != nil {
		m.Children = e.mapping.children
	}
	return m
}
