package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
)

// proposed is what a scorer might say of the machines of companyShell.
var proposed = mapping.Proposal{
	Key: "id",
	Fields: []mapping.Suggestion{
		{To: "serial_number", From: "serial", Score: 0.98, Reason: "the name is another word for it"},
		{To: "last_seen_at", From: "seen", Format: mapping.EpochSeconds, Score: 0.9, Reason: "its values are times"},
		{To: "notes", From: "state", Score: 0.7, Reason: "nothing else fits"},
	},
	SyncKeys: []mapping.KeySuggestion{{Field: "serial_number", Reason: "no two records share a value"}},
	Doubtful: []mapping.Suggestion{{To: "hostname", From: "name", Score: 0.4, Reason: "the name may mean it"}},
}

func TestAProposalIsShownWithScoresAndReasons(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	a, out, errOut := sh.app()
	s, err := a.open(t.Context())
	require.NoError(t, err)
	in, err := s.integration(t.Context(), "laptops")
	require.NoError(t, err)
	v := viewProposal(in, proposed)
	require.Equal(t, "serial", v.Fields[0].Mapped)
	require.Equal(t, "seen", v.Fields[1].Mapped)
	require.Empty(t, v.Fields[2].Mapped)
	require.NoError(t, s.showProposal(v))
	golden(t, "proposal.txt", out.String())
	require.Contains(t, errOut.String(), "vendorsync map laptops --smart --write")

	out.Reset()
	require.NoError(t, s.showProposal(viewProposal(in, mapping.Proposal{})))
	require.Equal(t, "nothing of laptops looks like a field of assets\n", out.String())
}

func TestAProposalIsWrittenWhereNothingFillsAFieldYet(t *testing.T) {
	t.Parallel()
	sh := companyShell(t)
	before := sh.config()
	write := func(p mapping.Proposal) string {
		a, out, _ := sh.app()
		s, err := a.open(t.Context())
		require.NoError(t, err)
		in, err := s.integration(t.Context(), "laptops")
		require.NoError(t, err)
		require.NoError(t, s.writeSuggestions(t.Context(), in, s.source(t.Context(), in, true), p))
		return out.String()
	}
	require.Contains(t, write(proposed), "mapped 1 more field of laptops in ")
	const last = "        status: {value: Active, write: on-create}\n"
	require.Equal(t, strings.Replace(before, last, last+"        notes: state\n", 1), sh.config())
	require.Equal(t, "there is nothing to add to the mapping of laptops\n", write(proposed))

	sh.write("vendorsync.yaml", "integrations:\n  - id: laptops\n    connector: files\n    settings: {path: devices.ndjson, key: uid}\n    object: assets\n")
	write(proposed)
	want := "integrations:\n  - id: laptops\n    connector: files\n    settings: {path: devices.ndjson, key: uid}\n    object: assets\n" +
		"    mapping:\n      fields:\n        - {to: serial_number, from: serial}\n        - {to: last_seen_at, from: seen, format: epoch-seconds}\n        - {to: notes, from: state}\n      sync_keys: [serial_number]\n      key: id\n"
	require.Equal(t, want, sh.config(), "the key that no record has is replaced, too")
}

// From a file nobody has mapped to records that are matched: what a person does
// on the mapping page.
func TestSmartMappingMapsAFileOfDevices(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.write("d.csv", "device id,Serial Number,Device Name,OS Version,colour\n"+
		"d1,C02XG0AA,mac one,14.1,blue\nd2,C02XG0BB,mac two,14.2,red\nd3,C02XG0CC,mac three,14.2,red\n")
	sh.write("vendorsync.yaml", "integrations:\n  - id: d\n    connector: files\n    settings: {path: d.csv}\n    object: assets\n    integration_user: it\n    launch: true\n")
	v := decodeJSON[proposalView](t, sh.done("map", "d", "--smart", "--json"))
	found := map[string]string{}
	for _, f := range v.Fields {
		found[f.To] = f.From
		require.NotEmpty(t, f.Reason)
		require.Positive(t, f.Score)
	}
	require.Equal(t, map[string]string{"serial_number": "Serial Number", "device_name": "Device Name", "os_version": "OS Version"}, found)
	before := sh.config()
	require.Contains(t, sh.done("map", "d", "--smart"), "Serial Number")
	require.Equal(t, before, sh.config(), "proposing writes nothing")

	require.Contains(t, sh.run("map", "d", "--smart", "--write").out, "mapped 3 more fields of d in ")
	require.Contains(t, sh.done("run", "d"), "3 created")
	require.Contains(t, sh.done("run", "d"), "3 unchanged")
	require.Equal(t, "there is nothing to add to the mapping of d\n", sh.done("map", "d", "--smart", "--write"))
	sh.write("vendorsync.yaml", "integrations:\n  - {id: d, connector: files, settings: {path: d.csv}}\n")
	require.Contains(t, sh.fails(exitUsage, "map", "d", "--smart"), "vendorsync edit d --set object=assets")
}
