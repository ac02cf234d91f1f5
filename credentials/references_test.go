package credentials_test

import (
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	allowed, outside := filepath.Join(dir, "allowed"), filepath.Join(dir, "outside")
	second := filepath.Join(dir, "second")
	write(t, filepath.Join(allowed, "token"), plain+"\n", 0o600)
	write(t, filepath.Join(allowed, "windows"), plain+"\r\n", 0o600)
	write(t, filepath.Join(allowed, "two-lines"), plain+"\n\n", 0o600)
	write(t, filepath.Join(allowed, "deep", "er", "token"), plain, 0o600)
	write(t, filepath.Join(allowed, "empty"), "\n", 0o600)
	write(t, filepath.Join(allowed, "exact"), strings.Repeat("x", 100), 0o600)
	write(t, filepath.Join(allowed, "long"), strings.Repeat("x", 101), 0o600)
	write(t, filepath.Join(allowed, "copy-of-key"), "key = "+strings.ToUpper(hex.EncodeToString([]byte(plain+"-and-twenty-bytes-mo"))), 0o600)
	write(t, filepath.Join(second, "token"), "second", 0o600)
	write(t, filepath.Join(outside, "token"), plain, 0o600)
	write(t, filepath.Join(allowed+"-not", "token"), plain, 0o600)
	keyFile := filepath.Join(allowed, "vault.key")
	write(t, keyFile, sealingKey.Reveal(), 0o600)
	key, err := credentials.KeyFromFile(keyFile)
	require.NoError(t, err)
	write(t, keyFile, credentials.NewKey().Reveal(), 0o600) // the next key, already in its place
	for link, target := range map[string]string{"inside": "token", "way-out": filepath.Join("..", "outside", "token"), "far-out": filepath.Join(outside, "token"), "folder-out": outside, "same-key": "vault.key"} {
		require.NoError(t, os.Symlink(target, filepath.Join(allowed, link)))
	}
	require.NoError(t, os.Link(keyFile, filepath.Join(allowed, "hard-key")))
	references := credentials.References{
		Env: []string{"OKTA_*"}, Folders: []string{allowed, second}, Keys: []credentials.Key{key}, MaxFile: 100,
		Lookup: lookup(map[string]string{"OKTA_KEY": plain, "HOME": plain, "OKTA_VAULT": "v1:" + sealingKey.Reveal()}),
	}
	const refused = "the host does not allow reading the file "
	for name, test := range map[string]struct{ reference, want, fault string }{
		"a variable":                         {"env:OKTA_KEY", plain, ""},
		"a variable that is not allowed":     {"env:HOME", "", "does not allow reading the variable HOME"},
		"a variable that is not set":         {"env:OKTA_NONE", "", "the variable OKTA_NONE is not set"},
		"a variable that holds a key":        {"env:OKTA_VAULT", "", "env:OKTA_VAULT: it holds a key of the vault"},
		"a file":                             {"file:" + filepath.Join(allowed, "token"), plain, ""},
		"a file by its path in the folder":   {"file:token", plain, ""},
		"a file further down":                {"file:deep/er/token", plain, ""},
		"a file of the second folder":        {"file:" + filepath.Join(second, "token"), "second", ""},
		"a line break of Windows":            {"file:windows", plain, ""},
		"one line break and no more":         {"file:two-lines", plain + "\n", ""},
		"a link inside the folder":           {"file:inside", plain, ""},
		"as long as may be":                  {"file:exact", strings.Repeat("x", 100), ""},
		"too long":                           {"file:long", "", "has more than 100 bytes"},
		"an empty file":                      {"file:empty", "", "the file empty is empty"},
		"a file that is not there":           {"file:none", "", "read the file none: "},
		"a folder":                           {"file:deep", "", "it is not a regular file"},
		"the allowed folder itself":          {"file:" + allowed, "", refused},
		"a dot":                              {"file:.", "", refused},
		"nothing":                            {"file:", "", refused},
		"a file outside":                     {"file:" + filepath.Join(outside, "token"), "", refused},
		"a folder whose name begins so":      {"file:" + filepath.Join(allowed+"-not", "token"), "", refused},
		"a way up":                           {"file:../outside/token", "", refused},
		"a way down and up":                  {"file:deep/../../outside/token", "", refused},
		"a whole path with a way up":         {"file:" + allowed + "/../outside/token", "", refused},
		"a link that leads out":              {"file:way-out", "", "read the file way-out: "},
		"a link with a whole path":           {"file:far-out", "", "read the file far-out: "},
		"a link to a folder outside":         {"file:folder-out/token", "", "read the file folder-out/token: "},
		"the vault's key file":               {"file:vault.key", "", "file:vault.key: it holds a key of the vault"},
		"the vault's key file by a link":     {"file:same-key", "", "it holds a key of the vault"},
		"the vault's key file by its twin":   {"file:hard-key", "", "it holds a key of the vault"},
		"a copy of the key in capitals":      {"file:copy-of-key", "", "has more than"},
		"the secret itself":                  {plain, "", "write a reference such as env:NAME or file:PATH, never the secret itself"},
		"a reference of an unknown kind":     {"vault:token", "", "write a reference"},
		"a file with a NUL in its name":      {"file:to\x00ken", "", "read the file"},
		"a variable with nothing for a name": {"env:", "", "does not allow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := references
			if strings.Contains(test.reference, "copy-of-key") {
				r.MaxFile, test.fault = 0, "it holds a key of the vault"
			}
			c, err := r.Resolve(t.Context(), tokenRef(test.reference))
			if test.fault == "" {
				require.NoError(t, err)
				require.Equal(t, test.want, c.Value("token").Reveal())
				return
			}
			require.ErrorContains(t, err, `credential "okta", token: `)
			require.ErrorContains(t, err, test.fault)
			requireHidden(t, err.Error(), name)
			require.Equal(t, credentials.Credential{}, c)
		})
	}
}

