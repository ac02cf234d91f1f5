package mapping_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/mapping"
)

func TestDates(t *testing.T) {
	t.Parallel()
	const never, bad = "never", "bad"
	for name, tt := range map[string]struct {
		format mapping.Format
		json   string
		want   string // as a datetime
	}{
		"ISO: canonical":                          {mapping.ISO8601, `"2026-01-02T15:04:05Z"`, "2026-01-02T15:04:05Z"},
		"ISO: a date alone":                       {mapping.ISO8601, `"2026-01-02"`, "2026-01-02T00:00:00Z"},
		"ISO: is the default":                     {"", `"2026-01-02"`, "2026-01-02T00:00:00Z"},
		"ISO: a blank between":                    {mapping.ISO8601, `"2026-01-02 15:04:05"`, "2026-01-02T15:04:05Z"},
		"ISO: small letters":                      {mapping.ISO8601, `"2026-01-02t15:04:05z"`, "2026-01-02T15:04:05Z"},
		"ISO: no zone is UTC":                     {mapping.ISO8601, `"2026-01-02T15:04:05"`, "2026-01-02T15:04:05Z"},
		"ISO: no seconds":                         {mapping.ISO8601, `"2026-01-02T15:04Z"`, "2026-01-02T15:04:00Z"},
		"ISO: an offset":                          {mapping.ISO8601, `"2026-01-02T00:30:00+05:30"`, "2026-01-01T19:00:00Z"},
		"ISO: an offset without a colon":          {mapping.ISO8601, `"2026-01-02T20:00:00-0800"`, "2026-01-03T04:00:00Z"},
		"ISO: an offset of hours":                 {mapping.ISO8601, `"2026-01-02T20:00:00-08"`, "2026-01-03T04:00:00Z"},
		"ISO: an offset after a blank":            {mapping.ISO8601, `"2026-01-02 20:00:00 -0800"`, "2026-01-03T04:00:00Z"},
		"ISO: UTC by its name":                    {mapping.ISO8601, `"2026-01-02 20:00:00 UTC"`, "2026-01-02T20:00:00Z"},
		"ISO: a fraction":                         {mapping.ISO8601, `"2026-01-02T15:04:05.1200Z"`, "2026-01-02T15:04:05.12Z"},
		"ISO: a fraction of zero":                 {mapping.ISO8601, `"2026-01-02T15:04:05.000Z"`, "2026-01-02T15:04:05Z"},
		"ISO: a fraction with a comma":            {mapping.ISO8601, `"2026-01-02T15:04:05,5Z"`, "2026-01-02T15:04:05.5Z"},
		"ISO: a fraction beyond nanoseconds":      {mapping.ISO8601, `"2026-01-02T15:04:05.12345678999Z"`, "2026-01-02T15:04:05.123456789Z"},
		"ISO: a leap day":                         {mapping.ISO8601, `"2028-02-29"`, "2028-02-29T00:00:00Z"},
		"ISO: no leap day":                        {mapping.ISO8601, `"2026-02-29"`, bad},
		"ISO: no leap day in a century":           {mapping.ISO8601, `"2100-02-29T00:00:00Z"`, bad},
		"ISO: the 31st of a short month":          {mapping.ISO8601, `"2026-04-31T00:00:00Z"`, bad},
		"ISO: month 13":                           {mapping.ISO8601, `"2026-13-01T00:00:00Z"`, bad},
		"ISO: day 0":                              {mapping.ISO8601, `"2026-01-00T00:00:00Z"`, bad},
		"ISO: hour 24":                            {mapping.ISO8601, `"2026-01-02T24:00:00Z"`, bad},
		"ISO: minute 60":                          {mapping.ISO8601, `"2026-01-02T15:60:05Z"`, bad},
		"ISO: second 60":                          {mapping.ISO8601, `"2026-01-02T15:04:60Z"`, bad},
		"ISO: one digit":                          {mapping.ISO8601, `"2026-1-2"`, bad},
		"ISO: letters for an hour":                {mapping.ISO8601, `"2026-01-02Txx:00Z"`, bad},
		"ISO: letters for minutes":                {mapping.ISO8601, `"2026-01-02T00:xxZ"`, bad},
		"ISO: letters for seconds":                {mapping.ISO8601, `"2026-01-02T00:00:xxZ"`, bad},
		"ISO: an hour alone":                      {mapping.ISO8601, `"2026-01-02T15"`, bad},
		"ISO: a point without a fraction":         {mapping.ISO8601, `"2026-01-02T15:04:05.Z"`, bad},
		"ISO: an offset of one digit":             {mapping.ISO8601, `"2026-01-02T15:04:05+1"`, bad},
		"ISO: an offset of too many digits":       {mapping.ISO8601, `"2026-01-02T15:04:05+01:000"`, bad},
		"ISO: an offset of 24 hours":              {mapping.ISO8601, `"2026-01-02T15:04:05+24:00"`, bad},
		"ISO: a zone by another name":             {mapping.ISO8601, `"2026-01-02T15:04:05 CET"`, bad},
		"ISO: something else between":             {mapping.ISO8601, `"2026-01-02_15:04:05Z"`, bad},
		"ISO: words":                              {mapping.ISO8601, `"yesterday"`, bad},
		"ISO: a number":                           {mapping.ISO8601, `1767366245`, bad},
		"ISO: digits as text":                     {mapping.ISO8601, `"1767366245"`, bad},
		"ISO: true":                               {mapping.ISO8601, `true`, bad},
		"ISO: the zero time of .NET and Go":       {mapping.ISO8601, `"0001-01-01T00:00:00Z"`, never},
		"ISO: the zero time in another zone":      {mapping.ISO8601, `"0001-01-01T00:00:00+01:00"`, never},
		"ISO: the zero date of MySQL":             {mapping.ISO8601, `"0000-00-00"`, never},
		"ISO: the zero time of MySQL":             {mapping.ISO8601, `"0000-00-00 00:00:00"`, never},
		"ISO: beyond the year 9999 by its offset": {mapping.ISO8601, `"9999-12-31T23:00:00-02:00"`, bad},
		"seconds: a number":                       {mapping.EpochSeconds, `1767366245`, "2026-01-02T15:04:05Z"},
		"seconds: text":                           {mapping.EpochSeconds, `" 1767366245 "`, "2026-01-02T15:04:05Z"},
		"seconds: a fraction":                     {mapping.EpochSeconds, `1767366245.25`, "2026-01-02T15:04:05.25Z"},
		"seconds: an exponent":                    {mapping.EpochSeconds, `1.767366245e9`, "2026-01-02T15:04:05Z"},
		"seconds: the start":                      {mapping.EpochSeconds, `0`, "1970-01-01T00:00:00Z"},
		"seconds: before 1970":                    {mapping.EpochSeconds, `-1`, "1969-12-31T23:59:59Z"},
		"seconds: a fraction before 1970":         {mapping.EpochSeconds, `-0.25`, "1969-12-31T23:59:59.75Z"},
		"seconds: a date":                         {mapping.EpochSeconds, `"2026-01-02"`, bad},
		"seconds: too large":                      {mapping.EpochSeconds, `1767366245000000`, bad},
		"seconds: larger still":                   {mapping.EpochSeconds, `9223372036854775807`, bad},
		"seconds: as large as an exponent makes":  {mapping.EpochSeconds, `1e900`, bad},
		"seconds: too small":                      {mapping.EpochSeconds, `-9223372036854775808`, bad},
		"seconds: milliseconds are too large":     {mapping.EpochSeconds, `1767366245000`, bad},
		"seconds: a plus":                         {mapping.EpochSeconds, `"+1"`, bad},
		"milliseconds: a number":                  {mapping.EpochMillis, `1767366245000`, "2026-01-02T15:04:05Z"},
		"milliseconds: text":                      {mapping.EpochMillis, `"1767366245120"`, "2026-01-02T15:04:05.12Z"},
		"milliseconds: an exponent":               {mapping.EpochMillis, `1.76736624512E+12`, "2026-01-02T15:04:05.12Z"},
		"milliseconds: a fraction":                {mapping.EpochMillis, `1767366245000.5`, "2026-01-02T15:04:05.0005Z"},
		"milliseconds: too large":                 {mapping.EpochMillis, `9223372036854775807`, bad},
		"LDAP: as Active Directory writes it":     {mapping.LDAPTime, `"20260102150405.0Z"`, "2026-01-02T15:04:05Z"},
		"LDAP: to the second":                     {mapping.LDAPTime, `"20260102150405Z"`, "2026-01-02T15:04:05Z"},
		"LDAP: a fraction":                        {mapping.LDAPTime, `"20260102150405.25Z"`, "2026-01-02T15:04:05.25Z"},
		"LDAP: to the minute":                     {mapping.LDAPTime, `"202601021504Z"`, "2026-01-02T15:04:00Z"},
		"LDAP: to the hour":                       {mapping.LDAPTime, `"2026010215Z"`, "2026-01-02T15:00:00Z"},
		"LDAP: an offset":                         {mapping.LDAPTime, `"20260102150405+0100"`, "2026-01-02T14:04:05Z"},
		"LDAP: no zone is UTC":                    {mapping.LDAPTime, `"20260102150405"`, "2026-01-02T15:04:05Z"},
		"LDAP: a day":                             {mapping.LDAPTime, `"20260102Z"`, bad},
		"LDAP: month 13":                          {mapping.LDAPTime, `"20261302150405Z"`, bad},
		"LDAP: a point without a fraction":        {mapping.LDAPTime, `"20260102150405.Z"`, bad},
		"LDAP: something after it":                {mapping.LDAPTime, `"20260102150405ZZ"`, bad},
		"file time: text":                         {mapping.FileTime, `"134118398450000000"`, "2026-01-02T15:04:05Z"},
		"file time: a number":                     {mapping.FileTime, `134118398451234567`, "2026-01-02T15:04:05.1234567Z"},
		"file time: zero is never":                {mapping.FileTime, `0`, never},
		"file time: the largest is never":         {mapping.FileTime, `"9223372036854775807"`, never},
		"file time: the first second":             {mapping.FileTime, `10000000`, "1601-01-01T00:00:01Z"},
		"file time: beyond the calendar":          {mapping.FileTime, `9223372036854775806`, bad},
		"file time: negative":                     {mapping.FileTime, `-1`, bad},
		"file time: a date":                       {mapping.FileTime, `"2026-01-02"`, bad},
		".NET: without offset":                    {mapping.DotNetJSON, `"\/Date(1767366245000)\/"`, "2026-01-02T15:04:05Z"},
		".NET: an offset changes nothing":         {mapping.DotNetJSON, `"/Date(1767366245000+0100)/"`, "2026-01-02T15:04:05Z"},
		".NET: before 1970":                       {mapping.DotNetJSON, `"/Date(-1000)/"`, "1969-12-31T23:59:59Z"},
		".NET: before 1970 with an offset":        {mapping.DotNetJSON, `"/Date(-1000-0800)/"`, "1969-12-31T23:59:59Z"},
		".NET: the smallest is never":             {mapping.DotNetJSON, `"/Date(-62135596800000)/"`, never},
		".NET: no number":                         {mapping.DotNetJSON, `"/Date()/"`, bad},
		".NET: no frame":                          {mapping.DotNetJSON, `"1767366245000"`, bad},
		".NET: a bad offset":                      {mapping.DotNetJSON, `"/Date(1767366245000+9)/"`, bad},
		"US: a date":                              {mapping.USDate, `"01/02/2026"`, "2026-01-02T00:00:00Z"},
		"US: a date without zeros":                {mapping.USDate, `"1/2/2026"`, "2026-01-02T00:00:00Z"},
		"US: twelve hours":                        {mapping.USDate, `"1/2/2026 3:04:05 PM"`, "2026-01-02T15:04:05Z"},
		"US: twelve hours, small and close":       {mapping.USDate, `"1/2/2026, 03:04pm"`, "2026-01-02T15:04:00Z"},
		"US: noon":                                {mapping.USDate, `"1/2/2026 12:00 PM"`, "2026-01-02T12:00:00Z"},
		"US: midnight":                            {mapping.USDate, `"1/2/2026 12:00 AM"`, "2026-01-02T00:00:00Z"},
		"US: twenty-four hours":                   {mapping.USDate, `"1/2/2026 15:04"`, "2026-01-02T15:04:00Z"},
		"US: hour 13 in the afternoon":            {mapping.USDate, `"1/2/2026 13:04 PM"`, bad},
		"US: hour 0 in the morning":               {mapping.USDate, `"1/2/2026 0:04 AM"`, bad},
		"US: two digits of a year":                {mapping.USDate, `"1/2/26"`, bad},
		"US: day and month swapped":               {mapping.USDate, `"31/1/2026"`, bad},
		"US: no year":                             {mapping.USDate, `"1/2"`, bad},
		"US: four parts":                          {mapping.USDate, `"1/2/2026/1"`, bad},
		"US: something after it":                  {mapping.USDate, `"1/2/2026 3:04 XM"`, bad},
		"US: not a time":                          {mapping.USDate, `"1/2/2026 noon"`, bad},
		"US: hyphens":                             {mapping.USDate, `"1-2-2026"`, bad},
		"empty is null":                           {mapping.EpochSeconds, `""`, never},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			datetime, err := (&mapping.Field{Type: mapping.DateTime}).FromJSON([]byte(tt.json), tt.format)
			date, dateErr := (&mapping.Field{Type: mapping.Date}).FromJSON([]byte(tt.json), tt.format)
			switch tt.want {
			case bad:
				require.Error(t, err)
				require.Error(t, dateErr)
				return
			case never:
				require.NoError(t, err)
				require.NoError(t, dateErr)
				require.Equal(t, null, datetime)
				require.Equal(t, null, date)
				return
			}
			require.NoError(t, err)
			require.NoError(t, dateErr)
			require.Equal(t, text(tt.want), datetime)
			require.Equal(t, text(tt.want[:10]), date, "a date is the day in UTC")
		})
	}
}

