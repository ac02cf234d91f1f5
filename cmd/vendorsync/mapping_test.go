package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/syncer"
)

// runID is what a run's id looks like.
var runID = regexp.MustCompile(`\b[0-9a-f]{20}\b`)

// anyRun writes RUN in the place of each run's id, and keeps columns in line.
func anyRun(text string) string { return runID.ReplaceAllString(text, "RUN.................") }

const company = `{"id": 1, "serial": "C02-XG0", "name": "mac one", "os": "OSX", "state": "active", "seen": "2026-02-20T10:00:00Z", "owner": {"email": "ada@example.com", "first": "Ada"}, "tags": ["a", "b"], "applications": [{"name": "Slack", "version": "4.1"}]}
{"id": 2, "serial": "C0 2XG0", "name": "mac two", "os": "Windows", "state": "retired", "seen": "2026-02-20T10:00:00Z"}
{"id": 3, "serial": "C02XG0", "name": "mac three", "os": "OSX", "state": "active", "seen": "2026-02-01T10:00:00Z", "owner": {"email": "bob@example.com"}}
{"id": 4, "serial": "C04", "name": "mac four", "os": "OSX", "state": "active", "seen": "2025-01-01T00:00:00Z"}
`

const companyPeople = "id,login,mail,boss,job\nu1,ada,ada@example.com,,Chief\nu2,bob,bob@example.com,ada@example.com,Engineer\n"

const companyFile = `store: sqlite:inventory.db
precedence:
  assets: {order: [laptops], silent_after: 30d}
integrations:
  - id: laptops
    connector: files
    settings: {path: devices.ndjson, key: id}
    object: assets
    integration_user: it@example.com
    launch: true
    filter: "{{ state == 'active' }}"
    ignore_unseen: 90d
    mapping:
      fields:
        serial_number: serial
        device_name: "{{ name | title }}"   # as people write it
        os_name: {from: os, values: {OSX: macOS}, otherwise: Other}
        last_seen_at: seen
        assigned_to: {from: owner.email, write: never-clear}
        status: {value: Active, write: on-create}
      sync_keys: [serial_number]
      children:
        - {object: software, from: applications, fields: {name: name, version: version}}
  - id: people
    connector: files
    settings: {path: people.csv}
    object: users
    integration_user: it@example.com
    default_role: Employee
    launch: true
    saas: {application: Slack, fields: {status: {value: active}}}
    mapping:
      fields: {username: login, email: mail, manager: boss}
      sync_keys: [username, {field: email, update: true}]
`

// companyShell has a file of machines and one of people.
func companyShell(t *testing.T) *shell {
	t.Helper()
	sh := newShell(t)
	sh.write("devices.ndjson", company)
	sh.write("people.csv", companyPeople)
	sh.write("vendorsync.yaml", companyFile)
	return sh
}

func TestMapShowsTargetsAgainstSources(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	golden(t, "map_assets.txt", sh.done("map", "laptops"))
	golden(t, "map_users.txt", sh.done("map", "people"))
	golden(t, "map_all.txt", sh.done("map", "--all", "assets")+sh.done("map", "--all", "users")+sh.done("map", "--all", "saas_users")+sh.done("map", "--all", "software_installs"))
	require.Equal(t, "no integration fills saas_applications\n", sh.run("map", "--all", "saas_applications").err)
}

func TestMapAsJSON(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	v := decodeJSON[object](t, sh.done("map", "laptops", "--json"))
	require.ElementsMatch(t, []string{
		"integration", "connector", "stream", "object", "key", "filter", "create_if", "update_if", "ignore_unseen", "sync_keys",
		"fields", "unmapped_required", "unmapped", "sources", "sampled",
	}, keys(v))
	require.Equal(t, 4.0, v["sampled"])
	require.Equal(t, []any{object{"field": "serial_number", "update": true}}, v["sync_keys"])
	require.Equal(t, object{"field": "", "days": 90.0}, v["ignore_unseen"])
	require.Equal(t, object{
		"object": "assets", "to": "os_name", "type": "text", "from": "os", "value": "", "setting": "", "values": object{"OSX": "macOS"}, "otherwise": "Other",
		"unlisted": "", "default": "", "write": "always", "format": "", "sync_key": 0.0, "sample": "macOS", "fault": "",
	}, v["fields"].([]any)[2])
	require.Equal(t, object{"path": "state", "type": "string", "label": "", "sample": "active", "example": "", "fills": []any{"(filter)"}}, v["sources"].([]any)[4])
	all := decodeJSON[object](t, sh.done("map", "--all", "users", "--json"))
	require.Equal(t, "users", all["object"])
	require.Equal(t, []any{object{"field": "username", "update": true}, object{"field": "email", "update": true}}, all["integrations"].([]any)[0].(object)["sync_keys"])
}

