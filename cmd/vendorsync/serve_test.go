package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/httpapi"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

func TestScheduleListsTheNextTimes(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	require.Regexp(t, `(?m)^laptops  active  daily at 0\d:\d\d \(UTC\)  never +2026-03-02 0\d:\d\d:\d\d$`, sh.done("schedule", "-n", "1"))
	require.Contains(t, sh.run("edit", "laptops", "--set", "schedule=every 6h not between 08:00 and 18:00 zone Europe/London").out, "set schedule of laptops")
	require.Contains(t, sh.config(), "every 6h not between 08:00 and 18:00 zone Europe/London")
	sh.done("edit", "laptops", "--set", `schedule={cron: "0 3 * * 1-5", zone: Europe/London}`)
	require.Contains(t, sh.config(), `cron: "0 3 * * 1-5"`)
	out := sh.done("schedule", "laptops")
	require.Regexp(t, `laptops  active  cron 0 3 \* \* 1-5 \(Europe/London\)  never     2026-03-02 04:00:00`, out, "in the zone of who asks")
	views := decodeJSON[[]scheduleView](t, sh.done("schedule", "laptops", "-n", "5", "--json"))
	require.Len(t, views[0].Next, 5)
	require.Equal(t, schedule.Spec{Cron: "0 3 * * 1-5", Zone: "Europe/London"}, views[0].Schedule.Spec())
	require.Equal(t, time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC), views[0].Next[0].UTC())

	sh.done("edit", "laptops", "--set", "schedule=manual")
	require.Regexp(t, `laptops  active  .*  never     never`, sh.done("schedule"))
	sh.done("pause", "laptops")
	require.Empty(t, decodeJSON[[]scheduleView](t, sh.done("schedule", "--json"))[0].Next)
	require.Contains(t, sh.fails(exitUsage, "edit", "laptops", "--set", "schedule=hourly-ish"), "is not known here: write daily, manual, every")
	require.Contains(t, sh.fails(exitUsage, "schedule", "-n", "0"), "is not between 1 and 100")
	require.Contains(t, sh.fails(exitFailed, "schedule", "phones"), "there is no integration")
}

func TestReportSaysHowIntegrationsAreDoing(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.done("run", "laptops")
	require.NoError(t, os.Remove(sh.path("devices.ndjson")))
	require.Equal(t, exitFailed, sh.run("run", "laptops").code)
	text := sh.done("report")
	require.Contains(t, text, "Laptops (laptops)")
	require.Contains(t, text, "1 failed")
	require.Contains(t, text, "assets  3")

	r := sh.run("report", "--html", sh.path("report.html"))
	require.Equal(t, exitDone, r.code)
	require.Empty(t, r.out)
	require.Equal(t, "wrote "+sh.path("report.html")+"\n", r.err)
	page, err := os.ReadFile(sh.path("report.html"))
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(page, []byte("<!DOCTYPE html>")) || bytes.HasPrefix(page, []byte("<!doctype html>")))
	require.Contains(t, string(page), "Laptops")
	require.NotRegexp(t, `(?i)(src|href)="?https?:`, string(page), "it needs nothing beside itself")
	report := decodeJSON[object](t, sh.done("report", "--json"))
	require.Len(t, report["integrations"], 1)
	require.Contains(t, sh.fails(exitFailed, "report", "--html", sh.path("no/such/folder.html")), "write the report")
}

// A log is what a server says, read while it is written.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A served is a server at work.
type served struct {
	*shell
	log     *log
	address string
	stop    func() int // and the exit status
}

// serves starts a server, and waits until it answers.
func (sh *shell) serves() *served {
	sh.Helper()
	a, _, _ := sh.app()
	s := &served{shell: sh, log: &log{}}
	a.err, a.poll = s.log, 10*time.Millisecond
	began := time.Now()
	a.now = func() time.Time { return sh.now.Add(time.Since(began)) }
	ctx, cancel := context.WithCancel(sh.ctx)
	ended := make(chan int, 1)
	go func() {
		ended <- a.run(ctx, []string{"--by", "ada", "serve", "--listen", "127.0.0.1:0"}, strings.NewReader(""))
	}()
	var once sync.Once
	code := -1
	s.stop = func() int {
		cancel()
		once.Do(func() { code = <-ended })
		return code
	}
	sh.Cleanup(func() { s.stop() })
	at := regexp.MustCompile(`HTTP API on (http://\S+); stop`)
	s.until(func() bool {
		m := at.FindStringSubmatch(s.log.String())
		if m != nil {
			s.address = m[1]
		}
		return m != nil
	})
	return s
}

