package template

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A tokenKind says what a token is. The operators are tokens of their own.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota // the end of the text
	tokenData
	tokenOpenValue  // {{
	tokenCloseValue // }}
	tokenOpenBlock  // {%
	tokenCloseBlock // %}
	tokenName
	tokenString
	tokenInt
	tokenFloat
	tokenOperator
)

// A token is a piece of a template's text.
type token struct {
	kind  tokenKind
	start int
	end   int
	text  string // a name, an operator, a number's digits, a string's value, or data
}

// operators are those of the language, longer ones before their beginnings.
var operators = []string{
	"//", "**", "==", "!=", ">=", "<=",
	"+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",",
}

// lexer cuts a template's text into tokens.
type lexer struct {
	text   string
	pos    int
	tokens []token
	open   []byte // the brackets that are open
}

// lexTemplate cuts text with tags in it.
func lexTemplate(text string) ([]token, error) {
	l := lexer{text: text}
	if err := l.data(); err != nil {
		return nil, err
	}
	l.add(tokenEnd, len(text), "")
	return l.tokens, nil
}

// lexExpression cuts a bare expression.
func lexExpression(text string) ([]token, error) {
	l := lexer{text: text}
	for {
		l.space()
		if l.pos == len(text) {
			break
		}
		if err := l.token(); err != nil {
			return nil, err
		}
	}
	l.add(tokenEnd, len(text), "")
	return l.tokens, nil
}

func (l *lexer) add(kind tokenKind, start int, text string) {
	l.tokens = append(l.tokens, token{kind, start, l.pos, text})
}

func (l *lexer) fail(at int, message string) error {
	return errorAt(l.text, at, ErrSyntax, message)
}

// data reads text outside tags, and the tags in it, to the end.
func (l *lexer) data() error {
	for l.pos < len(l.text) {
		start := l.pos
		at := nextTag(l.text, start)
		if at < 0 {
			l.pos = len(l.text)
			if rest := strings.TrimSuffix(l.text[start:], "\n"); rest != "" { // one newline at the end is the file's
				l.add(tokenData, start, rest)
			}
			return nil
		}
		before := l.text[start:at]
		l.pos = at + 2
		if l.peek() == '-' {
			before = strings.TrimRightFunc(before, unicode.IsSpace)
		}
		if before != "" {
			l.add(tokenData, start, before)
		}
		if c := l.peek(); c == '-' || c == '+' {
			l.pos++
		}
		if err := l.tag(at); err != nil {
			return err
		}
	}
	return nil
}

// nextTag returns where the next tag begins, or -1.
func nextTag(text string, from int) int {
	for {
		i := strings.IndexByte(text[from:], '{')
		if i < 0 || from+i+1 == len(text) {
			return -1
		}
		from += i
		if c := text[from+1]; c == '{' || c == '%' || c == '#' {
			return from
		}
		from++
	}
}

// tag reads a tag that begins at a byte; pos is behind its beginning.
func (l *lexer) tag(at int) error {
	switch l.text[at+1] {
	case '#':
		return l.comment(at)
	case '{':
		l.add(tokenOpenValue, at, "{{")
		return l.code(at, "}}", tokenCloseValue)
	default:
		l.add(tokenOpenBlock, at, "{%")
		return l.code(at, "%}", tokenCloseBlock)
	}
}

// comment skips a comment.
func (l *lexer) comment(at int) error {
	i := strings.Index(l.text[l.pos:], "#}")
	if i < 0 {
		return l.fail(at, "this comment is never closed; write #} at its end")
	}
	l.pos += i + 2
	if l.text[l.pos-3] == '-' {
		l.space()
	}
	return nil
}

// code reads the tokens of a tag to its end.
func (l *lexer) code(at int, end string, kind tokenKind) error {
	l.open = l.open[:0]
	for {
		l.space()
		rest := l.text[l.pos:]
		if rest == "" {
			return l.fail(at, "this "+l.text[at:at+2]+" is never closed; write "+end+" at its end")
		}
		if len(l.open) == 0 {
			sign := len(rest) > 2 && (rest[0] == '-' || rest[0] == '+' && kind == tokenCloseBlock) && rest[1:3] == end
			if sign || strings.HasPrefix(rest, end) {
				start := l.pos
				l.pos += 2
				if sign {
					l.pos++
				}
				l.add(kind, start, end)
				if sign && rest[0] == '-' {
					l.space()
				}
				return nil
			}
		}
		if err := l.token(); err != nil {
			return err
		}
	}
}

func (l *lexer) peek() byte {
	if l.pos < len(l.text) {
		return l.text[l.pos]
	}
	return 0
}

// space skips white space.
func (l *lexer) space() {
	for l.pos < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[l.pos:])
		if !unicode.IsSpace(r) {
			return
		}
		l.pos += size
	}
}

