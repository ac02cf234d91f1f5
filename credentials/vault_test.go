package credentials_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
)

var (
	today = time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	okta  = credentials.Binding{Connector: "okta", Hosts: []string{"acme.okta.com"}}
)

// newVault returns a vault whose clock stands still.
func newVault(t *testing.T, keeper credentials.Keeper, key credentials.KeyWrapper, old ...credentials.KeyWrapper) *credentials.Vault {
	t.Helper()
	vault, err := credentials.NewVault(credentials.VaultOptions{Keeper: keeper, Key: key, OldKeys: old, Now: func() time.Time { return today }})
	require.NoError(t, err)
	return vault
}

// token is an API token.
func token(id, secret string) credentials.Credential {
	return credentials.Credential{ID: id, Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(secret)}}
}

// addToken adds the token plain as "okta".
func addToken(t *testing.T, vault *credentials.Vault) credentials.Entry {
	t.Helper()
	e, err := vault.Add(t.Context(), token("okta", plain), okta, credentials.Details{Name: "Okta, read-only", Owner: "ada"}, "ada")
	require.NoError(t, err)
	return e
}

func TestAVaultOpensWhatItSealed(t *testing.T) {
	t.Parallel()
	for _, kind := range credentials.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			keeper := &credentials.MemoryKeeper{}
			vault := newVault(t, keeper, sealingKey)
			c := credentials.Credential{ID: "it", Kind: kind}
			for _, f := range kind.Form() {
				c = c.With(f.Name, credentials.NewSecret(example(t, kind, f.Name)))
			}
			_, err := vault.Add(t.Context(), c, okta, credentials.Details{}, "ada")
			require.NoError(t, err)
			got, err := newVault(t, keeper, sealingKey).Open(t.Context(), "it", okta)
			require.NoError(t, err)
			require.Equal(t, kind, got.Kind)
			require.Len(t, got.Values, len(c.Values))
			for name, value := range c.Values {
				require.Equal(t, value.Reveal(), got.Value(name).Reveal(), name)
			}
			record, err := keeper.GetSealed(t.Context(), "it")
			require.NoError(t, err)
			requireHidden(t, string(record.Data), "the sealed record")
			require.NotContains(t, string(record.Data), "PRIVATE KEY")
		})
	}
}

func TestAValueComesBackByteForByte(t *testing.T) {
	t.Parallel()
	vault := newVault(t, &credentials.MemoryKeeper{}, credentials.NewKey())
	value := "\x00\xff line\r\n\u00e4 "
	_, err := vault.Add(t.Context(), token("a", value), okta, credentials.Details{}, "ada")
	require.NoError(t, err)
	c, err := vault.Open(t.Context(), "a", okta)
	require.NoError(t, err)
	require.Equal(t, value, c.Value("token").Reveal())
}

func TestACredentialOpensForItsBindingAlone(t *testing.T) {
	t.Parallel()
	vault := newVault(t, &credentials.MemoryKeeper{}, sealingKey)
	bound := credentials.Binding{Connector: "okta", Hosts: []string{"acme.okta.com", "*.oktapreview.com"}}
	_, err := vault.Add(t.Context(), token("okta", plain), bound, credentials.Details{}, "ada")
	require.NoError(t, err)
	for name, test := range map[string]struct {
		binding credentials.Binding
		opens   bool
	}{
		"as it was entered":             {bound, true},
		"the same hosts written anew":   {credentials.Binding{Connector: "okta", Hosts: []string{" *.OktaPreview.com", "Acme.okta.com.", "acme.okta.com"}}, true},
		"another connector":             {credentials.Binding{Connector: "entra", Hosts: bound.Hosts}, false},
		"another host":                  {credentials.Binding{Connector: "okta", Hosts: []string{"acme.okta.com.evil.example", "*.oktapreview.com"}}, false},
		"one host more":                 {credentials.Binding{Connector: "okta", Hosts: append([]string{"evil.example"}, bound.Hosts...)}, false},
		"one host less":                 {credentials.Binding{Connector: "okta", Hosts: bound.Hosts[:1]}, false},
		"a pattern for the host itself": {credentials.Binding{Connector: "okta", Hosts: []string{"*.okta.com", "*.oktapreview.com"}}, false},
		"no host":                       {credentials.Binding{Connector: "okta"}, false},
		"nothing":                       {credentials.Binding{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := vault.Open(t.Context(), "okta", test.binding)
			if test.opens {
				require.NoError(t, err)
				require.Equal(t, plain, c.Value("token").Reveal())
				return
			}
			require.ErrorIs(t, err, credentials.ErrBound)
			require.ErrorContains(t, err, "enter its secret again")
			require.Equal(t, credentials.Credential{}, c)
		})
	}
}

