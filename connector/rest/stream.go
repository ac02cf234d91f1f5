package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// A Stream says how one stream of the Spec is read. In Path and Query, {name}
// stands for a setting and {part} for the part of a partitioned stream.
type Stream struct {
	Path  string     // below the API's base
	Query url.Values // a value that comes out empty is left out
	// Body is sent as it is, by POST, and Paging sets its parameters in it. Nil
	// asks by GET.
	Body map[string]any
	// Records is the path of the list in the answer; empty if the answer is the
	// list.
	Records string
	// Optional says that the vendor leaves an empty list out.
	Optional bool
	// Keyed says that the list is an object whose values are the records.
	Keyed  bool
	Paging Paginator // nil for a list that comes in one page
	// PageSize is how many records a page is asked to have, the vendor's maximum
	// at most. 0 leaves it to the vendor.
	PageSize int
	// Since adds to the query what asks for the records changed since t, for a
	// stream that is Incremental in the Spec.
	Since func(q url.Values, t time.Time)
	// Detail asks for more about each record. Nil asks for nothing.
	Detail *Detail
	// Parts are what the list is read in, for a stream that is Partitioned in the
	// Spec.
	Parts *Parts
	// Edit changes a record before it is yielded; what it returns is a JSON
	// object. part is empty for a stream without parts. Nil changes nothing.
	Edit func(rec connector.Record, part string) (connector.Record, error)
	// Skip leaves a record out. Nil leaves none out.
	Skip func(rec connector.Record) bool
	// Limits name the Spec's limits that the requests count for; empty means all.
	Limits []string
	// Probes say how Check finds out about a permission, by its name. Without
	// one, reading a record of the stream shows it.
	Probes map[string]Probe
}

// A Probe is a request that shows whether a permission is there.
type Probe struct {
	Path  string // below the API's base; empty for the stream's own first page
	Query url.Values
	// Test looks at the answer and says what it shows, and why if that is not
	// Granted. Nil takes every answer for a grant.
	Test func(r *Response) (connector.Grant, string)
}

// A Detail is a request for each record of a page. Several run at once under the
// stream's limits, and the records keep their order. A record that the vendor no
// longer knows stays as it is.
type Detail struct {
	Path    string // below the API's base; {id} stands for the value at Key, {part} for the part
	Query   url.Values
	Key     string // path in the record; empty for the stream's key
	Records string // path in the answer of what is taken; empty for all of it
	// Into is the member of the record that takes it. Empty means that it
	// replaces the record.
	Into     string
	Paging   Paginator // for a list that comes in pages; its pages become one list
	PageSize int
	Parallel int // how many at once; 4
	// Budget is how many requests one read may make. The records beyond it come
	// without details, and the log says so. 0 means no bound.
	Budget int
	Limits []string // as Stream.Limits
}

// A list is what pages are fetched of.
type list struct {
	op       string
	path     string
	query    url.Values
	body     map[string]any
	records  string
	optional bool
	keyed    bool
	paging   Paginator
	size     int
	limits   []string
	since    func(url.Values)
	lookup   func(string) (string, bool)
}

// A leaf is one page of a list.
type leaf struct {
	items [][]byte
	raw   []byte // the value at the records' path
	next  string
}

// page fetches the page at mark.
func (c *Client) page(ctx context.Context, l list, mark string) (leaf, error) {
	req, err := l.request(mark)
	if err != nil {
		return leaf{}, c.own(l.op, err)
	}
	r, err := c.Do(ctx, req)
	if err != nil {
		return leaf{}, err
	}
	out, err := c.leaf(l, r)
	if err != nil {
		return leaf{}, err
	}
	info := PageInfo{Mark: mark, Size: l.size, Records: len(out.items), Answer: r}
	if info.Records > 0 {
		info.Last = out.items[info.Records-1]
	}
	if out.next, err = l.pages().Next(info); err != nil {
		return leaf{}, c.own(l.op, err)
	}
	out.next = c.withoutSecrets(out.next)
	return out, nil
}

