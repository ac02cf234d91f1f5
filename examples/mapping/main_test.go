package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// lines returns what was printed, with one blank between words.
func lines(out string) []string {
	var all []string
	for line := range strings.Lines(out) {
		all = append(all, strings.Join(strings.Fields(line), " "))
	}
	return all
}

func TestTheTourShowsWhatItSays(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, t.TempDir()))
	got := lines(out.String())
	for _, want := range []string{
		"13 filtered filter: \"{{ not record.general.retired }}\" is not true",
		"11 created Apple MacBook Air macOS",
		"mdm: 4 fetched = 1 filtered + 3 created + 0 updated + 0 unchanged + 0 skipped + 0 failed",
		"with them, assets: 0 created, 3 updated", // the people come after their devices
		"with them, saas_users: 2 created, 0 updated",
		"3 PF4XW21Q LAB-PC BeOS soren.k@example.com 3",
		"device_name ADA-MAC mdm stock: Laptop of Ada",
		"location London stock",
		"serial_number and asset_tag C02XK2ABJG5H in 2, 4",
		"record 4 is a part of record 2 now",
		"1 C02XK1ABJG5H the moon",
		"put back: 2 of 2 records; the integration is paused",
		"1 C02XK1ABJG5H London",
	} {
		require.Contains(t, got, want)
	}
	require.Contains(t, out.String(), "serial_number  hardware.serialNumber")
}
