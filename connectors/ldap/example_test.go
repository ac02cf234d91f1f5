package ldap_test

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/ldap"
	"github.com/vendorsync/vendorsync/credentials"
)

// A password does not travel in the clear: without TLS the connector does not
// open. Its Spec says what to set.
func Example() {
	spec := ldap.New().Spec()
	settings, err := spec.Resolve(connector.Settings{"url": {"ldap://dc1.corp.example.com"}, "start_tls": {"false"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	credential := credentials.Credential{Kind: credentials.Basic, Values: map[string]credentials.Secret{
		"username": credentials.NewSecret("reader@corp.example.com"),
		"password": credentials.NewSecret("correct horse"),
	}}
	_, err = ldap.New().Open(context.Background(), connector.Config{Settings: settings, Credential: credentials.Static(credential)})
	fmt.Println(err)

	settings["start_tls"] = []string{"true"}
	src, err := ldap.New().Open(context.Background(), connector.Config{Settings: settings, Credential: credentials.Static(credential)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()
	for _, stream := range spec.Streams {
		fmt.Println(stream.Name, "fill", stream.Object)
	}
	// Output:
	// open ldap: the password would be sent to ldap://dc1.corp.example.com for everyone to read [invalid_config: set start_tls to true, or use an address that begins with ldaps://]
	// users fill users
	// computers fill assets
}
