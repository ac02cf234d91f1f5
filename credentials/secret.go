package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Mask is what a Secret shows of itself, whatever asks.
const Mask = "********"

// A Secret is a string that masks itself wherever it is printed, logged or
// marshalled; only [Secret.Reveal] gives it out. The zero value is an empty
// secret. A Secret is immutable and safe for concurrent use.
type Secret struct{ s *string }

// NewSecret wraps s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal returns the secret itself. Call it where the secret is used, and
// nowhere else.
func (s Secret) Reveal() string {
	if s.s == nil {
		return ""
	}
	return *s.s
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.s == nil }

// String returns the mask, or nothing for an empty secret.
func (s Secret) String() string {
	if s.s == nil {
		return ""
	}
	return Mask
}

// GoString returns the mask, for %#v.
func (s Secret) GoString() string { return s.String() }

// Format writes the mask for every verb, so that no verb reaches the pointer.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue returns the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON returns the mask as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText returns the mask; YAML and XML encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText refuses: a secret does not travel through documents.
func (s *Secret) UnmarshalText([]byte) error {
	return errors.New("a secret is not read from a document: use a reference such as env:NAME")
}
