package syncer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
)

// The guard of the absence step: more than this share and this number of what
// the integration knew gone at once looks like a fault of the read.
const (
	guardShare  = 0.10
	guardNumber = 5
)

// absent looks at what a complete read no longer brought. Any other read says
// nothing about absence.
func (r *session) absent(ctx context.Context) error {
	if why := r.incomplete(); why != "" {
		if acts := r.actsOnAbsence(); acts != "" && r.limit < 0 && r.state.Run.Counts.Fetched > 0 && !r.incremental() {
			r.note(Problem{Record: r.in.ID, Reason: ReasonIncomplete.because("nothing was %s: %s", acts, why)})
		}
		return nil
	}
	r.state.Run.Complete = true
	if r.actsOnAbsence() == "" && !r.rank.marksMissing() {
		if r.links.complete {
			r.state.Run.Vanished.Missing = max(0, r.links.known-r.state.Linked)
			return r.forgetSuperseded(ctx, r.links.released)
		}
	}
	scanner, ok := r.s.store.(LinkScanner)
	if !ok {
		return nil
	}
	var known, missing, before int64 // before: missed by an earlier read already
	var superseded []Link
	for l, err := range scanner.ScanLinks(ctx, r.in.ID, r.object.Name) {
		if err != nil {
			return fmt.Errorf("read the links of %q: %w", r.in.ID, err)
		}
		if l.SupersededBy != "" {
			superseded = append(superseded, l)
			continue
		}
		known++
		gone, err := r.gone(l)
		if err != nil {
			return err
		}
		if gone {
			missing++
		}
		if gone && l.Missing {
			before++
		}
	}
	r.state.Run.Vanished.Missing = missing
	if err := r.forgetSuperseded(ctx, superseded); err != nil {
		return err
	}
	if missing == 0 || r.actsOnAbsence() == "" && !r.rank.marksMissing() {
		return nil
	}
	known, lost := known-before, missing-before
	if r.actsOnAbsence() != "" && lost > guardNumber && float64(lost) > guardShare*float64(known) {
		r.state.Run.Vanished.Held = lost
		r.note(Problem{Record: r.in.ID, Reason: ReasonTooManyGone.because("%d of the %d records known are not in the source any more; nothing was done about them; check the source, then archive them by hand or set absence to keep", lost, known)})
		return nil
	}
	return r.actOnAbsence(ctx, scanner)
}

// actsOnAbsence says what becomes of records, or of their accounts, that are
// gone, "" for nothing.
func (r *session) actsOnAbsence() string {
	switch r.in.Absence {
	case FlagAbsent:
		return "flagged"
	case ArchiveAbsent:
		return "archived"
	case DeactivateAbsent:
		return "deactivated"
	case Keep:
	}
	if slices.ContainsFunc(r.companions, func(g companionGroup) bool { return g.deactivate }) {
		return "deactivated"
	}
	return ""
}

// incomplete says why the read does not name every record there is, or "".
func (r *session) incomplete() string {
	switch {
	case r.limit >= 0:
		return "the read was limited to a sample"
	case r.incremental():
		return "the read asked for changes alone"
	case !r.stream.Complete:
		return "the stream does not name every record"
	case r.state.Broken && !r.stream.StableResume:
		return "the read was interrupted, and the stream may have missed records"
	case r.state.Run.Counts.Fetched == 0:
		return "the source was empty"
	case r.state.Anonymous > 0:
		return fmt.Sprintf("%s without a vendor id may be any of them", plural(r.state.Anonymous, "record"))
	}
	return ""
}

// gone reports whether the run did not read the link's vendor id.
func (r *session) gone(l Link) (bool, error) {
	seen, err := r.seen.Has(vendorKey(l.VendorID))
	if err != nil || seen {
		return false, err
	}
	// A test run that would hand the record to another vendor id has not done so.
	_, taken := r.view.get(viewSupersededKey(l.VendorID))
	return !taken, nil
}

// note adds a problem of the run as a whole.
func (r *session) note(p Problem) {
	r.state.add(delta{problems: []Problem{p}, problemN: 1}, r.s.opt.MaxProblems)
}

// forgetSuperseded lets superseded vendor ids match again where the read missed
// their holder.
func (r *session) forgetSuperseded(ctx context.Context, superseded []Link) error {
	b := r.newBatch(nil, "", false, false)
	for _, l := range superseded {
		holder := l.SupersededBy
		if later, ok := r.holderOf(holder); ok {
			holder = later
		}
		seen, err := r.seen.Has(vendorKey(holder))
		if err != nil {
			return err
		}
		if !seen {
			b.add(Unit{Links: []LinkChange{{Object: r.object.Name, Ref: Ref{ID: l.ID}, Forget: true}}}, note{})
		}
	}
	return r.conclude(ctx, b)
}

