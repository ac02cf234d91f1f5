package connector_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
)

// A vendor whose answer says where its next page is.
func ExamplePaginate() {
	answers := map[connector.Cursor]connector.Page{
		"":      {Records: []connector.Record{[]byte(`{"id":1}`), []byte(`{"id":2}`)}, Next: "page2"},
		"page2": {Records: []connector.Record{[]byte(`{"id":3}`)}, Last: true},
	}
	pages := connector.Paginate(context.Background(), "", func(_ context.Context, c connector.Cursor) (connector.Page, error) {
		page, ok := answers[c]
		if !ok {
			return page, connector.Errorf(connector.ErrCursor, "list devices", "there is no page %q", c)
		}
		return page, nil
	})
	for page, err := range pages {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(page.Records, page.Last)
	}
	// Output:
	// [{"id":1} {"id":2}] false
	// [{"id":3}] true
}

func ExampleErrorf() {
	err := connector.Errorf(connector.ErrPermission, "list devices", "403 Forbidden")
	fmt.Println(err)
	fmt.Println(errors.Is(err, connector.ErrPermission))
	// Output:
	// list devices: 403 Forbidden [permission: grant the permission to the credential at the vendor]
	// true
}

func ExampleSpec_Resolve() {
	spec := connector.Spec{ID: "acme", Settings: []connector.Setting{
		{Name: "url", Label: "Server address", Required: true},
		{Name: "page_size", Type: connector.Integer, Default: "200"},
	}}
	settings, err := spec.Resolve(connector.Settings{"url": {"https://acme.example"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(settings.Get("url"), settings.Int("page_size"))

	_, err = spec.Resolve(connector.Settings{"page_size": {"many"}})
	fmt.Println(err)
	// Output:
	// https://acme.example 200
	// settings of acme: page_size: "many" is not a whole number
	// url: is required (Server address) [invalid_config: correct the setting]
}

func ExampleRegistry_Search() {
	registry, err := connector.NewRegistry(
		entry{ID: "jamf", Name: "Jamf Pro", Category: "device management"},
		entry{ID: "okta", Name: "Okta", Category: "identity"},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range registry.Search("device") {
		fmt.Println(c.Spec().ID, "-", c.Spec().Name)
	}
	// Output: jamf - Jamf Pro
}
