// Serve runs three integrations by their schedules, in a server of its own, kills
// that server in the middle of a run, and starts another, which takes the run up.
//
//	go run ./examples/serve
//
// What a program of its own needs is in server.go; this file is the story around it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/httpapi"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		err = serve(ctx, os.Args[2], os.Args[3], os.Stdout)
	} else {
		err = tell(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tell tells the story.
func tell(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "vendorsync-serve-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fleet := newVendor(5000, 15*time.Millisecond)
	vendor := httptest.NewServer(fleet)
	defer vendor.Close()
	if err := prepare(ctx, dir, vendor.URL); err != nil {
		return err
	}
	fmt.Fprintln(out, "Three integrations were launched an hour ago, and nobody has run them since.")

	first, err := start(ctx, dir, vendor.URL)
	if err != nil {
		return err
	}
	if err := until(ctx, func() bool { return fleet.pages() >= 30 }); err != nil {
		return errors.Join(err, first.kill())
	}
	if err := first.kill(); err != nil {
		return err
	}
	fmt.Fprintln(out, "The first server was killed in the middle of reading the fleet.")

	asked := fleet.pages()
	second, err := start(ctx, dir, vendor.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, second.stop()) }()
	var list httpapi.IntegrationList
	err = until(ctx, func() bool {
		list = httpapi.IntegrationList{}
		return second.get(ctx, "/api/v1/integrations", &list) == nil && allDone(list)
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "The second one took that run up where it stopped, and ran what else was due:")
	for _, in := range list.Integrations {
		r := in.LastRun
		fmt.Fprintf(out, "  %-8s %-23s %s: %d records, %d created, by %s\n", in.ID, in.Schedule, r.Status, r.Counts.Fetched, r.Counts.Created, r.Trigger)
	}
	fmt.Fprintf(out, "The fleet was not read from the start again: %v\n", fleet.pages()-asked < 50)
	fmt.Fprintln(out, "From the metrics page:")
	return second.metrics(ctx, out)
}

// allDone reports whether each integration's last run has come to its end.
func allDone(list httpapi.IntegrationList) bool {
	for _, in := range list.Integrations {
		if in.LastRun == nil || in.LastRun.Status != syncer.Succeeded {
			return false
		}
	}
	return len(list.Integrations) == 3
}

// until waits for something to be so.
func until(ctx context.Context, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("it took too long: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// A process is a server at work.
type process struct {
	cmd     *exec.Cmd
	address string // of its HTTP API
}

// start starts this program as a server, and waits until it listens.
func start(ctx context.Context, dir, vendor string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "serve", filepath.Join(dir, "inventory.db"), vendor) //nolint:gosec // It is this program itself.
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the server does not listen: %w", err), cmd.Wait())
	}
	return &process{cmd: cmd, address: strings.TrimSpace(line)}, nil
}

// kill ends a server as a power cut would.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	var status *exec.ExitError
	if err := p.cmd.Wait(); !errors.As(err, &status) {
		return err
	}
	return nil
}

// stop asks a server to end.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// get asks the HTTP API for a JSON value.
func (p *process) get(ctx context.Context, path string, into any) error {
	body, err := p.open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	return json.NewDecoder(body).Decode(into)
}

func (p *process) open(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.address+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s answered %s", path, resp.Status), resp.Body.Close())
	}
	return resp.Body, nil
}

// metrics prints what the metrics page says of records and of runs that succeeded.
func (p *process) metrics(ctx context.Context, out io.Writer) error {
	body, err := p.open(ctx, "/metrics")
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		line := lines.Text()
		created := strings.HasPrefix(line, "vendorsync_records_total") && strings.Contains(line, `"created"`)
		succeeded := strings.HasPrefix(line, "vendorsync_runs_total") && strings.Contains(line, `"succeeded"`)
		if created || succeeded {
			fmt.Fprintln(out, " ", line)
		}
	}
	return lines.Err()
}
