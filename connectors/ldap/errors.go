package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"unicode"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// A refusal is the result code with which a directory ended a request.
type refusal uint16

func (r refusal) Error() string { return fmt.Sprintf("LDAP result %d", uint16(r)) }

// busy reports whether the directory may do it if it is asked again.
func busy(err error) bool {
	var code refusal
	return errors.As(err, &code) && (code == goldap.LDAPResultBusy || code == goldap.LDAPResultUnavailable)
}

// hidden reports whether the directory says that there is nothing, or nothing
// that it shows.
func hidden(err error) bool {
	var code refusal
	return errors.As(err, &code) && (code == goldap.LDAPResultNoSuchObject || code == goldap.LDAPResultInsufficientAccessRights)
}

// A meaning is what a result code comes to.
type meaning struct {
	class  connector.Class
	remedy string // empty for the class's own
}

// useTLS is what to do about a directory that wants the connection protected.
const useTLS = "set " + settingStartTLS + " to true, or use an address that begins with ldaps://"

// meanings has the result codes of RFC 4511, appendix A, that a search or a bind
// may end with. The others mean that the directory has a problem of its own.
var meanings = map[uint16]meaning{
	goldap.LDAPResultProtocolError:                {connector.ErrMalformed, ""},
	goldap.LDAPResultTimeLimitExceeded:            {connector.ErrUnavailable, "raise the directory's time limit for the account, or narrow the filter to indexed attributes"},
	goldap.LDAPResultSizeLimitExceeded:            {connector.ErrPermission, "let the account read all: for OpenLDAP, limits dn.exact=\"<account>\" size.soft=unlimited size.hard=unlimited size.prtotal=unlimited; or narrow the filter or the base DN"},
	goldap.LDAPResultAdminLimitExceeded:           {connector.ErrPermission, "lower " + settingPageSize + ", or raise the directory's limits for the account"},
	goldap.LDAPResultAuthMethodNotSupported:       {connector.ErrAuth, "let the directory allow the simple bind"},
	goldap.LDAPResultStrongAuthRequired:           {connector.ErrInvalid, useTLS},
	goldap.LDAPResultConfidentialityRequired:      {connector.ErrInvalid, useTLS},
	goldap.LDAPResultReferral:                     {connector.ErrInvalid, "use the server that holds the base DN, or another base DN: referrals are not followed"},
	goldap.LDAPResultUnavailableCriticalExtension: {connector.ErrUnsupported, ""},
	goldap.LDAPResultUndefinedAttributeType:       {connector.ErrInvalid, "correct the filter"},
	goldap.LDAPResultInappropriateMatching:        {connector.ErrInvalid, "correct the filter"},
	goldap.LDAPResultInvalidAttributeSyntax:       {connector.ErrInvalid, "correct the filter"},
	goldap.LDAPResultNoSuchObject:                 {connector.ErrInvalid, "correct the base DN; if it is right, the account may not see it: grant it read access"},
	goldap.LDAPResultInvalidDNSyntax:              {connector.ErrInvalid, "correct the base DN"},
	goldap.LDAPResultInappropriateAuthentication:  {connector.ErrAuth, "set up an account: the directory answers no one it does not know"},
	goldap.LDAPResultInvalidCredentials:           {connector.ErrAuth, ""},
	goldap.LDAPResultInsufficientAccessRights:     {connector.ErrPermission, "let the account read the entries below the base DN"},
	goldap.LDAPResultUnwillingToPerform:           {connector.ErrUnsupported, ""},
}

// failed returns a request's error with its class.
func (x *session) failed(ctx context.Context, op string, err error) error {
	out := &connector.Error{Class: connector.ErrUnavailable, Op: op}
	var classed *connector.Error
	var refused *goldap.Error
	switch broken := x.wire.broken(); {
	case errors.Is(context.Cause(ctx), errSilent):
		out.Message, out.Err = fmt.Sprintf("the directory did not answer within %v", x.timeout), errSilent
	case ctx.Err() != nil:
		out.Err = context.Cause(ctx)
	case errors.As(err, &classed):
		return err
	case errors.Is(broken, errNoMessage), errors.Is(broken, errLarge):
		out.Class, out.Message, out.Err = connector.ErrMalformed, broken.Error(), broken
		if errors.Is(broken, errLarge) {
			out.Remedy = "lower " + settingPageSize + " if the entries are large"
		}
	case errors.As(err, &refused) && refused.ResultCode < goldap.ErrorNetwork:
		return x.refused(op, refused)
	case broken != nil:
		out.Message, out.Err = "the connection to the directory broke: "+broken.Error(), broken
		if errors.Is(broken, io.EOF) {
			out.Message = "the directory closed the connection"
		}
	default:
		out.Class, out.Message = connector.ErrMalformed, x.scrub("the answer cannot be read: "+said(err))
	}
	return out
}

// refused returns the error that a result code stands for.
func (x *session) refused(op string, err *goldap.Error) *connector.Error {
	out := &connector.Error{Class: connector.ErrUnavailable, Op: op, Err: refusal(err.ResultCode)}
	out.Message = x.scrub(fmt.Sprintf("the directory answered %d %s: %s", err.ResultCode, resultName(err.ResultCode), said(err.Err)))
	if m, ok := meanings[err.ResultCode]; ok {
		out.Class, out.Remedy = m.class, m.remedy
	}
	unknown := x.nobody && (err.ResultCode == goldap.LDAPResultUnwillingToPerform || err.ResultCode == goldap.LDAPResultStrongAuthRequired)
	if unknown || err.ResultCode == goldap.LDAPResultOperationsError && strings.Contains(said(err.Err), mustBind) {
		out.Class, out.Remedy = connector.ErrAuth, meanings[goldap.LDAPResultInappropriateAuthentication].remedy
	}
	return out
}

