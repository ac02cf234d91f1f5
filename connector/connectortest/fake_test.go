package connectortest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

// source opens a fake.
func source(t testing.TB, f *connectortest.Fake) connector.Source {
	t.Helper()
	src, err := f.Open(t.Context(), connector.Config{})
	require.NoError(t, err)
	return src
}

// readAll reads a stream of a fake to its end.
func readAll(t testing.TB, f *connectortest.Fake, req connector.Request) ([]connector.Page, error) {
	t.Helper()
	if req.Stream == "" {
		req.Stream = "records"
	}
	return collect(connector.Pages(t.Context(), source(t, f), req))
}

func collect(pages sequence) (out []connector.Page, err error) {
	for p, err := range pages {
		if err != nil {
			return out, err
		}
		out = append(out, p)
	}
	return out, nil
}

// shape writes pages as "10>offset:10 5.": the number of records, the cursor,
// and a full stop for the last one.
func shape(pages []connector.Page) string {
	var out []string
	for _, p := range pages {
		text := strings.Repeat("r", len(p.Records))
		if p.Next != "" {
			text += ">" + string(p.Next)
		}
		if p.Last {
			text += "."
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// texts returns the records of pages.
func texts(pages []connector.Page) []string {
	var out []string
	for _, p := range pages {
		for _, r := range p.Records {
			out = append(out, string(r))
		}
	}
	return out
}

func TestFakeCutsPages(t *testing.T) {
	t.Parallel()
	five := &connectortest.Fake{Count: 5, Generate: record}
	tests := map[string]struct {
		fake *connectortest.Fake
		req  connector.Request
		want string
	}{
		"nothing set is one empty page":           {&connectortest.Fake{}, connector.Request{}, "."},
		"the last page may be short":              {&connectortest.Fake{Count: 5, Generate: record, PageSize: 2}, connector.Request{}, "rr>offset:2 rr>offset:4 r."},
		"the last page may be full":               {&connectortest.Fake{Count: 4, Generate: record, PageSize: 2}, connector.Request{}, "rr>offset:2 rr."},
		"a last page of its own":                  {&connectortest.Fake{Count: 4, Generate: record, PageSize: 2, LastAlone: true}, connector.Request{}, "rr>offset:2 rr>offset:4 ."},
		"an empty stream has one last page":       {&connectortest.Fake{LastAlone: true}, connector.Request{}, "."},
		"pages of a hundred by default":           {&connectortest.Fake{Count: 101, Generate: record}, connector.Request{}, strings.Repeat("r", 100) + ">offset:100 r."},
		"no resume point":                         {&connectortest.Fake{Count: 5, Generate: record, PageSize: 2, NoCursor: true}, connector.Request{}, "rr rr r."},
		"a resume point at every second page":     {&connectortest.Fake{Count: 9, Generate: record, PageSize: 2, ResumeEvery: 2}, connector.Request{}, "rr rr>offset:4 rr rr>offset:8 r."},
		"it goes on after a cursor":               {&connectortest.Fake{Count: 5, Generate: record, PageSize: 2}, connector.Request{Cursor: "offset:3"}, "rr."},
		"a cursor is good for another page size":  {&connectortest.Fake{Count: 9, Generate: record, PageSize: 4}, connector.Request{Cursor: "offset:2"}, "rrrr>offset:6 rrr."},
		"a cursor at the end brings nothing more": {five, connector.Request{Cursor: "offset:5"}, "."},
		"a limit makes pages smaller":             {five, connector.Request{Limit: 2}, "rr>offset:2 rr>offset:4 r."},
		"a limit does not make pages larger":      {&connectortest.Fake{Count: 5, Generate: record, PageSize: 3}, connector.Request{Limit: 9}, "rrr>offset:3 rr."},
		"pages as they are cut": {
			&connectortest.Fake{Pages: [][]connector.Record{{record(0), record(1)}, {record(2)}}}, connector.Request{}, "rr>offset:2 r.",
		},
		"an empty page has no resume point": {
			&connectortest.Fake{Pages: [][]connector.Record{{}, {record(0)}, {}, {record(1)}, {}}}, connector.Request{}, " r>offset:1  r>offset:2 .",
		},
		"a resumed read has the empty pages after the cursor": {
			&connectortest.Fake{Pages: [][]connector.Record{{}, {record(0)}, {}, {record(1)}, {}}}, connector.Request{Cursor: "offset:1"}, " r>offset:2 .",
		},
		"a resumed read begins inside a page": {
			&connectortest.Fake{Pages: [][]connector.Record{{record(0), record(1), record(2)}, {record(3)}}}, connector.Request{Cursor: "offset:1"}, "rr>offset:3 r.",
		},
		"a resumed read at the end of cut pages": {
			&connectortest.Fake{Pages: [][]connector.Record{{record(0)}}}, connector.Request{Cursor: "offset:1"}, ".",
		},
		"cut pages with a last one of its own": {
			&connectortest.Fake{Pages: [][]connector.Record{{record(0)}}, LastAlone: true}, connector.Request{}, "r>offset:1 .",
		},
		"no cut page at all": {&connectortest.Fake{Pages: [][]connector.Record{}}, connector.Request{}, "."},
		"a part has its records at the same offsets": {
			&connectortest.Fake{Count: 6, Generate: record, PageSize: 4, Partitions: []string{"a", "b", "c"}}, connector.Request{Partition: "b"}, "r>offset:4 r.",
		},
		"only what changed since": {
			&connectortest.Fake{Count: 6, Generate: record, PageSize: 4, ChangedAt: func(i int) time.Time { return time.Unix(int64(i), 0) }},
			connector.Request{Since: time.Unix(3, 0)},
			"r>offset:4 rr.",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, err := readAll(t, test.fake, test.req)
			require.NoError(t, err)
			require.Equal(t, test.want, shape(pages))
		})
	}
}

func TestFakeResumesAnywhere(t *testing.T) {
	t.Parallel()
	for count := range 9 {
		for size := 1; size < 5; size++ {
			for _, alone := range []bool{false, true} {
				first := &connectortest.Fake{Count: count, Generate: record, PageSize: size, LastAlone: alone}
				pages, err := readAll(t, first, connector.Request{})
				require.NoError(t, err)
				all := texts(pages)
				require.Len(t, all, count)
				read := 0
				for _, p := range pages {
					if read += len(p.Records); p.Next == "" {
						continue
					}
					for other := 1; other < 5; other++ {
						second := &connectortest.Fake{Count: count, Generate: record, PageSize: other, LastAlone: !alone}
						rest, err := readAll(t, second, connector.Request{Cursor: p.Next})
						require.NoError(t, err)
						require.Equal(t, strings.Join(all[read:], " "), strings.Join(texts(rest), " "))
					}
				}
			}
		}
	}
}

func TestFakeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fake *connectortest.Fake
		req  connector.Request
		want connector.Class
	}{
		"an unknown stream":                {&connectortest.Fake{}, connector.Request{Stream: "users"}, connector.ErrNotFound},
		"a cursor of another kind":         {&connectortest.Fake{}, connector.Request{Cursor: "page:2"}, connector.ErrCursor},
		"a cursor without a number":        {&connectortest.Fake{}, connector.Request{Cursor: "offset:"}, connector.ErrCursor},
		"a cursor before the start":        {&connectortest.Fake{}, connector.Request{Cursor: "offset:-1"}, connector.ErrCursor},
		"a cursor past the end":            {&connectortest.Fake{}, connector.Request{Cursor: "offset:1"}, connector.ErrCursor},
		"a cursor where there are none":    {&connectortest.Fake{Count: 9, Generate: record, NoCursor: true}, connector.Request{Cursor: "offset:2"}, connector.ErrCursor},
		"an unknown partition":             {&connectortest.Fake{Partitions: []string{"a"}}, connector.Request{Partition: "b"}, connector.ErrNotFound},
		"a sensitive field without a path": {&connectortest.Fake{Describe: sensitive("a[")}, connector.Request{}, connector.ErrInternal},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, err := readAll(t, test.fake, test.req)
			require.ErrorIs(t, err, test.want)
			require.Empty(t, pages)
		})
	}
}

