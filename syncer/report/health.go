package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

// Health is how an integration is doing, in one word.
type Health string

// The kinds of health, the worst first.
const (
	Trouble   Health = "trouble"   // it does not work; somebody must act
	Attention Health = "attention" // it works, and somebody should look at it
	Fine      Health = "fine"      // it works
	Idle      Health = "idle"      // it is not meant to run: a draft, paused or archived
)

// rank orders health, the worst first.
func (h Health) rank() int {
	return slices.Index([]Health{Trouble, Attention, Fine, Idle}, h)
}

// words are how people read it.
func (h Health) words() string {
	switch h {
	case Trouble:
		return "In trouble"
	case Attention:
		return "Needs a look"
	case Fine:
		return "Fine"
	case Idle:
	}
	return "Not running"
}

func (s *Summary) count(h Health) {
	s.Integrations++
	switch h {
	case Trouble:
		s.Trouble++
	case Attention:
		s.Attention++
	case Fine:
		s.Fine++
	case Idle:
		s.Idle++
	}
}

// A Kind is what a finding is about.
type Kind string

// The kinds of finding.
const (
	LastFailed      Kind = "failed"      // the last run failed
	KeepsFailing    Kind = "failing"     // several runs in a row did
	LastInterrupted Kind = "interrupted" // the last run was interrupted
	LastCancelled   Kind = "cancelled"   // the last run was cancelled
	LastEmpty       Kind = "empty"       // the last run got no record
	Stuck           Kind = "stuck"       // a run takes longer than Options.RunLimit
	Late            Kind = "late"        // a run did not start when it was due
	Lacking         Kind = "lacking"     // it lacks what it needs to run
	NeverRun        Kind = "never_run"   // it has never run
	Expiry          Kind = "credential"  // its credential has expired, or soon will
	WithProblems    Kind = "problems"    // there are problems
)

// A Finding is one reason why an integration is not fine.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Health Health `json:"health"` // Trouble or Attention
	Text   string `json:"text"`   // what is wrong, without a full stop
	// Since is when it began, or when it will: a credential may expire in time to
	// come. Zero if there is no such time.
	Since  time.Time `json:"since,omitzero"`
	Detail string    `json:"detail,omitempty"` // the error of the last run
	Remedy string    `json:"remedy,omitempty"` // what to do
}

// leading is what stands between a finding's text and the words for its time.
func (f Finding) leading() string {
	switch f.Kind {
	case KeepsFailing:
		return ", the first of them "
	case WithProblems:
		return ", the oldest from "
	case Stuck:
		return "; it began "
	default:
		return " "
	}
}

// healthOf is that of an integration with its findings.
func healthOf(i Integration) Health {
	switch {
	case i.State != syncer.Active:
		return Idle
	case len(i.Findings) > 0:
		return i.Findings[0].Health
	}
	return Fine
}

// findings returns why an active integration is not fine, the worst first. The
// runs are its reads.
func (m *maker) findings(i Integration, reads []syncer.Run) []Finding {
	found := []Finding{}
	if i.State != syncer.Active {
		return found
	}
	add := func(f Finding) {
		f.Since = utc(f.Since)
		found = append(found, f)
	}
	ended := reads
	for len(ended) > 0 && underWay(ended[0]) {
		if age := m.now.Sub(ended[0].Started); age > m.opt.RunLimit {
			add(Finding{Kind: Stuck, Health: Trouble, Text: "The run under way does not come to its end", Since: ended[0].Started})
		}
		ended = ended[1:]
	}
	if len(ended) > 0 {
		if f, ok := outcome(ended, i.Older); ok {
			add(f)
		}
	}
	if !i.Due.IsZero() && m.now.Sub(i.Due) > m.opt.Grace && len(ended) == len(reads) {
		add(Finding{Kind: Late, Health: Trouble, Text: "A run has not started that was due", Since: i.Due})
	}
	if len(i.Missing) > 0 {
		add(Finding{Kind: Lacking, Health: Trouble, Text: "It lacks what it needs to run"})
	}
	if len(reads) == 0 {
		add(Finding{Kind: NeverRun, Health: Attention, Text: "It has never run"})
	}
	if c := i.Credential; c != nil && c.Health != Fine {
		text := "Its credential expires"
		if c.Health == Trouble {
			text = "Its credential expired"
		}
		add(Finding{Kind: Expiry, Health: c.Health, Text: text, Since: c.ExpiresAt, Remedy: "enter a new secret for " + c.ID})
	}
	if i.ProblemCount > 0 {
		add(Finding{Kind: WithProblems, Health: Attention, Text: counted(i.ProblemCount, "problem"), Since: i.OldestProblem})
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(a.Health.rank(), b.Health.rank()) })
	return found
}

