package credentials_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
)

// tokenRef names a token.
func tokenRef(reference string) credentials.Ref {
	return ref(credentials.APIToken, "token", reference)
}

// ref names a credential by its fields and their references, in turn.
func ref(kind credentials.Kind, values ...string) credentials.Ref {
	r := credentials.Ref{ID: "okta", Kind: kind, Values: map[string]string{}}
	for pair := range slices.Chunk(values, 2) {
		r.Values[pair[0]] = pair[1]
	}
	return r
}

// lookup is an environment.
func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

func TestEnvResolver(t *testing.T) {
	t.Parallel()
	env := lookup(map[string]string{"OKTA_KEY": plain, "OKTA_EMPTY": "", "HOME": "/home/ada", "USER_NAME": "ada", "USER_PW": plain})
	tests := map[string]struct {
		allow  []string
		ref    credentials.Ref
		want   map[string]string
		faults []string // in this order
	}{
		"a token": {
			allow: []string{"OKTA_*"},
			ref:   tokenRef("env:OKTA_KEY"),
			want:  map[string]string{"token": plain},
		},
		"a name and a password": {
			allow: []string{"USER_NAME", "USER_P?"},
			ref:   ref(credentials.Basic, "username", "env:USER_NAME", "password", "env:USER_PW"),
			want:  map[string]string{"username": "ada", "password": plain},
		},
		"a credential of nothing": {ref: credentials.Ref{}, want: map[string]string{}},
		"nothing is allowed by default": {
			ref:    tokenRef("env:OKTA_KEY"),
			faults: []string{`credential "okta", token: the host does not allow reading the variable OKTA_KEY`},
		},
		"a variable outside the pattern": {
			allow:  []string{"OKTA_*"},
			ref:    tokenRef("env:HOME"),
			faults: []string{"the host does not allow reading the variable HOME"},
		},
		"a pattern that is none allows nothing": {
			allow:  []string{"[", "OKTA_[A-"},
			ref:    tokenRef("env:OKTA_KEY"),
			faults: []string{"does not allow"},
		},
		"a variable that is not set": {
			allow:  []string{"*"},
			ref:    tokenRef("env:OKTA_KEZ"),
			faults: []string{`credential "okta", token: the variable OKTA_KEZ is not set`},
		},
		"a variable that is empty": {
			allow:  []string{"*"},
			ref:    tokenRef("env:OKTA_EMPTY"),
			faults: []string{"the variable OKTA_EMPTY is not set"},
		},
		"the secret itself in the place of a reference": {
			allow:  []string{"*"},
			ref:    tokenRef(plain),
			faults: []string{`credential "okta", token: write a reference such as env:NAME, never the secret itself`},
		},
		"a reference of another kind": {
			allow:  []string{"*"},
			ref:    tokenRef("file:/etc/token"),
			faults: []string{"write a reference such as env:NAME"},
		},
		"a value that is missing": {
			allow:  []string{"*"},
			ref:    ref(credentials.Basic, "username", "env:USER_NAME"),
			faults: []string{"of kind basic: password is missing"},
		},
		"a value that the kind does not know": {
			allow:  []string{"*"},
			ref:    ref(credentials.APIToken, "token", "env:OKTA_KEY", "user", "env:USER_NAME"),
			faults: []string{`of kind api_token: unknown value "user"`},
		},
		"a kind that there is not": {
			ref:    credentials.Ref{ID: "okta", Kind: "magic"},
			faults: []string{`credential "okta": unknown kind "magic"`},
		},
		"all faults are told together, in one order": {
			allow:  []string{"OKTA_*"},
			ref:    ref(credentials.Basic, "username", "env:HOME", "password", plain, "zone", "env:OKTA_NONE"),
			faults: []string{"password: write a reference", "username: the host does not allow", "zone: the variable OKTA_NONE is not set"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := credentials.EnvResolver{Allow: test.allow, Lookup: env}.Resolve(t.Context(), test.ref)
			if test.faults == nil {
				require.NoError(t, err)
				require.Equal(t, test.ref.ID, c.ID)
				require.Equal(t, test.ref.Kind, c.Kind)
				got := map[string]string{}
				for field, value := range c.Values {
					got[field] = value.Reveal()
				}
				require.Equal(t, test.want, got)
				return
			}
			require.Error(t, err)
			require.Equal(t, credentials.Credential{}, c)
			requireHidden(t, err.Error(), "the error")
			rest := err.Error()
			for _, fault := range test.faults {
				_, after, found := strings.Cut(rest, fault)
				require.True(t, found, "%q is not in %q", fault, rest)
				rest = after
			}
		})
	}
}

