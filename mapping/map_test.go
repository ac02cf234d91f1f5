package mapping_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// mapped writes down what became of a record: its vendor id, its rows, and its
// faults. An absent value does not show, another row shows as #index.
func mapped(t testing.TB, p *mapping.Program, record string) []string {
	t.Helper()
	var out mapping.Out
	require.NoError(t, p.Map(connector.Record(record), &out))
	return written(p, &out)
}

func written(p *mapping.Program, out *mapping.Out) []string {
	lines := []string{"id " + out.VendorID}
	for _, row := range out.Rows {
		target := p.Targets()[row.Target]
		line := target.Object
		for i, v := range row.Values {
			switch v.Kind {
			case mapping.KindAbsent:
			case mapping.KindNull:
				line += fmt.Sprintf(" %s=null", target.Columns[i].Field)
			case mapping.KindText:
				line += fmt.Sprintf(" %s=%s", target.Columns[i].Field, v.Text)
			case mapping.KindInt:
				line += fmt.Sprintf(" %s=%d", target.Columns[i].Field, v.Int)
			case mapping.KindRow:
				line += fmt.Sprintf(" %s=#%d", target.Columns[i].Field, v.Int)
			}
		}
		lines = append(lines, line)
	}
	for i, whole := range out.Whole {
		if whole {
			lines = append(lines, "whole "+p.Targets()[i].Object)
		}
	}
	for _, f := range out.Faults {
		lines = append(lines, "fault "+f.String())
	}
	return lines
}

func TestMapTakesValuesByPath(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path   string
		record string
		want   string // of the model; "-" for absent
	}{
		"a member":                                     {"a", `{"a":"x"}`, "x"},
		"a member of a member":                         {"a.b", `{"a":{"c":1,"b":"x"}}`, "x"},
		"a number keeps its digits":                    {"a", `{"a":1.10}`, "1.10"},
		"a missing member is absent":                   {"a", `{"b":"x"}`, "-"},
		"a missing parent is absent":                   {"a.b", `{"b":"x"}`, "-"},
		"a parent without the member is absent":        {"a.b", `{"a":{}}`, "-"},
		"a text where an object is wanted is absent":   {"a.b", `{"a":"x"}`, "-"},
		"a list where an object is wanted is absent":   {"a.b", `{"a":[{"b":"x"}]}`, "-"},
		"an object where a list is wanted is absent":   {"a[0]", `{"a":{"0":"x"}}`, "-"},
		"null is null":                                 {"a", `{"a":null}`, "null"},
		"a member of null is null":                     {"a.b.c", `{"a":null}`, "null"},
		"an item of null is null":                      {"a[0].b", `{"a":null}`, "null"},
		"an empty text is null":                        {"a", `{"a":""}`, "null"},
		"the first item":                               {"a[0]", `{"a":["x","y"]}`, "x"},
		"the last item":                                {"a[-1]", `{"a":["x","y"]}`, "y"},
		"the last but one":                             {"a[-2].b", `{"a":[{"b":"w"},{"b":"x"},{"b":"y"}]}`, "x"},
		"an item past the end is null":                 {"a[2]", `{"a":["x","y"]}`, "null"},
		"an item before the start is null":             {"a[-3].b", `{"a":["x","y"]}`, "null"},
		"an item of an empty list is null":             {"a[0].b", `{"a":[]}`, "null"},
		"an item of a list of lists":                   {"a[1][-1][0]", `{"a":[0,[[1],["x"]],2]}`, "x"},
		"an odd key":                                   {"['a.b']['']", `{"a.b":{"":"x"}}`, "x"},
		"a key that is escaped in the record":          {"größe", `{"gr\u00f6\u00dfe":"x"}`, "x"},
		"a value that is escaped in the record":        {"a", `{"a":"\u0078"}`, "x"},
		"of two members with one key the last counts":  {"a", `{"a":"w","a":"x"}`, "x"},
		"the last one counts with all below it":        {"a.b", `{"a":{"b":"x"},"a":{"c":"y"}}`, "-"},
		"the last one counts where it is no object":    {"a.b", `{"a":{"b":"x"},"a":"y"}`, "-"},
		"the last list counts with all of it":          {"a[1]", `{"a":["w","x"],"a":["y"]}`, "null"},
		"the last member of a member counts":           {"a.b", `{"a":{"b":"w","b":"x"}}`, "x"},
		"a null that comes after takes the value away": {"a.b", `{"a":{"b":"w"},"a":null}`, "null"},
		"blanks everywhere":                            {"a.b[1]", "\r\n { \"a\"\t:\n{ \"b\" : [ 1 , \"x\" ] } , \"c\" : [ ] , \"d\" : { } } ", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("model", tt.path)}})
			var out mapping.Out
			require.NoError(t, p.Map(connector.Record(tt.record), &out))
			require.Len(t, out.Faults, 1, "the missing vendor id and no more")
			got := out.Rows[0].Values[0]
			switch tt.want {
			case "-":
				require.Equal(t, mapping.Value{}, got)
			case "null":
				require.Equal(t, null, got)
			default:
				require.Equal(t, text(tt.want), got)
			}
		})
	}
}

