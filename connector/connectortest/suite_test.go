package connectortest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/credentials"
)

// A brokenConnector breaks rules of the contract, and those alone.
type brokenConnector struct {
	connector connector.Connector
	opts      connectortest.Options
	rules     []connectortest.Rule
}

// brokenSpecs returns connectors whose Spec is wrong.
func brokenSpecs() map[string]brokenConnector {
	return map[string]brokenConnector{
		"an id that cannot be typed": {
			connector: onSpec(func(s *connector.Spec) { s.ID = "My Vendor" }),
			rules:     []connectortest.Rule{connectortest.SpecComplete},
		},
		"no summary": {
			connector: onSpec(func(s *connector.Spec) { s.Summary = " " }),
			rules:     []connectortest.Rule{connectortest.SpecComplete},
		},
		"no stream": {
			connector: &connectortest.Fake{Describe: func(s *connector.Spec) { s.Streams = nil }},
			rules:     []connectortest.Rule{connectortest.SpecComplete},
		},
		"a stream that the test names and the spec does not": {
			connector: devices(),
			opts:      connectortest.Options{Streams: []string{"devices", "users"}},
			rules:     []connectortest.Rule{connectortest.SpecComplete},
		},
		"a spec that counts its calls": {
			connector: func() connector.Connector {
				var calls atomic.Int64
				return onSpec(func(s *connector.Spec) { s.Version = fmt.Sprint(calls.Add(1)) })
			}(),
			rules: []connectortest.Rule{connectortest.SpecStatic},
		},
		"the same field twice": {
			connector: onStream(func(st *connector.Stream) { st.Fields = append(st.Fields, st.Fields[3]) }),
			rules:     []connectortest.Rule{connectortest.NamesUnique},
		},
		"a setting without a name": {
			connector: onSpec(func(s *connector.Spec) { s.Settings = []connector.Setting{{Label: "URL"}} }),
			rules:     []connectortest.Rule{connectortest.NamesUnique},
		},
		"a default that is not of its type": {
			connector: onSpec(func(s *connector.Spec) {
				s.Settings = []connector.Setting{{Name: "limit", Type: connector.Integer, Default: "many"}}
			}),
			opts:  connectortest.Options{Config: connector.Config{Settings: connector.Settings{"limit": {"5"}}}},
			rules: []connectortest.Rule{connectortest.SettingsSound},
		},
		"a default that is not among the choices": {
			connector: onSpec(func(s *connector.Spec) {
				s.Settings = []connector.Setting{{Name: "region", Default: "moon", Choices: []string{"eu", "us"}}}
			}),
			opts:  connectortest.Options{Config: connector.Config{Settings: connector.Settings{"region": {"eu"}}}},
			rules: []connectortest.Rule{connectortest.SettingsSound},
		},
		"a setting of an unknown type": {
			connector: onSpec(func(s *connector.Spec) { s.Settings = []connector.Setting{{Name: "on", Type: "bool"}} }),
			rules:     []connectortest.Rule{connectortest.SettingsSound},
		},
		"a permission that depends on no setting": {
			connector: onSpec(func(s *connector.Spec) {
				s.Settings = []connector.Setting{{Name: "seen", Default: "false"}}
				s.Streams[0].Permissions[0].Setting = "seen"
			}),
			opts:  connectortest.Options{Config: connector.Config{Settings: connector.Settings{"seen": {"true"}}}},
			rules: []connectortest.Rule{connectortest.SettingsSound},
		},
		"a secret with a default": {
			connector: onSpec(func(s *connector.Spec) {
				s.Settings = []connector.Setting{{Name: "pin", Secret: true, Default: "1234"}}
			}),
			rules: []connectortest.Rule{connectortest.SecretsEmpty},
		},
		"an unknown kind of credential": {
			connector: onSpec(func(s *connector.Spec) { s.Auth = []connector.AuthMethod{{ID: "oidc", Kind: "oidc"}} }),
			rules:     []connectortest.Rule{connectortest.AccessSound},
		},
		"a limit of nothing": {
			connector: onSpec(func(s *connector.Spec) { s.Limits = []connector.RateLimit{{Name: "api", Requests: 100}} }),
			rules:     []connectortest.Rule{connectortest.AccessSound},
		},
		"a stream without a key": {
			connector: onStream(func(st *connector.Stream) { st.Key = "" }),
			rules:     []connectortest.Rule{connectortest.StreamKeyed},
		},
		"a field whose path cannot be read": {
			connector: onStream(func(st *connector.Stream) {
				st.Fields = append(st.Fields, connector.Field{Path: "tags[x", Type: connector.StringField})
			}),
			rules: []connectortest.Rule{connectortest.FieldsSound},
		},
		"a field of an unknown type": {
			connector: onStream(func(st *connector.Stream) {
				st.Fields = append(st.Fields, connector.Field{Path: "cost", Type: "money"})
			}),
			rules: []connectortest.Rule{connectortest.FieldsSound},
		},
		"a mapping without a sync key": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.SyncKeys = nil }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a sync key that is not mapped": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.SyncKeys = []string{"imei"} }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a mapping from a field that is not declared": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[1].From = "hostname" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a mapping without a target object": {
			connector: onStream(func(st *connector.Stream) { st.Object = "" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a target that is filled twice": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[2].To = "device_name" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a field without a target": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[2].To = "" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a path and a constant for one target": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[2].Value = "x" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a mapping from a path that cannot be read": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[2].From = "model[" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"children without a path": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Children[0].From = "" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a mapping to a field that the target does not have": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[2].To = "colour" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a template that cannot be read": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[2].From = "{{ name | }}" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a template of a field that is not declared": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[2].From = "{{ name ~ hostname }}" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a template of a setting that there is not": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Fields[2].From = "{{ setting.region }}" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a table of values that are no choice of the target": {
			connector: onStream(func(st *connector.Stream) {
				st.Mapping.Fields = append(st.Mapping.Fields, connector.DefaultField{To: "asset_type", From: "os.name", Values: map[string]string{"macOS": "notebook"}})
			}),
			rules: []connectortest.Rule{connectortest.MappingSound},
		},
		"children from a field that is not declared": {
			connector: onStream(func(st *connector.Stream) { st.Mapping.Children[0].From = "programs" }),
			rules:     []connectortest.Rule{connectortest.MappingSound},
		},
		"a declared ability that the source lacks": {
			connector: onSpec(func(s *connector.Spec) { s.Discovers = true }),
			rules:     []connectortest.Rule{connectortest.AbilitiesTrue},
		},
		"a declared account reader that is none": {
			connector: onSpec(func(s *connector.Spec) { s.ReadsAccounts = true }),
			rules:     []connectortest.Rule{connectortest.AbilitiesTrue},
		},
		"declared partitions that are unsupported": {
			connector: &bent{good: devices(), able: true, spec: func(s *connector.Spec) { s.Streams[0].Partitioned = true }},
			rules:     []connectortest.Rule{connectortest.AbilitiesTrue},
		},
		"a declared partitioner that is none": {
			connector: onStream(func(st *connector.Stream) { st.Partitioned = true }),
			rules:     []connectortest.Rule{connectortest.AbilitiesTrue},
		},
		"a declared discovery that is unsupported": {
			connector: &bent{good: devices(), able: true, spec: func(s *connector.Spec) { s.Discovers = true }},
			rules:     []connectortest.Rule{connectortest.AbilitiesTrue},
		},
		"declared accounts that are unsupported": {
			connector: &bent{good: devices(), able: true, spec: func(s *connector.Spec) { s.ReadsAccounts = true }},
			rules:     []connectortest.Rule{connectortest.AbilitiesTrue},
		},
		"a discovery that is not declared and answers": {
			connector: &bent{good: devices(), able: true, fields: func(string) ([]connector.Field, error) { return nil, nil }},
			rules:     []connectortest.Rule{connectortest.AbilitiesTrue},
		},
		"an ability that is not declared and answers": {
			connector: &bent{good: devices(), able: true, account: func(id string) (connector.Account, error) {
				return connector.Account{}, nil
			}},
			rules: []connectortest.Rule{connectortest.AbilitiesTrue},
		},
	}
}

