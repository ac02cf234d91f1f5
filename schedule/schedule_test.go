package schedule_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/schedule"
)

// parse reads a schedule that is right.
func parse(t testing.TB, text string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(text)
	require.NoError(t, err)
	return s
}

func TestForms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text, canonical, json, people string
	}{
		"nothing is daily": {
			"", "daily", `"daily"`, "daily at a quiet time (UTC)",
		},
		"every day is daily": {
			"every 1 day", "daily", `"daily"`, "daily at a quiet time (UTC)",
		},
		"what starts when asked": {
			"manual", "manual", `"manual"`, "only when asked",
		},
		"hours with a window": {
			"EVERY 6 hours not between 8:00 and 18:00 zone Europe/London", "every 6h zone Europe/London not between 08:00 and 18:00",
			`{"every":"6h","zone":"Europe/London","not_between":["08:00","18:00"]}`, "every 6 hours, not between 08:00 and 18:00 (Europe/London)",
		},
		"weeks on weekdays at a time": {
			"every 2w on sunday,Wed at 06:00", "every 2w at 06:00 on wed,sun",
			`{"every":"2w","at":"06:00","on":["wed","sun"]}`, "every 2 weeks on Wednesday and Sunday at 06:00 (UTC)",
		},
		"a weekday of each week": {
			"on mon at 23:30", "daily at 23:30 on mon", `{"at":"23:30","on":["mon"]}`, "weekly on Monday at 23:30 (UTC)",
		},
		"hours that include a time of day": {
			"every 8h at 06:00", "every 8h at 06:00", `{"every":"8h","at":"06:00"}`, "every 8 hours from 06:00 (UTC)",
		},
		"months on their last day": {
			"every month day 31 jitter 90m", "every 1mo day 31 jitter 1h30m",
			`{"every":"1mo","day":31,"jitter":"1h30m"}`, "every month on the last day at a quiet time, up to 1h30m later (UTC)",
		},
		"cron with everything": {
			"cron 0 3 * * 1-5 not between 22:00 and 02:00 not between 12:00 and 13:00 pause running skip missed",
			"cron 0 3 * * 1-5 not between 22:00 and 02:00 not between 12:00 and 13:00 pause running skip missed",
			`{"cron":"0 3 * * 1-5","not_between":["22:00","02:00","12:00","13:00"],"pause_running":true,"missed":"skip"}`,
			"cron 0 3 * * 1-5, not between 22:00 and 02:00 or 12:00 and 13:00, pausing what runs, missed starts skipped (UTC)",
		},
		"a word of cron": {
			"cron @hourly zone UTC", "cron @hourly", `{"cron":"@hourly"}`, "cron @hourly (UTC)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, test.text)
			require.Equal(t, test.canonical, s.Text())
			require.Equal(t, test.people, s.String())
			require.Equal(t, test.canonical == "daily", s.IsZero())
			data, err := json.Marshal(s)
			require.NoError(t, err)
			require.JSONEq(t, test.json, string(data))

			var fromJSON, fromText, fromWord schedule.Schedule
			require.NoError(t, json.Unmarshal(data, &fromJSON))
			marshalled, err := s.MarshalText()
			require.NoError(t, err)
			require.NoError(t, fromText.UnmarshalText(marshalled))
			word, err := json.Marshal(test.text)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(word, &fromWord))
			fromSpec, err := schedule.New(s.Spec())
			require.NoError(t, err)
			for _, same := range []schedule.Schedule{fromJSON, fromText, fromWord, fromSpec} {
				require.Equal(t, s.Spec(), same.Spec())
				require.True(t, s.Equal(same))
				from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
				require.Equal(t, s.Next(from), same.Next(from))
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spec schedule.Spec
		want []string
	}{
		"no unit":                          {schedule.Spec{Every: "6"}, []string{`every "6": write a number and a unit, such as 30m, 6h, 1d, 2w or 3mo`}},
		"two units":                        {schedule.Spec{Every: "1h30m"}, []string{"write a number and a unit"}},
		"none of a unit":                   {schedule.Spec{Every: "0h"}, []string{"write a number from 1 to 8760 before h"}},
		"too many":                         {schedule.Spec{Every: "99999999999999999999d"}, []string{"write a number from 1 to 3650 before d"}},
		"below nothing":                    {schedule.Spec{Every: "-1h"}, []string{"write a number and a unit"}},
		"a time after the day":             {schedule.Spec{At: "24:00"}, []string{`at "24:00" is no time of day: write hours and minutes from 00:00 to 23:59`}},
		"a time without minutes":           {schedule.Spec{At: "6"}, []string{"is no time of day"}},
		"a time of day every few minutes":  {schedule.Spec{Every: "30m", At: "06:00"}, []string{"leave out at, or write cron"}},
		"hours that do not divide the day": {schedule.Spec{Every: "5h", At: "06:00"}, []string{"write 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h instead of 5h"}},
		"no weekday":                       {schedule.Spec{On: []string{"someday"}}, []string{`on "someday": write mon, tue, wed, thu, fri, sat or sun`}},
		"weekdays of months":               {schedule.Spec{Every: "1mo", On: []string{"mon"}}, []string{"0 6 * * MON#1"}},
		"weekdays every few days":          {schedule.Spec{Every: "3d", On: []string{"mon"}}, []string{"not with every 3 days: write every in weeks"}},
		"weekdays every many hours":        {schedule.Spec{Every: "36h", On: []string{"mon"}}, []string{"periods up to a day"}},
		"a day after the month":            {schedule.Spec{Every: "1mo", Day: 32}, []string{"from 1 to 31"}},
		"a day of the month of a week":     {schedule.Spec{Every: "1w", Day: 3}, []string{"day goes with a period of months"}},
		"too few fields":                   {schedule.Spec{Cron: "0 3 * *"}, []string{"write five fields: minute, hour, day of month, month and weekday"}},
		"a field of seconds":               {schedule.Spec{Cron: "0 0 3 * * *"}, []string{"write five fields"}},
		"no such minute":                   {schedule.Spec{Cron: "99 3 * * *"}, []string{`cron "99 3 * * *":`, "write five fields such as 0 3 * * 1-5, or @daily"}},
		"no such word of cron":             {schedule.Spec{Cron: "@sometimes"}, []string{"or @daily"}},
		"a zone within cron":               {schedule.Spec{Cron: "TZ=UTC 0 3 * * *"}, []string{"write the time zone as zone"}},
		"a zone and nothing else":          {schedule.Spec{Cron: "TZ=UTC"}, []string{"write the time zone as zone"}},
		"a period within cron":             {schedule.Spec{Cron: "@every 6h"}, []string{"write every, without cron"}},
		"the 30th of February":             {schedule.Spec{Cron: "0 3 30 2 *"}, []string{"never happens: write a day that its months have"}},
		"cron and every":                   {schedule.Spec{Cron: "@daily", Every: "6h"}, []string{"leave out every, at, on and day"}},
		"manual and a time":                {schedule.Spec{Manual: true, At: "06:00"}, []string{"leave out either"}},
		"manual and jitter":                {schedule.Spec{Manual: true, Jitter: "10m"}, []string{"not with manual"}},
		"no such zone":                     {schedule.Spec{Zone: "Europe/Lodnon"}, []string{`zone "Europe/Lodnon": write the IANA name of a time zone, such as Europe/London`}},
		"the zone of the machine":          {schedule.Spec{Zone: "Local"}, []string{"depends on the machine"}},
		"a zone outside the database":      {schedule.Spec{Zone: "../../etc/passwd"}, []string{"write the IANA name"}},
		"half a window":                    {schedule.Spec{NotBetween: []string{"08:00"}}, []string{"write pairs of from and to"}},
		"a window that is no time":         {schedule.Spec{NotBetween: []string{"8", "18:00"}}, []string{`not_between "8" is no time of day`}},
		"a window of the whole day":        {schedule.Spec{NotBetween: []string{"08:00", "08:00"}}, []string{"leaves no time of the day"}},
		"windows of the whole day":         {schedule.Spec{NotBetween: []string{"08:00", "20:00", "19:00", "08:00"}}, []string{"write a shorter span, or manual"}},
		"a pause without a window":         {schedule.Spec{PauseRunning: true}, []string{"pause_running goes with not_between"}},
		"jitter that is no time":           {schedule.Spec{Jitter: "a lot"}, []string{"write a time from 1s to 24h, such as 10m"}},
		"jitter longer than a day":         {schedule.Spec{Jitter: "25h"}, []string{"write a time from 1s to 24h"}},
		"jitter longer than the period":    {schedule.Spec{Every: "5m", Jitter: "6m"}, []string{"longer than the period: write 5m or less"}},
		"another policy":                   {schedule.Spec{Missed: "never"}, []string{"write catch_up or skip"}},
		"all at once":                      {schedule.Spec{Every: "x", At: "y", Zone: "z", Missed: "q"}, []string{"every", "at", "zone", "missed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := schedule.New(test.spec)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.True(t, s.IsZero())
		})
	}
}

func TestTextFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hourly":                    `"hourly" is not known here: write daily, manual, every,`,
		"every":                     "something is missing after every: write every 6h",
		"every 6h every 7h":         "every is said twice: write it once",
		"daily every 6h":            "every is said twice",
		"cron 0 3 * *":              "write five fields such as cron 0 3 * * 1-5, or cron @daily",
		"not 08:00 and 18:00":       "write not between 08:00 and 18:00",
		"not between":               "something is missing after between",
		"every 1mo day":             "something is missing after day",
		"not between 08:00":         "write not between 08:00 and 18:00",
		"not between 08:00 to 9:00": `"to" does not go after 08:00`,
		"pause":                     "write pause running",
		"skip everything":           "write skip missed",
		"every 1mo day x":           "write one day of the month from 1 to 31",
		"every 1mo day 1 day 2":     "write one day of the month",
		"on":                        "write on sun,wed",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := schedule.Parse(text)
			require.ErrorContains(t, err, want)
		})
	}
	_, err := schedule.Parse(string(make([]byte, 1001)))
	require.ErrorContains(t, err, "write at most 1000")
}

func TestJSONFaults(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"evry":"6h"}`: `unknown field "evry"`,
		`{"every":6}`:   "write a word such as daily, or an object",
		`7`:             "write a word such as daily, or an object",
		`"hourly"`:      "is not known here",
		`{"every":"6"}`: "write a number and a unit",
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			s := parse(t, "manual")
			require.ErrorContains(t, json.Unmarshal([]byte(data), &s), want)
			require.True(t, s.Manual(), "what was there stays")
		})
	}
	s := parse(t, "manual")
	require.NoError(t, json.Unmarshal([]byte("null"), &s))
	require.True(t, s.Manual())
}

func TestScheduleInAnObject(t *testing.T) {
	t.Parallel()
	type holder struct {
		Schedule schedule.Schedule `json:"schedule,omitzero"`
	}
	data, err := json.Marshal(holder{})
	require.NoError(t, err)
	require.JSONEq(t, `{}`, string(data))
	data, err = json.Marshal(holder{parse(t, "manual").For("x")})
	require.NoError(t, err)
	require.JSONEq(t, `{"schedule":"manual"}`, string(data))
}

func TestASpecIsACopy(t *testing.T) {
	t.Parallel()
	given := schedule.Spec{On: []string{"sunday"}, NotBetween: []string{"8:00", "9:00"}}
	s, err := schedule.New(given)
	require.NoError(t, err)
	require.Equal(t, []string{"8:00", "9:00"}, given.NotBetween)
	s.Spec().On[0] = "mon"
	require.Equal(t, []string{"sun"}, s.Spec().On)
}

func TestStringOfWhatItIsFor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":          `^daily at 0[0-4]:[0-5]\d \(UTC\)$`,
		"every 1w":  `^every week on [A-Z][a-z]+day at 0[0-4]:[0-5]\d \(UTC\)$`,
		"every 3mo": `^every 3 months on day \d+ at 0[0-4]:[0-5]\d \(UTC\)$`,
		"every 6h":  `^every 6 hours \(UTC\)$`,
	} {
		require.Regexp(t, want, parse(t, text).For("int_1").String())
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "daily", "manual", "every 6h", "every 2w at 06:00 on sun", "every 1mo day 31", "every 7 days",
		"cron 0 3 * * 1-5 zone Europe/London not between 08:00 and 18:00", "cron @daily", "cron H H * * *", "cron 0 0 L * FRI#3",
		"not between 22:00 and 05:00 pause running jitter 10m skip missed", "cron TZ=UTC", "zone Asia/Kathmandu",
		"cron */7 1-23/2 15W * 7", "every 24h at 23:59 on mon,tue jitter 24h",
	} {
		f.Add(text)
	}
	from := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schedule.Parse(text)
		if err != nil {
			require.ErrorContains(t, err, "schedule")
			return
		}
		s = s.For("int_1")
		again, err := schedule.Parse(s.Text())
		require.NoError(t, err)
		require.Equal(t, s.Text(), again.Text())
		require.Equal(t, s.Spec(), again.Spec())
		data, err := json.Marshal(s)
		require.NoError(t, err)
		var back schedule.Schedule
		require.NoError(t, json.Unmarshal(data, &back))
		require.True(t, back.Equal(s))
		require.NotEmpty(t, s.String())

		if s.Manual() {
			require.Zero(t, s.Next(from))
			return
		}
		first := s.Next(from)
		second := s.Next(first)
		require.True(t, first.After(from), "%s: %s", text, first)
		require.True(t, second.After(first), "%s: %s after %s", text, second, first)
		require.Equal(t, first, s.Next(first.Add(-time.Second)))
		require.Equal(t, second, s.Next(second.Add(-time.Second)))
		_, quiet := s.Quiet(first)
		require.False(t, quiet, "%s: %s", text, first)
	})
}

func FuzzJSON(f *testing.F) {
	f.Add(`{"every":"6h","at":"06:00","on":["sun"],"day":1,"zone":"UTC","not_between":["08:00","18:00"],"jitter":"1m"}`)
	f.Add(`{"cron":"0 3 * * *","missed":"skip","pause_running":true,"manual":false}`)
	f.Add(`"daily"`)
	f.Fuzz(func(t *testing.T, data string) {
		var s schedule.Schedule
		if json.Unmarshal([]byte(data), &s) != nil {
			require.True(t, s.IsZero())
			return
		}
		again, err := json.Marshal(s)
		require.NoError(t, err)
		var back schedule.Schedule
		require.NoError(t, json.Unmarshal(again, &back))
		require.Equal(t, s.Spec(), back.Spec())
	})
}
