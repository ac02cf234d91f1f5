package template_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A coveringVector is one vector as far as coverage goes: a template and what it
// must give, either a typed value or the phase in which it must fail.
//
// A typed value is {"t": kind, "v": value}. Undefined and null have no v; a
// boolean is true or false; an integer, a float in its shortest form, and the
// seconds of a timedelta are numbers in a string; bytes are hexadecimal; a
// datetime is ISO 8601, without a time of day where it is a day; a list, a tuple
// and a set (whose order means nothing) are their items; a dict is a list of
// pairs.
//
// Covers are the constructs in the template, by its syntax tree, and what was
// applied to a null or a missing value when it was evaluated. Those in nearly
// every template are listed in some of the files only.
type coveringVector struct {
	Name     string                     `json:"name"`
	Mode     string                     `json:"mode"`
	Template string                     `json:"template"`
	Context  map[string]json.RawMessage `json:"context"`
	Now      string                     `json:"now"`
	Want     *coveringValue             `json:"want"`
	Error    string                     `json:"error"`
	Covers   []string                   `json:"covers"`
}

type coveringValue struct {
	Kind  string          `json:"t"`
	Value json.RawMessage `json:"v"`
}

// coveringFiles reads the vectors, by the name of their file.
func coveringFiles(t *testing.T) map[string][]coveringVector {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "vectors", "*.json"))
	require.NoError(t, err)
	files := map[string][]coveringVector{}
	for _, path := range paths {
		data, err := os.ReadFile(filepath.Clean(path))
		require.NoError(t, err)
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		var vectors []coveringVector
		require.NoError(t, decoder.Decode(&vectors), path)
		files[filepath.Base(path)] = vectors
	}
	return files
}

// coveringRows reads the constructs of the language that must be covered, as a
// kind and a name with a colon between them.
func coveringRows(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "rows.csv"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	records, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"kind", "name"}, records[0])
	var rows []string
	for _, r := range records[1:] {
		rows = append(rows, r[0]+":"+r[1])
	}
	return rows
}

func TestVectorsAreWellFormed(t *testing.T) {
	t.Parallel()
	kinds := strings.Fields("undefined null bool int float str list dict tuple datetime timedelta set bytes")
	total := 0
	for file, vectors := range coveringFiles(t) {
		total += len(vectors)
		names := map[string]bool{}
		for _, v := range vectors {
			require.NotEmpty(t, v.Name, "%s: a vector without a name", file)
			require.False(t, names[v.Name], "%s: %q comes twice", file, v.Name)
			names[v.Name] = true
			require.Contains(t, []string{"typed", "compatible"}, v.Mode, "%s: %q", file, v.Name)
			if v.Want == nil {
				require.Contains(t, []string{"load", "eval"}, v.Error, "%s: %q", file, v.Name)
				continue
			}
			require.Empty(t, v.Error, "%s: %q has both a value and an error", file, v.Name)
			require.Contains(t, kinds, v.Want.Kind, "%s: %q", file, v.Name)
			hasValue := v.Want.Kind != "undefined" && v.Want.Kind != "null"
			require.Equal(t, hasValue, v.Want.Value != nil, "%s: %q", file, v.Name)
		}
	}
	require.GreaterOrEqual(t, total, 600)
}

// TestVectorsCoverTheLanguage holds that every construct is in three vectors or
// more, and every filter, method and test in one that applies it to a null and
// one that applies it to a missing value.
func TestVectorsCoverTheLanguage(t *testing.T) {
	t.Parallel()
	const enough = 3
	count := map[string]int{}
	for _, vectors := range coveringFiles(t) {
		for _, v := range vectors {
			for _, what := range slices.Compact(slices.Sorted(slices.Values(v.Covers))) {
				count[what]++
			}
		}
	}
	rows := coveringRows(t)
	require.NotEmpty(t, rows)
	for _, row := range rows {
		require.GreaterOrEqual(t, count[row], enough, "vectors with %s", row)
		switch kind, _, _ := strings.Cut(row, ":"); kind {
		case "filter", "method", "test":
			require.Positive(t, count[row+":null"], "vectors with %s of a null", row)
			require.Positive(t, count[row+":missing"], "vectors with %s of a missing value", row)
		}
	}
}
