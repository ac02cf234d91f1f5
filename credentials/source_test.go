package credentials_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
)

func TestARotatedSecretIsKeptBeforeSaveReturns(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	keeper := &credentials.MemoryKeeper{}
	vault := newVault(t, keeper, sealingKey)
	addToken(t, vault)
	source, elsewhere := vault.Source("okta", okta, "bot"), newVault(t, keeper, sealingKey).Source("okta", okta, "bot")
	c, err := source.Get(ctx)
	require.NoError(t, err)
	require.NoError(t, source.Save(ctx, c.With("token", credentials.NewSecret("two"))))
	for _, s := range []credentials.Source{source, elsewhere} {
		c, err = s.Get(ctx)
		require.NoError(t, err)
		require.Equal(t, "two", c.Value("token").Reveal())
	}
}

func TestOfSeveralThatSaveTheFirstWins(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	vault := newVault(t, &credentials.MemoryKeeper{}, sealingKey)
	addToken(t, vault)
	source := vault.Source("okta", okta, "bot")
	inHand, err := source.Get(ctx)
	require.NoError(t, err)
	const savers = 8
	outcomes := make([]error, savers)
	var wg sync.WaitGroup
	for i := range savers {
		wg.Go(func() {
			outcomes[i] = source.Save(ctx, inHand.With("token", credentials.NewSecret(string(rune('a'+i)))))
		})
	}
	wg.Wait()
	won := -1
	for i, err := range outcomes {
		if err == nil {
			require.Negative(t, won, "two have won")
			won = i
			continue
		}
		require.ErrorIs(t, err, credentials.ErrConflict)
		require.ErrorContains(t, err, "call Get again")
	}
	require.GreaterOrEqual(t, won, 0)
	c, err := source.Get(ctx)
	require.NoError(t, err)
	require.Equal(t, string(rune('a'+won)), c.Value("token").Reveal())
	require.NoError(t, source.Save(ctx, c.With("token", credentials.NewSecret("next"))), "whoever gets again may save")
}

func TestASaveMeetsWhatPeopleDidMeanwhile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(ctx context.Context, vault *credentials.Vault) error
		target    error
		token     string
	}{
		"another owner is no conflict": {
			func(ctx context.Context, vault *credentials.Vault) error {
				_, err := vault.Describe(ctx, "okta", credentials.Details{Owner: "bob"}, "ada")
				return err
			}, nil, "rotated",
		},
		"a secret entered again stays": {
			func(ctx context.Context, vault *credentials.Vault) error {
				_, err := vault.Replace(ctx, token("okta", "entered"), okta, "ada")
				return err
			}, credentials.ErrConflict, "entered",
		},
		"one removed and made anew stays": {
			func(ctx context.Context, vault *credentials.Vault) error {
				if err := vault.Remove(ctx, "okta", "ada"); err != nil {
					return err
				}
				_, err := vault.Add(ctx, token("okta", "anew"), okta, credentials.Details{}, "ada")
				return err
			}, credentials.ErrConflict, "anew",
		},
		"one removed does not come back": {
			func(ctx context.Context, vault *credentials.Vault) error { return vault.Remove(ctx, "okta", "ada") },
			credentials.ErrNotFound, "",
		},
		"one bound elsewhere is not written": {
			func(ctx context.Context, vault *credentials.Vault) error {
				_, err := vault.Replace(ctx, token("okta", "elsewhere"), credentials.Binding{Connector: "okta", Hosts: []string{"other.okta.com"}}, "ada")
				return err
			}, credentials.ErrBound, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			vault := newVault(t, &credentials.MemoryKeeper{}, sealingKey)
			addToken(t, vault)
			source := vault.Source("okta", okta, "bot")
			c, err := source.Get(ctx)
			require.NoError(t, err)
			require.NoError(t, test.meanwhile(ctx, vault))
			require.ErrorIs(t, source.Save(ctx, c.With("token", credentials.NewSecret("rotated"))), test.target)
			if test.token != "" {
				c, err = source.Get(ctx)
				require.NoError(t, err)
				require.Equal(t, test.token, c.Value("token").Reveal())
			}
		})
	}
}

