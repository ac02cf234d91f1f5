package ldap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"regexp"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

// A reading is one read of a stream.
type reading struct {
	source *source
	stream connector.Stream
	req    connector.Request
	op     string
	*session
	dse      *rootDSE
	shape    *shape
	managers map[string]string // names by DN, "" for one that cannot be seen
	cycle    cycle
	referred int
	pages    int
	empty    int // pages in a row
}

// Read returns the stream's pages, see [connector.Source]. None of them has a
// resume point, since a directory forgets the place in a list with the
// connection.
func (s *source) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		r, err := s.begin(ctx, req)
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		defer r.close()
		if err := r.all(ctx, yield); err != nil {
			yield(connector.Page{}, err)
		}
	}
}

// begin checks a request and connects.
func (s *source) begin(ctx context.Context, req connector.Request) (*reading, error) {
	r := &reading{source: s, req: req, op: "read " + req.Stream, managers: map[string]string{}}
	var ok bool
	if r.stream, ok = s.spec.Stream(req.Stream); !ok {
		return nil, connector.Errorf(connector.ErrNotFound, r.op, "%s has no stream %q", s.spec.Name, req.Stream)
	}
	switch {
	case req.Partition != "":
		return nil, connector.Errorf(connector.ErrNotFound, r.op, "the stream has no parts")
	case req.Cursor != "":
		return nil, connector.Errorf(connector.ErrCursor, r.op, "a directory gives no place to go on from")
	case ctx.Err() != nil:
		return nil, connector.Errorf(connector.ErrUnavailable, r.op, "%w", context.Cause(ctx))
	}
	var err error
	if r.session, err = s.connect(ctx); err != nil {
		return nil, err
	}
	if err = r.prepare(ctx); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// prepare finds out what directory it is and what its attributes are like.
func (r *reading) prepare(ctx context.Context) error {
	var err error
	if r.dse, err = r.source.root(ctx, r.session); err != nil {
		return err
	}
	if r.dse == nil {
		r.dse = &rootDSE{active: r.source.cfg.Settings.Get(settingDirectory) == directoryActive}
	}
	r.shape = newShape(r.stream, r.idAttribute(), mapped(r.req.Fields))
	if !r.shape.known() {
		r.shape.schema, err = r.source.subschema(ctx, r.session, r.dse)
	}
	return err
}

// idAttribute names the attribute that identifies an entry for ever.
func (r *reading) idAttribute() string {
	switch own := r.source.cfg.Settings.Get(settingID); {
	case own != "":
		return own
	case r.dse.active:
		return "objectGUID"
	}
	return "entryUUID" // RFC 4530
}

var attributeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$`)

// mapped returns the attributes that the paths lead to.
func mapped(paths []string) []string {
	var names []string
	for _, text := range paths {
		p, err := path.ParsePattern(text)
		if err != nil || p[0].IsIndex {
			continue
		}
		name, _, _ := strings.Cut(p[0].Key, ";")
		if name != memberDN && name != memberEntry && attributeName.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

// filter returns the stream's filter, with the time of the last change if only
// changed entries are asked for.
func (r *reading) filter() string {
	usual := defaultFilters[r.stream.Name].ldap
	if r.dse.active {
		usual = defaultFilters[r.stream.Name].activeDirectory
	}
	filter := cmp.Or(r.source.cfg.Settings.Get(r.stream.Name+suffixFilter), usual)
	if r.req.Since.IsZero() {
		return filter
	}
	since := r.req.Since.UTC()
	if r.dse.active {
		return fmt.Sprintf("(&%s(whenChanged>=%s))", filter, since.Format("20060102150405.0Z"))
	}
	return fmt.Sprintf("(&%s(modifyTimestamp>=%s))", filter, since.Format("20060102150405Z"))
}

// bases returns where to search.
func (r *reading) bases() ([]string, error) {
	bases := r.source.bases(r.stream.Name)
	switch {
	case len(bases) > 0:
		return bases, nil
	case r.dse.defaultContext != "":
		return []string{r.dse.defaultContext}, nil
	case len(r.dse.contexts) == 1:
		return r.dse.contexts, nil
	}
	return nil, &connector.Error{
		Class: connector.ErrInvalid, Op: r.op, Message: fmt.Sprintf("the directory does not say where to search; it holds %q", r.dse.contexts),
		Remedy: "set " + settingBase,
	}
}

// all yields the pages below each base DN. The error is the one the read ends
// with.
func (r *reading) all(ctx context.Context, yield func(connector.Page, error) bool) error {
	bases, err := r.bases()
	if err != nil {
		return err
	}
	for i, base := range bases {
		more, err := r.below(ctx, base, i == len(bases)-1, yield)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// below yields the pages below one base DN and reports whether to go on.
func (r *reading) below(ctx context.Context, base string, last bool, yield func(connector.Page, error) bool) (bool, error) {
	var cookie []byte
	for {
		if err := ctx.Err(); err != nil {
			return false, connector.Errorf(connector.ErrUnavailable, r.op, "%w", context.Cause(ctx))
		}
		entries, next, err := r.page(ctx, base, cookie)
		if err != nil {
			return false, err
		}
		page, err := r.records(ctx, entries)
		if err != nil {
			return false, err
		}
		page.Last = last && len(next) == 0
		if page.Last {
			r.tellReferrals(ctx)
		}
		if (len(entries) > 0 || page.Last) && !yield(page, nil) {
			return false, nil
		}
		if len(next) == 0 {
			return true, nil
		}
		cookie = next
	}
}

// page asks for one page with the paged results control, RFC 2696.
func (r *reading) page(ctx context.Context, base string, cookie []byte) ([]*goldap.Entry, []byte, error) {
	size := r.source.pageSize
	if r.req.Limit > 0 {
		size = min(size, r.req.Limit)
	}
	paging := goldap.NewControlPaging(uint32(size)) //nolint:gosec // between 1 and maxPageSize
	paging.SetCookie(cookie)
	result, err := r.search(ctx, r.op, goldap.NewSearchRequest(base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false, r.filter(), r.shape.attributes(), []goldap.Control{paging}))
	if err != nil {
		return nil, nil, at(err, base, len(cookie) > 0)
	}
	r.referred += len(result.Referrals)
	var next []byte
	if answer, ok := goldap.FindControl(result.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging); ok {
		next = answer.Cookie
	}
	return result.Entries, next, r.progress(result.Entries)
}

// at says in a refusal where the search was. A directory that is not willing to go
// on with a list has lost the place in it.
func at(err error, base string, goingOn bool) error {
	var e *connector.Error
	var code refusal
	if !errors.As(err, &e) || !errors.As(err, &code) {
		return err
	}
	out := *e
	out.Message = fmt.Sprintf("below %q: %s", base, e.Message)
	if goingOn && code == goldap.LDAPResultUnwillingToPerform && e.Class == connector.ErrUnsupported {
		out.Class, out.Remedy = connector.ErrCursor, ""
	}
	return &out
}

// progress stops a directory that sends the same pages, or empty ones, without
// end. A cookie that comes back is no sign of it: some directories have one
// cookie for the whole list.
func (r *reading) progress(entries []*goldap.Entry) error {
	r.pages, r.empty = r.pages+1, r.empty+1
	if len(entries) > 0 {
		r.empty = 0
	}
	switch {
	case r.pages > maxPages:
		return connector.Errorf(connector.ErrMalformed, r.op, "there are more than %d pages", maxPages)
	case r.empty > maxEmpty:
		return connector.Errorf(connector.ErrMalformed, r.op, "%d pages in a row have no entry, and the directory says that there are more", maxEmpty)
	case len(entries) > 0 && r.cycle.closed(entries):
		return connector.Errorf(connector.ErrMalformed, r.op, "the directory sends the same entries again and again")
	}
	return nil
}

// A cycle notices pages that come back, by Brent's cycle detection: it remembers
// one page, renewed at powers of two.
type cycle struct {
	seed         maphash.Seed
	remembered   uint64
	steps, limit int
}

func (c *cycle) closed(entries []*goldap.Entry) bool {
	if c.limit == 0 {
		c.seed, c.limit = maphash.MakeSeed(), 1
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	for _, e := range entries {
		_, _ = h.WriteString(e.DN)
		_ = h.WriteByte(0)
	}
	page, first := h.Sum64(), c.limit == 1 && c.steps == 0
	if !first && page == c.remembered {
		return true
	}
	if c.steps++; c.steps >= c.limit {
		c.remembered, c.steps, c.limit = page, 0, c.limit*2
	}
	return false
}

// records makes the records of a page.
func (r *reading) records(ctx context.Context, entries []*goldap.Entry) (connector.Page, error) {
	var page connector.Page
	for _, e := range entries {
		if err := r.complete(ctx, e); err != nil {
			return connector.Page{}, err
		}
		values, err := r.shape.record(e)
		if err != nil {
			page.Faults = append(page.Faults, connector.Fault{Place: e.DN, Err: err})
			continue
		}
		if err := r.addManager(ctx, e, values); err != nil {
			return connector.Page{}, err
		}
		rec, err := connector.JSON(values)
		if err != nil {
			return connector.Page{}, err
		}
		page.Records = append(page.Records, rec)
	}
	return page, nil
}

// tellReferrals says that parts of the tree are elsewhere. Active Directory says
// so of its other partitions whenever a domain is searched from its root.
func (r *reading) tellReferrals(ctx context.Context) {
	if r.referred > 0 {
		r.source.cfg.Log().InfoContext(ctx, "the directory refers to other servers, which are not asked", "stream", r.stream.Name, "referrals", r.referred)
	}
}

// rangeOption is how Active Directory names a part of a long list of values,
// MS-ADTS, section 3.1.1.3.1.3.3.
var rangeOption = regexp.MustCompile(`(?i)^(.+);range=([0-9]+)-([0-9]+|\*)$`)

// complete fetches the rest of the lists of values that came in part.
func (r *reading) complete(ctx context.Context, e *goldap.Entry) error {
	for i, a := range e.Attributes {
		if !strings.Contains(a.Name, ";") { // as most
			continue
		}
		m := rangeOption.FindStringSubmatch(a.Name)
		if m == nil {
			continue
		}
		whole := &goldap.EntryAttribute{Name: m[1], ByteValues: a.ByteValues}
		for end := m[3]; end != "*"; {
			part, err := r.rest(ctx, e.DN, m[1], len(whole.ByteValues))
			if err != nil {
				return err
			}
			whole.ByteValues = append(whole.ByteValues, part.ByteValues...)
			end = part.Name
		}
		e.Attributes[i] = whole
	}
	return nil
}

// rest fetches further values of an attribute; the Name of what it returns is
// the index of the last one, or "*".
func (r *reading) rest(ctx context.Context, dn, name string, from int) (*goldap.EntryAttribute, error) {
	if from > maxValues {
		return nil, connector.Errorf(connector.ErrMalformed, r.op, "%s of %q has more than %d values", name, dn, maxValues)
	}
	e, err := r.one(ctx, r.op, dn, fmt.Sprintf("%s;range=%d-*", name, from))
	if err != nil {
		return nil, err
	}
	if e != nil {
		for _, a := range e.Attributes {
			if m := rangeOption.FindStringSubmatch(a.Name); m != nil && strings.EqualFold(m[1], name) && m[2] == fmt.Sprint(from) && len(a.ByteValues) > 0 {
				return &goldap.EntryAttribute{Name: m[3], ByteValues: a.ByteValues}, nil
			}
		}
	}
	return nil, connector.Errorf(connector.ErrMalformed, r.op, "the directory sent %d values of %s of %q and does not send the rest", from, name, dn)
}

// anything is the filter that every entry passes.
const anything = "(objectClass=*)"

// addManager adds the manager's user name, by which people are known outside of
// the directory too.
func (r *reading) addManager(ctx context.Context, e *goldap.Entry, values map[string]any) error {
	dn := first(e, "manager")
	made, ok := values[memberEntry].(map[string]any)
	if r.stream.Name != UserStream || dn == "" || !ok || !r.wants(memberManager) {
		return nil
	}
	name, known := r.managers[dn]
	if !known {
		m, err := r.one(ctx, r.op+", managers", dn, usernames...)
		switch {
		case isBadDN(err): // a name that somebody typed in
		case err != nil:
			return err
		case m != nil:
			name = firstOf(m, usernames)
		}
		if len(r.managers) >= maxManagers {
			clear(r.managers)
		}
		r.managers[dn] = name
	}
	if name != "" {
		made[memberManager] = name
	}
	return nil
}

func isBadDN(err error) bool {
	var code refusal
	return errors.As(err, &code) && (code == goldap.LDAPResultInvalidDNSyntax || code == goldap.LDAPResultReferral)
}

// wants reports whether a member of "entry" is mapped, or may be.
func (r *reading) wants(member string) bool {
	for _, text := range r.req.Fields {
		p, err := path.ParsePattern(text)
		if err == nil && p[0].Key == memberEntry && (len(p) == 1 || p[1].Key == member) {
			return true
		}
	}
	return len(r.req.Fields) == 0
}
