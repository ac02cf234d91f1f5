package connectortest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
)

// Options say what the suite may expect of a connector. The zero value suits a
// connector that needs no settings and has no records.
type Options struct {
	// Config is what the connector is opened with. Its settings are checked
	// against the Spec first, as a host does.
	Config connector.Config
	// BadSettings are settings that the Spec allows, or does not, and that the
	// connector must refuse with ErrInvalid: a folder that is not there, a URL
	// that is none. Each stands for all settings together.
	BadSettings []connector.Settings
	// Streams are the streams to read. Empty means all of the Spec.
	Streams []string
	// MinRecords is how many records the first MaxPages pages of each stream
	// bring at the least. Most rules see nothing in a stream without records.
	MinRecords int
	// MaxPages bounds each read: the suite breaks it off after so many pages and
	// compares what it has. Defaults to 25.
	MaxPages int
	// Volatile says that the contents of a record may change from one read to
	// the next. The ids and their order may not.
	Volatile bool
	// BadCursor is a cursor that no stream gave. Defaults to "no-such-cursor".
	BadCursor connector.Cursor
	// Since is a moment after which some, but not all, records of each
	// incremental stream have changed. The zero time leaves SinceHonoured out.
	Since time.Time
	// Schema is the target model that the default mappings are for. Nil means
	// [mapping.Standard].
	Schema *mapping.Schema
	// Account is the id of an account that the connector can read. Empty tries
	// an unknown one alone.
	Account string
	// Patience is how long the suite waits for what should happen at once: a
	// read to return after a break, goroutines to end. Defaults to 10 s.
	Patience time.Duration
	// Except names rules that this connector is not held to, each with the
	// reason.
	Except map[Rule]string
}

const (
	noSuchStream    = "no-such-stream"
	noSuchAccount   = "no-such-account"
	noSuchPartition = "no-such-partition"
)

func (o Options) withDefaults() Options {
	o.MaxPages = cmp.Or(o.MaxPages, 25)
	o.BadCursor = cmp.Or(o.BadCursor, "no-such-cursor")
	o.Patience = cmp.Or(o.Patience, 10*time.Second)
	return o
}

// Check holds c to every rule and returns the violations, each a *[Violation],
// joined into one error; nil means that there is none. Of several violations of
// one rule in one stream it tells the first. A read that makes no progress ends
// with ctx, so give ctx a deadline.
func Check(ctx context.Context, c connector.Connector, opts Options) error {
	var errs []error
	for _, v := range inspect(ctx, c, opts) {
		errs = append(errs, v)
	}
	return errors.Join(errs...)
}

// Run holds c to every rule, each a subtest named after it. A read that makes no
// progress ends when nine tenths of the test's time are over.
func Run(t *testing.T, c connector.Connector, opts Options) {
	t.Helper()
	ctx := t.Context()
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/10))
		defer cancel()
	}
	found := inspect(ctx, c, opts)
	for _, rule := range rules {
		if reason, ok := opts.Except[rule]; ok {
			t.Logf("not held to %q: %s", rule, reason)
			continue
		}
		t.Run(string(rule), func(t *testing.T) {
			for _, v := range found {
				if v.Rule == rule {
					t.Error(v)
				}
			}
		})
	}
}

// inspect returns the violations in the order of the rules.
func inspect(ctx context.Context, c connector.Connector, opts Options) []*Violation {
	s := &suite{connector: c, opts: opts.withDefaults()}
	s.run(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.found, func(a, b *Violation) int {
		return cmp.Or(slices.Index(rules, a.Rule)-slices.Index(rules, b.Rule), strings.Compare(a.Stream, b.Stream))
	})
	return slices.Clone(s.found)
}

// A suite holds one connector to the rules.
type suite struct {
	connector connector.Connector
	opts      Options
	spec      connector.Spec
	config    connector.Config
	secrets   []string // what errors and logs must not show

	mu    sync.Mutex
	found []*Violation
}

// fail notes a violation, the first of its rule in a stream alone.
func (s *suite) fail(rule Rule, stream, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, excepted := s.opts.Except[rule]
	if excepted || slices.ContainsFunc(s.found, func(v *Violation) bool { return v.Rule == rule && v.Stream == stream }) {
		return
	}
	s.found = append(s.found, &Violation{Rule: rule, Stream: stream, Detail: fmt.Sprintf(format, args...)})
}

