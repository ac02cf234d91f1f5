package scaffold_test

import (
	"fmt"
	"strings"

	"github.com/vendorsync/vendorsync/internal/scaffold"
)

// A connector for a vendor whose list follows a cursor and whose users send a
// token: all the code that there is beside the Spec.
func Example() {
	files, err := scaffold.Connector{ID: "acme-fleet", ImportPath: "example.com/inventory/acmefleet"}.Files()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range files {
		fmt.Println(f.Name)
	}
	_, streams, _ := strings.Cut(string(files[2].Data), "Streams:")
	fmt.Println("\nStreams:" + streams)
	// Output:
	// doc.go
	// spec.go
	// acmefleet.go
	// acmefleet_test.go
	// example_test.go
	// testdata/devices.json
	// testdata/rows_devices.json
	//
	// Streams: map[string]rest.Stream{
	// 			DevicesStream: {
	// 				Path:     "/devices",
	// 				Records:  "results",
	// 				Paging:   rest.Cursor{Param: "cursor", Path: "next", Size: "limit"},
	// 				PageSize: 100, // the most that Acme Fleet allows
	// 			},
	// 		},
	// 	})
	// }
}
