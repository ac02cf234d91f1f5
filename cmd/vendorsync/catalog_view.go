package main

import (
	"cmp"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/mapping"
)

// The catalogue as JSON. Every list is there, if only empty.
type (
	specView struct {
		ID       string        `json:"id"`
		Name     string        `json:"name"`
		Vendor   string        `json:"vendor"`
		Version  string        `json:"version"`
		Category string        `json:"category"`
		Aliases  []string      `json:"aliases"`
		Summary  string        `json:"summary"`
		DocsURL  string        `json:"docs_url"`
		Auth     []authView    `json:"auth"`
		Hosts    []string      `json:"hosts"`
		Settings []settingView `json:"settings"`
		Limits   []limitView   `json:"limits"`
		Streams  []streamView  `json:"streams"`
		// Platforms are the systems it runs on; empty for all.
		Platforms     []string `json:"platforms"`
		Discovers     bool     `json:"discovers"`      // it can tell the fields of its records from the source itself
		ReadsAccounts bool     `json:"reads_accounts"` // it can look at one account
	}
	authView struct {
		ID     string      `json:"id"`
		Label  string      `json:"label"`
		Help   string      `json:"help"`
		Kind   string      `json:"kind"`
		Values []valueView `json:"values"`
		// What the log-in of a person needs; empty where nobody logs in.
		AuthURL  string   `json:"auth_url"`
		TokenURL string   `json:"token_url"`
		Scopes   []string `json:"scopes"`
		Redirect string   `json:"redirect"` // to register at the vendor
	}
	valueView struct {
		Name      string   `json:"name"`
		Label     string   `json:"label"`
		Help      string   `json:"help"`
		Default   string   `json:"default"`
		Choices   []string `json:"choices"`
		Required  bool     `json:"required"`
		Secret    bool     `json:"secret"`
		MultiLine bool     `json:"multi_line"`
		Advanced  bool     `json:"advanced"`
		Obtained  bool     `json:"obtained"`
	}
	settingView struct {
		Name     string   `json:"name"`
		Label    string   `json:"label"`
		Help     string   `json:"help"`
		Type     string   `json:"type"`
		Default  string   `json:"default"`
		Required bool     `json:"required"`
		Secret   bool     `json:"secret"`
		Multi    bool     `json:"multi"`
		Choices  []string `json:"choices"`
	}
	limitView struct {
		Name     string  `json:"name"`
		Requests int     `json:"requests"`
		Seconds  float64 `json:"seconds"`
		Burst    int     `json:"burst"`
		Source   string  `json:"source"`
	}
	streamView struct {
		Name         string            `json:"name"`
		Label        string            `json:"label"`
		Summary      string            `json:"summary"`
		Object       string            `json:"object"`
		Key          string            `json:"key"`
		Fields       []sourceFieldView `json:"fields"`
		SyncKeys     []string          `json:"sync_keys"`
		Mapping      []mappedView      `json:"mapping"`
		Permissions  []needView        `json:"permissions"`
		Complete     bool              `json:"complete"`
		Incremental  bool              `json:"incremental"`
		Partitioned  bool              `json:"partitioned"`
		StableResume bool              `json:"stable_resume"`
	}
	sourceFieldView struct {
		Path      string   `json:"path"`
		Type      string   `json:"type"`
		Label     string   `json:"label"`
		Example   string   `json:"example"`
		Sensitive bool     `json:"sensitive"`
		Fills     []string `json:"fills"` // as object.field
	}
	mappedView struct {
		Object    string            `json:"object"`
		To        string            `json:"to"`
		Type      mapping.Type      `json:"type"`
		List      string            `json:"list"` // of a child, the list whose items it is made of; From begins at an item
		From      string            `json:"from"`
		Value     string            `json:"value"`
		Values    map[string]string `json:"values"`
		Otherwise string            `json:"otherwise"`
		Unlisted  string            `json:"unlisted"`
		Default   string            `json:"default"`
		Format    string            `json:"format"`
		SyncKey   int               `json:"sync_key"` // its place among the sync keys, from 1; 0 for none
	}
	needView struct {
		Name    string `json:"name"`
		Why     string `json:"why"`
		Setting string `json:"setting"` // that makes it needed; empty for always
	}
)

// list returns a list that is not nil.
func list[T any](items []T) []T { return append([]T{}, items...) }

// views makes a view of each item.
func views[T, V any](items []T, view func(T) V) []V {
	out := make([]V, len(items))
	for i, item := range items {
		out[i] = view(item)
	}
	return out
}

func viewSpec(s connector.Spec) specView {
	return specView{
		ID: s.ID, Name: s.Name, Vendor: s.Vendor, Version: s.Version, Category: s.Category, Aliases: list(s.Aliases), Summary: s.Summary, DocsURL: s.DocsURL,
		Auth: views(s.Auth, viewAuth), Hosts: list(s.Hosts), Settings: views(s.Settings, viewSetting), Limits: views(s.Limits, viewLimit), Streams: views(s.Streams, viewStream),
		Platforms: list(s.Platforms), Discovers: s.Discovers, ReadsAccounts: s.ReadsAccounts,
	}
}

func viewAuth(m connector.AuthMethod) authView {
	return authView{
		ID: m.ID, Label: m.Label, Help: m.Help, Kind: string(m.Kind), Values: views(m.Kind.Form(), viewValue),
		AuthURL: m.AuthURL, TokenURL: m.TokenURL, Scopes: list(m.Scopes), Redirect: m.Redirect,
	}
}

func viewValue(f credentials.Field) valueView {
	return valueView{
		Name: f.Name, Label: f.Label, Help: f.Help, Default: f.Default, Choices: list(f.Choices),
		Required: f.Required, Secret: f.Secret, MultiLine: f.MultiLine, Advanced: f.Advanced, Obtained: f.Obtained,
	}
}

func viewSetting(d connector.Setting) settingView {
	return settingView{
		Name: d.Name, Label: d.Label, Help: d.Help, Type: string(cmp.Or(d.Type, connector.Text)), Default: d.Default,
		Required: d.Required, Secret: d.Secret, Multi: d.Multi, Choices: list(d.Choices),
	}
}

func viewLimit(l connector.RateLimit) limitView {
	return limitView{Name: l.Name, Requests: l.Requests, Seconds: l.Per.Seconds(), Burst: cmp.Or(l.Burst, l.Requests), Source: l.Source}
}

func viewStream(s connector.Stream) streamView {
	targets := targetsOf(mapping.FromDefault(s), mapping.Standard())
	filled := fillsOf(targets)
	return streamView{
		Name: s.Name, Label: s.Label, Summary: s.Summary, Object: s.Object, Key: s.Key,
		Fields: views(s.Fields, func(f connector.Field) sourceFieldView {
			return sourceFieldView{Path: f.Path, Type: string(f.Type), Label: f.Label, Example: f.Example, Sensitive: f.Sensitive, Fills: list(filled[itemsOf(f.Path)])}
		}),
		SyncKeys: list(s.Mapping.SyncKeys), Mapping: views(targets, viewMapped),
		Permissions: views(s.Permissions, func(p connector.Permission) needView { return needView(p) }),
		Complete:    s.Complete, Incremental: s.Incremental, Partitioned: s.Partitioned, StableResume: s.StableResume,
	}
}

func viewMapped(t targetView) mappedView {
	return mappedView{
		Object: t.Object, To: t.To, Type: t.Type, List: t.list, From: t.From, Value: t.Value, Values: t.Values, Otherwise: t.Otherwise,
		Unlisted: t.Unlisted, Default: t.Default, Format: t.Format, SyncKey: t.SyncKey,
	}
}
