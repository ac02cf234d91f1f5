package ldap

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// attributeOf is an attribute of an entry.
type attributeOf = goldap.EntryAttribute

// An entry is one of a fake's entries: "dn" and its attributes, in order.
type entry struct {
	dn    string
	attrs []attributeOf
}

// with returns an entry with one more attribute.
func (e entry) with(name string, values ...string) entry {
	e.attrs = append(slices.Clone(e.attrs), goldap.EntryAttribute{Name: name, Values: values})
	return e
}

func (e entry) get(name string) []string {
	for _, a := range e.attrs {
		if strings.EqualFold(a.Name, name) {
			return a.Values
		}
	}
	return nil
}

// A fake is a directory that does what slapd does not: it says that it is Active
// Directory, refuses log-ins as that does, sends values in ranges, and misbehaves.
type fake struct {
	root    entry   // the root DSE
	entries []entry // below the base DN
	others  []entry // found by their DN alone
	// bind answers a log-in; nil takes every one.
	bind func(user, password string) answer
	// page answers the pages of lists, counted from 1 on each connection, in its own
	// way where handled is true.
	page func(page int, q query, c *conversation) (handled bool)
	// look answers searches for one entry, with what is bound on the connection, in
	// its own way where it returns an answer.
	look func(q query, bound string) *answer
	// mostPage is the largest page; a larger request gets fewer entries, as from
	// Active Directory.
	mostPage int
	ranges   int         // how many values of an attribute come at once; 0 for all
	referral string      // comes with each page
	tls      *tls.Config // nil refuses StartTLS
	ldaps    bool        // TLS from the first byte on
	refusal  error       // of connections
	mute     bool        // never says anything

	mu       sync.Mutex
	queries  []query
	binds    []string
	connects int
}

// An answer is how a request ends.
type answer struct {
	code       uint16
	diagnostic string
	controls   []*ber.Packet
}

// A query is what a search asks for.
type query struct {
	id         int64
	base       string
	scope      int64
	filter     string
	attributes []string
	size       int // of a page; 0 without paging
	cookie     string
}

// A conversation is one connection to a fake.
type conversation struct {
	fake  *fake
	conn  net.Conn
	pages int
	bound string // who is logged in
}

// transport returns what connects to the fake, for connector.Config.
func (f *fake) transport() *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		f.mu.Lock()
		f.connects++
		f.mu.Unlock()
		if f.refusal != nil {
			return nil, f.refusal
		}
		near, far := net.Pipe()
		go f.serve(far)
		return near, nil
	}}
}

func (f *fake) serve(conn net.Conn) {
	c := &conversation{fake: f, conn: conn}
	defer func() { _ = c.conn.Close() }()
	if f.mute {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	if f.ldaps {
		c.conn = tls.Server(conn, f.tls)
	}
	for {
		packet, err := ber.ReadPacket(c.conn)
		if err != nil || len(packet.Children) < 2 {
			return
		}
		id, _ := packet.Children[0].Value.(int64)
		switch op := packet.Children[1]; op.Tag {
		case goldap.ApplicationBindRequest:
			c.bind(id, op)
		case goldap.ApplicationSearchRequest:
			c.search(readQuery(id, packet))
		case goldap.ApplicationExtendedRequest:
			if f.tls == nil {
				c.end(id, goldap.ApplicationExtendedResponse, answer{code: goldap.LDAPResultProtocolError, diagnostic: "unsupported extended operation"})
				continue
			}
			c.end(id, goldap.ApplicationExtendedResponse, answer{})
			c.conn = tls.Server(c.conn, f.tls)
		default:
			return
		}
	}
}

func readQuery(id int64, packet *ber.Packet) query {
	op := packet.Children[1].Children
	q := query{id: id, base: op[0].Data.String()}
	q.scope, _ = op[1].Value.(int64)
	q.filter, _ = goldap.DecompileFilter(op[6])
	for _, a := range op[7].Children {
		q.attributes = append(q.attributes, a.Data.String())
	}
	if len(packet.Children) > 2 {
		for _, child := range packet.Children[2].Children {
			control, err := goldap.DecodeControl(child)
			if paging, ok := control.(*goldap.ControlPaging); ok && err == nil {
				q.size, q.cookie = int(paging.PagingSize), string(paging.Cookie)
			}
		}
	}
	return q
}

func (c *conversation) bind(id int64, op *ber.Packet) {
	user, password := op.Children[1].Data.String(), op.Children[2].Data.String()
	c.fake.mu.Lock()
	c.fake.binds = append(c.fake.binds, user)
	c.fake.mu.Unlock()
	var a answer
	if c.fake.bind != nil {
		a = c.fake.bind(user, password)
	}
	if a.code == 0 {
		c.bound = user
	}
	c.end(id, goldap.ApplicationBindResponse, a)
}

// search answers a search.
func (c *conversation) search(q query) {
	f := c.fake
	f.mu.Lock()
	f.queries = append(f.queries, q)
	f.mu.Unlock()
	if q.scope == goldap.ScopeBaseObject {
		c.lookUp(q)
		return
	}
	if q.cookie == "" {
		c.pages = 0
	}
	c.pages++
	if f.page != nil && f.page(c.pages, q, c) {
		return
	}
	found := f.matching(q)
	from, _ := strconv.Atoi(q.cookie)
	to := len(found)
	if q.size > 0 {
		to = min(from+min(q.size, cmp.Or(f.mostPage, q.size)), len(found))
	}
	for _, e := range found[from:to] {
		c.entry(q, e)
	}
	if f.referral != "" {
		c.send(q.id, goldap.ApplicationSearchResultReference, ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, f.referral, ""))
	}
	cookie := ""
	if to < len(found) {
		cookie = strconv.Itoa(to)
	}
	c.done(q, cookie)
}

