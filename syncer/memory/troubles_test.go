package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer/memory"
	"github.com/vendorsync/vendorsync/syncer/notice"
	"github.com/vendorsync/vendorsync/syncer/notice/noticetest"
)

func TestStoreRemembersTroubles(t *testing.T) {
	t.Parallel()
	require.NoError(t, noticetest.Check(t.Context(), func() (notice.Troubles, error) { return memory.New(memory.Options{}), nil }))
}
