package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

func TestLeavesAreTheSingleValuesOfARecord(t *testing.T) {
	t.Parallel()
	l := newLeaves()
	for _, rec := range []string{
		`{"z": null, "a": {"b.c": "x", "last-login": 1.50}, "list": ["p", 2], "apps": [{"name": "Slack"}, {"version": "1"}, {"late": true}, {"too late": 1}], "none": [], "ok": false}`,
		`{"z": "now", "a": {"b.c": "y"}}`,
		`{"torn": `,
	} {
		l.walk("", json.RawMessage(rec), 0)
	}
	require.Equal(t, []string{"z", "a['b.c']", "a.last-login", "list", "apps[].name", "apps[].version", "apps[].late", "none", "ok"}, l.paths)
	require.Equal(t, map[string]string{
		"z": "now", "a['b.c']": "x", "a.last-login": "1.50", "list": `["p", 2]`, "apps[].name": "Slack", "apps[].version": "1", "apps[].late": "true", "none": "[]", "ok": "false",
	}, l.samples)
	require.Equal(t, connector.StringField, l.types["z"])
	require.Equal(t, connector.NumberField, l.types["a.last-login"])
	require.Equal(t, connector.ListField, l.types["list"])
	require.Equal(t, connector.BooleanField, l.types["ok"])
}

func TestLeavesOfAHugeRecordHaveABound(t *testing.T) {
	t.Parallel()
	l := newLeaves()
	l.walk("", json.RawMessage(strings.Repeat(`{"a":`, 1000)+"1"+strings.Repeat("}", 1000)), 0)
	require.Empty(t, l.paths)
	var wide strings.Builder
	for i := range 2 * maxLeaves {
		wide.WriteString(`,"` + strings.Repeat("k", 1+i/100) + string(rune('a'+i%26)) + string(rune('0'+i%10)) + string(rune('A'+i/260)) + `":1`)
	}
	l.walk("", json.RawMessage("{"+wide.String()[1:]+"}"), 0)
	require.LessOrEqual(t, len(l.paths), maxLeaves)
	require.Greater(t, len(l.paths), maxLeaves/2)
}

func TestItemsOfWritesAPathInOneForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a": "a", "a[0].b": "a[].b", "a[].b[12]": "a[].b[]", "a['b[0]'].c": "a['b[0]'].c", `["a"].b`: "a.b", "a[": "a[", "": "",
	} {
		require.Equal(t, want, itemsOf(text), text)
	}
}

// Every path that is shown can be mapped as it is.
func FuzzLeaves(f *testing.F) {
	f.Add(`{"a": {"b c": [1, {"d": null}], "": "x", "e[0]": 1, "it's": 2}}`)
	f.Add(`{"a": [[{"b": 1}]], "a": 2}`)
	f.Fuzz(func(t *testing.T, record string) {
		l := newLeaves()
		l.walk("", json.RawMessage(record), 0)
		for _, at := range l.paths {
			if at == "" {
				continue // a record that is no object
			}
			if _, err := path.ParsePattern(at); err != nil {
				t.Fatalf("%s has the path %q: %v", record, at, err)
			}
		}
	})
}
