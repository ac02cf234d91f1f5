package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
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

	// AuthURL, TokenURL and Scopes are what the log-in of a person needs, for the
	// kind AuthorizationCode: where to log in and consent, where to fetch tokens,
	// and what to ask for. {name} stands for a setting. A credential's own
	// auth_url, token_url and scope come first; without either there is no log-in.
	AuthURL  string
	TokenURL string
	Scopes   []string
	// Redirect is the address on a person's own machine to register at the vendor
	// for a log-in there: "http://localhost/callback". One without a port stands
	// for every port; one with a port is for vendors that compare it. Empty means
	// http://127.0.0.1/callback.
	Redirect string
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
	// Host is a host name, with its port if that is not the usual one:
	// "acme.okta.com". The credential goes there, see [Spec.Binding].
	Host SettingType = "host"
	// URL is an address with scheme and host: "https://id.example.com/scim/v2". The
	// credential goes there, see [Spec.Binding].
	URL SettingType = "url"
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
	// Setting is the boolean setting that makes it needed. Empty means that it
	// always is.
	Setting string
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

// A DefaultField fills one target field: from a path, from a template, with a
// constant, or with nothing but a default for new records.
type DefaultField struct {
	To string
	// From is the path of the source value, or a template, which has {{ in it
	// ("{{ first ~ ' ' ~ last }}"), see mapping.FieldMapping. Empty for a constant.
	From  string
	Value string // a constant, where From is empty
	// Values turns what the vendor says into what is written, whatever its case:
	// "SUSPENDED" into "suspended".
	Values map[string]string
	// Otherwise is written for what Values does not list. Empty means what
	// Unlisted says.
	Otherwise string
	// Unlisted says what becomes of what Values does not list, if Otherwise is
	// empty: "keep" it, "fault" or "clear", see mapping.Unlisted. Empty means keep.
	Unlisted string
	// Default is written to a new record for which the vendor has no value, and
	// alone it is all that the field gets: a person's role is the host's.
	Default string
	Format  string // how a date is written, see mapping.Format
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
	case Host:
		err = checkHost(v)
	case URL:
		_, err = hostOf(v)
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

// checkHost says what is wrong with a host name and its port.
func checkHost(v string) error {
	u, err := url.Parse("//" + v)
	if err != nil || u.Host != v || u.Hostname() == "" || strings.ContainsAny(v, "*, \t") {
		return fmt.Errorf("%q is no host name such as acme.example.com, without https:// and without a path", v)
	}
	return nil
}

// hostOf returns the host of an address, with its port if one is given.
func hostOf(v string) (string, error) {
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "" || strings.ContainsAny(u.Host, "*, \t"):
		return "", fmt.Errorf("%q is no address such as https://vendor.example.com", v)
	case u.User != nil:
		return "", errors.New("user name and password do not belong into an address; put them into a credential")
	}
	return u.Host, nil
}

// Binding says where the credential of an integration with these settings may
// go: to this connector, and to the hosts that the settings name, see [Host] and
// [URL], or to the Spec's hosts where no setting names one. A credential that was
// entered for one host does not open for another, so that nobody can have a
// secret sent elsewhere by editing a domain. Settings are as [Spec.Resolve]
// returned them.
func (s Spec) Binding(settings Settings) credentials.Binding {
	b := credentials.Binding{Connector: s.ID}
	for _, def := range s.Settings {
		for _, v := range settings[def.Name] {
			switch def.Type {
			case Host:
				b.Hosts = append(b.Hosts, v)
			case URL:
				if host, err := hostOf(v); err == nil {
					b.Hosts = append(b.Hosts, host)
				}
			default:
			}
		}
	}
	if len(b.Hosts) == 0 {
		b.Hosts = slices.Clone(s.Hosts)
	}
	return b
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
	// Tokens keep what the credential was exchanged for, shared by all integrations
	// of it. Nil means that each Source exchanges it for itself.
	Tokens *Tokens
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
