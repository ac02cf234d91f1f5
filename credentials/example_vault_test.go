package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/vendorsync/vendorsync/credentials"
)

// exampleVault returns a vault with one credential.
func exampleVault() (*credentials.Vault, error) {
	vault, err := credentials.NewVault(credentials.VaultOptions{
		Keeper: &credentials.MemoryKeeper{}, // or a store that keeps them longer
		Key:    credentials.NewKey(),        // or KeyFromEnv, KeyFromFile, a key management service
		Users: func(context.Context, string) ([]string, error) {
			return []string{"Okta users"}, nil
		},
		Now: func() time.Time { return time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		return nil, err
	}
	client := credentials.Credential{ID: "okta", Kind: credentials.AuthorizationCode, Values: map[string]credentials.Secret{
		"client_id": credentials.NewSecret("0oa1"), "refresh_token": credentials.NewSecret("first"),
	}}
	details := credentials.Details{Owner: "ada", ExpiresAt: time.Date(2026, 5, 8, 9, 0, 0, 0, time.UTC)}
	_, err = vault.Add(context.Background(), client, exampleBinding, details, "ada")
	return vault, err
}

var exampleBinding = credentials.Binding{Connector: "okta", Hosts: []string{"acme.okta.com"}}

func ExampleVault() {
	ctx := context.Background()
	vault, err := exampleVault()
	if err != nil {
		fmt.Println(err)
		return
	}
	cred, err := vault.Open(ctx, "okta", exampleBinding)
	fmt.Println(cred.Value("refresh_token"), cred.Value("refresh_token").Reveal(), err)

	elsewhere := credentials.Binding{Connector: "okta", Hosts: []string{"evil.example"}}
	_, err = vault.Open(ctx, "okta", elsewhere)
	fmt.Println(errors.Is(err, credentials.ErrBound))

	fmt.Println(vault.Remove(ctx, "okta", "bob"))
	// Output:
	// ******** first <nil>
	// true
	// remove credential "okta": it is in use by Okta users
}

func ExampleVault_Source() {
	ctx := context.Background()
	vault, err := exampleVault()
	if err != nil {
		fmt.Println(err)
		return
	}
	source := vault.Source("okta", exampleBinding, "okta-bot")
	one, _ := source.Get(ctx)
	another, _ := source.Get(ctx)
	err = source.Save(ctx, one.With("refresh_token", credentials.NewSecret("second")))
	fmt.Println(err) // nil: it is kept, and may be used
	err = source.Save(ctx, another.With("refresh_token", credentials.NewSecret("third")))
	fmt.Println(errors.Is(err, credentials.ErrConflict))
	now, err := source.Get(ctx)
	fmt.Println(now.Value("refresh_token").Reveal(), err)
	// Output:
	// <nil>
	// true
	// second <nil>
}

func ExampleVault_Expiring() {
	vault, err := exampleVault()
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 5, 6, 9, 0, 0, 0, time.UTC)
	entries, err := vault.Expiring(context.Background(), now)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range entries {
		fmt.Println(e.Warning(now))
	}
	// Output: credential "okta" of ada expires on 2026-05-08, in 2 days: enter a new secret
}

func ExampleVault_Rekey() {
	ctx := context.Background()
	keeper := &credentials.MemoryKeeper{}
	oldKey, newKey := credentials.NewKey(), credentials.NewKey()
	before, err := credentials.NewVault(credentials.VaultOptions{Keeper: keeper, Key: oldKey})
	if err != nil {
		fmt.Println(err)
		return
	}
	token := credentials.Credential{ID: "okta", Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret("00abcdef")}}
	if _, err := before.Add(ctx, token, exampleBinding, credentials.Details{}, "ada"); err != nil {
		fmt.Println(err)
		return
	}
	after, err := credentials.NewVault(credentials.VaultOptions{Keeper: keeper, Key: newKey, OldKeys: []credentials.KeyWrapper{oldKey}})
	if err != nil {
		fmt.Println(err)
		return
	}
	done, err := after.Rekey(ctx, "ada")
	fmt.Println(done.Moved, done.Already, done.Failed, err)
	// Output: 1 0 0 <nil>
}

func ExampleReferences() {
	dir, err := os.MkdirTemp("", "secrets")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "okta"), []byte("hunter2\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	references := credentials.References{Folders: []string{dir}}
	ctx := context.Background()
	c, err := references.Resolve(ctx, credentials.Ref{ID: "okta", Kind: credentials.Basic, Values: map[string]string{
		"username": "ada", "password": "file:okta",
	}})
	fmt.Println(c.Value("password"), len(c.Value("password").Reveal()), err)
	const elsewhere = "file:/etc/passwd"
	_, err = references.Resolve(ctx, credentials.Ref{ID: "okta", Kind: credentials.APIToken, Values: map[string]string{"token": elsewhere}})
	fmt.Println(err)
	// Output:
	// ******** 7 <nil>
	// credential "okta", token: the host does not allow reading the file /etc/passwd
}
