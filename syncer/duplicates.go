package syncer

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/spill"
	"github.com/vendorsync/vendorsync/mapping"
)

// DuplicateOptions say what else makes records duplicates. The zero value works.
type DuplicateOptions struct {
	// Fields are more fields to compare, such as hostname or full_name: records that
	// have the same value there count, too. Case, blanks and punctuation do not
	// matter.
	Fields []string
}

// A DuplicateSet is records that are probably one.
type DuplicateSet struct {
	Object string `json:"object"`
	// Keep is the record to merge the others into, if they are one: that which most
	// integrations bring, and of those the first.
	Keep string `json:"keep"`
	// Shared are the values because of which they are here, each shared by at least
	// two of them.
	Shared []SharedValue `json:"shared"`
	// Records are at least two, in the order in which the store yields them.
	Records []DuplicateRecord `json:"records"`
}

// A SharedValue is one reason why records are probably one.
type SharedValue struct {
	Fields []string `json:"fields"` // where they have it; several where one's asset tag is another's serial number
	Value  string   `json:"value"`  // in the form in which it was compared
	IDs    []string `json:"ids"`    // who has it, at least two
}

// String says the reason in one line.
func (v SharedValue) String() string {
	return fmt.Sprintf("%s %s in %s", strings.Join(v.Fields, " and "), v.Value, orList(v.IDs))
}

// A DuplicateRecord is one of the records that are probably one.
type DuplicateRecord struct {
	ID    string `json:"id"`
	Label string `json:"label,omitempty"` // what a person calls it
	// Values are those of its fields that were compared, as a person reads them.
	Values map[string]string `json:"values"`
	// Integrations bring the record. Nil if the store does not tell.
	Integrations []string `json:"integrations,omitempty"`
}

// Duplicates yields the sets of records of an object that are probably one, each
// record in one set. What is unique is so in its normal form already, so it looks
// further:
//
//   - identifying numbers (serial number, asset tag, IMEI, UDID, employee id, unique
//     custom fields) are compared by their letters and digits alone, over all these
//     fields of the object, with and without the S that barcode labels put before a
//     serial number, and an IMEI with and without its check digit;
//   - e-mail addresses without the tag behind a plus, and whatever their case; a
//     username that is an address is compared with them. Accounts are compared
//     within their application;
//   - MAC addresses, unless more than two records have one, as with docking
//     stations and adapters, or two have it whose serial numbers differ;
//   - the parts of a composite key without blanks and punctuation.
//
// Placeholders do not count, nor do archived and merged records. The sets come in
// the order of their first records. Memory grows with the duplicates, not with the
// records: what is remembered of those is spilled to disk past a size. The Store
// must be a Reader.
func (s *Syncer) Duplicates(ctx context.Context, object string, opt DuplicateOptions) iter.Seq2[DuplicateSet, error] {
	return func(yield func(DuplicateSet, error) bool) {
		d, err := s.newDuplicates(ctx, object, opt)
		if err != nil {
			yield(DuplicateSet{}, fmt.Errorf("look for duplicates of %s: %w", object, err))
			return
		}
		if err := d.scan(ctx); err != nil {
			yield(DuplicateSet{}, fmt.Errorf("look for duplicates of %s: %w", object, err))
			return
		}
		for chunk := range slices.Chunk(d.sets(), setsAtOnce) {
			sets, err := d.describe(ctx, chunk)
			if err != nil {
				yield(DuplicateSet{}, fmt.Errorf("look for duplicates of %s: %w", object, err))
				return
			}
			for _, set := range sets {
				if !yield(set, nil) {
					return
				}
			}
		}
	}
}

// setsAtOnce is how many sets are looked up in the store together.
const setsAtOnce = 200

// A duplicates is one search.
type duplicates struct {
	s      *Syncer
	o      *mapping.Object
	reader Reader
	signs  []signer
	fields []int // that are compared, for showing them
	serial int   // the field that tells devices with a shared MAC address apart, -1 for none

	first  *spill.Map // sign -> the first record that has it
	shared map[spill.Key]*sharedSign
	order  map[string]int64 // in which the store yields the members
}

// A sign is a value by which a record may be another.
type sign struct {
	space string // what may be compared with each other
	text  string
	field int
}

// A signer makes the signs of one record by one rule.
type signer func(values []mapping.Value, add func(sign))

