package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
)

func (a *app) runsCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "runs [ID]",
		Short: "List runs, test runs included, the newest first",
		Args:  cobra.MaximumNArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			q := syncer.RunQuery{Test: true, Limit: limit}
			if len(args) == 1 {
				q.Integration = args[0]
				if _, err := s.integration(ctx, args[0]); err != nil {
					return err
				}
			}
			runs, err := s.store.Runs(ctx, q)
			if err != nil {
				return fmt.Errorf("list runs: %w", err)
			}
			return s.showRuns(runs)
		}),
		ValidArgsFunction: a.completeIDs,
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many runs; 0 for all")
	cmd.AddCommand(a.runsShowCommand(), a.runsPayloadCommand(), a.runsPruneCommand())
	return cmd
}

// showRuns lists runs: as JSON an array, whatever their number.
func (s *session) showRuns(runs []syncer.Run) error {
	if s.json {
		out := s.newArray()
		for _, r := range runs {
			if err := out.add(whole(r)); err != nil {
				return err
			}
		}
		return out.end()
	}
	if len(runs) == 0 {
		s.note("there are no runs yet")
		return nil
	}
	t := newTable("RUN", "INTEGRATION", "STATUS", "STARTED", "TOOK", "RECORDS")
	for _, r := range runs {
		t.add(r.ID, r.Integration, statusOf(r), s.when(r.Started), took(r), counts(r.Counts))
	}
	return s.print(t)
}

// showOutcomes lists runs that have just been made.
func (s *session) showOutcomes(runs ...syncer.Run) error {
	t := newTable("INTEGRATION", "STATUS", "RECORDS", "TOOK", "RUN")
	for _, r := range runs {
		t.add(r.Integration, statusOf(r), counts(r.Counts), took(r), r.ID)
	}
	return s.print(t)
}

// counts is what became of a run's records, without what is zero.
func counts(c syncer.Counts) string {
	text := num(c.Fetched)
	sep := ": "
	for _, p := range []struct {
		n    int64
		what string
	}{{c.Filtered, "filtered"}, {c.Created, "created"}, {c.Updated, "updated"}, {c.Unchanged, "unchanged"}, {c.Skipped, "skipped"}, {c.Failed, "failed"}} {
		if p.n > 0 {
			text += fmt.Sprintf("%s%d %s", sep, p.n, p.what)
			sep = ", "
		}
	}
	return text
}

// statusOf is a run's status in words.
func statusOf(r syncer.Run) string {
	text := strings.ReplaceAll(string(r.Status), "_", " ")
	if r.Test {
		return "test " + text
	}
	return text
}

// took is how long a run lasted.
func took(r syncer.Run) string {
	if r.Finished.IsZero() {
		return ""
	}
	d := r.Finished.Sub(r.Started)
	if d < time.Minute {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func num(n int64) string { return strconv.FormatInt(n, 10) }

// whole returns a run in the form that JSON output promises: no list is null,
// times are UTC.
func whole(r syncer.Run) syncer.Run {
	if r.Effects == nil {
		r.Effects = map[string]syncer.Effects{}
	}
	if r.Problems == nil {
		r.Problems = []syncer.Problem{}
	}
	for _, t := range []*time.Time{&r.Started, &r.Finished, &r.Since, &r.FullRead} {
		if !t.IsZero() {
			*t = t.UTC()
		}
	}
	return r
}

// readingOf says how much of the source a run read, where that is not simply
// everything.
func (s *session) readingOf(r syncer.Run) string {
	switch {
	case !r.Since.IsZero():
		return "what has changed since " + s.when(r.Since) + "; the last full read was on " + s.when(r.FullRead)
	case r.ReadAll != "":
		return "everything: " + r.ReadAll
	}
	return ""
}

// showReading writes how much of the source a run that has just been made read.
func (s *session) showReading(r syncer.Run) error {
	if text := s.readingOf(r); text != "" {
		return s.paragraph("%s read %s.", r.Integration, text)
	}
	return nil
}

// showDetails writes what the line of a run in a table has no room for.
func (s *session) showDetails(r syncer.Run) error {
	if len(r.Effects) > 0 {
		t := newTable("ALSO", "CREATED", "UPDATED", "ARCHIVED", "RESTORED")
		for _, object := range slices.Sorted(maps.Keys(r.Effects)) {
			e := r.Effects[object]
			t.add(object, num(e.Created), num(e.Updated), num(e.Archived), num(e.Restored))
		}
		if err := s.section(t); err != nil {
			return err
		}
	}
	if v := r.Vanished; v != (syncer.Vanished{}) {
		if err := s.paragraph("No longer at the vendor: %d; flagged %d, archived %d, left alone because too many at once %d.", v.Missing, v.Flagged, v.Archived, v.Held); err != nil {
			return err
		}
	}
	if len(r.Problems) > 0 {
		t := newTable("RECORD", "FIELD", "PROBLEM")
		for _, p := range r.Problems {
			t.add(p.Record, p.Field, p.Reason)
		}
		if err := s.section(t); err != nil {
			return err
		}
		if more := r.ProblemCount - int64(len(r.Problems)); more > 0 {
			return s.line("and %d more problems", more)
		}
	}
	return nil
}

func (a *app) runsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show RUN",
		Short: "Show one run: counts, effects, problems, and of a test run what it foretold",
		Args:  cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			r, err := s.findRun(ctx, args[0])
			if err != nil {
				return err
			}
			if s.json {
				return s.runWithRecords(ctx, r)
			}
			return s.showRun(ctx, r)
		}),
	}
}