func TestMap(t *testing.T) {
	t.Parallel()
	type fields = []mapping.FieldMapping
	apps := mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("serial_number", "serial")}, Children: children(from("name", "name"), from("publisher", "by"), from("version", "version.text"), from("category", "kind"))}
	for name, tt := range map[string]struct {
		m      mapping.Mapping
		record string
		want   []string
	}{
		"values are coerced to their fields' types": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("serial_number", "serial"), from("managed", "managed"), from("memory_mb", "mem"), from("mac_addresses", "mac"), {To: "last_seen_at", From: "seen", Format: mapping.EpochSeconds}}},
			`{"id":17,"serial":"5E10","managed":"yes","mem":"16384","mac":"AABBCCDDEEFF","seen":"1767366245"}`,
			[]string{"id 17", `assets serial_number=5E10 memory_mb=16384 mac_addresses=["aa:bb:cc:dd:ee:ff"] managed=1 last_seen_at=2026-01-02T15:04:05Z`},
		},
		"one source fills several targets": {
			mapping.Mapping{Object: "users", Key: "mail", Fields: fields{from("username", "mail"), from("email", "mail")}},
			`{"mail":"Ada@Example.com"}`,
			[]string{"id Ada@Example.com", "users username=Ada@Example.com email=Ada@Example.com"},
		},
		"a path and what holds it, as text": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("model", "model"), from("model_identifier", "model.id")}},
			`{"id":"a","model":"MacBook"}`,
			[]string{"id a", "assets model=MacBook"},
		},
		"a path and what holds it, as an object": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("model", "model"), from("model_identifier", "model.id")}},
			`{"id":"a","model":{"id":"Mac14,2"}}`,
			[]string{"id a", "assets model_identifier=Mac14,2", `fault model "{\"id\":\"Mac14,2\"}": is an object; map one of its members, as in model.name`},
		},
		"a path and what holds it, as null": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("model", "model"), from("model_identifier", "model.id")}},
			`{"id":"a","model":null}`,
			[]string{"id a", "assets model=null model_identifier=null"},
		},
		"items from both ends of one list": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("model", "a[0]"), from("vendor", "a[-1]"), from("cpu", "a[1]"), from("ip_addresses", "a")}},
			`{"id":"a","a":["10.0.0.1","10.0.0.2"]}`,
			[]string{"id a", `assets model=10.0.0.1 cpu=10.0.0.2 ip_addresses=["10.0.0.1","10.0.0.2"] vendor=10.0.0.2`},
		},
		"constants and defaults": {
			mapping.Mapping{Object: "users", Key: "id", Fields: fields{from("username", "u"), constant("status", "ACTIVE"), {To: "role", From: "role", Default: "Employee"}, {To: "title", Default: "none"}}},
			`{"id":1,"u":"ada","role":null}`,
			[]string{"id 1", "users username=ada status=active"},
		},
		"placeholders count as empty": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("serial_number", "serial"), from("device_name", "name")}},
			`{"id":1,"serial":"To Be Filled By O.E.M.","name":"None"}`,
			[]string{"id 1", "assets serial_number=null device_name=None"},
		},
		"a fault spares the other values": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("memory_mb", "mem"), from("model", "model"), from("asset_type", "type")}},
			`{"id":1,"mem":"lots","model":"x","type":"Toaster"}`,
			[]string{"id 1", "assets model=x", `fault asset_type "Toaster": is not one of computer, mobile, server, virtual_machine, network, printer, peripheral, other`, `fault memory_mb "lots": is not a whole number in plain digits`},
		},
		"a required value that is missing, null or empty": {
			mapping.Mapping{Object: "users", Key: "id", Fields: fields{from("username", "u.name"), from("email", "mail"), from("role", "role")}},
			`{"id":1,"mail":null,"role":" "}`,
			[]string{"id 1", "users", `fault username: is required, and the record has nothing at u.name`, `fault email: is required, and the record has nothing at mail`, `fault role " ": is required, and the record has nothing at role`},
		},
		"a long value is cut": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("memory_mb", "mem")}},
			`{"id":1,"mem":"` + strings.Repeat("ä", 1000) + `"}`,
			[]string{"id 1", "assets", `fault memory_mb "` + strings.Repeat("ä", 80) + `": is not a whole number in plain digits`},
		},
		"a list brings shared rows and child rows": {
			apps, `{"id":1,"serial":"A1","apps":[{"name":"Slack","by":"Salesforce","version":{"text":"4.41"}},{"name":"Zoom"}]}`,
			[]string{
				"id 1", "assets serial_number=A1",
				"software name=Slack publisher=Salesforce", "software_installs asset=#0 software=#1 version=4.41",
				"software name=Zoom", "software_installs asset=#0 software=#3", "whole software_installs",
			},
		},
		"one title in several versions is one row": {
			apps, `{"id":1,"apps":[{"name":"Java","version":{"text":"8"}},{"name":" java ","version":{"text":"17"},"kind":"x"},{"name":"Java","by":"Oracle","version":{"text":"8"}}]}`,
			[]string{
				"id 1", "assets", "software name=Java", "software_installs asset=#0 software=#1 version=8",
				"software_installs asset=#0 software=#1 version=17",
				"software name=Java publisher=Oracle", "software_installs asset=#0 software=#4 version=8", "whole software_installs",
			},
		},
		"a child that is there twice is one row": {
			apps, `{"id":1,"apps":[{"name":"Java","version":{"text":"8a"}},{"name":"Java","version":{"text":"8A"}},{"name":"Zoom"},{"name":"ZOOM","version":{"text":""}}]}`,
			[]string{
				"id 1", "assets", "software name=Java", "software_installs asset=#0 software=#1 version=8a",
				"software name=Zoom", "software_installs asset=#0 software=#3", "whole software_installs",
			},
		},
		"titles of other scripts fold, too": {
			apps, `{"id":1,"apps":[{"name":"Übersetzer"},{"name":"ÜBERSETZER","version":{"text":"2"}}]}`,
			[]string{"id 1", "assets", "software name=Übersetzer", "software_installs asset=#0 software=#1", "software_installs asset=#0 software=#1 version=2", "whole software_installs"},
		},
		"a list that is not there says nothing": {apps, `{"id":1}`, []string{"id 1", "assets"}},
		"an empty list is whole":                {apps, `{"id":1,"apps":[]}`, []string{"id 1", "assets", "whole software_installs"}},
		"a list that is null is whole":          {apps, `{"id":1,"apps":null}`, []string{"id 1", "assets", "whole software_installs"}},
		"the last of two lists counts": {
			apps, `{"id":1,"apps":[{"name":"Slack"}],"apps":[{"name":"Zoom"}]}`,
			[]string{"id 1", "assets", "software name=Zoom", "software_installs asset=#0 software=#1", "whole software_installs"},
		},
		"a list that is no list": {apps, `{"id":1,"apps":"Slack"}`, []string{"id 1", "assets", `fault apps "Slack": is not a list`}},
		"an item that is no object": {
			apps, `{"id":1,"apps":[{"name":"Slack"},"Zoom",null,[]]}`,
			[]string{"id 1", "assets", "software name=Slack", "software_installs asset=#0 software=#1", "whole software_installs", `fault apps[1] "Zoom": is not an object`, "fault apps[2]: is not an object", `fault apps[3] "[]": is not an object`},
		},
		"a fault in an item names it": {
			apps, `{"id":1,"apps":[{"name":"Slack"},{"by":"x"},{"name":{},"version":{"text":[]}}]}`,
			[]string{
				"id 1", "assets", "software name=Slack", "software_installs asset=#0 software=#1", "whole software_installs",
				"fault apps[1].name: is required, and the record has nothing at name",
				`fault apps[2].name "{}": is an object; map one of its members, as in model.name`,
				`fault apps[2].version "[]": is a list; map one of its items, as in addresses[0]`,
			},
		},
		"a list inside an object, and its first item as text": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("notes", "soft.list[0].name")}, Children: []mapping.ChildMapping{{Object: "software", From: "soft.list", Fields: fields{from("name", "name")}}}},
			`{"id":1,"soft":{"list":[{"name":"Slack"},{"name":"Zoom"}]}}`,
			[]string{"id 1", "assets notes=Slack", "software name=Slack", "software_installs asset=#0 software=#1", "software name=Zoom", "software_installs asset=#0 software=#3", "whole software_installs"},
		},
		"a list inside the last item of another": {
			mapping.Mapping{Object: "assets", Key: "id", Children: []mapping.ChildMapping{{Object: "software", From: "scans[-1].apps", Fields: fields{from("name", "name")}}}},
			`{"id":1,"scans":[{"apps":[{"name":"Old"}]},{"apps":[{"name":"New"}]}]}`,
			[]string{"id 1", "assets", "software name=New", "software_installs asset=#0 software=#1", "whole software_installs"},
		},
		"a list inside what is null is whole": {
			mapping.Mapping{Object: "assets", Key: "id", Children: []mapping.ChildMapping{{Object: "software", From: "soft.list", Fields: fields{from("name", "name")}}}},
			`{"id":1,"soft":null}`,
			[]string{"id 1", "assets", "whole software_installs"},
		},
		"items that are texts, wrapped in lists": {
			mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "names[0]"))},
			`{"id":1,"apps":[{"names":["Slack","x"]}]}`,
			[]string{"id 1", "assets", "software name=Slack", "software_installs asset=#0 software=#1", "whole software_installs"},
		},
		"a child list with a constant": {
			mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "name"), constant("category", "Desktop"))},
			`{"id":1,"apps":[{"name":"Slack"}]}`,
			[]string{"id 1", "assets", "software name=Slack category=Desktop", "software_installs asset=#0 software=#1", "whole software_installs"},
		},
		"a link by a path comes after the primary row": {
			mapping.Mapping{Object: "saas_users", Key: "id", Fields: fields{from("application", "app.label"), from("external_id", "id")}},
			`{"id":"u1","app":{"label":"Slack"}}`,
			[]string{"id u1", "saas_users application=#1 external_id=u1", "saas_applications name=Slack"},
		},
		"a link by a constant": {
			mapping.Mapping{Object: "saas_users", Key: "id", Fields: fields{constant("application", "Slack"), from("external_id", "id")}},
			`{"id":"u1"}`,
			[]string{"id u1", "saas_users application=#1 external_id=u1", "saas_applications name=Slack"},
		},
		"a link that is missing": {
			mapping.Mapping{Object: "saas_users", Key: "id", Fields: fields{from("application", "app"), from("external_id", "id")}},
			`{"id":"u1","app":""}`,
			[]string{"id u1", "saas_users external_id=u1", "fault application: is required, and the record has nothing at app"},
		},
		"wrong encoding in a mapped field": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("model", "model")}},
			"{\"id\":1,\"model\":\"Gr\xf6\xdfe\"}",
			[]string{"id 1", "assets", "fault model \"Gr\ufffde\": is not valid UTF-8; set the encoding that the file is really in"},
		},
		"wrong encoding in a field that is not mapped": {
			mapping.Mapping{Object: "assets", Key: "id", Fields: fields{from("model", "model")}},
			"{\"id\":1,\"modell\":\"Gr\xf6\xdfe\"}",
			[]string{"id 1", "assets"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, mapped(t, compile(t, tt.m), tt.record))
		})
	}
}

