package scim_test

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/scim"
	"github.com/vendorsync/vendorsync/credentials"
)

// The users of a server, two at a time. Here a server of the test's answers;
// without the Transport it is the one at base_url.
func Example() {
	transport := provider{users: []string{
		`{"id":"1","userName":"ada"}`, `{"id":"2","userName":"grace"}`, `{"id":"3","userName":"zoë"}`,
	}}.server().Transport()
	defer func() { _ = transport.Close() }()

	ctx := context.Background()
	src, err := scim.New().Open(ctx, connector.Config{
		Settings: connector.Settings{"base_url": {"https://id.example.com/scim/v2"}, "page_size": {"2"}},
		Credential: credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{
			"token": credentials.NewSecret(bearerToken),
		}}),
		Transport: transport,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()

	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: scim.UserStream}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(page.Records)
	}
	// Output:
	// [{"id":"1","userName":"ada"} {"id":"2","userName":"grace"}]
	// [{"id":"3","userName":"zoë"}]
}
