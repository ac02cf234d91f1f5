package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/internal/path"
)

// decoded returns a JSON document as a value.
func decoded(t testing.TB, text string) Value {
	t.Helper()
	v, err := Decode([]byte(text))
	require.NoError(t, err)
	return v
}

// evaluated returns what a typed template makes of a record.
func evaluated(t testing.TB, text, record string) (Value, error) {
	t.Helper()
	compiled, err := Parse(text, Options{Names: []string{"record"}})
	require.NoError(t, err, text)
	return compiled.EvalVars(map[string]Value{"record": decoded(t, record)})
}

func TestFaultsAtLoad(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text    string
		line    int
		column  int
		message string
	}{
		"an unknown variable, with the nearest":     {"{{ rekord.name }}", 1, 4, "there is no variable rekord here; did you mean record?"},
		"an unknown variable, with those there are": {"{{ zzzzzz }}", 1, 4, "there is no variable zzzzzz here; there are config, record"},
		"an unknown filter, with the nearest":       {"{{ record.a | lwer }}", 1, 15, "there is no filter lwer here; did you mean lower?"},
		"an unknown test":                           {"{{ record.a is defnied }}", 1, 16, "there is no test defnied here; did you mean defined?"},
		"an unknown method":                         {"{{ record.a.uper() }}", 1, 13, "there is no method uper here; did you mean upper?"},
		"an unknown function":                       {"{{ nowutc() }}", 1, 4, "there is no function nowutc here; did you mean now_utc?"},
		"a function without its parentheses":        {"{{ now_utc }}", 1, 4, "now_utc is a function; write now_utc()"},
		"an argument too many":                      {"{{ record.a | lower('x') }}", 1, 21, "lower has too many arguments; it is written lower without arguments"},
		"an argument too few":                       {"{{ record.a | replace('x') }}", 1, 15, "replace needs its argument new; it is written replace(old, new, count=)"},
		"an argument of another name":               {"{{ record.a | round(digits=1) }}", 1, 21, "round has no argument digits; it is written round(precision=0, method='common')"},
		"an argument given twice":                   {"{{ record.a | round(1, precision=2) }}", 1, 24, "round gets its argument precision twice"},
		"a method's arguments that fit no kind":     {"{{ record.a.strip(1, 2) }}", 1, 22, "strip has too many arguments; it is written strip(chars=)"},
		"a value that is never closed":              {"{{ record.a", 1, 1, "this {{ is never closed; write }} at its end"},
		"a statement that is never closed":          {"{% if record.a", 1, 1, "this {% is never closed; write %} at its end"},
		"a comment that is never closed":            {"x {# y", 1, 3, "this comment is never closed; write #} at its end"},
		"a quote that is never closed":              {"{{ 'a }}", 1, 4, "this quote is never closed"},
		"a typographic quote":                       {"{{ ‘a’ }}", 1, 4, "this quote is a typographic one; write ' or \""},
		"a bracket that closes nothing":             {"{{ record.a) }}", 1, 12, "this ) closes nothing"},
		"a bracket of the wrong kind":               {"{{ (record.a] }}", 1, 13, "a ) is missing before this ]"},
		"an operator that is missing":               {"{{ record.a record.b }}", 1, 13, `an operator, a filter or }} is missing before "record"`},
		"an operand that is missing":                {"{{ record.a + }}", 1, 15, "an expression is missing before }}"},
		"an empty expression":                       {"{{ }}", 1, 4, "an expression is missing before }}"},
		"one equals sign":                           {"{{ record.a = 1 }}", 1, 13, "= has no meaning here; write == to compare"},
		"an ampersand":                              {"{{ record.a && 1 }}", 1, 13, "& is no operator; write and"},
		"an exclamation mark":                       {"{{ !record.a }}", 1, 4, "! is no operator; write not or !="},
		"a serial number without quotes":            {"{{ 007 }}", 1, 4, "a number does not begin with 0; quote it if it is text"},
		"a number with letters behind it":           {"{{ 5x }}", 1, 5, "a number ends here; quote it if it is text"},
		"a member's name that is missing":           {"{{ record. }}", 1, 12, "a member's name is missing behind the dot; one with other characters is written ['in brackets']"},
		"a fault on a later line":                   {"a\nb {{\n  nope }}", 3, 3, "there is no variable nope here; there are config, record"},
		"a fault behind letters of several bytes":   {"äöü {{ nope }}", 1, 8, "there is no variable nope here; there are config, record"},
		"a loop":                 {"{% for x in record.a %}{% endfor %}", 1, 4, "{% for %} is no part of the language: a template has no loops; use filters such as map, select, join and sum"},
		"a file":                 {"{% include '/etc/hostname' %}", 1, 4, "{% include %} is no part of the language: a template reads no files"},
		"a macro":                {"{% macro m() %}{% endmacro %}", 1, 4, "{% macro %} is no part of the language: a template defines no macros"},
		"a namespace":            {"{% set ns = namespace(a=1) %}", 1, 13, "namespace is no part of the language; {% set %} keeps its value behind {% endif %}"},
		"a member that is set":   {"{% set ns.a = 1 %}", 1, 10, "set gives a name a value, not a member of something; namespace is no part of the language"},
		"an unknown statement":   {"{% fi %}", 1, 4, "there is no statement fi; there are if and set"},
		"an if without an end":   {"a {% if record.a %} b", 1, 6, "this if is never ended; write {% endif %}"},
		"an else without an if":  {"{% else %}", 1, 4, "{% else %} without {% if %} before it"},
		"a second else":          {"{% if record.a %}{% else %}{% else %}{% endif %}", 1, 31, "{% else %} without {% if %} before it"},
		"arguments by a star":    {"{{ max(*record.a) }}", 1, 8, "arguments are given one by one; * is not part of the language"},
		"a value that is called": {"{{ record['a']() }}", 1, 15, "record['a'] cannot be called; functions and methods can"},
		"two tests in a row":     {"{{ record.a is defined is none }}", 1, 24, "one test follows another; write and between them"},
		"a regular expression that cannot be read":       {"{{ record.a | regex_search('(') }}", 1, 15, "the regular expression cannot be read: missing closing ): `(`"},
		"a filter for each item that is unknown":         {"{{ record.a | map('lwer') }}", 1, 15, "there is no filter lwer"},
		"a character given by its name":                  {`{{ '\N{DASH}' }}`, 1, 5, `characters are not known by name; write \u and the four digits of its number`},
		"a key that is missing between the brackets":     {"{{ record[] }}", 1, 10, "a key or an index is missing between the brackets"},
		"a name that is read before it is given a value": {"{{ x }}{% set x = 1 %}", 1, 4, "there is no variable x here; there are config, record"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(tt.text, Options{Names: []string{"record", "config"}})
			var fault *Error
			require.ErrorAs(t, err, &fault)
			require.Equal(t, Error{Text: tt.text, Line: tt.line, Column: tt.column, Message: tt.message, Cause: ErrSyntax}, *withoutValueCause(fault))
		})
	}
}

