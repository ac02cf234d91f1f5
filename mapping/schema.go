package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"regexp"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/internal/nearest"
)

// A Schema is the target model: objects, their fields and keys. [Standard]
// returns the one that everything here is built on. A Schema is immutable once
// shared; [Schema.With], [Schema.WithChoices] and [Schema.WithPlaceholders]
// return changed copies.
type Schema struct {
	Objects []Object
}

// An Object is a kind of target record: users, assets.
type Object struct {
	Name  string
	Label string
	// Key names the fields that together are unique, for objects that are not
	// identified by a single unique field: software is name + publisher.
	Key    []string
	Fields []Field
}

// A Type is the declared type of a target field.
type Type string

// The types of target field.
const (
	Text      Type = "text"
	LongText  Type = "long_text"
	Integer   Type = "integer"
	Decimal   Type = "decimal"
	Boolean   Type = "boolean"
	Date      Type = "date"
	DateTime  Type = "datetime"
	Choice    Type = "choice"
	Email     Type = "email"
	MAC       Type = "mac"
	IP        Type = "ip"
	List      Type = "list"
	Reference Type = "reference"
)

// Types returns all types of field, in the order of their declaration.
func Types() []Type {
	return []Type{Text, LongText, Integer, Decimal, Boolean, Date, DateTime, Choice, Email, MAC, IP, List, Reference}
}

// A Field is one field of an object. Its methods are safe for concurrent use as
// long as nobody changes it.
type Field struct {
	Name     string
	Label    string
	Help     string
	Type     Type
	Item     Type // the type of a list's items; empty means Text
	Unique   bool
	Required bool
	Choices  []string // for Choice: the allowed values, matched whatever their case; empty for any
	Object   string   // for Reference: the object it points to
	// Link marks a reference that is structural: a mapper fills it with KindRow
	// and the store keeps the other record's id. Other references keep the
	// source's text.
	Link bool
	// For names the reference whose record this link holds: assigned_to_id is the
	// user that the text in assigned_to means, once there is one. The schema makes
	// such a field beside every reference that keeps a text; no mapper fills it.
	For string
	// Companion says that a record with this link goes with the one it points to,
	// as an account goes with its person.
	Companion bool
	Custom    bool // added by a host or an operator
	// Upper says that the field is matched in upper case (serial numbers); other
	// text is matched case-folded.
	Upper bool
	// Placeholders are the texts that stand for no value in an identifying field,
	// whatever their case: "To Be Filled By O.E.M.". Where there are any, a text
	// without a letter or digit, of zeros alone, or of one character over and
	// over counts as empty, too. See [DefaultPlaceholders].
	Placeholders []string
}

// Belongs reports whether a record with this link is a part of the one it points
// to, so that a write to it makes the other's links stale. A resolved reference
// is not: an asset is no part of its user.
func (f *Field) Belongs() bool { return f.Link && (f.For == "" || f.Companion) }

// resolvedSuffix ends the name of the link that holds what a reference means.
const resolvedSuffix = "_id"

// resolved returns the link that goes with a reference, and whether it has one.
func (f *Field) resolved() (Field, bool) {
	if f.Type != Reference || f.Link {
		return Field{}, false
	}
	return Field{
		Name: f.Name + resolvedSuffix, Label: f.Label + " (record)", Help: "The record that " + f.Name + " means; filled in by itself.",
		Type: Reference, Object: f.Object, Link: true, For: f.Name, Custom: f.Custom,
	}, true
}

// withResolved returns the fields with the links that go with the references
// among them, each after its reference.
func withResolved(fields []Field) []Field {
	var all []Field
	for i := range fields {
		all = append(all, fields[i])
		if link, ok := fields[i].resolved(); ok {
			all = append(all, link)
		}
	}
	return all
}

// Resolved returns the index of the link that holds what a reference means, or
// -1 for a field that has none.
func (o *Object) Resolved(field int) int {
	if f := &o.Fields[field]; f.Type != Reference || f.Link {
		return -1
	}
	return o.Field(o.Fields[field].Name + resolvedSuffix)
}

// Object returns the object of that name.
func (s *Schema) Object(name string) (*Object, bool) {
	if s != nil {
		for i := range s.Objects {
			if s.Objects[i].Name == name {
				return &s.Objects[i], true
			}
		}
	}
	return nil, false
}

