package schedule_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/schedule"
)

// noting notes of each start whether somebody asked for it.
type noting struct {
	jobs    []schedule.Job
	started chan string
}

func (n noting) Jobs(context.Context) ([]schedule.Job, error) { return n.jobs, nil }

func (n noting) Start(ctx context.Context, id string, _ time.Time) error {
	if schedule.Asked(ctx) {
		id += " asked"
	}
	n.started <- id
	return nil
}

func TestAStartKnowsWhetherSomebodyAskedForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		manual, err := schedule.Parse("manual")
		require.NoError(t, err)
		n := noting{jobs: []schedule.Job{{ID: "due"}, {ID: "manual", Schedule: manual, Since: time.Now()}}, started: make(chan string, 2)}
		r := schedule.NewRunner(n, schedule.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		require.Equal(t, "due", <-n.started)
		require.NoError(t, r.Trigger("manual"))
		require.Equal(t, "manual asked", <-n.started)
		cancel()
		require.NoError(t, <-done)
	})
	require.False(t, schedule.Asked(t.Context()))
}
