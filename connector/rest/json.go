package rest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/bits"

	"github.com/vendorsync/vendorsync/internal/path"
)

// A finder checks one JSON document from end to end and takes out the value at
// one path on the way, without decoding or copying anything.
type finder struct {
	src      []byte
	maxDepth int
	keyed    bool     // the values of an object are items too
	value    []byte   // the value at the path, nil if it is not there; of two the last one
	items    [][]byte // its items, if it has any
	at       int      // where it begins
	fault    string   // what is wrong with the document
	faultAt  int
}

// find returns a finder that has been over src, or says what is wrong with it.
func find(src []byte, p path.Path, maxDepth int) (*finder, error) {
	f := &finder{src: src, maxDepth: maxDepth}
	if err := f.find(p); err != nil {
		return nil, err
	}
	return f, nil
}

// find goes over the document and looks for p.
func (f *finder) find(p path.Path) error {
	end := f.follow(p, f.blank(0), 0)
	if end >= 0 {
		if end = f.blank(end); end < len(f.src) {
			f.fail(end, "something follows the document")
		}
	}
	if f.fault != "" {
		return fmt.Errorf("%s at byte %d of %d", f.fault, f.faultAt, len(f.src))
	}
	return nil
}

func (f *finder) fail(i int, what string) int {
	if f.fault == "" {
		f.fault, f.faultAt = what, i
	}
	return -1
}

func (f *finder) blank(i int) int {
	for i < len(f.src) && (f.src[i] == ' ' || f.src[i] == '\n' || f.src[i] == '\t' || f.src[i] == '\r') {
		i++
	}
	return i
}

// follow passes over the value at i and looks in it for p.
func (f *finder) follow(p path.Path, i, depth int) int {
	switch {
	case len(p) == 0:
		f.at, f.items = i, nil
		end := f.skip(i, depth, func(start, end int) { f.items = append(f.items, f.src[start:end:end]) })
		if end >= 0 {
			f.value = f.src[i:end:end]
		}
		return end
	case i < len(f.src) && f.src[i] == '{' && !p[0].IsIndex:
		return f.object(i, depth, func(key []byte, at int) int {
			if sameKey(key, p[0].Key) {
				return f.follow(p[1:], at, depth+1)
			}
			return f.skip(at, depth+1, nil)
		})
	case i < len(f.src) && f.src[i] == '[' && p[0].IsIndex:
		n := -1
		return f.array(i, depth, func(at int) int {
			if n++; n == p[0].Index {
				return f.follow(p[1:], at, depth+1)
			}
			return f.skip(at, depth+1, nil)
		})
	}
	return f.skip(i, depth, nil)
}

// skip passes over the value at i. item is told the place of each of its items.
func (f *finder) skip(i, depth int, item func(start, end int)) int {
	if i >= len(f.src) {
		return f.fail(i, "the document breaks off")
	}
	switch c := f.src[i]; {
	case c == '{':
		return f.object(i, depth, func(_ []byte, at int) int {
			end := f.skip(at, depth+1, nil)
			if end >= 0 && item != nil && f.keyed {
				item(at, end)
			}
			return end
		})
	case c == '[':
		return f.array(i, depth, func(at int) int {
			end := f.skip(at, depth+1, nil)
			if end >= 0 && item != nil {
				item(at, end)
			}
			return end
		})
	case c == '"':
		return f.text(i)
	case c == '-' || c >= '0' && c <= '9':
		return f.number(i)
	case c == 't':
		return f.word(i, "true")
	case c == 'f':
		return f.word(i, "false")
	case c == 'n':
		return f.word(i, "null")
	}
	return f.fail(i, "there is no JSON value")
}

