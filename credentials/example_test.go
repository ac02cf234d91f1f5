package credentials_test

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/credentials"
)

func ExampleEnvResolver() {
	environment := map[string]string{"OKTA_TOKEN": "00abcdef", "HOME": "/root"}
	resolver := credentials.EnvResolver{
		Allow: []string{"OKTA_*"},
		Lookup: func(name string) (string, bool) { // os.LookupEnv if left out
			value, ok := environment[name]
			return value, ok
		},
	}
	ctx := context.Background()
	const reference = "env:OKTA_TOKEN" // as it stands in a configuration file
	ref := credentials.Ref{ID: "okta", Kind: credentials.APIToken, Values: map[string]string{"token": reference}}
	c, err := resolver.Resolve(ctx, ref)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Value("token"), c.Value("token").Reveal())

	ref.Values["token"] = "env:HOME"
	_, err = resolver.Resolve(ctx, ref)
	fmt.Println(err)
	// Output:
	// ******** 00abcdef
	// credential "okta", token: the host does not allow reading the variable HOME
}

func ExampleSecret() {
	settings := struct {
		User  string
		Token credentials.Secret
	}{"ada", credentials.NewSecret("hunter2")}
	fmt.Printf("%+v\n", settings)
	// Output: {User:ada Token:********}
}

func ExampleKind_Fields() {
	required, optional := credentials.AuthorizationCode.Fields()
	fmt.Println(required, optional)
	// Output: [client_id refresh_token] [client_secret scope auth_url token_url client_auth ca]
}

func ExampleKind_Form() {
	for _, f := range credentials.APIToken.Form() {
		if !f.Advanced {
			fmt.Printf("%s (secret: %t, required: %t): %s\n", f.Label, f.Secret, f.Required, f.Help)
		}
	}
	// Output: Token (secret: true, required: true): The token or API key as the vendor shows it.
}
