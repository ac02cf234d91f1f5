package syncer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/internal/spill"
	"github.com/vendorsync/vendorsync/mapping"
)

// A ranking is what the precedence of the run's object means for this run. The
// nil ranking is that of an object without one.
type ranking struct {
	tracer Tracer
	// before are the integrations that go before this one, by column of the primary
	// target.
	before      []map[string]bool
	silentAfter time.Duration // 0 for never
	now         time.Time
	revisit     *spill.Map // records on which one that goes before has fallen silent
}

// loadRanking reads the object's precedence and what it means for this run.
func (r *session) loadRanking(ctx context.Context) error {
	keeper, ok := r.s.journal.(PrecedenceKeeper)
	if !ok {
		return nil
	}
	p, err := keeper.Precedence(ctx, r.object.Name)
	if err != nil {
		return fmt.Errorf("read the precedence of %s: %w", r.object.Name, err)
	}
	if len(p.Order) == 0 && len(p.Fields) == 0 {
		return nil
	}
	tracer, ok := r.s.store.(Tracer)
	if !ok {
		return connector.Errorf(connector.ErrUnsupported, "apply the precedence of "+r.object.Name, "the store cannot tell who set a value")
	}
	r.fingerprint = append(r.fingerprint, fingerprintJSON([]any{p.Order, p.Fields})...)
	k := &ranking{tracer: tracer, silentAfter: time.Duration(p.SilentAfter) * 24 * time.Hour, now: r.s.opt.Now().UTC()}
	rivals, err := r.rivals(ctx, k)
	if err != nil {
		return err
	}
	t := &r.targets[0]
	k.before = make([]map[string]bool, len(t.columns))
	for i := range t.columns {
		order := p.Order
		if own, ok := p.Fields[t.columns[i].Field]; ok {
			order = own
		}
		mine := slices.Index(order, r.in.ID)
		if mine < 0 {
			mine = len(order)
		}
		k.before[i] = map[string]bool{}
		for _, id := range order[:mine] {
			if rival, ok := rivals[id]; ok && rival.maps(t.columns[i].Field) {
				k.before[i][id] = true
			}
		}
	}
	r.rank = k
	return r.loadRevisits(ctx, rivals)
}

// A rival is another integration that feeds the object.
type rival struct {
	Integration
	silent bool // altogether
}

// maps reports whether the rival fills a field and may therefore keep it.
func (v rival) maps(field string) bool {
	return !v.silent && (len(v.Mapping.Fields) == 0 ||
		slices.ContainsFunc(v.Mapping.Fields, func(f mapping.FieldMapping) bool { return f.To == field }))
}

// recentSuccess is how far back a run looks for the last success of another
// integration.
const recentSuccess = 100

// rivals returns the other integrations that feed the object and are in use.
func (r *session) rivals(ctx context.Context, k *ranking) (map[string]rival, error) {
	all, err := r.s.journal.Integrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the integrations: %w", err)
	}
	rivals := map[string]rival{}
	for _, in := range all {
		if in.ID == r.in.ID || in.Mapping.Object != r.object.Name || in.State == Archived || in.State == Draft {
			continue
		}
		v := rival{Integration: in}
		if k.silentAfter > 0 {
			last, err := r.lastSuccess(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			v.silent = k.now.Sub(last) > k.silentAfter
		}
		rivals[in.ID] = v
	}
	return rivals, nil
}

// lastSuccess returns when an integration's last run that came to its end began.
func (r *session) lastSuccess(ctx context.Context, id string) (time.Time, error) {
	runs, err := r.s.journal.Runs(ctx, RunQuery{Integration: id, Limit: recentSuccess})
	if err != nil {
		return time.Time{}, fmt.Errorf("read the runs of %q: %w", id, err)
	}
	for _, run := range runs {
		if run.Trigger == revertTrigger {
			continue
		}
		switch run.Status { //nolint:exhaustive // the others did not come to their end.
		case Succeeded, WithProblems, Empty:
			return run.Started, nil
		}
	}
	return time.Time{}, nil
}

// loadRevisits notes the records on which somebody else may have fallen silent:
// there, what this integration was kept from writing may have to be written now,
// though its vendor says the same as ever.
func (r *session) loadRevisits(ctx context.Context, rivals map[string]rival) error {
	scanner, ok := r.s.store.(LinkScanner)
	if r.rank.silentAfter == 0 || !ok {
		return nil
	}
	r.rank.revisit = spill.New(spill.Options{Dir: r.s.opt.SpillDir, MaxInMemory: maxInMemory})
	for id, v := range rivals {
		for l, err := range scanner.ScanLinks(ctx, id, r.object.Name) {
			if err != nil {
				return fmt.Errorf("read the links of %q: %w", id, err)
			}
			if l.SupersededBy != "" || !l.Missing && !v.silent {
				continue
			}
			if err := r.rank.revisit.Put(viewKey('i', l.ID), nil); err != nil {
				return fmt.Errorf("remember where %q is silent: %w", id, err)
			}
		}
	}
	return nil
}

