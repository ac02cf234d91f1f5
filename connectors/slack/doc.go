// Package slack is the connector for the people of a Slack workspace.
//
//	src, err := slack.New().Open(ctx, connector.Config{Settings: settings, Credential: token})
//	if err != nil {
//		return err
//	}
//	defer src.Close()
//	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: slack.UserStream}) {
//		...
//	}
//
// # What to create at Slack
//
// Create an app at https://api.slack.com/apps, from scratch, for the workspace
// that is to be read. Under "OAuth & Permissions" give its bot token the scopes
// users:read and users:read.email, install the app into the workspace, and take
// the "Bot User OAuth Token", which begins with xoxb-. Leave token rotation off:
// the token then does not expire. A token of a whole Enterprise organization
// needs the id of the workspace too, in the setting team_id.
//
// The list is that of users.list, see
// https://docs.slack.dev/reference/methods/users.list: members, guests and those
// who are deactivated. Bots and Slackbot are left out.
package slack
