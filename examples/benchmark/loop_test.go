package benchmark

import (
	"bufio"
	"context"
	"database/sql"
	"hash/fnv"
	"io"
	"os"
	"strings"

	"github.com/tidwall/gjson"
	_ "modernc.org/sqlite" // the driver
)

// columns are the loop's table: the vendor id and fifteen values, each with the
// path it comes from.
var columns = [][2]string{
	{"serial_number", "serial_number"},
	{"vendor_id", "id"},
	{"name", "name"},
	{"udid", "udid"},
	{"asset_tag", "asset_tag"},
	{"model_name", "model.name"},
	{"model_identifier", "model.identifier"},
	{"os_name", "os.name"},
	{"os_version", "os.version"},
	{"user_email", "user.email"},
	{"mac", "mac_address"},
	{"ip", "ip_address"},
	{"last_seen", "last_seen"},
	{"department", "department"},
	{"status", "status"},
}

type loopRow struct {
	values [15]string
	hash   int64
}

// loopPage is how many rows go from the reading to the writing side at once.
const (
	loopPage = 200
	loopTx   = 10_000
)

// runLoop is the fastest plain Go that brings the file into one table: one pass
// over each record's bytes, serial and hash known beforehand, unchanged rows not
// written, one prepared upsert, four pages read ahead.
func runLoop(ctx context.Context, file, database string) (records int, err error) {
	db, err := sql.Open("sqlite", "file:"+database+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	exec := func(query string) {
		if err == nil {
			_, err = conn.ExecContext(ctx, query)
		}
	}
	names := make([]string, len(columns))
	sets := make([]string, len(columns)-1)
	for i, c := range columns {
		names[i] = c[0]
		if i > 0 {
			sets[i-1] = c[0] + "=excluded." + c[0]
		}
	}
	exec("CREATE TABLE IF NOT EXISTS devices(pk INTEGER PRIMARY KEY, " + strings.Join(names, " TEXT, ") + " TEXT, hash INTEGER)")
	exec("CREATE UNIQUE INDEX IF NOT EXISTS devices_serial ON devices(serial_number)")
	if err != nil {
		return 0, err
	}
	upsert, err := conn.PrepareContext(ctx, "INSERT INTO devices("+strings.Join(names, ",")+",hash) VALUES("+strings.Repeat("?,", len(names))+
		"?) ON CONFLICT(serial_number) DO UPDATE SET hash=excluded.hash,"+strings.Join(sets, ","))
	if err != nil {
		return 0, err
	}
	defer func() { _ = upsert.Close() }()
	have, err := knownRows(ctx, conn)
	if err != nil {
		return 0, err
	}
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()

	pages := make(chan []loopRow, 4)
	var readErr error
	go func() {
		defer close(pages)
		readErr = readRows(f, pages)
	}()
	exec("BEGIN IMMEDIATE")
	inTx := 0
	args := make([]any, len(columns)+1)
	for page := range pages {
		for i := range page {
			r := &page[i]
			records++
			if h, ok := have[r.values[0]]; ok && h == r.hash || err != nil {
				continue
			}
			for c := range r.values {
				args[c] = r.values[c]
			}
			args[len(columns)] = r.hash
			_, err = upsert.ExecContext(ctx, args...)
			if inTx++; inTx == loopTx {
				exec("COMMIT")
				exec("BEGIN IMMEDIATE")
				inTx = 0
			}
		}
	}
	exec("COMMIT")
	if err == nil {
		err = readErr
	}
	return records, err
}

func knownRows(ctx context.Context, conn *sql.Conn) (map[string]int64, error) {
	rows, err := conn.QueryContext(ctx, "SELECT serial_number, hash FROM devices")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	have := map[string]int64{}
	for rows.Next() {
		var serial string
		var hash int64
		if err := rows.Scan(&serial, &hash); err != nil {
			return nil, err
		}
		have[serial] = hash
	}
	return have, rows.Err()
}

func readRows(f io.Reader, pages chan<- []loopRow) error {
	top, nested := map[string]int{}, map[string]map[string]int{}
	for i, c := range columns {
		outer, inner, ok := strings.Cut(c[1], ".")
		switch {
		case !ok:
			top[outer] = i
		case nested[outer] == nil:
			nested[outer] = map[string]int{inner: i}
		default:
			nested[outer][inner] = i
		}
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	page := make([]loopRow, 0, loopPage)
	for lines.Scan() {
		page = append(page, extract(gjson.ParseBytes(lines.Bytes()), top, nested))
		if len(page) == loopPage {
			pages <- page
			page = make([]loopRow, 0, loopPage)
		}
	}
	pages <- page
	return lines.Err()
}

func extract(rec gjson.Result, top map[string]int, nested map[string]map[string]int) (r loopRow) {
	rec.ForEach(func(k, v gjson.Result) bool {
		if i, ok := top[k.Str]; ok {
			r.values[i] = v.String()
		} else if inner, ok := nested[k.Str]; ok {
			v.ForEach(func(k, v gjson.Result) bool {
				if i, ok := inner[k.Str]; ok {
					r.values[i] = v.String()
				}
				return true
			})
		}
		return true
	})
	h := fnv.New64a()
	for _, v := range r.values {
		_, _ = io.WriteString(h, v)
		_, _ = h.Write([]byte{0})
	}
	r.hash = int64(h.Sum64())
	return r
}