// lookUp answers a search for one entry by its DN.
func (c *conversation) lookUp(q query) {
	if c.fake.look != nil {
		if a := c.fake.look(q, c.bound); a != nil {
			c.end(q.id, goldap.ApplicationSearchResultDone, *a)
			return
		}
	}
	for _, e := range slices.Concat([]entry{c.fake.root}, c.fake.others, c.fake.entries) {
		if strings.EqualFold(e.dn, q.base) {
			c.entry(q, e)
			c.end(q.id, goldap.ApplicationSearchResultDone, answer{})
			return
		}
	}
	c.end(q.id, goldap.ApplicationSearchResultDone, answer{code: goldap.LDAPResultNoSuchObject})
}

var changedSince = regexp.MustCompile(`\((whenChanged|modifyTimestamp)>=([0-9]+)`)

// matching returns the entries below the query's base whose objectClass, which
// stands for any class of the filter, is in the filter.
func (f *fake) matching(q query) (out []entry) {
	for _, e := range f.entries {
		if !strings.HasSuffix(strings.ToLower(e.dn), strings.ToLower(q.base)) {
			continue
		}
		if !slices.ContainsFunc(e.get("objectClass"), func(class string) bool { return strings.Contains(q.filter, "="+class+")") }) {
			continue
		}
		if m := changedSince.FindStringSubmatch(q.filter); m != nil && (len(e.get(m[1])) == 0 || e.get(m[1])[0] < m[2]) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// entry sends what a query asks for of an entry.
func (c *conversation) entry(q query, e entry) {
	list := ber.NewSequence("attributes")
	for _, a := range e.attrs {
		name, values, ok := c.asked(q, a)
		if !ok {
			continue
		}
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range values {
			set.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, v, ""))
		}
		attribute := ber.NewSequence("attribute")
		attribute.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, name, ""))
		attribute.AppendChild(set)
		list.AppendChild(attribute)
	}
	c.send(q.id, goldap.ApplicationSearchResultEntry, ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, e.dn, ""), list)
}

// asked returns the part of an attribute that a query asks for.
func (c *conversation) asked(q query, a goldap.EntryAttribute) (string, []string, bool) {
	for _, want := range q.attributes {
		base, option, _ := strings.Cut(want, ";range=")
		own, _, _ := strings.Cut(a.Name, ";range=")
		if base != "*" && !strings.EqualFold(base, own) {
			continue
		}
		if c.fake.ranges == 0 || q.base == "" || len(a.Values) <= c.fake.ranges {
			return a.Name, a.Values, true
		}
		low, _, _ := strings.Cut(option, "-")
		from, _ := strconv.Atoi(low)
		to := from + c.fake.ranges
		if to >= len(a.Values) {
			return fmt.Sprintf("%s;range=%d-*", a.Name, from), a.Values[from:], true
		}
		return fmt.Sprintf("%s;range=%d-%d", a.Name, from, to-1), a.Values[from:to], true
	}
	return "", nil, false
}