func TestEnvResolverReadsTheProcessEnvironment(t *testing.T) {
	t.Setenv("VENDORSYNC_TEST_TOKEN", plain)
	token := tokenRef("env:VENDORSYNC_TEST_TOKEN")
	c, err := credentials.EnvResolver{Allow: []string{"VENDORSYNC_TEST_*"}}.Resolve(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, plain, c.Value("token").Reveal())
	_, err = credentials.EnvResolver{}.Resolve(t.Context(), token)
	require.Error(t, err)
}

func FuzzEnvResolver(f *testing.F) {
	f.Add("env:OKTA_KEY", "OKTA_*")
	f.Add("env:", "*")
	f.Add("env:HOME", "OKTA_*")
	f.Add("OKTA_KEY", "[")
	f.Add("env:env:A/B", "*/*")
	f.Fuzz(func(t *testing.T, reference, pattern string) {
		var read []string
		r := credentials.EnvResolver{Allow: []string{pattern}, Lookup: func(name string) (string, bool) {
			read = append(read, name)
			return plain, true
		}}
		c, err := r.Resolve(t.Context(), tokenRef(reference))
		for _, name := range read {
			matched, matchErr := path.Match(pattern, name)
			require.NoError(t, matchErr)
			require.True(t, matched, "%q was read, and %q does not allow it", name, pattern)
		}
		require.Equal(t, len(read) > 0, err == nil)
		if err == nil {
			require.Equal(t, plain, c.Value("token").Reveal())
		}
	})
}

func TestKindsAreMadeOfFields(t *testing.T) {
	t.Parallel()
	kinds := credentials.Kinds()
	require.Equal(t, kinds, slices.Compact(slices.Clone(kinds)))
	for _, kind := range kinds {
		required, optional := kind.Fields()
		require.Equal(t, kind == credentials.None, len(required) == 0, kind)
		c := credentials.Credential{Kind: kind, Values: map[string]credentials.Secret{}}
		for _, field := range required {
			require.Error(t, c.Validate(), "%s without %s", kind, field)
			c.Values[field] = credentials.NewSecret(example(t, kind, field))
		}
		require.NoError(t, c.Validate(), kind)
		for _, field := range optional {
			require.NotContains(t, required, field)
			c.Values[field] = credentials.NewSecret(example(t, kind, field))
		}
		require.NoError(t, c.Validate(), kind)
		c.Values["more"] = credentials.NewSecret(plain)
		require.ErrorContains(t, c.Validate(), `unknown value "more"`)
		requireHidden(t, c.Validate().Error(), "Validate")
	}
	required, optional := credentials.Kind("magic").Fields()
	require.Nil(t, required)
	require.Nil(t, optional)
}

// example returns a value that the field of a kind takes.
func example(t *testing.T, kind credentials.Kind, name string) string {
	t.Helper()
	form := kind.Form()
	f := form[slices.IndexFunc(form, func(f credentials.Field) bool { return f.Name == name })]
	switch {
	case f.Name == "ca", f.Name == "certificate":
		return certificatePEM
	case f.Name == "private_key":
		return privateKeyPEM
	case len(f.Choices) > 0:
		return f.Choices[0]
	default:
		return plain
	}
}

