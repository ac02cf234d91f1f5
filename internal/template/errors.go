package template

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/internal/excerpt"
)

// The causes that errors.Is finds in an [*Error].
var (
	ErrSyntax    = errors.New("the template cannot be read")           // at load
	ErrLimit     = errors.New("the template exceeds a limit")          // at load or evaluation
	ErrUndefined = errors.New("the template uses what is not defined") // a member of undefined, arithmetic with it
	ErrValue     = errors.New("the template cannot use this value")    // a kind or text that an operation cannot take
)

// An Error says what is wrong with a template, or with what it was evaluated
// over, and where.
type Error struct {
	Text    string // the template
	Line    int    // from 1
	Column  int    // in characters, from 1
	Message string // what is wrong
	Cause   error  // ErrSyntax, ErrLimit, ErrUndefined or ErrValue
}

// Error returns the fault in one line.
func (e *Error) Error() string {
	place := fmt.Sprintf("column %d", e.Column)
	if e.Line > 1 || strings.Contains(e.Text, "\n") {
		place = fmt.Sprintf("line %d, %s", e.Line, place)
	}
	return fmt.Sprintf("template %q, %s: %s", excerpt.Of(e.Text), place, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// errorAt returns an error at a byte of the text.
func errorAt(text string, at int, cause error, message string) *Error {
	at = min(max(at, 0), len(text))
	before := text[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		Text:    text,
		Line:    strings.Count(before, "\n") + 1,
		Column:  utf8.RuneCountInString(before[start:]) + 1,
		Message: message,
		Cause:   cause,
	}
}

// A fault is what goes wrong in a function, which does not know its place.
type fault struct {
	cause   error
	message string
}

func (f *fault) Error() string { return f.message }
func (f *fault) Unwrap() error { return f.cause }

func typeError(format string, args ...any) error {
	return &fault{ErrValue, fmt.Sprintf(format, args...)}
}

func limitError(format string, args ...any) error {
	return &fault{ErrLimit, fmt.Sprintf(format, args...)}
}

func undefinedError(format string, args ...any) error {
	return &fault{ErrUndefined, fmt.Sprintf(format, args...)}
}