// outcome says what is wrong with the last of the runs that are not under way.
func outcome(ended []syncer.Run, older bool) (Finding, bool) {
	last := ended[0]
	f := Finding{Health: Attention, Since: endOf(last), Detail: last.Error, Remedy: last.Remedy}
	switch last.Status {
	case syncer.Failed:
		return failure(f, ended, older), true
	case syncer.Interrupted:
		f.Kind, f.Text = LastInterrupted, "The last run was interrupted"
		f.Remedy = cmp.Or(f.Remedy, "nothing; the next run goes on where it stopped")
	case syncer.Cancelled:
		f.Kind, f.Text, f.Detail, f.Remedy = LastCancelled, "The last run was cancelled", "", ""
	case syncer.Empty:
		f.Kind, f.Text = LastEmpty, "The last run found no record at the vendor"
	case syncer.Succeeded, syncer.WithProblems, syncer.Queued, syncer.Running:
		return Finding{}, false
	default:
		return Finding{}, false
	}
	return f, true
}

// failure is the finding that the last run failed, and the ones before it.
func failure(f Finding, ended []syncer.Run, older bool) Finding {
	failed := 1
	for failed < len(ended) && ended[failed].Status == syncer.Failed {
		failed++
	}
	f.Kind, f.Health, f.Text, f.Since = LastFailed, Trouble, "The last run failed", endOf(ended[failed-1])
	if failed > 1 {
		f.Kind, f.Text = KeepsFailing, fmt.Sprintf("The last %s runs failed", number(int64(failed)))
	}
	if failed > 1 && failed == len(ended) && older {
		f.Text = fmt.Sprintf("At least the last %s runs failed", number(int64(failed)))
	}
	return f
}

// readsOf returns the runs that read from the vendor: those that put another one
// back do not.
func readsOf(runs []syncer.Run) []syncer.Run {
	return slices.DeleteFunc(slices.Clone(runs), func(r syncer.Run) bool { return r.Reverts != "" })
}

// underWay reports whether a run is being made or waits for its turn.
func underWay(r syncer.Run) bool { return r.Status == syncer.Running || r.Status == syncer.Queued }

// succeeded reports whether a run came to its end and brought records, or the
// news that none have changed.
func succeeded(r syncer.Run) bool {
	return r.Status == syncer.Succeeded || r.Status == syncer.WithProblems
}

// readAll reports whether a run asked for every record and read to its end.
func readAll(r syncer.Run) bool { return succeeded(r) && r.Since.IsZero() }

// endOf is when a run ended, or else when it began.
func endOf(r syncer.Run) time.Time {
	if r.Finished.IsZero() {
		return r.Started
	}
	return r.Finished
}

// tellAges reports whether runs, the newest first, go back as far as the last
// success and the last read of everything.
func tellAges(reads []syncer.Run) bool {
	at := slices.IndexFunc(reads, succeeded)
	if at < 0 {
		return false
	}
	last := reads[at]
	return last.FullRead.IsZero() || slices.ContainsFunc(reads, readAll) || !last.FullRead.Before(reads[len(reads)-1].Started)
}

// lastSuccess is when the last run that succeeded ended.
func lastSuccess(reads []syncer.Run) time.Time {
	at := slices.IndexFunc(reads, succeeded)
	if at < 0 {
		return time.Time{}
	}
	return utc(endOf(reads[at]))
}

// lastFull is when the last read of everything began, which may be before all of
// the runs.
func lastFull(reads []syncer.Run) time.Time {
	for _, r := range reads {
		switch {
		case !succeeded(r):
		case r.Since.IsZero():
			return utc(r.Started)
		case !r.FullRead.IsZero():
			return utc(r.FullRead)
		}
	}
	return time.Time{}
}

// lastComplete is when the last complete read began.
func lastComplete(reads []syncer.Run) time.Time {
	at := slices.IndexFunc(reads, func(r syncer.Run) bool { return r.Complete && succeeded(r) })
	if at < 0 {
		return time.Time{}
	}
	return utc(reads[at].Started)
}