// withoutValueCause counts a fault found in a constant argument as one of syntax.
func withoutValueCause(e *Error) *Error {
	if errors.Is(e, ErrValue) {
		e.Cause = ErrSyntax
	}
	return e
}

func TestFaultsAtEvaluation(t *testing.T) {
	t.Parallel()
	const record = `{"name": "Ada", "n": 3, "gone": null, "list": [1], "dict": {}}`
	tests := map[string]struct {
		text    string
		column  int
		message string
		cause   error
	}{
		"null is added":                    {"{{ record.gone + 1 }}", 16, "null is on the left of +; write | default(..., true) to give it a value", ErrValue},
		"what is not there is multiplied":  {"{{ 2 * record.none }}", 6, "nothing is there on the right of *; write | default(...) to give it a value", ErrUndefined},
		"text and a number are added":      {"{{ record.name + record.n }}", 16, "a string + an integer is no calculation; write ~ to join text", ErrValue},
		"text is subtracted":               {"{{ record.n - record.name }}", 13, "an integer - a string is no calculation; write | int or | float to calculate with text", ErrValue},
		"a number is divided by zero":      {"{{ record.n / 0 }}", 13, "a number is divided by zero", ErrValue},
		"null is compared":                 {"{{ record.gone < 1 }}", 16, "null cannot be compared with an integer as less or more", ErrValue},
		"what is not there is compared":    {"{{ record.none < 1 }}", 16, "what is not there cannot be compared; write | default(...) to give it a value", ErrUndefined},
		"a number is looked through":       {"{{ 1 in record.n }}", 6, "nothing can be in an integer", ErrValue},
		"a number is joined":               {"{{ record.n | join }}", 15, "a list is needed here, not an integer", ErrValue},
		"a number has a method of text":    {"{{ record.n.lower() }}", 13, "record.n is an integer, which has no method lower", ErrUndefined},
		"text is not a date":               {"{{ record.name | date }}", 18, `text "Ada", column 1: `, ErrValue},
		"text is no MAC address":           {"{{ record.name | mac }}", 18, `"Ada" is no MAC address: it has 3 of 12 digits`, ErrValue},
		"a value is not listed":            {"{{ 'OSX' | lookup({'osx': 1}) }}", 12, `"OSX" is not listed; did you mean "osx"?`, ErrValue},
		"a hash is unknown":                {"{{ record.name | hash('crc') }}", 18, `there is no hash "crc"; there are md5, sha1, sha224, sha256, sha384, sha512`, ErrValue},
		"a format needs more values":       {"{{ '%s %s' | format(1) }}", 14, "the format needs more values than there are", ErrValue},
		"a list is the key of a dict":      {"{{ {record.list: 1} }}", 4, "a list cannot be the key of a dict or a member of a set", ErrValue},
		"a time zone is unknown":           {"{{ today_with_timezone('Mars/Base') }}", 4, `there is no time zone "Mars/Base"`, ErrValue},
		"a time zone climbs directories":   {"{{ today_with_timezone('../../etc/passwd') }}", 4, `there is no time zone "../../etc/passwd"`, ErrValue},
		"JSON is malformed":                {"{{ json_loads('{') }}", 4, "this is not JSON: byte 2: a member's name is missing", ErrValue},
		"a part is taken of a number":      {"{{ record.n[1:] }}", 12, "a part is taken of a list or of text, not of an integer", ErrValue},
		"the fault is in a filter's value": {"{{ (1 + record.none) | string }}", 7, "nothing is there on the right of +; write | default(...) to give it a value", ErrUndefined},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := evaluated(t, tt.text, record)
			var fault *Error
			require.ErrorAs(t, err, &fault)
			require.ErrorIs(t, err, tt.cause)
			require.Equal(t, 1, fault.Line)
			require.Equal(t, tt.column, fault.Column)
			require.True(t, strings.HasPrefix(fault.Message, tt.message), fault.Message)
			require.Contains(t, err.Error(), fmt.Sprintf("column %d: ", tt.column))
		})
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		mode Mode
		want []string
	}{
		"a constant path is one ref":                   {"{{ record.profile['first name'].x }}", Typed, []string{"record profile.first name.x"}},
		"a key that is odd is quoted":                  {"{{ record['a.b'] }}", Typed, []string{"record ['a.b']"}},
		"an index before a key is part of it":          {"{{ record.addresses[0].city }}", Typed, []string{"record addresses[0].city"}},
		"an index from the end is too":                 {"{{ record.addresses[-1].city }}", Typed, []string{"record addresses[-1].city"}},
		"an index at the end is not":                   {"{{ record.tags[0] ~ record.tags[1] }}", Typed, []string{"record tags"}},
		"a method's value ends before the method":      {"{{ record.profile.email.lower() }}", Typed, []string{"record profile.email"}},
		"a computed key ends it":                       {"{{ record[record.key].x }}", Typed, []string{"record ", "record key"}},
		"refs come once, in the order of their use":    {"{{ record.b ~ record.a ~ record.b ~ config.c }}", Typed, []string{"record b", "record a", "config c"}},
		"statements count":                             {"{% if record.a %}{{ record.b }}{% endif %}", Typed, []string{"record a", "record b"}},
		"a name that was set is none":                  {"{% set x = record.a %}{{ x.b }}", Typed, []string{"record a"}},
		"a whole variable has no path":                 {"{{ record }}", Typed, []string{"record "}},
		"a template that changes a list folds nothing": {"{{ record.a.append(1) }}", Typed, []string{"record "}},
		"the compatible mode folds nothing":            {"{{ record.a.b }}", Compatible, []string{"record "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled, err := Parse(tt.text, Options{Mode: tt.mode})
			require.NoError(t, err)
			var got []string
			for _, r := range compiled.Refs() {
				got = append(got, r.Name+" "+r.Path.String())
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestTypedValuesKeepTheirType(t *testing.T) {
	t.Parallel()
	const record = `{"serial": "5E10", "id": 1.10, "big": 12345678901234567890123, "n": 3, "gone": null,
		"name": "Ada", "list": ["a", null, 1.0], "o": {"items": [1], "n": {"k": null}}, "when": "2026-01-31T14:05:06Z"}`
	tests := map[string]struct{ text, want string }{
		"text that looks like a number":        {"{{ record.serial }}", `"5E10"`},
		"a number's digits":                    {"{{ record.id }}", `1.10`},
		"digits in text":                       {"{{ record.id }}!", `"1.10!"`},
		"digits are read to calculate":         {"{{ record.id + 0 }}", `1.1`},
		"a number too large for 64 bits":       {"{{ record.big + 1 }}", `12345678901234567890124`},
		"a list":                               {"{{ record.list }}", `["a",null,1.0]`},
		"a member of null":                     {"{{ record.gone.a.b }}", `null`},
		"a filter of null":                     {"{{ record.gone | lower | trim }}", `null`},
		"a method of null":                     {"{{ record.o.n.k.split(',') }}", `null`},
		"null in text":                         {"{{ record.name }} {{ record.gone }}", `"Ada "`},
		"null joined":                          {"{{ record.name ~ record.gone }}", `"Ada"`},
		"null by default":                      {"{{ record.gone | default('x') }}", `"x"`},
		"null as a number with a default":      {"{{ record.gone | int(0) }}", `0`},
		"a length of null":                     {"{{ record.gone | length }}", `0`},
		"in null":                              {"{{ 'a' in record.gone }}", `false`},
		"a member that is named like a method": {"{{ record.o.items }}", `[1]`},
		"the method of that name":              {"{{ record.o.items() | length }}", `2`},
		"an expression behind a set":           {"{% set x = record.n %}{{ x * 2 }}", `6`},
		"an expression behind a comment":       {"{# twice #}{{ record.n * 2 }}", `6`},
		"an expression in an if is text":       {"{% if true %}{{ record.n }}{% endif %}", `"3"`},
		"a value set in every branch":          {"{% if record.n %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x + 1 }}", `"2"`},
		"a character of text":                  {"{{ record.name[0] }}", `"A"`},
		"a condition over several lines":       {"{{ (\n  'a' if record.n == 3\n  else ('b' if record.n else 'c')\n) }}", `"a"`},
		"a time's part":                        {"{{ (record.when | date('iso', 'iso'))[:4] }}", `"2026"`},
		"a time":                               {"{{ str_to_datetime(record.when).year }}", `2026`},
		"appending leaves the input alone":     {"{% set _ = record.list.append(1) %}{{ record.list | length }}", `4`},
	}
	value := decoded(t, record)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled, err := Parse(tt.text, Options{Names: []string{"record"}})
			require.NoError(t, err)
			got, err := compiled.EvalVars(map[string]Value{"record": value})
			require.NoError(t, err)
			out, err := AppendJSON(nil, got)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(out))
			require.Len(t, value.Member("list").items(), 3)
		})
	}
	for _, text := range []string{"{{ record.none }}", "{{ record.none.a.b }}", "{{ record.none | lower }}", "{{ record.none.lower() }}", "{{ record.none | int }}", "{{ 1 if false }}"} {
		got, err := evaluated(t, text, record)
		require.NoError(t, err)
		require.True(t, got.IsUndefined(), "%s gives %s", text, got)
	}
}

