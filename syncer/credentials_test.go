package syncer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
)

// hosted is a connector whose setting names the host that its credential goes to.
type hosted struct{ demanding }

func (h *hosted) Spec() connector.Spec {
	spec := h.demanding.Spec()
	spec.Settings[0].Type = connector.URL
	return spec
}

func newHosted() *hosted {
	h := &hosted{}
	h.ID = "mdm"
	return h
}

// token is a credential of one secret.
func token(id, value string) credentials.Credential {
	return credentials.Credential{ID: id, Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(value)}}
}

// keyring is a vault with a token for mdm.example.com, and a reference to another.
func keyring(t *testing.T, users func(context.Context, string) ([]string, error)) syncer.Keyring {
	t.Helper()
	vault, err := credentials.NewVault(credentials.VaultOptions{Keeper: &credentials.MemoryKeeper{}, Key: credentials.NewKey(), Users: users})
	require.NoError(t, err)
	mdm := credentials.Binding{Connector: "mdm", Hosts: []string{"mdm.example.com"}}
	_, err = vault.Add(t.Context(), token("prod", "s3cret"), mdm, credentials.Details{}, "ada")
	require.NoError(t, err)
	basic := credentials.Credential{ID: "people", Kind: credentials.Basic, Values: map[string]credentials.Secret{"username": credentials.NewSecret("ada"), "password": credentials.NewSecret("s3cret")}}
	_, err = vault.Add(t.Context(), basic, mdm, credentials.Details{}, "ada")
	require.NoError(t, err)
	return syncer.Keyring{
		Vault: vault,
		Refs:  map[string]credentials.Ref{"agent": {Kind: credentials.APIToken, Values: map[string]string{"token": "env:MDM_TOKEN"}}},
		Resolver: credentials.References{Env: []string{"MDM_*"}, Lookup: func(name string) (string, bool) {
			return "from " + name, name == "MDM_TOKEN"
		}},
	}
}

func TestMissingLooksAtTheCredential(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		credential   string
		installation syncer.Installation
		url          string
		want         []string
	}{
		"one of the vault":                   {credential: "prod", url: "https://mdm.example.com/api"},
		"a reference of a local one":         {credential: "agent", installation: syncer.Local, url: "https://mdm.example.com"},
		"one that the vault does not have":   {credential: "pord", url: "https://mdm.example.com", want: []string{`a credential: the vault has none named "pord"`}},
		"a reference that there is not":      {credential: "prod", installation: syncer.Local, url: "https://mdm.example.com", want: []string{`a credential: there is no reference named "prod", and a local installation takes references alone`}},
		"one that was entered for elsewhere": {credential: "prod", url: "https://evil.example", want: []string{`a credential: credential "prod" was entered for connector mdm and hosts mdm.example.com, and is asked for by connector mdm and hosts evil.example: it does not open for another connector or other hosts: enter its secret again`}},
		"one of another port":                {credential: "prod", url: "https://mdm.example.com:8443", want: []string{`a credential: credential "prod" was entered for connector mdm and hosts mdm.example.com, and is asked for by connector mdm and hosts mdm.example.com:8443: it does not open for another connector or other hosts: enter its secret again`}},
		"one of another kind":                {credential: "people", url: "https://mdm.example.com", want: []string{`a credential that Fake takes: "people" is of kind basic, and it takes api_token`}},
		"a setting comes first":              {credential: "pord", url: "mdm.example.com", want: []string{`a setting: url: "mdm.example.com" is no address such as https://vendor.example.com`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			in := assets("mdm")
			in.Credential, in.Installation, in.Settings = tc.credential, tc.installation, connector.Settings{"url": {tc.url}}
			mdm := s.drafted(in)
			mdm.opt.Credentials = keyring(t, nil).Source
			missing, err := mdm.syncerOf(newHosted()).Missing(t.Context(), "mdm")
			require.NoError(t, err)
			require.Equal(t, tc.want, missing)
		})
	}
}

