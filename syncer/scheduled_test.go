package syncer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
)

func TestScheduledNamesWhatIsToRun(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.launched(assets("mdm")).sends(`{"id": 1, "serial": "A1"}`)
	in := mdm.kept()
	jobs, err := mdm.syncer().Scheduled().Jobs(t.Context())
	require.NoError(t, err)
	require.Len(t, jobs, 1)
	require.Equal(t, "mdm", jobs[0].ID)
	require.Zero(t, jobs[0].Last)
	require.Equal(t, in.LaunchedAt, jobs[0].Since, "no earlier start counts")
	require.Equal(t, "mdm", jobs[0].Group)

	run := mdm.run()
	weekly, err := schedule.Parse("every 1w at 06:00 on sun")
	require.NoError(t, err)
	mdm.edit(func(in *syncer.Integration) { in.Schedule = weekly })
	jobs, err = mdm.syncer().Scheduled().Jobs(t.Context())
	require.NoError(t, err)
	require.Equal(t, run.Started, jobs[0].Last)
	require.True(t, weekly.Equal(jobs[0].Schedule))
	edits := mdm.kept().Changes
	require.Equal(t, "schedule changed", edits[len(edits)-1].What)
	require.Equal(t, edits[len(edits)-1].At, jobs[0].Since, "an edit makes nothing overdue")

	require.NoError(t, mdm.syncer().Pause(t.Context(), "mdm", "ada"))
	jobs, err = mdm.syncer().Scheduled().Jobs(t.Context())
	require.NoError(t, err)
	require.Empty(t, jobs)
}

func TestScheduledRunsWhatIsDueOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.launched(assets("mdm")).sends(`{"id": 1, "serial": "A1"}`)
	engine := mdm.syncer()
	one, two := engine.Scheduled(), engine.Scheduled()
	due := time.Now()
	require.NoError(t, one.Start(t.Context(), "mdm", due))
	require.ErrorIs(t, two.Start(t.Context(), "mdm", due), schedule.ErrBusy, "another process was faster")
	runs, err := engine.Journal().Runs(t.Context(), syncer.RunQuery{})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	require.Equal(t, "schedule", runs[0].Trigger)
	require.NoError(t, two.Start(t.Context(), "mdm", due.Add(time.Second)), "the next time")
	runs, err = engine.Journal().Runs(t.Context(), syncer.RunQuery{})
	require.NoError(t, err)
	require.Len(t, runs, 2, "the lease was let go")
	require.Error(t, one.Start(t.Context(), "nobody", due))
}

func TestScheduledTakesUpWhatWasCutOff(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mdm := s.launched(assets("mdm")).sendsPages(1, `{"id": 1, "serial": "A1"}`, `{"id": 2, "serial": "A2"}`, `{"id": 3, "serial": "A3"}`)
	cut := mdm.interruptedAfter(1)
	one, two := mdm.syncer().Scheduled(), mdm.syncer().Scheduled()
	for _, source := range []schedule.Source{one, two} {
		jobs, err := source.Jobs(t.Context())
		require.NoError(t, err)
		require.True(t, jobs[0].Interrupted)
	}
	require.NoError(t, one.Start(t.Context(), "mdm", time.Now().Add(time.Minute)))
	require.ErrorIs(t, two.Start(t.Context(), "mdm", time.Now().Add(time.Hour)), schedule.ErrBusy, "there is nothing to take up any more")
	runs, err := s.store.Runs(t.Context(), syncer.RunQuery{})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	require.Equal(t, cut.ID, runs[0].ID)
	require.Equal(t, int64(3), runs[0].Counts.Fetched)
}
