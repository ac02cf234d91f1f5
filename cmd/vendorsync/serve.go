package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
	"github.com/vendorsync/vendorsync/syncer/httpapi"
	"github.com/vendorsync/vendorsync/syncer/notice"
	"github.com/vendorsync/vendorsync/syncer/prometheus"
)

// Where the token of the HTTP API is.
const (
	tokenVariable     = "VENDORSYNC_TOKEN"
	tokenFileVariable = "VENDORSYNC_TOKEN_FILE"
)

// defaultListen is where the HTTP API listens: on this machine alone.
const defaultListen = "127.0.0.1:8620"

func (a *app) serveCommand() *cobra.Command {
	var opt serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the integrations by their schedules, until it is stopped",
		Long: "Run the active integrations by their schedules, until it is stopped: by SIGTERM or SIGINT, which finishes the batch under way and keeps the place.\n\n" +
			"When an integration ran last is in the store, so that a restart loses no run; several servers may share a store, and an integration runs in one of them at a time. What `vendorsync add`, `edit`, `launch` and `pause` change, and changes of the configuration file, are seen within seconds.\n\n" +
			"The HTTP API shows health (/healthz, /readyz), metrics (/metrics) and integrations (/api/v1/...), and starts and cancels runs. It listens on this machine alone unless " + tokenVariable + " or " + tokenFileVariable + " gives a token of at least 16 characters, which clients then show as a bearer token.\n\n" +
			"People are told of troubles as `notices` in the configuration file says: by a signed webhook, and by mail to the contacts of the integration.",
		Example: "  vendorsync serve\n" +
			"  VENDORSYNC_TOKEN_FILE=/run/secrets/token vendorsync serve --listen :8620",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.errIsTTY = false // no line of progress among those of the log
			a.serves = true
			return a.in(func(ctx context.Context, s *session, _ []string) error { return s.serve(ctx, opt) })(cmd, args)
		},
	}
	cmd.Flags().StringVar(&opt.listen, "listen", defaultListen, "host and port of the HTTP API; none for no API")
	cmd.Flags().IntVar(&opt.concurrency, "concurrency", 4, "how many integrations run at once")
	cmd.Flags().DurationVar(&opt.grace, "grace", 30*time.Second, "how long a stop waits for the batches under way")
	return cmd
}

type serveOptions struct {
	listen      string
	concurrency int
	grace       time.Duration
}

// serve runs integrations, tells people of troubles and answers the HTTP API until
// ctx ends.
func (s *session) serve(ctx context.Context, opt serveOptions) error {
	if s.file.Store == config.MemoryStore {
		return usagef("%s names the store memory, which forgets when each integration ran last; name one that is kept, such as %s", s.file.Name, config.DefaultStore)
	}
	if opt.concurrency < 1 || opt.grace <= 0 {
		return usagef("--concurrency and --grace must be more than 0")
	}
	token, err := s.token()
	if err != nil {
		return err
	}
	runner := schedule.NewRunner(&watched{session: s, source: s.syncer.Scheduled()}, schedule.Options{
		Concurrency: opt.concurrency, Grace: opt.grace, Poll: s.poll, Logger: s.logger(), Now: s.now,
	})
	s.status = runner.Status
	watcher, err := s.watcher(ctx, runner)
	if err != nil {
		return err
	}
	answer, address, err := s.api(ctx, runner, token, opt.listen)
	if err != nil {
		return err
	}
	// If one of them fails, the others are stopped too.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	failures := make(chan error, 2)
	begin := func(work func() error) {
		wg.Go(func() {
			defer stop()
			failures <- work()
		})
	}
	begin(func() error { return runner.Run(ctx) })
	begin(func() error { return answer(ctx) })
	if watcher != nil {
		wg.Go(func() { watcher.Watch(ctx, time.Minute) })
	}
	s.note("serving %d integrations%s; stop with Ctrl-C", len(s.file.Integrations), address)
	wg.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	return err
}

// openMetrics makes what a server measures with.
func (s *session) openMetrics() error {
	if !s.serves {
		return nil
	}
	opt := prometheus.Options{Journal: s.store, Logger: s.logger(), Now: s.now, NextRun: s.nextRun}
	if s.vault != nil {
		opt.Credentials = s.vault.Entries
	}
	var err error
	if s.metrics, err = prometheus.New(opt); err != nil {
		return fmt.Errorf("set up the metrics: %w", err)
	}
	s.meters = s.metrics.MeterProvider()
	return nil
}

// nextRun returns when an integration runs next, as the server sees it.
func (s *session) nextRun(_ context.Context, in syncer.Integration) (time.Time, error) {
	if s.status == nil {
		return time.Time{}, nil
	}
	for _, job := range s.status().Jobs {
		if job.ID == in.ID {
			return job.Next, nil
		}
	}
	return time.Time{}, nil
}

// token returns what clients of the HTTP API show, the zero secret if it asks for
// nothing.
func (s *session) token() (credentials.Secret, error) {
	if text := s.lookup(tokenVariable); text != "" {
		return credentials.NewSecret(text), nil
	}
	name := s.lookup(tokenFileVariable)
	if name == "" {
		return credentials.Secret{}, nil
	}
	text, err := readValue(name)
	if err == nil && text == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return credentials.Secret{}, fmt.Errorf("read the token in %s: %w", name, err)
	}
	return credentials.NewSecret(text), nil
}

