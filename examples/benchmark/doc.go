// Package benchmark measures the engine against a hand-written loop that brings
// the same records into one SQLite table with no mapping, policy, links, history
// or checkpoint:
//
//	go test ./examples/benchmark -bench . -benchtime 1x -records 100000
//
// The two run one after the other, each in a process of its own over a database
// of its own; ratio is the engine's rate over the loop's, and holds where the
// rates themselves drift with the machine.
package benchmark
