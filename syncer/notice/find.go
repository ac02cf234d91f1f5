package notice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
)

// The subjects of which one can be in trouble at a time.
const (
	runsOf  = "runs/"       // an integration's runs
	startOf = "start/"      // an integration's next start
	entryOf = "credential/" // a credential
)

// A look is what was found in one Check, by subject.
type look struct {
	w    *Watcher
	now  time.Time
	kept map[string][]byte
	all  map[string]*finding
}

// look finds what is wrong, and of what is kept what is not wrong any more. What
// cannot be looked at is not among it.
func (w *Watcher) look(ctx context.Context, kept map[string][]byte) (map[string]*finding, error) {
	l := &look{w: w, now: w.opt.Now(), kept: kept, all: map[string]*finding{}}
	integrations, err := w.journal.Integrations(ctx)
	if err != nil {
		return l.all, fmt.Errorf("read the integrations: %w", err)
	}
	errs := []error{l.runs(ctx, integrations)}
	if w.opt.Late != nil {
		errs = append(errs, l.starts(ctx, integrations))
	}
	if w.opt.Credentials != nil {
		errs = append(errs, l.credentials(ctx, integrations))
	}
	return l.all, errors.Join(errs...)
}

// fine says that nothing is wrong with a subject, and why.
func fine(why string) *finding { return &finding{notice: Notice{What: why}} }

// others ends the troubles of a group whose subjects are none of those seen.
func (l *look) others(group string, seen func(id string) bool, why string) {
	for subject := range l.kept {
		if id, ok := strings.CutPrefix(subject, group); ok && !seen(id) {
			l.all[subject] = fine(why)
		}
	}
}

// recent is how many runs of an integration are looked at.
const recent = 10

// runs looks at the last runs of each integration.
func (l *look) runs(ctx context.Context, integrations []syncer.Integration) error {
	var errs []error
	for _, in := range integrations {
		if in.State != syncer.Active {
			continue
		}
		runs, err := l.w.journal.Runs(ctx, syncer.RunQuery{Integration: in.ID, Limit: recent})
		if err != nil {
			errs = append(errs, fmt.Errorf("read the runs of %q: %w", in.ID, err))
			continue
		}
		if f := l.judge(in, runs); f != nil {
			l.all[runsOf+in.ID] = f
		}
	}
	l.inactive(runsOf, integrations)
	return errors.Join(errs...)
}

// inactive ends the troubles of integrations that do not run any more.
func (l *look) inactive(group string, integrations []syncer.Integration) {
	for _, in := range integrations {
		subject := group + in.ID
		if _, kept := l.kept[subject]; kept && in.State != syncer.Active {
			l.all[subject] = fine(fmt.Sprintf("the integration is %s, and not watched any more", in.State))
		}
	}
	l.others(group, func(id string) bool {
		return slices.ContainsFunc(integrations, func(in syncer.Integration) bool { return in.ID == id })
	}, "there is no such integration any more")
}

// judge says what an integration's last runs tell, the newest of them first, and
// nil if they tell nothing: a run that was cancelled, or put back what another
// had done, says nothing of the vendor.
func (l *look) judge(in syncer.Integration, runs []syncer.Run) *finding {
	runs = slices.DeleteFunc(slices.Clone(runs), func(r syncer.Run) bool {
		return r.Test || r.Reverts != "" || r.Status == syncer.Cancelled
	})
	if len(runs) > 0 && !runs[0].Status.Ended() && l.now.Sub(runs[0].Started) >= l.w.opt.Unfinished {
		return l.unfinished(in, runs[0])
	}
	i := slices.IndexFunc(runs, func(r syncer.Run) bool { return r.Status.Ended() })
	if i < 0 {
		return nil
	}
	f := &finding{notice: aboutRun(in, runs[i])}
	switch last := runs[i]; {
	case last.Status == syncer.Failed:
		first := firstFailed(runs[i:])
		f.kind, f.notice = RunFailed, aboutRun(in, first)
		f.notice.Since = ended(first)
		f.notice.What, f.notice.Remedy = cmp.Or(first.Error, "the run failed"), cmp.Or(first.Remedy, "look at the run's problems, and run the integration again")
	case l.w.opt.Problems && last.Status == syncer.WithProblems:
		f.kind, f.notice.Since = RunProblems, ended(last)
		f.notice.What, f.notice.Remedy = problemsOf(last), "look at the run's problems"
	case l.w.opt.Problems && last.Status == syncer.Empty:
		f.kind, f.notice.Since = RunProblems, ended(last)
		f.notice.What, f.notice.Remedy = "the vendor sent no record", "check the settings that say what to read, and the rights of the credential"
	default:
		f.notice.What = fmt.Sprintf("the run that ended %s succeeded", moment(ended(last)))
	}
	f.notice.What = shorten(f.notice.What)
	return f
}

// unfinished tells of a run that takes too long.
func (l *look) unfinished(in syncer.Integration, r syncer.Run) *finding {
	n := aboutRun(in, r)
	n.Since = r.Started
	n.What = fmt.Sprintf("the run that began %s has not come to its end within %s; it is %s", moment(r.Started), hours(l.w.opt.Unfinished), r.Status)
	n.Remedy = "see how far it has come and cancel it if it stands still"
	if r.Status == syncer.Interrupted {
		n.Remedy = "run the integration again: it goes on where the run stopped"
	}
	return &finding{kind: RunUnfinished, notice: n}
}

