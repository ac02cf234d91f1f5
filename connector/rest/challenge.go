package rest

import (
	"net/http"
	"strings"
)

// insufficientScope is the error code of a token that lacks a scope.
const insufficientScope = "insufficient_scope"

// A challenge is what the header WWW-Authenticate says of a refused token (RFC
// 6750, section 3).
type challenge struct{ code, description, scope string }

// challengeOf reads the headers of an answer. What comes first counts.
func challengeOf(h http.Header) challenge {
	var c challenge
	known := map[string]*string{"error": &c.code, "error_description": &c.description, "scope": &c.scope}
	for _, field := range h.Values("WWW-Authenticate") {
		for field != "" {
			var name, value string
			name, value, field = authParam(field)
			if to := known[strings.ToLower(name)]; to != nil && *to == "" {
				*to = value
			}
		}
	}
	return c
}

// authParam cuts the next parameter off a challenge; a scheme has no value.
func authParam(field string) (name, value, rest string) {
	const space = " \t,"
	field = strings.TrimLeft(field, space)
	end := strings.IndexAny(field, space+"=")
	if end < 0 {
		return field, "", ""
	}
	name, rest = field[:end], strings.TrimLeft(field[end:], " \t")
	after, ok := strings.CutPrefix(rest, "=")
	if !ok {
		return name, "", rest
	}
	after = strings.TrimLeft(after, " \t")
	if quoted, ok := strings.CutPrefix(after, `"`); ok {
		value, rest = unquote(quoted)
		return name, value, rest
	}
	end = strings.IndexAny(after, space)
	if end < 0 {
		return name, after, ""
	}
	return name, after[:end], after[end:]
}

// unquote reads a quoted string (RFC 9110, section 5.6.4) behind its first quote.
func unquote(text string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:]
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String(), ""
}

// tell adds to what an answer's body said what its header says, unless the body
// said it too.
func (c challenge) tell(said string) string {
	if c.code == "" {
		return said
	}
	if c.description == "" || !strings.Contains(said, excerpt([]byte(c.description))) {
		said += "; it refuses the token as" + vendorsWords(c.code, c.description)
	}
	if c.scope != "" {
		said += "; it needs the scope " + excerpt([]byte(c.scope))
	}
	return said
}
