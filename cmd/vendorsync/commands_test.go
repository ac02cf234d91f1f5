package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
)

var runKeys = []string{"id", "integration", "status", "test", "started", "finished", "counts", "effects", "vanished", "problems"}

func requireRun(t *testing.T, run object) {
	t.Helper()
	require.Subset(t, keys(run), runKeys)
	require.ElementsMatch(t, []string{"fetched", "filtered", "created", "updated", "unchanged", "skipped", "failed"}, keys(run["counts"].(object)))
	require.Equal(t, "2026-03-01T12:00:00Z", run["started"])
	require.Equal(t, "2026-03-01T12:00:00Z", run["finished"])
}

func TestRunAsJSON(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.write("devices.ndjson", devices+`{"id": 4, "serial": ["C04"]}`+"\n")
	r := sh.run("run", "laptops", "--json")
	require.Equal(t, exitRecords, r.code, "done, and one record failed")
	run := decodeJSON[object](t, r.out)
	requireRun(t, run)
	require.NotContains(t, run, "records")
	require.Equal(t, "laptops", run["integration"])
	require.Equal(t, "succeeded_with_problems", run["status"])
	require.Equal(t, false, run["test"])
	require.Equal(t, object{"fetched": 4.0, "filtered": 0.0, "created": 3.0, "updated": 0.0, "unchanged": 0.0, "skipped": 0.0, "failed": 1.0}, run["counts"])
	require.Equal(t, 1.0, run["effects"].(object)["software_installs"].(object)["created"])
	problem := run["problems"].([]any)[0].(object)
	require.Equal(t, "4", problem["record"])
	require.Equal(t, "serial_number", problem["field"])
	require.NotEmpty(t, problem["reason"])
	require.Equal(t, "ada", run["by"])
	require.Equal(t, "it-sync@example.com", run["user"])

	again := decodeJSON[object](t, sh.done("runs", "show", run["id"].(string), "--json"))
	require.Equal(t, run, again)
}

func TestOneRunIsAnObjectAndSeveralAreAnArray(t *testing.T) {
	t.Parallel()
	fleet := &connectortest.Fake{ID: "fleet", Records: []connector.Record{[]byte(`{"id":"9","imei":"1"}`)}}
	sh := laptopShell(t, fleet)
	sh.write("vendorsync.yaml", laptops+"  - {id: fleet, connector: fleet, object: assets, integration_user: it, launch: true, mapping: {fields: [{to: imei, from: imei}], sync_keys: [imei]}}\n  - {id: draft, connector: files}\n")
	decodeJSON[object](t, sh.done("run", "laptops", "--json"))
	runs := decodeJSON[[]object](t, sh.done("run", "laptops", "fleet", "--json"))
	require.Len(t, runs, 2)
	requireRun(t, runs[0])
	require.Equal(t, "fleet", runs[1]["integration"])

	all := sh.run("run", "--all", "--json")
	require.Equal(t, exitDone, all.code)
	require.Len(t, decodeJSON[[]object](t, all.out), 2)
	require.Equal(t, "note: draft is a draft and is left out\n", all.err)
	require.Len(t, decodeJSON[[]object](t, sh.done("runs", "--json", "--limit", "3")), 3)
	require.Len(t, decodeJSON[[]object](t, sh.done("runs", "fleet", "--json")), 2)
	require.Equal(t, "[]\n", sh.done("runs", "draft", "--json"))

	sh.done("pause", "laptops")
	sh.done("pause", "fleet")
	none := sh.run("run", "--all", "--json")
	require.Equal(t, exitDone, none.code)
	require.Equal(t, "[]\n", none.out)
	require.Contains(t, none.err, "no integration is active")
}

