package credentials

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The errors of a Vault; those of a [Keeper] come through as they are.
var (
	// ErrExists says that there is a credential of that id already.
	ErrExists = errors.New("there is a credential of that id already")
	// ErrBound says that a credential was entered for another connector or for
	// other hosts. It does not open for these: its secret is entered again.
	ErrBound = errors.New("it does not open for another connector or other hosts: enter its secret again")
	// ErrDamaged says that a record was altered or broken outside the vault. Its
	// secret is entered again.
	ErrDamaged = errors.New("its record was altered or is broken: enter its secret again")
	// ErrNoKey says that a record is sealed under a key that the vault was not given.
	ErrNoKey = errors.New("the vault was not given the key it is sealed under")
	// ErrInUse says that a credential is used and therefore not removed.
	ErrInUse = errors.New("it is in use")
)

// VaultOptions are what a vault works with. Keeper and Key are required.
type VaultOptions struct {
	// Keeper keeps the sealed records.
	Keeper Keeper
	// Key is what credentials are sealed under from now on.
	Key KeyWrapper
	// OldKeys open what was sealed before, until Rekey has moved it to Key.
	OldKeys []KeyWrapper
	// Users names what uses a credential, such as the integrations. Nil means that
	// nothing is known to use any.
	Users func(ctx context.Context, id string) ([]string, error)
	// Changed is told of each change after it was kept, for a host's own records:
	// of a removed credential nothing else remains. It may be called by several
	// goroutines at once. Nil tells nobody.
	Changed func(ctx context.Context, e Entry, c Change)
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// A Vault keeps credentials sealed in a host's store. Each is sealed with
// AES-256-GCM under a data key of its own, which is wrapped by a key-encryption
// key, and bound to its id, its connector and its hosts. Whoever can write to
// the store and has no key can neither read a secret nor have it sent
// elsewhere; they can still put an older record of the same credential back, or
// delete it.
//
// The id and the Details of a credential, its Binding and its Changes are kept
// in clear. A Vault is immutable and safe for concurrent use; several processes
// may share a Keeper.
type Vault struct {
	opt *VaultOptions // a pointer, so that nothing that prints a Vault prints what is below
}

// NewVault returns a vault. It does no I/O.
func NewVault(opt VaultOptions) (*Vault, error) {
	if opt.Keeper == nil {
		return nil, errors.New("vault: the keeper is missing")
	}
	for _, key := range append([]KeyWrapper{opt.Key}, opt.OldKeys...) {
		if own, ok := key.(Key); key == nil || ok && own.IsZero() {
			return nil, errors.New("vault: a key is missing")
		}
		if err := checkText("id of a key", key.KeyID()); err != nil {
			return nil, fmt.Errorf("vault: %w", err)
		}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Vault{opt: &opt}, nil
}

// Add seals a new credential under c.ID, made by whom. The secret's expiry is
// that of d, else that of c. If the id is taken, the error is ErrExists.
func (v *Vault) Add(ctx context.Context, c Credential, b Binding, d Details, by string) (Entry, error) {
	if d.ExpiresAt.IsZero() {
		d.ExpiresAt = c.ExpiresAt
	}
	rec := &record{Format: formatVersion, Entry: Entry{ID: c.ID, Details: d, CreatedAt: v.now(), CreatedBy: by}}
	err := rec.enter(c, b)
	if err == nil {
		err = v.sealInto(ctx, rec, c)
	}
	if err == nil {
		err = v.put(ctx, rec, "created", by)
	}
	if errors.Is(err, ErrConflict) {
		err = ErrExists
	}
	if err != nil {
		return Entry{}, fmt.Errorf("add credential %q: %w", c.ID, err)
	}
	return rec.Entry, nil
}

// Replace seals a secret that was entered again under an id that there is: a
// new secret, another kind, another connector or other hosts. The expiry of the
// old secret goes with it: it becomes that of c. Name, owner and the list of
// changes stay, unless the record was so damaged that they are lost.
func (v *Vault) Replace(ctx context.Context, c Credential, b Binding, by string) (Entry, error) {
	e, err := v.update(ctx, c.ID, by, v.getOrAnew(by), func(rec *record) (string, error) {
		old := rec.Entry
		rec.Entry.ExpiresAt = c.ExpiresAt
		if err := rec.enter(c, b); err != nil {
			return "", err
		}
		what := "secret entered again"
		if old.Kind == "" {
			return what + "; the record was broken", v.sealInto(ctx, rec, c)
		}
		if rec.Entry.Kind != old.Kind {
			what += fmt.Sprintf("; kind: %s to %s", old.Kind, rec.Entry.Kind)
		}
		if !rec.Entry.Binding.Equal(old.Binding) {
			what += fmt.Sprintf("; from %s to %s", old.Binding, rec.Entry.Binding)
		}
		return what, v.sealInto(ctx, rec, c)
	})
	if err != nil {
		return Entry{}, fmt.Errorf("replace credential %q: %w", c.ID, err)
	}
	return e, nil
}

// Describe changes what people say of a credential, and leaves its secret and
// all who use it as they are. It writes nothing if nothing differs.
func (v *Vault) Describe(ctx context.Context, id string, d Details, by string) (Entry, error) {
	e, err := v.update(ctx, id, by, v.get, func(rec *record) (string, error) {
		if err := d.check(); err != nil {
			return "", err
		}
		what := d.differences(rec.Entry.Details)
		rec.Entry.Details = d
		return what, nil
	})
	if err != nil {
		return Entry{}, fmt.Errorf("describe credential %q: %w", id, err)
	}
	return e, nil
}

// Open returns a credential with its secret. An error is ErrNotFound, ErrBound,
// ErrDamaged or ErrNoKey, or that of the Keeper or the key. A credential whose
// expiry has passed still opens: the vendor decides, and the date may have been
// entered wrong.
func (v *Vault) Open(ctx context.Context, id string, b Binding) (Credential, error) {
	rec, err := v.get(ctx, id)
	if err != nil {
		return Credential{}, fmt.Errorf("open credential: %w", err)
	}
	return v.open(ctx, rec, b, nil)
}

// Entry returns what is known of one credential.
func (v *Vault) Entry(ctx context.Context, id string) (Entry, error) {
	rec, err := v.get(ctx, id)
	if err != nil {
		return Entry{}, err
	}
	return rec.Entry, nil
}

// Entries returns what is known of all credentials, ordered by id. A damaged
// record hides no other: all that can be read are returned together with an
// error that is ErrDamaged and names the rest.
func (v *Vault) Entries(ctx context.Context) ([]Entry, error) {
	records, err := v.opt.Keeper.ListSealed(ctx)
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	entries := make([]Entry, 0, len(records))
	var errs []error
	for _, s := range records {
		rec, err := parseRecord(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		entries = append(entries, rec.Entry)
	}
	return entries, errors.Join(errs...)
}

// Expiring returns the credentials that have expired by now or are about to,
// see [Entry.Warns], the first to end first. It treats damaged records as
// Entries does.
func (v *Vault) Expiring(ctx context.Context, now time.Time) ([]Entry, error) {
	entries, err := v.Entries(ctx)
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return !e.Warns(now) })
	slices.SortStableFunc(entries, func(a, b Entry) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	return entries, err
}

// Users names what uses a credential, as the host tells it.
func (v *Vault) Users(ctx context.Context, id string) ([]string, error) {
	if v.opt.Users == nil {
		return nil, nil
	}
	users, err := v.opt.Users(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("ask what uses credential %q: %w", id, err)
	}
	return users, nil
}

// Remove deletes a credential, damaged or not. One in use is kept: the error is
// ErrInUse and names what uses it. What begins to use it at the same moment is
// for the host to hold back.
func (v *Vault) Remove(ctx context.Context, id, by string) error {
	if err := checkActor(by); err != nil {
		return fmt.Errorf("remove credential %q: %w", id, err)
	}
	users, err := v.Users(ctx, id)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return fmt.Errorf("remove credential %q: %w by %s", id, ErrInUse, strings.Join(users, ", "))
	}
	entry := Entry{ID: id}
	err = v.retry(func() error {
		s, err := v.opt.Keeper.GetSealed(ctx, id)
		if err != nil {
			return err
		}
		if rec, err := parseRecord(s); err == nil {
			entry = rec.Entry
		}
		return v.opt.Keeper.DeleteSealed(ctx, id, s.Revision)
	})
	if err != nil {
		return fmt.Errorf("remove credential %q: %w", id, err)
	}
	v.tell(ctx, entry, Change{At: v.now(), By: by, What: "removed", Times: 1})
	return nil
}

// A Rekeyed counts what Rekey did.
type Rekeyed struct {
	Moved   int // sealed anew under the vault's key
	Already int // under that key before
	Failed  int // left as they were; the error names each
}

// Rekey seals every credential that is under another key anew, under a new data
// key and the vault's Key. Each is moved whole or not at all. It goes on past
// one that fails, and may be stopped and called again: what was moved stays
// moved. Once an error-free call has ended, no OldKeys are needed. Runs that use
// a credential meanwhile do not notice.
func (v *Vault) Rekey(ctx context.Context, by string) (Rekeyed, error) {
	var done Rekeyed
	if err := checkActor(by); err != nil {
		return done, fmt.Errorf("re-key: %w", err)
	}
	records, err := v.opt.Keeper.ListSealed(ctx)
	if err != nil {
		return done, fmt.Errorf("re-key: list credentials: %w", err)
	}
	var errs []error
	for _, s := range records {
		if err := ctx.Err(); err != nil {
			return done, errors.Join(append(errs, fmt.Errorf("re-key: stopped before %q: %w", s.ID, err))...)
		}
		moved, err := v.rekey(ctx, s.ID, by)
		switch {
		case errors.Is(err, ErrNotFound): // removed meanwhile
		case err != nil:
			done.Failed++
			errs = append(errs, fmt.Errorf("re-key: %w", err))
		case moved:
			done.Moved++
		default:
			done.Already++
		}
	}
	return done, errors.Join(errs...)
}

func (v *Vault) rekey(ctx context.Context, id, by string) (moved bool, err error) {
	_, err = v.update(ctx, id, by, v.get, func(rec *record) (string, error) {
		moved = rec.Entry.KeyID != v.opt.Key.KeyID()
		if !moved {
			return "", nil
		}
		c, err := v.open(ctx, rec, rec.Entry.Binding, nil)
		if err != nil {
			return "", err
		}
		return "sealed under a new key", rec.seal(ctx, v.opt.Key, c)
	})
	return moved, err
}

// enter checks what a person entered and takes over all of it but the secret.
func (r *record) enter(c Credential, b Binding) error {
	if err := checkID(c.ID); err != nil {
		return err
	}
	r.Entry.Binding = b.normal()
	if err := r.Entry.Binding.check(); err != nil {
		return err
	}
	r.Entry.Kind = c.Kind
	if c.Kind == "" {
		r.Entry.Kind = None
	}
	return errors.Join(r.Entry.Details.check(), c.Validate())
}

// sealInto seals c as a new state of the record's secret.
func (v *Vault) sealInto(ctx context.Context, rec *record, c Credential) error {
	rec.State = rand.Text()
	return rec.seal(ctx, v.opt.Key, c)
}

// get reads and parses a record.
func (v *Vault) get(ctx context.Context, id string) (*record, error) {
	s, err := v.opt.Keeper.GetSealed(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("credential %q: %w", id, err)
	}
	if s.ID != id {
		return nil, fmt.Errorf("credential %q: the keeper gave the record of %q", id, s.ID)
	}
	return parseRecord(s)
}

// A getter reads a record that is about to be changed.
type getter func(ctx context.Context, id string) (*record, error)

// getOrAnew returns a getter that answers with an empty record, made by whom, in
// the place of one that does not parse.
func (v *Vault) getOrAnew(by string) getter {
	return func(ctx context.Context, id string) (*record, error) {
		s, err := v.opt.Keeper.GetSealed(ctx, id)
		if err != nil {
			return nil, err
		}
		rec, err := parseRecord(s)
		if err != nil {
			rec = &record{Format: formatVersion, Entry: Entry{ID: id, CreatedAt: v.now(), CreatedBy: by}, revision: s.Revision}
		}
		return rec, nil
	}
}

// open opens a record for a binding. A cache may be nil.
func (v *Vault) open(ctx context.Context, rec *record, b Binding, cache *dataKeyCache) (Credential, error) {
	if err := rec.boundTo(b); err != nil {
		return Credential{}, err
	}
	dataKey, err := cache.unwrap(rec, func() ([]byte, error) { return v.unwrap(ctx, rec) })
	if err != nil {
		return Credential{}, fmt.Errorf("open credential %q: %w", rec.Entry.ID, err)
	}
	defer clear(dataKey)
	return rec.open(dataKey)
}

// boundTo says that the record is for another binding.
func (r *record) boundTo(b Binding) error {
	if r.Entry.Binding.Equal(b) {
		return nil
	}
	return fmt.Errorf("credential %q was entered for %s, and is asked for by %s: %w", r.Entry.ID, r.Entry.Binding, b.normal(), ErrBound)
}

// unwrap returns the data key of a record.
func (v *Vault) unwrap(ctx context.Context, rec *record) ([]byte, error) {
	for _, key := range append([]KeyWrapper{v.opt.Key}, v.opt.OldKeys...) {
		if key.KeyID() == rec.Entry.KeyID {
			dataKey, err := key.Unwrap(ctx, rec.DataKey)
			if err != nil {
				return nil, fmt.Errorf("key %s: %w", rec.Entry.KeyID, err)
			}
			return dataKey, nil
		}
	}
	return nil, fmt.Errorf("key %s: %w", rec.Entry.KeyID, ErrNoKey)
}

// maxTries is how often a change is made anew on a record that others change at
// the same time.
const maxTries = 10

// retry calls f until it meets no conflict.
func (v *Vault) retry(f func() error) error {
	var err error
	for range maxTries {
		if err = f(); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return err
}

// update reads a record, changes it and keeps it. The change says what it did,
// nothing if the record stays as it is; if others change the record at the same
// time, it is made anew on what they wrote.
func (v *Vault) update(ctx context.Context, id, by string, get getter, change func(*record) (string, error)) (Entry, error) {
	var entry Entry
	var refused error // by the change: final, even if it is a conflict
	err := v.retry(func() error {
		rec, err := get(ctx, id)
		if err != nil {
			return err
		}
		var what string
		if what, refused = change(rec); refused != nil {
			return nil
		}
		if what != "" {
			err = v.put(ctx, rec, what, by)
		}
		entry = rec.Entry
		return err
	})
	if err = errors.Join(err, refused); err != nil {
		return Entry{}, err
	}
	return entry, nil
}

// put keeps a record in the place of the one it was parsed from, with the
// change noted, and tells the host.
func (v *Vault) put(ctx context.Context, rec *record, what, by string) error {
	if err := checkActor(by); err != nil {
		return err
	}
	c := Change{At: v.now(), By: by, What: what, Times: 1}
	rec.Entry.record(c)
	s, err := rec.sealed()
	if err != nil {
		return err
	}
	if err := v.opt.Keeper.PutSealed(ctx, s, rec.revision); err != nil {
		return fmt.Errorf("keep it: %w", err)
	}
	v.tell(ctx, rec.Entry, c)
	return nil
}

func (v *Vault) tell(ctx context.Context, e Entry, c Change) {
	if v.opt.Changed != nil {
		v.opt.Changed(ctx, e, c)
	}
}

func (v *Vault) now() time.Time { return v.opt.Now().UTC().Round(0) }
