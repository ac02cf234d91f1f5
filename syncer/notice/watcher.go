package notice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
)

// A Journal is what a Watcher reads of a [syncer.Journal].
type Journal interface {
	Integrations(ctx context.Context) ([]syncer.Integration, error)
	Runs(ctx context.Context, q syncer.RunQuery) ([]syncer.Run, error)
}

// A Late is an integration whose run was due and has not started.
type Late struct {
	Integration string
	Due         time.Time // when it was to start
	Why         string    // if it is known; one sentence without a full stop
	Remedy      string    // what to do; empty for the common one
}

// Options configure a Watcher. Troubles and at least one Notifier are required.
type Options struct {
	// Notifiers are the ways in which people are told, by a name of each that
	// stays: it is remembered who has told what.
	Notifiers map[string]Notifier
	// Troubles remembers what is open and who has been told.
	Troubles Troubles
	// Late returns the integrations that did not start on time, however much delay
	// the host allows. Nil means that nobody looks.
	Late func(ctx context.Context) ([]Late, error)
	// Credentials returns all credentials that there are, such as
	// [credentials.Vault.Entries]. Nil means that nobody looks.
	Credentials func(ctx context.Context) ([]credentials.Entry, error)
	// Unfinished is how long a run may take. Defaults to 24 h.
	Unfinished time.Duration
	// Problems also tells of runs that succeeded with problems, or to which the
	// vendor sent no record.
	Problems bool
	// Timeout bounds the telling of one notice in one way. Defaults to 2 min.
	Timeout time.Duration
	// Parallel is how many notices are told at once. Defaults to 8.
	Parallel int
	// Logger receives what [Watcher.Watch] meets. Nil discards.
	Logger *slog.Logger
	// Now tells the time. Defaults to time.Now.
	Now func() time.Time
}

// A Watcher finds troubles of integrations and has people told of them: once
// when one begins, and once when it is over. It is safe for concurrent use, and
// several, in several processes, may share one Troubles.
type Watcher struct {
	journal Journal
	opt     Options
	names   []string // of the notifiers, in order
}

// New returns a Watcher over a journal. The error is of class ErrInvalid where
// an option is missing or negative.
func New(journal Journal, opt Options) (*Watcher, error) {
	const op = "watch for troubles"
	switch {
	case journal == nil:
		return nil, connector.Errorf(connector.ErrInvalid, op, "there is no journal")
	case opt.Troubles == nil:
		return nil, connector.Errorf(connector.ErrInvalid, op, "there is nothing that keeps the open troubles")
	case len(opt.Notifiers) == 0:
		return nil, connector.Errorf(connector.ErrInvalid, op, "there is no way to tell people")
	case opt.Unfinished < 0 || opt.Timeout < 0 || opt.Parallel < 0:
		return nil, connector.Errorf(connector.ErrInvalid, op, "a time or a number is negative")
	}
	for name, notifier := range opt.Notifiers {
		if notifier == nil {
			return nil, connector.Errorf(connector.ErrInvalid, op, "the notifier %q is nil", name)
		}
	}
	opt.Unfinished = cmp.Or(opt.Unfinished, 24*time.Hour)
	opt.Timeout = cmp.Or(opt.Timeout, 2*time.Minute)
	opt.Parallel = cmp.Or(opt.Parallel, 8)
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Watcher{journal: journal, opt: opt, names: slices.Sorted(maps.Keys(opt.Notifiers))}, nil
}

