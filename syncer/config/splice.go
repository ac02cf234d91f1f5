package config

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A layout is the text of a file and where its lines begin. Its methods work on
// the layouts that people write and give up on others; what they return is
// proven by reading it, see proven.
type layout struct {
	text  []byte
	lines []int // where each line begins
}

func newLayout(text []byte) *layout {
	l := &layout{text: text, lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			l.lines = append(l.lines, i+1)
		}
	}
	return l
}

// offset returns where a node begins, or false if the text has no such place.
func (l *layout) offset(n *yaml.Node) (int, bool) {
	if n.Line < 1 || n.Line > len(l.lines) {
		return 0, false
	}
	at := l.lines[n.Line-1]
	if n.Line == 1 {
		at += len(l.text) - len(bytes.TrimPrefix(l.text, []byte("\ufeff")))
	}
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(l.text[at:])
		if at += size; at >= len(l.text) {
			return len(l.text), n.Column > 0
		}
	}
	return at, n.Column > 0
}

// line returns a line without its end, counted from 1.
func (l *layout) line(n int) string {
	from := l.lines[n-1]
	to := len(l.text)
	if n < len(l.lines) {
		to = l.lines[n] - 1
	}
	return strings.TrimSuffix(string(l.text[from:to]), "\r")
}

// end returns where a line ends, before its line break.
func (l *layout) end(n int) int { return l.lines[n-1] + len(l.line(n)) }

// lastLine returns the last line of the block that begins in a line and whose
// content is indented deeper than a column, a list at the column itself included
// if dashes is set. Blank lines after it, and comments not deeper, do not
// belong to it.
func (l *layout) lastLine(first, column int, dashes bool) int {
	last := first
	for n := first + 1; n <= len(l.lines); n++ {
		line := l.line(n)
		body := strings.TrimLeft(line, " ")
		indent := len(line) - len(body) + 1
		switch {
		case body == "":
		case indent > column, dashes && indent == column && (body == "-" || strings.HasPrefix(body, "- ")):
			last = n
		case strings.HasPrefix(body, "#"):
		default:
			return last
		}
	}
	return last
}

// cut returns the text with what is between two places replaced.
func (l *layout) cut(from, to int, by string) []byte {
	return slices.Concat(l.text[:from], []byte(by), l.text[to:])
}

// extent returns where the text of a value in one line begins and ends.
func (l *layout) extent(n *yaml.Node) (from, to int, ok bool) {
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return 0, 0, false
	}
	from, ok = l.offset(n)
	if !ok || from >= len(l.text) {
		return 0, 0, false
	}
	rest := l.text[from:]
	size := -1
	switch {
	case n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value != "" && bytes.HasPrefix(rest, []byte(n.Value)):
		size = len(n.Value)
	case n.Kind == yaml.ScalarNode && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		size = quoted(rest)
	case n.Style&yaml.FlowStyle != 0:
		size = bracketed(rest)
	}
	return from, from + size, size > 0
}

// quoted returns the length of the quoted text that begins here, or -1.
func quoted(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[0] == '"' && s[i] == '\\':
			i++
		case s[0] == '\'' && s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return -1
}

// bracketed returns the length of the value in brackets or braces that begins
// here, or -1.
func bracketed(s []byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case (c == '"' || c == '\'') && strings.IndexByte(" \n[{,:", s[i-1]) >= 0:
			n := quoted(s[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case c == '#' && (s[i-1] == ' ' || s[i-1] == '\n'):
			n := bytes.IndexByte(s[i:], '\n')
			if n < 0 {
				return -1
			}
			i += n
		}
		if depth == 0 {
			return -1
		}
	}
	return -1
}

// afterColon returns the place after the colon of a key.
func (l *layout) afterColon(key *yaml.Node) (int, bool) {
	_, to, ok := l.extent(key)
	if !ok {
		return 0, false
	}
	rest := l.text[to:]
	colon := len(rest) - len(bytes.TrimLeft(rest, " "))
	if colon >= len(rest) || rest[colon] != ':' {
		return 0, false
	}
	return to + colon + 1, true
}

// inline returns a value in one line, as it can stand inside brackets.
func inline(n *yaml.Node) (string, bool) {
	b, err := yaml.Marshal(&yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{n}})
	text := strings.TrimSuffix(string(b), "]\n")
	if err != nil || !strings.HasPrefix(text, "[") || len(text) == len(b) {
		return "", false
	}
	return text[1:], !strings.Contains(text, "\n")
}

