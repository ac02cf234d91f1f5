package report_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/memory"
	"github.com/vendorsync/vendorsync/syncer/report"
)

// journal is one that has seen an integration fail.
func journal(ctx context.Context) (*memory.Store, error) {
	store := memory.New(memory.Options{})
	in := syncer.Integration{
		ID: "okta-users", Name: "Okta users", Connector: "okta", Stream: "users", State: syncer.Active,
		Mapping: mapping.Mapping{Object: "users"},
	}
	if err := store.SaveIntegration(ctx, in); err != nil {
		return nil, err
	}
	monday := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	for _, r := range []syncer.Run{
		{ID: "1", Status: syncer.Succeeded, Started: monday, Finished: monday.Add(42 * time.Second), Counts: syncer.Counts{Fetched: 1184, Updated: 4, Unchanged: 1180}},
		{ID: "2", Status: syncer.Failed, Started: monday.Add(24 * time.Hour), Finished: monday.Add(24*time.Hour + time.Second), Error: "auth: the vendor refused the token", Remedy: "enter a new token"},
	} {
		r.Integration = in.ID
		if err := store.SaveRun(ctx, r); err != nil {
			return nil, err
		}
	}
	return store, nil
}

func Example() {
	ctx := context.Background()
	store, err := journal(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := report.Make(ctx, store, report.Options{
		Schedule: func(syncer.Integration) report.Schedule { return report.Schedule{Text: "daily at 03:00"} },
		Now:      func() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := r.Text(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Integrations, 24 Nov 2026 09:00 UTC
	// Of 1 integration, 1 is in trouble.
	//
	// x Okta users (okta-users)
	//   in trouble; okta into users; active; runs: daily at 03:00
	//   - The last run failed 6 hours ago, 24 Nov 2026 03:00
	//     auth: the vendor refused the token
	//     what to do: enter a new token
	//   runs +x  1 failed and 1 succeeded
	//   last run 6 hours ago: failed, 0 records, took 1 s
	//   last success: 1 day ago, 23 Nov 2026 03:00
	//   last full read: 1 day ago, 23 Nov 2026 03:00
}

func ExampleReport_HTML() {
	ctx := context.Background()
	store, err := journal(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := report.Make(ctx, store, report.Options{Title: "Acme's integrations"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(bytes.Contains(page.Bytes(), []byte("<h1>Acme&#39;s integrations</h1>")))
	// Output:
	// true
}

func ExampleCountRecords() {
	ctx := context.Background()
	store := memory.New(memory.Options{})
	if _, err := store.Insert(ctx, "ada", "assets", map[string]string{"serial_number": "C02XK1"}); err != nil {
		fmt.Println(err)
		return
	}
	totals, err := report.CountRecords(ctx, store)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(totals[0], totals[1])
	// Output:
	// {users 0 0} {assets 1 0}
}
