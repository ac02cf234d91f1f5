// Package okta is the connector for an Okta org: its users, its devices, its
// apps, and who is assigned to which app.
//
//	src, err := okta.New().Open(ctx, connector.Config{
//		Settings:   settings, // "domain": "acme.okta.com"
//		Credential: credential,
//	})
//
// # What to create at Okta
//
// One of three, see https://developer.okta.com/docs/guides/:
//
//   - An API token: Security > API > Tokens > Create token, made while signed in
//     as an account whose only role is Read-only Administrator. The token has the
//     rights of that account, and Okta ends it when it is unused for a while.
//   - A service app: Applications > Create App Integration > API Services. Choose
//     public key / private key as its client authentication, leave proof of
//     possession (DPoP) off, grant it the scopes okta.users.read,
//     okta.devices.read and okta.apps.read under Okta API Scopes, and give it the
//     Read-only Administrator role under Admin roles. The credential's issuer is
//     the app's client id; its key is an RSA key in PEM.
//   - An app in which an administrator logs in: Applications > Create App
//     Integration > OIDC, Native Application, with the grant types Authorization
//     Code and Refresh Token and the redirect URI http://127.0.0.1:8400/callback,
//     the same scopes granted, and the administrator assigned. It reads what that
//     person may read. A public client has no secret; Okta replaces its refresh
//     token with each use, unless told otherwise.
//
// A scope or right that is not granted costs only the streams that need it:
// Check tells which.
//
// # Streams
//
// "users" has the users that the setting "user_filter" names, all of them unless
// it is changed, deprovisioned ones too, which Okta leaves out of a list without
// a filter. "devices" has those of Okta Verify and FastPass with the people who
// use them. "apps" has the integrations, and "app_users" their assignments, one
// request or more for each app; each record says in "app" which app it is for.
//
// Users and devices can be asked for what has changed since a moment. Okta
// answers for devices from a search index, which lags a little behind.
package okta
