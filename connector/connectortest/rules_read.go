package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// A survey is the first read of a stream, from its start, with which the others
// are compared.
type survey struct {
	stream connector.Stream
	all    *reading
	usable bool // the read brought pages and did it again
}

// checkStream holds one stream to the rules.
func (s *suite) checkStream(ctx context.Context, src connector.Source, st connector.Stream) *survey {
	v := &survey{stream: st, all: s.read(ctx, src, st, connector.Request{}, nil)}
	s.checkRecords(v)
	if ctx.Err() != nil {
		return v
	}
	s.checkRefused(ctx, src, st, connector.Request{Cursor: s.opts.BadCursor}, CursorKnown, connector.ErrCursor)
	s.checkCancelled(ctx, src, v)
	s.checkDiscovery(ctx, src, v)
	if v.all.err != nil || len(v.all.pages) == 0 {
		return v
	}
	again := s.read(ctx, src, st, connector.Request{}, nil)
	if diff := again.differs(v.all, 0, s.opts.Volatile); diff != "" {
		s.fail(ReadsAgree, st.Name, "the second read is not as the first: %s", diff)
		return v
	}
	v.usable = true
	s.checkBroken(ctx, src, st)
	s.checkResumed(ctx, v)
	s.checkLimited(ctx, src, v)
	s.checkSensitive(ctx, src, v)
	s.checkParts(ctx, src, v)
	s.checkSince(ctx, src, v)
	return v
}

// checkRecords looks at what a read from the start brought.
func (s *suite) checkRecords(v *survey) {
	name, all := v.stream.Name, v.all
	if all.err != nil {
		s.fail(ReadCompletes, name, "it failed after %d records: %v", len(all.records), all.err)
	} else if len(all.records) < s.opts.MinRecords {
		s.fail(RecordsEnough, name, "there are %d records, and should be %d", len(all.records), s.opts.MinRecords)
	}
	key, keyErr := path.Parse(v.stream.Key)
	places := map[string]int{}
	for i, rec := range all.records {
		if !json.Valid(rec) || bytes.TrimSpace(rec)[0] != '{' {
			s.fail(RecordsObjects, name, "record %d is %s", i+1, clip(rec))
			continue
		}
		if keyErr != nil {
			continue
		}
		id, err := vendorID(decode(rec), key)
		first, twice := places[id]
		switch {
		case err != nil:
			s.fail(RecordsKeyed, name, "record %d: %v", i+1, err)
		case twice:
			s.fail(KeysUnique, name, "records %d and %d both have the id %q", first, i+1, id)
		default:
			places[id] = i + 1
		}
	}
	for i, f := range all.faults {
		if f.Place == "" || f.Err == nil {
			s.fail(FaultsTold, name, "fault %d: place %q, reason %v", i+1, f.Place, f.Err)
			continue
		}
		s.checkHidden(name, "a fault", f.Err.Error())
	}
	s.checkTypes(FieldsTyped, name, v.stream.Fields, all.records)
}

// checkTypes says that fields have their type wherever a record has a value.
func (s *suite) checkTypes(rule Rule, stream string, fields []connector.Field, records []connector.Record) {
	paths := pathsOf(fields)
	for i, rec := range records {
		doc := decode(rec)
		for j, f := range fields {
			for _, value := range find(doc, paths[j]) {
				if t := typeOf(value); paths[j] != nil && t != f.Type {
					s.fail(rule, stream, "record %d: %s is %s, a %s, and should be a %s", i+1, f.Path, clip(value), t, f.Type)
				}
			}
		}
	}
}

// pathsOf returns the fields' paths, nil for one that cannot be read.
func pathsOf(fields []connector.Field) []path.Path {
	paths := make([]path.Path, len(fields))
	for i, f := range fields {
		paths[i], _ = path.ParsePattern(f.Path)
	}
	return paths
}

// holder returns the number of the first record that has a value at p, from 1,
// and 0 if there is none.
func holder(records []connector.Record, p path.Path) int {
	return 1 + slices.IndexFunc(records, func(rec connector.Record) bool { return len(find(decode(rec), p)) > 0 })
}

