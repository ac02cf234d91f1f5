package sqlite

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer/notice"
	"github.com/vendorsync/vendorsync/syncer/notice/noticetest"
)

func TestTheStoreRemembersTroubles(t *testing.T) {
	t.Parallel()
	require.NoError(t, noticetest.Check(t.Context(), func() (notice.Troubles, error) { return openFile(t), nil }))
}

func TestAnOldFileRemembersTroublesAsANewOneDoes(t *testing.T) {
	t.Parallel()
	require.NoError(t, noticetest.Check(t.Context(), func() (notice.Troubles, error) { return openVersion3(t), nil }))
}
