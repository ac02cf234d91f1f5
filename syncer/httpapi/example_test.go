package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/httpapi"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// A host serves the API beside the Runner, here for one request.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	registry, err := connector.NewRegistry(&connectortest.Fake{ID: "mdm", Stream: "devices"})
	if err != nil {
		log.Fatal(err)
	}
	s, err := syncer.New(memory.New(memory.Options{}), syncer.Options{Registry: registry})
	if err != nil {
		log.Fatal(err)
	}
	in := syncer.Integration{ID: "laptops", Connector: "mdm", Stream: "devices", Mapping: mapping.Mapping{Object: "assets"}}
	if _, err := s.Save(ctx, in, "ada@example.com"); err != nil {
		log.Fatal(err)
	}

	const addr = "127.0.0.1:0"
	token := credentials.NewSecret("Vq0mT3c-of-its-own") // from a file, say
	if err := httpapi.CheckAddress(addr, token); err != nil {
		log.Fatal(err)
	}
	api, err := httpapi.New(httpapi.Options{
		Syncer: s,
		Runner: schedule.NewRunner(s.Scheduled(), schedule.Options{}),
		Token:  token,
	})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- api.Serve(ctx, listener) }()

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+listener.Addr().String()+"/api/v1/integrations/laptops/run", http.NoBody)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	var p httpapi.Problem
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Status, p.Code)
	fmt.Println(p.Detail)
	fmt.Println(p.Reasons[0])
	fmt.Println(p.Remedy)
	if err := res.Body.Close(); err != nil {
		log.Fatal(err)
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// 409 Conflict not_active
	// integration "laptops" is not active: it is draft
	// an integration user, to whom the changes are attributed (integration_user)
	// add what is missing, then launch it
	// <nil>
}

func ExampleCheckAddress() {
	var none credentials.Secret
	fmt.Println(httpapi.CheckAddress("127.0.0.1:8620", none))
	fmt.Println(httpapi.CheckAddress(":8620", none))
	fmt.Println(httpapi.CheckAddress(":8620", credentials.NewSecret("Vq0mT3c-of-its-own")))
	// Output:
	// <nil>
	// listen for the HTTP API: :8620 is reached from other machines, and there is no token [invalid_config: set a token, or listen on 127.0.0.1]
	// <nil>
}
