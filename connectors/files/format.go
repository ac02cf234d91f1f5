package files

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
)

// A format is how a file writes its records.
type format string

const (
	formatCSV    format = "csv"
	formatJSON   format = "json"
	formatNDJSON format = "ndjson"
)

var extensions = map[string]format{
	".csv":    formatCSV,
	".tsv":    formatCSV,
	".ndjson": formatNDJSON,
	".jsonl":  formatNDJSON,
}

// sniffFormat tells a file's format by its extension, else by the start of its
// text. The extension .json stands for an array and for lines alike. wrapped
// says that the list lies inside a document.
func sniffFormat(name string, head []byte, wrapped bool) format {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	ext := filepath.Ext(name)
	if f, ok := extensions[ext]; ok {
		return f
	}
	start := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case bytes.HasPrefix(start, []byte("{")) && !wrapped && objectPerLine(start):
		return formatNDJSON
	case bytes.HasPrefix(start, []byte("{")), bytes.HasPrefix(start, []byte("[")), ext == ".json":
		return formatJSON
	}
	return formatCSV
}

// objectPerLine reports whether the first line is a JSON object and another one
// follows. A single object may as well be a document with a list inside.
func objectPerLine(start []byte) bool {
	first, rest, _ := bytes.Cut(start, []byte("\n"))
	return bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte("{")) && json.Valid(first)
}
