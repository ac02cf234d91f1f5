package mapping

import "strings"

// nearest returns the name that a misspelt one most likely means, or "": the one
// with the fewest letters changed if those are few, else one that it is the
// beginning of or that is its own beginning.
func nearest(name string, names []string) string {
	name = strings.ToLower(name)
	best, least := "", max(2, len(name)/3+1)
	for _, n := range names {
		if d := distance(name, n); d < least {
			best, least = n, d
		}
	}
	if best != "" || len(name) < 3 {
		return best
	}
	for _, n := range names {
		if strings.HasPrefix(n, name) || strings.HasPrefix(name, n) || strings.HasSuffix(n, "_"+name) {
			return n
		}
	}
	return ""
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