// next is the next post that comes in.
func (s *served) next(posts <-chan string) string {
	s.Helper()
	select {
	case post := <-posts:
		return post
	case <-time.After(20 * time.Second):
		require.Fail(s, "nobody was told", "%s", s.log)
		return ""
	}
}

func (s *served) until(done func() bool) {
	s.Helper()
	require.Eventually(s, done, 20*time.Second, 5*time.Millisecond, "%s", s.log)
}

// ask asks the HTTP API.
func (s *served) ask(method, path, token string) (status int, body string) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.ctx, method, s.address+path, http.NoBody)
	require.NoError(s, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(s, err)
	return resp.StatusCode, string(b)
}

// lastRun is the last run of an integration, as the HTTP API shows it.
func (s *served) lastRun(id string) httpapi.Run {
	s.Helper()
	_, body := s.ask(http.MethodGet, "/api/v1/integrations/"+id, "")
	var in httpapi.Integration
	require.NoError(s, json.Unmarshal([]byte(body), &in), body)
	if in.LastRun == nil {
		return httpapi.Run{}
	}
	return *in.LastRun
}

// A server runs what was due while it was away, sees what is added, and stops
// cleanly.
func TestStoryOfAServer(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.memory = nil
	sh.done("list")                  // launched
	sh.now = sh.now.AddDate(0, 0, 9) // the machine was off for nine days
	s := sh.serves()
	s.until(func() bool { return s.lastRun("laptops").Status == syncer.Succeeded })
	require.Equal(t, "schedule", s.lastRun("laptops").Trigger)
	require.Len(t, decodeJSON[[]syncer.Run](t, sh.done("runs", "laptops", "--json")), 1, "nine days are caught up with once")
	status, body := s.ask(http.MethodGet, "/healthz", "")
	require.Equal(t, http.StatusOK, status, body)
	status, body = s.ask(http.MethodGet, "/metrics", "")
	require.Equal(t, http.StatusOK, status, body)
	require.Regexp(t, `vendorsync_runs_total\{integration="laptops",status="succeeded"\} 1`, body)
	require.Regexp(t, `vendorsync_next_run_timestamp_seconds\{integration="laptops"\} 1\.7`, body)

	first := s.lastRun("laptops").ID
	status, body = s.ask(http.MethodPost, "/api/v1/integrations/laptops/run", "")
	require.Equal(t, http.StatusAccepted, status, body)
	s.until(func() bool { r := s.lastRun("laptops"); return r.ID != first && r.Status == syncer.Succeeded })
	require.Equal(t, "manual", s.lastRun("laptops").Trigger)
	require.Equal(t, "operator", s.lastRun("laptops").By)

	sh.write("phones.ndjson", `{"id": "p1", "serial": "P01", "name": "phone"}`+"\n")
	file := sh.config() + strings.NewReplacer("laptops", "phones", "devices.ndjson", "phones.ndjson", "Laptops", "Phones").Replace(laptops[strings.Index(laptops, "  - id:"):])
	sh.write("vendorsync.yaml", file)
	s.until(func() bool { return strings.Contains(s.log.String(), "the configuration file was read again") })
	sh.write("vendorsync.yaml", file+"nonsense: true\n")
	s.until(func() bool {
		return strings.Contains(s.log.String(), "the configuration file is left as it was read before")
	})
	sh.write("vendorsync.yaml", file)
	s.until(func() bool {
		status, _ := s.ask(http.MethodPost, "/api/v1/integrations/phones/run", "")
		return status == http.StatusAccepted
	})
	s.until(func() bool { return s.lastRun("phones").Status == syncer.Succeeded })
	require.Contains(t, s.log.String(), `msg="run ended" integration=phones`)
	require.Equal(t, exitDone, s.stop(), s.log)
}