func TestMapOfASourceThatCannotBeReadShowsWhatIsDeclared(t *testing.T) {
	t.Parallel()
	fleet := &connectortest.Fake{
		ID: "fleet", OpenErr: connector.Errorf(connector.ErrAuth, "log in", "wrong password"),
		Describe: func(s *connector.Spec) {
			s.Streams[0].Fields = []connector.Field{{Path: "imei", Type: connector.StringField, Example: "490154203237518"}, {Path: "pin", Type: connector.StringField, Example: "1234", Sensitive: true}}
		},
	}
	sh := newShell(t, fleet)
	sh.write("vendorsync.yaml", "integrations: [{id: fleet, connector: fleet, object: assets, mapping: {fields: {imei: imei}, sync_keys: [imei]}}]\n")
	r := sh.run("map", "fleet")
	require.Equal(t, exitDone, r.code)
	require.Contains(t, r.err, "note: the source cannot be read, so that there are no samples of it: ")
	require.Contains(t, r.err, "wrong password")
	require.Regexp(t, `(?m)^imei +string +e.g. 490154203237518 +assets.imei$`, r.out)
	require.NotContains(t, r.out, "1234")
	quiet := sh.run("map", "fleet", "--no-read")
	require.Empty(t, quiet.err)
	require.Equal(t, r.out, quiet.out)
}

func TestMapMasksWhatIsSensitive(t *testing.T) {
	t.Parallel()
	fleet := &connectortest.Fake{
		ID: "fleet", Records: []connector.Record{[]byte(`{"id":"1","imei":"2","pin":"98765"}`)},
		Describe: func(s *connector.Spec) {
			s.Streams[0].Fields = append(s.Streams[0].Fields, connector.Field{Path: "pin", Type: connector.StringField, Sensitive: true})
		},
	}
	sh := newShell(t, fleet)
	sh.write("vendorsync.yaml", "integrations: [{id: fleet, connector: fleet, object: assets, mapping: {fields: {imei: imei, notes: pin, location: \"{{ pin ~ 'x' }}\"}, sync_keys: [imei]}}]\n")
	for _, args := range [][]string{{"map", "fleet"}, {"map", "fleet", "--json"}} {
		out := sh.done(args...)
		require.NotContains(t, out, "98765")
		require.Contains(t, out, "****")
	}
}

func TestMapShowsWhatIsWrongWithASample(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	sh.done("map", "laptops", "--set", "purchase_date=name")
	require.Regexp(t, `(?m)^purchase_date +name +purchase_date "mac one": is not a date`, sh.done("map", "laptops"))
}

func TestMapEditsTheFile(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	before := sh.config()
	r := sh.run("map", "laptops", "--set", "model={{ name | upper }}", "--set", "location=setting:path", "--set", "status=value:In use",
		"--set", "asset_tag=serial", "--unset", "last_seen_at", "--sync-key", "serial_number,asset_tag+", "--filter", "state != 'retired'")
	require.Equal(t, exitUsage, r.code, "a rule speaks of what is not mapped any more")
	require.Contains(t, r.err, "ignore_unseen")
	require.Equal(t, before, sh.config())

	require.Contains(t, sh.done("map", "laptops", "--set", "model={{ name | upper }}", "--set", "location=setting:path", "--set", "status=value:In use",
		"--set", "asset_tag=serial", "--unset", "os_name", "--sync-key", "serial_number,asset_tag+", "--filter", "state != 'retired'"), "changed the mapping of laptops in ")
	want := strings.NewReplacer(
		`filter: "{{ state == 'active' }}"`, `filter: state != 'retired'`,
		"        os_name: {from: os, values: {OSX: macOS}, otherwise: Other}\n", "",
		"status: {value: Active, write: on-create}\n", "status: {value: In use, write: on-create}\n        model: '{{ name | upper }}'\n        location: {setting: path}\n        asset_tag: serial\n",
		"sync_keys: [serial_number]", "sync_keys: [serial_number, {field: asset_tag, update: true}]",
	).Replace(before)
	require.Equal(t, want, sh.config())
	require.Regexp(t, `(?m)^model +\{\{ name \| upper \}\} +MAC ONE$`, sh.done("map", "laptops"))
	require.Regexp(t, `(?m)^asset_tag +serial +C02-XG0 +2$`, sh.done("map", "laptops"))
}

func TestMapRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"a source that is none":         {[]string{"laptops", "--set", "model"}, `--set "model" is not of the form FIELD=SOURCE`},
		"a field that is none":          {[]string{"laptops", "--set", "modell=name"}, `integrations[0].mapping.fields.modell: assets have no field "modell"; did you mean "model"?`},
		"a template that does not read": {[]string{"laptops", "--set", "model={{ name | uper }}"}, "uper"},
		"a filter that does not read":   {[]string{"laptops", "--filter", "{{ state == }}"}, "integrations[0].filter: "},
		"a setting that is none":        {[]string{"laptops", "--set", "model=setting:pth"}, `did you mean "path"?`},
		"a field that is not mapped":    {[]string{"laptops", "--unset", "model"}, "model is not mapped"},
		"a sync key that is not mapped": {[]string{"laptops", "--unset", "serial_number"}, "integrations[0].mapping.sync_keys[0]: "},
		"a sync key that is not unique": {[]string{"laptops", "--sync-key", "device_name"}, "integrations[0].mapping.sync_keys[0]: "},
		"an object and an integration":  {[]string{"laptops", "--all", "assets"}, "--all OBJECT stands alone"},
		"an object that is none":        {[]string{"--all", "asets"}, `there is no object "asets"`},
		"neither":                       {nil, "name one integration, or an object with --all"},
		"to write nothing":              {[]string{"laptops", "--write"}, "--write goes with --smart"},
		"to propose and to change":      {[]string{"laptops", "--smart", "--unset", "model"}, "--smart does not go with"},
	}
	sh := companyShell(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := sh.config()
			require.Contains(t, sh.fails(exitUsage, append([]string{"map"}, tt.args...)...), tt.want)
			require.Equal(t, before, sh.config())
		})
	}
	require.Contains(t, sh.fails(exitFailed, "map", "phones"), `there is no integration "phones"`)
}

func TestATestRunSaysWhatIsFilteredAndWhy(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	r := sh.run("test", "laptops")
	require.Equal(t, exitDone, r.code)
	golden(t, "test_filtered.txt", anyRun(r.out))
	id := runID.FindString(r.out)
	require.Contains(t, sh.done("runs", "show", id), "4 fetched = 2 filtered + 2 created")
	require.Regexp(t, `(?m)^filter: "\{\{ state == 'active' \}\}" is not true +1$`, sh.done("runs", "show", id))
	records := decodeJSON[object](t, sh.done("test", "laptops", "--json"))["records"].([]any)
	require.Equal(t, "filtered", records[1].(object)["action"])
	require.Contains(t, records[1].(object)["reason"], "is not true")
}

// Who is assigned to a machine is known by its e-mail first, and as a record once
// the people are there.
func TestReferencesAreShownWithTheRecordTheyMean(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	sh.done("run", "laptops")
	require.NotContains(t, sh.done("records", "assets"), "(user")
	require.Contains(t, sh.done("test", "people"), `manager = "ada@example.com"`)
	sh.done("run", "people")
	golden(t, "references.txt", anyRun(sh.done("records", "assets")+sh.done("records", "users")+sh.done("records", "saas_users")+
		sh.done("history", "assets", "C02-XG0")+sh.done("history", "users", "bob")))
	require.Contains(t, sh.done("records", "assets", "--fields", "assigned_to,assigned_to_id"), "ASSIGNED_TO_ID", "asked for, the link is shown")
	sh.write("devices.ndjson", strings.Replace(company, "bob@example.com", "ada@example.com", 1))
	require.Contains(t, sh.done("test", "laptops"), `assigned_to: "bob@example.com" → "ada@example.com" (user 6)`)
	fields := decodeJSON[[]object](t, sh.done("records", "users", "--json"))[1]["fields"].(object)
	require.Equal(t, "6", fields["manager_id"], "programs get the fields as they are")
}

