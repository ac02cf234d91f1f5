package credentials

import "slices"

// A Kind is a way of proving who asks.
type Kind string

// The kinds of credential. [Kind.Form] says what each is made of.
const (
	None              Kind = "none"               // the vendor asks for nothing: a file, this machine
	APIToken          Kind = "api_token"          // a token in a header or a query parameter
	Basic             Kind = "basic"              // user name and password with each request
	ClientCredentials Kind = "client_credentials" // OAuth 2.0 for an application, RFC 6749 section 4.4
	AuthorizationCode Kind = "authorization_code" // OAuth 2.0 with a person's consent, RFC 6749 section 4.1
	JWTBearer         Kind = "jwt_bearer"         // OAuth 2.0 for a service account that signs, RFC 7523
	Password          Kind = "password"           // OAuth 2.0 with a person's password, RFC 6749 section 4.3
	Session           Kind = "session"            // user name and password, exchanged for a session
	AWS               Kind = "aws"                // access keys that sign each request
	MutualTLS         Kind = "mutual_tls"         // a client certificate
)

// A Field is one value that a credential is made of, with all that a form or a
// prompt needs to ask for it.
type Field struct {
	Name      string   // its key in Credential.Values
	Label     string   // for people
	Help      string   // one sentence
	Default   string   // what an empty value means; empty if the connector knows
	Choices   []string // the allowed values; empty for any
	Required  bool
	Secret    bool // asked for without echo, and never shown
	MultiLine bool // a text of several lines, such as PEM
	// Advanced marks what a vendor's own connector knows by itself: a form shows it
	// on request only.
	Advanced bool
	// Obtained marks what logging in at the vendor brings, so that nobody types it.
	Obtained bool
}

// A kindInfo is what there is to say of a kind.
type kindInfo struct {
	kind   Kind
	label  string
	help   string
	fields []Field
}

// Fields that several kinds have.
var (
	username     = Field{Name: "username", Label: "User name", Help: "The name of the account that reads.", Required: true}
	password     = Field{Name: "password", Label: "Password", Help: "The password of that account.", Required: true, Secret: true}
	clientID     = Field{Name: "client_id", Label: "Client ID", Help: "The id of the application registered at the vendor.", Required: true}
	clientSecret = Field{Name: "client_secret", Label: "Client secret", Help: "The secret of that application.", Required: true, Secret: true}
	scope        = Field{Name: "scope", Label: "Scope", Help: "The permissions to ask for, separated by spaces.", Advanced: true}
	tokenURL     = Field{Name: "token_url", Label: "Token URL", Help: "Where access tokens are fetched.", Advanced: true}
	clientAuth   = Field{
		Name: "client_auth", Label: "Client authentication", Advanced: true, Choices: []string{"header", "body"},
		Help: "Whether client id and secret go to the token URL as a Basic header or in the body.",
	}
	// trusted may accompany any kind.
	trusted = Field{
		Name: "ca", Label: "Certificates to trust", MultiLine: true, Advanced: true,
		Help: "PEM certificates of a server, or of the authority that issued its certificate, to trust beside the system's.",
	}
)

// optional returns f as a field that may be left out.
func optional(f Field) Field {
	f.Required = false
	return f
}

