package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"time"
)

// A Connector knows one vendor. Its methods are safe for concurrent use and do
// no I/O before Open.
type Connector interface {
	// Spec returns the connector's catalogue entry. It is static and needs no
	// credential; the caller does not change what it returns.
	Spec() Spec
	// Open returns a Source that reads with one integration's settings and
	// credential. The caller has checked cfg against the Spec, see
	// [Spec.Resolve]; Open checks what the Spec cannot say. It may connect, but
	// need not: the first Check or Read may.
	Open(ctx context.Context, cfg Config) (Source, error)
}

// A Source reads with one integration's settings and credential. Its methods
// are safe for concurrent use; Close is called once, after the last of them
// has returned.
type Source interface {
	// Check asks the vendor what the credential may do. A permission whose state
	// cannot be found out is Unknown with the reason, never Granted. An error
	// means that the check itself could not be made.
	Check(ctx context.Context) (Report, error)
	// Read returns the pages of one stream, in order, beginning after
	// req.Cursor. It yields at least one page; the sequence ends with a page that
	// is Last, or with an error and a zero Page. A sequence that just stops is
	// taken as malformed and incomplete. When the caller stops early, Read
	// returns after running its own defers. yield is never called from another
	// goroutine. Records belong to the caller once yielded. Retrying single
	// requests is Read's own work; opening again after an ErrUnavailable is the
	// caller's.
	Read(ctx context.Context, req Request) iter.Seq2[Page, error]
	// Close frees what Open and Read took.
	Close() error
}

// A Record is one JSON object, byte for byte as the vendor sent it.
type Record []byte

// String returns the record's JSON text.
func (r Record) String() string { return string(r) }

// MarshalJSON returns the record itself where it is valid JSON other than a
// string, and its text as a JSON string where it is not.
func (r Record) MarshalJSON() ([]byte, error) {
	if json.Valid(r) && bytes.TrimSpace(r)[0] != '"' {
		return r, nil
	}
	return json.Marshal(string(r))
}

// UnmarshalJSON keeps a copy of b, the counterpart of MarshalJSON: the text of a
// record that is no JSON, or a string, comes back out of its string.
func (r *Record) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*r = Record(s)
		return nil
	}
	*r = bytes.Clone(b)
	return nil
}

// JSON returns v as a Record, for authors who hold structs. It reports an error
// if v does not marshal to a JSON object.
func JSON(v any) (Record, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, Errorf(ErrInternal, "encode record", "%w", err)
	}
	if len(b) == 0 || b[0] != '{' {
		return nil, Errorf(ErrInternal, "encode record", "%T is not a JSON object", v)
	}
	return b, nil
}

// A Cursor says where to resume a stream. Only the connector that made it reads
// it. The empty Cursor is the start.
type Cursor string

// A Page is what one step of a Read brings.
type Page struct {
	Records []Record
	// Faults are records that came in but could not be read, each with its
	// place. Each counts as fetched and failed.
	Faults []Fault
	// Next is where to resume after this page; empty means that the stream
	// cannot be resumed here.
	Next Cursor
	// Last says that nothing follows. It is said, never inferred.
	Last bool
}

// A Fault is a record that could not be read.
type Fault struct {
	Place string // where, for a person: "line 17"
	Err   error  // why
}

// A Request says what to read.
type Request struct {
	Stream    string    // a stream of the Spec
	Cursor    Cursor    // resume after this point; empty for the start
	Partition string    // one part of a partitioned stream; empty for all of it
	Since     time.Time // records changed since then, for an incremental stream; zero for all
	Fields    []string  // the source paths that are mapped; a Sensitive field not among them must not leave the connector
	Limit     int       // how many records the caller will look at, so that a page need not be larger; 0 for all
}

// A Report is what Check found out.
type Report struct {
	Permissions []PermissionStatus
}

// A Grant says whether a permission is there.
type Grant string

// The states of a permission.
const (
	Granted Grant = "granted"
	Missing Grant = "missing"
	Unknown Grant = "unknown"
)

// A PermissionStatus is one permission and whether the credential has it.
type PermissionStatus struct {
	Name   string // the vendor's own name for it
	Stream string // the stream that needs it; empty for all
	Grant  Grant
	Detail string // for Missing what fails, for Unknown why
}

// A Discoverer is a Source that can tell a stream's fields from the vendor
// itself. Spec.Discovers says so.
type Discoverer interface {
	Discover(ctx context.Context, stream string) ([]Field, error)
}

// A Partitioner is a Source whose streams can be read in parts, side by side.
// Stream.Partitioned says so.
type Partitioner interface {
	Partitions(ctx context.Context, stream string) ([]string, error)
}

// An Account is the state of one account at the vendor.
type Account struct {
	ID           string
	Status       string
	Roles        []string
	LastActivity time.Time // zero if the vendor does not say
}

// An AccountReader is a Source that can look at one account, by the vendor's
// id or e-mail. Spec.ReadsAccounts says so.
type AccountReader interface {
	ReadAccount(ctx context.Context, id string) (Account, error)
}