// brokenSources returns connectors whose Open, Check or Close is wrong.
func brokenSources() map[string]brokenConnector {
	return map[string]brokenConnector{
		"an Open that returns neither source nor error": {
			connector: &bent{good: devices(), open: func(context.Context, connector.Config) (connector.Source, error) { return nil, nil }},
			rules:     []connectortest.Rule{connectortest.SettingsTaken},
		},
		"an Open that refuses good settings": {
			connector: &connectortest.Fake{OpenErr: connector.Errorf(connector.ErrInvalid, "open", "no such folder")},
			rules:     []connectortest.Rule{connectortest.SettingsTaken},
		},
		"a required setting that the test forgets": {
			connector: onSpec(func(s *connector.Spec) { s.Settings = []connector.Setting{{Name: "url", Required: true}} }),
			rules:     []connectortest.Rule{connectortest.SettingsTaken},
		},
		"an Open that takes everything": {
			connector: onSpec(func(s *connector.Spec) { s.Settings = []connector.Setting{{Name: "url"}} }),
			opts:      connectortest.Options{BadSettings: []connector.Settings{{"url": {"gopher://"}}}},
			rules:     []connectortest.Rule{connectortest.BadSettings},
		},
		"an Open that refuses with the wrong class": {
			connector: &bent{
				good: devices(),
				spec: func(s *connector.Spec) { s.Settings = []connector.Setting{{Name: "url"}} },
				open: func(ctx context.Context, cfg connector.Config) (connector.Source, error) {
					if cfg.Settings.Get("url") != "" {
						return nil, connector.Errorf(connector.ErrInternal, "open", "no such scheme")
					}
					return devices().Open(ctx, cfg)
				},
			},
			opts:  connectortest.Options{BadSettings: []connector.Settings{{"url": {"gopher://"}}}},
			rules: []connectortest.Rule{connectortest.BadSettings},
		},
		"a Check that says nothing": {
			connector: &bent{good: devices(), check: func(context.Context) (connector.Report, error) { return connector.Report{}, nil }},
			rules:     []connectortest.Rule{connectortest.PermissionsTold},
		},
		"a Check that does not say why": {
			connector: &bent{good: devices(), check: func(context.Context) (connector.Report, error) {
				return connector.Report{Permissions: []connector.PermissionStatus{{Name: "devices.read", Grant: connector.Unknown}}}, nil
			}},
			rules: []connectortest.Rule{connectortest.PermissionsTold},
		},
		"a Check with a state of its own": {
			connector: &bent{good: devices(), check: func(context.Context) (connector.Report, error) {
				return connector.Report{Permissions: []connector.PermissionStatus{{Name: "devices.read", Grant: "perhaps"}}}, nil
			}},
			rules: []connectortest.Rule{connectortest.PermissionsTold},
		},
		"a Check of a stream that there is not": {
			connector: &bent{good: devices(), check: func(context.Context) (connector.Report, error) {
				return connector.Report{Permissions: []connector.PermissionStatus{
					{Name: "devices.read", Grant: connector.Granted}, {Name: "users.read", Stream: "users", Grant: connector.Granted},
				}}, nil
			}},
			rules: []connectortest.Rule{connectortest.PermissionsTold},
		},
		"a credential that the test cannot give": {
			connector: devices(),
			opts:      connectortest.Options{Config: connector.Config{Credential: noCredential{}}},
			rules:     []connectortest.Rule{connectortest.SettingsTaken},
		},
		"a Check that fails": {
			connector: &bent{good: devices(), check: func(context.Context) (connector.Report, error) {
				return connector.Report{}, connector.Errorf(connector.ErrAuth, "check", "the token is expired")
			}},
			rules: []connectortest.Rule{connectortest.PermissionsTold},
		},
		"an account that is found under any id": {
			connector: &bent{
				good: devices(), able: true,
				spec:    func(s *connector.Spec) { s.ReadsAccounts = true },
				account: func(id string) (connector.Account, error) { return connector.Account{ID: id}, nil },
			},
			rules: []connectortest.Rule{connectortest.AccountsTold},
		},
		"an account that is not found": {
			connector: &connectortest.Fake{Accounts: []connector.Account{{ID: "ada"}}},
			opts:      connectortest.Options{Account: "grace"},
			rules:     []connectortest.Rule{connectortest.AccountsTold},
		},
		"a Close that fails": {
			connector: &bent{good: devices(), close: func() error { return connector.Errorf(connector.ErrInternal, "close", "it jams") }},
			rules:     []connectortest.Rule{connectortest.CloseFrees},
		},
		"a token in the log": {
			connector: &bent{good: devices(), opened: func(ctx context.Context, cfg connector.Config) {
				c, err := cfg.Credential.Get(ctx)
				cfg.Log().InfoContext(ctx, "open", "token", c.Value("token").Reveal(), "error", err)
			}},
			opts:  connectortest.Options{Config: connector.Config{Credential: token("s3cr3t-token")}},
			rules: []connectortest.Rule{connectortest.SecretsHidden},
		},
		"a secret setting in an error": {
			connector: &bent{
				good: devices(),
				spec: func(s *connector.Spec) { s.Settings = []connector.Setting{{Name: "key", Secret: true}} },
				read: onErrors(func(err error) error {
					return &connector.Error{Class: connector.ClassOf(err), Message: "GET /devices?key=s3cr3t-key"}
				}),
			},
			opts:  connectortest.Options{Config: connector.Config{Settings: connector.Settings{"key": {"s3cr3t-key"}}}},
			rules: []connectortest.Rule{connectortest.SecretsHidden},
		},
		"a Spec that panics": {
			connector: onSpec(func(*connector.Spec) { panic("no catalogue") }),
			rules:     []connectortest.Rule{connectortest.NoPanic},
		},
		"an Open that panics": {
			connector: &bent{good: devices(), opened: func(context.Context, connector.Config) { panic("no network") }},
			rules:     []connectortest.Rule{connectortest.NoPanic},
		},
		"a Check that panics": {
			connector: &bent{good: devices(), check: func(context.Context) (connector.Report, error) { panic("no network") }},
			rules:     []connectortest.Rule{connectortest.NoPanic},
		},
	}
}