func (s *session) findRun(ctx context.Context, id string) (syncer.Run, error) {
	r, err := s.store.Run(ctx, id)
	if errors.Is(err, syncer.ErrNotFound) {
		return r, fmt.Errorf("there is no run %q (see `vendorsync runs`)", id)
	}
	return r, err
}

// showRun writes all that is known of a run for people.
func (s *session) showRun(ctx context.Context, r syncer.Run) error {
	facts := newTable("RUN", r.ID)
	facts.add("integration", r.Integration)
	facts.add("status", statusOf(r))
	facts.add("started", s.when(r.Started))
	facts.add("finished", s.when(r.Finished))
	facts.add("asked by", cmp.Or(r.By, r.Trigger))
	facts.add("changes by", r.User)
	facts.add("whole source read", cmp.Or(yes(r.Complete), "no"))
	if text := s.readingOf(r); text != "" {
		facts.add("read", text)
	}
	if r.Resumed > 0 {
		facts.add("resumed", strconv.Itoa(r.Resumed)+" times")
	}
	if r.Error != "" {
		facts.add("error", r.Error)
		facts.add("remedy", r.Remedy)
	}
	c := r.Counts
	facts.add("records", fmt.Sprintf("%d fetched = %d filtered + %d created + %d updated + %d unchanged + %d skipped + %d failed",
		c.Fetched, c.Filtered, c.Created, c.Updated, c.Unchanged, c.Skipped, c.Failed))
	if err := s.print(facts); err != nil {
		return err
	}
	if err := s.showDetails(r); err != nil || !r.Test {
		return err
	}
	in, err := s.store.Integration(ctx, r.Integration)
	if err != nil && !errors.Is(err, syncer.ErrNotFound) {
		return fmt.Errorf("look up %s: %w", r.Integration, err)
	}
	forecast := s.newForecast(in)
	for rec, err := range s.store.Payload(ctx, r.ID) {
		if err != nil {
			return fmt.Errorf("read the payload of run %s: %w", r.ID, err)
		}
		forecast.add(rec)
	}
	return s.showForecast(forecast, r.ID)
}

// runWithRecords writes a run as JSON, a test run with its payload.
func (s *session) runWithRecords(ctx context.Context, r syncer.Run) error {
	if !r.Test {
		return s.writeJSON(whole(r))
	}
	out := s.newRunObject()
	for rec, err := range s.store.Payload(ctx, r.ID) {
		if err != nil {
			return fmt.Errorf("read the payload of run %s: %w", r.ID, err)
		}
		if err := out.add(rec); err != nil {
			return err
		}
	}
	return out.end(r)
}

// A runObject writes a test run as a JSON object whose records come one by one,
// before the rest of it, so that there can be any number.
type runObject struct{ *array }

func (a *app) newRunObject() runObject { return runObject{a.newArray()} }

func (o runObject) add(rec syncer.TestRecord) error { return o.addAny(rec) }

// addAny adds a record of any kind.
func (o runObject) addAny(rec any) error {
	if o.items == 0 {
		if _, err := o.w.WriteString("{\n\"records\": "); err != nil {
			return err
		}
	}
	return o.array.add(rec)
}