// alter rewrites the clear part of a record behind the vault's back.
func alter(t *testing.T, keeper credentials.Keeper, id string, change func(record, entry map[string]any)) {
	t.Helper()
	s, err := keeper.GetSealed(t.Context(), id)
	require.NoError(t, err)
	var record map[string]any
	require.NoError(t, json.Unmarshal(s.Data, &record))
	entry, ok := record["entry"].(map[string]any)
	require.True(t, ok)
	change(record, entry)
	s.Data, err = json.Marshal(record)
	require.NoError(t, err)
	previous := s.Revision
	s.Revision += "'"
	require.NoError(t, keeper.PutSealed(t.Context(), s, previous))
}

func TestARecordAlteredOutsideTheVaultDoesNotOpen(t *testing.T) {
	t.Parallel()
	evil := credentials.Binding{Connector: "okta", Hosts: []string{"evil.example"}}
	entra := credentials.Binding{Connector: "entra", Hosts: okta.Hosts}
	flip := func(field string) func(record, _ map[string]any) {
		return func(record, _ map[string]any) {
			text := []byte(record[field].(string))
			text[20] ^= 'A' ^ 'B' // still base64
			record[field] = string(text)
		}
	}
	for name, test := range map[string]struct {
		change  func(record, entry map[string]any)
		binding credentials.Binding
		target  error
	}{
		"its hosts":     {func(_, e map[string]any) { e["binding"].(map[string]any)["hosts"] = []string{"evil.example"} }, evil, credentials.ErrDamaged},
		"its connector": {func(_, e map[string]any) { e["binding"].(map[string]any)["connector"] = "entra" }, entra, credentials.ErrDamaged},
		"its kind":      {func(_, e map[string]any) { e["kind"] = "basic" }, okta, credentials.ErrDamaged},
		"its id":        {func(_, e map[string]any) { e["id"] = "other" }, okta, credentials.ErrDamaged},
		"its secret":    {flip("sealed"), okta, credentials.ErrDamaged},
		"its data key":  {flip("data_key"), okta, nil},
		"its key's id":  {func(_, e map[string]any) { e["key_id"] = "aes-0" }, okta, credentials.ErrNoKey},
		"its format":    {func(r, _ map[string]any) { r["format"] = 2 }, okta, credentials.ErrDamaged},
		"a field more":  {func(r, _ map[string]any) { r["more"] = 1 }, okta, credentials.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper := &credentials.MemoryKeeper{}
			vault := newVault(t, keeper, sealingKey)
			addToken(t, vault)
			alter(t, keeper, "okta", test.change)
			c, err := vault.Open(t.Context(), "okta", test.binding)
			require.Error(t, err)
			require.Equal(t, credentials.Credential{}, c)
			requireHidden(t, err.Error(), name)
			if test.target != nil {
				require.ErrorIs(t, err, test.target)
			}
			_, err = vault.Replace(t.Context(), token("okta", "new"), okta, "bob")
			require.NoError(t, err, "the secret entered again mends it")
			c, err = vault.Open(t.Context(), "okta", okta)
			require.NoError(t, err)
			require.Equal(t, "new", c.Value("token").Reveal())
		})
	}
}

func TestASecretMovedToAnotherIDDoesNotOpen(t *testing.T) {
	t.Parallel()
	keeper := &credentials.MemoryKeeper{}
	vault := newVault(t, keeper, sealingKey)
	addToken(t, vault)
	s, err := keeper.GetSealed(t.Context(), "okta")
	require.NoError(t, err)
	s.ID, s.Data = "mine", bytes.ReplaceAll(s.Data, []byte(`"id":"okta"`), []byte(`"id":"mine"`))
	require.NoError(t, keeper.PutSealed(t.Context(), s, ""))
	_, err = vault.Open(t.Context(), "mine", okta)
	require.ErrorIs(t, err, credentials.ErrDamaged)
}

func TestWhatCannotBeSealedIsRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	tests := map[string]struct {
		c     credentials.Credential
		b     credentials.Binding
		d     credentials.Details
		by    string
		fault string
	}{
		"no id":                  {c: token("", plain), b: okta, by: "ada", fault: `the id "" is not`},
		"an id with a slash":     {c: token("a/b", plain), b: okta, by: "ada", fault: `the id "a/b" is not`},
		"a long id":              {c: token(long, plain), b: okta, by: "ada", fault: "is not 1 to 128"},
		"nobody":                 {c: token("a", plain), b: okta, fault: "who makes the change is missing"},
		"no connector":           {c: token("a", plain), b: credentials.Binding{Hosts: okta.Hosts}, by: "ada", fault: "the connector is missing"},
		"no hosts":               {c: token("a", plain), b: credentials.Binding{Connector: "okta"}, by: "ada", fault: "name the hosts"},
		"any host":               {c: token("a", plain), b: credentials.Binding{Connector: "okta", Hosts: []string{"*"}}, by: "ada", fault: "stands for any"},
		"a URL for a host":       {c: token("a", plain), b: credentials.Binding{Connector: "okta", Hosts: []string{"https://acme.okta.com"}}, by: "ada", fault: "leave out scheme and path"},
		"too many hosts":         {c: token("a", plain), b: credentials.Binding{Connector: "okta", Hosts: manyHosts()}, by: "ada", fault: "more than 100 hosts"},
		"a missing value":        {c: credentials.Credential{ID: "a", Kind: credentials.Basic}, b: okta, by: "ada", fault: "username is missing"},
		"no value at all":        {c: credentials.Credential{ID: "a"}, b: okta, by: "ada", fault: "there is no value to seal"},
		"too large a value":      {c: token("a", plain+strings.Repeat("x", 1<<20)), b: okta, by: "ada", fault: "are allowed"},
		"a long name":            {c: token("a", plain), b: okta, d: credentials.Details{Name: long}, by: "ada", fault: "the name has more than 256 bytes"},
		"an owner in two lines":  {c: token("a", plain), b: okta, d: credentials.Details{Owner: "ada\nbob"}, by: "ada", fault: "the owner has a control character"},
		"a name that is no text": {c: token("a", plain), b: okta, d: credentials.Details{Name: "\xff"}, by: "ada", fault: "not valid UTF-8"},
		"a negative warning":     {c: token("a", plain), b: okta, d: credentials.Details{WarnBefore: -1}, by: "ada", fault: "negative"},
		"a far expiry":           {c: token("a", plain), b: okta, d: credentials.Details{ExpiresAt: time.Date(20260, 1, 1, 0, 0, 0, 0, time.UTC)}, by: "ada", fault: "more than four digits"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper := &credentials.MemoryKeeper{}
			_, err := newVault(t, keeper, sealingKey).Add(t.Context(), test.c, test.b, test.d, test.by)
			require.ErrorContains(t, err, test.fault)
			requireHidden(t, err.Error(), name)
			all, err := keeper.ListSealed(t.Context())
			require.NoError(t, err)
			require.Empty(t, all)
		})
	}
}

func manyHosts() []string {
	hosts := make([]string, 101)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("h%d.example", i)
	}
	return hosts
}

func TestAVaultNeedsAKeeperAndKeys(t *testing.T) {
	t.Parallel()
	keeper := &credentials.MemoryKeeper{}
	for name, test := range map[string]struct {
		opt   credentials.VaultOptions
		fault string
	}{
		"no keeper":        {credentials.VaultOptions{Key: sealingKey}, "the keeper is missing"},
		"no key":           {credentials.VaultOptions{Keeper: keeper}, "a key is missing"},
		"the zero key":     {credentials.VaultOptions{Keeper: keeper, Key: credentials.Key{}}, "a key is missing"},
		"a nil old key":    {credentials.VaultOptions{Keeper: keeper, Key: sealingKey, OldKeys: []credentials.KeyWrapper{nil}}, "a key is missing"},
		"a key's long id":  {credentials.VaultOptions{Keeper: keeper, Key: &kms{id: strings.Repeat("k", 300)}}, "id of a key"},
		"an old zero key ": {credentials.VaultOptions{Keeper: keeper, Key: sealingKey, OldKeys: []credentials.KeyWrapper{credentials.Key{}}}, "a key is missing"},
	} {
		_, err := credentials.NewVault(test.opt)
		require.ErrorContains(t, err, test.fault, name)
	}
}