// object passes over the object at i; member passes over the value at its place.
func (f *finder) object(i, depth int, member func(key []byte, at int) int) int {
	if depth >= f.maxDepth {
		return f.fail(i, "the document is nested too deeply")
	}
	i = f.blank(i + 1)
	if i < len(f.src) && f.src[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(f.src) || f.src[i] != '"' {
			return f.fail(i, "an object's key is missing")
		}
		end := f.text(i)
		if end < 0 {
			return -1
		}
		key := f.src[i+1 : end-1]
		if i = f.blank(end); i >= len(f.src) || f.src[i] != ':' {
			return f.fail(i, "the colon after a key is missing")
		}
		if i = member(key, f.blank(i+1)); i < 0 {
			return -1
		}
		var more bool
		if i, more = f.after(i, '}'); !more {
			return i
		}
	}
}

// array passes over the list at i; item passes over the value at its place.
func (f *finder) array(i, depth int, item func(at int) int) int {
	if depth >= f.maxDepth {
		return f.fail(i, "the document is nested too deeply")
	}
	i = f.blank(i + 1)
	if i < len(f.src) && f.src[i] == ']' {
		return i + 1
	}
	for {
		if i = item(i); i < 0 {
			return -1
		}
		var more bool
		if i, more = f.after(i, ']'); !more {
			return i
		}
	}
}

// after passes over what stands behind a member or an item: a comma, and more
// is to come, or the closing bracket.
func (f *finder) after(i int, closing byte) (next int, more bool) {
	i = f.blank(i)
	switch {
	case i < len(f.src) && f.src[i] == ',':
		return f.blank(i + 1), true
	case i < len(f.src) && f.src[i] == closing:
		return i + 1, false
	}
	return f.fail(i, "a comma or a closing bracket is missing"), false
}

func (f *finder) word(i int, word string) int {
	if !bytes.HasPrefix(f.src[i:], []byte(word)) {
		return f.fail(i, "there is no JSON value")
	}
	return i + len(word)
}

// text passes over the string at i.
func (f *finder) text(i int) int {
	for i = f.plain(i + 1); i < len(f.src); i = f.plain(i + 1) {
		switch c := f.src[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return f.fail(i, "a string holds a control character")
		case c == '\\':
			if i = f.escape(i + 1); i < 0 {
				return -1
			}
		}
	}
	return f.fail(i, "a string breaks off")
}

// plain passes over bytes that stand for themselves in a string, eight at a time:
// most bytes of an answer are such. It may stop before one of them.
func (f *finder) plain(i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(f.src); i += 8 {
		x := binary.LittleEndian.Uint64(f.src[i:])
		quote, backslash := x^ones*'"', x^ones*'\\'
		// A byte of zero, or below a blank, sets the high bit of its place; the
		// lowest place that is set is exact, those above it need not be.
		special := ((x-ones*' ')&^x | (quote-ones)&^quote | (backslash-ones)&^backslash) & highs
		if special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	return i
}

// escape returns the place of the last byte of the escape whose letter is at i.
func (f *finder) escape(i int) int {
	if i >= len(f.src) {
		return f.fail(i, "a string breaks off")
	}
	switch f.src[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		for n := 1; n <= 4; n++ {
			if i+n >= len(f.src) || !isHex(f.src[i+n]) {
				return f.fail(i, "a string holds a bad escape")
			}
		}
		return i + 4
	}
	return f.fail(i, "a string holds a bad escape")
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// number passes over the number at i.
func (f *finder) number(i int) int {
	start := i
	if f.src[i] == '-' {
		i++
	}
	whole := f.digits(i)
	if whole == i || f.src[i] == '0' && whole > i+1 {
		return f.fail(start, "a number is malformed")
	}
	i = whole
	if i < len(f.src) && f.src[i] == '.' {
		if i = f.digits(whole + 1); i == whole+1 {
			return f.fail(start, "a number is malformed")
		}
	}
	if i < len(f.src) && (f.src[i] == 'e' || f.src[i] == 'E') {
		i++
		if i < len(f.src) && (f.src[i] == '+' || f.src[i] == '-') {
			i++
		}
		end := f.digits(i)
		if end == i {
			return f.fail(start, "a number is malformed")
		}
		i = end
	}
	return i
}

func (f *finder) digits(i int) int {
	for i < len(f.src) && f.src[i] >= '0' && f.src[i] <= '9' {
		i++
	}
	return i
}

// sameKey compares a key as it stands between its quotes with a name.
func sameKey(raw []byte, name string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == name
	}
	var key string
	return json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &key) == nil && key == name
}