func TestFiltersForMappings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"the first of several":                    {"{{ [none, '', ' ', record.none, 'b', 'c'] | first_of }}", `"b"`},
		"the first of several may be zero":        {"{{ [none, 0, 1] | first_of }}", `0`},
		"the first of several under another name": {"{{ ['', 'x'] | coalesce }}", `"x"`},
		"a part":                                 {"{{ 'a,b' | split(',', 1) }}", `"b"`},
		"a part that is not there":               {"{{ 'a' | split(',', 1) | default('-') }}", `"-"`},
		"parts":                                  {"{{ ' a  b ' | split }}", `["a","b"]`},
		"the local part of an address":           {"{{ ' Ada@x.org ' | email_local }}", `"Ada"`},
		"the local part of what is no address":   {"{{ 'ada' | email_local }}", `"ada"`},
		"the domain of an address":               {"{{ 'Ada@X.org' | email_domain }}", `"x.org"`},
		"the domain of what is no address":       {"{{ 'ada' | email_domain }}", `""`},
		"a MAC address with colons":              {"{{ 'AA:BB:CC:DD:EE:0F' | mac }}", `"aa:bb:cc:dd:ee:0f"`},
		"a MAC address with hyphens":             {"{{ 'aa-bb-cc-dd-ee-0f' | mac }}", `"aa:bb:cc:dd:ee:0f"`},
		"a MAC address as Cisco writes it":       {"{{ 'aabb.ccdd.ee0f' | mac }}", `"aa:bb:cc:dd:ee:0f"`},
		"a MAC address without signs":            {"{{ 'AABBCCDDEE0F' | mac }}", `"aa:bb:cc:dd:ee:0f"`},
		"no MAC address":                         {"{{ '' | mac }}", `""`},
		"a phone number":                         {"{{ '+1 (312) 800-9919' | phone }}", `"+13128009919"`},
		"a phone number with zeros for plus":     {"{{ '0044 20 7946 0018' | phone }}", `"+442079460018"`},
		"a phone number with a zero in brackets": {"{{ '+44 (0)20 7946 0018' | phone }}", `"+442079460018"`},
		"a phone number of one place":            {"{{ '312-800-9919' | phone }}", `"3128009919"`},
		"a phone number with an extension":       {"{{ '+1 312 800 9919 ext. 42' | phone }}", `"+13128009919 x42"`},
		"a phone number as a link":               {"{{ 'tel:+1-312-800-9919;ext=7' | phone }}", `"+13128009919 x7"`},
		"no phone number":                        {"{{ 'n/a' | phone }}", `""`},
		"a table":                                {"{{ 'OSX' | lookup({'OSX': 'macOS'}) }}", `"macOS"`},
		"a table with a default":                 {"{{ 'BeOS' | lookup({'OSX': 'macOS'}, 'other') }}", `"other"`},
		"a table of numbers":                     {"{{ 2 | lookup({'2': 'two'}) }}", `"two"`},
		"a table and null":                       {"{{ none | lookup({'2': 'two'}) }}", `null`},
		"items that say something":               {"{{ ['a', none, '', 'b'] | join_nonempty }}", `"a, b"`},
		"a suffix":                               {"{{ 'Safari.APP' | strip_suffix('.app') }}", `"Safari"`},
		"a suffix that is not there":             {"{{ 'Safari' | strip_suffix('.app') }}", `"Safari"`},
		"a prefix":                               {"{{ 'CORP\\\\ada' | strip_prefix('corp\\\\') }}", `"ada"`},
		"a name in title case":                   {"{{ 'mary-ann o neil' | title }}", `"Mary-Ann O Neil"`},
		"a date of seconds":                      {"{{ 1769868306 | date }}", `"2026-01-31T14:05:06Z"`},
		"a date of milliseconds":                 {"{{ '1769868306250' | date('epoch_ms') }}", `"2026-01-31T14:05:06.25Z"`},
		"a date by a layout":                     {"{{ '31.01.2026' | date('%d.%m.%Y', 'date') }}", `"2026-01-31"`},
		"a date of a directory":                  {"{{ '20260131140506.0Z' | date('ldap') }}", `"2026-01-31T14:05:06Z"`},
		"a date of Active Directory":             {"{{ '134143419060000000' | date('filetime') }}", `"2026-01-31T14:05:06Z"`},
		"a date that never comes":                {"{{ '9223372036854775807' | date('filetime') }}", `null`},
		"a date as seconds":                      {"{{ '2026-01-31T14:05:06+01:00' | date('iso', 'epoch') }}", `1769864706`},
		"a date as milliseconds":                 {"{{ '2026-01-31' | date(output='epoch_ms') }}", `1769817600000`},
		"a date as a directory's":                {"{{ '2026-01-31' | date(output='ldap') }}", `"20260131000000.0Z"`},
		"a date as Active Directory's":           {"{{ '2026-01-31T14:05:06Z' | date(output='filetime') }}", `134143419060000000`},
		"a date in another layout":               {"{{ '2026-01-31' | date(output='%d/%m/%y') }}", `"31/01/26"`},
		"an empty date":                          {"{{ '' | date }}", `null`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := evaluated(t, tt.text, `{}`)
			require.NoError(t, err)
			out, err := AppendJSON(nil, got)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(out))
		})
	}
}