func TestAFormNeedsNothingElse(t *testing.T) {
	t.Parallel()
	for _, kind := range credentials.Kinds() {
		require.NotEmpty(t, kind.Label(), kind)
		require.True(t, strings.HasSuffix(kind.Help(), "."), kind)
		form := kind.Form()
		var names []string
		optional := false
		for _, f := range form {
			names = append(names, f.Name)
			require.NotEmpty(t, f.Label, "%s %s", kind, f.Name)
			require.True(t, strings.HasSuffix(f.Help, "."), "%s %s", kind, f.Name)
			require.False(t, optional && f.Required, "%s asks for %s after what may be left out", kind, f.Name)
			require.False(t, f.Advanced && f.Required, "%s hides %s, which is required", kind, f.Name)
			require.False(t, f.Secret && len(f.Choices) > 0, "%s %s", kind, f.Name)
			optional = optional || !f.Required
		}
		require.Equal(t, len(names), len(slices.Compact(slices.Sorted(slices.Values(names)))), "%s names a field twice", kind)
		require.Equal(t, "ca", form[len(form)-1].Name, kind)
		form[0].Label = "altered"
		require.NotEqual(t, "altered", kind.Form()[0].Label, "the form is the caller's own")
	}
	for kind, secrets := range map[credentials.Kind][]string{
		credentials.None:              nil,
		credentials.APIToken:          {"token"},
		credentials.Basic:             {"password"},
		credentials.ClientCredentials: {"client_secret"},
		credentials.AuthorizationCode: {"refresh_token", "client_secret"},
		credentials.JWTBearer:         {"private_key"},
		credentials.Password:          {"password", "client_secret"},
		credentials.Session:           {"password"},
		credentials.AWS:               {"secret_access_key", "session_token"},
		credentials.MutualTLS:         {"private_key"},
	} {
		var got []string
		for _, f := range kind.Form() {
			if f.Secret {
				got = append(got, f.Name)
			}
		}
		require.Equal(t, secrets, got, kind)
	}
	require.Nil(t, credentials.Kind("magic").Form())
	require.Empty(t, credentials.Kind("magic").Label())
	require.Equal(t, credentials.None.Form(), credentials.Kind("").Form())
}

func TestAValueIsAmongItsChoices(t *testing.T) {
	t.Parallel()
	c := credentials.Credential{ID: "a", Kind: credentials.APIToken, Values: map[string]credentials.Secret{
		"token": credentials.NewSecret(plain), "in": credentials.NewSecret(plain),
	}}
	require.EqualError(t, c.Validate(), `credential "a" of kind api_token: in is not one of header, query`)
	require.NoError(t, c.With("in", credentials.NewSecret("query")).Validate())
}

func TestWithLeavesTheOriginalAsItIs(t *testing.T) {
	t.Parallel()
	old := credentials.Credential{ID: "a", Kind: credentials.APIToken, Revision: "7"}
	first := old.With("token", credentials.NewSecret("one"))
	second := first.With("token", credentials.NewSecret("two"))
	require.Nil(t, old.Values)
	require.Equal(t, "one", first.Value("token").Reveal())
	require.Equal(t, "two", second.Value("token").Reveal())
	require.Equal(t, "7", second.Revision)
}

func TestTheZeroCredentialIsValid(t *testing.T) {
	t.Parallel()
	require.NoError(t, credentials.Credential{}.Validate())
	require.True(t, credentials.Credential{}.Value("token").IsZero())
	require.ErrorContains(t, credentials.Credential{ID: "a", Kind: "magic"}.Validate(), `credential "a": unknown kind "magic"`)
}

func TestAStaticSourceKeepsNothing(t *testing.T) {
	t.Parallel()
	old := credentials.Credential{ID: "old", Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(plain)}}
	src := credentials.Static(old)
	require.ErrorIs(t, src.Save(t.Context(), credentials.Credential{ID: "new"}), credentials.ErrNotSaved)
	got, err := src.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, "old", got.ID)
	require.Equal(t, plain, got.Value("token").Reveal())
}
