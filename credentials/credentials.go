// Package credentials holds what a connector proves itself with: a [Secret]
// that never shows itself, a [Credential] of one [Kind], and the [Resolver]
// that turns a reference in a configuration file into a credential at the
// moment it is needed.
//
//	r := credentials.EnvResolver{Allow: []string{"OKTA_*"}}
//	cred, err := r.Resolve(ctx, credentials.Ref{Kind: credentials.APIToken, Values: map[string]string{"token": "env:OKTA_TOKEN"}})
//
// The package uses the standard library alone and imports nothing of this
// module.
package credentials

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// A Kind is a way of proving who asks.
type Kind string

// The kinds of credential.
const (
	None              Kind = "none"               // the vendor asks for nothing: a file, this machine
	APIToken          Kind = "api_token"          // token; sent in a header or a query parameter
	Basic             Kind = "basic"              // username, password
	ClientCredentials Kind = "client_credentials" // client_id, client_secret
	AuthorizationCode Kind = "authorization_code" // client_id, client_secret, refresh_token
	JWTBearer         Kind = "jwt_bearer"         // private_key, key_id, issuer, subject: service accounts
	Password          Kind = "password"           // client_id, client_secret, username, password
	Session           Kind = "session"            // username, password, exchanged for a session
	AWS               Kind = "aws"                // access_key_id, secret_access_key, role_arn
	MutualTLS         Kind = "mutual_tls"         // certificate, private_key
)

// fields names the values each kind is made of. A name that ends in "?" may be
// left out.
var fields = map[Kind][]string{
	None:              {},
	APIToken:          {"token"},
	Basic:             {"username", "password"},
	ClientCredentials: {"client_id", "client_secret"},
	AuthorizationCode: {"client_id", "client_secret?", "refresh_token"},
	JWTBearer:         {"private_key", "key_id?", "issuer", "subject?"},
	Password:          {"client_id", "client_secret?", "username", "password"},
	Session:           {"username", "password"},
	AWS:               {"access_key_id", "secret_access_key", "session_token?", "role_arn?"},
	MutualTLS:         {"certificate", "private_key", "ca?"},
}

// Kinds returns all kinds of credential, in a stable order.
func Kinds() []Kind {
	return []Kind{None, APIToken, Basic, ClientCredentials, AuthorizationCode, JWTBearer, Password, Session, AWS, MutualTLS}
}

// Fields names the values that a credential of kind k is made of, the required
// ones first. It returns nil slices for an unknown kind.
func (k Kind) Fields() (required, optional []string) {
	for _, f := range fields[k] {
		if name, ok := strings.CutSuffix(f, "?"); ok {
			optional = append(optional, name)
		} else {
			required = append(required, f)
		}
	}
	return required, optional
}

// A Credential is one set of secrets of one kind. The zero value is the
// credential of a vendor that asks for none.
type Credential struct {
	ID     string            // the host's name for it; empty for a credential that is not kept
	Kind   Kind              // empty means None
	Values map[string]Secret // by field name, see Kind.Fields
}

// Value returns the secret of one field, empty if it is not set.
func (c Credential) Value(field string) Secret { return c.Values[field] }

// Validate reports every required value that is missing, and every value that
// the kind does not know.
func (c Credential) Validate() error {
	kind := c.Kind
	if kind == "" {
		kind = None
	}
	if _, ok := fields[kind]; !ok {
		return fmt.Errorf("credential %q: unknown kind %q", c.ID, c.Kind)
	}
	required, optional := kind.Fields()
	var errs []error
	for _, name := range required {
		if c.Values[name].IsZero() {
			errs = append(errs, fmt.Errorf("credential %q of kind %s: %s is missing", c.ID, kind, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Values)) {
		if !slices.Contains(required, name) && !slices.Contains(optional, name) {
			errs = append(errs, fmt.Errorf("credential %q of kind %s: unknown value %q", c.ID, kind, name))
		}
	}
	return errors.Join(errs...)
}

// A Source hands a connector its credential. Get is called per request, since
// tokens expire in mid-run; Save gives a rotated credential back to the host,
// before the new one is used. Both are safe for concurrent use.
type Source interface {
	Get(ctx context.Context) (Credential, error)
	Save(ctx context.Context, c Credential) error
}

// Static returns a Source that always answers c. Its Save keeps nothing: it
// returns [ErrNotSaved], so that a connector that rotates tokens learns that
// its host cannot keep the new one.
func Static(c Credential) Source { return static{c} }

type static struct{ c Credential }

func (s static) Get(context.Context) (Credential, error) { return s.c, nil }
func (s static) Save(context.Context, Credential) error  { return ErrNotSaved }

// ErrNotSaved is returned by a Source that cannot keep a rotated credential.
var ErrNotSaved = errors.New("this credential is read-only: its host keeps no rotated secret")

// A Ref names a credential without holding it: each value is a reference such
// as "env:OKTA_TOKEN".
type Ref struct {
	ID     string
	Kind   Kind
	Values map[string]string
}

// A Resolver turns a reference into the credential it names. It is safe for
// concurrent use.
type Resolver interface {
	Resolve(ctx context.Context, ref Ref) (Credential, error)
}

// EnvResolver resolves references of the form "env:NAME" from the process's
// environment. The zero value resolves nothing: a host says by name which
// variables a configuration file may read.
type EnvResolver struct {
	// Allow lists the variables that may be read, as shell patterns
	// ("OKTA_*"). Empty means none.
	Allow []string
	// Lookup reads a variable. Defaults to os.LookupEnv.
	Lookup func(name string) (string, bool)
}

// Resolve reads every value of ref. It reports all faults together; no fault
// quotes a secret.
func (r EnvResolver) Resolve(_ context.Context, ref Ref) (Credential, error) {
	lookup := r.Lookup
	if lookup == nil {
		lookup = os.LookupEnv
	}
	c := Credential{ID: ref.ID, Kind: ref.Kind, Values: make(map[string]Secret, len(ref.Values))}
	var errs []error
	for _, field := range slices.Sorted(maps.Keys(ref.Values)) {
		name, ok := strings.CutPrefix(ref.Values[field], "env:")
		if !ok {
			errs = append(errs, fmt.Errorf("credential %q, %s: write a reference such as env:NAME, never the secret itself", ref.ID, field))
			continue
		}
		if !r.allowed(name) {
			errs = append(errs, fmt.Errorf("credential %q, %s: the host does not allow reading the variable %s", ref.ID, field, name))
			continue
		}
		v, ok := lookup(name)
		if !ok || v == "" {
			errs = append(errs, fmt.Errorf("credential %q, %s: the variable %s is not set", ref.ID, field, name))
			continue
		}
		c.Values[field] = NewSecret(v)
	}
	if err := errors.Join(errs...); err != nil {
		return Credential{}, err
	}
	if err := c.Validate(); err != nil {
		return Credential{}, err
	}
	return c, nil
}

func (r EnvResolver) allowed(name string) bool {
	return slices.ContainsFunc(r.Allow, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}