// within tells a template that comes to its limit from one that does not, on
// however slow a machine. How fast it does is not this test's matter.
const within = time.Minute

func TestLimits(t *testing.T) {
	t.Parallel()
	doubling := "{% set x = 'aaaaaaaa' %}" + strings.Repeat("{% set x = x ~ x %}", 40) + "{{ x | length }}"
	growing := "{% set x = [1, 2, 3] %}" + strings.Repeat("{% set x = x + x %}", 40) + "{{ x | length }}"
	nested := "{% set x = [1] %}" + strings.Repeat("{% set x = [x, x] %}", 60) + "{{ x == x }}{{ x }}"
	tests := map[string]struct {
		text   string
		atLoad bool
	}{
		"a text repeated":                        {"{{ 'x' * 10**9 }}", false},
		"a list repeated":                        {"{{ [1] * 10**9 }}", false},
		"a repetition that overflows":            {"{{ 'xyz' * (2**63 // 2) }}", false},
		"a power":                                {"{{ 2 ** (10**9) }}", false},
		"a power of powers":                      {"{{ (9**9) ** (9**9) }}", false},
		"a product that doubles its digits":      {"{% set x = 10**4000 %}{{ x * x }}", false},
		"parentheses ten thousand deep":          {"{{ " + strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000) + " }}", true},
		"brackets ten thousand deep":             {"{{ " + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + " }}", true},
		"signs ten thousand deep":                {"{{ " + strings.Repeat("-", 10_000) + "1 }}", true},
		"nots ten thousand deep":                 {"{{ " + strings.Repeat("not ", 10_000) + "1 }}", true},
		"conditions ten thousand deep":           {"{{ " + strings.Repeat("1 if 0 else ", 5000) + "1 }}", true},
		"ifs ten thousand deep":                  {strings.Repeat("{% if 1 %}", 5000), true},
		"a sum of ten thousand numbers":          {"{{ 1" + strings.Repeat("+1", 10_000) + " }}", true},
		"ten thousand filters":                   {"{{ ''" + strings.Repeat("|e", 10_000) + " }}", true},
		"ten thousand members":                   {"{{ record" + strings.Repeat("['a'][:]", 6000) + " }}", true},
		"a template of a megabyte":               {strings.Repeat("x", 1<<20), true},
		"text that doubles":                      {doubling, false},
		"a list that doubles":                    {growing, false},
		"lists in lists that double":             {nested, false},
		"text replaced by longer text":           {"{% set x = 'a' * 1000 %}" + strings.Repeat("{% set x = x.replace('a', 'aaaa') %}", 10) + "{{ x | length }}", false},
		"text joined with itself":                {"{% set x = 'a' * 100000 %}{{ x.join(x) }}", false},
		"text replaced by a regular expression":  {"{{ ('a' * 50000) | regex_replace('a', 'b' * 1000) }}", false},
		"a regular expression that is long":      {"{{ 'a' | regex_search('" + strings.Repeat("a", 2000) + "') }}", true},
		"a width":                                {"{{ '%1000000000d' % 1 }}", false},
		"a width by a star":                      {"{{ '%*d' % (10**9, 1) }}", false},
		"a width in braces":                      {"{{ '{:1000000000}'.format(1) }}", false},
		"a width of zeros":                       {"{{ '1'.zfill(10**9) }}", false},
		"a list that holds itself":               {"{% set x = [1] %}{% set y = x.append(x) %}{{ x }}!", false},
		"a list that holds itself, compared":     {"{% set x = [1] %}{% set y = x.append(x) %}{% set z = [1] %}{% set y = z.append(z) %}{{ x == z }}", false},
		"a list that holds itself, as JSON":      {"{% set x = [1] %}{% set y = x.append(x) %}{{ x | tojson }}", false},
		"a list that holds itself, sorted":       {"{% set x = [1] %}{% set y = x.append(x) %}{% set z = [1] %}{% set y = z.append(z) %}{{ [x, z] | sort }}", false},
		"a list that holds itself, as a key":     {"{% set x = [1] %}{% set y = x.append((x,)) %}{{ {(x,): 1} }}", false},
		"JSON nested deeply":                     {"{{ json_loads('[' * 50000) }}", false},
		"a comparison of long lists":             {"{% set x = [1] * 100000 %}{{ " + strings.Repeat("x == x and ", 100) + "1 }}", false},
		"a search in a long text, often":         {"{% set x = 'ab' * 50000 %}{{ " + strings.Repeat("'c' in x or ", 1500) + "1 }}", false},
		"a sort of a long list, often":           {"{% set x = [2, 1] * 50000 %}{{ x | sort | sort | sort }}", false},
		"tuples in tuples that double, as a key": {"{% set x = (1, 2) %}" + strings.Repeat("{% set x = (x, x) %}", 60) + "{{ {x: 1} }}", false},
		"tuples in tuples that double, in order": {"{% set x = (1, 2) %}" + strings.Repeat("{% set x = (x, x) %}", 60) + "{{ x <= x }}", false},
		"a regular expression that repeats":      {"{{ 'a' | regex_search('" + strings.Repeat("a{1000}", 100) + "') }}", true},
		"a regular expression over a long text":  {"{{ ('a' * 100000) | regex_search('(" + strings.Repeat("a?", 400) + ")" + strings.Repeat("a", 100) + "b') }}", false},
		"a layout":                               {"{{ now_utc().strftime('%Y' * 10000) }}", false},
		"text written often":                     {"{% set x = 'a' * 100000 %}{{ " + strings.Repeat("[x, x] | tojson | length + ", 1500) + "1 }}", false},
		"an indent of JSON":                      {"{{ [1] | tojson(1000000000) }}", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []Mode{Typed, Compatible} {
				start := time.Now()
				compiled, err := Parse(tt.text, Options{Mode: mode})
				if !tt.atLoad {
					require.NoError(t, err)
					_, err = compiled.EvalVars(nil)
				}
				require.Less(t, time.Since(start), within)
				if name == "a list that holds itself, as a key" {
					require.ErrorIs(t, err, ErrValue)
					continue
				}
				require.ErrorIs(t, err, ErrLimit)
				var fault *Error
				require.ErrorAs(t, err, &fault)
			}
		})
	}
}

