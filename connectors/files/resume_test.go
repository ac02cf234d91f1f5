package files_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"github.com/vendorsync/vendorsync/connector"
)

const stream = "records"

// requireSameResumed reads everything in one go, then again with a new read
// after each page, and requires the same records, faults and error.
func requireSameResumed(t testing.TB, src connector.Source) {
	t.Helper()
	whole := read(t, src, "")
	var parts result
	for cursor := connector.Cursor(""); ; {
		part := readUntil(t, src, cursor, 1)
		parts.records = append(parts.records, part.records...)
		parts.faults = append(parts.faults, part.faults...)
		parts.pages += part.pages
		if part.err != nil {
			require.Error(t, whole.err)
			require.Equal(t, whole.err.Error(), part.err.Error())
			break
		}
		if cursor = part.cursors[0]; cursor == "" {
			require.NoError(t, whole.err)
			break
		}
	}
	require.Equal(t, whole.records, parts.records)
	require.Equal(t, whole.faults, parts.faults)
	require.Equal(t, whole.pages, parts.pages)
}

func TestResume(t *testing.T) {
	t.Parallel()
	const csv = "id;note\r\n1;\"a\r\nb\"\r\n\r\n2;x\"y\r\n3;\"c;\"\"d\"\"\"\r\n4;1;2\r\n5\r\n6;end"
	ndjson := "{\"id\":1}\n\n[2]\n{\"id\":\"ü\"}\r\n" + `{"long":"` + strings.Repeat("x", 200) + "\"}\n{\"id\":3}"
	const array = " [ {\"id\":1} ,{\"a\":[\"]\"]}, 3 , {\"id\" : \"é\"}]\n"
	tests := map[string]map[string]string{
		"csv with quoted line ends":        {"a.csv": csv},
		"csv with a byte order mark":       {"a.csv": "\xef\xbb\xbf" + csv},
		"csv after a sep line":             {"a.csv": "sep=;\n" + csv},
		"csv in UTF-16":                    {"a.csv": "\xff\xfe" + encode(t, utf16LE, csv)},
		"csv in Windows-1252":              {"a.csv": csv + "\n7;\xe9\n8;\n"},
		"compressed csv":                   {"a.csv.gz": zip(t, csv)},
		"csv with an unclosed quote":       {"a.csv": csv + "\n\"\n"},
		"ndjson":                           {"a.ndjson": ndjson},
		"ndjson in Windows-1252":           {"a.ndjson": encode(t, charmap.Windows1252, ndjson)},
		"compressed ndjson":                {"a.ndjson.gz": zip(t, ndjson)},
		"compressed ndjson that is cut":    {"a.ndjson.gz": zip(t, ndjson)[:50]},
		"an array":                         {"a.json": array},
		"a compressed array in UTF-16":     {"a.json.gz": zip(t, "\xfe\xff"+encode(t, utf16BE, array))},
		"an array that is cut off":         {"a.json": array[:40]},
		"an array with text after its end": {"a.json": array + "]"},
		"an empty array":                   {"a.json": "[]"},
		"several files": {
			"a.ndjson": ndjson, "b.csv": csv, "c.json": array, "d.json": "[]", "e.ndjson": "", "f.csv": "id\n1\n",
		},
		"a broken file among several": {"a.ndjson": ndjson, "b.csv": "", "c.json": array},
	}
	for sentence, contents := range tests {
		for _, size := range []string{"1", "2", "3", "500"} {
			t.Run(sentence+" by pages of "+size, func(t *testing.T) {
				t.Parallel()
				src := open(t, folder(t, contents), "path", "*", "page_size", size, "max_record", "150")
				requireSameResumed(t, src)
			})
		}
	}
	t.Run("a list inside a document", func(t *testing.T) {
		t.Parallel()
		dir := folder(t, map[string]string{"a.json": `{"x":[0],"data":{"items":[{"id":1},{"id":2},{"id":3}],"y":{}}}`})
		src := open(t, dir, "path", "a.json", "records", "data.items", "page_size", "1")
		requireSameResumed(t, src)
		require.Len(t, read(t, src, "").records, 3)
	})
}

