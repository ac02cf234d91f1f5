package files_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connectors/files"
)

const benchRecords = 100_000

// device returns a device record of about 600 bytes.
func device(i int) string {
	return fmt.Sprintf(`{"id":"%08d-5a1e-4c1b-9f53-%012x","name":"LAPTOP-%06d","serial_number":"C02%08X","model":{"name":"MacBook Pro (16-inch, 2023)","identifier":"Mac14,10"},"os":{"name":"macOS","version":"15.1.%d","build":"24B83"},"user":{"email":"person%d@example.com","full_name":"Person Number %d"},"memory_mb":32768,"storage_gb":1024,"mac_addresses":["a4:83:e7:%02x:%02x:%02x"],"managed":true,"encrypted":true,"enrolled_at":"2024-03-05T09:12:44Z","last_seen_at":"2025-10-30T17:01:09Z","location":"Berlin","department":"Engineering","notes":"Issued with charger, dock and sleeve; see the ticket for the receipt.","asset_tag":"A-%07d"}`,
		i, i*7919, i, i*2654435761%(1<<32), i%10, i, i, i>>16&0xff, i>>8&0xff, i&0xff, i)
}

func row(i int) string {
	return fmt.Sprintf("%08d,LAPTOP-%06d,C02%08X,\"MacBook Pro (16-inch, 2023)\",macOS,15.1.%d,person%d@example.com,Person Number %d,32768,1024,true,2024-03-05T09:12:44Z,Berlin,Engineering,A-%07d",
		i, i, i*2654435761%(1<<32), i%10, i, i, i)
}

func BenchmarkNDJSON(b *testing.B) {
	var text bytes.Buffer
	for i := range benchRecords {
		text.WriteString(device(i) + "\n")
	}
	benchmark(b, "devices.ndjson", text.Bytes())
}

func BenchmarkArray(b *testing.B) {
	var text bytes.Buffer
	for i := range benchRecords {
		text.WriteByte("[,"[min(i, 1)])
		text.WriteString(device(i))
	}
	text.WriteByte(']')
	benchmark(b, "devices.json", text.Bytes())
}

func BenchmarkCSV(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("id,name,serial_number,model,os_name,os_version,user,full_name,memory_mb,storage_gb,managed,enrolled_at,location,department,asset_tag\n")
	for i := range benchRecords {
		text.WriteString(row(i) + "\n")
	}
	benchmark(b, "devices.csv", text.Bytes())
}

func benchmark(b *testing.B, name string, content []byte) {
	path := filepath.Join(b.TempDir(), name)
	require.NoError(b, os.WriteFile(path, content, 0o600))
	src, err := files.New().Open(b.Context(), connector.Config{Settings: connector.Settings{"path": {path}}})
	require.NoError(b, err)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		for page, err := range src.Read(b.Context(), connector.Request{Stream: "records"}) {
			if err != nil {
				b.Fatal(err)
			}
			records += len(page.Records)
		}
	}
	if records != b.N*benchRecords {
		b.Fatalf("read %d records, want %d", records, b.N*benchRecords)
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}
