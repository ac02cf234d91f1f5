package connector_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// exchanges counts, and takes a second each.
func exchanges(n *atomic.Int64, life time.Duration, err error) func(context.Context) (connector.Token, error) {
	return func(ctx context.Context) (connector.Token, error) {
		i := n.Add(1)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return connector.Token{}, ctx.Err()
		}
		t := connector.Token{Value: credentials.NewSecret("token-" + strconv.FormatInt(i, 10))}
		if life > 0 {
			t.Expires = time.Now().Add(life)
		}
		return t, err
	}
}

func TestTokensAreGoodUntilShortlyBeforeTheirEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		life, after time.Duration
		again       bool
	}{
		"at once":                             {time.Hour, 0, false},
		"a minute before an hour is over":     {time.Hour, 59 * time.Minute, false},
		"20 s before an hour is over":         {time.Hour, 59*time.Minute + 40*time.Second, true},
		"5 s before a short life is over":     {20 * time.Second, 15 * time.Second, false},
		"a second before a short life's end":  {20 * time.Second, 19 * time.Second, true},
		"a token whose end the vendor hides":  {0, 1000 * time.Hour, false},
		"a token that had ended when it came": {time.Nanosecond, 0, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var tokens connector.Tokens
				var n atomic.Int64
				get := func() string {
					got, err := tokens.Get(t.Context(), "key", credentials.Secret{}, exchanges(&n, test.life, nil))
					require.NoError(t, err)
					return got.Value.Reveal()
				}
				require.Equal(t, "token-1", get())
				time.Sleep(max(test.after, time.Nanosecond))
				if test.again {
					require.Equal(t, "token-2", get())
				} else {
					require.Equal(t, "token-1", get())
				}
			})
		})
	}
}

func TestOneExchangeServesAllWhoWaitForIt(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for name, fails := range map[string]error{"it succeeds": nil, "it fails": down} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var tokens connector.Tokens
				var n atomic.Int64
				var wg sync.WaitGroup
				for range 20 {
					wg.Go(func() {
						got, err := tokens.Get(t.Context(), "key", credentials.Secret{}, exchanges(&n, time.Hour, fails))
						if fails != nil {
							require.ErrorIs(t, err, down)
							return
						}
						require.NoError(t, err)
						require.Equal(t, "token-1", got.Value.Reveal())
					})
				}
				wg.Wait()
				require.Equal(t, int64(1), n.Load())
				got, err := tokens.Get(t.Context(), "key", credentials.NewSecret("token-1"), exchanges(&n, time.Hour, nil))
				require.NoError(t, err, "who comes later tries again")
				require.Equal(t, "token-2", got.Value.Reveal(), "a token that was refused is not given again")
			})
		})
	}
}

func TestTokensOfDifferentKeysAreExchangedInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tokens connector.Tokens
		var n atomic.Int64
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				_, err := tokens.Get(t.Context(), strconv.Itoa(i), credentials.Secret{}, exchanges(&n, time.Hour, nil))
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, int64(5), n.Load())
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestWhoGivesUpLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tokens connector.Tokens
		var n atomic.Int64
		first, cancel := context.WithCancel(t.Context())
		impatient, cancelImpatient := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancelImpatient()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := tokens.Get(first, "key", credentials.Secret{}, exchanges(&n, time.Hour, nil))
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		wg.Go(func() {
			_, err := tokens.Get(impatient, "key", credentials.Secret{}, exchanges(&n, time.Hour, nil))
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
		wg.Go(func() {
			got, err := tokens.Get(t.Context(), "key", credentials.Secret{}, exchanges(&n, time.Hour, nil))
			require.NoError(t, err)
			require.Equal(t, "token-2", got.Value.Reveal())
		})
		time.Sleep(500 * time.Millisecond)
		cancel()
		wg.Wait()
	})
}
