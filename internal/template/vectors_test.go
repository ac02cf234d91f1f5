package template

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A vector is a template, what it is evaluated over, and what must come out.
type vector struct {
	Name     string                     `json:"name"`
	Template string                     `json:"template"`
	Mode     string                     `json:"mode"`
	Context  map[string]json.RawMessage `json:"context"`
	Now      string                     `json:"now"`
	Want     json.RawMessage            `json:"want"`
	Error    any                        `json:"error"` // true, false, "load" or "eval"
}

// fewestVectors is how many there must be at least.
const fewestVectors = 600

func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "vectors", "*.json"))
	require.NoError(t, err)
	count := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var vectors []vector
		require.NoError(t, json.Unmarshal(data, &vectors), file)
		count += len(vectors)
		for _, v := range vectors {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".json")+"/"+v.Name, func(t *testing.T) {
				t.Parallel()
				v.run(t)
			})
		}
	}
	require.GreaterOrEqual(t, count, fewestVectors)
}

func (v vector) run(t *testing.T) {
	t.Helper()
	o := Options{Names: []string{}}
	if v.Mode == "compatible" {
		o.Mode = Compatible
	}
	vars := map[string]Value{}
	for name, raw := range v.Context {
		value, err := Decode(raw)
		require.NoError(t, err)
		vars[name] = value
		o.Names = append(o.Names, name)
	}
	if v.Now != "" {
		now, err := time.Parse(time.RFC3339, v.Now)
		require.NoError(t, err)
		o.Now = func() time.Time { return now }
	}
	compiled, err := Parse(v.Template, o)
	if v.Error == "load" {
		require.Error(t, err, v.Template)
		return
	}
	var got Value
	if err == nil {
		got, err = compiled.EvalVars(vars)
	} else if v.Error == "eval" {
		require.NoError(t, err, v.Template)
	}
	if v.Error == true || v.Error == "eval" {
		require.Error(t, err, "%s gives %s", v.Template, got.String())
		var located *Error
		require.ErrorAs(t, err, &located)
		require.Positive(t, located.Column)
		return
	}
	require.NoError(t, err, v.Template)
	require.JSONEq(t, string(v.Want), tagged(got), "%s\nover %s", v.Template, v.Context)
}

// tagged writes a value with its type, as the vectors do.
func tagged(v Value) string {
	quote := func(s string) string {
		out, err := json.Marshal(s)
		if err != nil {
			return err.Error()
		}
		return string(out)
	}
	list := func() string {
		var parts []string
		for item := range v.Items() {
			parts = append(parts, tagged(item))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	tag := func(name, value string) string { return fmt.Sprintf(`{"t":%q,"v":%s}`, name, value) }
	switch v.Kind() {
	case KindUndefined:
		return `{"t":"undefined"}`
	case KindNull:
		return `{"t":"null"}`
	case KindBool:
		return tag("bool", fmt.Sprint(v.Truthy()))
	case KindInt:
		return tag("int", quote(v.String()))
	case KindFloat:
		return tag("float", quote(v.String()))
	case KindString:
		return tag("str", quote(v.String()))
	case KindBytes:
		return tag("bytes", quote(fmt.Sprintf("%x", v.str)))
	case KindList:
		return tag("list", list())
	case KindTuple:
		return tag("tuple", list())
	case KindSet:
		return tag("set", list())
	case KindDict:
		var parts []string
		for p := range v.Pairs() {
			parts = append(parts, "["+tagged(p.Key)+","+tagged(p.Value)+"]")
		}
		return tag("dict", "["+strings.Join(parts, ",")+"]")
	case KindTime:
		return tag("datetime", quote(string(appendTime(nil, v, 'T'))))
	case KindDuration:
		return tag("timedelta", quote(Float(v.span().rest.Seconds()).String()))
	default:
		return tag(v.Kind().String(), "null")
	}
}
