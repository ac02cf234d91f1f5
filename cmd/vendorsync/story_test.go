package main

import (
	"encoding/csv"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer"
)

// From nothing to a synced file: what a person does on the first day.
func TestStoryOfTheFirstDay(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.memory = nil
	require.Contains(t, sh.fails(exitUsage, "list"), "there is no configuration file")

	require.Contains(t, sh.done("init"), "vendorsync test this-machine")
	require.Contains(t, sh.fails(exitFailed, "init"), "is there already and is left as it is")
	require.Contains(t, sh.done("list"), "this-machine")

	sh.write("devices.csv", "id,Serial Number,device_name,color\n7,C01,mac one,blue\n8,C02,mac two,red\n")
	r := sh.run("add", "files", "--id", "laptops", "--set", "path=devices.csv", "--set", "object=assets")
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, r.out, "added laptops to ")
	require.Contains(t, r.err, "an integration user")
	file := sh.config()
	require.Contains(t, file, "# This machine: it needs no account.", "the comments are all there")
	require.Contains(t, file, "- {to: serial_number, from: Serial Number}")
	require.Contains(t, file, "- {to: device_name, from: device_name}")
	require.Contains(t, file, "# - {to: , from: color}")
	require.Contains(t, file, "sync_keys: [serial_number]")

	said := sh.fails(exitFailed, "run", "laptops")
	require.Contains(t, said, "laptops is a draft and does not run")
	require.Contains(t, said, "an integration user")
	require.Contains(t, said, "vendorsync launch laptops")
	require.Contains(t, sh.fails(exitFailed, "launch", "laptops"), "an integration user")

	require.Contains(t, sh.done("test", "laptops"), `serial_number = "C01"`, "a draft can be tested")
	require.NotContains(t, sh.done("runs", "laptops", "--json"), `"test": false`)

	require.Contains(t, sh.run("edit", "laptops", "--set", "integration_user=it@example.com").err, "vendorsync launch laptops")
	require.Equal(t, "laptops lacks nothing and is a draft\n", sh.done("missing", "laptops"))
	require.Contains(t, sh.fails(exitFailed, "run", "laptops"), "Launch it: vendorsync launch laptops")
	require.Equal(t, "laptops is active\n", sh.done("launch", "laptops"))

	first := decodeJSON[syncer.Run](t, sh.done("run", "laptops", "--json"))
	require.Equal(t, syncer.Counts{Fetched: 2, Created: 2}, first.Counts)
	second := decodeJSON[syncer.Run](t, sh.done("run", "laptops", "--json"))
	require.Equal(t, syncer.Counts{Fetched: 2, Unchanged: 2}, second.Counts)

	sh.write("devices.csv", "id,Serial Number,device_name,color\n7,C01,mac uno,blue\n8,C02,mac two,red\n")
	third := decodeJSON[syncer.Run](t, sh.done("run", "laptops", "--json"))
	require.Equal(t, syncer.Counts{Fetched: 2, Updated: 1, Unchanged: 1}, third.Counts)

	history := strings.Split(strings.TrimSpace(sh.done("history", "assets", "c01")), "\n")
	require.Regexp(t, `^2026-03-01 13:00:00  it@example.com  `+third.ID+`  laptops +update +device_name +mac one +mac uno$`, history[len(history)-1])
	require.Regexp(t, `^WHEN +WHO +RUN +INTEGRATION +CHANGE +FIELD +BEFORE +AFTER$`, history[0])

	list := sh.done("list")
	require.Regexp(t, `(?m)^laptops +laptops +Files +assets +active +2026-03-01 13:00:00 +succeeded, 2: 1 updated, 1 unchanged$`, list)
	require.Regexp(t, `(?m)^this-machine +This machine +Linux +assets +draft +never$`, list)
}

// An entry that is taken out of the file pauses its integration and deletes
// nothing.
func TestStoryOfAnEntryThatIsRemoved(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	require.Contains(t, sh.run("run", "laptops").err, "note: laptops is active now")
	sh.write("vendorsync.yaml", "store: sqlite:inventory.db\n")
	r := sh.run("list")
	require.Contains(t, r.err, "note: laptops is paused")
	require.Regexp(t, `(?m)^laptops .* paused `, r.out)
	require.Contains(t, sh.fails(exitFailed, "run", "laptops"), "laptops is paused and does not run")
	require.Contains(t, sh.done("records", "assets"), "C01")
	sh.write("vendorsync.yaml", laptops)
	again := decodeJSON[syncer.Run](t, sh.done("run", "laptops", "--json"))
	require.Equal(t, syncer.Counts{Fetched: 3, Unchanged: 3}, again.Counts, "it is the same integration, with its links")
}

