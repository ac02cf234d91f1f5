// Package spill keeps more keys than memory should hold.
//
// A [Map] goes from 128-bit hashes to small byte strings. Up to a bound it is a
// plain map in memory; past it, the entries are sorted and written to temporary
// files, of which only a Bloom filter and a sparse index stay in memory: about
// a byte and a half for each key.
//
//	seen := spill.New(spill.Options{MaxInMemory: 1 << 20})
//	defer seen.Close()
//	err := seen.Put(key, nil)
//	...
//	known, err := seen.Has(key)
//
// A [Filter] answers the question whether a key is surely new, and stays in
// memory.
//
// Keys are taken to be the output of a good hash: their bits are used as they
// are.
package spill
