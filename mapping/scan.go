package mapping

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// maxDepth is how deep a record may be nested. No vendor comes near it; the
// limit keeps a hostile record from using up the stack.
const maxDepth = 1000

// A tokenKind is what a JSON value is.
type tokenKind uint8

const (
	absentToken tokenKind = iota // the record does not have it
	nullToken
	stringToken
	numberToken
	trueToken
	falseToken
	objectToken
	arrayToken
)

// A token is the place of one JSON value in its source: a string's without the
// quotes, any other's whole.
type token struct {
	start, end int
	kind       tokenKind
	escaped    bool // a string with a backslash in it
	wide       bool // a string with bytes beyond ASCII in it
}

// A node says what is wanted of the values at one place of a record, and below.
// A tree of nodes is made once and only read afterwards.
type node struct {
	slot   int         // the slot of the frame that takes the value's token, or -1
	lo, hi int         // the slots of this node and all below it, a range
	keys   keyTable    // what is wanted of an object's members
	items  []itemNode  // what is wanted of single items of an array
	tail   bool        // an item is counted from the end, so that the length has to be known first
	every  *node       // what is wanted of each item of an array, or nil
	lists  []*listNode // the item lists that an array here fills
	below  []int       // the lists at this node and below it
	mask   bool        // the value is to be masked
	leaf   bool        // only the token is wanted
}

// An itemNode is what is wanted of one item of an array.
type itemNode struct {
	index int // from the end if negative
	node  *node
}

// at reports whether the item is the one at index i of an array of that length.
func (n *itemNode) at(i, length int) bool {
	return n.index == i || n.index < 0 && n.index+length == i
}

// A listNode takes each item of an array into a frame of its own.
type listNode struct {
	index int   // which of the scanner's lists
	size  int   // the slots of a frame
	item  *node // what is wanted of each item; its slot 0 is the item itself
}

// A list is what a listNode found.
type list struct {
	token  token   // the value where the list should be
	frames []token // the items' frames, one after the other
}

// A scanner goes over the bytes of one record and keeps the tokens that a tree
// of nodes asks for. It accepts exactly what the JSON grammar allows, the
// encoding of strings apart, which is looked at where a string is used.
type scanner struct {
	src   []byte
	frame []token  // the slots that are being filled
	lists []list   // by the index of their listNode
	spans [][2]int // the values to mask, in their order

	junk   token // takes what nobody wants
	key    []byte
	failAt int
	failed string
}

// record scans the whole source, which must be one object.
func (s *scanner) record(root *node) bool {
	i := s.blank(0)
	if i < len(s.src) && s.src[i] != '{' {
		s.fail(i, "not a JSON object")
		return false
	}
	if i = s.value(root, i, 0); i < 0 {
		return false
	}
	if i = s.blank(i); i < len(s.src) {
		s.fail(i, "there is something after the end of the object")
		return false
	}
	return true
}

// reason says in a person's words why the source was refused.
func (s *scanner) reason() string {
	if s.failAt >= len(s.src) {
		return fmt.Sprintf("the record's JSON is truncated: it ends at offset %d; look whether the source was written to the end", s.failAt)
	}
	return fmt.Sprintf("the record's JSON is invalid at offset %d: %s", s.failAt, s.failed)
}

// fail notes what is wrong at i and returns -1.
func (s *scanner) fail(i int, what string) int {
	s.failAt, s.failed = i, what
	return -1
}

