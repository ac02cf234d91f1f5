package connectortest

import (
	"fmt"
	"slices"
)

// A Rule is one sentence of the contract that a connector keeps. Its text is its
// name and stays the same from version to version.
type Rule string

// The rules, in the order in which [Run] tells of them.
const (
	// The Spec.
	SpecComplete    Rule = "the spec names the connector and its streams"             // id, name, summary, a stream
	SpecStatic      Rule = "the spec is static"                                       // the same whenever it is asked for
	NamesUnique     Rule = "names are unique"                                         // of streams, settings, fields, permissions, auth methods and limits
	SettingsSound   Rule = "settings have a type and a default that fits it"          // and choices too
	SecretsEmpty    Rule = "secret settings have no default"                          // nor choices
	AccessSound     Rule = "auth methods and rate limits are well formed"             // a known kind, a number and a time
	StreamKeyed     Rule = "streams declare the path of the vendor id"                // one that can be read
	FieldsSound     Rule = "fields have a path and a type"                            // ones that can be read
	MappingSound    Rule = "default mappings use declared fields and have a sync key" // and fit the target model: its fields, choices and keys
	AbilitiesTrue   Rule = "abilities are those that the spec declares"               // the others answer ErrUnsupported or are not there
	SettingsTaken   Rule = "the connector opens with its settings"                    // those of Options.Config
	BadSettings     Rule = "bad settings are refused as invalid"                      // those of Options.BadSettings
	PermissionsTold Rule = "check tells the state of each permission"                 // and why, unless it is granted

	// One read.
	ReadEnds       Rule = "a read ends with a last page or an error" // it does not just stop, and yields something
	NothingAfter   Rule = "nothing follows the end of a read"        // neither page nor error
	ErrorAlone     Rule = "an error comes with a zero page"
	ReadCompletes  Rule = "a read from the start comes to its last page" // with what Options.Config gives
	RecordsEnough  Rule = "a read brings the records that are there"     // at least Options.MinRecords
	RecordsObjects Rule = "records are JSON objects"                     // valid ones
	RecordsKeyed   Rule = "records have their vendor id"                 // text or a number, at the stream's key
	KeysUnique     Rule = "a vendor id comes once in a read"
	FieldsTyped    Rule = "declared fields have their type in the records" // where they are there and not null
	FaultsTold     Rule = "faults have a place and a reason"
	RecordsKept    Rule = "records are not altered after they are yielded" // no buffer is used again
	OwnGoroutine   Rule = "yield is called on the goroutine that reads"
	CursorsAdvance Rule = "a cursor does not come back"
	BreakReturns   Rule = "a read that is broken off returns"               // at once, without another page, leaving no goroutine
	CancelEnds     Rule = "a cancelled context ends the read with an error" // soon, and not with a last page
	StreamKnown    Rule = "an unknown stream is refused"                    // as not found or invalid
	CursorKnown    Rule = "a malformed cursor is refused"                   // as ErrCursor; the read does not start anew
	SensitiveKept  Rule = "sensitive fields come if they are mapped and not else"

	// Several reads.
	ReadsAgree      Rule = "two reads bring the same"                     // records in the same order
	RecordsGiven    Rule = "records belong to the caller"                 // who may write over them
	ResumeExact     Rule = "a resumed read brings exactly the rest"       // from another Source
	LimitHolds      Rule = "a limit takes nothing away"                   // that the caller would look at
	ConcurrentReads Rule = "concurrent reads and checks do not interfere" // with each other
	PartsWhole      Rule = "the parts of a stream make up the whole"      // each record in one of them
	SinceHonoured   Rule = "a read since a time brings what changed"      // and not all, with Options.Since
	DiscoveryTrue   Rule = "discovered fields are in the records"         // with the type that was told
	AccountsTold    Rule = "accounts are found by their id"               // an unknown one is ErrNotFound

	// All the time.
	ErrorsClassed Rule = "errors have a class" // they are *connector.Error
	NoPanic       Rule = "nothing panics"
	SecretsHidden Rule = "errors and logs show no secret" // neither of the credential nor of the settings
	CloseFrees    Rule = "close succeeds and leaves no goroutine behind"
)

// Rules returns all rules, in the order of their declaration.
func Rules() []Rule { return slices.Clone(rules) }

var rules = []Rule{
	SpecComplete, SpecStatic, NamesUnique, SettingsSound, SecretsEmpty, AccessSound, StreamKeyed, FieldsSound, MappingSound, AbilitiesTrue,
	SettingsTaken, BadSettings, PermissionsTold,
	ReadEnds, NothingAfter, ErrorAlone, ReadCompletes, RecordsEnough, RecordsObjects, RecordsKeyed, KeysUnique, FieldsTyped, FaultsTold,
	RecordsKept, OwnGoroutine, CursorsAdvance, BreakReturns, CancelEnds, StreamKnown, CursorKnown, SensitiveKept,
	ReadsAgree, RecordsGiven, ResumeExact, LimitHolds, ConcurrentReads, PartsWhole, SinceHonoured, DiscoveryTrue, AccountsTold,
	ErrorsClassed, NoPanic, SecretsHidden, CloseFrees,
}

// A Violation is one rule that a connector breaks.
type Violation struct {
	Rule   Rule
	Stream string // the stream that shows it; empty for the connector as a whole
	Detail string // what was seen
}

// Error returns rule, stream and detail in one line.
func (v *Violation) Error() string {
	if v.Stream == "" {
		return fmt.Sprintf("rule %q is broken: %s", v.Rule, v.Detail)
	}
	return fmt.Sprintf("rule %q is broken by stream %q: %s", v.Rule, v.Stream, v.Detail)
}
