package rest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// Parts are the parts of a list, each a list of its own. A read of the whole
// takes one page of each in turn, so that it brings the same order each time,
// keeps one page of each in memory, and can be resumed anywhere.
type Parts struct {
	// List names the parts, in a stable order.
	List func(ctx context.Context, s *Source) ([]string, error)
	// Parallel is how many are read at once; 8.
	Parallel int
	// Gone says that a part which the vendor does not find has gone since it was
	// listed, and has no more records. Otherwise it is an error.
	Gone bool
}

// Fixed are parts that are always the same.
func Fixed(names ...string) func(context.Context, *Source) ([]string, error) {
	return func(context.Context, *Source) ([]string, error) { return slices.Clone(names), nil }
}

// Keys are the values at a path in the records of another stream: one part an
// application, a network, a group. Records without a value make no part.
func Keys(stream, at string) func(context.Context, *Source) ([]string, error) {
	return func(ctx context.Context, s *Source) ([]string, error) {
		op := "list the parts of " + stream
		p, err := path.Parse(at)
		if err != nil {
			return nil, connector.Errorf(connector.ErrInternal, op, "%w", err)
		}
		var out []string
		seen := map[string]bool{}
		for page, err := range s.Read(ctx, connector.Request{Stream: stream, Fields: []string{at}}) {
			if err != nil {
				return nil, err
			}
			for _, rec := range page.Records {
				f, err := find(rec, p, s.api.Bounds.Depth)
				if err != nil {
					return nil, connector.Errorf(connector.ErrMalformed, op, "a record: %w", err)
				}
				if id, ok := textOf(f.value); ok && id != "" && !seen[id] {
					seen[id] = true
					out = append(out, id)
				}
			}
		}
		return out, nil
	}
}

// Partitions names the parts of a stream, see [connector.Partitioner].
func (s *Source) Partitions(ctx context.Context, stream string) ([]string, error) {
	st, ok := s.api.Streams[stream]
	if !ok || st.Parts == nil {
		return nil, connector.Errorf(connector.ErrUnsupported, "list the parts of "+stream, "the stream has no parts")
	}
	parts, err := st.Parts.List(ctx, s)
	if err != nil {
		return nil, s.client.own("list the parts of "+stream, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[stream] = parts
	return slices.Clone(parts), nil
}

// knowPart refuses a part that there is not.
func (r *reading) knowPart(ctx context.Context) error {
	s := r.source
	s.mu.Lock()
	parts, known := s.parts[r.def.Name]
	s.mu.Unlock()
	if !known {
		var err error
		if parts, err = s.Partitions(ctx, r.def.Name); err != nil {
			return err
		}
	}
	if !slices.Contains(parts, r.req.Partition) {
		return connector.Errorf(connector.ErrNotFound, r.op, "the stream has no part %q", r.req.Partition)
	}
	return nil
}

// A place is where a read of all parts stands.
type place struct {
	Open []spot `json:"open"`           // the parts being read, in the order of their turns
	Next string `json:"next,omitempty"` // the first part not yet begun; empty if all are
}

// A spot is where a part stands.
type spot struct {
	Part string `json:"part"`
	Mark string `json:"mark,omitempty"`
}

const partsPrefix = "parts:"

// A lane reads one part.
type lane struct {
	spot
	out chan laneStep
}

type laneStep struct {
	page connector.Page
	err  error
}

// allParts reads all parts, several at once.
func (r *reading) allParts(ctx context.Context, yield func(connector.Page, error) bool) {
	parts, err := r.source.Partitions(ctx, r.def.Name)
	if err != nil {
		yield(connector.Page{}, err)
		return
	}
	start, rest, err := r.place(parts)
	if err != nil {
		yield(connector.Page{}, err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
	}()
	open := func(at spot, resumed bool) lane {
		l := lane{spot: at, out: make(chan laneStep)}
		wg.Go(func() { r.run(ctx, l, resumed) })
		return l
	}
	var lanes []lane
	for _, at := range start {
		lanes = append(lanes, open(at, true))
	}
	width := max(1, cmpOr(r.stream.Parts.Parallel, 8))
	for {
		for len(rest) > 0 && len(lanes) < width {
			lanes = append(lanes, open(spot{Part: rest[0]}, false))
			rest = rest[1:]
		}
		if len(lanes) == 0 {
			yield(connector.Page{Last: true}, nil)
			return
		}
		now := lanes[0]
		lanes = lanes[1:]
		step := r.take(ctx, now)
		if step.err != nil {
			yield(connector.Page{}, step.err)
			return
		}
		if !step.page.Last {
			now.Mark = string(step.page.Next)
			lanes = append(lanes, now)
		}
		page := step.page
		page.Last = len(lanes) == 0 && len(rest) == 0
		page.Next = ""
		if !page.Last {
			if page.Next, err = standing(lanes, rest); err != nil {
				yield(connector.Page{}, err)
				return
			}
		}
		if !yield(page, nil) || page.Last {
			return
		}
	}
}

func (r *reading) take(ctx context.Context, l lane) laneStep {
	select {
	case step := <-l.out:
		return step
	case <-ctx.Done():
		return laneStep{err: r.source.client.failed(ctx, r.op, r.source.client.base, context.Cause(ctx))}
	}
}

// run fetches the pages of one part, each while the one before is being used.
func (r *reading) run(ctx context.Context, l lane, resumed bool) {
	var twice repeats
	mark := l.Mark
	pages := connector.Paginate(ctx, connector.Cursor(mark), func(ctx context.Context, at connector.Cursor) (connector.Page, error) {
		return r.page(ctx, l.Part, string(at), resumed && string(at) == mark && mark != "", &twice)
	})
	for page, err := range pages {
		select {
		case l.out <- laneStep{page, err}:
		case <-ctx.Done():
			return
		}
	}
}

func standing(lanes []lane, rest []string) (connector.Cursor, error) {
	at := place{Open: make([]spot, len(lanes))}
	for i, l := range lanes {
		at.Open[i] = l.spot
	}
	if len(rest) > 0 {
		at.Next = rest[0]
	}
	b, err := json.Marshal(at)
	if err != nil {
		return "", connector.Errorf(connector.ErrInternal, "note the place", "%w", err)
	}
	return connector.Cursor(partsPrefix + string(b)), nil
}

// place returns the parts to go on with and those not begun.
func (r *reading) place(parts []string) (open []spot, rest []string, err error) {
	if r.req.Cursor == "" {
		return nil, parts, nil
	}
	text, ok := strings.CutPrefix(string(r.req.Cursor), partsPrefix)
	var at place
	if !ok || json.Unmarshal([]byte(text), &at) != nil {
		return nil, nil, badMark(string(r.req.Cursor))
	}
	if len(at.Open) > len(parts) {
		return nil, nil, badMark(string(r.req.Cursor))
	}
	for _, s := range at.Open {
		if !slices.Contains(parts, s.Part) {
			return nil, nil, connector.Errorf(connector.ErrCursor, r.op, "the part %q is gone", excerpt([]byte(s.Part)))
		}
	}
	if at.Next == "" {
		return at.Open, nil, nil
	}
	i := slices.Index(parts, at.Next)
	if i < 0 {
		return nil, nil, connector.Errorf(connector.ErrCursor, r.op, "the part %q is gone", excerpt([]byte(at.Next)))
	}
	return at.Open, parts[i:], nil
}
