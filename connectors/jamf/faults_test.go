package jamf_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/jamf"
)

func TestTheFaultsOfVendors(t *testing.T) { // alone: memory is measured
	computers := make([]string, 250)
	for i := range computers {
		computers[i] = fmt.Sprintf(`{"id":"%d","general":{"name":"Zoës Mac %d"}}`, i+1, i+1)
	}
	server := func(change func(*fake)) func(testing.TB) *resttest.Server {
		return func(testing.TB) *resttest.Server {
			f := &fake{computers: computers, privileges: []string{"Read Computers"}}
			change(f)
			return f.server()
		}
	}
	settings, err := jamf.New().Spec().Resolve(connector.Settings{"domain": {"acme.jamfcloud.com"}})
	require.NoError(t, err)
	resttest.RunFaults(t, jamf.New(), resttest.FaultOptions{
		Server:  server(func(*fake) {}),
		Config:  connector.Config{Settings: settings, Credential: apiClient(clientSecret)},
		Stream:  jamf.ComputersStream,
		Path:    "/api/v1/computers-inventory",
		Expired: resttest.Refusal{Server: server(func(f *fake) { f.distrust = true }), Says: []string{"401 Unauthorized: Unauthorized"}},
		Wrong:   resttest.Refusal{Credential: apiClient("another-s3cret"), Says: []string{"invalid_client"}},
		Weak:    resttest.Refusal{Server: server(func(f *fake) { f.privileges = nil }), Says: []string{"403 Forbidden: Forbidden"}},
		Total:   "totalCount",
	})
}