// Field returns the index of the field of that name, or -1.
func (o *Object) Field(name string) int {
	for i := range o.Fields {
		if o.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Clone returns a deep copy, to be changed before it is shared.
func (s *Schema) Clone() *Schema {
	c := &Schema{Objects: slices.Clone(s.Objects)}
	for i := range c.Objects {
		o := &c.Objects[i]
		o.Key = slices.Clone(o.Key)
		o.Fields = slices.Clone(o.Fields)
		for j := range o.Fields {
			f := &o.Fields[j]
			f.Choices = slices.Clone(f.Choices)
			f.Placeholders = slices.Clone(f.Placeholders)
		}
	}
	return c
}

// With returns a copy with a custom field added at the end of an object. A
// custom field can be unique and can refer to another object; it cannot be
// required, nor a link. Its label defaults to its name in plain words. A unique
// text field takes [DefaultPlaceholders] where it brings none of its own.
func (s *Schema) With(object string, f Field) (*Schema, error) {
	c := s.Clone()
	o, ok := c.Object(object)
	if !ok {
		return nil, fmt.Errorf("add field %q: %w", f.Name, s.unknownObject(object))
	}
	f.Custom = true
	f.Choices = slices.Clone(f.Choices)
	f.Placeholders = slices.Clone(f.Placeholders)
	if f.Label == "" {
		f.Label = labelOf(f.Name)
	}
	if f.Unique {
		f.SetUnique(true)
	}
	o.Fields = append(o.Fields, withResolved([]Field{f})...)
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("add field %q to %s: %w", f.Name, object, err)
	}
	return c, nil
}

// SetUnique makes a field unique, or takes that from it. A unique text field has
// [DefaultPlaceholders] where it has none of its own, and one that is no longer
// unique has them no more.
func (f *Field) SetUnique(unique bool) {
	f.Unique = unique
	switch standard := DefaultPlaceholders(); {
	case unique && f.Type == Text && f.Placeholders == nil:
		f.Placeholders = standard
	case !unique && slices.Equal(f.Placeholders, standard):
		f.Placeholders = nil
	}
}

// labelOf turns a field's name into words: "cost_center" into "Cost center".
func labelOf(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// WithChoices returns a copy in which a choice field allows exactly these
// values, such as the roles that a host knows; none at all allows any.
func (s *Schema) WithChoices(object, field string, choices []string) (*Schema, error) {
	c := s.Clone()
	f, err := c.field(object, field)
	if err != nil {
		return nil, fmt.Errorf("set choices: %w", err)
	}
	f.Choices = slices.Clone(choices)
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("set the choices of %s.%s: %w", object, field, err)
	}
	return c, nil
}

// WithPlaceholders returns a copy in which more texts stand for no value, in
// every field that has placeholders.
func (s *Schema) WithPlaceholders(texts ...string) *Schema {
	c := s.Clone()
	for i := range c.Objects {
		for j := range c.Objects[i].Fields {
			if f := &c.Objects[i].Fields[j]; len(f.Placeholders) > 0 {
				f.Placeholders = append(f.Placeholders, texts...)
			}
		}
	}
	return c
}

// field returns a field by its names.
func (s *Schema) field(object, field string) (*Field, error) {
	o, ok := s.Object(object)
	if !ok {
		return nil, s.unknownObject(object)
	}
	i := o.Field(field)
	if i < 0 {
		return nil, o.unknownField(field)
	}
	return &o.Fields[i], nil
}

// unknownObject says that there is no such object, and which there are.
func (s *Schema) unknownObject(name string) error {
	var names []string
	if s != nil {
		for i := range s.Objects {
			names = append(names, s.Objects[i].Name)
		}
	}
	if near := nearest.Name(name, names); near != "" {
		return fmt.Errorf("there is no object %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("there is no object %q; there are %s", name, strings.Join(names, ", "))
}

// unknownField says that there is no such field, and which one is meant if one
// comes near.
func (o *Object) unknownField(name string) error {
	names := make([]string, len(o.Fields))
	for i := range o.Fields {
		names[i] = o.Fields[i].Name
	}
	if near := nearest.Name(name, names); near != "" {
		return fmt.Errorf("%s have no field %q; did you mean %q?", o.Name, name, near)
	}
	return fmt.Errorf("%s have no field %q", o.Name, name)
}

// fieldName is what a field may be called.
var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// systemColumns are what a store keeps beside the fields of a record.
// The last two stand in the history of records that are made one.
var systemColumns = []string{"id", "revision", "created_at", "updated_at", "archived_at", "merged", "merged_into"}

// keySuffix ends the columns in which a store keeps the matching form of a
// unique field.
const keySuffix = "_key"

// Validate reports every fault of the schema together: names that are bad,
// reserved or there twice, unknown types, keys of unknown fields, references to
// unknown objects.
func (s *Schema) Validate() error {
	var errs []error
	seen := map[string]bool{}
	for i := range s.Objects {
		o := &s.Objects[i]
		fault := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("object %q: %s", o.Name, fmt.Sprintf(format, args...)))
		}
		if !fieldName.MatchString(o.Name) {
			fault("a name consists of a-z, 0-9 and _, begins with a letter and has at most 63 characters")
		}
		if seen[o.Name] {
			fault("there are two of this name")
		}
		seen[o.Name] = true
		for _, k := range o.Key {
			if o.Field(k) < 0 {
				fault("its key names the field %q, which it does not have", k)
			}
		}
		for j := range o.Fields {
			errs = append(errs, s.validateField(o, j)...)
		}
	}
	return errors.Join(errs...)
}

// validateField reports the faults of one field.
func (s *Schema) validateField(o *Object, i int) []error {
	f := &o.Fields[i]
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("field %q of %s: %s", f.Name, o.Name, fmt.Sprintf(format, args...)))
	}
	switch {
	case !fieldName.MatchString(f.Name):
		fault("a name consists of a-z, 0-9 and _, begins with a letter and has at most 63 characters")
	case o.Field(f.Name) != i:
		fault("there is a field of this name already")
	case slices.Contains(systemColumns, f.Name):
		fault("the name is that of a system column")
	case strings.HasSuffix(f.Name, keySuffix):
		fault("a name that ends in %s is reserved", keySuffix)
	}
	if !slices.Contains(Types(), f.Type) {
		fault("there is no type %q", f.Type)
	}
	switch f.Item {
	case "":
	case List, Reference, Choice:
		fault("a list cannot hold items of type %s", f.Item)
	default:
		if f.Type != List {
			fault("only a list has an item type")
		} else if !slices.Contains(Types(), f.Item) {
			fault("there is no item type %q", f.Item)
		}
	}
	if f.Type == List && f.Unique {
		fault("a list cannot be unique")
	}
	for _, c := range f.Choices {
		if f.Type != Choice {
			fault("only a choice has choices")
			break
		}
		if strings.TrimSpace(c) != c || c == "" {
			fault("the choice %q is empty or has blanks around it", c)
		}
	}
	if _, known := s.Object(f.Object); f.Type == Reference && !known {
		fault("it refers to %q, which is no object", f.Object)
	}
	if f.Type != Reference && (f.Object != "" || f.Link) {
		fault("only a reference points to an object")
	}
	if f.Custom && f.Required {
		fault("a custom field cannot be required")
	}
	if f.Custom && f.Link && f.For == "" {
		fault("a custom field cannot be a link")
	}
	if f.For != "" {
		if at := o.Field(f.For); at < 0 || o.Resolved(at) != i {
			fault("it holds the record of %q, which is no reference of %s", f.For, o.Name)
		}
	}
	return errs
}

// Version returns a fingerprint of the whole schema, labels and help included:
// the same for equal schemas, on every machine and in every process.
func (s *Schema) Version() string {
	h := sha256.New()
	for i := range s.Objects {
		o := &s.Objects[i]
		fmt.Fprintf(h, "object %q %q %q\n", o.Name, o.Label, o.Key)
		for j := range o.Fields {
			f := &o.Fields[j]
			fmt.Fprintf(h, "label %q %q\n", f.Label, f.Help)
			f.fingerprint(h)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// fingerprint writes all of a field that bears on values.
func (f *Field) fingerprint(h hash.Hash) {
	fmt.Fprintf(h, "field %q %q %q %t %t %q %q %t %q %t %t %t %q\n",
		f.Name, f.Type, f.Item, f.Unique, f.Required, f.Choices, f.Object, f.Link, f.For, f.Companion, f.Custom, f.Upper, f.Placeholders)
}
