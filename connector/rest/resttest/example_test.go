package resttest_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/vendorsync/vendorsync/connector/rest/resttest"
)

func Example() {
	s := &resttest.Server{
		Lists:  map[string]*resttest.List{"/users": {Form: resttest.Offsets, Records: "users", Items: resttest.Items(3), MaxSize: 2}},
		Faults: map[int]resttest.Fault{2: resttest.Status(http.StatusTooManyRequests, "Retry-After", "7")},
	}
	transport := s.Transport()
	defer func() { _ = transport.Close() }()
	client := &http.Client{Transport: transport}
	for range 2 {
		resp, err := client.Get("https://any.example/users?offset=2") //nolint:noctx // an example is brief
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Println(resp.StatusCode, resp.Header.Get("Retry-After"), string(body), err)
	}
	// Output:
	// 200  {"users": [{"id": "u3", "name": "Person 3", "number": 3.0}], "total": 3} <nil>
	// 429 7 {"error":"Too Many Requests"} <nil>
}
