//go:build unix && !race

// The race detector makes SQLite twenty times slower, and there is nothing for
// it to see between processes.

package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

const (
	killRecords = 10_000
	killMoments = 50
	// killsAMeasure is how many kills go by one measured length of a run.
	killsAMeasure = 5
)

// A shop is a folder with a configuration, a file of devices and the command.
type shop struct {
	binary, dir string
}

func openShop(t *testing.T) shop {
	t.Helper()
	s := shop{dir: t.TempDir()}
	s.binary = filepath.Join(s.dir, "vendorsync")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", s.binary, ".")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	f, err := os.Create(filepath.Join(s.dir, "devices.ndjson"))
	require.NoError(t, err)
	w := bufio.NewWriter(f)
	for i := range killRecords {
		_, err := w.Write(append(connectortest.AppendDevice(nil, i, 1, connectortest.DeviceOptions{RandomIDs: true, Applications: 1}), '\n'))
		require.NoError(t, err)
	}
	require.NoError(t, w.Flush())
	require.NoError(t, f.Close())
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "vendorsync.yaml"), []byte(`store: sqlite:inventory.db
integrations:
  - id: laptops
    name: Laptops
    connector: files
    stream: records
    settings: {path: devices.ndjson, key: id, page_size: 100}
    object: assets
    integration_user: it-sync@example.com
    launch: true
    mapping:
      fields:
        - {to: serial_number, from: serial_number}
        - {to: device_name, from: name}
        - {to: asset_tag, from: asset_tag}
        - {to: model, from: model.name}
        - {to: assigned_to, from: user.email}
      sync_keys: [serial_number]
      children:
        - {object: software, from: applications, fields: [{to: name, from: name}, {to: version, from: version}]}
`), 0o600))
	return s
}

func (s shop) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.binary, args...)
	cmd.Dir = s.dir
	return cmd
}

// run runs the integration to its end and returns the run and how long it took.
func (s shop) run(t *testing.T) (syncer.Run, time.Duration) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := s.command(t, "run", "laptops", "--json")
	cmd.Stderr = &stderr
	start := time.Now()
	out, err := cmd.Output()
	took := time.Since(start)
	require.NoError(t, err, "%s%s", out, &stderr)
	var run syncer.Run
	require.NoError(t, json.Unmarshal(out, &run), "%s", out)
	return run, took
}

// clear removes the database.
func (s shop) clear(t *testing.T) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(s.dir, "inventory.db"+suffix)); err != nil {
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}
}

// A contents is what a store holds, so far as a killed run could spoil it.
type contents struct {
	Assets, Installs, Titles, Links, Created int
}

func (s shop) contents(t *testing.T) contents {
	t.Helper()
	ctx := t.Context()
	store, err := sqlite.Open(ctx, filepath.Join(s.dir, "inventory.db"), sqlite.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	var c contents
	for object, n := range map[string]*int{"assets": &c.Assets, "software_installs": &c.Installs, "software": &c.Titles} {
		for rec, err := range store.Records(ctx, syncer.RecordQuery{Object: object, Archived: true}) {
			require.NoError(t, err)
			require.True(t, rec.Archived.IsZero())
			require.EqualValues(t, 1, rec.Revision, "%s %s was written twice", object, rec.ID)
			*n++
		}
	}
	for l, err := range store.ScanLinks(ctx, "laptops", "assets") {
		require.NoError(t, err)
		require.Empty(t, l.SupersededBy)
		c.Links++
	}
	for id := 1; id <= c.Assets; id += 997 { // a sample: each record's history begins with one creation and ends there
		for e, err := range store.History(ctx, "assets", fmt.Sprint(id)) {
			require.NoError(t, err)
			require.Equal(t, syncer.Create, e.Op)
		}
	}
	return c
}

// A run that is killed at any moment and run again loses no record, doubles none
// and counts each once.
func TestAKilledRunIsTakenUpAgain(t *testing.T) {
	s := openShop(t)
	whole, length := s.run(t)
	require.EqualValues(t, killRecords, whole.Counts.Created)
	want := s.contents(t)
	require.Equal(t, killRecords, want.Assets)
	require.Equal(t, killRecords, want.Links)
	require.Equal(t, killRecords, want.Installs)

	measured, landed, resumed := length, 0, 0
	for i := range killMoments {
		if i > 0 && i%killsAMeasure == 0 { // the machine may have become slower or faster
			s.clear(t)
			last := measured
			_, measured = s.run(t)
			length = min(last, measured)
		}
		s.clear(t)
		cmd := s.command(t, "run", "laptops", "--json")
		require.NoError(t, cmd.Start())
		moment := i * 7 % killMoments // all of them, each group of kills over the whole length
		time.Sleep(length * time.Duration(2*moment+1) / (2 * killMoments))
		require.NoError(t, cmd.Process.Kill())
		err := cmd.Wait()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
			landed++
		}
		run, _ := s.run(t)
		c := run.Counts
		require.Equal(t, c.Fetched, c.Filtered+c.Created+c.Updated+c.Unchanged+c.Skipped+c.Failed, "kill %d", i)
		require.EqualValues(t, killRecords, c.Fetched, "kill %d", i)
		if run.Resumed > 0 {
			resumed++
			require.EqualValues(t, killRecords, c.Created, "kill %d: over the resumes each record was created once", i)
			require.Equal(t, whole.Effects, run.Effects, "kill %d", i)
		}
		require.Equal(t, want, s.contents(t), "kill %d", i)
	}
	t.Logf("%d of %d kills landed in a run of %s, %d runs were resumed", landed, killMoments, length, resumed)
	require.GreaterOrEqual(t, landed, killMoments*8/10)
	require.Positive(t, resumed)
}
