package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/vendorsync/vendorsync/syncer"
)

// A progress shows on a terminal how far a run has come. How many records there
// will be is not known, so that it counts and does not fill up.
type progress struct {
	w    io.Writer
	on   bool
	bar  *progressbar.ProgressBar
	last string // the run that the bar is for
}

func newProgress(w io.Writer, on bool) *progress { return &progress{w: w, on: on} }

// show is called by the syncer as a run goes on. The command makes one run at a
// time.
func (p *progress) show(now syncer.Progress) {
	if !p.on {
		return
	}
	if p.last != now.Run {
		p.last = now.Run
		p.bar = progressbar.NewOptions64(-1,
			progressbar.OptionSetWriter(p.w), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSpinnerType(14))
	}
	c := now.Counts
	p.bar.Describe(fmt.Sprintf("%s: %d records, %d created, %d updated, %d failed", now.Integration, c.Fetched, c.Created, c.Updated, c.Failed))
	_ = p.bar.Set64(c.Fetched) // a terminal that cannot be written to is no reason to stop
	if now.Done {
		_ = p.bar.Finish()
	}
}
