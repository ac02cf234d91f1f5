//go:build race

package resttest

// largeFaults returns none: the race detector makes them ten times as slow, and
// takes memory itself.
func largeFaults() []largeFault { return nil }
