package credentials_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
)

func TestAKeyIsReadInBase64AndInDigits(t *testing.T) {
	t.Parallel()
	raw := []byte(plain + "-and-twenty-bytes-mo")
	for name, text := range map[string]string{
		"base64":               base64.StdEncoding.EncodeToString(raw),
		"base64 of a terminal": "\n " + base64.StdEncoding.EncodeToString(raw) + "\r\n",
		"digits":               hex.EncodeToString(raw),
		"digits in capitals":   strings.ToUpper(hex.EncodeToString(raw)),
	} {
		key, err := credentials.ParseKey(text)
		require.NoError(t, err, name)
		require.Equal(t, base64.StdEncoding.EncodeToString(raw), key.Reveal(), name)
		require.Equal(t, sealingKey.KeyID(), key.KeyID(), name)
		require.False(t, key.IsZero())
	}
	for name, text := range map[string]string{
		"nothing":            "",
		"a pass-phrase":      plain,
		"too short":          base64.StdEncoding.EncodeToString(raw[1:]),
		"too long":           base64.StdEncoding.EncodeToString(append(raw, 'x')),
		"digits that are no": strings.Repeat("zz", 32),
		"the bytes":          string(raw),
	} {
		key, err := credentials.ParseKey(text)
		require.ErrorContains(t, err, "a key is 32 random bytes", name)
		requireHidden(t, err.Error(), name)
		require.True(t, key.IsZero())
	}
}

func TestKeysDifferAndTellNothingOfThemselves(t *testing.T) {
	t.Parallel()
	one, two := credentials.NewKey(), credentials.NewKey()
	require.NotEqual(t, one.Reveal(), two.Reveal())
	require.NotEqual(t, one.KeyID(), two.KeyID())
	again, err := credentials.ParseKey(one.Reveal())
	require.NoError(t, err)
	require.Equal(t, one.KeyID(), again.KeyID())
	require.Equal(t, credentials.Mask, one.String())
	require.Equal(t, credentials.Mask, one.GoString())
	shown, err := json.Marshal(one)
	require.NoError(t, err)
	require.Equal(t, `"`+credentials.Mask+`"`, string(shown))
}

func TestWhatAKeyWrapsOpensUnderItAlone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dataKey := bytes.Repeat([]byte{7}, 32)
	wrapped, err := sealingKey.Wrap(ctx, dataKey)
	require.NoError(t, err)
	got, err := sealingKey.Unwrap(ctx, wrapped)
	require.NoError(t, err)
	require.Equal(t, dataKey, got)
	again, err := sealingKey.Wrap(ctx, dataKey)
	require.NoError(t, err)
	require.NotEqual(t, wrapped, again, "each time anew")
	_, err = credentials.NewKey().Unwrap(ctx, wrapped)
	require.ErrorContains(t, err, "another key wrapped it")
	for i := range wrapped {
		altered := bytes.Clone(wrapped)
		altered[i] ^= 1
		_, err = sealingKey.Unwrap(ctx, altered)
		require.Error(t, err)
	}
	_, err = sealingKey.Unwrap(ctx, nil)
	require.Error(t, err)
	_, err = credentials.Key{}.Wrap(ctx, dataKey)
	require.ErrorContains(t, err, "the key has 0 bytes")
	_, err = credentials.Key{}.Unwrap(ctx, wrapped)
	require.ErrorContains(t, err, "the key has 0 bytes")
}

func TestAKeyIsReadFromAVariable(t *testing.T) {
	t.Setenv("VENDORSYNC_TEST_KEY", sealingKey.Reveal()+"\n")
	t.Setenv("VENDORSYNC_TEST_WORD", plain)
	key, err := credentials.KeyFromEnv("VENDORSYNC_TEST_KEY")
	require.NoError(t, err)
	require.Equal(t, sealingKey.KeyID(), key.KeyID())
	_, err = credentials.KeyFromEnv("VENDORSYNC_TEST_NONE")
	require.EqualError(t, err, "the key of the vault: the variable VENDORSYNC_TEST_NONE is not set")
	_, err = credentials.KeyFromEnv("VENDORSYNC_TEST_WORD")
	require.ErrorContains(t, err, "the key of the vault in the variable VENDORSYNC_TEST_WORD: a key is 32 random bytes")
	requireHidden(t, err.Error(), "KeyFromEnv")
}

// write writes a file of its own folder, with exactly that mode.
func write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, []byte(content), mode))
	require.NoError(t, os.Chmod(name, mode))
}

func TestAKeyFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for mode, fault := range map[os.FileMode]string{
		0o600: "", 0o400: "", 0o640: "its mode is 0640", 0o604: "its mode is 0604", 0o644: "run chmod 600", 0o620: "its mode is 0620", 0o601: "its mode is 0601",
	} {
		name := filepath.Join(dir, mode.String())
		write(t, name, sealingKey.Reveal()+"\n", mode)
		key, err := credentials.KeyFromFile(name)
		if fault == "" || runtime.GOOS == "windows" {
			require.NoError(t, err, mode)
			require.Equal(t, sealingKey.KeyID(), key.KeyID())
			continue
		}
		require.ErrorContains(t, err, "the key of the vault: file "+name+": its mode is", mode)
		require.ErrorContains(t, err, fault, mode)
		require.True(t, key.IsZero())
	}
	word := filepath.Join(dir, "word")
	write(t, word, plain, 0o600)
	_, err := credentials.KeyFromFile(word)
	require.ErrorContains(t, err, "in the file "+word+": a key is 32 random bytes")
	requireHidden(t, err.Error(), "KeyFromFile")
	_, err = credentials.KeyFromFile(dir)
	require.ErrorContains(t, err, "it is not a regular file")
	_, err = credentials.KeyFromFile(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzParseKey(f *testing.F) {
	f.Add(sealingKey.Reveal())
	f.Add(strings.Repeat("0aF", 21) + "1")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := credentials.ParseKey(text)
		if err != nil {
			require.True(t, key.IsZero())
			return
		}
		again, err := credentials.ParseKey(key.Reveal())
		require.NoError(t, err)
		require.Equal(t, key.KeyID(), again.KeyID())
	})
}
