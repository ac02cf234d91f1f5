package main

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/syncer"
)

func (a *app) revertCommand() *cobra.Command {
	var opt syncer.RevertOptions
	cmd := &cobra.Command{
		Use:   "revert RUN",
		Short: "Put back what a run changed, but for what was changed again since",
		Long: "Put back what a run changed, field by field, as a run of its own. What was changed again since stays and is listed; records that the run made are archived.\n" +
			"The integration is paused, since its next run would write the same again; --keep-active leaves it.",
		Args: cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			if _, err := s.findRun(ctx, args[0]); err != nil {
				return err
			}
			return s.revert(ctx, args[0], opt)
		}),
	}
	cmd.Flags().BoolVar(&opt.DryRun, "dry-run", false, "show what would be put back; nothing is written")
	cmd.Flags().BoolVar(&opt.KeepActive, "keep-active", false, "do not pause the integration")
	return cmd
}

func (s *session) revert(ctx context.Context, run string, opt syncer.RevertOptions) error {
	out := s.newRunObject()
	t, shown := newTable("RECORD", "ACTION", "CHANGE"), 0
	opt.By = s.person()
	opt.Record = func(rec syncer.RevertRecord) error {
		if s.json {
			return out.addAny(rec)
		}
		if rec.Action == syncer.ActionUnchanged {
			return nil
		}
		if shown++; shown <= maxForecast {
			addReverted(t, rec)
		}
		return nil
	}
	r, err := s.syncer.Revert(ctx, run, opt)
	if r.ID == "" {
		return err
	}
	s.judge(r)
	if s.json {
		if werr := out.end(r); werr != nil {
			return werr
		}
		return err
	}
	if werr := s.showReverted(t, shown, r); werr != nil {
		return werr
	}
	if err != nil {
		return err
	}
	return s.afterRevert(ctx, r, opt)
}

// addReverted adds a line for each change of a record.
func addReverted(t *table, rec syncer.RevertRecord) {
	name := strings.TrimSpace(rec.Object + " " + rec.ID + " " + parens(rec.Label))
	action := string(rec.Action)
	line := func(text string) {
		t.add(name, action, text)
		name, action = "", ""
	}
	if rec.Op != "" {
		line(opWords[rec.Op])
	}
	for _, c := range rec.Changes {
		line(change(c))
	}
	for _, p := range rec.Problems {
		line("left: " + strings.TrimPrefix(p.Field+": ", ": ") + p.Reason)
	}
	if name != "" || action != "" {
		line("")
	}
}

// opWords says what became of a whole record.
var opWords = map[syncer.Op]string{syncer.Archive: "into the archive", syncer.Restore: "out of the archive"}

func (s *session) showReverted(t *table, shown int, r syncer.Run) error {
	if err := s.showOutcomes(r); err != nil {
		return err
	}
	if err := s.section(t); err != nil {
		return err
	}
	if more := shown - maxForecast; more > 0 {
		if err := s.line("and %d more records", more); err != nil {
			return err
		}
	}
	return s.showDetails(r)
}

// afterRevert says what is next.
func (s *session) afterRevert(ctx context.Context, r syncer.Run, opt syncer.RevertOptions) error {
	in, err := s.integration(ctx, r.Integration)
	switch {
	case err != nil:
		return err
	case opt.DryRun:
		s.note("Nothing was written.")
	case in.State == syncer.Paused:
		s.note("%s is paused: its next run would write again what the vendor says. Correct that, then: vendorsync launch %s", in.ID, in.ID)
	case in.State == syncer.Active:
		s.note("%s is active: its next run writes again what the vendor still says.", in.ID)
	}
	return nil
}

func (a *app) saasCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "saas",
		Short: "Look after the accounts of SaaS applications",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(a.saasCheckCommand())
	return cmd
}

func (a *app) saasCheckCommand() *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:     "check APPLICATION",
		Short:   "Compare accounts with what the application says of them now; nothing is written",
		Long:    "Compare the accounts of an application, named by its name or id, with what the application says of each now: whether it is there, its status, roles and last activity. Nothing is written.",
		Example: "  vendorsync saas check Slack\n  vendorsync saas check Slack --user ada@example.com --json",
		Args:    cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			return s.checkAccounts(ctx, args[0], user)
		}),
	}
	cmd.Flags().StringVar(&user, "user", "", "only the accounts of one person, by e-mail, username, employee id or external id")
	return cmd
}

// An accountsView is a check of accounts as JSON output shows it.
type accountsView struct {
	syncer.AccountSummary
	Accounts []syncer.AccountCheck `json:"accounts"`
}

func (s *session) checkAccounts(ctx context.Context, application, user string) error {
	v := accountsView{Accounts: []syncer.AccountCheck{}}
	t := newTable("ACCOUNT", "PERSON", "STATE", "ASKED", "DIFFERENCE")
	opt := syncer.AccountOptions{User: user, Record: func(c syncer.AccountCheck) error {
		v.Accounts = append(v.Accounts, c)
		addAccount(t, c)
		return nil
	}}
	var err error
	if v.AccountSummary, err = s.syncer.CheckAccounts(ctx, application, opt); err != nil {
		return err
	}
	if v.Failed > 0 {
		s.code = exitRecords
	}
	if s.json {
		return s.writeJSON(v)
	}
	if len(t.rows) > 0 {
		if err := s.print(t); err != nil {
			return err
		}
	}
	return s.lines("", accountsText(v.AccountSummary))
}

func addAccount(t *table, c syncer.AccountCheck) {
	name, state := cmp.Or(c.Username, c.Email, c.ExternalID), string(c.State)
	person, asked := c.User, c.Integration
	line := func(text string) {
		t.add(name, person, state, asked, text)
		name, person, state, asked = "", "", "", ""
	}
	if c.Reason != "" || len(c.Differences) == 0 {
		line(c.Reason)
	}
	for _, d := range c.Differences {
		line(change(d))
	}
}

// accountsText counts what was found.
func accountsText(a syncer.AccountSummary) string {
	text := a.Application + ": " + num(a.Checked) + " checked"
	for _, p := range []struct {
		n    int64
		what string
	}{{a.Same, "as recorded"}, {a.Differs, "different"}, {a.Gone, "gone"}, {a.Unsupported, "that nobody can look at"}, {a.Failed, "failed"}} {
		if p.n > 0 {
			text += ", " + num(p.n) + " " + p.what
		}
	}
	return text
}
