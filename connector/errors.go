package connector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"
)

// A Class says what kind of trouble an error is, and so what can be done
// about it. A Class is itself an error, to be found with errors.Is:
//
//	if errors.Is(err, connector.ErrRateLimited) { ... }
type Class string

// The classes of error.
const (
	ErrAuth        Class = "auth"           // the credential is wrong or expired
	ErrPermission  Class = "permission"     // the credential is right, but may not do this
	ErrRateLimited Class = "rate_limited"   // too many requests; RetryAfter says how long to wait, if known
	ErrUnavailable Class = "unavailable"    // the vendor cannot be reached or is down; trying again may help
	ErrNotFound    Class = "not_found"      // there is no such thing at the vendor
	ErrInvalid     Class = "invalid_config" // a setting is missing or wrong
	ErrTLS         Class = "tls"            // the server's certificate is not trusted
	ErrMalformed   Class = "malformed"      // the vendor's answer is not what it documents
	ErrCursor      Class = "cursor_expired" // the cursor is no longer good: read from the start
	ErrUnsupported Class = "unsupported"    // this connector, platform or store cannot do it
	ErrInternal    Class = "internal"       // a fault of the connector itself, a panic among them
)

// Classes returns all classes, in the order of their declaration.
func Classes() []Class {
	return []Class{ErrAuth, ErrPermission, ErrRateLimited, ErrUnavailable, ErrNotFound, ErrInvalid, ErrTLS, ErrMalformed, ErrCursor, ErrUnsupported, ErrInternal}
}

// Error returns the class's name.
func (c Class) Error() string { return string(c) }

// remedies says what to do about an error whose author said nothing.
var remedies = map[Class]string{
	ErrAuth:        "renew the credential and check it with `vendorsync check`",
	ErrPermission:  "grant the permission to the credential at the vendor",
	ErrRateLimited: "run it later or less often",
	ErrUnavailable: "try again later; what was written stays",
	ErrNotFound:    "check the settings that name it",
	ErrInvalid:     "correct the setting",
	ErrTLS:         "install a certificate issued by a CA on the server, or add the server's certificate or its CA to the trust list",
	ErrMalformed:   "look at the vendor's answer; it is not what its documentation says",
	ErrCursor:      "run again: the read starts anew",
	ErrUnsupported: "use another connector, platform or setting",
	ErrInternal:    "report it to the connector's author",
}

// Error is the one error type of connectors: what was being done, what kind of
// trouble it is, and what to do about it. It crosses the plugin pipe whole.
type Error struct {
	Class      Class
	Op         string        // what was being done: "list users"
	Message    string        // what went wrong; never a secret
	Remedy     string        // what to do; empty for the class's own remedy
	RetryAfter time.Duration // how long the vendor asks to wait; 0 if it did not say
	Err        error         // the cause, if there is one
}

// Errorf returns an Error of class c. The message is formatted as by
// fmt.Errorf, and each %w keeps a cause.
func Errorf(c Class, op, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	e := &Error{Class: c, Op: op, Message: err.Error(), Err: errors.Unwrap(err)}
	var several interface{ Unwrap() []error }
	if e.Err == nil && errors.As(err, &several) {
		e.Err = err
	}
	return e
}

// Error returns operation, message, class and remedy in one line.
func (e *Error) Error() string {
	if e == nil {
		return "an error without content"
	}
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	switch {
	case e.Message != "":
		b.WriteString(e.Message)
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	default:
		b.WriteString("failed")
	}
	fmt.Fprintf(&b, " [%s: %s]", ClassOf(e), e.Fix())
	return b.String()
}

// Fix returns the remedy, the class's own if the author gave none.
func (e *Error) Fix() string {
	if e != nil && e.Remedy != "" {
		return e.Remedy
	}
	return remedies[ClassOf(e)]
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Is reports whether target is the error's class.
func (e *Error) Is(target error) bool {
	c, ok := target.(Class)
	return ok && c == ClassOf(e)
}

// ClassOf returns the class of err: that of the first Error or Class in its
// chain that names one, else one derived from the standard library's errors,
// else ErrInternal. Only ClassOf(nil) is the empty Class.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		switch {
		case e == nil:
			return ErrInternal
		case e.Class == "" && e.Err != nil:
			return ClassOf(e.Err)
		case e.Class == "":
			return ErrInternal
		}
		return e.Class
	}
	var c Class
	if errors.As(err, &c) && c != "" {
		return c
	}
	var (
		unknownCA x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		file      *fs.PathError
		network   net.Error
	)
	switch {
	case errors.As(err, &unknownCA), errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &verify):
		return ErrTLS
	// A file's errors come before the network's: their cause, a syscall.Errno,
	// has the methods of a net.Error.
	case errors.As(err, &file) && errors.Is(err, fs.ErrNotExist):
		return ErrNotFound
	case errors.As(err, &file) && errors.Is(err, fs.ErrPermission):
		return ErrPermission
	case errors.As(err, &network), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ErrUnavailable
	}
	return ErrInternal
}

// StatusClass maps an HTTP status to the class of the error it means, and to
// the empty Class for a status below 400.
func StatusClass(status int) Class {
	switch {
	case status < 400:
		return ""
	case status == http.StatusUnauthorized, status == http.StatusProxyAuthRequired:
		return ErrAuth
	case status == http.StatusForbidden, status == http.StatusPaymentRequired:
		return ErrPermission
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusGone:
		return ErrCursor
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return ErrUnavailable
	case status == http.StatusNotImplemented:
		return ErrUnsupported
	case status >= 500:
		return ErrUnavailable
	}
	return ErrInvalid
}
