// Package httpapi lets operators and their tools see over HTTP how integrations
// are doing, start them, and stop them.
//
// An [API] is an [http.Handler] over a [syncer.Syncer] and the [schedule.Runner]
// that starts its integrations. [API.Serve] serves it alone; a host may also mount
// it beside its own pages, with [http.StripPrefix] if need be:
//
//	if err := httpapi.CheckAddress(addr, token); err != nil {
//		return err
//	}
//	api, err := httpapi.New(httpapi.Options{Syncer: s, Runner: runner, Token: token})
//	if err != nil {
//		return err
//	}
//	listener, err := net.Listen("tcp", addr)
//	if err != nil {
//		return err
//	}
//	return api.Serve(ctx, listener) // until ctx ends
//
// # Routes
//
//	GET  /healthz                            the process lives
//	GET  /readyz                             the store answers and the runner asks it for work
//	GET  /metrics                            Options.Metrics
//	GET  /api/v1/integrations                all, see IntegrationList
//	GET  /api/v1/integrations/{id}           one, see Integration
//	POST /api/v1/integrations/{id}/run       run it now, see Accepted
//	POST /api/v1/integrations/{id}/cancel    stop its run
//	GET  /api/v1/integrations/{id}/runs      its runs, the newest first, see RunList
//	GET  /api/v1/runs                        those of all
//	GET  /api/v1/runs/{id}                   one, with its problems, see Run
//	POST /api/v1/runs/{id}/cancel            stop it, a test run too
//
// Every GET is a HEAD too. Lists of runs come in pages: ?limit=50 (1 to 200) is the
// length of one, ?before= the id of the run to go on after, ?test=true includes
// test runs. A POST needs no body; one that it has is the JSON object {}. What is
// asked for by a POST happens soon after the answer, which is 202.
//
// Answers are JSON. One that is no success is a [Problem], as RFC 9457 has it,
// with a remedy. Neither settings nor credentials nor contacts of an integration
// are in any answer.
//
// # Who may ask
//
// With a Token, all but /healthz and /readyz ask for it: Authorization: Bearer
// TOKEN. Without one, whoever can connect may do everything, so the API answers
// only what comes in on a loopback address and asks for a loopback name: a page
// that a browser has loaded from elsewhere cannot reach it by making its own name
// lead to 127.0.0.1. What other sites have a browser post is refused in any case.
//
// A token goes over the network as it is: away from loopback, serve on a listener
// made by [crypto/tls.NewListener], or behind a proxy that speaks TLS. With a proxy
// there must be a token, on loopback too: what it passes on comes from elsewhere.
package httpapi
