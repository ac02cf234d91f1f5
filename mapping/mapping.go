package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// A Mapping says how the records of one stream fill the fields of one target
// object. It is data: it comes from a configuration file, a console or a
// stream's default, and [Compile] makes a [Mapper] of it.
type Mapping struct {
	Object   string         // the target object: "assets"
	Key      string         // path of the vendor id in a record
	Fields   []FieldMapping // in no particular order; each target field at most once
	SyncKeys []SyncKey      // in order of priority
	Children []ChildMapping // lists inside a record that fill child objects
	// Companions are records of other objects that go with each record: the
	// account of a person in a SaaS application.
	Companions []CompanionMapping `json:",omitempty"`

	// Filter is a template; a record for which it is not true is left out. Empty
	// keeps all.
	Filter string `json:",omitempty"`
	// CreateIf and UpdateIf are templates that say of a record which passed the
	// filter whether it may be created, and whether one that is there may be
	// written to. Empty means always.
	CreateIf string `json:",omitempty"`
	UpdateIf string `json:",omitempty"`
	// Unseen leaves out the records that the vendor itself has not seen for long.
	Unseen Unseen `json:",omitzero"`
}

// Unseen is the rule that leaves out what the vendor has not seen for long. The
// zero Unseen leaves out nothing.
type Unseen struct {
	// Field is the date or time that counts, a mapped field of the target object.
	// Empty means last_seen_at, last_login_at or last_activity_at, whichever the
	// object has. A record without a value there is kept.
	Field string
	// Days is how long is too long; 0 switches the rule off.
	Days int
}

// A CompanionMapping makes one more record from each record: an account in a
// SaaS application from a person.
type CompanionMapping struct {
	Object string // the object it fills: "saas_users"
	// Application is the name of the SaaS application, which is found, or made if
	// there is none of that name.
	Application string
	// ApplicationID is the id of an application that is there already, in place of
	// its name.
	ApplicationID string
	// Fields are the companion's fields. external_id defaults to the vendor id,
	// and so do username, email and full_name to the record's own.
	Fields []FieldMapping
	// Deactivate gives an account the status "deactivated" when a complete read no
	// longer brings its record.
	Deactivate bool
}

// A FieldMapping fills one target field: from a path, a template, a setting or
// with a constant, or with nothing but a default.
type FieldMapping struct {
	To string // the target field
	// From is the path of the source value ("profile.email", with or without
	// "record." or "response." before it), or a template, which has {{ in it
	// ("{{ record.first ~ ' ' ~ record.last }}"). Empty for a constant.
	From string
	// Value is a constant, used where From is empty. It is coerced to the target
	// field's type when the mapping is compiled.
	Value string
	// Setting names a setting of the integration whose value is taken as constant.
	Setting string `json:",omitempty"`
	// Values turns what the source says into what is written: "OSX" into "macOS".
	// Whatever their case, texts are compared without blanks around them.
	Values map[string]string `json:",omitempty"`
	// Otherwise is written for a text that Values does not list. Empty means what
	// Unlisted says.
	Otherwise string `json:",omitempty"`
	// Unlisted says what becomes of a text that Values does not list, if Otherwise
	// is empty. Empty means KeepUnlisted.
	Unlisted Unlisted `json:",omitempty"`
	// Default is written when a record is created and the source has no value. It
	// is coerced like Value.
	Default string
	// Write says when the field is written. Empty means Always.
	Write WriteRule
	// Format says how a date is written at the source. Empty means ISO 8601.
	Format Format
}

// A WriteRule says when a mapped field is written to a record that exists.
type WriteRule string

// The write rules.
const (
	Always     WriteRule = "always"
	IfEmpty    WriteRule = "if-empty"    // only where the target has no value
	OnCreate   WriteRule = "on-create"   // only when the record is created
	NeverClear WriteRule = "never-clear" // a value is written, an empty one leaves the target alone
)

// Unlisted says what becomes of a text that a table of values does not list.
type Unlisted string

// What becomes of an unlisted text.
const (
	KeepUnlisted  Unlisted = "keep"  // it is written as it is
	FaultUnlisted Unlisted = "fault" // it fails the record
	ClearUnlisted Unlisted = "clear" // it counts as empty
)

// A Format says how a date or a time is written at the source.
type Format string