func TestTestRunAsJSON(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	out := sh.done("test", "laptops", "--json")
	run := decodeJSON[object](t, out)
	requireRun(t, run)
	require.Equal(t, true, run["test"])
	records := run["records"].([]any)
	require.Len(t, records, 3)
	first := records[0].(object)
	require.Subset(t, keys(first), []string{"source", "mapped", "action", "changes"})
	require.Equal(t, "created", first["action"])
	require.Equal(t, "C01", first["source"].(object)["serial"], "the source is as the vendor sent it")
	require.Equal(t, "mac one", first["mapped"].(object)["device_name"])
	change := first["changes"].([]any)[0].(object)
	require.Subset(t, keys(change), []string{"field", "before", "after"})

	again := decodeJSON[object](t, sh.done("runs", "show", run["id"].(string), "--json"))
	require.Equal(t, run, again)
	payload := decodeJSON[[]any](t, sh.done("runs", "payload", run["id"].(string)))
	require.Equal(t, records, payload)
	require.Contains(t, sh.run("records", "assets").err, "there are no such records", "nothing was written")
}

func TestTestRunLooksAtASample(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	fetched := func(args ...string) int64 {
		return decodeJSON[syncer.Run](t, sh.done(append(args, "--json")...)).Counts.Fetched
	}
	var many strings.Builder
	for i := range 70 {
		b, err := json.Marshal(object{"id": i, "serial": "S" + time.Unix(int64(i), 0).UTC().Format("150405")})
		require.NoError(t, err)
		many.Write(append(b, '\n'))
	}
	sh.write("devices.ndjson", many.String())
	require.EqualValues(t, syncer.DefaultSample, fetched("test", "laptops"))
	require.EqualValues(t, 2, fetched("test", "laptops", "--sample", "2"))
	require.EqualValues(t, 70, fetched("test", "laptops", "--all"))
	require.Contains(t, sh.done("test", "laptops", "--all"), "and 20 more records (see `vendorsync runs payload ")
	require.Contains(t, sh.fails(exitUsage, "test", "laptops", "--all", "--sample", "2"), "exclude each other")
	require.Contains(t, sh.fails(exitUsage, "test", "laptops", "--sample", "0"), "is no number of records")
}

