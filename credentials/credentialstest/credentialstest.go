// Package credentialstest checks that a store's [credentials.Keeper] keeps what
// the interface promises, for any store that wants to hold a vault.
//
//	func TestKeeper(t *testing.T) {
//		err := credentialstest.Check(t.Context(), func() (credentials.Keeper, error) { return openEmptyStore(t) })
//		if err != nil {
//			t.Fatal(err)
//		}
//	}
package credentialstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/vendorsync/vendorsync/credentials"
)

// A rule is one promise and what tries it on an empty keeper.
type rule struct {
	name string
	try  func(ctx context.Context, k credentials.Keeper) error
}

var rules = []rule{
	{"an empty keeper has nothing", emptyHasNothing},
	{"a record comes back byte for byte", bytesComeBack},
	{"what a caller does to its bytes later changes nothing", bytesAreCopied},
	{"an empty previous revision makes a record and replaces none", newReplacesNone},
	{"a record is replaced at its revision alone", replacedAtRevision},
	{"a record is deleted at its revision alone", deletedAtRevision},
	{"records are listed by the bytes of their ids", listedByBytes},
	{"of several that write at once one wins", oneWins},
}

// Rules returns the names of all that Check tries, in order.
func Rules() []string {
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.name
	}
	return names
}

// Check tries every rule, each on an empty keeper that open returns, and joins
// all violations. Each names its rule.
func Check(ctx context.Context, open func() (credentials.Keeper, error)) error {
	var errs []error
	for _, r := range rules {
		k, err := open()
		if err == nil {
			err = r.try(ctx, k)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return errors.Join(errs...)
}

func sealed(id, revision string) credentials.Sealed {
	return credentials.Sealed{ID: id, Revision: revision, Data: []byte(id + " at " + revision)}
}

// want says that an error is not the one that a call should return.
func want(call string, err, target error) error {
	if target == nil && err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	if !errors.Is(err, target) {
		return fmt.Errorf("%s: the error is %v, not %v", call, err, target) //nolint:errorlint // It is the wrong error: nobody is to find it.
	}
	return nil
}

// holds says that a keeper does not hold exactly these records, in this order.
func holds(ctx context.Context, k credentials.Keeper, records ...credentials.Sealed) error {
	list, err := k.ListSealed(ctx)
	if err != nil {
		return fmt.Errorf("ListSealed: %w", err)
	}
	if len(list) != len(records) {
		return fmt.Errorf("ListSealed gives %d records, not %d", len(list), len(records))
	}
	for i, r := range records {
		if err := same("ListSealed", list[i], r); err != nil {
			return err
		}
		got, err := k.GetSealed(ctx, r.ID)
		if err != nil {
			return fmt.Errorf("GetSealed %q: %w", r.ID, err)
		}
		if err := same("GetSealed", got, r); err != nil {
			return err
		}
	}
	return nil
}

func same(call string, got, wanted credentials.Sealed) error {
	if got.ID != wanted.ID || got.Revision != wanted.Revision || !bytes.Equal(got.Data, wanted.Data) {
		return fmt.Errorf("%s gives %q at revision %q with %d bytes, not %q at revision %q with %d bytes or not the same ones",
			call, got.ID, got.Revision, len(got.Data), wanted.ID, wanted.Revision, len(wanted.Data))
	}
	return nil
}

func emptyHasNothing(ctx context.Context, k credentials.Keeper) error {
	_, err := k.GetSealed(ctx, "a")
	return errors.Join(
		want("GetSealed", err, credentials.ErrNotFound),
		want("DeleteSealed", k.DeleteSealed(ctx, "a", "r1"), credentials.ErrNotFound),
		holds(ctx, k),
	)
}

func bytesComeBack(ctx context.Context, k credentials.Keeper) error {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	s := sealed("a", "r1")
	s.Data = bytes.Repeat(every, 4096)
	return errors.Join(want("PutSealed", k.PutSealed(ctx, s, ""), nil), holds(ctx, k, s))
}

func bytesAreCopied(ctx context.Context, k credentials.Keeper) error {
	mine := sealed("a", "r1")
	if err := want("PutSealed", k.PutSealed(ctx, mine, ""), nil); err != nil {
		return err
	}
	clear(mine.Data)
	got, err := k.GetSealed(ctx, "a")
	if err != nil {
		return err
	}
	if err := same("GetSealed after the bytes that were put are gone", got, sealed("a", "r1")); err != nil {
		return err
	}
	clear(got.Data)
	list, err := k.ListSealed(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		clear(s.Data)
	}
	return holds(ctx, k, sealed("a", "r1"))
}

func newReplacesNone(ctx context.Context, k credentials.Keeper) error {
	return errors.Join(
		want("PutSealed of a new record in the place of an old one", k.PutSealed(ctx, sealed("a", "r2"), "r1"), credentials.ErrConflict),
		holds(ctx, k),
		want("PutSealed of a new record", k.PutSealed(ctx, sealed("a", "r1"), ""), nil),
		want("PutSealed of a record that is there, as new", k.PutSealed(ctx, sealed("a", "r2"), ""), credentials.ErrConflict),
		holds(ctx, k, sealed("a", "r1")),
	)
}

func replacedAtRevision(ctx context.Context, k credentials.Keeper) error {
	return errors.Join(
		want("PutSealed", k.PutSealed(ctx, sealed("a", "r1"), ""), nil),
		want("PutSealed", k.PutSealed(ctx, sealed("b", "r9"), ""), nil),
		want("PutSealed at the revision of another record", k.PutSealed(ctx, sealed("a", "r2"), "r9"), credentials.ErrConflict),
		holds(ctx, k, sealed("a", "r1"), sealed("b", "r9")),
		want("PutSealed at the revision", k.PutSealed(ctx, sealed("a", "r2"), "r1"), nil),
		want("PutSealed at a revision gone by", k.PutSealed(ctx, sealed("a", "r3"), "r1"), credentials.ErrConflict),
		holds(ctx, k, sealed("a", "r2"), sealed("b", "r9")),
	)
}

func deletedAtRevision(ctx context.Context, k credentials.Keeper) error {
	return errors.Join(
		want("PutSealed", k.PutSealed(ctx, sealed("a", "r1"), ""), nil),
		want("PutSealed", k.PutSealed(ctx, sealed("b", "r1"), ""), nil),
		want("DeleteSealed at another revision", k.DeleteSealed(ctx, "a", "r2"), credentials.ErrConflict),
		holds(ctx, k, sealed("a", "r1"), sealed("b", "r1")),
		want("DeleteSealed at the revision", k.DeleteSealed(ctx, "a", "r1"), nil),
		want("DeleteSealed again", k.DeleteSealed(ctx, "a", "r1"), credentials.ErrNotFound),
		holds(ctx, k, sealed("b", "r1")),
		want("PutSealed at the revision of what was deleted", k.PutSealed(ctx, sealed("a", "r2"), "r1"), credentials.ErrConflict),
		want("PutSealed of a new record", k.PutSealed(ctx, sealed("a", "r2"), ""), nil),
		holds(ctx, k, sealed("a", "r2"), sealed("b", "r1")),
	)
}

func listedByBytes(ctx context.Context, k credentials.Keeper) error {
	order := []string{"-a", ".a", "10", "2", "A", "B", "_a", "a", "a-b", "a.b", "aB", "ab", "b"}
	records := make([]credentials.Sealed, len(order))
	for i := range order {
		put := sealed(order[(i*5)%len(order)], "r1") // 5 and 13 have no common divisor
		if err := want("PutSealed "+put.ID, k.PutSealed(ctx, put, ""), nil); err != nil {
			return err
		}
		records[i] = sealed(order[i], "r1")
	}
	return holds(ctx, k, records...)
}

func oneWins(ctx context.Context, k credentials.Keeper) error {
	const writers = 8
	if err := want("PutSealed", k.PutSealed(ctx, sealed("a", "r"), ""), nil); err != nil {
		return err
	}
	outcomes := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() { outcomes[i] = k.PutSealed(ctx, sealed("a", fmt.Sprintf("r%d", i)), "r") })
	}
	wg.Wait()
	won := -1
	for i, err := range outcomes {
		switch {
		case err == nil && won >= 0:
			return fmt.Errorf("%d and %d both wrote in the place of one revision", won, i)
		case err == nil:
			won = i
		default:
			if err := want("PutSealed of one that lost", err, credentials.ErrConflict); err != nil {
				return err
			}
		}
	}
	if won < 0 {
		return errors.New("none wrote")
	}
	return holds(ctx, k, sealed("a", fmt.Sprintf("r%d", won)))
}
