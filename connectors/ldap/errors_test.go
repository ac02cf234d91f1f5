package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
)

// refuses answers the given page with a result code.
func refuses(page int, a answer) func(int, query, *conversation) bool {
	return func(at int, q query, c *conversation) bool {
		if at != page {
			return false
		}
		c.end(q.id, goldap.ApplicationSearchResultDone, a)
		return true
	}
}

// policy is the control with which a directory says why its password policy
// refuses a log-in.
func policy(code int64) *ber.Packet {
	value := ber.Encode(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, nil, "")
	sequence := ber.NewSequence("")
	sequence.AppendChild(ber.NewInteger(ber.ClassContext, ber.TypePrimitive, 1, code, ""))
	value.AppendChild(sequence)
	control := ber.NewSequence("")
	control.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, goldap.ControlTypeBeheraPasswordPolicy, ""))
	control.AppendChild(value)
	return control
}

func TestRefusedLogInsAreToldApart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer answer
		class  connector.Class
		says   string
	}{
		"a wrong password":                        {wrong("52e"), connector.ErrAuth, "the user name or the password is wrong"},
		"a user who is not there":                 {wrong("525"), connector.ErrAuth, "there is no such user"},
		"an expired password":                     {wrong("532"), connector.ErrAuth, "the password has expired"},
		"an expired account":                      {wrong("701"), connector.ErrAuth, "the account has expired"},
		"a disabled account":                      {wrong("533"), connector.ErrAuth, "the account is disabled"},
		"a locked account":                        {wrong("775"), connector.ErrAuth, "the account is locked after too many wrong passwords"},
		"a password that must be changed":         {wrong("773"), connector.ErrAuth, "the password must be changed"},
		"a reason that is not known":              {wrong("999"), connector.ErrAuth, "data 999"},
		"a wrong password elsewhere":              {answer{code: 49}, connector.ErrAuth, "the user name or the password is wrong"},
		"an expired password by the policy":       {answer{code: 49, controls: []*ber.Packet{policy(0)}}, connector.ErrAuth, "the password has expired"},
		"a locked account by the policy":          {answer{code: 49, controls: []*ber.Packet{policy(1)}}, connector.ErrAuth, "the account is locked"},
		"a user name that is no DN":               {answer{code: 34, diagnostic: "invalid DN"}, connector.ErrAuth, "write the user name as a DN"},
		"a directory that wants TLS":              {answer{code: 13, diagnostic: "confidentiality required"}, connector.ErrInvalid, "set start_tls to true"},
		"a domain that wants TLS":                 {answer{code: 8, diagnostic: "00002028: LdapErr: The server requires binds to turn on integrity checking"}, connector.ErrInvalid, "set start_tls to true"},
		"a directory that knows no simple log-in": {answer{code: 7}, connector.ErrAuth, "simple bind"},
		"a directory that is unwilling":           {answer{code: 53, diagnostic: "unauthenticated bind (DN with no password) disallowed"}, connector.ErrAuth, "disallowed"},
		"a directory that refers elsewhere":       {answer{code: 10}, connector.ErrInvalid, "referrals are not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := crowd(t, 3)
			f.bind = func(string, string) answer { return test.answer }
			src := open(t, f.config(t))
			_, err := read(t.Context(), src, connector.Request{})
			require.Equal(t, test.class, connector.ClassOf(err), err)
			require.ErrorContains(t, err, test.says)
			_, err = src.Check(t.Context())
			require.Equal(t, test.class, connector.ClassOf(err), err)
		})
	}
}