func TestAnIDIsTakenOnce(t *testing.T) {
	t.Parallel()
	vault := newVault(t, &credentials.MemoryKeeper{}, sealingKey)
	addToken(t, vault)
	_, err := vault.Add(t.Context(), token("okta", "other"), okta, credentials.Details{}, "bob")
	require.ErrorIs(t, err, credentials.ErrExists)
	_, err = vault.Replace(t.Context(), token("entra", "other"), okta, "bob")
	require.ErrorIs(t, err, credentials.ErrNotFound)
	_, err = vault.Entry(t.Context(), "entra")
	require.ErrorIs(t, err, credentials.ErrNotFound)
	_, err = vault.Open(t.Context(), "entra", okta)
	require.ErrorIs(t, err, credentials.ErrNotFound)
	require.ErrorIs(t, vault.Remove(t.Context(), "entra", "bob"), credentials.ErrNotFound)
}

func TestEveryChangeIsRecordedWithoutASecret(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := today
	var told []string
	vault, err := credentials.NewVault(credentials.VaultOptions{
		Keeper: &credentials.MemoryKeeper{}, Key: sealingKey,
		Now: func() time.Time { now = now.Add(time.Minute); return now },
		Changed: func(_ context.Context, e credentials.Entry, c credentials.Change) {
			told = append(told, fmt.Sprintf("%s %s: %s", e.ID, c.By, c.What))
		},
	})
	require.NoError(t, err)
	created := addToken(t, vault)
	_, err = vault.Describe(ctx, "okta", credentials.Details{Name: created.Name, Owner: "bob", ExpiresAt: today}, "ada")
	require.NoError(t, err)
	_, err = vault.Describe(ctx, "okta", credentials.Details{Name: created.Name, Owner: "bob", ExpiresAt: today}, "ada")
	require.NoError(t, err, "what differs in nothing is no change")
	source := vault.Source("okta", okta, "bot")
	for _, next := range []string{"two", "three"} {
		c, err := source.Get(ctx)
		require.NoError(t, err)
		require.NoError(t, source.Save(ctx, c.With("token", credentials.NewSecret(plain+next))))
	}
	e, err := vault.Replace(ctx, token("okta", plain), credentials.Binding{Connector: "okta", Hosts: []string{"new.okta.com"}}, "bob")
	require.NoError(t, err)
	require.NoError(t, vault.Remove(ctx, "okta", "carol"))
	require.Equal(t, []string{
		"okta ada: created",
		`okta ada: owner: "ada" to "bob"; expires: "" to "2026-05-01T09:00:00Z"`,
		"okta bot: rotated",
		"okta bot: rotated",
		"okta bob: secret entered again; from connector okta and hosts acme.okta.com to connector okta and hosts new.okta.com",
		"okta carol: removed",
	}, told)
	require.Len(t, e.Changes, 4)
	require.Equal(t, credentials.Change{At: e.Changes[2].At, By: "bot", What: "rotated", Times: 2}, e.Changes[2])
	require.True(t, e.Changes[1].At.Before(e.Changes[2].At) && e.Changes[2].At.Before(e.Changes[3].At))
	require.Equal(t, "ada", e.CreatedBy)
	require.Equal(t, "bob", e.Owner)
	require.True(t, e.ExpiresAt.IsZero(), "the old secret's expiry goes with it")
	shown, err := json.Marshal(e)
	require.NoError(t, err)
	requireHidden(t, string(shown), "the entry")
}

func TestTheListOfChangesIsBounded(t *testing.T) {
	t.Parallel()
	vault := newVault(t, &credentials.MemoryKeeper{}, sealingKey)
	addToken(t, vault)
	for i := range credentials.MaxChanges + 10 {
		_, err := vault.Describe(t.Context(), "okta", credentials.Details{Owner: fmt.Sprint(i), Name: strings.Repeat(`"`, 256)}, "ada")
		require.NoError(t, err)
	}
	e, err := vault.Entry(t.Context(), "okta")
	require.NoError(t, err)
	require.Len(t, e.Changes, credentials.MaxChanges)
	require.Equal(t, `owner: "58" to "59"`, e.Changes[credentials.MaxChanges-1].What)
	require.Equal(t, "ada", e.CreatedBy)
	require.Equal(t, today, e.CreatedAt)
}

