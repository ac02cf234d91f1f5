// Package testserver starts the servers that tests talk to: a directory (slapd of
// OpenLDAP), PostgreSQL and MariaDB. They are the real ones, not imitations.
//
//	func TestPages(t *testing.T) {
//		server := testserver.LDAP(t, testserver.LDAPOptions{LDIF: people})
//		conn, err := ldap.DialURL(server.URL)
//		...
//		server.Stop() // an outage
//		...
//		server.Restart()
//	}
//
// Each call starts a server of its own, with a port of the loopback interface and
// a temporary folder of its own, so tests may run in parallel. It returns when
// the server answers. The server and its folder are gone after the test; if the
// test's process is killed, the server dies with it, on Linux, and only the
// folder stays. A server that ends by itself fails the test.
//
// The package installs nothing. A test whose server is not installed fails and
// names the Debian package to install: slapd, postgresql, or mariadb-server-core
// with mariadb-client-core. Servers that refuse to run as root run as a user of
// their own when root runs the test.
//
// The methods of a server are for the goroutine that runs the test, since they
// end the test when they fail.
package testserver
