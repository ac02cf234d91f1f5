// Package path reads the paths by which a value inside a JSON document is
// named: dots between keys, brackets around indexes and odd keys.
//
//	profile.email           a member of a member
//	addresses[0].city       the first item of a list; [-1] is the last one
//	['odd.key'].value       a key with dots, brackets or quotes in it
//
// A key outside quotes may hold any character but . [ ] ' and ", so that
// last-login, mail@work and "Serial Number" need no quotes. A backslash inside
// quotes takes the quote or the backslash after it as it is. In a pattern, see
// [ParsePattern], [] stands for every item of a list.
//
// The package uses the standard library and, of this module, excerpt.
package path

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// The limits on a path, so that no configuration can make its reader do more
// work than any real document asks for.
const (
	MaxSteps  = 256
	MaxLength = 4096 // bytes
)

// maxDigits bounds an index, so that it fits an int on every platform.
const maxDigits = 9

// A Path names a value inside a JSON document, step by step from the top.
type Path []Step

// A Step leads from a value to one inside it: to an object's member by its key,
// or to a list's item by its index.
type Step struct {
	Key     string // the member's key, where IsIndex is false
	Index   int    // the item's index, where IsIndex is true: 0 is the first, -1 the last
	IsIndex bool
	Every   bool // every item, whatever its index; IsIndex is true and Index 0
}

// An Error says what is wrong with a path, and where.
type Error struct {
	Text    string // the path
	Column  int    // the character at which it goes wrong, from 1
	Message string // what is wrong
}

// Error returns the fault in one line.
func (e *Error) Error() string {
	return fmt.Sprintf("path %q, column %d: %s", excerpt.Of(e.Text), e.Column, e.Message)
}

// Parse reads a path. An error is an *[Error].
func Parse(text string) (Path, error) { return parse(text, false) }

// ParsePattern reads a path in which [] stands for every item of a list. An
// error is an *[Error].
func ParsePattern(text string) (Path, error) { return parse(text, true) }

func parse(text string, pattern bool) (Path, error) {
	p := parser{text: text, pattern: pattern}
	switch {
	case text == "":
		return nil, p.fail(0, "the path is empty")
	case len(text) > MaxLength:
		return nil, p.fail(0, fmt.Sprintf("the path is longer than %d bytes", MaxLength))
	case !utf8.ValidString(text):
		return nil, p.fail(0, "the path is not valid UTF-8")
	}
	var out Path
	for p.pos < len(text) {
		if len(out) == MaxSteps {
			return nil, p.fail(p.pos, fmt.Sprintf("the path has more than %d steps", MaxSteps))
		}
		step, err := p.step(len(out) == 0)
		if err != nil {
			return nil, err
		}
		out = append(out, step)
	}
	return out, nil
}

type parser struct {
	text    string
	pos     int
	pattern bool
}

// fail returns an error at a byte of the text.
func (p *parser) fail(at int, message string) error {
	return &Error{Text: p.text, Column: utf8.RuneCountInString(p.text[:at]) + 1, Message: message}
}

// step reads one step, with the dot before it.
func (p *parser) step(first bool) (Step, error) {
	switch c := p.text[p.pos]; {
	case c == '[':
		return p.bracket()
	case first:
		return p.key()
	case c == '.':
		p.pos++
		return p.key()
	}
	return Step{}, p.fail(p.pos, "a dot or an opening bracket is missing here")
}

// key reads a key outside quotes.
func (p *parser) key() (Step, error) {
	rest := p.text[p.pos:]
	n := strings.IndexAny(rest, `.[]'"`)
	if n < 0 {
		n = len(rest)
	}
	if n < len(rest) {
		switch c := rest[n]; {
		case c == ']':
			return Step{}, p.fail(p.pos+n, "this bracket closes nothing; write a key with brackets as ['key']")
		case c == '\'' || c == '"':
			return Step{}, p.fail(p.pos+n, "a quoted key stands in brackets: ['key']")
		}
	}
	if n == 0 {
		return Step{}, p.fail(p.pos, "a key is missing here")
	}
	p.pos += n
	return Step{Key: rest[:n]}, nil
}

// bracket reads an index, or a quoted key, in brackets.
func (p *parser) bracket() (Step, error) {
	open := p.pos
	p.pos++
	if p.pos == len(p.text) {
		return Step{}, p.fail(open, "this bracket is never closed")
	}
	var (
		step Step
		err  error
	)
	switch c := p.text[p.pos]; {
	case c == '\'' || c == '"':
		step, err = p.quoted(c)
	case c == ']' && p.pattern:
		step = Step{IsIndex: true, Every: true}
	case c == ']':
		err = p.fail(p.pos, "an index is missing between the brackets")
	default:
		step, err = p.index()
	}
	if err != nil {
		return Step{}, err
	}
	if p.pos == len(p.text) {
		return Step{}, p.fail(open, "this bracket is never closed")
	}
	if p.text[p.pos] != ']' {
		return Step{}, p.fail(p.pos, "a closing bracket is missing here")
	}
	p.pos++
	return step, nil
}

// index reads a whole number.
func (p *parser) index() (Step, error) {
	end := p.pos
	if p.text[end] == '-' {
		end++
	}
	digits := end
	for end < len(p.text) && '0' <= p.text[end] && p.text[end] <= '9' {
		end++
	}
	switch {
	case end == digits:
		return Step{}, p.fail(p.pos, "neither an index nor a quoted key; write [0], [-1] or ['key']")
	case end-digits > maxDigits:
		return Step{}, p.fail(p.pos, "the index is too large")
	}
	n, err := strconv.Atoi(p.text[p.pos:end])
	if err != nil {
		return Step{}, p.fail(p.pos, "the index is not a number")
	}
	p.pos = end
	return Step{Index: n, IsIndex: true}, nil
}

// quoted reads a key between quotes.
func (p *parser) quoted(quote byte) (Step, error) {
	open := p.pos
	p.pos++
	var key strings.Builder
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		p.pos++
		switch c {
		case quote:
			return Step{Key: key.String()}, nil
		case '\\':
			if p.pos == len(p.text) {
				return Step{}, p.fail(open, "this quote is never closed")
			}
			c = p.text[p.pos]
			if c != '\\' && c != '\'' && c != '"' {
				return Step{}, p.fail(p.pos-1, `a backslash stands before a quote or another backslash only; write \\ for one`)
			}
			p.pos++
		}
		key.WriteByte(c)
	}
	return Step{}, p.fail(open, "this quote is never closed")
}

// String returns the path in its shortest spelling, which [ParsePattern] reads
// back to the same path, as [Parse] does for one without a [Step] that is Every.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.Every:
			b.WriteString("[]")
		case s.IsIndex:
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.Index))
			b.WriteByte(']')
		case s.Key == "" || strings.ContainsAny(s.Key, `.[]'"`):
			writeQuoted(&b, s.Key)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Key)
		}
	}
	return b.String()
}

func writeQuoted(b *strings.Builder, key string) {
	quote := byte('\'')
	if strings.Contains(key, "'") && !strings.Contains(key, `"`) {
		quote = '"'
	}
	b.WriteByte('[')
	b.WriteByte(quote)
	for i := range len(key) {
		if key[i] == quote || key[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(key[i])
	}
	b.WriteByte(quote)
	b.WriteByte(']')
}