func TestWhatEndsSoonIsWarnedOf(t *testing.T) {
	t.Parallel()
	vault := newVault(t, &credentials.MemoryKeeper{}, sealingKey)
	day := 24 * time.Hour
	for id, d := range map[string]credentials.Details{
		"never":    {},
		"far":      {ExpiresAt: today.Add(14*day + time.Second)},
		"near":     {ExpiresAt: today.Add(14 * day), Owner: "ada"},
		"tomorrow": {ExpiresAt: today.Add(day + time.Hour)},
		"tonight":  {ExpiresAt: today.Add(8 * time.Hour)},
		"past":     {ExpiresAt: today, Owner: "bob"},
		"early":    {ExpiresAt: today.Add(59 * day), WarnBefore: 60 * day},
		"late":     {ExpiresAt: today.Add(2 * day), WarnBefore: day},
	} {
		_, err := vault.Add(t.Context(), token(id, plain), okta, d, "ada")
		require.NoError(t, err)
	}
	expiring, err := vault.Expiring(t.Context(), today)
	require.NoError(t, err)
	var warnings []string
	for _, e := range expiring {
		warnings = append(warnings, e.Warning(today))
	}
	require.Equal(t, []string{
		`credential "past" of bob expired on 2026-05-01: enter a new secret`,
		`credential "tonight" expires on 2026-05-01, in less than a day: enter a new secret`,
		`credential "tomorrow" expires on 2026-05-02, in 1 day: enter a new secret`,
		`credential "near" of ada expires on 2026-05-15, in 14 days: enter a new secret`,
		`credential "early" expires on 2026-06-29, in 59 days: enter a new secret`,
	}, warnings)
	far, err := vault.Entry(t.Context(), "far")
	require.NoError(t, err)
	require.Empty(t, far.Warning(today))
	past, err := vault.Open(t.Context(), "past", okta)
	require.NoError(t, err, "the vendor decides")
	require.True(t, today.Equal(past.ExpiresAt))
}

func TestTheExpiryOfASecretIsThatOfTheVendor(t *testing.T) {
	t.Parallel()
	vault := newVault(t, &credentials.MemoryKeeper{}, sealingKey)
	c := token("okta", plain)
	c.ExpiresAt = today.Add(time.Hour)
	e, err := vault.Add(t.Context(), c, okta, credentials.Details{}, "ada")
	require.NoError(t, err)
	require.Equal(t, c.ExpiresAt, e.ExpiresAt)
	source := vault.Source("okta", okta, "bot")
	got, err := source.Get(t.Context())
	require.NoError(t, err)
	got.ExpiresAt = today.Add(48 * time.Hour)
	require.NoError(t, source.Save(t.Context(), got))
	e, err = vault.Entry(t.Context(), "okta")
	require.NoError(t, err)
	require.Equal(t, got.ExpiresAt, e.ExpiresAt)

	got, err = source.Get(t.Context())
	require.NoError(t, err)
	corrected := today.Add(72 * time.Hour)
	_, err = vault.Describe(t.Context(), "okta", credentials.Details{ExpiresAt: corrected}, "ada")
	require.NoError(t, err)
	require.NoError(t, source.Save(t.Context(), got.With("token", credentials.NewSecret("two"))))
	e, err = vault.Entry(t.Context(), "okta")
	require.NoError(t, err)
	require.Equal(t, corrected, e.ExpiresAt, "a rotation that says nothing of its expiry undoes no correction")
}

func TestWhatIsInUseIsNotRemoved(t *testing.T) {
	t.Parallel()
	users, asking := []string{"Okta users", "Okta devices"}, error(nil)
	vault, err := credentials.NewVault(credentials.VaultOptions{
		Keeper: &credentials.MemoryKeeper{}, Key: sealingKey,
		Users: func(_ context.Context, id string) ([]string, error) {
			require.Equal(t, "okta", id)
			return users, asking
		},
	})
	require.NoError(t, err)
	addToken(t, vault)
	err = vault.Remove(t.Context(), "okta", "ada")
	require.ErrorIs(t, err, credentials.ErrInUse)
	require.EqualError(t, err, `remove credential "okta": it is in use by Okta users, Okta devices`)
	users, asking = nil, errors.New("the store is closed")
	require.ErrorIs(t, vault.Remove(t.Context(), "okta", "ada"), asking)
	_, err = vault.Open(t.Context(), "okta", okta)
	require.NoError(t, err, "it is still there")
	asking = nil
	require.ErrorContains(t, vault.Remove(t.Context(), "okta", ""), "who makes the change is missing")
	require.NoError(t, vault.Remove(t.Context(), "okta", "ada"))
	_, err = vault.Open(t.Context(), "okta", okta)
	require.ErrorIs(t, err, credentials.ErrNotFound)
}