func TestRefusedSearchesAreToldApart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer answer
		nobody bool
		class  connector.Class
		says   string
	}{
		"an account that may not read":           {answer{code: 50, diagnostic: "00002098: SecErr: INSUFF_ACCESS_RIGHTS"}, false, connector.ErrPermission, "INSUFF_ACCESS_RIGHTS"},
		"a base DN that is not there":            {answer{code: 32}, false, connector.ErrInvalid, "correct the base DN"},
		"too many entries":                       {answer{code: 4}, false, connector.ErrPermission, "size.hard=unlimited"},
		"a page that is too large":               {answer{code: 11, diagnostic: "pagedResults size"}, false, connector.ErrPermission, "lower page_size"},
		"too long a search":                      {answer{code: 3}, false, connector.ErrUnavailable, "time limit"},
		"a server that does not have it":         {answer{code: 10}, false, connector.ErrInvalid, "referrals are not followed"},
		"a filter the directory does not take":   {answer{code: 18}, false, connector.ErrInvalid, "correct the filter"},
		"a cookie it does not take any more":     {answer{code: 53, diagnostic: "paged results cookie is invalid"}, false, connector.ErrCursor, "cookie is invalid"},
		"a domain that answers no one":           {answer{code: 1, diagnostic: "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection., data 0"}, true, connector.ErrAuth, "set up an account"},
		"a directory that answers no one":        {answer{code: 48}, true, connector.ErrAuth, "set up an account"},
		"a directory that wants to know who":     {answer{code: 53, diagnostic: "authentication required"}, true, connector.ErrAuth, "set up an account"},
		"a directory that wants to know who, so": {answer{code: 8, diagnostic: "authentication required"}, true, connector.ErrAuth, "set up an account"},
		"a code that nobody knows":               {answer{code: 117, diagnostic: "odd"}, false, connector.ErrUnavailable, "117"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := crowd(t, 5)
			f.page = refuses(2, test.answer)
			cfg := f.config(t, settingPageSize, "2")
			if test.nobody {
				cfg.Credential = nil
			}
			pages, err := read(t.Context(), open(t, cfg), connector.Request{})
			require.Equal(t, test.class, connector.ClassOf(err), err)
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, strconv.Quote(adRoot))
			require.Len(t, records(pages), 2)
			require.Equal(t, test.nobody, len(f.binds) == 0)
		})
	}
}

func TestCheckTellsWhatTheAccountMayDo(t *testing.T) {
	t.Parallel()
	blind := crowd(t, 1)
	blind.entries[0].attrs = blind.entries[0].attrs[:1]
	for name, test := range map[string]struct {
		fake   *fake
		grant  connector.Grant
		detail string
	}{
		"an account that may read":         {crowd(t, 3), connector.Granted, ""},
		"an account that may not read":     {func() *fake { f := crowd(t, 3); f.page = refuses(1, answer{code: 50}); return f }(), connector.Missing, "50"},
		"an account that sees no entry":    {&fake{root: activeRoot()}, connector.Unknown, "the account may not read it"},
		"an account that sees no id":       {blind, connector.Missing, "no objectGUID"},
		"a limit of one entry or no entry": {func() *fake { f := crowd(t, 3); f.page = refuses(1, answer{code: 4}); return f }(), connector.Missing, "4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := open(t, test.fake.config(t)).Check(t.Context())
			require.NoError(t, err)
			require.Len(t, report.Permissions, 2)
			got := report.Permissions[0]
			require.Equal(t, connector.PermissionStatus{Name: "read", Stream: UserStream, Grant: test.grant, Detail: got.Detail}, got)
			require.Contains(t, got.Detail, test.detail)
			require.Equal(t, test.grant == connector.Granted, got.Detail == "")
		})
	}
}

// Faults on the wire, each while the second page is awaited.
func TestFaultsOnTheWire(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault func(q query, c *conversation)
		class connector.Class
		says  string
	}{
		"the connection is closed":            {func(_ query, c *conversation) { _ = c.conn.Close() }, connector.ErrUnavailable, "the directory closed the connection"},
		"the connection is cut":               {func(_ query, c *conversation) { c.write([]byte{0x30, 0x84, 0, 0, 0, 99, 2, 1}); _ = c.conn.Close() }, connector.ErrUnavailable, "the connection to the directory broke"},
		"the connection is cut early":         {func(_ query, c *conversation) { c.write([]byte{0x30, 0x84, 0, 0}); _ = c.conn.Close() }, connector.ErrUnavailable, "the connection to the directory broke"},
		"something else than LDAP is spoken":  {func(_ query, c *conversation) { c.write([]byte("HTTP/1.1 400 Bad Request\r\n")) }, connector.ErrMalformed, "what came is no LDAP message"},
		"a message of no definite length":     {func(_ query, c *conversation) { c.write([]byte{0x30, 0x80, 0, 0}) }, connector.ErrMalformed, "what came is no LDAP message"},
		"a message with nonsense in it":       {func(_ query, c *conversation) { c.write([]byte{0x30, 4, 4, 0x80, 1, 1}) }, connector.ErrMalformed, "the answer cannot be read"},
		"an entry without attributes":         {func(q query, c *conversation) { c.send(q.id, goldap.ApplicationSearchResultEntry) }, connector.ErrMalformed, "the answer cannot be read"},
		"an entry that is said to have 1 GB":  {func(_ query, c *conversation) { c.write([]byte{0x30, 0x84, 0x40, 0, 0, 0}) }, connector.ErrMalformed, "the answer is larger than allowed"},
		"a page that does not come to an end": {func(q query, c *conversation) { flood(q, c) }, connector.ErrMalformed, "lower page_size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := crowd(t, 5)
			f.page = func(page int, q query, c *conversation) bool {
				if page == 2 {
					test.fault(q, c)
				}
				return page == 2
			}
			pages, err := read(t.Context(), open(t, f.config(t, settingPageSize, "2")), connector.Request{})
			require.Equal(t, test.class, connector.ClassOf(err), err)
			require.ErrorContains(t, err, test.says)
			require.Len(t, records(pages), 2)
		})
	}
}

