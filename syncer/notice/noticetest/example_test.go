package noticetest_test

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/syncer/notice"
	"github.com/vendorsync/vendorsync/syncer/notice/noticetest"
)

func ExampleCheck() {
	open := func() (notice.Troubles, error) { return &notice.Memory{}, nil } // yours, empty each time
	fmt.Println(noticetest.Check(context.Background(), open))
	// Output: <nil>
}

func ExampleRules() {
	fmt.Println(noticetest.Rules()[0])
	// Output: an empty store has nothing
}