// spliceValue returns the text with the value at the keys below a node replaced.
func spliceValue(data []byte, n *yaml.Node, keys []string, value *yaml.Node) ([]byte, bool) {
	l := newLayout(data)
	for i, k := range keys {
		if n.Kind != yaml.MappingNode {
			return nil, false
		}
		at := keyIndex(n, k)
		if at < 0 {
			return l.insert(n, k, nest(keys[i+1:], value))
		}
		old := n.Content[at+1]
		if i == len(keys)-1 || isNull(old) {
			return l.replace(n.Content[at], old, nest(keys[i+1:], value))
		}
		n = old
	}
	return nil, false
}

// replace puts another value in the place of one.
func (l *layout) replace(key, old, value *yaml.Node) ([]byte, bool) {
	text, ok := inline(value)
	if !ok {
		return nil, false
	}
	if from, to, ok := l.extent(old); ok {
		return l.cut(from, to, text), true
	}
	from, ok := l.afterColon(key)
	if !ok {
		return nil, false
	}
	switch {
	case isNull(old) && old.Value == "":
		return l.cut(from, from, " "+text), true
	case old.Style&yaml.FlowStyle != 0 || old.Anchor != "" || old.Kind == yaml.AliasNode:
		return nil, false
	}
	if comment := strings.TrimSpace(string(l.text[from:l.end(key.Line)])); strings.HasPrefix(comment, "#") {
		text += "  " + comment
	}
	last := l.lastLine(key.Line, key.Column, old.Kind == yaml.SequenceNode)
	return l.cut(from, l.end(last), " "+text), true
}

// insert adds a key at the end of an object.
func (l *layout) insert(n *yaml.Node, key string, value *yaml.Node) ([]byte, bool) {
	text, ok := inline(value)
	if !ok || len(n.Content) == 0 && n.Style&yaml.FlowStyle == 0 {
		return nil, false
	}
	text = key + ": " + text
	if n.Style&yaml.FlowStyle != 0 {
		_, to, ok := l.extent(n)
		if !ok {
			return nil, false
		}
		before := bytes.TrimRight(l.text[:to-1], " ")
		if len(n.Content) > 0 {
			text = ", " + text
		}
		return l.cut(len(before), len(before), text), true
	}
	first, last := n.Content[0], n.Content[len(n.Content)-2]
	line := l.lastLine(last.Line, first.Column, n.Content[len(n.Content)-1].Kind == yaml.SequenceNode)
	return l.addLines(line, strings.Repeat(" ", first.Column-1)+text), true
}

// addItem adds an item at the end of a list.
func (l *layout) addItem(list, item *yaml.Node) ([]byte, bool) {
	text, ok := inline(item)
	if !ok {
		return nil, false
	}
	if list.Style&yaml.FlowStyle != 0 {
		from, to, ok := l.extent(list)
		if !ok {
			return nil, false
		}
		line := l.line(list.Line)
		body := strings.TrimLeft(line, " ")
		if len(list.Content) == 0 && strings.HasPrefix(body, mappingFields[1]+":") { // a list that begins: line by line
			without := l.cut(len(bytes.TrimRight(l.text[:from], " ")), to, "")
			return newLayout(without).addLines(list.Line, strings.Repeat(" ", len(line)-len(body)+2)+"- "+text), true
		}
		before := len(bytes.TrimRight(l.text[:to-1], " "))
		if len(list.Content) > 0 {
			text = ", " + text
		}
		return l.cut(before, before, text), true
	}
	if len(list.Content) == 0 {
		return nil, false
	}
	last := l.lastLine(list.Content[len(list.Content)-1].Line, list.Column, false)
	return l.addLines(last, strings.Repeat(" ", list.Column-1)+"- "+text), true
}

// block returns the first line of a line of a mapping and its last, or false if
// it does not have lines of its own.
func (l *layout) block(at line) (first, last int, ok bool) {
	if at.parent.Style&yaml.FlowStyle != 0 {
		return 0, 0, false
	}
	if at.parent.Kind == yaml.MappingNode {
		key := at.parent.Content[at.index-1]
		return key.Line, l.lastLine(key.Line, key.Column, at.node().Kind == yaml.SequenceNode), true
	}
	return at.node().Line, l.lastLine(at.node().Line, at.parent.Column, false), true
}

// exchange puts another item in the place of a line of a mapping.
func (l *layout) exchange(at line, item *yaml.Node) ([]byte, bool) {
	text, ok := inline(item)
	if !ok {
		return nil, false
	}
	old := at.node()
	if from, to, ok := l.extent(old); ok {
		return l.cut(from, to, text), true
	}
	_, last, ok := l.block(at)
	from, known := l.offset(old)
	if !ok || !known || old.Style&yaml.FlowStyle != 0 {
		return nil, false
	}
	if at.parent.Kind == yaml.MappingNode {
		key, known := l.afterColon(at.parent.Content[at.index-1])
		if !known {
			return nil, false
		}
		from, text = key, " "+text
	}
	return l.cut(from, l.end(last), text), true
}

