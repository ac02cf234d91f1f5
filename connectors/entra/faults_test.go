package entra_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/entra"
)

func TestTheFaultsOfVendors(t *testing.T) { // alone: memory is measured
	users := make([]map[string]any, 300) // of whom 120 make a page with their sign-in activity
	for i := range users {
		users[i] = map[string]any{"id": strconv.Itoa(i + 1), "displayName": "Zoë Ångström"}
	}
	server := func(permissions ...string) func(testing.TB) *resttest.Server {
		return func(testing.TB) *resttest.Server {
			return (&fake{users: users, permissions: permissions}).server()
		}
	}
	settings, err := entra.New().Spec().Resolve(connector.Settings{"tenant_id": {tenant}, "sign_in_activity": {"true"}})
	require.NoError(t, err)
	resttest.RunFaults(t, entra.New(), resttest.FaultOptions{
		Server:  server("User.Read.All", "AuditLog.Read.All"),
		Config:  connector.Config{Settings: settings, Credential: app(clientSecret)},
		Stream:  entra.UsersStream,
		Path:    "/v1.0/users",
		Expired: resttest.Refusal{Credential: app(endedSecret), Says: []string{"AADSTS7000222"}},
		Wrong:   resttest.Refusal{Credential: app("another~s3cret"), Says: []string{"AADSTS7000215"}},
		Weak:    resttest.Refusal{Server: server("User.Read.All"), Says: []string{"Insufficient privileges"}},
	})
}
