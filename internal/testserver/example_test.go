package testserver_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/vendorsync/vendorsync/internal/testserver"
)

// readDirectory stands for what is to be tested.
func readDirectory(context.Context, string, string, string) error { return nil }

func ExampleLDAP() {
	// In a test:
	_ = func(t *testing.T) {
		server := testserver.LDAP(t, testserver.LDAPOptions{
			LDIF: "dn: cn=lobby,dc=example,dc=org\nobjectClass: device\ncn: lobby\n",
		})
		read := func() error { return readDirectory(t.Context(), server.URL, server.AdminDN, server.AdminPassword) }
		if err := read(); err != nil {
			t.Error(err)
		}
		server.Stop()
		if err := read(); err == nil {
			t.Error("an outage went unnoticed")
		}
		server.Restart()
	}
	// Output:
}

func ExamplePostgreSQL() {
	// In a test:
	_ = func(t *testing.T) {
		server := testserver.PostgreSQL(t)
		db, err := sql.Open("pgx", server.DSN)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	// Output:
}

func ExampleMariaDB() {
	// In a test:
	_ = func(t *testing.T) {
		server := testserver.MariaDB(t)
		db, err := sql.Open("mysql", server.DSN+"?parseTime=true")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	// Output:
}