// mustBind is what Active Directory says to those who search without logging in.
const mustBind = "a successful bind must be completed"

func resultName(code uint16) string {
	if name, ok := goldap.LDAPResultCodeMap[code]; ok {
		return name
	}
	return "(not in RFC 4511)"
}

// refusedBind returns why a directory does not let an account in, as far as it
// says.
func (x *session) refusedBind(op string, err *goldap.Error, result *goldap.SimpleBindResult) error {
	out := x.refused(op, err)
	switch err.ResultCode {
	case goldap.LDAPResultInvalidDNSyntax:
		out.Class, out.Remedy = connector.ErrAuth, "write the user name as a DN, such as cn=reader,dc=example,dc=com"
		return out
	case goldap.LDAPResultNoSuchObject, goldap.LDAPResultUnwillingToPerform, goldap.LDAPResultInsufficientAccessRights, goldap.LDAPResultConstraintViolation:
		out.Class, out.Remedy = connector.ErrAuth, ""
		return out
	case goldap.LDAPResultInvalidCredentials:
	default:
		return out
	}
	reason, known := adReasons[adReason(said(err.Err))]
	if !known {
		reason, known = policyReason(result)
	}
	if !known {
		reason = "the user name or the password is wrong"
	}
	out.Message = reason + "; " + out.Message
	return out
}

// adReasons are the error codes of Windows that Active Directory puts into its
// answer to a refused log-in
// (https://learn.microsoft.com/windows/win32/debug/system-error-codes--1300-1699-
// and the page after it).
var adReasons = map[string]string{
	"525": "there is no such user",
	"52e": "the user name or the password is wrong",
	"52f": "the account is not allowed to log in so",
	"530": "the account may not log in at this time of day",
	"531": "the account may not log in from this machine",
	"532": "the password has expired",
	"533": "the account is disabled",
	"701": "the account has expired",
	"773": "the password must be changed before the account is used",
	"775": "the account is locked after too many wrong passwords",
}

var adData = regexp.MustCompile(`\bdata ([0-9a-f]{1,8})\b`)

// adReason returns the code in Active Directory's words, such as
// "80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 52e, v4f7c".
func adReason(text string) string {
	if m := adData.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// policyReason returns what the password policy says of a refused log-in.
func policyReason(result *goldap.SimpleBindResult) (string, bool) {
	if result == nil {
		return "", false
	}
	policy, ok := goldap.FindControl(result.Controls, goldap.ControlTypeBeheraPasswordPolicy).(*goldap.ControlBeheraPasswordPolicy)
	if !ok {
		return "", false
	}
	reason, known := policyReasons[policy.Error]
	return reason, known
}

// policyReasons are the errors of the password policy control,
// draft-behera-ldap-password-policy-10, section 6.2.
var policyReasons = map[int8]string{
	goldap.BeheraPasswordExpired:  "the password has expired",
	goldap.BeheraAccountLocked:    "the account is locked",
	goldap.BeheraChangeAfterReset: "the password must be changed before the account is used",
}

// unreachable returns the error of a connection that could not be made.
func (s *source) unreachable(ctx context.Context, op string, err error) error {
	out := &connector.Error{Class: connector.ErrUnavailable, Op: op, Message: fmt.Sprintf("%s: %v", s.server.url, err), Err: err}
	var dns *net.DNSError
	var call *os.SyscallError
	var network net.Error
	switch {
	case ctx.Err() != nil:
		out.Message, out.Err = "", context.Cause(ctx)
	case errors.As(err, &dns) && dns.IsNotFound:
		out.Class = connector.ErrNotFound
	case errors.As(err, &dns), errors.As(err, &call), errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
	default: // neither the network nor its resolver: the host's own rules
		out.Class, out.Remedy = connector.ErrInvalid, "use an address that the host allows"
	}
	return out
}

// handshakeError returns the error of a connection on which TLS could not be
// set up.
func handshakeError(at server, err error) error {
	out := &connector.Error{Class: connector.ErrTLS, Op: "set up TLS", Message: fmt.Sprintf("%s: %v", at.url, err), Err: err}
	var noTLS tls.RecordHeaderError
	var network *net.OpError
	told := errors.As(err, &network) && strings.HasSuffix(network.Op, " error") // one side told the other in TLS
	switch class := connector.ClassOf(err); {
	case class == connector.ErrTLS:
	case errors.As(err, &noTLS) && at.ldaps:
		out.Class, out.Remedy = connector.ErrInvalid, "the port does not speak TLS: use ldap:// with "+settingStartTLS+", or the port of ldaps, mostly 636"
	case !told && (class == connector.ErrUnavailable || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		out.Class = connector.ErrUnavailable
	default:
		out.Remedy = "let the server offer TLS 1.2 or later; its log says what it did not like"
	}
	return out
}

// said returns what a directory said, short and in one printable line.
func said(err error) string {
	if err == nil {
		return "nothing more"
	}
	const most = 300
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(err.Error(), "?"))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	if text == "" {
		return "nothing more"
	}
	return text
}

// scrubber returns a function that takes the password out of a text.
func scrubber(cred credentials.Credential) func(string) string {
	password := cred.Value("password").Reveal()
	if len(password) < 6 { // it would be found anywhere
		return func(text string) string { return text }
	}
	return func(text string) string { return strings.ReplaceAll(text, password, credentials.Mask) }
}
