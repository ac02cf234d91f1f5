// Package resttest is one scriptable vendor server for the tests of connectors:
// lists in every paging form, a check of the credential, rate limits with their
// headers, and the faults that real servers have. [RunFaults] holds a connector to
// what it owes its host under each of them.
//
//	s := &resttest.Server{
//		Authorized: resttest.Bearer("s3cr3t-token"),
//		Lists:      map[string]*resttest.List{"/api/users": {Form: resttest.Cursors, Records: "users", Items: resttest.Items(250)}},
//	}
//	transport := s.Transport()
//	defer transport.Close()
//	cfg := connector.Config{Transport: transport}
//
// A Transport leads every host to the server, within the process, so that a
// connector is tested with the addresses that it has in use, and in a
// testing/synctest bubble with its clock. [Server.ServeHTTP] stands behind
// net/http/httptest where real connections are wanted.
//
// The package uses the standard library alone.
package resttest
