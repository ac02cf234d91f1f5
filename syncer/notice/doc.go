// Package notice tells people of troubles with integrations, once when one begins
// and once when it is over.
//
// A [Watcher] finds them in the journal of runs, in what the schedule says is
// late, and in the days on which credentials expire. It tells through a
// [Notifier]: a [Webhook], a [Mail], or the host's own.
//
//	hook, err := notice.NewWebhook(notice.WebhookOptions{
//		URL:    "https://hooks.example.com/vendorsync",
//		Secret: secret, // credentials.Secret, of 16 bytes at least
//	})
//	...
//	mail, err := notice.NewMail(notice.MailOptions{
//		Host:     "smtp.example.com",
//		Username: "vendorsync",
//		Password: password,
//		From:     "vendorsync <it-sync@example.com>",
//	})
//	...
//	watcher, err := notice.New(store, notice.Options{
//		Notifiers:   map[string]notice.Notifier{"webhook": hook, "mail": mail},
//		Troubles:    store, // or &notice.Memory{}
//		Credentials: vault.Entries,
//		Logger:      logger,
//	})
//	...
//	watcher.Watch(ctx, time.Minute) // until ctx is done
//
// # What is a trouble
//
// Only integrations that are active are watched. At each of three things one
// trouble can be open at a time:
//
//   - The runs of an integration. The last run that came to its end has failed
//     ([RunFailed]), or a run has not come to its end in 24 hours
//     ([RunUnfinished]), even if it was interrupted. A failed run after a failed
//     run is the same trouble; a run that succeeds ends it. Runs that were
//     cancelled, test runs and runs that put back what another had done neither
//     begin nor end one, and an interrupted run waits to be taken up. Runs that
//     succeeded with problems, or to which the vendor sent nothing, are told of on
//     request ([RunProblems]).
//   - The start of an integration ([RunLate]), if the host says what is late.
//   - A credential that an integration uses: it is about to expire
//     ([CredentialExpires]) or has ([CredentialExpired]). All contacts of the
//     integrations that use it are told.
//
// A trouble that turns into one of another kind, such as a credential that was
// about to expire and has, is told anew, and is over once. One that came and went
// between two checks is not told. An integration that is paused or archived ends
// its troubles, which is told too.
//
// # Told once
//
// What is open and who has been told is kept in [Troubles], so a restart tells
// nothing twice, and of several servers that share one, one tells. A notice that
// could not be told is tried again, through those notifiers alone that have not
// told it: after a minute, then ever more seldom, at last every 6 hours. If the
// trouble is over before anybody has heard of it, nobody does.
//
// A server that dies between telling and remembering makes the next one tell
// again, a few minutes later; clocks of servers that differ by more than 5
// minutes may do the same. Such a notice has the same [Notice.Key], which is a webhook's
// Idempotency-Key and makes a mail's Message-ID.
//
// # Receiving webhooks
//
// The body of the POST is a [Notice] as JSON. A receiver proves with
// [VerifyWebhook] that it comes from somebody who knows the secret, before it
// reads it:
//
//	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
//	...
//	if err := notice.VerifyWebhook(secret, r.Header, body, time.Now(), 0); err != nil {
//		http.Error(w, "not signed", http.StatusUnauthorized)
//		return
//	}
//	var n notice.Notice
//	err = json.Unmarshal(body, &n)
package notice