func TestTestRunForPeople(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.done("run", "laptops")
	sh.write("devices.ndjson", strings.NewReplacer("mac two", "mac zwei", `"id": 3, "serial": "C03"`, `"id": 5, "serial": ""`).Replace(devices))
	r := sh.run("test", "laptops")
	require.Equal(t, exitDone, r.code, "what is skipped is no failure")
	require.Regexp(t, `(?m)^1 +unchanged *$`, r.out)
	require.Regexp(t, `(?m)^2 +updated +device_name: "mac two" → "mac zwei"$`, r.out)
	require.Regexp(t, `(?m)^5 +skipped +no sync key`, r.out)
	require.Contains(t, r.err, "This was a test: nothing was written.")
}

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	broken := &connectortest.Fake{ID: "broken", OpenErr: connector.Errorf(connector.ErrAuth, "log in", "wrong password")}
	tests := map[string]struct {
		code int
		args []string
		err  string
	}{
		"help":                        {exitDone, []string{"--help"}, ""},
		"no command":                  {exitDone, nil, ""},
		"an unknown command":          {exitUsage, []string{"lst"}, "vendorsync: there is no command \"lst\"; did you mean \"list\"? (see `vendorsync --help`)\n"},
		"a command like none":         {exitUsage, []string{"xyzzy"}, "vendorsync: there is no command \"xyzzy\" (see `vendorsync --help`)\n"},
		"an unknown flag":             {exitUsage, []string{"list", "--al"}, "vendorsync: unknown flag: --al (see `vendorsync list --help`)\n"},
		"an argument too many":        {exitUsage, []string{"list", "x"}, "vendorsync: unknown command \"x\" for \"vendorsync list\" (see `vendorsync list --help`)\n"},
		"run without an id":           {exitUsage, []string{"run"}, "vendorsync: name integrations, or --all for every active one (see `vendorsync run --help`)\n"},
		"run with ids and --all":      {exitUsage, []string{"run", "laptops", "--all"}, "vendorsync: name integrations, or --all for every active one (see `vendorsync run --help`)\n"},
		"an integration that is none": {exitFailed, []string{"run", "phones"}, "vendorsync: there is no integration \"phones\" (see `vendorsync list`)\n"},
		"a test of an unknown one":    {exitFailed, []string{"test", "phones"}, "vendorsync: there is no integration \"phones\" (see `vendorsync list`)\n"},
		"a run that is none":          {exitFailed, []string{"runs", "show", "x"}, "vendorsync: there is no run \"x\" (see `vendorsync runs`)\n"},
		"an object that is none":      {exitUsage, []string{"records", "asets"}, "vendorsync: there is no object \"asets\"; there are users, assets, software, software_installs, saas_applications, saas_users\n"},
		"a field that is none":        {exitUsage, []string{"records", "software", "--where", "x=y"}, "vendorsync: software have no field \"x\"; they have name, publisher, identifier, category\n"},
		"a where that is none":        {exitUsage, []string{"records", "software", "--where", "x"}, "vendorsync: --where \"x\" is not of the form field=value\n"},
		"a value of the wrong type":   {exitUsage, []string{"records", "assets", "--where", "managed=perhaps"}, ""},
		"a column that is none":       {exitUsage, []string{"records", "software", "--fields", "name,x"}, "vendorsync: software have no field \"x\"; they have name, publisher, identifier, category\n"},
		"two formats at once":         {exitUsage, []string{"records", "assets", "--json", "--csv"}, "vendorsync: --json and --csv exclude each other\n"},
		"a record that is none":       {exitFailed, []string{"history", "assets", "x"}, "vendorsync: assets have no record \"x\", by id or by a unique field (see `vendorsync records assets`)\n"},
		"a connector that is none":    {exitFailed, []string{"catalog", "show", "x"}, ""},
		"an age that is none":         {exitUsage, []string{"runs", "prune", "--older-than", "x"}, "vendorsync: \"x\" is no age such as 90d, 4w or 12h\n"},
		"a number that is none":       {exitUsage, []string{"runs", "prune", "--keep", "-1"}, "vendorsync: --keep -1 is less than nothing\n"},
		"a vendor that does not open": {exitFailed, []string{"run", "broken"}, ""},
		"a check of such a one":       {exitFailed, []string{"check", "broken"}, ""},
	}
	sh := laptopShell(t, broken)
	sh.write("vendorsync.yaml", laptops+"  - {id: broken, connector: broken, object: assets, integration_user: it, launch: true, mapping: {fields: [{to: imei, from: imei}], sync_keys: [imei]}}\n")
	sh.done("list")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sh.run(tt.args...)
			require.Equal(t, tt.code, r.code, r.err)
			if tt.err != "" {
				require.Equal(t, tt.err, r.err)
			}
			if tt.code != exitDone {
				require.NotEmpty(t, r.err)
			}
		})
	}
}

func TestAFaultyFileIsShownWithAllItsFaults(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.write("vendorsync.yaml", "stroe: x\nintegrations:\n  - id: a\n    connector: filse\n")
	name := sh.path("vendorsync.yaml")
	require.Equal(t, name+":1:1: stroe: there is no key \"stroe\" here; did you mean \"store\"?\n"+
		name+":4:16: integrations[0].connector: there is no connector \"filse\"; did you mean \"files\"?\n", sh.fails(exitUsage, "list"))
}

func TestAVendorThatFailsIsShown(t *testing.T) {
	t.Parallel()
	fleet := &connectortest.Fake{
		ID: "fleet", PageSize: 1, Records: []connector.Record{[]byte(`{"id":"1","imei":"1"}`), []byte(`{"id":"2","imei":"2"}`)},
		Script: map[int]connectortest.Step{1: {Err: connector.Errorf(connector.ErrPermission, "list phones", "scope phones.read is missing")}},
	}
	sh := newShell(t, fleet)
	sh.write("vendorsync.yaml", "integrations: [{id: fleet, connector: fleet, object: assets, integration_user: it, launch: true, mapping: {fields: [{to: imei, from: imei}], sync_keys: [imei]}}]\n")
	r := sh.run("run", "fleet", "--json")
	require.Equal(t, exitFailed, r.code)
	run := decodeJSON[object](t, r.out)
	require.Equal(t, "failed", run["status"])
	require.Contains(t, run["error"], "scope phones.read is missing")
	require.Contains(t, r.err, "scope phones.read is missing")
	require.Contains(t, r.err, "permission")
	shown := sh.done("runs", "show", run["id"].(string))
	require.Regexp(t, `(?m)^error +.*scope phones.read is missing`, shown)
	require.Contains(t, sh.done("list"), "failed")
}

