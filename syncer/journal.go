package syncer

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/schedule"
)

// A Journal keeps integrations, runs and test payloads. The stores of packages
// sqlite and memory are journals too. Its methods are safe for concurrent use.
type Journal interface {
	// SaveIntegration inserts or replaces the integration of that id.
	SaveIntegration(ctx context.Context, in Integration) error
	// Integration returns one integration, or an error that is ErrNotFound.
	Integration(ctx context.Context, id string) (Integration, error)
	// Integrations returns all, ordered by id.
	Integrations(ctx context.Context) ([]Integration, error)
	// SaveRun inserts or replaces the run of that id. It leaves a request to cancel
	// as it is.
	SaveRun(ctx context.Context, r Run) error
	// Run returns one run, or an error that is ErrNotFound.
	Run(ctx context.Context, id string) (Run, error)
	// Runs returns the newest runs first.
	Runs(ctx context.Context, q RunQuery) ([]Run, error)
	// RequestCancel asks the run to stop, whichever process it runs in; it returns
	// ErrNotFound if there is none of that id.
	RequestCancel(ctx context.Context, run string) error
	// CancelRequested tells whether somebody has asked the run to stop.
	CancelRequested(ctx context.Context, run string) (bool, error)
	// AppendPayload adds records to a test run's payload.
	AppendPayload(ctx context.Context, run string, records []TestRecord) error
	// Payload yields a test run's payload in order.
	Payload(ctx context.Context, run string) iter.Seq2[TestRecord, error]
	// PruneRuns removes runs that ended before the given time, with their
	// payloads, but of each integration at least the newest keep. It returns how
	// many it removed.
	PruneRuns(ctx context.Context, before time.Time, keep int) (int, error)
}

// A RunQuery selects runs.
type RunQuery struct {
	Integration string // empty for all
	Test        bool   // include test runs
	Limit       int    // 0 for all
}

// An Integration is one vendor stream that feeds one object, under its own
// policy and user.
type Integration struct {
	ID         string             `json:"id"`
	Name       string             `json:"name"`
	Connector  string             `json:"connector"`
	Stream     string             `json:"stream"`
	Settings   connector.Settings `json:"settings,omitempty"`
	Credential string             `json:"credential,omitempty"` // the name of one; what it holds is not kept here
	Policy     Policy             `json:"policy,omitempty"`     // empty means CreateAndUpdate
	User       string             `json:"user,omitempty"`       // the integration user, to whom every change is attributed
	// Installation says where the credential is kept. Empty means Cloud.
	Installation Installation `json:"installation,omitempty"`
	Contacts     []string     `json:"contacts,omitempty"`
	// Mapping says what goes where; its Object is the target.
	Mapping mapping.Mapping `json:"mapping"`
	// Absence says what becomes of records that a complete read no longer brings.
	// Empty means Keep.
	Absence Absence `json:"absence,omitempty"`
	// RestoreArchived takes a matched record out of the archive; without it such a
	// record is skipped.
	RestoreArchived bool `json:"restore_archived,omitempty"`
	// FullEvery has runs ask the vendor only for what has changed since the last
	// one, and for everything again once the last full read is so many days old. 0
	// means that each run reads everything. The stream must be Incremental; if the
	// vendor cannot tell changes all the same, everything is read. Only a full read
	// sees what has vanished, what other people have changed in the store, and what
	// failed before and would not now.
	FullEvery int `json:"full_every,omitempty"`
	// Schedule says when a [schedule.Runner] runs it. The zero value is once a day at
	// a quiet time.
	Schedule schedule.Schedule `json:"schedule,omitzero"`

	State      State     `json:"state"` // empty means Draft
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	LaunchedBy string    `json:"launched_by,omitempty"`
	LaunchedAt time.Time `json:"launched_at,omitzero"`
	// Changes are who changed mapping, credential or state, and when; the newest
	// last.
	Changes []Edit `json:"changes,omitempty"`
}

// An Edit is one change of an integration.
type Edit struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
}

// A Policy says what a run may do to the store.
type Policy string

// The policies.
const (
	CreateAndUpdate Policy = "create-and-update"
	CreateOnly      Policy = "create-only"
	UpdateOnly      Policy = "update-only"
)

// An Installation says where an integration's credential is kept.
type Installation string

// The installations.
const (
	Cloud Installation = "cloud" // in the store's vault
	Local Installation = "local" // by reference only; nothing is stored
)

// An Absence says what becomes of records that a complete read no longer
// brings.
type Absence string

// The absence policies.
const (
	Keep          Absence = "keep"
	FlagAbsent    Absence = "flag"    // mark them as missing
	ArchiveAbsent Absence = "archive" // archive them
	// DeactivateAbsent gives accounts, the records of saas_users, the status
	// "deactivated".
	DeactivateAbsent Absence = "deactivate"
)

// A State is a stage of an integration's life.
type State string

// The states of an integration.
const (
	Draft    State = "draft"    // test runs only
	Active   State = "active"   // launched
	Paused   State = "paused"   // launched and held back
	Archived State = "archived" // kept for its history alone
)

// A Status is the state of a run.
type Status string

