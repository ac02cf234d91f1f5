package credentials

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// A KeyWrapper holds a key-encryption key: a host's key management service, or
// a [Key]. A vault seals each credential under a data key of its own and keeps
// that data key wrapped, so the key-encryption key need never leave its place.
// Its methods are safe for concurrent use, and no error of theirs quotes a key.
type KeyWrapper interface {
	// KeyID names the key, and is kept in clear beside what it wraps. Another key
	// has another id; it is at most 256 bytes of UTF-8.
	KeyID() string
	// Wrap encrypts a data key of 32 bytes, so that altering the result is noticed.
	// It does not keep dataKey, which the vault overwrites.
	Wrap(ctx context.Context, dataKey []byte) ([]byte, error)
	// Unwrap undoes Wrap. The vault overwrites what it returns.
	Unwrap(ctx context.Context, wrapped []byte) ([]byte, error)
}

// keyBytes is the length of keys, for AES-256.
const keyBytes = 32

// A Key is a key-encryption key that this process holds. It masks itself
// wherever it is printed, logged or marshalled. The zero value wraps nothing.
// A Key is immutable and safe for concurrent use.
type Key struct {
	bytes Secret // 32 bytes
	env   string // the variable it was read from
	file  string // the file it was read from
}

var _ KeyWrapper = Key{}

// NewKey returns a new random key. Keep what its Reveal returns in an
// environment variable or a file, apart from the store it protects.
func NewKey() Key { return Key{bytes: NewSecret(string(newDataKey()))} }

// ParseKey reads a key of 32 bytes in base64 or in hexadecimal digits, such as
// `openssl rand -base64 32` prints it. White space around it does not count. A
// pass-phrase is no key. No error quotes the text.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	decode := base64.StdEncoding.DecodeString
	if len(text) == hex.EncodedLen(keyBytes) {
		decode = hex.DecodeString
	}
	b, err := decode(text)
	if err != nil || len(b) != keyBytes {
		return Key{}, errors.New("a key is 32 random bytes in base64 or hexadecimal digits, such as `openssl rand -base64 32` prints")
	}
	return Key{bytes: NewSecret(string(b))}, nil
}

// KeyFromEnv reads a key, as [ParseKey] takes it, from an environment variable.
func KeyFromEnv(name string) (Key, error) {
	text, ok := os.LookupEnv(name)
	if !ok {
		return Key{}, fmt.Errorf("the key of the vault: the variable %s is not set", name)
	}
	key, err := ParseKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("the key of the vault in the variable %s: %w", name, err)
	}
	key.env = name
	return key, nil
}

// KeyFromFile reads a key, as [ParseKey] takes it, from a file that nobody but
// its owner may read or write. On Windows, where file modes say nothing of who
// may read, the host sees to that.
func KeyFromFile(name string) (Key, error) {
	text, err := readKeyFile(name)
	if err != nil {
		return Key{}, fmt.Errorf("the key of the vault: %w", err)
	}
	key, err := ParseKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("the key of the vault in the file %s: %w", name, err)
	}
	if key.file, err = filepath.Abs(name); err != nil {
		return Key{}, fmt.Errorf("the key of the vault: %w", err)
	}
	return key, nil
}

func readKeyFile(name string) (string, error) {
	if err := keyFileMode(os.Stat(name)); err != nil { // before it is opened: opening a pipe waits for its writer
		return "", fmt.Errorf("file %s: %w", name, err)
	}
	file, err := os.Open(name) //nolint:gosec // The host names the file of its own key.
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := keyFileMode(file.Stat()); err != nil {
		return "", fmt.Errorf("file %s: %w", name, err)
	}
	b, err := io.ReadAll(io.LimitReader(file, 4096)) // a longer file is no key either
	return string(b), err
}

// keyFileMode says what is wrong with a file as the place of a key.
func keyFileMode(info os.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("its mode is %#o, so that others than its owner may use it: run chmod 600 on it", info.Mode().Perm())
	default:
		return nil
	}
}

// Reveal returns the key in base64, for the place that keeps it. Call it
// nowhere else.
func (k Key) Reveal() string { return base64.StdEncoding.EncodeToString([]byte(k.bytes.Reveal())) }

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.bytes.IsZero() }

// KeyID returns a name for the key, which tells keys apart and nothing else of
// them.
func (k Key) KeyID() string {
	mac := hmac.New(sha256.New, []byte(k.bytes.Reveal()))
	_, _ = io.WriteString(mac, "the name of a key-encryption key")
	return "aes-" + hex.EncodeToString(mac.Sum(nil)[:8])
}

// Wrap encrypts a data key with AES-256-GCM.
func (k Key) Wrap(_ context.Context, dataKey []byte) ([]byte, error) {
	aead, err := newAEAD([]byte(k.bytes.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("wrap a data key: %w", err)
	}
	return aead.Seal(nil, nil, dataKey, nil), nil //nolint:gosec // This AEAD makes its nonce itself, at random.
}

// Unwrap decrypts a data key.
func (k Key) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	aead, err := newAEAD([]byte(k.bytes.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("unwrap a data key: %w", err)
	}
	dataKey, err := aead.Open(nil, nil, wrapped, nil)
	if err != nil {
		return nil, errors.New("unwrap a data key: it was altered, or another key wrapped it")
	}
	return dataKey, nil
}

// String returns the mask, or nothing for no key.
func (k Key) String() string { return k.bytes.String() }

// GoString returns the mask, for %#v.
func (k Key) GoString() string { return k.String() }

// Format writes the mask for every verb.
func (k Key) Format(f fmt.State, verb rune) { k.bytes.Format(f, verb) }

// LogValue returns the mask.
func (k Key) LogValue() slog.Value { return k.bytes.LogValue() }

// MarshalText returns the mask; JSON, YAML and XML encoders use it.
func (k Key) MarshalText() ([]byte, error) { return k.bytes.MarshalText() }

// newAEAD returns AES-256-GCM, which puts a random nonce before each ciphertext.
func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != keyBytes {
		return nil, fmt.Errorf("the key has %d bytes, not %d", len(key), keyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// newDataKey returns a random key.
func newDataKey() []byte {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // it never fails
	return key
}