// brokenReads returns connectors whose Read is wrong.
func brokenReads() map[string]brokenConnector {
	return map[string]brokenConnector{
		"a stream that just stops": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					for p, err := range good(ctx, req) {
						if p.Last || !yield(p, err) {
							return
						}
					}
				}
			}),
			rules: []connectortest.Rule{connectortest.ReadEnds},
		},
		"a read that yields nothing": {
			connector: onRead(func(context.Context, connector.Request, reader) sequence {
				return func(func(connector.Page, error) bool) {}
			}),
			rules: []connectortest.Rule{connectortest.ReadEnds, connectortest.CancelEnds},
		},
		"a page after the last one": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					for p, err := range good(ctx, req) {
						if !yield(p, err) || p.Last && !yield(connector.Page{Last: true}, nil) {
							return
						}
					}
				}
			}),
			rules: []connectortest.Rule{connectortest.NothingAfter},
		},
		"an error that is yielded twice": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					for p, err := range good(ctx, req) {
						if !yield(p, err) || err != nil && !yield(p, err) {
							return
						}
					}
				}
			}),
			rules: []connectortest.Rule{connectortest.NothingAfter},
		},
		"an error with a page": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					for p, err := range good(ctx, req) {
						if err != nil {
							p.Last = true
						}
						if !yield(p, err) {
							return
						}
					}
				}
			}),
			rules: []connectortest.Rule{connectortest.ErrorAlone},
		},
		"a vendor that is down": {
			connector: &connectortest.Fake{
				Count: 300, Generate: record,
				Script: map[int]connectortest.Step{2: {Err: connector.Errorf(connector.ErrUnavailable, "list", "it is down")}},
			},
			rules: []connectortest.Rule{connectortest.ReadCompletes},
		},
		"too few records": {
			connector: devices(),
			opts:      connectortest.Options{MinRecords: 14},
			rules:     []connectortest.Rule{connectortest.RecordsEnough},
		},
		"a record that is a list": {
			connector: &connectortest.Fake{Records: []connector.Record{[]byte(`{"id":1}`), []byte(`[1]`)}},
			rules:     []connectortest.Rule{connectortest.RecordsObjects},
		},
		"a record that is cut short": {
			connector: onPages(func(_ int, p *connector.Page) { p.Records[0] = p.Records[0][:100] }),
			rules:     []connectortest.Rule{connectortest.RecordsObjects},
		},
		"a record without an id": {
			connector: &connectortest.Fake{Records: []connector.Record{[]byte(`{"id":1}`), []byte(`{"key":2}`)}},
			rules:     []connectortest.Rule{connectortest.RecordsKeyed},
		},
		"a record whose id is null": {
			connector: &connectortest.Fake{Records: []connector.Record{[]byte(`{"id":null}`)}},
			rules:     []connectortest.Rule{connectortest.RecordsKeyed},
		},
		"a record whose id is empty": {
			connector: &connectortest.Fake{Records: []connector.Record{[]byte(`{"id":""}`)}},
			rules:     []connectortest.Rule{connectortest.RecordsKeyed},
		},
		"a record whose id is an object": {
			connector: &connectortest.Fake{Records: []connector.Record{[]byte(`{"id":{"n":1}}`)}},
			rules:     []connectortest.Rule{connectortest.RecordsKeyed},
		},
		"an id that comes twice, as text and as a number": {
			connector: &connectortest.Fake{Records: []connector.Record{[]byte(`{"id":1}`), []byte(`{"id":"1"}`)}},
			rules:     []connectortest.Rule{connectortest.KeysUnique},
		},
		"a number that is declared as a string": {
			connector: onStream(func(st *connector.Stream) {
				for i := range st.Fields {
					st.Fields[i].Type = connector.StringField
				}
			}),
			rules: []connectortest.Rule{connectortest.FieldsTyped},
		},
		"a fault without a reason": {
			connector: onPages(func(_ int, p *connector.Page) { p.Faults = []connector.Fault{{Place: "line 3"}} }),
			rules:     []connectortest.Rule{connectortest.FaultsTold},
		},
		"a buffer that is used again": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					buffer := make([]byte, 1<<16)
					for p, err := range good(ctx, req) {
						b := buffer[:0]
						for i, rec := range p.Records {
							at := len(b)
							b = append(b, rec...)
							p.Records[i] = b[at:]
						}
						if !yield(p, err) {
							return
						}
					}
				}
			}),
			rules: []connectortest.Rule{connectortest.RecordsKept},
		},
		"yield on another goroutine": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					done := make(chan struct{})
					go func() {
						defer close(done)
						good(ctx, req)(yield)
					}()
					<-done
				}
			}),
			rules: []connectortest.Rule{connectortest.OwnGoroutine},
		},
		"a cursor that comes back": {
			connector: &connectortest.Fake{Count: 300, Generate: record, Script: map[int]connectortest.Step{1: {Repeat: true}}},
			rules:     []connectortest.Rule{connectortest.CursorsAdvance},
		},
		"a read that does not hear yield": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					good(ctx, req)(func(p connector.Page, err error) bool {
						yield(p, err)
						return true
					})
				}
			}),
			rules: []connectortest.Rule{connectortest.BreakReturns},
		},
		"a cancelled read that goes on": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return good(context.WithoutCancel(ctx), req)
			}),
			rules: []connectortest.Rule{connectortest.CancelEnds},
		},
		"a cancelled read that goes on for ever": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					for p, err := range good(context.WithoutCancel(ctx), req) {
						for n := 0; ctx.Err() != nil && yield(connector.Page{Next: connector.Cursor(fmt.Sprint(n))}, nil); n++ {
						}
						if ctx.Err() != nil || !yield(p, err) {
							return
						}
					}
				}
			}),
			rules: []connectortest.Rule{connectortest.CancelEnds},
		},
		"a cancelled read that just stops": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					for p, err := range good(ctx, req) {
						if ctx.Err() != nil || !yield(p, err) {
							return
						}
					}
				}
			}),
			rules: []connectortest.Rule{connectortest.CancelEnds},
		},
		"an unknown stream that is empty": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				if req.Stream != "devices" {
					return func(yield func(connector.Page, error) bool) { yield(connector.Page{Last: true}, nil) }
				}
				return good(ctx, req)
			}),
			rules: []connectortest.Rule{connectortest.StreamKnown},
		},
		"a bad cursor that means the start": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				if req.Cursor == "no-such-cursor" {
					req.Cursor = ""
				}
				return good(ctx, req)
			}),
			rules: []connectortest.Rule{connectortest.CursorKnown},
		},
		"a bad cursor that is a bad setting": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				if req.Cursor == "no-such-cursor" {
					return func(yield func(connector.Page, error) bool) {
						yield(connector.Page{}, connector.Errorf(connector.ErrInvalid, "list", "400 Bad Request"))
					}
				}
				return good(ctx, req)
			}),
			rules: []connectortest.Rule{connectortest.CursorKnown},
		},
		"a sensitive field that always comes": {
			connector: onStream(func(st *connector.Stream) {
				for i := range st.Fields {
					st.Fields[i].Sensitive = st.Fields[i].Path == "ip_address"
				}
			}),
			rules: []connectortest.Rule{connectortest.SensitiveKept},
		},
		"a sensitive field that never comes": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				req.Fields = nil
				return good(ctx, req)
			}),
			rules: []connectortest.Rule{connectortest.SensitiveKept},
		},
		"an order that changes": {
			connector: func() connector.Connector {
				var reads atomic.Int64
				return onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
					turn := int(reads.Add(1) % 5)
					return func(yield func(connector.Page, error) bool) {
						for p, err := range good(ctx, req) {
							if len(p.Records) == 5 {
								p.Records = slices.Concat(p.Records[turn:], p.Records[:turn])
							}
							if !yield(p, err) {
								return
							}
						}
					}
				})
			}(),
			rules: []connectortest.Rule{connectortest.ReadsAgree},
		},
		"contents that change": {
			connector: func() connector.Connector {
				var made atomic.Int64
				return &connectortest.Fake{Count: 3, Generate: func(i int) connector.Record {
					return fmt.Appendf(nil, `{"id":%d,"made":%d}`, i, made.Add(1))
				}}
			}(),
			rules: []connectortest.Rule{connectortest.ReadsAgree},
		},
		"records that the connector keeps": {
			connector: func() connector.Connector {
				kept := make([]connector.Record, 25)
				for i := range kept {
					kept[i] = record(i)
				}
				return &bent{good: &connectortest.Fake{Count: len(kept), Generate: record}, read: func(ctx context.Context, req connector.Request, good reader) sequence {
					return func(yield func(connector.Page, error) bool) {
						for p, err := range good(ctx, req) {
							for i := range p.Records {
								p.Records[i] = kept[i]
							}
							if !yield(p, err) {
								return
							}
						}
					}
				}}
			}(),
			rules: []connectortest.Rule{connectortest.RecordsGiven},
		},
		"a resumed read that misses a record": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					resumed := req.Cursor != ""
					for p, err := range good(ctx, req) {
						if resumed && len(p.Records) > 0 {
							p.Records, resumed = p.Records[1:], false
						}
						if !yield(p, err) {
							return
						}
					}
				}
			}),
			rules: []connectortest.Rule{connectortest.ResumeExact},
		},
		"a resumed read that brings the last page again": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				if req.Cursor == "offset:10" {
					req.Cursor = "offset:5"
				}
				return good(ctx, req)
			}),
			rules: []connectortest.Rule{connectortest.CursorsAdvance, connectortest.ResumeExact},
		},
		"a limit that cuts everything": {
			connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
				return func(yield func(connector.Page, error) bool) {
					for p, err := range good(ctx, req) {
						if req.Limit > 0 {
							p.Records = nil
						}
						if !yield(p, err) {
							return
						}
					}
				}
			}),
			rules: []connectortest.Rule{connectortest.LimitHolds},
		},
		"a part that is the whole": {
			connector: &bent{
				good: devices(), able: true,
				spec:  func(s *connector.Spec) { s.Streams[0].Partitioned = true },
				parts: func(string) ([]string, error) { return []string{"a", "b"}, nil },
				read: func(ctx context.Context, req connector.Request, good func(context.Context, connector.Request) sequence) sequence {
					if req.Partition == "a" || req.Partition == "b" {
						req.Partition = ""
					}
					return good(ctx, req)
				},
			},
			rules: []connectortest.Rule{connectortest.PartsWhole},
		},
		"a part that is forgotten": {
			connector: &bent{
				good: &connectortest.Fake{Count: 30, Generate: record, Partitions: []string{"a", "b", "c"}}, able: true,
				parts: func(string) ([]string, error) { return []string{"a", "c"}, nil },
			},
			rules: []connectortest.Rule{connectortest.PartsWhole},
		},
		"a part that fails": {
			connector: &bent{
				good: &connectortest.Fake{Count: 30, Generate: record, Partitions: []string{"a", "b", "c"}}, able: true,
				parts: func(string) ([]string, error) { return []string{"a", "b", "c", "d"}, nil },
			},
			rules: []connectortest.Rule{connectortest.PartsWhole},
		},
		"a part that is unknown and empty": {
			connector: &bent{
				good: &connectortest.Fake{Count: 30, Generate: record, Partitions: []string{"a", "b"}}, able: true,
				read: func(ctx context.Context, req connector.Request, good reader) sequence {
					if req.Partition == "no-such-partition" {
						return func(yield func(connector.Page, error) bool) { yield(connector.Page{Last: true}, nil) }
					}
					return good(ctx, req)
				},
			},
			rules: []connectortest.Rule{connectortest.PartsWhole},
		},
		"parts that hold more than the whole": {
			connector: &bent{
				good: &connectortest.Fake{Count: 30, Generate: record, Partitions: []string{"a", "b"}}, able: true,
				read: func(ctx context.Context, req connector.Request, good reader) sequence {
					return func(yield func(connector.Page, error) bool) {
						for p, err := range good(ctx, req) {
							if req.Partition == "b" && p.Last {
								p.Records = append(p.Records, record(99))
							}
							if !yield(p, err) {
								return
							}
						}
					}
				},
			},
			rules: []connectortest.Rule{connectortest.PartsWhole},
		},
		"no part at all": {
			connector: &bent{
				good: &connectortest.Fake{Count: 30, Generate: record, Partitions: []string{"a"}}, able: true,
				parts: func(string) ([]string, error) { return nil, nil },
			},
			rules: []connectortest.Rule{connectortest.PartsWhole},
		},
		"partitions that panic": {
			connector: &bent{
				good: &connectortest.Fake{Count: 30, Generate: record, Partitions: []string{"a"}}, able: true,
				parts: func(string) ([]string, error) { panic("no parts") },
			},
			rules: []connectortest.Rule{connectortest.NoPanic},
		},
		"an incremental read that fails": {
			connector: &bent{
				good: &connectortest.Fake{Count: 30, Generate: record},
				spec: func(s *connector.Spec) { s.Streams[0].Incremental = true },
				read: func(ctx context.Context, req connector.Request, good reader) sequence {
					if !req.Since.IsZero() {
						req.Stream = "changes"
					}
					return good(ctx, req)
				},
			},
			opts:  connectortest.Options{Since: time.Unix(1, 0)},
			rules: []connectortest.Rule{connectortest.SinceHonoured},
		},
		"an incremental read of other records": {
			connector: &bent{
				good: &connectortest.Fake{Count: 30, Generate: record},
				spec: func(s *connector.Spec) { s.Streams[0].Incremental = true },
				read: func(ctx context.Context, req connector.Request, good reader) sequence {
					if !req.Since.IsZero() {
						return func(yield func(connector.Page, error) bool) {
							yield(connector.Page{Records: []connector.Record{record(99)}, Last: true}, nil)
						}
					}
					return good(ctx, req)
				},
			},
			opts:  connectortest.Options{Since: time.Unix(1, 0)},
			rules: []connectortest.Rule{connectortest.SinceHonoured},
		},
		"an incremental read of everything": {
			connector: &bent{
				good: &connectortest.Fake{Count: 30, Generate: record},
				spec: func(s *connector.Spec) { s.Streams[0].Incremental = true },
			},
			opts:  connectortest.Options{Since: time.Unix(1, 0)},
			rules: []connectortest.Rule{connectortest.SinceHonoured},
		},
		"a discovered field that no record has": {
			connector: &connectortest.Fake{Count: 3, Generate: record, Discovered: []connector.Field{
				{Path: "id", Type: connector.NumberField}, {Path: "Id", Type: connector.NumberField},
			}},
			rules: []connectortest.Rule{connectortest.DiscoveryTrue},
		},
		"a discovery that fails": {
			connector: &bent{
				good: devices(), able: true,
				spec: func(s *connector.Spec) { s.Discovers = true },
				fields: func(string) ([]connector.Field, error) {
					return nil, connector.Errorf(connector.ErrUnavailable, "discover", "it is down")
				},
			},
			rules: []connectortest.Rule{connectortest.DiscoveryTrue},
		},
		"a discovery that panics": {
			connector: &bent{good: devices(), able: true, fields: func(string) ([]connector.Field, error) { panic("no fields") }},
			rules:     []connectortest.Rule{connectortest.NoPanic},
		},
		"a discovered field of another type": {
			connector: &connectortest.Fake{Count: 3, Generate: record, Discovered: []connector.Field{{Path: "id", Type: connector.StringField}}},
			rules:     []connectortest.Rule{connectortest.DiscoveryTrue},
		},
		"errors that are no Error": {
			connector: &bent{good: devices(), read: onErrors(func(err error) error { return connector.ClassOf(err) })},
			rules:     []connectortest.Rule{connectortest.ErrorsClassed},
		},
		"a nil Error that is not nil": {
			connector: &bent{good: devices(), check: func(context.Context) (connector.Report, error) {
				var err *connector.Error
				return connector.Report{}, err
			}},
			rules: []connectortest.Rule{connectortest.PermissionsTold, connectortest.ErrorsClassed},
		},
		"errors of a class that there is not": {
			connector: &bent{good: devices(), close: func() error { return connector.Errorf("odd", "close", "it jams") }},
			rules:     []connectortest.Rule{connectortest.ErrorsClassed, connectortest.CloseFrees},
		},
		"a read that panics": {
			connector: &connectortest.Fake{Count: 300, Generate: record, Script: map[int]connectortest.Step{1: {Panic: "nil map"}}},
			rules:     []connectortest.Rule{connectortest.NoPanic},
		},
		"a read that is nil": {
			connector: onRead(func(context.Context, connector.Request, reader) sequence { return nil }),
			rules:     []connectortest.Rule{connectortest.NoPanic},
		},
	}
}

