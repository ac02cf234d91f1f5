package syncer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
)

// A Store keeps one tenant's records, and beside them what a run must remember:
// links, history, and the checkpoint. The stores of packages sqlite and memory
// are two; a host may bring its own and prove it with package storetest.
//
// The Syncer decides everything before it calls Apply; a Store looks up and
// writes down. Its methods are safe for concurrent use by several runs, each of
// another integration.
type Store interface {
	// Schema returns the target model, custom fields included.
	Schema(ctx context.Context) (*mapping.Schema, error)
	// Begin takes the integration's lease. It returns a *BusyError if another
	// holder's lease has not ended, unless c.Over is that holder's fence. Each
	// lease's fence is greater than all before it.
	Begin(ctx context.Context, c Claim) (Lease, error)
	// Match answers one question about many values at once: element i of the
	// result belongs to q.Values[i], in no particular order, nil if there is none.
	// It sees every batch whose Apply has returned, and of a batch being applied
	// all or nothing.
	Match(ctx context.Context, q Query) ([][]Hit, error)
	// Apply writes one batch in one transaction, or nothing of it, see [Batch]. It
	// returns ErrFence if the lease was lost.
	Apply(ctx context.Context, b *Batch) error
}

// A Claim asks for an integration's lease.
type Claim struct {
	Integration string
	Owner       string        // who asks, for a person and for the next claimant
	TTL         time.Duration // the lease ends by itself after this time, unless a batch or Renew prolongs it by as much
	Now         time.Time
	Over        int64 // the fence of a holder that the claimant knows to be dead; 0 for none
}

// A Lease lets one run write, until its time is over or another takes it.
type Lease struct {
	Fence int64
	// Seq is the number of the last batch applied for the integration, and
	// Checkpoint what its Seal returned. A new integration has 0 and nil.
	Seq        int64
	Checkpoint []byte
	// Seen yields the Seen blocks that the run's batches up to number upTo brought,
	// in any order. Nil if the store holds none.
	Seen func(ctx context.Context, run string, upTo int64) iter.Seq2[[]byte, error]
}

// ErrFence is returned by Apply and Renew when the lease was lost: another
// holder has a greater fence. Nothing was written.
var ErrFence = errors.New("the lease on this integration was lost to another run")

// ErrConflict is a unit's outcome when what it was decided on is no longer so: a
// revision differs or a unique key is taken. The unit wrote nothing.
var ErrConflict = errors.New("somebody else changed the record while the run was writing it")

// ErrNotFound is returned for an integration, run or record that is not there.
var ErrNotFound = errors.New("not found")

// A BusyError says who holds an integration's lease.
type BusyError struct {
	Integration string
	Owner       string
	Fence       int64
	Until       time.Time
}

// Error names the holder and the end of its lease.
func (e *BusyError) Error() string {
	return fmt.Sprintf("integration %q is running already (%s); its lease ends at %s", e.Integration, ownerText(e.Owner), e.Until.UTC().Format(time.RFC3339))
}

// By says what a Query's values are.
type By int

// The ways to look records up.
const (
	ByID     By = iota // Values are record ids
	ByLink             // Values are vendor ids of q.Integration
	ByKey              // Values are normal forms of the key that q.Fields names, see KeyOf
	ByParent           // Values are record ids that the link field q.Fields[0] points to
)

// A Query asks for the records of one object.
type Query struct {
	Integration string // whose links go with the hits
	Object      string
	By          By
	// Fields are the fields of the key for ByKey: one unique field, or the
	// object's composite key in its order; for ByParent one link field.
	Fields []string
	Values []string // without repetitions
}

// KeySeparator joins the normal forms of a composite key.
const KeySeparator = "\x1f"

// KeyOf returns the normal form of a key: each field's, joined by KeySeparator.
// It is empty if the first part is; a link field counts by the id it holds.
func KeyOf(o *mapping.Object, fields []string, values func(field int) mapping.Value) string {
	parts := make([]string, len(fields))
	for i, name := range fields {
		at := o.Field(name)
		parts[i] = keyPart(&o.Fields[at], values(at))
	}
	if parts[0] == "" {
		return ""
	}
	return strings.Join(parts, KeySeparator)
}