func TestTheVariableOfTheKeyIsNotRead(t *testing.T) {
	t.Setenv("VENDORSYNC_TEST_KEY", sealingKey.Reveal())
	key, err := credentials.KeyFromEnv("VENDORSYNC_TEST_KEY")
	require.NoError(t, err)
	var read []string
	r := credentials.References{Env: []string{"*"}, Keys: []credentials.Key{{}, key}, Lookup: func(name string) (string, bool) {
		read = append(read, name)
		return "something else", true
	}}
	for _, name := range []string{"VENDORSYNC_TEST_KEY", "vendorsync_test_key"} {
		_, err = r.Resolve(t.Context(), tokenRef("env:"+name))
		require.ErrorContains(t, err, "which no reference may read")
	}
	require.Empty(t, read)
}

func TestWhatIsNoSecretMayStandAsItIs(t *testing.T) {
	t.Parallel()
	r := credentials.References{Env: []string{"*"}, Lookup: lookup(map[string]string{"PW": plain, "ME": "bob"})}
	c, err := r.Resolve(t.Context(), ref(credentials.Basic, "username", "ada@example.com", "password", "env:PW"))
	require.NoError(t, err)
	require.Equal(t, "ada@example.com", c.Value("username").Reveal())
	c, err = r.Resolve(t.Context(), ref(credentials.Basic, "username", "env:ME", "password", "env:PW"))
	require.NoError(t, err)
	require.Equal(t, "bob", c.Value("username").Reveal())
	_, err = r.Resolve(t.Context(), ref(credentials.Basic, "username", "ada", "password", plain, "zone", plain))
	require.ErrorContains(t, err, "password: write a reference")
	require.ErrorContains(t, err, "zone: write a reference")
	requireHidden(t, err.Error(), "a secret in clear")
}

func TestReferencesReadNothingUnlessAllowed(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "token")
	write(t, name, plain, 0o600)
	for _, reference := range []string{"env:PATH", "file:" + name, "file:token"} {
		_, err := credentials.References{}.Resolve(t.Context(), tokenRef(reference))
		require.ErrorContains(t, err, "the host does not allow")
	}
	_, err := credentials.References{Folders: []string{filepath.Join(filepath.Dir(name), "none")}}.Resolve(t.Context(), tokenRef("file:token"))
	require.ErrorContains(t, err, "open a folder that the host allows")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = credentials.References{Folders: []string{filepath.Dir(name)}}.Resolve(ctx, tokenRef("file:token"))
	require.ErrorIs(t, err, context.Canceled)
}

func FuzzReferences(f *testing.F) {
	dir := f.TempDir()
	for name, content := range map[string]string{"allowed/in": "in", "out": plain} {
		require.NoError(f, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(f, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	for _, seed := range []string{"in", "../out", "./in", "a/../in", "in/../../out", filepath.Join(dir, "out"), "//in", `..\out`, "", "\x00"} {
		f.Add(seed)
	}
	r := credentials.References{Folders: []string{filepath.Join(dir, "allowed")}}
	f.Fuzz(func(t *testing.T, name string) {
		c, err := r.Resolve(t.Context(), tokenRef("file:"+name))
		if err == nil {
			require.Equal(t, "in", c.Value("token").Reveal())
		} else {
			require.False(t, strings.Contains(err.Error(), plain) && !strings.Contains(name, plain))
		}
	})
}
