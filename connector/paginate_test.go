package connector_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
)

// chain is a vendor whose pages follow one another by number; after page
// tail+cycle it goes back to page tail. A cycle of 0 never goes back.
func chain(tail, cycle int, calls *int) func(context.Context, connector.Cursor) (connector.Page, error) {
	return func(_ context.Context, c connector.Cursor) (connector.Page, error) {
		*calls++
		n := 0
		if c != "" {
			var err error
			if n, err = strconv.Atoi(string(c)); err != nil {
				return connector.Page{}, connector.Errorf(connector.ErrCursor, "list", "%w", err)
			}
		}
		if n++; cycle > 0 && n >= tail+cycle {
			n = tail
		}
		return connector.Page{Next: connector.Cursor(strconv.Itoa(n))}, nil
	}
}

func TestPaginateNoticesEveryCycle(t *testing.T) {
	t.Parallel()
	for tail := 1; tail < 40; tail++ {
		for cycle := 1; cycle < 40; cycle++ {
			calls := 0
			var last error
			for page, err := range connector.Paginate(t.Context(), "", chain(tail, cycle, &calls)) {
				require.Nil(t, last, "a page after the error")
				require.True(t, err == nil || page.Next == "", "an error with a page")
				last = err
			}
			require.ErrorIs(t, last, connector.ErrMalformed, "tail %d, cycle %d", tail, cycle)
			require.LessOrEqual(t, calls, 3*(tail+cycle), "tail %d, cycle %d", tail, cycle)
			if cycle == 1 {
				require.Equal(t, tail+1, calls, "a page that leads to itself is noticed at once")
			}
		}
	}
}

func TestPaginateReadsALongStream(t *testing.T) {
	t.Parallel()
	const pages = 100_000
	calls, got := 0, 0
	vendor := chain(0, 0, &calls)
	for page, err := range connector.Paginate(t.Context(), "", func(ctx context.Context, c connector.Cursor) (connector.Page, error) {
		page, err := vendor(ctx, c)
		page.Last = calls == pages
		return page, err
	}) {
		require.NoError(t, err)
		got++
		require.Equal(t, got == pages, page.Last)
	}
	require.Equal(t, pages, got)
	require.Equal(t, pages, calls)
}

func TestPaginate(t *testing.T) {
	t.Parallel()
	down := connector.Errorf(connector.ErrUnavailable, "list", "it is down")
	tests := map[string]struct {
		start connector.Cursor
		pages map[connector.Cursor]connector.Page
		fails map[connector.Cursor]error
		want  []connector.Cursor // the Next of the pages
		class connector.Class
	}{
		"it ends with the last page": {
			pages: map[connector.Cursor]connector.Page{"": {Next: "a"}, "a": {Next: "b"}, "b": {Last: true}},
			want:  []connector.Cursor{"a", "b", ""},
		},
		"it begins after the cursor": {
			start: "a",
			pages: map[connector.Cursor]connector.Page{"a": {Next: "b"}, "b": {Last: true}},
			want:  []connector.Cursor{"b", ""},
		},
		"the last page may say where to go on later": {
			pages: map[connector.Cursor]connector.Page{"": {Next: "a", Last: true}},
			want:  []connector.Cursor{"a"},
		},
		"the last page may have the cursor that led to it": {
			start: "a",
			pages: map[connector.Cursor]connector.Page{"a": {Next: "a", Last: true}},
			want:  []connector.Cursor{"a"},
		},
		"an error ends it": {
			pages: map[connector.Cursor]connector.Page{"": {Next: "a"}, "a": {Next: "b"}},
			fails: map[connector.Cursor]error{"a": down},
			want:  []connector.Cursor{"a"},
			class: connector.ErrUnavailable,
		},
		"a page that leads nowhere is malformed": {
			pages: map[connector.Cursor]connector.Page{"": {Next: "a"}, "a": {}},
			want:  []connector.Cursor{"a"},
			class: connector.ErrMalformed,
		},
		"a page that leads to itself is malformed": {
			pages: map[connector.Cursor]connector.Page{"": {Next: "a"}, "a": {Next: "b"}, "b": {Next: "b"}},
			want:  []connector.Cursor{"a", "b"},
			class: connector.ErrMalformed,
		},
		"a page that leads back to the start of the read is malformed": {
			start: "a",
			pages: map[connector.Cursor]connector.Page{"a": {Next: "b"}, "b": {Next: "a"}},
			want:  []connector.Cursor{"b", "a"},
			class: connector.ErrMalformed,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []connector.Cursor
			var last error
			for page, err := range connector.Paginate(t.Context(), test.start, func(_ context.Context, c connector.Cursor) (connector.Page, error) {
				return test.pages[c], test.fails[c]
			}) {
				if last = err; err == nil {
					got = append(got, page.Next)
				}
			}
			require.Equal(t, test.want, got)
			require.Equal(t, test.class, connector.ClassOf(last))
		})
	}
}

func TestPaginateStopsWhenItIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := 0
	var errs []error
	for _, err := range connector.Paginate(ctx, "", chain(0, 0, &calls)) {
		errs = append(errs, err)
		cancel()
	}
	require.Len(t, errs, 2)
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], context.Canceled)
	require.ErrorIs(t, errs[1], connector.ErrUnavailable)
	require.Equal(t, 1, calls)
}

func TestPaginateFetchesNothingAfterABreak(t *testing.T) {
	t.Parallel()
	calls := 0
	for _, err := range connector.Paginate(t.Context(), "", chain(0, 0, &calls)) {
		require.NoError(t, err)
		if calls == 3 {
			break
		}
	}
	require.Equal(t, 3, calls)
}

// readSource is a Source that only reads.
type readSource func(yield func(connector.Page, error) bool)

func (f readSource) Check(context.Context) (connector.Report, error) { return connector.Report{}, nil }
func (f readSource) Close() error                                    { return nil }
func (f readSource) Read(context.Context, connector.Request) iter.Seq2[connector.Page, error] {
	return iter.Seq2[connector.Page, error](f)
}

// pages reads a source through connector.Pages.
func pages(t *testing.T, src readSource) iter.Seq2[connector.Page, error] {
	t.Helper()
	return connector.Pages(t.Context(), src, connector.Request{Stream: "users"})
}

func TestPagesHoldsASourceToItsContract(t *testing.T) {
	t.Parallel()
	first, last := connector.Page{Next: "a"}, connector.Page{Last: true}
	var typedNil *connector.Error
	tests := map[string]struct {
		read  readSource
		pages []connector.Page
		class connector.Class
		text  string // in the error
	}{
		"a read to the last page": {
			read: func(yield func(connector.Page, error) bool) {
				_ = yield(first, nil) && yield(last, nil)
			},
			pages: []connector.Page{first, last},
		},
		"pages after the last one are not read": {
			read: func(yield func(connector.Page, error) bool) {
				for _, p := range []connector.Page{first, last, first} {
					if !yield(p, nil) {
						return
					}
				}
			},
			pages: []connector.Page{first, last},
		},
		"a page that is yielded after the end, whatever yield says": {
			read: func(yield func(connector.Page, error) bool) {
				yield(last, nil)
				yield(first, nil)
			},
			pages: []connector.Page{last},
		},
		"a stream that just stops is malformed": {
			read:  func(yield func(connector.Page, error) bool) { yield(first, nil) },
			pages: []connector.Page{first},
			class: connector.ErrMalformed,
			text:  `read stream "users": the stream stopped without a last page or an error`,
		},
		"a stream without any page is malformed": {
			read:  func(func(connector.Page, error) bool) {},
			class: connector.ErrMalformed,
		},
		"a panic is an internal error": {
			read: func(yield func(connector.Page, error) bool) {
				yield(first, nil)
				panic("assignment to entry in nil map")
			},
			pages: []connector.Page{first},
			class: connector.ErrInternal,
			text:  "the connector panicked: assignment to entry in nil map",
		},
		"a panic after the last page is not heard": {
			read: func(yield func(connector.Page, error) bool) {
				yield(last, nil)
				panic("too late")
			},
			pages: []connector.Page{last},
		},
		"a panic after an error does not make another one": {
			read: func(yield func(connector.Page, error) bool) {
				yield(connector.Page{}, connector.Errorf(connector.ErrAuth, "list", "expired"))
				panic("too late")
			},
			class: connector.ErrAuth,
		},
		"an error ends the read": {
			read: func(yield func(connector.Page, error) bool) {
				_ = yield(first, nil) && yield(connector.Page{}, connector.Errorf(connector.ErrAuth, "list", "expired")) && yield(last, nil)
			},
			pages: []connector.Page{first},
			class: connector.ErrAuth,
			text:  "list: expired",
		},
		"the page that comes with an error is dropped": {
			read: func(yield func(connector.Page, error) bool) {
				yield(last, connector.Errorf(connector.ErrAuth, "list", "expired"))
			},
			class: connector.ErrAuth,
		},
		"an error without a class gets one": {
			read: func(yield func(connector.Page, error) bool) {
				yield(connector.Page{}, fmt.Errorf("get: %w", context.DeadlineExceeded))
			},
			class: connector.ErrUnavailable,
			text:  `read stream "users": get: context deadline exceeded`,
		},
		"an Error with an empty class gets one": {
			read:  func(yield func(connector.Page, error) bool) { yield(connector.Page{}, &connector.Error{Op: "list"}) },
			class: connector.ErrInternal,
		},
		"a nil Error that is not nil is an internal error": {
			read:  func(yield func(connector.Page, error) bool) { yield(connector.Page{}, typedNil) },
			class: connector.ErrInternal,
			text:  "an error without content",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []connector.Page
			var errs []error
			for page, err := range pages(t, test.read) {
				if err != nil {
					require.Equal(t, connector.Page{}, page)
					errs = append(errs, err)
					continue
				}
				got = append(got, page)
			}
			require.Equal(t, test.pages, got)
			if test.class == "" {
				require.Empty(t, errs)
				return
			}
			require.Len(t, errs, 1)
			var e *connector.Error
			require.ErrorAs(t, errs[0], &e)
			require.NotNil(t, e)
			require.Equal(t, test.class, e.Class)
			require.ErrorContains(t, errs[0], test.text)
		})
	}
}

