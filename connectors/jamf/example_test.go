package jamf_test

import (
	"fmt"

	"github.com/vendorsync/vendorsync/connectors/jamf"
)

func Example() {
	spec := jamf.New().Spec()
	fmt.Println(spec.Name)
	for _, method := range spec.Auth {
		fmt.Println("sign in with:", method.Label)
	}
	for _, stream := range spec.Streams {
		fmt.Printf("%s fills %s and needs %q\n", stream.Name, stream.Object, stream.Permissions[0].Name)
	}
	// Output:
	// Jamf Pro
	// sign in with: API client
	// sign in with: Standard account
	// computers fills assets and needs "Read Computers"
	// mobile_devices fills assets and needs "Read Mobile Devices"
}
