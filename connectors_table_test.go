package vendorsync_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors"
)

var update = flag.Bool("update", false, "write the table of connectors in the README anew")

// The table of connectors stands between these lines of the README.
const (
	tableBegins = "<!-- connectors: go test . -run TestTheREADMEListsEveryConnector -update -->\n"
	tableEnds   = "<!-- end of connectors -->\n"
)

func TestTheREADMEListsEveryConnector(t *testing.T) {
	t.Parallel()
	readme := readFile(t, "README.md")
	before, rest, begins := strings.Cut(readme, tableBegins)
	table, after, ends := strings.Cut(rest, tableEnds)
	require.True(t, begins && ends, "the README has the lines that the table stands between")
	var specs []connector.Spec
	for _, c := range connectors.All() {
		specs = append(specs, c.Spec())
	}
	want := connectorsTable(specs)
	if *update && table != want {
		require.NoError(t, os.WriteFile("README.md", []byte(before+tableBegins+want+tableEnds+after), 0o600))
		return
	}
	require.Equal(t, want, table, "the README is behind the connectors' Specs: run go test . -run TestTheREADMEListsEveryConnector -update")
}

// connectorsTable returns a table in Markdown with a line for each connector.
func connectorsTable(specs []connector.Spec) string {
	var b strings.Builder
	b.WriteString("| id | brings | credential | incremental | complete | documentation |\n|---|---|---|---|---|---|\n")
	for _, s := range specs {
		cells := []string{"`" + s.ID + "`", brings(s), credentialCell(s), streamsThat(s, isIncremental), streamsThat(s, isComplete), fmt.Sprintf("[%s](%s)", s.Name, s.DocsURL)}
		for i, cell := range cells {
			cells[i] = strings.ReplaceAll(cell, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	return b.String()
}

// brings names the streams with what they fill, and where the connector runs.
func brings(s connector.Spec) string {
	streams := make([]string, len(s.Streams))
	for i, st := range s.Streams {
		streams[i] = st.Name
		if st.Object != st.Name {
			streams[i] += " → " + cmp.Or(st.Object, "any object")
		}
		for _, c := range st.Mapping.Children {
			streams[i] += " with " + c.Object
		}
	}
	text := strings.Join(streams, ", ")
	if len(s.Platforms) > 0 {
		text += "; on " + strings.Join(s.Platforms, ", ") + " alone"
	}
	return text
}

// credentialCell names the ways to prove who asks.
func credentialCell(s connector.Spec) string {
	if len(s.Auth) == 0 {
		return "none"
	}
	labels := make([]string, len(s.Auth))
	for i, m := range s.Auth {
		labels[i] = m.Label
	}
	return strings.Join(labels, ", ")
}

func isIncremental(st connector.Stream) bool { return st.Incremental }
func isComplete(st connector.Stream) bool    { return st.Complete }

// streamsThat names the streams that have an ability.
func streamsThat(s connector.Spec, have func(connector.Stream) bool) string {
	var names []string
	for _, st := range s.Streams {
		if have(st) {
			names = append(names, st.Name)
		}
	}
	switch len(names) {
	case 0:
		return "no"
	case len(s.Streams):
		return "yes"
	}
	return strings.Join(names, ", ")
}

func TestATableOfConnectors(t *testing.T) {
	t.Parallel()
	specs := []connector.Spec{
		{ID: "acme", Name: "Acme | Fleet", DocsURL: "https://acme.example", Platforms: []string{"linux"}, Streams: []connector.Stream{{Name: "rows"}}},
		{
			ID: "both", Name: "Both", DocsURL: "https://both.example", Auth: []connector.AuthMethod{{Label: "Token"}, {Label: "Account"}},
			Streams: []connector.Stream{
				{Name: "users", Object: "users", Incremental: true, Complete: true},
				{Name: "macs", Object: "assets", Complete: true, Mapping: connector.DefaultMapping{Children: []connector.DefaultChildren{{Object: "software"}}}},
			},
		},
	}
	require.Equal(t, `| id | brings | credential | incremental | complete | documentation |
|---|---|---|---|---|---|
| `+"`acme`"+` | rows → any object; on linux alone | none | no | no | [Acme \| Fleet](https://acme.example) |
| `+"`both`"+` | users, macs → assets with software | Token, Account | users | yes | [Both](https://both.example) |
`, connectorsTable(specs))
}
