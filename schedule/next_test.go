package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/schedule"
)

// zones are places whose clocks differ: changes by an hour north and south, by
// half an hour, at midnight, and none with an offset of 45 minutes.
var zones = []string{"UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago", "Africa/Cairo"}

// form is how times are written in tests.
const form = "2006-01-02 15:04:05 -0700"

// starts returns the starts from a moment on, before another.
func starts(s schedule.Schedule, from, to time.Time) []time.Time {
	var all []time.Time
	for t := s.Next(from.Add(-1)); !t.IsZero() && t.Before(to); t = s.Next(t) {
		all = append(all, t)
	}
	return all
}

func TestNext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text, from string
		want       []string
	}{
		"a time of day": {
			"at 06:00", "2026-01-01 06:00:00 +0000",
			[]string{"2026-01-02 06:00:00 +0000", "2026-01-03 06:00:00 +0000"},
		},
		"a time of day that the change of the clock leaves out happens at the change": {
			"at 02:30 zone America/New_York", "2026-03-07 03:00:00 -0500",
			[]string{"2026-03-08 03:00:00 -0400", "2026-03-09 02:30:00 -0400"},
		},
		"a time of day that comes twice happens the first time": {
			"at 01:30 zone America/New_York", "2026-10-31 02:00:00 -0400",
			[]string{"2026-11-01 01:30:00 -0400", "2026-11-02 01:30:00 -0500"},
		},
		"a cron time that is left out": {
			"cron 30 2 * * * zone America/New_York", "2026-03-07 03:00:00 -0500",
			[]string{"2026-03-08 03:00:00 -0400", "2026-03-09 02:30:00 -0400"},
		},
		"a cron time that comes twice": {
			"cron 30 1 * * * zone America/New_York", "2026-10-31 02:00:00 -0400",
			[]string{"2026-11-01 01:30:00 -0400", "2026-11-02 01:30:00 -0500"},
		},
		"several cron times that are left out become one": {
			"cron */20 2 * * * zone America/New_York", "2026-03-07 02:30:00 -0500",
			[]string{"2026-03-07 02:40:00 -0500", "2026-03-08 03:00:00 -0400", "2026-03-09 02:00:00 -0400"},
		},
		"the first and the second time of what comes twice are told apart": {
			"at 01:30 zone America/New_York", "2026-11-01 01:10:00 -0500",
			[]string{"2026-11-02 01:30:00 -0500"},
		},
		"half an hour that is left out": {
			"at 02:15 zone Australia/Lord_Howe", "2026-10-03 12:00:00 +1030",
			[]string{"2026-10-04 02:30:00 +1100", "2026-10-05 02:15:00 +1100"},
		},
		"a midnight that is left out": {
			"at 00:00 zone Africa/Cairo", "2026-04-23 12:00:00 +0200",
			[]string{"2026-04-24 01:00:00 +0300", "2026-04-25 00:00:00 +0300"},
		},
		"a day that is left out": {
			"at 06:00 zone Pacific/Apia", "2011-12-29 06:00:00 -1000",
			[]string{"2011-12-31 00:00:00 +1400", "2011-12-31 06:00:00 +1400"},
		},
		"each hour of cron goes on through the change forward": {
			"cron 30 * * * * zone Europe/London", "2026-03-29 00:00:00 +0000",
			[]string{"2026-03-29 00:30:00 +0000", "2026-03-29 02:30:00 +0100", "2026-03-29 03:30:00 +0100"},
		},
		"each hour of cron goes on through the change back": {
			"cron 30 * * * * zone Europe/London", "2026-10-25 00:00:00 +0100",
			[]string{"2026-10-25 00:30:00 +0100", "2026-10-25 01:30:00 +0100", "2026-10-25 01:30:00 +0000", "2026-10-25 02:30:00 +0000"},
		},
		"a full hour at the very change": {
			"cron 0 * * * * zone Europe/London", "2026-10-25 00:30:00 +0100",
			[]string{"2026-10-25 01:00:00 +0100", "2026-10-25 01:00:00 +0000", "2026-10-25 02:00:00 +0000"},
		},
		"a full hour at the very change forward": {
			"cron 0 * * * * zone Europe/London", "2026-03-29 00:30:00 +0000",
			[]string{"2026-03-29 02:00:00 +0100", "2026-03-29 03:00:00 +0100"},
		},
		"hours by the clock": {
			"every 6h at 07:00 zone Europe/London", "2026-03-28 14:00:00 +0000",
			[]string{"2026-03-28 19:00:00 +0000", "2026-03-29 02:00:00 +0100", "2026-03-29 07:00:00 +0100"},
		},
		"weekdays": {
			"at 09:00 on sat,sun", "2026-01-01 00:00:00 +0000", // a Thursday
			[]string{"2026-01-03 09:00:00 +0000", "2026-01-04 09:00:00 +0000", "2026-01-10 09:00:00 +0000"},
		},
		"the last days of months": {
			"every 1mo day 31 at 12:00", "2026-01-01 00:00:00 +0000",
			[]string{"2026-01-31 12:00:00 +0000", "2026-02-28 12:00:00 +0000", "2026-03-31 12:00:00 +0000", "2026-04-30 12:00:00 +0000"},
		},
		"the 30th of a leap year": {
			"every 1mo day 30 at 12:00", "2028-01-31 00:00:00 +0000",
			[]string{"2028-02-29 12:00:00 +0000", "2028-03-30 12:00:00 +0000"},
		},
		"quarters": {
			"every 3mo day 1 at 12:00", "2026-01-01 12:00:00 +0000",
			[]string{"2026-04-01 12:00:00 +0000", "2026-07-01 12:00:00 +0000", "2026-10-01 12:00:00 +0000", "2027-01-01 12:00:00 +0000"},
		},
		"cron leaves out months without the day": {
			"cron 0 12 31 * *", "2026-01-01 00:00:00 +0000",
			[]string{"2026-01-31 12:00:00 +0000", "2026-03-31 12:00:00 +0000"},
		},
		"cron with the last day": {
			"cron 0 12 L * *", "2026-01-31 12:00:00 +0000",
			[]string{"2026-02-28 12:00:00 +0000"},
		},
		"cron joins its days": {
			"cron 0 12 13 * 5", "2026-01-01 00:00:00 +0000",
			[]string{"2026-01-02 12:00:00 +0000", "2026-01-09 12:00:00 +0000", "2026-01-13 12:00:00 +0000", "2026-01-16 12:00:00 +0000"},
		},
		"a leap day across a century": {
			"cron 0 12 29 2 *", "2096-03-01 00:00:00 +0000",
			[]string{"2104-02-29 12:00:00 +0000"},
		},
		"a start within a window waits for its end": {
			"at 10:00 not between 08:00 and 18:00 zone Europe/London", "2026-06-01 12:00:00 +0100",
			[]string{"2026-06-01 18:00:00 +0100", "2026-06-02 18:00:00 +0100"},
		},
		"several starts within a window become one": {
			"every 4h at 02:00 not between 08:00 and 18:00", "2026-06-01 00:00:00 +0000",
			[]string{"2026-06-01 02:00:00 +0000", "2026-06-01 06:00:00 +0000", "2026-06-01 18:00:00 +0000", "2026-06-01 22:00:00 +0000"},
		},
		"a window over midnight": {
			"at 23:00 not between 22:00 and 05:00", "2026-06-01 23:30:00 +0000",
			[]string{"2026-06-02 05:00:00 +0000", "2026-06-03 05:00:00 +0000"},
		},
		"windows that touch are one": {
			"at 09:00 not between 08:00 and 12:00 not between 12:00 and 14:00", "2026-06-01 00:00:00 +0000",
			[]string{"2026-06-01 14:00:00 +0000"},
		},
		"a window moves with the clock": {
			"at 10:00 not between 08:00 and 18:00 zone Europe/London", "2026-03-28 20:00:00 +0000",
			[]string{"2026-03-29 18:00:00 +0100"},
		},
		"a window whose end is left out ends with the change": {
			"at 00:30 not between 00:00 and 01:30 zone Europe/London", "2026-03-28 23:00:00 +0000",
			[]string{"2026-03-29 02:00:00 +0100", "2026-03-30 01:30:00 +0100"},
		},
		"free minutes that are left out make a long window": {
			"at 12:00 not between 03:00 and 02:00 zone America/New_York", "2026-03-07 00:00:00 -0500",
			[]string{"2026-03-07 02:00:00 -0500", "2026-03-09 02:00:00 -0400"},
		},
		"before 1970": {
			"every 2w on thu at 06:00", "1969-12-01 00:00:00 +0000",
			[]string{"1969-12-11 06:00:00 +0000", "1969-12-25 06:00:00 +0000", "1970-01-08 06:00:00 +0000"},
		},
		"what starts when asked": {"manual", "2026-01-01 00:00:00 +0000", []string{"never"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, test.text)
			at, err := time.Parse(form, test.from)
			require.NoError(t, err)
			for _, want := range test.want {
				at = s.Next(at)
				got := at.Format(form)
				if at.IsZero() {
					got = "never"
				}
				require.Equal(t, want, got)
			}
		})
	}
}

