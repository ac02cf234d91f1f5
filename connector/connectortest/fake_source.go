package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// fakeSource has every ability and answers ErrUnsupported where the Fake lacks
// it, as a proxy does.
type fakeSource struct {
	fake   *Fake
	spec   connector.Spec
	closed atomic.Bool
}

var (
	_ connector.Discoverer    = (*fakeSource)(nil)
	_ connector.Partitioner   = (*fakeSource)(nil)
	_ connector.AccountReader = (*fakeSource)(nil)
)

func (s *fakeSource) Check(ctx context.Context) (connector.Report, error) {
	s.fake.Checks.Add(1)
	if s.fake.CheckFunc != nil {
		return s.fake.CheckFunc(ctx)
	}
	if err := ctx.Err(); err != nil {
		return connector.Report{}, connector.Errorf(connector.ErrUnavailable, "check", "%w", err)
	}
	var report connector.Report
	for _, st := range s.spec.Streams {
		for _, p := range st.Permissions {
			report.Permissions = append(report.Permissions, connector.PermissionStatus{Name: p.Name, Stream: st.Name, Grant: connector.Granted})
		}
	}
	return report, nil
}

func (s *fakeSource) Close() error {
	s.fake.Closes.Add(1)
	s.closed.Store(true)
	return nil
}

func (s *fakeSource) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		s.fake.begin(req)
		r, err := s.reader(req)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		r.run(ctx, yield)
	}
}

// reader checks a request and returns what answers it.
func (s *fakeSource) reader(req connector.Request) (*fakeReader, error) {
	const op = "read"
	if s.closed.Load() {
		return nil, connector.Errorf(connector.ErrInternal, op, "the source is closed")
	}
	stream, err := s.stream(op, req.Stream)
	if err != nil {
		return nil, err
	}
	r := &fakeReader{fake: s.fake, req: req, part: -1}
	if req.Partition != "" {
		if r.part = slices.Index(s.fake.Partitions, req.Partition); r.part < 0 {
			return nil, connector.Errorf(connector.ErrNotFound, op, "stream %q has no partition %q", req.Stream, req.Partition)
		}
	}
	if r.start, err = s.fake.offset(req.Cursor); err != nil {
		return nil, err
	}
	if r.drop, err = unasked(stream, req.Fields); err != nil {
		return nil, connector.Errorf(connector.ErrInternal, op, "a field of stream %q: %w", req.Stream, err)
	}
	return r, nil
}

// unasked returns the paths of a stream's sensitive fields that none of the
// mapped paths leads to.
func unasked(stream connector.Stream, mapped []string) ([]path.Path, error) {
	var drop []path.Path
	for _, field := range stream.Fields {
		if !field.Sensitive {
			continue
		}
		p, err := path.ParsePattern(field.Path)
		if err != nil {
			return nil, err
		}
		leadsThere := func(text string) bool {
			q, err := path.ParsePattern(text)
			return err == nil && overlaps(p, q)
		}
		if !slices.ContainsFunc(mapped, leadsThere) {
			drop = append(drop, p)
		}
	}
	return drop, nil
}

func (s *fakeSource) stream(op, name string) (connector.Stream, error) {
	stream, ok := s.spec.Stream(name)
	if !ok {
		return stream, connector.Errorf(connector.ErrNotFound, op, "there is no stream %q", name)
	}
	return stream, nil
}

const cursorPrefix = "offset:"

func cursorAt(offset int) connector.Cursor {
	return connector.Cursor(cursorPrefix + strconv.Itoa(offset))
}

func (f *Fake) offset(c connector.Cursor) (int, error) {
	if c == "" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(string(c), cursorPrefix)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || n > f.count() || f.NoCursor {
		return 0, connector.Errorf(connector.ErrCursor, "read", "%q is no cursor of this stream", c)
	}
	return n, nil
}

// Discover returns the Fake's Discovered fields.
func (s *fakeSource) Discover(_ context.Context, stream string) ([]connector.Field, error) {
	if s.fake.Discovered == nil {
		return nil, connector.Errorf(connector.ErrUnsupported, "discover", "the vendor does not tell its fields")
	}
	if _, err := s.stream("discover", stream); err != nil {
		return nil, err
	}
	return slices.Clone(s.fake.Discovered), nil
}

// Partitions returns the Fake's Partitions.
func (s *fakeSource) Partitions(_ context.Context, stream string) ([]string, error) {
	if len(s.fake.Partitions) == 0 {
		return nil, connector.Errorf(connector.ErrUnsupported, "partitions", "stream %q has no parts", stream)
	}
	if _, err := s.stream("partitions", stream); err != nil {
		return nil, err
	}
	return slices.Clone(s.fake.Partitions), nil
}

// ReadAccount returns the account of that id from the Fake's Accounts.
func (s *fakeSource) ReadAccount(_ context.Context, id string) (connector.Account, error) {
	if s.fake.Accounts == nil {
		return connector.Account{}, connector.Errorf(connector.ErrUnsupported, "read account", "the vendor tells nothing of single accounts")
	}
	for _, a := range s.fake.Accounts {
		if a.ID == id {
			return a, nil
		}
	}
	return connector.Account{}, connector.Errorf(connector.ErrNotFound, "read account", "there is no account %q", id)
}

// A fakeReader answers one Request.
type fakeReader struct {
	fake  *Fake
	req   connector.Request
	start int
	part  int // index of the partition, -1 for all
	drop  []path.Path
}

