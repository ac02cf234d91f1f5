package config_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

// world is a syncer over an empty store, and the file that it is to follow.
type world struct {
	*testing.T
	s *syncer.Syncer
}

func newWorld(t *testing.T) world {
	t.Helper()
	s, err := syncer.New(memory.New(memory.Options{}), syncer.Options{Registry: registry(t)})
	require.NoError(t, err)
	return world{t, s}
}

func (w world) apply(text string) config.Applied {
	w.Helper()
	done, err := config.Apply(w.Context(), w.s, mustParse(w, text), "ada")
	require.NoError(w, err)
	return done
}

func (w world) state(id string) syncer.State {
	w.Helper()
	in, err := w.s.Journal().Integration(w.Context(), id)
	require.NoError(w, err)
	return in.State
}

const (
	complete = `
  - id: a
    connector: files
    settings: {path: x.csv}
    object: assets
    integration_user: it@example.com
    launch: true
    mapping: {fields: [{to: imei, from: imei}], sync_keys: [imei]}
`
	other = "\n  - {id: b, connector: files}\n"
	list  = "integrations:"
)

func TestApplyLaunchesWhatIsCompleteAndAsksForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, config.Applied{Launched: []string{"a"}}, w.apply(list+complete+other))
	require.Equal(t, syncer.Active, w.state("a"))
	require.Equal(t, syncer.Draft, w.state("b"))
	in, err := w.s.Journal().Integration(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "ada", in.LaunchedBy)
	require.Equal(t, "imei", in.Mapping.SyncKeys[0].Field)
	require.Equal(t, config.Applied{}, w.apply(list+complete+other), "a second time, there is nothing to do")
	again, err := w.s.Journal().Integration(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, in, again)
}

func TestApplyLeavesADraftThatLacksSomething(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Empty(t, w.apply("integrations:\n  - {id: a, connector: files, launch: true}\n"))
	require.Equal(t, syncer.Draft, w.state("a"))
	require.Equal(t, []string{"a"}, w.apply(list+complete).Launched, "once it is complete")
}

func TestApplyPausesWhatTheFileNoLongerNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apply(list + complete + other)
	require.Equal(t, config.Applied{Paused: []string{"a"}}, w.apply(list+" []"))
	require.Equal(t, syncer.Paused, w.state("a"))
	require.Equal(t, syncer.Draft, w.state("b"), "a draft stays a draft")
	require.Equal(t, config.Applied{Launched: []string{"a"}}, w.apply(list+complete), "an entry that comes back is launched again")
	require.Equal(t, syncer.Active, w.state("a"))
}

func TestApplyLeavesWhatAPersonHasDecided(t *testing.T) {
	t.Parallel()
	for name, decide := range map[string]func(context.Context, *syncer.Syncer) error{
		"paused":   func(ctx context.Context, s *syncer.Syncer) error { return s.Pause(ctx, "a", "ada") },
		"archived": func(ctx context.Context, s *syncer.Syncer) error { return s.Archive(ctx, "a", "ada") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.apply(list + complete)
			require.NoError(t, decide(t.Context(), w.s))
			state := w.state("a")
			require.Empty(t, w.apply(list+complete))
			require.Equal(t, state, w.state("a"))
			require.Empty(t, w.apply(list+" []"))
			require.Empty(t, w.apply(list+complete), "nor does taking the entry out and in again change it")
			require.Equal(t, state, w.state("a"))
		})
	}
}

func TestApplyKeepsWhatWasLaunchedByHand(t *testing.T) {
	t.Parallel()
	byHand := "integrations:\n  - {id: a, connector: files, settings: {path: x}, object: assets, integration_user: it, mapping: {fields: [{to: imei, from: imei}], sync_keys: [imei]}}\n"
	w := newWorld(t)
	w.apply(byHand)
	require.NoError(t, w.s.Launch(t.Context(), "a", "ada"))
	require.Empty(t, w.apply(byHand))
	require.Equal(t, syncer.Active, w.state("a"))
	require.Equal(t, []string{"a"}, w.apply(list+" []").Paused)
	require.Empty(t, w.apply(byHand))
	require.Equal(t, syncer.Paused, w.state("a"), "without launch: true it waits for a person")
}