// Watch checks at once and then every so often until ctx is done, and logs what
// Check returns. A minute is often enough; 0 or less means a minute. It returns
// once the notices that are being told are told or given up.
func (w *Watcher) Watch(ctx context.Context, every time.Duration) {
	if every <= 0 {
		every = time.Minute
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if err := w.Check(ctx); err != nil && ctx.Err() == nil {
			w.opt.Logger.ErrorContext(ctx, "notices", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// Check looks once at everything, and has people told of what has begun and what
// is over since. The error joins all that could not be looked at, told or
// remembered; the rest is done all the same, and what was not done is done by a
// later Check. What could not be told is tried again after a minute, then ever
// more seldom, at last every 6 hours.
func (w *Watcher) Check(ctx context.Context) error {
	kept, err := w.opt.Troubles.Troubles(ctx) // before the journal: what is decided below is not older than this
	if err != nil {
		return fmt.Errorf("read the open troubles: %w", err)
	}
	found, err := w.look(ctx, kept)
	subjects := slices.Sorted(maps.Keys(found))
	for subject := range kept {
		if _, ok := found[subject]; !ok {
			subjects = append(subjects, subject)
		}
	}
	return errors.Join(err, w.settleAll(ctx, subjects, kept, found))
}

// settleAll settles several subjects at once, and joins the errors.
func (w *Watcher) settleAll(ctx context.Context, subjects []string, kept map[string][]byte, found map[string]*finding) error {
	var (
		group sync.WaitGroup
		slots = make(chan struct{}, w.opt.Parallel)
		errs  = make([]error, len(subjects))
	)
	for i, subject := range subjects {
		slots <- struct{}{} // who has one gives it back within the time-out
		if ctx.Err() != nil {
			errs[i] = fmt.Errorf("stop at %s: %w", subject, context.Cause(ctx))
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			errs[i] = w.settle(ctx, subject, kept[subject], found[subject])
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// settle brings one subject's record up to date, and has told what is due.
func (w *Watcher) settle(ctx context.Context, subject string, kept []byte, found *finding) error {
	var was *trouble
	if kept != nil {
		var err error
		if was, err = decode(kept); err != nil {
			return fmt.Errorf("%s: %w", subject, err)
		}
	}
	now := w.opt.Now()
	if was != nil && was.claimed(now, w.claim()) {
		return nil
	}
	next := step(was, found, now)
	if next == nil || next.done(w.names, now) {
		_, _, err := w.swap(ctx, subject, kept, nil)
		return err
	}
	if len(next.left(w.names)) == 0 || next.waits(now, w.claim()) {
		_, _, err := w.swap(ctx, subject, kept, next)
		return err
	}
	return w.tell(ctx, subject, kept, next.claim(now, w.claim()))
}

// claim is how long a Watcher has a notice for itself: for as long as telling it
// and remembering that takes, by any server's clock.
func (w *Watcher) claim() time.Duration { return w.opt.Timeout + remember + skew }

// remember bounds how long it takes to remember what has been told.
const remember = 30 * time.Second

// tell has one notice told by those that have not told it yet. Who keeps the
// record of the claim is the one who tells.
func (w *Watcher) tell(ctx context.Context, subject string, kept []byte, t *trouble) error {
	claimed, won, err := w.swap(ctx, subject, kept, t)
	if err != nil || !won {
		return err
	}
	told, failures := w.notify(ctx, t.current(), t.left(w.names))
	now := w.opt.Now()
	next := t.told(told, len(t.left(w.names)) > len(told), now)
	if next.done(w.names, now) {
		next = nil
	}
	// What has been told is remembered even if the host stops meanwhile.
	remembering, cancel := context.WithTimeout(context.WithoutCancel(ctx), remember)
	defer cancel()
	_, _, err = w.swap(remembering, subject, claimed, next)
	return errors.Join(failures, err)
}

// notify tells in several ways at once, and returns the names of those that have.
func (w *Watcher) notify(ctx context.Context, n Notice, names []string) (told []string, failures error) {
	ctx, cancel := context.WithTimeout(ctx, w.opt.Timeout)
	defer cancel()
	results := make([]error, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() { results[i] = w.opt.Notifiers[name].Notify(ctx, n) })
	}
	group.Wait()
	var errs []error
	for i, err := range results {
		var partial *PartialError
		if err == nil || errors.As(err, &partial) {
			told = append(told, names[i])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("tell %q of %s: %w", names[i], n.Key, err))
		}
	}
	return told, errors.Join(errs...)
}

// swap writes a record in the place of another, if that is still there, and
// returns its bytes. Nothing is written where nothing differs.
func (w *Watcher) swap(ctx context.Context, subject string, old []byte, next *trouble) (data []byte, done bool, err error) {
	if data, err = next.encode(); err != nil {
		return nil, false, err
	}
	if string(old) == string(data) {
		return data, true, nil
	}
	done, err = w.opt.Troubles.SwapTrouble(ctx, subject, old, data)
	if err != nil {
		return nil, false, fmt.Errorf("remember %s: %w", subject, err)
	}
	return data, done, nil
}
