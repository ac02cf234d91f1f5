package ldap

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

var update = flag.Bool("update", false, "write the rows anew; they are to be read before they are committed")

// shapeRecords returns made-up records of one kind of directory, a text for
// each attribute or a list of them.
func shapeRecords(t testing.TB, name string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "mapping", "testdata", "vendors", name+".json"))
	require.NoError(t, err)
	var found struct{ Records []map[string]any }
	require.NoError(t, json.Unmarshal(text, &found))
	require.NotEmpty(t, found.Records)
	return found.Records
}

// texts returns the values of an attribute.
func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		out := make([]string, len(v))
		for i, item := range v {
			out[i] = fmt.Sprint(item)
		}
		return out
	}
	return nil
}

// activeEntry makes an entry of Active Directory, with its binary values, of a
// record.
func activeEntry(t testing.TB, rec map[string]any, class ...string) entry {
	t.Helper()
	e := entry{dn: fmt.Sprint(rec["dn"])}.with("objectClass", class...)
	for _, name := range slices.Sorted(keys(rec)) {
		values := texts(rec[name])
		switch name {
		case "dn":
			continue
		case "objectGUID":
			values[0] = packGUID(t, values[0])
		case "objectSid":
			values[0] = packSID(t, values[0])
		}
		e = e.with(name, values...)
	}
	return e
}

func keys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func packGUID(t testing.TB, text string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	require.NoError(t, err)
	require.Len(t, b, 16)
	slices.Reverse(b[:4])
	slices.Reverse(b[4:6])
	slices.Reverse(b[6:8])
	return string(b)
}

func packSID(t testing.TB, text string) string {
	t.Helper()
	parts := strings.Split(text, "-")[2:]
	b := []byte{1, byte(len(parts) - 1), 0, 0, 0, 0, 0, 0}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		require.NoError(t, err)
		if i == 0 {
			b[7] = byte(n)
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return string(b)
}

var (
	userClass     = []string{"top", "person", "organizationalPerson", "user"}
	computerClass = []string{"top", "computer"}
)

// active is a domain with the made-up users and computers.
func active(t testing.TB) *fake {
	t.Helper()
	f := &fake{root: activeRoot(), mostPage: 1000, bind: known}
	for _, rec := range shapeRecords(t, "ldap-ad-ad-users") {
		f.entries = append(f.entries, activeEntry(t, rec, userClass...))
	}
	for _, rec := range shapeRecords(t, "ldap-ad-ad-computers") {
		f.entries = append(f.entries, activeEntry(t, rec, computerClass...))
	}
	return f
}

// known takes the reader's password and no other.
func known(user, password string) answer {
	if user == reader && password == readerPassword {
		return answer{}
	}
	return wrong("52e")
}

// wrong is how Active Directory refuses a log-in.
func wrong(data string) answer {
	return answer{code: 49, diagnostic: "80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data " + data + ", v4f7c\x00"}
}

// crowd returns a domain of n users, one in seven of whom is not ASCII.
func crowd(t testing.TB, n int) *fake {
	t.Helper()
	f := &fake{root: activeRoot(), mostPage: 1000, bind: known}
	for i := range n {
		name := fmt.Sprintf("Person %d", i)
		if i%7 == 0 {
			name = fmt.Sprintf("Zoë Łukasz %d", i)
		}
		f.entries = append(f.entries, activeEntry(t, map[string]any{
			"dn": fmt.Sprintf("CN=%s,OU=Staff,%s", name, adRoot), "cn": name, "sAMAccountName": fmt.Sprintf("p%d", i), "mail": fmt.Sprintf("p%d@example.com", i),
			"objectGUID": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "whenChanged": fmt.Sprintf("2026%02d01000000.0Z", 1+i%12), "userAccountControl": "512",
		}, userClass...))
	}
	return f
}

func stream(t testing.TB, name string) connector.Stream {
	t.Helper()
	st, ok := New().Spec().Stream(name)
	require.True(t, ok)
	return st
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fake *fake
		size string
	}{
		"a small domain":                          {active(t), "3"},
		"a domain of pages":                       {crowd(t, 100), "30"},
		"a domain that sends fewer than asked":    {func() *fake { f := crowd(t, 50); f.mostPage = 15; return f }(), "30"},
		"a domain that refers to other servers":   {func() *fake { f := crowd(t, 50); f.referral = "ldap://other.example.com/DC=other"; return f }(), "20"},
		"a domain that sends values in part only": {func() *fake { f := crowd(t, 10); f.ranges = 1; return f }(), "4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(test.fake.matching(query{base: adRoot, filter: defaultFilters[ComputerStream].activeDirectory})) == 0 {
				for _, rec := range shapeRecords(t, "ldap-ad-ad-computers") {
					test.fake.entries = append(test.fake.entries, activeEntry(t, rec, computerClass...))
				}
			}
			bad := func(pairs ...string) connector.Settings {
				given := connector.Settings{settingURL: {fakeURL}}
				for i := 0; i < len(pairs); i += 2 {
					given[pairs[i]] = append(given[pairs[i]], pairs[i+1])
				}
				if len(pairs) > 0 && pairs[0] == settingURL {
					given[settingURL] = given[settingURL][1:]
				}
				return given
			}
			connectortest.Run(t, New(), connectortest.Options{
				Config: test.fake.config(t, settingPageSize, test.size),
				BadSettings: []connector.Settings{
					bad(settingURL, "http://dc1.example.com"), bad(settingURL, "ldap://dc1.example.com/dc=example"), bad(settingURL, "ldaps://:636"), bad(settingURL, "ldap://ada:x@dc1.example.com"),
					bad(settingURL, "ldap://dc1.example.com", settingStartTLS, "false"),
					bad(settingPageSize, "0"), bad(settingPageSize, "1001"), bad(settingTimeout, "1ms"),
					bad(settingBase, "people"), bad(settingBase, "dc=example,dc=com", settingBase, "ou=People,DC=example,DC=com"),
					bad("users_base_dn", "dc=a", "users_base_dn", "dc=A"),
					bad("users_filter", "(objectClass=person"), bad("computers_filter", "objectClass=device)"), bad("computers_filter", "objectClass=device"),
				},
				MinRecords: 6,
				Since:      time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
			})
		})
	}
}

