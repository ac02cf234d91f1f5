package connectors_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
	"github.com/vendorsync/vendorsync/connectors"
	"github.com/vendorsync/vendorsync/connectors/okta"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// A fault of the vendor in the midst of a run leaves what whole pages brought,
// each record once, and the next run brings the rest.
func TestAFaultOfTheVendorLeavesNothingHalfApplied(t *testing.T) {
	t.Parallel()
	const devices, perPage = 60, 20
	for name, test := range map[string]struct {
		fault resttest.Fault
		says  string
	}{
		"a page that breaks off":      {resttest.Malformed(), "malformed"},
		"HTML in place of JSON":       {resttest.HTML(), "malformed"},
		"a redirect to another host":  {resttest.Redirect("https://evil.example/api/v1/devices"), "malformed"},
		"a token that is revoked":     {resttest.Status(http.StatusUnauthorized), "auth"},
		"a right that is withdrawn":   {resttest.Status(http.StatusForbidden), "permission"},
		"a server that is down":       {resttest.Status(http.StatusServiceUnavailable), "unavailable"},
		"a server that stalls":        {resttest.Stall(), "unavailable"},
		"a connection that breaks":    {resttest.CloseInBody(), "unavailable"},
		"a limit that lasts for days": {resttest.Status(http.StatusTooManyRequests, "Retry-After", "200000"), "longer than its limit of 24h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				list := &resttest.List{Form: resttest.Links, MaxSize: 200, Short: perPage}
				for i := range devices {
					list.Items = append(list.Items, fmt.Sprintf(`{"id":"d%d","status":"ACTIVE","profile":{"serialNumber":"C02XK%d","displayName":"Zoës Mac %d"}}`, i, i, i))
				}
				good := &resttest.Server{Lists: map[string]*resttest.List{"/api/v1/devices": list}}
				broken := true
				vendor := &resttest.Server{Handlers: map[string]http.HandlerFunc{"/api/v1/devices": func(w http.ResponseWriter, r *http.Request) {
					if broken && r.URL.Query().Has("after") {
						test.fault(w, r)
						return
					}
					good.ServeHTTP(w, r)
				}}}
				store := memory.New(memory.Options{})
				s := deviceSyncer(t, store, vendor)

				run, err := s.Run(t.Context(), "laptops", syncer.RunOptions{})
				require.Error(t, err)
				require.Equal(t, syncer.Failed, run.Status)
				require.Contains(t, run.Error, test.says)
				require.EqualValues(t, perPage, run.Counts.Fetched)
				require.EqualValues(t, perPage, run.Counts.Created)
				require.Len(t, serials(t, store), perPage)

				broken = false
				run, err = s.Run(t.Context(), "laptops", syncer.RunOptions{})
				require.NoError(t, err)
				require.Equal(t, syncer.Succeeded, run.Status)
				require.EqualValues(t, devices, run.Counts.Fetched)
				require.EqualValues(t, devices-perPage, run.Counts.Created)
				require.EqualValues(t, perPage, run.Counts.Unchanged)
				require.Len(t, serials(t, store), devices)
			})
		})
	}
}

// deviceSyncer returns a syncer that reads the devices of an org of Okta.
func deviceSyncer(t *testing.T, store *memory.Store, vendor *resttest.Server) *syncer.Syncer {
	t.Helper()
	transport := vendor.Transport()
	t.Cleanup(func() { require.NoError(t, transport.Close()) })
	registry, err := connectors.Registry()
	require.NoError(t, err)
	s, err := syncer.New(store, syncer.Options{
		Registry:  registry,
		Transport: transport,
		Credentials: func(context.Context, syncer.Integration, credentials.Binding) (credentials.Source, error) {
			return credentials.Static(credentials.Credential{Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret("00a-token")}}), nil
		},
	})
	require.NoError(t, err)
	stream, ok := okta.New().Spec().Stream(okta.DeviceStream)
	require.True(t, ok)
	_, err = s.Save(t.Context(), syncer.Integration{
		ID: "laptops", Name: "Laptops", Connector: "okta", Stream: okta.DeviceStream, Credential: "okta", User: "it-sync@example.com",
		Settings: connector.Settings{"domain": {"acme.okta.com"}},
		Mapping:  mapping.FromDefault(stream),
	}, "ada@example.com")
	require.NoError(t, err)
	require.NoError(t, s.Launch(t.Context(), "laptops", "ada@example.com"))
	return s
}

// serials returns the serial numbers in the store.
func serials(t *testing.T, store *memory.Store) []string {
	t.Helper()
	assets, ok := mapping.Standard().Object("assets")
	require.True(t, ok)
	var out []string
	for rec, err := range store.Records(t.Context(), syncer.RecordQuery{Object: assets.Name}) {
		require.NoError(t, err)
		out = append(out, rec.Values[assets.Field("serial_number")].Text)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
