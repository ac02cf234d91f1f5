package credentials_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
)

const plain = "s3cr3t-Value"

// requireHidden says that a text shows the secret in no spelling that fmt has.
func requireHidden(t *testing.T, text, how string) {
	t.Helper()
	digits := hex.EncodeToString([]byte(plain))
	spellings := []string{plain, plain[1:], digits, strings.ToUpper(digits), base64.StdEncoding.EncodeToString([]byte(plain))}
	// Six bytes are enough to know it by, and too many to stand in random bytes
	// by chance.
	for _, format := range []string{"% x", "% X", "%# x", "%# X", "%d", "%o", "%b"} {
		spellings = append(spellings, strings.Trim(fmt.Sprintf(format, []byte(plain[:6])), "[]"))
	}
	for _, s := range spellings {
		require.NotContains(t, text, s, how)
	}
}

// sealingKey is a key whose bytes hold plain.
var sealingKey = mustKey(base64.StdEncoding.EncodeToString([]byte(plain + "-and-twenty-bytes-mo")))

func mustKey(text string) credentials.Key {
	key, err := credentials.ParseKey(text)
	if err != nil {
		panic(err)
	}
	return key
}

// nested are values that hold a secret somewhere, by what they are.
func nested(t *testing.T) map[string]any {
	t.Helper()
	keeper := &credentials.MemoryKeeper{}
	vault := newVault(t, keeper, sealingKey)
	entry := addToken(t, vault)
	sealed, err := keeper.GetSealed(t.Context(), "okta")
	require.NoError(t, err)
	source := vault.Source("okta", okta, "bot")
	opened, err := source.Get(t.Context())
	require.NoError(t, err)
	secret := credentials.NewSecret(plain)
	pointer := &secret
	type exported struct{ Token credentials.Secret }
	type unexported struct{ token credentials.Secret }
	type deep struct {
		Name  string
		inner unexported
		Next  *exported
		Any   any
	}
	type embedded struct{ credentials.Secret }
	cred := credentials.Credential{ID: "acme", Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": secret}}
	return map[string]any{
		"a secret":                         secret,
		"a pointer to one":                 pointer,
		"a pointer to a pointer":           &pointer,
		"an exported field":                exported{secret},
		"a pointer to a struct":            &exported{secret},
		"an unexported field":              unexported{secret},
		"a pointer to an unexported field": &unexported{secret},
		"a deep struct":                    deep{"x", unexported{secret}, &exported{secret}, secret},
		"a pointer to a deep struct":       &deep{"x", unexported{secret}, &exported{secret}, &secret},
		"an embedded secret":               embedded{secret},
		"a value of a map":                 map[string]credentials.Secret{"token": secret},
		"a key of a map":                   map[credentials.Secret]int{secret: 1},
		"a map in a map":                   map[string]any{"a": map[string]any{"b": &secret}},
		"a slice":                          []credentials.Secret{secret, secret},
		"a slice of pointers":              []*credentials.Secret{&secret},
		"an array":                         [1]credentials.Secret{secret},
		"an interface":                     []any{secret},
		"a credential":                     cred,
		"a pointer to a credential":        &cred,
		"a source":                         credentials.Static(cred),
		"a key":                            sealingKey,
		"a pointer to a key":               &sealingKey,
		"an unexported key":                struct{ key credentials.Key }{sealingKey},
		"a key as an interface":            struct{ key credentials.KeyWrapper }{sealingKey},
		"references":                       credentials.References{Env: []string{"*"}, Keys: []credentials.Key{sealingKey}},
		"a vault":                          vault,
		"a copy of a vault":                *vault,
		"the options of a vault":           credentials.VaultOptions{Keeper: keeper, Key: sealingKey, OldKeys: []credentials.KeyWrapper{&sealingKey}},
		"a vault's source":                 source,
		"a keeper":                         keeper,
		"a sealed record":                  sealed,
		"an entry":                         entry,
		"what was opened":                  opened,
		"an error about it":                fmt.Errorf("token %v refused: %w", secret, errors.New("401")),
	}
}

func TestSecretIsHiddenFromEveryVerb(t *testing.T) {
	t.Parallel()
	for name, value := range nested(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for verb := 'A'; verb <= 'z'; verb++ {
				for _, flags := range []string{"", "+", "#", " ", "-", "0", "# ", "+#", "30", ".2", "-30.3"} {
					format := "%" + flags + string(verb)
					requireHidden(t, fmt.Sprintf(format, value), format)
				}
			}
			requireHidden(t, fmt.Sprint(value), "Sprint")
			requireHidden(t, fmt.Sprintln(value, value), "Sprintln")
			requireHidden(t, fmt.Errorf("%v %w", value, errors.New("x")).Error(), "Errorf")
		})
	}
}