func TestOnlyWhatGetReturnedIsSaved(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	vault := newVault(t, &credentials.MemoryKeeper{}, sealingKey)
	addToken(t, vault)
	source := vault.Source("okta", okta, "bot")
	got, err := source.Get(ctx)
	require.NoError(t, err)
	other := got
	other.ID = "entra"
	kind := credentials.Credential{ID: "okta", Kind: credentials.Basic, Revision: got.Revision, Values: map[string]credentials.Secret{
		"username": credentials.NewSecret("ada"), "password": credentials.NewSecret(plain),
	}}
	for name, test := range map[string]struct {
		c     credentials.Credential
		fault string
	}{
		"one of another making": {token("okta", plain), "it is not what Get returned"},
		"one of another id":     {other, "it is not what Get returned"},
		"another kind":          {kind, "a rotation keeps its kind"},
		"a value is missing":    {got.With("token", credentials.Secret{}), "token is missing"},
	} {
		err := source.Save(ctx, test.c)
		require.ErrorContains(t, err, test.fault, name)
		requireHidden(t, err.Error(), name)
	}
	require.ErrorContains(t, vault.Source("okta", okta, "").Save(ctx, got), "who makes the change is missing")
	_, err = vault.Source("okta", credentials.Binding{Connector: "okta", Hosts: []string{"evil.example"}}, "bot").Get(ctx)
	require.ErrorIs(t, err, credentials.ErrBound)
	_, err = vault.Source("entra", okta, "bot").Get(ctx)
	require.ErrorIs(t, err, credentials.ErrNotFound)
}

// A strict keeper does nothing under a cancelled context, and fails to write on
// request.
type strict struct {
	credentials.MemoryKeeper
	fail error
}

func (k *strict) PutSealed(ctx context.Context, s credentials.Sealed, previous string) error {
	if err := errors.Join(ctx.Err(), k.fail); err != nil {
		return err
	}
	return k.MemoryKeeper.PutSealed(ctx, s, previous)
}

func TestASaveOutlivesItsContext(t *testing.T) {
	t.Parallel()
	keeper := &strict{}
	vault := newVault(t, keeper, sealingKey)
	addToken(t, vault)
	source := vault.Source("okta", okta, "bot")
	c, err := source.Get(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, source.Save(ctx, c.With("token", credentials.NewSecret("two"))))

	c, err = source.Get(t.Context())
	require.NoError(t, err)
	keeper.fail = errors.New("the disk is full")
	require.ErrorIs(t, source.Save(t.Context(), c.With("token", credentials.NewSecret("three"))), keeper.fail)
	c, err = source.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, "two", c.Value("token").Reveal(), "what was not kept is not answered with")
}

func TestASourceAsksItsKeyOnceForEachState(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	service := &kms{id: "kms", key: credentials.NewKey()}
	vault := newVault(t, &credentials.MemoryKeeper{}, service)
	addToken(t, vault)
	source := vault.Source("okta", okta, "bot")
	get := func() credentials.Credential {
		c, err := source.Get(ctx)
		require.NoError(t, err)
		return c
	}
	for range 10 {
		get()
	}
	require.Equal(t, 1, service.unwraps)
	require.NoError(t, source.Save(ctx, get().With("token", credentials.NewSecret("two"))))
	for range 10 {
		require.Equal(t, "two", get().Value("token").Reveal())
	}
	require.Equal(t, 2, service.unwraps)
}

func BenchmarkSourceGet(b *testing.B) {
	vault, err := credentials.NewVault(credentials.VaultOptions{Keeper: &credentials.MemoryKeeper{}, Key: sealingKey})
	require.NoError(b, err)
	_, err = vault.Add(b.Context(), token("okta", plain), okta, credentials.Details{}, "ada")
	require.NoError(b, err)
	source := vault.Source("okta", okta, "bot")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := source.Get(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
