package localhost_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/localhost"
)

// The asset stream is one record. Here it is that of a disk image; a Connector
// from New alone reads the machine it runs on.
func Example() {
	ctx := context.Background()
	c := localhost.New()
	c.Root = filepath.Join("testdata", "ubuntu-laptop")
	src, err := c.Open(ctx, connector.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()

	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: localhost.AssetStream}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, rec := range page.Records {
			var a struct {
				ID, Name, Model string
				Applications    []struct{ Name, Version string }
			}
			if err := json.Unmarshal(rec, &a); err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(a.ID, a.Name, a.Model, a.Applications)
		}
	}
	// Output: 5CG1234XYZ Ada's "big" laptop Latitude 7440 [{curl 8.5.0-2ubuntu10.6}]
}

// The people stream has the accounts that people log in with.
func Example_people() {
	ctx := context.Background()
	c := localhost.New()
	c.Root = filepath.Join("testdata", "debian-vm")
	src, err := c.Open(ctx, connector.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()

	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: localhost.PeopleStream}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, rec := range page.Records {
			var p struct{ Email, Status string }
			if err := json.Unmarshal(rec, &p); err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(p.Email, p.Status)
		}
		for _, f := range page.Faults {
			fmt.Println(f.Place)
		}
	}
	// Output:
	// ada@deb-web-01 active
	// gottfried@deb-web-01 active
	// emmy@deb-web-01 inactive
	// line 9
	// line 11
}
