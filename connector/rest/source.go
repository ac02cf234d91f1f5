package rest

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// New returns a connector for a vendor whose interface is a Spec and an API and
// nothing else. Neither is changed afterwards.
func New(spec connector.Spec, api API) connector.Connector { return vendor{spec: spec, api: api} }

type vendor struct {
	spec connector.Spec
	api  API
}

func (v vendor) Spec() connector.Spec { return v.spec }

func (v vendor) Open(ctx context.Context, cfg connector.Config) (connector.Source, error) {
	return Open(ctx, v.spec, v.api, cfg)
}

// A Source reads a vendor's streams as its API says. It is a [connector.Source]
// and a [connector.Partitioner].
type Source struct {
	client *Client
	spec   connector.Spec
	api    API
	cfg    connector.Config

	mu    sync.Mutex
	parts map[string][]string // of each stream, once they are known
}

var (
	_ connector.Source      = (*Source)(nil)
	_ connector.Partitioner = (*Source)(nil)
)

// Open returns a Source for connectors that add to it what an API cannot say. It
// does no I/O.
func Open(ctx context.Context, spec connector.Spec, api API, cfg connector.Config) (*Source, error) {
	for _, def := range spec.Streams {
		if _, ok := api.Streams[def.Name]; !ok {
			return nil, connector.Errorf(connector.ErrInternal, "open "+spec.ID, "the API does not say how to read %q", def.Name)
		}
	}
	client, err := NewClient(ctx, spec, api, cfg)
	if err != nil {
		return nil, err
	}
	return &Source{client: client, spec: spec, api: client.api, cfg: cfg, parts: map[string][]string{}}, nil
}

// Client returns what the Source sends its requests with.
func (s *Source) Client() *Client { return s.client }

// Close frees the Source's connections.
func (s *Source) Close() error {
	s.client.Close()
	return nil
}

// A reading is one Read.
type reading struct {
	source *Source
	def    connector.Stream
	stream Stream
	req    connector.Request
	op     string
	hidden []path.Path // what must not leave

	details    atomic.Int64
	pages      atomic.Int64
	warnBudget sync.Once
}

func (s *Source) reading(req connector.Request) (*reading, error) {
	r := &reading{source: s, req: req, op: "read " + req.Stream}
	var ok bool
	if r.def, ok = s.spec.Stream(req.Stream); !ok {
		return nil, connector.Errorf(connector.ErrNotFound, r.op, "%s has no stream %q", s.spec.Name, req.Stream)
	}
	r.stream = s.api.Streams[req.Stream]
	if !req.Since.IsZero() && r.stream.Since == nil {
		return nil, connector.Errorf(connector.ErrUnsupported, r.op, "%s does not tell which of these records have changed", s.spec.Name)
	}
	if req.Partition != "" && r.stream.Parts == nil {
		return nil, connector.Errorf(connector.ErrNotFound, r.op, "the stream has no parts")
	}
	var err error
	r.hidden, err = hidden(r.def.Fields, req.Fields)
	if err != nil {
		return nil, connector.Errorf(connector.ErrInternal, r.op, "%w", err)
	}
	return r, nil
}

// hidden returns the paths of the sensitive fields that none of the mapped ones
// touches.
func hidden(fields []connector.Field, mapped []string) ([]path.Path, error) {
	var out []path.Path
	for _, f := range fields {
		if !f.Sensitive {
			continue
		}
		p, err := path.ParsePattern(f.Path)
		if err != nil {
			return nil, fmt.Errorf("the field %q: %w", f.Path, err)
		}
		used := false
		for _, text := range mapped {
			m, err := path.ParsePattern(text)
			used = used || err == nil && meet(p, m)
		}
		if !used {
			out = append(out, p)
		}
	}
	return out, nil
}

// meet reports whether one of two paths may lead into what the other names.
func meet(p, q path.Path) bool {
	for i := range min(len(p), len(q)) {
		a, b := p[i], q[i]
		switch {
		case a.IsIndex != b.IsIndex, !a.IsIndex && a.Key != b.Key:
			return false
		case a.IsIndex && !a.Every && !b.Every && a.Index != b.Index && a.Index < 0 == (b.Index < 0):
			return false
		}
	}
	return true
}

// Read returns the stream's pages, see [connector.Source].
func (s *Source) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		r, err := s.reading(req)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		most := s.api.Bounds.Read
		ctx, cancel := context.WithTimeoutCause(ctx, most, connector.Errorf(connector.ErrUnavailable, r.op, "it took longer than %v", most))
		defer cancel()
		if r.stream.Parts != nil && req.Partition == "" {
			r.allParts(ctx, yield)
			return
		}
		r.onePart(ctx, yield)
	}
}

