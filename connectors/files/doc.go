// Package files reads records from files: CSV with a header row, NDJSON (one
// JSON object a line) and JSON arrays, plain or compressed with gzip, in UTF-8,
// UTF-16 or Windows-1252. It needs no credential.
//
//	src, err := files.New().Open(ctx, connector.Config{
//		Dir:      "/srv/exports",
//		Settings: connector.Settings{"path": {"devices-*.csv.gz"}},
//	})
//	if err != nil {
//		return err
//	}
//	defer src.Close()
//	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: "records"}) {
//		...
//	}
//
// Format, compression, encoding and delimiter are found out from the file
// itself where the settings do not say them. Memory is constant, whatever the
// size of a file, of a line or of a JSON document.
//
// A row of a CSV file becomes a JSON object of strings, so that the serial
// number 5E10 and the phone number 007 stay what they are. A record of a JSON
// file is passed on byte for byte.
//
// What cannot be read as a record is a Fault with its place, and reading goes
// on after it. What makes the rest of a file unreadable, such as a document
// that is cut off, is an error, so that a damaged file never looks like a
// complete one.
//
// A cursor is good as long as the files that the path names, their sizes, their
// times of modification and the settings stay the same.
package files