// A Hit is one record that a Query found.
type Hit struct {
	ID       string
	Revision int64 // goes up with every write by anyone
	Archived bool
	Values   []mapping.Value // by field of the object; a field without a value is Null or Absent
	// Link is the asking integration's live link to the record, nil if it has none.
	// For ByLink, a VendorID other than the one asked for is the holder that has
	// superseded it.
	Link *Link
	// Shared says that another integration has a live link to the record.
	Shared bool
}

// A Link ties a vendor id of an integration to a record. Each record has at most
// one live link per integration.
type Link struct {
	VendorID string
	ID       string // the record
	Hash     uint64 // of what the vendor said when link and record last agreed
	// Stale says that anyone but this integration's own run has written to the
	// record, or to a child of it, since.
	Stale bool
	// Missing says that a complete read did not bring the vendor id.
	Missing bool
	// SupersededBy is the vendor id that has taken over the record. Such a link is
	// not live.
	SupersededBy string
}

// A Batch is what Apply writes in one transaction, in this order: it checks the
// fence, writes the units one after another, adds the Seen block, calls Seal
// with the outcomes and keeps its bytes as checkpoint with Seq, and prolongs or
// releases the lease. A unit whose expectation fails is undone alone and has
// ErrConflict as its outcome; any other error undoes the batch.
type Batch struct {
	Integration string // empty for a change from outside, such as a revert's
	Run         string
	Actor       string // the integration user
	Fence       int64
	Seq         int64 // one more than the last; a Seq that is not is an error, so a batch is never applied twice
	At          time.Time
	Units       []Unit
	// Seen is opaque to the store; it comes back through Lease.Seen while the run
	// lasts. The first batch of another run of the integration, and a batch with
	// Done, forget earlier blocks.
	Seen []byte
	Seal func(outcomes []Outcome) ([]byte, error)
	// Release ends the lease. A run that is interrupted releases its lease and is
	// taken up later.
	Release bool
	// Done says that the run is over, so that its Seen blocks can be forgotten.
	Done bool
	// LedgerOnly says that the records live elsewhere, see Sidecar: links, history
	// and checkpoint are kept, the values are not. Every change names its record by
	// ID, of any form; Match by id and by link finds such a record, without values.
	LedgerOnly bool
}

// A Unit is all or nothing: one record's changes, or one shared parent.
type Unit struct {
	Changes []Change
	Links   []LinkChange
}

// An Op is a kind of change.
type Op string

// The kinds of change.
const (
	// Create makes a record. An existing record with the same key is a conflict.
	Create Op = "create"
	// Ensure makes a record unless one with the object's key is there, which is
	// then used as it is.
	Ensure  Op = "ensure"
	Update  Op = "update"
	Archive Op = "archive"
	// Delete is a record's end, by a person's hand: it stands in history alone.
	Delete Op = "delete"
	// Restore takes a record out of the archive and may write fields too.
	Restore Op = "restore"
	// Merged is a record's becoming a part of another, Split its coming back; both
	// stand in history alone.
	Merged Op = "merge"
	Split  Op = "split"
)

// A Ref names a record: by ID, or, where ID is empty, as the one that an earlier
// change of the same batch creates, by the number of that change counted over
// all units. A change whose Ref is to a unit that failed fails too.
type Ref struct {
	ID     string
	Change int
}

// A Change is one write to one record. Columns, Before and After run in
// parallel.
type Change struct {
	Object   string
	Op       Op
	Ref      Ref             // the record, for all but Create and Ensure
	Revision int64           // the record's revision before the change, for all but Create and Ensure; -1 for any
	Columns  []int           // fields of the object
	Before   []mapping.Value // nil for Create and Ensure
	// After holds the new values. Absent ones are not written. KindRow is a
	// reference to the record that change number Int of the batch creates.
	After []mapping.Value
	// Hidden marks sensitive columns, which history keeps masked. Nil for none.
	Hidden []bool
}

// A LinkChange makes, renews, marks or removes the integration's link to a
// record. With Missing, Forget or Remove it does only what they say; without
// them it makes the link, or renews it.
type LinkChange struct {
	Object   string
	VendorID string // empty for a child, which is linked by its record alone
	Ref      Ref
	Hash     uint64
	// Supersedes is the vendor id whose link to the record this one takes over. It
	// is kept as superseded.
	Supersedes string
	// Missing keeps the link and marks it as missing and stale.
	Missing bool
	// Forget removes the superseded vendor ids that point to the record.
	Forget bool
	// Remove removes the link.
	Remove bool
	// Withheld is what the vendor says of fields that another integration's
	// precedence keeps from being written. It is kept with the link, in place of
	// what was kept before, until the link is made or renewed again.
	Withheld []Said
}