// noAPI is the address at which there is no HTTP API.
const noAPI = "none"

// api listens for the HTTP API, and returns what answers until its context ends, and
// where.
func (s *session) api(ctx context.Context, runner *schedule.Runner, token credentials.Secret, listen string) (answer func(context.Context) error, where string, err error) {
	if listen == noAPI {
		return func(ctx context.Context) error { <-ctx.Done(); return nil }, "", nil
	}
	if err := httpapi.CheckAddress(listen, token); err != nil {
		return nil, "", usageError{err}
	}
	api, err := httpapi.New(httpapi.Options{Syncer: s.syncer, Runner: runner, Token: token, Metrics: s.metrics, Logger: s.logger(), Now: s.now})
	if err != nil {
		return nil, "", err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, "", fmt.Errorf("listen for the HTTP API: %w", err)
	}
	return func(ctx context.Context) error { return api.Serve(ctx, l) }, " with an HTTP API on http://" + l.Addr().String(), nil
}

// A watched source reads the configuration file again when it has changed.
type watched struct {
	*session
	source schedule.Source

	changed time.Time // the file that is in force
	told    string    // what was wrong with the file, told once
}

// Jobs returns the active integrations, after what the file says now.
func (w *watched) Jobs(ctx context.Context) ([]schedule.Job, error) {
	if err := w.reload(ctx); err != nil {
		if text := err.Error(); text != w.told {
			w.told = text
			w.logger().ErrorContext(ctx, "the configuration file is left as it was read before", "error", err)
		}
	} else {
		w.told = ""
	}
	return w.source.Jobs(ctx)
}

// Start runs an integration.
func (w *watched) Start(ctx context.Context, id string, due time.Time) error {
	return w.source.Start(ctx, id, due)
}

// reload brings the store in line with the file, if that has changed.
func (w *watched) reload(ctx context.Context) error {
	info, err := os.Stat(w.configFile())
	if err != nil || info.ModTime().Equal(w.changed) {
		return err
	}
	first := w.changed.IsZero()
	w.changed = info.ModTime()
	if first {
		return nil // it was read just now
	}
	f, err := w.load()
	if err != nil {
		return err
	}
	done, err := config.Apply(ctx, w.syncer, f, w.person())
	if err != nil {
		return err
	}
	w.useReferences(f)
	w.logger().InfoContext(ctx, "the configuration file was read again", "launched", done.Launched, "paused", done.Paused, "fields", done.Fields)
	return nil
}

// watcher returns what tells people of troubles, nil if the file says nothing of
// that.
func (s *session) watcher(ctx context.Context, runner *schedule.Runner) (*notice.Watcher, error) {
	notifiers, err := s.notifiers(ctx)
	if err != nil || len(notifiers) == 0 {
		return nil, err
	}
	troubles, ok := s.store.(notice.Troubles)
	if !ok {
		troubles = &notice.Memory{}
	}
	opt := notice.Options{
		Notifiers: notifiers, Troubles: troubles, Problems: s.file.Notices.Problems, Logger: s.logger(), Now: s.now,
		Late: func(context.Context) ([]notice.Late, error) { return lateOnes(runner.Status()), nil },
	}
	if s.vault != nil {
		opt.Credentials = s.vault.Entries
	}
	return notice.New(s.store, opt)
}

// lateOnes returns the integrations whose runs did not start on time.
func lateOnes(status schedule.Status) []notice.Late {
	var late []notice.Late
	for _, job := range status.Jobs {
		if job.Late {
			late = append(late, notice.Late{Integration: job.ID, Due: job.Next, Why: strings.TrimSuffix(job.Error, ".")})
		}
	}
	return late
}

// notifiers are the ways in which people are told.
func (s *session) notifiers(ctx context.Context) (map[string]notice.Notifier, error) {
	ways := map[string]notice.Notifier{}
	if hook := s.file.Notices.Webhook; hook != nil {
		secret, err := s.secret(ctx, "notices.webhook.secret", hook.Secret)
		if err != nil {
			return nil, err
		}
		w, err := notice.NewWebhook(notice.WebhookOptions{URL: hook.URL, Secret: secret, Transport: s.transport, Now: s.now})
		if err != nil {
			return nil, err
		}
		ways["webhook"] = w
	}
	if mail := s.file.Notices.Mail; mail != nil {
		password, err := s.secret(ctx, "notices.mail.password", mail.Password)
		if err != nil {
			return nil, err
		}
		m, err := notice.NewMail(notice.MailOptions{
			Host: mail.Host, Port: mail.Port, Security: notice.Security(cmp.Or(mail.Security, string(notice.StartTLS))),
			Username: mail.Username, Password: password, From: mail.From, To: slices.Clone(mail.To),
		})
		if err != nil {
			return nil, err
		}
		ways["mail"] = m
	}
	return ways, nil
}

// secret returns what a reference of the configuration file stands for, nothing for
// none.
func (s *session) secret(ctx context.Context, name, reference string) (credentials.Secret, error) {
	if reference == "" {
		return credentials.Secret{}, nil
	}
	const value = "token"
	cred, err := s.keyring.Resolver.Resolve(ctx, credentials.Ref{ID: name, Kind: credentials.APIToken, Values: map[string]string{value: reference}})
	return cred.Value(value), err
}