func TestProvenanceSaysWhoSetWhat(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	sh.write("stock.csv", "id,serial,place\n7,C02-XG0,Berlin\n")
	sh.write("vendorsync.yaml", strings.Replace(companyFile, "{order: [laptops],", "{order: [laptops, stock],", 1)+
		"  - {id: stock, connector: files, settings: {path: stock.csv}, object: assets, integration_user: stock@example.com, launch: true, mapping: {fields: {serial_number: serial, location: place, device_name: {value: Machine}}, sync_keys: [serial_number]}}\n")
	sh.done("run", "people", "laptops", "stock")
	golden(t, "provenance.txt", anyRun(sh.done("records", "assets", "--key", "c02-xg0", "--provenance")))
	p := decodeJSON[syncer.Provenance](t, sh.done("records", "assets", "--key", "C02-XG0", "--provenance", "--json"))
	require.Equal(t, []string{"laptops", "stock"}, []string{p.Links[0].Integration, p.Links[1].Integration})
	require.Contains(t, sh.fails(exitFailed, "records", "assets", "--key", "X", "--provenance"), `assets have no record "X"`)
	require.Contains(t, sh.fails(exitUsage, "records", "assets", "--key", "X"), "--key and --provenance go together")
	require.Contains(t, sh.fails(exitUsage, "records", "assets", "--provenance"), "--key and --provenance go together")
}

func TestDuplicatesAreFoundMergedAndSplit(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	sh.memory = nil
	require.Equal(t, "there are no duplicates among assets\n", sh.done("duplicates", "assets"))
	require.Equal(t, "[]\n", sh.done("duplicates", "assets", "--json"))
	sh.done("run", "--all")
	r := sh.run("duplicates", "assets")
	golden(t, "duplicates.txt", r.out)
	require.Contains(t, r.err, "vendorsync merge assets 1 2 --dry-run")
	sets := decodeJSON[[]syncer.DuplicateSet](t, sh.done("duplicates", "assets", "--json"))
	require.Equal(t, "1", sets[0].Keep)
	require.Contains(t, sh.done("duplicates", "users", "--compare", "role"), "role employee")
	require.Contains(t, sh.fails(exitUsage, "duplicates", "users", "--compare", "rolle"), `users have no field "rolle"`)

	dry := sh.run("merge", "assets", "C02-XG0", "C02XG0", "--dry-run")
	require.Equal(t, exitDone, dry.code)
	require.Contains(t, dry.err, "Nothing was written.")
	golden(t, "merge.txt", dry.out)
	require.Len(t, decodeJSON[[]any](t, sh.done("records", "assets", "--json")), 2)

	report := decodeJSON[syncer.MergeReport](t, sh.done("merge", "assets", "1", "2", "--json"))
	require.Equal(t, "1", report.Into)
	require.Len(t, decodeJSON[[]any](t, sh.done("records", "assets", "--json")), 1)
	require.Contains(t, sh.done("history", "assets", "1"), "merge")
	require.Regexp(t, `(?m)^2 +1 +2026-03-01 13:00:00 +ada$`, sh.done("split", "assets"))
	require.Equal(t, []object{{"into": "1", "from": "2", "by": "ada", "at": "2026-03-01T12:00:00Z"}}, decodeJSON[[]object](t, sh.done("split", "assets", "--json")))
	require.Contains(t, sh.fails(exitFailed, "split", "assets", "1"), "assets 1 is no part of another record (see `vendorsync split assets`)")
	require.Equal(t, object{"object": "assets", "id": "2", "left": []any{}}, decodeJSON[object](t, sh.done("split", "assets", "2", "--json")))
	require.Len(t, decodeJSON[[]any](t, sh.done("records", "assets", "--json")), 2)
	require.Equal(t, "no record of assets is a part of another\n", sh.done("split", "assets"))
	require.Contains(t, sh.fails(exitFailed, "merge", "assets", "1", "99"), "(see `vendorsync records assets`)")
	require.Contains(t, sh.run("merge", "assets", "1", "2").err, "Undo it with: vendorsync split assets 2")
	require.Equal(t, "2 of assets is a record of its own again\n", sh.done("split", "assets", "2"))
}

