package config_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/schedule"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
)

// vendor is a connector that is only looked at.
type vendor struct{ spec connector.Spec }

func (v vendor) Spec() connector.Spec { return v.spec }

func (v vendor) Open(context.Context, connector.Config) (connector.Source, error) {
	return source{}, nil
}

type source struct{}

func (source) Check(context.Context) (connector.Report, error) { return connector.Report{}, nil }
func (source) Close() error                                    { return nil }
func (source) Read(context.Context, connector.Request) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) { yield(connector.Page{Last: true}, nil) }
}

// registry has a connector of files, whose records have no fixed shape, and one
// of a vendor with two streams.
func registry(t testing.TB) *connector.Registry {
	t.Helper()
	r, err := connector.NewRegistry(
		vendor{connector.Spec{
			ID: "files", Name: "Files", Vendor: "Files",
			Settings: []connector.Setting{
				{Name: "path", Type: connector.File, Required: true, Help: "The file"},
				{Name: "key", Default: "id", Help: "Path of a record's id"},
				{Name: "format", Default: "auto", Choices: []string{"auto", "csv", "json"}, Help: "The format"},
				{Name: "page_size", Type: connector.Integer, Default: "500", Help: "Records in a page"},
			},
			Streams: []connector.Stream{{Name: "records", Key: "id"}},
		}},
		vendor{connector.Spec{
			ID: "fleet", Name: "Fleet", Vendor: "Fleet, Inc.",
			Auth: []connector.AuthMethod{{ID: "token", Kind: credentials.APIToken}},
			Settings: []connector.Setting{
				{Name: "teams", Multi: true, Help: "The teams"},
				{Name: "software", Type: connector.Boolean, Default: "true", Help: "With software"},
				{Name: "token", Secret: true, Help: "The token"},
			},
			Streams: []connector.Stream{
				{
					Name: "hosts", Summary: "The machines.", Object: "assets", Key: "uuid", Incremental: true,
					Mapping: connector.DefaultMapping{
						Fields:   []connector.DefaultField{{To: "serial_number", From: "serial"}, {To: "enrolled_at", From: "enrolled", Format: "epoch-seconds"}, {To: "status", Value: "Active"}},
						SyncKeys: []string{"serial_number"},
						Children: []connector.DefaultChildren{{Object: "software", From: "apps", Fields: []connector.DefaultField{{To: "name", From: "name"}}}},
					},
				},
				{Name: "people", Object: "users", Key: "id", Fields: []connector.Field{{Path: "id", Type: connector.StringField}, {Path: "email", Type: connector.StringField}}},
			},
		}},
	)
	require.NoError(t, err)
	return r
}

func parse(t testing.TB, text string) (*config.File, error) {
	t.Helper()
	return config.Parse([]byte(text), config.Options{Name: "vendorsync.yaml", Registry: registry(t)})
}

func mustParse(t testing.TB, text string) *config.File {
	t.Helper()
	f, err := parse(t, text)
	require.NoError(t, err)
	return f
}

// laptops is the entry of the documentation.
const laptops = `store: sqlite:inventory.db
integrations:
  - id: laptops                      # defaults to the first name
    name: Laptops
    connector: files
    stream: records
    settings: {path: devices.ndjson, key: id}
    object: assets
    policy: create-and-update        # create-only | update-only
    integration_user: it-sync@example.com
    launch: true
    mapping:
      fields:
        - {to: serial_number, from: serial_number}
        - {to: device_name, from: name}
        - {to: model, from: model.name}
        - {to: assigned_to, from: user.email}
        - {to: status, value: Active}
      sync_keys: [serial_number]
      children:
        - {object: software, from: applications, fields: [{to: name, from: name}, {to: version, from: version}]}
`

