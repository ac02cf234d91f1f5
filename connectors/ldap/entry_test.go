package ldap

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"
)

func TestValuesAreWrittenInTheirForm(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		form form
		raw  string
		want any
	}{
		"text":                              {textForm, "Zoë", "Zoë"},
		"text that is none":                 {textForm, "\xff\xfe", "//4="},
		"no text":                           {textForm, "", ""},
		"bytes":                             {binaryForm, "abc", "YWJj"},
		"a GUID":                            {guidForm, "\xc9\xbd\x88\xcc\xb3\xf8\xff\x42\xa6\x8c\x97\xa8\x3e\xa8\xc5\xee", "cc88bdc9-f8b3-42ff-a68c-97a83ea8c5ee"},
		"a GUID that is none":               {guidForm, "abc", "YWJj"},
		"a SID":                             {sidForm, "\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00\x15\xcd\x5b\x07\x00\x00\x00\x10\x01\x00\x00\x00\xf4\x01\x00\x00", "S-1-5-21-123456789-268435456-1-500"},
		"a SID without parts":               {sidForm, "\x01\x00\x00\x00\x00\x00\x00\x05", "S-1-5"},
		"a SID that breaks off":             {sidForm, "\x01\x05\x00\x00\x00\x00\x00\x05\x15", "AQUAAAAAAAUV"},
		"a SID of another revision":         {sidForm, "\x02\x00\x00\x00\x00\x00\x00\x05", "AgAAAAAAAAU="},
		"a file time":                       {fileTimeForm, "134236749430000000", "2026-05-19T14:35:43Z"},
		"a file time with a fraction":       {fileTimeForm, "134236749431234567", "2026-05-19T14:35:43.1234567Z"},
		"never":                             {fileTimeForm, "0", nil},
		"never, otherwise":                  {fileTimeForm, strconv.FormatInt(math.MaxInt64, 10), nil},
		"the beginning of file time":        {fileTimeForm, "1", "1601-01-01T00:00:00.0000001Z"},
		"a file time after the year 9999":   {fileTimeForm, "9223372036854775806", "9223372036854775806"},
		"a file time that is none":          {fileTimeForm, "-1", "-1"},
		"a generalized time":                {timeForm, "20260311093701Z", "2026-03-11T09:37:01Z"},
		"a generalized time with an offset": {timeForm, "20260311093701.5+0100", "2026-03-11T08:37:01.5Z"},
		"a generalized time of a domain":    {timeForm, "20260311093701.0Z", "2026-03-11T09:37:01Z"},
		"a generalized time to the hour":    {timeForm, "2026031109Z", "2026-03-11T09:00:00Z"},
		"a generalized time that is none":   {timeForm, "yesterday", "yesterday"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.form.write([]byte(test.raw)))
		})
	}
}

func TestTheStatusOfAnAccount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		attribute, value string
		want             string
	}{
		"a usual account of a domain":     {"userAccountControl", "512", "active"},
		"a disabled one":                  {"userAccountControl", "514", "inactive"},
		"one whose flags are odd":         {"userAccountControl", "many", ""},
		"one that is locked in 389":       {"nsAccountLock", "TRUE", "inactive"},
		"one that is not":                 {"nsaccountlock", "false", "active"},
		"one that may not log in":         {"loginDisabled", "TRUE", "inactive"},
		"one that was locked for good":    {"pwdAccountLockedTime", "000001010000Z", "inactive"},
		"one that is locked for a while":  {"pwdAccountLockedTime", "20260311093701Z", ""},
		"one of which nothing is to read": {"cn", "Ada", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, status(goldap.NewEntry("cn=ada", map[string][]string{test.attribute: {test.value}})))
		})
	}
}

func TestTheShapeOfARecordDoesNotDependOnTheEntry(t *testing.T) {
	t.Parallel()
	s := newShape(stream(t, UserStream), "entryUUID", []string{"badge", "carLicense", "favouriteDrink"})
	s.schema = parseSchema([]string{"( 9.1 NAME 'badge' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )", "( 9.2 NAME 'carLicense' )"})
	e := goldap.NewEntry("uid=ada,dc=example,dc=com", map[string][]string{
		"entryuuid": {"1"}, "MAIL": {"ada@example.com"}, "displayname": {"Ada", "Countess"}, "BADGE": {"7"}, "carLicense": {"B-AD 1"}, "favouriteDrink": {"tea"},
		"cn;lang-de": {"Ada"}, "userPassword": {"{SSHA}x"}, "userpassword;x-old": {"{SSHA}y"}, "memberOf": {},
	})
	rec, err := s.record(e)
	require.NoError(t, err)
	text, err := json.Marshal(rec)
	require.NoError(t, err)
	require.JSONEq(t, `{"dn": "uid=ada,dc=example,dc=com", "entry": {"id": "1"}, "entryUUID": "1", "mail": ["ada@example.com"], "displayName": "Ada",
		"badge": "7", "carLicense": ["B-AD 1"], "favouriteDrink": ["tea"], "cn;lang-de": ["Ada"]}`, string(text))
}

