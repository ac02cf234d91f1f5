package syncer

import (
	"context"
	"fmt"

	"github.com/vendorsync/vendorsync/internal/spill"
)

// links knows the integration's links to the primary object: all of them, from
// one scan at the start, or, with more than the bound, none, and then they are
// looked up batch by batch.
type links struct {
	complete   bool
	live       map[spill.Key]link
	ids        []byte               // the records' ids, end to end
	superseded map[spill.Key]string // vendor id -> holder; few
	released   []Link               // the superseded links themselves, for the end of a complete read
	known      int64                // live links at the start of the run
}

// A link in the cache: 24 bytes, no pointers.
type link struct {
	hash   uint64
	at     uint32 // of the id in ids
	length uint8
	stale  bool
}

func vendorKey(vendorID string) spill.Key {
	var buf [128]byte
	return hashKey(append(append(buf[:0], 'v'), vendorID...))
}

// loadLinks scans the links if the store can and the bound allows.
func loadLinks(ctx context.Context, store Store, integration, object string, bound int) (*links, error) {
	l := &links{superseded: map[spill.Key]string{}}
	scanner, ok := store.(LinkScanner)
	if !ok || bound < 0 {
		return l, nil
	}
	l.live = map[spill.Key]link{}
	for row, err := range scanner.ScanLinks(ctx, integration, object) {
		if err != nil {
			return nil, fmt.Errorf("read the links of %q: %w", integration, err)
		}
		key := vendorKey(row.VendorID)
		if row.SupersededBy != "" {
			l.superseded[key] = row.SupersededBy
			l.released = append(l.released, row)
			continue
		}
		if len(l.live) >= bound || len(l.ids)+len(row.ID) > 1<<32-1 || len(row.ID) > 255 {
			return &links{superseded: map[spill.Key]string{}}, nil
		}
		l.live[key] = link{hash: row.Hash, at: uint32(len(l.ids)), length: uint8(len(row.ID)), stale: row.Stale || row.Missing} //nolint:gosec // both are bounded just above.
		l.ids = append(l.ids, row.ID...)
	}
	l.complete = true
	l.known = int64(len(l.live))
	return l, nil
}

func (l *links) id(e link) string { return string(l.ids[e.at : e.at+uint32(e.length)]) }

// supersede tells the cache that a vendor id lost its record to another.
func (l *links) supersede(old, holder string) {
	if !l.complete {
		return
	}
	key := vendorKey(old)
	delete(l.live, key)
	l.superseded[key] = holder
}
