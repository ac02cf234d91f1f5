package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/vendorsync/vendorsync/internal/path"
)

// maxKey is how long the key of a member on the way to the array may be.
const maxKey = 64 << 10

const setRecords = "set " + settingRecords + " to the path of the list"

// An arrayDecoder reads the elements of a JSON array, which is the document
// itself or lies inside it.
type arrayDecoder struct {
	text    *text
	path    []string // members that lead to the array
	started bool     // the array has been entered
}

func (d *arrayDecoder) next(p *page) error {
	more, err := d.advance()
	if err != nil {
		return err
	}
	if !more {
		return d.leave()
	}
	element, err := d.element()
	if err != nil {
		return p.fault(fmt.Sprintf("element %d", d.text.count), err)
	}
	p.add(element)
	return nil
}

// advance reads up to the next element. It reports whether there is one; if not,
// it has read the end of the array.
func (d *arrayDecoder) advance() (bool, error) {
	if !d.started {
		if err := d.enter(); err != nil {
			return false, err
		}
		d.started = true
	}
	c, err := d.peek()
	if err != nil {
		return false, err
	}
	if c == ']' {
		d.text.discard(1)
		return false, nil
	}
	if d.text.count > 0 {
		if err := d.expect(','); err != nil {
			return false, err
		}
		_, err = d.peek()
	}
	return true, err
}

// element reads the element that begins here.
func (d *arrayDecoder) element() ([]byte, error) {
	raw, err := d.value(d.text.maxRecord)
	if err == nil || isRecordError(err) {
		d.text.count++
	}
	if err != nil {
		return nil, err
	}
	if raw, err = d.text.utf8(raw); err != nil {
		return nil, err
	}
	return raw, object(raw, "correct the export; set "+settingRecords+" if the list of records is another one")
}

// enter reads up to the first element.
func (d *arrayDecoder) enter() error {
	for i := range d.path {
		if err := d.member(i); err != nil {
			return err
		}
	}
	c, err := d.peek()
	switch {
	case err != nil:
		return err
	case c == '[':
		d.text.discard(1)
		return nil
	case len(d.path) > 0:
		return d.text.malformed(setRecords, "there is no list at %s", pathOf(d.path))
	case c == '{':
		return d.objectNotList()
	}
	return d.text.malformed("set format if the file is no JSON", "byte %d: a list of records begins with [", d.text.offset)
}

// objectNotList returns the error of a document that is an object, with the
// lists that the setting records may mean.
func (d *arrayDecoder) objectNotList() error {
	head, err := d.text.head()
	if err != nil {
		return err
	}
	remedy := setRecords
	if names := lists(head); len(names) > 0 {
		remedy += " (" + strings.Join(names, ", ") + ")"
	}
	return d.text.malformed(remedy+", or format to ndjson if each line is a record", "the document is an object, not a list")
}

// lists returns the paths of an object's members that are lists, as far as head
// shows them.
func lists(head []byte) []string {
	var names []string
	dec := json.NewDecoder(bytes.NewReader(head))
	if _, err := dec.Token(); err != nil {
		return nil
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			break
		}
		start := bytes.TrimLeft(head[dec.InputOffset():], ": \t\r\n")
		if name, ok := key.(string); ok && bytes.HasPrefix(start, []byte("[")) {
			names = append(names, pathOf([]string{name}))
		}
		var skipped json.RawMessage
		if dec.Decode(&skipped) != nil {
			break
		}
	}
	return names
}

func pathOf(keys []string) string {
	p := make(path.Path, len(keys))
	for i, key := range keys {
		p[i].Key = key
	}
	return p.String()
}

// member reads up to the value of the i-th member of the path.
func (d *arrayDecoder) member(i int) error {
	c, err := d.peek()
	switch {
	case err != nil:
		return err
	case c != '{':
		return d.text.malformed(setRecords, "byte %d: an object with the member %q is expected", d.text.offset, d.path[i])
	}
	d.text.discard(1)
	for first := true; ; first = false {
		key, more, err := d.key(first)
		switch {
		case err != nil:
			return err
		case !more:
			return d.text.malformed(setRecords, "there is nothing at %s", pathOf(d.path[:i+1]))
		case key == d.path[i]:
			return nil
		}
		if err := d.skip(); err != nil {
			return err
		}
	}
}

