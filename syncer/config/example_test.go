package config_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/vendorsync/vendorsync/connectors"
	"github.com/vendorsync/vendorsync/mapping"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
	"github.com/vendorsync/vendorsync/syncer/memory"
)

func Example() {
	ctx := context.Background()
	registry, err := connectors.Registry()
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := config.Parse([]byte(`
integrations:
  - name: Laptops
    connector: files
    settings: {path: devices.csv}
    object: assets
    mapping:
      fields:
        - {to: serial_number, from: Serial}
      sync_keys: [serial_number]
`), config.Options{Name: "vendorsync.yaml", Registry: registry})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := syncer.New(memory.New(memory.Options{}), syncer.Options{Registry: registry, Dir: file.Dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := config.Apply(ctx, s, file, "ada"); err != nil {
		fmt.Println(err)
		return
	}
	missing, err := s.Missing(ctx, "laptops")
	fmt.Println(missing, err)
	// Output:
	// [an integration user, to whom the changes are attributed (integration_user)] <nil>
}

func ExampleParse_faults() {
	_, err := config.Parse([]byte(`
integrations:
  - id: laptops
    connector: files
    polcy: create-only
    launch: soon
`), config.Options{Name: "vendorsync.yaml"})
	var faults *config.Error
	if errors.As(err, &faults) {
		for _, p := range faults.Problems {
			fmt.Println(p)
		}
	}
	// Output:
	// 5:5: integrations[0].polcy: there is no key "polcy" here; did you mean "policy"?
	// 6:13: integrations[0].launch: must be true or false, not "soon"
}

func ExampleSet() {
	before := []byte(`integrations:
  - id: laptops
    connector: files
    policy: create-and-update  # the default
`)
	after, err := config.Set(before, "laptops", config.Options{}, config.Assignment{Key: "policy", Value: "create-only"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", after)
	// Output:
	// integrations:
	//   - id: laptops
	//     connector: files
	//     policy: create-only  # the default
}

func ExampleSetMapping() {
	before := []byte(`integrations:
  - id: laptops
    connector: files
    mapping:
      fields:
        - {to: serial_number, from: serial}
        - {to: model, from: model}  # as the vendor writes it
`)
	after, err := config.SetMapping(before, "laptops", config.Options{}, config.MappingEdit{
		Set:      []mapping.FieldMapping{{To: "model", From: "{{ model | title }}"}},
		SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", after)
	// Output:
	// integrations:
	//   - id: laptops
	//     connector: files
	//     mapping:
	//       fields:
	//         - {to: serial_number, from: serial}
	//         - {to: model, from: '{{ model | title }}'}  # as the vendor writes it
	//       sync_keys: [serial_number]
}

func ExampleSetTop() {
	after, err := config.SetTop([]byte("store: memory\n"), config.Options{}, config.Assignment{Key: "precedence.assets", Value: "jamf, intune"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", after)
	// Output:
	// store: memory
	// precedence: {assets: [jamf, intune]}
}
