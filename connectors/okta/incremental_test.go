package okta_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/okta"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// A second run that asks for changes brings the one record that has changed, and
// is not complete.
func TestARunAsksForWhatHasChanged(t *testing.T) {
	t.Parallel()
	moment, err := time.Parse(time.RFC3339, since)
	require.NoError(t, err)
	for name, parameter := range map[string]string{okta.UserStream: "filter", okta.DeviceStream: "search"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := org(t)
			cfg := config(t, server)
			registry, err := connector.NewRegistry(okta.New())
			require.NoError(t, err)
			s, err := syncer.New(memory.New(memory.Options{}), syncer.Options{
				Registry: registry, Transport: cfg.Transport, Now: func() time.Time { return moment.Add(15 * time.Minute) },
				Credentials: func(context.Context, syncer.Integration, credentials.Binding) (credentials.Source, error) {
					return cfg.Credential, nil
				},
			})
			require.NoError(t, err)
			_, err = s.Save(t.Context(), syncer.Integration{
				ID: "okta", Connector: "okta", Stream: name, Settings: cfg.Settings, Credential: "token", User: "it-sync@example.com",
				Mapping: mapping.FromDefault(stream(t, name)), FullEvery: 7,
			}, "ada")
			require.NoError(t, err)
			require.NoError(t, s.Launch(t.Context(), "okta", "ada"))

			full, err := s.Run(t.Context(), "okta", syncer.RunOptions{})
			require.NoError(t, err)
			require.EqualValues(t, 60, full.Counts.Fetched)
			require.True(t, full.Complete)

			part, err := s.Run(t.Context(), "okta", syncer.RunOptions{})
			require.NoError(t, err)
			require.EqualValues(t, 1, part.Counts.Fetched)
			require.Equal(t, moment, part.Since)
			require.False(t, part.Complete)
			requests := server.Requests()
			last, err := url.Parse(requests[len(requests)-1].URL)
			require.NoError(t, err)
			require.Contains(t, last.Query().Get(parameter), `lastUpdated gt "`+since+`"`)
		})
	}
}
