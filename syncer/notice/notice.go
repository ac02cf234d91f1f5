package notice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/syncer"
)

// A Kind says what a notice is about.
type Kind string

// The kinds of trouble.
const (
	RunFailed     Kind = "run_failed"     // the last run that came to an end has failed
	RunProblems   Kind = "run_problems"   // it had problems or brought nothing, see Options.Problems
	RunUnfinished Kind = "run_unfinished" // a run has not come to its end in 24 hours
	RunLate       Kind = "run_late"       // a run did not start on time
	// CredentialExpires says that a credential is about to expire.
	CredentialExpires Kind = "credential_expires" //nolint:gosec // It is the name of a kind.
	// CredentialExpired says that a credential has expired.
	CredentialExpired Kind = "credential_expired" //nolint:gosec // It is the name of a kind.
)

// Kinds returns all kinds, in the order of their declaration.
func Kinds() []Kind {
	return []Kind{RunFailed, RunProblems, RunUnfinished, RunLate, CredentialExpires, CredentialExpired}
}

// A Notice tells people of one trouble, or that it is over. As JSON it is the
// body of a webhook.
type Notice struct {
	// Key is the same each time this notice is told, whoever tells it, and differs
	// between notices: a receiver that has seen it drops the notice. It is ASCII
	// letters, digits, "_" and "-", at most 64 bytes.
	Key string `json:"key"`
	// Trouble is the Key of the notice that told of the trouble: equal to Key
	// unless the trouble is over.
	Trouble string `json:"trouble"`
	Kind    Kind   `json:"kind"`
	Over    bool   `json:"over"` // the trouble is over
	// Integration and Name are the id and the name of the integration. Both are
	// empty in a notice on a credential.
	Integration string `json:"integration,omitempty"`
	Name        string `json:"name,omitempty"`
	Credential  string `json:"credential,omitempty"` // the id of the credential
	// Run is the id of the run that made the trouble, or that ended it.
	Run      string         `json:"run,omitempty"`
	Since    time.Time      `json:"since"` // when the trouble began, in UTC
	At       time.Time      `json:"at"`    // when it was noticed, or noticed to be over, in UTC
	What     string         `json:"what"`  // what happened, in one line
	Remedy   string         `json:"remedy,omitempty"`
	Counts   *syncer.Counts `json:"counts,omitempty"`   // of the run
	Contacts []string       `json:"contacts,omitempty"` // whom the integration names, as it names them
}

// Subject returns one line for the head of a message: whom it is about and what.
func (n Notice) Subject() string {
	subject := n.Name
	switch {
	case subject != "":
	case n.Integration != "":
		subject = n.Integration
	default:
		subject = n.Credential
	}
	subject = excerpt.Of(oneLine(subject)) + ": "
	if n.Over {
		subject += "over: "
	}
	return subject + n.headline()
}

// headline returns what a person reads first.
func (n Notice) headline() string {
	switch n.Kind {
	case RunFailed:
		return "a run has failed"
	case RunProblems:
		return "a run had problems"
	case RunUnfinished:
		return "a run has not finished"
	case RunLate:
		return "a run did not start on time"
	case CredentialExpires:
		return "a credential is about to expire"
	case CredentialExpired:
		return "a credential has expired"
	}
	return excerpt.Of(oneLine(string(n.Kind)))
}

// Text returns the notice as plain text for people: what happened, since when,
// what to do, and what the run did. Its lines end in "\n".
func (n Notice) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", n.Subject())
	line := func(label, value string) {
		if value = oneLine(value); value != "" {
			fmt.Fprintf(&b, "%-13s %s\n", label+":", value)
		}
	}
	line("What", n.What)
	line("Since", moment(n.Since))
	if n.Over {
		line("Over", moment(n.At))
	} else {
		line("What to do", n.Remedy)
	}
	line("Integration", n.Integration)
	line("Credential", n.Credential)
	line("Run", n.Run)
	if n.Counts != nil {
		fmt.Fprintf(&b, "\nRecords of the run:\n%s", countLines(*n.Counts))
	}
	if !n.Over {
		b.WriteString("\nThere will be one more message when this is over.\n")
	}
	return b.String()
}

// countLines returns what became of the records, a line each.
func countLines(c syncer.Counts) string {
	var b strings.Builder
	for _, row := range []struct {
		name string
		n    int64
	}{
		{"fetched", c.Fetched},
		{"filtered", c.Filtered},
		{"created", c.Created},
		{"updated", c.Updated},
		{"unchanged", c.Unchanged},
		{"skipped", c.Skipped},
		{"failed", c.Failed},
	} {
		fmt.Fprintf(&b, "  %-10s %10d\n", row.name, row.n)
	}
	return b.String()
}

// moment writes a time for people.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("Mon, 2 Jan 2006 15:04 UTC")
}

// oneLine returns a text without line breaks and control characters: what comes
// from a vendor or a name must not look like another line of the message.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}), " ")
}

// A Notifier tells people of a notice, in one way.
//
// Notify returns nil once the notice is handed over. An error means that it may
// be told again, with the same Key; a *PartialError means that it reached
// somebody and is not to be told again. Notify is safe for concurrent use, and
// returns soon after ctx is done.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// Func is a function that is a Notifier.
type Func func(ctx context.Context, n Notice) error

// Notify calls f.
func (f Func) Notify(ctx context.Context, n Notice) error { return f(ctx, n) }

// Multi tells of each notice in several ways at once.
//
// Give a [Watcher] the notifiers themselves in place of a Multi: it remembers for
// each what it has told.
type Multi []Notifier

// Notify tells all and joins their errors. It is a *PartialError if one has told
// the notice and another has not.
func (m Multi) Notify(ctx context.Context, n Notice) error {
	results := make(chan error, len(m))
	for _, notifier := range m {
		go func() { results <- notifier.Notify(ctx, n) }()
	}
	var errs []error
	told := 0
	for range m {
		err := <-results
		var partial *PartialError
		if err == nil || errors.As(err, &partial) {
			told++
		}
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if err != nil && told > 0 {
		return &PartialError{Err: err}
	}
	return err
}

// A PartialError says that a notice reached some of those it is for. To tell it
// again would tell them twice.
type PartialError struct {
	Err error // what kept it from the others
}

// Error says what went wrong.
func (e *PartialError) Error() string { return "the notice reached some and not all: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *PartialError) Unwrap() error { return e.Err }