func (s *suite) run(ctx context.Context) {
	if !s.guard("", "Spec", func() { s.spec = s.connector.Spec() }) {
		return
	}
	s.checkSpec()
	if !s.configure(ctx) {
		return
	}
	src := s.open(ctx)
	if src == nil {
		return
	}
	s.checkBadSettings(ctx)
	s.checkReport(ctx, src)
	s.checkAccounts(ctx, src)
	s.checkStreamKnown(ctx, src)
	var surveys []*survey
	for _, st := range s.streams() {
		surveys = append(surveys, s.checkStream(ctx, src, st))
		if ctx.Err() != nil {
			s.close(src)
			return
		}
	}
	s.checkConcurrency(ctx, src, surveys)
	s.close(src)
	s.checkKept(surveys)
	s.checkLeaks(ctx, surveys)
	s.checkGiven(ctx, surveys)
	s.guard("", "Spec", func() { s.checkStatic(s.connector.Spec()) })
}

// streams returns the streams to read.
func (s *suite) streams() []connector.Stream {
	if len(s.opts.Streams) == 0 {
		return s.spec.Streams
	}
	var out []connector.Stream
	for _, name := range s.opts.Streams {
		if st, ok := s.spec.Stream(name); ok {
			out = append(out, st)
		} else {
			s.fail(SpecComplete, name, "the test asks for a stream that the Spec does not have")
		}
	}
	return out
}

// holds reports whether a rule has held so far.
func (s *suite) holds(rule Rule, stream string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.found, func(v *Violation) bool { return v.Rule == rule && v.Stream == stream })
}

// guard calls f and reports whether it came back; a panic is a violation.
func (s *suite) guard(stream, what string, f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			s.fail(NoPanic, stream, "%s panicked: %v", what, p)
		}
	}()
	f()
	return true
}

// checkError holds an error, if there is one, to what goes for all errors.
func (s *suite) checkError(stream, what string, err error) {
	if err == nil {
		return
	}
	var e *connector.Error
	switch {
	case !errors.As(err, &e):
		s.fail(ErrorsClassed, stream, "%s returned a %T, not a *connector.Error: %v", what, err, err)
	case e == nil:
		s.fail(ErrorsClassed, stream, "%s returned a nil *connector.Error, which is not a nil error", what)
	case !slices.Contains(connector.Classes(), e.Class):
		s.fail(ErrorsClassed, stream, "%s returned an error of the unknown class %q: %v", what, e.Class, err)
	}
	s.checkHidden(stream, "the error of "+what, err.Error())
}

// checkHidden looks for secrets in a text.
func (s *suite) checkHidden(stream, where, text string) {
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			s.fail(SecretsHidden, stream, "%s shows a secret: %s", where, strings.ReplaceAll(text, secret, credentials.Mask))
		}
	}
}

// configure makes the Config that sources are opened with.
func (s *suite) configure(ctx context.Context) bool {
	s.config = s.opts.Config
	settings, err := s.spec.Resolve(s.opts.Config.Settings)
	if err != nil {
		s.fail(SettingsTaken, "", "Spec.Resolve: %v", err)
		return false
	}
	s.config.Settings = settings
	s.secrets, err = secretsOf(ctx, s.spec, s.config)
	if err != nil {
		s.fail(SettingsTaken, "", "the test's credential: %v", err)
		return false
	}
	given := slog.DiscardHandler
	if s.opts.Config.Logger != nil {
		given = s.opts.Config.Logger.Handler()
	}
	watch := slog.NewTextHandler(logWatcher{s}, &slog.HandlerOptions{Level: slog.LevelDebug})
	s.config.Logger = slog.New(slog.NewMultiHandler(given, watch))
	return true
}

// logWatcher reads what the connector logs.
type logWatcher struct{ s *suite }

func (w logWatcher) Write(b []byte) (int, error) {
	w.s.checkHidden("", "the log", string(b))
	return len(b), nil
}

// public names the values of a credential that may be shown.
var public = []string{"username", "client_id", "issuer", "subject", "key_id", "access_key_id", "role_arn", "certificate", "ca"}

// secretsOf returns what must stay hidden. A text shorter than 6 bytes would be
// found anywhere.
func secretsOf(ctx context.Context, spec connector.Spec, cfg connector.Config) ([]string, error) {
	var out []string
	for _, def := range spec.Settings {
		if def.Secret {
			out = append(out, cfg.Settings[def.Name]...)
		}
	}
	if cfg.Credential != nil {
		c, err := cfg.Credential.Get(ctx)
		if err != nil {
			return nil, fmt.Errorf("get credential: %w", err)
		}
		for name, value := range c.Values {
			if !slices.Contains(public, name) {
				out = append(out, value.Reveal())
			}
		}
	}
	return slices.DeleteFunc(out, func(text string) bool { return len(text) < 6 }), nil
}

