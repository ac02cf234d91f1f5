package path_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/internal/path"
)

func key(k string) path.Step { return path.Step{Key: k} }
func index(i int) path.Step  { return path.Step{Index: i, IsIndex: true} }

var every = path.Step{IsIndex: true, Every: true}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text  string
		want  path.Path
		print string // where it differs from text
	}{
		"a single key":                                {text: "id", want: path.Path{key("id")}},
		"dots lead into members":                      {text: "profile.email", want: path.Path{key("profile"), key("email")}},
		"an index counts from the start":              {text: "addresses[0].city", want: path.Path{key("addresses"), index(0), key("city")}},
		"a negative index counts from the end":        {text: "a[-1]", want: path.Path{key("a"), index(-1)}},
		"indexes follow each other":                   {text: "a[1][-2]", want: path.Path{key("a"), index(1), index(-2)}},
		"a path may begin with an index":              {text: "[0].x", want: path.Path{index(0), key("x")}},
		"leading zeros mean nothing":                  {text: "a[007]", want: path.Path{key("a"), index(7)}, print: "a[7]"},
		"minus zero is zero":                          {text: "a[-0]", want: path.Path{key("a"), index(0)}, print: "a[0]"},
		"a quoted key needs no quotes if it is plain": {text: "['odd key'].x", want: path.Path{key("odd key"), key("x")}, print: "odd key.x"},
		"double quotes do as well":                    {text: `["a.b"]`, want: path.Path{key("a.b")}, print: "['a.b']"},
		"a quoted key may be empty":                   {text: "['']", want: path.Path{key("")}},
		"a quoted key may follow a key":               {text: "a['b.c'].d", want: path.Path{key("a"), key("b.c"), key("d")}},
		"brackets in a quoted key":                    {text: "['a[0]']", want: path.Path{key("a[0]")}},
		"a single quote in double quotes":             {text: `["it's"]`, want: path.Path{key("it's")}},
		"an escaped quote":                            {text: `['it\'s']`, want: path.Path{key("it's")}, print: `["it's"]`},
		"both quotes in one key":                      {text: `['it\'s "x"']`, want: path.Path{key(`it's "x"`)}},
		"an escaped backslash":                        {text: `['a.\\']`, want: path.Path{key(`a.\`)}},
		"a backslash outside quotes is itself":        {text: `a\b`, want: path.Path{key(`a\b`)}},
		"hyphens and at signs need no quotes":         {text: "last-login.mail@work", want: path.Path{key("last-login"), key("mail@work")}},
		"blanks need no quotes":                       {text: "Serial Number", want: path.Path{key("Serial Number")}},
		"digits after a dot are a key":                {text: "a.0", want: path.Path{key("a"), key("0")}},
		"keys of other scripts":                       {text: "größe.名前", want: path.Path{key("größe"), key("名前")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := path.Parse(tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			if tt.print == "" {
				tt.print = tt.text
			}
			require.Equal(t, tt.print, got.String())
		})
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text    string
		column  int
		message string
	}{
		"an empty path":                           {"", 1, "is empty"},
		"a dot at the start":                      {".a", 1, "a key is missing"},
		"a dot at the end":                        {"a.", 3, "a key is missing"},
		"two dots":                                {"a..b", 3, "a key is missing"},
		"a dot before a bracket":                  {"a.[0]", 3, "a key is missing"},
		"a key right after a bracket":             {"a[0]b", 5, "a dot or an opening bracket"},
		"an open bracket at the end":              {"a[", 2, "never closed"},
		"an index that is not closed":             {"a[12", 2, "never closed"},
		"something after the index":               {"a[1x]", 4, "closing bracket is missing"},
		"no index":                                {"a[]", 3, "an index is missing"},
		"a bare word in brackets":                 {"a[b]", 3, "neither an index nor a quoted key"},
		"a minus alone":                           {"a[-]", 3, "neither an index nor a quoted key"},
		"an index that no list has":               {"a[1234567890]", 3, "too large"},
		"a closing bracket alone":                 {"a]", 2, "closes nothing"},
		"a quote in a key":                        {"it's", 3, "stands in brackets"},
		"a quote that is not closed":              {"['abc", 2, "quote is never closed"},
		"a quote that ends in a backslash":        {`['abc\`, 2, "quote is never closed"},
		"an unknown escape":                       {`['a\n']`, 4, "backslash"},
		"a bracket not closed after a quoted key": {"['a'", 1, "never closed"},
		"columns count characters, not bytes":     {"größe.名前..x", 10, "a key is missing"},
		"bytes that are not UTF-8":                {"a\xff", 1, "UTF-8"},
		"a path that is too long":                 {strings.Repeat("a", path.MaxLength+1), 1, "longer than 4096 bytes"},
		"a path of too many steps":                {strings.Repeat("[0]", path.MaxSteps+1), 3*path.MaxSteps + 1, "more than 256 steps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := path.Parse(tt.text)
			var fault *path.Error
			require.ErrorAs(t, err, &fault)
			require.Equal(t, tt.column, fault.Column, fault.Message)
			require.Contains(t, fault.Message, tt.message)
			require.Less(t, len(err.Error()), 400, "the message quotes a long path in part only")
		})
	}
}

func TestParseTakesALongPath(t *testing.T) {
	t.Parallel()
	p, err := path.Parse(strings.Repeat("[0]", path.MaxSteps))
	require.NoError(t, err)
	require.Len(t, p, path.MaxSteps)
}

func TestParsePattern(t *testing.T) {
	t.Parallel()
	p, err := path.ParsePattern("applications[].licence['key.x']")
	require.NoError(t, err)
	require.Equal(t, path.Path{key("applications"), every, key("licence"), key("key.x")}, p)
	require.Equal(t, "applications[].licence['key.x']", p.String())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"profile.email", "addresses[0].city", "a[-1]", "['odd key'].x", `["a.b"]`, `['it\'s "x"']`, "a[].b", "a[", "größe", "..", `['\\']`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := path.ParsePattern(text)
		if err != nil {
			var fault *path.Error
			require.ErrorAs(t, err, &fault)
			require.GreaterOrEqual(t, fault.Column, 1)
			return
		}
		require.NotEmpty(t, p)
		require.LessOrEqual(t, len(p), path.MaxSteps)
		printed := p.String()
		if len(printed) <= path.MaxLength {
			again, err := path.ParsePattern(printed)
			require.NoError(t, err, "%q became %q", text, printed)
			require.Equal(t, p, again)
		}
	})
}
