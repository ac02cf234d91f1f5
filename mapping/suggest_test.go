package mapping_test

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
	"github.com/vendorsync/vendorsync/mapping"
)

// heldOut reports whether a vendor belongs to the half that proposals are judged
// by. All that is known of names and values came from the other half and from
// general knowledge; of this one, nobody has looked at more than the totals. The
// split was chosen before there was a score: FNV-1a of the vendor's name, the
// odd ones are held out, 13 of 27.
func heldOut(vendor string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(vendor))
	return h.Sum32()%2 == 1
}

// A tally counts how proposals compare with what is right.
type tally struct {
	shapes, targets                  int
	proposed, right, tolerated       int
	keys, firstSyncKeys, allSyncKeys int
	wantedSyncKeys, rightSyncKeys    int
	proposedSyncKeys                 int
	dateFaults                       int
	details                          []string
}

func (y *tally) precision() float64 { return float64(y.right) / float64(y.proposed-y.tolerated) }
func (y *tally) recall() float64    { return float64(y.right) / float64(y.targets) }

func (y *tally) String() string {
	return fmt.Sprintf("%d shapes, %d targets, %d proposed (%d tolerated), %d right: precision %.3f, recall %.3f; vendor id right in %d, first sync key in %d, all in order in %d; sync keys: %d proposed, %d right of %d; %d date faults",
		y.shapes, y.targets, y.proposed, y.tolerated, y.right, y.precision(), y.recall(), y.keys, y.firstSyncKeys, y.allSyncKeys,
		y.proposedSyncKeys, y.rightSyncKeys, y.wantedSyncKeys, y.dateFaults)
}

// plain returns a path in its plain spelling.
func plain(t *testing.T, text string) string {
	t.Helper()
	p, err := path.Parse(text)
	require.NoError(t, err)
	return p.String()
}

// judge compares a proposal with a shape's labels.
func (y *tally) judge(t *testing.T, file string, s *vendorShape, p *mapping.Proposal) {
	t.Helper()
	detail := func(format string, args ...any) {
		y.details = append(y.details, file+": "+fmt.Sprintf(format, args...))
	}
	contains := func(paths []string, from string) bool {
		return slices.ContainsFunc(paths, func(p string) bool { return plain(t, p) == plain(t, from) })
	}
	y.shapes++
	y.targets += len(s.Right)
	got := map[string]string{}
	for _, f := range p.Fields {
		y.proposed++
		got[f.To] = f.From
		switch {
		case contains(s.Right[f.To], f.From):
			y.right++
		case contains(s.Tolerated[f.To], f.From):
			y.tolerated++
		default:
			detail("wrong: %s from %s (%.2f: %s); right is %v", f.To, f.From, f.Score, f.Reason, s.Right[f.To])
		}
	}
	for _, to := range slices.Sorted(maps.Keys(s.Right)) {
		if got[to] == "" {
			detail("missed: %s from %v", to, s.Right[to])
		}
	}
	if p.Key == s.Key {
		y.keys++
	} else {
		detail("vendor id: %q for %q", p.Key, s.Key)
	}
	var keys []string
	for _, k := range p.SyncKeys {
		keys = append(keys, k.Field)
		y.proposedSyncKeys++
		if slices.Contains(s.SyncKeys, k.Field) {
			y.rightSyncKeys++
		}
	}
	y.wantedSyncKeys += len(s.SyncKeys)
	if slices.Equal(keys, s.SyncKeys) {
		y.allSyncKeys++
	} else {
		detail("sync keys: %v for %v", keys, s.SyncKeys)
	}
	if len(keys) > 0 && keys[0] == s.SyncKeys[0] {
		y.firstSyncKeys++
	}
	y.dateFaults += dateFaults(t, s, p)
}

// dateFaults counts the dates in a shape's records that a mapping after the
// proposal cannot read.
func dateFaults(t *testing.T, s *vendorShape, p *mapping.Proposal) int {
	t.Helper()
	m := proposed(s.Object, p)
	program, err := mapping.Compile(m, mapping.Standard(), mapping.Options{})
	require.NoError(t, err)
	object, ok := mapping.Standard().Object(s.Object)
	require.True(t, ok)
	faults := 0
	var out mapping.Out
	for _, r := range s.Records {
		out.Reset()
		require.NoError(t, program.Map(connector.Record(r), &out))
		for _, f := range out.Faults {
			if i := object.Field(f.Field); i >= 0 && (object.Fields[i].Type == mapping.Date || object.Fields[i].Type == mapping.DateTime) {
				faults++
			}
		}
	}
	return faults
}