// Each date of the calendar has its one start, in each zone, over ten years,
// whatever the minute.
func TestEachDayHasOneStart(t *testing.T) {
	t.Parallel()
	for _, zone := range zones {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			loc, err := time.LoadLocation(zone)
			require.NoError(t, err)
			texts := []string{"daily", "cron 30 2 * * *"}
			for _, at := range []string{"00:00", "00:30", "01:15", "01:59", "02:00", "02:15", "02:30", "03:00", "23:59"} {
				texts = append(texts, "at "+at)
			}
			for _, text := range texts {
				s := parse(t, text+" zone "+zone).For("int_7")
				from := time.Date(2020, 1, 1, 0, 0, 0, 0, loc)
				days := map[string]int{}
				for _, at := range starts(s, from, from.AddDate(10, 0, 0)) {
					days[at.Format(time.DateOnly)]++
				}
				for day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2030; day = day.AddDate(0, 0, 1) {
					require.Equal(t, 1, days[day.Format(time.DateOnly)], "%s in %s on %s", text, zone, day)
				}
				require.Len(t, days, 3653)
			}
		})
	}
}

// Periods of minutes and hours have no hole and no start twice, whatever the
// clock does.
func TestElapsedPeriodsAreEven(t *testing.T) {
	t.Parallel()
	for _, zone := range zones {
		for text, step := range map[string]time.Duration{
			"every 11h":         11 * time.Hour,
			"every 6h":          6 * time.Hour,
			"every 7h":          7 * time.Hour,
			"every 90m":         90 * time.Minute,
			"cron */15 * * * *": 15 * time.Minute,
		} {
			s := parse(t, text+" zone "+zone).For("int_7")
			from := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
			if step == 11*time.Hour {
				from = from.AddDate(-56, 0, 0) // across the point from which periods count
			}
			all := starts(s, from, from.AddDate(1, 3, 0))
			require.WithinRange(t, all[0], from, from.Add(step))
			for i, at := range all[1:] {
				require.Equal(t, step, at.Sub(all[i]), "%s in %s at %s", text, zone, at)
			}
		}
	}
}

