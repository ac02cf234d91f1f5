package connector

import (
	"context"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/credentials"
)

// A Token is what a credential was exchanged for: an access token, a session.
type Token struct {
	Value   credentials.Secret
	Expires time.Time // zero if the vendor does not say
}

// Tokens are what one credential was exchanged for. A host that gives the same
// Tokens to all integrations of a credential has them share a token, and exchange
// the credential one at a time, as a refresh token that is replaced each time
// demands. It makes new Tokens when a person enters the credential anew. The zero
// value is ready; it is not copied, and safe for concurrent use.
type Tokens struct {
	mu   sync.Mutex
	turn chan struct{} // held by whoever exchanges
	kept map[string]keptToken
}

type keptToken struct {
	token Token
	since time.Time
	// failures counts the exchanges that failed, the last of them with err.
	failures int
	err      error
}

// Get returns the token kept under key, unless it is stale or lasts no longer
// than a request takes to arrive: 30 s, or a tenth of a short life. It then
// returns what exchange returns, and keeps it. One exchange runs at a time,
// whatever its key; those who waited for it with the same key share its token or
// its error, except for one that came from the end of its context.
func (t *Tokens) Get(ctx context.Context, key string, stale credentials.Secret, exchange func(context.Context) (Token, error)) (Token, error) {
	kept, turn := t.look(key)
	if kept.good(stale) {
		return kept.token, nil
	}
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return Token{}, context.Cause(ctx)
	}
	switch now, _ := t.look(key); {
	case now.good(stale):
		return now.token, nil
	case now.failures != kept.failures:
		return Token{}, now.err
	}
	token, err := exchange(ctx)
	if err == nil || ctx.Err() == nil {
		t.keep(key, token, err)
	}
	return token, err
}

// look returns what is kept under a key.
func (t *Tokens) look(key string) (kept keptToken, turn chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.turn == nil {
		t.turn, t.kept = make(chan struct{}, 1), map[string]keptToken{}
	}
	return t.kept[key], t.turn
}

// keep notes what an exchange came to. Tokens that have expired go.
func (t *Tokens) keep(key string, token Token, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for other, k := range t.kept {
		if other != key && !k.token.Expires.IsZero() && !now.Before(k.token.Expires) {
			delete(t.kept, other)
		}
	}
	kept := t.kept[key]
	if err != nil {
		kept.failures, kept.err = kept.failures+1, err
	} else {
		kept.token, kept.since, kept.err = token, now, nil
	}
	t.kept[key] = kept
}

// good reports whether the token can still be used.
func (k keptToken) good(stale credentials.Secret) bool {
	if k.token.Value.IsZero() || k.token.Value.Reveal() == stale.Reveal() {
		return false
	}
	if k.token.Expires.IsZero() {
		return true
	}
	margin := min(30*time.Second, k.token.Expires.Sub(k.since)/10)
	return time.Until(k.token.Expires) > margin
}
