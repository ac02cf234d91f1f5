package files_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/files"
)

func TestSpecIsFoundAndResolves(t *testing.T) {
	t.Parallel()
	reg, err := connector.NewRegistry(files.New())
	require.NoError(t, err)
	for _, word := range []string{"csv", "JSON", "excel", "files"} {
		require.Len(t, reg.Search(word), 1, word)
	}
	spec := files.New().Spec()
	require.False(t, spec.NeedsCredential())
	s, err := spec.Resolve(connector.Settings{"path": {"a.csv"}})
	require.NoError(t, err)
	require.Equal(t, "id", s.Get("key"))
	_, err = spec.Resolve(nil)
	require.ErrorContains(t, err, "path: is required")
}

func TestOpenRefusesSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, value, says string }{
		"a page of no records":                  {"page_size", "0", "page_size"},
		"a page of too many records":            {"page_size", "100001", "page_size"},
		"a record of no bytes":                  {"max_record", "0", "max_record"},
		"a record larger than memory":           {"max_record", "99999999999", "max_record"},
		"a decompressed size below 0":           {"max_decompressed", "-1", "max_decompressed"},
		"a decompressed size that is no number": {"max_decompressed", "10GiB", "max_decompressed"},
		"a key that is no path":                 {"key", "a..b", "setting key"},
		"a path to the list that is none":       {"records", "a[", "setting records"},
		"a path to the list through a list":     {"records", "a[0].b", "leads through a list"},
		"an unknown format":                     {"format", "xml", "format"},
		"an unknown delimiter":                  {"delimiter", ":", "delimiter"},
		"an unknown encoding":                   {"encoding", "ebcdic", "encoding"},
		"an unknown setting":                    {"paht", "x", "paht"},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			_, err := files.New().Open(t.Context(), connector.Config{Settings: connector.Settings{"path": {"a.csv"}, tt.name: {tt.value}}})
			require.ErrorIs(t, err, connector.ErrInvalid)
			require.ErrorContains(t, err, tt.says)
		})
	}
}

func TestWhichFiles(t *testing.T) {
	t.Parallel()
	file := func(id string) string { return "{\"id\":\"" + id + "\"}\n" }
	contents := map[string]string{
		"b.ndjson": file("b"), "a.ndjson": file("a"), "10.ndjson": file("10"), "c.csv": "id\nc\n",
		"sub[1]/x*.ndjson": file("x*"), "sub[1]/x1.ndjson": file("x1"), "sub[1]/[.ndjson": file("["),
		"year/2024/z.ndjson": file("2024"), "year/2025/y.ndjson": file("2025"),
	}
	dir := folder(t, contents)
	tests := map[string]struct {
		dir, path string
		ids       []string
	}{
		"a relative path begins at the folder":           {dir, "a.ndjson", []string{"a"}},
		"a relative path may lead out of the folder":     {filepath.Join(dir, "year"), "../a.ndjson", []string{"a"}},
		"an absolute path stands for itself":             {"/nowhere", filepath.Join(dir, "a.ndjson"), []string{"a"}},
		"files of a pattern come in the order of names":  {dir, "*.ndjson", []string{"10", "a", "b"}},
		"files of a pattern may have different formats":  {dir, "[a-c].*", []string{"a", "b", "c"}},
		"a pattern passes over folders":                  {filepath.Join(dir, "year"), "../*", []string{"10", "a", "b", "c"}},
		"a pattern may go through folders":               {dir, "year/*/*.ndjson", []string{"2024", "2025"}},
		"wildcards in the folder stand for themselves":   {filepath.Join(dir, "sub[1]"), "x?.ndjson", []string{"x*", "x1"}},
		"a name that exists is none of a pattern":        {filepath.Join(dir, "sub[1]"), "x*.ndjson", []string{"x*"}},
		"a bracket that is never closed is part of name": {filepath.Join(dir, "sub[1]"), "[.ndjson", []string{"["}},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got := read(t, open(t, tt.dir, "path", tt.path), "")
			require.NoError(t, got.err)
			var ids []string
			for _, rec := range got.records {
				ids = append(ids, strings.Split(rec, `"`)[3])
			}
			require.Equal(t, tt.ids, ids)
		})
	}
}