// flood sends entries of 4 MB until the other side has had enough.
func flood(q query, c *conversation) {
	text := strings.Repeat("x", 4<<20)
	name := ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, "")
	message := response(q.id, goldap.ApplicationSearchResultEntry, name, ber.NewSequence(""))
	for range 20 {
		if _, err := c.conn.Write(message); err != nil {
			return
		}
	}
}

func TestPagesThatRepeatThemselves(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		page func(page int, q query, c *conversation)
		says string // "" if the read succeeds
		most int    // pages
	}{
		"the same page for ever": {
			func(_ int, q query, c *conversation) { c.entry(q, c.fake.entries[0]); c.done(q, "again") },
			"the same entries again and again", 2,
		},
		"the same page with ever another cookie": {
			func(page int, q query, c *conversation) {
				c.entry(q, c.fake.entries[0])
				c.done(q, fmt.Sprint(page))
			},
			"the same entries again and again", 2,
		},
		"three pages for ever": {
			func(page int, q query, c *conversation) {
				c.entry(q, c.fake.entries[page%3])
				c.done(q, fmt.Sprint(page))
			},
			"the same entries again and again", 10,
		},
		"empty pages for ever": {
			func(page int, q query, c *conversation) { c.done(q, fmt.Sprint(page)) },
			"pages in a row have no entry", 0,
		},
		"one cookie for the whole list": {
			func(page int, q query, c *conversation) {
				c.entry(q, c.fake.entries[page-1])
				c.done(q, map[bool]string{true: "same"}[page < 5])
			},
			"", 5,
		},
		"empty pages between others": {
			func(page int, q query, c *conversation) {
				if page%2 == 0 {
					c.entry(q, c.fake.entries[page/2])
				}
				c.done(q, map[bool]string{true: "same"}[page < 9])
			},
			"", 5,
		},
		"a directory that does not know pages": {
			func(_ int, q query, c *conversation) {
				for _, e := range c.fake.entries {
					c.entry(q, e)
				}
				c.end(q.id, goldap.ApplicationSearchResultDone, answer{})
			},
			"", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := crowd(t, 6)
			f.page = func(page int, q query, c *conversation) bool { test.page(page, q, c); return true }
			pages, err := read(t.Context(), open(t, f.config(t)), connector.Request{})
			require.LessOrEqual(t, len(pages), test.most)
			if test.says == "" {
				require.NoError(t, err)
				require.True(t, pages[len(pages)-1].Last)
				return
			}
			require.Equal(t, connector.ErrMalformed, connector.ClassOf(err), err)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestRangesThatDoNotComeToAnEnd(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]string{
		"the rest is not sent":        "mail",
		"the rest starts anew":        "memberOf;range=0-1",
		"the rest is of another kind": "member;range=2-3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := crowd(t, 1)
			f.page = func(_ int, q query, c *conversation) bool {
				q.attributes = []string{"objectGUID", "memberOf;range=0-1"}
				c.entry(q, c.fake.entries[0].with("memberOf;range=0-1", "a", "b"))
				c.done(q, "")
				return true
			}
			f.others = []entry{{dn: f.entries[0].dn, attrs: []attributeOf{{Name: second, Values: []string{"c"}}}}}
			_, err := read(t.Context(), open(t, f.config(t)), connector.Request{})
			require.Equal(t, connector.ErrMalformed, connector.ClassOf(err), err)
			require.ErrorContains(t, err, "does not send the rest")
		})
	}
}

