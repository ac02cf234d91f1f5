package connectortest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/connectortest"
)

func TestDevicesAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		i    int
		seed uint64
		opts connectortest.DeviceOptions
		want string
	}{
		"the first record": {
			0, 1,
			connectortest.DeviceOptions{},
			`{"id":1,"serial_number":"C61803398873","name":"host-0000000","udid":"f18d6ce93d6cf1ee0b95f66d327e8d78","asset_tag":"AT-0000000","model":{"name":"MacBook Air (M2, 2022)","identifier":"Mac14,2"},"os":{"name":"macOS","version":"14.4.0","build":"66d9e0"},"user":{"email":"user176908@example.com","name":"User Number 176908"},"mac_address":"bc0929a10819","ip_address":"10.37.200.188","enrolled_at":"2024-06-01T00:00:00Z","last_seen":"2025-08-21T07:40:26Z","managed":true,"supervised":false,"encrypted":false,"storage_gb":512,"memory_gb":8,"department":"Finance","site":{"id":12,"name":"Site 12"},"status":"deployed"}`,
		},
		"a record of another seed, with a UUID and applications": {
			3, 2,
			connectortest.DeviceOptions{RandomIDs: true, Applications: 2, Rev: 2},
			`{"id":"16b23569-14a1-462c-81b2-229d64fc3f4c","serial_number":"C47213595492","name":"host-0000003","udid":"e8bc823620fac759f174668e4f895ea4","asset_tag":"AT-0000003","model":{"name":"iPhone 15 Pro","identifier":"iPhone16,1"},"os":{"name":"iOS","version":"15.5.2","build":"41ba22"},"user":{"email":"user194506@example.com","name":"User Number 194506"},"mac_address":"c7412d7abfb8","ip_address":"10.221.1.136","enrolled_at":"2024-06-01T00:00:00Z","last_seen":"2025-08-15T00:26:10Z","managed":false,"supervised":true,"encrypted":true,"storage_gb":512,"memory_gb":32,"department":"Support","site":{"id":31,"name":"Site 31"},"status":"retired","applications":[{"name":"Screen Recorder","version":"6.7"},{"name":"Spreadsheet","version":"8.2"}]}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, string(connectortest.AppendDevice(nil, test.i, test.seed, test.opts)))
		})
	}
}

// device is what the tests look at in a device record.
type device struct {
	ID       any    `json:"id"`
	Serial   string `json:"serial_number"`
	Name     string `json:"name"`
	UDID     string `json:"udid"`
	AssetTag string `json:"asset_tag"`
}

func TestDevicesDiffer(t *testing.T) {
	t.Parallel()
	const n = 2_000
	for _, opts := range []connectortest.DeviceOptions{{}, {RandomIDs: true}} {
		seen := map[string]bool{}
		size, ascending, last := 0, 0, ""
		for i := range n {
			rec := connectortest.AppendDevice(nil, i, 1, opts)
			size += len(rec)
			var d device
			require.NoError(t, json.Unmarshal(rec, &d))
			for _, unique := range []string{fmt.Sprint("id ", d.ID), d.Serial, d.Name, d.UDID, d.AssetTag} {
				require.False(t, seen[unique], "record %d: %s is there twice", i, unique)
				seen[unique] = true
			}
			if d.Serial > last {
				ascending++
			}
			last = d.Serial
		}
		require.InDelta(t, 600, size/n, 60)
		require.InDelta(t, n/2, ascending, n/5, "the serials are in some order")
	}
}

func TestDeviceRecordsHaveTheirFields(t *testing.T) {
	t.Parallel()
	var rec map[string]any
	require.NoError(t, json.Unmarshal(connectortest.AppendDevice(nil, 41, 1, connectortest.DeviceOptions{}), &rec))
	require.Equal(t, []string{
		"asset_tag", "department", "encrypted", "enrolled_at", "id", "ip_address", "last_seen", "mac_address", "managed", "memory_gb", "model",
		"name", "os", "serial_number", "site", "status", "storage_gb", "supervised", "udid", "user",
	}, slices.Sorted(maps.Keys(rec)))
	require.EqualValues(t, 42, rec["id"])

	var random struct{ ID string }
	require.NoError(t, json.Unmarshal(connectortest.AppendDevice(nil, 41, 1, connectortest.DeviceOptions{RandomIDs: true}), &random))
	require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`), random.ID)

	for count, want := range map[int]int{-1: 0, 0: 0, 1: 1, 12: 12, 50: 12} {
		var d struct {
			Applications []struct{ Name, Version string }
		}
		require.NoError(t, json.Unmarshal(connectortest.AppendDevice(nil, 41, 1, connectortest.DeviceOptions{Applications: count}), &d))
		names := map[string]bool{}
		for _, a := range d.Applications {
			require.NotEmpty(t, a.Version)
			names[a.Name] = true
		}
		require.Len(t, names, want)
	}
}

func TestARevisionChangesATenthOfTheDevices(t *testing.T) {
	t.Parallel()
	values := func(i, rev int) (out map[string]any) {
		require.NoError(t, json.Unmarshal(connectortest.AppendDevice(nil, i, 1, connectortest.DeviceOptions{Rev: rev, Applications: 1}), &out))
		return out
	}
	changed := 0
	for i := range 200 {
		one, two, three := values(i, 0), values(i, 2), values(i, 3)
		require.Equal(t, one, values(i, 1))
		for field, before := range one {
			switch {
			case fmt.Sprint(two[field]) == fmt.Sprint(before):
			case field == "last_seen":
				changed++
			case field == "os":
				require.NotEqual(t, two[field], three[field])
				require.Equal(t, before.(map[string]any)["build"], two[field].(map[string]any)["build"])
			default:
				t.Fatalf("record %d: %s changed", i, field)
			}
		}
	}
	require.Equal(t, 20, changed)
}

func TestDevicesAreAFake(t *testing.T) {
	t.Parallel()
	fake := connectortest.Devices(450, 1, connectortest.DeviceOptions{Applications: 1})
	pages, err := readAll(t, fake, connector.Request{Stream: "devices"})
	require.NoError(t, err)
	require.Len(t, pages, 3)
	got := texts(pages)
	require.Len(t, got, 450)
	for i, rec := range got {
		require.Equal(t, string(connectortest.AppendDevice(nil, i, 1, connectortest.DeviceOptions{Applications: 1})), rec)
	}
}

func BenchmarkAppendDevice(b *testing.B) {
	buf := make([]byte, 0, 1024)
	for i := 0; b.Loop(); i++ {
		buf = connectortest.AppendDevice(buf[:0], i, 1, connectortest.DeviceOptions{})
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkDevices(b *testing.B) {
	const n = 10_000
	fake := connectortest.Devices(n, 1, connectortest.DeviceOptions{RandomIDs: true})
	src := source(b, fake)
	for b.Loop() {
		count := 0
		for page, err := range src.Read(b.Context(), connector.Request{Stream: "devices"}) {
			if err != nil {
				b.Fatal(err)
			}
			count += len(page.Records)
		}
		if count != n {
			b.Fatalf("%d records", count)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
