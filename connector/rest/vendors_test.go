package rest_test

import (
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
)

// A continued list goes on at another path, which takes the cursor alone, as
// Dropbox has it.
type continued struct {
	rest.Cursor
	path string
}

func (c continued) Turn(r *rest.Request, mark string, size int) error {
	if mark == "" {
		return c.Cursor.Turn(r, mark, size)
	}
	r.Path, r.Body = c.path, map[string]any{c.Param: mark}
	return nil
}

func TestAPaginatorOfOnesOwnMayGoOnElsewhere(t *testing.T) {
	t.Parallel()
	list := &resttest.List{Form: resttest.Cursors, Records: "users", Items: resttest.Items(250)}
	s := &resttest.Server{Lists: map[string]*resttest.List{"/api/users": list, "/api/users/continue": list}}
	body := map[string]any{"include_removed": false}
	c := vendor(rest.Stream{Body: body, Records: "users", Paging: continued{rest.Cursor{Param: "cursor", Path: "next", Size: "limit"}, "/users/continue"}, PageSize: 100})
	got, err := read(t.Context(), c, serve(t, s), connector.Request{})
	require.NoError(t, err)
	require.Len(t, got, 250)
	require.Equal(t, map[string]any{"include_removed": false}, body, "what the table says is not changed")
	var asked []string
	for _, seen := range s.Requests() {
		asked = append(asked, seen.Method+" "+seen.URL)
	}
	require.Equal(t, []string{"POST /api/users", "POST /api/users/continue", "POST /api/users/continue"}, asked)
}

func TestAParameterMayComeMoreThanOnce(t *testing.T) {
	t.Parallel()
	s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)})}
	c := vendor(rest.Stream{Query: url.Values{"role[]": {"agent", "admin", "{nothing}"}, "domain": {"{domain}"}}}, func(spec *connector.Spec, _ *rest.API) {
		spec.Settings = append(spec.Settings, connector.Setting{Name: "nothing"})
	})
	_, err := read(t.Context(), c, serve(t, s), connector.Request{})
	require.NoError(t, err)
	u, err := url.Parse(s.Requests()[0].URL)
	require.NoError(t, err)
	require.Equal(t, url.Values{"role[]": {"agent", "admin"}, "domain": {"eu.acme.example"}}, u.Query())
}

// parted is a vendor whose users come in parts, each user with details.
func parted(parts rest.Parts, detail *rest.Detail, change ...func(*connector.Spec, *rest.API)) connector.Connector {
	return vendor(rest.Stream{}, append(change, func(spec *connector.Spec, api *rest.API) {
		spec.Streams[0].Partitioned = true
		api.Streams["users"] = rest.Stream{Path: "/groups/{part}/users", Records: "users", Paging: rest.Cursor{Param: "cursor", Path: "next"}, Parts: &parts, Detail: detail}
	})...)
}

// groups returns a server with groups of n users each.
func groups(names []string, n int) *resttest.Server {
	s := &resttest.Server{Lists: map[string]*resttest.List{}, Fixtures: map[string]string{}}
	for _, name := range names {
		items := resttest.Items(n)
		for i := range items {
			items[i] = strings.Replace(items[i], `"u`, `"`+name, 1)
			s.Fixtures[fmt.Sprintf("/api/groups/%s/users/%s%d", name, name, i+1)] = fmt.Sprintf(`{"of":%q}`, name)
		}
		s.Lists["/api/groups/"+name+"/users"] = &resttest.List{Form: resttest.Cursors, Records: "users", Items: items, MaxSize: 10}
	}
	return s
}

func TestAPartThatIsNotFoundHasGoneWhereTheTableSaysSo(t *testing.T) {
	t.Parallel()
	for gone, want := range map[bool]int{true: 60, false: 0} {
		t.Run(fmt.Sprint(gone), func(t *testing.T) {
			t.Parallel()
			c := parted(rest.Parts{List: rest.Fixed("a", "b", "c", "d"), Gone: gone}, nil)
			s := groups([]string{"a", "c", "d"}, 20)
			got, err := read(t.Context(), c, serve(t, s), connector.Request{})
			if !gone {
				require.ErrorIs(t, err, connector.ErrNotFound)
				return
			}
			require.NoError(t, err)
			require.Len(t, got, want)
			got, err = read(t.Context(), c, serve(t, s), connector.Request{Partition: "b"})
			require.NoError(t, err)
			require.Empty(t, got)
		})
	}
}

func TestDetailsOfPartsStayUnderOneLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		names := []string{"a", "b", "c", "d"}
		s := groups(names, 20)
		s.Delay = time.Second // in which others may be under way
		transport := s.Transport()
		defer func() { require.NoError(t, transport.Close()) }()
		detail := &rest.Detail{Path: "/groups/{part}/users/{id}", Into: "detail"}
		c := parted(rest.Parts{List: rest.Fixed(names...)}, detail, func(spec *connector.Spec, _ *rest.API) {
			spec.Limits = []connector.RateLimit{{Name: "all", Requests: 10, Per: time.Second, Burst: 1}}
		})
		start := time.Now()
		got, err := read(t.Context(), c, config(transport), connector.Request{})
		require.NoError(t, err)
		require.Len(t, got, 80)
		for i, rec := range got {
			name := names[i/10%4]
			require.Contains(t, rec.String(), fmt.Sprintf(`"id": "%s%d"`, name, i/40*10+i%10+1), "parts take turns, and the records of each keep their order")
			require.Contains(t, rec.String(), fmt.Sprintf(`"detail":{"of":%q}`, name))
		}
		seen := s.Requests()
		require.Len(t, seen, 8+80)
		for i := range seen[1:] {
			require.GreaterOrEqual(t, seen[i+1].At.Sub(seen[i].At), 99*time.Millisecond)
		}
		require.Less(t, time.Since(start), 30*time.Second, "and wait for each other no longer than that")
	})
}

func TestIntegrationsOfOneCredentialShareItsLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)})}
		transport := s.Transport()
		defer func() { require.NoError(t, transport.Close()) }()
		c := vendor(rest.Stream{}, func(spec *connector.Spec, _ *rest.API) {
			spec.Limits = []connector.RateLimit{{Name: "all", Requests: 1, Per: time.Minute}}
		})
		var shared rest.Limiters
		start := time.Now()
		for _, test := range []struct {
			connector, credential string
			after                 time.Duration
		}{{"acme", "one", 0}, {"acme", "two", 0}, {"other", "one", 0}, {"acme", "one", time.Minute}, {"acme", "two", time.Minute}} {
			cfg := config(transport)
			cfg.Limiter = shared.For(test.connector, test.credential)
			_, err := read(t.Context(), c, cfg, connector.Request{})
			require.NoError(t, err)
			require.Equal(t, test.after, time.Since(start))
		}
	})
}

func TestALimitThatTheStatusDoesNotTellIsWaitedFor(t *testing.T) {
	t.Parallel()
	// Google's way, https://developers.google.com/workspace/admin/directory/v1/limits.
	google := func(_ *connector.Spec, api *rest.API) {
		api.Classify = func(r *rest.Response) connector.Class {
			if r.Get("error.errors[0].reason") == "userRateLimitExceeded" {
				return connector.ErrRateLimited
			}
			return ""
		}
	}
	inside := func(_ *connector.Spec, api *rest.API) {
		api.Errors = func(r *rest.Response) error {
			if r.Get("messages") != "429" {
				return nil
			}
			e := connector.Errorf(connector.ErrRateLimited, "", "too many requests")
			e.RetryAfter = 20 * time.Second
			return e
		}
	}
	const refusal = `{"error":{"errors":[{"reason":"userRateLimitExceeded"}]}}`
	tests := map[string]struct {
		change func(*connector.Spec, *rest.API)
		faults map[int]resttest.Fault
		wait   time.Duration
		class  connector.Class
	}{
		"told by a 403":             {google, map[int]resttest.Fault{1: resttest.Answer(403, refusal), 2: resttest.Answer(403, refusal)}, 500 * time.Millisecond, ""},
		"told by a 200":             {inside, map[int]resttest.Fault{1: resttest.Answer(200, `{"messages":429}`)}, 20 * time.Second, ""},
		"a right that is not there": {google, map[int]resttest.Fault{1: resttest.Answer(403, `{"error":{"errors":[{"reason":"forbidden"}]}}`)}, 0, connector.ErrPermission},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &resttest.Server{Lists: users(resttest.List{Items: resttest.Items(3)}), Faults: test.faults}
				transport := s.Transport()
				defer func() { require.NoError(t, transport.Close()) }()
				start := time.Now()
				got, err := read(t.Context(), vendor(rest.Stream{}, test.change), config(transport), connector.Request{})
				require.Equal(t, test.class, connector.ClassOf(err), "%v", err)
				require.Equal(t, test.class == "", len(got) == 3)
				require.GreaterOrEqual(t, time.Since(start), test.wait)
			})
		})
	}
}