func (s *suite) open(ctx context.Context) (src connector.Source) {
	s.guard("", "Open", func() {
		var err error
		src, err = s.connector.Open(ctx, s.config)
		switch {
		case err != nil:
			s.checkError("", "Open", err)
			s.fail(SettingsTaken, "", "Open: %v", err)
			src = nil
		case src == nil:
			s.fail(SettingsTaken, "", "Open returned neither a Source nor an error")
		}
	})
	return src
}

func (s *suite) close(src connector.Source) {
	s.guard("", "Close", func() {
		if err := src.Close(); err != nil {
			s.checkError("", "Close", err)
			s.fail(CloseFrees, "", "Close: %v", err)
		}
	})
}

func (s *suite) checkStatic(later connector.Spec) {
	if !reflect.DeepEqual(s.spec, later) {
		s.fail(SpecStatic, "", "two calls of Spec returned different values")
	}
}

// checkBadSettings opens with each of the settings that are to be refused.
func (s *suite) checkBadSettings(ctx context.Context) {
	for _, bad := range s.opts.BadSettings {
		settings, err := s.spec.Resolve(bad)
		if err != nil {
			continue
		}
		cfg := s.config
		cfg.Settings = settings
		s.guard("", "Open", func() {
			src, err := s.connector.Open(ctx, cfg)
			s.checkError("", "Open", err)
			switch {
			case err == nil:
				s.fail(BadSettings, "", "Open took the settings %v", bad)
				s.close(src)
			case connector.ClassOf(err) != connector.ErrInvalid:
				s.fail(BadSettings, "", "Open refused the settings %v with another class than %q: %v", bad, connector.ErrInvalid, err)
			}
		})
	}
}

// checkReport holds what Check says against the permissions of the Spec.
func (s *suite) checkReport(ctx context.Context, src connector.Source) {
	s.guard("", "Check", func() {
		report, err := src.Check(ctx)
		if err != nil {
			s.checkError("", "Check", err)
			s.fail(PermissionsTold, "", "Check: %v", err)
			return
		}
		for _, p := range report.Permissions {
			s.checkStatus(p)
		}
		for _, st := range s.spec.Streams {
			for _, need := range st.Permissions {
				told := slices.ContainsFunc(report.Permissions, func(p connector.PermissionStatus) bool {
					return p.Name == need.Name && (p.Stream == st.Name || p.Stream == "")
				})
				if !told {
					s.fail(PermissionsTold, st.Name, "Check does not tell of %q", need.Name)
				}
			}
		}
	})
}

func (s *suite) checkStatus(p connector.PermissionStatus) {
	switch p.Grant {
	case connector.Granted:
	case connector.Missing, connector.Unknown:
		if p.Detail == "" {
			s.fail(PermissionsTold, p.Stream, "permission %q is %s, and Check does not say why", p.Name, p.Grant)
		}
	default:
		s.fail(PermissionsTold, p.Stream, "permission %q has the state %q, which there is not", p.Name, p.Grant)
	}
	if _, ok := s.spec.Stream(p.Stream); !ok && p.Stream != "" {
		s.fail(PermissionsTold, p.Stream, "Check tells of a stream that is not in the Spec")
	}
}

// checkAccounts tries to read an account that is not there, and one that is.
func (s *suite) checkAccounts(ctx context.Context, src connector.Source) {
	reader, ok := src.(connector.AccountReader)
	if !ok {
		if s.spec.ReadsAccounts {
			s.fail(AbilitiesTrue, "", "the Spec says ReadsAccounts, but the Source is no AccountReader")
		}
		return
	}
	s.guard("", "ReadAccount", func() {
		_, err := reader.ReadAccount(ctx, noSuchAccount)
		s.checkError("", "ReadAccount", err)
		class := connector.ClassOf(err)
		switch {
		case !s.spec.ReadsAccounts:
			s.checkUnsupported("", "ReadAccount", class)
			return
		case class == connector.ErrUnsupported:
			s.fail(AbilitiesTrue, "", "the Spec says ReadsAccounts, but ReadAccount is unsupported")
		case class != connector.ErrNotFound:
			s.fail(AccountsTold, "", "an unknown account gave the class %q, not %q", class, connector.ErrNotFound)
		}
		if s.opts.Account == "" {
			return
		}
		account, err := reader.ReadAccount(ctx, s.opts.Account)
		s.checkError("", "ReadAccount", err)
		if err != nil || account.ID == "" {
			s.fail(AccountsTold, "", "account %q gave %+v and the error %v", s.opts.Account, account, err)
		}
	})
}

// checkUnsupported says that an ability the Spec does not declare is answered
// with ErrUnsupported.
func (s *suite) checkUnsupported(stream, what string, class connector.Class) {
	if class != connector.ErrUnsupported {
		s.fail(AbilitiesTrue, stream, "the Spec does not declare it, but %s gave the class %q, not %q", what, class, connector.ErrUnsupported)
	}
}