func TestParseReadsTheDocumentedEntry(t *testing.T) {
	t.Parallel()
	f := mustParse(t, laptops)
	require.Equal(t, "sqlite:inventory.db", f.Store)
	require.Equal(t, []config.Entry{{
		Launch: true, Line: 3,
		Integration: syncer.Integration{
			ID: "laptops", Name: "Laptops", Connector: "files", Stream: "records",
			Settings: connector.Settings{"path": {"devices.ndjson"}, "key": {"id"}},
			Policy:   syncer.CreateAndUpdate, User: "it-sync@example.com",
			Mapping: mapping.Mapping{
				Object: "assets", Key: "id",
				Fields: []mapping.FieldMapping{
					{To: "serial_number", From: "serial_number"},
					{To: "device_name", From: "name"},
					{To: "model", From: "model.name"},
					{To: "assigned_to", From: "user.email"},
					{To: "status", Value: "Active"},
				},
				SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
				Children: []mapping.ChildMapping{{Object: "software", From: "applications", Fields: []mapping.FieldMapping{{To: "name", From: "name"}, {To: "version", From: "version"}}}},
			},
		},
	}}, f.Integrations)
	e, ok := f.Entry("laptops")
	require.True(t, ok)
	require.Equal(t, "Laptops", e.Name)
	_, ok = f.Entry("phones")
	require.False(t, ok)
}

