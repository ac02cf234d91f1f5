package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

// A ProblemGroup is the problems that are there for one reason.
type ProblemGroup struct {
	// Reason is one of [syncer.Reasons], or [Other].
	Reason  syncer.Reason `json:"reason"`
	Meaning string        `json:"meaning"` // of the reason, in a few words
	Count   int           `json:"count"`
	// Since is when the run began that first had the oldest of them.
	Since   time.Time      `json:"since"`
	Example syncer.Problem `json:"example"` // the first one of the newest run that has any
}

// Other is the reason of a problem that begins with none of [syncer.Reasons].
const Other syncer.Reason = "other"

// meanings say in a few words what each reason is.
var meanings = map[syncer.Reason]string{
	syncer.ReasonDuplicate:   "the vendor sent it before, under this or another id",
	syncer.ReasonNoSyncKey:   "it has no value to be matched by",
	syncer.ReasonCreateOnly:  "it is there, and the integration only creates",
	syncer.ReasonUpdateOnly:  "it is not there, and the integration only updates",
	syncer.ReasonArchived:    "it is archived, and is not taken back",
	syncer.ReasonAmbiguous:   "several records have its sync key",
	syncer.ReasonConflict:    "another record holds a unique value that it would get",
	syncer.ReasonClearing:    "a key or required field would become empty",
	syncer.ReasonInvalid:     "a value does not fit its field",
	syncer.ReasonMalformed:   "the vendor's record cannot be read",
	syncer.ReasonNoVendorID:  "the vendor's record has no id",
	syncer.ReasonRaced:       "somebody else wrote to the record at the same moment",
	syncer.ReasonRefused:     "the table that it goes to did not take it",
	syncer.ReasonElsewhere:   "a secondary sync key points to another record",
	syncer.ReasonReference:   "a reference means several records",
	syncer.ReasonFilter:      "the integration leaves it out",
	syncer.ReasonTooManyGone: "so many records vanished at once that nothing was done about them",
	syncer.ReasonIncomplete:  "not every record was read, so nothing was done about those that seem gone",
	syncer.ReasonLater:       "it was written to again, after what was put back",
	syncer.ReasonInUse:       "other records use it",
	syncer.ReasonNotKept:     "the value from before is masked in the history",
	Other:                    "see the example",
}

// reasonOf returns the reason that a problem's text begins with.
func reasonOf(text string) syncer.Reason {
	for _, r := range syncer.Reasons() {
		if rest, ok := strings.CutPrefix(text, string(r)); ok && (rest == "" || strings.ContainsAny(rest[:1], ": ")) {
			return r
		}
	}
	return Other
}

// A problemKey tells problems apart from run to run.
type problemKey struct {
	record, field string
	reason        syncer.Reason
}

func keyOf(p syncer.Problem) problemKey {
	return problemKey{record: p.Record, field: p.Field, reason: reasonOf(p.Reason)}
}

// An openProblem is one that is still there.
type openProblem struct {
	key     problemKey
	example syncer.Problem
	since   time.Time
	settled bool // since is known
}

// A problemSet is what is open, in the order of the newest run.
type problemSet struct {
	open  []openProblem
	at    map[problemKey]int
	count int64
}

// openProblems returns the problems that are still there as far as reads, the
// newest first, can tell: those of the last read of everything, and of all runs
// after it.
func openProblems(reads []syncer.Run) *problemSet {
	s := &problemSet{at: map[problemKey]int{}}
	for _, r := range reads {
		for _, p := range r.Problems {
			s.add(p, r.Started)
		}
		s.count = max(s.count, r.ProblemCount, int64(len(s.open)))
		if readAll(r) {
			break
		}
	}
	for _, r := range reads {
		s.trace(r)
	}
	return s
}

func (s *problemSet) add(p syncer.Problem, since time.Time) {
	k := keyOf(p)
	if _, ok := s.at[k]; ok {
		return
	}
	s.at[k] = len(s.open)
	s.open = append(s.open, openProblem{key: k, example: p, since: since})
}

// trace follows the problems back into a run. A read of everything that did not
// have a problem is where it began; a run that read only a part, or did not keep
// all its problems, says nothing of those that it does not name.
func (s *problemSet) trace(r syncer.Run) {
	named := make([]bool, len(s.open))
	for _, p := range r.Problems {
		if n, ok := s.at[keyOf(p)]; ok {
			named[n] = true
		}
	}
	tells := readAll(r) && r.ProblemCount <= int64(len(r.Problems))
	for n := range s.open {
		switch o := &s.open[n]; {
		case o.settled:
		case named[n]:
			o.since = r.Started
		case tells:
			o.settled = r.Started.Before(o.since)
		}
	}
}

// oldest is when the oldest problem began, zero if there is none.
func (s *problemSet) oldest() time.Time {
	if len(s.open) == 0 {
		return time.Time{}
	}
	first := slices.MinFunc(s.open, func(a, b openProblem) int { return a.since.Compare(b.since) })
	return utc(first.since)
}

// groups returns the problems by reason, the most frequent first.
func (s *problemSet) groups() []ProblemGroup {
	groups := []ProblemGroup{}
	for _, o := range s.open {
		at := slices.IndexFunc(groups, func(g ProblemGroup) bool { return g.Reason == o.key.reason })
		if at < 0 {
			at = len(groups)
			groups = append(groups, ProblemGroup{Reason: o.key.reason, Meaning: meanings[o.key.reason], Since: utc(o.since), Example: o.example})
		}
		g := &groups[at]
		g.Count++
		if o.since.Before(g.Since) {
			g.Since = utc(o.since)
		}
	}
	slices.SortStableFunc(groups, func(a, b ProblemGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return groups
}
