package main

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestPrintableSpellsOutWhatATerminalWouldObey(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"plain text is as it was":       {"Größe 笔记本 👩‍💻", "Größe 笔记本 👩‍💻"},
		"an escape sequence":            {"a\x1b[31mb", `a\x1b[31mb`},
		"line ends and tabs":            {"a\nb\rc\td", `a\nb\rc\td`},
		"the rest of ASCII's controls":  {"\x00\x7f", `\x00\x7f`},
		"controls beyond ASCII":         {"\u009b31m", `\u009b31m`},
		"a turned direction of writing": {"exe\u202etxt.gnp", `exe\u202etxt.gnp`},
		"line separators":               {"a\u2028b", `a\u2028b`},
		"bytes that are not UTF-8":      {"a\xffb", `a\xffb`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, printable(tt.in))
		})
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[31mb")
	f.Add("\xff\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) || strings.ContainsRune(got, '\u202e') {
			t.Fatalf("%q is shown as %q", s, got)
		}
	})
}

func TestTablesFitTheTerminal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		width int
		want  string
		note  string
	}{
		"without a terminal, nothing is cut": {0, "ID  NAME                                      NOTE\n1   a very long name that would take the lot  short\n2   b\n", ""},
		"what fits stays as it is":           {80, "ID  NAME                                      NOTE\n1   a very long name that would take the lot  short\n2   b\n", ""},
		"the widest column is cut first":     {30, "ID  NAME                 NOTE\n1   a very long name t…  short\n2   b\n", ""},
		"a column that has no room is left":  {15, "ID  NAME\n1   a very lon…\n2   b\n", "note: 1 more columns do not fit this terminal"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errOut bytes.Buffer
			a := &app{out: &out, err: &errOut, outWidth: tt.width}
			table := newTable("ID", "NAME", "NOTE")
			table.add("1", "a very long name that would take the lot", "short")
			table.add("2", "b", "")
			require.NoError(t, a.print(table))
			require.Equal(t, tt.want, out.String())
			require.True(t, strings.HasPrefix(errOut.String(), tt.note), errOut.String())
			require.Equal(t, tt.note == "", errOut.Len() == 0)
		})
	}
}

func TestTheFirstColumnStaysWhole(t *testing.T) {
	t.Parallel()
	lines := [][]string{{"RUN", "PROBLEM"}, {"ff6e3576a6992189eb00", "a long story about a record that did not fit"}}
	require.Zero(t, fit(lines, 48))
	require.Equal(t, "ff6e3576a6992189eb00", lines[1][0])
	require.LessOrEqual(t, len([]rune(lines[1][0]))+gap+len([]rune(lines[1][1])), 48)
	require.Greater(t, len([]rune(lines[1][1])), 20)

	lines = [][]string{{"RECORD", "NOTE"}, {strings.Repeat("x", 500), "short"}}
	require.Zero(t, fit(lines, 40))
	require.LessOrEqual(t, len([]rune(lines[1][0]))+gap+len("short"), 40)
}

func TestClipCountsCharacters(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Größ…", clip("Größenwahn", 5))
	require.Equal(t, "Größe", clip("Größe", 5))
}

func TestArrayWritesJSONItemByItem(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{out: &out}
	empty := a.newArray()
	require.NoError(t, empty.end())
	require.Equal(t, "[]\n", out.String())
	out.Reset()
	two := a.newArray()
	require.NoError(t, two.add("<1>"))
	require.NoError(t, two.add(2))
	require.NoError(t, two.end())
	require.Equal(t, "[\n\"<1>\",\n2\n]\n", out.String())
}

func TestGuardedCellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"} {
		require.Equal(t, "'"+cell, guarded(cell))
	}
	for _, cell := range []string{"", "1", "a=b", " =1", "'=1"} {
		require.Equal(t, cell, guarded(cell))
	}
}

func TestCSVHoldsRecordsInFull(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.write("d.csv", "id,asset_tag,device_name\n1,T1,\"=HYPERLINK(\"\"x\"\"), \"\"quoted\"\"\"\n2,T2,\"two\nlines\"\n")
	sh.write("vendorsync.yaml", "integrations: [{id: d, connector: files, settings: {path: d.csv}, object: assets, integration_user: it, launch: true, mapping: {fields: [{to: asset_tag, from: asset_tag}, {to: device_name, from: device_name}], sync_keys: [asset_tag]}}]\n")
	sh.done("run", "d")
	rows, err := csv.NewReader(strings.NewReader(sh.done("records", "assets", "--csv", "--fields", "asset_tag,device_name"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"id", "asset_tag", "device_name", "created_at", "updated_at", "archived_at", "missing_since"}, rows[0])
	require.Equal(t, []string{"T1", `'=HYPERLINK("x"), "quoted"`, "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", "", ""}, rows[1][1:])
	require.Equal(t, "two\nlines", rows[2][2])
	require.Contains(t, sh.done("records", "assets"), `two\nlines`, "in a table, a line stays a line")
}

func TestParseAge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "4w": 28 * 24 * time.Hour, "12h": 12 * time.Hour, "0d": 0} {
		got, err := parseAge(text)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "d", "-1d", "-1h", "9999999w", "36501d", "soon", "1.5d"} {
		_, err := parseAge(text)
		require.ErrorContains(t, err, "is no age", text)
	}
}
