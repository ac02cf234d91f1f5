package timetext_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/internal/timetext"
)

// rows reads a table of what Python 3.11 says to the same question: its datetime
// and, for ISO 8601 and for months, dateutil 2.9. A row is the texts that go in
// and the text that comes out, which is null for an error.
func rows(t testing.TB, name string) [][]*string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	var out [][]*string
	require.NoError(t, json.Unmarshal(data, &out))
	require.NotEmpty(t, out)
	return out
}

// isoFormat writes a time like Python's isoformat.
func isoFormat(t time.Time) string {
	layout := "2006-01-02T15:04:05"
	if t.Nanosecond() != 0 {
		layout += ".000000"
	}
	_, offset := t.Zone()
	if offset%60 != 0 {
		return t.Format(layout + "-07:00:00")
	}
	return t.Format(layout + "-07:00")
}

// answer is the outcome as a table has it.
func answer(t time.Time, err error) string {
	if err != nil {
		return "error"
	}
	return isoFormat(t)
}

func wanted(row []*string) string {
	if last := row[len(row)-1]; last != nil {
		return *last
	}
	return "error"
}

func TestFormatLikePython(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "format") {
		at, err := time.Parse(time.RFC3339Nano, *row[0])
		require.NoError(t, err)
		got, err := timetext.Format(at, *row[1])
		require.NoError(t, err, "%s by %q", *row[0], *row[1])
		assert.Equal(t, *row[2], got, "%s by %q", *row[0], *row[1])
	}
}

func TestParseLikePython(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "parse") {
		got, err := timetext.Parse(*row[0], *row[1])
		assert.Equal(t, wanted(row), answer(got, err), "%q by %q: %v", *row[0], *row[1], err)
	}
}

func TestParseISOLikePython(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "iso") {
		got, err := timetext.ParseISO(*row[0])
		assert.Equal(t, wanted(row), answer(got, err), "%q: %v", *row[0], err)
	}
}

func TestDurationLikePython(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t, "duration") {
		at, err := time.Parse(time.RFC3339Nano, *row[1])
		require.NoError(t, err)
		d, err := timetext.ParseDuration(*row[0])
		assert.Equal(t, wanted(row), answer(d.AddTo(at), err), "%q after %s: %v", *row[0], *row[1], err)
	}
}

func TestParseEpochs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, layout, want string }{
		"seconds":                              {"1767366245", "%s", "2026-01-02T15:04:05+00:00"},
		"seconds before 1970":                  {"-1", "%s", "1969-12-31T23:59:59+00:00"},
		"seconds with a plus sign":             {"+60", "%s", "1970-01-01T00:01:00+00:00"},
		"seconds with a fraction of their own": {"1767366245.25", "%s.%f", "2026-01-02T15:04:05.250000+00:00"},
		"seconds as a float":                   {"1767366245.123456", "%s_as_float", "2026-01-02T15:04:05.123456+00:00"},
		"a float without a fraction":           {"1767366245", "%s_as_float", "2026-01-02T15:04:05+00:00"},
		"a float with an exponent":             {"1.5e3", "%s_as_float", "1970-01-01T00:25:00+00:00"},
		"a float before 1970":                  {"-0.25", "%s_as_float", "1969-12-31T23:59:59.750000+00:00"},
		"a float to the nearest microsecond":   {"0.0000015", "%s_as_float", "1970-01-01T00:00:00.000002+00:00"},
		"milliseconds":                         {"1767366245123", "%ms", "2026-01-02T15:04:05.123000+00:00"},
		"milliseconds before 1970":             {"-1", "%ms", "1969-12-31T23:59:59.999000+00:00"},
		"milliseconds inside other text":       {"/Date(1767366245123+0100)/", "/Date(%ms%z)/", "2026-01-02T16:04:05.123000+01:00"},
		"microseconds":                         {"1767366245123456", "%epoch_microseconds", "2026-01-02T15:04:05.123456+00:00"},
		"the first second of year 1":           {"-62135596800", "%s", "0001-01-01T00:00:00+00:00"},
		"the last second of year 9999":         {"253402300799", "%s", "9999-12-31T23:59:59+00:00"},
		"a second too early":                   {"-62135596801", "%s", "error"},
		"a second too late":                    {"253402300800", "%s", "error"},
		"too large for a number":               {"99999999999999999999", "%ms", "error"},
		"a float too large":                    {"1e300", "%s_as_float", "error"},
		"a sign alone":                         {"-", "%s", "error"},
		"a fraction of an integer":             {"1.5", "%s", "error"},
		"two counts":                           {"1 1000", "%s %ms", "error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := timetext.Parse(tt.text, tt.layout)
			require.Equal(t, tt.want, answer(got, err), "%v", err)
		})
	}
}