func TestActiveDirectoryIsReadAndMapped(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]string{UserStream: "users", ComputerStream: "computers"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := active(t)
			pages, err := read(t.Context(), open(t, f.config(t, settingPageSize, "2")), connector.Request{Stream: name})
			require.NoError(t, err)
			require.Greater(t, len(pages), 2)
			requireRows(t, "ldap-ad-ad-"+shape, stream(t, name), records(pages))
			connectortest.GoldenRows(t, filepath.Join("testdata", "rows_ad_"+shape+".json"), *update, stream(t, name), records(pages)...)
		})
	}
}

// requireRows checks that the default mapping makes of records what somebody who
// knows the directory would, and maybe more. The role is the host's to say.
func requireRows(t *testing.T, shape string, st connector.Stream, recs []connector.Record) {
	t.Helper()
	type row struct {
		ID     string           `json:"id"`
		Users  []map[string]any `json:"users"`
		Assets []map[string]any `json:"assets"`
		Faults []string         `json:"faults"`
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "mapping", "testdata", "vendors", shape+".json"))
	require.NoError(t, err)
	var right struct{ Rows []row }
	require.NoError(t, json.Unmarshal(text, &right))
	text, err = connectortest.Rows(st, recs...)
	require.NoError(t, err)
	var made []row
	require.NoError(t, json.Unmarshal(text, &made))
	require.Len(t, made, len(right.Rows))
	for i, want := range right.Rows {
		require.Equal(t, want.ID, made[i].ID)
		for j, fields := range slices.Concat(want.Users, want.Assets) {
			got := slices.Concat(made[i].Users, made[i].Assets)[j]
			for name, value := range fields {
				if name != "role" {
					require.Equal(t, value, got[name], "%s of record %d", name, i)
				}
			}
		}
	}
}

