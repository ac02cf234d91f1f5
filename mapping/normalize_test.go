package mapping_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	s := mapping.Standard()
	for name, tt := range map[string]struct {
		object, field string
		value         mapping.Value
		want          string
	}{
		"an e-mail is trimmed and folded":          {"users", "email", mapping.TextValue(" Ada@Example.COM\n"), "ada@example.com"},
		"a username is folded beyond ASCII":        {"users", "username", mapping.TextValue("JÜRGEN"), "jürgen"},
		"an e-mail in its form stays":              {"users", "email", mapping.TextValue("ada@example.com"), "ada@example.com"},
		"a serial is trimmed and in capitals":      {"assets", "serial_number", mapping.TextValue("\tc02xk1 "), "C02XK1"},
		"a serial that looks like a number is not": {"assets", "serial_number", mapping.TextValue("5E10"), "5E10"},
		"a serial keeps its leading zeros":         {"assets", "serial_number", mapping.TextValue("007"), "007"},
		"an application's name is folded":          {"saas_applications", "name", mapping.TextValue("Slack"), "slack"},
		"a placeholder identifies nothing":         {"assets", "serial_number", mapping.TextValue("to be filled by o.e.m."), ""},
		"a username may be one":                    {"users", "username", mapping.TextValue("None"), "none"},
		"absent identifies nothing":                {"assets", "serial_number", mapping.Value{}, ""},
		"null identifies nothing":                  {"assets", "serial_number", mapping.Null, ""},
		"blanks identify nothing":                  {"users", "username", mapping.TextValue(" \t"), ""},
		"a row identifies nothing":                 {"saas_users", "application", mapping.RowValue(1), ""},
		"a number is its digits":                   {"assets", "memory_mb", mapping.IntValue(-16), "-16"},
		"a decimal stays":                          {"assets", "purchase_price", mapping.TextValue("12.5"), "12.5"},
		"a date stays":                             {"assets", "last_seen_at", mapping.TextValue("2026-01-02T15:04:05Z"), "2026-01-02T15:04:05Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, fieldOf(t, s, tt.object, tt.field).Normalize(tt.value))
		})
	}
}

func TestNormalizeOfACustomMACIsCanonical(t *testing.T) {
	t.Parallel()
	s, err := mapping.Standard().With("assets", mapping.Field{Name: "wifi_mac", Type: mapping.MAC, Unique: true})
	require.NoError(t, err)
	f := fieldOf(t, s, "assets", "wifi_mac")
	for _, text := range []string{"AA-BB-CC-DD-EE-0F", "aabb.ccdd.ee0f", "AABBCCDDEE0F", "aa:bb:cc:dd:ee:0f"} {
		require.Equal(t, "aa:bb:cc:dd:ee:0f", f.Normalize(mapping.TextValue(text)))
	}
	require.Equal(t, "nonsense", f.Normalize(mapping.TextValue("Nonsense")))
}

func TestNormalizeOfANormalTextTakesNoMemory(t *testing.T) {
	s := mapping.Standard()
	serial, email := fieldOf(t, s, "assets", "serial_number"), fieldOf(t, s, "users", "email")
	allocs := testing.AllocsPerRun(100, func() {
		if serial.Normalize(mapping.TextValue("C02XK1ABCDEF")) == "" || email.Normalize(mapping.TextValue("ada@example.com")) == "" {
			t.Error("a value was lost")
		}
	})
	require.Zero(t, allocs)
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	s := mapping.Standard()
	for _, text := range []string{
		"To Be Filled By O.E.M.", "TO BE FILLED BY O.E.M.", "To be filled by O.E.M", "None", "n/a", "Default string", "System Serial Number", "Not Specified",
		"Not Available", "Unknown", "0", "00000000", "000000000000000", "XXXXXXXX", "xxxxXXXX", "FFFFFFFF", "-1", "11111111", "123456789", "1234567890", "INVALID", "OEM", "-", ".", "---", "***", "  None ",
		"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "03000200-0400-0500-0006-000700080009",
	} {
		for _, field := range []string{"serial_number", "asset_tag", "imei", "udid"} {
			require.Empty(t, fieldOf(t, s, "assets", field).Normalize(mapping.TextValue(text)), text)
		}
		require.Empty(t, fieldOf(t, s, "users", "employee_id").Normalize(mapping.TextValue(text)), text)
	}
	for _, text := range []string{"5E10", "007", "1", "7777", "1111111", "XXX", "AAB", "C02XK1", "None1", "R2-D2", "X-0000", "ÄÖ"} {
		require.NotEmpty(t, fieldOf(t, s, "assets", "asset_tag").Normalize(mapping.TextValue(text)), text)
	}
}
