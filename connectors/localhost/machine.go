package localhost

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

// machine is what the streams are read from.
type machine struct {
	root       string
	running    bool // root is the running machine's own
	files      fs.FS
	interfaces func() ([]networkInterface, error) // nil where they cannot be known
	findRPM    func() (string, error)
	now        func() time.Time
	log        *slog.Logger
}

const (
	maxText = 64 << 10 // of a small file: those of /sys and /proc are far below
	maxLine = 1 << 20
)

// read returns a small file's text without surrounding white space and NULs.
func (m *machine) read(name string) (string, error) {
	f, err := m.files.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxText))
	if err != nil {
		return "", err
	}
	return strings.Trim(string(b), " \t\r\n\x00"), nil
}

// text returns the text of the first of the named files that has any, or "".
func (m *machine) text(names ...string) string {
	for _, name := range names {
		text, err := m.read(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			m.log.Debug("a file of this machine could not be read", "file", name, "error", err)
		}
		if err == nil && text != "" {
			return text
		}
	}
	return ""
}

// exists reports whether there is a file or folder of that name. One that cannot
// be looked at is taken as there, so that reading it tells what is wrong.
func (m *machine) exists(name string) bool {
	_, err := fs.Stat(m.files, name)
	return !errors.Is(err, fs.ErrNotExist)
}

// parse opens a file and hands it to read. What goes wrong comes back as a
// connector.Error.
func (m *machine) parse(op, name string, read func(io.Reader) error) error {
	f, err := m.files.Open(name)
	if err != nil {
		return fileError(op, name, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if err := read(f); err != nil {
		return fileError(op, name, err)
	}
	return nil
}

// fileError gives err, met at a file, its class.
func fileError(op, name string, err error) error {
	e := connector.Errorf(connector.ErrUnavailable, op, "/%s: %w", name, err)
	var bad *syntaxError
	switch {
	case errors.As(err, &bad):
		e.Class = connector.ErrMalformed
		e.Remedy = "look at that line of the file; what keeps it may have been interrupted while writing"
	case errors.Is(err, fs.ErrPermission):
		e.Class = connector.ErrPermission
		e.Remedy = "let the user that runs vendorsync read the file"
	case errors.Is(err, fs.ErrNotExist):
		e.Class = connector.ErrNotFound
		e.Remedy = "check that this is a whole Linux system, and no bare container"
	}
	return e
}

// hostname returns the machine's name, or "". Linux shows "(none)" until one is
// set.
func (m *machine) hostname() string {
	name := m.text("proc/sys/kernel/hostname", "etc/hostname")
	if name == "" && m.running {
		name, _ = os.Hostname() // a machine without a name has none in its record
	}
	if name == "(none)" || strings.ContainsAny(name, " \t\r\n") {
		return ""
	}
	return name
}

// lines calls each with every line of r, counted from 1, without its end.
func lines(r io.Reader, each func(n int, line string) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, maxText), maxLine)
	n := 0
	for sc.Scan() {
		n++
		if err := each(n, sc.Text()); err != nil {
			return err
		}
	}
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		return &syntaxError{line: n + 1, reason: "the line is longer than 1 MB"}
	}
	return sc.Err()
}