func TestARecordOfActiveDirectory(t *testing.T) {
	t.Parallel()
	f := active(t)
	f.entries = f.entries[:1]
	f.entries[0] = f.entries[0].with("extensionAttribute1", "blue").with("logonHours", "\xff\x00").with("unicodePwd", "never")
	f.others = []entry{
		entry{dn: f.entries[0].get("manager")[0]}.with("sAMAccountName", "soren.kjaergard"),
		entry{dn: activeRoot().get("subschemaSubentry")[0]}.with("attributeTypes",
			"( 1.2.840.113556.1.4.423 NAME 'extensionAttribute1' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )",
			"( 1.2.840.113556.1.4.64 NAME 'logonHours' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' SINGLE-VALUE )"),
	}
	pages, err := read(t.Context(), open(t, f.config(t)), connector.Request{Fields: []string{"extensionAttribute1", "logonHours", "unicodePwd", "entry.manager", "entry.id"}})
	require.NoError(t, err)
	require.Len(t, records(pages), 1)
	require.JSONEq(t, `{
		"dn": "CN=Zoë Ångström,OU=Staff,DC=corp,DC=example,DC=com",
		"entry": {"id": "cc88bdc9-f8b3-42ff-a68c-97a83ea8c5ee", "status": "active", "manager": "soren.kjaergard"},
		"objectClass": ["top", "person", "organizationalPerson", "user"],
		"objectGUID": "cc88bdc9-f8b3-42ff-a68c-97a83ea8c5ee",
		"objectSid": "S-1-5-21-1004336348-1177238915-682003330-1100",
		"sAMAccountName": "zoe.angstrom", "userPrincipalName": "zoe.angstrom@corp.example.com",
		"mail": ["zoe.angstrom@example.com"], "givenName": ["Zoë"], "sn": ["Ångström"], "displayName": "Ångström, Zoë",
		"title": ["Finance Manager"], "department": "Finance", "company": "Ejemplo S.A.", "employeeID": "00810",
		"manager": ["CN=Søren Kjærgård,OU=Staff,DC=corp,DC=example,DC=com"],
		"telephoneNumber": ["+49 30 5550 9067"], "mobile": ["+34 6 5550 0000"],
		"memberOf": ["CN=Alle,OU=Groups,DC=corp,DC=example,DC=com"],
		"userAccountControl": "512", "accountExpires": null,
		"lastLogonTimestamp": "2026-05-19T14:35:43Z", "pwdLastSet": "2026-06-13T10:16:40Z",
		"whenCreated": "2021-07-01T11:15:15Z", "whenChanged": "2026-03-11T09:37:01Z",
		"extensionAttribute1": "blue", "logonHours": "/wA="
	}`, string(records(pages)[0]))
	for _, q := range f.asked() {
		require.NotContains(t, q.attributes, "unicodePwd")
	}
}

func TestTheSchemaIsReadOnlyForAttributesOfTheDirectorysOwn(t *testing.T) {
	t.Parallel()
	subschema := activeRoot().get("subschemaSubentry")[0]
	for field, want := range map[string]bool{"mail[0]": false, "ENTRYUUID": false, "entry.id": false, "badge": true} {
		f := crowd(t, 1)
		_, err := read(t.Context(), open(t, f.config(t, settingID, "objectGUID")), connector.Request{Fields: []string{field}})
		require.NoError(t, err)
		require.Equal(t, want, slices.ContainsFunc(f.asked(), func(q query) bool { return q.base == subschema }), field)
	}
}

func TestTheManagersNameIsLookedUpOnlyWhereItIsMapped(t *testing.T) {
	t.Parallel()
	boss := "CN=Boss,OU=Staff," + adRoot
	f := crowd(t, 20)
	for i := range f.entries {
		f.entries[i] = f.entries[i].with("manager", boss)
	}
	f.others = []entry{entry{dn: boss}.with("sAMAccountName", "boss")}
	for fields, want := range map[string]int{"mail[0]": 0, "entry.manager": 1} {
		f.queries = nil
		pages, err := read(t.Context(), open(t, f.config(t)), connector.Request{Fields: []string{fields}})
		require.NoError(t, err)
		require.Len(t, records(pages), 20)
		n := 0
		for _, q := range f.asked() {
			if q.base == boss {
				n++
			}
		}
		require.Equal(t, want, n, fields)
		require.Equal(t, want == 1, strings.Contains(records(pages)[0].String(), `"manager":"boss"`))
	}
}

func TestAManagerWhoCannotBeSeenIsLeftOut(t *testing.T) {
	t.Parallel()
	f := crowd(t, 1)
	f.entries[0] = f.entries[0].with("manager", "CN=Gone,"+adRoot)
	pages, err := read(t.Context(), open(t, f.config(t)), connector.Request{})
	require.NoError(t, err)
	require.NotContains(t, records(pages)[0].String(), `"manager":"`)
	require.Contains(t, records(pages)[0].String(), `"manager":["CN=Gone,`)
}

