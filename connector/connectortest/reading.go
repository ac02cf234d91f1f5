package connectortest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// A reading is what one Read brought.
type reading struct {
	records []connector.Record // copies, made in the moment they were yielded
	given   []connector.Record // the same as they were yielded
	ids     []string           // of each record, empty where it has none
	pages   []mark
	faults  []connector.Fault
	last    bool  // a page said Last
	err     error // the read ended with it
}

// A mark is the end of one page.
type mark struct {
	records int // read until here
	next    connector.Cursor
}

// whole reports whether nothing of the stream is left out.
func (r *reading) whole() bool { return r.last && r.err == nil }

// A state says how far a Read has come.
type state int

const (
	reads     state = iota
	broken          // the suite has broken it off
	finished        // it has yielded Last or an error
	returned        // it has returned
	abandoned       // it has not returned, and the suite waits no longer
)

// A collector is what a Read yields to. It holds the calls of yield to the
// contract.
type collector struct {
	s         *suite
	stream    connector.Stream
	key       path.Path
	visit     func(page int, p connector.Page) bool
	cancelled func() bool
	goroutine int
	stop      chan struct{} // closed when the read has been told to stop

	mu    sync.Mutex
	state state
	seen  map[connector.Cursor]bool
	got   reading
}

// read makes one Read and returns what it brought. visit sees each page, counted
// from 1, and breaks the read off by returning false; nil sees nothing. Reads
// are broken off after MaxPages.
func (s *suite) read(ctx context.Context, src connector.Source, st connector.Stream, req connector.Request, visit func(int, connector.Page) bool) *reading {
	c := &collector{
		s: s, stream: st, visit: visit, stop: make(chan struct{}), seen: map[connector.Cursor]bool{req.Cursor: true},
		cancelled: func() bool { return ctx.Err() != nil },
	}
	c.key, _ = path.Parse(st.Key)
	req.Stream = cmp.Or(req.Stream, st.Name)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.guard(st.Name, "Read", func() {
			c.goroutine = goroutine()
			src.Read(ctx, req)(c.yield)
			c.returned()
		})
	}()
	s.await(ctx, st.Name, done, c.stop)
	return c.result()
}

// await waits until a read is done: without end while it makes progress, for
// Patience after it has been told to stop.
func (s *suite) await(ctx context.Context, stream string, done, stop <-chan struct{}) {
	rule, why := BreakReturns, "was broken off"
	select {
	case <-done:
		return
	case <-stop:
	case <-ctx.Done():
		rule, why = CancelEnds, "was cancelled"
	}
	timer := time.NewTimer(s.opts.Patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		s.fail(rule, stream, "%v after it %s, Read has not returned", s.opts.Patience, why)
	}
}

// result returns what has been collected. A Read that still runs adds nothing
// more.
func (c *collector) result() *reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != returned {
		c.state = abandoned
	}
	return &c.got
}

// returned notes that Read has returned, and whether it may.
func (c *collector) returned() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == reads {
		rule, when := ReadEnds, ""
		if c.cancelled() {
			rule, when = CancelEnds, " when the context was cancelled"
		}
		c.s.fail(rule, c.stream.Name, "Read returned%s after %d pages, without a last page or an error", when, len(c.got.pages))
	}
	if c.state != abandoned {
		c.state = returned
	}
}

// yield takes a page or an error. After the end of a read it goes on saying
// true, so that a Read that does not know its own end shows it.
func (c *collector) yield(p connector.Page, err error) bool {
	if id := goroutine(); id != c.goroutine {
		c.s.fail(OwnGoroutine, c.stream.Name, "yield was called on goroutine %d, Read on %d", id, c.goroutine)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case reads:
	case broken:
		c.late(BreakReturns, "after yield had returned false")
	case finished:
		c.late(NothingAfter, "after the end")
	case returned:
		c.late(NothingAfter, "after Read had returned")
	case abandoned:
		runtime.Goexit()
	}
	if err != nil {
		c.fail(p, err)
		return true
	}
	c.take(p)
	return c.state != broken
}

// late notes a call of yield that should not be, and ends the goroutine that
// made it: a Read that does not stop by itself would go on for ever.
func (c *collector) late(rule Rule, when string) {
	c.s.fail(rule, c.stream.Name, "yield was called %s", when)
	runtime.Goexit()
}

// fail collects the error that ends a read.
func (c *collector) fail(p connector.Page, err error) {
	c.state = finished
	c.got.err = err
	c.s.checkError(c.stream.Name, "Read", err)
	if len(p.Records) > 0 || len(p.Faults) > 0 || p.Next != "" || p.Last {
		c.s.fail(ErrorAlone, c.stream.Name, "with the error %v came a page of %d records", err, len(p.Records))
	}
}

// take collects a page and decides whether the read goes on.
func (c *collector) take(p connector.Page) {
	late := c.cancelled()
	for _, rec := range p.Records {
		id, _ := vendorID(decode(rec), c.key)
		c.got.records = append(c.got.records, bytes.Clone(rec))
		c.got.given = append(c.got.given, rec)
		c.got.ids = append(c.got.ids, id)
	}
	c.got.faults = append(c.got.faults, p.Faults...)
	c.got.pages = append(c.got.pages, mark{records: len(c.got.records), next: p.Next})
	page := len(c.got.pages)
	goOn := c.visit == nil || c.visit(page, p)
	switch {
	case p.Last && late:
		c.s.fail(CancelEnds, c.stream.Name, "page %d came after the context was cancelled, and is Last", page)
	case late && page == c.s.opts.MaxPages:
		c.s.fail(CancelEnds, c.stream.Name, "page %d came after the context was cancelled, and still no error", page)
	}
	c.got.last = p.Last
	switch {
	case !goOn, !p.Last && (page == c.s.opts.MaxPages || c.cameBack(p.Next)):
		c.state = broken
		close(c.stop)
	case p.Last:
		c.state = finished
	}
}

// cameBack reports whether a cursor has been there before.
func (c *collector) cameBack(next connector.Cursor) bool {
	if next == "" {
		return false
	}
	if c.seen[next] {
		page := len(c.got.pages)
		c.s.fail(CursorsAdvance, c.stream.Name, "page %d has the cursor %q again", page, next)
		c.got.pages[page-1].next = "" // It leads back, not to the rest.
		return true
	}
	c.seen[next] = true
	return false
}

// goroutine returns the number of the running goroutine.
func goroutine() int {
	buf := make([]byte, 64)
	text, _ := bytes.CutPrefix(buf[:runtime.Stack(buf, false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	n, _ := strconv.Atoi(string(number))
	return n
}

// differs says where a reading is not what another one was from record number
// from on, as far as both of them go. It returns "" if they agree.
func (r *reading) differs(want *reading, from int, volatile bool) string {
	if r.err != nil {
		return fmt.Sprintf("it failed after %d records: %v", len(r.ids), r.err)
	}
	ids, records := want.ids[from:], want.records[from:]
	for i := range min(len(ids), len(r.ids)) {
		if r.ids[i] != ids[i] {
			return fmt.Sprintf("record %d has the id %q, not %q", i+1, r.ids[i], ids[i])
		}
		if !volatile && !bytes.Equal(r.records[i], records[i]) {
			return fmt.Sprintf("record %d, with the id %q, has other contents", i+1, ids[i])
		}
	}
	if r.whole() && len(r.ids) < len(ids) || want.whole() && len(r.ids) > len(ids) {
		return fmt.Sprintf("there are %d records, not %d", len(r.ids), len(ids))
	}
	return ""
}
