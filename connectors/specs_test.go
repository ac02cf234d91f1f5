package connectors_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connectors"
)

// A catalogue is made of Specs whenever a person looks at it. The shortest of
// several times is what they take; the others are what else the machine does.
func TestTheSpecsOfAllConnectorsTakeLessThan5Milliseconds(t *testing.T) {
	t.Parallel()
	shortest := time.Hour
	for range 20 {
		start := time.Now()
		for _, c := range connectors.All() {
			_ = c.Spec()
		}
		shortest = min(shortest, time.Since(start))
	}
	require.Less(t, shortest, 5*time.Millisecond)
}