// checkRefused says that a request ends with an error of one of the classes and
// brings no record.
func (s *suite) checkRefused(ctx context.Context, src connector.Source, st connector.Stream, req connector.Request, rule Rule, classes ...connector.Class) {
	r := s.read(ctx, src, st, req, func(int, connector.Page) bool { return false })
	switch {
	case len(r.pages) > 0:
		s.fail(rule, st.Name, "a page of %d records came, and no error", len(r.records))
	case r.err != nil && !slices.Contains(classes, connector.ClassOf(r.err)):
		s.fail(rule, st.Name, "the error has the class %q and should have %q: %v", connector.ClassOf(r.err), classes, r.err)
	}
}

func (s *suite) checkStreamKnown(ctx context.Context, src connector.Source) {
	s.checkRefused(ctx, src, connector.Stream{}, connector.Request{Stream: noSuchStream}, StreamKnown, connector.ErrNotFound, connector.ErrInvalid)
}

// checkCancelled reads with a context that is cancelled before, and with one
// that is cancelled after the first page. The collector holds the end of the
// reads to the rule.
func (s *suite) checkCancelled(ctx context.Context, src connector.Source, v *survey) {
	before, cancel := context.WithCancel(ctx)
	cancel()
	s.read(before, src, v.stream, connector.Request{}, nil)
	during, cancel := context.WithCancel(ctx)
	defer cancel()
	s.read(during, src, v.stream, connector.Request{}, func(int, connector.Page) bool {
		cancel()
		return true
	})
}

// checkBroken breaks a read off after its first page.
func (s *suite) checkBroken(ctx context.Context, src connector.Source, st connector.Stream) {
	s.read(ctx, src, st, connector.Request{}, func(int, connector.Page) bool { return false })
}

// maxResumes bounds the resume points that are tried in a stream.
const maxResumes = 5

// checkResumed goes on from resume points of the first read, each time with a
// Source of its own.
func (s *suite) checkResumed(ctx context.Context, v *survey) {
	points := slices.DeleteFunc(slices.Clone(v.all.pages), func(m mark) bool { return m.next == "" })
	for _, m := range spread(points, maxResumes) {
		src := s.open(ctx)
		if src == nil {
			return
		}
		rest := s.read(ctx, src, v.stream, connector.Request{Cursor: m.next}, nil)
		s.close(src)
		if diff := rest.differs(v.all, m.records, s.opts.Volatile); diff != "" {
			s.fail(ResumeExact, v.stream.Name, "resumed after %d records, at %q: %s", m.records, m.next, diff)
		}
	}
}

// spread returns at most n of the points, the first and the last among them.
func spread(points []mark, n int) []mark {
	if len(points) <= n {
		return points
	}
	out := make([]mark, n)
	for i := range out {
		out[i] = points[i*(len(points)-1)/(n-1)]
	}
	return out
}

// checkLimited reads with a small limit until it is reached.
func (s *suite) checkLimited(ctx context.Context, src connector.Source, v *survey) {
	for _, limit := range []int{1, 3} {
		seen := 0
		r := s.read(ctx, src, v.stream, connector.Request{Limit: limit}, func(_ int, p connector.Page) bool {
			seen += len(p.Records)
			return seen < limit
		})
		r.last = false // Last after Limit records is no claim about the stream.
		diff := r.differs(v.all, 0, s.opts.Volatile)
		if expected := min(limit, len(v.all.ids)); diff == "" && len(r.ids) < expected {
			diff = fmt.Sprintf("there are %d records, not %d", len(r.ids), expected)
		}
		if diff != "" {
			s.fail(LimitHolds, v.stream.Name, "with a limit of %d: %s", limit, diff)
		}
	}
}

