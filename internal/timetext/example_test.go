package timetext_test

import (
	"fmt"
	"time"

	"github.com/vendorsync/vendorsync/internal/timetext"
)

func ExampleFormat() {
	t := time.Date(2026, 1, 31, 14, 5, 6, 250_000_000, time.UTC)
	for _, layout := range []string{"%Y-%m-%dT%H:%M:%S.%f%z", "%a, %d %b %Y at %I:%M %p", "%ms", "%q"} {
		text, err := timetext.Format(t, layout)
		fmt.Printf("%q %v\n", text, err)
	}
	// Output:
	// "2026-01-31T14:05:06.250000+0000" <nil>
	// "Sat, 31 Jan 2026 at 02:05 PM" <nil>
	// "1769868306250" <nil>
	// "" layout "%q", column 1: "%q" is no directive; write %% for a percent sign
}

func ExampleParse() {
	t, err := timetext.Parse("31/Jan/2026 14:05 +0100", "%d/%b/%Y %H:%M %z")
	fmt.Println(t, err)
	_, err = timetext.Parse("31/Jan/26", "%d/%b/%Y")
	fmt.Println(err)
	// Output:
	// 2026-01-31 14:05:00 +0100 +0100 <nil>
	// text "31/Jan/26", layout "%d/%b/%Y", column 8: expected a year of four digits
}

func ExampleParseISO() {
	for _, text := range []string{"2026-01-31", "20260131T140506.25Z", "2026-W05-6 24:00", "2026-02-30"} {
		t, err := timetext.ParseISO(text)
		fmt.Println(t.Format(time.RFC3339Nano), err)
	}
	// Output:
	// 2026-01-31T00:00:00Z <nil>
	// 2026-01-31T14:05:06.25Z <nil>
	// 2026-02-01T00:00:00Z <nil>
	// 0001-01-01T00:00:00Z text "2026-02-30", column 9: February 2026 has no day 30
}

func ExampleParseDuration() {
	end := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for _, text := range []string{"P1M", "-P1M", "P1DT1.5H", "P1.5M"} {
		d, err := timetext.ParseDuration(text)
		fmt.Println(d.AddTo(end).Format(time.DateTime), err)
	}
	// Output:
	// 2026-04-30 12:00:00 <nil>
	// 2026-02-28 12:00:00 <nil>
	// 2026-04-01 13:30:00 <nil>
	// 2026-03-31 12:00:00 text "P1.5M", column 2: years and months have no fractions
}