func TestApplyANewNameUnderTheSameIDIsTheSameIntegration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apply("integrations:\n  - {name: Laptops, connector: files}\n")
	before, err := w.s.Journal().Integration(t.Context(), "laptops")
	require.NoError(t, err)
	w.apply("integrations:\n  - {id: laptops, name: Notebooks, connector: files}\n")
	after, err := w.s.Journal().Integration(t.Context(), "laptops")
	require.NoError(t, err)
	require.Equal(t, "Notebooks", after.Name)
	require.Equal(t, before.CreatedAt, after.CreatedAt)
	all, err := w.s.Journal().Integrations(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func TestApplyAddsCustomFieldsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fields := "fields: {assets: [{name: rack, unique: true}], users: [{name: badge}]}\n"
	require.Equal(t, []string{"assets.rack", "users.badge"}, w.apply(fields).Fields)
	require.Empty(t, w.apply(fields))
	schema, err := w.s.Store().Schema(t.Context())
	require.NoError(t, err)
	o, _ := schema.Object("assets")
	f := o.Fields[o.Field("rack")]
	require.True(t, f.Custom && f.Unique)
	require.Equal(t, mapping.Text, f.Type)
}

func TestApplyChangesNothingIfTheFileDoesNotFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apply(list + complete)
	wrong := mustParse(t, "fields: {assets: [{name: rack}]}\nintegrations:\n  - {id: c, connector: files, object: assets, mapping: {fields: [{to: racks, from: a}]}}\n")
	_, err := config.Apply(t.Context(), w.s, wrong, "ada")
	var e *config.Error
	require.ErrorAs(t, err, &e)
	require.ErrorContains(t, err, `vendorsync.yaml:3:71: integrations[0].mapping.fields[0].to: assets have no field "racks"; did you mean "rack"?`)
	require.Equal(t, syncer.Active, w.state("a"))
	_, err = w.s.Journal().Integration(t.Context(), "c")
	require.ErrorIs(t, err, syncer.ErrNotFound)
}

// fixed is a store whose target model cannot grow.
type fixed struct{ syncer.Store }

func TestApplySaysThatAStoreCannotAddFields(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	s, err := syncer.New(fixed{store}, syncer.Options{Registry: registry(t), Journal: store})
	require.NoError(t, err)
	_, err = config.Apply(t.Context(), s, mustParse(t, "fields: {assets: [{name: rack}]}\n"), "ada")
	require.ErrorIs(t, err, connector.ErrUnsupported)
	require.ErrorContains(t, err, "add field assets.rack")
}

func TestApplyDeclaresPrecedenceAndTakesItBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	two := list + complete + "\n  - {id: b, connector: files, object: assets}\n"
	precedence := func() syncer.Precedence {
		p, err := w.s.Precedence(t.Context(), "assets")
		require.NoError(t, err)
		return p
	}
	w.apply("precedence: {assets: {order: [b, a], silent_after: 30d, fields: {assigned_to: [a, b]}}}\n" + two)
	p := precedence()
	require.Equal(t, []string{"b", "a"}, p.Order)
	require.Equal(t, map[string][]string{"assigned_to": {"a", "b"}}, p.Fields)
	require.Equal(t, 30, p.SilentAfter)
	require.Equal(t, "ada", p.UpdatedBy)
	w.apply("precedence: {assets: {order: [b, a], silent_after: 30d, fields: {assigned_to: [a, b]}}}\n" + two)
	require.Equal(t, p, precedence(), "a second time, there is nothing to do")
	w.apply("precedence: {assets: [a, b]}\n" + two)
	require.Equal(t, []string{"a", "b"}, precedence().Order)
	require.Zero(t, precedence().SilentAfter)
	w.apply(two)
	require.Empty(t, precedence().Order)
}

