package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
	"github.com/vendorsync/vendorsync/connectors"
	"github.com/vendorsync/vendorsync/credentials"
)

func TestCatalogListsEveryConnector(t *testing.T) {
	t.Parallel()
	out := newShell(t).done("catalog")
	require.Regexp(t, `(?m)^ID +NAME +VENDOR +CATEGORY +STREAMS +SUMMARY$`, out)
	for _, c := range connectors.All() {
		require.Regexp(t, `(?m)^`+c.Spec().ID+` +.* `+c.Spec().Category+` +`+strings.Join(streamNames(c.Spec()), ", ")+` `, out)
	}
	require.Equal(t, 1+len(connectors.All()), strings.Count(out, "\n"))
}

func TestCatalogFindsConnectors(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	for name, test := range map[string]struct {
		words []string
		want  map[string]string // by id: by what it was found
	}{
		"by id":                      {[]string{"entra"}, map[string]string{"entra": "id"}},
		"by name":                    {[]string{"jamf", "pro"}, map[string]string{"jamf": "name"}},
		"by vendor":                  {[]string{"OKTA, INC"}, map[string]string{"okta": "vendor"}},
		"by category":                {[]string{"device", "management"}, map[string]string{"jamf": "category"}},
		"by another name":            {[]string{"azure", "ad"}, map[string]string{"entra": "azure ad"}},
		"by a part of another name":  {[]string{"spread"}, map[string]string{"files": "spreadsheet"}},
		"by what only a vendor says": {[]string{"technologies"}, map[string]string{"slack": "vendor"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := strings.Split(strings.TrimSpace(sh.done(append([]string{"catalog"}, test.words...)...)), "\n")
			require.Len(t, lines, 1+len(test.want))
			require.Regexp(t, `^ID +NAME +VENDOR +CATEGORY +FOUND BY +STREAMS +SUMMARY$`, lines[0])
			for _, line := range lines[1:] {
				id, _, _ := strings.Cut(line, " ")
				require.Regexp(t, ` `+test.want[id]+`  `, line)
			}
		})
	}
}

func TestCatalogSaysWhatAMisspeltWordMayMean(t *testing.T) {
	t.Parallel()
	sh := newShell(t, acme())
	for word, meant := range map[string]string{
		"otka":      `; did you mean "okta"?`,
		"coyoet":    `; did you mean "acme"?`,
		"jampf pro": `; did you mean "jamf"?`,
		"xyzzyx":    ``,
	} {
		r := sh.run("catalog", word)
		require.Equal(t, exitDone, r.code, "to find nothing is no failure")
		require.Empty(t, r.out)
		require.Contains(t, r.err, `no connector has to do with "`+word+`"`+meant+"\n")
		require.Contains(t, r.err, "The categories are collaboration, device management, ")
		require.Equal(t, "[]\n", sh.done("catalog", word, "--json"))
	}
}

func TestCatalogNamesAllThatAMisspeltWordMayMean(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `did you mean "entra" or .*"scim"\?`, newShell(t).run("catalog", "identty").err)
}

func TestCatalogShowOfAnotherNameNamesTheID(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	require.Contains(t, sh.fails(exitFailed, "catalog", "show", "azure"), `there is no connector "azure"; did you mean "entra"?`)
	require.Contains(t, sh.fails(exitFailed, "catalog", "show", "otka"), `there is no connector "otka"; did you mean "okta"?`)
	require.Contains(t, sh.fails(exitFailed, "catalog", "show", "xyzzyx"), "see `vendorsync catalog`")
}

