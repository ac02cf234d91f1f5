// Package memory is a store that keeps everything in the process's memory: for
// tests, for trying things out, and as the worked example for a host that brings
// its own store.
//
//	store := memory.New(memory.Options{})
//	s, err := syncer.New(store, syncer.Options{Registry: connectors})
//
// It implements [syncer.Store] and every optional ability beside it. A host whose
// records live in a database reads it from the inside out: tx.go is its
// transaction, table.go its tables and their indexes, links.go what it remembers
// about vendor ids, apply.go the batch, match.go the look-ups. The rest is an
// ability to a file: trace.go tells where values come from, what waits, and what a
// run did, merge.go makes two records one, and two of one again, keys.go makes
// custom fields unique, keeper.go keeps what a [credentials.Vault] seals; the
// [syncer.Journal] is plain keeping of records.
//
// Records can be changed from outside of a run, too, as people and programs do:
// see [Store.Insert], [Store.Edit], [Store.Archive], [Store.Restore] and
// [Store.Delete].
//
// It is meant for up to some hundred thousand records; a look-up never scans, but
// every value is held as a Go value.
package memory
