package template

import (
	"testing"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/stretchr/testify/require"
)

// A benchmarked template, with the program of the same meaning in expr-lang.
type benchmarked struct{ template, program string }

// fifteen are the templates of a mapping of ordinary size.
var fifteen = []benchmarked{
	{`{{ record.profile.email | lower }}`, `lower(record.profile.email)`},
	{`{{ record.first ~ ' ' ~ record.last }}`, `record.first + " " + record.last`},
	{`{{ 'active' if record.status == 'ACTIVE' else 'inactive' }}`, `record.status == "ACTIVE" ? "active" : "inactive"`},
	{`{{ record.id }}`, `record.id`},
	{`{{ record.serial | trim | upper }}`, `upper(trim(record.serial))`},
	{`{{ record.ram_gb * 1024 }}`, `record.ram_gb * 1024`},
	{`{{ record.os.name in ['macOS', 'Windows', 'Linux'] }}`, `record.os.name in ["macOS", "Windows", "Linux"]`},
	{`{{ record.nickname or record.first }}`, `record.nickname != "" ? record.nickname : record.first`},
	{`{{ record.profile.email.split('@')[0] }}`, `split(record.profile.email, "@")[0]`},
	{`{{ record.tags | join(',') }}`, `join(record.tags, ",")`},
	{`{{ record.managed and record.encrypted }}`, `record.managed and record.encrypted`},
	{`{{ record.host.endswith('.local') }}`, `record.host endsWith ".local"`},
	{`{{ record.addresses[0].city }}`, `record.addresses[0].city`},
	{`{{ record.title | default('none') }}`, `record.title ?? "none"`},
	{`{{ record.storage >= 256 and record.storage < 512 }}`, `record.storage >= 256 and record.storage < 512`},
}

const benchmarkRecord = `{
	"id": "00u1ero7vZFVEIYLWPBN", "first": "Ada", "last": "Lovelace", "nickname": "", "status": "ACTIVE",
	"serial": " c02xk1zzjgh5 ", "ram_gb": 16, "storage": 494, "managed": true, "encrypted": false,
	"os": {"name": "macOS", "version": "15.3"}, "host": "adas-mac.local", "title": "Countess",
	"tags": ["engineering", "london", "vip"],
	"addresses": [{"city": "London", "country": "GB"}],
	"profile": {"email": "Ada.Lovelace@Example.COM"}
}`

func benchmarkRecordAny() map[string]any {
	return map[string]any{"record": map[string]any{
		"id": "00u1ero7vZFVEIYLWPBN", "first": "Ada", "last": "Lovelace", "nickname": "", "status": "ACTIVE",
		"serial": " c02xk1zzjgh5 ", "ram_gb": 16, "storage": 494, "managed": true, "encrypted": false,
		"os": map[string]any{"name": "macOS", "version": "15.3"}, "host": "adas-mac.local", "title": "Countess",
		"tags":      []any{"engineering", "london", "vip"},
		"addresses": []any{map[string]any{"city": "London", "country": "GB"}},
		"profile":   map[string]any{"email": "Ada.Lovelace@Example.COM"},
	}}
}

// BenchmarkFifteen evaluates fifteen templates over one record, and the same in
// expr-lang. Each is given its input as it likes it best: values in slots here, a
// map there.
func BenchmarkFifteen(b *testing.B) {
	record, err := Decode([]byte(benchmarkRecord))
	require.NoError(b, err)
	b.Run("template", func(b *testing.B) {
		var templates []*Template
		var inputs [][]Value
		for _, one := range fifteen {
			t, err := Parse(one.template, Options{})
			require.NoError(b, err)
			var values []Value
			for _, ref := range t.Refs() {
				values = append(values, record.At(ref.Path))
			}
			templates, inputs = append(templates, t), append(inputs, values)
		}
		var s Scratch
		b.ReportAllocs()
		for b.Loop() {
			for i, t := range templates {
				if _, err := t.Eval(inputs[i], &s); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("template from a map", func(b *testing.B) {
		var templates []*Template
		for _, one := range fifteen {
			t, err := Parse(one.template, Options{})
			require.NoError(b, err)
			templates = append(templates, t)
		}
		vars := map[string]Value{"record": record}
		var s Scratch
		var inputs []Value
		b.ReportAllocs()
		for b.Loop() {
			for _, t := range templates {
				inputs = t.AppendInputs(inputs[:0], vars)
				if _, err := t.Eval(inputs, &s); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("expr", func(b *testing.B) {
		env := benchmarkRecordAny()
		var programs []*vm.Program
		for _, one := range fifteen {
			p, err := expr.Compile(one.program, expr.Env(env))
			require.NoError(b, err)
			programs = append(programs, p)
		}
		var machine vm.VM
		b.ReportAllocs()
		for b.Loop() {
			for _, p := range programs {
				if _, err := machine.Run(p, env); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// TestFifteenMeanTheSame holds the two halves of the benchmark to one result.
func TestFifteenMeanTheSame(t *testing.T) {
	t.Parallel()
	record, err := Decode([]byte(benchmarkRecord))
	require.NoError(t, err)
	for _, one := range fifteen {
		compiled, err := Parse(one.template, Options{Names: []string{"record"}})
		require.NoError(t, err)
		got, err := compiled.EvalVars(map[string]Value{"record": record})
		require.NoError(t, err)
		want, err := expr.Eval(one.program, benchmarkRecordAny())
		require.NoError(t, err)
		require.EqualValues(t, want, plainGo(got), one.template)
	}
}

// plainGo returns a scalar as Go has it.
func plainGo(v Value) any {
	switch v.Kind() {
	case KindBool:
		return v.Truthy()
	case KindInt:
		n, _ := v.AsInt()
		return int(n)
	default:
		return v.Text()
	}
}

func BenchmarkTemplate(b *testing.B) {
	record, err := Decode([]byte(benchmarkRecord))
	require.NoError(b, err)
	for _, one := range fifteen {
		b.Run(one.template, func(b *testing.B) {
			t, err := Parse(one.template, Options{})
			require.NoError(b, err)
			var inputs []Value
			for _, ref := range t.Refs() {
				inputs = append(inputs, record.At(ref.Path))
			}
			var s Scratch
			b.ReportAllocs()
			for b.Loop() {
				if _, err := t.Eval(inputs, &s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
