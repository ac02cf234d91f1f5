package sqlite_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/credentials/credentialstest"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// stores are several on one file. Each call goes to the next of them.
type stores struct {
	all  []*sqlite.Store
	next atomic.Int64
}

// openStores opens several stores on one new file.
func openStores(t *testing.T, count int) *stores {
	t.Helper()
	path, s := newPath(t), &stores{all: make([]*sqlite.Store, count)}
	for i := range s.all {
		s.all[i], _ = openAt(t, path)
	}
	return s
}

func (s *stores) store() *sqlite.Store { return s.all[int(s.next.Add(1))%len(s.all)] }

func (s *stores) PutSealed(ctx context.Context, sealed credentials.Sealed, previous string) error {
	return s.store().PutSealed(ctx, sealed, previous)
}

func (s *stores) GetSealed(ctx context.Context, id string) (credentials.Sealed, error) {
	return s.store().GetSealed(ctx, id)
}

func (s *stores) ListSealed(ctx context.Context) ([]credentials.Sealed, error) {
	return s.store().ListSealed(ctx)
}

func (s *stores) DeleteSealed(ctx context.Context, id, revision string) error {
	return s.store().DeleteSealed(ctx, id, revision)
}

func TestTheStoreKeepsCredentials(t *testing.T) {
	t.Parallel()
	for name, count := range map[string]int{"one store": 1, "several stores on one file": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, credentialstest.Check(t.Context(), func() (credentials.Keeper, error) { return openStores(t, count), nil }))
		})
	}
}

func TestNoRevisionOfACredentialIsLostBetweenStoresOnOneFile(t *testing.T) {
	t.Parallel()
	const steps = 25
	keeper := openStores(t, 3)
	require.NoError(t, keeper.PutSealed(t.Context(), credentials.Sealed{ID: "counter", Revision: "0"}, ""))
	raise := func(s *sqlite.Store) error {
		for {
			old, err := s.GetSealed(t.Context(), "counter")
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(old.Revision)
			if err != nil {
				return err
			}
			err = s.PutSealed(t.Context(), credentials.Sealed{ID: "counter", Revision: strconv.Itoa(n + 1)}, old.Revision)
			if !errors.Is(err, credentials.ErrConflict) {
				return err
			}
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, len(keeper.all))
	for i, s := range keeper.all {
		wg.Go(func() {
			for range steps {
				errs[i] = errors.Join(errs[i], raise(s))
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	got, err := keeper.GetSealed(t.Context(), "counter")
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(steps*len(keeper.all)), got.Revision)
	require.Empty(t, got.Data)
}

func TestACredentialIsNotKeptWhileAnotherProgramWrites(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: 20 * time.Millisecond})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	kept := credentials.Sealed{ID: "okta", Revision: "r1", Data: []byte("{}")}
	require.NoError(t, s.PutSealed(t.Context(), kept, ""))

	letGo := hold(t, path)
	for doing, err := range map[string]error{
		`keep credential "okta"`:   s.PutSealed(t.Context(), credentials.Sealed{ID: "okta", Revision: "r2", Data: []byte("{}")}, "r1"),
		`delete credential "okta"`: s.DeleteSealed(t.Context(), "okta", "r1"),
	} {
		require.ErrorIs(t, err, connector.ErrUnavailable)
		require.ErrorContains(t, err, doing)
		require.ErrorContains(t, err, "another program holds the database "+path)
	}
	got, err := s.GetSealed(t.Context(), "okta")
	require.NoError(t, err, "reading goes on")
	require.Equal(t, kept, got)

	letGo()
	require.NoError(t, s.DeleteSealed(t.Context(), "okta", "r1"))
}

func TestErrorsOfCredentialsSayWhichAndWhy(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), newPath(t), sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, s.PutSealed(t.Context(), credentials.Sealed{ID: "okta", Revision: "r1", Data: []byte("{}")}, ""))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	calls := func(ctx context.Context, id, revision string) map[string]error {
		_, get := s.GetSealed(ctx, id)
		_, list := s.ListSealed(ctx)
		return map[string]error{
			fmt.Sprintf("keep credential %q: ", id):   s.PutSealed(ctx, credentials.Sealed{ID: id, Revision: "r2", Data: []byte("{}")}, revision),
			fmt.Sprintf("read credential %q: ", id):   get,
			fmt.Sprintf("delete credential %q: ", id): s.DeleteSealed(ctx, id, revision),
			"read the credentials: ":                  list,
		}
	}
	there := calls(t.Context(), "okta", "r0")
	require.ErrorIs(t, there[`keep credential "okta": `], credentials.ErrConflict)
	require.ErrorIs(t, there[`delete credential "okta": `], credentials.ErrConflict)
	absent := calls(t.Context(), "slack", "r0")
	require.ErrorIs(t, absent[`keep credential "slack": `], credentials.ErrConflict)
	require.ErrorIs(t, absent[`read credential "slack": `], credentials.ErrNotFound)
	require.ErrorIs(t, absent[`delete credential "slack": `], credentials.ErrNotFound)
	for doing, err := range calls(ended, "okta", "r1") {
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, doing)
	}
	got, err := s.GetSealed(t.Context(), "okta")
	require.NoError(t, err)
	require.Equal(t, "r1", got.Revision, "none of this has changed it")
	require.NoError(t, s.Close())
	for doing, err := range calls(t.Context(), "okta", "r1") {
		require.ErrorContains(t, err, doing+"the store is closed")
	}
}

