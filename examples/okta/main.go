// Command okta shows how a program embeds a vendor: the connector for Okta, its
// credential in a vault, four integrations, a test run, full runs, what changed and
// who changed it, and what a person is told when a permission is missing or the
// token has come to its end.
//
//	go run ./examples/okta
//
// The org is a fake that the program starts itself. The connector is the real one
// and asks for https://acme.okta.com: leave Transport out of the Options, and put a
// token of yours into the vault, and it reads an org of yours.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connectors/okta"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

const (
	domain  = "acme.okta.com"
	vaultID = "okta-read-only"       // of the token in the vault
	admin   = "ada@acme.example"     // who sets things up and asks for runs
	user    = "it-sync@acme.example" // the integration user, in whose name records change
)

// The API tokens, each with the rights of the account that made it.
const (
	readOnlyToken = "00readOnlyAdministrator"
	helpDeskToken = "00helpDeskAdministrator"
	newToken      = "00readOnlyAdministratorAgain"
)

func main() {
	dir, err := os.MkdirTemp("", "vendorsync-okta-")
	database := filepath.Join(dir, "inventory.db")
	if err == nil {
		err = run(context.Background(), os.Stdout, database)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "okta:", err)
		os.Exit(1)
	}
	fmt.Printf("\nAll of it lies in %s\n", database)
}

// A tour is one look around.
type tour struct {
	io.Writer
	*syncer.Syncer
	store *sqlite.Store
	vault *credentials.Vault
	org   *fakeOkta
	now   time.Time // the tour has a clock of its own, so that it shows the same each time
}

func run(ctx context.Context, out io.Writer, database string) error {
	org, err := startFake()
	if err != nil {
		return err
	}
	defer org.Close() //nolint:errcheck // nothing is lost with a fake.
	org.allow(readOnlyToken, "users", "devices", "apps")
	org.allow(helpDeskToken, "users", "apps")

	store, err := sqlite.Open(ctx, database, sqlite.Options{Roles: []string{"Employee", "Admin"}})
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // every run has committed what it wrote.

	t := &tour{Writer: out, store: store, org: org, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	if err := t.wire(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		t.keepsTheToken, t.integrates, t.checks, t.foretells, t.syncs, t.followsAChange, t.asksForChanges, t.lacksAPermission, t.meetsTheEndOfAToken,
	} {
		if err := step(ctx); err != nil {
			return err
		}
		t.now = t.now.Add(time.Hour)
	}
	return nil
}

// wire puts the parts together: a vault over the store, and a syncer that takes
// credentials out of it.
func (t *tour) wire() error {
	clock := func() time.Time { return t.now }
	var err error
	t.vault, err = credentials.NewVault(credentials.VaultOptions{
		Keeper: t.store,
		Key:    credentials.NewKey(), // a host has one from KeyFromEnv, KeyFromFile or its key management service
		Users:  syncer.CredentialUsers(t.store),
		Now:    clock,
	})
	if err != nil {
		return err
	}
	registry, err := connector.NewRegistry(okta.New())
	if err != nil {
		return err
	}
	var limiters rest.Limiters
	t.Syncer, err = syncer.New(t.store, syncer.Options{
		Registry:    registry,
		Credentials: syncer.Keyring{Vault: t.vault}.Source,
		Limiter: func(in syncer.Integration) func(connector.RateLimit) connector.Limiter {
			return limiters.For(in.Connector, in.Credential) // Okta counts the requests of all four together
		},
		Transport: t.org, // leads to the fake
		Now:       clock,
	})
	return err
}

// token is an API token as it goes into the vault.
func token(secret string) credentials.Credential {
	return credentials.Credential{ID: vaultID, Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(secret)}}
}

// settings are what all four integrations have in common.
var settings = connector.Settings{"domain": {domain}}

// binding says where the token may be sent: to the org of the settings alone.
func (t *tour) binding() credentials.Binding { return okta.New().Spec().Binding(settings) }