// checkSensitive reads without and with the sensitive fields.
func (s *suite) checkSensitive(ctx context.Context, src connector.Source, v *survey) {
	name, fields := v.stream.Name, v.stream.Fields
	paths := pathsOf(fields)
	if slices.ContainsFunc(paths, func(p path.Path) bool { return p == nil }) {
		return
	}
	var hidden []path.Path
	var sensitive, all, open []string
	for i, f := range fields {
		all = append(all, f.Path)
		if f.Sensitive {
			hidden, sensitive = append(hidden, paths[i]), append(sensitive, f.Path)
		}
	}
	if len(hidden) == 0 {
		return
	}
	for i, f := range fields {
		if !slices.ContainsFunc(hidden, func(p path.Path) bool { return overlaps(p, paths[i]) }) {
			open = append(open, f.Path)
		}
	}
	without := s.read(ctx, src, v.stream, connector.Request{Fields: open}, nil)
	with := s.read(ctx, src, v.stream, connector.Request{Fields: all}, nil)
	for i, p := range hidden {
		if n := holder(without.records, p); n > 0 {
			s.fail(SensitiveKept, name, "record %d holds %s, which is not mapped", n, sensitive[i])
		}
		if n := holder(v.all.records, p); n > 0 {
			s.fail(SensitiveKept, name, "record %d holds %s, when nothing is mapped", n, sensitive[i])
		}
		if with.whole() && len(with.records) > 0 && holder(with.records, p) == 0 {
			s.fail(SensitiveKept, name, "%s is mapped, and no record holds it", sensitive[i])
		}
	}
	s.checkTypes(FieldsTyped, name, fields, with.records)
}

// checkParts reads each part of a stream and puts them together.
func (s *suite) checkParts(ctx context.Context, src connector.Source, v *survey) {
	st := v.stream
	p, ok := src.(connector.Partitioner)
	if !ok {
		if st.Partitioned {
			s.fail(AbilitiesTrue, st.Name, "the stream says Partitioned, but the Source is no Partitioner")
		}
		return
	}
	var parts []string
	var class connector.Class
	if !s.guard(st.Name, "Partitions", func() {
		var err error
		parts, err = p.Partitions(ctx, st.Name)
		s.checkError(st.Name, "Partitions", err)
		class = connector.ClassOf(err)
	}) {
		return
	}
	switch {
	case !st.Partitioned:
		s.checkUnsupported(st.Name, "Partitions", class)
		return
	case class == connector.ErrUnsupported:
		s.fail(AbilitiesTrue, st.Name, "the stream says Partitioned, but Partitions is unsupported")
		return
	case class != "" || len(parts) == 0:
		s.fail(PartsWhole, st.Name, "there are %d parts, and the class of the error is %q", len(parts), class)
		return
	}
	s.checkRefused(ctx, src, st, connector.Request{Partition: noSuchPartition}, PartsWhole, connector.ErrNotFound, connector.ErrInvalid)
	s.sumParts(ctx, src, v, parts)
}

func (s *suite) sumParts(ctx context.Context, src connector.Source, v *survey, parts []string) {
	in := map[string]string{}
	whole := v.all.whole()
	for _, part := range parts {
		r := s.read(ctx, src, v.stream, connector.Request{Partition: part}, nil)
		if r.err != nil {
			s.fail(PartsWhole, v.stream.Name, "part %q failed: %v", part, r.err)
			return
		}
		whole = whole && r.whole()
		for _, id := range r.ids {
			if other, twice := in[id]; twice {
				s.fail(PartsWhole, v.stream.Name, "record %q is in the parts %q and %q", id, other, part)
			}
			in[id] = part
		}
	}
	if !whole {
		return
	}
	for _, id := range v.all.ids {
		if _, ok := in[id]; !ok {
			s.fail(PartsWhole, v.stream.Name, "record %q is in no part", id)
		}
	}
	if len(in) != len(v.all.ids) {
		s.fail(PartsWhole, v.stream.Name, "the parts have %d records, the whole %d", len(in), len(v.all.ids))
	}
}

// checkSince reads what has changed since a moment of the test's.
func (s *suite) checkSince(ctx context.Context, src connector.Source, v *survey) {
	if s.opts.Since.IsZero() || !v.stream.Incremental || !v.all.whole() {
		return
	}
	r := s.read(ctx, src, v.stream, connector.Request{Since: s.opts.Since}, nil)
	switch {
	case r.err != nil:
		s.fail(SinceHonoured, v.stream.Name, "it failed after %d records: %v", len(r.ids), r.err)
	case len(r.ids) == 0 || len(r.ids) >= len(v.all.ids):
		s.fail(SinceHonoured, v.stream.Name, "%d of %d records came", len(r.ids), len(v.all.ids))
	}
	for _, id := range r.ids {
		if !slices.Contains(v.all.ids, id) {
			s.fail(SinceHonoured, v.stream.Name, "record %q is not in the whole stream", id)
		}
	}
}