func TestBrokenConnectorsAreCaught(t *testing.T) {
	t.Parallel()
	for _, table := range []map[string]brokenConnector{brokenSpecs(), brokenSources(), brokenReads()} {
		for name, test := range table {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				require.Equal(t, test.rules, broken(t, test.connector, test.opts))
			})
		}
	}
}

// broken returns the rules that Check says a connector breaks.
func broken(t *testing.T, c connector.Connector, opts connectortest.Options) []connectortest.Rule {
	t.Helper()
	err := connectortest.Check(t.Context(), c, opts)
	if err == nil {
		return nil
	}
	t.Log(err)
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	var rules []connectortest.Rule
	for _, err := range joined.Unwrap() {
		var v *connectortest.Violation
		require.ErrorAs(t, err, &v)
		require.NotEmpty(t, v.Detail)
		require.Contains(t, connectortest.Rules(), v.Rule)
		rules = append(rules, v.Rule)
	}
	return slices.Compact(rules)
}

func TestReadsThatInterfereAreCaught(t *testing.T) {
	t.Parallel()
	// In the bubble, two reads that are begun together are sure to meet in the
	// time that their first pages take.
	synctest.Test(t, func(t *testing.T) {
		fake := devices()
		fake.Delay = time.Second
		var open atomic.Int64
		c := &bent{good: fake, read: func(ctx context.Context, req connector.Request, good reader) sequence {
			return func(yield func(connector.Page, error) bool) {
				open.Add(1)
				defer open.Add(-1)
				for p, err := range good(ctx, req) {
					if open.Load() > 1 {
						p.Records = nil
					}
					if !yield(p, err) {
						return
					}
				}
			}
		}}
		require.Equal(t, []connectortest.Rule{connectortest.ConcurrentReads}, broken(t, c, connectortest.Options{}))
	})
}