// FuzzMarks resumes at any text: an error or a page, and no panic.
func FuzzMarks(f *testing.F) {
	for _, mark := range []string{"at:c100", "at:1.100.100", "at:100", "at:/api/users?after=c1", "at://evil.example/x", "at:https://evil.example", "at:%", `parts:{"open":[{"part":"a","mark":"c10"}],"next":"c"}`, `parts:{"open":[{"part":"x"}]}`, "parts:{}", "parts:"} {
		f.Add(mark)
	}
	list := resttest.List{Form: resttest.Cursors, Records: "users", Items: resttest.Items(3)}
	s := groups([]string{"a", "b", "c"}, 20)
	s.Lists["/api/users"] = &list
	var astray atomic.Bool
	s.Permitted = func(r *http.Request) bool {
		astray.CompareAndSwap(false, r.Host != "eu.acme.example")
		return true
	}
	transport := s.Transport()
	f.Cleanup(func() { _ = transport.Close() })
	var sources []connector.Source
	for _, c := range []connector.Connector{
		vendor(rest.Stream{Records: "users", Paging: rest.PageNumber{Param: "page", Size: "limit", Total: "total"}, PageSize: 100}),
		vendor(rest.Stream{Records: "users", Paging: rest.Offset{Param: "offset"}}),
		vendor(rest.Stream{Records: "users", Paging: rest.NextURL{Path: "next"}}),
		vendor(rest.Stream{Body: map[string]any{}, Records: "users", Paging: rest.Cursor{Param: "a.b", Path: "next"}}),
		parted(rest.Parts{List: rest.Fixed("a", "b", "c")}, nil),
	} {
		src, err := c.Open(f.Context(), config(transport))
		require.NoError(f, err)
		f.Cleanup(func() { _ = src.Close() })
		sources = append(sources, src)
	}
	f.Fuzz(func(t *testing.T, mark string) {
		for _, src := range sources {
			next, stop := iter.Pull2(connector.Pages(t.Context(), src, connector.Request{Stream: "users", Cursor: connector.Cursor(mark)}))
			_, err, _ := next()
			stop()
			require.Contains(t, []connector.Class{"", connector.ErrCursor, connector.ErrMalformed}, connector.ClassOf(err), "%v", err)
		}
		require.False(t, astray.Load())
	})
}

// The server takes 50 ms for a page, and one part has as many pages as all
// together.
func BenchmarkParts(b *testing.B) {
	const pages = 80
	for _, parts := range []int{1, 8} {
		b.Run(fmt.Sprintf("%d parts", parts), func(b *testing.B) {
			names := make([]string, parts)
			for i := range names {
				names[i] = string(rune('a' + i))
			}
			s := groups(names, 10*pages/parts)
			s.Delay = 50 * time.Millisecond
			transport := s.Transport()
			defer func() { _ = transport.Close() }()
			c := parted(rest.Parts{List: rest.Fixed(names...)}, nil)
			var records int
			for b.Loop() {
				got, err := read(b.Context(), c, config(transport), connector.Request{})
				if err != nil || len(got) != 10*pages {
					b.Fatal(len(got), err)
				}
				records += len(got)
			}
			b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
