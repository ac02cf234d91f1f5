package credentials

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Source returns a [Source] of one kept credential for a connector and its
// hosts; by is who rotates it, such as the integration's user.
//
// Its Get reads and opens the record each time, so that what another process
// rotated is seen at once. It asks the key-encryption key once for each state of
// the record. Its Save seals the rotated values before it returns; an error means
// that they are not kept and must not be used. Of several that save what they
// got from the same state the first wins, and the others meet ErrConflict: they
// call Get again, which answers with what the first has saved. A Save goes on
// when its context is cancelled, since the vendor takes the old secret no more.
func (v *Vault) Source(id string, b Binding, by string) Source {
	return &vaultSource{vault: v, id: id, binding: b.normal(), by: by}
}

type vaultSource struct {
	vault   *Vault
	id      string
	binding Binding
	by      string
	cache   dataKeyCache
}

// Get opens the credential.
func (s *vaultSource) Get(ctx context.Context) (Credential, error) {
	rec, err := s.vault.get(ctx, s.id)
	if err != nil {
		return Credential{}, fmt.Errorf("open credential: %w", err)
	}
	return s.vault.open(ctx, rec, s.binding, &s.cache)
}

// Save seals a rotated credential.
func (s *vaultSource) Save(ctx context.Context, c Credential) error {
	if c.ID != s.id || c.Revision == "" {
		return fmt.Errorf("save credential %q: it is not what Get returned: change that with Credential.With", s.id)
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("save credential: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	_, err := s.vault.update(ctx, s.id, s.by, s.vault.get, func(rec *record) (string, error) {
		if err := rec.boundTo(s.binding); err != nil {
			return "", err
		}
		if c.Kind != rec.Entry.Kind {
			return "", errors.New("a rotation keeps its kind")
		}
		state, _, _ := strings.Cut(c.Revision, " ")
		if state != rec.State {
			return "", fmt.Errorf("%w: call Get again", ErrConflict)
		}
		if c.Revision != revisionOf(state, c.ExpiresAt) {
			rec.Entry.ExpiresAt = c.ExpiresAt
		}
		if err := rec.Entry.Details.check(); err != nil {
			return "", err
		}
		return rotated, s.vault.sealInto(ctx, rec, c)
	})
	if err != nil {
		return fmt.Errorf("save credential %q: %w", s.id, err)
	}
	return nil
}

// A dataKeyCache remembers the data key of one state of one record, so that a
// request does not cost a call of a key management service. The nil cache
// remembers nothing.
type dataKeyCache struct {
	mu      sync.Mutex
	keyID   string
	wrapped []byte
	dataKey Secret
}

// unwrap returns the data key of a record, from memory or by asking. The bytes
// are the caller's own.
func (c *dataKeyCache) unwrap(rec *record, ask func() ([]byte, error)) ([]byte, error) {
	if c == nil {
		return ask()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dataKey.IsZero() && c.keyID == rec.Entry.KeyID && bytes.Equal(c.wrapped, rec.DataKey) {
		return []byte(c.dataKey.Reveal()), nil
	}
	dataKey, err := ask()
	if err != nil {
		return nil, err
	}
	c.keyID, c.wrapped, c.dataKey = rec.Entry.KeyID, slices.Clone(rec.DataKey), NewSecret(string(dataKey))
	return dataKey, nil
}

// FromRef returns a Source that resolves a reference anew with each Get, so that
// what a file or variable holds now is what is sent. Nothing of it is kept: its
// Save returns [ErrNotSaved].
func FromRef(r Resolver, ref Ref) Source { return referenced{r, ref} }

type referenced struct {
	resolver Resolver
	ref      Ref
}

func (r referenced) Get(ctx context.Context) (Credential, error) {
	return r.resolver.Resolve(ctx, r.ref)
}

func (r referenced) Save(context.Context, Credential) error { return ErrNotSaved }
