package syncer

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/spill"
	"github.com/vendorsync/vendorsync/mapping"
)

// An item is one record on its way from page to batch.
type item struct {
	record connector.Record
	place  string // for a record without a vendor id
	out    mapping.Out
	err    error     // the record could not be read or mapped at all
	key    spill.Key // of the vendor id
	hash   uint64    // of everything mapped
	// withheld are the values that another integration's precedence keeps from
	// being written, explained the same for a person.
	withheld  []Said
	explained []string
	keys      []keyText // of the primary row as a new record, as far as they were needed
}

// A mappedPage is one page after mapping, or the error that ended the stream.
type mappedPage struct {
	items []item
	next  connector.Cursor
	last  bool
	err   error
}

// A pipeline fetches and maps pages ahead of the decisions. Two goroutines, each
// ahead of the next by a bounded queue; stop ends both and waits for them.
type pipeline struct {
	pages chan *mappedPage
	stop  func()
}

// readPages starts a pipeline at cursor.
func (r *session) readPages(ctx context.Context, src connector.Source, cursor connector.Cursor) *pipeline {
	ctx, cancel := context.WithCancel(ctx)
	raw := make(chan *mappedPage, r.s.opt.Readahead)
	mapped := make(chan *mappedPage, 2)
	req := connector.Request{Stream: r.in.Stream, Cursor: cursor, Since: r.state.Run.Since, Fields: r.paths, Limit: max(0, r.limit)}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(raw)
		began := time.Now()
		for page, err := range connector.Pages(ctx, src, req) {
			r.watch.fetched(ctx, began, page, err)
			select {
			case raw <- r.newPage(page, err):
			case <-ctx.Done():
				return
			}
			began = time.Now()
		}
	})
	wg.Go(func() {
		defer close(mapped)
		var scratch []byte
		for p := range raw {
			for i := range p.items {
				scratch = r.mapItem(&p.items[i], scratch)
			}
			select {
			case mapped <- p:
			case <-ctx.Done():
				return
			}
		}
	})
	return &pipeline{pages: mapped, stop: func() {
		cancel()
		wg.Wait()
	}}
}

// newPage wraps a page in recycled memory.
func (r *session) newPage(page connector.Page, err error) *mappedPage {
	p, _ := r.pool.Get().(*mappedPage)
	if p == nil {
		p = &mappedPage{}
	}
	p.next, p.last, p.err = page.Next, page.Last, err
	n := len(page.Records) + len(page.Faults)
	if cap(p.items) < n {
		p.items = append(p.items[:cap(p.items)], make([]item, n-cap(p.items))...)
	}
	p.items = p.items[:n]
	for i, rec := range page.Records {
		p.items[i].record, p.items[i].place, p.items[i].err = rec, "", nil
	}
	for i, f := range page.Faults {
		it := &p.items[len(page.Records)+i]
		it.record, it.place, it.err = nil, f.Place, f.Err
	}
	return p
}

// recycle gives a page back once nothing refers to its rows any more.
func (r *session) recycle(pages []*mappedPage) {
	for _, p := range pages {
		for i := range p.items {
			p.items[i].record = nil
		}
		r.pool.Put(p)
	}
}

// mapItem maps one record and fingerprints the result.
func (r *session) mapItem(it *item, scratch []byte) []byte {
	it.out.Reset()
	it.key, it.hash, it.keys = spill.Key{}, 0, it.keys[:0]
	it.withheld, it.explained = nil, nil
	if it.err != nil {
		return scratch
	}
	if err := r.safeMap(it); err != nil {
		it.out.Reset() // half a record is none
		it.err = err
		return scratch
	}
	if it.out.VendorID != "" {
		it.key = vendorKey(it.out.VendorID)
	}
	if len(it.out.Faults) > 0 {
		return scratch
	}
	b := append(scratch[:0], r.fingerprint...)
	for _, row := range it.out.Rows {
		b = strconv.AppendInt(append(b, 'r'), int64(row.Target), 36)
		for _, v := range row.Values {
			b = append(b, byte(v.Kind))
			switch v.Kind {
			case mapping.KindText:
				b = strconv.AppendInt(b, int64(len(v.Text)), 36)
				b = append(b, ':')
				b = append(b, v.Text...)
			case mapping.KindInt, mapping.KindRow:
				b = strconv.AppendInt(b, v.Int, 36)
				b = append(b, ':')
			case mapping.KindAbsent, mapping.KindNull:
			}
		}
	}
	for _, whole := range it.out.Whole {
		if whole {
			b = append(b, 'w')
		} else {
			b = append(b, '-')
		}
	}
	it.hash = xxhash.Sum64(b)
	return b
}

// safeMap maps one record; a panic of the mapper fails that record alone.
func (r *session) safeMap(it *item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = connector.Errorf(connector.ErrInternal, "map record", "the mapper panicked: %v", p)
		}
	}()
	return r.mapper.Map(it.record, &it.out)
}

// restartable reports whether a new Source may succeed where the last failed.
func restartable(err error) bool {
	switch connector.ClassOf(err) { //nolint:exhaustive // every other class will fail again.
	case connector.ErrUnavailable, connector.ErrCursor, connector.ErrRateLimited:
		return true
	}
	return false
}

// pause waits before restart number n, or as long as the vendor asks if that is
// longer.
func (r *session) pause(ctx context.Context, n int, err error) error {
	wait := r.s.opt.RestartDelay << (n - 1)
	var e *connector.Error
	if errors.As(err, &e) && e.RetryAfter > wait {
		wait = e.RetryAfter
		r.state.Run.Waited += wait
		r.watch.wait(ctx, connector.Wait{For: wait, Reason: "vendor's limit"})
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