func (l list) pages() Paginator {
	if l.paging == nil {
		return whole{}
	}
	return l.paging
}

// request asks for the page at mark.
func (l list) request(mark string) (Request, error) {
	text, err := expandPath(l.path, l.lookup)
	if err != nil {
		return Request{}, connector.Errorf(connector.ErrInvalid, l.op, "make the path: %w", err)
	}
	q, err := l.values()
	if err != nil {
		return Request{}, err
	}
	r := Request{Op: l.op, Path: text, Query: q, Limits: l.limits}
	if l.body != nil {
		r.Method, r.Body, r.Safe = http.MethodPost, l.body, true
	}
	return r, l.pages().Turn(&r, mark, l.size)
}

func (l list) values() (url.Values, error) {
	q := url.Values{}
	for name, texts := range l.query {
		for _, text := range texts {
			value, err := expand(text, l.lookup, same)
			if err != nil {
				return nil, connector.Errorf(connector.ErrInvalid, l.op, "make the query: %w", err)
			}
			if value != "" {
				q.Add(name, value)
			}
		}
	}
	if l.since != nil {
		l.since(q)
	}
	return q, nil
}

// leaf takes the records out of an answer and leaves an empty list in their
// place.
func (c *Client) leaf(l list, r *Response) (leaf, error) {
	if r.Status == http.StatusNoContent {
		return leaf{}, nil
	}
	p, err := path.Parse(l.records)
	if l.records != "" && err != nil {
		return leaf{}, connector.Errorf(connector.ErrInternal, l.op, "the path of the records: %w", err)
	}
	f := &finder{src: r.Body, maxDepth: c.api.Bounds.Depth, keyed: l.keyed}
	if err := f.find(p); err != nil {
		what := "the answer is no JSON"
		if trimmed := bytes.TrimSpace(r.Body); len(trimmed) > 0 && trimmed[0] == '<' {
			what = "the answer is HTML or XML, not JSON; the address may be another service's"
		}
		return leaf{}, c.own(l.op, connector.Errorf(connector.ErrMalformed, l.op, "%s: %s: %w; it begins with %q", redacted(r.URL), what, err, excerpt(r.Body)))
	}
	absent := f.value == nil || string(f.value) == "null"
	isList := len(f.value) > 0 && (f.value[0] == '[' || l.keyed && f.value[0] == '{')
	if !isList && (!absent || !l.optional) && l.paging != nil || absent && !l.optional {
		return leaf{}, c.own(l.op, connector.Errorf(connector.ErrMalformed, l.op, "%s: there is no list of records at %q; the answer begins with %q", redacted(r.URL), l.records, excerpt(r.Body)))
	}
	if isList {
		r.Body = slices.Concat(r.Body[:f.at], f.value[:1], f.value[len(f.value)-1:], r.Body[f.at+len(f.value):])
	}
	return leaf{items: f.items, raw: f.value}, nil
}

