package connector_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
)

func TestClassOf(t *testing.T) {
	t.Parallel()
	_, missing := os.Open(filepath.Join(t.TempDir(), "missing"))
	var typedNil *connector.Error
	auth := connector.Errorf(connector.ErrAuth, "list users", "the token is expired")
	tests := map[string]struct {
		err  error
		want connector.Class
	}{
		"no error has no class":                             {nil, ""},
		"an Error has its own":                              {auth, connector.ErrAuth},
		"a wrapped Error too":                               {fmt.Errorf("page 3: %w", auth), connector.ErrAuth},
		"one of several":                                    {errors.Join(errors.New("first"), auth), connector.ErrAuth},
		"the outer Error goes before the inner one":         {connector.Errorf(connector.ErrNotFound, "read", "%w", auth), connector.ErrNotFound},
		"a bare class":                                      {connector.ErrTLS, connector.ErrTLS},
		"a wrapped class":                                   {fmt.Errorf("dial: %w", connector.ErrTLS), connector.ErrTLS},
		"an Error without a class has that of its cause":    {&connector.Error{Err: auth}, connector.ErrAuth},
		"an Error without class and cause is internal":      {&connector.Error{Op: "read"}, connector.ErrInternal},
		"a nil Error that is not nil is internal":           {typedNil, connector.ErrInternal},
		"an empty class is internal":                        {connector.Class(""), connector.ErrInternal},
		"an unknown authority":                              {&url.Error{Op: "Get", Err: x509.UnknownAuthorityError{}}, connector.ErrTLS},
		"a certificate for another host":                    {x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a.example"}, connector.ErrTLS},
		"an expired certificate":                            {x509.CertificateInvalidError{Reason: x509.Expired}, connector.ErrTLS},
		"a certificate that does not verify":                {&url.Error{Op: "Get", Err: &tls.CertificateVerificationError{Err: errors.New("no")}}, connector.ErrTLS},
		"a host that is not there":                          {&net.DNSError{Name: "vendor.example", IsNotFound: true}, connector.ErrUnavailable},
		"a connection that is refused":                      {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, connector.ErrUnavailable},
		"a deadline":                                        {context.DeadlineExceeded, connector.ErrUnavailable},
		"a read that was cancelled":                         {fmt.Errorf("get: %w", context.Canceled), connector.ErrUnavailable},
		"a file that is not there":                          {missing, connector.ErrNotFound},
		"a file that may not be read":                       {&fs.PathError{Op: "open", Path: "a", Err: syscall.EACCES}, connector.ErrPermission},
		"a disk that fails may work again":                  {&fs.PathError{Op: "read", Path: "a", Err: syscall.EIO}, connector.ErrUnavailable},
		"anything else is a fault of the connector":         {errors.New("index out of range"), connector.ErrInternal},
		"a permission that the network denies is no file's": {&net.OpError{Op: "dial", Err: syscall.EACCES}, connector.ErrUnavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, connector.ClassOf(test.err))
		})
	}
}

func TestStatusClass(t *testing.T) {
	t.Parallel()
	tests := map[int]connector.Class{
		0:                                     "",
		http.StatusOK:                         "",
		http.StatusNotModified:                "",
		399:                                   "",
		http.StatusBadRequest:                 connector.ErrInvalid,
		http.StatusUnauthorized:               connector.ErrAuth,
		http.StatusPaymentRequired:            connector.ErrPermission,
		http.StatusForbidden:                  connector.ErrPermission,
		http.StatusNotFound:                   connector.ErrNotFound,
		http.StatusMethodNotAllowed:           connector.ErrInvalid,
		http.StatusProxyAuthRequired:          connector.ErrAuth,
		http.StatusRequestTimeout:             connector.ErrUnavailable,
		http.StatusGone:                       connector.ErrCursor,
		http.StatusUnprocessableEntity:        connector.ErrInvalid,
		http.StatusTooEarly:                   connector.ErrUnavailable,
		http.StatusTooManyRequests:            connector.ErrRateLimited,
		http.StatusInternalServerError:        connector.ErrUnavailable,
		http.StatusNotImplemented:             connector.ErrUnsupported,
		http.StatusBadGateway:                 connector.ErrUnavailable,
		http.StatusServiceUnavailable:         connector.ErrUnavailable,
		http.StatusGatewayTimeout:             connector.ErrUnavailable,
		599:                                   connector.ErrUnavailable,
		http.StatusUnavailableForLegalReasons: connector.ErrInvalid,
	}
	for status, want := range tests {
		require.Equal(t, want, connector.StatusClass(status), "status %d", status)
	}
}

func TestErrorTellsWhatToDo(t *testing.T) {
	t.Parallel()
	var typedNil *connector.Error
	tests := map[string]struct {
		err       *connector.Error
		text, fix string
	}{
		"operation, message, class and the class's remedy": {
			connector.Errorf(connector.ErrRateLimited, "list users", "status %d", 429),
			"list users: status 429 [rate_limited: run it later or less often]", "run it later or less often",
		},
		"the author's remedy goes before the class's": {
			&connector.Error{Class: connector.ErrInvalid, Op: "open", Message: "no such folder", Remedy: "create it"},
			"open: no such folder [invalid_config: create it]", "create it",
		},
		"the cause stands for a message": {
			&connector.Error{Class: connector.ErrCursor, Err: errors.New("page 9 is gone")},
			"page 9 is gone [cursor_expired: run again: the read starts anew]", "run again: the read starts anew",
		},
		"an Error without anything": {
			&connector.Error{},
			"failed [internal: report it to the connector's author]", "report it to the connector's author",
		},
		"no Error at all": {typedNil, "an error without content", "report it to the connector's author"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.text, test.err.Error())
			require.Equal(t, test.fix, test.err.Fix())
		})
	}
}

func TestEveryClassHasARemedy(t *testing.T) {
	t.Parallel()
	seen := map[string]connector.Class{}
	for _, class := range connector.Classes() {
		fix := (&connector.Error{Class: class}).Fix()
		require.NotEmpty(t, fix, class)
		require.Empty(t, seen[fix], "%s and %s have the same remedy", class, seen[fix])
		seen[fix] = class
		require.Equal(t, string(class), class.Error())
		require.Equal(t, class, connector.ClassOf(class))
	}
}

func TestErrorIsItsClassAndItsCause(t *testing.T) {
	t.Parallel()
	cause, other := errors.New("connection reset"), errors.New("and the retry too")
	tests := map[string]struct {
		err    error
		target error
		want   bool
	}{
		"its class":                      {connector.Errorf(connector.ErrUnavailable, "read", "down"), connector.ErrUnavailable, true},
		"another class":                  {connector.Errorf(connector.ErrUnavailable, "read", "down"), connector.ErrAuth, false},
		"its cause":                      {connector.Errorf(connector.ErrUnavailable, "read", "%w", cause), cause, true},
		"one of its causes":              {connector.Errorf(connector.ErrUnavailable, "read", "%w, %w", cause, other), other, true},
		"a cause that was only printed":  {connector.Errorf(connector.ErrUnavailable, "read", "%v", cause), cause, false},
		"internal, if it has no class":   {&connector.Error{}, connector.ErrInternal, true},
		"the empty class, which is none": {&connector.Error{}, connector.Class(""), false},
		"the class of a cause":           {connector.Errorf(connector.ErrInternal, "read", "%w", connector.ErrAuth), connector.ErrAuth, true},
		"a nil Error has no cause":       {(*connector.Error)(nil), cause, false},
		"a nil Error is internal":        {(*connector.Error)(nil), connector.ErrInternal, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, errors.Is(test.err, test.target))
		})
	}
}
