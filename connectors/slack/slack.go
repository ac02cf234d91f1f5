package slack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// New returns the connector for Slack.
func New() connector.Connector {
	return rest.New(spec(), rest.API{
		Base:     "https://{domain}/api",
		Auth:     map[credentials.Kind]rest.Auth{credentials.APIToken: rest.Bearer()},
		Errors:   failure,
		Messages: []string{"error"},
		Streams: map[string]rest.Stream{
			UserStream: {
				Path:     "/users.list",
				Query:    url.Values{"include_locale": {"true"}, "team_id": {"{team_id}"}},
				Records:  "members",
				Paging:   rest.Cursor{Param: "cursor", Path: "response_metadata.next_cursor", Size: "limit"},
				PageSize: 200, // what Slack recommends as the most
				Skip:     isBot,
				Limits:   []string{userLimit},
				Probes: map[string]rest.Probe{
					// auth.test answers every token, whatever its scopes.
					readEmail: {Path: "/auth.test", Test: hasScope(readEmail)},
				},
			},
		},
	})
}

// isBot reports whether a member is an app. Slackbot is one that does not say so.
func isBot(rec connector.Record) bool {
	var member struct {
		ID    string `json:"id"`
		IsBot bool   `json:"is_bot"`
	}
	return json.Unmarshal(rec, &member) == nil && (member.IsBot || member.ID == "USLACKBOT")
}

// hasScope looks for a scope among those that Slack says the token has.
func hasScope(name string) func(*rest.Response) (connector.Grant, string) {
	return func(r *rest.Response) (connector.Grant, string) {
		scopes := r.Header.Get("X-OAuth-Scopes")
		switch {
		case scopes == "":
			return connector.Unknown, "Slack did not say which scopes the token has"
		case slices.Contains(strings.Split(strings.ReplaceAll(scopes, " ", ""), ","), name):
			return connector.Granted, ""
		}
		return connector.Missing, fmt.Sprintf("the token has the scopes %s", scopes)
	}
}

// failure returns the error that Slack tells of in an answer of status 200.
func failure(r *rest.Response) error {
	if r.Get("ok") != "false" {
		return nil
	}
	code := r.Get("error")
	class, known := classes[code]
	if !known {
		class = connector.ErrMalformed
	}
	e := connector.Errorf(class, "", "Slack answered %q", code)
	e.Remedy = remedies[code]
	if needed := r.Get("needed"); needed != "" {
		e.Message += fmt.Sprintf(": it needs the scope %s, and the token has %s", needed, r.Get("provided"))
	}
	return e
}

// classes are the errors that users.list and auth.test document.
var classes = map[string]connector.Class{
	"account_inactive":         connector.ErrAuth,
	"invalid_auth":             connector.ErrAuth,
	"not_authed":               connector.ErrAuth,
	"token_expired":            connector.ErrAuth,
	"token_revoked":            connector.ErrAuth,
	"access_denied":            connector.ErrPermission,
	"accesslimited":            connector.ErrPermission,
	"ekm_access_denied":        connector.ErrPermission,
	"enterprise_is_restricted": connector.ErrPermission,
	"missing_scope":            connector.ErrPermission,
	"no_permission":            connector.ErrPermission,
	"not_allowed_token_type":   connector.ErrPermission,
	"org_login_required":       connector.ErrPermission,
	"team_access_not_granted":  connector.ErrPermission,
	"rate_limited":             connector.ErrRateLimited,
	"ratelimited":              connector.ErrRateLimited,
	"fatal_error":              connector.ErrUnavailable,
	"internal_error":           connector.ErrUnavailable,
	"request_timeout":          connector.ErrUnavailable,
	"service_unavailable":      connector.ErrUnavailable,
	"team_added_to_org":        connector.ErrUnavailable,
	"invalid_cursor":           connector.ErrCursor,
	"invalid_arguments":        connector.ErrInvalid,
	"invalid_limit":            connector.ErrInvalid,
	"limit_required":           connector.ErrInvalid,
	"missing_argument":         connector.ErrInvalid,
}

// remedies say what to do where the class alone does not.
var remedies = map[string]string{
	"account_inactive": "install the app again and enter its new token: the account or workspace of this one is gone",
	"invalid_auth":     "enter the app's token anew, whole, and check whether Slack allows this address to use it",
	"token_expired":    "turn token rotation off for the app, install it again and enter its new token",
	"token_revoked":    "install the app again and enter its new token: this one was revoked",
	"missing_scope":    "add the scope to the app under OAuth & Permissions, and install it again",
	"missing_argument": "set team_id: a token of an organization reads one workspace at a time",
}
