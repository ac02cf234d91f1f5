package files

import (
	"bytes"
	"fmt"
)

// A lineDecoder reads NDJSON: one JSON object a line.
type lineDecoder struct{ text *text }

func (d lineDecoder) next(p *page) error {
	line, err := d.line()
	if err != nil {
		return p.fault(fmt.Sprintf("line %d", d.text.count), err)
	}
	p.add(line)
	return nil
}

// line returns the next line that is not blank. It looks at the line's two ends
// alone: who maps a record goes over every byte of it anyway, and tells then
// whether it is valid.
func (d lineDecoder) line() ([]byte, error) {
	for {
		line, err := d.text.row('\n', nil)
		if err != nil {
			return nil, err
		}
		if line = bytes.Trim(line, " \t\r"); len(line) == 0 {
			continue
		}
		if line, err = d.text.utf8(line); err != nil {
			return nil, err
		}
		return line, object(line, "write each record as one JSON object on one line; set format to json for records that go over several lines or stand in one list")
	}
}

// object reports what value is if it does not look like a JSON object. The value
// is not empty and has no white space around it.
func object(value []byte, remedy string) error {
	what := "no JSON"
	switch c := value[0]; {
	case c == '{' && value[len(value)-1] == '}':
		return nil
	case c == '{':
		what = "a JSON object that is not closed"
	case c == '[':
		what = "a JSON list"
	case c == '"':
		what = "a JSON string"
	case c == '-', '0' <= c && c <= '9':
		what = "a number"
	case bytes.Equal(value, []byte("null")), bytes.Equal(value, []byte("true")), bytes.Equal(value, []byte("false")):
		what = string(value)
	}
	return &recordError{message: "it is " + what + " where a record, a JSON object in braces, is expected", remedy: remedy}
}
