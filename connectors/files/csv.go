package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A csvDecoder reads CSV as RFC 4180 has it, with any delimiter: each row after
// the header becomes a JSON object of strings.
type csvDecoder struct {
	text   *text
	comma  byte // the delimiter
	eol    byte
	keys   [][]byte // of the JSON object, see key
	quotes quotes
}

// newCSV reads the header. A delimiter of 0 is found out from it.
func newCSV(t *text, delimiter byte) (*csvDecoder, error) {
	head, err := t.head()
	if err != nil {
		return nil, err
	}
	d := &csvDecoder{text: t, comma: delimiter, eol: lineEnd(head)}
	first := firstLine(head, d.eol)
	if c, ok := separatorLine(first); ok {
		if d.comma == 0 {
			d.comma = c
		}
		if _, _, err := d.row(); err != nil {
			return nil, err
		}
	} else if d.comma == 0 {
		d.comma = sniffDelimiter(first)
	}
	return d, d.header()
}

// lineEnd returns the byte that ends a line: a carriage return in files in the
// manner of the old Macintosh, else a line feed, with or without a carriage
// return before it.
func lineEnd(head []byte) byte {
	i := bytes.IndexAny(head, "\r\n")
	if i >= 0 && head[i] == '\r' && i+1 < len(head) && head[i+1] != '\n' {
		return '\r'
	}
	return '\n'
}

// firstLine returns the first line that is not empty.
func firstLine(head []byte, eol byte) []byte {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte{eol})
	return line
}

// separatorLine returns the delimiter that a line such as sep=; declares, as
// Excel writes and reads it.
func separatorLine(line []byte) (byte, bool) {
	s := strings.Trim(strings.TrimRight(string(line), "\r"), `"`)
	if len(s) != len("sep=;") || !strings.EqualFold(s[:4], "sep=") || s[4] >= utf8.RuneSelf {
		return 0, false
	}
	return s[4], true
}

// sniffDelimiter returns the delimiter that is most frequent outside quotes, the
// earlier one of those that are equally frequent.
func sniffDelimiter(header []byte) byte {
	const delimiters = ",;\t|"
	var counts [len(delimiters)]int
	quoted := false
	for _, c := range header {
		if c == '"' {
			quoted = !quoted
		}
		if i := strings.IndexByte(delimiters, c); i >= 0 && !quoted {
			counts[i]++
		}
	}
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	return delimiters[best]
}

// header reads the names of the columns.
func (d *csvDecoder) header() error {
	row, line, err := d.row()
	if errors.Is(err, io.EOF) {
		return d.text.malformed("write a header row with the names of the columns", "the file is empty")
	}
	seen := map[string]int{}
	for i := 0; err == nil && i <= len(row); {
		var c cell
		if c, i, err = d.cell(row, i, line); err != nil {
			break
		}
		column := len(d.keys) + 1
		name := strings.TrimSpace(c.String())
		if name == "" {
			name = "column_" + strconv.Itoa(column)
		}
		if seen[name] > 0 {
			return d.text.malformed("rename one of them", "line %d: columns %d and %d are both named %q", line, seen[name], column, name)
		}
		seen[name] = column
		d.keys = append(d.keys, key(name, column == 1))
	}
	var bad *recordError
	if errors.As(err, &bad) {
		return d.text.malformed(bad.remedy, "line %d: the header row: %s", line, bad.message)
	}
	return err
}

// key returns a column as the key of a JSON object's member, with the comma
// before it and the colon after it.
func key(name string, first bool) []byte {
	var b []byte
	if !first {
		b = append(b, ',')
	}
	return append(appendString(b, cell{text: []byte(name)}), ':')
}

func (d *csvDecoder) next(p *page) error {
	row, line, err := d.row()
	if err == nil {
		p.buf, err = d.object(p.buf, row, line)
	}
	if err != nil {
		p.rollback()
		return p.fault(lines(line, d.text.count), err)
	}
	p.commit()
	return nil
}

func lines(first, last int) string {
	if first == last {
		return fmt.Sprintf("line %d", first)
	}
	return fmt.Sprintf("lines %d-%d", first, last)
}

// row returns the next row that is not empty, and its first line.
func (d *csvDecoder) row() (row []byte, line int, err error) {
	for err == nil && len(row) == 0 {
		line = d.text.count + 1
		d.quotes = quotes{comma: d.comma}
		row, err = d.text.row(d.eol, &d.quotes)
	}
	if errors.Is(err, errUnclosed) {
		return nil, line, d.text.malformed("close the quote, or fetch the file again if it is cut off", "line %d: a quote opens here that is never closed", d.quotes.opened)
	}
	if err == nil {
		row, err = d.text.utf8(row)
	}
	return row, line, err
}