func TestRevertPutsARunBack(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	sh.done("run", "people", "laptops")
	sh.write("devices.ndjson", strings.Replace(company, "mac one", "mac uno", 1))
	run := decodeJSON[syncer.Run](t, sh.done("run", "laptops", "--json"))
	dry := sh.run("revert", run.ID, "--dry-run")
	require.Equal(t, exitDone, dry.code)
	require.Contains(t, dry.err, "Nothing was written.")
	require.Contains(t, sh.done("records", "assets"), "Mac Uno")
	golden(t, "revert.txt", anyRun(dry.out))

	r := sh.run("revert", run.ID)
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, r.err, "laptops is paused: its next run would write again what the vendor says.")
	require.Contains(t, sh.done("records", "assets"), "Mac One")
	again := decodeJSON[object](t, sh.done("revert", run.ID, "--json"))
	require.Equal(t, "revert", again["trigger"])
	require.NotNil(t, again["records"])
	require.Equal(t, 0.0, again["counts"].(object)["updated"], "a second time, there is nothing to put back")
	require.Contains(t, sh.fails(exitFailed, "revert", "x"), `there is no run "x"`)

	sh.done("launch", "laptops")
	next := decodeJSON[syncer.Run](t, sh.done("run", "laptops", "--json"))
	require.EqualValues(t, 1, next.Counts.Updated)
	require.Contains(t, sh.run("revert", next.ID, "--keep-active").err, "laptops is active: its next run writes again")
}

func TestSaaSCheckComparesAccounts(t *testing.T) {
	t.Parallel()
	chat := &connectortest.Fake{
		ID: "chat", Accounts: []connector.Account{{ID: "u1", Status: "disabled"}},
		Records: []connector.Record{[]byte(`{"id":"u1","login":"ada","mail":"ada@example.com","state":"active"}`), []byte(`{"id":"u2","login":"bob","mail":"bob@example.com","state":"active"}`)},
	}
	sh := newShell(t, chat)
	sh.write("vendorsync.yaml", "integrations:\n  - {id: chat, connector: chat, object: users, integration_user: it, default_role: Employee, launch: true, saas: {application: Chat, fields: {status: state}}, mapping: {fields: {username: login, email: mail}, sync_keys: [email]}}\n")
	sh.done("run", "chat")
	golden(t, "saas_check.txt", sh.done("saas", "check", "Chat"))
	v := decodeJSON[object](t, sh.done("saas", "check", "chat", "--user", "ada@example.com", "--json"))
	require.Equal(t, 1.0, v["checked"])
	require.Equal(t, 1.0, v["differs"])
	require.Len(t, v["accounts"], 1)
	require.Contains(t, sh.fails(exitFailed, "saas", "check", "Mail"), "Mail")
	require.Contains(t, sh.fails(exitUsage, "saas", "chek"), `did you mean "check"?`)
}