// acme is a connector that has everything a page can show.
func acme() *connectortest.Fake {
	return &connectortest.Fake{ID: "acme", Stream: "laptops", Describe: func(s *connector.Spec) {
		s.Name, s.Vendor, s.Version, s.Category, s.Summary = "Acme Fleet", "Acme, Inc.", "3", "device management", "The laptops of Acme."
		s.Aliases, s.DocsURL, s.Platforms = []string{"anvil", "coyote"}, "https://acme.example/api", []string{"linux", "darwin"}
		s.Hosts = []string{"*.acme.example"}
		s.Auth = []connector.AuthMethod{
			{ID: "token", Label: "API key", Kind: credentials.APIToken, Help: "Admin > Keys > New, with the role Auditor."},
			{ID: "open", Label: "Open fleet", Kind: credentials.None, Help: "For a fleet that shows itself to everyone."},
			{ID: "login", Label: "Log-in", Kind: credentials.AuthorizationCode, Help: "Admin > Apps > New.", Scopes: []string{"read", "offline"}, Redirect: "http://localhost/done"},
		}
		s.Settings = []connector.Setting{
			{Name: "domain", Label: "Domain", Help: "Such as acme.acme.example.", Required: true, Type: connector.Host},
			{Name: "state", Label: "State", Help: "Which laptops", Default: "all", Choices: []string{"all", "used"}},
			{Name: "site", Label: "Site", Help: "A site to read.", Multi: true},
			{Name: "pin", Label: "Pin", Help: "The pin of the sites.", Secret: true, Type: connector.Integer},
		}
		s.Limits = []connector.RateLimit{
			{Name: "all of it", Requests: 10, Per: time.Second, Burst: 30, Source: "https://acme.example/limits"},
			{Name: "laptops", Requests: 100, Per: 10 * time.Second, Source: "https://acme.example/limits"},
		}
		st := &s.Streams[0]
		st.Label, st.Summary, st.Object = "Laptops", "Each laptop with its apps.", "assets"
		st.Incremental, st.Partitioned, st.Complete, st.StableResume = true, false, true, false
		st.Permissions = []connector.Permission{{Name: "laptops:read", Why: "lists the laptops"}, {Name: "apps:read", Why: "lists their apps"}}
		st.Fields = []connector.Field{
			{Path: "id", Type: connector.StringField, Label: "Id", Example: "7"},
			{Path: "serial", Type: connector.StringField, Label: "Serial number", Example: "C02"},
			{Path: "owner.mail", Type: connector.StringField, Label: "Owner", Example: "ada@example.com", Sensitive: true},
			{Path: "apps[].name", Type: connector.StringField, Label: "App", Example: "Slack"},
		}
		st.Mapping = connector.DefaultMapping{
			Fields:   []connector.DefaultField{{To: "serial_number", From: "serial"}, {To: "assigned_to", From: "owner.mail"}, {To: "asset_type", Value: "computer"}},
			SyncKeys: []string{"serial_number"},
			Children: []connector.DefaultChildren{{Object: "software", From: "apps", Fields: []connector.DefaultField{{To: "name", From: "name"}, {To: "version", From: "{{ item.version | trim }}"}}}},
		}
		other := connector.Stream{Name: "phones", Label: "Phones", Key: "id", Partitioned: true, StableResume: true}
		s.Streams, s.Discovers = append(s.Streams, other), true
	}}
}

func TestCatalogShowSaysWhatToGather(t *testing.T) {
	t.Parallel()
	sh := newShell(t, acme())
	golden(t, "catalog_acme.txt", sh.done("catalog", "show", "acme"))
	golden(t, "catalog_acme_all.txt", sh.done("catalog", "show", "acme", "--all"))
	fields := sh.done("catalog", "show", "acme", "--fields")
	require.Regexp(t, `(?m)^owner.mail +string +yes +assets.assigned_to +ada@example.com +Owner$`, fields)
	require.Regexp(t, `(?m)^apps\[\].name +string +software.name +Slack +App$`, fields)
	require.NotContains(t, fields, "token_url", "that is what --all adds")
}

