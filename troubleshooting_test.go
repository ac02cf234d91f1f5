package vendorsync_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/syncer"
)

// section returns what stands under a heading, up to the next of its level.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	level, _, _ := strings.Cut(heading, " ")
	_, rest, found := strings.Cut(text, "\n"+heading+"\n")
	require.True(t, found, "there is no heading %q", heading)
	within, _, _ := strings.Cut(rest, "\n"+level+" ")
	return within
}

// entries returns the names of a section's entries in order, and what each says.
func entries(section string) (names []string, text map[string]string) {
	text = map[string]string{}
	for i, part := range strings.Split("\n"+section, "\n### ") {
		if i == 0 {
			continue
		}
		name, body, _ := strings.Cut(part, "\n")
		names = append(names, name)
		text[name] = body
	}
	return names, text
}

func TestTroubleshootingHasAnEntryForEachClassAndReasonAndForNothingElse(t *testing.T) {
	t.Parallel()
	page := readFile(t, "docs/troubleshooting.md")

	var classes, reasons []string
	for _, c := range connector.Classes() {
		classes = append(classes, string(c))
	}
	for _, r := range syncer.Reasons() {
		reasons = append(reasons, string(r))
	}
	tests := map[string]struct {
		heading string
		names   []string
		message func(name string) string // what the entry's example must match
	}{
		"error classes": {
			heading: "## Errors",
			names:   classes,
			message: func(name string) string { return `(?m)^    .+ \[` + name + `: .+\]$` },
		},
		"reasons": {
			heading: "## Reasons",
			names:   reasons,
			message: func(name string) string { return `(?m)^    ` + name + `(:| )` },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names, text := entries(section(t, page, tt.heading))
			require.Equal(t, tt.names, names, "entries, in the order of their declaration")
			for _, name := range names {
				require.Regexp(t, tt.message(name), text[name], "the entry %q shows no message of its kind", name)
				remedy := text[name][strings.LastIndex(text[name], "\n    ")+1:]
				_, remedy, _ = strings.Cut(remedy, "\n")
				require.NotEmpty(t, strings.TrimSpace(remedy), "the entry %q does not say what to do", name)
			}
		})
	}
}
