package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

// links are the links of one integration to the records of one object.
type links struct {
	live map[string]link // by record
	// superseded holds the vendor ids that have lost a record to the one that is
	// live, by record.
	superseded map[string][]string
	records    map[string]string // by vendor id, live and superseded
}

// A link is a live link.
type link struct {
	vendorID string
	hash     uint64
	stale    bool
	missing  time.Time // since when; zero if it is not
	withheld []syncer.Said
}

// linksOf returns an integration's links.
func (t *table) linksOf(integration string) *links {
	l, ok := t.links[integration]
	if !ok {
		l = &links{live: map[string]link{}, superseded: map[string][]string{}, records: map[string]string{}}
		t.links[integration] = l
	}
	return l
}

// connect makes or renews the live link to a record.
func (l *links) connect(tx *tx, id string, made link, supersedes string) {
	vendorID := made.vendorID
	old, linked := l.live[id]
	if other, ok := l.records[vendorID]; ok && (other != id || old.vendorID != vendorID) {
		l.release(tx, other, vendorID)
	}
	if linked {
		unset(tx, l.records, old.vendorID)
	}
	set(tx, l.live, id, made)
	if vendorID != "" {
		set(tx, l.records, vendorID, id)
	}
	if _, elsewhere := l.records[supersedes]; supersedes != "" && supersedes != vendorID && !elsewhere {
		set(tx, l.superseded, id, append(slices.Clip(l.superseded[id]), supersedes))
		set(tx, l.records, supersedes, id)
	}
}

// release takes a vendor id from a record. With the live one, the record's
// superseded ids go too: there is nothing left that has superseded them.
func (l *links) release(tx *tx, id, vendorID string) {
	if live, ok := l.live[id]; ok && live.vendorID == vendorID {
		l.forget(tx, id)
		unset(tx, l.live, id)
	} else {
		others := slices.DeleteFunc(slices.Clone(l.superseded[id]), func(v string) bool { return v == vendorID })
		set(tx, l.superseded, id, others)
	}
	unset(tx, l.records, vendorID)
}

// forget removes the superseded vendor ids of a record.
func (l *links) forget(tx *tx, id string) {
	for _, v := range l.superseded[id] {
		unset(tx, l.records, v)
	}
	unset(tx, l.superseded, id)
}

// remove removes the live link to a record, or, where the vendor id is a
// superseded one, that.
func (l *links) remove(tx *tx, id, vendorID string) {
	live, linked := l.live[id]
	switch {
	case linked && (vendorID == "" || vendorID == live.vendorID):
		l.release(tx, id, live.vendorID)
	case l.records[vendorID] == id:
		l.release(tx, id, vendorID)
	}
}

// miss marks the live link to a record as missing since then.
func (l *links) miss(tx *tx, id string, at time.Time) {
	live, ok := l.live[id]
	if !ok {
		return
	}
	live.stale = true
	if live.missing.IsZero() {
		live.missing = at
	}
	set(tx, l.live, id, live)
}

// spoil marks the live link to a record as stale.
func (l *links) spoil(tx *tx, id string) {
	if live, ok := l.live[id]; ok && !live.stale {
		live.stale = true
		set(tx, l.live, id, live)
	}
}

// A movedLink is a live link that a merge took from a record.
type movedLink struct {
	integration string
	link        link
	superseded  []string // the vendor ids that it had superseded
	demoted     bool     // the other record had a live link already
}

// move makes the live link to a record one to another. Where that has one, the
// vendor id becomes superseded by it.
func (l *links) move(tx *tx, from, into string) (movedLink, bool) {
	live, linked := l.live[from]
	if !linked {
		return movedLink{}, false
	}
	m := movedLink{link: live, superseded: l.superseded[from]}
	_, m.demoted = l.live[into]
	unset(tx, l.live, from)
	unset(tx, l.superseded, from)
	ids := slices.Concat(l.superseded[into], m.superseded)
	if !m.demoted {
		set(tx, l.live, into, live)
	} else if live.vendorID != "" {
		ids = append(ids, live.vendorID)
	}
	if live.vendorID != "" {
		set(tx, l.records, live.vendorID, into)
	}
	for _, id := range m.superseded {
		set(tx, l.records, id, into)
	}
	set(tx, l.superseded, into, ids)
	return m, true
}

// moveBack undoes a move, if the vendor id is still with the holder in the way in
// which it came there. A vendor id of the holder's own that it has superseded
// since is live again.
func (l *links) moveBack(tx *tx, m movedLink, from, holder string) bool {
	live, linked := l.live[holder]
	isLive := linked && live.vendorID == m.link.vendorID
	switch {
	case m.link.vendorID == "" && m.demoted:
		isLive = false
	case m.link.vendorID != "" && l.records[m.link.vendorID] != holder, !m.demoted && !isLive:
		return false
	}
	back := m.link
	kept := l.superseded[holder]
	if isLive {
		back = live
		unset(tx, l.live, holder)
	}
	var ids []string
	kept = slices.DeleteFunc(slices.Clone(kept), func(id string) bool {
		mine := slices.Contains(m.superseded, id)
		if mine {
			ids = append(ids, id)
		}
		return mine || id == m.link.vendorID
	})
	if isLive && len(kept) > 0 {
		last := len(kept) - 1
		set(tx, l.live, holder, link{vendorID: kept[last], stale: true})
		kept = kept[:last]
	}
	set(tx, l.superseded, holder, kept)
	back.stale = true
	set(tx, l.live, from, back)
	set(tx, l.superseded, from, ids)
	for _, id := range append(ids, m.link.vendorID) {
		if id != "" {
			set(tx, l.records, id, from)
		}
	}
	return true
}

// link returns the live link to a record in the form in which it is told, or nil.
func (l *links) link(id string) *syncer.Link {
	live, ok := l.live[id]
	if !ok {
		return nil
	}
	return &syncer.Link{VendorID: live.vendorID, ID: id, Hash: live.hash, Stale: live.stale, Missing: !live.missing.IsZero()}
}

// shared reports whether another integration has a live link to a record.
func (t *table) shared(id, integration string) bool {
	for name, l := range t.links {
		if _, ok := l.live[id]; ok && name != integration {
			return true
		}
	}
	return false
}

// missingSince returns when a linked integration first missed a record, or the
// zero time.
func (t *table) missingSince(id string) time.Time {
	var first time.Time
	for _, l := range t.links {
		if at := l.live[id].missing; !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// ScanLinks yields all links of an integration to the records of an object, live
// and superseded, ordered by vendor id.
func (s *Store) ScanLinks(ctx context.Context, integration, object string) iter.Seq2[syncer.Link, error] {
	return func(yield func(syncer.Link, error) bool) {
		all, err := s.allLinks(ctx, integration, object)
		each(all, err, yield)
	}
}

func (s *Store) allLinks(ctx context.Context, integration, object string) ([]syncer.Link, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.table(object).linksOf(integration)
	var all []syncer.Link
	for id, live := range l.live {
		all = append(all, *l.link(id))
		for _, v := range l.superseded[id] {
			all = append(all, syncer.Link{VendorID: v, ID: id, SupersededBy: live.vendorID})
		}
	}
	slices.SortFunc(all, func(a, b syncer.Link) int {
		return cmp.Or(strings.Compare(a.VendorID, b.VendorID), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}

// each yields all of a slice, or an error. The slice is a snapshot, so that no
// lock is held while the caller's loop runs.
func each[V any](all []V, err error, yield func(V, error) bool) {
	if err != nil {
		var zero V
		yield(zero, err)
		return
	}
	for _, v := range all {
		if !yield(v, nil) {
			return
		}
	}
}
