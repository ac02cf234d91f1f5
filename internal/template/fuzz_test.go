package template

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fuzzLimits are small, so that a template past them is found early.
var fuzzLimits = Limits{Template: 2000, Depth: 50, Steps: 20_000, Output: 20_000, Repeat: 5000, Items: 5000, JSONDepth: 50}

// patience is what an evaluation within fuzzLimits may take, with a machine that
// has other work too.
const patience = time.Minute

// addVectors seeds a fuzz test with some of the vectors.
func addVectors(f *testing.F, add func(vector)) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "vectors", "*.json"))
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		var vectors []vector
		require.NoError(f, json.Unmarshal(data, &vectors))
		for i := 0; i < len(vectors); i += 7 {
			add(vectors[i])
		}
	}
}

func FuzzParse(f *testing.F) {
	addVectors(f, func(v vector) { f.Add(v.Template) })
	f.Fuzz(func(t *testing.T, text string) {
		for _, mode := range []Mode{Typed, Compatible} {
			for _, parse := range []func(string, Options) (*Template, error){Parse, ParseExpression} {
				compiled, err := parse(text, Options{Mode: mode, Names: []string{"record"}, Limits: fuzzLimits})
				if err != nil {
					var fault *Error
					require.ErrorAs(t, err, &fault)
					require.Positive(t, fault.Line)
					require.Positive(t, fault.Column)
					require.NotEmpty(t, fault.Message)
					continue
				}
				for _, r := range compiled.Refs() {
					require.Equal(t, "record", r.Name)
				}
			}
		}
	})
}

func FuzzEval(f *testing.F) {
	addVectors(f, func(v vector) {
		record, ok := v.Context["record"]
		if !ok {
			record = []byte(`{"a": [1, "b", null], "b": {"c": 1.5}}`)
		}
		f.Add(v.Template, string(record))
	})
	f.Fuzz(func(t *testing.T, text, context string) {
		record, err := Decode([]byte(context))
		if err != nil {
			record = String(context)
		}
		before := record.String()
		for _, mode := range []Mode{Typed, Compatible} {
			compiled, err := Parse(text, Options{Mode: mode, Limits: fuzzLimits})
			if err != nil {
				return
			}
			vars := map[string]Value{}
			for _, r := range compiled.Refs() {
				vars[r.Name] = record
			}
			start := time.Now()
			got, err := compiled.EvalVars(vars)
			require.Less(t, time.Since(start), patience)
			if err != nil {
				var fault *Error
				require.ErrorAs(t, err, &fault)
				continue
			}
			if s, ok := got.AsString(); ok && len(s) > len(context) {
				require.LessOrEqual(t, len(s), max(fuzzLimits.Output, len(text)))
			}
			_ = got.String()
			if _, err := AppendJSON(nil, got); err != nil {
				require.True(t, errors.Is(err, ErrValue) || errors.Is(err, ErrLimit))
			}
		}
		require.Equal(t, before, record.String(), "the input has changed")
	})
}

func FuzzLiteralEval(f *testing.F) {
	addVectors(f, func(v vector) { f.Add(v.Template) })
	f.Fuzz(func(t *testing.T, text string) {
		v, ok, err := ParseLiteral(text)
		if err != nil || !ok {
			return
		}
		// what is printed reads back to what prints the same
		printed := List(v).String()
		again, ok, err := ParseLiteral(printed)
		require.NoError(t, err)
		if !ok {
			require.Regexp(t, `inf|…|\\x|Undefined|\.\.\.`, printed)
			return
		}
		require.Equal(t, printed, again.String())
	})
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.50,"x\u00e9\ud83d\ude00"]}`, `[]`, `"\u12"`, `-0`, `1e5`, `{"a":1,"a":2}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Decode([]byte(text))
		if errors.Is(err, ErrLimit) {
			return
		}
		require.Equal(t, json.Valid([]byte(text)), err == nil, "%v", err)
		if err != nil {
			return
		}
		out, err := AppendJSON(nil, v)
		require.NoError(t, err)
		require.True(t, json.Valid(out))
		again, err := Decode(out)
		require.NoError(t, err)
		require.Equal(t, v.String(), again.String())
	})
}