func TestStoryOfPausingByHand(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	require.Equal(t, "laptops is paused\n", sh.done("pause", "laptops"))
	require.Contains(t, sh.fails(exitFailed, "run", "laptops"), "Launch it: vendorsync launch laptops", "launch: true does not undo what a person has decided")
	require.Equal(t, "laptops is active\n", sh.done("launch", "laptops"))
	require.Equal(t, "laptops is archived\n", sh.done("archive", "laptops"))
	require.Contains(t, sh.fails(exitFailed, "launch", "laptops"), "cannot become active")
	require.Contains(t, sh.fails(exitFailed, "run", "laptops"), "laptops is archived and does not run")
}

func TestEditKeepsTheFileAsItIsIfTheChangeIsWrong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  string
		want string
	}{
		"a word of no choice":       {"policy=all", `after this change:19:13: integrations[0].policy: "all" is none of create-and-update, create-only, update-only`},
		"a key that is none":        {"polcy=create-only", `did you mean "policy"?`},
		"no value":                  {"policy", `--set "policy" is not of the form key=value`},
		"a target that is none":     {"mapping.fields=[{to: serial, from: a}]", "integrations[0].mapping.fields[0].to: assets have no field"},
		"a sync key not mapped":     {"mapping.sync_keys=imei", "integrations[0].mapping.sync_keys[0]:"},
		"a setting that is none":    {"settings.pth=x", `files has no setting "pth"; did you mean "path"?`},
		"a setting's value is none": {"format=xml", `"xml" is not one of auto, csv`},
		"another id":                {"id=phones", "the id ties links and history to the integration"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := laptopShell(t)
			before := sh.config()
			require.Contains(t, sh.fails(exitUsage, "edit", "laptops", "--set", tt.set), tt.want)
			require.Equal(t, before, sh.config())
		})
	}
}

func TestEditChangesWhatARunDoes(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	require.Contains(t, sh.done("edit", "laptops", "--set", "policy=update-only", "--set", "path=devices.ndjson"), "set policy, path of laptops in ")
	run := decodeJSON[syncer.Run](t, sh.done("run", "laptops", "--json"))
	require.Equal(t, syncer.Counts{Fetched: 3, Skipped: 3}, run.Counts, "what the policy skips is no failure")
	require.Contains(t, sh.fails(exitUsage, "edit", "laptops"), "--set key=value")
	require.Contains(t, sh.fails(exitUsage, "edit", "phones", "--set", "policy=update-only"), `the file has no integration "phones"`)
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"a connector that is none": {[]string{"add", "otka"}, `there is no connector "otka"`},
		"a stream not chosen":      {[]string{"add", "localhost"}, "choose one of the streams of localhost with --stream: asset, people"},
		"a stream that is none":    {[]string{"add", "localhost", "--stream", "disks"}, "choose one of the streams of localhost with --stream: asset, people"},
		"an id that is taken":      {[]string{"add", "files", "--id", "laptops"}, `has an integration "laptops" already`},
		"an id that is none":       {[]string{"add", "files", "--id", "Lap Tops"}, "must be small letters"},
		"a key that is none":       {[]string{"add", "files", "--set", "polcy=x"}, `did you mean "policy"?`},
		"an object that is none":   {[]string{"add", "files", "--set", "object=asets"}, `there is no object "asets"; did you mean "assets"?`},
		"no connector":             {[]string{"add"}, "accepts 1 arg(s), received 0 (see `vendorsync add --help`)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := laptopShell(t)
			before := sh.config()
			require.Contains(t, sh.fails(exitUsage, tt.args...), tt.want)
			require.Equal(t, before, sh.config())
		})
	}
}

func TestAddWritesADefaultMappingOut(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.done("add", "localhost", "--stream", "people", "--name", "People here", "--set", "system=true", "--set", "integration_user=it@example.com", "--set", "launch=true")
	file := sh.config()
	for _, want := range []string{"  - id: localhost-people\n", "    name: People here\n", "      system: true  #", "    launch: true  #", "        - {to: role, default: Employee}\n", "      sync_keys: [username, email]\n"} {
		require.Contains(t, file, want)
	}
	require.True(t, strings.HasPrefix(file, laptops), "what was there is as it was")
	view := decodeJSON[object](t, sh.done("launch", "localhost-people", "--json"))
	require.Equal(t, "active", view["state"])
}

