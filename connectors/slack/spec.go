package slack

import (
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// UserStream is the stream of the workspace's people.
const UserStream = "users"

const userLimit = "users.list"

// The scopes.
const (
	readUsers = "users:read"
	readEmail = "users:read.email"
)

func spec() connector.Spec {
	return connector.Spec{
		ID:       "slack",
		Name:     "Slack",
		Vendor:   "Slack Technologies, LLC",
		Version:  "0.1.0",
		Category: "collaboration",
		Aliases:  []string{"chat", "messenger", "salesforce slack", "govslack"},
		Summary:  "The members and guests of a Slack workspace.",
		DocsURL:  "https://docs.slack.dev/reference/methods/users.list",
		Auth: []connector.AuthMethod{{
			ID:    "bot_token",
			Label: "Bot token",
			Help:  "Create an app at https://api.slack.com/apps, give its bot token the scopes users:read and users:read.email under OAuth & Permissions, install it, and take the Bot User OAuth Token (xoxb-...). A user token (xoxp-...) works too.",
			Kind:  credentials.APIToken,
		}},
		Hosts: []string{"slack.com", "slack-gov.com"},
		Settings: []connector.Setting{
			{Name: "domain", Type: connector.Host, Label: "Domain", Help: "Where Slack is: slack.com, or slack-gov.com for GovSlack.", Default: "slack.com"},
			{Name: "team_id", Label: "Workspace id", Help: "The workspace to read, such as T012AB3C4, if the token is an organization's; empty else."},
			rest.ProxySetting(),
		},
		Limits: []connector.RateLimit{
			// Tier 2: at least 20 requests a minute, per method, workspace and app.
			{Name: userLimit, Requests: 20, Per: time.Minute, Source: "https://docs.slack.dev/apis/web-api/rate-limits"},
		},
		Streams: []connector.Stream{userStream()},
	}
}

func userStream() connector.Stream {
	return connector.Stream{
		Name:    UserStream,
		Label:   "Users",
		Summary: "The members and guests of the workspace, the deactivated ones included; no bots.",
		Object:  "users",
		Key:     "id",
		Fields: []connector.Field{
			{Path: "id", Type: connector.StringField, Label: "Id", Example: "W012A3CDE"},
			{Path: "team_id", Type: connector.StringField, Label: "Workspace id", Example: "T012AB3C4"},
			{Path: "name", Type: connector.StringField, Label: "Username", Example: "ada"},
			{Path: "deleted", Type: connector.BooleanField, Label: "Deactivated", Example: "false"},
			{Path: "real_name", Type: connector.StringField, Label: "Full name", Example: "Ada Lovelace"},
			{Path: "tz", Type: connector.StringField, Label: "Time zone", Example: "Europe/London"},
			{Path: "tz_offset", Type: connector.NumberField, Label: "Time zone, seconds from UTC", Example: "3600"},
			{Path: "locale", Type: connector.StringField, Label: "Locale", Example: "en-GB"},
			{Path: "updated", Type: connector.NumberField, Label: "Updated, in seconds since 1970", Example: "1767366245"},
			{Path: "is_admin", Type: connector.BooleanField, Label: "Admin", Example: "false"},
			{Path: "is_owner", Type: connector.BooleanField, Label: "Owner", Example: "false"},
			{Path: "is_primary_owner", Type: connector.BooleanField, Label: "Primary owner", Example: "false"},
			{Path: "is_restricted", Type: connector.BooleanField, Label: "Guest", Example: "false"},
			{Path: "is_ultra_restricted", Type: connector.BooleanField, Label: "Guest of a single channel", Example: "false"},
			{Path: "is_bot", Type: connector.BooleanField, Label: "Bot", Example: "false"},
			{Path: "is_app_user", Type: connector.BooleanField, Label: "Uses the app that asks", Example: "false"},
			{Path: "is_invited_user", Type: connector.BooleanField, Label: "Invited, and not yet there", Example: "false"},
			{Path: "has_2fa", Type: connector.BooleanField, Label: "Two-factor authentication", Example: "true"},
			{Path: "enterprise_user.id", Type: connector.StringField, Label: "Id in the organization", Example: "W012A3CDE"},
			{Path: "enterprise_user.enterprise_id", Type: connector.StringField, Label: "Organization id", Example: "E012AB3C4"},
			{Path: "enterprise_user.teams", Type: connector.ListField, Label: "Workspaces in the organization", Example: "T012AB3C4"},
			{Path: "profile.email", Type: connector.StringField, Label: "E-mail", Example: "ada@example.com"},
			{Path: "profile.first_name", Type: connector.StringField, Label: "First name", Example: "Ada"},
			{Path: "profile.last_name", Type: connector.StringField, Label: "Last name", Example: "Lovelace"},
			{Path: "profile.real_name", Type: connector.StringField, Label: "Full name in the profile", Example: "Ada Lovelace"},
			{Path: "profile.display_name", Type: connector.StringField, Label: "Display name", Example: "ada"},
			{Path: "profile.title", Type: connector.StringField, Label: "Job title", Example: "Analyst"},
			{Path: "profile.phone", Type: connector.StringField, Label: "Phone", Example: "+44 20 7946 0958"},
			{Path: "profile.skype", Type: connector.StringField, Label: "Skype name", Example: "ada.lovelace"},
			{Path: "profile.image_192", Type: connector.StringField, Label: "Picture", Example: "https://avatars.slack-edge.com/ada_192.png"},
			{Path: "profile.status_text", Type: connector.StringField, Label: "What the person says of the moment", Example: "On holiday", Sensitive: true},
			{Path: "profile.fields", Type: connector.ObjectField, Label: "Fields of the workspace's own", Sensitive: true},
		},
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "username", From: "name"},
				{To: "email", From: "profile.email"},
				// Older accounts have a full name alone. Only one of two words can be
				// told apart.
				{To: "first_name", From: "{{ profile.first_name or (real_name.split(' ')[0] if real_name.split(' ') | length == 2) or '' }}"},
				{To: "last_name", From: "{{ profile.last_name or (real_name.split(' ')[1] if real_name.split(' ') | length == 2) or '' }}"},
				{To: "full_name", From: "real_name"},
				{To: "title", From: "profile.title"},
				{To: "phone", From: "profile.phone"},
				{To: "status", From: "deleted", Values: map[string]string{"false": "active", "true": "deprovisioned"}},
				{To: "time_zone", From: "tz"},
				{To: "locale", From: "locale"},
				{To: "role", Default: "Employee"},
			},
			SyncKeys: []string{"email", "username"},
		},
		Permissions: []connector.Permission{
			{Name: readUsers, Why: "It lists the users."},
			{Name: readEmail, Why: "Without it Slack leaves the e-mail addresses out. Its state is unknown if Slack's answer does not list the token's scopes."},
		},
		Complete: true,
		// A cursor names the user it stands at, so that nobody moves under it:
		// https://docs.slack.dev/apis/web-api/pagination.
		StableResume: true,
	}
}