// Two servers on one file run what is due once.
func TestStoryOfTwoServers(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.memory = nil
	sh.done("list")
	sh.now = sh.now.AddDate(0, 0, 9)
	one, two := sh.serves(), sh.serves()
	for _, s := range []*served{one, two} {
		s.until(func() bool { return s.lastRun("laptops").Status == syncer.Succeeded })
		s.until(func() bool {
			_, body := s.ask(http.MethodGet, "/api/v1/integrations/laptops", "")
			return strings.Contains(body, `"next":"2026-03-11T`)
		})
	}
	require.Equal(t, exitDone, one.stop())
	require.Equal(t, exitDone, two.stop())
	runs := decodeJSON[[]syncer.Run](t, sh.done("runs", "laptops", "--json"))
	require.Len(t, runs, 1)
	require.Equal(t, syncer.Counts{Fetched: 3, Created: 3}, runs[0].Counts)
}

func TestAServerBeyondThisMachineNeedsAToken(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.memory = nil
	require.Contains(t, sh.fails(exitUsage, "serve", "--listen", "0.0.0.0:0"), "token")
	require.Contains(t, sh.fails(exitUsage, "serve", "--concurrency", "0"), "must be more than 0")
	sh.env = map[string]string{tokenVariable: "a-token-of-an-operator"}
	s := sh.serves()
	status, _ := s.ask(http.MethodGet, "/api/v1/integrations", "")
	require.Equal(t, http.StatusUnauthorized, status)
	status, body := s.ask(http.MethodGet, "/api/v1/integrations", "a-token-of-an-operator")
	require.Equal(t, http.StatusOK, status, body)
	require.NotContains(t, s.log.String(), "a-token-of-an-operator")
	require.Equal(t, exitDone, s.stop())

	sh.env = map[string]string{tokenFileVariable: sh.path("none")}
	require.Contains(t, sh.fails(exitFailed, "serve"), "read the token")
	sh.write("vendorsync.yaml", "store: memory\n")
	require.Contains(t, sh.fails(exitUsage, "serve"), "name one that is kept")
}

// People are told of a run that fails, and that it is over, once each.
func TestStoryOfANotice(t *testing.T) {
	t.Parallel()
	posts := make(chan string, 10)
	hook := receiver(t, posts)
	sh := laptopShell(t)
	sh.memory = nil
	sh.env = map[string]string{"VENDORSYNC_HOOK": "a-secret-of-the-receiver"}
	sh.write("vendorsync.yaml", laptops+"notices: {webhook: {url: "+hook+", secret: env:VENDORSYNC_HOOK}}\n")
	require.NoError(t, os.Rename(sh.path("devices.ndjson"), sh.path("away")))
	require.Equal(t, exitFailed, sh.run("run", "laptops").code)
	s := sh.serves()
	require.Contains(t, s.next(posts), `"kind":"run_failed"`)
	s.until(func() bool { return sh.remembers(`"told"`) })
	require.Equal(t, exitDone, s.stop())

	require.NoError(t, os.Rename(sh.path("away"), sh.path("devices.ndjson")))
	sh.now = sh.now.Add(time.Hour)
	sh.done("run", "laptops")
	s = sh.serves()
	over := s.next(posts)
	require.Contains(t, over, `"over":true`)
	require.Equal(t, exitDone, s.stop())
	require.Empty(t, posts)
	require.NotContains(t, s.log.String()+over, "a-secret-of-the-receiver")
}

// remembers reports whether the store remembers of a trouble what text says.
func (sh *shell) remembers(text string) bool {
	sh.Helper()
	db, err := sqlite.Open(sh.ctx, sh.path("inventory.db"), sqlite.Options{})
	require.NoError(sh, err)
	defer func() { require.NoError(sh, db.Close()) }()
	troubles, err := db.Troubles(sh.ctx)
	require.NoError(sh, err)
	for _, document := range troubles {
		if strings.Contains(string(document), text) {
			return true
		}
	}
	return false
}

func receiver(t *testing.T, posts chan<- string) (address string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			posts <- string(b)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}
