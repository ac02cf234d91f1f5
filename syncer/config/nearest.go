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

// distance counts the letters to insert, delete, change or swap with their
// neighbour to make b of a.
func distance(a, b string) int {
	if len(a) > maxNameLength || len(b) > maxNameLength {
		return max(len(a), len(b))
	}
	// row, and the two before it
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
