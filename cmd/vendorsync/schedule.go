package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
)

// A scheduleView is when an integration runs.
type scheduleView struct {
	ID       string            `json:"id"`
	State    syncer.State      `json:"state"`
	Schedule schedule.Schedule `json:"schedule"`
	Words    string            `json:"words"` // the same for people
	Last     time.Time         `json:"last,omitzero"`
	Next     []time.Time       `json:"next"` // the next starts; none for one that is not active
}

func (a *app) scheduleCommand() *cobra.Command {
	var count int
	cmd := &cobra.Command{
		Use:   "schedule [ID]",
		Short: "List when integrations run: the next times that `vendorsync serve` starts them",
		Long: "List when integrations run: the next times that `vendorsync serve` starts them.\n\n" +
			"A schedule is changed with `vendorsync edit ID --set schedule=...`: daily (the default, at a quiet time that differs from integration to integration), manual, a line such as \"every 6h not between 08:00 and 18:00\", or its parts.",
		Example: "  vendorsync schedule\n" +
			"  vendorsync schedule laptops -n 10\n" +
			"  vendorsync edit laptops --set schedule=\"every 6h not between 08:00 and 18:00 zone Europe/London\"\n" +
			"  vendorsync edit laptops --set schedule='{cron: \"0 3 * * 1-5\", zone: Europe/London}'",
		Args: cobra.MaximumNArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			views, err := s.schedules(ctx, args, count)
			if err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(views)
			}
			if len(views) == 0 {
				s.note("there are no integrations yet (see `vendorsync catalog` and `vendorsync add`)")
				return nil
			}
			return s.showSchedules(views)
		}),
		ValidArgsFunction: a.completeIDs,
	}
	cmd.Flags().IntVarP(&count, "count", "n", 3, "how many times to list of each, at most 100")
	return cmd
}

// schedules returns when integrations run: one, or all that are not archived.
func (s *session) schedules(ctx context.Context, ids []string, count int) ([]scheduleView, error) {
	if count < 1 || count > 100 {
		return nil, usagef("--count %d is not between 1 and 100", count)
	}
	all, err := s.store.Integrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list integrations: %w", err)
	}
	if len(ids) > 0 {
		in, err := s.integration(ctx, ids[0])
		if err != nil {
			return nil, err
		}
		all = []syncer.Integration{in}
	}
	jobs, err := s.jobs(ctx)
	if err != nil {
		return nil, err
	}
	views := []scheduleView{}
	for _, in := range all {
		if in.State == syncer.Archived && len(ids) == 0 {
			continue
		}
		when := in.Schedule.For(in.ID)
		v := scheduleView{ID: in.ID, State: in.State, Schedule: in.Schedule, Words: when.String(), Next: []time.Time{}}
		if job, ok := jobs[in.ID]; ok {
			v.Last = job.Last
			next := dueOf(job, s.now())
			if next.Before(s.now()) && !next.IsZero() {
				next = s.now() // what is overdue starts at once
			}
			for ; !next.IsZero() && len(v.Next) < count; next = when.Next(next) {
				v.Next = append(v.Next, next)
			}
		}
		views = append(views, v)
	}
	return views, nil
}

// jobs returns what a server would start, by the id of the integration.
func (s *session) jobs(ctx context.Context) (map[string]schedule.Job, error) {
	list, err := s.syncer.Scheduled().Jobs(ctx)
	if err != nil {
		return nil, err
	}
	jobs := make(map[string]schedule.Job, len(list))
	for _, job := range list {
		jobs[job.ID] = job
	}
	return jobs, nil
}

// dueOf returns when a job is to start next, or was to start if it is overdue.
func dueOf(job schedule.Job, now time.Time) time.Time {
	last := job.Last
	if last.Before(job.Since) {
		last = job.Since
	}
	return job.Schedule.Due(last, now)
}

func (s *session) showSchedules(views []scheduleView) error {
	t := newTable("ID", "STATUS", "SCHEDULE", "LAST RUN", "NEXT")
	for _, v := range views {
		last, next := "never", "never"
		if !v.Last.IsZero() {
			last = s.when(v.Last)
		}
		switch {
		case len(v.Next) > 0:
			next = s.when(v.Next[0])
		case v.State != syncer.Active:
			next = ""
		}
		t.add(v.ID, string(v.State), v.Words, last, next)
		for _, at := range v.Next[min(1, len(v.Next)):] {
			t.add("", "", "", "", s.when(at))
		}
	}
	return s.print(t)
}