func TestPrecedenceIsShownAndDeclared(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	sh.write("vendorsync.yaml", strings.Replace(companyFile, "precedence:\n  assets: {order: [laptops], silent_after: 30d}\n", "", 1)+
		"  - {id: stock, connector: files, object: assets}\n")
	require.Equal(t, "no integration goes before another for assets; the last one to write counts\n", sh.done("precedence", "assets"))
	require.Regexp(t, `(?m)^\(all\) +stock, then laptops$`, sh.done("precedence", "assets", "stock"))
	require.True(t, strings.HasSuffix(sh.config(), "\nprecedence: {assets: [stock]}\n"), sh.config())
	out := sh.done("precedence", "assets", "laptops,stock", "--field", "assigned_to", "--silent-after", "30d")
	require.Regexp(t, `(?m)^assigned_to +laptops, stock$`, out)
	require.Contains(t, out, "silent about a record for 30 days")
	require.Contains(t, sh.config(), "precedence: {assets: {order: [stock], silent_after: 30d, fields: {assigned_to: [laptops, stock]}}}\n")
	require.Equal(t, object{
		"object": "assets", "order": []any{"stock"}, "fields": object{"assigned_to": []any{"laptops", "stock"}}, "silent_after": 30.0, "others": []any{"laptops"},
	}, decodeJSON[object](t, sh.done("precedence", "assets", "--json")))
	require.NotContains(t, sh.done("precedence", "assets", "--field", "assigned_to", "--clear"), "assigned_to")
	require.NotContains(t, sh.done("precedence", "assets", "--silent-after", "0"), "silent")
	require.Contains(t, sh.config(), "precedence: {assets: [stock]}\n")
	require.Contains(t, sh.done("precedence", "assets", "--clear"), "no integration goes before another")

	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"asets"}, `there is no object "asets"`},
		{[]string{"assets", "stok"}, `there is no integration "stok"; did you mean "stock"?`},
		{[]string{"assets", "people"}, "people fills users, not assets"},
		{[]string{"assets", "stock", "--field", "modell"}, `assets have no field "modell" to order`},
		{[]string{"assets", "stock", "--clear"}, "--clear goes with nothing but --field"},
		{[]string{"assets", "--field", "model", "--silent-after", "1d"}, "--field needs an order"},
		{[]string{"assets", "--silent-after", "soon"}, `"soon" is no age`},
		{[]string{"assets", "--silent-after", "12h"}, "counts whole days"},
	} {
		require.Contains(t, sh.fails(exitUsage, append([]string{"precedence"}, tt.args...)...), tt.want)
	}
}

func TestAFieldBecomesUniqueUnlessRecordsShareAValue(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.write("d.csv", "id,tag,rack\n1,T1,R1\n2,T2,r1\n3,T3,R2\n")
	sh.write("vendorsync.yaml", "fields: {assets: [{name: rack}]}\nintegrations: [{id: d, connector: files, settings: {path: d.csv}, object: assets, integration_user: it, launch: true, mapping: {fields: {asset_tag: tag, rack: rack}, sync_keys: [asset_tag]}}]\n")
	sh.done("run", "d")
	said := sh.fails(exitFailed, "fields", "assets", "unique", "rack")
	require.Contains(t, said, "rack cannot become unique")
	require.Contains(t, said, "records 1, 2")
	file := sh.config()
	sh.write("vendorsync.yaml", strings.Replace(file, "{name: rack}", "{name: rack, unique: true}", 1))
	r := sh.run("list")
	require.Equal(t, exitDone, r.code, "all else goes on")
	require.Contains(t, r.err, "rack cannot become unique")
	require.Contains(t, r.err, "vendorsync duplicates assets")

	sh.write("vendorsync.yaml", file)
	sh.write("d.csv", "id,tag,rack\n1,T1,R1\n2,T2,R3\n3,T3,R2\n")
	sh.done("run", "d")
	require.Equal(t, "rack of assets is unique now, and can be a sync key\n", sh.done("fields", "assets", "unique", "rack"))
	sh.done("map", "d", "--sync-key", "rack,asset_tag")
	require.Contains(t, sh.done("run", "d"), "3 unchanged")
	sh.done("map", "d", "--sync-key", "asset_tag")
	require.Equal(t, false, decodeJSON[object](t, sh.done("fields", "assets", "unique", "rack", "--off", "--json"))["unique"])
	sh.write("vendorsync.yaml", strings.Replace(sh.config(), "{name: rack}", "{name: rack, unique: true}", 1))
	require.Contains(t, sh.run("list").err, "note: assets.rack is unique now")
	require.Contains(t, sh.fails(exitUsage, "fields", "assets", "unique", "rack", "--off"), "says that assets.rack is unique; change it there")
	require.Contains(t, sh.fails(exitUsage, "fields", "assets", "unique", "model"), "only custom fields change")
	require.Contains(t, sh.fails(exitUsage, "fields", "assets", "unique", "modell"), `assets have no field "modell"`)
	require.Contains(t, sh.fails(exitUsage, "fields", "assets", "add", "shelf", "--off"), "--off goes with")
}
