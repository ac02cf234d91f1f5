package scim_test

import (
	"testing"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/scim"
)

func TestTheFaultsOfVendors(t *testing.T) { // alone: memory is measured
	everyone := users(people)
	resttest.RunFaults(t, scim.New(), resttest.FaultOptions{
		Server:    func(testing.TB) *resttest.Server { return provider{users: everyone}.server() },
		Config:    serve(t, provider{}.server()),
		Stream:    scim.UserStream,
		Path:      "/scim/v2/Users",
		Expired:   resttest.Refusal{Credential: token("expired-token"), Says: []string{"the token has expired"}},
		Wrong:     resttest.Refusal{Credential: token("wrong-token"), Says: []string{"the token is not known"}},
		Weak:      resttest.Refusal{Credential: token("weak-token"), Says: []string{"the token may not read users"}},
		Total:     "totalResults",
		NoContent: connector.ErrMalformed, // RFC 7644, section 3.4.2: a list has its total
	})
}
