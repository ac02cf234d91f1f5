package excerpt_test

import (
	"fmt"
	"strings"

	"github.com/vendorsync/vendorsync/internal/excerpt"
)

func ExampleOf() {
	fmt.Println(excerpt.Of("short"))
	fmt.Println(excerpt.Of(strings.Repeat("é", 61)))
	// Output:
	// short
	// éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé...
}