func TestSecretShowsTheMask(t *testing.T) {
	t.Parallel()
	secret, empty := credentials.NewSecret(plain), credentials.NewSecret("")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%5.1s"} {
		require.Equal(t, credentials.Mask, fmt.Sprintf(format, secret), format)
		require.Empty(t, fmt.Sprintf(format, empty), format)
	}
	require.Equal(t, "credentials.Secret", fmt.Sprintf("%T", secret))
	require.Equal(t, credentials.Mask, secret.String())
	require.Equal(t, credentials.Mask, secret.GoString())
	require.Empty(t, empty.String())
	require.Equal(t, "map[token:"+credentials.Mask+"]", fmt.Sprint(map[string]credentials.Secret{"token": secret}))
}

func TestSecretIsRevealedOnRequestAlone(t *testing.T) {
	t.Parallel()
	require.Equal(t, plain, credentials.NewSecret(plain).Reveal())
	require.False(t, credentials.NewSecret(plain).IsZero())
	require.Empty(t, credentials.Secret{}.Reveal())
	require.True(t, credentials.Secret{}.IsZero())
	require.True(t, credentials.NewSecret("").IsZero())
}

func TestSecretIsHiddenFromLogs(t *testing.T) {
	t.Parallel()
	for name, value := range nested(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text bytes.Buffer
			for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&text, nil)} {
				logger := slog.New(handler)
				logger.Info("attribute", "value", value)
				logger.Info("group", slog.Group("g", slog.Any("value", value)))
				logger.With("value", value).WithGroup("g").Error("with", "err", fmt.Errorf("wrapped: %w", fmt.Errorf("%v", value)))
				message := fmt.Sprintf("in the message: %v", value)
				logger.Info(message) //nolint:sloglint // a secret in the message itself is what is tested.
			}
			require.Contains(t, text.String(), "attribute")
			requireHidden(t, text.String(), "slog")
		})
	}
	var text bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("open", "token", credentials.NewSecret(plain))
	require.Contains(t, text.String(), "token="+credentials.Mask)
	text.Reset()
	slog.New(slog.NewJSONHandler(&text, nil)).Info("open", "token", credentials.NewSecret(plain))
	require.Contains(t, text.String(), `"token":"`+credentials.Mask+`"`)
}

func TestSecretIsHiddenFromDocuments(t *testing.T) {
	t.Parallel()
	for name, value := range nested(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := json.Marshal(value)
			requireHidden(t, string(b), "json")
			if err != nil {
				requireHidden(t, err.Error(), "json error")
			}
			b, err = xml.Marshal(value)
			requireHidden(t, string(b), "xml")
			if err != nil {
				requireHidden(t, err.Error(), "xml error")
			}
			var out bytes.Buffer
			if err := gob.NewEncoder(&out).Encode(value); err != nil {
				requireHidden(t, err.Error(), "gob error")
			}
			requireHidden(t, out.String(), "gob")
		})
	}
	b, err := json.Marshal(map[string]credentials.Secret{"empty": {}, "token": credentials.NewSecret(plain)})
	require.NoError(t, err)
	require.JSONEq(t, `{"empty":"","token":"`+credentials.Mask+`"}`, string(b))
	b, err = credentials.NewSecret(plain).MarshalText()
	require.NoError(t, err)
	require.Equal(t, credentials.Mask, string(b))
}

func TestSecretIsNotReadFromDocuments(t *testing.T) {
	t.Parallel()
	for _, document := range []string{`{"Token":"` + plain + `"}`, `{"Token":{"s":"` + plain + `"}}`, `{"Token":["` + plain + `"]}`} {
		var v struct{ Token credentials.Secret }
		err := json.Unmarshal([]byte(document), &v)
		require.Error(t, err, document)
		requireHidden(t, err.Error(), document)
		require.True(t, v.Token.IsZero())
	}
	var v struct{ Token credentials.Secret }
	err := xml.Unmarshal([]byte("<v><Token>"+plain+"</Token></v>"), &v)
	require.ErrorContains(t, err, "env:NAME")
	requireHidden(t, err.Error(), "xml")
}

func FuzzSecretFormat(f *testing.F) {
	for _, format := range []string{"%+v", "%#q", "%[1]*v", "%w", "%!", "%.[1]*[1]x", "%[2]v"} {
		f.Add(format)
	}
	f.Fuzz(func(t *testing.T, format string) {
		for _, value := range []any{credentials.NewSecret(plain), &struct{ token credentials.Secret }{credentials.NewSecret(plain)}} {
			if shown := fmt.Sprintf(format, value); strings.Contains(shown, plain) && !strings.Contains(format, plain) {
				t.Fatalf("%q shows %q", format, shown)
			}
		}
	})
}
