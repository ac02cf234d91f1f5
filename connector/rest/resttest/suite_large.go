//go:build !race

package resttest

import (
	"net/http"
	"strconv"
)

func largeFaults() []largeFault {
	const size = 1 << 30
	return []largeFault{
		{"an answer of 1 GB", Huge(size)},
		{"an answer that says it has 1 GB", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(size))
			Huge(size)(w, r)
		}},
		{"a gzip bomb", GzipBomb(size)},
	}
}
