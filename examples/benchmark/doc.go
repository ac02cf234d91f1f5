// Package benchmark measures the engine side by side with what would be written
// by hand, each in a process of its own over a database of its own:
//
//	go test ./examples/benchmark -bench . -benchtime 1x -records 100000 -rounds 5
//
// BenchmarkSync reads a file. Beside the engine runs a hand-written loop that
// brings the same records into one SQLite table with no mapping, policy, links,
// history or checkpoint.
//
// BenchmarkHTTP reads a vendor's server page by page. Beside the engine runs the
// script that an administrator writes in Python, one guarded upsert a page, if
// VENDORSYNC_SHARED names the folder that has bench/admin_script.py and the
// vendor's server, bench/vendor. Without it the engine runs alone, against a
// server of the benchmark's own.
//
// The metric ratio is the engine's rate over the other's, and holds where the
// rates themselves drift with the machine. Of several rounds the median counts.
package benchmark
