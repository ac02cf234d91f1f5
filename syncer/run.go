package syncer

import (
	"fmt"
	"time"
)

// RunOptions say how a run came to be. The zero value works.
type RunOptions struct {
	Trigger string // "manual" by default; "schedule" for what came due
	By      string // who asked for it
	// Reading says how much of the source is read. Empty means as the integration
	// says. A run that was interrupted goes on as it began, unless it asked for
	// changes alone and this is ReadAll: then it is left behind.
	Reading Reading
	// Record, if set, receives what became of each record, as it is decided and
	// before it is committed. It costs time; it must return soon.
	Record func(TestRecord)

	// due is when a scheduled run was due, zero for any other. One that is there to
	// take up a run that was cut off is resuming.
	due      time.Time
	resuming bool
}

// TestOptions say how much of the source a test run looks at.
type TestOptions struct {
	// Sample is how many records to look at. Defaults to 10; -1 for all.
	Sample int
	By     string
	// Reading says how much of the source is read, as in [RunOptions].
	Reading Reading
	// Record, if set, receives each record's forecast as it is made. The payload
	// in the Journal is bounded by Options.PayloadLimit, this is not. An error ends
	// the run.
	Record func(TestRecord) error
}

// Reading says how much of its source a run reads.
type Reading string

// The ways to read.
const (
	AsConfigured Reading = ""    // as the integration says, see Integration.FullEvery
	ReadAll      Reading = "all" // every record there is
	// ReadChanged asks the vendor only for what has changed since the last run that
	// read to its end. It reads all if there is none to build on, and the Run says
	// why. The stream must be Incremental.
	ReadChanged Reading = "changed"
)

// Progress is how far a run has come.
type Progress struct {
	Run         string
	Integration string
	Test        bool
	Counts      Counts
	Restarts    int
	Done        bool
	Status      Status
}

// A StateError is returned by Run for an integration that is not active.
type StateError struct {
	Integration string
	State       State
	Missing     []string // what a draft lacks; empty if it only waits to be launched
}

// Error says what state the integration is in and what to do.
func (e *StateError) Error() string {
	switch {
	case e.State == Draft && len(e.Missing) > 0:
		return fmt.Sprintf("integration %q is a draft: %d things are missing", e.Integration, len(e.Missing))
	case e.State == Draft:
		return fmt.Sprintf("integration %q is a draft: launch it first", e.Integration)
	}
	return fmt.Sprintf("integration %q is %s: launch it first", e.Integration, e.State)
}
