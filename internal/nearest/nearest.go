// Package nearest guesses which name a misspelt one means, for messages that ask
// "did you mean ...?".
//
//	nearest.Name("serail_number", []string{"serial_number", "status"}) // "serial_number"
package nearest

import "strings"

// Name returns the one of names that a misspelt name most likely means: the one
// with the fewest letters changed if those are few, else one that it is the
// beginning of, or "". Case does not count, and - is as good as _.
func Name(name string, names []string) string {
	name = fold(name)
	best, least := "", max(2, len(name)/3+1)
	for _, n := range names {
		if d := distance(name, fold(n)); d < least {
			best, least = n, d
		}
	}
	if best != "" || len(name) < 3 {
		return best
	}
	for _, n := range names {
		if f := fold(n); strings.HasPrefix(f, name) || strings.HasPrefix(name, f) || strings.HasSuffix(f, "_"+name) {
			return n
		}
	}
	return ""
}

func fold(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "_")) }

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
