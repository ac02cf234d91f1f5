//go:build race

package mapping_test

// mostAllocs is what mapping a record may allocate. The race detector has pools
// drop some of what they are given.
const mostAllocs = 8.0
