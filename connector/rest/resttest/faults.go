package resttest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
)

// A Fault is what a server does wrong.
type Fault func(w http.ResponseWriter, r *http.Request)

// Status answers with a status and headers, given as name and value in turn.
func Status(status int, header ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		refuse(w, status, http.StatusText(status))
	}
}

// Answer answers with a status and JSON.
func Answer(status int, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Body answers with a body of any kind, status 200.
func Body(contentType, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}
}

// HTML answers with the page that gateways and login forms show.
func HTML() Fault {
	return Body("text/html", "<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>")
}

// Malformed answers with JSON that breaks off.
func Malformed() Fault { return Body("application/json", `[{"id": "u1"}, {"id": `) }

// Redirect sends the client elsewhere.
func Redirect(to string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

// Stall begins an answer and then says nothing more until the client gives up.
func Stall() Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("["))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// Silence does not answer at all until the client gives up.
func Silence() Fault {
	return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
}

// CloseInBody breaks the connection in the middle of the answer.
func CloseInBody() Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`[{"id":`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Huge answers with a JSON string of n bytes. It stops when the client does.
func Huge(n int64) Fault {
	return func(w http.ResponseWriter, _ *http.Request) { pour(w, n) }
}

// GzipBomb answers with n zeros, to the MiB, compressed.
func GzipBomb(n int64) Fault {
	const each = 1 << 20
	var member bytes.Buffer // a gzip file may have many (RFC 1952, section 2.2)
	z := gzip.NewWriter(&member)
	pour(z, each)
	_ = z.Close()
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		for left := n; left > 0; left -= each {
			if _, err := w.Write(member.Bytes()); err != nil {
				return
			}
		}
	}
}

func pour(w interface{ Write([]byte) (int, error) }, n int64) {
	chunk := []byte(strings.Repeat("0", 64<<10))
	for n > 0 {
		part := chunk[:min(n, int64(len(chunk)))]
		if _, err := w.Write(part); err != nil {
			return
		}
		n -= int64(len(part))
	}
}
