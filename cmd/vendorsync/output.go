package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// widthOf returns the width of the terminal that w is, 0 if it is none.
func widthOf(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// printable returns a text as a terminal can show it: what controls the terminal
// or turns the direction of writing is spelt out.
func printable(s string) string {
	clean := true
	for _, r := range s {
		if clean = !hidden(r); !clean {
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case hidden(r) && r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// hidden reports whether a terminal does something else with r than show it.
func hidden(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// A table is rows under a header.
type table struct {
	header []string
	rows   [][]string
}

func newTable(header ...string) *table { return &table{header: header} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// gap is how many blanks stand between two columns.
const gap = 2

// minColumn is how narrow a column may get on a terminal.
const minColumn = 8

// print writes a table, on a terminal cut to its width.
func (a *app) print(t *table) error {
	lines := make([][]string, 0, len(t.rows)+1)
	lines = append(lines, t.header)
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = printable(c)
		}
		lines = append(lines, cells)
	}
	if a.outWidth > 0 {
		if left := fit(lines, a.outWidth); left > 0 {
			a.note("note: %d more columns do not fit this terminal; --json shows them all", left)
		}
	}
	widths := make([]int, len(t.header))
	for _, cells := range lines {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	w := bufio.NewWriter(a.out)
	for _, cells := range lines {
		var line strings.Builder
		for i, c := range cells {
			line.WriteString(c)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+gap))
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// section writes a table after a blank line, nothing if the table is empty.
func (a *app) section(t *table) error {
	if len(t.rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(a.out); err != nil {
		return err
	}
	return a.print(t)
}

// fit cuts cells so that lines are not wider than a terminal: the widest columns
// first, and the last columns altogether if that is not enough. The first column
// stays whole up to half of the width, since a person copies from it. It returns
// how many columns are left out.
func fit(lines [][]string, width int) (left int) {
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	first := max(width/2, minColumn)
	columns := len(widths)
	for columns > 1 && total(widths[:columns], first, minColumn) > width {
		columns--
	}
	limit := width
	for limit > minColumn && total(widths[:columns], first, limit) > width {
		limit--
	}
	for i, cells := range lines {
		lines[i] = cells[:min(len(cells), columns)]
		for k, c := range lines[i] {
			if k == 0 {
				lines[i][k] = clip(c, max(first, limit))
			} else {
				lines[i][k] = clip(c, limit)
			}
		}
	}
	return len(widths) - columns
}

// total is how wide columns are if the first is not wider than one limit, and
// the others not wider than another.
func total(widths []int, first, limit int) int {
	sum := gap*(len(widths)-1) + min(widths[0], max(first, limit))
	for _, w := range widths[1:] {
		sum += min(w, limit)
	}
	return sum
}

// clip shortens a text to a number of characters.
func clip(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == limit {
			return s[:i] + "…"
		}
	}
	return s
}

// line writes one line of text for people to standard output.
func (a *app) line(format string, args ...any) error {
	_, err := fmt.Fprintln(a.out, printable(fmt.Sprintf(format, args...)))
	return err
}

// paragraph writes one line of text after a blank one.
func (a *app) paragraph(format string, args ...any) error {
	if _, err := fmt.Fprintln(a.out); err != nil {
		return err
	}
	return a.line(format, args...)
}

// writeJSON writes one value.
func (a *app) writeJSON(v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = a.out.Write(append(b, '\n'))
	return err
}

// marshal returns a value as indented JSON, letters such as < as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// An array writes a JSON array item by item.
type array struct {
	w     *bufio.Writer
	items int
}

func (a *app) newArray() *array { return &array{w: bufio.NewWriter(a.out)} }

func (o *array) add(v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	sep := ",\n"
	if o.items == 0 {
		sep = "[\n"
	}
	o.items++
	_, err = o.w.WriteString(sep + string(b))
	return err
}

func (o *array) end() error {
	text := "\n]\n"
	if o.items == 0 {
		text = "[]\n"
	}
	if _, err := o.w.WriteString(text); err != nil {
		return err
	}
	return o.w.Flush()
}

// when writes a time for people, nothing for no time.
func (a *app) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(a.zone).Format("2006-01-02 15:04:05")
}

// guarded returns a cell that no spreadsheet takes for a formula.
func guarded(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// yes marks what is so, and leaves the rest empty.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
