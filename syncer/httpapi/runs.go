package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vendorsync/vendorsync/internal/excerpt"
	"github.com/vendorsync/vendorsync/syncer"
)

// The bounds of a page of runs.
const (
	defaultPage = 50
	maxPage     = 200
	// maxLook is how many runs are looked through for where a page begins.
	maxLook = 10_000
)

// allRuns answers GET /api/v1/runs.
func (a *API) allRuns(r *http.Request) (answer, error) {
	return a.runs(r, "")
}

// integrationRuns answers GET /api/v1/integrations/{id}/runs.
func (a *API) integrationRuns(r *http.Request) (answer, error) {
	in, err := a.integration(r)
	if err != nil {
		return answer{}, err
	}
	return a.runs(r, in.ID)
}

// runs answers with a page of runs, of one integration or of all.
func (a *API) runs(r *http.Request, integration string) (answer, error) {
	q, err := pageQuery(r)
	if err != nil {
		return answer{}, err
	}
	runs, more, err := a.page(r.Context(), syncer.RunQuery{Integration: integration, Test: q.test}, q)
	if err != nil {
		return answer{}, err
	}
	list := RunList{Runs: make([]Run, len(runs))}
	for i := range runs {
		list.Runs[i] = runOf(&runs[i])
	}
	if more {
		q.before = runs[len(runs)-1].ID
		list.Next = pathOfRuns(integration) + "?" + q.encode()
	}
	return answer{body: list}, nil
}

func pathOfRuns(integration string) string {
	if integration == "" {
		return "/api/v1/runs"
	}
	return "/api/v1/integrations/" + url.PathEscape(integration) + "/runs"
}

// A page is which part of a list of runs is asked for.
type page struct {
	limit  int
	before string // the id of the run after which it begins, empty for the newest
	test   bool   // with test runs
}

// pageQuery reads a page from a request's query.
func pageQuery(r *http.Request) (page, error) {
	values, err := parameters(r, "limit", "before", "test")
	if err != nil {
		return page{}, err
	}
	q := page{limit: defaultPage, before: values.Get("before")}
	if text := values.Get("limit"); values.Has("limit") {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n < 1 || n > maxPage {
			return page{}, invalid("the limit %q is not a number from 1 to %d", excerpt.Of(text), maxPage).remedy("write ?limit=50, say")
		}
		q.limit = int(n)
	}
	switch text := values.Get("test"); text {
	case "", "false":
	case "true":
		q.test = true
	default:
		return page{}, invalid("test is %q, neither true nor false", excerpt.Of(text)).remedy("write ?test=true to see test runs too")
	}
	return q, nil
}

// encode returns the query that asks for the page.
func (q page) encode() string {
	values := url.Values{"limit": {strconv.Itoa(q.limit)}, "before": {q.before}}
	if q.test {
		values.Set("test", "true")
	}
	return values.Encode()
}

// parameters returns a request's query. One that has anything but the known
// parameters, each once, is a Problem: what is misspelt must not pass for what is
// left out.
func parameters(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("the query cannot be read: %v", err).remedy("write it as in ?limit=50")
	}
	for name, all := range values {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return nil, invalid("there is no parameter %q", excerpt.Of(name)).remedy("leave it out; there are none here")
		case !slices.Contains(known, name):
			return nil, invalid("there is no parameter %q", excerpt.Of(name)).remedy("use " + strings.Join(known, ", "))
		case len(all) > 1:
			return nil, invalid("the parameter %q is there %d times", name, len(all)).remedy("write it once")
		}
	}
	return values, nil
}

// page returns the runs of a page, and whether there are more after them. A
// journal lists the newest runs alone, so the list is asked for again, longer each
// time, until it reaches the page's end.
func (a *API) page(ctx context.Context, q syncer.RunQuery, p page) (runs []syncer.Run, more bool, err error) {
	q.Limit = p.limit + 1
	for {
		all, err := a.journal.Runs(ctx, q)
		if err != nil {
			return nil, false, fmt.Errorf("list the runs: %w", err)
		}
		whole := len(all) < q.Limit
		from := 0
		if p.before != "" {
			from = slices.IndexFunc(all, func(r syncer.Run) bool { return r.ID == p.before }) + 1
		}
		found := p.before == "" || from > 0
		switch rest := all[from:]; {
		case found && len(rest) > p.limit:
			return rest[:p.limit], true, nil
		case found && whole:
			return rest, false, nil
		case whole:
			return nil, false, invalid("there is no run %q in this list", excerpt.Of(p.before)).
				remedy("begin anew without before; old runs are removed after a time")
		case q.Limit >= maxLook:
			return nil, false, newProblem(http.StatusUnprocessableEntity, "too_far", "the list reaches back %d runs at most", maxLook).
				remedy("list the runs of one integration, or look at the store")
		}
		q.Limit = min(4*q.Limit, maxLook)
	}
}

// run returns the run that a request's path names.
func (a *API) run(r *http.Request) (syncer.Run, error) {
	id := r.PathValue("id")
	run, err := a.journal.Run(r.Context(), id)
	switch {
	case errors.Is(err, syncer.ErrNotFound):
		return run, newProblem(http.StatusNotFound, "not_found", "there is no run %q", excerpt.Of(id)).
			remedy("see /api/v1/runs for those that there are; old ones are removed after a time")
	case err != nil:
		return run, fmt.Errorf("read the run: %w", err)
	}
	return run, nil
}

// oneRun answers GET /api/v1/runs/{id}.
func (a *API) oneRun(r *http.Request) (answer, error) {
	if _, err := parameters(r); err != nil {
		return answer{}, err
	}
	run, err := a.run(r)
	if err != nil {
		return answer{}, err
	}
	shown := runOf(&run)
	shown.Problems = run.Problems
	if !run.Status.Ended() {
		if shown.CancelRequested, err = a.journal.CancelRequested(r.Context(), run.ID); err != nil {
			return answer{}, fmt.Errorf("ask whether run %q is to stop: %w", run.ID, err)
		}
	}
	return answer{body: shown}, nil
}

// cancelRun answers POST /api/v1/runs/{id}/cancel.
func (a *API) cancelRun(r *http.Request) (answer, error) {
	if _, err := parameters(r); err != nil {
		return answer{}, err
	}
	run, err := a.run(r)
	if err != nil {
		return answer{}, err
	}
	return a.cancel(r.Context(), &run)
}

// cancel asks a run to stop. To ask again changes nothing.
func (a *API) cancel(ctx context.Context, run *syncer.Run) (answer, error) {
	if run.Status.Ended() {
		return answer{}, ended(run)
	}
	if err := a.opt.Syncer.Cancel(ctx, run.ID); err != nil {
		if now, rerr := a.journal.Run(ctx, run.ID); rerr == nil && now.Status.Ended() { // meanwhile
			return answer{}, ended(&now)
		}
		return answer{}, err
	}
	return a.accepted("cancel", run.Integration, run.ID), nil
}

func ended(run *syncer.Run) *Problem {
	return newProblem(http.StatusConflict, "ended", "run %q has ended already: %s", run.ID, run.Status).
		remedy("there is nothing to do; what it wrote can be put back with `vendorsync revert`")
}