// done ends a page.
func (c *conversation) done(q query, cookie string) {
	var a answer
	if q.size > 0 {
		paging := goldap.NewControlPaging(0)
		paging.SetCookie([]byte(cookie))
		a.controls = []*ber.Packet{paging.Encode()}
	}
	c.end(q.id, goldap.ApplicationSearchResultDone, a)
}

// end sends a result.
func (c *conversation) end(id int64, tag ber.Tag, a answer) {
	message := ber.NewSequence("")
	message.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(a.code), ""))
	op.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
	op.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, a.diagnostic, ""))
	message.AppendChild(op)
	if len(a.controls) > 0 {
		controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, control := range a.controls {
			controls.AppendChild(control)
		}
		message.AppendChild(controls)
	}
	c.write(message.Bytes())
}

// send sends a message that is no result.
func (c *conversation) send(id int64, tag ber.Tag, parts ...*ber.Packet) {
	c.write(response(id, tag, parts...))
}

func response(id int64, tag ber.Tag, parts ...*ber.Packet) []byte {
	message := ber.NewSequence("")
	message.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	for _, part := range parts {
		op.AppendChild(part)
	}
	message.AppendChild(op)
	return message.Bytes()
}

// write sends bytes. The other side may be gone.
func (c *conversation) write(b []byte) { _, _ = io.Copy(c.conn, bytes.NewReader(b)) }

func (f *fake) asked() []query {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.queries)
}

// lists returns the queries that asked for pages.
func (f *fake) lists() []query {
	return slices.DeleteFunc(f.asked(), func(q query) bool { return q.scope == goldap.ScopeBaseObject })
}

const (
	reader         = "reader@corp.example.com"
	readerPassword = "known-password"
	fakeURL        = "ldap://127.0.0.1"
	adRoot         = "DC=corp,DC=example,DC=com"
)

// activeRoot is what Active Directory says of itself.
func activeRoot() entry {
	return entry{}.with("supportedCapabilities", "1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670").
		with("defaultNamingContext", adRoot).
		with("namingContexts", adRoot, "CN=Configuration,"+adRoot).
		with("subschemaSubentry", "CN=Aggregate,CN=Schema,CN=Configuration,"+adRoot)
}

// plainRoot is what another directory says of itself.
func plainRoot() entry {
	return entry{}.with("namingContexts", "dc=example,dc=com").with("subschemaSubentry", "cn=Subschema")
}

func basic(user, password string) credentials.Source {
	return credentials.Static(credentials.Credential{ID: "directory", Kind: credentials.Basic, Values: map[string]credentials.Secret{
		"username": credentials.NewSecret(user), "password": credentials.NewSecret(password),
	}})
}

// settings returns resolved settings: an address, and pairs of name and value.
func settings(t testing.TB, address string, pairs ...string) connector.Settings {
	t.Helper()
	given := connector.Settings{settingURL: {address}}
	for i := 0; i < len(pairs); i += 2 {
		given[pairs[i]] = append(given[pairs[i]], pairs[i+1])
	}
	resolved, err := New().Spec().Resolve(given)
	require.NoError(t, err)
	return resolved
}

// config returns what opens the fake, without TLS unless the pairs say so.
func (f *fake) config(t testing.TB, pairs ...string) connector.Config {
	t.Helper()
	if !slices.Contains(pairs, settingStartTLS) {
		pairs = append(pairs, settingStartTLS, "false")
	}
	return connector.Config{Settings: settings(t, fakeURL, pairs...), Credential: basic(reader, readerPassword), Transport: f.transport()}
}

func open(t testing.TB, cfg connector.Config) connector.Source {
	t.Helper()
	src, err := New().Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

// read returns the pages of a stream and the error that the read ended with.
func read(ctx context.Context, src connector.Source, req connector.Request) (pages []connector.Page, err error) {
	req.Stream = cmp.Or(req.Stream, UserStream)
	for page, err := range connector.Pages(ctx, src, req) {
		if err != nil {
			return pages, err
		}
		pages = append(pages, page)
	}
	return pages, nil
}

func records(pages []connector.Page) (out []connector.Record) {
	for _, p := range pages {
		out = append(out, p.Records...)
	}
	return out
}
