package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
	"github.com/vendorsync/vendorsync/syncer/storetest"
)

func ExampleRun() {
	// In a test file of the store's package:
	_ = func(t *testing.T) {
		storetest.Run(t, func(testing.TB) syncer.Store {
			return memory.New(memory.Options{})
		})
	}
	// Output:
}

// A forgetful store loses the checkpoint.
type forgetful struct{ *memory.Store }

func (s forgetful) Begin(ctx context.Context, c syncer.Claim) (syncer.Lease, error) {
	lease, err := s.Store.Begin(ctx, c)
	lease.Checkpoint = nil
	return lease, err
}

func ExampleCheck() {
	err := storetest.Check(context.Background(), func() (syncer.Store, error) {
		return forgetful{memory.New(memory.Options{})}, nil
	})
	var v *storetest.Violation
	if errors.As(err, &v) {
		fmt.Println(v.Rule)
		fmt.Println(v.Fault)
	}
	// Output:
	// lease-apart
	// Lease.Checkpoint is "", not "a after 2"
}

// A plain store has no ability beside what every store must have.
type plain struct{ syncer.Store }

func ExampleUnsupported() {
	for _, ability := range storetest.Unsupported(plain{memory.New(memory.Options{})}) {
		fmt.Println(ability)
	}
	// Output:
	// LinkScanner
	// KeyScanner
	// Renewer
	// SchemaEditor
	// Reader
	// Journal
	// ReferenceScanner
	// Tracer
	// RunReader
	// Merger
	// KeyEditor
	// PrecedenceKeeper
}