// proposed returns the mapping that a proposal comes to.
func proposed(object string, p *mapping.Proposal) mapping.Mapping {
	m := mapping.Mapping{Object: object, Key: p.Key}
	for _, f := range p.Fields {
		m.Fields = append(m.Fields, mapping.FieldMapping{To: f.To, From: f.From, Format: f.Format})
	}
	for _, k := range p.SyncKeys {
		m.SyncKeys = append(m.SyncKeys, mapping.SyncKey{Field: k.Field})
	}
	return m
}

// records returns a shape's records as a connector gives them.
func (s *vendorShape) records() []connector.Record {
	out := make([]connector.Record, len(s.Records))
	for i, r := range s.Records {
		out[i] = connector.Record(r)
	}
	return out
}

// tallies judges the proposals for all shapes, by half.
func tallies(t *testing.T, fields, records bool) (development, held tally) {
	t.Helper()
	shapes := vendorShapes(t)
	for _, file := range slices.Sorted(maps.Keys(shapes)) {
		s := shapes[file]
		var source []connector.Field
		var samples []connector.Record
		if fields {
			source = s.Fields
		}
		if records {
			samples = s.records()
		}
		p, err := mapping.Suggest(s.Object, mapping.Standard(), source, samples)
		require.NoError(t, err)
		half := &development
		if heldOut(s.Vendor) {
			half = &held
		}
		half.judge(t, file, &s, &p)
	}
	return development, held
}

func TestSuggestIsRightForTheVendorsThatItHasNotSeen(t *testing.T) {
	t.Parallel()
	development, held := tallies(t, true, true)
	t.Log("development:", &development)
	t.Log("held out:", &held)
	for _, d := range development.details { // of the other half the totals alone
		t.Log(d)
	}
	require.GreaterOrEqual(t, held.precision(), 0.97)
	require.GreaterOrEqual(t, held.recall(), 0.90)
	require.GreaterOrEqual(t, development.precision(), 0.97)
	require.GreaterOrEqual(t, development.recall(), 0.90)
	require.Zero(t, held.dateFaults)
	require.Zero(t, development.dateFaults)
}

func TestSuggestGoesByFieldsAloneAndByRecordsAlone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ fields, records bool }{
		"fields alone":  {fields: true},
		"records alone": {records: true},
	} {
		development, held := tallies(t, tt.fields, tt.records)
		t.Log(name, "development:", &development)
		t.Log(name, "held out:", &held)
		require.GreaterOrEqual(t, held.precision(), 0.85, name)
		require.GreaterOrEqual(t, held.recall(), 0.75, name)
	}
}

