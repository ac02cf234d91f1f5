package testserver

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// people is the directory that most tests ask.
const people = `dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Ng
userPassword: of ann

dn: uid=zoe,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: zoe
cn: Zoë
sn: Ek
userPassword: of zoe

dn: ou=vault,dc=example,dc=org
objectClass: organizationalUnit
ou: vault

dn: uid=kim,ou=vault,dc=example,dc=org
objectClass: inetOrgPerson
uid: kim
cn: Kim
sn: Oh
userPassword: of kim
`

const (
	ann = "uid=ann,ou=people,dc=example,dc=org"
	kim = "uid=kim,ou=vault,dc=example,dc=org"
)

// search asks a directory by its own client, which trusts its authority.
func search(t *testing.T, s *LDAPServer, args ...string) (string, error) {
	t.Helper()
	authority := newFolder(t, "ldapsearch", nil).write(t, "ca.pem", s.CA)
	args = append([]string{"-x", "-LLL", "-o", "ldif_wrap=no"}, args...)
	cmd := exec.CommandContext(t.Context(), executable(t, "ldapsearch", "ldap-utils"), args...)
	cmd.Env = append(os.Environ(), "LDAPTLS_CACERT="+authority)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestLDAPAnswers(t *testing.T) {
	t.Parallel()
	plain := LDAP(t, LDAPOptions{LDIF: people, Deny: []string{"ou=vault,dc=example,dc=org"}})
	hardened := LDAP(t, LDAPOptions{LDIF: people, RequireTLS: true})
	tests := map[string]struct {
		server *LDAPServer
		args   []string
		want   string // contained in the answer
		absent string // not contained, if not empty
	}{
		"a user who binds with a password of the LDIF": {
			server: plain,
			args:   []string{"-H", plain.URL, "-D", ann, "-w", "of ann", "-b", plain.Suffix},
			want:   "dn: " + ann,
			absent: "userPassword",
		},
		"a user over TLS": {
			server: plain,
			args:   []string{"-H", plain.TLSURL, "-D", ann, "-w", "of ann", "-b", plain.Suffix, "uid=zoe"},
			want:   "cn:: Wm/Dqw==", // Zoë
		},
		"a user after StartTLS": {
			server: plain,
			args:   []string{"-H", plain.URL, "-ZZ", "-D", ann, "-w", "of ann", "-b", plain.Suffix},
			want:   "dn: " + ann,
		},
		"a user with another password": {
			server: plain,
			args:   []string{"-H", plain.URL, "-D", ann, "-w", "of zoe", "-b", plain.Suffix},
			want:   "Invalid credentials (49)",
		},
		"a user does not see what is denied": {
			server: plain,
			args:   []string{"-H", plain.URL, "-D", ann, "-w", "of ann", "-b", plain.Suffix},
			want:   "dn: " + ann,
			absent: "vault",
		},
		"a user of a denied subtree may bind all the same": {
			server: plain,
			args:   []string{"-H", plain.URL, "-D", kim, "-w", "of kim", "-b", plain.Suffix},
			want:   "dn: " + ann,
			absent: "vault",
		},
		"the administrator sees what is denied, and passwords": {
			server: plain,
			args:   []string{"-H", plain.URL, "-D", plain.AdminDN, "-w", plain.AdminPassword, "-b", kim},
			want:   "userPassword",
		},
		"nobody who has not bound sees an entry": {
			server: plain,
			args:   []string{"-H", plain.URL, "-b", plain.Suffix},
			want:   "No such object (32)",
			absent: "dn:",
		},
		"everybody sees the root DSE": {
			server: plain,
			args:   []string{"-H", plain.URL, "-b", "", "-s", "base", "namingContexts"},
			want:   "namingContexts: dc=example,dc=org",
		},
		"a hardened one refuses a password without TLS": {
			server: hardened,
			args:   []string{"-H", hardened.URL, "-D", ann, "-w", "of ann", "-b", hardened.Suffix},
			want:   "Confidentiality required (13)",
			absent: "dn:",
		},
		"a hardened one takes a password after StartTLS": {
			server: hardened,
			args:   []string{"-H", hardened.URL, "-ZZ", "-D", ann, "-w", "of ann", "-b", hardened.Suffix},
			want:   "dn: " + kim,
		},
		"a hardened one takes a password over TLS": {
			server: hardened,
			args:   []string{"-H", hardened.TLSURL, "-D", ann, "-w", "of ann", "-b", hardened.Suffix},
			want:   "dn: " + kim,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, _ := search(t, test.server, test.args...) // a refusal is in what it says
			require.Contains(t, out, test.want)
			if test.absent != "" {
				require.NotContains(t, out, test.absent)
			}
		})
	}
}