// withoutSecrets takes the credential's query parameters out of the address of a
// next page.
func (c *Client) withoutSecrets(mark string) string {
	if len(c.auth.auth.Query) == 0 || mark == "" {
		return mark
	}
	u, err := url.Parse(mark)
	if err != nil || u.RawQuery == "" {
		return mark
	}
	q := u.Query()
	for _, name := range c.auth.auth.Query {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// detail asks for more about each record of a page.
func (r *reading) detail(ctx context.Context, part string, records []connector.Record) error {
	d := r.stream.Detail
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, max(1, cmpOr(d.Parallel, 4)))
	var wg sync.WaitGroup
	for i := range records {
		if d.Budget > 0 && r.details.Add(1) > int64(d.Budget) {
			r.warnBudget.Do(func() {
				r.source.cfg.Log().WarnContext(ctx, "the budget of detail requests is used up; further records come without details", "stream", r.def.Name, "budget", d.Budget)
			})
			break
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			rec, err := r.detailOf(ctx, part, records[i])
			if err != nil {
				cancel(err)
				return
			}
			records[i] = rec
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return r.source.client.failed(ctx, r.op, r.source.client.base, context.Cause(ctx))
	}
	return nil
}

func cmpOr(n, fallback int) int {
	if n == 0 {
		return fallback
	}
	return n
}

// detailOf returns the record with its details.
func (r *reading) detailOf(ctx context.Context, part string, rec connector.Record) (connector.Record, error) {
	d, c := r.stream.Detail, r.source.client
	key := d.Key
	if key == "" {
		key = r.def.Key
	}
	p, err := path.Parse(key)
	if err != nil {
		return nil, connector.Errorf(connector.ErrInternal, r.op, "the key of the details: %w", err)
	}
	f, err := find(rec, p, c.api.Bounds.Depth)
	if err != nil {
		return nil, connector.Errorf(connector.ErrMalformed, r.op, "a record: %w", err)
	}
	id, ok := textOf(f.value)
	if !ok || id == "" {
		return rec, nil
	}
	l := list{op: r.op + ", details", path: d.Path, query: d.Query, records: d.Records, optional: true, paging: d.Paging, size: d.PageSize, limits: d.Limits, lookup: with(with(optional(r.source), "part", part), "id", id)}
	value, err := r.gather(ctx, l)
	switch {
	case connector.ClassOf(err) == connector.ErrNotFound, err == nil && value == nil:
		return rec, nil
	case err != nil:
		return nil, err
	case d.Into != "":
		return AddMember(rec, d.Into, value)
	case value[0] != '{':
		return nil, connector.Errorf(connector.ErrMalformed, l.op, "the details of %s are no object", excerpt([]byte(id)))
	}
	return connector.Record(value), nil
}

// gather fetches all pages of a list as one value.
func (r *reading) gather(ctx context.Context, l list) (json.RawMessage, error) {
	if l.paging == nil {
		got, err := r.source.client.page(ctx, l, "")
		return got.raw, err
	}
	var items [][]byte
	size := int64(0)
	pages := connector.Paginate(ctx, "", func(ctx context.Context, mark connector.Cursor) (connector.Page, error) {
		got, err := r.source.client.page(ctx, l, string(mark))
		items = append(items, got.items...)
		for _, item := range got.items {
			size += int64(len(item))
		}
		if most := r.source.client.api.Bounds.Body; err == nil && size > most {
			err = connector.Errorf(connector.ErrMalformed, l.op, "the details of one record have more than %d bytes", most)
		}
		return connector.Page{Next: connector.Cursor(got.next), Last: got.next == ""}, err
	})
	for _, err := range pages {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat([]byte{'['}, bytes.Join(items, []byte{','}), []byte{']'}), nil
}

// with adds a name to those that a lookup knows.
func with(lookup func(string) (string, bool), name, value string) func(string) (string, bool) {
	return func(n string) (string, bool) {
		if n == name {
			return value, true
		}
		return lookup(n)
	}
}

// AddMember returns the record with one more member, behind the others. value is
// marshalled; a json.RawMessage goes in as it is.
func AddMember(rec connector.Record, name string, value any) (connector.Record, error) {
	const op = "add to a record"
	body := bytes.TrimSpace(rec)
	if len(body) < 2 || body[0] != '{' || body[len(body)-1] != '}' {
		return nil, connector.Errorf(connector.ErrMalformed, op, "the record is no object")
	}
	key, err := json.Marshal(name)
	if err != nil {
		return nil, connector.Errorf(connector.ErrInternal, op, "%w", err)
	}
	raw, ok := value.(json.RawMessage)
	if !ok {
		if raw, err = json.Marshal(value); err != nil {
			return nil, connector.Errorf(connector.ErrInternal, op, "%w", err)
		}
	}
	inner := bytes.TrimSpace(body[1 : len(body)-1])
	out := make(connector.Record, 0, len(inner)+len(key)+len(raw)+4)
	out = append(append(out, '{'), inner...)
	if len(inner) > 0 {
		out = append(out, ',')
	}
	out = append(append(append(out, key...), ':'), raw...)
	return append(out, '}'), nil
}
