package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// A Schedule says when something starts. The zero Schedule starts it once a day
// at a quiet time, in UTC. Schedules are made by [New] and [Parse], are always
// valid, immutable, and safe for concurrent use. They are kept as JSON or text.
type Schedule struct {
	spec Spec
	plan *plan // nil in the zero Schedule
	seed string
}

// For returns the schedule of what has this id. All that s leaves open follows
// from the id. The id is not part of the schedule's JSON, text or Spec.
func (s Schedule) For(id string) Schedule {
	s.seed = id
	return s
}

// Spec returns what the schedule says, in its one form: New(s.Spec()) equals s.
func (s Schedule) Spec() Spec {
	spec := s.spec
	spec.On = slices.Clone(spec.On)
	spec.NotBetween = slices.Clone(spec.NotBetween)
	return spec
}

// Equal reports whether two schedules say the same. What they are For does not
// matter.
func (s Schedule) Equal(other Schedule) bool {
	return s.Text() == other.Text()
}

// IsZero reports whether s is the default: daily, at a quiet time, in UTC.
func (s Schedule) IsZero() bool { return s.plan == nil }

// Manual reports whether s starts only when asked.
func (s Schedule) Manual() bool { return s.compiled().manual }

// compiled returns the plan.
func (s Schedule) compiled() *plan {
	if s.plan == nil {
		return &plan{period: period{1, day}, loc: time.UTC}
	}
	return s.plan
}

// Next returns the first start after a moment, in the schedule's time zone. The
// zero time means never.
func (s Schedule) Next(after time.Time) time.Time {
	p := s.compiled()
	if p.manual {
		return time.Time{}
	}
	if from, to, ok := p.quiet(after); ok {
		if due := s.planned(from.Add(-1)); !due.IsZero() && due.Before(to) {
			return to
		}
		after = to.Add(-1)
	}
	due := s.planned(after)
	if _, to, ok := p.quiet(due); ok {
		return to
	}
	return due
}

// Due returns when what last started at last is to start next, as seen at now:
// a time that is not after now means that it is due. The zero time means never.
//
// A missed start is due at once, unless the schedule skips those; between the
// times of day at which nothing starts, it is due at their end. A last start
// more than a day after now was told by a wrong clock: what starts then is the
// start of the last hour, or the next.
func (s Schedule) Due(last, now time.Time) time.Time {
	p := s.compiled()
	recent := now.Add(-lateness)
	if wrong(last, now) || p.skip && last.Before(recent) {
		last = recent
	}
	due := s.Next(last)
	if due.IsZero() || due.After(now) {
		return due
	}
	_, to, ok := p.quiet(now)
	switch {
	case !ok:
		return due
	case p.skip:
		return s.Next(now)
	default:
		return to
	}
}

// wrong reports whether a time lies so far ahead of now that a wrong clock must
// have told it.
func wrong(t, now time.Time) bool { return t.After(now.Add(24 * time.Hour)) }

// Quiet returns until when nothing starts, in the schedule's time zone, if
// nothing starts at t.
func (s Schedule) Quiet(t time.Time) (until time.Time, ok bool) {
	_, until, ok = s.compiled().quiet(t)
	return until, ok
}

// Pauses returns until when what runs at t must pause, in the schedule's time
// zone, if it must.
func (s Schedule) Pauses(t time.Time) (until time.Time, ok bool) {
	if !s.spec.PauseRunning {
		return time.Time{}, false
	}
	return s.Quiet(t)
}

// pick returns a number below n that follows from the seed and a purpose.
func (s Schedule) pick(purpose string, n int64) int64 {
	sum := sha256.Sum256([]byte(purpose + "\x00" + s.seed))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1 % uint64(n)) // #nosec G115 -- below n
}