// keepsTheToken puts the token into the vault.
func (t *tour) keepsTheToken(ctx context.Context) error {
	fmt.Fprintln(t, "The token goes into the vault, sealed and bound to the org:")
	secret := token(readOnlyToken)
	entry, err := t.vault.Add(ctx, secret, t.binding(), credentials.Details{Name: "Okta read-only token", Owner: admin}, admin)
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "  %s %q of %s, for %s: %v\n", entry.ID, entry.Name, entry.Owner, entry.Binding, secret.Value("token"))
	_, err = t.vault.Open(ctx, entry.ID, credentials.Binding{Connector: "okta", Hosts: []string{"evil.example"}})
	fmt.Fprintln(t, "  for another host:", err)
	return nil
}

// integrates makes an integration of each list, with the mapping that the
// connector brings along.
func (t *tour) integrates(ctx context.Context) error {
	fmt.Fprintln(t, "\nEach of the org's lists is an integration, with its default mapping:")
	rows := [][]string{{"INTEGRATION", "FILLS", "FIELDS", "MATCHED BY"}}
	for _, stream := range okta.New().Spec().Streams {
		in := syncer.Integration{
			ID: "okta-" + strings.ReplaceAll(stream.Name, "_", "-"), Name: "Okta " + strings.ToLower(stream.Label),
			Connector: "okta", Stream: stream.Name, Settings: settings, Credential: vaultID,
			User: user, Mapping: mapping.FromDefault(stream),
		}
		if _, err := t.Save(ctx, in, admin); err != nil {
			return err
		}
		if err := t.Launch(ctx, in.ID, admin); err != nil {
			return err
		}
		rows = append(rows, []string{in.ID, stream.Object, fmt.Sprint(len(in.Mapping.Fields)), strings.Join(stream.Mapping.SyncKeys, ", ")})
	}
	return t.table(rows)
}

// checks asks Okta what the token may do.
func (t *tour) checks(ctx context.Context) error {
	fmt.Fprintln(t, "\nA check asks Okta what the token may read:")
	return t.check(ctx)
}

func (t *tour) check(ctx context.Context) error {
	report, err := t.Check(ctx, "okta-users")
	if err != nil {
		return err
	}
	rows := [][]string{{"PERMISSION", "FOR", "STATE", "DETAIL"}}
	for _, p := range report.Permissions {
		rows = append(rows, []string{p.Name, p.Stream, string(p.Grant), p.Detail})
	}
	return t.table(rows)
}

// foretells makes a test run.
func (t *tour) foretells(ctx context.Context) error {
	fmt.Fprintln(t, "\nA test run foretells what would become of the users, and writes nothing:")
	rows := [][]string{{"RECORD", "WHAT", "USERNAME", "FULL NAME", "STATUS", "MANAGER"}}
	_, err := t.TestRun(ctx, "okta-users", syncer.TestOptions{By: admin, Record: func(r syncer.TestRecord) error {
		row := []string{r.Record, string(r.Action)}
		for _, field := range []string{"username", "full_name", "status", "manager"} {
			row = append(row, shown(r.Mapped[field]))
		}
		rows = append(rows, row)
		return nil
	}})
	if err != nil {
		return err
	}
	return t.table(rows)
}

// all are the integrations in the order in which they run.
var all = []string{"okta-users", "okta-devices", "okta-apps", "okta-app-users"}

