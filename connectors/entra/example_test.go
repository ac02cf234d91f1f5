package entra_test

import (
	"fmt"

	"github.com/vendorsync/vendorsync/connectors/entra"
)

func Example() {
	spec := entra.New().Spec()
	fmt.Println(spec.Name)
	for _, stream := range spec.Streams {
		for _, p := range stream.Permissions {
			fmt.Printf("%s: %s %s\n", stream.Name, p.Name, p.Why)
		}
	}
	// Output:
	// Microsoft Entra ID
	// users: User.Read.All lists the users and their managers
	// users: AuditLog.Read.All shows the last sign-in; unknown without User.Read.All
	// users: User-LifeCycleInfo.Read.All shows the leave date; unknown without User.Read.All
	// devices: Device.Read.All lists the devices
	// devices: User.Read.All names the registered owner
}
