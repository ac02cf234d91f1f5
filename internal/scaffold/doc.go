// Package scaffold writes the beginning of a connector on connector/rest: a
// package that compiles, whose conformance test passes, and whose vendor is an
// example to be replaced by the real one.
//
//	place, err := scaffold.Locate(scaffold.Where{}, "acme")
//	if err != nil {
//		return err
//	}
//	files, err := scaffold.Connector{ID: "acme", ImportPath: place.ImportPath}.Files()
//	if err != nil {
//		return err
//	}
//	err = place.Write(files)
//
// The package uses the standard library alone.
package scaffold
