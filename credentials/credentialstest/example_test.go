package credentialstest_test

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/credentials/credentialstest"
)

func ExampleCheck() {
	open := func() (credentials.Keeper, error) { return &credentials.MemoryKeeper{}, nil } // yours, empty each time
	fmt.Println(credentialstest.Check(context.Background(), open))
	// Output: <nil>
}

func ExampleRules() {
	fmt.Println(credentialstest.Rules()[0])
	// Output: an empty keeper has nothing
}