// What Next returns is one row of starts: wherever one asks from, the answer is
// the first of the row that follows.
func TestNextIsConsistent(t *testing.T) {
	t.Parallel()
	for _, zone := range zones {
		for _, text := range []string{
			"daily", "every 2h at 01:00", "every 40m jitter 40m", "every 3d", "every 2w at 02:30", "every 1mo", "on mon,fri jitter 5h",
			"every 1h on sat,sun", "cron 10,50 1-3 * * *", "cron */25 * * * *", "cron */25 1-4 * * * jitter 2h",
			"every 50m not between 08:00 and 18:00", "at 02:10 not between 01:30 and 02:30 jitter 1h", "every 3h at 02:30 not between 22:00 and 02:30",
			"cron 0 */2 * * * not between 00:00 and 01:45 not between 12:00 and 13:00 jitter 3h",
		} {
			t.Run(zone+" "+text, func(t *testing.T) {
				t.Parallel()
				s := parse(t, text+" zone "+zone).For("int_7")
				for _, month := range []time.Month{time.March, time.April, time.September, time.October, time.November} {
					from := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
					to := from.AddDate(0, 1, 10)
					row := append(starts(s, from, to), s.Next(to.Add(-1)))
					for at, i := from, 0; at.Before(to); at = at.Add(1811 * time.Second) {
						for !row[i].After(at) {
							i++
						}
						require.Equal(t, row[i], s.Next(at), "after %s", at)
					}
					for _, at := range row {
						require.Equal(t, at, s.Next(at.Add(-1)))
						_, quiet := s.Quiet(at)
						require.False(t, quiet)
					}
				}
			})
		}
	}
}