func TestSuggestIsCareful(t *testing.T) {
	t.Parallel()
	suggest := func(object string, records ...string) mapping.Proposal {
		samples := make([]connector.Record, len(records))
		for i, r := range records {
			samples[i] = connector.Record(r)
		}
		p, err := mapping.Suggest(object, mapping.Standard(), nil, samples)
		require.NoError(t, err)
		return p
	}
	from := func(p mapping.Proposal) map[string]string {
		got := map[string]string{}
		for _, f := range p.Fields {
			got[f.To] = f.From
		}
		return got
	}
	t.Run("neither a list nor an object is proposed", func(t *testing.T) {
		t.Parallel()
		for _, path := range from(suggest("assets", `{"id": 1, "serial_number": ["S1"], "model": {"a": 1}}`)) {
			require.NotContains(t, []string{"serial_number", "model"}, path)
		}
	})
	t.Run("a number that several records share is no sync key", func(t *testing.T) {
		t.Parallel()
		p := suggest("assets", `{"id": 1, "serial_number": "S100"}`, `{"id": 2, "serial_number": "s100"}`)
		require.Empty(t, p.SyncKeys)
	})
	t.Run("nor is one that is a placeholder everywhere", func(t *testing.T) {
		t.Parallel()
		p := suggest("assets", `{"id": 1, "serial_number": "None"}`, `{"id": 2, "serial_number": "To Be Filled By O.E.M."}`)
		require.Empty(t, p.SyncKeys)
	})
	t.Run("no link that is filled in by itself is proposed", func(t *testing.T) {
		t.Parallel()
		require.NotContains(t, from(suggest("assets", `{"id": 1, "assigned_to_id": 7}`)), "assigned_to_id")
	})
	t.Run("an unusual key stands in for an id that the vendor does not give", func(t *testing.T) {
		t.Parallel()
		p := suggest("assets", `{"Asset Tag": "A1", "S/N": "S100"}`, `{"Asset Tag": "A2", "S/N": ""}`)
		require.Equal(t, "Asset Tag", p.Key)
		require.Equal(t, map[string]string{"asset_tag": "Asset Tag", "serial_number": "S/N"}, from(p))
	})
	t.Run("a public address is not taken for the device's own", func(t *testing.T) {
		t.Parallel()
		require.NotContains(t, from(suggest("assets", `{"id": 1, "externalIp": "198.51.100.1"}`, `{"id": 2, "externalIp": "198.51.100.2"}`)), "ip_addresses")
	})
	t.Run("an id that reads like a MAC address is none", func(t *testing.T) {
		t.Parallel()
		require.NotContains(t, from(suggest("assets", `{"id": "123456789012"}`, `{"id": "123456789013"}`)), "mac_addresses")
	})
	t.Run("the numbers of custom fields mean nothing", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, map[string]string{"os_version": "type_fields.os_version_7000123"}, from(suggest("assets", `{"type_fields": {"os_version_7000123": "14.2"}}`)))
	})
	t.Run("a custom field is a target like any other", func(t *testing.T) {
		t.Parallel()
		s, err := mapping.Standard().With("assets", mapping.Field{Name: "rack_unit", Type: mapping.Integer})
		require.NoError(t, err)
		p, err := mapping.Suggest("assets", s, []connector.Field{{Path: "place.rackUnit", Type: connector.NumberField}}, nil)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"rack_unit": "place.rackUnit"}, from(p))
	})
	t.Run("without anything to go by there is no proposal", func(t *testing.T) {
		t.Parallel()
		_, err := mapping.Suggest("assets", mapping.Standard(), nil, nil)
		require.ErrorContains(t, err, "neither source fields nor sampled records")
		_, err = mapping.Suggest("asets", mapping.Standard(), []connector.Field{{Path: "id"}}, nil)
		require.ErrorContains(t, err, `did you mean "assets"?`)
	})
}

// FuzzSuggest looks for a record that Suggest does not come to an end with, or
// proposes what does not compile for.
func FuzzSuggest(f *testing.F) {
	f.Add("serial_number", []byte(`{"id": 1, "serial": "S1", "nics": [{"mac": "001122334455"}]}`))
	f.Add("a..b", []byte(`{"a": {"a": {"a": null}}, "": [[[]]]}`))
	f.Fuzz(func(t *testing.T, field string, record []byte) {
		for _, object := range []string{"assets", "users"} {
			p, err := mapping.Suggest(object, mapping.Standard(), []connector.Field{{Path: field}}, []connector.Record{record})
			require.NoError(t, err)
			again, err := mapping.Suggest(object, mapping.Standard(), []connector.Field{{Path: field}}, []connector.Record{record})
			require.NoError(t, err)
			require.Equal(t, p, again)
			if p.Key == "" {
				p.Key = "id"
			}
			m := proposed(object, &p)
			m.SyncKeys = nil
			_, err = mapping.Compile(m, mapping.Standard(), mapping.Options{})
			require.NoError(t, err)
		}
	})
}

func BenchmarkSuggest(b *testing.B) {
	fields := make([]connector.Field, 200)
	for i := range fields {
		fields[i] = connector.Field{Path: fmt.Sprintf("section%d.some_field_%d", i%10, i)}
	}
	fields[7].Path, fields[70].Path = "hardware.serialNumber", "general.last_contact_time"
	for b.Loop() {
		if _, err := mapping.Suggest("assets", mapping.Standard(), fields, nil); err != nil {
			b.Fatal(err)
		}
	}
}
