package spill

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func key(n int) Key {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return Key(sum[:16])
}

// TestMapIsLikeAPlainMap compares a Map that spills at every few entries with a
// plain map, over random puts and gets.
func TestMapIsLikeAPlainMap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		m := New(Options{MaxInMemory: rapid.IntRange(1, 9).Draw(t, "max"), Dir: dir})
		defer func() { require.NoError(t, m.Close()) }()
		want := map[Key]string{}
		keys := rapid.IntRange(0, 200)
		put := func(t *rapid.T) {
			k := key(keys.Draw(t, "key"))
			v := rapid.StringN(0, 3, 300).Draw(t, "value")
			if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
				v = strings.Repeat(v, 2000)
			}
			require.NoError(t, m.Put(k, []byte(v)))
			want[k] = v
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": put,
			"put several": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "n") {
					put(t)
				}
			},
			"get": func(t *rapid.T) {
				k := key(keys.Draw(t, "key"))
				v, ok, err := m.Get(k)
				require.NoError(t, err)
				wanted, has := want[k]
				require.Equal(t, has, ok)
				require.Equal(t, wanted, string(v))
			},
			"": func(t *rapid.T) { require.Equal(t, len(want), m.Len()) },
		})
		for k, v := range want {
			got, ok, err := m.Get(k)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, v, string(got))
		}
	})
}

func TestLookUpsStayBounded(t *testing.T) {
	t.Parallel()
	const perRun, n = 16, 16 * fanIn * fanIn * fanIn
	m := New(Options{MaxInMemory: perRun, Dir: t.TempDir()})
	defer func() { require.NoError(t, m.Close()) }()
	most := 0
	for i := range n {
		require.NoError(t, m.Put(key(i), nil))
		most = max(most, len(m.runs))
	}
	require.Equal(t, n, m.Len())
	require.LessOrEqual(t, most, 3*(fanIn-1)+1)
	require.Greater(t, most, fanIn)
	for i := range n {
		ok, err := m.Has(key(i))
		require.NoError(t, err)
		require.True(t, ok, i)
	}
	for i := range n {
		ok, err := m.Has(key(n + i))
		require.NoError(t, err)
		require.False(t, ok)
	}
}

func TestLongValuesSpillEarlier(t *testing.T) {
	t.Parallel()
	m := New(Options{MaxInMemory: 1 << 20, Dir: t.TempDir()})
	m.maxBytes = 10_000
	defer func() { require.NoError(t, m.Close()) }()
	long := []byte(strings.Repeat("x", 6000))
	for i := range 5 {
		require.NoError(t, m.Put(key(i), long))
		require.LessOrEqual(t, len(m.arena), 16_100)
	}
	require.Len(t, m.runs, 2)
	v, ok, err := m.Get(key(0))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, long, v)
}

func TestAValueIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	m := New(Options{MaxInMemory: 2, Dir: t.TempDir()})
	defer func() { require.NoError(t, m.Close()) }()
	for i := range 3 { // the last one stays in memory
		require.NoError(t, m.Put(key(i), []byte("value")))
	}
	for i := range 3 {
		v, _, err := m.Get(key(i))
		require.NoError(t, err)
		copy(v, "XXXXX")
		v, _, err = m.Get(key(i))
		require.NoError(t, err)
		require.Equal(t, "value", string(v))
	}
}

func TestAnErrorLosesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not there")
	m := New(Options{MaxInMemory: 2, Dir: dir})
	require.NoError(t, m.Put(key(1), []byte("one")))
	require.NoError(t, m.Put(key(2), nil))

	err := m.Put(key(3), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "spill keys to a temporary file")
	require.Equal(t, 2, m.Len())
	for n, want := range map[int]bool{1: true, 2: true, 3: false} {
		ok, err := m.Has(key(n))
		require.NoError(t, err)
		require.Equal(t, want, ok)
	}

	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, m.Put(key(3), nil), "the folder is there now")
	require.Equal(t, 3, m.Len())
	v, ok, err := m.Get(key(1))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "one", string(v))
	require.NoError(t, m.Close())
}

func TestAMergeThatFailsLosesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spill")
	require.NoError(t, os.Mkdir(dir, 0o700))
	m := New(Options{MaxInMemory: 1, Dir: dir})
	n := 0
	for len(m.runs) < fanIn-1 {
		require.NoError(t, m.Put(key(n), fmt.Append(nil, n)))
		n++
	}
	r, err := m.spill() // the run that will make a merge due
	require.NoError(t, err)
	m.runs = append(m.runs, r)
	require.NoError(t, os.RemoveAll(dir))
	require.ErrorIs(t, m.compact(), os.ErrNotExist)
	for i := range n {
		v, ok, err := m.Get(key(i))
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, fmt.Sprint(i), string(v))
	}
	require.NoError(t, m.Close())
}

func TestAFileThatWasCutIsAnError(t *testing.T) {
	t.Parallel()
	m := New(Options{MaxInMemory: 1, Dir: t.TempDir()})
	defer func() { require.NoError(t, m.Close()) }()
	require.NoError(t, m.Put(key(1), []byte("one")))
	require.NoError(t, m.Put(key(2), []byte("two")))
	require.NoError(t, m.runs[0].file.Truncate(5))
	_, _, err := m.Get(key(1))
	require.ErrorContains(t, err, "read spilled keys")
	require.Error(t, m.Put(key(1), nil))
	_, err = merge(t.TempDir(), m.runs)
	require.ErrorContains(t, err, "merge spilled keys")
}

func TestCloseLeavesNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := New(Options{MaxInMemory: 3, Dir: dir})
	for i := range 100 {
		require.NoError(t, m.Put(key(i), []byte("v")))
	}
	// As on a system that cannot remove the name of an open file.
	left := filepath.Join(dir, "left")
	require.NoError(t, os.WriteFile(left, nil, 0o600))
	f, err := os.Open(left)
	require.NoError(t, err)
	m.runs = append(m.runs, &run{file: &tempFile{File: f}})

	require.NoError(t, m.Close())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)

	require.NoError(t, m.Close())
	require.ErrorIs(t, m.Put(key(1), nil), os.ErrClosed)
	_, _, err = m.Get(key(1))
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = m.Has(key(1))
	require.ErrorIs(t, err, os.ErrClosed)
}

// FuzzSearch holds that no block makes search panic, and that what it finds
// lies in the block.
func FuzzSearch(f *testing.F) {
	k := key(1)
	f.Add(k[:], k[:])
	f.Add(appendValue(k[:], []byte("value")), k[:])
	f.Add(append(k[:], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), k[:])
	f.Fuzz(func(t *testing.T, block, k []byte) {
		if len(k) < 16 {
			return
		}
		value, ok, err := search(block, Key(k[:16]))
		if ok && err != nil {
			t.Errorf("found, and the error %v", err)
		}
		if len(value) > len(block) {
			t.Errorf("a value of %d bytes in a block of %d", len(value), len(block))
		}
	})
}

func BenchmarkMap(b *testing.B) {
	const n = 1_000_000
	for name, inMemory := range map[string]int{"in memory": 2 * n, "spilled": n / 10} {
		b.Run(name+"/put", func(b *testing.B) {
			m := New(Options{MaxInMemory: inMemory, Dir: b.TempDir()})
			defer m.Close() //nolint:errcheck // a benchmark
			for i := 0; b.Loop(); i++ {
				if err := m.Put(key(i), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/has", func(b *testing.B) {
			m := New(Options{MaxInMemory: inMemory, Dir: b.TempDir()})
			defer m.Close() //nolint:errcheck // a benchmark
			for i := range n {
				if err := m.Put(key(i), nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for i := 0; b.Loop(); i++ { // every other one is there
				if _, err := m.Has(key(i % (2 * n))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