func TestVendorID(t *testing.T) {
	t.Parallel()
	const none = `fault the record has no vendor id at "meta.id"`
	for name, tt := range map[string]struct {
		record string
		want   []string
	}{
		"a text":                    {`{"meta":{"id":"a-1"}}`, []string{"id a-1"}},
		"a number keeps its digits": {`{"meta":{"id":12345678901234567890}}`, []string{"id 12345678901234567890"}},
		"an escaped text":           {`{"meta":{"id":"a\/1"}}`, []string{"id a/1"}},
		"missing":                   {`{"meta":{}}`, []string{"id ", none}},
		"its parent missing":        {`{}`, []string{"id ", none}},
		"null":                      {`{"meta":{"id":null}}`, []string{"id ", none}},
		"empty":                     {`{"meta":{"id":""}}`, []string{"id ", none}},
		"blank":                     {`{"meta":{"id":" "}}`, []string{"id ", none}},
		"an object":                 {`{"meta":{"id":{"x":1}}}`, []string{"id ", none}},
		"a list":                    {`{"meta":{"id":["x"]}}`, []string{"id ", none}},
		"true":                      {`{"meta":{"id":true}}`, []string{"id ", none}},
		"of a thousand characters":  {`{"meta":{"id":"` + strings.Repeat("a", 1000) + `"}}`, []string{"id " + strings.Repeat("a", 1000)}},
		"too long a number":         {`{"meta":{"id":` + strings.Repeat("1", 64<<10+1) + `}}`, []string{"id ", `fault the vendor id at "meta.id" is longer than 64 KiB`}},
		"not UTF-8":                 {"{\"meta\":{\"id\":\"\xff\"}}", []string{"id ", `fault the vendor id at "meta.id" is not valid UTF-8; set the encoding that the file is really in`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, mapping.Mapping{Object: "assets", Key: "meta.id"})
			lines := mapped(t, p, tt.record)
			require.Equal(t, "assets", lines[1])
			require.Equal(t, tt.want, append(lines[:1:1], lines[2:]...))
		})
	}
}

