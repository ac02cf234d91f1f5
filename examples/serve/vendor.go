package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A vendor serves devices, a hundred a page, and takes its time.
type vendor struct {
	devices int
	delay   time.Duration
	asked   atomic.Int64
}

func newVendor(devices int, delay time.Duration) *vendor {
	return &vendor{devices: devices, delay: delay}
}

// pages is how many pages were asked for.
func (v *vendor) pages() int { return int(v.asked.Load()) }

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.asked.Add(1)
	time.Sleep(v.delay)
	from := 0
	if after := r.URL.Query().Get("after"); after != "" {
		var err error
		if from, err = strconv.Atoi(after); err != nil || from < 0 || from > v.devices {
			http.Error(w, `{"error": "no such page"}`, http.StatusBadRequest)
			return
		}
	}
	to := min(from+100, v.devices)
	devices := make([]string, 0, 100)
	for i := from + 1; i <= to; i++ {
		devices = append(devices, fmt.Sprintf(`{"id": "%d", "serial": "S%05d", "name": "device %d"}`, i, i, i))
	}
	next := ""
	if to < v.devices {
		next = strconv.Itoa(to)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"devices": [%s], "next": %q}`, strings.Join(devices, ","), next)
}
