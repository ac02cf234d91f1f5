// Package rest is the toolkit for vendors with an HTTP interface: a connector is
// a [connector.Spec] and an [API], in which each stream is an entry of a table.
//
//	func New() connector.Connector {
//		return rest.New(spec, rest.API{
//			Base: "https://{domain}/api/v1",
//			Auth: map[credentials.Kind]rest.Auth{credentials.APIToken: rest.HeaderToken("Authorization", "SSWS ")},
//			Streams: map[string]rest.Stream{
//				"users": {Path: "/users", Paging: rest.LinkHeader{Size: "limit"}, PageSize: 200},
//			},
//		})
//	}
//
// A [Client] sends single requests: held back by the limits of the Spec and of
// the vendor's headers, tried again where that is safe, authorized anew when a
// token expires, bounded in time and memory ([Bounds]), and only ever to the
// vendor's own hosts. Certificates are always verified. No error shows a secret
// or a query. Records are cut out of the answers byte for byte.
//
// # Tokens and log-ins
//
// What a credential is exchanged for is renewed before it ends, by one request for
// all that wait for it. Integrations of one credential share it if their host gives
// them the same [connector.Tokens]. A refresh token that a vendor replaces is kept
// by the host before it is used.
//
// A person logs in with [Authorize], in a browser on their own machine, or with the
// two halves [Authorization.Begin] and [Authorization.Finish] in a program that has
// web pages. Both need no more than the connector's Spec:
//
//	cred, err := rest.Authorize(ctx, rest.Authorization{Spec: c.Spec(), Settings: settings, Credential: client, Open: showPage})
//	entry, err := vault.Add(ctx, cred, binding, details, user)
//
// # Beyond the table
//
// Where the table cannot say it, an author opens a [Source] with [Open] and
// overrides what differs, or works with the Client alone.
package rest
