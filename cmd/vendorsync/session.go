package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/metric"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
	"github.com/vendorsync/vendorsync/syncer/memory"
	"github.com/vendorsync/vendorsync/syncer/prometheus"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// A store is what the commands need of one.
type store interface {
	syncer.Store
	syncer.Journal
	syncer.Reader
	syncer.SchemaEditor
}

// A session is a command at work: the file is read, the store open, and the
// syncer in line with the file.
type session struct {
	*app
	file     *config.File
	store    store
	syncer   *syncer.Syncer
	schema   *mapping.Schema
	progress *progress
	vault    *credentials.Vault // nil, with the reason in noVault, if it cannot be opened
	noVault  error
	keyring  syncer.Keyring
	keys     sync.RWMutex         // guards keyring while a server runs
	metrics  *prometheus.Exporter // of a server; nil else
	meters   metric.MeterProvider // its own; nil for none
	status   func() schedule.Status
	close    func() error
}

// in makes a command of what is to be done in a session.
func (a *app) in(do func(ctx context.Context, s *session, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		s, err := a.open(cmd.Context())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		return do(cmd.Context(), s, args)
	}
}

// open reads the file, opens the store and brings the syncer in line.
func (a *app) open(ctx context.Context) (*session, error) {
	f, err := a.load()
	if err != nil {
		return nil, err
	}
	s := &session{app: a, file: f, progress: newProgress(a.err, a.errIsTTY && !a.verbose)}
	if f.Store == config.MemoryStore {
		a.note("note: the store is memory; nothing is kept when this command ends")
	}
	if s.store, s.close, err = a.openStore(ctx, f, a.logger()); err != nil {
		return nil, err
	}
	if err := s.apply(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// openStore opens the store that a configuration file names.
func openStore(ctx context.Context, f *config.File, log *slog.Logger) (store, func() error, error) {
	if f.Store == config.MemoryStore {
		schema, err := mapping.Standard().WithChoices("users", "role", f.Roles)
		if err != nil {
			return nil, nil, usageError{err}
		}
		return memory.New(memory.Options{Schema: schema}), func() error { return nil }, nil
	}
	name := strings.TrimPrefix(f.Store, "sqlite:")
	if !filepath.IsAbs(name) {
		name = filepath.Join(f.Dir, name)
	}
	db, err := sqlite.Open(ctx, name, sqlite.Options{Logger: log, Roles: f.Roles})
	if err != nil {
		return nil, nil, err
	}
	return db, db.Close, nil
}

// apply brings the syncer in line with the file, and says what that changed.
func (s *session) apply(ctx context.Context) error {
	var err error
	s.openVault()
	if err := s.openMetrics(); err != nil {
		return err
	}
	s.syncer, err = syncer.New(s.store, syncer.Options{
		Registry: s.registry, Dir: s.file.Dir, Logger: s.logger(), Progress: s.tell, Now: s.now,
		Credentials: s.credential, Transport: s.transport, MeterProvider: s.meters,
		Limiter: func(in syncer.Integration) func(connector.RateLimit) connector.Limiter {
			return s.limiters.For(in.Connector, cmp.Or(in.Credential, in.ID))
		},
	})
	if err != nil {
		return err
	}
	done, err := config.Apply(ctx, s.syncer, s.file, s.person())
	if err != nil {
		return err
	}
	for _, f := range done.Fields {
		s.note("note: added the field %s", f)
	}
	for _, f := range done.Unique {
		s.note("note: %s is %s now", f, uniqueWords(s.file, f))
	}
	for _, d := range done.NotUnique {
		s.note("note: %v", d)
		s.note("Find out whether they are one with `vendorsync duplicates %s`, and merge those that are.", d.Object)
	}
	for _, id := range done.Launched {
		s.note("note: %s is active now", id)
	}
	for _, id := range done.Paused {
		s.note("note: %s is paused, since %s no longer names it; its records, links and history stay", id, s.file.Name)
	}
	if s.schema, err = s.store.Schema(ctx); err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	return nil
}

// tell shows how far a run has come: on a terminal as it goes, in a server's log
// when it ends.
func (s *session) tell(p syncer.Progress) {
	if !s.serves {
		s.progress.show(p)
		return
	}
	if p.Done {
		c := p.Counts
		s.logger().Info("run ended", "integration", p.Integration, "run", p.Run, "status", p.Status,
			"fetched", c.Fetched, "created", c.Created, "updated", c.Updated, "unchanged", c.Unchanged,
			"filtered", c.Filtered, "skipped", c.Skipped, "failed", c.Failed)
	}
}

// integration returns an integration of the journal.
func (s *session) integration(ctx context.Context, id string) (syncer.Integration, error) {
	in, err := s.store.Integration(ctx, id)
	if errors.Is(err, syncer.ErrNotFound) {
		return in, fmt.Errorf("there is no integration %q (see `vendorsync list`)", id)
	}
	return in, err
}

// object returns an object of the target model.
func (s *session) object(name string) (*mapping.Object, error) {
	if o, ok := s.schema.Object(name); ok {
		return o, nil
	}
	names := make([]string, len(s.schema.Objects))
	for i, o := range s.schema.Objects {
		names[i] = o.Name
	}
	return nil, usagef("there is no object %q; there are %s", name, strings.Join(names, ", "))
}

// uniqueWords says whether the file makes a field unique, or takes that from it.
func uniqueWords(f *config.File, name string) string {
	for _, c := range f.Fields {
		if c.Object+"."+c.Field.Name == name && c.Field.Unique {
			return "unique"
		}
	}
	return "unique no longer"
}
