package notice_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/notice"
)

// start is when every scene begins.
var start = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

// A journal is a journal in memory.
type journal struct {
	mu           sync.Mutex
	integrations []syncer.Integration
	runs         []syncer.Run // the newest first
	err          error
	runsErr      error
}

// change changes a journal that is being watched.
func (j *journal) change(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
}

func (j *journal) Integrations(context.Context) ([]syncer.Integration, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.integrations), j.err
}

func (j *journal) Runs(_ context.Context, q syncer.RunQuery) ([]syncer.Run, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.runsErr != nil {
		return nil, j.runsErr
	}
	var out []syncer.Run
	for _, r := range j.runs {
		if r.Integration == q.Integration && (q.Test || !r.Test) && (q.Limit == 0 || len(out) < q.Limit) {
			out = append(out, r)
		}
	}
	return out, nil
}

// A recorder notes what it is told, unless fails says why it cannot.
type recorder struct {
	mu    sync.Mutex
	told  []notice.Notice
	tries int
	fails func(n notice.Notice) error
}

func (r *recorder) Notify(_ context.Context, n notice.Notice) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	if r.fails != nil {
		if err := r.fails(n); err != nil {
			return err
		}
	}
	r.told = append(r.told, n)
	return nil
}

// take returns what was told since the last time.
func (r *recorder) take() []notice.Notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := r.told
	r.told = nil
	return told
}

// subjects returns the subjects of what was told since the last time, in order.
func (r *recorder) subjects() []string {
	out := []string{}
	for _, n := range r.take() {
		out = append(out, n.Subject())
	}
	slices.Sort(out)
	return out
}

// A scene is a watcher over one active integration, "laptops".
type scene struct {
	*testing.T
	journal  *journal
	troubles *notice.Memory
	people   *recorder
	late     []notice.Late
	entries  []credentials.Entry
	opt      notice.Options
	clock    time.Time
	watcher  *notice.Watcher
}

func newScene(t *testing.T, change ...func(*scene)) *scene {
	t.Helper()
	s := &scene{T: t, journal: &journal{integrations: []syncer.Integration{laptops()}}, troubles: &notice.Memory{}, people: &recorder{}, clock: start}
	s.opt = notice.Options{
		Notifiers:   map[string]notice.Notifier{"people": s.people},
		Troubles:    s.troubles,
		Late:        func(context.Context) ([]notice.Late, error) { return s.late, nil },
		Credentials: func(context.Context) ([]credentials.Entry, error) { return s.entries, nil },
		Now:         func() time.Time { return s.clock },
	}
	for _, f := range change {
		f(s)
	}
	s.restart()
	return s
}

func laptops() syncer.Integration {
	return syncer.Integration{ID: "laptops", Name: "Laptops", State: syncer.Active, Credential: "okta", Contacts: []string{"ada@example.com"}}
}

// restart makes a new watcher over what is kept.
func (s *scene) restart() {
	s.Helper()
	var err error
	s.watcher, err = notice.New(s.journal, s.opt)
	require.NoError(s, err)
}

// run adds a run that ended at the scene's time, or has not.
func (s *scene) run(id string, status syncer.Status) *syncer.Run {
	r := syncer.Run{ID: id, Integration: "laptops", Status: status, Started: s.clock.Add(-time.Minute)}
	if status.Ended() {
		r.Finished = s.clock
	}
	if status == syncer.Failed {
		r.Error, r.Remedy = "list devices: 401 Unauthorized", "renew the credential"
	}
	s.journal.runs = slices.Insert(s.journal.runs, 0, r)
	return &s.journal.runs[0]
}

// check checks once, and returns the subjects of what was told.
func (s *scene) check() []string {
	s.Helper()
	require.NoError(s, s.watcher.Check(s.Context()))
	return s.people.subjects()
}

// logTo returns a logger that writes to b.
func logTo(b *strings.Builder) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// open returns the kinds of the troubles that are kept, by subject.
func (s *scene) open() map[string]notice.Kind {
	s.Helper()
	all, err := s.troubles.Troubles(s.Context())
	require.NoError(s, err)
	kinds := map[string]notice.Kind{}
	for subject, data := range all {
		var record struct{ Notice notice.Notice }
		require.NoError(s, json.Unmarshal(data, &record))
		kinds[subject] = record.Notice.Kind
	}
	return kinds
}