// object appends a row as a JSON object. A column that the row does not reach is
// not in it.
func (d *csvDecoder) object(dst, row []byte, line int) ([]byte, error) {
	dst = append(dst, '{')
	column := 0
	for i := 0; i <= len(row); column++ {
		c, next, err := d.cell(row, i, line)
		if err != nil {
			return dst, err
		}
		if column < len(d.keys) {
			dst = append(dst, d.keys[column]...)
			dst = appendString(dst, c)
		}
		i = next
	}
	if column > len(d.keys) {
		return dst, &recordError{
			message: fmt.Sprintf("the row has %d cells, the header %d", column, len(d.keys)),
			remedy:  fmt.Sprintf("enclose a cell that holds a %q in quotes, or name the column", d.comma),
		}
	}
	return append(dst, '}'), nil
}

// A cell is one cell of a row, without the quotes around it.
type cell struct {
	text    []byte
	doubled bool // a quote in text stands there twice
}

// String returns the cell's value.
func (c cell) String() string {
	if c.doubled {
		return strings.ReplaceAll(string(c.text), `""`, `"`)
	}
	return string(c.text)
}

// cell returns the cell that begins at index i of a row, and where the next one
// begins: beyond len(row) after the last one.
func (d *csvDecoder) cell(row []byte, i, line int) (c cell, next int, err error) {
	if i == len(row) || row[i] != '"' {
		end := i + index(row[i:], d.comma)
		if q := bytes.IndexByte(row[i:end], '"'); q >= 0 {
			return cell{}, 0, d.badQuote(row[:i+q], line, "a quote stands inside a cell that does not begin with one")
		}
		return cell{text: row[i:end]}, end + 1, nil
	}
	begin := i + 1
	for i = begin; ; i += 2 {
		i += index(row[i:], '"')
		if i+1 >= len(row) || row[i+1] != '"' {
			break
		}
		c.doubled = true
	}
	c.text = row[begin:min(i, len(row))]
	if next = i + 1; next < len(row) && row[next] != d.comma {
		return cell{}, 0, d.badQuote(row[:next], line, "text follows the quote that closes a cell")
	}
	return c, next + 1, nil
}

// index returns the index of c in b, or len(b).
func index(b []byte, c byte) int {
	if i := bytes.IndexByte(b, c); i >= 0 {
		return i
	}
	return len(b)
}

// badQuote reports trouble after the given part of a row.
func (d *csvDecoder) badQuote(before []byte, line int, message string) error {
	line += bytes.Count(before, []byte{d.eol})
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, d.eol)+1:]) + 1
	return &recordError{
		message: fmt.Sprintf("line %d, column %d: %s", line, column, message),
		remedy:  "enclose the cell in quotes and double each quote inside it",
	}
}

// appendString appends a cell as a JSON string.
func appendString(dst []byte, c cell) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	text, start := c.text, 0
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
			if b == '"' && c.doubled {
				i++
			}
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&0xf])
		}
		start = i + 1
	}
	return append(append(dst, text[start:]...), '"')
}

// quotes tells while a row is being read whether a line end lies inside quotes.
type quotes struct {
	comma  byte
	state  quoteState
	opened int // the line on which the last quoted cell began
}

type quoteState int

const (
	cellStart   quoteState = iota
	unquoted               // in a cell without quotes, or in text that does not belong after a quoted one
	quoted                 // between quotes
	quoteInCell            // after a quote that closes the cell or is the first of two
)

// goesOn looks at the next piece of the row, which lies on the given line, and
// reports whether the row goes on after a line end there.
func (q *quotes) goesOn(piece []byte, line int) bool {
	for i := 0; i < len(piece); {
		switch q.state {
		case quoted:
			if i += index(piece[i:], '"'); i < len(piece) {
				q.state = quoteInCell
				i++
			}
		case quoteInCell:
			q.state = unquoted
			if piece[i] == '"' {
				q.state = quoted
				i++
			}
		case cellStart, unquoted:
			next := i + index(piece[i:], '"')
			if next > i {
				q.state = unquoted
				if piece[next-1] == q.comma {
					q.state = cellStart
				}
			}
			if next < len(piece) {
				if q.state == cellStart {
					q.state, q.opened = quoted, line
				}
				next++
			}
			i = next
		}
	}
	return q.state == quoted
}