// A first signal ends the context: the run is left where it is, and goes on
// with the next call.
func TestAnInterruptedRunGoesOn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	fleet := &connectortest.Fake{
		ID: "fleet", PageSize: 10, Count: 100,
		Generate: func(i int) connector.Record {
			rec, err := connector.JSON(object{"id": i, "imei": time.Unix(int64(i), 0).UTC().Format("imei150405")})
			require.NoError(t, err)
			return rec
		},
		Script: map[int]connectortest.Step{5: {Do: cancel, Block: true, Times: 1}},
	}
	sh := newShell(t, fleet)
	sh.memory = nil
	sh.write("vendorsync.yaml", "integrations: [{id: fleet, connector: fleet, object: assets, integration_user: it, launch: true, mapping: {fields: [{to: imei, from: imei}], sync_keys: [imei]}}]\n")
	sh.ctx = ctx
	r := sh.run("run", "fleet", "--json")
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, "was interrupted after ")
	require.Contains(t, r.err, "`vendorsync run fleet` goes on from there")
	stopped := decodeJSON[syncer.Run](t, r.out)
	require.Equal(t, syncer.Interrupted, stopped.Status)

	sh.ctx = t.Context()
	run := decodeJSON[syncer.Run](t, sh.done("run", "fleet", "--json"))
	require.Equal(t, stopped.ID, run.ID)
	require.Equal(t, syncer.Counts{Fetched: 100, Created: 100}, run.Counts)
}

func TestCancelStopsARunOfAnotherProcess(t *testing.T) {
	t.Parallel()
	atPage, cancelled := make(chan struct{}), make(chan struct{})
	fleet := &connectortest.Fake{
		ID: "fleet", PageSize: 10, Count: 10_000,
		Generate: func(i int) connector.Record {
			rec, err := connector.JSON(object{"id": i, "imei": time.Unix(int64(i), 0).UTC().Format("imei150405")})
			require.NoError(t, err)
			return rec
		},
		Script: map[int]connectortest.Step{3: {Do: func() { close(atPage); <-cancelled }, Times: 1}},
	}
	sh := newShell(t, fleet)
	sh.memory = nil // two processes share a file
	sh.write("vendorsync.yaml", "integrations: [{id: fleet, connector: fleet, object: assets, integration_user: it, launch: true, mapping: {fields: [{to: imei, from: imei}], sync_keys: [imei]}}]\n")
	sh.done("list")
	done := make(chan result, 1)
	go func() { done <- sh.run("run", "fleet", "--json") }()
	select {
	case <-atPage:
	case r := <-done:
		t.Fatalf("the run ended before it could be cancelled: %+v", r)
	}
	running := decodeJSON[[]syncer.Run](t, sh.done("runs", "--json"))
	require.Equal(t, syncer.Running, running[0].Status)
	require.Contains(t, sh.fails(exitFailed, "run", "fleet"), "is running already")
	require.Equal(t, object{"id": running[0].ID, "cancel_requested": true}, decodeJSON[object](t, sh.done("cancel", running[0].ID, "--json")))
	close(cancelled)
	r := <-done
	require.Equal(t, exitFailed, r.code)
	require.Equal(t, syncer.Cancelled, decodeJSON[syncer.Run](t, r.out).Status)
	require.Contains(t, sh.fails(exitFailed, "cancel", running[0].ID), "it has ended already")
	require.Contains(t, sh.fails(exitFailed, "cancel", "x"), "there is no run")
}