func TestResumeOfALargeFileGoesOnWithinIt(t *testing.T) {
	t.Parallel()
	const n = 3100
	line := func(i int) string { return fmt.Sprintf("{\"id\":%d,\"pad\":%q}\n", i, strings.Repeat("x", 500)) }
	tests := map[string]map[string]string{
		"plain":      {"a.ndjson": repeat(n, line)},
		"compressed": {"a.ndjson.gz": zip(t, repeat(n, line))},
	}
	for sentence, contents := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			src := open(t, folder(t, contents), "path", "*")
			whole := read(t, src, "")
			require.NoError(t, whole.err)
			require.Len(t, whole.records, n)
			for i, cursor := range whole.cursors[:len(whole.cursors)-1] {
				rest := read(t, src, cursor)
				require.NoError(t, rest.err)
				require.Equal(t, whole.records[(i+1)*500:], rest.records)
			}
		})
	}
}

func TestCursorIsRefused(t *testing.T) {
	t.Parallel()
	contents := map[string]string{"a.ndjson": "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n", "b.ndjson.gz": zip(t, "{\"id\":4}\n{\"id\":5}\n")}
	settings := []string{"path", "*", "page_size", "1"}
	cursorAfter := func(t *testing.T, dir string, pages int) connector.Cursor {
		t.Helper()
		got := readUntil(t, open(t, dir, settings...), "", pages)
		require.NoError(t, got.err)
		return got.cursors[pages-1]
	}
	edit := func(old, changed string) func(*testing.T, string, connector.Cursor) connector.Cursor {
		return func(t *testing.T, _ string, c connector.Cursor) connector.Cursor {
			t.Helper()
			require.Contains(t, string(c), old)
			return connector.Cursor(strings.Replace(string(c), old, changed, 1))
		}
	}
	tests := map[string]struct {
		pages    int // after which the cursor is taken
		settings []string
		change   func(t *testing.T, dir string, c connector.Cursor) connector.Cursor
	}{
		"that is no JSON": {pages: 1, change: func(*testing.T, string, connector.Cursor) connector.Cursor { return "17" }},
		"of nothing":      {pages: 1, change: func(*testing.T, string, connector.Cursor) connector.Cursor { return "{}" }},
		"after the file has grown": {pages: 1, change: func(t *testing.T, dir string, c connector.Cursor) connector.Cursor {
			write(t, filepath.Join(dir, "a.ndjson"), contents["a.ndjson"]+"{\"id\":9}\n")
			return c
		}},
		"after the file was written to without growing": {pages: 1, change: func(t *testing.T, dir string, c connector.Cursor) connector.Cursor {
			require.NoError(t, os.Chtimes(filepath.Join(dir, "a.ndjson"), time.Time{}, time.Now().Add(time.Hour)))
			return c
		}},
		"after another file of the pattern was added": {pages: 1, change: func(t *testing.T, dir string, c connector.Cursor) connector.Cursor {
			write(t, filepath.Join(dir, "c.ndjson"), "")
			return c
		}},
		"after a setting has changed":         {pages: 1, settings: []string{"encoding", "windows-1252"}},
		"before the first file":               {pages: 1, change: edit(`"file":0`, `"file":-1`)},
		"after the last file":                 {pages: 1, change: edit(`"file":0`, `"file":2`)},
		"before the start of a file":          {pages: 1, change: edit(`"offset":9`, `"offset":-9`)},
		"after the end of a file":             {pages: 1, change: edit(`"offset":9`, `"offset":999`)},
		"after the end of a compressed file":  {pages: 4, change: edit(`"offset":9`, `"offset":999`)},
		"with a count that cannot be":         {pages: 1, change: edit(`"count":1`, `"count":-1`)},
		"after the end of all possible files": {pages: 1, change: edit(`"offset":9`, `"offset":9223372036854775807`)},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, contents)
			cursor := cursorAfter(t, dir, tt.pages)
			if tt.change != nil {
				cursor = tt.change(t, dir, cursor)
			}
			got := read(t, open(t, dir, append(settings, tt.settings...)...), cursor)
			require.ErrorIs(t, got.err, connector.ErrCursor)
			require.Zero(t, got.pages)
		})
	}
	t.Run("inside the header", func(t *testing.T) {
		t.Parallel()
		dir := folder(t, map[string]string{"a.csv": "id\n1\n2\n"})
		src := open(t, dir, "path", "a.csv", "page_size", "1")
		c := strings.Replace(string(readUntil(t, src, "", 1).cursors[0]), `"offset":5`, `"offset":1`, 1)
		require.ErrorIs(t, read(t, src, connector.Cursor(c)).err, connector.ErrCursor)
	})
}
