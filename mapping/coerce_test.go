package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
)

var (
	text = mapping.TextValue
	num  = mapping.IntValue
	yes  = mapping.BoolValue(true)
	no   = mapping.BoolValue(false)
	null = mapping.Null
)

func TestFromJSON(t *testing.T) {
	t.Parallel()
	choices := []string{"active", "In Stock"}
	for name, tt := range map[string]struct {
		field mapping.Field
		json  string
		want  mapping.Value
		fault string
	}{
		"a text stays as it is":                     {field: mapping.Field{Type: mapping.Text}, json: `"5E10"`, want: text("5E10")},
		"a text keeps its zeros":                    {field: mapping.Field{Type: mapping.Text}, json: `"007"`, want: text("007")},
		"a text keeps its blanks":                   {field: mapping.Field{Type: mapping.Text}, json: `" a "`, want: text(" a ")},
		"a text may have escapes":                   {field: mapping.Field{Type: mapping.Text}, json: `"a\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00"`, want: text("a\"\\/\b\f\n\r\tä😀")},
		"half a surrogate pair is replaced":         {field: mapping.Field{Type: mapping.Text}, json: `"\ud83dx\udc00\ud83d\u0041"`, want: text("\ufffdx\ufffd\ufffdA")},
		"a text of any script":                      {field: mapping.Field{Type: mapping.Text}, json: `"Größe 名前"`, want: text("Größe 名前")},
		"an empty text is null":                     {field: mapping.Field{Type: mapping.Text}, json: `""`, want: null},
		"a blank text is null":                      {field: mapping.Field{Type: mapping.Text}, json: `" \t\u00a0"`, want: null},
		"null is null":                              {field: mapping.Field{Type: mapping.Text}, json: ` null `, want: null},
		"a number for a text keeps its digits":      {field: mapping.Field{Type: mapping.Text}, json: `1.10`, want: text("1.10")},
		"a number for a text keeps its exponent":    {field: mapping.Field{Type: mapping.Text}, json: `5E10`, want: text("5E10")},
		"a number for a text keeps all digits":      {field: mapping.Field{Type: mapping.Text}, json: `12345678901234567890123`, want: text("12345678901234567890123")},
		"a number that is too long":                 {field: mapping.Field{Type: mapping.Text}, json: strings.Repeat("1", 64<<10+1), fault: "longer than 64 KiB"},
		"true for a text":                           {field: mapping.Field{Type: mapping.Text}, json: `true`, want: text("true")},
		"false for a long text":                     {field: mapping.Field{Type: mapping.LongText}, json: `false`, want: text("false")},
		"an object for a text":                      {field: mapping.Field{Type: mapping.Text}, json: `{"a":1}`, fault: "is an object; map one of its members"},
		"a list for a text":                         {field: mapping.Field{Type: mapping.Text}, json: `["a"]`, fault: "is a list; map one of its items"},
		"bytes that are not UTF-8":                  {field: mapping.Field{Type: mapping.Text}, json: "\"gr\xf6\xdfe\"", fault: "set the encoding"},
		"bytes that are not UTF-8 beside an escape": {field: mapping.Field{Type: mapping.Text}, json: "\"\\t\xf6\"", fault: "set the encoding"},
		"a NUL character":                           {field: mapping.Field{Type: mapping.Text}, json: `"a\u0000"`, fault: "NUL"},
		"a text that is too long":                   {field: mapping.Field{Type: mapping.LongText}, json: `"` + strings.Repeat("a", 64<<10+1) + `"`, fault: "longer than 64 KiB"},
		"a text just short enough":                  {field: mapping.Field{Type: mapping.LongText}, json: `"` + strings.Repeat("a", 64<<10) + `"`, want: text(strings.Repeat("a", 64<<10))},
		"an escaped text that is too long":          {field: mapping.Field{Type: mapping.LongText}, json: `"` + strings.Repeat(`\n`, 64<<10) + `a\n"`, fault: "longer than 64 KiB"},
		"a placeholder counts as empty":             {field: mapping.Field{Type: mapping.Text, Placeholders: mapping.DefaultPlaceholders()}, json: `"None"`, want: null},
		"a number can be a placeholder":             {field: mapping.Field{Type: mapping.Text, Placeholders: mapping.DefaultPlaceholders()}, json: `0`, want: null},
		"a word is no placeholder elsewhere":        {field: mapping.Field{Type: mapping.Text}, json: `"None"`, want: text("None")},
		"a reference is kept as text":               {field: mapping.Field{Type: mapping.Reference}, json: `"ada@example.com"`, want: text("ada@example.com")},
		"a reference may be a number":               {field: mapping.Field{Type: mapping.Reference}, json: `4711`, want: text("4711")},
		"a whole number":                            {field: mapping.Field{Type: mapping.Integer}, json: `-42`, want: num(-42)},
		"a whole number as text":                    {field: mapping.Field{Type: mapping.Integer}, json: `" 16384 "`, want: num(16384)},
		"a whole number with zeros before it":       {field: mapping.Field{Type: mapping.Integer}, json: `"007"`, want: num(7)},
		"a whole number with a zero fraction":       {field: mapping.Field{Type: mapping.Integer}, json: `8.0`, want: num(8)},
		"a whole number with an exponent":           {field: mapping.Field{Type: mapping.Integer}, json: `1.6e4`, want: num(16000)},
		"the largest whole number":                  {field: mapping.Field{Type: mapping.Integer}, json: `9223372036854775807`, want: num(9223372036854775807)},
		"too large a whole number":                  {field: mapping.Field{Type: mapping.Integer}, json: `9223372036854775808`, fault: "too large"},
		"a fraction for a whole number":             {field: mapping.Field{Type: mapping.Integer}, json: `8.5`, fault: "not a whole number"},
		"a thousands separator":                     {field: mapping.Field{Type: mapping.Integer}, json: `"1,024"`, fault: "not a whole number"},
		"a plus sign":                               {field: mapping.Field{Type: mapping.Integer}, json: `"+1"`, fault: "not a whole number"},
		"hexadecimal digits":                        {field: mapping.Field{Type: mapping.Integer}, json: `"0x10"`, fault: "not a whole number"},
		"true for a whole number":                   {field: mapping.Field{Type: mapping.Integer}, json: `true`, fault: "is true or false, not a whole number"},
		"an empty text for a whole number":          {field: mapping.Field{Type: mapping.Integer}, json: `" "`, want: null},
		"a decimal":                                 {field: mapping.Field{Type: mapping.Decimal}, json: `12.50`, want: text("12.5")},
		"a decimal as text":                         {field: mapping.Field{Type: mapping.Decimal}, json: `" -0012.50 "`, want: text("-12.5")},
		"a decimal keeps digits beyond a float's":   {field: mapping.Field{Type: mapping.Decimal}, json: `0.1234567890123456789012345`, want: text("0.1234567890123456789012345")},
		"a decimal without its exponent":            {field: mapping.Field{Type: mapping.Decimal}, json: `1.5e3`, want: text("1500")},
		"a decimal with a negative exponent":        {field: mapping.Field{Type: mapping.Decimal}, json: `12.5E-3`, want: text("0.0125")},
		"a decimal with a point inside its digits":  {field: mapping.Field{Type: mapping.Decimal}, json: `1.25e1`, want: text("12.5")},
		"a decimal zero has one spelling":           {field: mapping.Field{Type: mapping.Decimal}, json: `-0.00e7`, want: text("0")},
		"a whole decimal":                           {field: mapping.Field{Type: mapping.Decimal}, json: `100`, want: text("100")},
		"a decimal of zeros after the point":        {field: mapping.Field{Type: mapping.Decimal}, json: `100.000`, want: text("100")},
		"a decimal below one":                       {field: mapping.Field{Type: mapping.Decimal}, json: `0.05`, want: text("0.05")},
		"a decimal below one with zeros after it":   {field: mapping.Field{Type: mapping.Decimal}, json: `0.0500`, want: text("0.05")},
		"a negative decimal with an exponent":       {field: mapping.Field{Type: mapping.Decimal}, json: `-0.05e1`, want: text("-0.5")},
		"true for a decimal":                        {field: mapping.Field{Type: mapping.Decimal}, json: `true`, fault: "is true or false, not a number"},
		"true for a MAC":                            {field: mapping.Field{Type: mapping.MAC}, json: `true`, fault: "is true or false, not a MAC address"},
		"true for an IP":                            {field: mapping.Field{Type: mapping.IP}, json: `true`, fault: "is true or false, not an IP address"},
		"a blob of true":                            {field: mapping.Field{Type: "blob"}, json: `true`, fault: "is true or false"},
		"a placeholder beyond ASCII":                {field: mapping.Field{Type: mapping.Text, Placeholders: []string{"Ärgernis", "none"}}, json: `" ÄRGERNIS"`, want: null},
		"no placeholder beyond ASCII":               {field: mapping.Field{Type: mapping.Text, Placeholders: []string{"none"}}, json: `"nonä"`, want: text("nonä")},
		"too large an exponent":                     {field: mapping.Field{Type: mapping.Decimal}, json: `1e999999999999999999999`, fault: "too large or too small"},
		"too small an exponent":                     {field: mapping.Field{Type: mapping.Decimal}, json: `1e-2000`, fault: "too large or too small"},
		"a price with a currency":                   {field: mapping.Field{Type: mapping.Decimal}, json: `"12.50 EUR"`, fault: "not a number"},
		"a price with a comma":                      {field: mapping.Field{Type: mapping.Decimal}, json: `"12,50"`, fault: "not a number"},
		"a point without digits after it":           {field: mapping.Field{Type: mapping.Decimal}, json: `"12."`, fault: "not a number"},
		"a point without digits before it":          {field: mapping.Field{Type: mapping.Decimal}, json: `".5"`, fault: "not a number"},
		"an exponent without digits":                {field: mapping.Field{Type: mapping.Decimal}, json: `"1e+"`, fault: "not a number"},
		"not a number at all":                       {field: mapping.Field{Type: mapping.Decimal}, json: `"NaN"`, fault: "not a number"},
		"true":                                      {field: mapping.Field{Type: mapping.Boolean}, json: `true`, want: yes},
		"one is true":                               {field: mapping.Field{Type: mapping.Boolean}, json: `1`, want: yes},
		"zero is false":                             {field: mapping.Field{Type: mapping.Boolean}, json: `0`, want: no},
		"a word for true, whatever its case":        {field: mapping.Field{Type: mapping.Boolean}, json: `" YES "`, want: yes},
		"on is true":                                {field: mapping.Field{Type: mapping.Boolean}, json: `"on"`, want: yes},
		"off is false":                              {field: mapping.Field{Type: mapping.Boolean}, json: `"Off"`, want: no},
		"two is neither":                            {field: mapping.Field{Type: mapping.Boolean}, json: `2`, fault: "neither true nor false"},
		"a letter is neither":                       {field: mapping.Field{Type: mapping.Boolean}, json: `"t"`, fault: "neither true nor false"},
		"a choice has its declared spelling":        {field: mapping.Field{Type: mapping.Choice, Choices: choices}, json: `" IN STOCK"`, want: text("In Stock")},
		"a choice that there is not":                {field: mapping.Field{Type: mapping.Choice, Choices: choices}, json: `"gone"`, fault: "is not one of active, In Stock"},
		"any choice where none is declared":         {field: mapping.Field{Type: mapping.Choice}, json: `" Gone "`, want: text("Gone")},
		"a choice may be a number":                  {field: mapping.Field{Type: mapping.Choice, Choices: []string{"1", "2"}}, json: `2`, want: text("2")},
		"a choice may be true":                      {field: mapping.Field{Type: mapping.Choice, Choices: []string{"True", "False"}}, json: `true`, want: text("True")},
		"an e-mail keeps its spelling":              {field: mapping.Field{Type: mapping.Email}, json: `" Ada@Example.com\n"`, want: text("Ada@Example.com")},
		"an e-mail without an @":                    {field: mapping.Field{Type: mapping.Email}, json: `"ada"`, fault: "not an e-mail"},
		"an e-mail with two":                        {field: mapping.Field{Type: mapping.Email}, json: `"a@b@c"`, fault: "not an e-mail"},
		"an e-mail with nothing before it":          {field: mapping.Field{Type: mapping.Email}, json: `"@b"`, fault: "not an e-mail"},
		"an e-mail with nothing after it":           {field: mapping.Field{Type: mapping.Email}, json: `"a@"`, fault: "not an e-mail"},
		"an e-mail with a blank":                    {field: mapping.Field{Type: mapping.Email}, json: `"a b@c"`, fault: "not an e-mail"},
		"an e-mail with an odd blank":               {field: mapping.Field{Type: mapping.Email}, json: `"a\u2003b@c"`, fault: "not an e-mail"},
		"an e-mail beyond ASCII":                    {field: mapping.Field{Type: mapping.Email}, json: `"jürgen@beispiel.de"`, want: text("jürgen@beispiel.de")},
		"a number for an e-mail":                    {field: mapping.Field{Type: mapping.Email}, json: `12`, fault: "is a number"},
		"true for an e-mail":                        {field: mapping.Field{Type: mapping.Email}, json: `true`, fault: "is true or false, not an e-mail address"},
		"a canonical MAC":                           {field: mapping.Field{Type: mapping.MAC}, json: `"aa:bb:cc:dd:ee:0f"`, want: text("aa:bb:cc:dd:ee:0f")},
		"a MAC with hyphens":                        {field: mapping.Field{Type: mapping.MAC}, json: `"AA-BB-CC-DD-EE-0F"`, want: text("aa:bb:cc:dd:ee:0f")},
		"a MAC with dots":                           {field: mapping.Field{Type: mapping.MAC}, json: `"aabb.ccdd.ee0f"`, want: text("aa:bb:cc:dd:ee:0f")},
		"a bare MAC":                                {field: mapping.Field{Type: mapping.MAC}, json: `" AABBCCDDEE0F "`, want: text("aa:bb:cc:dd:ee:0f")},
		"a MAC of eight bytes":                      {field: mapping.Field{Type: mapping.MAC}, json: `"00-11-22-33-44-55-66-77"`, want: text("00:11:22:33:44:55:66:77")},
		"a bare MAC of eight bytes":                 {field: mapping.Field{Type: mapping.MAC}, json: `"0011223344556677"`, want: text("00:11:22:33:44:55:66:77")},
		"a MAC of seven bytes":                      {field: mapping.Field{Type: mapping.MAC}, json: `"00112233445566"`, fault: "not a MAC"},
		"a MAC of nine bytes":                       {field: mapping.Field{Type: mapping.MAC}, json: `"00:11:22:33:44:55:66:77:88"`, fault: "not a MAC"},
		"a MAC with mixed separators":               {field: mapping.Field{Type: mapping.MAC}, json: `"aa:bb-cc:dd:ee:0f"`, fault: "not a MAC"},
		"a MAC that ends in a separator":            {field: mapping.Field{Type: mapping.MAC}, json: `"aa:bb:cc:dd:ee:0f:"`, fault: "not a MAC"},
		"a MAC that lacks a digit":                  {field: mapping.Field{Type: mapping.MAC}, json: `"aa:bb:cc:dd:ee:f"`, fault: "not a MAC"},
		"a MAC that lacks a separator":              {field: mapping.Field{Type: mapping.MAC}, json: `"aa:bb:cc:dd:ee0f"`, fault: "not a MAC"},
		"a MAC with a letter too many":              {field: mapping.Field{Type: mapping.MAC}, json: `"aa:bb:cc:dd:ee:0g"`, fault: "not a MAC"},
		"an IPv4 address":                           {field: mapping.Field{Type: mapping.IP}, json: `" 10.0.0.1 "`, want: text("10.0.0.1")},
		"an IPv6 address is canonical":              {field: mapping.Field{Type: mapping.IP}, json: `"2001:DB8:0:0::1"`, want: text("2001:db8::1")},
		"an IP address with a prefix":               {field: mapping.Field{Type: mapping.IP}, json: `"10.0.0.1/24"`, fault: "not an IP"},
		"a host name for an IP address":             {field: mapping.Field{Type: mapping.IP}, json: `"localhost"`, fault: "not an IP"},
		"a list":                                    {field: mapping.Field{Type: mapping.List}, json: `["a", "b"]`, want: text(`["a","b"]`)},
		"a list drops nulls and empty items":        {field: mapping.Field{Type: mapping.List}, json: `[null,"a",""," "]`, want: text(`["a"]`)},
		"a list drops what is there already":        {field: mapping.Field{Type: mapping.List}, json: `["b","a","b"]`, want: text(`["b","a"]`)},
		"a list keeps numbers as text":              {field: mapping.Field{Type: mapping.List}, json: `[1,2.50,true]`, want: text(`["1","2.50","true"]`)},
		"a single value is a list of one":           {field: mapping.Field{Type: mapping.List}, json: `"a,b"`, want: text(`["a,b"]`)},
		"a single number is a list of one":          {field: mapping.Field{Type: mapping.List}, json: `7`, want: text(`["7"]`)},
		"an empty list is null":                     {field: mapping.Field{Type: mapping.List}, json: `[ ]`, want: null},
		"a list of nothing is null":                 {field: mapping.Field{Type: mapping.List}, json: `[null,""]`, want: null},
		"null for a list":                           {field: mapping.Field{Type: mapping.List}, json: `null`, want: null},
		"an empty text for a list":                  {field: mapping.Field{Type: mapping.List}, json: `""`, want: null},
		"an object for a list":                      {field: mapping.Field{Type: mapping.List}, json: `{"a":1}`, fault: "is an object"},
		"an object in a list":                       {field: mapping.Field{Type: mapping.List}, json: `["a",{"b":1}]`, fault: "has an item that is an object"},
		"a list in a list":                          {field: mapping.Field{Type: mapping.List}, json: `[["a"]]`, fault: "has an item that is a list"},
		"a list escapes what it must":               {field: mapping.Field{Type: mapping.List}, json: `["\"\\\u0001\n<ä>"]`, want: text(`["\"\\\u0001\n<ä>"]`)},
		"a list of MACs":                            {field: mapping.Field{Type: mapping.List, Item: mapping.MAC}, json: `["AA-BB-CC-DD-EE-0F","aabbccddee0f"]`, want: text(`["aa:bb:cc:dd:ee:0f"]`)},
		"a list of whole numbers":                   {field: mapping.Field{Type: mapping.List, Item: mapping.Integer}, json: `["01",2]`, want: text(`["1","2"]`)},
		"a list with an item that does not fit":     {field: mapping.Field{Type: mapping.List, Item: mapping.MAC}, json: `["aabbccddee0f","none"]`, fault: "has an item that is not a MAC"},
		"a list leaves placeholders out":            {field: mapping.Field{Type: mapping.List, Item: mapping.MAC, Placeholders: []string{"02:00:00:00:00:00"}}, json: `["020000000000","000000000000","aabbccddee0f"]`, want: text(`["aa:bb:cc:dd:ee:0f"]`)},
		"a long list":                               {field: mapping.Field{Type: mapping.List}, json: numbers(2000), want: text(numbersAsText(1000))},
		"a list that is too long":                   {field: mapping.Field{Type: mapping.List}, json: `["` + strings.Repeat("a", 60<<10) + `","` + strings.Repeat("b", 60<<10) + `"]`, fault: "longer than 64 KiB"},
		"a type that there is not":                  {field: mapping.Field{Type: "blob"}, json: `"a"`, fault: "unknown type"},
		"truncated JSON":                            {field: mapping.Field{Type: mapping.Text}, json: `"abc`, fault: "invalid JSON at offset 4"},
		"two values":                                {field: mapping.Field{Type: mapping.Text}, json: `"a" "b"`, fault: "after the end"},
		"no value":                                  {field: mapping.Field{Type: mapping.Text}, json: ``, fault: "invalid JSON at offset 0"},
		"a number that JSON does not know":          {field: mapping.Field{Type: mapping.Text}, json: `01`, fault: "after the end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.field.FromJSON([]byte(tt.json), "")
			if tt.fault != "" {
				require.ErrorContains(t, err, tt.fault)
				require.Less(t, len(err.Error()), 1000, "a fault quotes a long value in part only")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)

			// What is canonical stays.
			if got.IsEmpty() {
				return
			}
			again, err := tt.field.FromJSON(tt.field.AppendJSON(nil, got), "")
			require.NoError(t, err)
			require.Equal(t, got, again)
		})
	}
}

