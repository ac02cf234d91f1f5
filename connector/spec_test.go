package connector_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

func settingsSpec() connector.Spec {
	return connector.Spec{ID: "acme", Settings: []connector.Setting{
		{Name: "url", Label: "Server address", Required: true},
		{Name: "region", Choices: []string{"eu", "us"}, Default: "eu"},
		{Name: "depth", Type: connector.Integer},
		{Name: "archived", Type: connector.Boolean, Default: "false"},
		{Name: "wait", Type: connector.Duration},
		{Name: "path", Type: connector.File},
		{Name: "tags", Multi: true, Choices: []string{"a", "b"}},
		{Name: "pin", Type: connector.Integer, Secret: true},
		{Name: "word", Secret: true, Choices: []string{"open", "sesame"}},
		{Name: "host", Type: connector.Host, Multi: true},
		{Name: "address", Type: connector.URL},
	}}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	defaults := connector.Settings{"url": {"u"}, "region": {"eu"}, "archived": {"false"}}
	with := func(name string, values ...string) connector.Settings {
		out := connector.Settings{name: values}
		for k, v := range defaults {
			if k != name {
				out[k] = v
			}
		}
		return out
	}
	tests := map[string]struct {
		settings connector.Settings
		want     connector.Settings
		faults   []string // in this order
	}{
		"defaults are filled in":                     {connector.Settings{"url": {"u"}}, defaults, nil},
		"a value goes before the default":            {connector.Settings{"url": {"u"}, "region": {"us"}}, with("region", "us"), nil},
		"an empty value is none":                     {connector.Settings{"url": {"u"}, "region": {""}, "depth": {}}, defaults, nil},
		"a whole number":                             {connector.Settings{"url": {"u"}, "depth": {"-3"}}, with("depth", "-3"), nil},
		"a duration":                                 {connector.Settings{"url": {"u"}, "wait": {"1h30m"}}, with("wait", "1h30m"), nil},
		"several values where they may be":           {connector.Settings{"url": {"u"}, "tags": {"a", "", "b"}}, with("tags", "a", "b"), nil},
		"any text is a path":                         {connector.Settings{"url": {"u"}, "path": {"../x y"}}, with("path", "../x y"), nil},
		"a required setting that is missing":         {nil, nil, []string{"url: is required (Server address)"}},
		"a required setting that is empty":           {connector.Settings{"url": {"", ""}}, nil, []string{"url: is required"}},
		"several values where one is due":            {connector.Settings{"url": {"u", "v"}}, nil, []string{"url: takes one value, got 2"}},
		"a value that is no choice":                  {connector.Settings{"url": {"u"}, "region": {"moon"}}, nil, []string{`region: "moon" is not one of eu, us`}},
		"one of several values that is no choice":    {connector.Settings{"url": {"u"}, "tags": {"a", "c"}}, nil, []string{`tags: "c" is not one of a, b`}},
		"a fraction is no whole number":              {connector.Settings{"url": {"u"}, "depth": {"1.5"}}, nil, []string{`depth: "1.5" is not a whole number`}},
		"yes is no boolean":                          {connector.Settings{"url": {"u"}, "archived": {"yes"}}, nil, []string{`archived: "yes" is neither true nor false`}},
		"a host, one with a port, one of IPv6":       {connector.Settings{"url": {"u"}, "host": {"acme.example.com", "acme.example:8443", "[::1]:80"}}, with("host", "acme.example.com", "acme.example:8443", "[::1]:80"), nil},
		"an address is no host":                      {connector.Settings{"url": {"u"}, "host": {"https://acme.example.com"}}, nil, []string{`host: "https://acme.example.com" is no host name such as acme.example.com, without https:// and without a path`}},
		"a path is no part of a host":                {connector.Settings{"url": {"u"}, "host": {"acme.example.com/evil"}}, nil, []string{`host: "acme.example.com/evil" is no host name`}},
		"a user is no part of a host":                {connector.Settings{"url": {"u"}, "host": {"acme.example.com@evil.example"}}, nil, []string{`host: "acme.example.com@evil.example" is no host name`}},
		"a pattern is no host":                       {connector.Settings{"url": {"u"}, "host": {"*.example.com"}}, nil, []string{`host: "*.example.com" is no host name`}},
		"an address":                                 {connector.Settings{"url": {"u"}, "address": {"https://id.example.com/scim/v2"}}, with("address", "https://id.example.com/scim/v2"), nil},
		"a host is no address":                       {connector.Settings{"url": {"u"}, "address": {"id.example.com"}}, nil, []string{`address: "id.example.com" is no address such as https://vendor.example.com`}},
		"a password does not stand in an address":    {connector.Settings{"url": {"u"}, "address": {"https://ada:secret@id.example.com"}}, nil, []string{"address: user name and password do not belong into an address"}},
		"a number is no duration":                    {connector.Settings{"url": {"u"}, "wait": {"30"}}, nil, []string{`wait: "30" is no duration such as 30s or 2h`}},
		"a setting that there is not":                {connector.Settings{"url": {"u"}, "ur1": {"u"}}, nil, []string{"ur1: is no setting of acme; it has url, region, depth,"}},
		"a secret of the wrong type is not shown":    {connector.Settings{"url": {"u"}, "pin": {"hunter2"}}, nil, []string{"pin: the value is not of its type or not among its choices"}},
		"a secret that is no choice is not shown":    {connector.Settings{"url": {"u"}, "word": {"hunter2"}}, nil, []string{"word: the value is not of its type or not among its choices"}},
		"all faults are told together, in one order": {connector.Settings{"wait": {"x"}, "depth": {"x"}, "zzz": nil}, nil, []string{"depth: ", "url: ", "wait: ", "zzz: "}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := fmt.Sprint(test.settings)
			got, err := settingsSpec().Resolve(test.settings)
			require.Equal(t, before, fmt.Sprint(test.settings), "the caller's settings are changed")
			if test.faults == nil {
				require.NoError(t, err)
				require.Equal(t, test.want, got)
				return
			}
			require.Nil(t, got)
			require.ErrorIs(t, err, connector.ErrInvalid)
			require.NotContains(t, err.Error(), "hunter2")
			rest := err.Error()
			for _, fault := range test.faults {
				_, after, found := strings.Cut(rest, fault)
				require.True(t, found, "%q is not in %q", fault, rest)
				rest = after
			}
		})
	}
}

