package files

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
)

// textOf returns content as a text with a small buffer, so that records come in
// pieces.
func textOf(content []byte, buffer int) *text {
	return &text{path: "memory", r: bufio.NewReaderSize(bytes.NewReader(content), buffer), maxRecord: 1 << 20}
}

// decodeAll reads all records of a decoder, and how many faults there were.
func decodeAll(d decoder) (records []string, faults int, err error) {
	p := newPage(1<<30, 0)
	for err == nil {
		err = d.next(p)
	}
	for _, rec := range p.records() {
		records = append(records, rec.String())
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return records, len(p.faults), err
}

// FuzzJSONSplitter holds the splitter to encoding/json: of a valid array it
// finds the same elements, and what it accepts besides has the elements where
// their brackets say.
func FuzzJSONSplitter(f *testing.F) {
	for _, seed := range []string{
		`[]`, ` [ {"a":1} , {"b":[{},"]",{"c":"\\\""}]} ] `, `[1,"x",null,[{}],{}]`, `[{"a":1}`, `[{"a":1]]`, `[}`, `[,]`, `[{}{}]`, `["\`, `{"a":[]}`,
		"[{\"\\u00e9\":\"\u00e9\"}]", strings.Repeat("[", 1100), `[{"a":1}]x`,
	} {
		f.Add([]byte(seed), 16)
	}
	for pad := range 16 { // so that an escape lies at every place in a buffer
		f.Add([]byte(`[{"a":"`+strings.Repeat("x", pad)+`\\\"]"}]`), 0)
	}
	f.Fuzz(func(t *testing.T, doc []byte, buffer int) {
		buffer = 16 + buffer&0xff
		got, faults, err := decodeAll(&arrayDecoder{text: textOf(doc, buffer)})
		var want []json.RawMessage
		if !utf8.Valid(doc) || json.Unmarshal(doc, &want) != nil || want == nil {
			return // not panicking is all that is asked
		}
		if depth(doc) > maxDepth {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		var objects []string
		for _, element := range want {
			if element[0] == '{' {
				objects = append(objects, string(element))
			}
		}
		require.Equal(t, objects, got)
		require.Equal(t, len(want)-len(objects), faults)
	})
}

func TestReadingStopsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.csv")
	require.NoError(t, os.WriteFile(path, []byte("id\n1\n"), 0o600))
	l, err := options{path: path}.list()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = openText(ctx, l.files[0], options{encoding: auto})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, connector.ErrUnavailable)
}

// depth returns how deep a valid document nests.
func depth(doc []byte) int {
	deepest, now := 0, 0
	dec := json.NewDecoder(bytes.NewReader(doc))
	for {
		tok, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch tok {
		case json.Delim('['), json.Delim('{'):
			now++
			deepest = max(deepest, now)
		case json.Delim(']'), json.Delim('}'):
			now--
		}
	}
}

// FuzzCSV holds the decoder to encoding/csv where that accepts the file, and to
// itself with another buffer where it does not.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "a,b\r\n\"x\r\ny\",\"\"\"\"\r\n", "\n\na\n\n1\n", "a\n\"x", "a,b\n1,x\"y\n\"a\"b,2\n3,4", "a,,a\n", "a,b\n1,2,3\n1\n", "a,b\n\"1\"\r", "\"a\nb\",c\n1,2",
		"a\n\x00\x1f\\\n", "a\rb\rc", "sep=;\na;b\n1;2\n", "a\n\"" + strings.Repeat("x,\n", 20) + "\"\n2\n",
	} {
		f.Add([]byte(seed), 16)
	}
	f.Fuzz(func(t *testing.T, file []byte, buffer int) {
		got, faults, err := decodeCSV(file, 16+buffer&0xff)
		if !utf8.Valid(file) {
			return
		}
		for _, rec := range got {
			require.True(t, json.Valid([]byte(rec)), rec)
		}
		again, faultsAgain, errAgain := decodeCSV(file, 1<<20)
		require.Equal(t, again, got)
		require.Equal(t, faultsAgain, faults)
		require.Equal(t, errAgain == nil, err == nil)

		want, wantFaults, ok := standardCSV(file)
		if !ok {
			return
		}
		require.NoError(t, err)
		require.Equal(t, wantFaults, faults)
		require.Len(t, got, len(want))
		for i, rec := range got {
			var values map[string]string
			require.NoError(t, json.Unmarshal([]byte(rec), &values))
			for name, value := range values {
				values[name] = strings.ReplaceAll(value, "\r\n", "\n")
			}
			require.Equal(t, want[i], values)
		}
	})
}

func decodeCSV(file []byte, buffer int) (records []string, faults int, err error) {
	d, err := newCSV(textOf(file, buffer), ',')
	if err != nil {
		return nil, 0, err
	}
	return decodeAll(d)
}

// standardCSV reads a file with encoding/csv; ok is false where the two differ by
// intent.
func standardCSV(file []byte) (rows []map[string]string, faults int, ok bool) {
	if bytes.Contains(bytes.ReplaceAll(file, []byte("\r\n"), nil), []byte("\r")) {
		return nil, 0, false // a line end here, a character there
	}
	if _, declared := separatorLine(firstLine(file, '\n')); declared {
		return nil, 0, false
	}
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	if err != nil || len(all) == 0 {
		return nil, 0, false
	}
	header := all[0]
	for i, name := range header {
		header[i] = strings.TrimSpace(strings.ReplaceAll(name, "\r\n", "\n"))
		if header[i] == "" || slices.Contains(header[:i], header[i]) {
			return nil, 0, false // names of their own here
		}
	}
	for _, row := range all[1:] {
		if len(row) > len(header) {
			faults++
			continue
		}
		values := map[string]string{}
		for i, cell := range row {
			values[header[i]] = cell
		}
		rows = append(rows, values)
	}
	return rows, faults, true
}
