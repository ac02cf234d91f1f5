package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/credentials"
)

// A Spec is a connector's catalogue entry: all that a catalogue page, a form or
// a prompt needs, as data.
type Spec struct {
	ID            string // unique in a registry: "okta"
	Name          string // for people: "Okta"
	Vendor        string // the company: "Okta, Inc."
	Version       string // the connector's own version
	Category      string // "identity", "device management", "files", ...
	Aliases       []string
	Summary       string // one sentence
	DocsURL       string // the vendor's documentation
	Auth          []AuthMethod
	Hosts         []string // host patterns a credential may be sent to: "*.okta.com"
	Settings      []Setting
	Limits        []RateLimit
	Streams       []Stream
	Platforms     []string // GOOS values it runs on; empty for all
	Discovers     bool     // its Source is a Discoverer
	ReadsAccounts bool     // its Source is an AccountReader
}

// An AuthMethod is one way to prove who asks. A connector without any needs no
// credential.
type AuthMethod struct {
	ID    string
	Label string
	Help  string // where to create it at the vendor
	Kind  credentials.Kind
}

// A SettingType says what a setting's text must look like.
type SettingType string

// The types of setting.
const (
	Text     SettingType = "text"
	Integer  SettingType = "integer"
	Boolean  SettingType = "boolean" // "true" or "false"
	Duration SettingType = "duration"
	File     SettingType = "file" // a path, relative to the configuration file
)

// A Setting is one input of a connector.
type Setting struct {
	Name     string
	Label    string
	Help     string
	Type     SettingType // empty means Text
	Default  string
	Required bool
	Secret   bool     // masked wherever it is shown
	Choices  []string // the allowed values; empty for any
	Multi    bool     // may be given several times
}

// A RateLimit is a vendor's documented limit.
type RateLimit struct {
	Name     string        // what it counts: "users API"
	Requests int           // this many requests
	Per      time.Duration // in this time
	Burst    int           // at once; 0 means Requests
	Source   string        // where the vendor says so
}

// A Stream is one list the vendor offers.
type Stream struct {
	Name         string // unique in the Spec: "users"
	Label        string
	Summary      string
	Object       string // the target object it fills by default
	Key          string // path of the vendor id in a record
	Fields       []Field
	Mapping      DefaultMapping
	Permissions  []Permission
	Complete     bool // a full read names every record there is, so that absence means something
	Incremental  bool // honours Request.Since
	Partitioned  bool // its Source is a Partitioner for it
	StableResume bool // a resumed read misses nothing that an unbroken one would have seen
}

// A Permission is what a stream needs at the vendor.
type Permission struct {
	Name string // the vendor's own name: "okta.users.read"
	Why  string
}

// A FieldType is the JSON type of a source field.
type FieldType string

// The types of source field.
const (
	StringField  FieldType = "string"
	NumberField  FieldType = "number"
	BooleanField FieldType = "boolean"
	ListField    FieldType = "list"
	ObjectField  FieldType = "object"
)

// A Field is one value of a vendor's record.
type Field struct {
	Path      string // "profile.email", "addresses[0].city"; for the items of a list "applications[].name"
	Type      FieldType
	Label     string
	Example   string
	Sensitive bool // dropped before the record leaves the connector unless mapped, masked wherever it is shown
}

// A DefaultMapping says how a stream's records usually fill its default object.
type DefaultMapping struct {
	Fields   []DefaultField
	SyncKeys []string // target fields, in order of priority
	Children []DefaultChildren
}

// A DefaultField fills one target field, from a path or with a constant.
type DefaultField struct {
	To     string
	From   string
	Value  string // a constant, where From is empty
	Format string // how a date is written, see mapping.Format
}

// DefaultChildren says how a list inside a record fills child objects.
type DefaultChildren struct {
	Object string
	From   string
	Fields []DefaultField
}

// Stream returns the stream of that name.
func (s Spec) Stream(name string) (Stream, bool) {
	for _, st := range s.Streams {
		if st.Name == name {
			return st, true
		}
	}
	return Stream{}, false
}