// Said is a value that an integration's vendor gives for a field.
type Said struct {
	Field  int // of the object
	Value  mapping.Value
	Hidden bool // masked to people
}

// An Outcome is what became of a unit.
type Outcome struct {
	// IDs are the records' ids, by change of the unit.
	IDs []string
	// Existed tells by change of the unit whether an Ensure found its record. Nil
	// for none.
	Existed []bool
	Err     error // ErrConflict, ErrRefused, or nil
}

// A LinkScanner is a Store that can yield all links of an integration to one
// object, live and superseded. The Syncer fills its match cache from it, and
// needs it for every absence policy but keep.
type LinkScanner interface {
	ScanLinks(ctx context.Context, integration, object string) iter.Seq2[Link, error]
}

// A KeyScanner is a Store that can yield the normal forms of all keys of an
// object, archived records included: each unique field's, and the composite
// key's with its fields joined by a comma as Field. With it the Syncer
// asks no questions about keys that are surely new.
type KeyScanner interface {
	ScanKeys(ctx context.Context, object string) iter.Seq2[Key, error]
}

// A Key is one key of one record.
type Key struct {
	Field string // the unique field, or the composite key's fields joined by commas
	Text  string // the normal form
}

// A Renewer is a Store whose leases can be prolonged between batches.
type Renewer interface {
	Renew(ctx context.Context, integration string, fence int64, until time.Time) error
}

// A SchemaEditor is a Store whose target model can grow.
type SchemaEditor interface {
	// AddField adds a custom field. A unique field may be added to an object that
	// has records, since none has a value yet.
	AddField(ctx context.Context, object string, f mapping.Field) error
}

// A Reader is a Store whose records and history can be read.
type Reader interface {
	// Records yields the records of an object, ordered by id.
	Records(ctx context.Context, q RecordQuery) iter.Seq2[Record, error]
	// History yields the changes of one record, oldest first, those of a record
	// that no longer exists included.
	History(ctx context.Context, object, id string) iter.Seq2[Event, error]
}

// A RecordQuery selects records.
type RecordQuery struct {
	Object string
	// Where keeps records whose fields have these values, in the fields' normal
	// forms. Values are text as a person writes it.
	Where map[string]string
	// Archived includes archived records.
	Archived bool
	Limit    int // 0 for all
}

// A Record is one record as it is in the store.
type Record struct {
	ID        string
	Revision  int64
	Values    []mapping.Value // by field of the object
	CreatedAt time.Time
	UpdatedAt time.Time
	Archived  time.Time // zero if it is live
	// MissingSince is when a complete read of a linked integration first did not
	// bring the record; zero if all bring it.
	MissingSince time.Time
}

// An Event is one change in a record's history.
type Event struct {
	Object      string
	ID          string
	Revision    int64 // after the change
	At          time.Time
	Op          Op
	Actor       string // the integration user, or who else it was; empty if unknown
	Integration string // empty for a change from outside
	Run         string
	Changes     []FieldChange
}

// A FieldChange is one field's value before and after.
type FieldChange struct {
	Field  string
	Before mapping.Value
	After  mapping.Value
	Hidden bool // the values are masked
}

// A ReferenceScanner is a Store that can yield the records whose reference waits:
// it has a text, and the link beside it, see mapping.Field.For, is empty. Without
// it, references resolve only to records that were there before.
type ReferenceScanner interface {
	// ScanWaiting yields them in no particular order, archived ones included and
	// those that are merged into another left out.
	ScanWaiting(ctx context.Context, object, field string) iter.Seq2[Waiting, error]
}

// Waiting is one reference that waits.
type Waiting struct {
	ID       string
	Revision int64
	Text     string // as it stands in the record
}

// A Tracer is a Store that knows where values come from. Precedence between
// integrations needs it.
type Tracer interface {
	// Trace tells of each record, in the order of ids, who set its values and who
	// has a link to it, of records elsewhere as far as the ledger knows them. A
	// record that is not there has a zero Trace.
	Trace(ctx context.Context, object string, ids []string) ([]Trace, error)
}

