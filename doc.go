// Package vendorsync keeps a store of users, assets, software and SaaS accounts
// in step with the systems that know about them.
//
// This package is the tour; it holds no code. The packages, in the order in which
// data flows through them:
//
//   - [github.com/vendorsync/vendorsync/connector]: what a vendor is to the rest.
//     A Connector describes itself as data and yields pages of records, each one
//     JSON object byte for byte as the vendor sent it. Package
//     [github.com/vendorsync/vendorsync/connector/connectortest] holds connectors
//     to their contract, and has a scriptable fake.
//   - [github.com/vendorsync/vendorsync/connectors]: the connectors of this
//     module. [github.com/vendorsync/vendorsync/connectors/files] reads CSV, NDJSON
//     and JSON, [github.com/vendorsync/vendorsync/connectors/localhost] the machine
//     it runs on.
//   - [github.com/vendorsync/vendorsync/credentials]: secrets that mask themselves
//     wherever they are printed, and where they come from.
//   - [github.com/vendorsync/vendorsync/mapping]: the target model, and how a
//     vendor's fields fill it. A Mapping is data; it is compiled to a Program that
//     goes over each record once.
//   - [github.com/vendorsync/vendorsync/syncer]: the engine. It matches records
//     with those in the store, decides what becomes of each, and writes in batches
//     with history, links and a checkpoint. A test run foretells what the full run
//     will do.
//   - [github.com/vendorsync/vendorsync/syncer/sqlite] and
//     [github.com/vendorsync/vendorsync/syncer/memory]: the stores. A host that
//     brings its own implements syncer.Store and proves it with package
//     [github.com/vendorsync/vendorsync/syncer/storetest].
//   - [github.com/vendorsync/vendorsync/syncer/config]: integrations from a YAML
//     file. The vendorsync command is built on it.
//   - [github.com/vendorsync/vendorsync/schedule]: when integrations run, and what
//     starts them then. What operators see is in syncer/httpapi, syncer/prometheus,
//     syncer/notice and syncer/report.
//
// # How it goes
//
// An integration is one stream of one vendor that feeds one object of the store,
// in the name of one integration user. It is saved as a draft, which can do test
// runs. Once nothing mandatory is missing it is launched, and from then on it can
// be run. The example below does all of it.
//
// A run accounts for every record that came in:
//
//	fetched = filtered + created + updated + unchanged + skipped + failed
//
// A record that cannot be used fails alone, with field, value and reason; it is
// never dropped in silence. A second run over the same source changes nothing. A
// run whose process ended is taken up where it stopped by the next one.
//
// # What holds everywhere
//
// A library here takes a context and a [log/slog.Logger] and has no global state.
// An error that a person can do something about is a connector.Error: it has a
// class and says what to do. docs/troubleshooting.md has an entry for each class,
// and for each reason why a record was skipped or failed.
//
// A lower layer never imports an upper one, and a program links only what it
// uses: the engine brings no database, a store no vendor.
package vendorsync
