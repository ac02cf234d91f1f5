package files_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
)

// FuzzNDJSON requires that each line that is not blank becomes a record or a
// fault, and that a read resumed after each page brings the same as an unbroken
// one.
func FuzzNDJSON(f *testing.F) {
	for _, seed := range []string{"{}\n{}\n", "{\"a\":1}\r\n\n [1]\n{\"b\"\n\xff{}", "\xef\xbb\xbf{}\n", "\xff\xfe{\x00}\x00\n\x00", "{\"\xe9\":1}", "{\"é\":1}\n{\"\xe9\":1}", "\x1f\x8b"} {
		f.Add([]byte(seed), 1)
	}
	f.Fuzz(func(t *testing.T, content []byte, size int) {
		path := filepath.Join(t.TempDir(), "a.ndjson")
		write(t, path, string(content))
		src := open(t, "", "path", path, "page_size", strconv.Itoa(1+size&3), "max_record", "64")
		requireSameResumed(t, src)
		if !utf8.Valid(content) || bytes.ContainsAny(content, "\x00\ufeff") {
			return
		}
		lines := 0
		for line := range bytes.Lines(content) {
			if len(bytes.Trim(line, " \t\r\n")) > 0 || len(line) > 64 {
				lines++
			}
		}
		if got := read(t, src, ""); got.err == nil {
			require.Equal(t, lines, len(got.records)+len(got.faults))
		}
	})
}

// FuzzResume requires of files of every kind that a read resumed after each page
// brings the same as an unbroken one.
func FuzzResume(f *testing.F) {
	for _, seed := range []string{"id,x\n1,\"a\nb\"\n2,x\"\n3\n", "a;b\r1;2\r", "[{},1,{\"a\":[]}]", "{\"x\":[]}", "[{}", "\xff\xfea\x00\n\x001\x00", "a\n\xe9\n"} {
		f.Add([]byte(seed), 1, false)
		f.Add([]byte(seed), 2, true)
	}
	f.Fuzz(func(t *testing.T, content []byte, size int, zipped bool) {
		text := string(content)
		if zipped {
			text = zip(t, text)
		}
		path := filepath.Join(t.TempDir(), "a")
		write(t, path, text)
		requireSameResumed(t, open(t, "", "path", path, "page_size", strconv.Itoa(1+size&3), "max_record", "64"))
	})
}

// FuzzCursor requires that a cursor from anywhere is refused as ErrCursor or
// resumes at a place within the file.
func FuzzCursor(f *testing.F) {
	dir := f.TempDir()
	contents := map[string]string{
		"a.csv": "id,x\n1,\"a\nb\"\n2,c\n3,d\n", "b.ndjson": "{\"id\":1}\n{\"id\":2}\n", "c.json": `[{"id":1},{"id":2}]`, "d.csv.gz": zip(f, "id\n1\n2\n"),
	}
	for name, content := range contents {
		write(f, filepath.Join(dir, name), content)
	}
	src := open(f, dir, "path", "*", "page_size", "1")
	whole := read(f, src, "")
	require.NoError(f, whole.err)
	for _, c := range whole.cursors {
		f.Add(string(c), 0, int64(0), 0)
	}
	f.Add("{}", 0, int64(0), 0)
	f.Add(string(whole.cursors[0]), 1, int64(4), -3)
	f.Fuzz(func(t *testing.T, text string, file int, offset int64, count int) {
		requireRefusedOrRead := func(c connector.Cursor) {
			got := read(t, src, c)
			if errors.Is(got.err, connector.ErrCursor) {
				require.Zero(t, got.pages)
				return
			}
			// A place that no read ever gave may lie within a record.
			require.Contains(t, []connector.Class{"", connector.ErrMalformed}, connector.ClassOf(got.err))
			require.LessOrEqual(t, len(got.records), len(whole.records)+1)
		}
		requireRefusedOrRead(connector.Cursor(text))
		requireRefusedOrRead(forge(t, whole.cursors[0], file, offset, count))
	})
}

// forge returns a cursor of the same files that points elsewhere.
func forge(t testing.TB, c connector.Cursor, file int, offset int64, count int) connector.Cursor {
	t.Helper()
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(c), &fields))
	fields["file"], fields["offset"], fields["count"] = file, offset, count
	b, err := json.Marshal(fields)
	require.NoError(t, err)
	return connector.Cursor(b)
}