func TestFilesThatAreNotThere(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"sub/a.csv": "id\n"})
	tests := map[string]struct {
		path  string
		class connector.Class
		says  string
	}{
		"a file that does not exist":           {"b.csv", connector.ErrNotFound, filepath.Join(dir, "b.csv")},
		"a folder":                             {"sub", connector.ErrInvalid, filepath.Join(dir, "sub", "*.csv")},
		"a pattern that nothing matches":       {"sub/*.json", connector.ErrNotFound, filepath.Join(dir, "sub", "*.json")},
		"a pattern that only a folder matches": {"s*", connector.ErrNotFound, "no file matches"},
		"a pattern in a folder not there":      {"nowhere/*/*.csv", connector.ErrNotFound, "read " + filepath.Join(dir, "nowhere") + ":"},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			src := open(t, dir, "path", tt.path)
			got := read(t, src, "")
			require.Equal(t, tt.class, connector.ClassOf(got.err), "%v", got.err)
			require.ErrorContains(t, got.err, tt.says)

			report, err := src.Check(t.Context())
			require.NoError(t, err)
			require.Len(t, report.Permissions, 1)
			require.Equal(t, connector.Missing, report.Permissions[0].Grant)
			require.Contains(t, report.Permissions[0].Detail, tt.says)
		})
	}
}

func TestCheckGrants(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a.csv": "id\n", "b.csv": ""})
	report, err := open(t, dir, "path", "*.csv").Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connector.PermissionStatus{{Name: "read " + filepath.Join(dir, "*.csv"), Stream: "records", Grant: connector.Granted}}, report.Permissions)
}

func TestFaultsOfAPatternNameTheFile(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"x/1/a.ndjson": "1\n", "x/2/a.json": "[1]", "x/3.csv": "a\n1,2\n"})
	got := read(t, open(t, dir, "path", "x/*/a.*"), "")
	require.NoError(t, got.err)
	require.Len(t, got.faults, 2)
	require.Contains(t, got.faults[0], filepath.Join("1", "a.ndjson")+": line 1: ")
	require.Contains(t, got.faults[1], filepath.Join("2", "a.json")+": element 1: ")
}

