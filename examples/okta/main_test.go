package main

import (
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestTheTourShowsTheSameEachTime(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, filepath.Join(t.TempDir(), "inventory.db")))
	file := filepath.Join("testdata", "output.txt")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(out.String()), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String())
	for _, secret := range []string{readOnlyToken, helpDeskToken, newToken} {
		require.NotContains(t, out.String(), secret)
	}
}

// What the tour shows rests on a fake that answers as Okta documents.
func TestTheFakeAnswersLikeOkta(t *testing.T) {
	t.Parallel()
	org, err := startFake()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, org.Close()) })
	org.allow("good", "users", "apps")
	org.setProfile("00u1ada", "title", "CTO", time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))

	for name, test := range map[string]struct {
		path, token string
		status      int
		has, hasNot string // in the answer
		next        string // in the Link header
	}{
		"a token that there is not":   {path: "users?limit=5", token: "bad", status: 401, has: "E0000011"},
		"a list that is not allowed":  {path: "devices?limit=5", token: "good", status: 403, has: "E0000006"},
		"a page that is too large":    {path: "users?limit=201", token: "good", status: 400, has: "E0000001"},
		"a first page":                {path: "users?limit=2", token: "good", status: 200, has: "00u2grace", hasNot: "00u3zoe", next: "after=00u2grace&limit=2"},
		"a last page":                 {path: "users?limit=2&after=00u3zoe", token: "good", status: 200, has: "00u4kate"},
		"no filter":                   {path: "users?limit=3&after=00u3zoe", token: "good", status: 200, hasNot: "DEPROVISIONED"},
		"a filter":                    {path: "users?limit=3&filter=status+eq+%22DEPROVISIONED%22", token: "good", status: 200, has: "00u5alan", hasNot: "ACTIVE"},
		"what has changed since":      {path: "users?limit=3&filter=(status+eq+%22ACTIVE%22)+and+lastUpdated+gt+%222026-11-23T00:00:00.000Z%22", token: "good", status: 200, has: "CTO", hasNot: "00u2grace"},
		"an app without assignments":  {path: "apps/0oa3wiki/users?limit=5", token: "good", status: 200, has: "[]"},
		"assignments and their users": {path: "apps/0oa2crm/users?limit=5&expand=user", token: "good", status: 200, has: `"login":"zoe@acme.example"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.okta.com/api/v1/"+test.path, http.NoBody)
			require.NoError(t, err)
			req.Header.Set("Authorization", "SSWS "+test.token)
			resp, err := org.RoundTrip(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, test.status, resp.StatusCode, string(body))
			require.Contains(t, string(body), test.has)
			if test.hasNot != "" {
				require.NotContains(t, string(body), test.hasNot)
			}
			links := strings.Join(resp.Header.Values("Link"), ", ")
			require.Equal(t, test.next != "", strings.Contains(links, `rel="next"`), links)
			require.Contains(t, links, test.next)
		})
	}
}
