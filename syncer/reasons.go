package syncer

import (
	"fmt"
	"strings"
)

// A Reason is why a record was skipped or failed. Each has an entry of its name
// in docs/troubleshooting.md, and begins the text that a person reads.
type Reason string

// The reasons.
const (
	ReasonDuplicate   Reason = "duplicate of"      // the vendor sent it, or another for the same record, before
	ReasonNoSyncKey   Reason = "no sync key"       // no sync key has a usable value
	ReasonCreateOnly  Reason = "create only"       // it is there, and the policy does not update
	ReasonUpdateOnly  Reason = "update only"       // it is not there, and the policy does not create
	ReasonArchived    Reason = "archived"          // it is archived, and the integration does not restore
	ReasonAmbiguous   Reason = "ambiguous"         // several records have its sync key
	ReasonConflict    Reason = "conflict"          // another record holds a unique value it would get
	ReasonClearing    Reason = "would clear"       // a key or required field would become empty
	ReasonInvalid     Reason = "invalid value"     // a value does not fit its field
	ReasonMalformed   Reason = "malformed record"  // it is no JSON object, or could not be read
	ReasonNoVendorID  Reason = "no vendor id"      // it has no value at the key's path
	ReasonRaced       Reason = "changed meanwhile" // somebody else wrote to the record while the run did
	ReasonRefused     Reason = "refused"           // the host's own table did not take it
	ReasonElsewhere   Reason = "key elsewhere"     // a secondary sync key points to another record: a problem, not a failure
	ReasonReference   Reason = "unclear reference" // a reference's text means several records: a problem, not a failure
	ReasonFilter      Reason = "filter"            // the filter or a rule of the mapping leaves it out
	ReasonTooManyGone Reason = "too many vanished" // the guard of the absence step
	ReasonIncomplete  Reason = "incomplete read"   // absence was not acted on
	ReasonLater       Reason = "changed later"     // something was written again after the run that is put back
	ReasonInUse       Reason = "in use"            // a record that the run made is used by others
	ReasonNotKept     Reason = "not kept"          // history masks a sensitive value and cannot give it back
)

// Reasons returns all reasons, in the order of their declaration.
func Reasons() []Reason {
	return []Reason{
		ReasonDuplicate, ReasonNoSyncKey, ReasonCreateOnly, ReasonUpdateOnly, ReasonArchived, ReasonAmbiguous, ReasonConflict, ReasonClearing,
		ReasonInvalid, ReasonMalformed, ReasonNoVendorID, ReasonRaced, ReasonRefused, ReasonElsewhere, ReasonReference, ReasonFilter, ReasonTooManyGone, ReasonIncomplete,
		ReasonLater, ReasonInUse, ReasonNotKept,
	}
}

func (r Reason) because(format string, args ...any) string {
	return string(r) + ": " + fmt.Sprintf(format, args...)
}

// duplicateOf says which record came first.
func duplicateOf(vendorID string) string { return fmt.Sprintf("%s %s", ReasonDuplicate, vendorID) }

func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// orList joins texts with commas.
func orList(texts []string) string { return strings.Join(texts, ", ") }