func TestReadRefusesOtherStreams(t *testing.T) {
	t.Parallel()
	src := open(t, folder(t, map[string]string{"a.csv": "id\n"}), "path", "a.csv")
	for req, class := range map[*connector.Request]connector.Class{
		{Stream: "users"}:                     connector.ErrNotFound,
		{}:                                    connector.ErrNotFound,
		{Stream: "records", Partition: "one"}: connector.ErrUnsupported,
	} {
		for page, err := range src.Read(t.Context(), *req) {
			require.ErrorIs(t, err, class)
			require.Zero(t, page)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	sizes := func(t *testing.T, src connector.Source, limit int) []int {
		t.Helper()
		var sizes []int
		for page, err := range connector.Pages(t.Context(), src, connector.Request{Stream: "records", Limit: limit}) {
			require.NoError(t, err)
			sizes = append(sizes, len(page.Records)+len(page.Faults))
		}
		return sizes
	}
	short := folder(t, map[string]string{"a.ndjson": repeat(1250, func(i int) string {
		if i%3 == 0 {
			return "fault\n"
		}
		return "{}\n"
	})})
	long := folder(t, map[string]string{"a.ndjson": repeat(10, func(int) string { return `{"x":"` + strings.Repeat("x", 1<<20) + "\"}\n" })})

	require.Equal(t, []int{500, 500, 250}, sizes(t, open(t, short, "path", "a.ndjson"), 0), "records and faults make a page")
	require.Equal(t, []int{1000, 250}, sizes(t, open(t, short, "path", "a.ndjson", "page_size", "1000"), 0), "the setting says how many")
	require.Equal(t, 10, sizes(t, open(t, short, "path", "a.ndjson"), 10)[0], "the limit makes pages smaller")
	require.Equal(t, 500, sizes(t, open(t, short, "path", "a.ndjson"), 2000)[0], "the limit does not make pages larger")
	require.Equal(t, []int{4, 4, 2}, sizes(t, open(t, long, "path", "a.ndjson"), 0), "4 MiB of records make a page")
}

func TestRecordsAreTheCallers(t *testing.T) {
	t.Parallel()
	src := open(t, folder(t, map[string]string{"a.ndjson": repeat(100, func(i int) string { return fmt.Sprintf("{\"id\":%d}\n", i) })}), "path", "a.ndjson", "page_size", "10")
	var all []connector.Record
	for page, err := range src.Read(t.Context(), connector.Request{Stream: "records"}) {
		require.NoError(t, err)
		for _, rec := range page.Records {
			_ = append(rec, "overwritten"...)
		}
		all = append(all, page.Records...)
	}
	for i, rec := range all {
		require.Equal(t, fmt.Sprintf("{\"id\":%d}", i), rec.String())
	}
}

// Not parallel: it measures what is allocated.
func TestALineOf200MBTakesConstantMemory(t *testing.T) {
	const size = 200 << 20
	tests := map[string]struct{ before, after, name string }{
		"a line":     {"{\"id\":1}\n", "\n{\"id\":2}\n", "a.ndjson"},
		"a row":      {"id\n1\n\"", "\"\n2\n", "a.csv"},
		"a member":   {`{"skipped":"`, `","data":[{"id":1},[]]}`, "a.json"},
		"an element": {`{"data":[{"id":1},{"x":"`, `"}]}`, "b.json"},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			dir := folder(t, map[string]string{tt.name: tt.before})
			root, err := os.OpenRoot(dir)
			require.NoError(t, err)
			f, err := root.OpenFile(tt.name, os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt([]byte(tt.after), size) // the zeros before it take no room on disk
			require.NoError(t, err)
			require.NoError(t, errors.Join(f.Close(), root.Close()))
			src := open(t, dir, "path", tt.name, "records", "data")

			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := read(t, src, "")
			runtime.ReadMemStats(&after)
			require.NoError(t, got.err)
			require.NotEmpty(t, got.records)
			require.Len(t, got.faults, 1)
			// Up to the largest record is kept, in a buffer that grows step by step.
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<20))
		})
	}
}

