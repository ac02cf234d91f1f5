package rest_test

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/credentials"
)

// acmeSpec is the catalogue entry of a vendor with one list.
func acmeSpec() connector.Spec {
	return connector.Spec{
		ID: "acme", Name: "Acme", Vendor: "Acme, Inc.", Version: "1", Category: "identity",
		Summary:  "The users of Acme.",
		DocsURL:  "https://developer.acme.example/users",
		Auth:     []connector.AuthMethod{{ID: "token", Label: "API token", Kind: credentials.APIToken}},
		Hosts:    []string{"*.acme.example"},
		Settings: []connector.Setting{{Name: "domain", Label: "Domain", Required: true}},
		Streams: []connector.Stream{{
			Name: "users", Key: "id", Object: "users", Complete: true,
			Permissions: []connector.Permission{{Name: "users:read", Why: "lists the users"}},
			Fields: []connector.Field{
				{Path: "id", Type: connector.StringField},
				{Path: "name", Type: connector.StringField},
			},
		}},
	}
}

// newAcme is all the code that its connector has: a bearer token, and a list
// whose pages are found by a cursor.
func newAcme() connector.Connector {
	return rest.New(acmeSpec(), rest.API{
		Base: "https://{domain}/api",
		Auth: map[credentials.Kind]rest.Auth{credentials.APIToken: rest.Bearer()},
		Streams: map[string]rest.Stream{
			"users": {
				Path:     "/users",
				Records:  "users",
				Paging:   rest.Cursor{Param: "cursor", Path: "next", Size: "limit"},
				PageSize: 100,
			},
		},
	})
}

func token(text string) credentials.Source {
	return credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(text)}})
}

func Example() {
	server := &resttest.Server{
		Authorized: resttest.Bearer("s3cr3t-token"),
		Lists:      map[string]*resttest.List{"/api/users": {Form: resttest.Cursors, Records: "users", Items: resttest.Items(250)}},
	}
	transport := server.Transport()
	defer func() { _ = transport.Close() }()

	ctx := context.Background()
	src, err := newAcme().Open(ctx, connector.Config{
		Settings:   connector.Settings{"domain": {"eu.acme.example"}},
		Credential: token("s3cr3t-token"),
		Transport:  transport,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()
	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: "users"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(page.Records), "records, the first is", page.Records[0])
	}
	// Output:
	// 100 records, the first is {"id": "u1", "name": "Person 1", "number": 1.0}
	// 100 records, the first is {"id": "u101", "name": "Person 101", "number": 101.0}
	// 50 records, the first is {"id": "u201", "name": "Person 201", "number": 201.0}
}
