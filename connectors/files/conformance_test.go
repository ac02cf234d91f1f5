package files_test

import (
	"fmt"
	"testing"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connectors/files"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	const n = 60
	csv := "id,name,note\n" + repeat(n, func(i int) string { return fmt.Sprintf("%d,Name %d,\"a\nb\"\n", i, i) })
	ndjson := repeat(n, func(i int) string { return device(i) + "\n[]\n" })
	array := `{"data":[{"id":"first"}` + repeat(n, func(i int) string { return ",\n" + device(i) }) + "]}"
	tests := map[string]struct {
		name, content string
		settings      connector.Settings
	}{
		"csv":               {"a.csv", csv, nil},
		"csv in UTF-16":     {"a.csv", "\xff\xfe" + encode(t, utf16LE, csv), nil},
		"ndjson":            {"a.ndjson", ndjson, nil},
		"compressed ndjson": {"a.ndjson.gz", zip(t, ndjson), nil},
		"an array":          {"a.json", array, connector.Settings{"records": {"data"}}},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			settings := connector.Settings{"path": {tt.name}, "page_size": {"7"}}
			for name, values := range tt.settings {
				settings[name] = values
			}
			connectortest.Run(t, files.New(), connectortest.Options{
				Config:      connector.Config{Settings: settings, Dir: folder(t, map[string]string{tt.name: tt.content})},
				BadSettings: []connector.Settings{{}, {"path": {tt.name}, "page_size": {"0"}}, {"path": {tt.name}, "format": {"xml"}}},
				MinRecords:  n,
			})
		})
	}
}