// numbers returns a JSON list of n numbers of which half are there twice.
func numbers(n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprint(i % (n / 2))
	}
	return "[" + strings.Join(items, ",") + "]"
}

func numbersAsText(n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(`"%d"`, i)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func TestParseField(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		field mapping.Field
		text  string
		want  mapping.Value
		fault string
	}{
		"text":                              {field: mapping.Field{Type: mapping.Text}, text: "true", want: text("true")},
		"a whole number":                    {field: mapping.Field{Type: mapping.Integer}, text: "8", want: num(8)},
		"a boolean":                         {field: mapping.Field{Type: mapping.Boolean}, text: "no", want: no},
		"a date":                            {field: mapping.Field{Type: mapping.Date}, text: "2026-01-02", want: text("2026-01-02")},
		"a number is no date":               {field: mapping.Field{Type: mapping.Date}, text: "1767366245", fault: `"1767366245" is not a date in ISO 8601`},
		"a list of one":                     {field: mapping.Field{Type: mapping.List}, text: "a", want: text(`["a"]`)},
		"an empty list":                     {field: mapping.Field{Type: mapping.List}, text: " ", want: null},
		"a list of one that does not fit":   {field: mapping.Field{Type: mapping.List, Item: mapping.IP}, text: "a", fault: "not an IP"},
		"a fault quotes the value":          {field: mapping.Field{Type: mapping.Integer}, text: "eight", fault: `"eight" is not a whole number`},
		"bytes that are not UTF-8":          {field: mapping.Field{Type: mapping.Text}, text: "\xff", fault: "UTF-8"},
		"a NUL character":                   {field: mapping.Field{Type: mapping.Text}, text: "a\x00", fault: "NUL"},
		"a text that is too long":           {field: mapping.Field{Type: mapping.Text}, text: strings.Repeat("ä", 64<<10), fault: "64 KiB"},
		"a placeholder is no serial number": {field: mapping.Field{Type: mapping.Text, Placeholders: mapping.DefaultPlaceholders()}, text: "n/a", want: null},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.field.Parse(tt.text)
			if tt.fault != "" {
				require.ErrorContains(t, err, tt.fault)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestFormatAndAppendJSON(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		field  mapping.Field
		value  mapping.Value
		people string
		json   string
	}{
		"absent":                       {mapping.Field{Type: mapping.Text}, mapping.Value{}, "", "null"},
		"null":                         {mapping.Field{Type: mapping.Boolean}, null, "", "null"},
		"text":                         {mapping.Field{Type: mapping.Text}, text("5E10"), "5E10", `"5E10"`},
		"text with quotes":             {mapping.Field{Type: mapping.Text}, text("14\" \\ \t\r\n\x01ä"), "14\" \\ \t\r\n\x01ä", `"14\" \\ \t\r\n\u0001ä"`},
		"bytes that are not UTF-8":     {mapping.Field{Type: mapping.Text}, text("a\xffb"), "a\xffb", `"a\ufffdb"`},
		"a whole number":               {mapping.Field{Type: mapping.Integer}, num(-3), "-3", "-3"},
		"true":                         {mapping.Field{Type: mapping.Boolean}, yes, "yes", "true"},
		"false":                        {mapping.Field{Type: mapping.Boolean}, no, "no", "false"},
		"a decimal":                    {mapping.Field{Type: mapping.Decimal}, text("12.5"), "12.5", "12.5"},
		"a decimal that is none":       {mapping.Field{Type: mapping.Decimal}, text("012"), "012", `"012"`},
		"a date":                       {mapping.Field{Type: mapping.Date}, text("2026-01-02"), "2026-01-02", `"2026-01-02"`},
		"a list":                       {mapping.Field{Type: mapping.List}, text(`["a","b c"]`), "a, b c", `["a","b c"]`},
		"a list that is none":          {mapping.Field{Type: mapping.List}, text(`a`), "a", `"a"`},
		"another row":                  {mapping.Field{Type: mapping.Reference}, mapping.RowValue(2), "row 2", "2"},
		"a reference that is a number": {mapping.Field{Type: mapping.Reference}, text("4711"), "4711", `"4711"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.people, tt.field.Format(tt.value))
			require.Equal(t, tt.json, string(tt.field.AppendJSON(nil, tt.value)))
		})
	}
}
