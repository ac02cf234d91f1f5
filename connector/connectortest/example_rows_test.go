package connectortest_test

import (
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

func ExampleRows() {
	people := connector.Stream{
		Name: "people", Object: "users", Key: "id",
		Mapping: connector.DefaultMapping{
			Fields: []connector.DefaultField{
				{To: "username", From: "login"},
				{To: "email", From: "{{ login ~ '@example.com' }}"},
				{To: "status", From: "state", Values: map[string]string{"ENABLED": "active", "LOCKED": "suspended"}, Unlisted: "fault"},
				{To: "role", Default: "Employee"},
			},
			SyncKeys: []string{"username"},
		},
	}
	rows, err := connectortest.Rows(people,
		connector.Record(`{"id": 1, "login": "ada", "state": "enabled"}`),
		connector.Record(`{"id": 2, "login": "bob", "state": "GONE"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(rows))
	// Output:
	// [
	//   {
	//     "id": "1",
	//     "users": [
	//       {
	//         "email": "ada@example.com",
	//         "status": "active",
	//         "username": "ada"
	//       }
	//     ]
	//   },
	//   {
	//     "faults": [
	//       "status \"GONE\": is not in the table of values; add it or say what becomes of unlisted ones (otherwise)"
	//     ],
	//     "id": "2",
	//     "users": [
	//       {
	//         "email": "bob@example.com",
	//         "username": "bob"
	//       }
	//     ]
	//   }
	// ]
}
