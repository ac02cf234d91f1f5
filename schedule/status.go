package schedule

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// A Status is what a [Runner] does at a moment.
type Status struct {
	// Running are the jobs that run here, by id.
	Running []RunningJob `json:"running"`
	// Jobs are all jobs of the last list, by id.
	Jobs []JobStatus `json:"jobs"`
	// Polled is when the Source last gave the list of jobs. Zero means never.
	Polled time.Time `json:"polled,omitzero"`
	// PollErr is why it did not since. Nil means that it did.
	PollErr error `json:"-"`
	// PollError is the text of PollErr.
	PollError string `json:"poll_error,omitempty"`
}

// A RunningJob is a job that runs.
type RunningJob struct {
	ID string `json:"id"`
	// Due is when it was due, Since when it started.
	Due   time.Time `json:"due"`
	Since time.Time `json:"since"`
	// Stopping is why it has been asked to stop: "pausing" or "canceled". Empty
	// means that it has not.
	Stopping string `json:"stopping,omitempty"`
}

// A JobStatus is a job as its Runner sees it.
type JobStatus struct {
	ID string `json:"id"`
	// Next is when it starts next, or was due to if it waits for room. Zero means
	// never. For a job that runs it is the start after.
	Next time.Time `json:"next,omitzero"`
	// Late says that it should have started.
	Late bool `json:"late,omitempty"`
	// Failures is how often in a row it has failed without a run that the Source
	// knows of.
	Failures int `json:"failures,omitempty"`
	// Error is the last of these failures.
	Error string `json:"error,omitempty"`
}

// Status returns what the Runner does now.
func (r *Runner) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	s := Status{
		Running: make([]RunningJob, 0, len(r.running)),
		Jobs:    make([]JobStatus, 0, len(r.jobs)),
		Polled:  r.polled,
		PollErr: r.pollErr,
	}
	if r.pollErr != nil {
		s.PollError = r.pollErr.Error()
	}
	for id, run := range r.running {
		s.Running = append(s.Running, RunningJob{ID: id, Due: run.due, Since: run.since, Stopping: run.why()})
	}
	slices.SortFunc(s.Running, func(a, b RunningJob) int { return strings.Compare(a.ID, b.ID) })
	for _, job := range r.jobs {
		s.Jobs = append(s.Jobs, r.jobStatus(job, now))
	}
	return s
}

// why says why a run has been asked to stop.
func (r *run) why() string {
	switch {
	case r.stopping == nil:
		return ""
	case errors.Is(r.stopping, ErrQuiet):
		return "pausing"
	default:
		return "canceled"
	}
}

// jobStatus returns the state of one job.
func (r *Runner) jobStatus(job Job, now time.Time) JobStatus {
	m := r.known[job.ID]
	s := JobStatus{ID: job.ID, Failures: m.failures}
	if m.err != nil {
		s.Error = m.err.Error()
	}
	if run := r.running[job.ID]; run != nil {
		s.Next = job.Schedule.Next(latest(run.since, run.due))
		return s
	}
	s.Next = r.due(job, now)
	s.Late = r.isLate(job, s.Next, now)
	return s
}
