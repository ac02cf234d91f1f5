package okta_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/okta"
)

// Okta says of a token that has expired what it says of one that never was, so
// that a withdrawn key of a service app stands for it.
func TestTheFaultsOfVendors(t *testing.T) { // alone: memory is measured
	items := records(t, "user", okta.UserStream, 60)
	refusing := func(fault resttest.Fault) func(testing.TB) *resttest.Server {
		return func(testing.TB) *resttest.Server { return &resttest.Server{Always: fault} }
	}
	service, _ := serviceOrg(t)
	_, old := newKey(t)
	cfg := config(t, service)
	resttest.RunFaults(t, okta.New(), resttest.FaultOptions{
		Server: func(testing.TB) *resttest.Server {
			return &resttest.Server{
				Authorized: resttest.Header("Authorization", "SSWS "+apiToken),
				Lists:      map[string]*resttest.List{"/api/v1/users": list(items, 200, perPage)},
			}
		},
		Config: cfg,
		Stream: okta.UserStream,
		Path:   "/api/v1/users",
		Expired: resttest.Refusal{
			Credential: serviceApp(t, service, old).Credential,
			Server:     func(testing.TB) *resttest.Server { return service },
			Says:       []string{"The client_assertion signature is invalid."},
		},
		Wrong: resttest.Refusal{Server: refusing(refusal(http.StatusUnauthorized, "E0000011", "Invalid token provided")), Says: []string{"Invalid token provided"}},
		Weak:  resttest.Refusal{Server: refusing(refusal(http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action")), Says: []string{"You do not have permission"}},
	})
}

func TestFaultsOfOktasOwn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault resttest.Fault // of the second page
		class connector.Class
		text  string
	}{
		"an object in place of a list": {resttest.Body("application/json", `{"users":[]}`), connector.ErrMalformed, "there is no list of records"},
		"a next page at another host":  {next("https://elsewhere.example/api/v1/users?after=x"), connector.ErrMalformed, "the credential is not sent there"},
		"a limit that lasts for hours": {resttest.Status(429, "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", fmt.Sprint(time.Now().Add(2*time.Hour).Unix())), connector.ErrRateLimited, "429"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := org(t)
			s.Faults = map[int]resttest.Fault{2: test.fault}
			_, _, err := read(t, open(t, config(t, s)), connector.Request{Stream: okta.UserStream})
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.text)
			for _, seen := range s.Requests() {
				require.Equal(t, "acme.okta.com", seen.Host)
			}
		})
	}
}

// next answers with an empty page and the address of another.
func next(target string) resttest.Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "<"+target+`>; rel="next"`)
		_, _ = w.Write([]byte("[]"))
	}
}

// A limit that is used up is waited for until the moment that the header names.
func TestALimitIsWaitedForUntilItsReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := org(t)
		reset := time.Now().Add(42 * time.Second)
		s.Faults = map[int]resttest.Fault{2: resttest.Status(429, "X-Rate-Limit-Limit", "600", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", fmt.Sprint(reset.Unix()))}
		_, got, err := read(t, open(t, config(t, s)), connector.Request{Stream: okta.UserStream})
		require.NoError(t, err)
		require.Len(t, got, 60)
		require.Len(t, s.Requests(), 4)
		require.False(t, s.Requests()[2].At.Before(reset))
	})
}

func TestAnAppThatIsDeletedDuringAReadHasNoAssignments(t *testing.T) {
	t.Parallel()
	s := org(t)
	delete(s.Lists, "/api/v1/apps/app-5/users")
	_, got, err := read(t, open(t, config(t, s)), connector.Request{Stream: okta.AppUserStream})
	require.NoError(t, err)
	require.Len(t, got, 168-40)
}
