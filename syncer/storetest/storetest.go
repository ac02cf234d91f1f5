package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/vendorsync/vendorsync/syncer"
)

// Run proves a store, one subtest for each rule in a group for each ability. open
// returns a new, empty store; what it takes to close it belongs into t.Cleanup.
// An ability that the store does not have is logged as unsupported, see
// [Unsupported], and so is a rule about two abilities of a store that has one.
func Run(t *testing.T, open func(t testing.TB) syncer.Store) {
	t.Helper()
	for _, part := range parts() {
		t.Run(part.name, func(t *testing.T) {
			if !part.has(open(t)) {
				t.Logf("unsupported: the store is no %s", part.ability)
				return
			}
			for _, r := range part.rules {
				t.Run(r.name, func(t *testing.T) {
					faults, missing := r.violations(t.Context(), open(t))
					for _, fault := range faults {
						t.Errorf("%s: %s", r.sentence, fault)
					}
					if missing != "" {
						t.Logf("unsupported: the store is no %s, with which this rule is tested", missing)
					}
				})
			}
		})
	}
}

// Check proves a store like [Run], without the testing package. open returns a
// new, empty store, which Check closes if it is an io.Closer. The error joins a
// *[Violation] for each fault, and what kept open or Close from working; it is
// nil if the store keeps every rule of every ability it has.
func Check(ctx context.Context, open func() (syncer.Store, error)) error {
	var errs []error
	for _, part := range parts() {
		for _, r := range part.rules {
			errs = append(errs, checkRule(ctx, part, r, open))
		}
	}
	return errors.Join(errs...)
}

func checkRule(ctx context.Context, part part, r rule, open func() (syncer.Store, error)) error {
	store, err := open()
	if err != nil {
		return fmt.Errorf("open a store for %s: %w", r.name, err)
	}
	var errs []error
	if part.has(store) {
		faults, _ := r.violations(ctx, store)
		for _, fault := range faults {
			errs = append(errs, &Violation{Rule: r.name, Sentence: r.sentence, Fault: fault})
		}
	}
	if c, ok := store.(io.Closer); ok {
		if err := c.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close the store after %s: %w", r.name, err))
		}
	}
	return errors.Join(errs...)
}

// Unsupported names the optional abilities that a store does not have, such as
// "LinkScanner". Their rules are not tested.
func Unsupported(s syncer.Store) []string {
	var names []string
	for _, part := range parts() {
		if !part.has(s) {
			names = append(names, part.ability)
		}
	}
	return names
}

// A Violation is a rule that a store does not keep.
type Violation struct {
	Rule     string // the rule's name, which does not change: "lease-busy"
	Sentence string // the rule in words
	Fault    string // what was seen instead
}

// Error returns rule, sentence and fault in one line.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s: %s: %s", v.Rule, v.Sentence, v.Fault)
}

// Rules returns the names of all rules, those of optional abilities included.
func Rules() []string {
	var names []string
	for _, part := range parts() {
		for _, r := range part.rules {
			names = append(names, r.name)
		}
	}
	slices.Sort(names)
	return names
}

// A part is the rules of one ability.
type part struct {
	name    string
	ability string // the interface's name
	has     func(syncer.Store) bool
	rules   []rule
}

func is[Ability any](s syncer.Store) bool {
	_, ok := s.(Ability)
	return ok
}

func parts() []part {
	return []part{
		{"store", "Store", is[syncer.Store], slices.Concat(leaseRules(), batchRules(), unitRules(), valueRules(), matchRules(), linkRules(), referenceRules(), concurrencyRules())},
		{"link-scanner", "LinkScanner", is[syncer.LinkScanner], linkScannerRules()},
		{"key-scanner", "KeyScanner", is[syncer.KeyScanner], keyScannerRules()},
		{"renewer", "Renewer", is[syncer.Renewer], renewerRules()},
		{"schema-editor", "SchemaEditor", is[syncer.SchemaEditor], schemaEditorRules()},
		{"reader", "Reader", is[syncer.Reader], slices.Concat(recordRules(), historyRules())},
		{"journal", "Journal", is[syncer.Journal], journalRules()},
		{"reference-scanner", "ReferenceScanner", is[syncer.ReferenceScanner], referenceScannerRules()},
		{"tracer", "Tracer", is[syncer.Tracer], tracerRules()},
		{"run-reader", "RunReader", is[syncer.RunReader], runReaderRules()},
		{"merger", "Merger", is[syncer.Merger], slices.Concat(mergerRules(), splitRules())},
		{"key-editor", "KeyEditor", is[syncer.KeyEditor], keyEditorRules()},
		{"precedence-keeper", "PrecedenceKeeper", is[syncer.PrecedenceKeeper], precedenceRules()},
	}
}

// A rule is one sentence of the contract with the test of it.
type rule struct {
	name     string
	sentence string
	check    func(p *probe)
}

// violations returns the faults of one store, with a panic as one of them, or the
// name of another ability that the rule's test needs and the store does not have.
func (r rule) violations(ctx context.Context, store syncer.Store) (faults []string, missing string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &probe{ctx: ctx, store: store, now: start}
	defer func() {
		switch caught := recover().(type) {
		case nil, stop:
		case lack:
			missing = string(caught)
		default:
			p.errorf("it panicked: %v", caught)
		}
		faults = p.faults
	}()
	p.readSchema()
	r.check(p)
	return p.faults, ""
}
