package files_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/files"
)

// folder returns a new folder with files of the given names and contents.
func folder(t testing.TB, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

// open opens a source with settings given as name, value, name, value.
func open(t testing.TB, dir string, settings ...string) connector.Source {
	t.Helper()
	s := connector.Settings{}
	for pair := range slices.Chunk(settings, 2) {
		s[pair[0]] = pair[1:]
	}
	src, err := files.New().Open(t.Context(), connector.Config{Settings: s, Dir: dir})
	require.NoError(t, err)
	return src
}

// A result is all that one read brings.
type result struct {
	pages   int
	records []string
	faults  []string // place: message
	cursors []connector.Cursor
	err     error
}

// read reads from a cursor to the end.
func read(t testing.TB, src connector.Source, from connector.Cursor) result {
	t.Helper()
	return readUntil(t, src, from, -1)
}

// readUntil reads a number of pages from a cursor on.
func readUntil(t testing.TB, src connector.Source, from connector.Cursor, pages int) result {
	t.Helper()
	var r result
	for page, err := range connector.Pages(t.Context(), src, connector.Request{Stream: "records", Cursor: from}) {
		if err != nil {
			r.err = err
			return r
		}
		for _, rec := range page.Records {
			r.records = append(r.records, rec.String())
		}
		for _, f := range page.Faults {
			var e *connector.Error
			require.ErrorAs(t, f.Err, &e)
			require.Equal(t, connector.ErrMalformed, e.Class)
			require.NotEmpty(t, e.Remedy, "a fault says what to do")
			r.faults = append(r.faults, f.Place+": "+e.Message)
		}
		r.pages++
		r.cursors = append(r.cursors, page.Next)
		if r.pages == pages {
			break
		}
	}
	return r
}

func zip(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

func encode(t testing.TB, enc encoding.Encoding, content string) string {
	t.Helper()
	s, err := enc.NewEncoder().String(content)
	require.NoError(t, err)
	return s
}

var (
	utf16LE = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	utf16BE = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
)

// repeat makes the n records or lines that f describes.
func repeat(n int, f func(i int) string) string {
	var b bytes.Buffer
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}