// token reads one token of an expression.
func (l *lexer) token() error {
	start := l.pos
	c := l.text[start]
	switch {
	case isDigit(c):
		return l.number()
	case c == '\'' || c == '"':
		return l.quoted(c)
	}
	if n := nameLength(l.text[start:]); n > 0 {
		l.pos += n
		l.add(tokenName, start, l.text[start:l.pos])
		return nil
	}
	for _, op := range operators {
		if strings.HasPrefix(l.text[start:], op) {
			return l.operator(op)
		}
	}
	r, _ := utf8.DecodeRuneInString(l.text[start:])
	switch r {
	case '“', '”', '‘', '’':
		return l.fail(start, "this quote is a typographic one; write ' or \"")
	case '&':
		return l.fail(start, "& is no operator; write and")
	case '!':
		return l.fail(start, "! is no operator; write not or !=")
	}
	return l.fail(start, "the character "+string(r)+" has no meaning here")
}

// operator reads an operator, and keeps count of brackets.
func (l *lexer) operator(op string) error {
	start := l.pos
	l.pos += len(op)
	switch op {
	case "(":
		l.open = append(l.open, ')')
	case "[":
		l.open = append(l.open, ']')
	case "{":
		l.open = append(l.open, '}')
	case ")", "]", "}":
		if len(l.open) == 0 {
			return l.fail(start, "this "+op+" closes nothing")
		}
		last := len(l.open) - 1
		if want := l.open[last]; want != op[0] {
			return l.fail(start, "a "+string(want)+" is missing before this "+op)
		}
		l.open = l.open[:last]
	}
	l.add(tokenOperator, start, op)
	return nil
}

// number reads an integer or a float.
func (l *lexer) number() error {
	start := l.pos
	kind := tokenInt
	rest := l.text[start:]
	n := 0
	if len(rest) > 2 && rest[0] == '0' && strings.IndexByte("xXoObB", rest[1]) >= 0 {
		n = 2 + digitsLength(rest[2:], func(c byte) bool { return isDigit(c) || isLetter(c) })
	} else {
		n = decimalLength(rest)
		// after a dot, as in list.0.1, a number is an index
		if start == 0 || l.text[start-1] != '.' {
			if f := fractionLength(rest[n:]); f > 0 {
				kind = tokenFloat
				n += f
			}
		}
	}
	l.pos += n
	text := strings.ReplaceAll(l.text[start:l.pos], "_", "")
	if kind == tokenInt && len(text) > 1 && text[0] == '0' && isDigit(text[1]) && strings.Trim(text, "0") != "" {
		return l.fail(start, "a number does not begin with 0; quote it if it is text")
	}
	if after := l.text[l.pos:]; nameLength(after) > 0 && kind == tokenInt && !isKeyword(after[:nameLength(after)]) {
		return l.fail(l.pos, "a number ends here; quote it if it is text")
	}
	l.add(kind, start, text)
	return nil
}

// decimalLength returns the length of digits with single underscores among them.
func decimalLength(s string) int { return digitsLength(s, isDigit) }

func digitsLength(s string, is func(byte) bool) int {
	n := 0
	for n < len(s) {
		if is(s[n]) || s[n] == '_' && n > 0 && s[n-1] != '_' && n+1 < len(s) && is(s[n+1]) {
			n++
			continue
		}
		break
	}
	return n
}

// fractionLength returns the length of a fraction and exponent.
func fractionLength(s string) int {
	n := 0
	if s != "" && s[0] == '.' {
		d := decimalLength(s[1:])
		if d == 0 {
			return 0
		}
		n = 1 + d
	}
	if e := s[n:]; e != "" && (e[0] == 'e' || e[0] == 'E') {
		sign := 1
		if len(e) > 1 && (e[1] == '+' || e[1] == '-') {
			sign = 2
		}
		if d := decimalLength(e[sign:]); d > 0 {
			n += sign + d
		}
	}
	return n
}

// quoted reads a string.
func (l *lexer) quoted(quote byte) error {
	start := l.pos
	for i := start + 1; i < len(l.text); i++ {
		switch l.text[i] {
		case '\\':
			i++
		case quote:
			value, at, message := unescape(l.text[start+1 : i])
			if message != "" {
				return l.fail(start+1+at, message)
			}
			l.pos = i + 1
			l.add(tokenString, start, value)
			return nil
		}
	}
	return l.fail(start, "this quote is never closed")
}

// nameLength returns the length of the name that a text begins with.
func nameLength(s string) int {
	for i, r := range s {
		if r == '_' || unicode.IsLetter(r) || i > 0 && (unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)) {
			continue
		}
		return i
	}
	return len(s)
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isKeyword says that a name is an operator.
func isKeyword(name string) bool {
	switch name {
	case "and", "or", "not", "in", "is", "if", "else":
		return true
	}
	return false
}