func TestTheAttributesThatAMappingNeedsAreAskedFor(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"badge", "extensionAttribute1", "1.2.840.113556.1.4.8", "cn"},
		mapped([]string{"dn", "entry.manager", "badge", "extensionAttribute1[0]", "['1.2.840.113556.1.4.8'][]", "cn;lang-de", "[0]", "not an attribute", "a_b", "]["}))
	require.NotContains(t, newShape(stream(t, UserStream), "entryUUID", []string{"userPassword", "MAIL", "badge"}).attributes(), "userPassword")
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	const text, octets = "1.3.6.1.4.1.1466.115.121.1.15", "1.3.6.1.4.1.1466.115.121.1.40"
	got := parseSchema([]string{
		"( 2.5.4.41 NAME 'name' DESC 'RFC4519: common supertype (of NAME) of SINGLE-VALUE attributes' SYNTAX " + text + "{32768} )",
		"( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )",
		"( 2.5.4.6 NAME ( 'c' 'countryName' ) SUP name SINGLE-VALUE X-ORIGIN 'RFC 4519' )",
		"( 1.2.840.113556.1.4.2 NAME 'objectGUID' SYNTAX '" + octets + "' SINGLE-VALUE NO-USER-MODIFICATION )",
		"( 9.1 NAME 'a' SUP b )", "( 9.2 NAME 'b' SUP a )", "(9.3 NAME'c9'SYNTAX " + text + ")",
		"", "(", "( 9.4 NAME", "( 9.5 NAME ( 'x' ", "( 9.6 NAME 'y", "( 9.7 SYNTAX",
	})
	require.Equal(t, schema{
		"name": {syntax: text}, "cn": {syntax: text}, "commonname": {syntax: text},
		"c": {syntax: text, single: true}, "countryname": {syntax: text, single: true},
		"objectguid": {syntax: octets, single: true}, "a": {}, "b": {}, "c9": {syntax: text}, "x": {}, "y": {},
	}, got)
}

func FuzzParseSchema(f *testing.F) {
	f.Add("( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name SINGLE-VALUE )", "( 2.5.4.41 NAME 'name' SYNTAX 1.3.6{64} )")
	f.Add("( 9.1 NAME 'a' SUP b )", "( 9.2 NAME 'b' SUP a )")
	f.Add("NAME ( NAME ( 'x", "''''")
	f.Fuzz(func(t *testing.T, a, b string) {
		for name, attribute := range parseSchema([]string{a, b}) {
			require.NotContains(t, name, "'")
			require.NotContains(t, attribute.syntax, "{")
		}
	})
}

func FuzzValues(f *testing.F) {
	f.Add([]byte("\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00"))
	f.Add([]byte("20260311093701.0Z"))
	f.Add([]byte("134236749430000000"))
	f.Add([]byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for form := textForm; form <= timeForm; form++ {
			switch v := form.write(raw).(type) {
			case nil:
				require.Equal(t, fileTimeForm, form)
			case string:
				require.True(t, utf8.ValidString(v))
				if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
					require.LessOrEqual(t, at.Year(), 9999)
				}
			default:
				t.Fatalf("%T", v)
			}
		}
	})
}

// pieces is a connection from which a text is read, a few bytes at a time.
type pieces struct {
	net.Conn
	left []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.left)
	p.left = p.left[n:]
	return n, nil
}

func FuzzWire(f *testing.F) {
	f.Add([]byte{0x30, 3, 2, 1, 1, 0x30, 0x81, 1, 7}, 1)
	f.Add([]byte{0x30, 0x84, 0, 0, 0, 2, 1, 1, 0x30}, 3)
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, 2)
	f.Add([]byte{0x30, 0x80, 0, 0}, 9)
	f.Add([]byte("HTTP/1.1 200 OK"), 4)
	f.Fuzz(func(t *testing.T, sent []byte, size int) {
		w := &wire{Conn: &pieces{left: sent, size: max(1, size&0xff)}}
		w.room.Store(1 << 10)
		got, err := io.ReadAll(w)
		require.True(t, bytes.HasPrefix(sent, got), "what is passed on is what came")
		require.Equal(t, err, func() error {
			if broken := w.broken(); broken != io.EOF { //nolint:errorlint // what io.ReadAll takes for the end
				return broken
			}
			return nil
		}())
		if err == nil {
			require.Equal(t, sent, got, "all of it, if the messages are whole")
		}
	})
}
