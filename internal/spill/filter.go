package spill

import (
	"encoding/binary"
	"math/bits"
)

// A Filter is a set of keys that may say yes where it should say no, in about
// one case of a hundred, and never the other way round. It grows by itself. A
// Filter is not safe for concurrent use, save that any number of goroutines may
// call MayHave while none calls Add.
type Filter struct {
	layers []*bloom
	keys   int // how many keys the last layer is made for
	room   int // how many more it takes
}

// minLayer is the fewest keys that a layer is made for.
const minLayer = 1024

// NewFilter returns an empty Filter that takes the expected number of keys before
// it has to grow, at 11 bits for each. More keys cost a little more space and
// time each.
func NewFilter(expected int) *Filter {
	f := &Filter{}
	f.grow(max(expected, minLayer))
	return f
}

// grow adds a layer. Each layer errs half as often as the one before, the first
// one time in 200, so that together they err at most one time in 100.
func (f *Filter) grow(keys int) {
	n := len(f.layers)
	f.layers = append(f.layers, newBloom(keys, 11+1.5*float64(n), 8+n))
	f.keys, f.room = keys, keys
}

// Add puts a key into the set.
func (f *Filter) Add(k Key) {
	if f.MayHave(k) {
		return
	}
	if f.room == 0 {
		f.grow(2 * f.keys)
	}
	f.layers[len(f.layers)-1].add(k)
	f.room--
}

// MayHave reports whether the key may be in the set. If it returns false, the key
// was never added.
func (f *Filter) MayHave(k Key) bool {
	for i := len(f.layers) - 1; i >= 0; i-- { // the newest is the largest
		if f.layers[i].has(k) {
			return true
		}
	}
	return false
}

// A bloom is a Bloom filter of fixed size. Its probes are found by double hashing
// of the key's two halves.
type bloom struct {
	words  []uint64
	size   uint64 // in bits
	probes int
}

func newBloom(keys int, bitsPerKey float64, probes int) *bloom {
	words := max(int(float64(keys)*bitsPerKey)/64+1, 1)
	return &bloom{words: make([]uint64, words), size: uint64(words) * 64, probes: probes}
}

func (b *bloom) add(k Key) {
	h, step := k.halves()
	for range b.probes {
		at, _ := bits.Mul64(h, b.size)
		b.words[at/64] |= 1 << (at % 64)
		h += step
	}
}

func (b *bloom) has(k Key) bool {
	h, step := k.halves()
	for range b.probes {
		at, _ := bits.Mul64(h, b.size)
		if b.words[at/64]&(1<<(at%64)) == 0 {
			return false
		}
		h += step
	}
	return true
}

// halves returns the first probe and the step between probes, which is odd so
// that no two probes fall together.
func (k Key) halves() (h, step uint64) {
	return binary.BigEndian.Uint64(k[:8]), binary.BigEndian.Uint64(k[8:]) | 1
}