func TestPagesKeepsThePanic(t *testing.T) {
	t.Parallel()
	cause := errors.New("nil map")
	for _, err := range pages(t, func(func(connector.Page, error) bool) { panic(cause) }) {
		var p *connector.PanicError
		require.ErrorAs(t, err, &p)
		require.Equal(t, cause, p.Value)
		require.Contains(t, string(p.Stack), "TestPagesKeepsThePanic")
		require.EqualError(t, p, "panic: nil map")
	}
}

func TestPagesRunsTheSourcesDefersOnABreak(t *testing.T) {
	t.Parallel()
	for name, ending := range map[string]func(){
		"that returns": func() {},
		"that panics":  func() { panic("too late") },
	} {
		t.Run("a source "+name, func(t *testing.T) {
			t.Parallel()
			freed, went := false, false
			for page, err := range pages(t, func(yield func(connector.Page, error) bool) {
				defer func() { freed = true }()
				went = yield(connector.Page{Next: "a"}, nil)
				ending()
			}) {
				require.NoError(t, err)
				require.Equal(t, connector.Cursor("a"), page.Next)
				break
			}
			require.True(t, freed)
			require.False(t, went)
		})
	}
}

func TestPagesLeavesTheCallersOwnPanicAlone(t *testing.T) {
	t.Parallel()
	type own struct{ text string }
	tests := map[string]readSource{
		"over a page":                   func(yield func(connector.Page, error) bool) { yield(connector.Page{Next: "a"}, nil) },
		"over the last page":            func(yield func(connector.Page, error) bool) { yield(connector.Page{Last: true}, nil) },
		"over an error":                 func(yield func(connector.Page, error) bool) { yield(connector.Page{}, connector.ErrAuth) },
		"over a stream that just stops": func(func(connector.Page, error) bool) {},
		"over the source's panic":       func(func(connector.Page, error) bool) { panic("the connector's") },
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bodies := 0
			require.PanicsWithValue(t, own{"mine"}, func() {
				for range pages(t, src) {
					bodies++
					panic(own{"mine"})
				}
			})
			require.Equal(t, 1, bodies)
		})
	}
}

func TestPagesLetsTheCallersGoroutineEnd(t *testing.T) {
	t.Parallel()
	ended, bodies := make(chan struct{}), 0
	go func() {
		defer close(ended)
		for _, err := range pages(t, func(yield func(connector.Page, error) bool) { yield(connector.Page{Next: "a"}, nil) }) {
			if bodies++; err == nil {
				runtime.Goexit()
			}
		}
	}()
	<-ended
	require.Equal(t, 1, bodies)
}

func TestRecordsCrossJSONUnharmed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"id":1}`, `[1]`, `12.50`, `null`, `"text"`, `{"id":`, "", `"`, "a\tb", " \"x\" "} {
		crossJSON(t, text)
	}
}

func FuzzRecordJSON(f *testing.F) {
	for _, text := range []string{`{"a":"<b>"}`, ` {"a" : 1}`, `"text"`, `{`, "\x00"} {
		f.Add(text)
	}
	f.Fuzz(crossJSON)
}

// crossJSON marshals a record and reads it back: one that is JSON means the same
// again, any other text is the same again.
func crossJSON(t *testing.T, text string) {
	t.Helper()
	b, err := connector.Record(text).MarshalJSON()
	require.NoError(t, err)
	var back connector.Record
	require.NoError(t, back.UnmarshalJSON(b))
	if utf8.ValidString(text) { // JSON text has no other bytes
		require.Equal(t, text, back.String())
	}
}

func TestJSONMakesRecordsOfObjectsAlone(t *testing.T) {
	t.Parallel()
	rec, err := connector.JSON(struct {
		ID int `json:"id"`
	}{7})
	require.NoError(t, err)
	require.Equal(t, `{"id":7}`, rec.String())
	for _, v := range []any{nil, 1, "text", []int{1}, func() {}, (*struct{})(nil)} {
		_, err := connector.JSON(v)
		require.ErrorIs(t, err, connector.ErrInternal, "%T", v)
	}
}