// sensitive declares a sensitive field.
func sensitive(path string) func(*connector.Spec) {
	return func(s *connector.Spec) {
		s.Streams[0].Fields = []connector.Field{{Path: path, Type: connector.StringField, Sensitive: true}}
	}
}

func TestFakeFollowsItsScript(t *testing.T) {
	t.Parallel()
	down := connector.Errorf(connector.ErrUnavailable, "list", "it is down")
	const whole = "rr>offset:2 rr>offset:4 rr>offset:6 r."
	tests := map[string]struct {
		step  connectortest.Step
		first string // the pages of the first read
		class connector.Class
		again string // the pages of the second read, from the start
	}{
		"an error every time":        {connectortest.Step{Err: down}, "rr>offset:2 rr>offset:4", connector.ErrUnavailable, "rr>offset:2 rr>offset:4"},
		"an error once":              {connectortest.Step{Err: down, Times: 1}, "rr>offset:2 rr>offset:4", connector.ErrUnavailable, whole},
		"a panic":                    {connectortest.Step{Panic: "boom", Times: 1}, "rr>offset:2 rr>offset:4", connector.ErrInternal, whole},
		"a stream that just stops":   {connectortest.Step{Stop: true, Times: 1}, "rr>offset:2 rr>offset:4", connector.ErrMalformed, whole},
		"a page that is repeated":    {connectortest.Step{Repeat: true, Times: 1}, "rr>offset:2 rr>offset:4", connector.ErrMalformed, whole},
		"a page repeated twice":      {connectortest.Step{Repeat: true, Times: 2}, "rr>offset:2 rr>offset:4", connector.ErrMalformed, "rr>offset:2 rr>offset:4"},
		"a step that only looks":     {connectortest.Step{Do: func() {}}, whole, "", whole},
		"an error that has no class": {connectortest.Step{Err: errors.New("odd"), Times: 1}, "rr>offset:2 rr>offset:4", connector.ErrInternal, whole},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &connectortest.Fake{Count: 7, Generate: record, PageSize: 2, Script: map[int]connectortest.Step{2: test.step}}
			pages, err := readAll(t, fake, connector.Request{})
			require.Equal(t, test.class, connector.ClassOf(err))
			require.Equal(t, test.first, shape(pages))
			pages, err = readAll(t, fake, connector.Request{})
			require.Equal(t, test.again == whole, err == nil)
			require.Equal(t, test.again, shape(pages))
		})
	}
}