func TestReadsThatHangAreCaught(t *testing.T) {
	t.Parallel()
	tests := map[string]func(released <-chan struct{}) brokenConnector{
		"after a break": func(released <-chan struct{}) brokenConnector {
			return brokenConnector{
				connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
					return func(yield func(connector.Page, error) bool) {
						for p, err := range good(ctx, req) {
							if !yield(p, err) {
								<-released
								return
							}
						}
					}
				}),
				rules: []connectortest.Rule{connectortest.BreakReturns},
			}
		},
		"when the context is cancelled": func(released <-chan struct{}) brokenConnector {
			return brokenConnector{
				connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
					return func(yield func(connector.Page, error) bool) {
						for p, err := range good(ctx, req) {
							if ctx.Err() != nil {
								<-released
							}
							if !yield(p, err) {
								return
							}
						}
					}
				}),
				rules: []connectortest.Rule{connectortest.CancelEnds},
			}
		},
		"in a goroutine that the break leaves behind": func(released <-chan struct{}) brokenConnector {
			return brokenConnector{
				connector: onRead(func(ctx context.Context, req connector.Request, good reader) sequence {
					return func(yield func(connector.Page, error) bool) {
						type result struct {
							p   connector.Page
							err error
						}
						results := make(chan result)
						go func() {
							defer close(results)
							for p, err := range good(ctx, req) {
								select {
								case results <- result{p, err}:
								case <-released:
									return
								}
							}
						}()
						for r := range results {
							if !yield(r.p, r.err) {
								return
							}
						}
					}
				}),
				rules: []connectortest.Rule{connectortest.BreakReturns},
			}
		},
		"in a goroutine that Close leaves behind": func(released <-chan struct{}) brokenConnector {
			return brokenConnector{
				connector: &bent{good: devices(), opened: func(context.Context, connector.Config) {
					go func() { <-released }()
				}},
				rules: []connectortest.Rule{connectortest.CloseFrees},
			}
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				released := make(chan struct{})
				defer close(released)
				c := test(released)
				require.Equal(t, c.rules, broken(t, c.connector, connectortest.Options{}))
			})
		})
	}
}

