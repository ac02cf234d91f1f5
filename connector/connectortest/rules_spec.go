package connectortest

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/mapping"
)

// idShape is what an id must look like to be typed on a command line and stand
// in a file name.
var idShape = regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`)

// checkSpec holds the Spec to the rules that need no Source.
func (s *suite) checkSpec() {
	s.guard("", "Spec", func() { s.checkStatic(s.connector.Spec()) })
	s.checkIdentity()
	s.checkSettings()
	s.checkAccess()
	s.checkNames("", "stream", namesOf(s.spec.Streams, func(st connector.Stream) string { return st.Name }))
	for _, st := range s.spec.Streams {
		s.checkDeclared(st)
		s.checkMapping(st)
	}
}

func (s *suite) checkIdentity() {
	if !idShape.MatchString(s.spec.ID) {
		s.fail(SpecComplete, "", "the id %q is not lower-case letters and digits, with - or _ between", s.spec.ID)
	}
	if strings.TrimSpace(s.spec.Name) == "" || strings.TrimSpace(s.spec.Summary) == "" {
		s.fail(SpecComplete, "", "the name or the summary is empty")
	}
	if len(s.spec.Streams) == 0 {
		s.fail(SpecComplete, "", "there is no stream")
	}
}

func (s *suite) checkSettings() {
	s.checkNames("", "setting", namesOf(s.spec.Settings, func(d connector.Setting) string { return d.Name }))
	types := []connector.SettingType{"", connector.Text, connector.Integer, connector.Boolean, connector.Duration, connector.File, connector.Host, connector.URL}
	for _, def := range s.spec.Settings {
		if !slices.Contains(types, def.Type) {
			s.fail(SettingsSound, "", "setting %q has the unknown type %q", def.Name, def.Type)
		}
		if def.Secret && (def.Default != "" || len(def.Choices) > 0) {
			s.fail(SecretsEmpty, "", "setting %q tells in the Spec what it may be", def.Name)
			continue
		}
		def.Required = false
		alone := connector.Spec{ID: s.spec.ID, Settings: []connector.Setting{def}}
		for _, value := range append([]string{def.Default}, def.Choices...) {
			if _, err := alone.Resolve(connector.Settings{def.Name: {value}}); err != nil {
				s.fail(SettingsSound, "", "default or choice of %v", err)
			}
		}
	}
}

func (s *suite) checkAccess() {
	s.checkNames("", "auth method", namesOf(s.spec.Auth, func(a connector.AuthMethod) string { return a.ID }))
	for _, a := range s.spec.Auth {
		if !slices.Contains(credentials.Kinds(), a.Kind) {
			s.fail(AccessSound, "", "auth method %q is of the unknown kind %q", a.ID, a.Kind)
		}
	}
	s.checkNames("", "limit", namesOf(s.spec.Limits, func(l connector.RateLimit) string { return l.Name }))
	for _, l := range s.spec.Limits {
		if l.Requests <= 0 || l.Per <= 0 || l.Burst < 0 {
			s.fail(AccessSound, "", "limit %q allows %d requests in %v, %d at once", l.Name, l.Requests, l.Per, l.Burst)
		}
	}
}

// checkDeclared looks at a stream's key, fields and permissions.
func (s *suite) checkDeclared(st connector.Stream) {
	if _, err := path.Parse(st.Key); err != nil {
		s.fail(StreamKeyed, st.Name, "%v", err)
	}
	s.checkNames(st.Name, "permission", namesOf(st.Permissions, func(p connector.Permission) string { return p.Name }))
	for _, p := range st.Permissions {
		isSwitch := func(def connector.Setting) bool { return def.Name == p.Setting && def.Type == connector.Boolean }
		if p.Setting != "" && !slices.ContainsFunc(s.spec.Settings, isSwitch) {
			s.fail(SettingsSound, st.Name, "the permission %q depends on %q, which is no boolean setting", p.Name, p.Setting)
		}
	}
	s.checkFields(FieldsSound, st.Name, st.Fields)
}

func (s *suite) checkFields(rule Rule, stream string, fields []connector.Field) {
	s.checkNames(stream, "field", namesOf(fields, func(f connector.Field) string { return f.Path }))
	types := []connector.FieldType{connector.StringField, connector.NumberField, connector.BooleanField, connector.ListField, connector.ObjectField}
	for _, f := range fields {
		if _, err := path.ParsePattern(f.Path); err != nil {
			s.fail(rule, stream, "%v", err)
		}
		if !slices.Contains(types, f.Type) {
			s.fail(rule, stream, "field %q has the unknown type %q", f.Path, f.Type)
		}
	}
}

// checkMapping holds a default mapping to the target model and to the declared
// fields.
func (s *suite) checkMapping(st connector.Stream) {
	d := st.Mapping
	if len(d.Fields) == 0 && len(d.SyncKeys) == 0 && len(d.Children) == 0 {
		return
	}
	if st.Object == "" {
		s.fail(MappingSound, st.Name, "there is a mapping, but no target object")
		return
	}
	if len(d.SyncKeys) == 0 {
		s.fail(MappingSound, st.Name, "there is no sync key")
	}
	m := mapping.FromDefault(st)
	_, err := mapping.Compile(m, cmp.Or(s.opts.Schema, mapping.Standard()), mapping.Options{Settings: s.openSettings()})
	if faults := (*mapping.CompileError)(nil); errors.As(err, &faults) {
		for _, p := range faults.Problems {
			if p.Place != "key" { // the stream's own, which another rule is about
				s.fail(MappingSound, st.Name, "%s: %s", p.Place, p.Message)
			}
		}
	}
	for _, from := range m.Paths()[1:] { // the first is the key's
		s.checkSource(st, from)
	}
}

// openSettings returns the settings that a mapping may name, which are those
// that are no secret.
func (s *suite) openSettings() connector.Settings {
	open := connector.Settings{}
	for _, def := range s.spec.Settings {
		if !def.Secret {
			open[def.Name] = []string{def.Default}
		}
	}
	return open
}

// checkSource says that a path is one of the declared fields or lies inside one,
// if fields are declared.
func (s *suite) checkSource(st connector.Stream, from string) {
	p, err := path.ParsePattern(from)
	if err != nil || len(st.Fields) == 0 {
		return
	}
	declared := slices.ContainsFunc(st.Fields, func(f connector.Field) bool {
		q, err := path.ParsePattern(f.Path)
		return err == nil && len(q) <= len(p) && overlaps(q, p)
	})
	if !declared {
		s.fail(MappingSound, st.Name, "%q is no declared field", from)
	}
}

// checkNames says that names are there and unique.
func (s *suite) checkNames(stream, what string, names []string) {
	for i, name := range names {
		if strings.TrimSpace(name) == "" {
			s.fail(NamesUnique, stream, "%s %d has no name", what, i+1)
		} else if slices.Contains(names[:i], name) {
			s.fail(NamesUnique, stream, "two have the name: %s %q", what, name)
		}
	}
}

func namesOf[T any](list []T, name func(T) string) []string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = name(v)
	}
	return names
}