func TestFakeScriptKnowsThePlaceInTheStream(t *testing.T) {
	t.Parallel()
	fake := &connectortest.Fake{
		Count: 9, Generate: record, PageSize: 2,
		Script: map[int]connectortest.Step{3: {Err: connector.Errorf(connector.ErrUnavailable, "list", "it is down"), Times: 2}},
	}
	for _, req := range []connector.Request{{Cursor: "offset:5"}, {Limit: 1}} {
		pages, err := readAll(t, fake, req)
		require.ErrorIs(t, err, connector.ErrUnavailable)
		require.True(t, strings.HasSuffix(shape(pages), ">offset:6") || shape(pages) == "rr>offset:7", shape(pages))
	}
	pages, err := readAll(t, fake, connector.Request{Cursor: "offset:6"})
	require.NoError(t, err)
	require.Equal(t, "rr>offset:8 r.", shape(pages))
}

func TestFakeBlocksUntilItIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	fake := &connectortest.Fake{
		Count: 7, Generate: record, PageSize: 2,
		Script: map[int]connectortest.Step{1: {Do: cancel, Block: true}},
	}
	pages, err := collect(source(t, fake).Read(ctx, connector.Request{Stream: "records"}))
	require.ErrorIs(t, err, connector.ErrUnavailable)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, pages, 1)
}

func TestFakeTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := &connectortest.Fake{Count: 7, Generate: record, PageSize: 2, Delay: time.Minute}
		start := time.Now()
		_, err := readAll(t, fake, connector.Request{})
		require.NoError(t, err)
		require.Equal(t, 4*time.Minute, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		start = time.Now()
		pages, err := collect(source(t, fake).Read(ctx, connector.Request{Stream: "records"}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, pages, 1)
		require.Equal(t, 90*time.Second, time.Since(start))
	})
}

func TestFakeGeneratesNoMoreThanIsRead(t *testing.T) {
	t.Parallel()
	made := 0
	fake := &connectortest.Fake{Count: 10_000_000, PageSize: 50, Generate: func(i int) connector.Record {
		made++
		return record(i)
	}}
	for _, err := range source(t, fake).Read(t.Context(), connector.Request{Stream: "records"}) {
		require.NoError(t, err)
		break
	}
	require.Equal(t, 50, made)
}

func TestFakeGivesItsRecordsAway(t *testing.T) {
	t.Parallel()
	mine := []connector.Record{record(0), record(1)}
	for name, fake := range map[string]*connectortest.Fake{
		"records": {Records: mine},
		"pages":   {Pages: [][]connector.Record{mine}},
	} {
		pages, err := readAll(t, fake, connector.Request{})
		require.NoError(t, err, name)
		got := pages[0].Records
		clear(got[0])
		_ = append(got[0], "more"...)
		require.Equal(t, `{"id":2}`, string(got[1]), name)
		require.Equal(t, `{"id":1}`, string(mine[0]), name)
	}
}

