//go:build !race

package mapping_test

// mostAllocs is what mapping a record may allocate.
const mostAllocs = 0.0