// The date formats.
const (
	ISO8601      Format = "iso8601"       // "2026-01-02", "2026-01-02T15:04:05Z", with offset or without (then UTC)
	EpochSeconds Format = "epoch-seconds" // 1767366245, "1767366245"
	EpochMillis  Format = "epoch-millis"  // 1767366245000
	LDAPTime     Format = "ldap"          // generalized time: "20260102150405Z", "20260102150405.0Z"
	FileTime     Format = "filetime"      // 100 ns steps since 1601, as Active Directory writes it; 0 and 9223372036854775807 mean never
	DotNetJSON   Format = "dotnet"        // "/Date(1767366245000+0000)/"
	USDate       Format = "us-date"       // "01/02/2026", "1/2/2026 3:04:05 PM"
)

// A SyncKey is a unique target field by which records are matched, or a field of
// the object's key, which stands for the whole key.
type SyncKey struct {
	Field string
	// Update lets a secondary key's value be written too; without it a secondary
	// key finds records and is not written. The first key is always written.
	Update bool
}

// A ChildMapping turns a list inside a record into child objects, such as the
// software of an asset. Object "software" fills software titles and their
// installs on the asset; its fields may be those of either.
type ChildMapping struct {
	Object string
	From   string // path of the list
	Fields []FieldMapping
}

// FromDefault returns a stream's default mapping as a Mapping.
func FromDefault(s connector.Stream) Mapping {
	m := Mapping{Object: s.Object, Key: s.Key, Fields: fromDefaults(s.Mapping.Fields)}
	for _, k := range s.Mapping.SyncKeys {
		m.SyncKeys = append(m.SyncKeys, SyncKey{Field: k})
	}
	for _, c := range s.Mapping.Children {
		m.Children = append(m.Children, ChildMapping{Object: c.Object, From: c.From, Fields: fromDefaults(c.Fields)})
	}
	return m
}

func fromDefaults(fields []connector.DefaultField) []FieldMapping {
	out := make([]FieldMapping, len(fields))
	for i, f := range fields {
		out[i] = FieldMapping{
			To: f.To, From: f.From, Value: f.Value, Values: maps.Clone(f.Values), Otherwise: f.Otherwise, Unlisted: Unlisted(f.Unlisted),
			Default: f.Default, Format: Format(f.Format),
		}
	}
	return out
}

// Paths returns the source paths that the mapping reads, those that its templates
// name among them, the vendor id's first; [] stands for every item of a list. A
// template that cannot be read, which [Compile] reports, reads nothing.
func (m Mapping) Paths() []string {
	paths := []string{bare(m.Key)}
	add := func(list string, from string) {
		for _, p := range pathsOf(from, list != "") {
			switch {
			case p.outside || list == "":
				paths = append(paths, p.text)
			case p.text == "":
			case p.text[0] == '[':
				paths = append(paths, list+"[]"+p.text)
			default:
				paths = append(paths, list+"[]."+p.text)
			}
		}
	}
	for _, f := range m.Fields {
		add("", f.From)
	}
	for _, c := range m.Companions {
		for _, f := range c.Fields {
			add("", f.From)
		}
	}
	for _, text := range []string{m.Filter, m.CreateIf, m.UpdateIf} {
		for _, p := range templatePaths(text, false) {
			paths = append(paths, p.text)
		}
	}
	for _, c := range m.Children {
		paths = append(paths, bare(c.From))
		for _, f := range c.Fields {
			add(bare(c.From), f.From)
		}
	}
	return paths
}

// A sourcePath is a path that a mapping reads.
type sourcePath struct {
	text    string
	outside bool // it begins at the record, though it is used in a list
}

// pathsOf returns the paths that a path or a template reads.
func pathsOf(from string, inList bool) []sourcePath {
	switch {
	case from == "":
		return nil
	case IsTemplate(from):
		return templatePaths(from, inList)
	case inList:
		return []sourcePath{{text: from}}
	}
	return []sourcePath{{text: bare(from)}}
}