func TestRunsShowForPeople(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.write("devices.ndjson", devices+`{"id": 4, "serial": ["C04"]}`+"\n")
	require.Contains(t, sh.run("runs").err, "there are no runs yet")
	r := sh.run("run", "laptops")
	require.Equal(t, exitRecords, r.code)
	require.Regexp(t, `(?m)^laptops +succeeded with problems +4: 3 created, 1 failed +0s +\S+$`, r.out)
	require.Regexp(t, `(?m)^software_installs +1 +0 +0 +0$`, r.out)
	require.Regexp(t, `(?m)^4 +serial_number +`, r.out)
	require.Regexp(t, `(?m)^\S+ +laptops +succeeded with problems +2026-03-01 13:00:00 +0s +4: 3 created, 1 failed$`, sh.done("runs"))
	line := strings.Fields(strings.Split(r.out, "\n")[1])
	id := line[len(line)-1]
	shown := sh.done("runs", "show", id)
	require.Regexp(t, `(?m)^records +4 fetched = 0 filtered \+ 3 created \+ 0 updated \+ 0 unchanged \+ 0 skipped \+ 1 failed$`, shown)
	require.Regexp(t, `(?m)^asked by +ada$`, shown)
	require.Regexp(t, `(?m)^changes by +it-sync@example.com$`, shown)
	require.Regexp(t, `(?m)^4 +serial_number +`, shown)
	require.Contains(t, sh.fails(exitFailed, "runs", "payload", id), "is no test run")

	test := decodeJSON[syncer.Run](t, sh.run("test", "laptops", "--json").out)
	require.Regexp(t, `(?m)^1 +unchanged *$`, sh.done("runs", "show", test.ID))
}

func TestRunsPruneKeepsTheNewest(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	for range 4 {
		sh.done("run", "laptops")
		sh.now = sh.now.Add(24 * time.Hour)
	}
	require.Equal(t, "removed 0 runs\n", sh.done("runs", "prune"))
	sh.now = sh.now.Add(100 * 24 * time.Hour)
	require.Equal(t, "removed 0 runs\n", sh.done("runs", "prune"), "ten stay in any case")
	require.Equal(t, object{"removed": 3.0}, decodeJSON[object](t, sh.done("runs", "prune", "--keep", "1", "--json")))
	require.Len(t, decodeJSON[[]any](t, sh.done("runs", "--json")), 1)
	require.Contains(t, sh.done("records", "assets"), "C01", "records stay")
	require.Contains(t, sh.done("history", "assets", "C01"), "create", "and so does their history")
}

func TestListAsJSON(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.write("vendorsync.yaml", laptops+"  - {id: phones, connector: files}\n")
	sh.done("run", "laptops")
	sh.done("test", "laptops")
	list := decodeJSON[[]object](t, sh.done("list", "--json"))
	require.Len(t, list, 2)
	requireRun(t, list[0]["last_run"].(object))
	require.Equal(t, false, list[0]["last_run"].(object)["test"], "a test run is no last run")
	delete(list[0], "last_run")
	require.Equal(t, object{
		"id": "laptops", "name": "Laptops", "vendor": "Files", "connector": "files", "stream": "records", "object": "assets",
		"policy": "create-and-update", "integration_user": "it-sync@example.com", "state": "active", "missing": []any{},
	}, list[0])
	require.Nil(t, list[1]["last_run"])
	require.NotEmpty(t, list[1]["missing"])
	missing := decodeJSON[object](t, sh.done("missing", "phones", "--json"))
	require.Equal(t, object{"id": "phones", "state": "draft", "missing": list[1]["missing"]}, missing)
	require.Equal(t, len(list[1]["missing"].([]any)), strings.Count(sh.done("missing", "phones"), "\n"))
}

func TestAnEmptyFileListsNothing(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.write("vendorsync.yaml", "")
	r := sh.run("list")
	require.Equal(t, exitDone, r.code)
	require.Empty(t, r.out)
	require.Contains(t, r.err, "there are no integrations yet")
	require.Equal(t, "[]\n", sh.done("list", "--json"))
}

