package ldap

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/vendorsync/vendorsync/connector"
)

// The members of a record that are no attributes.
const (
	memberDN      = "dn"
	memberEntry   = "entry"
	memberID      = "id"
	memberStatus  = "status"
	memberManager = "manager"
)

// A form is how an attribute's value is written down.
type form int

const (
	textForm     form = iota
	binaryForm        // base64
	guidForm          // "cc88bdc9-f8b3-42ff-a68c-97a83ea8c5ee"
	sidForm           // "S-1-5-21-1004336348-1177238915-682003330-1100"
	fileTimeForm      // steps of 100 ns since 1601, as a time; null for never
	timeForm          // generalized time
)

// forms has the attributes whose values are not text, in lower case.
var forms = map[string]form{
	"objectguid": guidForm, "ms-ds-consistencyguid": guidForm,
	"objectsid": sidForm, "sidhistory": sidForm,
	"accountexpires": fileTimeForm, "lastlogon": fileTimeForm, "lastlogontimestamp": fileTimeForm, "pwdlastset": fileTimeForm,
	"badpasswordtime": fileTimeForm, "lockouttime": fileTimeForm,
	"whencreated": timeForm, "whenchanged": timeForm, "createtimestamp": timeForm, "modifytimestamp": timeForm,
	"pwdchangedtime": timeForm, "pwdlastsuccess": timeForm, "authtimestamp": timeForm,
	"jpegphoto": binaryForm, "thumbnailphoto": binaryForm, "usercertificate": binaryForm, "usersmimecertificate": binaryForm,
}

// never are attributes that hold passwords and keys, in lower case. They are not
// asked for and not passed on, whoever may read them.
var never = map[string]bool{
	"userpassword": true, "authpassword": true, "unicodepwd": true, "dbcspwd": true, "ntpwdhistory": true, "lmpwdhistory": true,
	"supplementalcredentials": true, "pwdhistory": true, "sambantpassword": true, "sambalmpassword": true, "sambapasswordhistory": true,
	"krbprincipalkey": true, "userpkcs12": true, "ms-mcs-admpwd": true, "mslaps-password": true, "mslaps-encryptedpassword": true,
	"mslaps-encryptedpasswordhistory": true, "mslaps-encrypteddsrmpassword": true, "mslaps-encrypteddsrmpasswordhistory": true,
	"msds-managedpassword": true, "ipanthash": true, "ipatokenotpkey": true,
}

// A shape says what the record of an entry looks like, whatever the entry has:
// which attributes, how they are spelt, which of them are lists.
type shape struct {
	stream connector.Stream
	id     string
	all    bool // every attribute the directory has
	names  []string
	spelt  map[string]string // by the name in lower case
	single map[string]bool   // of the stream's own attributes, by the name in lower case
	schema schema            // of all the others
}

func newShape(stream connector.Stream, id string, more []string) *shape {
	s := &shape{stream: stream, id: id, spelt: map[string]string{}, single: map[string]bool{}}
	for _, f := range stream.Fields {
		if f.Path == memberDN || strings.HasPrefix(f.Path, memberEntry+".") {
			continue
		}
		s.add(f.Path)
		s.single[strings.ToLower(f.Path)] = f.Type != connector.ListField
	}
	s.add(id)
	for _, name := range more {
		s.add(name)
	}
	return s
}

func (s *shape) add(name string) {
	key := strings.ToLower(name)
	if _, ok := s.spelt[key]; !ok && !never[key] {
		s.spelt[key] = name
		s.names = append(s.names, name)
	}
}

// known reports whether the shape is the same whatever the directory's schema
// says.
func (s *shape) known() bool {
	return !slices.ContainsFunc(s.names, func(name string) bool {
		_, own := s.single[strings.ToLower(name)]
		return !own && name != s.id
	})
}

// attributes returns what to ask for.
func (s *shape) attributes() []string {
	if s.all {
		return append([]string{"*"}, s.names...)
	}
	return s.names
}

// record returns the record of an entry as JSON knows it.
func (s *shape) record(e *goldap.Entry) (map[string]any, error) {
	id := e.GetEqualFoldRawAttributeValues(s.id)
	if len(id) == 0 {
		return nil, connector.Errorf(connector.ErrMalformed, "read "+s.stream.Name, "the entry has no %s: the account may not read it, or the directory has another name for it, see the setting %s", s.id, settingID)
	}
	values := map[string]any{memberEntry: s.entry(e, id[0]), memberDN: strings.ToValidUTF8(e.DN, "?")}
	for _, a := range e.Attributes {
		name, options, _ := strings.Cut(a.Name, ";")
		key := strings.ToLower(name)
		if never[key] || len(a.ByteValues) == 0 {
			continue
		}
		if spelt, ok := s.spelt[key]; ok {
			name = spelt
		}
		if options != "" {
			name += ";" + options
		}
		values[name] = s.values(key, a.ByteValues)
	}
	return values, nil
}

// values returns an attribute's value, or the list of them.
func (s *shape) values(key string, raw [][]byte) any {
	f := s.formOf(key)
	if s.isSingle(key) {
		return f.write(raw[0])
	}
	list := make([]any, len(raw))
	for i, v := range raw {
		list[i] = f.write(v)
	}
	return list
}

// isSingle says whether an attribute has one value at most. The stream's own
// attributes are what the standards say, in every directory, so that one path
// leads to them everywhere; the directory's schema tells of the others.
func (s *shape) isSingle(key string) bool {
	if single, ok := s.single[key]; ok {
		return single
	}
	return s.schema[key].single || key == strings.ToLower(s.id)
}

