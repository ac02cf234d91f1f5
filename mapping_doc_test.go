package vendorsync_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors"
	"github.com/vendorsync/vendorsync/internal/template"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer/config"
)

// mappingPage is the reference of the mapping language.
const mappingPage = "docs/mapping.md"

// cells returns the rows of a section's tables, less their headers.
func cells(section string) [][]string {
	var rows [][]string
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			continue
		}
		if strings.HasPrefix(line, "|---") {
			rows = rows[:len(rows)-1]
			continue
		}
		line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00")
		row := strings.Split(line, "|")
		for i, cell := range row {
			row[i] = strings.ReplaceAll(strings.TrimSpace(cell), "\x00", "|")
		}
		rows = append(rows, row)
	}
	return rows
}

// code returns what a cell holds in backticks.
func code(cell string) (string, bool) {
	text, ok := strings.CutPrefix(cell, "`")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(text, "`")
}

func TestTheMappingPageNamesEverythingThatTemplatesKnow(t *testing.T) {
	t.Parallel()
	page := readFile(t, mappingPage)
	for heading, known := range map[string][]template.FunctionDoc{
		"### Filters": template.Filters(), "### Functions": template.Functions(), "### Tests": template.Tests(),
	} {
		var want, got []string
		for _, f := range known {
			want = append(want, f.Name)
		}
		for _, row := range cells(section(t, page, heading)) {
			name, ok := code(row[0])
			require.True(t, ok, "%s: %v", heading, row)
			name, _, _ = strings.Cut(name, "(")
			got = append(got, name)
			require.NotEmpty(t, row[1], name)
		}
		require.ElementsMatch(t, want, got, heading)
	}
	named := regexp.MustCompile("`([a-z_]+)`")
	var want, got []string
	for _, m := range template.Methods() {
		want = append(want, m.On.String()+"."+m.Name)
	}
	methods, _, _ := strings.Cut(section(t, page, "### Methods"), "\n## ")
	for _, row := range cells(methods) {
		for _, m := range named.FindAllStringSubmatch(row[1], -1) {
			got = append(got, row[0]+"."+m[1])
		}
	}
	require.ElementsMatch(t, want, got)
}

func TestTheTemplatesOnTheMappingPageGiveWhatItSays(t *testing.T) {
	t.Parallel()
	page := readFile(t, mappingPage)
	records := blocks(page, "json")
	require.Len(t, records, 1)
	require.True(t, json.Valid([]byte(records[0])))
	found := 0
	for _, row := range cells(section(t, page, "## Templates")) {
		from, ok := code(row[0])
		if !ok || !mapping.IsTemplate(from) {
			continue
		}
		found++
		want, ok := code(row[1])
		require.True(t, ok, "%v", row)
		program, err := mapping.Compile(mapping.Mapping{
			Object: "assets", Key: "id", Fields: []mapping.FieldMapping{{To: "notes", From: from}},
		}, mapping.Standard(), mapping.Options{Facts: mapping.Facts{Integration: "Laptops", Connector: "files", Started: time.Now()}})
		require.NoError(t, err, from)
		var out mapping.Out
		require.NoError(t, program.Map(connector.Record(records[0]), &out), from)
		require.Empty(t, out.Faults, from)
		require.Equal(t, want, out.Rows[0].Values[0].Text, from)
	}
	require.Greater(t, found, 20)
}

func TestTheConfigurationOnTheMappingPageHasNoFaults(t *testing.T) {
	t.Parallel()
	page := readFile(t, mappingPage)
	registry, err := connectors.Registry()
	require.NoError(t, err)
	schema, err := mapping.Standard().WithChoices("users", "role", []string{"Employee", "Administrator"})
	require.NoError(t, err)
	files := blocks(page, "yaml")
	require.NotEmpty(t, files)
	for _, text := range files {
		if !strings.Contains(text, "integrations:") { // a part of an integration
			if !strings.Contains(text, "object: users") {
				text = "object: assets\n" + text
			}
			text = "integrations:\n  - id: example\n    connector: files\n    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
		}
		file, err := config.Parse([]byte(text), config.Options{Name: mappingPage, Registry: registry})
		require.NoError(t, err, text)
		_, err = file.Check(schema)
		require.NoError(t, err, text)
	}
}