// firstFailed returns the first of the runs that have failed in a row.
func firstFailed(runs []syncer.Run) syncer.Run {
	first := runs[0]
	for _, r := range runs {
		switch {
		case r.Status == syncer.Failed:
			first = r
		case r.Status.Ended():
			return first
		}
	}
	return first
}

// aboutRun returns what every notice on a run says.
func aboutRun(in syncer.Integration, r syncer.Run) Notice {
	n := about(in)
	n.Run, n.Counts = r.ID, &r.Counts
	return n
}

// about returns what every notice on an integration says.
func about(in syncer.Integration) Notice {
	return Notice{Integration: in.ID, Name: in.Name, Contacts: in.Contacts}
}

// ended returns when a run came to its end.
func ended(r syncer.Run) time.Time {
	if r.Finished.IsZero() {
		return r.Started
	}
	return r.Finished
}

// problemsOf counts a run's problems, and quotes the first.
func problemsOf(r syncer.Run) string {
	text := "the run succeeded, and had a problem"
	if n := max(r.ProblemCount, int64(len(r.Problems))); n != 1 {
		text = fmt.Sprintf("the run succeeded, and had %d problems, the first of them", n)
	}
	if len(r.Problems) == 0 {
		return strings.TrimSuffix(text, ", the first of them")
	}
	p := r.Problems[0]
	parts := slices.DeleteFunc([]string{text, p.Record, p.Field, p.Reason}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// starts looks at what did not start on time.
func (l *look) starts(ctx context.Context, integrations []syncer.Integration) error {
	late, err := l.w.opt.Late(ctx)
	if err != nil {
		return fmt.Errorf("read what did not start on time: %w", err)
	}
	for _, in := range integrations {
		i := slices.IndexFunc(late, func(late Late) bool { return late.Integration == in.ID })
		subject := startOf + in.ID
		_, kept := l.kept[subject]
		switch {
		case in.State != syncer.Active:
		case i >= 0:
			n := about(in)
			n.Since, n.What = late[i].Due, fmt.Sprintf("a run was due %s and has not started", moment(late[i].Due))
			if late[i].Why != "" {
				n.What += ": " + late[i].Why
			}
			n.What, n.Remedy = shorten(n.What), cmp.Or(late[i].Remedy, "see that the server runs and has room for one more run")
			l.all[subject] = &finding{kind: RunLate, notice: n}
		case kept:
			l.all[subject] = fine("no run of it is late any more")
		}
	}
	l.inactive(startOf, integrations)
	return nil
}

// credentials looks at what has expired or is about to.
func (l *look) credentials(ctx context.Context, integrations []syncer.Integration) error {
	entries, err := l.w.opt.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("read the credentials: %w", err)
	}
	for _, e := range entries {
		subject := entryOf + e.ID
		_, kept := l.kept[subject]
		users := usersOf(e.ID, integrations)
		switch warns := e.Warns(l.now); {
		case warns && len(users) > 0:
			l.all[subject] = expiring(e, users, l.now)
		case kept && warns:
			l.all[subject] = fine("no active integration uses the credential any more")
		case kept:
			l.all[subject] = fine("the credential has a new secret, or another day on which it expires")
		}
	}
	l.others(entryOf, func(id string) bool {
		return slices.ContainsFunc(entries, func(e credentials.Entry) bool { return e.ID == id })
	}, "there is no such credential any more")
	return nil
}

// usersOf returns the active integrations that use a credential.
func usersOf(id string, integrations []syncer.Integration) []syncer.Integration {
	return slices.DeleteFunc(slices.Clone(integrations), func(in syncer.Integration) bool {
		return in.Credential != id || in.State != syncer.Active
	})
}

// expiring tells of a credential to all contacts of those that use it.
func expiring(e credentials.Entry, users []syncer.Integration, now time.Time) *finding {
	f := &finding{kind: CredentialExpires, notice: Notice{Credential: e.ID, Name: e.Name}}
	f.notice.Since = warnedFrom(e)
	if e.Expired(now) {
		f.kind, f.notice.Since = CredentialExpired, e.ExpiresAt
	}
	var names []string
	for _, in := range users {
		names = append(names, in.ID)
		f.notice.Contacts = append(f.notice.Contacts, in.Contacts...)
	}
	f.notice.Contacts = union(f.notice.Contacts, nil)
	warning := strings.TrimSuffix(e.Warning(now), ": "+renewal)
	f.notice.What = shorten(warning + "; it is used by " + strings.Join(names, ", "))
	f.notice.Remedy = renewal
	return f
}

// renewal is what to do about a credential that expires, as its entry says it.
const renewal = "enter a new secret"

// warnedFrom returns when the warning of a credential begins.
func warnedFrom(e credentials.Entry) time.Time {
	return e.ExpiresAt.Add(-cmp.Or(e.WarnBefore, credentials.DefaultWarnBefore))
}

// maxWhat is how many characters of an explanation a notice has at most.
const maxWhat = 1000

// shorten returns an explanation as one line that is not too long.
func shorten(text string) string {
	text = oneLine(text)
	if runes := []rune(text); len(runes) > maxWhat {
		return string(runes[:maxWhat]) + "..."
	}
	return text
}

// hours writes a length of time for people.
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return d.String()
}