// revisited returns what has to be closed at the end.
func (k *ranking) revisited() *spill.Map {
	if k == nil {
		return nil
	}
	return k.revisit
}

// revisits reports whether a record has to be decided anew though nothing has
// changed at its vendor.
func (k *ranking) revisits(r *session, l *knownLink) (bool, error) {
	if k == nil || k.revisit == nil || l == nil || k.revisit.Len() == 0 {
		return false, nil
	}
	if l.id == "" {
		l.id = r.links.id(l.link)
	}
	return k.revisit.Has(viewKey('i', l.id))
}

// marksMissing reports whether the object's precedence needs to know which
// records a complete read no longer brings.
func (k *ranking) marksMissing() bool { return k != nil && k.silentAfter > 0 }

// want asks where the values of a shared record come from.
func (k *ranking) want(q *questions, hit *Hit) {
	if k != nil && hit.Shared {
		q.lookTrace(hit.ID)
	}
}

// lookTrace returns where a record's values come from, or puts the question down
// for the next round.
func (q *questions) lookTrace(id string) *Trace {
	t, asked := q.traces[id]
	if !asked {
		q.traces[id] = nil
		q.trace = append(q.trace, id)
		q.open++
	}
	return t
}

func (q *questions) answerTraces(ctx context.Context) error {
	if len(q.trace) == 0 {
		return nil
	}
	traces, err := q.r.rank.tracer.Trace(ctx, q.r.object.Name, q.trace)
	if err != nil {
		return fmt.Errorf("ask where values of %s come from: %w", q.r.object.Name, err)
	}
	if len(traces) != len(q.trace) {
		return connector.Errorf(connector.ErrInternal, "ask where values come from", "the store answered %d of %d questions", len(traces), len(q.trace))
	}
	for i, id := range q.trace {
		q.traces[id] = &traces[i]
	}
	q.trace = nil
	return nil
}

// weigh takes from the item the values that another integration's precedence
// keeps from being written over the record. What is taken counts as absent, and
// is kept with the link, so that it can be told.
func (k *ranking) weigh(ctx context.Context, r *session, q *questions, it *item, hit *Hit) error {
	if k == nil || !hit.Shared {
		return nil
	}
	trace := q.lookTrace(hit.ID)
	if trace == nil {
		if err := q.answer(ctx); err != nil {
			return err
		}
		trace = q.lookTrace(hit.ID)
	}
	t := &r.targets[0]
	row := it.out.Rows[0]
	for i := range t.columns {
		col := &t.columns[i]
		v, cur := row.Values[i], hit.Values[col.at]
		if v.Kind == mapping.KindAbsent || v.Kind == mapping.KindRow || cur.IsEmpty() || same(v, cur) {
			continue
		}
		holder := trace.origin(col.at).Integration
		if holder == "" || holder == r.in.ID || !k.live(trace, holder) {
			continue
		}
		// An empty value clears what its own integration has set, and fills no gap.
		if !v.IsEmpty() && !k.before[i][holder] {
			continue
		}
		it.withheld = append(it.withheld, Said{Field: col.at, Value: cloneValue(v), Hidden: col.Sensitive})
		if r.observe != nil {
			shown := string(col.field.AppendJSON(nil, v))
			if col.Sensitive {
				shown = credentials.Mask
			}
			it.explained = append(it.explained, fmt.Sprintf("%s: %s is not written, %s has set it", col.Field, shown, holder))
		}
		row.Values[i] = mapping.Value{}
	}
	return nil
}

func cloneValue(v mapping.Value) mapping.Value {
	v.Text = strings.Clone(v.Text)
	return v
}

// origin returns who wrote a field.
func (t *Trace) origin(field int) Origin {
	if field < len(t.Origins) {
		return t.Origins[field]
	}
	return Origin{}
}

// live reports whether an integration still has something to say of a record.
func (k *ranking) live(t *Trace, integration string) bool {
	for _, s := range t.Stakes {
		if s.Integration == integration {
			return k.silentAfter == 0 || s.MissingSince.IsZero() || k.now.Sub(s.MissingSince) <= k.silentAfter
		}
	}
	return false
}
