package spill

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
)

// blockSize is how many bytes of entries share one index entry; a look-up reads
// one block.
const blockSize = 2048

// A run is an immutable file of entries in the order of their keys:
//
//	key [16]byte, length uvarint, value
type run struct {
	file   *tempFile
	size   int64
	count  int
	level  int // how many merges its entries have been through
	filter *bloom
	first  []Key   // of each block
	starts []int64 // of each block
}

// get looks a key up. It uses buf as room for a block and returns it, grown if
// need be.
func (r *run) get(k Key, buf []byte) (value []byte, ok bool, grown []byte, err error) {
	if !r.filter.has(k) {
		return nil, false, buf, nil
	}
	block := sort.Search(len(r.first), func(i int) bool { return compare(r.first[i], k) > 0 }) - 1
	if block < 0 {
		return nil, false, buf, nil
	}
	end := r.size
	if block+1 < len(r.starts) {
		end = r.starts[block+1]
	}
	n := int(end - r.starts[block])
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := r.file.ReadAt(buf, r.starts[block]); err != nil {
		return nil, false, buf, fmt.Errorf("read spilled keys: %w", err)
	}
	value, ok, err = search(buf, k)
	return value, ok, buf, err
}

// search finds a key in the entries of one block.
func search(block []byte, k Key) (value []byte, ok bool, err error) {
	for len(block) > 0 {
		if len(block) < len(k) {
			return nil, false, errCut
		}
		order := bytes.Compare(block[:len(k)], k[:])
		if order > 0 {
			return nil, false, nil
		}
		value, rest, err := decodeValue(block[len(k):])
		if err != nil {
			return nil, false, err
		}
		if order == 0 {
			return value, true, nil
		}
		block = rest
	}
	return nil, false, nil
}

var errCut = errors.New("read spilled keys: the file was cut short")

// appendValue appends a value and, before it, its length.
func appendValue(b, value []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

// decodeValue returns the value that b begins with, and what follows it.
func decodeValue(b []byte) (value, rest []byte, err error) {
	n, width := binary.Uvarint(b)
	if width <= 0 || n > uint64(len(b)) || int(n) > len(b)-width { //nolint:gosec // compared before it is converted
		return nil, nil, errCut
	}
	end := width + int(n) //nolint:gosec // n is at most len(b)
	return b[width:end], b[end:], nil
}

// A runWriter writes one run. The entries must come in the order of their keys.
type runWriter struct {
	run   *run
	out   *bufio.Writer
	entry []byte
}

// newRunWriter begins a run of at most n entries.
func newRunWriter(dir string, n, level int) (*runWriter, error) {
	f, err := createTemp(dir)
	if err != nil {
		return nil, fmt.Errorf("spill keys to a temporary file: %w", err)
	}
	r := &run{file: f, level: level, filter: newBloom(n, 10, 7)}
	return &runWriter{run: r, out: bufio.NewWriterSize(f, 1<<16)}, nil
}

func (w *runWriter) add(k Key, value []byte) error {
	r := w.run
	if n := len(r.starts); n == 0 || r.size-r.starts[n-1] >= blockSize {
		r.first = append(r.first, k)
		r.starts = append(r.starts, r.size)
	}
	w.entry = appendValue(append(w.entry[:0], k[:]...), value)
	r.filter.add(k)
	r.size += int64(len(w.entry))
	r.count++
	_, err := w.out.Write(w.entry)
	return err
}

// finish returns the run, or removes its file if writing it has failed.
func (w *runWriter) finish(err error) (*run, error) {
	if err == nil {
		err = w.out.Flush()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("spill keys to a temporary file: %w", err), w.run.file.remove())
	}
	return w.run, nil
}

// A runReader reads a run from its first entry to its last.
type runReader struct {
	in    *bufio.Reader
	key   Key
	value []byte
	done  bool
}

func newRunReader(r *run) (*runReader, error) {
	rr := &runReader{in: bufio.NewReaderSize(io.NewSectionReader(r.file, 0, r.size), 1<<16)}
	return rr, rr.next()
}

// next goes on to the next entry, or sets done.
func (r *runReader) next() error {
	if _, err := io.ReadFull(r.in, r.key[:]); err != nil {
		if errors.Is(err, io.EOF) {
			r.done = true
			return nil
		}
		return fmt.Errorf("merge spilled keys: %w", err)
	}
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		return fmt.Errorf("merge spilled keys: %w", err)
	}
	if uint64(cap(r.value)) < n {
		r.value = make([]byte, n)
	}
	r.value = r.value[:n]
	if _, err := io.ReadFull(r.in, r.value); err != nil {
		return fmt.Errorf("merge spilled keys: %w", err)
	}
	return nil
}

// merge makes one run of several, given oldest first. Where they share a key, the
// newest run's value stays.
func merge(dir string, runs []*run) (*run, error) {
	readers := make([]*runReader, len(runs))
	total := 0
	for i, r := range runs {
		var err error
		if readers[i], err = newRunReader(r); err != nil {
			return nil, err
		}
		total += r.count
	}
	w, err := newRunWriter(dir, total, runs[0].level+1)
	if err != nil {
		return nil, err
	}
	return w.finish(mergeInto(w, readers))
}

func mergeInto(w *runWriter, readers []*runReader) error {
	for {
		least := -1
		for i, r := range readers {
			if !r.done && (least < 0 || compare(r.key, readers[least].key) <= 0) {
				least = i
			}
		}
		if least < 0 {
			return nil
		}
		key := readers[least].key
		if err := w.add(key, readers[least].value); err != nil {
			return err
		}
		for _, r := range readers {
			if r.done || r.key != key {
				continue
			}
			if err := r.next(); err != nil {
				return err
			}
		}
	}
}

// A tempFile is gone when its owner is: where the system allows it, its name is
// removed as soon as it is open, so that not even a killed process leaves it
// behind.
type tempFile struct {
	*os.File
	unlinked bool
}

func createTemp(dir string) (*tempFile, error) {
	f, err := os.CreateTemp(dir, "vendorsync-spill-*")
	if err != nil {
		return nil, err
	}
	return &tempFile{File: f, unlinked: os.Remove(f.Name()) == nil}, nil
}

func (f *tempFile) remove() error {
	err := f.Close()
	if !f.unlinked {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
