package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/report"
)

func (a *app) reportCommand() *cobra.Command {
	var page string
	var runs int
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Say how integrations are doing: their last runs, problems by reason, and ages",
		Long: "Say how integrations are doing: their last runs, problems by reason, and ages; those in trouble come first.\n\n" +
			"With --html, it is one page in a file that needs nothing beside itself. It holds counts and reasons, and no secret.",
		Example: "  vendorsync report\n  vendorsync report --html report.html",
		Args:    cobra.NoArgs,
		RunE: a.in(func(ctx context.Context, s *session, _ []string) error {
			r, err := s.makeReport(ctx, runs)
			if err != nil {
				return err
			}
			switch {
			case page != "":
				if err := writeWhole(page, r); err != nil {
					return err
				}
				s.note("wrote %s", page)
				if s.json {
					return s.writeJSON(r)
				}
				return nil
			case s.json:
				return s.writeJSON(r)
			}
			return r.Text(s.out)
		}),
	}
	cmd.Flags().StringVar(&page, "html", "", "write an HTML page to this file")
	cmd.Flags().IntVarP(&runs, "runs", "n", 30, "how many of the last runs to show of each integration")
	return cmd
}

// makeReport gathers what there is to say of all integrations.
func (s *session) makeReport(ctx context.Context, runs int) (report.Report, error) {
	jobs, err := s.jobs(ctx)
	if err != nil {
		return report.Report{}, err
	}
	opt := report.Options{
		Runs: runs, Registry: s.registry, Missing: s.syncer.Missing, Now: s.now, Zone: s.zone,
		Schedule: func(in syncer.Integration) report.Schedule {
			when := report.Schedule{Text: in.Schedule.For(in.ID).String()}
			if job, ok := jobs[in.ID]; ok {
				when.Due = dueOf(job, s.now())
			}
			return when
		},
	}
	if s.vault != nil {
		if opt.Credentials, err = s.vault.Entries(ctx); err != nil {
			s.note("note: %v", err)
		}
	}
	if opt.Totals, err = report.CountRecords(ctx, s.store); err != nil {
		return report.Report{}, err
	}
	return report.Make(ctx, s.store, opt)
}

// writeWhole writes a page in the place of a file that may be there, all of it or
// nothing.
func writeWhole(name string, r report.Report) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".report-*.html")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the report: %w", errors.Join(err, os.Remove(f.Name())))
		}
	}()
	w := bufio.NewWriter(f)
	if err := errors.Join(r.HTML(w), w.Flush(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
