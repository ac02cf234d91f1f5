// Package localhost is the connector for the machine it runs on: a source that
// needs no account. It reads what Linux keeps in files, and the rpm command
// where there is an RPM database; it changes nothing and asks no network.
//
//	src, err := localhost.New().Open(ctx, connector.Config{})
//	if err != nil {
//		return err
//	}
//	defer src.Close()
//	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: localhost.AssetStream}) {
//		...
//	}
//
// The stream "asset" is one record: the machine, with the software installed on
// it. The stream "people" has a record for each account in /etc/passwd that a
// person logs in with, and with the setting "system" for all others too.
//
// What the machine does not tell is left out of the record, so that a target
// keeps what it has: a fact is never replaced by a guess. A list of software is
// there only when it was read whole.
package localhost