// Periods are counted from fixed points: N of them have one start each.
func TestPeriodsAreAnchored(t *testing.T) {
	t.Parallel()
	for text, test := range map[string]struct {
		years, want int
		gap         time.Duration
	}{
		"every 3d":                 {3, 365, 3 * 24 * time.Hour},
		"every 2w":                 {7, 183, 14 * 24 * time.Hour},
		"every 2w on sun at 06:00": {7, 183, 14 * 24 * time.Hour},
		"every 1w on wed at 06:00": {7, 365, 7 * 24 * time.Hour},
		"every 5w":                 {7, 73, 35 * 24 * time.Hour},
		"every 10d at 06:00":       {3, 110, 10 * 24 * time.Hour},
		"every 3650d":              {30, 3, 3650 * 24 * time.Hour},
		"every 24h at 06:00":       {3, 1096, 24 * time.Hour},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			for i := range 20 {
				s := parse(t, text).For(fmt.Sprint("int_", i))
				from := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
				all := starts(s, from, from.AddDate(test.years, 0, 0))
				require.InDelta(t, test.want, len(all), 1)
				for i, at := range all[1:] {
					require.Equal(t, test.gap, at.Sub(all[i]))
				}
			}
		})
	}
}

// Weeks begin on Monday: all days of one are in the same of two weeks.
func TestWeeksBeginOnMonday(t *testing.T) {
	t.Parallel()
	s := parse(t, "every 2w on mon,thu,sun at 06:00").For("int_7")
	from := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	at := s.Next(from.Add(-1))
	if at.Sub(from) > 7*24*time.Hour {
		from = from.AddDate(0, 0, 7)
	}
	for range 100 {
		for _, days := range []int{0, 3, 6} {
			require.Equal(t, from.AddDate(0, 0, days).Add(6*time.Hour), at)
			at = s.Next(at)
		}
		from = from.AddDate(0, 0, 14)
	}
}

// share counts what many ids make of a schedule.
func share(t *testing.T, text string, n int, key func(time.Time) int) map[int]int {
	t.Helper()
	s := parse(t, text)
	counts := map[int]int{}
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range n {
		counts[key(s.For(fmt.Sprint("int_", i)).Next(from))]++
	}
	return counts
}

func TestStartsAreSpread(t *testing.T) {
	t.Parallel()
	hour := func(t time.Time) int { return t.Hour() }
	for name, test := range map[string]struct {
		text string
		key  func(time.Time) int
		bins int
	}{
		"daily over five hours of the night":     {"daily zone America/New_York", hour, 5},
		"daily over the free hours of the night": {"daily not between 03:00 and 23:00", hour, 3},
		"daily over the day if the night is not": {"daily not between 20:00 and 08:00", hour, 12},
		"a period of hours over its seconds":     {"every 6h", func(t time.Time) int { return (t.Hour()*3600 + t.Minute()*60 + t.Second()) / 600 % 36 }, 36},
		"a minute over its seconds":              {"every 1m", func(t time.Time) int { return t.Second() / 6 }, 10},
		"days over the period":                   {"every 4d", func(t time.Time) int { return t.YearDay() % 4 }, 4},
		"weeks over their days":                  {"every 1w", func(t time.Time) int { return int(t.Weekday()) }, 7},
		"two weeks over their days":              {"every 2w", func(t time.Time) int { return t.YearDay() % 14 }, 14},
		"months over 28 days":                    {"every 1mo", func(t time.Time) int { return t.Day() }, 28},
		"jitter over its length":                 {"at 06:00 jitter 1h", func(t time.Time) int { return t.Minute() / 10 }, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const each = 400
			counts := share(t, test.text, each*test.bins, test.key)
			require.Len(t, counts, test.bins)
			for bin, n := range counts {
				require.InDelta(t, each, n, 100, "bin %d of %v", bin, counts) // five times the deviation
			}
		})
	}
}

func TestQuietTimesAreOfTheNight(t *testing.T) {
	t.Parallel()
	s := parse(t, "daily zone Asia/Kathmandu")
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range 500 {
		next := s.For(fmt.Sprint(i)).Next(at)
		require.Less(t, next.Hour(), 5)
		require.Equal(t, next.Add(24*time.Hour), s.For(fmt.Sprint(i)).Next(next), "stable")
	}
}

func TestJitterKeepsTheOrder(t *testing.T) {
	t.Parallel()
	s := parse(t, "cron */5 * * * * jitter 1h").For("int_7")
	plain := parse(t, "cron */5 * * * *")
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	late := map[time.Duration]bool{}
	at, base := from, from
	for range 5000 {
		at, base = s.Next(at), plain.Next(base)
		if at.Sub(from) < 5*time.Minute { // the jitter of the start before from
			at = s.Next(at)
		}
		require.GreaterOrEqual(t, at.Sub(base), time.Duration(0))
		require.Less(t, at.Sub(base), 5*time.Minute)
		late[at.Sub(base)] = true
	}
	require.Greater(t, len(late), 290, "of 300 seconds")
}

