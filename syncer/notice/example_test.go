package notice_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/notice"
)

// A Watcher tells once when a trouble begins and once when it is over.
func ExampleWatcher() {
	ctx := context.Background()
	console := notice.Func(func(_ context.Context, n notice.Notice) error {
		fmt.Println(n.Subject())
		return nil
	})
	now := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	runs := &journal{ // a store is a journal too
		integrations: []syncer.Integration{{ID: "laptops", Name: "Laptops", State: syncer.Active, Contacts: []string{"ada@example.com"}}},
	}
	watcher, err := notice.New(runs, notice.Options{
		Notifiers: map[string]notice.Notifier{"console": console},
		Troubles:  &notice.Memory{},
		Now:       func() time.Time { return now },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, status := range []syncer.Status{syncer.Succeeded, syncer.Failed, syncer.Failed, syncer.Succeeded} {
		runs.runs = append([]syncer.Run{{ID: now.String(), Integration: "laptops", Status: status, Started: now, Finished: now}}, runs.runs...)
		if err := watcher.Check(ctx); err != nil {
			fmt.Println(err)
		}
		now = now.Add(time.Hour)
	}
	// Output:
	// Laptops: a run has failed
	// Laptops: over: a run has failed
}

// A receiver verifies before it reads.
func ExampleVerifyWebhook() {
	secret := credentials.NewSecret("a secret that both sides know")
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "not read", http.StatusBadRequest)
			return
		}
		if err := notice.VerifyWebhook(secret, r.Header, body, time.Now(), 5*time.Minute); err != nil {
			http.Error(w, "not signed", http.StatusUnauthorized)
			return
		}
		var n notice.Notice
		if err := json.Unmarshal(body, &n); err != nil {
			http.Error(w, "not a notice", http.StatusBadRequest)
			return
		}
		fmt.Println(n.Subject())
	}))
	defer receiver.Close()

	hook, err := notice.NewWebhook(notice.WebhookOptions{URL: receiver.URL, Secret: secret})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(hook.Notify(context.Background(), notice.Notice{Key: "1", Kind: notice.RunLate, Integration: "laptops"}))
	// Output:
	// laptops: a run did not start on time
	// <nil>
}

func ExampleNewMail() {
	_, err := notice.NewMail(notice.MailOptions{Host: "smtp.example.com", Security: notice.Plain, From: "it-sync@example.com"})
	fmt.Println(err)
	mail, err := notice.NewMail(notice.MailOptions{
		Host:     "smtp.example.com", // port 587, STARTTLS
		Username: "it-sync",
		Password: credentials.NewSecret("secret"),
		From:     "vendorsync <it-sync@example.com>",
	})
	fmt.Println(mail, err)
	// Output:
	// send mail: only a server on the loopback interface is talked to without TLS [invalid_config: correct the setting]
	// mail from it-sync@example.com by smtp.example.com:587 <nil>
}

func ExampleNotice_Text() {
	n := notice.Notice{
		Kind: notice.RunFailed, Integration: "laptops", Name: "Laptops", Run: "01JD",
		Since: time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC),
		What:  "list devices: 401 Unauthorized", Remedy: "renew the credential",
	}
	fmt.Print(n.Text())
	// Output:
	// Laptops: a run has failed
	//
	// What:         list devices: 401 Unauthorized
	// Since:        Tue, 24 Nov 2026 04:00 UTC
	// What to do:   renew the credential
	// Integration:  laptops
	// Run:          01JD
	//
	// There will be one more message when this is over.
}

func ExampleMulti() {
	console := notice.Func(func(_ context.Context, n notice.Notice) error {
		fmt.Println(n.Subject())
		return nil
	})
	all := notice.Multi{console, console}
	fmt.Println(all.Notify(context.Background(), notice.Notice{Kind: notice.RunFailed, Name: "Laptops"}))
	// Output:
	// Laptops: a run has failed
	// Laptops: a run has failed
	// <nil>
}
