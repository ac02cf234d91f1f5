package syncer

import (
	"crypto/sha256"
	"strconv"

	"github.com/vendorsync/vendorsync/internal/spill"
)

// A view is what this run has decided and a Match may not know yet. Every
// decision is made over what Match answered, corrected by the view, so that
// outcomes depend neither on batch nor on page size.
//
// A run keeps two generations, that of the batch being decided and that of the
// batch being applied: once a batch is committed, Match knows it. A test run
// commits nothing and keeps everything, spilled to disk past a size.
type view struct {
	now, before map[spill.Key]string
	all         *spill.Map // test runs only
	err         error      // the first failure of all
}

// Kinds of entry. Each is a statement about one run.
const (
	viewHolder     = 'h' // field, key -> vendor id of the record that has this key now
	viewReleased   = 'r' // field, key, record -> the record had this key and gave it up
	viewTaken      = 't' // record -> vendor id that it was linked to
	viewSuperseded = 's' // vendor id -> vendor id that took its record over
	viewPlaced     = 'o' // vendor id -> the record that a test run's record is, empty for a new one
	viewPointed    = 'u' // object, link field, record -> a test run has decided what the link holds
	viewWaiting    = 'w' // object, link field, form of a text -> how many of a test run's records wait for it, and the vendor id that has come
	viewCompanion  = 'c' // object, key -> vendor id of the record whose companion has this key
	viewKept       = 'k' // object, record -> a companion that a record of this run has
	viewLetGo      = 'l' // object, key -> a companion that its record let go of, and whether it was deactivated
	viewShared     = 'p' // object, key -> columns that have a value, for a shared parent a test run would make or fill
)

func viewKey(kind byte, parts ...string) spill.Key {
	var buf [256]byte
	b := append(buf[:0], kind)
	for _, p := range parts {
		b = strconv.AppendInt(b, int64(len(p)), 10)
		b = append(b, ':')
		b = append(b, p...)
	}
	return hashKey(b)
}

func hashKey(b []byte) spill.Key {
	sum := sha256.Sum256(b)
	return spill.Key(sum[:16])
}

func newView(spilled *spill.Map) *view {
	return &view{now: map[spill.Key]string{}, before: map[spill.Key]string{}, all: spilled}
}

// set keeps a copy of nothing: value must not share memory with a record.
func (v *view) set(k spill.Key, value string) {
	if v.all != nil {
		if err := v.all.Put(k, []byte(value)); err != nil && v.err == nil {
			v.err = err
		}
		return
	}
	v.now[k] = value
}

func (v *view) get(k spill.Key) (string, bool) {
	if v.all != nil {
		value, ok, err := v.all.Get(k)
		if err != nil && v.err == nil {
			v.err = err
		}
		return string(value), ok
	}
	if value, ok := v.now[k]; ok {
		return value, true
	}
	value, ok := v.before[k]
	return value, ok
}

// turn forgets what was decided two batches ago. The caller has committed it
// and asks the next Match after this.
func (v *view) turn() {
	v.before, v.now = v.now, v.before
	clear(v.now)
}
