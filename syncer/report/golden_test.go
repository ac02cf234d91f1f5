package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/syncer/report"
)

var update = flag.Bool("update", false, "write the golden files anew; look at the page before they are committed")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func page(t *testing.T, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.HTML(&b))
	return b.String()
}

func text(t *testing.T, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Text(&b))
	return b.String()
}

func TestTheReportLooksTheSameEachTime(t *testing.T) {
	t.Parallel()
	s := whole(t)
	r := s.make()
	golden(t, "report.html", []byte(page(t, r)))
	golden(t, "report.txt", []byte(text(t, r)))
	again := s.make()
	require.Equal(t, page(t, r), page(t, again))
	data, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	require.NotContains(t, string(data), "null")
	var back report.Report
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, page(t, r), page(t, back), "a report that went through JSON is the same")
}

func TestAnEmptyReportIsAPageToo(t *testing.T) {
	t.Parallel()
	r := newScene(t).make()
	golden(t, "empty.html", []byte(page(t, r)))
	golden(t, "empty.txt", []byte(text(t, r)))
	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(data), "null")
}

// elements reads a page as strict XML and returns its elements.
func elements(t *testing.T, page string) []xml.StartElement {
	t.Helper()
	var found []xml.StartElement
	for d := xml.NewDecoder(strings.NewReader(page)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok {
			found = append(found, e.Copy())
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func TestThePageIsWellFormedAndNeedsNothingElse(t *testing.T) {
	t.Parallel()
	html := page(t, whole(t).make())
	ids := map[string]bool{}
	var refs []string
	level := 0
	for _, e := range elements(t, html) {
		name := e.Name.Local
		require.NotContains(t, []string{"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "source"}, name)
		if id := attr(e, "id"); id != "" {
			require.False(t, ids[id], "the id %s stands twice", id)
			ids[id] = true
		}
		for _, a := range e.Attr {
			require.False(t, strings.HasPrefix(a.Name.Local, "on"), "%s has a handler", name)
			require.NotEqual(t, "src", a.Name.Local)
			switch a.Name.Local {
			case "href":
				require.True(t, strings.HasPrefix(a.Value, "#"), "%s leads away: %s", name, a.Value)
				refs = append(refs, a.Value[1:])
			case "aria-labelledby":
				refs = append(refs, a.Value)
			}
		}
		switch name {
		case "h1", "h2", "h3":
			next := int(name[1] - '0')
			require.LessOrEqual(t, next, level+1, "headings leave out no level")
			level = next
		case "th":
			require.NotEmpty(t, attr(e, "scope"))
		case "svg":
			if attr(e, "role") == "img" {
				require.NotEmpty(t, attr(e, "aria-labelledby"))
			} else {
				require.Equal(t, "true", attr(e, "aria-hidden"))
			}
		case "time":
			require.NotEmpty(t, attr(e, "datetime"))
		}
	}
	for _, ref := range refs {
		require.True(t, ids[ref], "there is no %s", ref)
	}
	for _, outside := range []string{"http://", "https://", "@import", "data:"} {
		require.NotContains(t, html, outside)
	}
	for _, fill := range []string{"part", "bad", "cut", "off", "now"} {
		require.Contains(t, html, "url(#fill-"+fill+")")
		require.True(t, ids["fill-"+fill])
	}
}
