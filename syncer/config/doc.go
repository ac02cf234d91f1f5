// Package config reads integrations from a YAML file and brings a
// [syncer.Syncer] in line with it. The vendorsync command is built on it; a
// host program can use the same file.
//
//	registry, err := connectors.Registry()
//	...
//	file, err := config.Load("vendorsync.yaml", config.Options{Registry: registry})
//	if err != nil {
//		return err // a *config.Error: every fault with its line
//	}
//	s, err := syncer.New(store, syncer.Options{Registry: registry, Dir: file.Dir})
//	...
//	if _, err := config.Apply(ctx, s, file, "ops@example.com"); err != nil {
//		return err
//	}
//	run, err := s.Run(ctx, "laptops", syncer.RunOptions{})
//
// A file looks like this; what is left out takes the stream's own defaults:
//
//	store: sqlite:inventory.db
//	integrations:
//	  - id: laptops
//	    name: Laptops
//	    connector: files
//	    settings: {path: devices.ndjson, key: id}
//	    object: assets
//	    integration_user: it-sync@example.com
//	    launch: true
//	    mapping:
//	      fields:
//	        - {to: serial_number, from: serial_number}
//	        - {to: device_name, from: name}
//	      sync_keys: [serial_number]
//
// A line of a mapping can say more than a path, and an entry more than a mapping:
//
//	precedence:
//	  assets: {order: [fleet, laptops], silent_after: 30d}
//	integrations:
//	  - id: laptops
//	    ...
//	    filter: "{{ record.state != 'retired' }}"
//	    ignore_unseen: 90d
//	    mapping:
//	      fields:
//	        serial_number: hardware.serial
//	        device_name: "{{ record.user.first ~ 's ' ~ record.model | title }}"
//	        os_name: {from: os, values: {OSX: macOS}, otherwise: Other}
//
// [JSONSchema] describes the file to editors; it is made of the same table of
// keys that the parser reads by. [Set], [SetMapping], [SetTop] and [Add] change a
// file's text and leave its comments and layout alone.
package config
