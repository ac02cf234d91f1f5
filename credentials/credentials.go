// Package credentials holds what a connector proves itself with: a [Secret]
// that never shows itself, a [Credential] of one [Kind], the [Vault] that keeps
// credentials sealed in a host's store, and the [Resolver] that turns a
// reference in a configuration file into a credential at the moment it is
// needed.
//
// # Vault
//
// A host gives a [Keeper], which holds sealed records and sees no secret, and a
// key, which seals them:
//
//	key, err := credentials.KeyFromFile("/etc/acme/vault.key") // or KeyFromEnv, or the host's KMS as a KeyWrapper
//	vault, err := credentials.NewVault(credentials.VaultOptions{Keeper: keeper, Key: key, Users: integrationsThatUse})
//
//	binding := credentials.Binding{Connector: "okta", Hosts: []string{"acme.okta.com"}}
//	entry, err := vault.Add(ctx, token, binding, credentials.Details{Owner: "ada"}, "ada")
//
// A credential opens for the connector and the hosts it was entered for and for
// no others: whoever edits a domain enters the secret again, see [ErrBound].
// [Vault.Expiring] names what ends soon, [Vault.Remove] refuses what is in use,
// [Vault.Rekey] moves all records to a new key, and each [Entry] knows who
// changed what and when.
//
// # Rotation
//
// A connector asks a [Source] for its credential with each request, and gives a
// rotated one back before it uses it:
//
//	source := vault.Source("okta", binding, "integration-user")
//	cred, err := source.Get(ctx)
//	rotated := cred.With("refresh_token", credentials.NewSecret(next))
//	err = source.Save(ctx, rotated) // sealed and kept once it returns nil; ErrConflict if another was faster
//
// # References
//
// A configuration file names secrets and holds none:
//
//	r := credentials.References{Env: []string{"OKTA_*"}, Folders: []string{"/run/secrets"}, Keys: []credentials.Key{key}}
//	ref := credentials.Ref{ID: "okta", Kind: credentials.APIToken, Values: map[string]string{"token": "env:OKTA_TOKEN"}}
//	cred, err := r.Resolve(ctx, ref)
//
// It reads what the host allows by name, and never what holds a key of the
// vault.
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
	"time"
)

// A Credential is one set of secrets of one kind. The zero value is the
// credential of a vendor that asks for none.
type Credential struct {
	ID     string            // the host's name for it; empty for a credential that is not kept
	Kind   Kind              // empty means None
	Values map[string]Secret // by field name, see Kind.Form
	// ExpiresAt is when the vendor stops taking it; zero if it never does, or if
	// nobody knows.
	ExpiresAt time.Time
	// Revision is the state of the secret that a Source answered with. Save wants
	// it back unchanged, so that it notices who else has rotated the secret. It is
	// empty for a credential that is not kept.
	Revision string
}

// Value returns the secret of one field, empty if it is not set.
func (c Credential) Value(field string) Secret { return c.Values[field] }

// With returns a copy of c with one value set. It leaves c as it is.
func (c Credential) With(field string, value Secret) Credential {
	c.Values = maps.Clone(c.Values)
	if c.Values == nil {
		c.Values = map[string]Secret{}
	}
	c.Values[field] = value
	return c
}

// Validate reports every required value that is missing, every value that the
// kind does not know or that is not among its choices, and certificates that do
// not parse. No fault quotes a value.
func (c Credential) Validate() error {
	kind := c.Kind
	if kind == "" {
		kind = None
	}
	if _, ok := kind.info(); !ok {
		return fmt.Errorf("credential %q: unknown kind %q", c.ID, c.Kind)
	}
	var errs []error
	for _, f := range kind.Form() {
		value := c.Values[f.Name]
		switch {
		case value.IsZero() && f.Required:
			errs = append(errs, fmt.Errorf("credential %q of kind %s: %s is missing", c.ID, kind, f.Name))
		case !value.IsZero() && len(f.Choices) > 0 && !slices.Contains(f.Choices, value.Reveal()):
			errs = append(errs, fmt.Errorf("credential %q of kind %s: %s is not one of %s", c.ID, kind, f.Name, strings.Join(f.Choices, ", ")))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Values)) {
		if _, ok := kind.field(name); !ok {
			errs = append(errs, fmt.Errorf("credential %q of kind %s: unknown value %q", c.ID, kind, name))
		}
	}
	if len(errs) == 0 {
		_, err := c.TLS()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// A Source hands a connector its credential. Get is called per request, since
// tokens expire in mid-run; Save gives a rotated credential back to the host,
// before the new one is used. What is saved is what Get returned, with other
// values, see [Credential.With]. Both are safe for concurrent use.
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
// variables a configuration file may read. [References] reads files too.
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
	return ref.resolve(func(_ Field, reference string) (string, error) {
		name, ok := strings.CutPrefix(reference, "env:")
		if !ok {
			return "", errors.New("write a reference such as env:NAME, never the secret itself")
		}
		return readEnv(name, r.Allow, r.Lookup)
	})
}

// resolve reads each value of ref with read, and joins all faults.
func (r Ref) resolve(read func(f Field, reference string) (string, error)) (Credential, error) {
	c := Credential{ID: r.ID, Kind: r.Kind, Values: make(map[string]Secret, len(r.Values))}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		f, ok := r.Kind.field(name)
		if !ok {
			f = Field{Name: name, Secret: true}
		}
		value, err := read(f, r.Values[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("credential %q, %s: %w", r.ID, name, err))
			continue
		}
		c.Values[name] = NewSecret(value)
	}
	if err := errors.Join(errs...); err != nil {
		return Credential{}, err
	}
	if err := c.Validate(); err != nil {
		return Credential{}, err
	}
	return c, nil
}

// readEnv reads a variable that one of the patterns allows. A nil lookup is
// os.LookupEnv.
func readEnv(name string, allow []string, lookup func(string) (string, bool)) (string, error) {
	if !matchesAny(allow, name) {
		return "", fmt.Errorf("the host does not allow reading the variable %s", name)
	}
	if lookup == nil {
		lookup = os.LookupEnv
	}
	v, ok := lookup(name)
	if !ok || v == "" {
		return "", fmt.Errorf("the variable %s is not set", name)
	}
	return v, nil
}

// matchesAny reports whether name matches one of the shell patterns.
func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}
