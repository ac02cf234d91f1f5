package httpapi

import (
	"time"

	"github.com/vendorsync/vendorsync/syncer"
)

// An IntegrationList is the answer to GET /api/v1/integrations.
type IntegrationList struct {
	Integrations []Integration `json:"integrations"` // ordered by id
}

// An Integration is what may be seen of a [syncer.Integration], and how it is
// doing.
type Integration struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Connector string       `json:"connector"`
	Stream    string       `json:"stream"`
	Object    string       `json:"object"` // what it feeds, such as assets
	State     syncer.State `json:"state"`
	// Schedule says in a sentence when it runs.
	Schedule string `json:"schedule"`
	// Next is when it runs next, or was due to if it waits for room. It is left out
	// if nobody knows, or never.
	Next time.Time `json:"next,omitzero"`
	// Late says that it should have started.
	Late bool `json:"late,omitempty"`
	// Running says that it runs, here or in another process. One whose process has
	// died counts until its run is taken up.
	Running bool `json:"running"`
	// Stopping is why the run that is under way here has been asked to stop:
	// "pausing" or "canceled".
	Stopping string `json:"stopping,omitempty"`
	// Failures is how often in a row it could not even start a run, StartError why.
	Failures   int    `json:"failures,omitempty"`
	StartError string `json:"start_error,omitempty"`
	// LastRun is the newest run that is no test run. Its problems are left out.
	LastRun *Run `json:"last_run,omitempty"`
	// Missing is what a draft lacks. Only the answer about one integration has it.
	Missing []string `json:"missing,omitempty"`
}

// A RunList is a page of runs, the newest first. Their problems are left out.
type RunList struct {
	Runs []Run `json:"runs"`
	// Next is the path of the page that follows, empty if there is none. It begins
	// with /api, wherever a host has mounted the API.
	Next string `json:"next,omitempty"`
}

// A Run is what may be seen of a [syncer.Run], whose fields say what is what.
type Run struct {
	ID          string        `json:"id"`
	Integration string        `json:"integration"`
	Status      syncer.Status `json:"status"`
	Test        bool          `json:"test,omitempty"`
	Trigger     string        `json:"trigger,omitempty"`
	By          string        `json:"by,omitempty"`
	Started     time.Time     `json:"started"`
	Finished    time.Time     `json:"finished,omitzero"`
	// CancelRequested says that a run that has not ended was asked to stop. Only
	// the answer about one run has it.
	CancelRequested bool                      `json:"cancel_requested,omitempty"`
	Complete        bool                      `json:"complete"`
	Since           time.Time                 `json:"since,omitzero"`
	ReadAll         string                    `json:"read_all,omitempty"`
	Resumed         int                       `json:"resumed,omitempty"`
	Restarts        int                       `json:"restarts,omitempty"`
	Reverts         string                    `json:"reverts,omitempty"`
	WaitedSeconds   float64                   `json:"waited_seconds,omitempty"` // for the vendor's limits
	Counts          syncer.Counts             `json:"counts"`
	Effects         map[string]syncer.Effects `json:"effects,omitempty"`
	Vanished        syncer.Vanished           `json:"vanished"`
	ProblemCount    int64                     `json:"problem_count"`
	Problems        []syncer.Problem          `json:"problems,omitempty"` // the first ones
	Error           string                    `json:"error,omitempty"`
	Remedy          string                    `json:"remedy,omitempty"`
}

// An Accepted is the answer to a POST: what will happen soon.
type Accepted struct {
	Action      string    `json:"action"` // "run" or "cancel"
	Integration string    `json:"integration"`
	Run         string    `json:"run,omitempty"` // the run that is to stop, if it has got an id yet
	At          time.Time `json:"at"`
	// See is the path under which to follow it, the Location header too.
	See string `json:"see"`
}

// A Health is the answer to GET /healthz and GET /readyz.
type Health struct {
	Status string `json:"status"` // "ok", "ready" or "unready"
	// Reason is what makes it unready: "store" or "runner".
	Reason string `json:"reason,omitempty"`
}

// runOf returns what may be seen of a run, without its problems.
func runOf(r *syncer.Run) Run {
	return Run{
		ID: r.ID, Integration: r.Integration, Status: r.Status, Test: r.Test, Trigger: r.Trigger, By: r.By,
		Started: r.Started, Finished: r.Finished, Complete: r.Complete, Since: r.Since, ReadAll: r.ReadAll,
		Resumed: r.Resumed, Restarts: r.Restarts, Reverts: r.Reverts, WaitedSeconds: r.Waited.Seconds(),
		Counts: r.Counts, Effects: r.Effects, Vanished: r.Vanished, ProblemCount: r.ProblemCount,
		Error: r.Error, Remedy: r.Remedy,
	}
}
