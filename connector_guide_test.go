package vendorsync_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/credentials"
)

// fleetSpec describes a vendor whose API answers
// {"devices":[...],"next":"..."}, next being absent on the last page.
func fleetSpec() connector.Spec {
	return connector.Spec{
		ID: "acme-fleet", Name: "Acme Fleet", Vendor: "Acme, Inc.", Version: "0.1.0", Category: "device management",
		Summary: "The devices that Acme Fleet manages.",
		DocsURL: "https://developer.acme.example/devices",
		Auth: []connector.AuthMethod{{
			ID: "token", Label: "API token", Kind: credentials.APIToken,
			Help: "Create an API token with the right devices:read under Administration, API tokens.",
		}},
		Hosts:    []string{"*.acme.example"},
		Settings: []connector.Setting{{Name: "domain", Type: connector.Host, Label: "Domain", Help: "Such as eu.acme.example.", Required: true}},
		Limits:   []connector.RateLimit{{Name: "requests", Requests: 1000, Per: time.Minute, Source: "https://developer.acme.example/limits"}},
		Streams: []connector.Stream{{
			Name: "devices", Label: "Devices", Summary: "Every device, the retired ones included.", Object: "assets", Key: "id",
			Fields: []connector.Field{
				{Path: "id", Type: connector.StringField, Label: "Id", Example: "d1001"},
				{Path: "serial", Type: connector.StringField, Label: "Serial number", Example: "C02XG0FHJGH5"},
				{Path: "unlock_pin", Type: connector.StringField, Label: "PIN that unlocks it", Sensitive: true},
			},
			Mapping: connector.DefaultMapping{
				Fields:   []connector.DefaultField{{To: "serial_number", From: "serial"}, {To: "asset_type", Value: "mobile"}},
				SyncKeys: []string{"serial_number"},
			},
			Permissions: []connector.Permission{{Name: "devices:read", Why: "It lists the devices."}},
			Complete:    true, // the list names all of them
		}},
	}
}

// newFleet returns the connector for Acme Fleet.
func newFleet() connector.Connector {
	return rest.New(fleetSpec(), rest.API{
		Base:     "https://{domain}/api/v1",
		Auth:     map[credentials.Kind]rest.Auth{credentials.APIToken: rest.Bearer()},
		Messages: []string{"error"},
		Streams: map[string]rest.Stream{
			"devices": {
				Path:     "/devices",
				Records:  "devices",
				Paging:   rest.Cursor{Param: "cursor", Path: "next", Size: "limit"},
				PageSize: 100, // the most that Acme allows
			},
		},
	})
}

// serveFleet returns a server that answers as Acme documents its API.
func serveFleet() *resttest.Server {
	var devices []string
	for i := range 250 {
		devices = append(devices, fmt.Sprintf(`{"id":"d%d","serial":"ACME%04d","unlock_pin":"482910"}`, i, i))
	}
	return &resttest.Server{
		Authorized: resttest.Bearer("good-s3cret"),
		Lists:      map[string]*resttest.List{"/api/v1/devices": {Form: resttest.Cursors, Records: "devices", Items: devices, MaxSize: 100}},
	}
}

func fleetToken(text string) credentials.Source {
	return credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(text)}})
}

func TestFleetKeepsTheContract(t *testing.T) {
	t.Parallel()
	transport := serveFleet().Transport()
	t.Cleanup(func() { _ = transport.Close() })
	connectortest.Run(t, newFleet(), connectortest.Options{
		Config: connector.Config{
			Settings:   connector.Settings{"domain": {"eu.acme.example"}},
			Credential: fleetToken("good-s3cret"),
			Transport:  transport,
		},
		BadSettings: []connector.Settings{nil, {"domain": {"evil.example"}}},
		MinRecords:  250,
	})
}

// refusal is a token that Acme refuses, with the words that it has for it.
func refusal(secret string, status int, words string) resttest.Refusal {
	return resttest.Refusal{
		Credential: fleetToken(secret),
		Says:       []string{words},
		Server: func(testing.TB) *resttest.Server {
			return &resttest.Server{Always: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = fmt.Fprintf(w, `{"error": %q}`, words)
			}}
		},
	}
}

// TestFleetBearsTheFaultsOfVendors is not parallel: what memory it takes is
// measured.
func TestFleetBearsTheFaultsOfVendors(t *testing.T) {
	resttest.RunFaults(t, newFleet(), resttest.FaultOptions{
		Server:  func(testing.TB) *resttest.Server { return serveFleet() },
		Config:  connector.Config{Settings: connector.Settings{"domain": {"eu.acme.example"}}, Credential: fleetToken("good-s3cret")},
		Stream:  "devices",
		Path:    "/api/v1/devices",
		Expired: refusal("last-years-s3cret", http.StatusUnauthorized, "token expired"),
		Wrong:   refusal("wrong-s3cret", http.StatusUnauthorized, "unknown token"),
		Weak:    refusal("weak-s3cret", http.StatusForbidden, "no right devices:read"),
	})
}
