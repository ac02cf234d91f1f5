package okta_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors/okta"
	"github.com/vendorsync/vendorsync/credentials"
)

// The users of an org, read with an API token. A server of recorded answers
// stands in for Okta.
func Example() {
	server := &resttest.Server{
		Authorized: resttest.Header("Authorization", "SSWS 00aBcDeFgHiJ"),
		Lists: map[string]*resttest.List{"/api/v1/users": {Form: resttest.Links, Items: []string{
			`{"id": "00u1", "status": "ACTIVE", "profile": {"login": "ada@example.com"}}`,
			`{"id": "00u2", "status": "DEPROVISIONED", "profile": {"login": "zoë@example.com"}}`,
		}, MaxSize: 200}},
	}
	transport := server.Transport()
	defer func() { _ = transport.Close() }()

	ctx := context.Background()
	c := okta.New()
	settings, err := c.Spec().Resolve(connector.Settings{"domain": {"acme.okta.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	src, err := c.Open(ctx, connector.Config{
		Settings:   settings,
		Credential: credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret("00aBcDeFgHiJ")}}),
		Transport:  transport,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()
	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: okta.UserStream}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, rec := range page.Records {
			var user struct {
				Status  string
				Profile struct{ Login string }
			}
			if err := json.Unmarshal(rec, &user); err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(user.Profile.Login, user.Status)
		}
	}
	// Output:
	// ada@example.com ACTIVE
	// zoë@example.com DEPROVISIONED
}
