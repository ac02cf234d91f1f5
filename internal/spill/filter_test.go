package spill

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFilterNeverForgets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := NewFilter(rapid.IntRange(-1, 3000).Draw(t, "expected"))
		n := rapid.IntRange(0, 4000).Draw(t, "keys")
		for i := range n {
			f.Add(key(i))
		}
		for i := range n {
			require.True(t, f.MayHave(key(i)), "key %d", i)
		}
	})
}

func TestFilterErrsOnceInAHundred(t *testing.T) {
	t.Parallel()
	for name, expected := range map[string]int{
		"when it was told how many":     200_000,
		"when it had to grow every way": 0,
		"when it had to grow once":      100_000,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 200_000
			f := NewFilter(expected)
			for i := range n {
				f.Add(key(i))
			}
			wrong := 0
			for i := range n {
				if f.MayHave(key(n + i)) {
					wrong++
				}
			}
			require.LessOrEqual(t, float64(wrong)/n, 0.011)
			require.LessOrEqual(t, len(f.layers), 8)
		})
	}
}

func TestAnEmptyFilterHasNothing(t *testing.T) {
	t.Parallel()
	f := NewFilter(0)
	for i := range 1000 {
		require.False(t, f.MayHave(key(i)))
	}
}

func BenchmarkFilter(b *testing.B) {
	const n = 1_000_000
	f := NewFilter(n)
	for i := range n {
		f.Add(key(i))
	}
	for i := 0; b.Loop(); i++ {
		f.MayHave(key(i))
	}
}
