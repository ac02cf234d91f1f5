package files_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/files"
)

func Example() {
	dir, err := os.MkdirTemp("", "files")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	content := "Serial Number;Name\n5E10;Ann's laptop\n0042;Ben's, Cara's\n0043;15\" screen\n"
	if err := os.WriteFile(filepath.Join(dir, "devices.csv"), []byte(content), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	src, err := files.New().Open(ctx, connector.Config{
		Dir:      dir,
		Settings: connector.Settings{"path": {"devices.csv"}, "key": {"Serial Number"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()
	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: "records"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, rec := range page.Records {
			fmt.Println(rec)
		}
		for _, fault := range page.Faults {
			fmt.Println(fault.Err)
		}
	}
	// Output:
	// {"Serial Number":"5E10","Name":"Ann's laptop"}
	// {"Serial Number":"0042","Name":"Ben's, Cara's"}
	// line 4, column 8: a quote stands inside a cell that does not begin with one [malformed: enclose the cell in quotes and double each quote inside it]
}

func Example_discover() {
	dir, err := os.MkdirTemp("", "files")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	content := `{"results": [{"id": 7, "user": {"last.login": "2025-10-30", "groups": ["a", "b"]}}], "next": null}`
	if err := os.WriteFile(filepath.Join(dir, "users.json"), []byte(content), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	src, err := files.New().Open(ctx, connector.Config{
		Dir:      dir,
		Settings: connector.Settings{"path": {"users.json"}, "records": {"results"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()
	if d, ok := src.(connector.Discoverer); ok {
		fields, err := d.Discover(ctx, "records")
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, f := range fields {
			fmt.Println(f.Path, f.Type, f.Example)
		}
	}
	// Output:
	// id number 7
	// user['last.login'] string 2025-10-30
	// user.groups list ["a", "b"]
}
