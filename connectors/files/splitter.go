package files

import "bytes"

// maxDepth is how deep JSON may nest.
const maxDepth = 1000

// A splitter finds where a JSON value ends, without decoding it. It is shown the
// value's bytes in pieces of any size. It knows brackets and strings alone, and
// leaves to a later reader whether what lies between them is valid.
type splitter struct {
	depth    int
	inString bool
	escaped  bool // the byte before was a backslash in a string
	tooDeep  bool // depth has passed maxDepth; the rest was not looked at
}

// The bytes that mean something to a splitter outside of strings.
const (
	other byte = iota
	quote
	opening
	closing
	separator // ends a number or a word
)

var classes = [256]byte{
	'"': quote,
	'{': opening, '[': opening,
	'}': closing, ']': closing,
	',': separator, ':': separator, ' ': separator, '\t': separator, '\r': separator, '\n': separator,
}

var space = [256]bool{' ': true, '\t': true, '\r': true, '\n': true}

// scan returns how many of the next bytes belong to the value, and whether it
// ends with them. A number or a word ends before the byte that cannot belong to
// it, so that n may be 0.
func (s *splitter) scan(b []byte) (n int, whole bool) {
	for i := 0; i < len(b); i++ {
		if s.inString {
			if i = s.scanString(b, i); i == len(b) {
				return i, false
			}
			if s.depth == 0 {
				return i + 1, true
			}
			continue
		}
		switch classes[b[i]] {
		case quote:
			s.inString = true
		case opening:
			if s.depth++; s.depth > maxDepth {
				s.tooDeep = true
				return i, false
			}
		case closing:
			if s.depth == 0 {
				return i, true
			}
			if s.depth--; s.depth == 0 {
				return i + 1, true
			}
		case separator:
			if s.depth == 0 {
				return i, true
			}
		}
	}
	return len(b), false
}

// scanString returns the index of the quote that closes a string, or len(b).
func (s *splitter) scanString(b []byte, i int) int {
	if s.escaped {
		s.escaped = false
		i++
	}
	for end := -1; i < len(b); {
		if end < i {
			end = i + index(b[i:], '"')
		}
		slash := bytes.IndexByte(b[i:end], '\\')
		if slash < 0 {
			s.inString = end == len(b)
			return end
		}
		if i += slash + 2; i > len(b) {
			s.escaped = true
		}
	}
	return len(b)
}