// The states of a run.
const (
	Queued       Status = "queued"
	Running      Status = "running"
	Succeeded    Status = "succeeded"
	WithProblems Status = "succeeded_with_problems"
	Empty        Status = "empty" // the vendor sent no record, and was asked for all
	Failed       Status = "failed"
	Cancelled    Status = "cancelled"
	Interrupted  Status = "interrupted" // the process ended; the next run goes on from the checkpoint
)

// Ended reports whether nothing more will happen to a run of that status. An
// interrupted run is resumed.
func (s Status) Ended() bool {
	switch s {
	case Succeeded, WithProblems, Empty, Failed, Cancelled:
		return true
	case Queued, Running, Interrupted:
	}
	return false
}

// A Run is one sync session: what was done, by whom, and what came of it.
type Run struct {
	ID          string    `json:"id"`
	Integration string    `json:"integration"`
	Status      Status    `json:"status"`
	Test        bool      `json:"test"`
	Trigger     string    `json:"trigger,omitempty"` // "manual", "schedule"
	User        string    `json:"user,omitempty"`    // the integration user
	By          string    `json:"by,omitempty"`      // who asked for it
	Started     time.Time `json:"started"`
	Finished    time.Time `json:"finished,omitzero"`
	// ConnectorVersion and MappingVersion tell what the run was made with.
	ConnectorVersion string `json:"connector_version,omitempty"`
	MappingVersion   string `json:"mapping_version,omitempty"`
	Complete         bool   `json:"complete"` // the read named every record there is
	// Since is set for an incremental run: it asked for what had changed since then
	// alone, and is never complete.
	Since time.Time `json:"since,omitzero"`
	// ReadAll says why the run read everything, where it was to ask for changes
	// alone.
	ReadAll string `json:"read_all,omitempty"`
	// FullRead is when the last full read began that the run builds on; for a full
	// run that is its own start.
	FullRead time.Time `json:"full_read,omitzero"`
	// Basis is a fingerprint of what the run's records were decided by. The next
	// run may ask for changes alone if it is decided by the same.
	Basis    string `json:"basis,omitempty"`
	Restarts int    `json:"restarts,omitempty"`
	Reverts  string `json:"reverts,omitempty"` // the run that this one puts back
	Resumed  int    `json:"resumed,omitempty"` // how often another process took it up again
	Counts   Counts `json:"counts"`
	// Effects counts what became of companions and children, by object.
	Effects  map[string]Effects `json:"effects"`
	Vanished Vanished           `json:"vanished"`
	// Problems are the first ones; ProblemCount is how many there were.
	Problems     []Problem `json:"problems"`
	ProblemCount int64     `json:"problem_count"`
	// Waited is the time spent waiting for the vendor's limits.
	Waited  time.Duration `json:"waited,omitempty"`
	Error   string        `json:"error,omitempty"` // why it failed
	Remedy  string        `json:"remedy,omitempty"`
	Records []TestRecord  `json:"records,omitempty"` // a test run's payload, where it was asked for
}

// Counts says what became of every record that came in:
//
//	fetched = filtered + created + updated + unchanged + skipped + failed
type Counts struct {
	Fetched   int64 `json:"fetched"`
	Filtered  int64 `json:"filtered"`
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Skipped   int64 `json:"skipped"`
	Failed    int64 `json:"failed"`
}

// Effects counts changes to records of one object that came with others.
type Effects struct {
	Created  int64 `json:"created"`
	Updated  int64 `json:"updated"`
	Archived int64 `json:"archived"`
	Restored int64 `json:"restored"`
}

// Vanished counts the records that a complete read no longer brought, and what
// was done about them.
type Vanished struct {
	Missing  int64 `json:"missing"`
	Flagged  int64 `json:"flagged"`
	Archived int64 `json:"archived"`
	// Deactivated counts the accounts that got the status "deactivated".
	Deactivated int64 `json:"deactivated,omitempty"`
	// Held is how many were left alone because too many had vanished at once.
	Held int64 `json:"held"`
}

// A Problem is something a person should look at.
type Problem struct {
	Record string `json:"record"` // the vendor id, or the place where there is none
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
}

// An Action is what a run does with one record.
type Action string

// The actions.
const (
	ActionFiltered  Action = "filtered"
	ActionCreated   Action = "created"
	ActionUpdated   Action = "updated"
	ActionUnchanged Action = "unchanged"
	ActionSkipped   Action = "skipped"
	ActionFailed    Action = "failed"
)

// A TestRecord is what a test run foretells about one record.
type TestRecord struct {
	Record string           `json:"record"` // the vendor id, or the place
	Source connector.Record `json:"source"` // as the vendor sent it, sensitive fields masked
	Mapped map[string]any   `json:"mapped,omitempty"`
	Action Action           `json:"action"`
	Reason string           `json:"reason,omitempty"`
	// Withheld says which of its values another integration's precedence keeps from
	// being written.
	Withheld []string           `json:"withheld,omitempty"`
	Changes  []Difference       `json:"changes,omitempty"`
	Effects  map[string]Effects `json:"effects,omitempty"`
}

// A Difference is one field's value before and after, as JSON.
type Difference struct {
	Object string          `json:"object,omitempty"` // empty for the record itself
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}
