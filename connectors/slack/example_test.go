package slack_test

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/slack"
	"github.com/vendorsync/vendorsync/credentials"
)

// The people of a workspace. Here a server of the test's answers in Slack's
// place; without the Transport it is Slack itself.
func Example() {
	transport := workspace{members: []string{
		`{"id":"U1","name":"ada","profile":{"email":"ada@example.com"}}`,
		`{"id":"USLACKBOT","name":"slackbot"}`,
	}}.server().Transport()
	defer func() { _ = transport.Close() }()

	ctx := context.Background()
	src, err := slack.New().Open(ctx, connector.Config{
		Settings: connector.Settings{"domain": {"slack.com"}},
		Credential: credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{
			"token": credentials.NewSecret(botToken),
		}}),
		Transport: transport,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()

	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: slack.UserStream}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, rec := range page.Records {
			fmt.Println(rec)
		}
	}
	// Output: {"id":"U1","name":"ada","profile":{"email":"ada@example.com"}}
}
