// Package scim is the connector for the users of any server that speaks SCIM 2.0
// (RFC 7643 and RFC 7644), as most identity providers and many applications do.
//
//	src, err := scim.New().Open(ctx, connector.Config{
//		Settings:   connector.Settings{"base_url": {"https://id.example.com/scim/v2"}, "page_size": {"100"}},
//		Credential: token,
//	})
//	if err != nil {
//		return err
//	}
//	defer src.Close()
//	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: scim.UserStream}) {
//		...
//	}
//
// # What to create at the server
//
// A bearer token, an account with a password, or an OAuth 2.0 client, that may
// read /Users. A credential of the latter names the addresses of its log-in, since
// SCIM knows none: token_url, and auth_url where a person logs in. The server's
// documentation names the base URL, which is what stands before /Users and often
// ends in /scim/v2, and what the right to read users is called there. SCIM itself
// knows no names for rights.
//
// # What SCIM does not promise
//
// Pages are counted by startIndex, and the server keeps no list between two of
// them (RFC 7644, section 3.4.2.4): a user who is removed during a read moves the
// others up, and one of them may be passed over. The total then shrinks, which
// ends the read with [connector.ErrCursor] so that it starts anew. A server may
// send fewer users than it was asked for, or all at once.
//
// A read of the users changed since a time asks with a filter on
// meta.lastModified. A server that does not filter so answers with an error of
// class [connector.ErrUnsupported]; read all users then.
package scim