// checkDiscovery holds the discovered fields against the records.
func (s *suite) checkDiscovery(ctx context.Context, src connector.Source, v *survey) {
	name := v.stream.Name
	d, ok := src.(connector.Discoverer)
	if !ok {
		if s.spec.Discovers {
			s.fail(AbilitiesTrue, name, "the Spec says Discovers, but the Source is no Discoverer")
		}
		return
	}
	var fields []connector.Field
	var class connector.Class
	if !s.guard(name, "Discover", func() {
		var err error
		fields, err = d.Discover(ctx, name)
		s.checkError(name, "Discover", err)
		class = connector.ClassOf(err)
	}) {
		return
	}
	switch {
	case !s.spec.Discovers:
		s.checkUnsupported(name, "Discover", class)
		return
	case class == connector.ErrUnsupported:
		s.fail(AbilitiesTrue, name, "the Spec says Discovers, but Discover is unsupported")
		return
	case class != "" || len(fields) == 0:
		s.fail(DiscoveryTrue, name, "there are %d fields, and the class of the error is %q", len(fields), class)
		return
	}
	s.checkFields(DiscoveryTrue, name, fields)
	s.checkDiscovered(s.read(ctx, src, v.stream, connector.Request{Fields: namesOf(fields, func(f connector.Field) string { return f.Path })}, nil), name, fields)
}

// checkDiscovered says that each field is in one of the records at least.
func (s *suite) checkDiscovered(r *reading, stream string, fields []connector.Field) {
	if len(r.records) == 0 {
		return
	}
	for _, f := range fields {
		p, err := path.ParsePattern(f.Path)
		if err == nil && !slices.ContainsFunc(r.records, func(rec connector.Record) bool { return has(decode(rec), p) }) {
			s.fail(DiscoveryTrue, stream, "no record has the field %q", f.Path)
		}
	}
	s.checkTypes(DiscoveryTrue, stream, fields, r.records)
}

// checkConcurrency reads all streams twice, and checks, all at once.
func (s *suite) checkConcurrency(ctx context.Context, src connector.Source, surveys []*survey) {
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			s.guard("", "Check", func() {
				_, err := src.Check(ctx)
				s.checkError("", "Check", err)
			})
		})
		wg.Go(func() { s.guard("", "Spec", func() { s.checkStatic(s.connector.Spec()) }) })
		for _, v := range surveys {
			if !v.usable {
				continue
			}
			wg.Go(func() {
				r := s.read(ctx, src, v.stream, connector.Request{}, nil)
				if diff := r.differs(v.all, 0, s.opts.Volatile); diff != "" {
					s.fail(ConcurrentReads, v.stream.Name, "one of several reads at once is not as the first: %s", diff)
				}
			})
		}
	}
	wg.Wait()
}

// checkKept says that the records of the first reads are as they were when they
// were yielded.
func (s *suite) checkKept(surveys []*survey) {
	for _, v := range surveys {
		for i, rec := range v.all.given {
			if !bytes.Equal(rec, v.all.records[i]) {
				s.fail(RecordsKept, v.stream.Name, "record %d, with the id %q, is now %s", i+1, v.all.ids[i], clip(rec))
			}
		}
	}
}

// checkGiven writes over the records of a read and reads again. It comes last,
// since a connector that does not give its records away is spoilt by it.
func (s *suite) checkGiven(ctx context.Context, surveys []*survey) {
	src := s.open(ctx)
	if src == nil {
		return
	}
	defer s.close(src)
	for _, v := range surveys {
		if !v.usable {
			continue
		}
		spoil := func(_ int, p connector.Page) bool {
			for i := range p.Records {
				clear(p.Records[i])
				p.Records[i] = nil
			}
			return true
		}
		for range 2 {
			r := s.read(ctx, src, v.stream, connector.Request{}, spoil)
			if diff := r.differs(v.all, 0, s.opts.Volatile); diff != "" {
				s.fail(RecordsGiven, v.stream.Name, "after the caller had written over the records it got: %s", diff)
			}
		}
	}
}
