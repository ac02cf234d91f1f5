package entra

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// New returns the connector for Microsoft Entra ID.
func New() connector.Connector { return entra{} }

type entra struct{}

// Spec returns the connector's catalogue entry.
func (entra) Spec() connector.Spec { return spec() }

// Open takes a tenant that can stand in the address of the token endpoint.
func (entra) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	if id := cfg.Settings.Get(tenantSetting); url.PathEscape(id) != id || strings.Trim(id, ".") == "" {
		return nil, connector.Errorf(connector.ErrInvalid, "open entra", "%s: %q is neither the id of a tenant nor a domain", tenantSetting, id)
	}
	src, err := rest.Open(ctx, spec(), api(cfg.Settings), cfg)
	if err != nil {
		return nil, err
	}
	return source{src}, nil
}

type source struct{ *rest.Source }

// Check knows that without User.Read.All no other permission for users can be
// tried: Microsoft refuses each request for them.
func (s source) Check(ctx context.Context) (connector.Report, error) {
	report, err := s.Source.Check(ctx)
	blocked := slices.ContainsFunc(report.Permissions, func(p connector.PermissionStatus) bool {
		return p.Name == readUsers && p.Grant == connector.Missing
	})
	for i, p := range report.Permissions {
		if blocked && (p.Name == readAuditLog || p.Name == readLifeCycle) {
			report.Permissions[i].Grant = connector.Unknown
			report.Permissions[i].Detail = "it can be tried once " + readUsers + " is granted: " + p.Detail
		}
	}
	return report, err
}

// A cloud is where Microsoft Graph and its token service are, see
// https://learn.microsoft.com/graph/deployments.
type cloud struct{ graph, login string }

func clouds() map[string]cloud {
	return map[string]cloud{
		"global":        {"graph.microsoft.com", "login.microsoftonline.com"},
		"us-government": {"graph.microsoft.us", "login.microsoftonline.us"},
		"us-dod":        {"dod-graph.microsoft.us", "login.microsoftonline.us"},
		"china":         {"microsoftgraph.chinacloudapi.cn", "login.chinacloudapi.cn"},
	}
}

func hosts() []string {
	return []string{
		"graph.microsoft.com", "login.microsoftonline.com",
		"graph.microsoft.us", "dod-graph.microsoft.us", "login.microsoftonline.us",
		"microsoftgraph.chinacloudapi.cn", "login.chinacloudapi.cn",
	}
}

// What is asked for of each record; Microsoft leaves out most of it otherwise.
const (
	userFields = "id,userPrincipalName,mail,otherMails,proxyAddresses,givenName,surname,displayName,jobTitle,department,companyName," +
		"employeeId,employeeType,employeeHireDate,accountEnabled,userType,businessPhones,mobilePhone,officeLocation,city,state,country," +
		"usageLocation,preferredLanguage,createdDateTime,onPremisesSyncEnabled,onPremisesSamAccountName,onPremisesDomainName," +
		"onPremisesImmutableId,assignedLicenses,externalUserState"
	signInField  = "signInActivity"
	leavingField = "employeeLeaveDateTime"
	deviceFields = "id,deviceId,displayName,operatingSystem,operatingSystemVersion,manufacturer,model,trustType,isManaged,isCompliant,approximateLastSignInDateTime"
)

// The largest pages that Microsoft allows, and with the sign-in activity.
const (
	largestPage       = 999
	largestSignInPage = 120
)

func api(settings connector.Settings) rest.API {
	at := clouds()[settings.Get(cloudSetting)]
	fields, size := userFields, largestPage
	if settings.Bool(leavingSetting) {
		fields += "," + leavingField
	}
	if settings.Bool(signInSetting) {
		fields, size = fields+","+signInField, largestSignInPage
	}
	oauth := rest.OAuthToken(rest.OAuth{
		TokenURL: "https://" + at.login + "/{tenant_id}/oauth2/v2.0/token",
		Scopes:   []string{"https://" + at.graph + "/.default"},
		Style:    rest.InForm,
	})
	return rest.API{
		Base: "https://" + at.graph + "/v1.0",
		Auth: map[credentials.Kind]rest.Auth{
			credentials.ClientCredentials: oauth,
			credentials.AuthorizationCode: oauth, // its scopes are those of the log-in
		},
		Messages: []string{"error.message"},
		Streams: map[string]rest.Stream{
			UsersStream: {
				Path:     "/users",
				Query:    url.Values{"$select": {fields}, "$expand": {"manager($select=id,mail,userPrincipalName,displayName)"}},
				Records:  "value",
				Paging:   rest.OData(),
				PageSize: size,
				Probes: map[string]rest.Probe{
					readUsers:     userWith("department"),
					readAuditLog:  userWith(signInField),
					readLifeCycle: userWith(leavingField),
				},
			},
			DevicesStream: {
				Path:     "/devices",
				Query:    url.Values{"$select": {deviceFields}, "$expand": {"registeredOwners($select=id,userPrincipalName)"}},
				Records:  "value",
				Paging:   rest.OData(),
				PageSize: largestPage,
				Probes:   map[string]rest.Probe{readUsers: userWith("department")},
			},
		},
	}
}

// userWith asks for one field of one user.
func userWith(field string) rest.Probe {
	return rest.Probe{Path: "/users", Query: url.Values{"$select": {"id," + field}, "$top": {"1"}}}
}