var oktaBinding = credentials.Binding{Connector: "okta", Hosts: []string{"acme.okta.com"}}

// newVault returns a vault in a store.
func newVault(t *testing.T, s *sqlite.Store, key credentials.Key, old ...credentials.KeyWrapper) *credentials.Vault {
	t.Helper()
	vault, err := credentials.NewVault(credentials.VaultOptions{Keeper: s, Key: key, OldKeys: old})
	require.NoError(t, err)
	return vault
}

// addToken adds a credential of the id okta.
func addToken(t *testing.T, vault *credentials.Vault, token string) {
	t.Helper()
	c := credentials.Credential{ID: "okta", Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(token)}}
	_, err := vault.Add(t.Context(), c, oktaBinding, credentials.Details{Name: "Okta, reading", Owner: "ada"}, "ada")
	require.NoError(t, err)
}

func TestAVaultIsThereAfterOpeningAgain(t *testing.T) {
	t.Parallel()
	const entered = "00-a-token-of-okta"
	key := credentials.NewKey()
	path := newPath(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	addToken(t, newVault(t, s, key), entered)
	require.NoError(t, s.Close())
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(content), "Okta, reading")
	require.NotContains(t, string(content), entered)
	require.NotContains(t, string(content), base64.StdEncoding.EncodeToString([]byte(entered)))

	again, _ := openAt(t, path)
	c, err := newVault(t, again, key).Open(t.Context(), "okta", oktaBinding)
	require.NoError(t, err)
	require.Equal(t, entered, c.Value("token").Reveal())
}

func TestAPersonReadsACredentialAndCannotBendIt(t *testing.T) {
	t.Parallel()
	s, path := openAt(t, newPath(t))
	vault := newVault(t, s, credentials.NewKey())
	addToken(t, vault, "00-a-token-of-okta")
	kept, err := s.GetSealed(t.Context(), "okta")
	require.NoError(t, err)
	require.Equal(t, "okta|"+kept.Revision+"|blob", shell(t, path, "SELECT id, revision, typeof(sealed) FROM credentials;"))
	require.Equal(t, `"Okta, reading"|"ada"`, shell(t, path, "SELECT CAST(sealed AS TEXT) -> 'entry' -> 'name', CAST(sealed AS TEXT) -> 'entry' -> 'owner' FROM credentials;"))

	shell(t, path, "UPDATE credentials SET sealed = replace(CAST(sealed AS TEXT), 'acme.okta.com', 'evil.example');")
	changed, err := s.GetSealed(t.Context(), "okta")
	require.NoError(t, err)
	require.Equal(t, strings.ReplaceAll(string(kept.Data), "acme.okta.com", "evil.example"), string(changed.Data), "text that was put in by hand is read as its bytes")
	_, err = vault.Open(t.Context(), "okta", credentials.Binding{Connector: "okta", Hosts: []string{"evil.example"}})
	require.ErrorIs(t, err, credentials.ErrDamaged)
	shell(t, path, "DELETE FROM credentials;")
	_, err = vault.Open(t.Context(), "okta", oktaBinding)
	require.ErrorIs(t, err, credentials.ErrNotFound)
}

func TestVacuumTakesTheRemainsOfCredentialsAway(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	oldKey, newKey := credentials.NewKey(), credentials.NewKey()
	addToken(t, newVault(t, s, oldKey), strings.Repeat("a long token ", 1000)) // it fills pages of its own
	before, err := s.GetSealed(t.Context(), "okta")
	require.NoError(t, err)
	var document struct {
		Sealed string `json:"sealed"`
	}
	require.NoError(t, json.Unmarshal(before.Data, &document))
	remains := document.Sealed[8000:8100]
	_, err = newVault(t, s, newKey, oldKey).Rekey(t.Context(), "ada")
	require.NoError(t, err)
	require.NoError(t, s.Close()) // the file is read while nobody has it open
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Contains(content, []byte(remains)))

	s, err = sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	shell(t, path, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
	log, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	require.Zero(t, log.Size())
	c, err := newVault(t, s, newKey).Open(t.Context(), "okta", oktaBinding)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("a long token ", 1000), c.Value("token").Reveal())
	require.NoError(t, s.Close())
	content, err = os.ReadFile(path)
	require.NoError(t, err)
	require.False(t, bytes.Contains(content, []byte(remains)))
}