// textOf returns a value as text: a string without its quotes, a number or a
// boolean as it is, nothing for null and for what is absent. It reports whether
// the value is of one of these kinds.
func textOf(raw []byte) (string, bool) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", true
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case raw[0] == '{' || raw[0] == '[':
		return "", false
	}
	return string(raw), true
}

// without returns the record without the values at the paths, each a pattern.
// The record itself comes back where there is nothing to leave out.
func without(rec []byte, paths []path.Path, maxDepth int) ([]byte, error) {
	c := cutter{finder: finder{src: rec, maxDepth: maxDepth}}
	if end := c.value(nonEmpty(paths), c.blank(0), 0); end >= 0 {
		if end = c.blank(end); end < len(rec) {
			c.fail(end, "something follows the document")
		}
	}
	if c.fault != "" {
		return nil, fmt.Errorf("%s at byte %d of %d", c.fault, c.faultAt, len(rec))
	}
	if !c.cut {
		return rec, nil
	}
	return c.out, nil
}

// nonEmpty keeps the paths that lead into an object or a list at all.
func nonEmpty(paths []path.Path) []path.Path {
	var out []path.Path
	for _, p := range paths {
		if len(p) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// A cutter copies a document but for some of its values.
type cutter struct {
	finder
	out []byte
	cut bool
}

// value copies the value at i without what the paths name in it.
func (c *cutter) value(paths []path.Path, i, depth int) int {
	if len(paths) > 0 && i < len(c.src) {
		switch c.src[i] {
		case '{':
			return c.members(paths, i, depth)
		case '[':
			return c.list(paths, i, depth)
		}
	}
	end := c.skip(i, depth, nil)
	if end >= 0 {
		c.out = append(c.out, c.src[i:end]...)
	}
	return end
}

func (c *cutter) members(paths []path.Path, i, depth int) int {
	c.out = append(c.out, '{')
	first := true
	end := c.object(i, depth, func(key []byte, at int) int {
		var below []path.Path
		for _, p := range paths {
			if p[0].IsIndex || !sameKey(key, p[0].Key) {
				continue
			}
			if len(p) == 1 {
				c.cut = true
				return c.skip(at, depth+1, nil)
			}
			below = append(below, p[1:])
		}
		if !first {
			c.out = append(c.out, ',')
		}
		first = false
		c.out = append(append(append(c.out, '"'), key...), '"', ':')
		return c.value(below, at, depth+1)
	})
	c.out = append(c.out, '}')
	return end
}

// list copies a list. An item that is left out leaves a null, so that the others
// keep their places.
func (c *cutter) list(paths []path.Path, i, depth int) int {
	length := 0
	probe := finder{src: c.src, maxDepth: c.maxDepth}
	if end := probe.array(i, depth, func(at int) int { length++; return probe.skip(at, depth+1, nil) }); end < 0 {
		return c.fail(probe.faultAt, probe.fault)
	}
	c.out = append(c.out, '[')
	n := -1
	end := c.array(i, depth, func(at int) int {
		if n++; n > 0 {
			c.out = append(c.out, ',')
		}
		var below []path.Path
		for _, p := range paths {
			if !p[0].IsIndex || !p[0].Every && p[0].Index != n && p[0].Index != n-length {
				continue
			}
			if len(p) == 1 {
				c.cut = true
				c.out = append(c.out, "null"...)
				return c.skip(at, depth+1, nil)
			}
			below = append(below, p[1:])
		}
		return c.value(below, at, depth+1)
	})
	c.out = append(c.out, ']')
	return end
}