// A sharedSign is a sign that at least two records have.
type sharedSign struct {
	sign
	members []member
}

// A member is a record that has a shared sign.
type member struct {
	id     string
	fields []int
	serial string // its serial number, as it is compared
}

// The spaces of signs.
const (
	spaceNumber = "number"
	spaceIMEI   = "imei"
	spaceMail   = "mail"
	spaceName   = "name"
	spaceMAC    = "mac"
	spaceKey    = "key"
)

func (s *Syncer) newDuplicates(ctx context.Context, object string, opt DuplicateOptions) (*duplicates, error) {
	reader, ok := s.store.(Reader)
	if !ok {
		return nil, unsupported("store", "read "+object, "yield its records")
	}
	_, o, err := s.object(ctx, object)
	if err != nil {
		return nil, err
	}
	d := &duplicates{s: s, o: o, reader: reader, serial: o.Field("serial_number"), shared: map[spill.Key]*sharedSign{}, order: map[string]int64{}}
	names := make([]string, len(o.Fields))
	for at := range o.Fields {
		names[at] = o.Fields[at].Name
		d.compare(at)
	}
	d.compareKey()
	for _, name := range opt.Fields {
		at := o.Field(name)
		if at < 0 {
			return nil, connector.Errorf(connector.ErrInvalid, "compare "+name, "%s have no field %q%s", o.Name, name, meant(name, names))
		}
		d.note(at, func(values []mapping.Value, add func(sign)) {
			f := &o.Fields[at]
			for _, text := range texts(f, values[at]) {
				add(sign{space: "field " + f.Name, text: looseName(text), field: at})
			}
		})
	}
	slices.Sort(d.fields)
	d.fields = slices.Compact(d.fields)
	return d, nil
}

func (d *duplicates) note(field int, s signer) {
	d.fields = append(d.fields, field)
	d.signs = append(d.signs, s)
}

// compare adds the rule by which a field is compared, if it identifies anything.
func (d *duplicates) compare(at int) {
	f := &d.o.Fields[at]
	switch {
	case f.Unique && f.Type == mapping.Text && len(f.Placeholders) > 0:
		d.note(at, func(values []mapping.Value, add func(sign)) {
			for _, text := range looseNumber(f, values[at]) {
				space := spaceNumber
				if len(text) < crossLength {
					space = "field " + f.Name // too short to mean the same elsewhere
				}
				add(sign{space: space, text: text, field: at})
			}
			if digits := imei(f, values[at]); digits != "" {
				add(sign{space: spaceIMEI, text: digits, field: at})
			}
		})
	case f.Type == mapping.Email:
		scope := d.scope()
		if !f.Unique && scope == nil {
			return // nothing says that a person has one
		}
		d.note(at, func(values []mapping.Value, add func(sign)) {
			if mail := looseMail(f.Normalize(values[at])); mail != "" {
				add(sign{space: spaceMail + scopeText(scope, values), text: mail, field: at})
			}
		})
	case f.Unique && f.Type == mapping.Text:
		person := d.o.Field("email") >= 0
		d.note(at, func(values []mapping.Value, add func(sign)) {
			text := f.Normalize(values[at])
			if mail := looseMail(text); mail != "" {
				add(sign{space: spaceMail, text: mail, field: at})
			} else if !person { // a.b and ab may be two people
				add(sign{space: spaceName + f.Name, text: looseName(text), field: at})
			}
		})
	case f.Type == mapping.MAC || f.Type == mapping.List && f.Item == mapping.MAC:
		d.note(at, func(values []mapping.Value, add func(sign)) {
			for _, text := range texts(f, values[at]) {
				if mac := looseMAC(f, text); mac != "" {
					add(sign{space: spaceMAC, text: mac, field: at})
				}
			}
		})
	}
}

// crossLength is how many letters and digits a number must have to mean the same
// thing in another field.
const crossLength = 5

// scope returns the links within which the object's records are told apart.
func (d *duplicates) scope() []int {
	var links []int
	for _, name := range d.o.Key {
		if at := d.o.Field(name); d.o.Fields[at].Link {
			links = append(links, at)
		}
	}
	return links
}

func scopeText(scope []int, values []mapping.Value) string {
	var b strings.Builder
	for _, at := range scope {
		b.WriteString(KeySeparator + values[at].Text)
	}
	return b.String()
}