func TestLongListsOfValuesAreReadWhole(t *testing.T) {
	t.Parallel()
	var groups []string
	for i := range 3200 {
		groups = append(groups, fmt.Sprintf("CN=Group %d,%s", i, adRoot))
	}
	f := crowd(t, 1)
	f.ranges = 1500
	f.entries[0] = f.entries[0].with("memberOf", groups...)
	pages, err := read(t.Context(), open(t, f.config(t)), connector.Request{})
	require.NoError(t, err)
	var rec struct{ MemberOf []string }
	require.NoError(t, json.Unmarshal(records(pages)[0], &rec))
	require.Equal(t, groups, rec.MemberOf)
	require.NotContains(t, records(pages)[0].String(), "range=")
}

func TestOnlyWhatHasChangedIsAskedFor(t *testing.T) {
	t.Parallel()
	f := crowd(t, 48)
	pages, err := read(t.Context(), open(t, f.config(t)), connector.Request{Since: time.Date(2026, 3, 1, 1, 0, 0, 0, time.FixedZone("CET", 3600))})
	require.NoError(t, err)
	require.Len(t, records(pages), 40)
	require.Equal(t, "(&(&(objectCategory=person)(objectClass=user))(whenChanged>=20260301000000.0Z))", f.lists()[0].filter)
}

func TestTheDirectorySaysWhatItIs(t *testing.T) {
	t.Parallel()
	plain := entry{dn: "uid=ada,dc=example,dc=com"}.with("objectClass", "inetOrgPerson").with("uid", "ada").with("entryUUID", "1c58751d-3149-453b-a937-37a48f34ee5d").with("nsUniqueId", "e1-2-3").with("modifyTimestamp", "20260202000000Z")
	tests := map[string]struct {
		fake  *fake
		pairs []string
		since bool
		query query
		id    string
	}{
		"Active Directory": {
			fake:  crowd(t, 1),
			query: query{base: adRoot, filter: "(&(objectCategory=person)(objectClass=user))", size: 500},
			id:    "00000000-0000-4000-8000-000000000000",
		},
		"another directory": {
			fake:  &fake{root: plainRoot(), entries: []entry{plain}},
			query: query{base: "dc=example,dc=com", filter: "(objectClass=inetOrgPerson)", size: 500},
			id:    "1c58751d-3149-453b-a937-37a48f34ee5d",
		},
		"another directory, since a time": {
			fake:  &fake{root: plainRoot(), entries: []entry{plain}},
			since: true,
			query: query{base: "dc=example,dc=com", filter: "(&(objectClass=inetOrgPerson)(modifyTimestamp>=20260201000000Z))", size: 500},
			id:    "1c58751d-3149-453b-a937-37a48f34ee5d",
		},
		"a directory with an id of its own": {
			fake:  &fake{root: plainRoot(), entries: []entry{plain}},
			pairs: []string{settingID, "nsuniqueid"},
			query: query{base: "dc=example,dc=com", filter: "(objectClass=inetOrgPerson)", size: 500},
			id:    "e1-2-3",
		},
		"a directory that says nothing of itself": {
			fake:  &fake{root: entry{dn: "unknown"}, entries: []entry{plain}},
			pairs: []string{settingBase, "dc=example,dc=com", settingDirectory, directoryLDAP, settingPageSize, "7"},
			query: query{base: "dc=example,dc=com", filter: "(objectClass=inetOrgPerson)", size: 7},
			id:    "1c58751d-3149-453b-a937-37a48f34ee5d",
		},
		"the settings come first": {
			fake:  crowd(t, 1),
			pairs: []string{settingBase, "OU=Elsewhere," + adRoot, "users_base_dn", "OU=Staff," + adRoot, "users_filter", "(objectClass=user)"},
			query: query{base: "OU=Staff," + adRoot, filter: "(objectClass=user)", size: 500},
			id:    "00000000-0000-4000-8000-000000000000",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := connector.Request{}
			if test.since {
				req.Since = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
			}
			pages, err := read(t.Context(), open(t, test.fake.config(t, test.pairs...)), req)
			require.NoError(t, err)
			require.Len(t, records(pages), 1)
			require.Contains(t, records(pages)[0].String(), `"id":"`+test.id+`"`)
			got := test.fake.lists()[0]
			require.Equal(t, test.query, query{base: got.base, filter: got.filter, size: got.size})
		})
	}
}

