package storetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// ruleOf returns a rule by its name, with its part.
func ruleOf(t *testing.T, name string) (part, rule) {
	t.Helper()
	for _, p := range parts() {
		for _, r := range p.rules {
			if r.name == name {
				return p, r
			}
		}
	}
	require.FailNow(t, "there is no rule "+name)
	return part{}, rule{}
}

// check runs one rule on a store that is spoiled.
func check(t *testing.T, p part, r rule, spoil func(*store)) error {
	t.Helper()
	return checkRule(t.Context(), p, r, func() (syncer.Store, error) {
		s := sound()
		if spoil != nil {
			spoil(s)
		}
		return s, nil
	})
}

func TestEachBrokenStoreIsCaughtByTheNameOfItsRule(t *testing.T) {
	t.Parallel()
	for name, broken := range brokenStores() {
		t.Run("a store that "+name, func(t *testing.T) {
			t.Parallel()
			for _, name := range strings.Fields(broken.rules) {
				p, r := ruleOf(t, name)
				require.NoError(t, check(t, p, r, nil), "the sound store")
				require.Equal(t, []string{name}, violated(t, check(t, p, r, broken.spoil)))
			}
		})
	}
}

func TestCheckJoinsAllViolations(t *testing.T) {
	t.Parallel()
	open := func() (syncer.Store, error) {
		s := sound()
		changing(func(c *syncer.Change) { c.Hidden = nil }, nil)(s)
		reading(func(r *syncer.Record) { r.CreatedAt = r.UpdatedAt })(s)
		return s, nil
	}
	err := Check(t.Context(), open)
	require.Equal(t, []string{"history-hidden", "merge-hidden", "records-times", "run-events-hidden"}, violated(t, err))
	require.ErrorContains(t, err, "history-hidden: hidden columns are marked and masked: ")
}

// bare has no ability but Store. It cannot be closed without an error.
type bare struct{ syncer.Store }

var errOpen = errors.New("it does not close")

func (bare) Close() error { return errOpen }

func TestAnAbilityThatIsNotThereIsNoViolation(t *testing.T) {
	t.Parallel()
	open := func() (syncer.Store, error) { return bare{memory.New(memory.Options{})}, nil }
	s, err := open()
	require.NoError(t, err)
	require.Equal(t, []string{"LinkScanner", "KeyScanner", "Renewer", "SchemaEditor", "Reader", "Journal", "ReferenceScanner", "Tracer", "RunReader", "Merger", "KeyEditor", "PrecedenceKeeper"}, Unsupported(s))
	p, r := ruleOf(t, "scan-keys")
	err = checkRule(t.Context(), p, r, open)
	require.ErrorIs(t, err, errOpen, "Check closes what open has opened")
	var v *Violation
	require.NotErrorAs(t, err, &v)
	p, r = ruleOf(t, "link-one")
	require.NotErrorAs(t, checkRule(t.Context(), p, r, open), &v)
}

// mergerAlone has no ability but Store and Merger, and editorAlone none but Store
// and KeyEditor.
type (
	mergerAlone struct {
		syncer.Store
		syncer.Merger
	}
	editorAlone struct {
		syncer.Store
		syncer.KeyEditor
	}
)

func TestARuleAboutTwoAbilitiesNeedsBoth(t *testing.T) {
	t.Parallel()
	m := memory.New(memory.Options{})
	merger, editor := mergerAlone{m, m}, editorAlone{m, m}
	for name, c := range map[string]struct {
		store   syncer.Store
		missing string
	}{
		"merge-history":  {merger, "Reader"},
		"merge-hidden":   {merger, "Reader"},
		"merge-origin":   {merger, "Tracer"},
		"merge-waiting":  {merger, "ReferenceScanner"},
		"unique-set":     {editor, "SchemaEditor"},
		"unique-cleared": {editor, "SchemaEditor"},
		"unique-refused": {editor, "SchemaEditor"},
		"unique-merged":  {editor, "Merger"},
	} {
		_, r := ruleOf(t, name)
		faults, missing := r.violations(t.Context(), c.store)
		require.Empty(t, faults, name)
		require.Equal(t, c.missing, missing, name)
	}
	for _, p := range parts() {
		if p.name != "merger" {
			continue
		}
		for _, r := range p.rules {
			s := memory.New(memory.Options{})
			faults, _ := r.violations(t.Context(), mergerAlone{s, s})
			require.Empty(t, faults, r.name)
		}
	}
}

func TestCheckTellsThatAStoreDoesNotOpen(t *testing.T) {
	t.Parallel()
	err := Check(t.Context(), func() (syncer.Store, error) { return nil, errOpen })
	require.ErrorIs(t, err, errOpen)
	require.ErrorContains(t, err, "open a store for lease-busy")
}

func TestEachRuleHasAStoreThatBreaksIt(t *testing.T) {
	t.Parallel()
	broken := map[string]bool{}
	for _, b := range brokenStores() {
		for _, name := range strings.Fields(b.rules) {
			broken[name] = true
		}
	}
	for _, name := range Rules() {
		assert.True(t, broken[name], name)
	}
}

func TestRuleNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, name := range Rules() {
		require.Regexp(t, `^[a-z]+(-[a-z]+)*$`, name)
		require.False(t, seen[name], name)
		seen[name] = true
	}
	require.Greater(t, len(seen), 80)
}