func TestADamagedRecordHidesNoOther(t *testing.T) {
	t.Parallel()
	keeper := &credentials.MemoryKeeper{}
	vault := newVault(t, keeper, sealingKey)
	addToken(t, vault)
	require.NoError(t, keeper.PutSealed(t.Context(), credentials.Sealed{ID: "broken", Revision: "1", Data: []byte("{")}, ""))
	entries, err := vault.Entries(t.Context())
	require.ErrorIs(t, err, credentials.ErrDamaged)
	require.ErrorContains(t, err, `credential "broken"`)
	require.Len(t, entries, 1)
	require.Equal(t, "okta", entries[0].ID)

	e, err := vault.Replace(t.Context(), token("broken", plain), okta, "ada")
	require.NoError(t, err)
	require.Equal(t, "secret entered again; the record was broken", e.Changes[0].What)
	require.NoError(t, keeper.PutSealed(t.Context(), credentials.Sealed{ID: "worse", Revision: "1"}, ""))
	require.NoError(t, vault.Remove(t.Context(), "worse", "ada"))
	_, err = vault.Entries(t.Context())
	require.NoError(t, err)
}

// A kms is a key management service: it counts, and fails on request.
type kms struct {
	id              string
	key             credentials.Key
	fail            error
	mu              sync.Mutex
	wraps, unwraps  int
	failUnwrapAfter int // 0 for never
}

func (k *kms) KeyID() string { return k.id }

func (k *kms) Wrap(ctx context.Context, dataKey []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wraps++
	if k.fail != nil {
		return nil, k.fail
	}
	return k.key.Wrap(ctx, dataKey)
}

func (k *kms) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unwraps++
	if k.fail != nil || k.failUnwrapAfter > 0 && k.unwraps > k.failUnwrapAfter {
		return nil, errors.New("the service does not answer")
	}
	return k.key.Unwrap(ctx, wrapped)
}

func TestRekeyMovesEachWholeAndGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	keeper := &credentials.MemoryKeeper{}
	old, next := &kms{id: "old", key: credentials.NewKey()}, credentials.NewKey()
	before := newVault(t, keeper, old)
	for i := range 5 {
		_, err := before.Add(ctx, token(fmt.Sprint(i), plain+fmt.Sprint(i)), okta, credentials.Details{}, "ada")
		require.NoError(t, err)
	}
	alter(t, keeper, "1", func(_, e map[string]any) { e["binding"].(map[string]any)["hosts"] = []string{"evil.example"} })
	running := before.Source("0", okta, "bot")
	inHand, err := running.Get(ctx)
	require.NoError(t, err)

	vault := newVault(t, keeper, next, old)
	old.unwraps, old.failUnwrapAfter = 0, 3
	done, err := vault.Rekey(ctx, "carol")
	require.Equal(t, credentials.Rekeyed{Moved: 2, Failed: 3}, done)
	require.ErrorIs(t, err, credentials.ErrDamaged)
	require.ErrorContains(t, err, "the service does not answer")
	requireHidden(t, err.Error(), "re-key")
	for i := range 5 { // none is lost in between
		old.failUnwrapAfter = 0
		if i != 1 {
			c, err := vault.Open(ctx, fmt.Sprint(i), okta)
			require.NoError(t, err)
			require.Equal(t, plain+fmt.Sprint(i), c.Value("token").Reveal())
		}
	}
	done, err = vault.Rekey(ctx, "carol")
	require.Equal(t, credentials.Rekeyed{Moved: 2, Already: 2, Failed: 1}, done)
	require.ErrorContains(t, err, `credential "1"`)
	_, err = vault.Replace(ctx, token("1", plain+"1"), okta, "ada")
	require.NoError(t, err)
	done, err = vault.Rekey(ctx, "carol")
	require.NoError(t, err)
	require.Equal(t, credentials.Rekeyed{Already: 5}, done)

	alone := newVault(t, keeper, next)
	for i := range 5 {
		e, err := alone.Entry(ctx, fmt.Sprint(i))
		require.NoError(t, err)
		require.Equal(t, next.KeyID(), e.KeyID)
		c, err := alone.Open(ctx, fmt.Sprint(i), okta)
		require.NoError(t, err)
		require.Equal(t, plain+fmt.Sprint(i), c.Value("token").Reveal())
	}
	require.NoError(t, alone.Source("0", okta, "bot").Save(ctx, inHand), "a run does not notice")
	_, err = running.Get(ctx)
	require.ErrorIs(t, err, credentials.ErrNoKey)
}

