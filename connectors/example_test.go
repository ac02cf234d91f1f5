package connectors_test

import (
	"fmt"

	"github.com/vendorsync/vendorsync/connectors"
)

func Example() {
	registry, err := connectors.Registry()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range registry.Search("spreadsheet") {
		fmt.Println(c.Spec().ID, "-", c.Spec().Name)
	}
	// Output:
	// files - CSV and JSON files
}