func TestSeveralBasesAreReadOneAfterTheOther(t *testing.T) {
	t.Parallel()
	f := crowd(t, 30)
	for i := range f.entries {
		f.entries[i].dn = fmt.Sprintf("CN=%d,OU=%s,%s", i, []string{"A", "B", "C"}[i%3], adRoot)
	}
	pages, err := read(t.Context(), open(t, f.config(t, settingPageSize, "4", settingBase, "OU=A,"+adRoot, settingBase, "OU=C,"+adRoot)), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records(pages), 20)
	require.Len(t, pages, 6)
	for i, p := range pages {
		require.Equal(t, i == 5, p.Last)
		require.Empty(t, p.Next)
	}
}

func TestADirectoryOfSeveralTreesNeedsABase(t *testing.T) {
	t.Parallel()
	f := &fake{root: entry{}.with("namingContexts", "dc=a", "dc=b")}
	_, err := read(t.Context(), open(t, f.config(t)), connector.Request{})
	require.Equal(t, connector.ErrInvalid, connector.ClassOf(err))
	require.ErrorContains(t, err, `it holds ["dc=a" "dc=b"]`)
	require.ErrorContains(t, err, "set base_dn")
}

func TestAnEntryWithoutItsIDIsAFault(t *testing.T) {
	t.Parallel()
	f := crowd(t, 3)
	f.entries[1].attrs = slices.DeleteFunc(f.entries[1].attrs, func(a attributeOf) bool { return a.Name == "objectGUID" })
	pages, err := read(t.Context(), open(t, f.config(t)), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records(pages), 2)
	require.Len(t, pages[0].Faults, 1)
	require.Equal(t, f.entries[1].dn, pages[0].Faults[0].Place)
	require.ErrorContains(t, pages[0].Faults[0].Err, "the entry has no objectGUID")
	require.ErrorContains(t, pages[0].Faults[0].Err, settingID)
}

func TestEveryAttributeMayBeAbsent(t *testing.T) {
	t.Parallel()
	whole := active(t).entries[0]
	for _, left := range whole.attrs {
		if left.Name == "objectGUID" || left.Name == "objectClass" {
			continue
		}
		f := active(t)
		f.entries = []entry{whole}
		f.entries[0].attrs = slices.DeleteFunc(slices.Clone(whole.attrs), func(a attributeOf) bool { return a.Name == left.Name })
		pages, err := read(t.Context(), open(t, f.config(t)), connector.Request{})
		require.NoError(t, err, left.Name)
		require.Len(t, records(pages), 1, left.Name)
		require.Empty(t, pages[0].Faults, left.Name)
		require.NotContains(t, records(pages)[0].String(), `"`+left.Name+`"`)
		_, err = connectortest.Rows(stream(t, UserStream), records(pages)...)
		require.NoError(t, err, left.Name)
	}
}

func TestDiscoverTellsEveryAttributeButSecrets(t *testing.T) {
	t.Parallel()
	f := crowd(t, 3)
	f.entries[2] = f.entries[2].with("favouriteColour", "blue", "green").with("badge;x-old", "7").with("userPassword", "{SSHA}secret")
	f.others = []entry{entry{dn: activeRoot().get("subschemaSubentry")[0]}.with("attributeTypes", "( 9.9 NAME 'badge' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )")}
	src := open(t, f.config(t))
	d, ok := src.(connector.Discoverer)
	require.True(t, ok)
	fields, err := d.Discover(t.Context(), UserStream)
	require.NoError(t, err)
	found := map[string]connector.Field{}
	for _, field := range fields {
		found[field.Path] = field
	}
	require.Equal(t, connector.Field{Path: "favouriteColour", Type: connector.ListField, Example: "blue"}, found["favouriteColour"])
	require.Equal(t, connector.Field{Path: "badge;x-old", Type: connector.StringField, Example: "7"}, found["badge;x-old"])
	require.Equal(t, "User ids", stream(t, UserStream).Fields[slices.IndexFunc(stream(t, UserStream).Fields, func(f connector.Field) bool { return f.Path == "uid" })].Label)
	require.Equal(t, "E-mail addresses", found["mail"].Label)
	require.Equal(t, connector.StringField, found["entry.id"].Type)
	require.NotContains(t, found, "userPassword")
	require.NotContains(t, found, "objectSid") // nobody has one
	require.Equal(t, memberDN, fields[0].Path)
}