// onePart reads a stream without parts, or one part of it.
func (r *reading) onePart(ctx context.Context, yield func(connector.Page, error) bool) {
	if r.req.Partition != "" {
		if err := r.knowPart(ctx); err != nil {
			yield(connector.Page{}, err)
			return
		}
	}
	mark, err := markOf(r.req.Cursor)
	if err != nil {
		yield(connector.Page{}, err)
		return
	}
	var twice repeats
	pages := connector.Paginate(ctx, connector.Cursor(mark), func(ctx context.Context, at connector.Cursor) (connector.Page, error) {
		return r.page(ctx, r.req.Partition, string(at), r.req.Cursor != "" && string(at) == mark, &twice)
	})
	for page, err := range pages {
		if page.Next != "" {
			page.Next = markPrefix + page.Next
		}
		if !yield(page, err) {
			return
		}
	}
}

// markPrefix tells a cursor of this package from any other text.
const markPrefix = "at:"

func markOf(c connector.Cursor) (string, error) {
	if c == "" {
		return "", nil
	}
	mark, ok := strings.CutPrefix(string(c), markPrefix)
	if !ok || mark == "" {
		return "", badMark(string(c))
	}
	return mark, nil
}

// repeats notices a vendor that answers every page number with the same page.
type repeats struct {
	seed maphash.Seed
	last uint64
	any  bool
}

func (t *repeats) same(items [][]byte) bool {
	if len(items) == 0 {
		return false
	}
	if !t.any {
		t.seed = maphash.MakeSeed()
	}
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, item := range items {
		_, _ = h.Write(item)
		_ = h.WriteByte(',')
	}
	sum := h.Sum64()
	again := t.any && sum == t.last
	t.last, t.any = sum, true
	return again
}

// page fetches one page; its Next is a mark.
func (r *reading) page(ctx context.Context, part, mark string, resumed bool, twice *repeats) (connector.Page, error) {
	c := r.source.client
	if most := c.api.Bounds.Pages; r.pages.Add(1) > int64(most) {
		return connector.Page{}, connector.Errorf(connector.ErrMalformed, r.op, "there are more than %d pages", most)
	}
	got, err := c.page(ctx, r.list(part), mark)
	if part != "" && r.stream.Parts.Gone && connector.ClassOf(err) == connector.ErrNotFound {
		return connector.Page{Last: true}, nil
	}
	if err != nil {
		return connector.Page{}, r.expired(err, resumed)
	}
	if twice.same(got.items) {
		return connector.Page{}, connector.Errorf(connector.ErrMalformed, r.op, "the vendor sends the same page again and again")
	}
	page := connector.Page{Next: connector.Cursor(got.next), Last: got.next == ""}
	for i, item := range got.items {
		rec := connector.Record(item)
		if len(rec) == 0 || rec[0] != '{' {
			page.Faults = append(page.Faults, connector.Fault{Place: fmt.Sprintf("item %d of the page at %q", i+1, mark), Err: connector.Errorf(connector.ErrMalformed, r.op, "it is no object: %s", excerpt(rec))})
			continue
		}
		if r.stream.Skip == nil || !r.stream.Skip(rec) {
			page.Records = append(page.Records, rec)
		}
	}
	if r.stream.Detail != nil {
		if err := r.detail(ctx, part, page.Records); err != nil {
			return connector.Page{}, err
		}
	}
	return page, r.finish(page.Records, part)
}

// finish edits the records and takes out what must not leave.
func (r *reading) finish(records []connector.Record, part string) error {
	for i, rec := range records {
		var err error
		if r.stream.Edit != nil {
			if rec, err = r.stream.Edit(rec, part); err != nil {
				return r.source.client.own(r.op, err)
			}
		}
		if len(r.hidden) > 0 {
			if rec, err = without(rec, r.hidden, r.source.api.Bounds.Depth+1); err != nil {
				return connector.Errorf(connector.ErrMalformed, r.op, "a record: %w", err)
			}
		}
		records[i] = rec
	}
	return nil
}

// expired turns the refusal of the first request of a resumed read into an
// ErrCursor: the read starts anew, and fails again if something else is wrong.
func (r *reading) expired(err error, resumed bool) error {
	var e *connector.Error
	if !resumed || !errors.As(err, &e) {
		return err
	}
	switch e.Class {
	case connector.ErrInvalid, connector.ErrNotFound:
		again := *e
		again.Class, again.Remedy = connector.ErrCursor, ""
		return &again
	default:
		return err
	}
}

func (r *reading) list(part string) list {
	s := r.stream
	size := s.PageSize
	if r.req.Limit > 0 && (size == 0 || r.req.Limit < size) && s.PageSize > 0 {
		size = r.req.Limit
	}
	l := list{op: r.op, path: s.Path, query: s.Query, body: s.Body, records: s.Records, optional: s.Optional, keyed: s.Keyed, paging: s.Paging, size: size, limits: s.Limits, lookup: with(optional(r.source), "part", part)}
	if !r.req.Since.IsZero() {
		l.since = func(q url.Values) { s.Since(q, r.req.Since) }
	}
	return l
}

// optional looks settings up; one that is not set is empty.
func optional(s *Source) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, def := range s.spec.Settings {
			if def.Name == name {
				return s.cfg.Settings.Get(name), true
			}
		}
		return "", false
	}
}
