package schedule_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/vendorsync/vendorsync/schedule"
)

func Example() {
	s, err := schedule.New(schedule.Spec{
		Every:      "6h",
		At:         "06:00",
		Zone:       "Europe/London",
		NotBetween: []string{"08:00", "17:00"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s)
	at := time.Date(2026, 3, 28, 9, 0, 0, 0, time.UTC)
	for range 5 {
		at = s.Next(at)
		fmt.Println(at.Format("Mon 2 Jan 15:04 MST"))
	}
	// Output:
	// every 6 hours from 06:00, not between 08:00 and 17:00 (Europe/London)
	// Sat 28 Mar 17:00 GMT
	// Sat 28 Mar 18:00 GMT
	// Sun 29 Mar 00:00 GMT
	// Sun 29 Mar 06:00 BST
	// Sun 29 Mar 17:00 BST
}

func ExampleParse() {
	s, err := schedule.Parse("every 2w at 06:00 on sun")
	fmt.Println(s, err)

	_, err = schedule.Parse("every 5h at 06:00 zone Lodnon")
	fmt.Println(err)
	// Output:
	// every 2 weeks on Sunday at 06:00 (UTC) <nil>
	// schedule: at goes with hours that divide the day: write 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h instead of 5h, or leave out at
	// zone "Lodnon": write the IANA name of a time zone, such as Europe/London: unknown time zone Lodnon
}

// The default is once a day, at a time of night that follows from the id.
func ExampleSchedule_For() {
	var daily schedule.Schedule
	fmt.Println(daily)
	for _, id := range []string{"okta", "jamf", "intune"} {
		fmt.Println(id, daily.For(id))
	}
	// Output:
	// daily at a quiet time (UTC)
	// okta daily at 04:54 (UTC)
	// jamf daily at 02:47 (UTC)
	// intune daily at 00:00 (UTC)
}

func ExampleSchedule_MarshalJSON() {
	for _, text := range []string{"daily", "manual", "cron 0 3 * * 1-5 zone Europe/London"} {
		s, err := schedule.Parse(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		data, err := json.Marshal(s)
		fmt.Println(string(data), err)
	}
	// Output:
	// "daily" <nil>
	// "manual" <nil>
	// {"cron":"0 3 * * 1-5","zone":"Europe/London"} <nil>
}

// A store is a Source of one job.
type store struct {
	run chan string

	mu  sync.Mutex
	job schedule.Job
}

func (s *store) Jobs(context.Context) ([]schedule.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []schedule.Job{s.job}, nil
}

func (s *store) Start(_ context.Context, id string, _ time.Time) error {
	s.mu.Lock()
	s.job.Last = time.Now() // a real one finds out under its lease whether it may
	s.mu.Unlock()
	s.run <- id
	return nil
}

func ExampleRunner() {
	var daily schedule.Schedule
	source := &store{
		job: schedule.Job{ID: "okta", Schedule: daily, Last: time.Now().AddDate(0, 0, -7)}, // the server was off for a week
		run: make(chan string, 1),
	}
	runner := schedule.NewRunner(source, schedule.Options{})

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- runner.Run(ctx) }()
	fmt.Println("caught up:", <-source.run)
	cancel()
	fmt.Println("stopped:", <-done)
	// Output:
	// caught up: okta
	// stopped: <nil>
}