// The page of each connector names all that a person has to gather.
func TestCatalogShowOfEveryConnector(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	for _, c := range connectors.All() {
		spec := c.Spec()
		t.Run(spec.ID, func(t *testing.T) {
			t.Parallel()
			words := func(text string) string { return strings.Join(strings.Fields(text), " ") }
			page := words(sh.done("catalog", "show", spec.ID))
			has := func(text string) { require.Contains(t, page, words(text)) }
			has(spec.Summary)
			has(spec.DocsURL)
			for _, m := range spec.Auth {
				has(m.Help)
				if m.Kind == credentials.None {
					has(m.Label + " (no credential)")
					continue
				}
				has(m.Label + " (--kind " + m.ID + ")")
				required, _ := m.Kind.Fields()
				for _, name := range required {
					has(" " + name + " ")
				}
			}
			for _, d := range spec.Settings {
				has(" " + d.Name + " " + d.Label)
			}
			for _, l := range spec.Limits {
				has(" " + l.Name + " ")
				has(l.Source)
			}
			for _, st := range spec.Streams {
				has("STREAM " + st.Name + " → ")
				for _, p := range st.Permissions {
					has(p.Name + ": " + p.Why)
				}
				for _, f := range st.Mapping.Fields {
					if f.From != "" {
						has(f.To + " ← " + f.From)
					}
				}
			}
		})
	}
}

func TestCatalogShowFitsATerminal(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.width = 60
	page, next, found := strings.Cut(sh.done("catalog", "show", "okta"), "\nNEXT\n")
	require.True(t, found)
	for line := range strings.Lines(page) {
		if len(strings.Fields(line)) > 2 { // a label, and a word that is longer than the rest of the line
			require.LessOrEqual(t, len([]rune(strings.TrimSuffix(line, "\n"))), 60, line)
		}
	}
	require.Contains(t, next, "  vendorsync add okta --stream users --set domain=... --set integration_user=...", "what is to be copied is whole")
}

func TestCatalogAsJSON(t *testing.T) {
	t.Parallel()
	sh := newShell(t, acme())
	spec := decodeJSON[object](t, sh.done("catalog", "show", "files", "--json"))
	require.ElementsMatch(t, []string{
		"id", "name", "vendor", "version", "category", "aliases", "summary", "docs_url", "auth", "hosts", "settings", "limits", "streams",
		"platforms", "discovers", "reads_accounts",
	}, keys(spec))
	require.Equal(t, spec, decodeJSON[[]any](t, sh.done("catalog", "csv", "--json"))[0])
	for name, v := range spec {
		require.NotNil(t, v, name)
	}

	v := decodeJSON[specView](t, sh.done("catalog", "show", "acme", "--json"))
	require.Equal(t, valueView{Name: "token", Label: "Token", Help: "The token or API key as the vendor shows it.", Choices: []string{}, Required: true, Secret: true}, v.Auth[0].Values[0])
	require.Equal(t, limitView{Name: "all of it", Requests: 10, Seconds: 1, Burst: 30, Source: "https://acme.example/limits"}, v.Limits[0])
	require.Equal(t, 100, v.Limits[1].Burst, "as many as in the whole time")
	st := v.Streams[0]
	require.Equal(t, needView{Name: "laptops:read", Why: "lists the laptops"}, st.Permissions[0])
	require.Equal(t, mappedView{Object: "assets", To: "serial_number", Type: "text", From: "serial", Values: map[string]string{}, SyncKey: 1}, st.Mapping[0])
	require.Equal(t, mappedView{Object: "software", To: "name", Type: "text", List: "apps", From: "name", Values: map[string]string{}}, st.Mapping[3])
	require.Equal(t, sourceFieldView{Path: "owner.mail", Type: "string", Label: "Owner", Example: "ada@example.com", Sensitive: true, Fills: []string{"assets.assigned_to"}}, st.Fields[2])
	require.Equal(t, []bool{true, true, false, false}, []bool{st.Complete, st.Incremental, st.Partitioned, st.StableResume})
}

// What the page says is next is what the command understands.
func TestTheCommandsThatAPageNamesWork(t *testing.T) {
	t.Parallel()
	sh := newShell(t, acme())
	sh.write("vendorsync.yaml", "store: memory\n")
	sh.in = "the-api-key\n"
	_, next, found := strings.Cut(sh.done("catalog", "show", "acme"), "\nNEXT\n")
	require.True(t, found)
	for line := range strings.Lines(strings.ReplaceAll(next, "=...", "=acme.acme.example")) {
		command, _, _ := strings.Cut(line, "  #")
		sh.done(strings.Fields(command)[1:]...)
	}
	require.Contains(t, sh.config(), "credential: acme")
}
