package connectortest

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// A Fake is a connector that does what a test tells it to. The zero value is a
// connector "fake" with one stream, "records", that is empty; the records come
// from the first of Pages, Records and Generate that is set. The fields may be
// changed while no method runs and no read goes on; the methods and counters are
// safe for concurrent use. A Fake is used by its pointer.
//
// Its cursors are record offsets, "offset:1200", so that they stay good when
// PageSize changes between two reads.
type Fake struct {
	// ID is the connector's id. Defaults to "fake".
	ID string
	// Stream is the name of its one stream. Defaults to "records".
	Stream string
	// Describe changes the Spec, which holds what the other fields say. It is
	// called each time and must do the same each time. Nil changes nothing.
	Describe func(*connector.Spec)

	// Pages are yielded as they are cut here, empty ones too. An empty page has
	// no resume point.
	Pages [][]connector.Record
	// Records are yielded in pages of PageSize.
	Records []connector.Record
	// Generate makes record i of Count in the moment it is yielded, each time as
	// a new slice. It is called from several goroutines if there are several
	// reads.
	Generate func(i int) connector.Record
	Count    int
	// PageSize is the number of records in a page. Defaults to 100. A Request
	// with a smaller Limit gets pages of that size.
	PageSize int

	// NoCursor takes the resume point from every page.
	NoCursor bool
	// ResumeEvery leaves a resume point at every nth page alone, counted from the
	// start of the stream. 0 and 1 leave all.
	ResumeEvery int
	// LastAlone says Last on an empty page of its own.
	LastAlone bool

	// Partitions are the names of the stream's parts. Record i belongs to part
	// i modulo their number. Empty means that the stream is not partitioned.
	Partitions []string
	// ChangedAt says when record i changed last and makes the stream incremental.
	ChangedAt func(i int) time.Time
	// Discovered are the fields that the source tells; nil means that it cannot.
	Discovered []connector.Field
	// Accounts are what the source knows of accounts; nil means that it knows
	// nothing of them.
	Accounts []connector.Account

	// OpenErr is what Open returns, if it is set.
	OpenErr error
	// CheckFunc answers Check. Nil grants every permission of the Spec.
	CheckFunc func(ctx context.Context) (connector.Report, error)
	// Delay is the time that each page takes.
	Delay time.Duration
	// Script says what happens instead of, or with, a page, by the page's place
	// in the whole stream: page 3 of pages of 100 is the one that holds record
	// 300, wherever a read begins.
	Script map[int]Step

	Opens  atomic.Int64 // calls of Open
	Reads  atomic.Int64 // reads begun
	Checks atomic.Int64 // calls of Check
	Closes atomic.Int64 // calls of Close

	mu       sync.Mutex
	taken    map[int]int // how often each step of the script has happened
	requests []connector.Request

	// appendRecord stands for Generate where a page is to cost one allocation.
	appendRecord func(b []byte, i int) []byte
}

// A Step is what happens at one page. Of the endings Panic, Err, Stop and Block
// the first that is set is taken, in this order, and the page is not yielded.
type Step struct {
	// Do is called first. It may cancel a context or tell a test how far the
	// read has come.
	Do func()
	// Panic is what Read panics with.
	Panic any
	// Err is yielded in place of the page, as it is.
	Err error
	// Stop ends the sequence without a last page or an error.
	Stop bool
	// Block waits until the read's context is done and yields that as an error.
	Block bool
	// Repeat yields the page with the cursor that led to it, and then the same
	// page again: without Times, for ever.
	Repeat bool
	// Faults are yielded with the page.
	Faults []connector.Fault
	// Times is how often the step happens, over all reads; after that the page
	// is an ordinary one. 0 means every time.
	Times int
}

var _ connector.Connector = (*Fake)(nil)

// Spec returns the fake's catalogue entry, see [Fake.Describe].
func (f *Fake) Spec() connector.Spec {
	spec := connector.Spec{
		ID:            or(f.ID, "fake"),
		Name:          "Fake",
		Category:      "test",
		Summary:       "Yields what a test tells it to.",
		Discovers:     f.Discovered != nil,
		ReadsAccounts: f.Accounts != nil,
		Streams: []connector.Stream{{
			Name:         or(f.Stream, "records"),
			Label:        "Records",
			Key:          "id",
			Complete:     true,
			Incremental:  f.ChangedAt != nil,
			Partitioned:  len(f.Partitions) > 0,
			StableResume: true,
		}},
	}
	if f.Describe != nil {
		f.Describe(&spec)
	}
	return spec
}

// Open returns a Source that follows the script. It reports OpenErr if that is
// set.
func (f *Fake) Open(context.Context, connector.Config) (connector.Source, error) {
	f.Opens.Add(1)
	if f.OpenErr != nil {
		return nil, f.OpenErr
	}
	return &fakeSource{fake: f, spec: f.Spec()}, nil
}

// Requests returns what has been asked of Read, in the order of the reads.
func (f *Fake) Requests() []connector.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

func (f *Fake) begin(req connector.Request) {
	f.Reads.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, req)
}

// step returns what the script says of a page, and counts it.
func (f *Fake) step(page int) Step {
	step, ok := f.Script[page]
	if !ok || step.Times == 0 {
		return step
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken[page] >= step.Times {
		return Step{}
	}
	if f.taken == nil {
		f.taken = map[int]int{}
	}
	f.taken[page]++
	return step
}

func (f *Fake) count() int {
	switch {
	case f.Pages != nil:
		n := 0
		for _, p := range f.Pages {
			n += len(p)
		}
		return n
	case f.Records != nil:
		return len(f.Records)
	case f.Generate != nil, f.appendRecord != nil:
		return f.Count
	}
	return 0
}

// A span is one page: its place in the stream and the records it covers.
type span struct {
	page, from, to int
	last           bool
}

// spans cuts the stream from record start on into pages.
func (f *Fake) spans(start, limit int) iter.Seq[span] {
	if f.Pages != nil {
		return f.cutPages(start)
	}
	return f.evenPages(start, limit)
}

func (f *Fake) evenPages(start, limit int) iter.Seq[span] {
	return func(yield func(span) bool) {
		n, nominal := f.count(), max(f.PageSize, 0)
		if nominal == 0 {
			nominal = 100
		}
		size := nominal
		if limit > 0 {
			size = min(size, limit)
		}
		for from := start; from < n; from += size {
			to := min(from+size, n)
			if !yield(span{page: from / nominal, from: from, to: to, last: to == n && !f.LastAlone}) {
				return
			}
		}
		if f.LastAlone || start == n {
			yield(span{page: (n + nominal - 1) / nominal, from: n, to: n, last: true})
		}
	}
}

func (f *Fake) cutPages(start int) iter.Seq[span] {
	return func(yield func(span) bool) {
		from, last := 0, false
		for i, p := range f.Pages {
			to := from + len(p)
			s := span{page: i, from: max(from, start), to: to, last: i == len(f.Pages)-1 && !f.LastAlone}
			// A page that ended at start has been read; an empty one there has not.
			if to > start || from == start {
				last = s.last
				if !yield(s) {
					return
				}
			}
			from = to
		}
		if !last {
			yield(span{page: len(f.Pages), from: from, to: from, last: true})
		}
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