// end writes the rest of the object. The records of r itself are left out.
func (o runObject) end(r syncer.Run) error {
	r.Records = nil
	b, err := marshal(whole(r))
	if err != nil {
		return err
	}
	text := "\n],\n"
	if o.items == 0 {
		text = "{\n\"records\": [],\n"
	}
	if _, err := o.w.WriteString(text + strings.TrimPrefix(string(b), "{\n") + "\n"); err != nil {
		return err
	}
	return o.w.Flush()
}

func (a *app) runsPayloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "payload RUN",
		Short: "Write exactly the payload of a test run, as JSON, to copy",
		Args:  cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			r, err := s.findRun(ctx, args[0])
			if err != nil {
				return err
			}
			if !r.Test {
				return fmt.Errorf("run %s is no test run, and only those keep a payload (see `vendorsync test %s`)", r.ID, r.Integration)
			}
			out := s.newArray()
			for rec, err := range s.store.Payload(ctx, r.ID) {
				if err != nil {
					return fmt.Errorf("read the payload of run %s: %w", r.ID, err)
				}
				if err := out.add(rec); err != nil {
					return err
				}
			}
			if int64(out.items) < r.Counts.Fetched {
				s.note("note: of %d records, the first %d are kept", r.Counts.Fetched, out.items)
			}
			return out.end()
		}),
	}
}

func (a *app) runsPruneCommand() *cobra.Command {
	var olderThan string
	var keep int
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove old runs and their payloads; records and their history stay",
		Args:  cobra.NoArgs,
		RunE: a.in(func(ctx context.Context, s *session, _ []string) error {
			age, err := parseAge(olderThan)
			if err != nil {
				return err
			}
			if keep < 0 {
				return usagef("--keep %d is less than nothing", keep)
			}
			n, err := s.store.PruneRuns(ctx, s.now().Add(-age), keep)
			if err != nil {
				return fmt.Errorf("remove old runs: %w", err)
			}
			if s.json {
				return s.writeJSON(map[string]int{"removed": n})
			}
			return s.line("removed %d runs", n)
		}),
	}
	cmd.Flags().StringVar(&olderThan, "older-than", "90d", "remove runs that ended longer ago: 90d, 4w, 12h")
	cmd.Flags().IntVar(&keep, "keep", 10, "how many of the newest runs of each integration stay in any case")
	return cmd
}

// maxAge is the largest age in days, well within what a duration can hold.
const maxAge = 100 * 365

// parseAge reads a duration in days and weeks too.
func parseAge(text string) (time.Duration, error) {
	wrong := usagef("%q is no age such as 90d, 4w or 12h", text)
	for suffix, days := range map[string]int{"d": 1, "w": 7} {
		digits, ok := strings.CutSuffix(text, suffix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 0 || n > maxAge/days {
			return 0, wrong
		}
		return time.Duration(n*days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, wrong
	}
	return d, nil
}

func (a *app) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel RUN",
		Short: "Ask a run to stop, whichever process it runs in; what is written stays",
		Args:  cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			if _, err := s.findRun(ctx, args[0]); err != nil {
				return err
			}
			if err := s.syncer.Cancel(ctx, args[0]); err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(map[string]any{"id": args[0], "cancel_requested": true})
			}
			return s.line("run %s stops after the batch it is at", args[0])
		}),
	}
}

// A forecast is what a test run foretells, the first records of it in a table.
type forecast struct {
	table   *table
	records int
	primary *mapping.Object
	schema  *mapping.Schema
	// filtered counts the records that were left out, by the reason.
	filtered map[string]int
}

// The bounds of what a forecast shows.
const (
	maxForecast = 50 // records
	maxChildren = 4  // changes of the children of each
	maxReasons  = 10 // reasons why records were left out
)

// newForecast shows the records of an integration.
func (s *session) newForecast(in syncer.Integration) *forecast {
	f := &forecast{table: newTable("RECORD", "ACTION", "CHANGE"), schema: s.schema, filtered: map[string]int{}}
	f.primary, _ = s.schema.Object(in.Mapping.Object)
	return f
}

