package connectortest

import (
	"math/bits"
	"strconv"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// DeviceOptions vary the records of [Devices].
type DeviceOptions struct {
	// Rev is the state of the vendor's data. In each revision from 2 on, the
	// same tenth of the records has an operating system and a last contact of
	// its own; all else is as in revision 1. 0 means 1.
	Rev int
	// RandomIDs gives the records UUIDs in no order, as most vendors do. Without
	// it the vendor ids are the numbers 1, 2, 3 and so on.
	RandomIDs bool
	// Applications is the number of applications listed in each record, at most
	// 12. With none a record has about 600 bytes, each adds about 50.
	Applications int
}

// Devices returns a [Fake] with one stream, "devices", of n records, generated
// page by page. The same arguments give the same bytes on every machine. No two
// records have the same id, serial_number, asset_tag, name or udid; the serials
// come in scattered order; several devices may have the same user.
func Devices(n int, seed uint64, opts DeviceOptions) *Fake {
	return &Fake{
		ID:       "devices",
		Stream:   "devices",
		Count:    n,
		PageSize: 200,
		Describe: func(spec *connector.Spec) { describeDevices(spec, opts) },
		appendRecord: func(b []byte, i int) []byte {
			return AppendDevice(b, i, seed, opts)
		},
	}
}

func describeDevices(spec *connector.Spec, opts DeviceOptions) {
	st := &spec.Streams[0]
	spec.Name, spec.Summary = "Devices", "Makes device records for tests."
	st.Label, st.Object = "Devices", "assets"
	id := connector.Field{Path: "id", Type: connector.NumberField, Example: "1"}
	if opts.RandomIDs {
		id.Type, id.Example = connector.StringField, "3f0c9a8e-5b1d-4c7e-9a64-0d2b6f8e1c35"
	}
	st.Fields = append([]connector.Field{id}, deviceFields()...)
	st.Mapping = connector.DefaultMapping{
		SyncKeys: []string{"serial_number"},
		Fields: []connector.DefaultField{
			{To: "serial_number", From: "serial_number"},
			{To: "device_name", From: "name"},
			{To: "asset_tag", From: "asset_tag"},
			{To: "udid", From: "udid"},
			{To: "model", From: "model.name"},
			{To: "model_identifier", From: "model.identifier"},
			{To: "os_name", From: "os.name"},
			{To: "os_version", From: "os.version"},
			{To: "os_build", From: "os.build"},
			{To: "storage_gb", From: "storage_gb"},
			{To: "assigned_to", From: "user.email"},
			{To: "department", From: "department"},
			{To: "encrypted", From: "encrypted"},
			{To: "enrolled_at", From: "enrolled_at"},
			{To: "last_seen_at", From: "last_seen"},
		},
	}
	if opts.Applications > 0 {
		st.Fields = append(st.Fields, connector.Field{Path: "applications", Type: connector.ListField})
		st.Mapping.Children = []connector.DefaultChildren{{
			Object: "software", From: "applications",
			Fields: []connector.DefaultField{{To: "name", From: "name"}, {To: "version", From: "version"}},
		}}
	}
}

func deviceFields() []connector.Field {
	return []connector.Field{
		{Path: "serial_number", Type: connector.StringField, Example: "C61803398873"},
		{Path: "name", Type: connector.StringField, Example: "host-0000001"},
		{Path: "udid", Type: connector.StringField},
		{Path: "asset_tag", Type: connector.StringField, Example: "AT-0000001"},
		{Path: "model.name", Type: connector.StringField, Example: "iPhone 15 Pro"},
		{Path: "model.identifier", Type: connector.StringField, Example: "iPhone16,1"},
		{Path: "os.name", Type: connector.StringField, Example: "macOS"},
		{Path: "os.version", Type: connector.StringField, Example: "14.2.1"},
		{Path: "os.build", Type: connector.StringField, Example: "23c71f"},
		{Path: "user.email", Type: connector.StringField, Example: "user000001@example.com"},
		{Path: "user.name", Type: connector.StringField, Example: "User Number 000001"},
		{Path: "mac_address", Type: connector.StringField, Example: "a0b1c2d3e4f5"},
		{Path: "ip_address", Type: connector.StringField, Example: "10.1.2.3"},
		{Path: "enrolled_at", Type: connector.StringField, Example: "2024-06-01T00:00:00Z"},
		{Path: "last_seen", Type: connector.StringField, Example: "2025-03-01T09:30:00Z"},
		{Path: "managed", Type: connector.BooleanField, Example: "true"},
		{Path: "supervised", Type: connector.BooleanField, Example: "true"},
		{Path: "encrypted", Type: connector.BooleanField, Example: "true"},
		{Path: "storage_gb", Type: connector.NumberField, Example: "512"},
		{Path: "memory_gb", Type: connector.NumberField, Example: "16"},
		{Path: "department", Type: connector.StringField, Example: "Engineering"},
		{Path: "site.id", Type: connector.NumberField, Example: "7"},
		{Path: "site.name", Type: connector.StringField, Example: "Site 07"},
		{Path: "status", Type: connector.StringField, Example: "deployed"},
	}
}

// AppendDevice appends record i of [Devices] to b, for benchmarks that want the
// bytes alone.
func AppendDevice(b []byte, i int, seed uint64, opts DeviceOptions) []byte {
	n := uint64(max(i, 0))
	r := newRandom(seed, n)
	model := pick(&r, deviceModels)
	udidHigh, udidLow, idHigh, idLow := r.next(), r.next(), r.next(), r.next()
	seen := deviceEpoch.Add(time.Duration(r.below(300*24*60*60)) * time.Second) //nolint:gosec // below keeps the number under 300 days of seconds.
	major, minor, patch := uint64(14), r.below(7), r.below(3)
	if opts.Rev > 1 && n%10 == 3 {
		major, patch = 15, uint64(opts.Rev)
		seen = seen.Add(24 * time.Hour)
	}
	user, site := r.below(1_000_000), r.below(50)

	b = append(b, `{"id":`...)
	if opts.RandomIDs {
		b = appendUUID(b, idHigh, idLow)
	} else {
		b = strconv.AppendUint(b, n+1, 10)
	}
	b = appendPadded(append(b, `,"serial_number":"C`...), scatter(n+1), 11)
	b = appendPadded(append(b, `","name":"host-`...), n, 7)
	b = appendHex(append(b, `","udid":"`...), udidHigh, 16)
	b = appendHex(b, udidLow, 16)
	b = appendPadded(append(b, `","asset_tag":"AT-`...), n, 7)
	b = append(append(b, `","model":{"name":"`...), model.name...)
	b = append(append(b, `","identifier":"`...), model.identifier...)
	b = append(append(b, `"},"os":{"name":"`...), model.system...)
	b = strconv.AppendUint(append(b, `","version":"`...), major, 10)
	b = strconv.AppendUint(append(b, '.'), minor, 10)
	b = strconv.AppendUint(append(b, '.'), patch, 10)
	b = appendHex(append(b, `","build":"`...), r.next(), 6)
	b = appendPadded(append(b, `"},"user":{"email":"user`...), user, 6)
	b = appendPadded(append(b, `@example.com","name":"User Number `...), user, 6)
	b = appendHex(append(b, `"},"mac_address":"`...), r.next(), 12)
	b = strconv.AppendUint(append(b, `","ip_address":"10.`...), r.below(256), 10)
	b = strconv.AppendUint(append(b, '.'), r.below(256), 10)
	b = strconv.AppendUint(append(b, '.'), r.below(256), 10)
	b = append(b, `","enrolled_at":"2024-06-01T00:00:00Z","last_seen":"`...)
	b = seen.AppendFormat(b, time.RFC3339)
	b = strconv.AppendBool(append(b, `","managed":`...), r.below(2) == 0)
	b = strconv.AppendBool(append(b, `,"supervised":`...), r.below(2) == 0)
	b = strconv.AppendBool(append(b, `,"encrypted":`...), r.below(2) == 0)
	b = strconv.AppendUint(append(b, `,"storage_gb":`...), 256<<r.below(3), 10)
	b = strconv.AppendUint(append(b, `,"memory_gb":`...), 8<<r.below(3), 10)
	b = append(append(b, `,"department":"`...), pick(&r, departments)...)
	b = strconv.AppendUint(append(b, `","site":{"id":`...), site, 10)
	b = appendPadded(append(b, `,"name":"Site `...), site, 2)
	b = append(append(b, `"},"status":"`...), pick(&r, statuses)...)
	b = append(b, '"')
	if opts.Applications > 0 {
		b = appendApplications(b, &r, opts.Applications)
	}
	return append(b, '}')
}

// appendApplications lists count applications, no title twice.
func appendApplications(b []byte, r *random, count int) []byte {
	b = append(b, `,"applications":[`...)
	first := r.below(uint64(len(applications)))
	for k := range uint64(min(count, len(applications))) { //nolint:gosec // AppendDevice has checked that count is above 0.
		if k > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"name":"`...), applications[(first+k)%uint64(len(applications))]...)
		b = strconv.AppendUint(append(b, `","version":"`...), 1+r.below(9), 10)
		b = strconv.AppendUint(append(b, '.'), r.below(20), 10)
		b = append(b, `"}`...)
	}
	return append(b, ']')
}

var (
	deviceEpoch  = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
	deviceModels = []struct{ name, identifier, system string }{
		{"MacBook Pro (14-inch, 2023)", "Mac14,9", "macOS"},
		{"MacBook Air (M2, 2022)", "Mac14,2", "macOS"},
		{"iMac (24-inch, 2023)", "Mac15,5", "macOS"},
		{"iPhone 15 Pro", "iPhone16,1", "iOS"},
	}
	departments  = []string{"Engineering", "Sales", "Finance", "Support"}
	statuses     = []string{"deployed", "in_stock", "retired"}
	applications = []string{
		"Browser", "Calendar", "Chat", "Editor", "Mail", "Notes", "Password Manager", "Player", "Screen Recorder", "Spreadsheet", "Terminal", "Video Calls",
	}
)

// scatter spreads consecutive numbers over 10^11. No two below 10^11 meet: the
// factor has no divisor in common with 10.
func scatter(n uint64) uint64 {
	const factor, modulus = 61_803_398_873, 100_000_000_000
	high, low := bits.Mul64(n%modulus, factor)
	return bits.Rem64(high, low, modulus)
}

// A random is a SplitMix64 generator (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014): a record has its own, so that any
// record can be made without the ones before it.
type random uint64

func newRandom(seed, n uint64) random {
	r := random(seed)
	return random(r.next() ^ n*0xd1342543de82ef95)
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *random) below(n uint64) uint64 {
	high, _ := bits.Mul64(r.next(), n)
	return high
}

func pick[T any](r *random, from []T) T { return from[r.below(uint64(len(from)))] }

// appendPadded appends n in decimal digits, with zeros in front up to width.
func appendPadded(b []byte, n uint64, width int) []byte {
	var digits [20]byte
	at := len(digits)
	for ; n > 0 || at > len(digits)-width; n /= 10 {
		at--
		digits[at] = '0' + byte(n%10)
	}
	return append(b, digits[at:]...)
}

// appendHex appends the lowest digits of n in hexadecimal.
func appendHex(b []byte, n uint64, digits int) []byte {
	var text [16]byte
	for at := range text {
		text[at] = "0123456789abcdef"[n>>60]
		n <<= 4
	}
	return append(b, text[16-digits:]...)
}

// appendUUID appends a UUID of version 4 (RFC 9562, section 5.4) as a JSON
// string.
func appendUUID(b []byte, high, low uint64) []byte {
	high = high&^0xf000 | 0x4000
	low = low&^(3<<62) | 2<<62
	b = appendHex(append(b, '"'), high>>32, 8)
	b = appendHex(append(b, '-'), high>>16, 4)
	b = appendHex(append(b, '-'), high, 4)
	b = appendHex(append(b, '-'), low>>48, 4)
	b = appendHex(append(b, '-'), low, 12)
	return append(b, '"')
}