// key reads the key of an object's next member and the colon after it. It
// reports whether there is one; if not, it has read the end of the object.
func (d *arrayDecoder) key(first bool) (key string, more bool, err error) {
	c, err := d.peek()
	if err != nil {
		return "", false, err
	}
	if c == '}' {
		d.text.discard(1)
		return "", false, nil
	}
	if !first {
		if err := d.expect(','); err != nil {
			return "", false, err
		}
		if _, err := d.peek(); err != nil {
			return "", false, err
		}
	}
	at := d.text.offset
	raw, err := d.value(maxKey)
	if err != nil && !isRecordError(err) {
		return "", false, err
	}
	if err != nil || json.Unmarshal(raw, &key) != nil {
		return "", false, d.text.malformed(invalidJSON, "byte %d: this is no key of a member", at)
	}
	return key, true, d.expect(':')
}

// leave reads what comes after the array, so that a document that is cut off
// there is noticed. At the end of the document it returns io.EOF.
func (d *arrayDecoder) leave() error {
	for range d.path {
		for more := true; more; {
			var err error
			if _, more, err = d.key(false); err != nil {
				return err
			}
			if more {
				if err := d.skip(); err != nil {
					return err
				}
			}
		}
	}
	_, err := d.text.next()
	if err != nil {
		return err
	}
	return d.text.malformed("make the file one JSON document, or set format to ndjson for one object a line", "byte %d: there is more after the end of the document", d.text.offset)
}

const invalidJSON = "correct the file: it is not valid JSON"

// expect reads c, white space before it included.
func (d *arrayDecoder) expect(c byte) error {
	got, err := d.peek()
	if err != nil {
		return err
	}
	if got != c {
		return d.text.malformed(invalidJSON, "byte %d: %q stands where %q is expected", d.text.offset, got, c)
	}
	d.text.discard(1)
	return nil
}

// peek returns the next byte that is no white space, without reading it.
func (d *arrayDecoder) peek() (byte, error) {
	c, err := d.text.next()
	if errors.Is(err, io.EOF) {
		return 0, d.cutOff()
	}
	return c, err
}

func (d *arrayDecoder) cutOff() error {
	if d.text.offset == 0 {
		return d.text.malformed("write the file again: a list without records is []", "the file is empty")
	}
	return d.text.malformed("fetch the file again", "the JSON document is cut off at byte %d, after element %d", d.text.offset, d.text.count)
}

// skip reads the value that begins here and drops it.
func (d *arrayDecoder) skip() error {
	if _, err := d.peek(); err != nil {
		return err
	}
	if _, err := d.value(0); err != nil && !isRecordError(err) {
		return err
	}
	return nil
}

// value reads the value that begins here. It is good until the next read. One
// that is longer than limit bytes is passed over in constant memory and reported
// as a recordError.
func (d *arrayDecoder) value(limit int) ([]byte, error) {
	var s splitter
	t := d.text
	t.scratch = t.scratch[:0]
	for size := 0; ; {
		b, err := t.window()
		if errors.Is(err, io.EOF) {
			return nil, d.cutOff()
		}
		if err != nil {
			return nil, err
		}
		n, whole := s.scan(b)
		size += n
		t.discard(n)
		switch {
		case s.tooDeep:
			return nil, t.malformed("flatten the document", "byte %d: the JSON is nested more than %d levels deep", t.offset, maxDepth)
		case whole && size == 0:
			return nil, t.malformed(invalidJSON, "byte %d: a value is missing", t.offset)
		case whole && size > limit:
			return nil, tooLong(limit)
		case whole && size == n:
			return b[:n], nil
		case size <= limit:
			t.scratch = append(t.scratch, b[:n]...)
		}
		if whole {
			return t.scratch, nil
		}
	}
}

// tooLong is the error of a record of more than limit bytes.
func tooLong(limit int) error {
	return &recordError{
		message: fmt.Sprintf("it is longer than %d bytes", limit),
		remedy:  "raise the setting " + settingMaxRecord + " if records are meant to be so long; else look for a quote or bracket that is not closed",
	}
}
