package template

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // vendors' interfaces and templates ask for it; nothing here is kept secret by it
	"crypto/sha1" //nolint:gosec // as md5
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// hashes are the hash functions that a template may use.
var hashes = map[string]func() hash.Hash{
	"md5":    md5.New,
	"sha1":   sha1.New,
	"sha224": sha256.New224,
	"sha256": sha256.New,
	"sha384": sha512.New384,
	"sha512": sha512.New,
}

func filterHash(c *run, v Value, a args) (Value, error) {
	name, err := a.string(0, "md5")
	if err != nil {
		return Value{}, err
	}
	create := hashes[name]
	if create == nil {
		return Value{}, typeError("there is no hash %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(hashes)), ", "))
	}
	h := create()
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	h.Write([]byte(s))
	if a.truth(1) {
		if s, err = c.text(a.values[1]); err != nil {
			return Value{}, err
		}
		h.Write([]byte(s))
	}
	return String(hex.EncodeToString(h.Sum(nil))), c.work(len(s) / bytesAStep)
}

func filterHMAC(c *run, v Value, a args) (Value, error) {
	secret, err := c.text(a.values[0])
	if err != nil {
		return Value{}, err
	}
	name, err := a.string(1, "sha256")
	if err != nil {
		return Value{}, err
	}
	if name != "sha256" {
		return Value{}, typeError("the keyed hash is sha256, not %q", name)
	}
	s, err := c.text(v)
	if err != nil {
		return Value{}, err
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(s))
	return String(hex.EncodeToString(h.Sum(nil))), c.work(len(s) / bytesAStep)
}

// encoded returns the text to encode: text alone in the compatible mode.
func (c *run) encoded(v Value) (string, error) {
	if !c.typed && v.kind != KindString {
		return "", typeError("text is encoded, not %s", v.kind)
	}
	return c.text(v)
}

func filterBase64Encode(c *run, v Value, _ args) (Value, error) {
	s, err := c.encoded(v)
	if err != nil {
		return Value{}, err
	}
	if err := c.textSize(base64.StdEncoding.EncodedLen(len(s))); err != nil {
		return Value{}, err
	}
	return String(base64.StdEncoding.EncodeToString([]byte(s))), nil
}

func filterBase64Decode(c *run, v Value, _ args) (Value, error) {
	s, err := c.encoded(v)
	if err != nil {
		return Value{}, err
	}
	// as in Python, what is no letter of base64 does not count
	letters := make([]byte, 0, len(s))
	for _, b := range []byte(s) {
		if isLetter(b) || isDigit(b) || strings.IndexByte("+/=", b) >= 0 {
			letters = append(letters, b)
		}
	}
	s = string(letters)
	if i := strings.IndexByte(s, '='); i >= 0 && i%4 >= 2 {
		s = s[:min(len(s), (i/4+1)*4)]
	}
	out, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return Value{}, typeError("the text is not written in base64")
	}
	if !utf8.Valid(out) {
		return Value{}, typeError("what is written in base64 is not text")
	}
	return String(string(out)), c.work(len(s) / bytesAStep)
}