// syncs makes the first full runs and looks at what they brought.
func (t *tour) syncs(ctx context.Context) error {
	fmt.Fprintln(t, "\nThe full runs:")
	if err := t.runs(ctx, syncer.ReadAll, all...); err != nil {
		return err
	}
	for _, look := range []struct {
		title, object string
		fields        []string
	}{
		{"People", "users", []string{"username", "full_name", "title", "manager", "manager_id", "status"}},
		{"Assets", "assets", []string{"serial_number", "device_name", "os_name", "encrypted", "assigned_to", "assigned_to_id"}},
		{"Applications", "saas_applications", []string{"name"}},
		{"Who has an account in which", "saas_users", []string{"application", "username", "user", "user_id", "status"}},
	} {
		fmt.Fprintf(t, "\n%s:\n", look.title)
		if err := t.records(ctx, look.object, look.fields...); err != nil {
			return err
		}
	}
	return nil
}

// followsAChange changes two things at Okta and runs again.
func (t *tour) followsAChange(ctx context.Context) error {
	t.org.setProfile("00u3zoe", "title", "Controller", t.now)
	t.org.setProfile("guo2lenovo", "diskEncryptionType", "ALL_INTERNAL_VOLUMES", t.now)
	fmt.Fprintln(t, "\nZoë is promoted, and Grace's laptop is encrypted. The next runs write that and nothing else:")
	if err := t.runs(ctx, syncer.ReadAll, all...); err != nil {
		return err
	}
	fmt.Fprintln(t, "\nThe history of both knows who changed what, and in which run:")
	rows := [][]string{{"RECORD", "WHEN", "OF", "BY", "WHAT", "BEFORE", "AFTER"}}
	for _, record := range [][2]string{{"users", "zoe@acme.example"}, {"assets", "PF4BBBB2"}} {
		events, err := t.history(ctx, record[0], record[1])
		if err != nil {
			return err
		}
		rows = append(rows, events...)
	}
	return t.table(rows)
}

// asksForChanges reads what has changed and nothing else, where Okta can tell.
func (t *tour) asksForChanges(ctx context.Context) error {
	t.org.setProfile("00u2grace", "title", "Principal Engineer", t.now)
	fmt.Fprintln(t, "\nGrace is promoted, too. Of users and devices Okta can tell what has changed, so that a run need not read all:")
	return t.runs(ctx, syncer.ReadChanged, "okta-users", "okta-devices")
}

// lacksAPermission replaces the token by one of an account with fewer rights.
func (t *tour) lacksAPermission(ctx context.Context) error {
	fmt.Fprintln(t, "\nSomebody enters a token of a help desk account, which may not read devices. A check tells:")
	if _, err := t.vault.Replace(ctx, token(helpDeskToken), t.binding(), "bob@acme.example"); err != nil {
		return err
	}
	if err := t.check(ctx); err != nil {
		return err
	}
	fmt.Fprintln(t, "\nThe users are read all the same:")
	return t.runs(ctx, syncer.ReadAll, "okta-users", "okta-devices")
}

// meetsTheEndOfAToken lets the token end, and enters a new one.
func (t *tour) meetsTheEndOfAToken(ctx context.Context) error {
	fmt.Fprintln(t, "\nOkta ends a token that was not used for 30 days. The run says so, and nothing is lost:")
	t.org.end(helpDeskToken)
	if err := t.runs(ctx, syncer.ReadAll, "okta-users"); err != nil {
		return err
	}
	fmt.Fprintln(t, "\nA new token is entered, and the runs go on:")
	t.org.allow(newToken, "users", "devices", "apps")
	entry, err := t.vault.Replace(ctx, token(newToken), t.binding(), admin)
	if err != nil {
		return err
	}
	if err := t.runs(ctx, syncer.ReadAll, all...); err != nil {
		return err
	}
	fmt.Fprintln(t, "\nWhat became of the credential, and why it is not deleted by mistake:")
	for _, c := range entry.Changes {
		fmt.Fprintf(t, "  %s %s: %s\n", c.At.Format(time.DateTime), c.By, c.What)
	}
	err = t.vault.Remove(ctx, entry.ID, admin)
	fmt.Fprintln(t, " ", err)
	if !errors.Is(err, credentials.ErrInUse) {
		return errors.New("a credential in use can be removed")
	}
	return nil
}