func TestDateFaultsSayHowTheDateShouldLook(t *testing.T) {
	t.Parallel()
	f := mapping.Field{Type: mapping.DateTime}
	for _, format := range mapping.Formats() {
		_, err := f.FromJSON([]byte(`"soon"`), format)
		require.ErrorContains(t, err, "such as", format)
	}
	_, err := f.FromJSON([]byte(`1767366245`), "")
	require.ErrorContains(t, err, "format: epoch-seconds")
	_, err = f.FromJSON([]byte(`1767366245`), "epoch")
	require.ErrorContains(t, err, `unknown date format "epoch"`)
}

// FuzzISO compares with the standard library where that has an opinion.
func FuzzISO(f *testing.F) {
	for _, seed := range []string{"2026-01-02T15:04:05Z", "2026-01-02T15:04:05.999+05:30", "2026-02-30T00:00:00Z", "2026-01-02", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"} {
		f.Add(seed)
	}
	field := mapping.Field{Type: mapping.DateTime}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := field.Parse(s)
		if err == nil && !got.IsEmpty() {
			_, reparsed := time.Parse(time.RFC3339Nano, got.Text)
			require.NoError(t, reparsed)
			again, err := field.Parse(got.Text)
			require.NoError(t, err)
			require.Equal(t, got, again)
		}
		want, wantErr := time.Parse(time.RFC3339Nano, s)
		if wantErr != nil || strings.Contains(s, ",") || want.UTC().Year() < 2 || want.UTC().Year() > 9999 {
			return
		}
		if len(s) > 11 && s[12] == ':' {
			return // the standard library takes an hour of one digit
		}
		require.NoError(t, err)
		require.Equal(t, want.UTC().Format(time.RFC3339Nano), got.Text)
	})
}

// FuzzDates holds every format to a canonical answer.
func FuzzDates(f *testing.F) {
	for _, seed := range []string{"1767366245", "-1.5e3", "20260102150405.0Z", "134118398450000000", "/Date(1767366245000+0100)/", "1/2/2026 3:04:05 PM"} {
		f.Add(seed)
	}
	field := mapping.Field{Type: mapping.DateTime}
	f.Fuzz(func(t *testing.T, s string) {
		for _, format := range mapping.Formats() {
			got, err := field.FromJSON([]byte(strconv.Quote(s)), format)
			if err != nil || got.IsEmpty() {
				continue
			}
			parsed, err := time.Parse(time.RFC3339Nano, got.Text)
			require.NoError(t, err)
			require.Equal(t, got.Text, parsed.UTC().Format(time.RFC3339Nano))
		}
	})
}
