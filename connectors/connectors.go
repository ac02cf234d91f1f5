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
	"github.com/vendorsync/vendorsync/connectors/entra"
	"github.com/vendorsync/vendorsync/connectors/files"
	"github.com/vendorsync/vendorsync/connectors/jamf"
	"github.com/vendorsync/vendorsync/connectors/ldap"
	"github.com/vendorsync/vendorsync/connectors/localhost"
	"github.com/vendorsync/vendorsync/connectors/okta"
	"github.com/vendorsync/vendorsync/connectors/scim"
	"github.com/vendorsync/vendorsync/connectors/slack"
)

// All returns every connector of this module, ordered by id. Each call makes new
// ones.
func All() []connector.Connector {
	return []connector.Connector{
		entra.New(),
		files.New(),
		jamf.New(),
		ldap.New(),
		localhost.New(),
		okta.New(),
		scim.New(),
		slack.New(),
	}
}

// Registry returns a registry of every connector of this module.
func Registry() (*connector.Registry, error) { return connector.NewRegistry(All()...) }