func TestApplySaysThatAJournalCannotKeepPrecedence(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	s, err := syncer.New(store, syncer.Options{Registry: registry(t), Journal: forgetful{store}})
	require.NoError(t, err)
	_, err = config.Apply(t.Context(), s, mustParse(t, list+complete), "ada")
	require.NoError(t, err, "a file without orders asks for nothing")
	_, err = config.Apply(t.Context(), s, mustParse(t, "precedence: {assets: [a]}\n"+list+complete), "ada")
	require.ErrorIs(t, err, connector.ErrUnsupported)
}

// forgetful is a journal that keeps no precedence.
type forgetful struct{ syncer.Journal }

func TestApplyMakesAFieldUniqueAndOrdinaryAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	isUnique := func() bool {
		schema, err := w.s.Store().Schema(t.Context())
		require.NoError(t, err)
		o, _ := schema.Object("assets")
		return o.Fields[o.Field("rack")].Unique
	}
	w.apply("fields: {assets: [{name: rack}]}\n")
	require.False(t, isUnique())
	keyed := list + "\n  - {id: c, connector: files, object: assets, mapping: {fields: {rack: rack}, sync_keys: [rack]}}\n"
	require.Equal(t, []string{"assets.rack"}, w.apply("fields: {assets: [{name: rack, unique: true}]}\n"+keyed).Unique, "and it can be a sync key at once")
	require.True(t, isUnique())
	require.Empty(t, w.apply("fields: {assets: [{name: rack}]}\n").Unique, "a file that says nothing leaves it")
	require.True(t, isUnique())
	require.Equal(t, []string{"assets.rack"}, w.apply("fields: {assets: [{name: rack, unique: false}]}\n").Unique)
	require.False(t, isUnique())
}

func TestApplyListsWhatKeepsAFieldFromBeingUnique(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	s, err := syncer.New(shared{store}, syncer.Options{Registry: registry(t), Journal: store})
	require.NoError(t, err)
	w := world{t, s}
	w.apply("fields: {assets: [{name: rack}]}\n")
	done := w.apply("fields: {assets: [{name: rack, unique: true}]}\n" + list + complete)
	require.Empty(t, done.Unique)
	require.Len(t, done.NotUnique, 1)
	require.Equal(t, []string{"1", "2"}, done.NotUnique[0].Groups[0].IDs)
	require.Equal(t, []string{"a"}, done.Launched, "all else is applied")
}

// shared is a store in which two records have every value.
type shared struct{ *memory.Store }

func (shared) SetUnique(_ context.Context, object, field string, _ bool) error {
	return &syncer.DuplicatesError{Object: object, Field: field, Groups: []syncer.DuplicateGroup{{Value: "R1", IDs: []string{"1", "2"}}}}
}

func TestApplySaysThatAStoreCannotMakeAFieldUnique(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	require.NoError(t, store.AddField(t.Context(), "assets", mapping.Field{Name: "rack", Type: mapping.Text}))
	s, err := syncer.New(fixed{store}, syncer.Options{Registry: registry(t), Journal: store})
	require.NoError(t, err)
	_, err = config.Apply(t.Context(), s, mustParse(t, "fields: {assets: [{name: rack, unique: true}]}\n"), "ada")
	require.ErrorIs(t, err, connector.ErrUnsupported)
	require.ErrorContains(t, err, "make assets.rack unique")
}

// The key that the file names reaches the run: what is loaded is what runs.
func TestALoadedFileRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apply(list + complete)
	run, err := w.s.Run(t.Context(), "a", syncer.RunOptions{})
	require.NoError(t, err)
	require.Equal(t, syncer.Empty, run.Status)
}
