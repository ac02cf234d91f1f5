// Package connectortest holds connectors to their contract, in the manner of
// testing/fstest, and brings a fake connector for the tests of those who use
// connectors.
//
// An author of a connector runs the suite over it, best against a server of
// recorded answers:
//
//	func TestConformance(t *testing.T) {
//		connectortest.Run(t, acme.Connector{}, connectortest.Options{
//			Config:     connector.Config{Settings: connector.Settings{"url": {server.URL}}},
//			MinRecords: 3,
//		})
//	}
//
// Each [Rule] is a subtest and a sentence of the contract; [Check] does the same
// outside of a test and returns the violations as one error. The suite knows a
// connector by its interface alone, so that a proxy that stands for a connector
// elsewhere is held to the same rules.
//
// [Rows] shows what a stream's default mapping makes of records, and [GoldenRows]
// compares that with a file.
//
// A [Fake] is scripted: it yields the records it was given or makes them by the
// million, slowly if told to, with resume points or without, and at a given page
// fails, panics, repeats itself, stops or hangs. Its zero value works:
//
//	fake := &connectortest.Fake{
//		Records:  records,
//		PageSize: 100,
//		Script:   map[int]connectortest.Step{3: {Err: connector.ErrUnavailable, Times: 1}},
//	}
//
// [Devices] makes a Fake of plausible device records, the same ones for the same
// seed on every machine.
package connectortest
