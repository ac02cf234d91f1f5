package slack_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connectors/slack"
)

var update = flag.Bool("update", false, "write the rows anew; they are to be read before they are committed")

func stream(t testing.TB) connector.Stream {
	t.Helper()
	st, ok := slack.New().Spec().Stream(slack.UserStream)
	require.True(t, ok)
	return st
}

// shapes are members as Slack sends them, each with all its fields; one is a bot.
func shapes(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "mapping", "testdata", "vendors", "slack-users.json"))
	require.NoError(t, err)
	var shape struct{ Records []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &shape))
	out := make([]string, len(shape.Records))
	for i, rec := range shape.Records {
		out[i] = string(rec)
	}
	return out
}

func TestTheDefaultMappingMakesTheRightRows(t *testing.T) {
	t.Parallel()
	members := shapes(t)
	records, err := read(t.Context(), open(t, serve(t, workspace{members: members}.server())), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records, len(members)-1, "all but the bot")
	connectortest.GoldenRows(t, filepath.Join("testdata", "rows_users.json"), *update, stream(t), records...)
}

func TestEachOptionalFieldMayBeAbsent(t *testing.T) {
	t.Parallel()
	full := shapes(t)[0]
	st := stream(t)
	var list []string
	fields := st.Fields[1:] // all but the id
	for _, f := range fields {
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(full), &doc))
		steps := strings.Split(f.Path, ".")
		inner := doc
		for _, step := range steps[:len(steps)-1] {
			inner = inner[step].(map[string]any)
		}
		require.Contains(t, inner, steps[len(steps)-1])
		delete(inner, steps[len(steps)-1])
		doc["id"] = "without " + f.Path
		rec, err := connector.JSON(doc)
		require.NoError(t, err)
		list = append(list, rec.String())
	}
	records, err := read(t.Context(), open(t, serve(t, workspace{members: list}.server())), connector.Request{})
	require.NoError(t, err)
	require.Len(t, records, len(fields))
	for i, f := range fields {
		rows, err := connectortest.Rows(st, records[i])
		require.NoError(t, err)
		if f.Path == "name" || f.Path == "profile.email" {
			require.Contains(t, string(rows), "is required", "without %s", f.Path)
		} else {
			require.NotContains(t, string(rows), "faults", "without %s", f.Path)
		}
	}
}

func TestAMembersStatusAndNamesAreTold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		record string
		row    string
	}{
		"a member is active":                       {`"deleted": false`, `{"status": "active"}`},
		"one who was deactivated is deprovisioned": {`"deleted": true`, `{"status": "deprovisioned"}`},
		"first and last name are the profile's":    {`"real_name": "Ada King Lovelace", "profile": {"first_name": "Ada", "last_name": "King Lovelace"}`, `{"full_name": "Ada King Lovelace", "first_name": "Ada", "last_name": "King Lovelace"}`},
		"a full name of two words makes them":      {`"real_name": "Ada Lovelace", "profile": {}`, `{"full_name": "Ada Lovelace", "first_name": "Ada", "last_name": "Lovelace"}`},
		"one of three words tells nothing":         {`"real_name": "Ada King Lovelace", "profile": {}`, `{"full_name": "Ada King Lovelace", "first_name": null, "last_name": null}`},
		"a name that was taken away is cleared":    {`"real_name": "", "profile": {"first_name": "", "last_name": ""}`, `{"full_name": null, "first_name": null, "last_name": null}`},
		"names that do not come are left alone":    {`"profile": {"phone": ""}`, `{"phone": null}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := connectortest.Rows(stream(t), connector.Record(`{"id": "1", `+test.record+`}`))
			require.NoError(t, err)
			var docs []struct{ Users []json.RawMessage }
			require.NoError(t, json.Unmarshal(rows, &docs))
			require.JSONEq(t, test.row, string(docs[0].Users[0]))
		})
	}
}