func TestLookUpsThatAreRefused(t *testing.T) {
	t.Parallel()
	const boss = "CN=Boss," + adRoot
	subschema := activeRoot().get("subschemaSubentry")[0]
	for name, test := range map[string]struct {
		base   string // of the search that is refused
		before bool   // only to those who have not logged in
		code   uint16
		class  connector.Class
		has    string // in the record
	}{
		"the root is shown to accounts only":                {base: "", before: true, code: 53, has: `"badge":"7"`},
		"the root is not there for others":                  {base: "", before: true, code: 32, has: `"badge":"7"`},
		"the root is not shown at all":                      {base: "", code: 50, has: `"badge":["7"]`},
		"the root cannot be read":                           {base: "", code: 80, class: connector.ErrUnavailable},
		"the schema is not shown":                           {base: subschema, code: 50, has: `"badge":["7"]`},
		"the schema cannot be read":                         {base: subschema, code: 80, class: connector.ErrUnavailable},
		"the manager may not be seen":                       {base: boss, code: 50, has: `"manager":["CN=Boss,`},
		"the manager is a name that somebody typed":         {base: boss, code: 34, has: `"manager":["CN=Boss,`},
		"the manager is in another domain":                  {base: boss, code: 10, has: `"manager":["CN=Boss,`},
		"the manager cannot be looked up":                   {base: boss, code: 80, class: connector.ErrUnavailable},
		"the manager can":                                   {base: "nothing", has: `"manager":"boss"`},
		"the directory says what it is to those who ask it": {base: "nothing", has: `"badge":"7"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := crowd(t, 1)
			f.entries[0] = f.entries[0].with("manager", boss).with("badge", "7")
			f.others = []entry{
				entry{dn: boss}.with("sAMAccountName", "boss"),
				entry{dn: subschema}.with("attributeTypes", "( 9.9 NAME 'badge' SINGLE-VALUE )"),
			}
			f.look = func(q query, bound string) *answer {
				if q.base != test.base || test.before && bound != "" {
					return nil
				}
				return &answer{code: test.code}
			}
			src := open(t, f.config(t, settingBase, adRoot, settingDirectory, directoryActive))
			pages, err := read(t.Context(), src, connector.Request{Fields: []string{"badge", "entry.manager"}})
			require.Equal(t, test.class, connector.ClassOf(err), err)
			if test.class == "" {
				require.Contains(t, records(pages)[0].String(), test.has)
			}
			_, err = src.(connector.Discoverer).Discover(t.Context(), UserStream)
			require.Equal(t, test.class, connector.ClassOf(err), err)
		})
	}
}

// In these, time is the test's own.
func TestWaiting(t *testing.T) {
	t.Parallel()
	waits := func(ctx context.Context, total *time.Duration) context.Context {
		return connector.OnWait(ctx, func(w connector.Wait) { *total += w.For })
	}
	t.Run("a busy directory is asked again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := crowd(t, 5)
			left := 3
			f.page = func(page int, q query, c *conversation) bool {
				if left == 0 || page < 2 {
					return false
				}
				left--
				c.end(q.id, goldap.ApplicationSearchResultDone, answer{code: []uint16{51, 52}[left%2]})
				return true
			}
			var waited time.Duration
			began := time.Now()
			pages, err := read(waits(t.Context(), &waited), open(t, f.config(t, settingPageSize, "2")), connector.Request{})
			require.NoError(t, err)
			require.Len(t, records(pages), 5)
			require.Equal(t, 3500*time.Millisecond, waited)
			require.Equal(t, waited, time.Since(began))
		})
	})
	t.Run("one that stays busy is unavailable", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := crowd(t, 5)
			f.page = refuses(1, answer{code: 51})
			_, err := read(t.Context(), open(t, f.config(t)), connector.Request{})
			require.Error(t, err)
			f.page = func(_ int, q query, c *conversation) bool {
				c.end(q.id, goldap.ApplicationSearchResultDone, answer{code: 51})
				return true
			}
			var waited time.Duration
			_, err = read(waits(t.Context(), &waited), open(t, f.config(t)), connector.Request{})
			require.Equal(t, connector.ErrUnavailable, connector.ClassOf(err), err)
			require.Equal(t, 15500*time.Millisecond, waited)
		})
	})
	t.Run("a directory that falls silent ends the read in time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := crowd(t, 5)
			f.page = func(page int, _ query, _ *conversation) bool { return page == 2 }
			began := time.Now()
			pages, err := read(t.Context(), open(t, f.config(t, settingPageSize, "2", settingTimeout, "90s")), connector.Request{})
			require.Equal(t, connector.ErrUnavailable, connector.ClassOf(err), err)
			require.ErrorContains(t, err, "did not answer within 1m30s")
			require.Len(t, records(pages), 2)
			require.Equal(t, 90*time.Second, time.Since(began))
		})
	})
	for _, address := range []string{"ldap://127.0.0.1", "ldaps://127.0.0.1"} {
		t.Run("so does one that says nothing at all at "+address, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{mute: true}
				cfg := f.config(t, settingTimeout, "90s")
				cfg.Settings[settingURL] = []string{address}
				began := time.Now()
				_, err := read(t.Context(), open(t, cfg), connector.Request{})
				require.Equal(t, connector.ErrUnavailable, connector.ClassOf(err), err)
				require.ErrorContains(t, err, "did not answer within 1m30s")
				require.Equal(t, 90*time.Second, time.Since(began))
				require.Equal(t, 1, f.connects)
			})
		})
	}
	t.Run("a caller who takes time over a page loses nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			src := open(t, crowd(t, 5).config(t, settingPageSize, "2"))
			n := 0
			for page, err := range connector.Pages(t.Context(), src, connector.Request{Stream: UserStream}) {
				require.NoError(t, err)
				n += len(page.Records)
				<-time.After(time.Hour)
			}
			require.Equal(t, 5, n)
		})
	})
	t.Run("a cancelled read ends at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := crowd(t, 5)
			f.page = func(page int, _ query, _ *conversation) bool { return page == 2 }
			src := open(t, f.config(t, settingPageSize, "2"))
			stop := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(stop) })
			began := time.Now()
			_, err := read(ctx, src, connector.Request{})
			require.ErrorIs(t, err, stop)
			require.Equal(t, time.Second, time.Since(began))
		})
	})
	t.Run("a read that is cancelled while it waits ends at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := crowd(t, 5)
			f.look = func(query, string) *answer { return &answer{code: 51} }
			src := open(t, f.config(t))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			_, err := read(ctx, src, connector.Request{})
			require.Equal(t, connector.ErrUnavailable, connector.ClassOf(err), err)
			require.Equal(t, time.Second, time.Since(began))
		})
	})
	t.Run("a directory that cannot be reached is tried again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := crowd(t, 5)
			f.refusal = &net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", IsTemporary: true}}
			var waited time.Duration
			_, err := read(waits(t.Context(), &waited), open(t, f.config(t)), connector.Request{})
			require.Equal(t, connector.ErrUnavailable, connector.ClassOf(err), err)
			require.Equal(t, maxTries, f.connects)
			require.Equal(t, 15500*time.Millisecond, waited)
		})
	})
}

func TestDirectoriesThatCannotBeReached(t *testing.T) {
	t.Parallel()
	private, err := rest.NewTransport(rest.Policy{DenyPrivate: true})
	require.NoError(t, err)
	failing := func(err error) *http.Transport { return (&fake{refusal: err}).transport() }
	for name, test := range map[string]struct {
		transport *http.Transport
		address   string
		class     connector.Class
		says      string
	}{
		"a private address where the host allows none":  {private, "ldap://127.0.0.1:1", connector.ErrInvalid, "a private address, are not allowed"},
		"an address that hands out the cloud's secrets": {nil, "ldap://169.254.169.254", connector.ErrInvalid, "are not allowed"},
		"a name that there is not":                      {failing(&net.DNSError{Err: "no such host", Name: "dc9.example.com", IsNotFound: true}), "ldap://dc9.example.com", connector.ErrNotFound, "dc9.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := connector.Config{Settings: settings(t, test.address)}
			if test.transport != nil {
				cfg.Transport = test.transport
			}
			_, err := read(t.Context(), open(t, cfg), connector.Request{})
			require.Equal(t, test.class, connector.ClassOf(err), err)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestErrorsOfConnecting(t *testing.T) {
	t.Parallel()
	at, err := parseURL("ldaps://dc1.example.com", false)
	require.NoError(t, err)
	refused := os.NewSyscallError("connect", syscall.ECONNREFUSED)
	s := &source{server: at}
	for name, test := range map[string]struct {
		err   error
		class connector.Class
		says  string
	}{
		"nobody listens":                 {s.unreachable(t.Context(), "connect", &net.OpError{Op: "dial", Err: refused}), connector.ErrUnavailable, "connection refused"},
		"nobody answers":                 {s.unreachable(t.Context(), "connect", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}), connector.ErrUnavailable, "timeout"},
		"the resolver does not answer":   {s.unreachable(t.Context(), "connect", &net.DNSError{Err: "timeout", IsTimeout: true}), connector.ErrUnavailable, "timeout"},
		"the host forbids it":            {s.unreachable(t.Context(), "connect", &net.OpError{Op: "dial", Err: errors.New("not allowed")}), connector.ErrInvalid, "use an address that the host allows"},
		"the server does not speak TLS":  {handshakeError(at, tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), connector.ErrInvalid, "does not speak TLS"},
		"the server hangs up":            {handshakeError(at, io.EOF), connector.ErrUnavailable, "EOF"},
		"the network breaks":             {handshakeError(at, &net.OpError{Op: "read", Err: refused}), connector.ErrUnavailable, "connection refused"},
		"the server refuses TLS 1.2":     {handshakeError(at, &net.OpError{Op: "remote error", Err: errors.New("tls: protocol version not supported")}), connector.ErrTLS, "TLS 1.2 or later"},
		"the server has an old TLS":      {handshakeError(at, errors.New("tls: server selected unsupported protocol version 301")), connector.ErrTLS, "TLS 1.2 or later"},
		"nobody trusts its certificate":  {handshakeError(at, x509.UnknownAuthorityError{}), connector.ErrTLS, "trust list"},
		"its certificate is of another":  {handshakeError(at, x509.HostnameError{Certificate: &x509.Certificate{}, Host: "dc1"}), connector.ErrTLS, "trust list"},
		"its certificate is out of date": {handshakeError(at, x509.CertificateInvalidError{Reason: x509.Expired}), connector.ErrTLS, "trust list"},
	} {
		require.Equal(t, test.class, connector.ClassOf(test.err), name)
		require.ErrorContains(t, test.err, test.says, name)
		require.ErrorContains(t, test.err, "ldaps://dc1.example.com", name)
	}
}

type roundTripper struct{}

func (roundTripper) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, http.ErrNotSupported
}

func TestSettingsThatDoNotOpen(t *testing.T) {
	t.Parallel()
	kind := func(k credentials.Kind, values map[string]credentials.Secret) credentials.Source {
		return credentials.Static(credentials.Credential{Kind: k, Values: values})
	}
	for name, test := range map[string]struct {
		change func(cfg *connector.Config)
		class  connector.Class
		says   string
	}{
		"a transport for HTTP alone":        {func(cfg *connector.Config) { cfg.Transport = roundTripper{} }, connector.ErrUnsupported, "HTTP alone"},
		"a token":                           {func(cfg *connector.Config) { cfg.Credential = kind(credentials.APIToken, nil) }, connector.ErrInvalid, "api_token"},
		"a user name without a password":    {func(cfg *connector.Config) { cfg.Credential = basic(reader, "") }, connector.ErrAuth, "empty"},
		"a password without a user name":    {func(cfg *connector.Config) { cfg.Credential = basic("", readerPassword) }, connector.ErrAuth, "empty"},
		"a credential that cannot be had":   {func(cfg *connector.Config) { cfg.Credential = lost{} }, connector.ErrAuth, "the vault is closed"},
		"a password that anyone could read": {func(cfg *connector.Config) { cfg.Settings[settingURL] = []string{"ldap://dc1.example.com"} }, connector.ErrInvalid, "set start_tls to true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := crowd(t, 1).config(t)
			test.change(&cfg)
			_, err := New().Open(t.Context(), cfg)
			require.Equal(t, test.class, connector.ClassOf(err), err)
			require.ErrorContains(t, err, test.says)
		})
	}
	cfg := crowd(t, 1).config(t)
	cfg.Settings[settingURL], cfg.Credential = []string{"ldap://dc1.example.com"}, kind(credentials.None, nil)
	pages, err := read(t.Context(), open(t, cfg), connector.Request{})
	require.NoError(t, err, "what everyone may read needs no TLS")
	require.Len(t, records(pages), 1)
}

// lost is a credential that is not to be had.
type lost struct{}

func (lost) Get(context.Context) (credentials.Credential, error) {
	return credentials.Credential{}, errors.New("the vault is closed")
}
func (lost) Save(context.Context, credentials.Credential) error { return nil }

// selfSigned returns a certificate that no authority issued, and its PEM.
func selfSigned(t *testing.T) (*tls.Config, credentials.Secret) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Close()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return &tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}, credentials.NewSecret(string(text))
}

func TestTLS(t *testing.T) {
	t.Parallel()
	config, ca := selfSigned(t)
	for name, test := range map[string]struct {
		address  string
		startTLS string
		ldaps    bool
		tls      *tls.Config
		ca       credentials.Secret
		class    connector.Class
		says     string
	}{
		"LDAPS with a certificate to trust":          {address: "ldaps://127.0.0.1", ldaps: true, tls: config, ca: ca},
		"StartTLS with a certificate to trust":       {address: "ldap://127.0.0.1", startTLS: "true", tls: config, ca: ca},
		"LDAPS with a certificate that nobody knows": {address: "ldaps://127.0.0.1", ldaps: true, tls: config, class: connector.ErrTLS, says: "install a certificate issued by a CA on the server, or add the server's certificate or its CA to the trust list"},
		"StartTLS with such a certificate":           {address: "ldap://127.0.0.1", startTLS: "true", tls: config, class: connector.ErrTLS, says: "install a certificate issued by a CA on the server, or add the server's certificate or its CA to the trust list"},
		"a certificate of another server":            {address: "ldaps://dc1.corp.example", ldaps: true, tls: config, ca: ca, class: connector.ErrTLS, says: "dc1.corp.example"},
		"a directory without StartTLS":               {address: "ldap://127.0.0.1", startTLS: "true", class: connector.ErrInvalid, says: "use an address that begins with ldaps://"},
		"a trust list that holds no certificate":     {address: "ldaps://127.0.0.1", ldaps: true, tls: config, ca: credentials.NewSecret("nonsense"), class: connector.ErrInvalid, says: "certificates to trust"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := crowd(t, 3)
			f.tls, f.ldaps = test.tls, test.ldaps
			cfg := f.config(t, settingStartTLS, "true")
			cfg.Settings[settingURL] = []string{test.address}
			cfg.Credential = credentials.Static(credentials.Credential{Kind: credentials.Basic, Values: map[string]credentials.Secret{
				"username": credentials.NewSecret(reader), "password": credentials.NewSecret(readerPassword), "ca": test.ca,
			}})
			pages, err := read(t.Context(), open(t, cfg), connector.Request{})
			require.Equal(t, test.class, connector.ClassOf(err), err)
			if test.class != "" {
				require.ErrorContains(t, err, test.says)
				require.Empty(t, f.binds, "the password was sent")
				return
			}
			require.Len(t, records(pages), 3)
			require.Equal(t, []string{reader}, f.binds)
		})
	}
}

func TestTheHostsOwnTrustListHolds(t *testing.T) {
	t.Parallel()
	config, ca := selfSigned(t)
	trust, err := credentials.Credential{Kind: credentials.None, Values: map[string]credentials.Secret{"ca": ca}}.TLS()
	require.NoError(t, err)
	f := crowd(t, 3)
	f.tls, f.ldaps = config, true
	transport := f.transport()
	transport.TLSClientConfig = trust
	cfg := f.config(t)
	cfg.Settings[settingURL], cfg.Transport = []string{"ldaps://127.0.0.1"}, transport
	pages, err := read(t.Context(), open(t, cfg), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records(pages), 3)
	require.Empty(t, trust.ServerName)
}

func TestNoErrorShowsThePassword(t *testing.T) {
	t.Parallel()
	f := crowd(t, 3)
	f.bind = func(_, password string) answer {
		return answer{code: 49, diagnostic: "wrong password \x1b[1m" + password + strings.Repeat(" very", 200)}
	}
	_, err := read(t.Context(), open(t, f.config(t)), connector.Request{})
	require.ErrorContains(t, err, "wrong password [1m"+credentials.Mask)
	require.NotContains(t, err.Error(), readerPassword)
	require.Less(t, len(err.Error()), 600)
}

func TestReferralsAreCountedAndNotFollowed(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	f := crowd(t, 5)
	f.referral = "ldap://other.example.com/DC=other"
	cfg := f.config(t, settingPageSize, "2")
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	pages, err := read(t.Context(), open(t, cfg), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records(pages), 5)
	require.Contains(t, log.String(), "stream=users referrals=3")
	require.Equal(t, 1, f.connects)
}
