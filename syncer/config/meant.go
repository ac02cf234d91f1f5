package config

import (
	"fmt"
	"strings"

	"github.com/vendorsync/vendorsync/internal/nearest"
)

// meant says which of the names a misspelt one most likely means, or else which
// there are.
func meant(name string, names []string) string {
	if near := nearest.Name(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) == 0 {
		return "there are none"
	}
	return "there are " + strings.Join(names, ", ")
}
