package testserver

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHasEntry(t *testing.T) {
	t.Parallel()
	const suffix = "dc=example,dc=org"
	tests := map[string]struct {
		ldif string
		want bool
	}{
		"the entry itself":                      {"dn: dc=example,dc=org\n", true},
		"in other case and with space":          {"DN:  DC=Example , dc=org\n", true},
		"on two lines":                          {"dn: dc=exa\n mple,dc=org\n", true},
		"on two lines of another system":        {"dn: dc=exa\r\n mple,dc=org\r\n", true},
		"in base64":                             {"dn:: ZGM9ZXhhbXBsZSxkYz1vcmc=\n", true},
		"after others":                          {"dn: ou=a,dc=example,dc=org\nou: a\n\ndn: dc=example,dc=org\n", true},
		"no entry":                              {"", false},
		"only one below":                        {"dn: ou=a,dc=example,dc=org\n", false},
		"only one above":                        {"dn: dc=org\n", false},
		"in a comment":                          {"# dn: dc=example,dc=org\n", false},
		"as a value of another attribute":       {"seeAlso: dc=example,dc=org\n", false},
		"in base64 that is none, which is none": {"dn:: %\n", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, hasEntry(test.ldif, suffix))
		})
	}
}

func FuzzHasEntry(f *testing.F) {
	f.Add("dn: ou=a,dc=example,dc=org\nou: a\n", "dc=example,dc=org")
	f.Add("# a comment\n\n folded\n", "O=Ünion, C=NL")
	f.Add("dn:: ZGM9ZXhhbXBsZSxkYz1vcmc=", "ou=\\2C,o=x")
	f.Fuzz(func(t *testing.T, ldif, suffix string) {
		entry, err := suffixEntry(suffix)
		if err != nil || strings.ContainsAny(suffix, "\r\n") || strings.HasPrefix(strings.TrimSpace(suffix), ":") {
			return // no name of an entry
		}
		if !hasEntry(entry, suffix) {
			t.Errorf("the entry of %q is not found in its own LDIF %q", suffix, entry)
		}
		if !hasEntry(entry+"\n"+strings.TrimLeft(ldif, " "), suffix) {
			t.Errorf("the entry of %q is not found before %q", suffix, ldif)
		}
	})
}
