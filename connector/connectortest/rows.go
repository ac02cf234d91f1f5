package connectortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// Rows returns what a stream's default mapping makes of records in the standard
// target model, as indented JSON, for a test to compare with a file that a
// person has read. It has for each record the vendor id, by object the rows, in
// which a link is the index of a row of the object that it points to, the
// objects whose child lists were whole, and the faults. An error says what is
// wrong with the mapping or with a record as a whole.
func Rows(st connector.Stream, records ...connector.Record) ([]byte, error) {
	schema := mapping.Standard()
	p, err := mapping.Compile(mapping.FromDefault(st), schema, mapping.Options{Fields: st.Fields})
	if err != nil {
		return nil, fmt.Errorf("default mapping of the stream %q: %w", st.Name, err)
	}
	docs := make([]map[string]any, len(records))
	for i, rec := range records {
		var out mapping.Out
		if err := p.Map(rec, &out); err != nil {
			return nil, fmt.Errorf("record %d of the stream %q: %w", i, st.Name, err)
		}
		docs[i] = mappedDoc(schema, p.Targets(), &out)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(docs); err != nil {
		return nil, fmt.Errorf("rows of the stream %q: %w", st.Name, err)
	}
	return b.Bytes(), nil
}

// mappedDoc is what became of one record.
func mappedDoc(schema *mapping.Schema, targets []mapping.Target, out *mapping.Out) map[string]any {
	doc := map[string]any{"id": out.VendorID}
	rows := map[string][]any{}
	at := make([]int, len(out.Rows)) // of each row among those of its object
	for i, row := range out.Rows {
		target := targets[row.Target]
		at[i] = len(rows[target.Object])
		rows[target.Object] = append(rows[target.Object], nil)
	}
	for i, row := range out.Rows {
		target := targets[row.Target]
		object, _ := schema.Object(target.Object)
		values := map[string]any{}
		for k, v := range row.Values {
			switch field := target.Columns[k].Field; v.Kind {
			case mapping.KindAbsent:
			case mapping.KindRow:
				values[field] = at[v.Int]
			default:
				values[field] = json.RawMessage(object.Fields[object.Field(field)].AppendJSON(nil, v))
			}
		}
		rows[target.Object][at[i]] = values
		doc[target.Object] = rows[target.Object]
	}
	var whole, faults []string
	for i, w := range out.Whole {
		if w {
			whole = append(whole, targets[i].Object)
		}
	}
	for _, f := range out.Faults {
		faults = append(faults, f.String())
	}
	if whole != nil {
		doc["whole"] = whole
	}
	if faults != nil {
		doc["faults"] = faults
	}
	return doc
}

// GoldenRows compares what [Rows] makes of records with a file. With update it
// writes the file in place of that, for a person to read before it is committed.
func GoldenRows(t *testing.T, file string, update bool, st connector.Stream, records ...connector.Record) {
	t.Helper()
	rows, err := Rows(st, records...)
	if err != nil {
		t.Fatal(err)
	}
	if update {
		if err := os.WriteFile(file, rows, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file) //nolint:gosec // The file is the test's own.
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n")), rows) {
		t.Errorf("%s says\n%s\nand the mapping makes\n%s", file, want, rows)
	}
}
