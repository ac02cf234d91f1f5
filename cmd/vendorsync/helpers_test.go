package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connectors"
	"github.com/vendorsync/vendorsync/syncer/config"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// A shell calls the command in a folder of its own, as one person at one time
// of the day.
type shell struct {
	*testing.T
	dir   string
	ctx   context.Context
	now   time.Time
	fakes []connector.Connector
	width int               // of the terminal that standard output is; 0 for none
	tty   bool              // standard error is a terminal
	in    string            // standard input
	env   map[string]string // variables beside the configuration file's
	// transport carries the connectors' requests; nil for their own.
	transport http.RoundTripper
	// browse is the person's browser.
	browse func(ctx context.Context, address string) error
	// memory takes the place of the file that the configuration names, for all
	// calls: opening a database of its own takes most of a call's time. Nil for
	// the store that is named.
	memory store
}

func newShell(t *testing.T, fakes ...*connectortest.Fake) *shell {
	t.Helper()
	sh := &shell{T: t, dir: t.TempDir(), ctx: t.Context(), memory: memory.New(memory.Options{}), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for _, f := range fakes {
		sh.fakes = append(sh.fakes, f)
	}
	return sh
}

// A result is what a call left behind.
type result struct {
	t        *testing.T
	code     int
	out, err string
}

// run calls the command.
func (sh *shell) run(args ...string) result {
	sh.Helper()
	a, out, errOut := sh.app()
	code := a.run(sh.ctx, append([]string{"--by", "ada"}, args...), strings.NewReader(sh.in))
	return result{sh.T, code, out.String(), errOut.String()}
}

// app is one call of the command, yet to be made.
func (sh *shell) app() (a *app, stdout, stderr *bytes.Buffer) {
	sh.Helper()
	registry, err := connector.NewRegistry(append(connectors.All(), sh.fakes...)...)
	require.NoError(sh, err)
	var out, errOut bytes.Buffer
	env := map[string]string{configVariable: sh.path("vendorsync.yaml")}
	maps.Copy(env, sh.env)
	a = &app{
		out: &out, err: &errOut, registry: registry, lookup: func(name string) string { return env[name] },
		now: func() time.Time { return sh.now }, zone: time.FixedZone("test", 3600), outWidth: sh.width, errIsTTY: sh.tty, openStore: openStore,
		stdin: newPrompter(strings.NewReader(sh.in), &errOut), transport: sh.transport, browse: sh.browse,
		configDir: func() (string, error) { return sh.dir, nil },
	}
	if sh.memory != nil {
		a.openStore = func(context.Context, *config.File, *slog.Logger) (store, func() error, error) {
			return sh.memory, func() error { return nil }, nil
		}
	}
	return a, &out, &errOut
}

// done calls the command, which is to succeed, and returns its output.
func (sh *shell) done(args ...string) string {
	sh.Helper()
	r := sh.run(args...)
	require.Equal(sh, exitDone, r.code, "%v\n%s%s", args, r.out, r.err)
	return r.out
}

// fails calls the command, which is to end with that status, and returns what
// it says.
func (sh *shell) fails(code int, args ...string) string {
	sh.Helper()
	r := sh.run(args...)
	require.Equal(sh, code, r.code, "%v\n%s%s", args, r.out, r.err)
	return r.err
}

func (sh *shell) path(name string) string { return filepath.Join(sh.dir, name) }

func (sh *shell) write(name, text string) {
	sh.Helper()
	require.NoError(sh, os.WriteFile(sh.path(name), []byte(text), 0o600))
}

// config is the text of the configuration file.
func (sh *shell) config() string {
	sh.Helper()
	b, err := os.ReadFile(sh.path("vendorsync.yaml"))
	require.NoError(sh, err)
	return string(b)
}

// decodeJSON decodes output that is one JSON value and nothing else.
func decodeJSON[T any](t *testing.T, text string) T {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	var v T
	require.NoError(t, d.Decode(&v), "%s", text)
	_, err := d.Token()
	require.ErrorIs(t, err, io.EOF, "more than one value in %s", text)
	return v
}

type object = map[string]any

// keys are the names of an object's members.
func keys(o object) []string {
	var names []string
	for k := range o {
		names = append(names, k)
	}
	return names
}

const devices = `{"id": 1, "serial": "C01", "name": "mac one", "user": {"email": "ada@example.com"}, "applications": [{"name": "Slack", "version": "4.1"}]}
{"id": 2, "serial": "C02", "name": "mac two", "applications": []}
{"id": 3, "serial": "C03", "name": "mac three"}
`

const laptops = `store: sqlite:inventory.db
integrations:
  - id: laptops
    name: Laptops
    connector: files
    settings: {path: devices.ndjson, key: id}
    object: assets
    integration_user: it-sync@example.com
    launch: true
    mapping:
      fields:
        - {to: serial_number, from: serial}
        - {to: device_name, from: name}
        - {to: assigned_to, from: user.email}
        - {to: status, value: Active}
      sync_keys: [serial_number]
      children:
        - {object: software, from: applications, fields: [{to: name, from: name}, {to: version, from: version}]}
`

// laptopShell has a file of three devices and an active integration of it.
func laptopShell(t *testing.T, fakes ...*connectortest.Fake) *shell {
	t.Helper()
	sh := newShell(t, fakes...)
	sh.write("devices.ndjson", devices)
	sh.write("vendorsync.yaml", laptops)
	return sh
}