// compareKey adds the rule for a composite key of texts.
func (d *duplicates) compareKey() {
	if len(d.o.Key) == 0 || d.scope() != nil {
		return
	}
	at := make([]int, len(d.o.Key))
	for i, name := range d.o.Key {
		at[i] = d.o.Field(name)
		d.fields = append(d.fields, at[i])
	}
	d.signs = append(d.signs, func(values []mapping.Value, add func(sign)) {
		parts := make([]string, len(at))
		for i, field := range at {
			parts[i] = looseName(d.o.Fields[field].Normalize(values[field]))
		}
		if parts[0] != "" {
			add(sign{space: spaceKey, text: strings.Join(parts, KeySeparator), field: at[0]})
		}
	})
}

// texts returns a value's texts: the items of a list, or the one there is.
func texts(f *mapping.Field, v mapping.Value) []string {
	if v.IsEmpty() {
		return nil
	}
	var items []string
	if f.Type == mapping.List && json.Unmarshal([]byte(v.Text), &items) == nil {
		return items
	}
	return []string{f.Format(v)}
}

// looseNumber returns the letters and digits of an identifying number, and beside
// it the number without the S that may stand before it; none for a placeholder.
//
// S is the data identifier of a serial number in ANSI MH10.8.2, which scanners
// hand on with the number.
func looseNumber(f *mapping.Field, v mapping.Value) []string {
	text := f.Normalize(v)
	if text == "" {
		return nil
	}
	text = strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text))
	if f.Normalize(mapping.TextValue(text)) == "" {
		return nil
	}
	const scanned = 8 // characters of the shortest serial number that is printed so
	if bare, ok := strings.CutPrefix(text, "S"); ok && len(bare) >= scanned && strings.ContainsAny(bare, "0123456789") && f.Normalize(mapping.TextValue(bare)) != "" {
		return []string{text, bare}
	}
	return []string{text}
}

// imei returns the 14 digits of an IMEI that name the device: a 15th is a check
// digit, a 15th and 16th are the version of its software (3GPP TS 23.003, 6.2).
func imei(f *mapping.Field, v mapping.Value) string {
	if f.Name != "imei" {
		return ""
	}
	const named = 14
	for _, text := range looseNumber(f, v) {
		if len(text) >= named && len(text) <= named+2 && strings.Trim(text, "0123456789") == "" {
			return text[:named]
		}
	}
	return ""
}

// looseMail returns an address without the tag behind a plus (RFC 5233), empty
// for what is none.
func looseMail(text string) string {
	local, domain, ok := strings.Cut(text, "@")
	if !ok || local == "" || domain == "" || strings.Contains(domain, "@") {
		return ""
	}
	if bare, _, tagged := strings.Cut(local, "+"); tagged && bare != "" {
		local = bare
	}
	return strings.ToLower(local + "@" + domain)
}

// madeUp are the beginnings of addresses that software gives to its own networks,
// the same ones on every machine: Docker and VirtualBox.
var madeUp = []string{"02:42:", "0a:00:27:"}

// looseMAC returns an address that tells a device, or "".
func looseMAC(f *mapping.Field, text string) string {
	item := mapping.Field{Name: f.Name, Type: mapping.MAC, Placeholders: f.Placeholders}
	mac := item.Normalize(mapping.TextValue(text))
	if slices.ContainsFunc(madeUp, func(prefix string) bool { return strings.HasPrefix(strings.ToLower(mac), prefix) }) {
		return ""
	}
	return mac
}

// looseName returns a name without case, blanks and punctuation. Two digits keep
// a point between them if anything stands there, so that 1.10 is not 11.0; + and #
// stay, so that C++ is not C.
func looseName(text string) string {
	var b strings.Builder
	gap := false
	var last rune
	for _, r := range strings.ToLower(text) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '+' && r != '#' {
			gap = true
			continue
		}
		if gap && unicode.IsDigit(last) && unicode.IsDigit(r) {
			b.WriteByte('.')
		}
		b.WriteRune(r)
		gap, last = false, r
	}
	return b.String()
}

