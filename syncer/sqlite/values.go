package sqlite

import (
	"database/sql/driver"
	"strconv"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
)

// timeLayout is how times stand in the tables: of one width, so that their order
// as text is their order in time.
const timeLayout = "2006-01-02T15:04:05.000Z"

func timeText(t time.Time) string { return t.UTC().Format(timeLayout) }

// timeOf reads a time back, also one that a person wrote with SQLite's own
// functions. Anything else is the zero time.
func timeOf(v driver.Value) time.Time {
	s := text(v)
	for _, layout := range [...]string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// text returns a column as text, empty for NULL.
func text(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// integer returns a column as a number, 0 for what is none.
func integer(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

// value returns a field's value as it stands in a column. A value that somebody
// put there by hand and that is not of the field's type comes back as text, which
// differs from whatever a vendor says.
func (c *column) value(v driver.Value) mapping.Value {
	switch v := v.(type) {
	case nil:
		return mapping.Null
	case string:
		return mapping.TextValue(v)
	case int64:
		if c.integer && !c.link {
			return mapping.IntValue(v)
		}
	}
	return mapping.TextValue(text(v))
}

// values returns the values of all fields, from a row's columns in the order of
// the fields.
func (l *layout) values(row []driver.Value, into []mapping.Value) []mapping.Value {
	for i := range l.columns {
		into[i] = l.columns[i].value(row[i])
	}
	return into
}

// recordID returns the number of a record, and whether the text is one; else the
// number is 0, which no record has.
func recordID(id string) (int64, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 || id[0] == '0' || id[0] == '+' {
		return 0, false
	}
	return n, true
}

// normal returns what a value is looked up by in a key, and whether the text is
// a normal form that a record may have.
func (c *column) normal(text string) (driver.Value, bool) {
	switch {
	case c.link:
		id, ok := recordID(text)
		return id, ok
	case c.integer:
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	}
	return text, true
}

// splitKey returns what the parts of a key are looked up by, and whether the text
// is a key that a record may have.
func (l *layout) splitKey(k *key, text, separator string) ([]driver.Value, bool) {
	parts := make([]driver.Value, 0, len(k.fields))
	rest := text
	for i, f := range k.fields {
		part := rest
		if i < len(k.fields)-1 {
			var found bool
			if part, rest, found = strings.Cut(rest, separator); !found {
				return nil, false
			}
		}
		if i == 0 && part == "" {
			return nil, false
		}
		v, ok := l.columns[f].normal(part)
		if !ok {
			return nil, false
		}
		parts = append(parts, v)
	}
	return parts, true
}