// without returns the text less a line of a mapping.
func (l *layout) without(entry *yaml.Node, at line) ([]byte, bool) {
	size := 1
	if at.parent.Kind == yaml.MappingNode {
		size = 2
	}
	if len(at.parent.Content) == size {
		m := child(entry, mappingFields[0])
		empty := &yaml.Node{Kind: at.parent.Kind, Style: yaml.FlowStyle}
		return l.replace(m.Content[keyIndex(m, mappingFields[1])], at.parent, empty)
	}
	if first, last, ok := l.block(at); ok {
		to := len(l.text)
		if last < len(l.lines) {
			to = l.lines[last]
		}
		return l.cut(l.lines[first-1], to, ""), true
	}
	begin := at.index - size + 1 // the key's, if there is one
	if next := at.index + 1; next < len(at.parent.Content) {
		from, ok1 := l.offset(at.parent.Content[begin])
		to, ok2 := l.offset(at.parent.Content[next])
		return l.cut(from, to, ""), ok1 && ok2
	}
	_, from, ok1 := l.extent(at.parent.Content[begin-1])
	_, to, ok2 := l.extent(at.node())
	if !ok1 || !ok2 {
		return nil, false
	}
	return l.cut(from, to, ""), true
}

// spliceLines returns the text with more lines in the mapping of an entry.
func spliceLines(data []byte, entry *yaml.Node, text string) ([]byte, bool) {
	l := newLayout(data)
	n, lines := entry, "mapping:\n"+indented(text, 2)
	if at := keyIndex(entry, "mapping"); at >= 0 {
		key, m := entry.Content[at], entry.Content[at+1]
		if isNull(m) && m.Value == "" && entry.Style&yaml.FlowStyle == 0 {
			return l.addLines(key.Line, indented(strings.TrimRight(text, "\n"), key.Column+1)), true
		}
		n, lines = m, text
	}
	if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle != 0 || len(n.Content) == 0 {
		return nil, false
	}
	first, last := n.Content[0], n.Content[len(n.Content)-2]
	line := l.lastLine(last.Line, first.Column, n.Content[len(n.Content)-1].Kind == yaml.SequenceNode)
	return l.addLines(line, indented(strings.TrimRight(lines, "\n"), first.Column-1)), true
}

// indented moves lines to the right.
func indented(text string, by int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Repeat(" ", by) + line)
	}
	return b.String()
}

// addLines adds text after a line.
func (l *layout) addLines(line int, text string) []byte {
	at := l.end(line)
	newline := "\n"
	if bytes.HasPrefix(l.text[at:], []byte("\r\n")) {
		newline = "\r\n"
		text = strings.ReplaceAll(text, "\n", newline)
	}
	return l.cut(at, at, newline+text)
}

// spliceEntry returns the text with an entry added to the integrations.
func spliceEntry(data []byte, root *yaml.Node, entry []byte) ([]byte, bool) {
	l := newLayout(data)
	at := keyIndex(root, "integrations")
	if at < 0 {
		text := strings.TrimRight(string(data), "\n")
		if text != "" {
			text += "\n"
		}
		return []byte(text + "integrations:\n" + item(entry, 2) + "\n"), true
	}
	key, list := root.Content[at], root.Content[at+1]
	switch {
	case list.Kind == yaml.SequenceNode && list.Style&yaml.FlowStyle == 0 && len(list.Content) > 0:
		last := l.lastLine(list.Content[len(list.Content)-1].Line, list.Column, false)
		return l.addLines(last, item(entry, list.Column-1)), true
	case isNull(list) && list.Value == "":
		return l.addLines(key.Line, item(entry, 2)), true
	case list.Kind == yaml.SequenceNode && len(list.Content) == 0:
		from, to, ok := l.extent(list)
		if !ok {
			return nil, false
		}
		return newLayout(l.cut(len(bytes.TrimRight(l.text[:from], " ")), to, "")).addLines(key.Line, item(entry, 2)), true
	}
	return nil, false
}

// item lays an object's lines out as an item of a list.
func item(entry []byte, indent int) string {
	lines := strings.Split(strings.TrimRight(string(entry), "\n"), "\n")
	for i, line := range lines {
		switch {
		case i == 0:
			lines[i] = strings.Repeat(" ", indent) + "- " + line
		case line != "":
			lines[i] = strings.Repeat(" ", indent+2) + line
		}
	}
	return strings.Join(lines, "\n")
}