func TestMalformedRecords(t *testing.T) {
	t.Parallel()
	const good = `{"id":"a1","model":{"name":"x","tags":["a",-1.5e+3,true,false,null,{}]},"serial":"S\u00e91"}`
	m := mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("model", "model.name"), from("serial_number", "serial"), from("notes", "model.tags[-1].x"), from("os_name", "list[0].x")}}
	m.Children = children(from("name", "name"))
	p := compile(t, m)
	require.Equal(t, []string{"id a1", "assets serial_number=Sé1 model=x"}, mapped(t, p, good))

	for n := range len(good) {
		lines := mapped(t, p, good[:n])
		require.Equal(t, []string{"id ", fmt.Sprintf("fault the record's JSON is truncated: it ends at offset %d; look whether the source was written to the end", n)}, lines)
	}
	for name, tt := range map[string]struct {
		record string
		want   string
	}{
		"a list":                            {`[{"id":1}]`, "invalid at offset 0: not a JSON object"},
		"a text":                            {` "id"`, "invalid at offset 1: not a JSON object"},
		"a byte order mark":                 {"\ufeff{}", "invalid at offset 0: not a JSON object"},
		"two objects":                       {`{"id":1}{"id":2}`, "invalid at offset 8: there is something after the end of the object"},
		"something after it":                {`{"id":1} x`, "invalid at offset 9: there is something after"},
		"no quotes around a key":            {`{id:1}`, "invalid at offset 1: a key in double quotes is missing"},
		"a comma at the end":                {`{"id":1,}`, "invalid at offset 8: a key in double quotes is missing"},
		"a comma at the end of a list":      {`{"id":[1,]}`, "invalid at offset 9: expected a value"},
		"no colon":                          {`{"id" 1}`, "invalid at offset 6: a colon is missing"},
		"no value":                          {`{"id":}`, "invalid at offset 6: expected a value"},
		"no comma":                          {`{"id":1 "a":2}`, "invalid at offset 8: a comma or a closing brace is missing"},
		"no comma in a list":                {`{"id":[1 2]}`, "invalid at offset 9: a comma or a closing bracket is missing"},
		"a wrong bracket":                   {`{"id":[1}`, "invalid at offset 8: a comma or a closing bracket is missing"},
		"a wrong word":                      {`{"id":nil}`, "invalid at offset 7: expected null"},
		"a word too long":                   {`{"id":truex}`, "invalid at offset 10: a comma"},
		"a leading zero":                    {`{"id":01}`, "invalid at offset 7: a comma"},
		"a minus alone":                     {`{"id":-}`, "invalid at offset 7: a digit is missing"},
		"a point alone":                     {`{"id":1.}`, "invalid at offset 8: a digit is missing after the point"},
		"no digit before the point":         {`{"id":.5}`, "invalid at offset 6: expected a value"},
		"an exponent alone":                 {`{"id":1e+}`, "invalid at offset 9: a digit is missing in the exponent"},
		"a plus":                            {`{"id":+1}`, "invalid at offset 6: expected a value"},
		"not a number":                      {`{"id":NaN}`, "invalid at offset 6: expected a value"},
		"a line feed in a text":             {"{\"id\":\"a\nb\"}", "invalid at offset 8: a control character in a string"},
		"an unknown escape":                 {`{"id":"a\x"}`, "invalid at offset 9: an unknown escape"},
		"an escape without its digits":      {`{"id":"a\u12g4"}`, "invalid at offset 12: an escape sequence lacks"},
		"single quotes":                     {`{'id':1}`, "invalid at offset 1: a key in double quotes"},
		"a comment":                         {`{/**/"id":1}`, "invalid at offset 1: a key in double quotes"},
		"an odd blank":                      {"{\u00a0\"id\":1}", "invalid at offset 1: a key in double quotes"},
		"a fault in the first item":         {`{"id":1,"list":[{"x":tru}]}`, "invalid at offset 24: expected true"},
		"a control character between":       {"{\"id\":1,\x0b\"a\":2}", "invalid at offset 8: a key in double quotes"},
		"a fault in a list of children":     {`{"id":1,"apps":[{"name":tru}]}`, "invalid at offset 27: expected true"},
		"a fault in an item that is mapped": {`{"id":1,"model":{"tags":[{"x":tru}]}}`, "invalid at offset 33: expected true"},
		"a fault in what is not mapped":     {`{"id":1,"zzz":[{"a":tru}]}`, "invalid at offset 23: expected true"},
		"1001 levels":                       {`{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}", "invalid at offset 1004: nested deeper than 1000 levels"},
		"a million levels":                  {`{"a":` + strings.Repeat(`{"a":`, 1_000_000), "nested deeper than 1000 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := mapped(t, p, tt.record)
			require.Len(t, lines, 2)
			require.Equal(t, "id ", lines[0], "nothing is known of a malformed record")
			require.Contains(t, lines[1], tt.want)
		})
	}
}

func TestMapTakesDeepRecords(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 999) + strings.Repeat("]", 999)
	p := compile(t, mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("model", "deep"+strings.Repeat("[0]", 200)), from("vendor", "deep"+strings.Repeat("[-1]", 100))}})
	require.Equal(t, []string{"id 1", "assets", "fault model"}, trimFaults(mapped(t, p, `{"id":1,"deep":`+deep+`}`))[:3])
}

// trimFaults shortens each fault to the field it is about.
func trimFaults(lines []string) []string {
	for i, line := range lines {
		if strings.HasPrefix(line, "fault ") {
			lines[i] = strings.Join(strings.Fields(line)[:2], " ")
		}
	}
	return lines
}

// A string scanner that looks at eight bytes at once has edges: every length,
// every special character at every place, at the end of the record and before
// more of it.
func TestStringsOfEveryLength(t *testing.T) {
	t.Parallel()
	p := compile(t, mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("model", "m")}})
	for length := 1; length <= 40; length++ {
		for at := range length {
			for escape, meant := range map[string]string{"x": "x", `\"`: `"`, `\\`: `\`, `\u00e4`: "ä", "ä": "ä", `\ud83d\ude00`: "😀", "\x7f": "\x7f", "!": "!", " ": " "} {
				before, after := strings.Repeat("a", at), strings.Repeat("b", length-at-1)
				for _, rest := range []string{`}`, `,"more":"0123456789"}`} {
					want := []string{"id 1", "assets model=" + before + meant + after}
					if strings.TrimSpace(before+meant+after) == "" {
						want[1] = "assets model=null"
					}
					require.Equal(t, want, mapped(t, p, `{"id":1,"m":"`+before+escape+after+`"`+rest))
				}
			}
			for _, control := range []string{"\x00", "\x1f", "\n"} {
				record := `{"id":1,"m":"` + strings.Repeat("a", at) + control + strings.Repeat("b", length-at-1) + `"}`
				require.Contains(t, mapped(t, p, record)[1], fmt.Sprintf("invalid at offset %d: a control character", 13+at))
			}
		}
	}
}

func TestMapKeepsNothingFromTheRecordBefore(t *testing.T) {
	t.Parallel()
	p := compile(t, mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("model", "model.name"), from("notes", "tags[-1]"), from("vendor", "v")}, Children: children(from("name", "name"))})
	var out mapping.Out
	for _, tt := range []struct {
		record string
		want   []string
	}{
		{`{"id":1,"model":{"name":"x"},"tags":["a","b"],"v":"y","apps":[{"name":"Slack"},{"name":"Zoom"}]}`, []string{"id 1", "assets model=x vendor=y notes=b", "software name=Slack", "software_installs asset=#0 software=#1", "software name=Zoom", "software_installs asset=#0 software=#3", "whole software_installs"}},
		{`{"id":2,"model":{"name":"x"`, []string{"id ", "fault the"}},
		{`{"id":3}`, []string{"id 3", "assets"}},
		{`{"id":4,"apps":[{"name":"Zoom"}]}`, []string{"id 4", "assets", "software name=Zoom", "software_installs asset=#0 software=#1", "whole software_installs"}},
		{`7`, []string{"id ", "fault the"}},
		{`{"id":5,"apps":null}`, []string{"id 5", "assets", "whole software_installs"}},
	} {
		out.Reset()
		require.NoError(t, p.Map(connector.Record(tt.record), &out))
		require.Equal(t, tt.want, trimFaults(written(p, &out)))
	}
}

func TestValuesOutliveTheNextRecords(t *testing.T) {
	t.Parallel()
	p := compile(t, mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("model", "m"), from("mac_addresses", "mac"), from("last_seen_at", "seen")}})
	var out mapping.Out
	var kept [][]mapping.Value
	for i := range 2000 {
		out.Reset()
		require.NoError(t, p.Map(fmt.Appendf(nil, `{"id":1,"m":"\tno %d","mac":["%012x"],"seen":"2026-01-02 15:04:05.%d"}`, i, i+1, i+1), &out))
		require.Empty(t, out.Faults)
		kept = append(kept, append([]mapping.Value(nil), out.Rows[0].Values...))
	}
	for i, values := range kept {
		mac := fmt.Sprintf("%012x", i+1)
		require.Equal(t, fmt.Sprintf("\tno %d", i), values[0].Text)
		require.Equal(t, fmt.Sprintf(`["%s:%s:%s:%s:%s:%s"]`, mac[:2], mac[2:4], mac[4:6], mac[6:8], mac[8:10], mac[10:]), values[1].Text)
		require.Equal(t, "2026-01-02T15:04:05."+strings.TrimRight(fmt.Sprint(i+1), "0")+"Z", values[2].Text)
	}
}

func TestMapIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	p := compile(t, mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("model", "m"), from("serial_number", "s")}, Children: children(from("name", "name"))}, connector.Field{Path: "s", Sensitive: true})
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			var out mapping.Out
			for i := range 500 {
				record := fmt.Appendf(nil, `{"id":"%d-%d","m":"\u0041%d","apps":[{"name":"a%d"},{"name":"A%d"}],"s":"x"}`, worker, i, i, i, i)
				out.Reset()
				if err := p.Map(record, &out); err != nil {
					t.Error(err)
				}
				want := []string{fmt.Sprintf("id %d-%d", worker, i), fmt.Sprintf("assets serial_number=x model=A%d", i), fmt.Sprintf("software name=a%d", i), "software_installs asset=#0 software=#1", "whole software_installs"}
				if got := written(p, &out); strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Errorf("got %q, want %q", got, want)
				}
				if masked := p.Mask(record); !strings.HasSuffix(masked.String(), `"s":"********"}`) {
					t.Errorf("not masked: %s", masked)
				}
			}
		})
	}
	group.Wait()
}

func TestFaultsOfSensitiveValuesAreMasked(t *testing.T) {
	t.Parallel()
	sensitive := []connector.Field{{Path: "secret", Sensitive: true}, {Path: "apps", Sensitive: true}}
	m := mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("memory_mb", "secret.pin"), from("model", "secret")}, Children: children(from("name", "name"))}
	p := compile(t, m, sensitive...)
	for _, record := range []string{
		`{"id":1,"secret":{"pin":"hunter2"},"apps":"hunter2"}`,
		`{"id":1,"secret":["hunter2"],"apps":["hunter2",{"name":["hunter2"]}]}`,
	} {
		lines := strings.Join(mapped(t, p, record), "\n")
		require.Contains(t, lines, `fault model "********"`)
		require.Contains(t, lines, "fault apps")
		require.NotContains(t, lines, "hunter2")
	}
}

func TestARecordOfManyFaultsNamesTheFirstOnes(t *testing.T) {
	t.Parallel()
	p := compile(t, mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "name"))})
	lines := mapped(t, p, `{"id":1,"apps":[`+strings.Repeat("0,", 10_000)+`0]}`)
	require.Len(t, lines, 3+101)
	require.Equal(t, "fault the record has more than 100 faults; the others are left out", lines[len(lines)-1])
}

func TestManyChildrenInOneRecord(t *testing.T) {
	t.Parallel()
	p := compile(t, mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "name"), from("version", "v"))})
	var b strings.Builder
	b.WriteString(`{"id":1,"apps":[`)
	for i := range 20_000 {
		fmt.Fprintf(&b, `{"name":"App %d","v":"%d"},`, i%5000, i%10_000)
	}
	b.WriteString(`{"name":"last"}]}`)
	var out mapping.Out
	require.NoError(t, p.Map(connector.Record(b.String()), &out))
	require.Empty(t, out.Faults)
	require.Len(t, out.Rows, 1+5001+10_001)

	out.Reset()
	require.NoError(t, p.Map(connector.Record(`{"id":2,"apps":[{"name":"App 1"}]}`), &out))
	require.Len(t, out.Rows, 3)
}

func TestFaultString(t *testing.T) {
	t.Parallel()
	require.Equal(t, "no vendor id", mapping.Fault{Reason: "no vendor id"}.String())
	require.Equal(t, "email: is required", mapping.Fault{Field: "email", Reason: "is required"}.String())
	require.Equal(t, `email "x": is no address`, mapping.Fault{Field: "email", Value: "x", Reason: "is no address"}.String())
}

func TestMapTakesNoMemoryForPlainValues(t *testing.T) {
	p := compile(t, deviceMapping())
	records := devices(100)
	var out mapping.Out
	i := 0
	allocs := testing.AllocsPerRun(1000, func() {
		out.Reset()
		if err := p.Map(records[i%len(records)], &out); err != nil || len(out.Faults) > 0 {
			t.Error(err, out.Faults)
		}
		i++
	})
	require.LessOrEqual(t, allocs, mostAllocs)
}

func TestWhatIsNoObjectHasNothingInside(t *testing.T) {
	t.Parallel()
	p := compile(t, mapping.Mapping{Object: "assets", Key: "id", Fields: []mapping.FieldMapping{from("assigned_to", "user.email"), from("department", "user.unit.name")}})
	require.Equal(t, []string{"id 1", "assets assigned_to=null department=null"}, mapped(t, p, `{"id": 1, "user": null}`))
	require.Equal(t, []string{"id 1", "assets assigned_to=null department=null"}, mapped(t, p, `{"id": 1, "user": ""}`), "an empty text says so, too")
	require.Equal(t, []string{"id 1", "assets"}, mapped(t, p, `{"id": 1, "user": "somebody"}`), "any other says nothing of it")
}