// templatePaths returns the paths that a template reads, without those that
// begin at no place of a record.
func templatePaths(text string, inList bool) []sourcePath {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	t, err := parseTemplate(text)
	if err != nil {
		return nil
	}
	var paths []sourcePath
	for _, ref := range t.Refs() {
		switch at := ref.Path; ref.Name {
		case varRun, varIntegration, varSetting:
		case varRecord, varResponse:
			if len(at) > 0 {
				paths = append(paths, sourcePath{text: at.String(), outside: true})
			}
		default:
			if ref.Name != varItem || !inList {
				at = slices.Concat(path.Path{{Key: ref.Name}}, at)
			}
			paths = append(paths, sourcePath{text: at.String()})
		}
	}
	return paths
}

// A Mapper turns records into rows of target objects. Map is safe for
// concurrent use with different outs. [Program] is the one that [Compile]
// makes; a host may bring its own.
type Mapper interface {
	// Targets returns the objects and columns that the mapper fills, the primary
	// object first. It is constant.
	Targets() []Target
	// Map fills out, which the caller has reset, with one record's result. A value
	// that cannot be used is a fault in out, not an error; an error means that
	// nothing can be said of this record, and fails it.
	Map(rec connector.Record, out *Out) error
}

// A Role says what a target is to the record it comes from.
type Role int

// The roles of a target.
const (
	Primary   Role = iota // the record itself: one row
	Child                 // belongs to the primary row, and goes with it
	Shared                // used by many records: a software title
	Companion             // goes with the primary row: a person's account
)

// A Target is one object that a mapper fills.
type Target struct {
	Object  string
	Role    Role
	Columns []Column
}

// A Column is one field that a mapper fills, and how it is written.
type Column struct {
	Field     string // a field of the target's object
	Write     WriteRule
	Default   Value // written on create when the source has no value; Absent for none
	Constant  bool  // every record has the same value
	Sensitive bool  // masked in payloads, history and problems
	// MatchOnly says that the column finds a record and is not written to one
	// that exists: a secondary sync key without Update.
	MatchOnly bool
}

// Out is the result of one record. A Mapper fills it with the Add methods; it
// keeps its memory over Reset. The vendor id and the values may share memory with
// the record, which nobody changes as long as they are in use. The zero Out is
// ready to use.
type Out struct {
	VendorID string // the vendor's own id, as text; empty if the record has none
	// Filtered says why the record is to be left out; empty if it is not.
	Filtered string
	// NoCreate and NoUpdate say why the record must not be created, and why one
	// that is there must not be written to; empty if it may.
	NoCreate, NoUpdate string
	Faults             []Fault
	Rows               []Row
	// Whole tells by target index whether the record held that child list, so
	// that a child missing from it is gone.
	Whole  []bool
	values []Value
}

// A Row is one row of a target. The primary row is the first, whatever it refers
// to; every other row comes after the rows that it refers to.
type Row struct {
	Target int     // index in Mapper.Targets
	Values []Value // by column of the target
}

// Reset empties out for the next record and keeps its memory.
func (o *Out) Reset() {
	o.VendorID, o.Filtered, o.NoCreate, o.NoUpdate = "", "", "", ""
	o.Faults = o.Faults[:0]
	o.Rows = o.Rows[:0]
	o.Whole = o.Whole[:0]
	o.values = o.values[:0]
}

// AddRow appends a row of n absent values for the target of that index and
// returns its index and its values, to be filled in before the next AddRow.
func (o *Out) AddRow(target, n int) (int, []Value) {
	if cap(o.values)-len(o.values) < n {
		o.values = make([]Value, 0, max(2*cap(o.values), n, 16)) // rows made before keep the old array
	}
	start := len(o.values)
	o.values = o.values[:start+n]
	values := o.values[start : start+n : start+n]
	clear(values)
	o.Rows = append(o.Rows, Row{Target: target, Values: values})
	return len(o.Rows) - 1, values
}

// AddFault appends a fault.
func (o *Out) AddFault(f Fault) { o.Faults = append(o.Faults, f) }

// A Fault is a value that cannot be used.
type Fault struct {
	Field  string // the target field; empty for the record as a whole
	Value  string // the offending text, cut to a readable length; masked if sensitive
	Reason string // what is wrong and what to do
}

// String returns the fault in one line.
func (f Fault) String() string {
	switch {
	case f.Field == "":
		return f.Reason
	case f.Value == "":
		return fmt.Sprintf("%s: %s", f.Field, f.Reason)
	}
	return fmt.Sprintf("%s %q: %s", f.Field, f.Value, f.Reason)
}
