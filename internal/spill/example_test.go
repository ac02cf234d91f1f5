package spill_test

import (
	"crypto/sha256"
	"fmt"

	"github.com/vendorsync/vendorsync/internal/spill"
)

func keyOf(s string) spill.Key {
	sum := sha256.Sum256([]byte(s))
	return spill.Key(sum[:16])
}

func ExampleMap() {
	first := spill.New(spill.Options{MaxInMemory: 2}) // spills at the third
	defer func() {
		if err := first.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	for place, word := range []string{"to", "be", "or", "not", "to", "be"} {
		known, err := first.Has(keyOf(word))
		if err != nil {
			fmt.Println(err)
			return
		}
		if known {
			continue
		}
		if err := first.Put(keyOf(word), []byte{byte(place)}); err != nil {
			fmt.Println(err)
			return
		}
	}
	place, ok, err := first.Get(keyOf("or"))
	fmt.Println(first.Len(), place, ok, err)
	// Output: 4 [2] true <nil>
}

func ExampleFilter() {
	f := spill.NewFilter(1000)
	f.Add(keyOf("serial_number\x1fC02XK1"))
	fmt.Println(f.MayHave(keyOf("serial_number\x1fC02XK1")), f.MayHave(keyOf("serial_number\x1fC02XK2")))
	// Output: true false
}
