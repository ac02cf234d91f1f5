package okta_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/okta"
	"github.com/vendorsync/vendorsync/credentials"
)

func TestScopesOfTheCredentialsOwnAreAskedForAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		scope    string
		class    connector.Class
		requests int
	}{
		"a scope that is granted": {scope: "okta.users.read", requests: 1 + 3},
		"one that is not":         {scope: "okta.users.read okta.logs.read", class: connector.ErrAuth, requests: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, key := serviceOrg(t, "okta.users.read", "okta.devices.read", "okta.apps.read")
			cfg := config(t, s)
			cfg.Credential = credential(credentials.JWTBearer, map[string]string{"issuer": "0oaclient", "key_id": "k1", "private_key": key, "scope": test.scope})
			_, got, err := read(t, open(t, cfg), connector.Request{Stream: okta.UserStream})
			require.Len(t, s.Requests(), test.requests)
			if test.class != "" {
				require.ErrorIs(t, err, test.class)
				require.ErrorContains(t, err, "okta.logs.read")
				return
			}
			require.NoError(t, err)
			require.Len(t, got, 60)
			require.Equal(t, "Bearer okta.users.read", s.Requests()[1].Header.Get("Authorization"))
		})
	}
}