func TestFakeKeepsSensitiveFieldsBack(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		record, path string
		mapped       []string
		want         string
	}{
		"a member":                          {`{"id":1,"ssn":"078"}`, "ssn", nil, `{"id":1}`},
		"a member that is mapped":           {`{"id":1,"ssn":"078"}`, "ssn", []string{"ssn"}, `{"id":1,"ssn":"078"}`},
		"a member of a member":              {`{"id":1,"user":{"n":1.50,"ssn":"078"}}`, "user.ssn", []string{"user.n"}, `{"id":1,"user":{"n":1.50}}`},
		"a member whose object is mapped":   {`{"id":1,"user":{"ssn":"078"}}`, "user.ssn", []string{"user"}, `{"id":1,"user":{"ssn":"078"}}`},
		"a member in every item":            {`{"id":1,"a":[{"k":1},{"k":2,"n":3}]}`, "a[].k", nil, `{"a":[{},{"n":3}],"id":1}`},
		"a member in a mapped item":         {`{"id":1,"a":[{"k":1}]}`, "a[].k", []string{"a[0].k"}, `{"id":1,"a":[{"k":1}]}`},
		"the last item":                     {`{"id":1,"a":[1,2]}`, "a[-1]", []string{"b", "a[", "['a'"}, `{"a":[1,null],"id":1}`},
		"an item that is mapped from start": {`{"id":1,"a":[1,2]}`, "a[-1]", []string{"a[1]"}, `{"id":1,"a":[1,2]}`},
		"another item than the mapped one":  {`{"id":1,"a":[1,2]}`, "a[0]", []string{"a[1]"}, `{"a":[null,2],"id":1}`},
		"a member that is not there":        {`{"id":1}`, "user.ssn", nil, `{"id":1}`},
		"a member of something else":        {`{"id":1,"user":"ada"}`, "user.ssn", nil, `{"id":1,"user":"ada"}`},
		"a record with space around":        {" {\"id\":1,\"ssn\":2} ", "ssn", nil, `{"id":1}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &connectortest.Fake{Records: []connector.Record{connector.Record(test.record)}, Describe: sensitive(test.path)}
			pages, err := readAll(t, fake, connector.Request{Fields: test.mapped})
			require.NoError(t, err)
			require.Equal(t, test.want, string(pages[0].Records[0]))
		})
	}
}

func TestFakeFaultsWhatItCannotReadSafely(t *testing.T) {
	t.Parallel()
	fake := &connectortest.Fake{
		Records:  []connector.Record{record(0), connector.Record(`{"ssn":"078`), connector.Record(`{"a":{"ssn":`), record(3)},
		Describe: sensitive("a.ssn"),
	}
	pages, err := readAll(t, fake, connector.Request{})
	require.NoError(t, err)
	require.Equal(t, []string{`{"id":1}`, `{"id":4}`}, texts(pages))
	require.Len(t, pages[0].Faults, 2)
	require.Equal(t, "record 1", pages[0].Faults[0].Place)
	require.ErrorIs(t, pages[0].Faults[0].Err, connector.ErrMalformed)
}

func TestFakeAnswersForItsAbilities(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	plain := source(t, &connectortest.Fake{})
	_, err := plain.(connector.Discoverer).Discover(ctx, "records")
	require.ErrorIs(t, err, connector.ErrUnsupported)
	_, err = plain.(connector.Partitioner).Partitions(ctx, "records")
	require.ErrorIs(t, err, connector.ErrUnsupported)
	_, err = plain.(connector.AccountReader).ReadAccount(ctx, "ada")
	require.ErrorIs(t, err, connector.ErrUnsupported)

	fake := &connectortest.Fake{
		Discovered: []connector.Field{{Path: "id", Type: connector.NumberField}},
		Partitions: []string{"a", "b"},
		Accounts:   []connector.Account{{ID: "ada", Status: "active"}},
	}
	able := source(t, fake)
	spec := fake.Spec()
	require.True(t, spec.Discovers && spec.ReadsAccounts && spec.Streams[0].Partitioned && !spec.Streams[0].Incremental)
	fields, err := able.(connector.Discoverer).Discover(ctx, "records")
	require.NoError(t, err)
	require.Equal(t, fake.Discovered, fields)
	_, err = able.(connector.Discoverer).Discover(ctx, "users")
	require.ErrorIs(t, err, connector.ErrNotFound)
	parts, err := able.(connector.Partitioner).Partitions(ctx, "records")
	require.NoError(t, err)
	require.Equal(t, fake.Partitions, parts)
	_, err = able.(connector.Partitioner).Partitions(ctx, "users")
	require.ErrorIs(t, err, connector.ErrNotFound)
	account, err := able.(connector.AccountReader).ReadAccount(ctx, "ada")
	require.NoError(t, err)
	require.Equal(t, "active", account.Status)
	_, err = able.(connector.AccountReader).ReadAccount(ctx, "grace")
	require.ErrorIs(t, err, connector.ErrNotFound)
}

func TestFakeChecks(t *testing.T) {
	t.Parallel()
	report, err := source(t, devices()).Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connector.PermissionStatus{{Name: "devices.read", Stream: "devices", Grant: connector.Granted}}, report.Permissions)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = source(t, devices()).Check(ctx)
	require.ErrorIs(t, err, connector.ErrUnavailable)

	denied := connector.Errorf(connector.ErrAuth, "check", "the token is expired")
	fake := &connectortest.Fake{CheckFunc: func(context.Context) (connector.Report, error) { return connector.Report{}, denied }}
	_, err = source(t, fake).Check(t.Context())
	require.ErrorIs(t, err, denied)
}

