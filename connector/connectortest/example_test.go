package connectortest_test

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

func ExampleFake() {
	fake := &connectortest.Fake{
		Count:    5,
		Generate: func(i int) connector.Record { return fmt.Appendf(nil, `{"id":%d}`, i) },
		PageSize: 2,
		Script: map[int]connectortest.Step{
			1: {Err: connector.Errorf(connector.ErrRateLimited, "list records", "slow down"), Times: 1},
		},
	}
	ctx := context.Background()
	src, err := fake.Open(ctx, connector.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	read := func(from connector.Cursor) (next connector.Cursor) {
		for page, err := range connector.Pages(ctx, src, connector.Request{Stream: "records", Cursor: from}) {
			if err != nil {
				fmt.Println(err)
				return next
			}
			fmt.Println(page.Records, page.Last)
			next = page.Next
		}
		return next
	}
	read(read(""))
	// Output:
	// [{"id":0} {"id":1}] false
	// list records: slow down [rate_limited: run it later or less often]
	// [{"id":2} {"id":3}] false
	// [{"id":4}] true
}

func ExampleCheck() {
	forgetful := &connectortest.Fake{
		Records:  []connector.Record{[]byte(`{"id":1}`), []byte(`{"id":1}`)},
		Describe: func(s *connector.Spec) { s.Summary = "" },
	}
	err := connectortest.Check(context.Background(), forgetful, connectortest.Options{MinRecords: 2})
	fmt.Println(err)
	// Output:
	// rule "the spec names the connector and its streams" is broken: the name or the summary is empty
	// rule "a vendor id comes once in a read" is broken by stream "records": records 1 and 2 both have the id "1"
}

func ExampleDevices() {
	fake := connectortest.Devices(1_000_000, 1, connectortest.DeviceOptions{})
	src, err := fake.Open(context.Background(), connector.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	records := 0
	for page, err := range src.Read(context.Background(), connector.Request{Stream: "devices", Cursor: "offset:999700"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		records += len(page.Records)
	}
	fmt.Println(records)
	// Output: 300
}
