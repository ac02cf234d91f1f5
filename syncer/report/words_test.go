package report

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestZoneIsNamedForPeople(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	london, err := time.LoadLocation("Europe/London")
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		zone *time.Location
		want string
	}{
		"UTC":                   {time.UTC, "UTC"},
		"one by its name":       {london, "Europe/London"},
		"that of the machine":   {time.Local, at.In(time.Local).Format("MST (-07:00)")},
		"one of the host's own": {time.FixedZone("test", 3600), "test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, zoneName(at.In(tt.zone)))
		})
	}
}
