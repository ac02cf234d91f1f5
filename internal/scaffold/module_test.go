package scaffold

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseModule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text     string
		name     string
		requires bool
	}{
		"a bare module":                        {"module example.com/a", "example.com/a", false},
		"quotes and a comment":                 {"// module b\nmodule \"example.com/a\" // c\n", "example.com/a", false},
		"a raw string":                         {"module `example.com/a`\r\n", "example.com/a", false},
		"in brackets":                          {"module (\n\texample.com/a\n)\n", "example.com/a", false},
		"vendorsync itself":                    {"module github.com/vendorsync/vendorsync\n", Vendorsync, true},
		"required on a line of its own":        {"module a\nrequire github.com/vendorsync/vendorsync v0.1.0\n", "a", true},
		"required among others":                {"module a\nrequire (\n\tb v1.0.0\n\tgithub.com/vendorsync/vendorsync v0.1.0 // indirect\n)\n", "a", true},
		"a bracket without a blank":            {"module a\nrequire(\n\tgithub.com/vendorsync/vendorsync v0.1.0\n)\n", "a", true},
		"only replaced":                        {"module a\nreplace github.com/vendorsync/vendorsync => ../vendorsync\n", "a", false},
		"replaced in brackets":                 {"module a\nreplace (\n\tgithub.com/vendorsync/vendorsync => ../vendorsync\n)\n", "a", false},
		"a module whose name begins alike":     {"module a\nrequire github.com/vendorsync/vendorsync-extra v0.1.0\n", "a", false},
		"a requirement that is commented out":  {"module a\n// require github.com/vendorsync/vendorsync v0.1.0\n", "a", false},
		"no module":                            {"go 1.26.0\n", "", false},
		"nothing":                              {"", "", false},
		"the word alone":                       {"module\n", "", false},
		"a bracket that does not close":        {"module a\nrequire (\n", "a", false},
		"a bracket that closes nothing":        {")\nmodule a\n", "a", false},
		"an empty name in quotes":              {"module \"\"\n", "", false},
		"a word that only begins with require": {"module a\nrequirements github.com/vendorsync/vendorsync\n", "a", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, requires := parseModule(test.text)
			require.Equal(t, test.name, got)
			require.Equal(t, test.requires, requires)
		})
	}
}

func FuzzParseModule(f *testing.F) {
	f.Add("module example.com/a\n\nrequire (\n\tgithub.com/vendorsync/vendorsync v0.1.0\n)\n")
	f.Add("module \"a\" // b\nrequire(\n")
	f.Fuzz(func(t *testing.T, text string) {
		name, requires := parseModule(text)
		require.NotRegexp(t, `\s`, name)
		if requires {
			require.Contains(t, text, Vendorsync)
		}
		if importPath.MatchString(name) {
			again, _ := parseModule(string(Place{Module: name}.GoMod("").Data))
			require.Equal(t, name, again)
		}
	})
}