func TestParseFillsInAndKeeps(t *testing.T) {
	t.Parallel()
	entry := func(lines string) string { return "integrations:\n  - id: a\n" + lines }
	hosts := "    connector: fleet\n    stream: hosts\n"
	tests := map[string]struct {
		text string
		want func(t *testing.T, f *config.File)
	}{
		"an empty file has no integrations and the default store": {"", func(t *testing.T, f *config.File) {
			require.Equal(t, config.DefaultStore, f.Store)
			require.Empty(t, f.Integrations)
		}},
		"comments alone are an empty file": {"# nothing yet\n", func(t *testing.T, f *config.File) { require.Empty(t, f.Integrations) }},
		"keys without a value count as left out": {"store:\nfields:\nintegrations:\n", func(t *testing.T, f *config.File) {
			require.Equal(t, config.DefaultStore, f.Store)
		}},
		"the id defaults to the name in small letters and dashes": {"integrations:\n  - name: Laptops (US)\n    connector: files\n", func(t *testing.T, f *config.File) {
			require.Equal(t, "laptops-us", f.Integrations[0].ID)
			require.Equal(t, "Laptops (US)", f.Integrations[0].Name)
		}},
		"the name defaults to the id":              {entry(hosts), func(t *testing.T, f *config.File) { require.Equal(t, "a", f.Integrations[0].Name) }},
		"the stream defaults to the only one":      {entry("    connector: files\n"), func(t *testing.T, f *config.File) { require.Equal(t, "records", f.Integrations[0].Stream) }},
		"the object defaults to the stream's":      {entry(hosts), func(t *testing.T, f *config.File) { require.Equal(t, "assets", f.Integrations[0].Mapping.Object) }},
		"the key defaults to the stream's":         {entry(hosts), func(t *testing.T, f *config.File) { require.Equal(t, "uuid", f.Integrations[0].Mapping.Key) }},
		"the setting key names the key":            {entry("    connector: files\n    settings: {key: device.id}\n"), func(t *testing.T, f *config.File) { require.Equal(t, "device.id", f.Integrations[0].Mapping.Key) }},
		"mapping.key comes before the setting key": {entry("    connector: files\n    settings: {key: a}\n    mapping: {key: b}\n"), func(t *testing.T, f *config.File) { require.Equal(t, "b", f.Integrations[0].Mapping.Key) }},
		"launch defaults to false":                 {entry(hosts), func(t *testing.T, f *config.File) { require.False(t, f.Integrations[0].Launch) }},
		"without a mapping, it is the stream's default": {entry(hosts), func(t *testing.T, f *config.File) {
			stream, _ := registry(t).All()[1].Spec().Stream("hosts")
			require.Equal(t, mapping.FromDefault(stream), f.Integrations[0].Mapping)
		}},
		"for another object, the stream's default mapping is not taken": {entry(hosts + "    object: users\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, mapping.Mapping{Object: "users", Key: "uuid"}, f.Integrations[0].Mapping)
		}},
		"sync keys alone leave the default fields": {entry(hosts + "    mapping: {sync_keys: [{field: serial_number, update: true}]}\n"), func(t *testing.T, f *config.File) {
			m := f.Integrations[0].Mapping
			require.Len(t, m.Fields, 3)
			require.Len(t, m.Children, 1)
			require.Equal(t, []mapping.SyncKey{{Field: "serial_number", Update: true}}, m.SyncKeys)
		}},
		"an empty list of children drops the default ones": {entry(hosts + "    mapping: {children: []}\n"), func(t *testing.T, f *config.File) {
			require.Empty(t, f.Integrations[0].Mapping.Children)
			require.Len(t, f.Integrations[0].Mapping.Fields, 3)
		}},
		"with fields, nothing is taken from the default": {entry(hosts + "    mapping: {fields: [{to: status, value: 1}]}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, mapping.Mapping{Object: "assets", Key: "uuid", Fields: []mapping.FieldMapping{{To: "status", Value: "1"}}}, f.Integrations[0].Mapping)
		}},
		"numbers and booleans in settings are text as written": {entry("    connector: files\n    settings: {path: 007, key: 1.50, page_size: 10}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, connector.Settings{"path": {"007"}, "key": {"1.50"}, "page_size": {"10"}}, f.Integrations[0].Settings)
		}},
		"a boolean setting takes True": {entry(hosts + "    settings: {software: True}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []string{"true"}, f.Integrations[0].Settings["software"])
		}},
		"one value does where a list may stand": {entry(hosts + "    settings: {teams: IT}\n    contacts: ops@example.com\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []string{"IT"}, f.Integrations[0].Settings["teams"])
			require.Equal(t, []string{"ops@example.com"}, f.Integrations[0].Contacts)
		}},
		"a setting of several values": {entry(hosts + "    settings:\n      teams:\n        - IT\n        - 7\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []string{"IT", "7"}, f.Integrations[0].Settings["teams"])
		}},
		"credentials by reference, and an installation that follows from them": {"credentials:\n  fleet-token: {kind: api_token, token: env:FLEET_TOKEN, in: header}\n  people:\n    kind: basic\n    username: ada\n    password: file:people\n" + entry(hosts+"    credential: fleet-token\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, map[string]credentials.Ref{
				"fleet-token": {ID: "fleet-token", Kind: credentials.APIToken, Values: map[string]string{"token": "env:FLEET_TOKEN", "in": "header"}},
				"people":      {ID: "people", Kind: credentials.Basic, Values: map[string]string{"username": "ada", "password": "file:people"}},
			}, f.Credentials)
			require.Equal(t, syncer.Local, f.Integrations[0].Installation)
		}},
		"a credential of the vault": {entry(hosts + "    credential: fleet\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, "fleet", f.Integrations[0].Credential)
			require.Empty(t, f.Integrations[0].Installation)
			require.Empty(t, f.Credentials)
		}},
		"ways to tell people of troubles": {"notices:\n  webhook: {url: https://hooks.example.com/a, secret: env:HOOK}\n  mail: {host: smtp.example.com, port: 2525, security: tls, username: ada, password: file:smtp, from: IT <it@example.com>, to: ops@example.com}\n  problems: true\n" + entry(hosts), func(t *testing.T, f *config.File) {
			require.Equal(t, config.Notices{
				Webhook: &config.Webhook{URL: "https://hooks.example.com/a", Secret: "env:HOOK"},
				Mail:    &config.Mail{Host: "smtp.example.com", Port: 2525, Security: "tls", Username: "ada", Password: "file:smtp", From: "IT <it@example.com>", To: []string{"ops@example.com"}}, Problems: true,
			}, f.Notices)
		}},
		"a schedule in a word": {entry(hosts + "    schedule: manual\n"), func(t *testing.T, f *config.File) {
			require.True(t, f.Integrations[0].Schedule.Manual())
		}},
		"a schedule in a line": {entry(hosts + "    schedule: every 6h not between 08:00 and 18:00\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, schedule.Spec{Every: "6h", NotBetween: []string{"08:00", "18:00"}}, f.Integrations[0].Schedule.Spec())
		}},
		"a schedule in its parts": {entry(hosts + "    schedule: {cron: \"0 3 * * 1-5\", zone: Europe/London, not_between: [\"08:00\", \"18:00\"], pause_running: true, jitter: 10m, missed: skip}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, schedule.Spec{
				Cron: "0 3 * * 1-5", Zone: "Europe/London", NotBetween: []string{"08:00", "18:00"}, PauseRunning: true, Jitter: "10m", Missed: schedule.Skip,
			}, f.Integrations[0].Schedule.Spec())
		}},
		"a schedule by the month": {entry(hosts + "    schedule: {every: 3mo, day: 31, at: 06:00}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, schedule.Spec{Every: "3mo", Day: 31, At: "06:00"}, f.Integrations[0].Schedule.Spec())
		}},
		"no schedule is daily": {entry(hosts), func(t *testing.T, f *config.File) {
			require.True(t, f.Integrations[0].Schedule.IsZero())
		}},
		"every other key of an entry": {"credentials: {fleet-token: {kind: api_token, token: env:FLEET_TOKEN}}\n" + entry(hosts+"    credential: fleet-token\n    policy: update-only\n    installation: local\n    absence: archive\n    restore_archived: true\n    full_every: 2w\n    launch: true\n    contacts: [a, b]\n"), func(t *testing.T, f *config.File) {
			e := f.Integrations[0]
			require.Equal(t, "fleet-token", e.Credential)
			require.Equal(t, syncer.UpdateOnly, e.Policy)
			require.Equal(t, syncer.Local, e.Installation)
			require.Equal(t, syncer.ArchiveAbsent, e.Absence)
			require.True(t, e.RestoreArchived)
			require.Equal(t, 14, e.FullEvery)
			require.True(t, e.Launch)
			require.Equal(t, []string{"a", "b"}, e.Contacts)
		}},
		"every key of a field": {entry(hosts + "    mapping: {fields: [{to: purchase_date, from: a.b, default: 2026-01-02, write: if-empty, format: us-date}]}\n"), func(t *testing.T, f *config.File) {
			require.Equal(t, []mapping.FieldMapping{{To: "purchase_date", From: "a.b", Default: "2026-01-02", Write: mapping.IfEmpty, Format: mapping.USDate}}, f.Integrations[0].Mapping.Fields)
		}},
		"custom fields, by object, in their order": {"fields:\n  users:\n    - {name: badge, unique: true}\n  assets:\n    - {name: rack, type: choice, label: Rack, help: Where., choices: [A1, 7]}\n    - {name: tags, type: list, item: integer}\n    - {name: owner, type: reference, object: users}\n", func(t *testing.T, f *config.File) {
			require.Equal(t, []config.CustomField{
				{Object: "users", Field: mapping.Field{Name: "badge", Type: mapping.Text, Unique: true}},
				{Object: "assets", Field: mapping.Field{Name: "rack", Type: mapping.Choice, Label: "Rack", Help: "Where.", Choices: []string{"A1", "7"}}},
				{Object: "assets", Field: mapping.Field{Name: "tags", Type: mapping.List, Item: mapping.Integer}},
				{Object: "assets", Field: mapping.Field{Name: "owner", Type: mapping.Reference, Object: "users"}},
			}, f.Fields)
		}},
		"the roles that users may have": {"roles: [Employee, Admin]\n", func(t *testing.T, f *config.File) { require.Equal(t, []string{"Employee", "Admin"}, f.Roles) }},
		"an anchor is shared through aliases": {"integrations:\n  - id: a\n    connector: files\n    settings: &s {path: x}\n  - id: b\n    connector: files\n    settings: *s\n", func(t *testing.T, f *config.File) {
			require.Equal(t, f.Integrations[0].Settings, f.Integrations[1].Settings)
		}},
		"a file that begins with a byte order mark": {"\ufeffstore: memory\n", func(t *testing.T, f *config.File) { require.Equal(t, config.MemoryStore, f.Store) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.want(t, mustParse(t, tt.text))
		})
	}
}