func TestDeepLiteralsAreBounded(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("[", 100_000), strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000), strings.Repeat("{1:", 100_000), strings.Repeat("-", 100_000) + "1",
	} {
		_, ok, err := ParseLiteral(text)
		require.NoError(t, err)
		require.False(t, ok)
	}
	_, _, err := ParseLiteral("0x" + strings.Repeat("f", 100_000))
	require.ErrorIs(t, err, ErrLimit)
	_, ok, err := ParseLiteral(strings.Repeat("9", 4301))
	require.NoError(t, err)
	require.False(t, ok, "as Python, which reads no more digits")
}

func TestLimitsAreOptions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limits Limits
		text   string
	}{
		"length": {Limits{Template: 5}, "{{ 1 }}"},
		"depth":  {Limits{Depth: 3}, "{{ ((((1)))) }}"},
		"steps":  {Limits{Steps: 10}, "{{ [1,2,3,4,5,6,7,8,9,10,11] | sum }}"},
		"output": {Limits{Output: 10}, "{{ 'aaaaaa' ~ 'bbbbbb' }}"},
		"repeat": {Limits{Repeat: 10}, "{{ 'a' * 11 }}"},
		"bits":   {Limits{Bits: 64}, "{{ 2 ** 65 }}"},
		"items":  {Limits{Items: 3}, "{{ [1, 2] + [3, 4] }}"},
		"JSON":   {Limits{JSONDepth: 2}, "{{ json_loads('[[[1]]]') }}"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled, err := Parse(tt.text, Options{Limits: tt.limits})
			if err == nil {
				_, err = compiled.Eval(nil, nil)
			}
			require.ErrorIs(t, err, ErrLimit)
			compiled, err = Parse(tt.text, Options{})
			require.NoError(t, err)
			_, err = compiled.Eval(nil, nil)
			require.NoError(t, err)
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	at := func(year int) func() time.Time {
		return func() time.Time { return time.Date(year, 2, 3, 4, 5, 6, 0, time.UTC) }
	}
	compiled, err := Parse("{{ now_utc().year }}", Options{Now: at(2020)})
	require.NoError(t, err)
	got, err := compiled.Eval(nil, nil)
	require.NoError(t, err)
	require.Equal(t, "2020", got.String())
	got, err = compiled.Eval(nil, &Scratch{Now: at(2021)})
	require.NoError(t, err)
	require.Equal(t, "2021", got.String())
	compiled, err = Parse("{{ now_utc() }}", Options{})
	require.NoError(t, err)
	got, err = compiled.Eval(nil, nil)
	require.NoError(t, err)
	now, ok := got.AsTime()
	require.True(t, ok)
	require.WithinDuration(t, time.Now(), now, time.Minute)
}

func TestConstant(t *testing.T) {
	t.Parallel()
	for text, constant := range map[string]bool{
		"{{ 1 + 1 }}": true, "text": true, "{{ 'a' | upper }}": true,
		"{{ record }}": false, "{{ now_utc() }}": false, "{{ generate_uuid() }}": false, "{{ 1 / 0 }}": false,
	} {
		compiled, err := Parse(text, Options{})
		require.NoError(t, err)
		_, ok := compiled.Constant()
		require.Equal(t, constant, ok, text)
	}
}

func TestIdentifiersDiffer(t *testing.T) {
	t.Parallel()
	compiled, err := Parse("{{ generate_uuid() }}", Options{})
	require.NoError(t, err)
	first, err := compiled.Eval(nil, nil)
	require.NoError(t, err)
	second, err := compiled.Eval(nil, nil)
	require.NoError(t, err)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, first.String())
	require.NotEqual(t, first.String(), second.String())
}

