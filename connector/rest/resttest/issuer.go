package resttest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

// An Issuer is the OAuth 2.0 side of a vendor. Everyone who comes to Authorize is
// logged in at once. Token trades codes, held to PKCE by S256 and to the redirect
// address, refresh tokens, and client credentials. It takes each code and each
// refresh token once: one that comes again revokes all it has given until the next
// log-in, as RFC 9700, section 4.14.2, has it. Its tokens are access-1, access-2, ... and refresh-1,
// refresh-2, ... The fields are not changed while it serves; the zero value takes
// clients without a secret. Its methods are safe for concurrent use.
type Issuer struct {
	Secret string // that a client has to show; empty for none
	InForm bool   // the secret is taken in the form alone, and not as basic authorization
	Keeps  bool   // a refresh token stays good, and no other follows it
	// Lifetime of an access token in seconds. 0 means 3600.
	Lifetime int
	// Denied is what the person comes back with in place of a code. Nil is a code.
	Denied url.Values
	// Refuse answers each request for a token. Nil gives tokens.
	Refuse Fault
	// Edit changes the answer to a request for a token. Nil leaves it.
	Edit func(answer map[string]any)

	mu       sync.Mutex
	issued   int
	logIns   int
	codes    map[string]url.Values // what each was asked for with
	refresh  string
	given    int // refresh tokens
	spent    map[string]bool
	revoked  bool
	requests []url.Values
}

// Requests returns the forms of the requests for tokens, in order.
func (i *Issuer) Requests() []url.Values {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.requests)
}

// Authorized takes the newest access token alone, as [Server.Authorized].
func (i *Issuer) Authorized(r *http.Request) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.revoked && i.issued > 0 && r.Header.Get("Authorization") == "Bearer access-"+strconv.Itoa(i.issued)
}

// Authorize is the page where a person logs in.
func (i *Issuer) Authorize(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	asked := r.URL.Query()
	back, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil || asked.Get("response_type") != "code" {
		refuse(w, http.StatusBadRequest, "this is no request for a code")
		return
	}
	answer := url.Values{}
	if i.Denied != nil {
		maps.Copy(answer, i.Denied)
	} else {
		if i.codes == nil {
			i.codes = map[string]url.Values{}
		}
		i.logIns++
		code := "code-" + strconv.Itoa(i.logIns)
		i.codes[code] = asked
		answer.Set("code", code)
	}
	answer.Set("state", asked.Get("state"))
	back.RawQuery = answer.Encode()
	w.Header().Set("Location", back.String())
	w.WriteHeader(http.StatusFound)
}

// Token is the token endpoint.
func (i *Issuer) Token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "the form cannot be read")
		return
	}
	i.requests = append(i.requests, r.PostForm)
	if i.Refuse != nil {
		i.Refuse(w, r)
		return
	}
	if !i.knows(r) {
		answerToken(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	if fault := i.trade(r.PostForm); fault != "" {
		answerToken(w, http.StatusBadRequest, map[string]any{"error": fault, "error_description": "it was refused"})
		return
	}
	answerToken(w, http.StatusOK, i.issue(r.PostForm.Get("grant_type") != "client_credentials"))
}

// knows reports whether a request shows the client's secret.
func (i *Issuer) knows(r *http.Request) bool {
	_, secret, header := r.BasicAuth()
	if i.InForm || i.Secret == "" {
		secret, header = r.PostForm.Get("client_secret"), !header
	}
	return header && subtle.ConstantTimeCompare([]byte(secret), []byte(i.Secret)) == 1
}

// trade spends what a request brings, and returns the error's code.
func (i *Issuer) trade(form url.Values) string {
	switch form.Get("grant_type") {
	case "client_credentials":
		return ""
	case "authorization_code":
		asked, ok := i.codes[form.Get("code")]
		delete(i.codes, form.Get("code"))
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		if !ok || asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || asked.Get("redirect_uri") != form.Get("redirect_uri") {
			return "invalid_grant"
		}
		i.revoked = false
		return ""
	case "refresh_token":
		brought := form.Get("refresh_token")
		i.revoked = i.revoked || i.spent[brought]
		if i.revoked || i.refresh == "" || brought != i.refresh {
			return "invalid_grant"
		}
		return ""
	}
	return "unsupported_grant_type"
}

// issue returns a new access token, and a refresh token to a person's log-in.
func (i *Issuer) issue(person bool) map[string]any {
	i.issued++
	lifetime := i.Lifetime
	if lifetime == 0 {
		lifetime = 3600
	}
	answer := map[string]any{"access_token": "access-" + strconv.Itoa(i.issued), "token_type": "Bearer", "expires_in": lifetime}
	if person && (!i.Keeps || i.refresh == "") {
		if i.spent == nil {
			i.spent = map[string]bool{}
		}
		if i.refresh != "" {
			i.spent[i.refresh] = true
		}
		i.given++
		i.refresh = "refresh-" + strconv.Itoa(i.given)
		answer["refresh_token"] = i.refresh
	}
	if i.Edit != nil {
		i.Edit(answer)
	}
	return answer
}

func answerToken(w http.ResponseWriter, status int, answer map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}