func (r *fakeReader) run(ctx context.Context, yield func(connector.Page, error) bool) {
	start, again := r.start, true
	for again {
		again = false
		for s := range r.fake.spans(start, r.req.Limit) {
			step := r.fake.step(s.page)
			page, ended, err := r.page(ctx, s, step)
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			if ended || !yield(page, nil) || page.Last {
				return
			}
			if step.Repeat {
				start, again = s.from, true
				break
			}
		}
	}
}

// page makes the page of a span, unless the script says otherwise: ended means
// that nothing is yielded and the sequence stops.
func (r *fakeReader) page(ctx context.Context, s span, step Step) (page connector.Page, ended bool, err error) {
	if step.Do != nil {
		step.Do()
	}
	if err := wait(ctx, r.fake.Delay); err != nil {
		return page, true, err
	}
	switch {
	case step.Panic != nil:
		panic(step.Panic)
	case step.Err != nil:
		return page, true, step.Err
	case step.Stop:
		return page, true, nil
	case step.Block:
		<-ctx.Done()
		return page, true, cancelled(ctx)
	}
	page.Records, page.Faults = r.records(s)
	page.Faults = append(page.Faults, step.Faults...)
	page.Last = s.last && !step.Repeat
	if step.Repeat {
		page.Next = cursorAt(s.from)
	} else if !page.Last && r.fake.resumable(s) {
		page.Next = cursorAt(s.to)
	}
	return page, false, nil
}

func (f *Fake) resumable(s span) bool {
	return !f.NoCursor && s.to > s.from && (f.ResumeEvery < 2 || (s.page+1)%f.ResumeEvery == 0)
}

func wait(ctx context.Context, d time.Duration) error {
	if d > 0 && ctx.Err() == nil {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return cancelled(ctx)
}

func cancelled(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return connector.Errorf(connector.ErrUnavailable, "read", "%w", context.Cause(ctx))
}

// records returns the records of a span, each a copy: they belong to the caller.
// They lie in one piece of memory. A record from which nothing can be left out,
// since it is no JSON object, is a fault.
func (r *fakeReader) records(s span) ([]connector.Record, []connector.Fault) {
	var (
		b      = make([]byte, 0, r.fake.bytesIn(s))
		ends   = make([]int, 0, s.to-s.from)
		faults []connector.Fault
	)
	for i := s.from; i < s.to; i++ {
		if !r.wants(i) {
			continue
		}
		at := len(b)
		b = r.fake.appendAt(b, i)
		if len(r.drop) > 0 {
			rec, err := without(b[at:], r.drop)
			if err != nil {
				faults = append(faults, connector.Fault{Place: "record " + strconv.Itoa(i), Err: connector.Errorf(connector.ErrMalformed, "read", "%w", err)})
				b = b[:at]
				continue
			}
			b = append(b[:at], rec...)
		}
		ends = append(ends, len(b))
	}
	recs, from := make([]connector.Record, len(ends)), 0
	for i, to := range ends {
		recs[i], from = b[from:to:to], to
	}
	return recs, faults
}

func (r *fakeReader) wants(i int) bool {
	if r.part >= 0 && i%len(r.fake.Partitions) != r.part {
		return false
	}
	return r.req.Since.IsZero() || r.fake.ChangedAt == nil || !r.fake.ChangedAt(i).Before(r.req.Since)
}

// bytesIn is about as many bytes as a span's records take.
func (f *Fake) bytesIn(s span) int {
	switch n := s.to - s.from; {
	case n == 0:
		return 0
	case f.Pages == nil && f.Records == nil:
		return n * 700
	default:
		return n * (len(f.at(s.from)) + 16)
	}
}

func (f *Fake) appendAt(b []byte, i int) []byte {
	switch {
	case f.Pages != nil, f.Records != nil:
		return append(b, f.at(i)...)
	case f.Generate != nil:
		return append(b, f.Generate(i)...)
	}
	return f.appendRecord(b, i)
}

// at returns record i of Pages or Records.
func (f *Fake) at(i int) connector.Record {
	for _, p := range f.Pages {
		if i < len(p) {
			return p[i]
		}
		i -= len(p)
	}
	return f.Records[i]
}

// without returns a record less the values at the given paths.
func without(rec []byte, paths []path.Path) ([]byte, error) {
	rec = bytes.TrimSpace(rec)
	for _, p := range paths {
		var err error
		if rec, err = drop(rec, p); err != nil {
			return nil, err
		}
	}
	return rec, nil
}

// drop leaves out the member that p ends in. An item that p ends in becomes
// null, so that the ones after it keep their index.
func drop(value []byte, p path.Path) ([]byte, error) {
	switch {
	case p[0].IsIndex && bytes.HasPrefix(value, []byte("[")):
		return dropItem(value, p)
	case !p[0].IsIndex && bytes.HasPrefix(value, []byte("{")):
		return dropMember(value, p)
	case !json.Valid(value):
		return nil, errors.New("the record is not JSON")
	}
	return value, nil
}

func dropMember(object []byte, p path.Path) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	member, ok := members[p[0].Key]
	switch {
	case !ok:
		return object, nil
	case len(p) == 1:
		delete(members, p[0].Key)
	default:
		inner, err := drop(member, p[1:])
		if err != nil {
			return nil, err
		}
		members[p[0].Key] = inner
	}
	return json.Marshal(members)
}

func dropItem(list []byte, p path.Path) ([]byte, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, err
	}
	for i := range items {
		if !isAt(p[0], i, len(items)) {
			continue
		}
		if len(p) == 1 {
			items[i] = json.RawMessage("null")
			continue
		}
		inner, err := drop(items[i], p[1:])
		if err != nil {
			return nil, err
		}
		items[i] = inner
	}
	return json.Marshal(items)
}