// NeedsCredential reports whether the connector has no way to read without a
// credential.
func (s Spec) NeedsCredential() bool {
	return len(s.Auth) > 0 && !slices.ContainsFunc(s.Auth, func(a AuthMethod) bool { return a.Kind == credentials.None })
}

// Settings are an integration's inputs, each with its values; most have one.
// The zero value is no settings. Settings are text in every layer, typed by the
// Spec.
type Settings map[string][]string

// Get returns the setting's first value, or "".
func (s Settings) Get(name string) string {
	if v := s[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Bool returns whether the setting's first value is true.
func (s Settings) Bool(name string) bool {
	b, err := strconv.ParseBool(s.Get(name))
	return err == nil && b
}

// Int returns the setting's first value as a number, or 0.
func (s Settings) Int(name string) int {
	n, err := strconv.Atoi(s.Get(name))
	if err != nil {
		return 0
	}
	return n
}

// Resolve checks settings against the Spec and returns them with the defaults
// filled in. It reports every fault together, each with the setting's name;
// all are of class ErrInvalid.
func (s Spec) Resolve(settings Settings) (Settings, error) {
	out := Settings{}
	var errs []error
	fault := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	known := map[string]bool{}
	for _, def := range s.Settings {
		known[def.Name] = true
		values := slices.DeleteFunc(slices.Clone(settings[def.Name]), func(v string) bool { return v == "" })
		if len(values) == 0 && def.Default != "" {
			values = []string{def.Default}
		}
		if len(values) == 0 {
			if def.Required {
				fault(def.Name, "is required (%s)", cmpOr(def.Label, def.Help, "no default"))
			}
			continue
		}
		if len(values) > 1 && !def.Multi {
			fault(def.Name, "takes one value, got %d", len(values))
			continue
		}
		for _, v := range values {
			if err := def.check(v); err != nil {
				fault(def.Name, "%v", err)
			}
		}
		out[def.Name] = values
	}
	for name := range settings {
		if !known[name] {
			fault(name, "is no setting of %s; it has %s", s.ID, s.settingNames())
		}
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, &Error{Class: ErrInvalid, Op: "settings of " + s.ID, Err: errors.Join(errs...)}
	}
	return out, nil
}

func (s Spec) settingNames() string {
	names := make([]string, len(s.Settings))
	for i, def := range s.Settings {
		names[i] = def.Name
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (d Setting) check(v string) error {
	var err error
	switch d.Type {
	case Integer:
		if _, e := strconv.ParseInt(v, 10, 64); e != nil {
			err = fmt.Errorf("%q is not a whole number", v)
		}
	case Boolean:
		if v != "true" && v != "false" {
			err = fmt.Errorf("%q is neither true nor false", v)
		}
	case Duration:
		if _, e := time.ParseDuration(v); e != nil {
			err = fmt.Errorf("%q is no duration such as 30s or 2h", v)
		}
	case Text, File, "":
	default:
		err = fmt.Errorf("the connector declares the unknown type %q", d.Type)
	}
	if err == nil && len(d.Choices) > 0 && !slices.Contains(d.Choices, v) {
		err = fmt.Errorf("%q is not one of %s", v, strings.Join(d.Choices, ", "))
	}
	if d.Secret && err != nil {
		return errors.New("the value is not of its type or not among its choices")
	}
	return err
}

func cmpOr(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// A Limiter holds a request back until the vendor's limit allows it.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Config is what a host gives to Open. The zero value of each field works.
type Config struct {
	// Settings as [Spec.Resolve] returned them.
	Settings Settings
	// Dir is the folder that relative paths in settings start from. Empty means
	// the process's working directory.
	Dir string
	// Credential answers per request. Nil means that there is none.
	Credential credentials.Source
	// Transport carries HTTP requests. Nil means the connector's default.
	Transport http.RoundTripper
	// Limiter returns the limiter for one of the Spec's limits, shared by all
	// integrations of one connector and credential. Nil means no limit beyond
	// the connector's own.
	Limiter func(RateLimit) Limiter
	// Logger receives what a person may want to know. Nil discards.
	Logger *slog.Logger
}

// Log returns the Logger, or one that discards.
func (c Config) Log() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}