// kinds are all kinds in their order.
var kinds = []kindInfo{
	{None, "None", "The vendor asks for nothing.", nil},
	{APIToken, "API token", "A token made at the vendor and sent with each request.", []Field{
		{Name: "token", Label: "Token", Help: "The token or API key as the vendor shows it.", Required: true, Secret: true},
		{Name: "in", Label: "Sent in", Help: "Whether the token goes into a header or a query parameter.", Choices: []string{"header", "query"}, Advanced: true},
		{Name: "name", Label: "Header or parameter", Help: "The name of that header or parameter, such as Authorization or x-api-key.", Advanced: true},
		{Name: "prefix", Label: "Prefix", Help: `What stands before the token, its last space included, such as "Bearer ", "SSWS " or "Token token=".`, Advanced: true},
	}},
	{Basic, "User name and password", "HTTP Basic, or a directory's simple bind.", []Field{username, password}},
	{ClientCredentials, "OAuth 2.0, client credentials", "An application registered at the vendor that reads in its own name.", []Field{
		clientID, clientSecret, scope, tokenURL, clientAuth,
	}},
	{AuthorizationCode, "OAuth 2.0, authorization code", "An application registered at the vendor that reads in the name of a person who logs in once.", []Field{
		clientID,
		{Name: "refresh_token", Label: "Refresh token", Help: "What the log-in at the vendor brings.", Required: true, Secret: true, Obtained: true},
		optional(clientSecret), scope,
		{Name: "auth_url", Label: "Authorization URL", Help: "Where a person logs in and consents.", Advanced: true},
		tokenURL, clientAuth,
	}},
	{JWTBearer, "OAuth 2.0, service account", "An account that signs its requests for access with a private key.", []Field{
		{Name: "private_key", Label: "Private key", Help: "The key in PEM, without a passphrase.", Required: true, Secret: true, MultiLine: true},
		{Name: "issuer", Label: "Issuer", Help: "Whose key it is: the client id, or the e-mail address of the service account.", Required: true},
		{Name: "key_id", Label: "Key ID", Help: "The id the vendor gave the key."},
		{Name: "subject", Label: "Subject", Help: "The user to act for, such as an administrator, where the vendor asks for one."},
		{Name: "certificate", Label: "Certificate", Help: "The key's certificate in PEM, where the vendor knows the key by it.", MultiLine: true, Advanced: true},
		{Name: "audience", Label: "Audience", Help: "Whom the signed request is for.", Advanced: true},
		scope, tokenURL,
	}},
	{Password, "OAuth 2.0, password", "An application registered at the vendor together with an account's password.", []Field{
		clientID, username, password, optional(clientSecret), scope, tokenURL, clientAuth,
	}},
	{Session, "Log-in session", "An account whose user name and password are exchanged for a session.", []Field{username, password}},
	{AWS, "AWS access key", "Access keys that sign each request (Signature Version 4).", []Field{
		{Name: "access_key_id", Label: "Access key ID", Help: "The id of the access key.", Required: true},
		{Name: "secret_access_key", Label: "Secret access key", Help: "The access key itself.", Required: true, Secret: true},
		{Name: "session_token", Label: "Session token", Help: "What comes with temporary keys.", Secret: true, Advanced: true},
		{Name: "role_arn", Label: "Role to assume", Help: "The ARN of a role to assume, such as one in another account."},
		{Name: "external_id", Label: "External ID", Help: "What the role's trust policy asks for.", Advanced: true},
	}},
	{MutualTLS, "Client certificate", "A certificate that proves who asks when the connection is made (mutual TLS).", []Field{
		{Name: "certificate", Label: "Certificate", Help: "The certificate in PEM, followed by those between it and its authority.", Required: true, MultiLine: true},
		{Name: "private_key", Label: "Private key", Help: "The certificate's key in PEM, without a passphrase.", Required: true, Secret: true, MultiLine: true},
	}},
}

// info returns what there is to say of k; the empty kind is None.
func (k Kind) info() (kindInfo, bool) {
	if k == "" {
		k = None
	}
	i := slices.IndexFunc(kinds, func(info kindInfo) bool { return info.kind == k })
	if i < 0 {
		return kindInfo{}, false
	}
	return kinds[i], true
}

// Kinds returns all kinds of credential, in a stable order.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i, info := range kinds {
		all[i] = info.kind
	}
	return all
}

// Label returns the kind's name for people, empty for an unknown kind.
func (k Kind) Label() string {
	info, _ := k.info()
	return info.label
}

// Help returns a sentence on when the kind is the right one, empty for an
// unknown kind.
func (k Kind) Help() string {
	info, _ := k.info()
	return info.help
}

// Form returns the fields that a credential of kind k is made of in the order
// to ask for them, the required ones first. Each kind ends with the field "ca":
// certificates to trust may accompany any. It returns nil for an unknown kind.
// The slice is the caller's own.
func (k Kind) Form() []Field {
	info, ok := k.info()
	if !ok {
		return nil
	}
	return append(slices.Clone(info.fields), trusted)
}

// Fields names the values that a credential of kind k is made of, the required
// ones first; [Kind.Form] says more of each. It returns nil slices for an
// unknown kind.
func (k Kind) Fields() (required, optional []string) {
	for _, f := range k.Form() {
		if f.Required {
			required = append(required, f.Name)
		} else {
			optional = append(optional, f.Name)
		}
	}
	return required, optional
}

// field returns the field of that name.
func (k Kind) field(name string) (Field, bool) {
	form := k.Form()
	i := slices.IndexFunc(form, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return form[i], true
}
