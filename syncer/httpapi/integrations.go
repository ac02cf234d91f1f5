package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
)

// listIntegrations answers GET /api/v1/integrations.
func (a *API) listIntegrations(r *http.Request) (answer, error) {
	if _, err := parameters(r); err != nil {
		return answer{}, err
	}
	all, err := a.journal.Integrations(r.Context())
	if err != nil {
		return answer{}, fmt.Errorf("list the integrations: %w", err)
	}
	status := a.opt.Runner.Status()
	list := IntegrationList{Integrations: make([]Integration, 0, len(all))}
	for _, in := range all {
		shown, err := a.show(r.Context(), in, status)
		if err != nil {
			return answer{}, err
		}
		list.Integrations = append(list.Integrations, shown)
	}
	return answer{body: list}, nil
}

// oneIntegration answers GET /api/v1/integrations/{id}.
func (a *API) oneIntegration(r *http.Request) (answer, error) {
	if _, err := parameters(r); err != nil {
		return answer{}, err
	}
	in, err := a.integration(r)
	if err != nil {
		return answer{}, err
	}
	shown, err := a.show(r.Context(), in, a.opt.Runner.Status())
	if err != nil {
		return answer{}, err
	}
	if in.State == syncer.Draft {
		if shown.Missing, err = a.opt.Syncer.Missing(r.Context(), in.ID); err != nil {
			return answer{}, fmt.Errorf("see what integration %q lacks: %w", in.ID, err)
		}
	}
	return answer{body: shown}, nil
}

// integration returns the one that a request's path names.
func (a *API) integration(r *http.Request) (syncer.Integration, error) {
	id := r.PathValue("id")
	in, err := a.journal.Integration(r.Context(), id)
	switch {
	case errors.Is(err, syncer.ErrNotFound):
		return in, newProblem(http.StatusNotFound, "not_found", "there is no integration %q", excerpt.Of(id)).
			remedy("see /api/v1/integrations for those that there are")
	case err != nil:
		return in, fmt.Errorf("read the integration: %w", err)
	}
	return in, nil
}

// show returns what may be seen of an integration.
func (a *API) show(ctx context.Context, in syncer.Integration, status schedule.Status) (Integration, error) {
	shown := Integration{
		ID: in.ID, Name: in.Name, Connector: in.Connector, Stream: in.Stream, Object: in.Mapping.Object, State: in.State,
		Schedule: in.Schedule.For(in.ID).String(),
	}
	last, err := a.lastRun(ctx, in.ID)
	if err != nil {
		return Integration{}, err
	}
	if last != nil {
		run := runOf(last)
		shown.LastRun, shown.Running = &run, underWay(last)
	}
	if i, ok := slices.BinarySearchFunc(status.Jobs, in.ID, func(j schedule.JobStatus, id string) int { return strings.Compare(j.ID, id) }); ok {
		j := status.Jobs[i]
		shown.Next, shown.Late, shown.Failures, shown.StartError = j.Next, j.Late, j.Failures, j.Error
	}
	for _, j := range status.Running {
		if j.ID == in.ID {
			shown.Running, shown.Stopping = true, j.Stopping
		}
	}
	return shown, nil
}

// lastRun returns an integration's newest run that is no test run, nil if there is
// none.
func (a *API) lastRun(ctx context.Context, id string) (*syncer.Run, error) {
	runs, err := a.journal.Runs(ctx, syncer.RunQuery{Integration: id, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("read the last run of integration %q: %w", id, err)
	}
	if len(runs) == 0 {
		return nil, nil
	}
	return &runs[0], nil
}

// underWay reports whether a run runs, as far as the journal knows.
func underWay(r *syncer.Run) bool {
	return r.Status == syncer.Running || r.Status == syncer.Queued
}

// startRun answers POST /api/v1/integrations/{id}/run.
func (a *API) startRun(r *http.Request) (answer, error) {
	if _, err := parameters(r); err != nil {
		return answer{}, err
	}
	in, err := a.integration(r)
	if err != nil {
		return answer{}, err
	}
	if in.State != syncer.Active {
		return answer{}, a.notActive(r.Context(), in)
	}
	last, err := a.lastRun(r.Context(), in.ID)
	if err != nil {
		return answer{}, err
	}
	if last != nil && underWay(last) {
		return answer{}, alreadyRuns(in.ID)
	}
	switch err := a.opt.Runner.Trigger(in.ID); {
	case errors.Is(err, schedule.ErrBusy):
		return answer{}, alreadyRuns(in.ID)
	case errors.Is(err, schedule.ErrUnknown):
		return answer{}, newProblem(http.StatusServiceUnavailable, "not_seen", "the runner has not seen integration %q yet", in.ID).
			remedy("try again in some seconds").header("Retry-After", "10")
	case err != nil:
		return answer{}, fmt.Errorf("start integration %q: %w", in.ID, err)
	}
	return a.accepted("run", in.ID, ""), nil
}

// notActive returns why an integration cannot run.
func (a *API) notActive(ctx context.Context, in syncer.Integration) error {
	p := newProblem(http.StatusConflict, "not_active", "integration %q is not active: it is %s", in.ID, in.State)
	switch in.State {
	case syncer.Draft:
		missing, err := a.opt.Syncer.Missing(ctx, in.ID)
		if err != nil {
			return fmt.Errorf("see what integration %q lacks: %w", in.ID, err)
		}
		p.Reasons = missing
		if len(missing) > 0 {
			return p.remedy("add what is missing, then launch it")
		}
	case syncer.Archived:
		return p.remedy("it was put away for good; make another integration")
	default:
	}
	return p.remedy("launch it")
}

func alreadyRuns(id string) *Problem {
	return newProblem(http.StatusConflict, "busy", "integration %q runs already", id).
		remedy("wait for the end of its run, or cancel it")
}

// cancelIntegration answers POST /api/v1/integrations/{id}/cancel. A run that the
// journal knows stops between two batches, whichever process it runs in; one that
// has not got that far has its context ended.
func (a *API) cancelIntegration(r *http.Request) (answer, error) {
	if _, err := parameters(r); err != nil {
		return answer{}, err
	}
	in, err := a.integration(r)
	if err != nil {
		return answer{}, err
	}
	last, err := a.lastRun(r.Context(), in.ID)
	if err != nil {
		return answer{}, err
	}
	if last != nil && underWay(last) {
		return a.cancel(r.Context(), last)
	}
	switch err := a.opt.Runner.Cancel(in.ID); {
	case errors.Is(err, schedule.ErrUnknown):
		return answer{}, newProblem(http.StatusConflict, "not_running", "integration %q does not run", in.ID).
			remedy("there is nothing to do; to hold it back, pause it")
	case err != nil:
		return answer{}, fmt.Errorf("stop integration %q: %w", in.ID, err)
	}
	return a.accepted("cancel", in.ID, ""), nil
}

// accepted returns the answer to what will happen soon.
func (a *API) accepted(action, integration, run string) answer {
	see := "/api/v1/integrations/" + url.PathEscape(integration)
	if run != "" {
		see = "/api/v1/runs/" + url.PathEscape(run)
	}
	return answer{
		status: http.StatusAccepted, location: see,
		body: Accepted{Action: action, Integration: integration, Run: run, At: a.opt.Now().UTC(), See: see},
	}
}
