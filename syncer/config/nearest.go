package config

import (
	"fmt"
	"strings"
)

// meant says which of the names a misspelt one most likely means, or else which
// there are.
func meant(name string, names []string) string {
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) == 0 {
		return "there are none"
	}
	return "there are " + strings.Join(names, ", ")
}

// nearest returns the name with the fewest letters changed, if those are few,
// else "".
func nearest(name string, names []string) string {
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	best, least := "", max(2, len(name)/3+1)
	for _, n := range names {
		if d := distance(name, strings.ReplaceAll(n, "-", "_")); d < least {
			best, least = n, d
		}
	}
	return best
}

// maxNameLength bounds the work that a misspelt name can cause.
const maxNameLength = 64

// distance counts the letters to insert, delete or change to make b of a.
func distance(a, b string) int {
	if len(a) > maxNameLength || len(b) > maxNameLength {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
