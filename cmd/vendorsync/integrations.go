package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/syncer"
)

// An integrationView is an integration as commands show it.
type integrationView struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Vendor    string        `json:"vendor"`
	Connector string        `json:"connector"`
	Stream    string        `json:"stream"`
	Object    string        `json:"object"`
	Policy    syncer.Policy `json:"policy"`
	User      string        `json:"integration_user"`
	State     syncer.State  `json:"state"`
	Missing   []string      `json:"missing"`
	LastRun   *syncer.Run   `json:"last_run"` // null before the first one
}

// view gathers what is known of an integration.
func (s *session) view(ctx context.Context, in syncer.Integration) (integrationView, error) {
	v := integrationView{
		ID: in.ID, Name: in.Name, Vendor: in.Connector, Connector: in.Connector, Stream: in.Stream,
		Object: in.Mapping.Object, Policy: in.Policy, User: in.User, State: in.State, Missing: []string{},
	}
	if c, err := s.registry.Get(in.Connector); err == nil {
		v.Vendor = c.Spec().Vendor
	}
	if in.State != syncer.Archived {
		missing, err := s.syncer.Missing(ctx, in.ID)
		if err != nil {
			return v, err
		}
		v.Missing = append(v.Missing, missing...)
	}
	runs, err := s.store.Runs(ctx, syncer.RunQuery{Integration: in.ID, Limit: 1})
	if err != nil {
		return v, fmt.Errorf("list runs: %w", err)
	}
	if len(runs) > 0 {
		last := whole(runs[0])
		v.LastRun = &last
	}
	return v, nil
}

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List integrations: vendor, object, status, last run and result, what is missing",
		Args:  cobra.NoArgs,
		RunE: a.in(func(ctx context.Context, s *session, _ []string) error {
			all, err := s.store.Integrations(ctx)
			if err != nil {
				return fmt.Errorf("list integrations: %w", err)
			}
			views := make([]integrationView, len(all))
			for i, in := range all {
				if views[i], err = s.view(ctx, in); err != nil {
					return err
				}
			}
			if s.json {
				return s.writeJSON(views)
			}
			return s.showList(views)
		}),
	}
}

func (s *session) showList(views []integrationView) error {
	if len(views) == 0 {
		s.note("there are no integrations yet (see `vendorsync catalog` and `vendorsync add`)")
		return nil
	}
	t := newTable("ID", "NAME", "VENDOR", "OBJECT", "STATUS", "LAST RUN", "RESULT", "MISSING")
	for _, v := range views {
		last, result := "never", ""
		if v.LastRun != nil {
			last, result = s.when(v.LastRun.Started), statusOf(*v.LastRun)+", "+counts(v.LastRun.Counts)
		}
		t.add(v.ID, v.Name, v.Vendor, v.Object, string(v.State), last, result, strings.Join(v.Missing, "; "))
	}
	return s.print(t)
}

func (a *app) missingCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "missing ID",
		Short: "Say what an integration lacks before it can be launched",
		Args:  cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			in, err := s.integration(ctx, args[0])
			if err != nil {
				return err
			}
			return s.showMissing(ctx, in)
		}),
		ValidArgsFunction: a.completeIDs,
	}
}

func (s *session) showMissing(ctx context.Context, in syncer.Integration) error {
	missing, err := s.syncer.Missing(ctx, in.ID)
	if err != nil {
		return err
	}
	if s.json {
		return s.writeJSON(map[string]any{"id": in.ID, "state": in.State, "missing": append([]string{}, missing...)})
	}
	if len(missing) == 0 {
		return s.line("%s lacks nothing and is %s", in.ID, stateWords(in.State))
	}
	for _, m := range missing {
		if err := s.line("%s", m); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) launchCommand() *cobra.Command {
	return a.moveCommand("launch ID", "Make a draft or a paused integration active", (*syncer.Syncer).Launch)
}

func (a *app) pauseCommand() *cobra.Command {
	return a.moveCommand("pause ID", "Hold an active integration back until it is launched again", (*syncer.Syncer).Pause)
}

func (a *app) archiveCommand() *cobra.Command {
	return a.moveCommand("archive ID", "Put an integration away for good; its records, links, runs and history stay", (*syncer.Syncer).Archive)
}

// moveCommand takes an integration to another state of its life.
func (a *app) moveCommand(use, short string, move func(*syncer.Syncer, context.Context, string, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			id := args[0]
			if _, err := s.integration(ctx, id); err != nil {
				return err
			}
			err := move(s.syncer, ctx, id, s.person())
			var missing *syncer.MissingError
			if errors.As(err, &missing) {
				s.explainState(&syncer.StateError{Integration: id, State: syncer.Draft, Missing: missing.Missing})
				return errReported
			}
			if err != nil {
				return err
			}
			in, err := s.integration(ctx, id)
			if err != nil {
				return err
			}
			return s.showState(ctx, in)
		}),
		ValidArgsFunction: a.completeIDs,
	}
}

// showState writes what became of an integration.
func (s *session) showState(ctx context.Context, in syncer.Integration) error {
	if !s.json {
		return s.line("%s is %s", in.ID, stateWords(in.State))
	}
	v, err := s.view(ctx, in)
	if err != nil {
		return err
	}
	return s.writeJSON(v)
}
