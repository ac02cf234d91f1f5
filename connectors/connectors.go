// Package connectors gathers the connectors of this module.
//
//	registry, err := connectors.Registry()
//	if err != nil {
//		return err
//	}
//	s, err := syncer.New(store, syncer.Options{Registry: registry})
//
// A program that needs only some of them imports those and makes a registry of
// its own with [connector.NewRegistry], so that it links nothing else.
package connectors

import (
	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/files"
	"github.com/vendorsync/vendorsync/connectors/localhost"
)

// All returns every connector of this module, ordered by id. Each call makes new
// ones.
func All() []connector.Connector {
	return []connector.Connector{
		files.New(),
		localhost.New(),
	}
}

// Registry returns a registry of every connector of this module.
func Registry() (*connector.Registry, error) { return connector.NewRegistry(All()...) }
