// Package excerpt shortens texts that a message quotes.
//
//	fmt.Errorf("path %q: %s", excerpt.Of(text), reason)
package excerpt

// most is how many characters of a text are quoted.
const most = 60

// Of returns a text, cut after 60 characters, with three dots where something is
// missing.
func Of(text string) string {
	runes := 0
	for i := range text {
		if runes == most {
			return text[:i] + "..."
		}
		runes++
	}
	return text
}
