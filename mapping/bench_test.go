package mapping_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/mapping"
)

// devices returns records of about 600 bytes such as a device management sends.
func devices(n int) []connector.Record {
	r := rand.New(rand.NewPCG(1, 2))
	models := [][2]string{{"MacBook Pro (14-inch, 2023)", "Mac14,9"}, {"MacBook Air (M2, 2022)", "Mac14,2"}, {"iPhone 15 Pro", "iPhone16,1"}}
	hex := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "0123456789abcdef"[r.IntN(16)]
		}
		return string(b)
	}
	out := make([]connector.Record, n)
	for i := range out {
		model, user := models[r.IntN(len(models))], r.IntN(1_000_000)
		out[i] = fmt.Appendf(nil, `{"asset_tag":"AT-%07d","department":"Engineering","encrypted":%t,"enrolled_at":"2024-06-01T00:00:00Z","id":%d,"ip_address":"10.%d.%d.%d","last_seen":"2025-03-%02dT11:12:13Z",`+
			`"mac_address":"%s","managed":true,"memory_gb":16,"model":{"identifier":"%s","name":"%s"},"name":"host-%07d","os":{"build":"%s","name":"macOS","version":"14.%d.1"},`+
			`"serial_number":"C%011d","site":{"id":%d,"name":"Site %02d"},"status":"deployed","storage_gb":512,"supervised":false,"udid":"%s","user":{"email":"user%06d@example.com","name":"User Number %06d"}}`,
			i, i%2 == 0, i+1, r.IntN(256), r.IntN(256), r.IntN(256), 1+r.IntN(28),
			hex(12), model[1], model[0], i, hex(6), r.IntN(7), r.Int64N(100_000_000_000), r.IntN(50), r.IntN(50), hex(32), user, user)
	}
	return out
}

// deviceMapping maps 15 fields of such a record.
func deviceMapping() mapping.Mapping {
	from := func(to, from string) mapping.FieldMapping { return mapping.FieldMapping{To: to, From: from} }
	return mapping.Mapping{
		Object: "assets", Key: "id",
		Fields: []mapping.FieldMapping{
			from("serial_number", "serial_number"), from("device_name", "name"), from("udid", "udid"), from("asset_tag", "asset_tag"),
			from("model", "model.name"), from("model_identifier", "model.identifier"), from("os_name", "os.name"), from("os_version", "os.version"),
			from("assigned_to", "user.email"), from("mac_addresses", "mac_address"), from("ip_addresses", "ip_address"), from("last_seen_at", "last_seen"),
			from("department", "department"), from("status", "status"), from("managed", "managed"),
		},
		SyncKeys: []mapping.SyncKey{{Field: "serial_number"}},
	}
}

// BenchmarkMap maps a device record of 600 bytes with 15 fields.
func BenchmarkMap(b *testing.B) { benchmarkMap(b, deviceMapping()) }

// BenchmarkMapTemplates maps the same with a template for each field, and a
// filter.
func BenchmarkMapTemplates(b *testing.B) {
	m := deviceMapping()
	for i := range m.Fields {
		m.Fields[i].From = "{{ record." + m.Fields[i].From + " | trim }}"
	}
	m.Fields[len(m.Fields)-1].From = "{{ record.managed and record.encrypted }}"
	m.Fields[4].From = "{{ record.model.name ~ ' / ' ~ record.model.identifier }}"
	m.Filter = "{{ record.status == 'deployed' }}"
	benchmarkMap(b, m)
}

func benchmarkMap(b *testing.B, m mapping.Mapping) {
	b.Helper()
	p, err := mapping.Compile(m, mapping.Standard(), mapping.Options{})
	require.NoError(b, err)
	records := devices(10_000)
	var out mapping.Out
	b.ReportAllocs()
	b.SetBytes(int64(len(records[0])))
	i := 0
	for b.Loop() {
		out.Reset()
		if err := p.Map(records[i%len(records)], &out); err != nil || len(out.Faults) > 0 {
			b.Fatal(err, out.Faults)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rec/s")
}

// BenchmarkMapChildren maps an asset with 100 applications; the figures are per
// application.
func BenchmarkMapChildren(b *testing.B) {
	p := compile(b, mapping.Mapping{Object: "assets", Key: "id", Children: children(from("name", "name"), from("version", "version"))})
	record := []byte(`{"id":1,"apps":[`)
	for i := range 100 {
		record = fmt.Appendf(record, `{"name":"Application %d","version":"%d.0.1","bundle_id":"com.example.app%d"},`, i, i, i)
	}
	record = append(record[:len(record)-1], `]}`...)
	var out mapping.Out
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := p.Map(record, &out); err != nil || len(out.Rows) != 201 {
			b.Fatal(err, len(out.Rows), out.Faults)
		}
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "apps/s")
}

// BenchmarkExtractByHand takes the same values out as BenchmarkMap does, with the
// fastest plain library code: one pass, everything as text, nothing coerced.
// Checked notices malformed JSON as Map does; unchecked does not.
func BenchmarkExtractByHand(b *testing.B) {
	top := map[string]int{"id": 0, "serial_number": 1, "name": 2, "udid": 3, "asset_tag": 4, "mac_address": 5, "ip_address": 6, "last_seen": 7, "department": 8, "status": 9, "managed": 10}
	nested := map[string]map[string]int{"model": {"name": 11, "identifier": 12}, "os": {"name": 13, "version": 14}, "user": {"email": 15}}
	records := devices(10_000)
	for _, name := range []string{"checked", "unchecked"} {
		checked := name == "checked"
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(records[0])))
			i := 0
			for b.Loop() {
				record := records[i%len(records)]
				i++
				if checked && !gjson.ValidBytes(record) {
					b.Fatal("malformed")
				}
				var values [16]string
				gjson.ParseBytes(record).ForEach(func(k, v gjson.Result) bool {
					if n, ok := top[k.Str]; ok {
						values[n] = v.String()
					} else if members, ok := nested[k.Str]; ok {
						v.ForEach(func(k, v gjson.Result) bool {
							if n, ok := members[k.Str]; ok {
								values[n] = v.String()
							}
							return true
						})
					}
					return true
				})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rec/s")
		})
	}
}