// add adds a record: a line for each of its changes.
func (f *forecast) add(rec syncer.TestRecord) {
	f.records++
	if rec.Action == syncer.ActionFiltered {
		f.filtered[cmp.Or(rec.Reason, "for no reason that is known")]++
	}
	if f.records > maxForecast {
		return
	}
	name, action := rec.Record, string(rec.Action)
	line := func(text string) {
		f.table.add(name, action, text)
		name, action = "", ""
	}
	if rec.Reason != "" {
		line(rec.Reason)
	}
	children := 0
	for i, c := range rec.Changes {
		text := f.change(rec.Changes, i)
		if text == "" {
			continue
		}
		if c.Object != "" {
			children++
		}
		if children <= maxChildren || c.Object == "" {
			line(text)
		}
	}
	if more := children - maxChildren; more > 0 {
		line(fmt.Sprintf("and %d more changes of what belongs to it", more))
	}
	for _, object := range slices.Sorted(maps.Keys(rec.Effects)) {
		if text := effects(rec.Effects[object]); text != "" {
			line(object + ": " + text)
		}
	}
	if name != "" || action != "" {
		line("")
	}
}

// change is one of a record's changes in one line. The record that a reference
// means stands behind its text, and has no line of its own beside it.
func (f *forecast) change(changes []syncer.Difference, i int) string {
	c := changes[i]
	o := f.primary
	if c.Object != "" {
		o, _ = f.schema.Object(c.Object)
	}
	if o == nil || o.Field(c.Field) < 0 {
		return change(c)
	}
	find := func(field string) (syncer.Difference, bool) {
		at := slices.IndexFunc(changes, func(d syncer.Difference) bool { return d.Object == c.Object && d.Field == field })
		if at < 0 {
			return syncer.Difference{}, false
		}
		return changes[at], true
	}
	at := o.Field(c.Field)
	if link := &o.Fields[at]; link.For != "" {
		if _, told := find(link.For); told {
			return ""
		}
		c.Field = link.For
		c.Before, c.After = recordJSON(link, c.Before), recordJSON(link, c.After)
		return change(c)
	}
	text := change(c)
	if link := o.Resolved(at); link >= 0 {
		if d, ok := find(o.Fields[link].Name); ok && !empty(d.After) {
			text += " (" + recordName(&o.Fields[link], jsonText(d.After)) + ")"
		}
	}
	return text
}

// recordName is a record of the object that a link points to: user 12. A run that
// names one in words, because it makes it, is taken at its word.
func recordName(link *mapping.Field, id string) string {
	if strings.HasPrefix(id, "the record of ") {
		return id
	}
	return strings.TrimSuffix(link.Object, "s") + " " + strings.TrimPrefix(id, "record ")
}

// recordJSON is the same as JSON.
func recordJSON(link *mapping.Field, id json.RawMessage) json.RawMessage {
	if empty(id) {
		return id
	}
	return json.RawMessage(recordName(link, jsonText(id)))
}

// change is a difference in one line.
func change(d syncer.Difference) string {
	field := d.Field
	if d.Object != "" {
		field = d.Object + "." + field
	}
	if empty(d.Before) {
		return field + " = " + string(d.After)
	}
	return field + ": " + string(d.Before) + " → " + cmp.Or(string(d.After), "null")
}

func empty(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// effects is what came of companions and children in one line.
func effects(e syncer.Effects) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{{e.Created, "created"}, {e.Updated, "updated"}, {e.Archived, "archived"}, {e.Restored, "restored"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

func (s *session) showForecast(f *forecast, run string) error {
	if f.records == 0 {
		return nil
	}
	if err := s.section(f.table); err != nil {
		return err
	}
	if more := f.records - maxForecast; more > 0 {
		if err := s.line("and %d more records (see `vendorsync runs payload %s`)", more, run); err != nil {
			return err
		}
	}
	return s.showFiltered(f)
}

// showFiltered says why records were left out, the most frequent reasons first.
func (s *session) showFiltered(f *forecast) error {
	reasons := slices.SortedFunc(maps.Keys(f.filtered), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.filtered[b], f.filtered[a]), cmp.Compare(a, b))
	})
	t := newTable("FILTERED BECAUSE", "RECORDS")
	for _, reason := range reasons[:min(len(reasons), maxReasons)] {
		t.add(reason, strconv.Itoa(f.filtered[reason]))
	}
	if err := s.section(t); err != nil {
		return err
	}
	if more := len(reasons) - maxReasons; more > 0 {
		return s.line("and %d more reasons", more)
	}
	return nil
}
