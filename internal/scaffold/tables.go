package scaffold

// An object is a target object that a connector's list may fill.
type object struct {
	Name      string
	Label     string
	Stream    string // what the list is called by default
	Category  string // of the connector
	Sensitive string // the field that leaves the connector only if it is mapped
}

var objects = []object{
	{Name: "assets", Label: "Assets", Stream: "devices", Category: "device management", Sensitive: "unlock_pin"},
	{Name: "users", Label: "Users", Stream: "users", Category: "identity", Sensitive: "date_of_birth"},
}

// An auth is a way of proving who asks, with the code that it takes. Doc and Help
// are templates themselves.
type auth struct {
	Name      string // the kind of credential
	Kind      string // its name in Go
	Label     string
	Doc       string // what to create at the vendor, as lines of a comment
	Help      string // the same, for a form
	Code      string // the entry of the API
	Test      string // what tells the right credential in a test
	Account   string // the credential's value that is no secret; empty for none
	Secret    string // the one that is
	Exchanged bool   // it is exchanged for a token first
}

var auths = []auth{
	{
		Name: "api_token", Kind: "APIToken", Label: "API token",
		Doc: `// An API token that has the right <<.Stream>>:read, under Administration, API
// tokens. It is shown once.
//
`,
		Help: "Create an API token with the right <<.Stream>>:read under Administration, API tokens.",
		Code: `credentials.APIToken: rest.Bearer(),`,
		Test: `resttest.Bearer(good)`, Secret: "token",
	},
	{
		Name: "basic", Kind: "Basic", Label: "User name and password",
		Doc: `// An account of its own, under Administration, Accounts, whose role has the right
// <<.Stream>>:read and no other.
//
`,
		Help: "Create an account with the right <<.Stream>>:read under Administration, Accounts.",
		Code: `credentials.Basic: rest.BasicAuth("{username}", "{password}"),`,
		Test: `resttest.Basic("reader", good)`, Account: "username", Secret: "password",
	},
	{
		Name: "client_credentials", Kind: "ClientCredentials", Label: "OAuth 2.0 client",
		Doc: `// A client for the client credentials grant, under Administration, API clients,
// with the right <<.Stream>>:read. Its secret is shown once.
//
`,
		Help: "Create a client with the right <<.Stream>>:read under Administration, API clients.",
		Code: `credentials.ClientCredentials: rest.OAuthToken(rest.OAuth{TokenURL: "/oauth/token", Style: rest.InForm}), //nolint:gosec // an address, no secret`,
		Test: `resttest.Bearer(accessToken)`, Account: "client_id", Secret: "client_secret", Exchanged: true,
	},
}

// A paging is a way in which a list comes in pages, with the code that it takes.
type paging struct {
	Name    string
	Records string // the path of the records in the answer; empty if they are the answer
	Code    string // the paginator
	Test    string // the list of the server that the tests ask
	Total   string // the member that counts all records; empty if nothing asks for it
	Pages   string // the queries of 250 records, 100 a page
}

var pagings = []paging{
	{
		Name: "cursor", Records: "results",
		Code:  `rest.Cursor{Param: "cursor", Path: "next", Size: "limit"}`,
		Test:  `Form: resttest.Cursors, Records: "results"`,
		Pages: `"?limit=100", "?cursor=c100&limit=100", "?cursor=c200&limit=100"`,
	},
	{
		Name:  "link",
		Code:  `rest.LinkHeader{Size: "limit"}`,
		Test:  `Form: resttest.Links`,
		Pages: `"?limit=100", "?after=c100&limit=100", "?after=c200&limit=100"`,
	},
	{
		Name: "page", Records: "results", Total: "total",
		Code:  `rest.PageNumber{Param: "page", First: 1, Size: "limit", Total: "total"}`,
		Test:  `Form: resttest.Pages, First: 1, Records: "results"`,
		Pages: `"?limit=100&page=1", "?limit=100&page=2", "?limit=100&page=3"`,
	},
	{
		Name: "offset", Records: "results", Total: "total",
		Code:  `rest.Offset{Param: "offset", Size: "limit", Total: "total"}`,
		Test:  `Form: resttest.Offsets, Records: "results"`,
		Pages: `"?limit=100&offset=0", "?limit=100&offset=100", "?limit=100&offset=200"`,
	},
	{
		Name: "next", Records: "results",
		Code:  `rest.NextURL{Path: "next", Size: "limit"}`,
		Test:  `Form: resttest.NextURLs, Records: "results"`,
		Pages: `"?limit=100", "?after=c100&limit=100", "?after=c200&limit=100"`,
	},
}
