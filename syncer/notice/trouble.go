package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A trouble is one subject's record: what people are to be told of it, and what
// they have been told.
type trouble struct {
	Notice Notice  `json:"notice"`         // of the trouble
	Over   *Notice `json:"over,omitempty"` // that it is over, once it is
	// Told are the notifiers that have told what is to be told now: Over if there
	// is one, else Notice. Heard are those that have told anything of the trouble.
	Told  []string  `json:"told,omitempty"`
	Heard []string  `json:"heard,omitempty"`
	Tries int       `json:"tries,omitempty"` // of what is to be told now
	Next  time.Time `json:"next,omitzero"`   // no try before
	Claim time.Time `json:"claim,omitzero"`  // somebody is telling it until then
}

// A finding is what is known of one subject at the moment. One without a kind
// says that nothing is wrong with it.
type finding struct {
	kind   Kind
	notice Notice
}

// The bounds of telling.
const (
	firstPause = time.Minute        // before what could not be told is tried again; doubled each time
	longPause  = 6 * time.Hour      // the longest of these pauses
	giveUp     = 7 * 24 * time.Hour // after which nobody has to hear that a trouble is over
	skew       = 5 * time.Minute    // by which the clocks of servers may differ
)

// step returns what becomes of a trouble, or of none, by what was found. Nothing
// found means that nothing is known, which changes nothing. It returns nil when
// there is nothing to remember any more.
func step(was *trouble, found *finding, now time.Time) *trouble {
	switch {
	case found == nil:
		return was
	case was == nil && found.kind == "":
		return nil
	case was == nil:
		return &trouble{Notice: opening(*found, now)}
	case found.kind == "":
		return was.end(*found, now)
	case was.Over != nil:
		return was.again(*found, now)
	case was.Notice.Kind == found.kind:
		return was.same(*found)
	}
	return &trouble{Notice: opening(*found, now), Heard: was.Heard}
}

// same goes on with a trouble of the same kind. Those whom to tell may have
// changed before anybody was told.
func (t *trouble) same(found finding) *trouble {
	if slices.Equal(t.Notice.Contacts, found.notice.Contacts) {
		return t
	}
	next := *t
	next.Notice.Contacts = found.notice.Contacts
	return &next
}

// end makes the notice that the trouble is over, for those who have heard of it.
func (t *trouble) end(found finding, now time.Time) *trouble {
	switch {
	case t.Over != nil:
		return t
	case len(t.Heard) == 0:
		return nil
	}
	over := t.Notice
	over.Over, over.Key = true, keyOf(t.Notice.Kind, "over", t.Notice.Key)
	over.At, over.What, over.Remedy = now.UTC(), found.notice.What, ""
	over.Run, over.Counts = found.notice.Run, found.notice.Counts
	if len(found.notice.Contacts) > 0 {
		over.Contacts = found.notice.Contacts
	}
	return &trouble{Notice: t.Notice, Over: &over, Heard: t.Heard}
}

// again goes on with a trouble that was to be over. If nobody has heard that it
// was, it never was.
func (t *trouble) again(found finding, now time.Time) *trouble {
	if len(t.Told) > 0 || t.Notice.Kind != found.kind {
		return &trouble{Notice: opening(found, now), Heard: t.Heard}
	}
	return &trouble{Notice: t.Notice, Told: t.Heard, Heard: t.Heard}
}

// opening completes the notice of a trouble.
func opening(found finding, now time.Time) Notice {
	n := found.notice
	n.Kind, n.At, n.Since = found.kind, now.UTC(), n.Since.UTC()
	n.Key = keyOf(n.Kind, n.Integration, n.Credential, n.Run, n.Since.Format(time.RFC3339Nano))
	n.Trouble = n.Key
	return n
}

// keyOf returns a key that is the same for the same parts, whoever makes it.
func keyOf(kind Kind, parts ...string) string {
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + strings.Join(parts, "\x00")))
	return string(kind) + "-" + hex.EncodeToString(sum[:16])
}

// current returns what is to be told now.
func (t *trouble) current() Notice {
	if t.Over != nil {
		return *t.Over
	}
	return t.Notice
}

// left returns the names of those that have to tell it still.
func (t *trouble) left(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.Contains(t.Told, name) || t.Over != nil && !slices.Contains(t.Heard, name)
	})
}

// done reports whether everybody knows that the trouble is over, or need not any
// more.
func (t *trouble) done(names []string, now time.Time) bool {
	return t.Over != nil && (len(t.left(names)) == 0 || now.Sub(t.Over.At) > giveUp)
}

// waits reports whether it is to be left alone for now: somebody is telling it,
// or the pause before the next try is not over.
func (t *trouble) waits(now time.Time, claim time.Duration) bool {
	return ahead(t.Next, now, longPause) || t.claimed(now, claim)
}

// claimed reports whether somebody is telling it.
func (t *trouble) claimed(now time.Time, claim time.Duration) bool { return ahead(t.Claim, now, claim) }

// ahead reports whether a moment, which was at most so far away when it was
// written, is to come still. One that is farther away than that was written
// before the clock went back, and does not count.
func ahead(t, now time.Time, most time.Duration) bool {
	return now.Before(t) && t.Sub(now) <= most+skew
}

// claim returns the trouble as it is while it is being told.
func (t *trouble) claim(now time.Time, d time.Duration) *trouble {
	next := *t
	next.Claim = now.UTC().Add(d)
	next.Tries++
	return &next
}

// told returns the trouble after some have told it and others have not.
func (t *trouble) told(names []string, failed bool, now time.Time) *trouble {
	next := *t
	next.Claim, next.Next = time.Time{}, time.Time{}
	next.Told = union(t.Told, names)
	next.Heard = union(t.Heard, names)
	if failed {
		next.Next = now.UTC().Add(min(firstPause<<min(max(t.Tries, 1)-1, 10), longPause))
	} else {
		next.Tries = 0
	}
	return &next
}

// union returns the names of both, in order and once each.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// encode writes the record; nil stands for none.
func (t *trouble) encode() ([]byte, error) {
	if t == nil {
		return nil, nil
	}
	data, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode the trouble %s: %w", t.Notice.Key, err)
	}
	return data, nil
}

// decode reads a record.
func decode(data []byte) (*trouble, error) {
	var t trouble
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, fmt.Errorf("decode a trouble: %w", err)
	}
	return &t, nil
}
