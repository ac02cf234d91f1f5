package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// A store keeps a vault's credentials beside the records.
func Example_vault() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "inventory")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder.
	store, err := sqlite.Open(ctx, filepath.Join(dir, "inventory.db"), sqlite.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // what was kept is on disk.

	vault, err := credentials.NewVault(credentials.VaultOptions{
		Keeper: store,
		Key:    credentials.NewKey(), // or KeyFromEnv, KeyFromFile: not from beside the database
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	okta := credentials.Binding{Connector: "okta", Hosts: []string{"acme.okta.com"}}
	token := credentials.Credential{ID: "okta", Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret("00abcdef")}}
	if _, err := vault.Add(ctx, token, okta, credentials.Details{Owner: "ada"}, "ada"); err != nil {
		fmt.Println(err)
		return
	}
	opened, err := vault.Open(ctx, "okta", okta)
	fmt.Println(opened.Value("token"), len(opened.Value("token").Reveal()), err)
	// Output: ******** 8 <nil>
}
