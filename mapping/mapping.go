package mapping

import (
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
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
}

// A FieldMapping fills one target field: from a path or with a constant, or with
// nothing but a default.
type FieldMapping struct {
	To   string // the target field
	From string // path of the source value; empty for a constant
	// Value is a constant, used where From is empty. It is coerced to the target
	// field's type when the mapping is compiled.
	Value string
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
		out[i] = FieldMapping{To: f.To, From: f.From, Value: f.Value, Format: Format(f.Format)}
	}
	return out
}

// Paths returns the source paths that the mapping reads, the vendor id's first;
// [] stands for every item of a list.
func (m Mapping) Paths() []string {
	paths := []string{m.Key}
	add := func(prefix string, fields []FieldMapping) {
		for _, f := range fields {
			switch {
			case f.From == "":
			case prefix != "" && f.From[0] != '[':
				paths = append(paths, prefix+"."+f.From)
			default:
				paths = append(paths, prefix+f.From)
			}
		}
	}
	add("", m.Fields)
	for _, c := range m.Children {
		paths = append(paths, c.From)
		add(c.From+"[]", c.Fields)
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
	Primary Role = iota // the record itself: one row
	Child               // belongs to the primary row, and goes with it
	Shared              // used by many records: a software title
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
	Faults   []Fault
	Rows     []Row
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
	o.VendorID = ""
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
