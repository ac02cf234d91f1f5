package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connectors/files"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/httpapi"
	"github.com/vendorsync/vendorsync/syncer/prometheus"
	"github.com/vendorsync/vendorsync/syncer/sqlite"
)

// serve runs the integrations of a store until ctx ends, and answers an HTTP API,
// whose address it writes first.
func serve(ctx context.Context, database, vendor string, out io.Writer) (err error) {
	store, err := sqlite.Open(ctx, database, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	metrics, err := prometheus.New(prometheus.Options{Journal: store})
	if err != nil {
		return err
	}
	s, err := newSyncer(store, vendor, syncer.Options{MeterProvider: metrics.MeterProvider()})
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	runner := schedule.NewRunner(s.Scheduled(), schedule.Options{Logger: logger})
	api, err := httpapi.New(httpapi.Options{Syncer: s, Runner: runner, Metrics: metrics, Logger: logger})
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	answered := make(chan error, 1)
	go func() { answered <- api.Serve(ctx, listener) }()
	return errors.Join(runner.Run(ctx), <-answered)
}

func newSyncer(store *sqlite.Store, vendor string, opt syncer.Options) (*syncer.Syncer, error) {
	registry, err := connector.NewRegistry(files.New(), fleet(vendor))
	if err != nil {
		return nil, err
	}
	opt.Registry = registry
	return syncer.New(store, opt)
}

// fleet is the connector of a vendor of this example's own, page by page.
func fleet(address string) connector.Connector {
	return rest.New(connector.Spec{
		ID: "fleet", Name: "Fleet", Summary: "The devices of a fleet.",
		Streams: []connector.Stream{{Name: "devices", Object: "assets", Key: "id", Complete: true, StableResume: true}},
	}, rest.API{
		Base: address,
		Streams: map[string]rest.Stream{"devices": {
			Path: "/devices", Query: url.Values{}, Records: "devices", PageSize: 100,
			Paging: rest.Cursor{Param: "after", Path: "next", Size: "limit"},
		}},
	})
}

// prepare launches three integrations, an hour ago.
func prepare(ctx context.Context, dir, vendor string) (err error) {
	people, rooms := filepath.Join(dir, "people.csv"), filepath.Join(dir, "stock.csv")
	if err := errors.Join(
		os.WriteFile(people, []byte("id,login,mail\n1,ada,ada@example.com\n2,bob,bob@example.com\n"), 0o600),
		os.WriteFile(rooms, []byte("id,serial,room\n1,S00001,Lab\n2,S99999,Store\n"), 0o600),
	); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "inventory.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	s, err := newSyncer(store, vendor, syncer.Options{Now: func() time.Time { return time.Now().Add(-time.Hour) }})
	if err != nil {
		return err
	}
	minutely, err := schedule.Parse("every 1m")
	if err != nil {
		return err
	}
	halfHourly, err := schedule.New(schedule.Spec{Every: "30m"})
	if err != nil {
		return err
	}
	for _, in := range []syncer.Integration{
		{ID: "fleet", Connector: "fleet", Stream: "devices", Schedule: minutely, Mapping: mapping.Mapping{
			Object: "assets", Key: "id", SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
			Fields: []mapping.FieldMapping{{To: "serial_number", From: "serial"}, {To: "device_name", From: "name"}},
		}},
		{ID: "people", Connector: "files", Stream: "records", Schedule: halfHourly, Settings: connector.Settings{"path": {people}}, Mapping: mapping.Mapping{
			Object: "users", Key: "id", SyncKeys: []mapping.SyncKey{{Field: "username"}},
			Fields: []mapping.FieldMapping{{To: "username", From: "login"}, {To: "email", From: "mail"}, {To: "role", Default: "Employee"}},
		}},
		{ID: "stock", Connector: "files", Stream: "records", Schedule: minutely, Settings: connector.Settings{"path": {rooms}}, Policy: syncer.CreateOnly, Mapping: mapping.Mapping{
			Object: "assets", Key: "id", SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
			Fields: []mapping.FieldMapping{{To: "serial_number", From: "serial"}, {To: "location", From: "room"}},
		}},
	} {
		in.User = "it-sync@example.com"
		if _, err := s.Save(ctx, in, "ada"); err != nil {
			return err
		}
		if err := s.Launch(ctx, in.ID, "ada"); err != nil {
			return err
		}
	}
	return nil
}