func TestEveryRuleIsBrokenBySomeone(t *testing.T) {
	t.Parallel()
	caught := map[connectortest.Rule]bool{connectortest.ConcurrentReads: true} // by TestReadsThatInterfereAreCaught
	for _, table := range []map[string]brokenConnector{brokenSpecs(), brokenSources(), brokenReads()} {
		for _, test := range table {
			for _, rule := range test.rules {
				caught[rule] = true
			}
		}
	}
	for _, rule := range connectortest.Rules() {
		require.True(t, caught[rule], "no broken connector shows the rule %q", rule)
	}
}

func TestAReadWithoutEndIsCaughtWhenTheTimeIsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := devices()
		fake.Script = map[int]connectortest.Step{1: {Block: true}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := connectortest.Check(ctx, fake, connectortest.Options{})
		require.ErrorContains(t, err, `rule "a read from the start comes to its last page" is broken by stream "devices": it failed after 5 records`)
		require.NotContains(t, err.Error(), "\n")
		require.EqualValues(t, 1, fake.Closes.Load())
	})
}

func TestTheHostsLoggerHearsTheConnector(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	c := &bent{good: devices(), opened: func(ctx context.Context, cfg connector.Config) { cfg.Log().WarnContext(ctx, "slow") }}
	opts := connectortest.Options{Config: connector.Config{Logger: slog.New(slog.NewTextHandler(&text, nil))}}
	require.NoError(t, connectortest.Check(t.Context(), c, opts))
	require.Contains(t, text.String(), "level=WARN msg=slow")
}

