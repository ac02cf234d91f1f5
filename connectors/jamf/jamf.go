package jamf

import (
	"bytes"
	"net/url"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// New returns the connector for Jamf Pro.
func New() connector.Connector {
	pages := rest.PageNumber{Param: "page", First: 0, Size: "page-size", Total: "totalCount"}
	return rest.New(spec(), rest.API{
		Base: "https://{domain}/api",
		Auth: map[credentials.Kind]rest.Auth{
			credentials.ClientCredentials: rest.OAuthToken(rest.OAuth{TokenURL: "/oauth/token", Style: rest.InForm}), //nolint:gosec // an address, no secret
			credentials.Session:           rest.SessionToken(rest.Login{Path: "/v1/auth/token", Token: "token", Expires: "expires"}),
		},
		Errors:   quotaUsedUp,
		Messages: []string{"errors[0].description", "errors[0].code"},
		Streams: map[string]rest.Stream{
			ComputersStream: {
				Path: "/{inventory_version}/computers-inventory",
				// A computer has only the sections that are asked for.
				Query: url.Values{"sort": {"id:asc"}, "section": {
					"GENERAL", "HARDWARE", "OPERATING_SYSTEM", "USER_AND_LOCATION", "PURCHASING", "APPLICATIONS", "EXTENSION_ATTRIBUTES",
				}},
				Records:  "results",
				Paging:   pages,
				PageSize: 100, // of at most 2000; the applications make a page large
				Since:    reportedSince,
			},
			MobileDevicesStream: {
				Path:     "/v2/mobile-devices",
				Query:    url.Values{"sort": {"id:asc"}},
				Records:  "results",
				Paging:   pages,
				PageSize: 1000,
			},
		},
	})
}

// reportedSince filters in RSQL. Jamf takes times in UTC alone, with milliseconds.
func reportedSince(q url.Values, t time.Time) {
	q.Set("filter", `general.reportDate>="`+t.UTC().Format("2006-01-02T15:04:05.000Z")+`"`)
}

// quotaUsedUp knows the note by which the gateway of Jamf Cloud refuses a request
// under any status.
func quotaUsedUp(r *rest.Response) error {
	const most = 4096 // the note is short
	if len(r.Body) <= most && bytes.Contains(r.Body, []byte("policies.ratelimit.QuotaViolation")) {
		return connector.Errorf(connector.ErrRateLimited, "", "the gateway of Jamf Cloud says that its quota is used up")
	}
	return nil
}