func TestParseExpression(t *testing.T) {
	t.Parallel()
	compiled, err := ParseExpression("record.n > 1 and record.name != ''", Options{Names: []string{"record"}})
	require.NoError(t, err)
	got, err := compiled.EvalVars(map[string]Value{"record": decoded(t, `{"n": 2, "name": "x"}`)})
	require.NoError(t, err)
	require.Equal(t, Bool(true), got)
	text, err := compiled.EvalText([]Value{Int(0), String("")}, nil)
	require.NoError(t, err)
	require.Equal(t, "False", text)
	for _, bad := range []string{"", "{{ record.n }}", "record.n record.m", "record.n }}"} {
		_, err := ParseExpression(bad, Options{})
		require.ErrorIs(t, err, ErrSyntax, bad)
	}
}

func TestValidTypes(t *testing.T) {
	t.Parallel()
	o := Options{Mode: Compatible, ValidTypes: []Kind{KindString, KindList}}
	for text, want := range map[string]Value{"123": String("123"), "[1]": List(Int(1)), "'a'": String("a")} {
		compiled, err := Parse(text, o)
		require.NoError(t, err)
		got, err := compiled.Eval(nil, nil)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
}

func TestBoolean(t *testing.T) {
	t.Parallel()
	for _, v := range []Value{
		Bool(false), Int(0), Float(0), String(""), String("False"), String("false"), String("{}"), String("[]"), String("()"),
		String("0"), String("0.0"), List(), Dict(), tuple(),
		{kind: KindSet, ref: &list{}},
	} {
		require.False(t, Boolean(v), "%s", v)
	}
	for _, v := range []Value{Bool(true), Null(), Int(1), String("None"), String("no"), String(" "), String("0.00"), List(Null()), Dict(Pair{Int(1), Int(2)})} {
		require.True(t, Boolean(v), "%s", v)
	}
}

func TestInputsMustMatchRefs(t *testing.T) {
	t.Parallel()
	compiled, err := Parse("{{ record.a ~ record.b }}", Options{})
	require.NoError(t, err)
	_, err = compiled.Eval([]Value{Null()}, nil)
	require.ErrorIs(t, err, ErrValue)
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	record := decoded(t, `{"tags": ["b", "a"], "o": {"k": 1}}`)
	compiled, err := Parse("{% set _ = record.tags.append('c') %}{% set _ = record.o.update(x=1) %}{{ record.tags | sort | join }}{{ record.o | length }}", Options{})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var s Scratch
			for range 50 {
				got, err := compiled.Eval([]Value{record}, &s)
				if err != nil || got.Text() != "abc2" {
					t.Errorf("got %s, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 2, record.Member("tags").Len())
}

func TestTypicalTemplatesAllocateLittle(t *testing.T) {
	record := decoded(t, benchmarkRecord)
	for text, most := range map[string]float64{
		"{{ record.id }}":                                                0,
		"{{ record.profile.email | lower }}":                             1,
		"{{ record.first ~ ' ' ~ record.last }}":                         1,
		"{{ record.first }} {{ record.last }}":                           1,
		"{{ 'active' if record.status == 'ACTIVE' else 'inactive' }}":    0,
		"{{ record.os.name in ['macOS', 'Windows'] }}":                   0,
		"{{ record.ram_gb * 1024 }}":                                     0,
		"{{ record.nickname | default(record.first, true) | truncate }}": 0,
	} {
		compiled, err := Parse(text, Options{})
		require.NoError(t, err)
		var inputs []Value
		for _, ref := range compiled.Refs() {
			inputs = append(inputs, record.At(ref.Path))
		}
		var s Scratch
		allocations := testing.AllocsPerRun(100, func() {
			if _, err := compiled.Eval(inputs, &s); err != nil {
				t.Error(err)
			}
		})
		require.LessOrEqual(t, allocations, most, text)
	}
}

func TestEveryFunctionIsDescribed(t *testing.T) {
	t.Parallel()
	for what, docs := range map[string][]FunctionDoc{"filter": Filters(), "function": Functions(), "method": Methods(), "test": Tests()} {
		require.NotEmpty(t, docs)
		for _, d := range docs {
			require.NotEmpty(t, d.Name, what)
			require.True(t, strings.HasSuffix(d.Doc, "."), "%s %s: %s", what, d.Name, d.Doc)
			require.Equal(t, what == "method", d.On != KindUndefined, d.Name)
		}
	}
}

func TestFiltersForMappingsAreTypedOnly(t *testing.T) {
	t.Parallel()
	for _, d := range Filters() {
		_, err := Parse("{{ 'x' | "+d.Name+" }}", Options{Mode: Compatible})
		var fault *Error
		unknown := errors.As(err, &fault) && strings.HasPrefix(fault.Message, "there is no filter")
		require.Equal(t, d.TypedOnly, unknown, d.Name)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`null`, `true`, `[]`, `{}`, `"a\"\\\/\b\f\n\r\té\ud83d\ude00"`, `-0.5e+10`, `[1, [2, {"a": [3]}]]`, ` { "a" : 1 , "b" : [ ] } `,
		`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11}`, `"ä€𝄞"`,
	} {
		v := decoded(t, text)
		out, err := AppendJSON(nil, v)
		require.NoError(t, err)
		require.JSONEq(t, text, string(out))
	}
	for _, text := range []string{
		``, ` `, `nul`, `01`, `1.`, `.5`, `1e`, `+1`, `-`, `"`, `"\x"`, `"\u12"`, "\"\n\"", `[1,]`, `[1 2]`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,}`, `1 2`, `[`, `{`, `NaN`,
	} {
		require.False(t, json.Valid([]byte(text)), text)
		_, err := Decode([]byte(text))
		require.Error(t, err, text)
	}
	_, err := Decode([]byte(strings.Repeat("[", 100_000)))
	require.ErrorIs(t, err, ErrLimit)
	_, err = Decode([]byte(strings.Repeat("1", 100_000)))
	require.ErrorIs(t, err, ErrLimit)
	v := decoded(t, `{"a": 1, "b": 2, "a": 3}`)
	require.Equal(t, "{'a': 3, 'b': 2}", v.String())
}

func TestValues(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 1, 31, 14, 5, 6, 7000, time.FixedZone("", 3600))
	tests := map[string]struct {
		value      Value
		kind       Kind
		text, json string
	}{
		"undefined":                  {Undefined(), KindUndefined, "", "null"},
		"null":                       {Null(), KindNull, "None", "null"},
		"a boolean":                  {Bool(true), KindBool, "True", "true"},
		"an integer":                 {Int(-5), KindInt, "-5", "-5"},
		"an integer of text":         {Number("100000000000000000000"), KindInt, "100000000000000000000", "100000000000000000000"},
		"a float":                    {Float(1e16), KindFloat, "1e+16", "1e+16"},
		"a float of text":            {Number("1.50"), KindFloat, "1.5", "1.50"},
		"text that is no number":     {Number("1x"), KindString, "1x", `"1x"`},
		"a string":                   {String("a\"b"), KindString, "a\"b", `"a\"b"`},
		"a list":                     {List(Int(1), String("it's")), KindList, `[1, "it's"]`, `[1,"it's"]`},
		"a dict":                     {Dict(Pair{String("a"), Int(1)}, Pair{String("b"), Int(2)}, Pair{String("a"), Int(3)}), KindDict, "{'a': 3, 'b': 2}", `{"a":3,"b":2}`},
		"a dict of other keys":       {Dict(Pair{Int(1), Int(1)}, Pair{Bool(true), Int(2)}, Pair{Null(), Int(3)}, Pair{List(), Int(4)}), KindDict, "{1: 2, None: 3}", `{"1":2,"null":3}`},
		"a moment":                   {Time(when), KindTime, "2026-01-31 13:05:06.000007+00:00", `"2026-01-31T13:05:06.000007+00:00"`},
		"a day":                      {Day(when), KindTime, "2026-01-31", `"2026-01-31"`},
		"a duration":                 {Duration(0, 0, 36*time.Hour), KindDuration, "1 day, 12:00:00", `"1 day, 12:00:00"`},
		"a duration of the calendar": {Duration(1, 2, -time.Hour), KindDuration, "1 year, 2 months, -1 day, 23:00:00", `"1 year, 2 months, -1 day, 23:00:00"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.kind, tt.value.Kind())
			require.Equal(t, tt.text, tt.value.String())
			out, err := AppendJSON([]byte("x"), tt.value)
			require.NoError(t, err)
			require.Equal(t, "x"+tt.json, string(out))
		})
	}
	_, err := AppendJSON(nil, List(Number("1e999").plain()))
	require.ErrorIs(t, err, ErrValue)
}

func TestAt(t *testing.T) {
	t.Parallel()
	v := decoded(t, `{"a": {"b": [{"c": 1}, {"c": 2}]}, "gone": null, "s": "xyz"}`)
	for text, want := range map[string]string{
		"a.b[-1].c": "2", "a.b[0].c": "1", "a.b[5].c": "Undefined", "gone.x.y": "None", "none.x": "Undefined", "s[1]": "'y'", "s.x": "Undefined", "a.b[].c": "Undefined",
	} {
		p, err := path.ParsePattern(text)
		require.NoError(t, err)
		require.Equal(t, "["+want+"]", List(v.At(p)).String(), text)
	}
}

func TestDictsOfManyMembers(t *testing.T) {
	t.Parallel()
	d := &dict{}
	for i := range 1000 {
		require.NoError(t, d.set(String(fmt.Sprint("k", i%500)), Int(int64(i))))
	}
	require.Len(t, d.pairs, 500)
	v, ok := d.member("k499")
	require.True(t, ok)
	require.Equal(t, "999", v.String())
	_, ok = d.member("k500")
	require.False(t, ok)
}
