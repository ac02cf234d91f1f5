package scim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// New returns the connector for SCIM 2.0.
func New() connector.Connector { return scim{} }

type scim struct{}

func (scim) Spec() connector.Spec { return spec() }

func (scim) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	size := cfg.Settings.Int(pageSizeSetting)
	if size < 1 {
		return nil, connector.Errorf(connector.ErrInvalid, "open scim", "%s: %q is no number of users", pageSizeSetting, cfg.Settings.Get(pageSizeSetting))
	}
	return rest.Open(ctx, spec(), rest.API{
		Base:   "{" + baseURLSetting + "}",
		Header: map[string]string{"Accept": "application/scim+json, application/json"},
		Auth: map[credentials.Kind]rest.Auth{
			credentials.APIToken:          rest.AnyToken("Authorization", "Bearer "),
			credentials.Basic:             rest.BasicAuth("{username}", "{password}"),
			credentials.ClientCredentials: rest.OAuthToken(rest.OAuth{}),
			credentials.AuthorizationCode: rest.OAuthToken(rest.OAuth{}),
		},
		Classify: classify,
		Messages: []string{"detail"},
		Streams: map[string]rest.Stream{
			UserStream: {
				Path:     "/Users",
				Records:  "Resources",
				Optional: true, // of an empty list
				Paging:   index{},
				PageSize: size,
				Since: func(q url.Values, t time.Time) {
					q.Set("filter", fmt.Sprintf("meta.lastModified ge %q", t.UTC().Format(time.RFC3339)))
				},
			},
		},
	}, cfg)
}

// classify knows a refused filter, RFC 7644, section 3.12.
func classify(r *rest.Response) connector.Class {
	if r.Status == http.StatusBadRequest && r.Get("scimType") == "invalidFilter" {
		return connector.ErrUnsupported
	}
	return ""
}

// index pages by startIndex and count, RFC 7644, section 3.4.2.4. A mark is the
// number of the page's first user, from 1, and how many users there were in all
// when the page before was read. A total that is too small does not end a list
// whose pages are full.
type index struct{}

// Turn asks for the users from the mark on.
func (index) Turn(r *rest.Request, mark string, size int) error {
	at, _, err := parse(mark)
	if err != nil {
		return err
	}
	r.Set("startIndex", at)
	r.Set("count", size)
	return nil
}

// Next returns the mark of the user after the page's last one.
func (index) Next(p rest.PageInfo) (string, error) {
	const op = "find the next page"
	at, before, err := parse(p.Mark)
	if err != nil {
		return "", err
	}
	if p.Records == 0 && p.Mark != "" && at > before {
		return "", nil
	}
	text := p.Answer.Get("totalResults")
	total, err := strconv.Atoi(text)
	next := at + p.Records
	switch {
	case err != nil || total < 0:
		return "", connector.Errorf(connector.ErrMalformed, op, "totalResults is %q, which is no number", text)
	case total < before:
		return "", connector.Errorf(connector.ErrCursor, op, "there were %d users and are now %d: others may have been passed over", before, total)
	case p.Records == 0 && next <= total:
		return "", connector.Errorf(connector.ErrMalformed, op, "the server counts %d users and has sent %d", total, at-1)
	case p.Records == 0, next > total && p.Records != p.Size:
		return "", nil
	}
	return fmt.Sprintf("%d/%d", next, total), nil
}

func parse(mark string) (at, total int, err error) {
	if mark == "" {
		return 1, 0, nil
	}
	if _, err := fmt.Sscanf(mark, "%d/%d", &at, &total); err != nil || mark != fmt.Sprintf("%d/%d", at, total) || at < 1 || total < 0 {
		return 0, 0, connector.Errorf(connector.ErrCursor, "resume", "%q is no place in a list of SCIM", mark)
	}
	return at, total, nil
}