// actOnAbsence flags or archives what is gone, a batch at a time.
func (r *session) actOnAbsence(ctx context.Context, scanner LinkScanner) error {
	var gone []Link
	flush := func() error {
		b := r.newBatch(nil, "", false, false)
		if err := r.absentUnits(ctx, b, gone); err != nil {
			return err
		}
		gone = gone[:0]
		return r.conclude(ctx, b)
	}
	// The links are read whole before the first is changed: a store need not yield
	// a steady view of what is being written.
	var all []Link
	for l, err := range scanner.ScanLinks(ctx, r.in.ID, r.object.Name) {
		if err != nil {
			return fmt.Errorf("read the links of %q: %w", r.in.ID, err)
		}
		if l.SupersededBy != "" {
			continue
		}
		missing, err := r.gone(l)
		if err != nil {
			return err
		}
		if missing {
			l.VendorID, l.ID = strings.Clone(l.VendorID), strings.Clone(l.ID)
			all = append(all, l)
		}
	}
	for _, l := range all {
		if gone = append(gone, l); len(gone) >= r.s.opt.BatchSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// absentUnits adds what becomes of each missing link's record to the batch. A
// record that another integration still brings is marked, not archived.
func (r *session) absentUnits(ctx context.Context, b *pendingBatch, gone []Link) error {
	if len(gone) == 0 {
		return nil
	}
	ids := make([]string, len(gone))
	for i, l := range gone {
		ids[i] = l.ID
	}
	hits, err := r.s.store.Match(ctx, Query{Integration: r.in.ID, Object: r.object.Name, By: ByID, Values: ids})
	if err != nil {
		return fmt.Errorf("look up what is gone: %w", err)
	}
	if len(hits) != len(ids) {
		return connector.Errorf(connector.ErrInternal, "look up what is gone", "the store answered %d of %d questions", len(hits), len(ids))
	}
	accounts, err := r.accountsOf(ctx, ids)
	if err != nil {
		return err
	}
	for i, l := range gone {
		if len(hits[i]) == 0 {
			continue
		}
		hit := hits[i][0]
		u := Unit{Links: []LinkChange{{Object: r.object.Name, VendorID: l.VendorID, Ref: Ref{ID: l.ID}, Hash: l.Hash, Missing: true}}}
		archive := r.in.Absence == ArchiveAbsent && !hit.Archived && !hit.Shared
		var inactive Change
		deactivate := false
		if r.in.Absence == DeactivateAbsent && !hit.Shared {
			inactive, deactivate = deactivation(r.object, r.object.Field("status"), &hit)
		}
		n := note{effects: map[string]Effects{}}
		for _, c := range accounts[l.ID] {
			u.Changes = append(u.Changes, c)
			n.effects[c.Object] = n.effects[c.Object].plus(Effects{Updated: 1})
			b.delta.effect(c.Object, Effects{Updated: 1})
			b.delta.vanished.Deactivated++
		}
		switch {
		case archive:
			u.Changes = append(u.Changes, Change{Object: r.object.Name, Op: Archive, Ref: Ref{ID: l.ID}, Revision: hit.Revision})
			b.delta.vanished.Archived++
		case deactivate:
			u.Changes = append(u.Changes, inactive)
			b.delta.vanished.Deactivated++
		case l.Missing && len(u.Changes) == 0:
			continue
		case r.in.Absence == FlagAbsent && !l.Missing:
			b.delta.vanished.Flagged++
		}
		b.add(u, n)
	}
	return nil
}

// accountsOf returns, by record, the changes that deactivate the accounts which
// this integration has brought for the records.
func (r *session) accountsOf(ctx context.Context, ids []string) (map[string][]Change, error) {
	changes := map[string][]Change{}
	for i := range r.companions {
		g := &r.companions[i]
		if !g.deactivate {
			continue
		}
		t := g.mine(r)
		hits, err := r.s.store.Match(ctx, Query{Integration: r.in.ID, Object: t.object, By: t.by, Fields: []string{t.fields}, Values: ids})
		if err != nil {
			return nil, fmt.Errorf("look up the accounts of what is gone: %w", err)
		}
		if len(hits) != len(ids) {
			return nil, connector.Errorf(connector.ErrInternal, "look up the accounts of what is gone", "the store answered %d of %d questions", len(hits), len(ids))
		}
		for n, id := range ids {
			for h := range hits[n] {
				account := &hits[n][h]
				if c, ok := g.deactivation(r, account); ok && account.Link != nil && !g.kept(r, account) {
					changes[id] = append(changes[id], c)
				}
			}
		}
	}
	return changes, nil
}

// conclude writes a batch of the absence step and waits for it. A test run only
// counts.
func (r *session) conclude(ctx context.Context, b *pendingBatch) error {
	b.last = true
	if r.test != nil {
		r.state.add(b.delta, r.s.opt.MaxProblems)
		return nil
	}
	if len(b.Units) == 0 {
		return nil
	}
	if err := r.apply(ctx, b); err != nil {
		return err
	}
	return r.settle(ctx)
}
