package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/syncer"
)

const tracked = `integrations:
  - id: fleet
    connector: fleet
    object: assets
    integration_user: it-sync@example.com
    launch: true
    mapping: {fields: {serial_number: serial}, sync_keys: [serial_number]}
`

// trackedShell has an active integration of a vendor that can tell changes: the
// second of its two records is a day younger than the first.
func trackedShell(t *testing.T) *shell {
	t.Helper()
	fleet := &connectortest.Fake{
		ID: "fleet", Records: []connector.Record{connector.Record(`{"id": "1", "serial": "S1"}`), connector.Record(`{"id": "2", "serial": "S2"}`)},
		ChangedAt: func(i int) time.Time { return time.Date(2026, 3, 1+i, 9, 0, 0, 0, time.UTC) },
	}
	sh := newShell(t, fleet)
	sh.write("vendorsync.yaml", tracked)
	return sh
}

func TestARunOfChanges(t *testing.T) {
	t.Parallel()
	sh := trackedShell(t)
	out := sh.done("run", "fleet", "--changed")
	require.Regexp(t, `fleet +succeeded +2: 2 created`, out)
	require.Contains(t, out, "fleet read everything: no run before it has read everything.\n")

	sh.now = sh.now.Add(24 * time.Hour)
	out = sh.done("test", "fleet", "--changed")
	require.Contains(t, out, "\n\nfleet read what has changed since 2026-03-01 12:45:00")
	require.Regexp(t, `fleet +test succeeded +1: 1 unchanged`, out)
	out = sh.done("run", "fleet", "--changed")
	require.Regexp(t, `fleet +succeeded +1: 1 unchanged`, out)
	require.Contains(t, out, "fleet read what has changed since 2026-03-01 12:45:00; the last full read was on 2026-03-01 13:00:00.\n")

	run := decodeJSON[[]syncer.Run](t, sh.done("runs", "fleet", "--json"))[0]
	require.Equal(t, time.Date(2026, 3, 1, 11, 45, 0, 0, time.UTC), run.Since)
	shown := sh.done("runs", "show", run.ID)
	require.Regexp(t, `whole source read +no`, shown)
	require.Regexp(t, `read +what has changed since 2026-03-01 12:45:00; the last full read was on 2026-03-01 13:00:00`, shown)

	require.Regexp(t, `fleet +succeeded +2: 2 unchanged`, sh.done("run", "--all", "--full"))
	require.NotContains(t, sh.done("run", "fleet"), "fleet read", "everything is read, as always")
}

func TestFullEveryMakesItAHabit(t *testing.T) {
	t.Parallel()
	sh := trackedShell(t)
	sh.write("vendorsync.yaml", strings.Replace(tracked, "launch: true", "launch: true\n    full_every: 7d", 1))
	sh.done("run", "fleet")
	sh.now = sh.now.Add(24 * time.Hour)
	require.Regexp(t, `fleet +succeeded +1: 1 unchanged`, sh.done("run", "fleet"))
	sh.now = sh.now.Add(6 * 24 * time.Hour)
	out := sh.done("run", "fleet")
	require.Regexp(t, `fleet +succeeded +2: 2 unchanged`, out)
	require.Contains(t, out, "fleet read everything: the last full read is 7 days old.\n")
}

func TestChangesAloneAreRefusedWhereTheyCannotBeTold(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	require.Contains(t, sh.fails(exitFailed, "run", "laptops", "--changed"), "files cannot tell which of its records have changed")
	require.Contains(t, sh.fails(exitUsage, "run", "laptops", "--changed", "--full"), "--changed and --full exclude each other")
	require.Equal(t, "[]\n", sh.done("runs", "--json"))
	sh.write("vendorsync.yaml", strings.Replace(laptops, "launch: true", "launch: true\n    full_every: 7d", 1))
	require.Contains(t, sh.fails(exitUsage, "list"), "full_every: files cannot tell which of its records have changed")
}
