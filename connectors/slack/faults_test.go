package slack_test

import (
	"testing"

	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/slack"
)

func TestTheFaultsOfVendors(t *testing.T) { // alone: memory is measured
	const expired = "xoxb-of-last-year"
	users := members(people)
	resttest.RunFaults(t, slack.New(), resttest.FaultOptions{
		Server: func(testing.TB) *resttest.Server {
			return workspace{members: users, errors: map[string]string{expired: "token_expired"}}.server()
		},
		Config:  serve(t, workspace{}.server()),
		Stream:  slack.UserStream,
		Path:    "/api/users.list",
		Expired: resttest.Refusal{Credential: token(expired), Says: []string{"token_expired", "turn token rotation off"}},
		Wrong:   resttest.Refusal{Credential: token("xoxb-never-seen"), Says: []string{"invalid_auth", "enter the app's token anew"}},
		Weak: resttest.Refusal{
			Server: func(testing.TB) *resttest.Server { return workspace{scopes: "team:read"}.server() },
			Says:   []string{"needs the scope users:read, and the token has team:read", "add the scope to the app"},
		},
	})
}