func TestParseBeyondPython(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, layout, want string }{
		"milliseconds of a second":                {"03:04:05.678", "%H:%M:%S.%_ms", "1900-01-01T03:04:05.678000+00:00"},
		"fewer digits are still a fraction":       {"03:04:05.5", "%H:%M:%S.%_ms", "1900-01-01T03:04:05.500000+00:00"},
		"seven digits, as .NET writes":            {"05.1234567", "%S.%f", "1900-01-01T00:00:05.123456+00:00"},
		"nine digits, as Go writes":               {"05.123456789Z", "%S.%f%z", "1900-01-01T00:00:05.123456+00:00"},
		"ten digits are too many":                 {"05.1234567890", "%S.%f", "error"},
		"six digits and then an hour":             {"12345623", "%f%H", "1900-01-01T23:00:00.123456+00:00"},
		"a day with a blank for its zero":         {"Jan  5 2026", "%b %e %Y", "2026-01-05T00:00:00+00:00"},
		"a day without anything for it":           {"5.1.", "%-d.%-m.", "1900-01-05T00:00:00+00:00"},
		"the date and the time in short":          {"2026-01-02 15:04", "%F %R", "2026-01-02T15:04:00+00:00"},
		"the American date and time in short":     {"01/02/26 15:04:05", "%D %T", "2026-01-02T15:04:05+00:00"},
		"a month by %h":                           {"2 JAN 2026", "%d %h %Y", "2026-01-02T00:00:00+00:00"},
		"letters of other scripts in either case": {"2026 ÅR", "%Y år", "2026-01-01T00:00:00+00:00"},
		"a narrow blank before AM":                {"3:04\u202fPM", "%I:%M %p", "1900-01-01T15:04:00+00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := timetext.Parse(tt.text, tt.layout)
			require.Equal(t, tt.want, answer(got, err), "%v", err)
		})
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, layout, want string }{
		"the text ends early":         {"2026-01", "%Y-%m-%d", `text "2026-01", layout "%Y-%m-%d", column 8: expected "-"`},
		"the text goes on":            {"2026-01-02T00", "%Y-%m-%d", `text "2026-01-02T00", layout "%Y-%m-%d", column 11: the layout ends before the text does`},
		"a part is something else":    {"2026-Jan-02", "%Y-%m-%d", `text "2026-Jan-02", layout "%Y-%m-%d", column 6: expected a month from 1 to 12`},
		"columns are characters":      {"März x", "März %d", `text "März x", layout "März %d", column 6: expected a day from 1 to 31`},
		"the text is empty":           {"", "%H", `text "", layout "%H", column 1: expected an hour from 0 to 23`},
		"the day does not exist":      {"30.02.2026", "%d.%m.%Y", `text "30.02.2026", layout "%d.%m.%Y": February 2026 has no day 30`},
		"the year does not exist":     {"0000", "%Y", `text "0000", layout "%Y": not a time from year 1 to 9999`},
		"a leap second":               {"60", "%S", `text "60", layout "%S": a minute has no second 60`},
		"an offset of a day":          {"+2400", "%z", `text "+2400", layout "%z": an offset from UTC of a day or more`},
		"a week without a weekday":    {"2026-W05", "%G-W%V", `text "2026-W05", layout "%G-W%V": %G needs %V and a weekday beside it`},
		"an ISO week of a plain year": {"2026-05", "%Y-%V", `text "2026-05", layout "%Y-%V": %V does not go with %Y, but with %G and a weekday`},
		"a day of an ISO year":        {"2026-05-1 031", "%G-%V-%u %j", `text "2026-05-1 031", layout "%G-%V-%u %j": %j does not go with %G, but with %Y`},
		"an unknown directive":        {"2026 x", "%Y %Q", `layout "%Y %Q", column 4: "%Q" is no directive; write %% for a percent sign`},
		"the same part twice":         {"2026 2026", "%Y %Y", `layout "%Y %Y": has twice what can be read once: a year of four digits`},
		"the same part in short":      {"15:04 15", "%R %H", `layout "%R %H": has twice what can be read once: an hour from 0 to 23`},
		"a long text is cut":          {strings.Repeat("x", 100), "%Y", `text "` + strings.Repeat("x", 60) + `...", layout "%Y", column 1: expected a year of four digits`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := timetext.Parse(tt.text, tt.layout)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestFormatFaults(t *testing.T) {
	t.Parallel()
	_, err := timetext.Format(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "%Y")
	require.EqualError(t, err, `text "10000-01-01T00:00:00Z", layout "%Y": the year 10000 is not from 1 to 9999`)

	b, err := timetext.Append([]byte("at "), time.Unix(0, 0), "%Y %Q")
	require.Error(t, err)
	require.Equal(t, "at ", string(b))
}

func TestFormatZones(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		zone *time.Location
		want string
	}{
		"UTC":                  {time.UTC, "+0000 UTC"},
		"a zone with a name":   {time.FixedZone("CET", 3600), "+0100 CET"},
		"an offset":            {time.FixedZone("", -12600), "-0330 UTC-03:30"},
		"an offset of nothing": {time.FixedZone("", 0), "+0000 UTC"},
		"an offset of seconds": {time.FixedZone("", 1172), "+001932 UTC+00:19:32"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := timetext.Format(time.Unix(0, 0).In(tt.zone), "%z %Z")
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestFormatYearsBeforeThousand(t *testing.T) {
	t.Parallel()
	got, err := timetext.Format(time.Date(33, 4, 3, 0, 0, 0, 0, time.UTC), "%F %Y %G %-Y %y")
	require.NoError(t, err)
	require.Equal(t, "0033-04-03 0033 0033 33 33", got)
}

func TestValid(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		layout string
		column int // 0 is valid
	}{
		"an empty layout": {"", 0},
		"text alone":      {"YYYY-MM-DD", 0},
		"every directive": {
			"%% %a %A %b %B %c %d %D %e %f %F %G %h %H %I %j %m %M %p %R %s %S %T %u %U %V %w %W %x %X %y %Y %z %Z " +
				"%ms %_ms %s_as_float %epoch_microseconds %-d", 0,
		},
		"a directive twice":                  {"%Y/%m/%Y-%m-%d", 0},
		"a percent sign at the end":          {"%Y%", 3},
		"an unknown letter":                  {"%Y %d %Q", 7},
		"the column counts characters":       {"Jahr größer %Q", 13},
		"a percent sign before a blank":      {"100 % of", 5},
		"a hyphen before what is no number":  {"%-B", 1},
		"a hyphen before nothing":            {"%-", 1},
		"an underscore before another thing": {"%_d", 1},
		"the sign itself does not count":     {"%%%", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := timetext.Valid(tt.layout)
			if tt.column == 0 {
				require.NoError(t, err)
				_, err = timetext.Format(time.Unix(0, 0).UTC(), tt.layout)
				require.NoError(t, err)
				return
			}
			var fault *timetext.Error
			require.ErrorAs(t, err, &fault)
			require.Equal(t, tt.column, fault.Column)
			require.Equal(t, tt.layout, fault.Layout)
			_, err = timetext.Format(time.Unix(0, 0).UTC(), tt.layout)
			require.EqualError(t, err, fault.Error())
		})
	}
}

func TestParseISOStricterThanPython(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"a digit between date and time":  {"20260131101530", `text "20260131101530", column 5: expected a month, a week or the day of the year`},
		"an offset of a date":            {"2026-01-31+01:00", `text "2026-01-31+01:00", column 11: expected T and a time, or the end`},
		"blanks for digits":              {"2026- 1- 1", `text "2026- 1- 1", column 6: expected a month, a week or the day of the year`},
		"a time that has only an offset": {"2026-01-31T+01:00", `text "2026-01-31T+01:00", column 12: expected an hour from 00 to 24`},
		"a day that does not exist":      {"2026-02-30", `text "2026-02-30", column 9: February 2026 has no day 30`},
		"the hour 24 with minutes":       {"2026-01-31T24:01", `text "2026-01-31T24:01", column 12: the hour 24 has no minutes`},
		"the day after the last one":     {"9999-12-31T24:00", `text "9999-12-31T24:00": not a time from year 1 to 9999`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := timetext.ParseISO(tt.text)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestParseDurationFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"no text":                          {"", `text "", column 1: expected P, as in P1D`},
		"no amount":                        {"-P", `text "-P", column 3: expected an amount, as in P1D`},
		"no amount after T":                {"P1DT", `text "P1DT", column 5: expected hours, minutes or seconds after T`},
		"no letter":                        {"PT1H30", `text "PT1H30", column 7: expected an amount and the letter of a unit; the order is Y, M, W, D, then T and H, M, S`},
		"units in another order":           {"P1D1M", `text "P1D1M", column 4: expected an amount and the letter of a unit; the order is Y, M, W, D, then T and H, M, S`},
		"something else":                   {"P1D x", `text "P1D x", column 4: expected an amount and the letter of a unit; the order is Y, M, W, D, then T and H, M, S`},
		"half a month":                     {"P1Y0.5M", `text "P1Y0.5M", column 4: years and months have no fractions`},
		"a span that is too long":          {"P106752D", `text "P106752D", column 2: longer than 292 years; use years (Y) for that`},
		"spans that are too long together": {"P106751DT24H", `text "P106751DT24H", column 10: longer than 292 years; use years (Y) for that`},
		"too many digits":                  {"PT99999999999999999999S", `text "PT99999999999999999999S", column 3: longer than 292 years; use years (Y) for that`},
		"too many years":                   {"P9999Y1M", `text "P9999Y1M": longer than 9999 years`},
		"far too many years":               {"P999999999Y", `text "P999999999Y", column 2: longer than 9999 years`},
		"the form with hyphens":            {"P0001-02-03", `text "P0001-02-03", column 6: expected an amount and the letter of a unit; the order is Y, M, W, D, then T and H, M, S`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := timetext.ParseDuration(tt.text)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]timetext.Duration{
		"P1Y2M3W4DT5H6M7.5S": {Years: 1, Months: 2, Span: 25*24*time.Hour + 5*time.Hour + 6*time.Minute + 7500*time.Millisecond},
		"-P1Y2MT3S":          {Years: -1, Months: -2, Span: -3 * time.Second},
		"P0.5W":              {Span: 84 * time.Hour},
		"PT0,0000004S":       {},
		"P106751D":           {Span: 106751 * 24 * time.Hour},
		"P9999Y":             {Years: 9999},
	} {
		got, err := timetext.ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		require.Equal(t, got, got.Neg().Neg(), text)
	}
}

func TestReadingAndWritingAllocateNothing(t *testing.T) {
	at := time.Date(2026, 1, 31, 14, 5, 6, 250_000_000, time.UTC)
	var buffer [64]byte
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, err := timetext.Append(buffer[:0], at, "%Y-%m-%dT%H:%M:%S.%f%z")
		require.NoError(t, err)
	}))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, err := timetext.Parse("2026-01-31T14:05:06.250000+0000", "%Y-%m-%dT%H:%M:%S.%f%z")
		require.NoError(t, err)
	}))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, err := timetext.ParseISO("2026-01-31T14:05:06.25Z")
		require.NoError(t, err)
	}))
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := timetext.Parse("2026-01-31T14:05:06.250000Z", "%Y-%m-%dT%H:%M:%S.%f%z"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	at := time.Date(2026, 1, 31, 14, 5, 6, 250_000_000, time.UTC)
	var buffer [64]byte
	for b.Loop() {
		if _, err := timetext.Append(buffer[:0], at, "%Y-%m-%dT%H:%M:%S.%f%z"); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, row := range rows(f, "parse") {
		f.Add(*row[0], *row[1])
	}
	f.Add(strings.Repeat("1", 40), "%Y%y%m%d%H%I%M%S%f%j%U%W%V%w%u%G%z")
	f.Fuzz(func(t *testing.T, text, layout string) {
		got, err := timetext.Parse(text, layout)
		if err != nil {
			var fault *timetext.Error
			require.ErrorAs(t, err, &fault)
			return
		}
		require.NoError(t, timetext.Valid(layout))
		_, err = timetext.Format(got, layout)
		require.NoError(t, err)
	})
}

// full are layouts that hold all of a time there is, to the microsecond.
var full = []string{
	"%Y-%m-%dT%H:%M:%S.%f%z", "%c %f %z", "%Y%j%I%M%S%f%p%z", "%d %B %Y %X.%f %z", "%e. %b %Y %R:%S,%f%z",
	"%G-W%V-%u %T %f %z", "%A %W %Y %H%M%S%f %z", "%U %w %Y %H %M %S %f %z",
	"%s.%f %z", "%epoch_microseconds%z", "%ms %z", "%s_as_float %z",
}

func FuzzFormatAndParse(f *testing.F) {
	f.Add(int64(1767366245), 250_000, 60)
	f.Add(int64(-1), 999_999, -210)
	f.Fuzz(func(t *testing.T, seconds int64, micro, minutes int) {
		zone := time.UTC
		if minutes %= 24 * 60; minutes != 0 {
			zone = time.FixedZone("", minutes*60)
		}
		at := time.Unix(seconds%253_402_300_800, int64(micro%1_000_000)*1000).In(zone)
		if at.Year() < 1 || at.Year() > 9999 {
			return
		}
		for _, layout := range full {
			at := at
			switch {
			case strings.HasPrefix(layout, "%ms"):
				at = time.UnixMilli(at.UnixMilli()).In(zone)
			case strings.HasPrefix(layout, "%s_as_float"):
				at = at.Truncate(time.Second)
			}
			text, err := timetext.Format(at, layout)
			require.NoError(t, err)
			got, err := timetext.Parse(text, layout)
			require.NoError(t, err, layout)
			require.Equal(t, isoFormat(at), isoFormat(got), "%s by %s", text, layout)
		}
		got, err := timetext.ParseISO(isoFormat(at))
		require.NoError(t, err)
		require.Equal(t, isoFormat(at), isoFormat(got))
	})
}

func FuzzParseISO(f *testing.F) {
	for _, row := range rows(f, "iso") {
		f.Add(*row[0])
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := timetext.ParseISO(text)
		if err != nil {
			var fault *timetext.Error
			require.ErrorAs(t, err, &fault)
			return
		}
		again, err := timetext.ParseISO(isoFormat(got))
		require.NoError(t, err)
		require.Equal(t, isoFormat(got), isoFormat(again))
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, row := range rows(f, "duration") {
		f.Add(*row[0])
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := timetext.ParseDuration(text)
		if err != nil {
			var fault *timetext.Error
			require.ErrorAs(t, err, &fault)
			return
		}
		start := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
		forwards := got.Years > 0 || got.Months > 0 || got.Span > 0
		require.Equal(t, forwards, got.AddTo(start).After(start))
		require.Equal(t, got.Neg().AddTo(start).After(start), !forwards && got != timetext.Duration{})
	})
}
