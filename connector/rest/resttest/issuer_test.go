package resttest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector/rest/resttest"
)

// trade asks an issuer for a token.
func trade(t *testing.T, i *resttest.Issuer, values ...string) *httptest.ResponseRecorder {
	t.Helper()
	form := url.Values{}
	for n := 0; n < len(values); n += 2 {
		form.Set(values[n], values[n+1])
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	i.Token(w, r)
	return w
}

func TestAnIssuerTakesEachCodeAndEachRefreshTokenOnce(t *testing.T) {
	t.Parallel()
	var i resttest.Issuer
	login := url.Values{
		"response_type": {"code"}, "redirect_uri": {"http://127.0.0.1/callback"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // RFC 7636, appendix B
	}
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	for range 3 {
		w := httptest.NewRecorder()
		i.Authorize(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize?"+login.Encode(), http.NoBody))
		require.Equal(t, http.StatusFound, w.Code)
	}
	code := func(code, verifier, redirect string) int {
		return trade(t, &i, "grant_type", "authorization_code", "code", code, "code_verifier", verifier, "redirect_uri", redirect).Code
	}
	require.Equal(t, http.StatusBadRequest, code("code-1", "another", "http://127.0.0.1/callback"))
	require.Equal(t, http.StatusBadRequest, code("code-1", verifier, "http://127.0.0.1/callback"), "it was spent")
	require.Equal(t, http.StatusBadRequest, code("code-2", verifier, "http://127.0.0.1/other"))
	require.Equal(t, http.StatusOK, code("code-3", verifier, "http://127.0.0.1/callback"))

	refresh := func(token string) int {
		return trade(t, &i, "grant_type", "refresh_token", "refresh_token", token).Code
	}
	bearer := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/users", http.NoBody)
	bearer.Header.Set("Authorization", "Bearer access-2")
	require.Equal(t, http.StatusOK, refresh("refresh-1"))
	require.True(t, i.Authorized(bearer))
	require.Equal(t, http.StatusBadRequest, refresh("refresh-1"))
	require.Equal(t, http.StatusBadRequest, refresh("refresh-2"), "all is revoked")
	require.False(t, i.Authorized(bearer))
	require.Len(t, i.Requests(), 7)
	require.Equal(t, http.StatusBadRequest, trade(t, &i, "grant_type", "other").Code)
	require.Equal(t, http.StatusUnauthorized, trade(t, &resttest.Issuer{Secret: "s3cr3t"}, "grant_type", "client_credentials").Code)
	require.Equal(t, http.StatusOK, trade(t, &resttest.Issuer{Secret: "s3cr3t", InForm: true}, "grant_type", "client_credentials", "client_secret", "s3cr3t").Code)
}
