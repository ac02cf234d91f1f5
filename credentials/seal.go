package credentials

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The form of a sealed record: a JSON document with the Entry in clear, a data
// key wrapped by a key-encryption key, and the secret sealed under that data
// key by AES-256-GCM with a random nonce before it. Id, connector and hosts are
// the associated data, so that a record whose clear part was altered in them
// does not open.

// formatVersion is the version of that form.
const formatVersion = 1

// maxRecord is how many bytes a record may have.
const maxRecord = 1 << 20

// A record is a parsed Sealed.
type record struct {
	Format int   `json:"format"`
	Entry  Entry `json:"entry"`
	// State changes each time the secret does, and with nothing else.
	State   string `json:"state"`
	DataKey []byte `json:"data_key"`
	Sealed  []byte `json:"sealed"`

	revision string // of the Sealed it was parsed from
}

// A payload is what is sealed. Values are bytes, so that they come back as they
// were even if they are not UTF-8.
type payload struct {
	Kind   Kind              `json:"kind"`
	Values map[string][]byte `json:"values"`
}

// parseRecord reads a record that a Keeper gave. Its errors are ErrDamaged.
func parseRecord(s Sealed) (*record, error) {
	damaged := func(why error) (*record, error) {
		return nil, fmt.Errorf("credential %q: %w: %w", s.ID, ErrDamaged, why)
	}
	if len(s.Data) > maxRecord {
		return damaged(fmt.Errorf("it has more than %d bytes", maxRecord))
	}
	rec := &record{revision: s.Revision}
	d := json.NewDecoder(bytes.NewReader(s.Data))
	d.DisallowUnknownFields()
	if err := d.Decode(rec); err != nil {
		return damaged(err)
	}
	if d.More() {
		return damaged(errors.New("more follows after its end"))
	}
	if err := rec.check(s.ID); err != nil {
		return damaged(err)
	}
	return rec, nil
}

// check says what is wrong with a parsed record.
func (r *record) check(id string) error {
	if r.Format != formatVersion {
		return fmt.Errorf("its format is %d, and this version reads %d", r.Format, formatVersion)
	}
	if err := checkID(r.Entry.ID); err != nil {
		return err
	}
	if r.Entry.ID != id {
		return fmt.Errorf("it is the record of %q", r.Entry.ID)
	}
	if _, ok := r.Entry.Kind.info(); !ok {
		return fmt.Errorf("unknown kind %.40q", r.Entry.Kind)
	}
	if r.State == "" {
		return errors.New("it has no state")
	}
	if err := r.Entry.Details.check(); err != nil {
		return err
	}
	r.Entry.Binding = r.Entry.Binding.normal()
	return r.Entry.Binding.check()
}

// associated returns the associated data that binds a secret. Each part stands
// after its length, so that no two bindings give the same bytes.
func associated(id string, b Binding) []byte {
	data := []byte("vendorsync credential")
	for _, part := range append([]string{id, b.Connector}, b.Hosts...) {
		data = binary.AppendUvarint(data, uint64(len(part)))
		data = append(data, part...)
	}
	return data
}

// seal seals c into the record under a new data key, bound to what its Entry
// says.
func (r *record) seal(ctx context.Context, key KeyWrapper, c Credential) error {
	p := payload{Kind: r.Entry.Kind, Values: map[string][]byte{}}
	for name, value := range c.Values {
		if !value.IsZero() {
			p.Values[name] = []byte(value.Reveal())
		}
	}
	if len(p.Values) == 0 {
		return errors.New("there is no value to seal")
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return err
	}
	defer clear(plain)
	dataKey := newDataKey()
	defer clear(dataKey)
	aead, err := newAEAD(dataKey)
	if err != nil {
		return err
	}
	wrapped, err := key.Wrap(ctx, dataKey)
	if err != nil {
		return fmt.Errorf("wrap the data key with key %s: %w", key.KeyID(), err)
	}
	r.Sealed = aead.Seal(nil, nil, plain, associated(r.Entry.ID, r.Entry.Binding)) //nolint:gosec // This AEAD makes its nonce itself, at random.
	r.DataKey, r.Entry.KeyID = wrapped, key.KeyID()
	return nil
}

// open opens the record under its data key.
func (r *record) open(dataKey []byte) (Credential, error) {
	aead, err := newAEAD(dataKey)
	if err != nil {
		return Credential{}, r.damaged(err)
	}
	plain, err := aead.Open(nil, nil, r.Sealed, associated(r.Entry.ID, r.Entry.Binding))
	if err != nil {
		return Credential{}, r.damaged(errors.New("it does not open for its id, connector and hosts: it was altered outside the vault"))
	}
	defer clear(plain)
	var p payload
	if err := json.Unmarshal(plain, &p); err != nil {
		return Credential{}, r.damaged(errors.New("what was sealed is not a credential"))
	}
	if p.Kind != r.Entry.Kind {
		return Credential{}, r.damaged(errors.New("its kind was altered outside the vault"))
	}
	c := Credential{ID: r.Entry.ID, Kind: p.Kind, Values: make(map[string]Secret, len(p.Values)), ExpiresAt: r.Entry.ExpiresAt, Revision: revisionOf(r.State, r.Entry.ExpiresAt)}
	for name, value := range p.Values {
		c.Values[name] = NewSecret(string(value))
	}
	return c, nil
}

// revisionOf returns the Revision of a credential. It holds the expiry as it
// was, so that a rotation that leaves it alone undoes no change of it that a
// person made meanwhile.
func revisionOf(state string, expiresAt time.Time) string {
	return state + " " + expiresAt.UTC().Format(time.RFC3339Nano)
}

func (r *record) damaged(why error) error {
	return fmt.Errorf("credential %q: %w: %w", r.Entry.ID, ErrDamaged, why)
}

// sealed returns the record as a Keeper keeps it, under a new revision.
func (r *record) sealed() (Sealed, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return Sealed{}, err
	}
	if len(data) > maxRecord {
		return Sealed{}, fmt.Errorf("its record would have %d bytes, and %d are allowed", len(data), maxRecord)
	}
	return Sealed{ID: r.Entry.ID, Revision: rand.Text(), Data: data}, nil
}
