package connectortest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

// bendDevices makes TestRunOfDevices fail, in a process of its own.
const bendDevices = "CONNECTORTEST_BEND_DEVICES"

func TestRunOfDevices(t *testing.T) {
	var c connector.Connector = devices()
	if os.Getenv(bendDevices) != "" {
		c = onStream(func(st *connector.Stream) { st.Key, st.Mapping.SyncKeys = "uuid", nil })
	}
	connectortest.Run(t, c, connectortest.Options{
		MinRecords: 13,
		Except:     map[connectortest.Rule]string{connectortest.MappingSound: "to show that it is left out"},
	})
}

func TestRunFailsWithTheNameOfTheRule(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestRunOfDevices$", "-test.v")
	cmd.Env = append(os.Environ(), bendDevices+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), `--- FAIL: TestRunOfDevices/records_have_their_vendor_id`)
	require.Contains(t, string(out), `rule "records have their vendor id" is broken by stream "devices": record 1: there is no uuid`)
	require.Contains(t, string(out), `--- PASS: TestRunOfDevices/records_are_JSON_objects`)
	require.Contains(t, string(out), `not held to "default mappings use declared fields and have a sync key": to show that it is left out`)
	require.NotContains(t, string(out), `TestRunOfDevices/default_mappings`)
}