// crowd is a directory of so many devices.
func crowd(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "dn: cn=d%d,dc=example,dc=org\nobjectClass: device\ncn: d%[1]d\n\n", i)
	}
	return b.String()
}

func TestLDAPLimitsAnswers(t *testing.T) {
	t.Parallel()
	user := "dn: cn=user,dc=example,dc=org\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: user\nuserPassword: of user\n\n"
	large := LDAP(t, LDAPOptions{LDIF: user + crowd(600)})
	small := LDAP(t, LDAPOptions{LDIF: user + crowd(20), SizeLimit: 10, PageLimit: 7})
	tests := map[string]struct {
		server *LDAPServer
		args   []string
		want   int    // entries
		fault  string // contained in the answer
	}{
		"500 without paging, if no limit is given": {large, []string{"-D", "cn=user,dc=example,dc=org", "-w", "of user"}, 500, "Size limit exceeded (4)"},
		"all with paging":                          {large, []string{"-D", "cn=user,dc=example,dc=org", "-w", "of user", "-E", "pr=550/noprompt"}, 600, ""},
		"all for the administrator":                {large, []string{"-D", large.AdminDN, "-w", large.AdminPassword}, 600, ""},
		"as many without paging as the limit says": {small, []string{"-D", "cn=user,dc=example,dc=org", "-w", "of user"}, 10, "Size limit exceeded (4)"},
		"all in pages as large as their limit":     {small, []string{"-D", "cn=user,dc=example,dc=org", "-w", "of user", "-E", "pr=7/noprompt"}, 20, ""},
		"none in pages larger than their limit":    {small, []string{"-D", "cn=user,dc=example,dc=org", "-w", "of user", "-E", "pr=8/noprompt"}, 0, "Administrative limit exceeded (11)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"-H", test.server.URL, "-b", test.server.Suffix}, test.args...)
			out, err := search(t, test.server, append(args, "objectClass=device", "cn")...)
			require.Equal(t, test.want, strings.Count(out, "dn: cn=d"), out)
			if test.fault == "" {
				require.NoError(t, err, out)
			}
			require.Contains(t, out, test.fault)
		})
	}
}

func TestLDAPTakesASchemaAndASuffix(t *testing.T) {
	t.Parallel()
	s := LDAP(t, LDAPOptions{
		Suffix: "O=Ünion, C=NL",
		Schema: "attributetype ( 1.3.6.1.4.1.4203.666.1.100 NAME 'badge' SUP name )\n" +
			"objectclass ( 1.3.6.1.4.1.4203.666.1.101 NAME 'badged' AUXILIARY MAY badge )\n",
		LDIF: "dn: cn=gate,o=ünion,c=NL\nobjectClass: device\nobjectClass: badged\ncn: gate\nbadge: B 7\n",
	})
	out, err := search(t, s, "-H", s.URL, "-D", s.AdminDN, "-w", s.AdminPassword, "-b", s.Suffix)
	require.NoError(t, err, out)
	require.Contains(t, out, "badge: B 7")
}

func TestLDAPShowsItsOwnCertificate(t *testing.T) {
	t.Parallel()
	s := LDAP(t, LDAPOptions{})
	tests := map[string]struct {
		trusted string // PEM
		name    string
		want    string // of the error
	}{
		"whoever trusts the authority trusts it":        {s.CA, "localhost", ""},
		"by its address too":                            {s.CA, "127.0.0.1", ""},
		"whoever trusts the certificate itself does so": {s.Certificate, "localhost", ""},
		"by no other name":                              {s.CA, "ldap.example.org", "not ldap.example.org"},
		"whoever trusts neither does not":               {"", "localhost", "unknown authority"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roots := x509.NewCertPool()
			require.Equal(t, test.trusted != "", roots.AppendCertsFromPEM([]byte(test.trusted)))
			d := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: test.name, MinVersion: tls.VersionTLS12}}
			conn, err := d.DialContext(t.Context(), "tcp", s.TLSAddr)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		})
	}
}

func TestLDAPKeepsItsEntriesOverAnOutage(t *testing.T) {
	t.Parallel()
	s := LDAP(t, LDAPOptions{LDIF: people})
	args := []string{"-H", s.URL, "-D", ann, "-w", "of ann", "-b", s.Suffix}
	before, err := search(t, s, args...)
	require.NoError(t, err, before)
	s.Stop()
	out, err := search(t, s, args...)
	require.Error(t, err)
	require.Contains(t, out, "Can't contact LDAP server")
	s.Restart()
	after, err := search(t, s, args...)
	require.NoError(t, err, after)
	require.Equal(t, before, after)
}