func TestDue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text, last, now, want string
	}{
		"not yet":                       {"at 06:00", "2026-06-01 06:00:03 +0000", "2026-06-02 05:00:00 +0000", "2026-06-02 06:00:00 +0000"},
		"now":                           {"at 06:00", "2026-06-01 06:00:03 +0000", "2026-06-02 06:00:00 +0000", "2026-06-02 06:00:00 +0000"},
		"a week missed is due once":     {"at 06:00", "2026-06-01 06:00:03 +0000", "2026-06-08 12:00:00 +0000", "2026-06-02 06:00:00 +0000"},
		"a week missed and run is done": {"at 06:00", "2026-06-08 12:00:00 +0000", "2026-06-08 12:00:01 +0000", "2026-06-09 06:00:00 +0000"},
		"a week missed waits for a window to end":    {"at 06:00 not between 08:00 and 18:00", "2026-06-01 06:00:03 +0000", "2026-06-08 12:00:00 +0000", "2026-06-08 18:00:00 +0000"},
		"a week missed is skipped":                   {"at 06:00 skip missed", "2026-06-01 06:00:03 +0000", "2026-06-08 12:00:00 +0000", "2026-06-09 06:00:00 +0000"},
		"half an hour missed is not skipped":         {"at 06:00 skip missed", "2026-06-01 06:00:03 +0000", "2026-06-08 06:30:00 +0000", "2026-06-08 06:00:00 +0000"},
		"missed before a window and skipped":         {"at 07:50 skip missed not between 08:00 and 18:00", "2026-06-01 07:50:03 +0000", "2026-06-08 08:10:00 +0000", "2026-06-09 07:50:00 +0000"},
		"a clock put back an hour waits":             {"every 1h at 00:00", "2026-06-01 06:00:03 +0000", "2026-06-01 05:10:00 +0000", "2026-06-01 07:00:00 +0000"},
		"a last start in a year to come is not it":   {"every 1h at 00:00", "2027-06-01 06:00:03 +0000", "2026-06-01 05:10:00 +0000", "2026-06-01 05:00:00 +0000"},
		"a last start in a year to come, long after": {"at 06:00", "2027-06-01 06:00:03 +0000", "2026-06-01 12:00:00 +0000", "2026-06-02 06:00:00 +0000"},
		"what starts when asked":                     {"manual", "2026-06-01 06:00:03 +0000", "2026-06-01 12:00:00 +0000", "0001-01-01 00:00:00 +0000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			last, err := time.Parse(form, test.last)
			require.NoError(t, err)
			now, err := time.Parse(form, test.now)
			require.NoError(t, err)
			require.Equal(t, test.want, parse(t, test.text).Due(last, now).Format(form))
		})
	}
}

func TestPauses(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)
	_, ok := parse(t, "daily not between 08:00 and 18:00").Pauses(at)
	require.False(t, ok)
	pausing := parse(t, "daily not between 08:00 and 18:00 pause running zone Europe/London")
	until, ok := pausing.Pauses(at)
	require.True(t, ok)
	require.Equal(t, "2026-06-01 18:00:00 +0100", until.Format(form))
	_, ok = pausing.Pauses(at.Add(-3 * time.Hour))
	require.False(t, ok)
}

// The ends of windows, found in strides, are those found step by step.
func TestQuietEndsStepByStep(t *testing.T) {
	t.Parallel()
	for _, zone := range zones {
		for _, text := range []string{
			"not between 00:30 and 02:15", "not between 22:00 and 01:45", "not between 02:00 and 01:30", "not between 08:00 and 12:00 not between 10:00 and 14:00",
		} {
			t.Run(zone+" "+text, func(t *testing.T) {
				t.Parallel()
				s := parse(t, text+" zone "+zone)
				for _, month := range []time.Month{time.March, time.April, time.September, time.October, time.November} {
					to := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
					at := to.AddDate(0, 1, 7)
					for until, quiet := s.Quiet(at); quiet; until, quiet = s.Quiet(at) {
						at = until
					}
					end := at
					for at = at.Add(-15 * time.Minute); at.After(to); at = at.Add(-15 * time.Minute) {
						until, quiet := s.Quiet(at)
						if !quiet {
							end = at
							continue
						}
						require.True(t, end.Equal(until), "at %s: %s, not %s", at, until, end)
					}
				}
			})
		}
	}
}