func TestRekeyStopsWithItsContext(t *testing.T) {
	t.Parallel()
	keeper := &credentials.MemoryKeeper{}
	addToken(t, newVault(t, keeper, sealingKey))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done, err := newVault(t, keeper, credentials.NewKey(), sealingKey).Rekey(ctx, "carol")
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, done)
	_, err = newVault(t, keeper, sealingKey).Rekey(t.Context(), "")
	require.ErrorContains(t, err, "who makes the change is missing")
}

func TestAKeyThatFailsLeavesTheRecordAsItWas(t *testing.T) {
	t.Parallel()
	service := &kms{id: "kms", key: credentials.NewKey()}
	vault := newVault(t, &credentials.MemoryKeeper{}, service)
	addToken(t, vault)
	service.fail = errors.New("the service does not answer")
	_, err := vault.Replace(t.Context(), token("okta", "new"), okta, "ada")
	require.ErrorIs(t, err, service.fail)
	_, err = vault.Open(t.Context(), "okta", okta)
	require.ErrorContains(t, err, `open credential "okta": key kms: the service does not answer`)
	_, err = vault.Entry(t.Context(), "okta")
	require.NoError(t, err, "what is in clear needs no key")
	service.fail = nil
	c, err := vault.Open(t.Context(), "okta", okta)
	require.NoError(t, err)
	require.Equal(t, plain, c.Value("token").Reveal())
}

func FuzzVaultOpensNothingAltered(f *testing.F) {
	ctx := f.Context()
	keeper := &credentials.MemoryKeeper{}
	vault, err := credentials.NewVault(credentials.VaultOptions{Keeper: keeper, Key: sealingKey, Now: func() time.Time { return today }})
	require.NoError(f, err)
	_, err = vault.Add(ctx, token("okta", plain), okta, credentials.Details{Owner: "ada", ExpiresAt: today}, "ada")
	require.NoError(f, err)
	genuine, err := keeper.GetSealed(ctx, "okta")
	require.NoError(f, err)
	f.Add(genuine.Data)
	f.Add(bytes.ReplaceAll(genuine.Data, []byte("acme.okta.com"), []byte("evil.example")))
	f.Add(bytes.ReplaceAll(genuine.Data, []byte("api_token"), []byte("basic")))
	f.Add([]byte(`{"format":1,"entry":{"id":"okta","kind":"none","binding":{"connector":"a","hosts":["b"]}},"state":"s","data_key":"AA==","sealed":"AA=="}`))
	f.Add([]byte(`{"format":1}{}`))
	f.Add([]byte(`null`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		keeper := &credentials.MemoryKeeper{}
		require.NoError(t, keeper.PutSealed(t.Context(), credentials.Sealed{ID: "okta", Revision: "1", Data: data}, ""))
		vault := newVault(t, keeper, sealingKey)
		e, err := vault.Entry(t.Context(), "okta")
		if err != nil {
			require.ErrorIs(t, err, credentials.ErrDamaged)
			e.Binding = okta
		}
		c, err := vault.Open(t.Context(), "okta", e.Binding)
		if err == nil {
			require.True(t, e.Binding.Equal(okta), "it opened for %s", e.Binding)
			require.Equal(t, credentials.APIToken, c.Kind)
			require.Equal(t, plain, c.Value("token").Reveal())
		}
		_, err = vault.Replace(t.Context(), token("okta", "new"), okta, "ada")
		require.NoError(t, err)
		c, err = vault.Open(t.Context(), "okta", okta)
		require.NoError(t, err)
		require.Equal(t, "new", c.Value("token").Reveal())
	})
}
