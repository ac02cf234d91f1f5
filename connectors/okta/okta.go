package okta

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// New returns the connector. It is safe for concurrent use.
func New() connector.Connector { return okta{} }

type okta struct{}

func (okta) Spec() connector.Spec { return spec() }

// Open returns a Source. It does no I/O. The domain of the admin console is
// refused, since the API is not there.
func (okta) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	domain := cfg.Settings.Get(settingDomain)
	if org, parent, _ := strings.Cut(domain, "."); strings.HasSuffix(org, "-admin") {
		return nil, connector.Errorf(connector.ErrInvalid, "open okta", "%s: %s is the admin console; the org is %s.%s", settingDomain, domain, strings.TrimSuffix(org, "-admin"), parent)
	}
	return rest.Open(ctx, spec(), api(cfg.Settings), cfg)
}

// api is the table of Okta's Management API for one Source.
func api(settings connector.Settings) rest.API {
	var seen appIndex
	pages := rest.LinkHeader{Size: "limit"}
	return rest.API{
		Base: "https://{" + settingDomain + "}/api/v1",
		Auth: map[credentials.Kind]rest.Auth{
			credentials.APIToken:  rest.HeaderToken("Authorization", "SSWS "),
			credentials.JWTBearer: serviceApp(),
			// A token of a person who logged in has the scopes that were granted then.
			credentials.AuthorizationCode: rest.OAuthToken(rest.OAuth{TokenURL: grantEndpoint}),
		},
		Messages: []string{"errorCauses[0].errorSummary", "errorSummary"},
		Streams: map[string]rest.Stream{
			UserStream: {
				Path: "/users", Query: url.Values{"filter": {"{" + settingUserFilter + "}"}},
				Paging: pages, PageSize: 200, Since: usersSince, Limits: []string{limitUsers},
			},
			DeviceStream: {
				Path: "/devices", Query: url.Values{"expand": {"userSummary"}},
				Paging: pages, PageSize: settings.Int(settingDevicePage), Since: devicesSince, Limits: []string{limitDevices},
			},
			AppStream: {
				Path: "/apps", Paging: pages, PageSize: 200, Edit: seen.note, Limits: []string{limitApps},
			},
			AppUserStream: {
				Path: "/apps/{part}/users", Query: url.Values{"expand": {"user"}},
				Paging: pages, PageSize: 500, Parts: &rest.Parts{List: rest.Keys(AppStream, "id"), Gone: true}, Edit: seen.tell, Limits: []string{limitAppUsers},
			},
		},
	}
}

// changed is the condition for what was updated after t.
func changed(t time.Time) string {
	return `lastUpdated gt "` + t.UTC().Format("2006-01-02T15:04:05.000Z") + `"`
}

func usersSince(q url.Values, t time.Time) {
	q.Set("filter", "("+q.Get("filter")+") and "+changed(t))
}

func devicesSince(q url.Values, t time.Time) { q.Set("search", changed(t)) }

// serviceApp gets the token of a service app. Okta denies the whole token when
// one of the scopes is not granted to the app
// (https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationGrants),
// so that each is then asked for alone and the token has those that are granted.
// Scopes of the credential's own are asked for as they are.
func serviceApp() rest.Auth {
	token := func(scopes ...string) rest.Auth {
		return rest.OAuthToken(rest.OAuth{TokenURL: grantEndpoint, Scopes: scopes, Assertion: true})
	}
	all := []string{scopeUsers, scopeDevices, scopeApps}
	auth := token(all...)
	auth.Exchange = func(ctx context.Context, x rest.Exchange) (rest.Token, error) {
		got, denied := token(all...).Exchange(ctx, x)
		if connector.ClassOf(denied) != connector.ErrAuth || !x.Credential.Value("scope").IsZero() {
			return got, denied
		}
		var granted []string
		for _, scope := range all {
			_, err := token(scope).Exchange(ctx, x)
			switch connector.ClassOf(err) {
			case "":
				granted = append(granted, scope)
			case connector.ErrAuth:
			default:
				return rest.Token{}, err
			}
		}
		if len(granted) == 0 {
			return rest.Token{}, denied
		}
		return token(granted...).Exchange(ctx, x)
	}
	return auth
}

// An appIndex is the apps that one Source has read, so that an assignment can say
// which app it is for: Okta's record of it only links to one.
type appIndex struct{ byID sync.Map }

// An app is what an assignment says of its app.
type app struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Label  string `json:"label"`
	Status string `json:"status"`
}

func (x *appIndex) note(rec connector.Record, _ string) (connector.Record, error) {
	var one app
	if err := json.Unmarshal(rec, &one); err != nil {
		return nil, connector.Errorf(connector.ErrMalformed, "read an app", "%w", err)
	}
	x.byID.Store(one.ID, one)
	return rec, nil
}

// tell adds to an assignment its app and an id of its own: Okta's id in it is
// the user's, which comes again with each app.
func (x *appIndex) tell(rec connector.Record, id string) (connector.Record, error) {
	var user struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(rec, &user); err != nil || user.ID == "" {
		return nil, connector.Errorf(connector.ErrMalformed, "read an assignment", "it has no user's id")
	}
	rec, err := rest.AddMember(rec, "assignment", id+"/"+user.ID)
	if err != nil {
		return nil, err
	}
	one, _ := x.byID.Load(id)
	return rest.AddMember(rec, "app", one)
}
