package testserver

import (
	"context"
	"crypto/rand"
	"syscall"
	"testing"
)

// LDAPOptions describe a directory. The zero value is an empty one.
type LDAPOptions struct {
	// Suffix is the naming context. The default is dc=example,dc=org.
	Suffix string
	// LDIF holds the entries to begin with, parents before children, and no version
	// line; see slapadd(8). The entry of the suffix itself is made if it is not
	// among them. Whoever has a userPassword may bind with it.
	LDIF string
	// Schema is added to the schema files core, cosine, inetorgperson and nis, in
	// the syntax of slapd.conf(5): attributetype, objectclass, include.
	Schema string
	// SizeLimit is how many entries slapd returns for a search without paging; 0
	// is slapd's own default of 500. Paged searches return all. The administrator
	// has no limit.
	SizeLimit int
	// PageLimit is the largest page a client may ask for; 0 is no limit.
	PageLimit int
	// Deny names subtrees that nobody but the administrator may read, by the DN of
	// their root.
	Deny []string
	// RequireTLS refuses binds with a password over a connection without TLS, as
	// hardened directories do.
	RequireTLS bool
}

// An LDAPServer is a running directory. Whoever is bound may read all of it, but
// passwords and what LDAPOptions deny; nobody else may read more than the root
// DSE and the schema. StartTLS works on Addr.
type LDAPServer struct {
	// Addr and TLSAddr are the host and port of ldap and ldaps.
	Addr, TLSAddr string
	// URL and TLSURL are the same as ldap:// and ldaps:// URLs.
	URL, TLSURL string
	// Suffix is the naming context.
	Suffix string
	// CA is the certificate, in PEM, of the authority that issued the server's. No
	// system trusts it.
	CA string
	// Certificate is the server's own, in PEM, for localhost and 127.0.0.1.
	Certificate string
	// AdminDN and AdminPassword are of the one to whom no access rule and no limit
	// applies.
	AdminDN, AdminPassword string

	daemon *daemon
}

// LDAP starts a directory for a test. It needs OpenLDAP's slapd and slapadd, and
// fails the test without them.
func LDAP(t testing.TB, opt LDAPOptions) *LDAPServer {
	t.Helper()
	slapd := executable(t, "slapd", "slapd")
	if opt.Suffix == "" {
		opt.Suffix = "dc=example,dc=org"
	}
	issued, err := issue()
	if err != nil {
		t.Fatalf("making a certificate for slapd: %v", err)
	}
	plain, secure := loopback(freePort(t)), loopback(freePort(t))
	s := &LDAPServer{
		Addr:          plain,
		TLSAddr:       secure,
		URL:           "ldap://" + plain,
		TLSURL:        "ldaps://" + secure,
		Suffix:        opt.Suffix,
		CA:            issued.authority,
		Certificate:   issued.own,
		AdminDN:       "cn=admin," + opt.Suffix,
		AdminPassword: rand.Text(),
	}

	dir := newFolder(t, "slapd", nil)
	config := configureSlapd(t, dir, s, opt, issued)
	loadSlapd(t, dir, config, opt)
	s.daemon = launch(t, program{
		name: "slapd",
		path: slapd,
		// A debug level keeps it in the foreground; this one is for what must be
		// said at any level.
		args:     []string{"-d", "none", "-f", config, "-h", s.URL + " " + s.TLSURL},
		dir:      dir.path,
		answers:  func(ctx context.Context, _ int) error { return askLDAP(ctx, s.Addr) },
		end:      syscall.SIGTERM,
		orphaned: syscall.SIGKILL,
	})
	return s
}

// Stop ends the server, so that connections to it fail, until Restart.
func (s *LDAPServer) Stop() {
	s.daemon.t.Helper()
	s.daemon.stop()
}

// Restart starts the server again at the same addresses with the same entries. If
// it runs, it is stopped first.
func (s *LDAPServer) Restart() {
	s.daemon.t.Helper()
	s.daemon.restart()
}

// askLDAP asks a directory for an anonymous bind. Any answer will do.
func askLDAP(ctx context.Context, addr string) error {
	// An LDAPMessage with number 1: a BindRequest of version 3 with an empty name
	// and an empty password (RFC 4511, section 4.2).
	bind := []byte{0x30, 0x0c, 0x02, 0x01, 0x01, 0x60, 0x07, 0x02, 0x01, 0x03, 0x04, 0x00, 0x80, 0x00}
	return ask(ctx, addr, bind, make([]byte, 1))
}