func TestParseReportsFaultsWithTheirPlace(t *testing.T) {
	t.Parallel()
	entry := func(lines string) string { return "integrations:\n  - id: a\n    connector: files\n" + lines }
	tests := map[string]struct {
		text string
		want []string
	}{
		"a misspelt key":                             {entry("    polcy: create-only\n"), []string{`4:5: integrations[0].polcy: there is no key "polcy" here; did you mean "policy"?`}},
		"a key like no other":                        {"stores: a\nxyzzy: 1\n", []string{`1:1: stores: there is no key "stores" here; did you mean "store"?`, `2:1: xyzzy: there is no key "xyzzy" here; there are store, roles, fields, precedence, credentials, notices, integrations`}},
		"a key twice":                                {entry("    launch: true\n    launch: false\n"), []string{`5:5: integrations[0].launch: this key is there already, in line 4`}},
		"a key that is missing":                      {"integrations:\n  - id: a\n", []string{"2:5: integrations[0].connector: is missing: Which connector reads, see `vendorsync catalog`."}},
		"a key without its value":                    {"integrations:\n  - id: a\n    connector:\n", []string{"2:5: integrations[0].connector: is missing: Which connector reads, see `vendorsync catalog`."}},
		"an entry without id and name":               {"integrations:\n  - connector: files\n", []string{"2:5: integrations[0].id: is missing: an integration has an id or a name"}},
		"a name of which no id can be made":          {"integrations:\n  - name: 笔记本\n    connector: files\n", []string{`2:5: integrations[0].id: is missing: no id can be made of the name "笔记本"`}},
		"an id with capitals":                        {"integrations:\n  - id: Laptops US\n    connector: files\n", []string{`2:9: integrations[0].id: "Laptops US" must be small letters, digits, - and _, at most 63, beginning with a letter or digit; "laptops-us" would do`}},
		"an id twice":                                {entry("  - name: A\n    connector: files\n"), []string{`4:5: integrations[1].id: the id "a" is that of integrations[0] already; ids are unique`}},
		"a word of a choice misspelt":                {entry("    policy: create_only\n"), []string{`4:13: integrations[0].policy: "create_only" is none of create-and-update, create-only, update-only; did you mean "create-only"?`}},
		"a truth that is none":                       {entry("    launch: maybe\n"), []string{`4:13: integrations[0].launch: must be true or false, not "maybe"`}},
		"a list for a text":                          {entry("    name: [a]\n"), []string{`4:11: integrations[0].name: must be a text, not a list`}},
		"a text for a list":                          {"integrations: files\n", []string{`1:15: integrations: must be a list, not "files"`}},
		"a text for an object":                       {entry("    mapping: default\n"), []string{`4:14: integrations[0].mapping: must be keys with values, not "default"`}},
		"a file that is a list":                      {"- a\n", []string{`1:1: must be keys with values, not a list`}},
		"an empty item":                              {"integrations:\n  -\n", []string{`2:4: integrations[0]: this item is empty`}},
		"an unknown connector":                       {"integrations:\n  - id: a\n    connector: filse\n", []string{`3:16: integrations[0].connector: there is no connector "filse"; did you mean "files"?`}},
		"an unknown stream":                          {"integrations:\n  - id: a\n    connector: fleet\n    stream: host\n", []string{`4:13: integrations[0].stream: fleet has no stream "host"; did you mean "hosts"?`}},
		"one stream of several not chosen":           {"integrations:\n  - id: a\n    connector: fleet\n", []string{`2:5: integrations[0].stream: is missing: fleet has several, hosts, people`}},
		"an unknown setting":                         {entry("    settings:\n      pth: x\n"), []string{`5:12: integrations[0].settings.pth: files has no setting "pth"; did you mean "path"?`}},
		"a setting of the wrong type":                {entry("    settings: {page_size: many}\n"), []string{`4:27: integrations[0].settings.page_size: "many" is not a whole number`}},
		"a setting outside its choices":              {entry("    settings: {format: xml}\n"), []string{`4:24: integrations[0].settings.format: "xml" is not one of auto, csv, json`}},
		"two values for one":                         {entry("    settings: {path: [a, b]}\n"), []string{`4:22: integrations[0].settings.path: takes one value, got 2`}},
		"full reads of a stream without others":      {entry("    full_every: 7d\n"), []string{`4:17: integrations[0].full_every: files cannot tell which of its records have changed, so that each run reads them all; leave this out`}},
		"full reads at no interval":                  {entry("    full_every: weekly\n"), []string{`4:17: integrations[0].full_every: "weekly" is no age such as 90d or 13w`}},
		"a setting with keys":                        {entry("    settings: {path: {a: b}}\n"), []string{`4:22: integrations[0].settings.path: must be a text, not keys with values`}},
		"a secret in the file":                       {"integrations:\n  - id: a\n    connector: fleet\n    stream: hosts\n    settings: {token: s3cret}\n", []string{`5:23: integrations[0].settings.token: this is a secret and does not belong in the file; put it into a credential and name that under credential`}},
		"a webhook's secret in the file":             {"notices:\n  webhook: {url: https://hooks.example.com, secret: s3cret}\n", []string{"2:53: notices.webhook.secret: this is a secret and does not belong in the file: write where it is found, env:NAME or file:PATH"}},
		"a port that is none":                        {"notices:\n  mail: {host: smtp.example.com, port: 70000, from: a@b.example}\n", []string{"2:40: notices.mail.port: \"70000\" is no port; write 1 to 65535"}},
		"a schedule that is none":                    {entry("    schedule: hourly-ish\n"), []string{`4:15: integrations[0].schedule: schedule "hourly-ish": "hourly-ish" is not known here: write daily, manual, every, at, on, day, cron, zone, not between, pause running, jitter or skip missed`}},
		"a schedule that never starts":               {entry("    schedule: {cron: \"0 0 30 2 *\"}\n"), []string{`4:15: integrations[0].schedule: cron "0 0 30 2 *" never happens: write a day that its months have`}},
		"a day that no month has":                    {entry("    schedule: {every: 1mo, day: 32}\n"), []string{`4:33: integrations[0].schedule.day: "32" is no day of the month; write 1 to 31`}},
		"a secret in a reference":                    {"credentials:\n  okta: {kind: api_token, token: s3cret}\n", []string{"2:34: credentials.okta.token: this is a secret and does not belong in the file: write where it is found, env:NAME or file:PATH"}},
		"a reference without a kind":                 {"credentials:\n  okta: {token: env:A}\n", []string{"2:9: credentials.okta.kind: is missing: the kind of credential, such as api_token"}},
		"a reference of an unknown kind":             {"credentials:\n  okta: {kind: token, token: env:A}\n", []string{"2:16: credentials.okta.kind: \"token\" is none of none, api_token, basic, client_credentials, authorization_code, jwt_bearer, password, session, aws, mutual_tls; did you mean \"api_token\"?"}},
		"a reference that lacks a value":             {"credentials:\n  okta: {kind: basic, password: env:A}\n", []string{"2:9: credentials.okta.username: is missing: a credential of kind basic has it (env:NAME or file:PATH)"}},
		"a reference with a value of another kind":   {"credentials:\n  okta: {kind: api_token, token: env:A, pasword: env:B}\n", []string{"2:50: credentials.okta.pasword: a credential of kind api_token has no value \"pasword\"; there are token, in, name, prefix, ca"}},
		"a local installation without its reference": {"credentials:\n  okta: {kind: api_token, token: env:A}\n" + entry("    credential: otka\n    installation: local\n"), []string{"6:17: integrations[0].credential: a local installation takes its credential from this file, which names no \"otka\" under credentials; did you mean \"okta\"?"}},
		"a reference where the vault is to be asked": {"credentials:\n  okta: {kind: api_token, token: env:A}\n" + entry("    credential: okta\n    installation: cloud\n"), []string{"7:19: integrations[0].installation: the file names the credential \"okta\" by reference, which is for installation: local; the vault's credentials are not in the file"}},
		"an odd key in a path":                       {entry("    settings: {a.b: x}\n"), []string{`4:21: integrations[0].settings['a.b']: files has no setting "a.b"; there are path, key, format, page_size`}},
		"a field without a target":                   {entry("    mapping:\n      fields:\n        - {from: serial}\n"), []string{`6:11: integrations[0].mapping.fields[0].to: is missing: The target field.`}},
		"an unknown store":                           {"store: postgres:db\n", []string{`1:8: store: "postgres:db" is no store; write sqlite:FILE, or memory to keep nothing`}},
		"a store without a file":                     {"store: 'sqlite:'\n", []string{`1:8: store: the file's name is missing; write sqlite:inventory.db`}},
		"a merge key":                                {"integrations:\n  - &a {id: a, connector: files}\n  - {<<: *a, id: b, connector: files}\n", []string{`3:6: integrations[1]: keys are not merged with << here; write them out`}},
		"a key that is no text":                      {"[a]: b\n", []string{`1:1: a key must be a text, not a list`}},
		"a tag":                                      {"store: !env STORE\n", []string{`1:8: store: the tag !env means nothing here`}},
		"text that is not YAML":                      {"store: a\nintegrations: [\n", []string{`2: this is not YAML: did not find expected node content`}},
		"not YAML in the first line":                 {"store: a: b\n", []string{`1: this is not YAML: mapping values are not allowed in this context`}},
		"a tab as indentation":                       {"integrations:\n\t- id: a\n", []string{`2: this is not YAML: found character that cannot start any token`}},
		"two documents":                              {"store: memory\n---\nstore: memory\n", []string{`2: a second document begins here; a configuration is one document`}},
		"another encoding":                           {"store: memory\n# Gr\xf6\xdfe\n", []string{`2: this is not UTF-8; save the file in that encoding`}},
		"all faults at once, in the order of the file": {"store: x\nintegrations:\n  - id: A\n    connector: nope\n    policy: all\n  - id: b\n    connector: files\n    settings: {nope: 1, page_size: x}\n", []string{
			`1:8: store: "x" is no store; write sqlite:FILE, or memory to keep nothing`,
			`3:9: integrations[0].id: "A" must be small letters, digits, - and _, at most 63, beginning with a letter or digit; "a" would do`,
			`4:16: integrations[0].connector: there is no connector "nope"; there are files, fleet`,
			`5:13: integrations[0].policy: "all" is none of create-and-update, create-only, update-only`,
			`8:22: integrations[1].settings.nope: files has no setting "nope"; there are path, key, format, page_size`,
			`8:36: integrations[1].settings.page_size: "x" is not a whole number`,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, tt.text)
			var e *config.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "vendorsync.yaml", e.Name)
			got := make([]string, len(e.Problems))
			for i, p := range e.Problems {
				got[i] = p.String()
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestWhatIsMissingForALaunchIsNoFault(t *testing.T) {
	t.Parallel()
	f := mustParse(t, "integrations:\n  - {id: a, connector: files}\n")
	_, err := f.Check(mapping.Standard())
	require.NoError(t, err)
}

func TestErrorNamesFileLineAndColumn(t *testing.T) {
	t.Parallel()
	_, err := parse(t, "store: x\nintegrations: 1\n")
	require.EqualError(t, err, "vendorsync.yaml:1:8: store: \"x\" is no store; write sqlite:FILE, or memory to keep nothing\nvendorsync.yaml:2:15: integrations: must be a list, not \"1\"")
	require.EqualError(t, &config.Error{Problems: []config.Problem{{Message: "no place"}}}, "configuration: no place")
	many := &config.Error{Name: "f", Problems: make([]config.Problem, 150)}
	require.True(t, strings.HasSuffix(many.Error(), "\nand 50 more"))
}

func TestAliasesOfAliasesEndInAFault(t *testing.T) {
	t.Parallel()
	field := "{to: status, value: x}"
	list := "[" + strings.Repeat("*f, ", 2000) + "]"
	text := "integrations:\n  - id: a\n    connector: files\n    mapping:\n      fields: [&f " + field + "]\n      children:\n        - &c {object: software, from: a, fields: " + list + "}\n" +
		strings.Repeat("        - *c\n", 2000)
	_, err := parse(t, text)
	require.ErrorContains(t, err, "the aliases of this file unfold to more than 250000 values")
}

func TestWithoutARegistryEntriesAreTakenAsWritten(t *testing.T) {
	t.Parallel()
	f, err := config.Parse([]byte("integrations:\n  - {id: a, connector: own, stream: s, settings: {x: 1}, object: assets}\n"), config.Options{})
	require.NoError(t, err)
	e := f.Integrations[0]
	require.Equal(t, "own", e.Connector)
	require.Equal(t, connector.Settings{"x": {"1"}}, e.Settings)
	require.Equal(t, "assets", e.Mapping.Object)
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "vendorsync.yaml")
	require.NoError(t, os.WriteFile(name, []byte(laptops), 0o600))
	f, err := config.Load(name, config.Options{Registry: registry(t)})
	require.NoError(t, err)
	require.Equal(t, dir, f.Dir)
	require.Equal(t, name, f.Name)

	_, err = config.Load(filepath.Join(dir, "other.yaml"), config.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)

	require.NoError(t, os.WriteFile(name, []byte("store: x\n"), 0o600))
	_, err = config.Load(name, config.Options{})
	require.ErrorContains(t, err, name+":1:8: store:")

	require.NoError(t, os.WriteFile(name, make([]byte, config.MaxSize+1), 0o600))
	_, err = config.Load(name, config.Options{})
	require.ErrorContains(t, err, "the file has more than 8 MiB")
}

func TestCheckHoldsMappingsAgainstTheTargetModel(t *testing.T) {
	t.Parallel()
	entry := func(lines string) string { return "integrations:\n  - id: a\n    connector: files\n" + lines }
	tests := map[string]struct {
		text string
		want []string
	}{
		"an unknown target field":                     {entry("    object: assets\n    mapping:\n      fields:\n        - {to: serial, from: a}\n"), []string{`7:16: integrations[0].mapping.fields[0].to: `}},
		"a bad path":                                  {entry("    object: assets\n    mapping: {fields: [{to: model, from: 'a['}]}\n"), []string{`5:42: integrations[0].mapping.fields[0].from: `}},
		"a constant of the wrong type":                {entry("    object: assets\n    mapping: {fields: [{to: managed, value: perhaps}]}\n"), []string{`5:45: integrations[0].mapping.fields[0].value: `}},
		"a sync key that is not unique":               {entry("    object: assets\n    mapping: {fields: [{to: model, from: a}], sync_keys: [model]}\n"), []string{`5:59: integrations[0].mapping.sync_keys[0]: `}},
		"a child of another object":                   {entry("    object: users\n    mapping: {children: [{object: software, from: a, fields: []}]}\n"), []string{`5:35: integrations[0].mapping.children[0].object: `}},
		"an unknown object":                           {entry("    object: asets\n"), []string{`4:13: integrations[0].object: `}},
		"a key that is no path":                       {entry("    object: assets\n    settings: {key: 'a['}\n    mapping: {fields: [{to: model, from: a}]}\n"), []string{`5:21: integrations[0].settings.key: `}},
		"a mapping key that is no path":               {entry("    object: assets\n    mapping: {key: 'a[', fields: [{to: model, from: a}]}\n"), []string{`5:20: integrations[0].mapping.key: `}},
		"a custom field of no object":                 {"fields: {asets: [{name: a}]}\n", []string{`1:18: fields.asets[0]: `}},
		"a custom field that shadows":                 {"fields: {assets: [{name: model}]}\n", []string{`1:19: fields.assets[0]: `}},
		"a custom field with a bad name":              {"fields:\n  assets:\n    - {name: Rack}\n", []string{`3:7: fields.assets[0]: `}},
		"a custom field twice":                        {"fields: {assets: [{name: rack}, {name: rack, type: integer}]}\n", []string{`1:33: fields.assets[1]: the store has this field already, with another type`}},
		"nothing, where a field of its own is mapped": {"fields: {assets: [{name: rack}]}\n" + entry("    object: assets\n    mapping: {fields: [{to: rack, from: a}]}\n"), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mustParse(t, tt.text).Check(mapping.Standard())
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			var e *config.Error
			require.ErrorAs(t, err, &e)
			require.Len(t, e.Problems, len(tt.want), "%v", err)
			for i, p := range e.Problems {
				require.True(t, strings.HasPrefix(p.String(), tt.want[i]), "got  %s\nwant %s", p, tt.want[i])
			}
		})
	}
}

func TestCheckReturnsTheGrownSchema(t *testing.T) {
	t.Parallel()
	f := mustParse(t, "fields: {assets: [{name: rack, unique: true}]}\n")
	standard := mapping.Standard()
	grown, err := f.Check(standard)
	require.NoError(t, err)
	o, _ := grown.Object("assets")
	require.GreaterOrEqual(t, o.Field("rack"), 0)
	again, err := f.Check(grown)
	require.NoError(t, err)
	require.Equal(t, grown, again)
	o, _ = standard.Object("assets")
	require.Equal(t, -1, o.Field("rack"))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(laptops))
	f.Add([]byte("fields: {assets: [{name: rack, type: list, item: text}]}\n"))
	f.Add([]byte("a: &a [*a]\nintegrations: *a\n"))
	f.Add([]byte("integrations:\n  - {id: a, <<: {connector: files}}\n"))
	f.Add([]byte("\xff\xfes\x00:\x00"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Add([]byte("--- !!binary aGk=\n"))
	r := registry(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := config.Parse(data, config.Options{Name: "f", Registry: r})
		if err != nil {
			var e *config.Error
			if !errors.As(err, &e) || len(e.Problems) == 0 {
				t.Fatalf("an error without problems: %v", err)
			}
			for _, p := range e.Problems {
				if p.Message == "" {
					t.Fatalf("a problem without a message: %+v", p)
				}
			}
			return
		}
		for _, e := range file.Integrations {
			if e.ID == "" || e.Connector == "" || e.Line == 0 {
				t.Fatalf("an entry that is not whole: %+v", e)
			}
		}
		if _, err := file.Check(mapping.Standard()); err != nil && fmt.Sprint(err) == "" {
			t.Fatal("an error without text")
		}
	})
}