// blank returns the index of the next byte that is no blank.
func (s *scanner) blank(i int) int {
	for i < len(s.src) && s.src[i] <= ' ' {
		switch s.src[i] {
		case ' ', '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}

// value scans the value at i for a node, or for nobody, and returns the index
// after it, or -1.
func (s *scanner) value(n *node, i, depth int) int {
	switch {
	case n == nil:
		return s.skip(i, depth, &s.junk)
	case n.leaf:
		return s.skip(i, depth, &s.frame[n.slot])
	}
	return s.branch(n, i, depth)
}

// branch scans a value of which the inside is wanted.
func (s *scanner) branch(n *node, i, depth int) int {
	// Of two members with the same key the last one counts, with all below it.
	clear(s.frame[n.lo:n.hi])
	for _, l := range n.below {
		s.lists[l].token = token{}
		s.lists[l].frames = s.lists[l].frames[:0]
	}
	var (
		end  int
		kind byte
	)
	if i < len(s.src) {
		kind = s.src[i]
	}
	t := token{start: i}
	switch {
	case n.mask:
		if end = s.skip(i, depth, &t); end >= 0 && t.kind != nullToken {
			s.spans = append(s.spans, [2]int{i, end})
		}
	case kind == '{' && n.keys.slots != nil:
		t.kind = objectToken
		end = s.object(n, i+1, depth+1)
		t.end = end
	case kind == '[' && n.wantsItems():
		t.kind = arrayToken
		end = s.array(n, i+1, depth+1)
		t.end = end
	default:
		// An empty text where an object should be says the same as null: Kandji
		// sends "user": "" of a device without one.
		if end = s.skip(i, depth, &t); t.kind == nullToken || t.kind == stringToken && t.start == t.end {
			s.null(n, token{start: i, end: i, kind: nullToken})
		}
	}
	if n.slot >= 0 {
		s.frame[n.slot] = t
	}
	for _, l := range n.lists {
		s.lists[l.index].token = t
	}
	return end
}

func (n *node) wantsItems() bool {
	return len(n.items) > 0 || n.every != nil || len(n.lists) > 0
}

// null sets all below a node to null: where a whole object is null, so are its
// members.
func (s *scanner) null(n *node, t token) {
	for i := n.lo; i < n.hi; i++ {
		s.frame[i] = t
	}
	for _, l := range n.below {
		s.lists[l].token = t
	}
}

// object scans the members of an object, for a node or for nobody. i is after
// the brace.
func (s *scanner) object(n *node, i, depth int) int {
	if depth > maxDepth {
		return s.fail(i-1, "nested deeper than 1000 levels")
	}
	src := s.src
	i = s.blank(i)
	if i < len(src) && src[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(src) || src[i] != '"' {
			return s.fail(i, "a key in double quotes is missing")
		}
		start := i + 1
		end, escaped := start, false
		for end < len(src) && isBare[src[end]] { // keys are short and plain
			end++
		}
		if end >= len(src) || src[end] != '"' {
			if end, escaped, _ = s.text(end); end < 0 {
				return -1
			}
		}
		var child *node
		if n != nil {
			key := src[start:end]
			if escaped {
				s.key = appendUnescaped(s.key[:0], key)
				key = s.key
			}
			child = n.keys.find(key)
		}
		i = end + 1
		if i >= len(src) || src[i] != ':' {
			if i = s.blank(i); i >= len(src) || src[i] != ':' {
				return s.fail(i, "a colon is missing after the key")
			}
		}
		if i = s.value(child, s.blank(i+1), depth); i < 0 {
			return -1
		}
		if i = s.blank(i); i >= len(src) {
			return s.fail(i, "")
		}
		switch src[i] {
		case ',':
			i = s.blank(i + 1)
		case '}':
			return i + 1
		default:
			return s.fail(i, "a comma or a closing brace is missing")
		}
	}
}

// array scans the items of an array, for a node or for nobody. i is after the
// bracket.
func (s *scanner) array(n *node, i, depth int) int {
	if depth > maxDepth {
		return s.fail(i-1, "nested deeper than 1000 levels")
	}
	length := 0
	if n != nil && n.tail {
		// An index from the end means nothing before the end is known.
		end, count := s.items(nil, i, depth, 0)
		if end < 0 {
			return -1
		}
		length = count
	}
	end, count := s.items(n, i, depth, length)
	if end >= 0 && n != nil {
		for k := range n.items {
			if item := &n.items[k]; item.index >= count || item.index < -count {
				// The list is there and has no such item.
				s.null(item.node, token{start: i - 1, end: i - 1, kind: nullToken})
			}
		}
	}
	return end
}

// items scans the items of an array to its end and counts them. length is the
// array's length where the node needs to know it.
func (s *scanner) items(n *node, i, depth, length int) (end, count int) {
	src := s.src
	i = s.blank(i)
	if i < len(src) && src[i] == ']' {
		return i + 1, 0
	}
	for ; ; count++ {
		if n == nil {
			i = s.skip(i, depth, &s.junk)
		} else {
			i = s.item(n, i, depth, count, length)
		}
		if i < 0 {
			return -1, 0
		}
		if i = s.blank(i); i >= len(src) {
			return s.fail(i, ""), 0
		}
		switch src[i] {
		case ',':
			i = s.blank(i + 1)
		case ']':
			return i + 1, count + 1
		default:
			return s.fail(i, "a comma or a closing bracket is missing"), 0
		}
	}
}

// item scans one item for all who want it, once for each of them: more than one
// is rare.
func (s *scanner) item(n *node, i, depth, index, length int) int {
	end, wanted := -1, false
	for _, l := range n.lists {
		if end, wanted = s.listItem(l, i, depth), true; end < 0 {
			return -1
		}
	}
	if n.every != nil {
		if end, wanted = s.value(n.every, i, depth), true; end < 0 {
			return -1
		}
	}
	for k := range n.items {
		if !n.items[k].at(index, length) {
			continue
		}
		if end, wanted = s.value(n.items[k].node, i, depth), true; end < 0 {
			return -1
		}
	}
	if !wanted {
		return s.skip(i, depth, &s.junk)
	}
	return end
}

// listItem scans an item into a new frame of its list.
func (s *scanner) listItem(l *listNode, i, depth int) int {
	found := &s.lists[l.index]
	start := len(found.frames)
	found.frames = slices.Grow(found.frames, l.size)[:start+l.size]
	outer := s.frame
	s.frame = found.frames[start:]
	clear(s.frame)
	end := s.value(l.item, i, depth)
	s.frame = outer
	return end
}

// skip scans a value of which only the token is wanted.
func (s *scanner) skip(i, depth int, t *token) int {
	if i >= len(s.src) {
		return s.fail(i, "")
	}
	switch c := s.src[i]; c {
	case '"':
		end, escaped, wide := s.text(i + 1)
		if end < 0 {
			return -1
		}
		*t = token{start: i + 1, end: end, kind: stringToken, escaped: escaped, wide: wide}
		return end + 1
	case '{':
		end := s.object(nil, i+1, depth+1)
		*t = token{start: i, end: end, kind: objectToken}
		return end
	case '[':
		end := s.array(nil, i+1, depth+1)
		*t = token{start: i, end: end, kind: arrayToken}
		return end
	case 't':
		return s.literal(i, "true", trueToken, t)
	case 'f':
		return s.literal(i, "false", falseToken, t)
	case 'n':
		return s.literal(i, "null", nullToken, t)
	default:
		end := s.number(i)
		*t = token{start: i, end: end, kind: numberToken}
		return end
	}
}

func (s *scanner) literal(i int, word string, kind tokenKind, t *token) int {
	for k := range len(word) {
		if i+k >= len(s.src) || s.src[i+k] != word[k] {
			return s.fail(i+k, "expected "+word)
		}
	}
	*t = token{start: i, end: i + len(word), kind: kind}
	return i + len(word)
}

// number scans a number at i.
func (s *scanner) number(i int) int {
	src := s.src
	start := i
	if src[i] == '-' {
		i++
	}
	switch {
	case i >= len(src):
		return s.fail(i, "")
	case src[i] == '0':
		i++
	case '1' <= src[i] && src[i] <= '9':
		i = digits(src, i)
	case i == start:
		return s.fail(i, "expected a value")
	default:
		return s.fail(i, "a digit is missing in a number")
	}
	if i < len(src) && src[i] == '.' {
		from := i + 1
		if i = digits(src, from); i == from {
			return s.fail(i, "a digit is missing after the point of a number")
		}
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		from := i
		if i = digits(src, from); i == from {
			return s.fail(i, "a digit is missing in the exponent of a number")
		}
	}
	return i
}

// digits returns the index after the digits that begin at i.
func digits(src []byte, i int) int {
	for i < len(src) && '0' <= src[i] && src[i] <= '9' {
		i++
	}
	return i
}

// Eight bytes of the same value, to look at eight characters at once.
const (
	eachOne       = 0x0101010101010101
	eachBlank     = ' ' * eachOne
	eachQuote     = '"' * eachOne
	eachBackslash = '\\' * eachOne
	eachHigh      = 0x80 * eachOne
)

// text scans a string from after its opening quote to its closing one, whose
// index it returns, or -1.
func (s *scanner) text(i int) (end int, escaped, wide bool) {
	src := s.src
	var high uint64
	for {
		for i+8 <= len(src) {
			x := binary.LittleEndian.Uint64(src[i:])
			quote, backslash := x^eachQuote, x^eachBackslash
			// A byte of zero, or below a blank, sets the high bit of its place; the
			// lowest place that is set is exact, those above it need not be.
			special := ((x-eachBlank)&^x | (quote-eachOne)&^quote | (backslash-eachOne)&^backslash) & eachHigh
			if special != 0 {
				n := bits.TrailingZeros64(special) &^ 7
				high |= x & (1<<n - 1)
				i += n >> 3
				goto found
			}
			high |= x
			i += 8
		}
		for i < len(src) && src[i] != '"' && src[i] != '\\' && src[i] >= ' ' {
			high |= uint64(src[i])
			i++
		}
		if i >= len(src) {
			return s.fail(i, ""), false, false
		}
	found:
		switch src[i] {
		case '"':
			return i, escaped, high&eachHigh != 0
		case '\\':
			escaped = true
			if i = s.escape(i); i < 0 {
				return -1, false, false
			}
		default:
			return s.fail(i, "a control character in a string"), false, false
		}
	}
}

// escape scans an escape sequence at i.
func (s *scanner) escape(i int) int {
	if i+1 >= len(s.src) {
		return s.fail(i+1, "")
	}
	switch s.src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if k >= len(s.src) || unhex(s.src[k]) < 0 {
				return s.fail(k, "an escape sequence lacks a hexadecimal digit")
			}
		}
		return i + 6
	}
	return s.fail(i+1, "an unknown escape sequence in a string")
}

// unhex returns the value of a hexadecimal digit, or -1.
func unhex(c byte) int { return int(hexValues[c]) }

// hexValues holds the value of each hexadecimal digit, and -1 for other bytes.
var hexValues = func() (values [256]int8) {
	for i := range values {
		values[i] = -1
	}
	for i := range int8(16) {
		digit := hexDigits[i]
		values[digit] = i
		if digit >= 'a' {
			values[digit-'a'+'A'] = i
		}
	}
	return values
}()

// appendUnescaped appends what a scanned string means. Half a surrogate pair
// becomes U+FFFD.
func appendUnescaped(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			dst = append(dst, text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := fourHex(text[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				pair := utf8.RuneError
				if len(text) >= i+7 && text[i+1] == '\\' && text[i+2] == 'u' {
					pair = utf16.DecodeRune(r, fourHex(text[i+3:]))
				}
				if pair != utf8.RuneError {
					i += 6
				}
				r = pair
			}
			dst = utf8.AppendRune(dst, r)
		default: // a quote, a backslash, a slash
			dst = append(dst, c)
		}
	}
	return dst
}

// fourHex reads four hexadecimal digits that have been checked.
func fourHex(text []byte) rune {
	var r rune
	for _, c := range text[:4] {
		r = r<<4 | rune(unhex(c)) //nolint:gosec // a digit is below 16.
	}
	return r
}

// A keyTable finds the node of a key. It is made for few keys that are asked for
// by the million: three letters and the length tell almost all of them apart.
type keyTable struct {
	keys  []keyNode // in the order they were added
	slots []keyNode // a power of two of them, at most a quarter in use
	seed  uint32
	shift uint32
}

// A keyNode is a key and its node; the node is nil in a slot that is free.
type keyNode struct {
	key  string
	node *node
}

// hash returns the slot where the search for a key begins.
func (t *keyTable) hash(key []byte) uint32 {
	n := len(key)
	if n == 0 {
		return 0
	}
	letters := uint32(key[0]) | uint32(key[n-1])<<8 | uint32(key[n/2])<<16 | uint32(n)<<24 //nolint:gosec // the length's low byte is enough.
	return letters * t.seed >> t.shift
}

// find returns the node of a key, or nil. The table is not empty.
func (t *keyTable) find(key []byte) *node {
	for at := int(t.hash(key)); ; at++ {
		slot := &t.slots[at&(len(t.slots)-1)]
		if slot.node == nil || slot.key == string(key) {
			return slot.node
		}
	}
}

// seeds is how many ways to spread the keys are tried.
const seeds = 64

// seal makes the table ready to be searched.
func (t *keyTable) seal() {
	if len(t.keys) == 0 {
		return
	}
	size := max(bits.Len(uint(len(t.keys)*4-1)), 3)
	t.shift = uint32(32 - size) //nolint:gosec // below 32.
	least := -1
	var best uint32
	for k := range uint32(seeds) {
		t.seed = 2654435761 + 2*k*k*k // odd; the first is the golden ratio's share of 2^32
		if n := t.fill(size); least < 0 || n < least {
			least, best = n, t.seed
		}
		if least == 0 {
			break
		}
	}
	t.seed = best
	t.fill(size)
}

// fill puts the keys into 2^size slots and counts those that find theirs taken.
func (t *keyTable) fill(size int) (collisions int) {
	t.slots = make([]keyNode, 1<<size)
	for _, k := range t.keys {
		at := int(t.hash([]byte(k.key)))
		if t.slots[at].node != nil {
			collisions++
		}
		for t.slots[at].node != nil {
			at = (at + 1) & (len(t.slots) - 1)
		}
		t.slots[at] = k
	}
	return collisions
}

// view returns bytes as a string without copying them. It is safe because
// nobody writes to a record's bytes once they are mapped, nor to those that an
// arena gave out: that is the contract of [Out].
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // see above.
}

// An arena is where texts are made that do not stand in the record as they are
// wanted. It hands memory out once and takes none back, so that its texts live as
// long as anybody holds them. The zero value allocates each text on its own.
type arena struct {
	free  []byte   // empty, with the rest of a chunk as its capacity
	chunk int      // the size of a chunk
	items []string // room for the items of a list while it is made
}

// buffer returns an empty slice to append up to about n bytes to. What comes of
// it goes to keep before the next buffer is asked for.
func (a *arena) buffer(n int) []byte {
	if cap(a.free) < n {
		a.free = make([]byte, 0, max(n, a.chunk))
	}
	return a.free
}

// keep returns the text that was appended to a buffer.
func (a *arena) keep(b []byte) string {
	if len(b) <= cap(a.free) {
		a.free = a.free[len(b):len(b):cap(a.free)]
	}
	return view(b)
}