// A domain that is edited does not lead a secret elsewhere.
func TestASecretDoesNotFollowAnEditedDomain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	in := assets("mdm")
	in.Credential, in.Settings = "prod", connector.Settings{"url": {"https://mdm.example.com"}}
	mdm := s.drafted(in)
	mdm.opt.Credentials = keyring(t, nil).Source
	asked := newHosted()
	_, err := mdm.syncerOf(asked).TestRun(t.Context(), "mdm", syncer.TestOptions{})
	require.NoError(t, err)
	got, err := asked.config.Credential.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, "s3cret", got.Value("token").Reveal())

	mdm.edit(func(in *syncer.Integration) { in.Settings = connector.Settings{"url": {"https://evil.example"}} })
	_, err = mdm.syncerOf(asked).TestRun(t.Context(), "mdm", syncer.TestOptions{})
	require.NoError(t, err, "the connector is opened, and the credential is not")
	_, err = asked.config.Credential.Get(t.Context())
	require.ErrorIs(t, err, credentials.ErrBound)
}

func TestALocalReferenceIsReadAnewAndNeverKept(t *testing.T) {
	t.Parallel()
	in := assets("mdm")
	in.Credential, in.Installation = "agent", syncer.Local
	source, err := keyring(t, nil).Source(t.Context(), in, credentials.Binding{})
	require.NoError(t, err)
	got, err := source.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, "agent", got.ID)
	require.Equal(t, "from MDM_TOKEN", got.Value("token").Reveal())
	require.ErrorIs(t, source.Save(t.Context(), got), credentials.ErrNotSaved)
	_, err = syncer.Keyring{}.Source(t.Context(), assets("mdm"), credentials.Binding{})
	require.EqualError(t, err, "this host has no vault of credentials")
}

// Integrations of one credential share its tokens and the vendor's limits.
func TestIntegrationsOfOneCredentialShare(t *testing.T) {
	t.Parallel()
	open := func(id, credential string) connector.Config {
		s := newScene(t)
		in := assets(id)
		in.Connector, in.Credential, in.Settings = "mdm", credential, connector.Settings{"url": {"https://mdm.example.com"}}
		mdm := s.drafted(in)
		mdm.opt.Credentials = keyring(t, nil).Source
		asked := newHosted()
		var held []string
		mdm.opt.Limiter = func(in syncer.Integration) func(connector.RateLimit) connector.Limiter {
			held = append(held, in.Connector+" "+in.Credential)
			return func(connector.RateLimit) connector.Limiter { return nil }
		}
		engine := mdm.syncerOf(asked)
		_, err := engine.TestRun(t.Context(), id, syncer.TestOptions{})
		require.NoError(t, err)
		require.Equal(t, []string{"mdm " + credential}, held)
		require.NotNil(t, asked.config.Limiter)
		first := asked.config.Tokens
		_, err = engine.TestRun(t.Context(), id, syncer.TestOptions{})
		require.NoError(t, err)
		if credential != "" {
			require.NotNil(t, first)
		}
		require.Same(t, first, asked.config.Tokens, "over two runs")
		return asked.config
	}
	require.NotSame(t, open("phones", "prod").Tokens, open("laptops", "people").Tokens)
	require.Nil(t, open("files", "").Tokens)
}

func TestTheVaultKnowsWhichIntegrationsUseACredential(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, in := range []syncer.Integration{
		{ID: "laptops", Credential: "prod"},
		{ID: "phones", Credential: "prod"},
		{ID: "old", Credential: "prod", State: syncer.Archived},
		{ID: "agent", Credential: "prod", Installation: syncer.Local},
		{ID: "others", Credential: "people"},
	} {
		require.NoError(t, s.store.SaveIntegration(t.Context(), in))
	}
	vault := keyring(t, syncer.CredentialUsers(s.store)).Vault
	users, err := vault.Users(t.Context(), "prod")
	require.NoError(t, err)
	require.Equal(t, []string{"laptops", "phones"}, users)
	err = vault.Remove(t.Context(), "prod", "ada")
	require.ErrorIs(t, err, credentials.ErrInUse)
	require.ErrorContains(t, err, "it is in use by laptops, phones")

	broken := syncer.CredentialUsers(brokenJournal{})
	_, err = broken(t.Context(), "prod")
	require.ErrorContains(t, err, "list integrations: the disk is gone")
}

type brokenJournal struct{ syncer.Journal }

func (brokenJournal) Integrations(context.Context) ([]syncer.Integration, error) {
	return nil, errors.New("the disk is gone")
}