func TestRecordsAsJSON(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.done("run", "laptops")
	records := decodeJSON[[]object](t, sh.done("records", "assets", "--json", "--where", "serial_number=c01"))
	require.Len(t, records, 1)
	require.ElementsMatch(t, []string{"id", "revision", "fields", "created_at", "updated_at", "archived_at", "missing_since"}, keys(records[0]))
	fields := records[0]["fields"].(object)
	require.Equal(t, "C01", fields["serial_number"])
	require.Nil(t, fields["model"])
	require.Equal(t, "2026-03-01T12:00:00Z", records[0]["created_at"])
	require.Nil(t, records[0]["archived_at"])
	require.Len(t, decodeJSON[[]object](t, sh.done("records", "assets", "--json")), 3)
	require.Len(t, decodeJSON[[]object](t, sh.done("records", "assets", "--json", "--limit", "2")), 2)
	require.Equal(t, "[]\n", sh.done("records", "users", "--json"))
}

func TestRecordsForPeople(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.memory = nil
	sh.done("run", "laptops")
	golden(t, "records.txt", sh.done("records", "assets", "--fields", "serial_number,device_name,assigned_to,model"))
	golden(t, "records_used.txt", sh.done("records", "assets"))
	r := sh.run("records", "assets", "--limit", "2")
	require.Equal(t, 3, strings.Count(r.out, "\n"))
	require.Equal(t, "there are more; see them with --limit 0\n", r.err)
	require.Equal(t, 4, strings.Count(sh.done("records", "assets", "--limit", "0"), "\n"))
	require.Contains(t, sh.done("records", "assets", "--where", "device_name=MAC TWO"), "C02")
}

func TestArchivedRecordsAreShownOnRequest(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	var many strings.Builder
	for _, serial := range strings.Split("A B C D E F G H I J K L", " ") {
		many.WriteString(`{"id": "` + serial + `", "serial": "S-` + serial + `"}` + "\n")
	}
	sh.write("devices.ndjson", many.String())
	sh.write("vendorsync.yaml", strings.Replace(laptops, "launch: true", "launch: true\n    absence: archive", 1))
	sh.done("run", "laptops")
	sh.write("devices.ndjson", strings.Replace(many.String(), `{"id": "A", "serial": "S-A"}`+"\n", "", 1))
	require.Contains(t, sh.done("run", "laptops"), "\n\nNo longer at the vendor: 1; flagged 0, archived 1,")
	require.NotContains(t, sh.done("records", "assets"), "S-A")
	require.Regexp(t, `S-A .*2026-03-01 13:00:00`, sh.done("records", "assets", "--archived"))
	require.Contains(t, sh.done("history", "assets", "s-a"), "archive")
}

func TestHistoryAsJSON(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	run := decodeJSON[syncer.Run](t, sh.done("run", "laptops", "--json"))
	sh.write("devices.ndjson", strings.Replace(devices, "mac one", "mac uno", 1))
	sh.done("run", "laptops")
	events := decodeJSON[[]object](t, sh.done("history", "assets", "C01", "--json"))
	require.Len(t, events, 2)
	require.ElementsMatch(t, []string{"object", "id", "revision", "at", "op", "actor", "integration", "run", "changes"}, keys(events[0]))
	require.Equal(t, "create", events[0]["op"])
	require.Equal(t, run.ID, events[0]["run"])
	require.Equal(t, "it-sync@example.com", events[1]["actor"])
	require.Equal(t, "2026-03-01T12:00:00Z", events[1]["at"])
	require.Equal(t, []any{object{"field": "device_name", "before": "mac one", "after": "mac uno"}}, events[1]["changes"])
	byID := decodeJSON[[]object](t, sh.done("history", "assets", events[0]["id"].(string), "--json"))
	require.Equal(t, events, byID)
}

func TestHistoryRefusesToGuess(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.write("d.csv", "id,tag,imei\n1,X1,\n2,,X1\n")
	sh.write("vendorsync.yaml", "integrations: [{id: d, connector: files, settings: {path: d.csv}, object: assets, integration_user: it, launch: true, mapping: {fields: [{to: asset_tag, from: tag}, {to: imei, from: imei}], sync_keys: [asset_tag, {field: imei, update: true}]}}]\n")
	sh.done("run", "d")
	require.Contains(t, sh.fails(exitFailed, "history", "assets", "x1"), `"x1" is a value of several assets; name one by its id: `)
}