func TestAddSaysWhyTheFieldsAreNotKnown(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	r := sh.run("add", "files", "--id", "phones", "--set", "path=none.csv")
	require.Equal(t, exitDone, r.code)
	require.Contains(t, r.err, "note: the fields of phones are not known yet: ")
	require.Contains(t, sh.config(), "# - {to: serial_number, from: serial}")
}

func TestRelativePathsStartAtTheFile(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.memory = nil
	sh.done("run", "laptops")
	require.FileExists(t, sh.path("inventory.db"))
}

func TestAnotherFileIsNamedByFlag(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	other := filepath.Join(sh.dir, "other.yaml")
	require.Contains(t, sh.done("--config", other, "init"), other)
	require.FileExists(t, other)
	require.Contains(t, sh.done("-c", other, "list"), "this-machine")
}

func TestMemoryStoreSaysThatItKeepsNothing(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.memory = nil
	sh.write("vendorsync.yaml", strings.Replace(laptops, "sqlite:inventory.db", "memory", 1))
	r := sh.run("run", "laptops", "--json")
	require.Equal(t, exitDone, r.code, r.err)
	require.Equal(t, int64(3), decodeJSON[syncer.Run](t, r.out).Counts.Created)
	require.Contains(t, r.err, "nothing is kept")
	require.NoFileExists(t, sh.path("inventory.db"))
}

func TestRolesOfTheFileAreHeld(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"sqlite:inventory.db", "memory"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			sh := newShell(t)
			sh.memory = nil
			sh.write("people.csv", "id,name,role\n1,ada,Employee\n2,bob,Wizard\n")
			sh.write("vendorsync.yaml", "store: "+store+"\nroles: [Employee, Admin]\n"+`integrations:
  - id: people
    connector: files
    settings: {path: people.csv}
    object: users
    integration_user: it@example.com
    launch: true
    mapping:
      fields: [{to: username, from: name}, {to: email, value: a@example.com, write: on-create}, {to: role, from: role}]
      sync_keys: [username]
`)
			r := sh.run("test", "people", "--json")
			require.Equal(t, exitRecords, r.code, r.err)
			require.Contains(t, r.out, "Wizard")
		})
	}
}

func TestCustomFieldsComeFromTheFileAndFromTheCommand(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.write("vendorsync.yaml", "fields: {assets: [{name: rack, unique: true, label: Rack}]}\n"+laptops)
	require.Contains(t, sh.run("list").err, "note: added the field assets.rack")
	require.Empty(t, sh.run("list").err)
	require.Equal(t, "assets have the field shelf now\n", sh.done("fields", "assets", "add", "shelf", "--type", "choice", "--choices", "A,B", "--label", "Shelf"))
	require.Contains(t, sh.fails(exitUsage, "fields", "assets", "add", "shelf"), "there is a field of this name already")
	require.Contains(t, sh.fails(exitUsage, "fields", "assets", "add", "Shelf"), "a name consists of")
	require.Contains(t, sh.fails(exitUsage, "fields", "asets"), `there is no object "asets"`)
	require.Contains(t, sh.fails(exitUsage, "fields", "assets", "remove", "shelf"), "fields OBJECT add NAME")
	require.Regexp(t, `(?m)^assets +rack +text +yes +yes +Rack$`, sh.done("fields", "assets"))
	require.Regexp(t, `(?m)^assets +shelf +choice of A, B +yes +Shelf$`, sh.done("fields", "assets"))
	view := decodeJSON[object](t, sh.done("fields", "users", "add", "badge", "--unique", "--json"))
	require.Equal(t, object{"object": "users", "name": "badge", "label": "Badge", "help": "", "type": "text", "unique": true, "required": false, "custom": true, "choices": []any{}}, view)
	sh.write("vendorsync.yaml", strings.Replace(sh.config(), "{to: status, value: Active}", "{to: shelf, value: A}", 1))
	sh.done("run", "laptops")
	require.Contains(t, sh.done("records", "assets", "--where", "shelf=A"), "C01")
}

func TestRecordsOfALinkShowWhatItPointsTo(t *testing.T) {
	t.Parallel()
	sh := laptopShell(t)
	sh.done("run", "laptops")
	require.Regexp(t, `(?m)^\S+ +Slack +C01 +4.1$`, sh.done("records", "software_installs"))
	rows, err := csv.NewReader(strings.NewReader(sh.done("records", "software_installs", "--csv", "--fields", "software,asset"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"Slack", "C01"}, rows[1][1:3])
	require.Contains(t, sh.done("history", "software", "Slack"), "Slack", "software is found by its name")
}
