package files

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// A file is one file as it was when it was listed.
type file struct {
	path     string
	size     int64
	modified time.Time
}

// is reports whether info shows the file as it was when it was listed.
func (f file) is(info fs.FileInfo) bool {
	return info.Size() == f.size && info.ModTime().Equal(f.modified)
}

// A listing is what the path setting names at one moment, ordered by path.
type listing struct {
	files   []file
	pattern bool
	// print tells this listing, read with these settings, from every other one.
	print string
}

// list finds the files. A name that exists is taken literally, wildcards or not.
func (o options) list() (listing, error) {
	info, err := os.Stat(o.path)
	switch {
	case err == nil:
		if err := regular(o.path, info); err != nil {
			return listing{}, err
		}
		return o.listed([]file{{path: o.path, size: info.Size(), modified: info.ModTime()}}, false), nil
	case o.pattern == "":
		return listing{}, pathError(o.path, err)
	}
	files, err := o.glob()
	if err != nil {
		return listing{}, err
	}
	return o.listed(files, true), nil
}

// glob returns the regular files that match the pattern; folders and devices
// are none.
func (o options) glob() ([]file, error) {
	names, err := filepath.Glob(o.pattern)
	if err != nil {
		return nil, connector.Errorf(connector.ErrInvalid, "read "+o.path, "%w", err)
	}
	slices.Sort(names)
	var files []file
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, pathError(name, err)
		}
		if info.Mode().IsRegular() {
			files = append(files, file{path: name, size: info.Size(), modified: info.ModTime()})
		}
	}
	if len(files) == 0 {
		return nil, o.noMatch()
	}
	return files, nil
}

// noMatch says why the pattern matches nothing: [filepath.Glob] passes over
// folders that it cannot read.
func (o options) noMatch() error {
	folder := o.folder()
	if _, err := os.ReadDir(folder); err != nil {
		return pathError(folder, err)
	}
	return &connector.Error{Class: connector.ErrNotFound, Op: "read " + o.path, Message: "no file matches the pattern", Remedy: "correct the setting path, or put a file there"}
}

// folder returns the innermost folder that holds all files of the pattern.
func (o options) folder() string {
	folder := filepath.Dir(o.path)
	for strings.ContainsAny(folder, wildcards) && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
	}
	return folder
}

func (o options) listed(files []file, pattern bool) listing {
	b := fmt.Appendf(nil, "%s\x00%d\x00%s\x00%q", o.format, o.delimiter, o.encoding, o.records)
	for _, f := range files {
		b = fmt.Appendf(b, "\x00%s\x00%d\x00%d", f.path, f.size, f.modified.UnixNano())
	}
	sum := sha256.Sum256(b)
	return listing{files: files, pattern: pattern, print: hex.EncodeToString(sum[:16])}
}

func regular(path string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return &connector.Error{Class: connector.ErrInvalid, Op: "read " + path, Message: "it is a folder", Remedy: "name a file, or a pattern such as " + filepath.Join(path, "*.csv")}
	case !info.Mode().IsRegular():
		return &connector.Error{Class: connector.ErrInvalid, Op: "read " + path, Message: "it is no regular file", Remedy: "name a file that can be read again from the start"}
	}
	return nil
}

// pathError classifies an error of the operating system about path.
func pathError(path string, err error) error {
	e := &connector.Error{Class: connector.ErrUnavailable, Op: "read " + path, Err: err}
	var cause *fs.PathError
	if errors.As(err, &cause) {
		e.Message = cause.Err.Error()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Class, e.Remedy = connector.ErrNotFound, "correct the setting path, or put the file there"
	case errors.Is(err, fs.ErrPermission):
		e.Class, e.Remedy = connector.ErrPermission, "let the account that runs the sync read the file"
	}
	return e
}

// A place is a point between two records of a listing. The zero place is the
// start.
type place struct {
	File   int   `json:"file"`   // index in the listing
	Offset int64 `json:"offset"` // bytes of the file's text before it, see text
	Count  int   `json:"count"`  // lines, or elements of an array, before it
}

// A cursor is a place in a certain listing. It travels as JSON.
type cursor struct {
	Print string `json:"print"`
	place
}

func (l listing) cursor(at place) (connector.Cursor, error) {
	b, err := json.Marshal(cursor{Print: l.print, place: at})
	if err != nil {
		return "", connector.Errorf(connector.ErrInternal, "write cursor", "%w", err)
	}
	return connector.Cursor(b), nil
}

// place returns the place that c stands for, if it is one of this listing.
func (l listing) place(c connector.Cursor) (place, error) {
	if c == "" {
		return place{}, nil
	}
	const op = "resume"
	var at cursor
	if err := json.Unmarshal([]byte(c), &at); err != nil {
		return place{}, connector.Errorf(connector.ErrCursor, op, "the cursor is none of this connector's: %w", err)
	}
	if at.Print != l.print {
		return place{}, connector.Errorf(connector.ErrCursor, op, "the files or the settings have changed since the cursor was made")
	}
	if at.File < 0 || at.File >= len(l.files) || at.Offset < 0 || at.Count < 0 {
		return place{}, connector.Errorf(connector.ErrCursor, op, "the cursor points outside of the files")
	}
	return at.place, nil
}