// scan goes over all records and notes the signs that several have.
func (d *duplicates) scan(ctx context.Context) (err error) {
	d.first = spill.New(spill.Options{Dir: d.s.opt.SpillDir, MaxInMemory: maxInMemory})
	defer func() {
		if cerr := d.first.Close(); err == nil {
			err = cerr
		}
	}()
	n := int64(0)
	for rec, err := range d.reader.Records(ctx, RecordQuery{Object: d.o.Name}) {
		if err != nil {
			return fmt.Errorf("read the records: %w", err)
		}
		n++
		signs := map[spill.Key]*sharedSign{} // of this record, each once
		for _, s := range d.signs {
			s(rec.Values, func(g sign) {
				if g.text == "" {
					return
				}
				key := viewKey('d', g.space, g.text)
				if signs[key] == nil {
					signs[key] = &sharedSign{sign: g, members: []member{{id: rec.ID, serial: d.serialOf(rec.Values)}}}
				}
				if m := &signs[key].members[0]; !slices.Contains(m.fields, g.field) {
					m.fields = append(m.fields, g.field)
				}
			})
		}
		for key, g := range signs {
			if err := d.meet(key, g, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// serialOf returns the serial number as it is compared.
func (d *duplicates) serialOf(values []mapping.Value) string {
	if d.serial < 0 {
		return ""
	}
	if forms := looseNumber(&d.o.Fields[d.serial], values[d.serial]); len(forms) > 0 {
		return forms[len(forms)-1]
	}
	return ""
}

// meet notes that a record, the nth, has a sign.
func (d *duplicates) meet(key spill.Key, g *sharedSign, n int64) error {
	m := g.members[0]
	if known, ok := d.shared[key]; ok {
		known.members = append(known.members, m)
		d.order[m.id] = n
		return nil
	}
	old, ok, err := d.first.Get(key)
	switch {
	case err != nil:
		return fmt.Errorf("remember a value: %w", err)
	case !ok:
		if err := d.first.Put(key, appendMember(nil, m, n)); err != nil {
			return fmt.Errorf("remember a value: %w", err)
		}
		return nil
	}
	first, at, err := readMember(old)
	if err != nil {
		return err
	}
	g.members = []member{first, m}
	d.shared[key] = g
	d.order[first.id], d.order[m.id] = at, n
	return nil
}

// appendMember writes down the first record that has a sign, and its place among
// all.
func appendMember(b []byte, m member, n int64) []byte {
	b = binary.AppendUvarint(b, uint64(n)) //nolint:gosec // it is a number of records.
	b = binary.AppendUvarint(b, uint64(len(m.fields)))
	for _, at := range m.fields {
		b = binary.AppendUvarint(b, uint64(at)) //nolint:gosec // it is an index.
	}
	b = binary.AppendUvarint(b, uint64(len(m.serial)))
	b = append(b, m.serial...)
	return append(b, m.id...)
}

// readMember reads what appendMember wrote.
func readMember(b []byte) (m member, n int64, err error) {
	whole := len(b)
	next := func(limit uint64) int {
		v, size := binary.Uvarint(b)
		if size <= 0 || v > limit {
			err = connector.Errorf(connector.ErrInternal, "read a remembered value", "its %d bytes make no sense", whole)
			return 0
		}
		b = b[size:]
		return int(v) //nolint:gosec // the limits fit.
	}
	n = int64(next(math.MaxInt64))
	for range next(uint64(len(b))) {
		m.fields = append(m.fields, next(math.MaxInt32))
	}
	size := next(uint64(len(b)))
	if err == nil && size > len(b) {
		next(0) // there is less left than there should be
		size = 0
	}
	if err != nil {
		return member{}, 0, err
	}
	m.serial, m.id = string(b[:size]), string(b[size:])
	return m, n, nil
}

// sets joins the records that share anything. It returns the signs of each set,
// the set of the first record first.
func (d *duplicates) sets() [][]*sharedSign {
	parent := map[string]string{}
	root := func(id string) string {
		for {
			p, ok := parent[id]
			if !ok {
				return id
			}
			if above, ok := parent[p]; ok {
				parent[id] = above
			}
			id = p
		}
	}
	var telling []*sharedSign
	for _, g := range d.shared {
		if g.space == spaceMAC && g.passedOn() {
			continue
		}
		telling = append(telling, g)
		for _, m := range g.members[1:] {
			a, b := root(g.members[0].id), root(m.id)
			if d.order[b] < d.order[a] {
				a, b = b, a
			}
			if a != b {
				parent[b] = a
			}
		}
	}
	bySet := map[string][]*sharedSign{}
	for _, g := range telling {
		first := root(g.members[0].id)
		bySet[first] = append(bySet[first], g)
	}
	firsts := slices.SortedFunc(maps.Keys(bySet), func(a, b string) int { return cmp.Compare(d.order[a], d.order[b]) })
	sets := make([][]*sharedSign, len(firsts))
	for i, first := range firsts {
		slices.SortFunc(bySet[first], func(a, b *sharedSign) int {
			return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(len(b.text), len(a.text)), strings.Compare(a.text, b.text), strings.Compare(a.space, b.space))
		})
		sets[i] = bySet[first]
	}
	return sets
}

// passedOn reports whether a MAC address is that of something which is plugged
// into one device after another.
func (g *sharedSign) passedOn() bool {
	if len(g.members) > 2 {
		return true
	}
	a, b := g.members[0].serial, g.members[1].serial
	return a != "" && b != "" && a != b
}

// describe looks the records of some sets up and shows the sets, less what has
// been archived, merged or deleted meanwhile.
func (d *duplicates) describe(ctx context.Context, sets [][]*sharedSign) ([]DuplicateSet, error) {
	var ids []string
	for _, signs := range sets {
		for _, g := range signs {
			for _, m := range g.members {
				ids = append(ids, m.id)
			}
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(d.order[a], d.order[b]) })
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return nil, nil
	}
	records, err := d.look(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []DuplicateSet
	for _, signs := range sets {
		if set := d.show(signs, records); len(set.Records) > 1 {
			out = append(out, set)
		}
	}
	return out, nil
}

// look returns the live records among ids.
func (d *duplicates) look(ctx context.Context, ids []string) (map[string]DuplicateRecord, error) {
	hits, err := d.s.store.Match(ctx, Query{Object: d.o.Name, By: ByID, Values: ids})
	if err != nil {
		return nil, fmt.Errorf("look the records up: %w", err)
	}
	traces := make([]Trace, len(ids))
	if tracer, ok := d.s.store.(Tracer); ok {
		if traces, err = tracer.Trace(ctx, d.o.Name, ids); err != nil {
			return nil, fmt.Errorf("ask who has links: %w", err)
		}
	}
	if len(hits) != len(ids) || len(traces) != len(ids) {
		return nil, connector.Errorf(connector.ErrInternal, "look up "+d.o.Name, "the store answered %d and %d of %d questions", len(hits), len(traces), len(ids))
	}
	records := map[string]DuplicateRecord{}
	for i, id := range ids {
		if len(hits[i]) == 0 || hits[i][0].Archived || hits[i][0].ID != id {
			continue
		}
		values := hits[i][0].Values
		rec := DuplicateRecord{ID: id, Label: recordLabel(d.o, values), Values: map[string]string{}}
		for _, at := range d.fields {
			if f := &d.o.Fields[at]; !values[at].IsEmpty() {
				rec.Values[f.Name] = f.Format(values[at])
			}
		}
		for _, stake := range traces[i].Stakes {
			rec.Integrations = append(rec.Integrations, stake.Integration)
		}
		records[id] = rec
	}
	return records, nil
}

// show puts one set together.
func (d *duplicates) show(signs []*sharedSign, records map[string]DuplicateRecord) DuplicateSet {
	set := DuplicateSet{Object: d.o.Name}
	told := map[string]bool{}
	in := map[string]bool{}
	for _, g := range signs {
		shared := SharedValue{Value: strings.ReplaceAll(g.text, KeySeparator, " / ")}
		var fields []int
		for _, m := range g.members {
			if _, live := records[m.id]; live {
				shared.IDs, fields = append(shared.IDs, m.id), append(fields, m.fields...)
			}
		}
		slices.Sort(fields)
		for _, at := range slices.Compact(fields) {
			shared.Fields = append(shared.Fields, d.o.Fields[at].Name)
		}
		if why := fmt.Sprint(shared.Fields, shared.IDs); len(shared.IDs) > 1 && !told[why] { // with the S and without it is one reason
			told[why] = true
			set.Shared = append(set.Shared, shared)
			for _, id := range shared.IDs {
				in[id] = true
			}
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(in), func(a, b string) int { return cmp.Compare(d.order[a], d.order[b]) }) {
		rec := records[id]
		if set.Keep == "" || len(rec.Integrations) > len(records[set.Keep].Integrations) {
			set.Keep = id
		}
		set.Records = append(set.Records, rec)
	}
	return set
}
