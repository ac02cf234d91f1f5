package mapping_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

func sensitive(paths ...string) []connector.Field {
	fields := []connector.Field{{Path: "harmless"}}
	for _, p := range paths {
		fields = append(fields, connector.Field{Path: p, Sensitive: true})
	}
	return fields
}

func TestMask(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sensitive []string
		record    string
		want      string
	}{
		"a text":                                {[]string{"pin"}, `{"id":1,"pin":"1234","x":2}`, `{"id":1,"pin":"********","x":2}`},
		"a number":                              {[]string{"pin"}, `{"pin": 1234 }`, `{"pin": "********" }`},
		"an object as a whole":                  {[]string{"secret"}, `{"secret":{"pin":1,"puk":[2]},"x":2}`, `{"secret":"********","x":2}`},
		"a list as a whole":                     {[]string{"secrets"}, `{"secrets":["a","b"]}`, `{"secrets":"********"}`},
		"a nested value":                        {[]string{"a.b.pin"}, `{"a":{"b":{"pin":1,"x":2}}}`, `{"a":{"b":{"pin":"********","x":2}}}`},
		"a value in each item of a list":        {[]string{"keys[].value"}, `{"keys":[{"value":1},{"x":2},{"value":"3"}]}`, `{"keys":[{"value":"********"},{"x":2},{"value":"********"}]}`},
		"all items where the first is declared": {[]string{"keys[0].value"}, `{"keys":[{"value":1},{"value":2}]}`, `{"keys":[{"value":"********"},{"value":"********"}]}`},
		"items where no list was declared":      {[]string{"keys.value"}, `{"keys":[[{"value":1}],{"value":2}]}`, `{"keys":[[{"value":"********"}],{"value":"********"}]}`},
		"an object where a list was declared":   {[]string{"keys[].value"}, `{"keys":{"value":1}}`, `{"keys":{"value":"********"}}`},
		"items themselves":                      {[]string{"keys[]"}, `{"keys":["a","b"]}`, `{"keys":"********"}`},
		"several values":                        {[]string{"c", "a", "b.x"}, `{"a":1,"b":{"x":2,"y":3},"c":4}`, `{"a":"********","b":{"x":"********","y":3},"c":"********"}`},
		"a value and one inside it":             {[]string{"a", "a.b"}, `{"a":{"b":1}}`, `{"a":"********"}`},
		"every one of two members":              {[]string{"pin"}, `{"pin":1,"pin":2}`, `{"pin":"********","pin":"********"}`},
		"a key that is escaped in the record":   {[]string{"pin"}, `{"p\u0069n":1}`, `{"p\u0069n":"********"}`},
		"an odd key":                            {[]string{"['pin.code']"}, `{"pin.code":1}`, `{"pin.code":"********"}`},
		"null tells nothing":                    {[]string{"pin"}, `{"pin":null}`, `{"pin":null}`},
		"nothing to mask":                       {[]string{"pin"}, `{"id":1}`, `{"id":1}`},
		"nothing declared":                      {nil, `{"pin":1}`, `{"pin":1}`},
		"malformed, nothing declared":           {nil, `{"pin":1`, `{"pin":1`},
		"malformed after the secret":            {[]string{"pin"}, `{"pin":"1234","x":`, `{"record":"********"}`},
		"malformed before the secret":           {[]string{"pin"}, `{x,"pin":"1234"}`, `{"record":"********"}`},
		"malformed in a list":                   {[]string{"keys[].pin"}, `{"keys":[{"pin":"1234"},{"pin":tru}]}`, `{"record":"********"}`},
		"no object":                             {[]string{"pin"}, `"1234"`, `{"record":"********"}`},
		"no bytes at all":                       {[]string{"pin"}, ``, `{"record":"********"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, mapping.Mapping{Object: "assets", Key: "id"}, sensitive(tt.sensitive...)...)
			require.Equal(t, tt.want, p.Mask(connector.Record(tt.record)).String())
		})
	}
}

func TestMaskGivesTheRecordItselfWhereThereIsNothingToMask(t *testing.T) {
	t.Parallel()
	record := connector.Record(`{"id":1,"pin":null}`)
	for _, fields := range [][]connector.Field{nil, sensitive("pin")} {
		masked := compile(t, mapping.Mapping{Object: "assets", Key: "id"}, fields...).Mask(record)
		require.Same(t, &record[0], &masked[0])
	}
}

func TestMaskChangesNothingOfTheRecord(t *testing.T) {
	t.Parallel()
	const text = `{"id":1,"pin":"1234"}`
	record := connector.Record(text)
	masked := compile(t, mapping.Mapping{Object: "assets", Key: "id"}, sensitive("pin")...).Mask(record)
	require.Equal(t, text, record.String())
	masked[0] = 'x'
	require.Equal(t, text, record.String())
}

// A table of keys spreads them over slots; each has to be found again however
// many there are.
func TestMaskFindsEachOfManyKeys(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 7, 8, 9, 50, 1000} {
		var paths []string
		record := map[string]any{"": 0}
		for i := range n {
			key := fmt.Sprintf("key%d", i)
			if i%3 == 0 {
				key = strings.Repeat("k", i%250+1) // alike but for the length
			}
			paths = append(paths, key)
			record[key], record[key+"x"], record["x"+key] = "secret", "open", "open"
		}
		raw, err := json.Marshal(record)
		require.NoError(t, err)
		masked := compile(t, mapping.Mapping{Object: "assets", Key: "id"}, sensitive(paths...)...).Mask(raw)
		var got map[string]any
		require.NoError(t, json.Unmarshal(masked, &got))
		for key, value := range record {
			if value == "secret" {
				require.Equal(t, "********", got[key], key)
			} else {
				require.EqualValues(t, value, got[key], key)
			}
		}
	}
}

// FuzzMask holds it to leak nothing and to break nothing.
func FuzzMask(f *testing.F) {
	for _, seed := range []string{`{"pin":"secret","a":[{"pin":"secret"}]}`, `{"pin":{"x":"secret"}}`, `{"pin":`, `[]`, `{"a":[[{"pin":["secret"]}]]}`} {
		f.Add([]byte(seed))
	}
	p := compile(f, mapping.Mapping{Object: "assets", Key: "id"}, sensitive("pin", "a.pin", "b[].c")...)
	f.Fuzz(func(t *testing.T, record []byte) {
		masked := p.Mask(record)
		require.True(t, json.Valid(masked), "%s", masked)
		var before, after map[string]any
		if err := json.Unmarshal(record, &before); err != nil || before == nil || len(record) > 1000 {
			return
		}
		require.NoError(t, json.Unmarshal(masked, &after))
		require.Equal(t, maskByHand(before, "pin", "a.pin", "b.c"), any(after))
	})
}

// maskByHand masks a decoded value, lists on the way taken item by item.
func maskByHand(v any, paths ...string) any {
	for _, p := range paths {
		key, rest, nested := strings.Cut(p, ".")
		switch v := v.(type) {
		case map[string]any:
			switch inner, ok := v[key]; {
			case !ok:
			case nested:
				v[key] = maskByHand(inner, rest)
			case inner != nil:
				v[key] = "********"
			}
		case []any:
			for i := range v {
				v[i] = maskByHand(v[i], p)
			}
		}
	}
	return v
}
