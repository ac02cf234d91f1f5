package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/syncer"
)

// readings are the flags that say how much of a source is read.
type readings struct{ changed, full bool }

// addTo adds the flags to a command.
func (r *readings) addTo(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&r.changed, "changed", false, "read what has changed since the last run, if the stream can tell; everything, if there is none to build on")
	cmd.Flags().BoolVar(&r.full, "full", false, "read everything, whatever full_every says")
}

// check refuses flags that contradict each other.
func (r *readings) check() error {
	if r.changed && r.full {
		return errors.New("--changed and --full exclude each other")
	}
	return nil
}

func (r *readings) reading() syncer.Reading {
	switch {
	case r.changed:
		return syncer.ReadChanged
	case r.full:
		return syncer.ReadAll
	}
	return syncer.AsConfigured
}

func (a *app) runCommand() *cobra.Command {
	var all bool
	var read readings
	cmd := &cobra.Command{
		Use:   "run ID...",
		Short: "Sync integrations, one after another",
		Long: "Sync integrations, one after another. A run that was interrupted goes on where it stopped.\n\n" +
			"With --changed, the vendor is asked only for what has changed since the last run. What has vanished, and what\n" +
			"somebody else has changed here, is seen by a full run alone. full_every in the configuration makes it a habit.\n\n" +
			"With --json, one ID gives an object; several, and --all, give an array.",
		Args: func(_ *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("name integrations, or --all for every active one")
			}
			return read.check()
		},
		RunE: a.in(func(ctx context.Context, s *session, ids []string) error {
			s.warnOfEnds(ctx)
			if !all {
				return s.runAll(ctx, ids, len(ids) == 1, read.reading())
			}
			ids, err := s.active(ctx)
			if err != nil {
				return err
			}
			return s.runAll(ctx, ids, false, read.reading())
		}),
		ValidArgsFunction: a.completeIDs,
	}
	cmd.Flags().BoolVar(&all, "all", false, "every active integration")
	read.addTo(cmd)
	return cmd
}

// active returns the ids of the active integrations, and says which are not.
func (s *session) active(ctx context.Context) ([]string, error) {
	all, err := s.store.Integrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list integrations: %w", err)
	}
	var ids []string
	for _, in := range all {
		switch in.State {
		case syncer.Active:
			ids = append(ids, in.ID)
		case syncer.Archived:
		default:
			s.note("note: %s is %s and is left out", in.ID, stateWords(in.State))
		}
	}
	if len(ids) == 0 {
		s.note("no integration is active (see `vendorsync list`)")
	}
	return ids, nil
}

// runAll runs integrations one after another. One that fails does not hinder
// the next.
func (s *session) runAll(ctx context.Context, ids []string, single bool, reading syncer.Reading) error {
	var runs []syncer.Run
	var failed error
	for _, id := range ids {
		r, err := s.runOne(ctx, id, reading)
		if r.ID != "" {
			runs = append(runs, r)
		}
		if err != nil {
			failed = errReported
		}
		if ctx.Err() != nil {
			break
		}
	}
	if err := s.showResults(runs, single); err != nil {
		return err
	}
	return failed
}

// runOne runs one integration and tells a person if that fails.
func (s *session) runOne(ctx context.Context, id string, reading syncer.Reading) (syncer.Run, error) {
	if _, err := s.integration(ctx, id); err != nil {
		s.report(nil, err)
		return syncer.Run{}, err
	}
	r, err := s.syncer.Run(ctx, id, syncer.RunOptions{By: s.person(), Reading: reading})
	s.judge(r)
	var state *syncer.StateError
	switch {
	case err == nil:
	case errors.As(err, &state):
		s.explainState(state)
	case r.Status == syncer.Interrupted:
		s.note("vendorsync: run %s of %s was interrupted after %d records; `vendorsync run %s` goes on from there", r.ID, id, r.Counts.Fetched, id)
	default:
		s.report(nil, fmt.Errorf("run %s: %w", id, err))
	}
	return r, err
}

// judge keeps the worst exit status of what was run.
func (s *session) judge(r syncer.Run) {
	if r.Counts.Failed > 0 {
		s.code = exitRecords
	}
}

// explainState says why an integration does not run and what to do.
func (s *session) explainState(e *syncer.StateError) {
	s.note("vendorsync: %s is %s and does not run", e.Integration, stateWords(e.State))
	if len(e.Missing) > 0 {
		s.note("It lacks:")
		for _, m := range e.Missing {
			s.note("  - %s", m)
		}
	}
	switch {
	case e.State == syncer.Archived:
	case len(e.Missing) > 0:
		s.note("Complete it in %s, then launch it: vendorsync launch %s", s.file.Name, e.Integration)
	default:
		s.note("Launch it: vendorsync launch %s", e.Integration)
	}
}

func stateWords(state syncer.State) string {
	if state == syncer.Draft {
		return "a draft"
	}
	return string(state)
}

// showResults writes what came of runs.
func (s *session) showResults(runs []syncer.Run, single bool) error {
	switch {
	case s.json && single && len(runs) == 0:
		return nil
	case s.json && single:
		return s.writeJSON(whole(runs[0]))
	case s.json:
		return s.showRuns(runs)
	case len(runs) == 0:
		return nil
	}
	if err := s.showOutcomes(runs...); err != nil {
		return err
	}
	for _, r := range runs {
		if err := s.showReading(r); err != nil {
			return err
		}
		if err := s.showDetails(r); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) testCommand() *cobra.Command {
	var sample int
	var all bool
	var read readings
	cmd := &cobra.Command{
		Use:   "test ID",
		Short: "Show what a run would do; nothing is written",
		Long: "Show what a run would do with the first records, with a larger sample, or with all; nothing is written.\n" +
			"A draft can be tested as far as it goes. The payload is kept, see `vendorsync runs payload`.",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case all && cmd.Flags().Changed("sample"):
				return errors.New("--sample and --all exclude each other")
			case sample < 1:
				return fmt.Errorf("--sample %d is no number of records; use --all for all", sample)
			}
			return errors.Join(read.check(), cobra.ExactArgs(1)(cmd, args))
		},
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			if all {
				sample = -1
			}
			return s.test(ctx, args[0], syncer.TestOptions{Sample: sample, Reading: read.reading()})
		}),
		ValidArgsFunction: a.completeIDs,
	}
	cmd.Flags().IntVar(&sample, "sample", syncer.DefaultSample, "how many records to look at")
	cmd.Flags().BoolVar(&all, "all", false, "look at all records")
	read.addTo(cmd)
	return cmd
}

// test makes a test run and writes its forecast.
func (s *session) test(ctx context.Context, id string, opt syncer.TestOptions) error {
	in, err := s.integration(ctx, id)
	if err != nil {
		return err
	}
	out, shown := s.newRunObject(), s.newForecast(in)
	opt.By = s.person()
	opt.Record = func(rec syncer.TestRecord) error {
		if s.json {
			return out.add(rec)
		}
		shown.add(rec)
		return nil
	}
	r, err := s.syncer.TestRun(ctx, id, opt)
	if r.ID == "" {
		return err
	}
	s.judge(r)
	if s.json {
		return errors.Join(err, out.end(r))
	}
	show := func() error {
		if err := s.showOutcomes(r); err != nil {
			return err
		}
		if err := s.showReading(r); err != nil {
			return err
		}
		if err := s.showForecast(shown, r.ID); err != nil {
			return err
		}
		return s.showDetails(r)
	}
	if err := errors.Join(err, show()); err != nil {
		return err
	}
	s.note("This was a test: nothing was written. Its payload: vendorsync runs payload %s", r.ID)
	return nil
}
