package notice

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/credentials"
)

// ErrSignature is returned for a request that does not prove to come from
// somebody who knows the secret, or does not any more.
var ErrSignature = errors.New("the webhook's signature is not good")

const (
	signaturePrefix = "v1="
	maxSignatures   = 4 // of a request, while a secret is being replaced by another
)

// VerifyWebhook reports whether a request comes from somebody who knows the
// secret, and was sent within tolerance of now, before or after; 0 or less means
// 5 minutes. The body is that of the request, whole and unchanged. The signature
// header may hold several signatures with a comma between them, of which one has
// to be good. The error is [ErrSignature], and says for the receiver's log what
// is wrong.
//
// Who has seen a notice's Key before has seen the notice: a request that is sent
// again within the tolerance is told by that.
func VerifyWebhook(secret credentials.Secret, header http.Header, body []byte, now time.Time, tolerance time.Duration) error {
	if tolerance <= 0 {
		tolerance = 5 * time.Minute
	}
	if secret.IsZero() {
		return fmt.Errorf("%w: the receiver has no secret", ErrSignature)
	}
	timestamp, err := single(header, TimestampHeader)
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != timestamp || seconds < 0 || seconds > maxSeconds {
		return fmt.Errorf("%w: %s is no number of seconds since 1970", ErrSignature, TimestampHeader)
	}
	signatures, err := single(header, SignatureHeader)
	if err != nil {
		return err
	}
	if !signedBy(secret, timestamp, body, signatures) {
		return fmt.Errorf("%w: %s has no signature of this body by this secret", ErrSignature, SignatureHeader)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%w: it was made %s ago, and %s is allowed", ErrSignature, age.Round(time.Second), tolerance)
	}
	return nil
}

// maxSeconds is the end of the year 9999.
const maxSeconds = 253402300799

// single returns a header that has to be there once.
func single(header http.Header, name string) (string, error) {
	values := header.Values(name)
	if len(values) != 1 {
		return "", fmt.Errorf("%w: %s is there %d times", ErrSignature, name, len(values))
	}
	return values[0], nil
}

// signedBy reports whether one of the signatures is good.
func signedBy(secret credentials.Secret, timestamp string, body []byte, signatures string) bool {
	want, err := hex.DecodeString(signature(secret, timestamp, body))
	if err != nil {
		return false
	}
	parts := strings.SplitN(signatures, ",", maxSignatures+1)
	good := false
	for _, part := range parts[:min(len(parts), maxSignatures)] {
		text, ok := strings.CutPrefix(strings.TrimSpace(part), signaturePrefix)
		got, err := hex.DecodeString(text)
		good = ok && err == nil && hmac.Equal(got, want) || good
	}
	return good
}

// signature returns the signature of a body sent at a time.
func signature(secret credentials.Secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(timestamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// timestampOf writes the time of a request.
func timestampOf(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