func (s *shape) formOf(key string) form {
	if f, ok := forms[key]; ok {
		return f
	}
	return syntaxForms[s.schema[key].syntax]
}

// syntaxForms has the syntaxes of RFC 4517, appendix A, and of RFC 2252 whose
// values are not text.
var syntaxForms = map[string]form{
	"1.3.6.1.4.1.1466.115.121.1.24": timeForm,
	"1.3.6.1.4.1.1466.115.121.1.4":  binaryForm, // audio
	"1.3.6.1.4.1.1466.115.121.1.5":  binaryForm,
	"1.3.6.1.4.1.1466.115.121.1.8":  binaryForm, // certificate
	"1.3.6.1.4.1.1466.115.121.1.9":  binaryForm, // certificate list
	"1.3.6.1.4.1.1466.115.121.1.10": binaryForm, // certificate pair
	"1.3.6.1.4.1.1466.115.121.1.23": binaryForm, // fax
	"1.3.6.1.4.1.1466.115.121.1.28": binaryForm, // JPEG
	"1.3.6.1.4.1.1466.115.121.1.40": binaryForm, // octet string
}

// write returns a value as JSON knows it. What is not of its form stays as it
// is: text, or base64 where it is none or should be bytes.
func (f form) write(raw []byte) any {
	switch f {
	case guidForm:
		if text, ok := guid(raw); ok {
			return text
		}
		return binaryForm.write(raw)
	case sidForm:
		if text, ok := sid(raw); ok {
			return text
		}
		return binaryForm.write(raw)
	case fileTimeForm:
		if t, ok := fileTime(raw); ok {
			if t.IsZero() {
				return nil
			}
			return t.Format(time.RFC3339Nano)
		}
	case timeForm:
		if t, err := ber.ParseGeneralizedTime(raw); err == nil && t.Year() <= 9999 {
			return t.UTC().Format(time.RFC3339Nano)
		}
	case binaryForm:
		return base64.StdEncoding.EncodeToString(raw)
	case textForm:
	}
	if utf8.Valid(raw) {
		return string(raw)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// guid writes a GUID as Windows does: its first three parts are little-endian,
// MS-DTYP, section 2.3.4.2.
func guid(b []byte) (string, bool) {
	if len(b) != 16 {
		return "", false
	}
	order := [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}
	var sorted [16]byte
	for i, from := range order {
		sorted[i] = b[from]
	}
	h := hex.EncodeToString(sorted[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], true
}

// sid writes a security identifier: a revision, the number of parts, an
// authority of six bytes, and parts of four, MS-DTYP, sections 2.4.2.1 and
// 2.4.2.2.
func sid(b []byte) (string, bool) {
	const head, part = 8, 4
	if len(b) < head || b[0] != 1 || len(b) != head+part*int(b[1]) {
		return "", false
	}
	authority := binary.BigEndian.Uint64(append([]byte{0, 0}, b[2:head]...))
	text := "S-1-" + strconv.FormatUint(authority, 10)
	for at := head; at < len(b); at += part {
		text += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b[at:])), 10)
	}
	return text, true
}

// fileTime reads a time of Windows; the zero time is never
// (https://learn.microsoft.com/windows/win32/adschema/a-accountexpires).
func fileTime(b []byte) (time.Time, bool) {
	const steps, epoch = 10_000_000, -11_644_473_600 // in a second; 1601 in seconds since 1970
	n, err := strconv.ParseInt(string(b), 10, 64)
	switch {
	case err != nil || n < 0:
		return time.Time{}, false
	case n == 0 || n == math.MaxInt64:
		return time.Time{}, true
	}
	t := time.Unix(n/steps+epoch, n%steps*100).UTC()
	return t, t.Year() <= 9999
}

// entry returns what is made of an entry's attributes.
func (s *shape) entry(e *goldap.Entry, id []byte) map[string]any {
	out := map[string]any{memberID: s.formOf(strings.ToLower(s.id)).write(id)}
	if status := status(e); status != "" {
		out[memberStatus] = status
	}
	return out
}

// first returns an attribute's first value, "" if there is none or if it is not
// text.
func first(e *goldap.Entry, name string) string {
	if text := e.GetEqualFoldAttributeValue(name); utf8.ValidString(text) {
		return text
	}
	return ""
}

func firstOf(e *goldap.Entry, names []string) string {
	for _, name := range names {
		if text := first(e, name); text != "" {
			return text
		}
	}
	return ""
}

// accountDisabled is the flag of userAccountControl
// (https://learn.microsoft.com/troubleshoot/windows-server/active-directory/useraccountcontrol-manipulate-account-properties).
const accountDisabled = 0x2

// lockedForGood is what pwdAccountLockedTime says of an account that only an
// administrator can open again, draft-behera-ldap-password-policy-10, section
// 5.3.3.
const lockedForGood = "000001010000Z"

// status returns whether an account may be used, "" where the directory does not
// say: by userAccountControl in Active Directory, nsAccountLock in 389 Directory
// Server and its relatives, loginDisabled in eDirectory, pwdAccountLockedTime in
// OpenLDAP.
func status(e *goldap.Entry) string {
	if flags, err := strconv.ParseInt(first(e, "userAccountControl"), 10, 64); err == nil {
		return activeUnless(flags&accountDisabled != 0)
	}
	for _, name := range []string{"nsAccountLock", "loginDisabled"} {
		if text := first(e, name); text != "" {
			return activeUnless(strings.EqualFold(text, "true"))
		}
	}
	if first(e, "pwdAccountLockedTime") == lockedForGood {
		return activeUnless(true)
	}
	return ""
}

func activeUnless(off bool) string {
	if off {
		return "inactive"
	}
	return "active"
}
