//go:build !race

package scim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest/resttest"
)

func TestAnAnswerWithoutBoundsIsCutOff(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]resttest.Fault{
		"an answer of 1 GB": resttest.Huge(1 << 30),
		"a gzip bomb":       resttest.GzipBomb(1 << 30),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := provider{}.server()
			s.Always = fault
			records, err := read(t.Context(), open(t, serve(t, s)), connector.Request{})
			require.ErrorIs(t, err, connector.ErrMalformed)
			require.ErrorContains(t, err, "larger than allowed")
			require.Empty(t, records)
			require.Len(t, s.Requests(), 1)
		})
	}
}