func TestResolveWithoutSettings(t *testing.T) {
	t.Parallel()
	got, err := connector.Spec{}.Resolve(nil)
	require.NoError(t, err)
	require.Equal(t, connector.Settings{}, got)
	_, err = connector.Spec{ID: "bare"}.Resolve(connector.Settings{"url": {"u"}})
	require.ErrorContains(t, err, "is no setting of bare; it has none")
	_, err = connector.Spec{Settings: []connector.Setting{{Name: "x", Type: "colour", Default: "red"}}}.Resolve(nil)
	require.ErrorContains(t, err, `the connector declares the unknown type "colour"`)
	_, err = connector.Spec{Settings: []connector.Setting{{Name: "x", Required: true}}}.Resolve(nil)
	require.ErrorContains(t, err, "x: is required (no default)")
}

func FuzzResolve(f *testing.F) {
	for _, v := range []string{"", "7", "-1", "true", "2h", "eu", "a", "\x00"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		spec := settingsSpec()
		for _, def := range spec.Settings {
			first, err := spec.Resolve(connector.Settings{"url": {"u"}, def.Name: {value}})
			if err != nil {
				require.ErrorIs(t, err, connector.ErrInvalid)
				continue
			}
			again, err := spec.Resolve(first)
			require.NoError(t, err, "what Resolve returns does not resolve")
			require.Equal(t, first, again)
		}
	})
}

func TestSettingsAreReadByType(t *testing.T) {
	t.Parallel()
	s := connector.Settings{"text": {"a", "b"}, "yes": {"true"}, "no": {"false"}, "odd": {"maybe"}, "n": {"42"}, "none": {}}
	require.Equal(t, "a", s.Get("text"))
	require.Empty(t, s.Get("none"))
	require.Empty(t, s.Get("missing"))
	require.True(t, s.Bool("yes"))
	require.False(t, s.Bool("no"))
	require.False(t, s.Bool("odd"))
	require.False(t, s.Bool("missing"))
	require.Equal(t, 42, s.Int("n"))
	require.Zero(t, s.Int("odd"))
	require.Empty(t, connector.Settings(nil).Get("text"))
}

func TestSpecFindsItsStreams(t *testing.T) {
	t.Parallel()
	spec := connector.Spec{Streams: []connector.Stream{{Name: "users"}, {Name: "devices", Key: "id"}}}
	st, ok := spec.Stream("devices")
	require.True(t, ok)
	require.Equal(t, "id", st.Key)
	_, ok = spec.Stream("Devices")
	require.False(t, ok)
}

func TestNeedsCredential(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		auth []connector.AuthMethod
		want bool
	}{
		"no method at all":         {nil, false},
		"a token":                  {[]connector.AuthMethod{{Kind: credentials.APIToken}}, true},
		"a token, or nothing":      {[]connector.AuthMethod{{Kind: credentials.APIToken}, {Kind: credentials.None}}, false},
		"one of two, but not none": {[]connector.AuthMethod{{Kind: credentials.Basic}, {Kind: credentials.AWS}}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, connector.Spec{Auth: test.auth}.NeedsCredential())
		})
	}
}

func TestConfigLogs(t *testing.T) {
	t.Parallel()
	require.False(t, connector.Config{}.Log().Enabled(t.Context(), slog.LevelError))
	var text strings.Builder
	cfg := connector.Config{Logger: slog.New(slog.NewTextHandler(&text, nil))}
	cfg.Log().Info("opened")
	require.Contains(t, text.String(), "msg=opened")
}

// What a credential is bound to follows from the settings that say where it goes.
func TestBinding(t *testing.T) {
	t.Parallel()
	named := connector.Spec{ID: "acme", Hosts: []string{"*.acme.example"}, Settings: []connector.Setting{{Name: "domain", Type: connector.Host, Multi: true}, {Name: "url", Type: connector.URL}, {Name: "note"}}}
	tests := map[string]struct {
		settings connector.Settings
		want     []string
	}{
		"the host that a setting names":           {connector.Settings{"domain": {"one.acme.example"}, "note": {"two.acme.example"}}, []string{"one.acme.example"}},
		"the host of an address, with its port":   {connector.Settings{"url": {"https://one.acme.example:8443/api"}}, []string{"one.acme.example:8443"}},
		"all hosts that settings name":            {connector.Settings{"domain": {"a.example", "b.example"}, "url": {"ldaps://c.example"}}, []string{"a.example", "b.example", "c.example"}},
		"the Spec's hosts where no setting names": {connector.Settings{"note": {"x"}}, []string{"*.acme.example"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, credentials.Binding{Connector: "acme", Hosts: tt.want}, named.Binding(tt.settings))
		})
	}
}