func TestARuleThatIsExceptedIsNotHeld(t *testing.T) {
	t.Parallel()
	c := onStream(func(st *connector.Stream) { st.Mapping.SyncKeys = nil })
	require.Error(t, connectortest.Check(t.Context(), c, connectortest.Options{}))
	require.NoError(t, connectortest.Check(t.Context(), c, connectortest.Options{
		Except: map[connectortest.Rule]string{connectortest.MappingSound: "the vendor has no unique field"},
	}))
}

type reader = func(context.Context, connector.Request) sequence

// onErrors bends the errors of every read.
func onErrors(change func(error) error) func(context.Context, connector.Request, reader) sequence {
	return func(ctx context.Context, req connector.Request, good reader) sequence {
		return func(yield func(connector.Page, error) bool) {
			for p, err := range good(ctx, req) {
				if err != nil {
					err = change(err)
				}
				if !yield(p, err) {
					return
				}
			}
		}
	}
}

// record is record i of a plain stream.
func record(i int) connector.Record { return fmt.Appendf(nil, `{"id":%d}`, i+1) }

// noCredential is the source of a host that has lost its vault.
type noCredential struct{}

func (noCredential) Get(context.Context) (credentials.Credential, error) {
	return credentials.Credential{}, errors.New("the vault is locked")
}

func (noCredential) Save(context.Context, credentials.Credential) error {
	return credentials.ErrNotSaved
}

func token(text string) credentials.Source {
	return credentials.Static(credentials.Credential{
		Kind: credentials.APIToken, Values: map[string]credentials.Secret{"token": credentials.NewSecret(text)},
	})
}
