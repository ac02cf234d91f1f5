package report_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// palettes returns the colours of the style, light and dark.
func palettes(t *testing.T) map[string]map[string]string {
	t.Helper()
	css, err := os.ReadFile("style.css")
	require.NoError(t, err)
	light, dark, ok := strings.Cut(string(css), "(prefers-color-scheme: dark)")
	require.True(t, ok)
	dark, _, ok = strings.Cut(dark, "* {")
	require.True(t, ok)
	out := map[string]map[string]string{}
	for name, text := range map[string]string{"light": light, "dark": dark} {
		out[name] = map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(text, -1) {
			out[name][m[1]] = m[2]
		}
	}
	require.Len(t, out["light"], 20)
	require.Len(t, out["dark"], 20)
	return out
}

// luminance is that of a colour as WCAG 2.2 defines it.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	v, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	require.NoError(t, err)
	part := func(shift int) float64 {
		c := float64(v>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

// WCAG 2.2 asks at level AA for a contrast of 4.5 for text and 3 for what else
// tells something, https://www.w3.org/TR/WCAG22/#contrast-minimum.
func TestContrast(t *testing.T) {
	t.Parallel()
	for scheme, colours := range palettes(t) {
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"text", "page", 4.5},
			{"text", "card", 4.5},
			{"soft", "page", 4.5},
			{"soft", "card", 4.5},
			{"link", "card", 4.5},
			{"text", "trouble-tint", 4.5},
			{"text", "attention-tint", 4.5},
			{"trouble", "trouble-tint", 4.5},
			{"attention", "attention-tint", 4.5},
			{"fine", "fine-tint", 4.5},
			{"idle", "idle-tint", 4.5},
			{"ok", "card", 3},
			{"part", "card", 3},
			{"bad", "card", 3},
			{"cut", "card", 3},
			{"off", "card", 3},
			{"now", "card", 3},
			{"bad", "trouble-tint", 3},
			{"part", "attention-tint", 3},
		} {
			front, back := luminance(t, colours[pair.front]), luminance(t, colours[pair.back])
			ratio := (max(front, back) + 0.05) / (min(front, back) + 0.05)
			require.GreaterOrEqual(t, ratio, pair.least, "%s: %s on %s", scheme, pair.front, pair.back)
		}
	}
}
