package rest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
)

// A host has one set of limiters, and gives each integration those of its
// connector and credential.
func ExampleLimiters() {
	var limiters rest.Limiters
	laptops := connector.Config{Limiter: limiters.For("acme", "read-only-token")}
	people := connector.Config{Limiter: limiters.For("acme", "read-only-token")}
	others := connector.Config{Limiter: limiters.For("acme", "another-token")}

	all := connector.RateLimit{Name: "requests", Requests: 100, Per: time.Minute}
	fmt.Println("laptops and people share one:", laptops.Limiter(all) == people.Limiter(all))
	fmt.Println("the other token has its own:", laptops.Limiter(all) != others.Limiter(all))
	fmt.Println("a request may be sent now:", laptops.Limiter(all).Wait(context.Background()) == nil)
	// Output:
	// laptops and people share one: true
	// the other token has its own: true
	// a request may be sent now: true
}
