package rest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/credentials"
)

// A person logs in on their own machine. Here the vendor stands in the process,
// and a client in place of the person's browser.
func ExampleAuthorize() {
	var issuer resttest.Issuer
	server := &resttest.Server{Handlers: map[string]http.HandlerFunc{"/authorize": issuer.Authorize, "/token": issuer.Token}}
	transport := server.Transport()
	defer func() { _ = transport.Close() }()

	a := rest.Authorization{
		Spec:       logInSpec(),
		Settings:   connector.Settings{"domain": {"eu.acme.example"}},
		Credential: credentials.Credential{Values: map[string]credentials.Secret{"client_id": credentials.NewSecret("vendorsync")}},
		Transport:  transport,
		Open: func(ctx context.Context, address string) error {
			fmt.Println("open", address[:len("https://eu.acme.example/authorize")])
			return (&browser{vendor: transport}).visit(ctx, address)
		},
	}
	redirect, err := a.Redirect()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("register at the vendor:", redirect)
	cred, err := rest.Authorize(context.Background(), a)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("for the vault:", cred.Kind, cred.Value("refresh_token"))
	// Output:
	// register at the vendor: http://127.0.0.1/callback
	// open https://eu.acme.example/authorize
	// for the vault: authorization_code ********
}

// A program with web pages of its own does the two halves itself.
func ExampleAuthorization_Begin() {
	var issuer resttest.Issuer
	server := &resttest.Server{Handlers: map[string]http.HandlerFunc{"/authorize": issuer.Authorize, "/token": issuer.Token}}
	transport := server.Transport()
	defer func() { _ = transport.Close() }()
	a := rest.Authorization{
		Spec:       logInSpec(),
		Settings:   connector.Settings{"domain": {"eu.acme.example"}},
		Credential: credentials.Credential{Values: map[string]credentials.Secret{"client_id": credentials.NewSecret("vendorsync")}},
		Transport:  transport,
	}

	attempt, err := a.Begin("https://console.example/callback") // kept in the person's session
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := (&browser{vendor: transport}).location(context.Background(), attempt.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	// The handler of /callback.
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, back, http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	cred, err := a.Finish(r.Context(), attempt, r.URL.Query())
	fmt.Println(cred.Kind, cred.Value("refresh_token"), err)
	// Output:
	// authorization_code ******** <nil>
}
