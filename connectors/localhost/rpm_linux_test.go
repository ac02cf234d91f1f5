package localhost

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

// withRPM returns the Fedora fixture with one of the commands in testdata/rpm in
// place of rpm.
func withRPM(t *testing.T, command string) *Connector {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", "rpm", command))
	require.NoError(t, err)
	c := fixture("fedora-server")
	c.findRPM = func() (string, error) { return path, nil }
	return c
}

func TestRecordsOfAnRPMMachine(t *testing.T) {
	t.Parallel()
	c := withRPM(t, "lists")
	src := open(t, c, nil)
	for _, stream := range c.Spec().Streams {
		page, err := read(t.Context(), src, stream.Name)
		require.NoError(t, err)
		golden(t, "fedora-server."+stream.Name+".json", page.Records)
	}
	report, err := src.Check(t.Context())
	require.NoError(t, err)
	for _, p := range report.Permissions {
		require.Equal(t, connector.Granted, p.Grant, p.Name)
	}
}

func TestConformanceOfAnRPMMachine(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, withRPM(t, "lists"), connectortest.Options{MinRecords: 1})
}

func TestAnRPMDatabaseWithoutACommandIsNoList(t *testing.T) {
	t.Parallel()
	require.Nil(t, readAsset(t, fixture("fedora-server"), nil).Applications)
}

func TestAnRPMCommandThatFailsIsAnErrorAndNoShorterList(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		command string
		class   connector.Class
		message string
	}{
		"it exits with 1":                         {"fails", connector.ErrMalformed, "cannot open Packages database"},
		"it complains of damage and exits with 0": {"complains", connector.ErrMalformed, "skipping h#"},
		"it may not read":                         {"denied", connector.ErrPermission, "Permission denied"},
		"it answers something else":               {"babbles", connector.ErrMalformed, "line 1: not the four columns"},
		"it cannot be started":                    {"is-not-there", connector.ErrUnavailable, "rpm cannot be run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := open(t, withRPM(t, tc.command), nil)
			_, err := read(t.Context(), src, AssetStream)
			require.ErrorIs(t, err, tc.class)
			require.ErrorContains(t, err, tc.message)

			report, err := src.Check(t.Context())
			require.NoError(t, err)
			for _, p := range report.Permissions {
				if p.Name == readPackages {
					require.NotEqual(t, connector.Granted, p.Grant)
					require.Contains(t, p.Detail, tc.message)
				}
			}
		})
	}
}

func TestAReadThatIsCancelledDoesNotWaitForRPM(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := read(ctx, open(t, withRPM(t, "hangs"), nil), AssetStream)
	require.ErrorIs(t, err, connector.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), 30*time.Second, "the command sleeps for ten minutes")
}
