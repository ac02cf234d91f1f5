package nearest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/internal/nearest"
)

func ExampleName() {
	fmt.Println(nearest.Name("serail_number", []string{"status", "serial_number"}))
	// Output: serial_number
}

func TestNameFindsWhatWasMeant(t *testing.T) {
	t.Parallel()
	names := []string{"serial_number", "status", "assets", "restore_archived", "if-empty"}
	tests := map[string]struct{ name, want string }{
		"a letter too few":                  {"asets", "assets"},
		"two letters swapped":               {"sattus", "status"},
		"another case":                      {"Status", "status"},
		"a dash for an underscore":          {"restore-archived", "restore_archived"},
		"an underscore for a dash":          {"if_empty", "if-empty"},
		"the beginning":                     {"serial", "serial_number"},
		"the last word":                     {"number", "serial_number"},
		"something else altogether":         {"colour", ""},
		"nothing":                           {"", ""},
		"a name too long to be compared at": {strings.Repeat("x", 1000), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, nearest.Name(test.name, names))
		})
	}
}
