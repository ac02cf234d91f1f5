// Package mapping turns a vendor's records into rows of the target model.
//
// A [Schema] declares the target: objects, their fields, the type of each. A
// [Mapping] says how the records of one stream fill one of the objects: which
// field from which path, how dates are written, by which keys records are
// matched. It is data, from a configuration file or a stream's own default.
// [Compile] makes a [Program] of the two, and reports all faults of a mapping
// together:
//
//	program, err := mapping.Compile(mapping.Mapping{
//		Object: "assets",
//		Key:    "id",
//		Fields: []mapping.FieldMapping{
//			{To: "serial_number", From: "hardware.serial"},
//			{To: "last_seen_at", From: "lastSeen", Format: mapping.EpochMillis},
//			{To: "status", Value: "Active"},
//		},
//		SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
//		Children: []mapping.ChildMapping{{
//			Object: "software", From: "applications",
//			Fields: []mapping.FieldMapping{{To: "name", From: "name"}, {To: "version", From: "version"}},
//		}},
//	}, mapping.Standard(), mapping.Options{})
//
// A Program maps record by record into an [Out] that is used again and again:
//
//	var out mapping.Out
//	for _, record := range page.Records {
//		out.Reset()
//		if err := program.Map(record, &out); err != nil { ... }
//		// out.VendorID, out.Rows, out.Faults
//	}
//
// # Values
//
// A value is coerced to the declared type of its field and to no other: what
// comes as the text "5E10" or "007" for a text field stays as it is, and a number
// for a text field keeps its digits as the vendor wrote them. What does not fit
// the type is a [Fault] with the field, the value and the reason; it fails the
// record, never the run.
//
// A value that the record does not have is absent, and leaves the target alone. A
// value that is null, or empty, or a placeholder such as "To Be Filled By O.E.M."
// in an identifying field, is null, and clears the target. Where a part of a path
// is null, or a list is too short for an index, the value is null, too: the record
// says that there is nothing.
//
// # Speed
//
// A Program goes over the bytes of a record once, takes the mapped values out on
// the way and checks the JSON grammar of all of it. Values are views of the
// record's own bytes wherever they stand there as they are wanted. So a record
// must not be changed once it was mapped, as long as its values are in use.
package mapping