// A Trace is where the values of one record come from.
type Trace struct {
	// Origins tells by field of the object who last wrote it, a clearing included;
	// zero for a field that nobody ever wrote.
	Origins []Origin
	// Stakes are the live links to the record, ordered by integration.
	Stakes []Stake
}

// An Origin says who wrote a value.
type Origin struct {
	Integration string // empty for a change from outside
	Run         string
	Actor       string
	At          time.Time
}

// A Stake is one integration's live link to a record.
type Stake struct {
	Integration  string
	VendorID     string
	MissingSince time.Time // when a complete read first did not bring it; zero if it did
	Withheld     []Said
}

// A RunReader is a Store that can tell what one run wrote.
type RunReader interface {
	// RunEvents yields the changes that a run made, those of one record in a row
	// and the newest of them first. A created record's values are those it was
	// created with. The caller may write batches of another run while it reads.
	RunEvents(ctx context.Context, run string) iter.Seq2[Event, error]
}

// A Merger is a Store that can make two records one.
type Merger interface {
	// Merge makes From a part of Into, in one transaction: live links to From become
	// links to Into, or, where the integration has one to Into already, its vendor
	// id becomes superseded by that one; every link field that holds From holds
	// Into, with history; a field that is empty in Into takes From's value, a
	// reference with what it means. From is archived and keeps its own history. From
	// then on each Match that would find From finds Into, and a key that From holds,
	// or that Into had before, counts as Into's. A child of From whose key Into has
	// too stays and is archived. All links to Into are stale afterwards. The error
	// is ErrNotFound if one of the two is not there, and ErrConflict if one has
	// another revision or is merged already.
	Merge(ctx context.Context, m Merge) error
	// Split undoes the merge of From, as far as nobody has changed since what it
	// did: links, references, fields and From itself. It returns what it left, in a
	// person's words. The error is ErrNotFound if From is not merged.
	Split(ctx context.Context, m Merge) (left []string, err error)
	// Merges yields the merges of an object that stand.
	Merges(ctx context.Context, object string) iter.Seq2[Merge, error]
}

// A Merge says which two records are one.
type Merge struct {
	Object     string
	Into, From string // ids
	// IntoRevision and FromRevision are what was decided on; -1 for any.
	IntoRevision, FromRevision int64
	Actor                      string // who asked for it
	At                         time.Time
}

// A KeyEditor is a Store in which a custom field can become unique, or stop
// being it.
type KeyEditor interface {
	// SetUnique returns a *DuplicatesError if records share a value.
	SetUnique(ctx context.Context, object, field string, unique bool) error
}

// A DuplicatesError lists the records that stand in the way of a unique field.
type DuplicatesError struct {
	Object, Field string
	Groups        []DuplicateGroup // at most 100
	More          int              // how many groups were left out
}

// A DuplicateGroup is the records that share a value.
type DuplicateGroup struct {
	Value string   // as a person reads it
	IDs   []string // at least two
}

// Error lists the values and the records that have them.
func (e *DuplicatesError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s cannot become unique, since %s of %s share a value:", e.Field, plural(int64(len(e.Groups)+e.More), "group"), e.Object)
	for _, g := range e.Groups {
		fmt.Fprintf(&b, "\n  %q: records %s", g.Value, orList(g.IDs))
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n  and %d more", e.More)
	}
	return b.String()
}

// A PrecedenceKeeper is a Journal that keeps who goes before whom.
type PrecedenceKeeper interface {
	// SavePrecedence inserts or replaces the precedence of p.Object; one that
	// orders nothing removes it.
	SavePrecedence(ctx context.Context, p Precedence) error
	// Precedence returns the precedence of an object, a zero one with its name if
	// there is none.
	Precedence(ctx context.Context, object string) (Precedence, error)
}

// A Precedence says whose values count where several integrations feed one
// object: an integration does not overwrite what one before it has set, and
// fills what those before it leave empty. An integration that is not named comes
// after all that are.
type Precedence struct {
	Object string   `json:"object"`
	Order  []string `json:"order"` // integration ids, the first goes before all
	// Fields are orders for single fields, in place of Order.
	Fields map[string][]string `json:"fields,omitempty"`
	// SilentAfter is how many days a source may be silent about a record before it
	// loses its precedence on it; 0 for ever.
	SilentAfter int       `json:"silent_after,omitempty"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
	UpdatedBy   string    `json:"updated_by,omitempty"`
}
