package path_test

import (
	"fmt"

	"github.com/vendorsync/vendorsync/internal/path"
)

func ExampleParse() {
	p, err := path.Parse("addresses[-1]['postal.code']")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range p {
		if step.IsIndex {
			fmt.Println("item", step.Index)
		} else {
			fmt.Println("member", step.Key)
		}
	}
	_, err = path.Parse("addresses[.city")
	fmt.Println(err)
	// Output:
	// member addresses
	// item -1
	// member postal.code
	// path "addresses[.city", column 11: neither an index nor a quoted key; write [0], [-1] or ['key']
}