func TestCancelEndsAReadAtOnce(t *testing.T) {
	t.Parallel()
	src := open(t, folder(t, map[string]string{"a.ndjson": repeat(10, func(int) string { return "{}\n" })}), "path", "a.ndjson", "page_size", "2")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pages := 0
	var last error
	for page, err := range src.Read(ctx, connector.Request{Stream: "records"}) {
		if err != nil {
			require.Zero(t, page)
			last = err
			break
		}
		pages++
		cancel()
	}
	require.Equal(t, 1, pages)
	require.ErrorIs(t, last, context.Canceled)
	require.ErrorIs(t, last, connector.ErrUnavailable)

	_, err := src.Check(ctx)
	require.ErrorIs(t, err, context.Canceled)
	_, err = src.(connector.Discoverer).Discover(ctx, stream)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAFileThatChangesDuringTheReadIsAnError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(t *testing.T, dir string)
		class  connector.Class
	}{
		"it grows": {func(t *testing.T, dir string) {
			t.Helper()
			write(t, filepath.Join(dir, "a.ndjson"), strings.Repeat("{}\n", 6))
		}, connector.ErrUnavailable},
		"a later file of the pattern changes": {func(t *testing.T, dir string) {
			t.Helper()
			write(t, filepath.Join(dir, "b.ndjson"), "{}\n{}\n")
		}, connector.ErrUnavailable},
		"a later file of the pattern vanishes": {func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.Remove(filepath.Join(dir, "b.ndjson")))
		}, connector.ErrNotFound},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{"a.ndjson": strings.Repeat("{}\n", 5), "b.ndjson": "{}\n"})
			src := open(t, dir, "path", "*.ndjson", "page_size", "2")
			pages := 0
			var last error
			for page, err := range src.Read(t.Context(), connector.Request{Stream: "records"}) {
				if last = err; err != nil {
					break
				}
				require.False(t, page.Last)
				if pages++; pages == 1 {
					tt.change(t, dir)
				}
			}
			require.Equal(t, tt.class, connector.ClassOf(last), "%v", last)
			require.ErrorContains(t, last, dir)
		})
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	discover := func(t *testing.T, name, content string) []connector.Field {
		t.Helper()
		src := open(t, folder(t, map[string]string{name: content}), "path", name)
		fields, err := src.(connector.Discoverer).Discover(t.Context(), stream)
		require.NoError(t, err)
		return fields
	}
	type fields = []connector.Field
	long := strings.Repeat("é", 100)
	tests := map[string]struct {
		name, content string
		want          fields
	}{
		"the columns of a csv file, with the first value that is not empty": {
			"a.csv", "Serial Number,os.name,x\n,a,\n5E10,b,\n",
			fields{{Path: "Serial Number", Type: connector.StringField, Example: "5E10"}, {Path: "['os.name']", Type: connector.StringField, Example: "a"}, {Path: "x", Type: connector.StringField}},
		},
		"the members of objects within objects, with their types": {
			"a.ndjson", `{"id":1.50,"os":{"name":"x","v":{"odd.key":true}},"apps":[{"a":1}],"none":null,"o":{}}` + "\n",
			fields{
				{Path: "id", Type: connector.NumberField, Example: "1.50"},
				{Path: "os.name", Type: connector.StringField, Example: "x"},
				{Path: "os.v['odd.key']", Type: connector.BooleanField, Example: "true"},
				{Path: "apps", Type: connector.ListField, Example: `[{"a":1}]`},
				{Path: "none", Type: connector.StringField},
			},
		},
		"a field that is null at first": {
			"a.json", `[{"a":null},{"a":2}]`, fields{{Path: "a", Type: connector.NumberField, Example: "2"}},
		},
		"a field of several types": {
			"a.json", `[{"a":1},{"a":"x"},{"a":null},{"a":2}]`, fields{{Path: "a", Type: connector.StringField, Example: "1"}},
		},
		"a long value, cut": {
			"a.json", `[{"a":"` + long + `"}]`, fields{{Path: "a", Type: connector.StringField, Example: strings.Repeat("é", 80) + "..."}},
		},
		"records that are malformed are passed over": {
			"a.ndjson", "{\"a\":}\n7\n{\"b\":1}\n", fields{{Path: "b", Type: connector.NumberField, Example: "1"}},
		},
		"the first 100 records alone": {
			"a.ndjson", strings.Repeat("{\"a\":1}\n", 100) + "{\"b\":1}\n", fields{{Path: "a", Type: connector.NumberField, Example: "1"}},
		},
		"levels beyond all measure are left out": {
			"a.json", `[{"a":1,"b":` + strings.Repeat(`{"x":`, 900) + "1" + strings.Repeat("}", 900) + "}]", fields{{Path: "a", Type: connector.NumberField, Example: "1"}},
		},
		"no records": {"a.ndjson", "", nil},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, discover(t, tt.name, tt.content))
		})
	}
	t.Run("the first 1000 fields alone", func(t *testing.T) {
		t.Parallel()
		require.Len(t, discover(t, "a.csv", repeat(2000, func(i int) string { return fmt.Sprintf("c%d,", i) })+"\n"+strings.Repeat(",", 1999)), 1000)
	})
	t.Run("a missing file is an error", func(t *testing.T) {
		t.Parallel()
		_, err := open(t, t.TempDir(), "path", "a.csv").(connector.Discoverer).Discover(t.Context(), stream)
		require.ErrorIs(t, err, connector.ErrNotFound)
	})
}

func TestTheLogTellsWhatAFileWasTakenFor(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := folder(t, map[string]string{"a": zip(t, "\xef\xbb\xbfid\n")})
	src, err := files.New().Open(t.Context(), connector.Config{Settings: connector.Settings{"path": {"a"}}, Dir: dir, Logger: logger})
	require.NoError(t, err)
	require.NoError(t, read(t, src, "").err)
	require.NoError(t, src.Close())
	require.Contains(t, out.String(), "format=csv encoding=utf-8 gzip=true")
}