func TestFields(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	require.Regexp(t, `(?m)^assets +assigned_to +reference to users +`, sh.done("fields"))
	require.Regexp(t, `(?m)^assets +mac_addresses +list of mac +`, sh.done("fields", "assets"))
	require.NotContains(t, sh.done("fields", "software"), "assets ")
	views := decodeJSON[[]object](t, sh.done("fields", "saas_applications", "--json"))
	require.Equal(t, object{"object": "saas_applications", "name": "name", "label": "Name", "help": "", "type": "text", "unique": true, "required": true, "custom": false, "choices": []any{}}, views[0])
}

func TestSchemaAndVersionNeedNoFile(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	schema := decodeJSON[object](t, sh.done("schema"))
	require.Equal(t, "vendorsync configuration", schema["title"])
	require.Contains(t, sh.done("schema"), `"const": "localhost"`)
	require.Regexp(t, `^vendorsync \S+ \(go`, sh.done("version"))
	require.ElementsMatch(t, []string{"version", "go", "os", "arch"}, keys(decodeJSON[object](t, sh.done("version", "--json"))))
}

func TestInitWritesAFileThatIsSound(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	require.Equal(t, object{"file": sh.path("vendorsync.yaml")}, decodeJSON[object](t, sh.done("init", "--json")))
	require.Contains(t, sh.done("missing", "this-machine"), "lacks nothing")

	// The entry in the comments is sound, too.
	var lines []string
	for line := range strings.SplitSeq(string(sample), "\n") {
		if strings.HasPrefix(line, "#   ") {
			lines = append(lines, strings.TrimPrefix(line, "# "))
		}
	}
	_, entry, ok := strings.Cut(strings.Join(lines, "\n"), "  - id: laptops")
	require.True(t, ok)
	sh.write("vendorsync.yaml", "integrations:\n  - id: laptops"+entry+"\n")
	sh.done("list")
	require.Contains(t, sh.done("missing", "laptops"), "lacks nothing")
}

func TestCompletions(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.write("vendorsync.yaml", laptops+"  - {id: phones, connector: files}\n")
	require.Contains(t, sh.done("completion", "bash"), "vendorsync")
	ids := sh.done("__complete", "run", "laptops", "")
	require.Contains(t, ids, "phones\tphones\n")
	require.NotContains(t, ids, "laptops")
	require.Contains(t, sh.done("__complete", "add", ""), "localhost\tThis machine\n")
	require.NotContains(t, sh.done("__complete", "add", "files", ""), "localhost")
	sh.write("vendorsync.yaml", "stroe: x\n")
	require.NotContains(t, sh.done("__complete", "run", ""), "phones")
}

func TestProgressIsShownOnATerminalAlone(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	require.NotContains(t, sh.run("run", "laptops", "--json").err, "created")
	sh.tty = true
	r := sh.run("run", "laptops", "--json")
	require.Contains(t, r.err, "laptops: 0 records")
	decodeJSON[object](t, r.out)
	require.NotContains(t, sh.run("run", "laptops", "-v", "--json").err, "laptops: 0 records", "log lines and a bar do not go together")
}

func TestLogsAreShownOnRequest(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.done("list")
	require.Empty(t, sh.run("run", "laptops").err)
	require.Contains(t, sh.run("-v", "run", "laptops").err, "level=DEBUG")
}

func TestTheProcessRunsWithItsOwnEnvironment(t *testing.T) {
	name := t.TempDir() + "/mine.yaml"
	t.Setenv(configVariable, name)
	var out, errOut bytes.Buffer
	require.Equal(t, exitDone, run(t.Context(), []string{"init"}, strings.NewReader(""), &out, &errOut), errOut.String())
	require.FileExists(t, name)
	_, err := config.Load(name, config.Options{})
	require.NoError(t, err)
	require.Equal(t, exitUsage, run(t.Context(), []string{"-c", name + "x", "list"}, strings.NewReader(""), &out, &errOut))
}

func TestAPipeIsNoTerminal(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	require.Zero(t, widthOf(w))
	require.NoError(t, w.Close())
}
