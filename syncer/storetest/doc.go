// Package storetest proves a [syncer.Store].
//
// A host that brings its own store runs the suite in its tests. Each rule is one
// sentence of the contracts of package syncer, in a subtest of its own:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t testing.TB) syncer.Store {
//			s, err := mystore.Open(filepath.Join(t.TempDir(), "test.db"))
//			if err != nil {
//				t.Fatal(err)
//			}
//			t.Cleanup(func() { s.Close() })
//			return s
//		})
//	}
//
// open is called for each rule and returns a store without records, links,
// leases or runs. The store's schema must have the objects and fields of
// [mapping.Standard]; it may have more. [Check] does the same without the testing
// package, and joins what it finds as [Violation] values.
//
// Every store must keep the rules of the part "store": leases, batches, units,
// values, look-ups, links, references, and many callers at a time. The abilities
// that a store may have besides have a part each, which is tested if the store
// implements the interface, and reported as unsupported if not, see
// [Unsupported]:
//
//	link-scanner         syncer.LinkScanner
//	key-scanner          syncer.KeyScanner
//	renewer              syncer.Renewer
//	schema-editor        syncer.SchemaEditor
//	reader               syncer.Reader
//	journal              syncer.Journal
//	reference-scanner    syncer.ReferenceScanner
//	tracer               syncer.Tracer
//	run-reader           syncer.RunReader
//	merger               syncer.Merger
//	key-editor           syncer.KeyEditor
//	precedence-keeper    syncer.PrecedenceKeeper
//
// A rule about two abilities, as that a merge stands in history, is tested of a
// store that has both, and reported as unsupported otherwise.
//
// A single rule is run by its name:
//
//	go test -run TestStore/store/unit-atomic
//
// What the suite cannot see, since it reaches a store through its interfaces
// alone: that a write from outside of a run, by a person or another program,
// makes the links to the record stale too, and is the origin of the values; that a
// deleted record is found no more, by its links neither, that its history stays,
// and that a reference which meant it waits again; and that what is written
// survives the end of the process.
package storetest
