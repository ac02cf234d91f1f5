// Package syncer keeps a store in step with vendors. An [Integration] ties one
// stream of one vendor to one object of the store; a [Syncer] matches its records
// with those that are there, says what becomes of each, and writes.
//
// A Syncer needs a [Store], which keeps the records, and a [Journal], which keeps
// integrations and runs. The stores of packages memory and sqlite are both:
//
//	registry, err := connector.NewRegistry(files.New())
//	...
//	s, err := syncer.New(memory.New(memory.Options{}), syncer.Options{Registry: registry})
//	...
//	_, err = s.Save(ctx, syncer.Integration{
//		ID:        "laptops",
//		Connector: "files",
//		Stream:    "records",
//		Settings:  connector.Settings{"path": {"devices.ndjson"}, "key": {"id"}},
//		User:      "it-sync@example.com", // to whom every change is attributed
//		Mapping: mapping.Mapping{
//			Object: "assets",
//			Key:    "id",
//			Fields: []mapping.FieldMapping{
//				{To: "serial_number", From: "serial_number"},
//				{To: "device_name", From: "name"},
//			},
//			SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
//		},
//	}, "ada@example.com")
//
// What is saved is a draft. It can be tested as far as it goes: [Syncer.TestRun]
// foretells record by record what a full run would do, and writes nothing to the
// store. [Syncer.Missing] says in a person's words what a draft lacks. Once that
// is nothing, [Syncer.Launch] makes it active, and [Syncer.Run] makes full runs:
//
//	missing, err := s.Missing(ctx, "laptops")
//	foretold, err := s.TestRun(ctx, "laptops", syncer.TestOptions{Sample: 10})
//	err = s.Launch(ctx, "laptops", "ada@example.com")
//	run, err := s.Run(ctx, "laptops", syncer.RunOptions{})
//
// # What a run does with each record
//
// A record that the integration's filter rejects is filtered. One that cannot be
// mapped is failed, with the field, the value and the reason. The others are
// matched: first by the link that the integration has to a record since it synced
// this vendor id before, so that a new serial number is a rename; then by the
// sync keys in their order, normalised as a person would compare them. A record
// that matches nothing is created, one that matches is updated where it differs,
// and unchanged where it does not, in which case nothing is written. What is not
// to be touched under the integration's policy, or was read before in the same
// run, is skipped. Every record ends in one of these, and so
//
//	fetched = filtered + created + updated + unchanged + skipped + failed
//
// holds for every [Run], over restarts and resumes. Children that come with a
// record, such as the software of an asset, stand beside it, in Run.Effects. The
// constants of type [Reason] begin the text that says why a record was skipped or
// failed.
//
// Records are written in batches, each with its history, its links and the run's
// checkpoint in one transaction. A run that was interrupted, or whose process
// died, is taken up by the next Run where its last checkpoint says. At the end of
// a complete read, and of no other, an integration may act on the records that
// the vendor no longer names, see [Absence].
//
// # What operators see
//
// Beside the log, a host may have spans and metrics through the API of
// OpenTelemetry, see [Options].TracerProvider and MeterProvider; package
// prometheus makes a page of the metrics without more. Nothing is told per
// record, and no value of a record: an error is told by its class, and the [Run]
// has its text.
//
// Each run, test runs included, is a span "run ID", with how it came to be, its
// counts and its status, and the events "wait", of the vendor's limits, and
// "restart". Below it are spans "fetch page", "decide batch" and "apply batch",
// the first thousand of each; what a transport or a store records goes below
// those that called it. Of a run that was interrupted and resumed, each part is a
// span.
//
// The metrics are about full runs, and have the attributes
// vendorsync.integration.id and vendorsync.connector.id:
//
//	vendorsync.runs              counter    runs that ended or were interrupted, by vendorsync.run.status
//	vendorsync.run.duration      histogram  seconds, by vendorsync.run.status
//	vendorsync.run.active        up-down    runs under way
//	vendorsync.run.last_success  gauge      the end of the last that succeeded, as Unix time
//	vendorsync.records           counter    records, by vendorsync.outcome: created, failed, ...
//	vendorsync.wait.time         counter    seconds of waits for the vendor's limits
//	vendorsync.step.duration     histogram  seconds, by vendorsync.step: fetch (a page), decide, apply (a batch)
//
// # Stores
//
// A host brings its own store by implementing [Store], and proves it with package
// storetest. What a store can do beyond that it says by implementing
// [LinkScanner], [KeyScanner], [Renewer], [SchemaEditor] or [Reader]. A host that
// has a table and no more gives two functions to [Sidecar].
package syncer
