package mapping

// A Schema is the target model: objects, their fields and keys. A Schema is
// immutable once shared; [Schema.With] returns a changed copy.
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

// A Field is one field of an object.
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
	Link   bool
	Custom bool // added by a host or an operator
	// Upper says that the field is matched in upper case (serial numbers); other
	// text is matched case-folded.
	Upper bool
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