func TestFakeCounts(t *testing.T) {
	t.Parallel()
	fake := &connectortest.Fake{ID: "acme", Stream: "users", Count: 3, Generate: record}
	require.Equal(t, "acme", fake.Spec().ID)
	src := source(t, fake)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, err := range src.Read(t.Context(), connector.Request{Stream: "users", Limit: 1}) {
				if err != nil {
					t.Error(err)
				}
			}
			if _, err := src.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.NoError(t, src.Close())
	require.EqualValues(t, 1, fake.Opens.Load())
	require.EqualValues(t, 4, fake.Reads.Load())
	require.EqualValues(t, 4, fake.Checks.Load())
	require.EqualValues(t, 1, fake.Closes.Load())
	require.Len(t, fake.Requests(), 4)
	require.Equal(t, connector.Request{Stream: "users", Limit: 1}, fake.Requests()[3])

	_, err := collect(src.Read(t.Context(), connector.Request{Stream: "users"}))
	require.ErrorIs(t, err, connector.ErrInternal)
	require.ErrorContains(t, err, "closed")
}

func TestFakeRefusesToOpen(t *testing.T) {
	t.Parallel()
	refused := connector.Errorf(connector.ErrTLS, "open", "self-signed")
	fake := &connectortest.Fake{OpenErr: refused}
	_, err := fake.Open(t.Context(), connector.Config{})
	require.ErrorIs(t, err, refused)
	require.EqualValues(t, 1, fake.Opens.Load())
}

func FuzzFakeCursor(f *testing.F) {
	for _, c := range []string{"", "offset:0", "offset:3", "offset:10", "offset:11", "offset:-1", "offset:1e3", "offset:٣", "page:1"} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		fake := &connectortest.Fake{Count: 10, Generate: record, PageSize: 4}
		pages, err := readAll(t, fake, connector.Request{Cursor: connector.Cursor(cursor)})
		if err != nil {
			require.ErrorIs(t, err, connector.ErrCursor)
			require.Empty(t, pages)
			return
		}
		var want []string
		for i := range 10 {
			want = append(want, string(record(i)))
		}
		got := texts(pages)
		require.Equal(t, strings.Join(want[10-len(got):], " "), strings.Join(got, " "))
	})
}

func FuzzFakeSensitive(f *testing.F) {
	f.Add(`{"id":1,"a":{"k":2}}`, "a.k")
	f.Add(`{"id":1,"a":[{"k":2},3]}`, "a[].k")
	f.Add(`{"id":1,"a":[[1,2],[]]}`, "a[0][-1]")
	f.Add(`{"id":1`, "id")
	f.Add(`[1]`, "[0]")
	f.Fuzz(func(t *testing.T, text, path string) {
		fake := &connectortest.Fake{Records: []connector.Record{connector.Record(text)}, Describe: sensitive(path)}
		pages, err := readAll(t, fake, connector.Request{})
		if err != nil {
			require.ErrorIs(t, err, connector.ErrInternal) // the path cannot be read
			return
		}
		require.Equal(t, 1, len(pages[0].Records)+len(pages[0].Faults))
		for _, rec := range pages[0].Records {
			require.True(t, json.Valid(rec))
		}
	})
}
