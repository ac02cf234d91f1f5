package connector

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
)

// Paginate turns a function that fetches one page into the sequence that
// [Source.Read] returns: it calls fetch with start, then with each page's Next,
// until a page is Last or fetch fails. A page that is not Last must say where to
// go on. A cursor that comes back ends the sequence with ErrMalformed: at once
// if it is the page's own, else, since the guard takes constant memory, after at
// most three times as many pages as there are different ones.
func Paginate(ctx context.Context, start Cursor, fetch func(context.Context, Cursor) (Page, error)) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		cursor := start
		guard := newCursorGuard(start)
		for {
			if err := ctx.Err(); err != nil {
				yield(Page{}, Errorf(ErrUnavailable, "read page", "%w", err))
				return
			}
			page, err := fetch(ctx, cursor)
			if err != nil {
				yield(Page{}, err)
				return
			}
			if !page.Last && page.Next == "" {
				yield(Page{}, Errorf(ErrMalformed, "read page", "the page after %q neither is the last nor says where the next one is", cursor))
				return
			}
			if err := guard.check(page); err != nil {
				yield(Page{}, err)
				return
			}
			if !yield(page, nil) || page.Last {
				return
			}
			cursor = page.Next
		}
	}
}

// A cursorGuard notices a cursor that comes back, by Brent's cycle detection: it
// remembers one cursor, renewed at powers of two.
type cursorGuard struct {
	last, remembered Cursor
	steps, limit     int
}

func newCursorGuard(start Cursor) cursorGuard {
	return cursorGuard{last: start, remembered: start, limit: 1}
}

func (g *cursorGuard) check(page Page) error {
	if page.Last || page.Next == "" {
		return nil
	}
	if page.Next == g.last || page.Next == g.remembered {
		return Errorf(ErrMalformed, "read page", "the cursor %q came back: the vendor sends the same pages again and again", page.Next)
	}
	g.last = page.Next
	if g.steps++; g.steps == g.limit {
		g.remembered, g.steps, g.limit = g.last, 0, g.limit*2
	}
	return nil
}

// Pages reads req from src and holds it to the contract of [Source.Read], for
// callers: a panic becomes an ErrInternal, a sequence that just stops or whose
// cursor comes back becomes an ErrMalformed, see [Paginate], pages after the last
// one are not read. Every error it yields is an *Error with a class.
func Pages(ctx context.Context, src Source, req Request) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		op := fmt.Sprintf("read stream %q", req.Stream)
		var ended, stopped, inYield bool
		fail := func(err error) {
			if !ended && !stopped {
				ended, inYield = true, true
				yield(Page{}, err)
				inYield = false
			}
		}
		defer func() {
			// A panic of the caller's own loop body is not the connector's.
			if inYield {
				return
			}
			if p := recover(); p != nil {
				fail(&Error{Class: ErrInternal, Op: op, Message: fmt.Sprintf("the connector panicked: %v", p), Err: &PanicError{Value: p, Stack: debug.Stack()}})
			}
		}()
		guard := newCursorGuard(req.Cursor)
		for page, err := range src.Read(ctx, req) {
			if err == nil {
				err = guard.check(page)
			}
			if err != nil {
				fail(classify(op, err))
				return
			}
			inYield = true
			more := yield(page, nil)
			inYield = false
			if !more {
				stopped = true
				return
			}
			if page.Last {
				ended = true
				return
			}
		}
		fail(Errorf(ErrMalformed, op, "the stream stopped without a last page or an error"))
	}
}

func classify(op string, err error) error {
	var e *Error
	if errors.As(err, &e) && e != nil && e.Class != "" {
		return err
	}
	return &Error{Class: ClassOf(err), Op: op, Err: err}
}

// A PanicError is the cause of an ErrInternal that came from a panic.
type PanicError struct {
	Value any
	Stack []byte
}

// Error returns the panic's value.
func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }
