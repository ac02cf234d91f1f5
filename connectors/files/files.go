package files

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/internal/path"
)

const streamName = "records"

// The names of the settings.
const (
	settingPath            = "path"
	settingFormat          = "format"
	settingKey             = "key"
	settingDelimiter       = "delimiter"
	settingEncoding        = "encoding"
	settingRecords         = "records"
	settingPageSize        = "page_size"
	settingMaxRecord       = "max_record"
	settingMaxDecompressed = "max_decompressed"
)

const auto = "auto"

// wildcards are the characters that make a path a pattern.
const wildcards = "*?["

// A Connector reads files. Its zero value is ready for use.
type Connector struct{}

var _ connector.Connector = (*Connector)(nil)

// New returns the files connector.
func New() *Connector { return &Connector{} }

// Spec returns the connector's catalogue entry: no credential, one stream
// "records" whose vendor id is found at the path that the setting key names.
func (*Connector) Spec() connector.Spec {
	return connector.Spec{
		ID:       "files",
		Name:     "CSV and JSON files",
		Vendor:   "Files",
		Version:  "1",
		Category: "files",
		Aliases:  []string{"csv", "tsv", "json", "ndjson", "jsonl", "excel export", "spreadsheet", "gzip"},
		Summary:  "Reads records from CSV, NDJSON and JSON files, plain or compressed with gzip.",
		DocsURL:  "https://www.rfc-editor.org/rfc/rfc4180",
		Settings: settings(),
		Streams: []connector.Stream{{
			Name:         streamName,
			Label:        "Records",
			Summary:      "The rows of a CSV file or the objects of a JSON file; the setting key names the path of a record's id.",
			Key:          "id",
			Complete:     true,
			StableResume: true,
		}},
		Discovers: true,
	}
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: settingPath, Label: "File", Type: connector.File, Required: true, Help: `One file, or a pattern such as exports/*.csv; the files of a pattern are read in the order of their names`},
		{Name: settingFormat, Label: "Format", Default: auto, Choices: []string{auto, string(formatCSV), string(formatJSON), string(formatNDJSON)}, Help: "auto goes by the file's extension, then by its content"},
		{Name: settingKey, Label: "Key", Default: "id", Help: "Path of a record's id, such as id, device.serial or ['Serial Number']"},
		{Name: settingDelimiter, Label: "Delimiter", Default: auto, Choices: []string{auto, ",", ";", "tab", "|"}, Help: "What separates the cells of a CSV file; auto goes by the header row"},
		{Name: settingEncoding, Label: "Encoding", Default: auto, Choices: []string{auto, encodingUTF8, encodingUTF16LE, encodingUTF16BE, encodingWindows1252}, Help: "auto goes by the byte order mark, then by the content"},
		{Name: settingRecords, Label: "Records", Help: "Path of the list within a JSON document, such as results or data.items; without it, the document itself is the list"},
		{Name: settingPageSize, Label: "Page size", Type: connector.Integer, Default: "500", Help: "How many records make a page, 1 to 100000"},
		{Name: settingMaxRecord, Label: "Largest record", Type: connector.Integer, Default: "16777216", Help: "In bytes; a longer record is passed over and reported"},
		{Name: settingMaxDecompressed, Label: "Largest decompressed size", Type: connector.Integer, Default: "10737418240", Help: "In bytes, of one file; a file that grows beyond it is refused"},
	}
}

// Open returns a Source for the files that cfg names. It opens no file: a file
// that is missing or unreadable shows in Check and Read. It reports settings
// that are out of range as ErrInvalid.
func (c *Connector) Open(_ context.Context, cfg connector.Config) (connector.Source, error) {
	resolved, err := c.Spec().Resolve(cfg.Settings)
	if err != nil {
		return nil, err
	}
	opts, err := newOptions(resolved, cfg.Dir)
	if err != nil {
		return nil, err
	}
	return &source{opts: opts, log: cfg.Log()}, nil
}

// options are the settings in the form that the reading needs.
type options struct {
	path            string // absolute, taken literally
	pattern         string // absolute, as filepath.Glob takes it; empty if path is no pattern
	format          format // empty for auto
	delimiter       byte   // 0 for auto
	encoding        string // or auto
	records         []string
	pageSize        int
	maxRecord       int
	maxDecompressed int64
}

func newOptions(s connector.Settings, dir string) (options, error) {
	o := options{encoding: s.Get(settingEncoding)}
	if f := s.Get(settingFormat); f != auto {
		o.format = format(f)
	}
	switch d := s.Get(settingDelimiter); d {
	case auto:
	case "tab":
		o.delimiter = '\t'
	default:
		o.delimiter = d[0]
	}
	if _, err := path.Parse(s.Get(settingKey)); err != nil {
		return options{}, connector.Errorf(connector.ErrInvalid, "setting "+settingKey, "%w", err)
	}
	if r := s.Get(settingRecords); r != "" {
		var err error
		if o.records, err = keys(r); err != nil {
			return options{}, connector.Errorf(connector.ErrInvalid, "setting "+settingRecords, "%w", err)
		}
	}
	pageSize, err := inRange(s, settingPageSize, 1, 100_000)
	if err != nil {
		return options{}, err
	}
	maxRecord, err := inRange(s, settingMaxRecord, 1, 1<<30)
	if err != nil {
		return options{}, err
	}
	o.pageSize, o.maxRecord = int(pageSize), int(maxRecord)
	if o.maxDecompressed, err = inRange(s, settingMaxDecompressed, 1, 1<<62); err != nil {
		return options{}, err
	}
	if err := o.locate(s.Get(settingPath), dir); err != nil {
		return options{}, err
	}
	return o, nil
}

// keys returns the steps of a path of members.
func keys(text string) ([]string, error) {
	steps, err := path.Parse(text)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(steps))
	for i, step := range steps {
		if step.IsIndex {
			return nil, fmt.Errorf("path %q leads through a list; only members can be named", text)
		}
		keys[i] = step.Key
	}
	return keys, nil
}

// locate makes the path absolute and finds out whether it is a pattern.
func (o *options) locate(name, dir string) error {
	base := ""
	if !filepath.IsAbs(name) {
		var err error
		if base, err = filepath.Abs(dir); err != nil {
			return connector.Errorf(connector.ErrInvalid, "find the folder of relative paths", "%w", err)
		}
	}
	o.path = filepath.Join(base, name)
	if !strings.ContainsAny(name, wildcards) {
		return nil
	}
	o.pattern = filepath.Join(literal(base), name)
	if _, err := filepath.Match(o.pattern, ""); err != nil {
		o.pattern = "" // a [ that is never closed: a name like any other
	}
	return nil
}

// literal quotes what filepath.Match would take for a wildcard.
func literal(dir string) string {
	pairs := []string{"[", "[[]", "*", "[*]", "?", "[?]"}
	if runtime.GOOS != "windows" {
		pairs = append(pairs, `\`, `\\`)
	}
	return strings.NewReplacer(pairs...).Replace(dir)
}

func inRange(s connector.Settings, name string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(s.Get(name), 10, 64)
	if err != nil || n < low || n > high {
		return 0, connector.Errorf(connector.ErrInvalid, "setting "+name, "%q is not a whole number from %d to %d", s.Get(name), low, high)
	}
	return n, nil
}
