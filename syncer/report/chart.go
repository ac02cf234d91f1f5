package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/syncer"
)

// A chart is the last runs as bars.
type chart struct {
	ID      string
	Caption string
	Summary string
	Top     string
	From    moment
	To      moment
	Full    bool // the bars fill the width
	Bars    []bar
	Legend  []legend
}

type bar struct {
	Title string
	Kind  string
	X, W  string
	Y, H  string
	Mark  string // where its mark stands; empty for none
	Path  string // of the mark
}

type legend struct{ Kind, Words, Count, Path string }

// The measures of a chart, in its own units.
const (
	chartWidth = 300.0
	chartTop   = 4.0  // room above the highest bar
	chartBase  = 80.0 // where bars stand
	markTop    = 82.0 // where marks begin; they are 8 high
	markSize   = 8.0
	stub       = 1.5  // the height of a run without records
	fewest     = 15   // a chart has room for at least so many runs
	widest     = 12.0 // a bar is no wider
)

// A style is how a status looks: the class gives colour and pattern, the mark a
// shape in a square of 8.
type style struct{ class, mark string }

// look is how a status looks.
func look(s syncer.Status) style {
	switch s {
	case syncer.Succeeded:
		return style{"ok", "M1.5 4.3 3.3 6.1 6.6 2"}
	case syncer.WithProblems:
		return style{"part", "M4 1.2V4.6M4 6.3V6.9"}
	case syncer.Failed:
		return style{"bad", "M1.8 1.8 6.2 6.2M6.2 1.8 1.8 6.2"}
	case syncer.Interrupted:
		return style{"cut", "M2.7 1.6V6.4M5.3 1.6V6.4"}
	case syncer.Empty:
		return style{"none", "M4 1.7A2.3 2.3 0 1 1 3.99 1.7Z"}
	case syncer.Running, syncer.Queued:
		return style{"now", "M2.3 1.5 6.4 4 2.3 6.5Z"}
	case syncer.Cancelled:
	}
	return style{"off", "M1.5 4H6.5"}
}

// chart draws runs, the newest first, from left to right as they were made. It
// is nil for a single run, of which the table says it all.
func (r Report) chart(n int, runs []Run) *chart {
	if len(runs) < 2 {
		return nil
	}
	c := &chart{ID: fmt.Sprintf("chart-%d", n+1), From: r.moment(runs[len(runs)-1].Started), To: r.moment(runs[0].Started)}
	var most int64
	for _, run := range runs {
		most = max(most, run.Counts.Fetched)
	}
	c.Top = counted(most, "record")
	c.Full = len(runs) >= fewest
	slot := chartWidth / float64(max(len(runs), fewest))
	for at, run := range slices.Backward(runs) {
		left := float64(len(runs)-1-at) * slot
		c.Bars = append(c.Bars, r.bar(run, left, slot, most))
	}
	c.Legend = legendOf(runs)
	c.Caption = "The last " + counted(int64(len(runs)), "run")
	parts := make([]string, len(c.Legend))
	for i, l := range c.Legend {
		parts[i] = l.Count + " " + l.Words
	}
	c.Summary = fmt.Sprintf("%s, the oldest on the left: %s. The highest bar is %s.", c.Caption, listed(parts), c.Top)
	return c
}

func (r Report) bar(run Run, left, slot float64, most int64) bar {
	width := min(slot*0.8, widest)
	height := stub
	if most > 0 {
		height = max(stub, (chartBase-chartTop)*float64(run.Counts.Fetched)/float64(most))
	}
	at, s := r.moment(run.Started), look(run.Status)
	b := bar{
		Title: fmt.Sprintf("%s: %s, %s, %s", at.Shown, statusWords(run.Status), counted(run.Counts.Fetched, "record"), took(run.Duration)),
		Kind:  s.class,
		X:     units(left + (slot-width)/2), W: units(width),
		Y: units(chartBase - height), H: units(height),
	}
	if slot >= markSize {
		b.Mark, b.Path = fmt.Sprintf("translate(%s %s)", units(left+(slot-markSize)/2), units(markTop)), s.mark
	}
	return b
}

// legendOf counts runs by status, in the order of the newest of each.
func legendOf(runs []Run) []legend {
	counts := map[string]int64{}
	var order []syncer.Status
	for _, run := range runs {
		if counts[statusWords(run.Status)]++; counts[statusWords(run.Status)] == 1 {
			order = append(order, run.Status)
		}
	}
	out := make([]legend, len(order))
	for i, s := range order {
		out[i] = legend{Kind: look(s).class, Words: statusWords(s), Count: number(counts[statusWords(s)]), Path: look(s).mark}
	}
	return out
}

// units is a measure of a chart, to a hundredth.
func units(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}
