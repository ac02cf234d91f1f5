package files_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"github.com/vendorsync/vendorsync/connector"
)

func TestRecords(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	tests := map[string]struct {
		name     string // of the file
		content  string
		settings []string
		records  []string
		faults   []string
	}{
		"a csv row becomes an object of strings, whatever it looks like": {
			name:    "a.csv",
			content: "Serial Number,Phone,Count,On\n5E10,007,1.50,true\n",
			records: []string{`{"Serial Number":"5E10","Phone":"007","Count":"1.50","On":"true"}`},
		},
		"an empty cell is an empty string": {
			name:    "a.csv",
			content: "a,b,c\n,2,\n,,\n",
			records: []string{`{"a":"","b":"2","c":""}`, `{"a":"","b":"","c":""}`},
		},
		"a quoted cell holds delimiters, line ends and doubled quotes": {
			name:    "a.csv",
			content: "id,note\r\n1,\"a, \"\"b\"\"\r\nc\"\r\n\"\"\"2\"\"\",\"\"\r\n",
			records: []string{`{"id":"1","note":"a, \"b\"\r\nc"}`, `{"id":"\"2\"","note":""}`},
		},
		"a quoted header may go over two lines": {
			name:    "a.csv",
			content: "id,\"first\nname\"\n1,Ann\n",
			records: []string{`{"id":"1","first\nname":"Ann"}`},
		},
		"special characters of JSON are escaped": {
			name:    "a.csv",
			content: "id\n\\ \t\x01 \x7f é </script>\n",
			records: []string{`{"id":"\\ \t\u0001 ` + "\x7f é </script>" + `"}`},
		},
		"a formula is left as it is": {
			name:    "a.csv",
			content: "id,f\n1,=1+2\n2,@SUM(A1)\n3,'-1\n",
			records: []string{`{"id":"1","f":"=1+2"}`, `{"id":"2","f":"@SUM(A1)"}`, `{"id":"3","f":"'-1"}`},
		},
		"quotes in the name of a column are doubled": {
			name:    "a.csv",
			content: "id,\"15\"\" \"\n1,2\n",
			records: []string{`{"id":"1","15\"":"2"}`},
		},
		"names of columns are trimmed and empty ones numbered": {
			name:    "a.csv",
			content: " id ,,\" b \"\n1,2,3\n",
			records: []string{`{"id":"1","column_2":"2","b":"3"}`},
		},
		"a cell that a row does not reach is absent": {
			name:    "a.csv",
			content: "a,b,c\n1,2\n1\n",
			records: []string{`{"a":"1","b":"2"}`, `{"a":"1"}`},
		},
		"a row with more cells than the header is a fault": {
			name:    "a.csv",
			content: "a,b\n1,2,3\n4,5\n",
			records: []string{`{"a":"4","b":"5"}`},
			faults:  []string{"line 2: the row has 3 cells, the header 2"},
		},
		"a quote inside a bare cell is a fault, and the next line is read": {
			name:    "a.csv",
			content: "id,size\n1,15\" screen\n2,é\"x\n3,ok\n",
			records: []string{`{"id":"3","size":"ok"}`},
			faults: []string{
				"line 2: line 2, column 5: a quote stands inside a cell that does not begin with one",
				"line 3: line 3, column 4: a quote stands inside a cell that does not begin with one",
			},
		},
		"text after a closing quote is a fault with the lines that it took": {
			name:    "a.csv",
			content: "id,size\n1,\"a\nb\" c\n2,\"ok\"\n",
			records: []string{`{"id":"2","size":"ok"}`},
			faults:  []string{"lines 2-3: line 3, column 3: text follows the quote that closes a cell"},
		},
		"empty lines of a csv file are passed over": {
			name:    "a.csv",
			content: "\n\nid\n\n1\r\n\r\n2\n\n",
			records: []string{`{"id":"1"}`, `{"id":"2"}`},
		},
		"a header alone is a file without records": {name: "a.csv", content: "id,name\n"},
		"the delimiter is the most frequent one in the header": {
			name:    "a.csv",
			content: "id;\"a,b,c,d\";name\n1;2,5;x\n",
			records: []string{`{"id":"1","a,b,c,d":"2,5","name":"x"}`},
		},
		"a tab delimits": {
			name:    "a.tsv",
			content: "id\tname\n1\tAnn, PhD\n",
			records: []string{`{"id":"1","name":"Ann, PhD"}`},
		},
		"a bar delimits": {
			name:    "a.csv",
			content: "id|name\n1|Ann\n",
			records: []string{`{"id":"1","name":"Ann"}`},
		},
		"the delimiter can be set": {
			name:     "a.csv",
			content:  "id,name;x,y,z\n1;2\n",
			settings: []string{"delimiter", ";"},
			records:  []string{`{"id,name":"1","x,y,z":"2"}`},
		},
		"a tab can be set as delimiter": {
			name:     "a.csv",
			content:  "a,b\tc\n1\t2\n",
			settings: []string{"delimiter", "tab"},
			records:  []string{`{"a,b":"1","c":"2"}`},
		},
		"the line sep=; of Excel declares the delimiter": {
			name:    "a.csv",
			content: "sep=;\r\nid,x,y;name\r\n1;2\r\n",
			records: []string{`{"id,x,y":"1","name":"2"}`},
		},
		"the old Macintosh ended lines with a carriage return": {
			name:    "a.csv",
			content: "id,name\r1,\"a\rb\"\r2,x\"\r3,c",
			records: []string{`{"id":"1","name":"a\rb"}`, `{"id":"3","name":"c"}`},
			faults:  []string{"line 4: line 4, column 4: a quote stands inside a cell that does not begin with one"},
		},
		"the last row needs no line end": {
			name:    "a.csv",
			content: "id,name\n1,\"x\"",
			records: []string{`{"id":"1","name":"x"}`},
		},
		"ndjson is passed on byte for byte": {
			name:    "a.ndjson",
			content: "{\"n\":1.0e2, \"a\" : null}\n\n  {\"id\":2}\t\r\n{\"id\":3}",
			records: []string{`{"n":1.0e2, "a" : null}`, `{"id":2}`, `{"id":3}`},
		},
		"a line that is no object is a fault": {
			name:    "a.jsonl",
			content: "[1]\n\"x\"\n-1\n7\nnull\ntrue\nfalse\nhello\n{\"id\":1\n{\"id\":2}\n",
			records: []string{`{"id":2}`},
			faults: []string{
				"line 1: it is a JSON list where a record, a JSON object in braces, is expected",
				"line 2: it is a JSON string where a record, a JSON object in braces, is expected",
				"line 3: it is a number where a record, a JSON object in braces, is expected",
				"line 4: it is a number where a record, a JSON object in braces, is expected",
				"line 5: it is null where a record, a JSON object in braces, is expected",
				"line 6: it is true where a record, a JSON object in braces, is expected",
				"line 7: it is false where a record, a JSON object in braces, is expected",
				"line 8: it is no JSON where a record, a JSON object in braces, is expected",
				"line 9: it is a JSON object that is not closed where a record, a JSON object in braces, is expected",
			},
		},
		"an empty ndjson file has no records": {name: "a.ndjson", content: ""},
		"the objects of an array are passed on byte for byte": {
			name:    "a.json",
			content: " [ {\"id\" : 1, \"s\":\"]},{\\\"\"} ,\n{\"l\":[[],{}]}\n] \n",
			records: []string{`{"id" : 1, "s":"]},{\""}`, `{"l":[[],{}]}`},
		},
		"an empty array has no records": {name: "a.json", content: "[ ]"},
		"an element that is no object is a fault": {
			name:    "a.json",
			content: `[{"id":1},[{}],"x",3.5,null,{"id":2}]`,
			records: []string{`{"id":1}`, `{"id":2}`},
			faults: []string{
				"element 2: it is a JSON list where a record, a JSON object in braces, is expected",
				"element 3: it is a JSON string where a record, a JSON object in braces, is expected",
				"element 4: it is a number where a record, a JSON object in braces, is expected",
				"element 5: it is null where a record, a JSON object in braces, is expected",
			},
		},
		"the array may lie inside a document": {
			name:     "a.json",
			content:  `{"meta":{"data":[{"no":1}]},"a.b":1,"data":{"x":"]","it\u0065ms":[{"id":1},{"id":2}],"n":[]},"next":null}`,
			settings: []string{"records", "data.items"},
			records:  []string{`{"id":1}`, `{"id":2}`},
		},
		"the path to the array may need quotes": {
			name:     "a.json",
			content:  `{"odd.key":[{"id":1}]}`,
			settings: []string{"records", "['odd.key']"},
			records:  []string{`{"id":1}`},
		},
		"objects nest 100 levels deep": {name: "a.json", content: "[" + deep + "]", records: []string{deep}},
		"json without a telling name is told by its content": {
			name:    "export",
			content: `[{"id":1}]`,
			records: []string{`{"id":1}`},
		},
		"ndjson without a telling name is told by its content": {
			name:    "export.txt",
			content: "{\"id\":1}\n{\"id\":2}\n",
			records: []string{`{"id":1}`, `{"id":2}`},
		},
		"a file called .json may hold an object a line": {
			name:    "a.json",
			content: "{\"id\":1}\n{\"id\":2}\n",
			records: []string{`{"id":1}`, `{"id":2}`},
		},
		"all other text is csv": {name: "export.txt", content: "id\n1\n", records: []string{`{"id":"1"}`}},
		"the format can be set": {
			name:     "a.csv",
			content:  `{"id":1}`,
			settings: []string{"format", "ndjson"},
			records:  []string{`{"id":1}`},
		},
		"the byte order mark of UTF-8 is no part of the first name": {
			name:    "a.csv",
			content: "\xef\xbb\xbfid,name\n1,é\n",
			records: []string{`{"id":"1","name":"é"}`},
		},
		"UTF-16 little endian with a byte order mark": {
			name:    "a.csv",
			content: "\xff\xfe" + encode(t, utf16LE, "id\tname\r\n1\tMüller 😀\r\n"),
			records: []string{`{"id":"1","name":"Müller 😀"}`},
		},
		"UTF-16 big endian with a byte order mark": {
			name:    "a.ndjson",
			content: "\xfe\xff" + encode(t, utf16BE, "{\"id\":\"ü\"}\n"),
			records: []string{`{"id":"ü"}`},
		},
		"UTF-16 little endian without a byte order mark": {
			name:    "a.csv",
			content: encode(t, utf16LE, "id,name\n1,日本語日本語\n"),
			records: []string{`{"id":"1","name":"日本語日本語"}`},
		},
		"UTF-16 big endian without a byte order mark": {
			name:    "a.json",
			content: encode(t, utf16BE, `[{"id":"é"}]`),
			records: []string{`{"id":"é"}`},
		},
		"UTF-16 can be set": {
			name:     "a.csv",
			content:  encode(t, utf16LE, "名\n日\n"),
			settings: []string{"encoding", "utf-16le"},
			records:  []string{`{"名":"日"}`},
		},
		"text that is not UTF-8 is taken for Windows-1252": {
			name:    "a.csv",
			content: encode(t, charmap.Windows1252, "id,größe\n1,5 €\n"),
			records: []string{`{"id":"1","größe":"5 €"}`},
		},
		"Windows-1252 is noticed after any length of plain text": {
			name:    "a.ndjson",
			content: strings.Repeat("\n", 100_000) + "{\"id\":\"caf\xe9\"}\n",
			records: []string{`{"id":"café"}`},
		},
		"Windows-1252 can be set": {
			name:     "a.json",
			content:  "[{\"id\":\"\xc3\xa9\"}]",
			settings: []string{"encoding", "windows-1252"},
			records:  []string{`{"id":"Ã©"}`},
		},
		"what is not UTF-8 in a file that is UTF-8 is a fault": {
			name:    "a.ndjson",
			content: "{\"id\":\"é\"}\n{\"id\":\"\xe9\"}\n{\"id\":3}\n",
			records: []string{`{"id":"é"}`, `{"id":3}`},
			faults:  []string{"line 2: it is not valid UTF-8"},
		},
		"what is not UTF-8 is a fault where UTF-8 is set": {
			name:     "a.csv",
			content:  "id\n\xe9\n2\n",
			settings: []string{"encoding", "utf-8"},
			records:  []string{`{"id":"2"}`},
			faults:   []string{"line 2: it is not valid UTF-8"},
		},
		"a compressed file is told by its content, not its name": {
			name:    "a.csv",
			content: zip(t, "id\n1\n"),
			records: []string{`{"id":"1"}`},
		},
		"a compressed file tells its format before .gz": {
			name:    "a.NDJSON.gz",
			content: zip(t, "{\"id\":1}\n"),
			records: []string{`{"id":1}`},
		},
		"a compressed file may consist of several members": {
			name:    "a.csv.gz",
			content: zip(t, "id\n1\n") + zip(t, "2\n"),
			records: []string{`{"id":"1"}`, `{"id":"2"}`},
		},
		"a compressed file may be in UTF-16": {
			name:    "a.csv.gz",
			content: zip(t, "\xff\xfe"+encode(t, utf16LE, "id\n1\n")),
			records: []string{`{"id":"1"}`},
		},
		"a record longer than the limit is a fault and the next one is read": {
			name:     "a.ndjson",
			content:  "{\"id\":\"1\"}\n{\"id\":\"12345678901\"}\n{\"id\":\"3\"}\n",
			settings: []string{"max_record", "11"},
			records:  []string{`{"id":"1"}`, `{"id":"3"}`},
			faults:   []string{"line 2: it is longer than 11 bytes"},
		},
		"a row longer than the limit is passed over to its end": {
			name:     "a.csv",
			content:  "id,t\n1,\"2345\n678901\n\"\n3,4\n",
			settings: []string{"max_record", "9"},
			records:  []string{`{"id":"3","t":"4"}`},
			faults:   []string{"lines 2-4: it is longer than 9 bytes"},
		},
		"an element longer than the limit is a fault": {
			name:     "a.json",
			content:  `[{"id":1},{"id":"123456"},{"id":3}]`,
			settings: []string{"max_record", "10"},
			records:  []string{`{"id":1}`, `{"id":3}`},
			faults:   []string{"element 2: it is longer than 10 bytes"},
		},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{tt.name: tt.content})
			got := read(t, open(t, dir, append([]string{"path", tt.name}, tt.settings...)...), "")
			require.NoError(t, got.err)
			require.Equal(t, tt.records, got.records)
			require.Equal(t, tt.faults, got.faults)
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	zipped := zip(t, repeat(20_000, device))
	damaged := []byte(zip(t, "id\n1\n"))
	damaged[len(damaged)-5] ^= 0xff
	tests := map[string]struct {
		name     string
		content  string
		settings []string
		records  []string // that come before the error
		class    connector.Class
		says     []string
	}{
		"two columns of one name": {
			name: "a.csv", content: "Name,id, Name \n1,2,3\n",
			class: connector.ErrMalformed, says: []string{"a.csv", `line 1: columns 1 and 3 are both named "Name"`, "rename one"},
		},
		"a csv file without a header": {
			name: "a.csv", content: "\n\n",
			class: connector.ErrMalformed, says: []string{"the file is empty", "header row"},
		},
		"a header with a stray quote": {
			name: "a.csv", content: "\na,b\"\n",
			class: connector.ErrMalformed, says: []string{"line 2, column 4", "double each quote"},
		},
		"a quote that is never closed": {
			name: "a.csv", content: "id,x\n1,a\n2,\"b\n3,\"\"c\n4,d\n", records: []string{`{"id":"1","x":"a"}`},
			class: connector.ErrMalformed, says: []string{"line 3: a quote opens here that is never closed"},
		},
		"a document that is cut off": {
			name: "a.json", content: `[{"id":1},{"id":2},{"id"`, records: []string{`{"id":1}`, `{"id":2}`},
			class: connector.ErrMalformed, says: []string{"cut off at byte 24, after element 2", "fetch the file again"},
		},
		"a document that is cut off between two elements": {
			name: "a.json", content: `[{"id":1},`, records: []string{`{"id":1}`},
			class: connector.ErrMalformed, says: []string{"cut off at byte 10, after element 1"},
		},
		"a document that is cut off after the list": {
			name: "a.json", content: `{"data":[{"id":1}],"next":"x"`, settings: []string{"records", "data"}, records: []string{`{"id":1}`},
			class: connector.ErrMalformed, says: []string{"cut off at byte 29"},
		},
		"a document that is cut off before the list": {
			name: "a.json", content: `{"x":["a`, settings: []string{"records", "data"},
			class: connector.ErrMalformed, says: []string{"cut off at byte 8, after element 0"},
		},
		"a document that is cut off inside a member after the list": {
			name: "a.json", content: `{"data":[],"x":{"a":1}`, settings: []string{"records", "data"},
			class: connector.ErrMalformed, says: []string{"cut off at byte 22"},
		},
		"a document with a member that is not separated": {
			name: "a.json", content: `{"a":1 "data":[]}`, settings: []string{"records", "data"},
			class: connector.ErrMalformed, says: []string{"byte 7: '\"' stands where ',' is expected"},
		},
		"a document that is empty": {
			name: "a.json", content: "", class: connector.ErrMalformed, says: []string{"the file is empty"},
		},
		"a document with text after its end": {
			name: "a.json", content: "[{\"id\":1}]\n[{\"id\":2}]", records: []string{`{"id":1}`},
			class: connector.ErrMalformed, says: []string{"byte 11: there is more after the end"},
		},
		"a missing comma": {
			name: "a.json", content: `[{"id":1} {"id":2}]`, records: []string{`{"id":1}`},
			class: connector.ErrMalformed, says: []string{"byte 10: '{' stands where ',' is expected"},
		},
		"a comma before the end": {
			name: "a.json", content: `[{"id":1},]`, records: []string{`{"id":1}`},
			class: connector.ErrMalformed, says: []string{"byte 10: a value is missing"},
		},
		"a document that is an object": {
			name: "a.json", content: `{"total":2,"results":[{"id":1}],"odd.one": []}`,
			class: connector.ErrMalformed, says: []string{"the document is an object, not a list", "set records to the path of the list (results, ['odd.one'])"},
		},
		"a document that is an object over several lines": {
			name: "a.json", content: "{\"data\":[\n{\"id\":1}\n]}",
			class: connector.ErrMalformed, says: []string{"the document is an object, not a list", "(data)"},
		},
		"a document that is a string": {
			name: "a.json", content: `"x"`, class: connector.ErrMalformed, says: []string{"byte 0: a list of records begins with ["},
		},
		"a path to the list that is not there": {
			name: "a.json", content: `{"data":{"x":1}}`, settings: []string{"records", "data.items"},
			class: connector.ErrMalformed, says: []string{"there is nothing at data.items"},
		},
		"a path to the list that leads to something else": {
			name: "a.json", content: `{"data":{"items":{}}}`, settings: []string{"records", "data.items"},
			class: connector.ErrMalformed, says: []string{"there is no list at data.items"},
		},
		"a path to the list that leads through something else": {
			name: "a.json", content: `{"data":[1]}`, settings: []string{"records", "data.items"},
			class: connector.ErrMalformed, says: []string{`byte 8: an object with the member "items" is expected`},
		},
		"a member without a key": {
			name: "a.json", content: `{1:2}`, settings: []string{"records", "data"},
			class: connector.ErrMalformed, says: []string{"byte 1: this is no key of a member"},
		},
		"more than 1000 levels": {
			name: "a.json", content: `[{"id":1},` + strings.Repeat("[", 2000), records: []string{`{"id":1}`},
			class: connector.ErrMalformed, says: []string{"more than 1000 levels deep"},
		},
		"a compressed file that is cut off": {
			name: "a.ndjson.gz", content: zip(t, "{\"id\":1}\n{\"id\":2}\n")[:27], records: []string{`{"id":1}`, `{"id":2}`},
			class: connector.ErrMalformed, says: []string{"cut off", "fetch the file again"},
		},
		"a compressed file whose header is cut off": {
			name: "a.csv.gz", content: zipped[:5], class: connector.ErrMalformed, says: []string{"cut off"},
		},
		"a compressed file that is damaged": {
			name: "a.csv.gz", content: string(damaged), records: []string{`{"id":"1"}`},
			class: connector.ErrMalformed, says: []string{"damaged", "checksum"},
		},
		"a compressed file that holds too much": {
			name: "a.csv.gz", content: zip(t, "id\n1\n2\n3\n"), settings: []string{"max_decompressed", "8"}, records: []string{`{"id":"1"}`, `{"id":"2"}`},
			class: connector.ErrMalformed, says: []string{"a.csv.gz", "more than 8 bytes", "max_decompressed"},
		},
		"an Excel workbook": {
			name: "a.csv", content: "PK\x03\x04....", class: connector.ErrMalformed, says: []string{"an Excel workbook or another ZIP archive", "export it as CSV"},
		},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{tt.name: tt.content})
			got := read(t, open(t, dir, append([]string{"path", tt.name}, tt.settings...)...), "")
			require.Equal(t, tt.records, got.records)
			require.Equal(t, tt.class, connector.ClassOf(got.err), "%v", got.err)
			require.ErrorContains(t, got.err, dir, "the file is named by its absolute path")
			for _, s := range tt.says {
				require.ErrorContains(t, got.err, s)
			}
		})
	}
}
