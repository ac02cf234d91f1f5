package scaffold

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// GoVersion is the oldest Go that the vendorsync module takes, for a go.mod.
const GoVersion = "1.26.0"

// A Place is where a connector's package goes.
type Place struct {
	Dir        string // the package's folder
	ImportPath string // of the package
	Root       string // the module's folder
	Module     string // the module's path
	New        bool   // the module is not there yet: GoMod belongs to the files
	Requires   bool   // the module is vendorsync or requires it
}

// Where says where a connector's package is to go.
type Where struct {
	// From is the folder where a person stands. Empty means the process's working
	// directory.
	From string
	// Dir is the folder that the package's own goes into, relative to From. Empty
	// means connectors in the vendorsync module, and From elsewhere.
	Dir string
	// Module is the path of the module that is made where there is none; the id,
	// if it is empty. Where there is one it has to be empty.
	Module string
}

// Locate finds the place for the connector with that id. It writes nothing.
func Locate(w Where, id string) (Place, error) {
	name, err := Package(id)
	if err != nil {
		return Place{}, err
	}
	parent := w.Dir
	if !filepath.IsAbs(parent) {
		parent = filepath.Join(w.From, parent)
	}
	parent, err = filepath.Abs(parent)
	if err != nil {
		return Place{}, fmt.Errorf("find the folder: %w", err)
	}
	p, err := module(parent)
	if err != nil {
		return Place{}, err
	}
	switch {
	case p.New:
		p.Root, p.Module = parent, cmp.Or(w.Module, id)
	case w.Module != "":
		return Place{}, fmt.Errorf("%s is in the module %s already, so that there is no module %s to make", parent, p.Module, w.Module)
	case p.Module == Vendorsync && w.Dir == "":
		parent = filepath.Join(p.Root, "connectors")
	}
	p.Dir = filepath.Join(parent, name)
	below, err := filepath.Rel(p.Root, p.Dir)
	if err != nil {
		return Place{}, fmt.Errorf("find the folder: %w", err)
	}
	p.ImportPath = path.Join(p.Module, filepath.ToSlash(below))
	if !importPath.MatchString(p.ImportPath) {
		return Place{}, fmt.Errorf("%q is no path that Go can import: letters, digits and - . _ ~ may stand between slashes", p.ImportPath)
	}
	return p, nil
}

// importPath is what the path of a package looks like.
var importPath = regexp.MustCompile(`^[A-Za-z0-9_~-][A-Za-z0-9._~+-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~+-]*)*$`)

// module finds the module that a folder lies in, which need not be there itself.
func module(dir string) (Place, error) {
	for at := dir; ; at = filepath.Dir(at) {
		name := filepath.Join(at, "go.mod")
		data, err := os.ReadFile(name) //nolint:gosec // The go.mod of the folder that the caller names.
		switch {
		case errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at):
			continue
		case errors.Is(err, fs.ErrNotExist):
			return Place{New: true}, nil
		case err != nil:
			return Place{}, fmt.Errorf("find the module: %w", err)
		}
		p := Place{Root: at}
		if p.Module, p.Requires = parseModule(string(data)); p.Module == "" {
			return Place{}, fmt.Errorf("find the module: %s does not say which module it is", name)
		}
		return p, nil
	}
}

// parseModule returns the path of the module that a go.mod describes, empty if it
// says none, and whether the module is vendorsync or requires it.
func parseModule(text string) (name string, requires bool) {
	block := ""
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(strings.ReplaceAll(line, "(", " ("))
		switch {
		case len(words) == 0:
			continue
		case words[0] == ")":
			block = ""
			continue
		case len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		case block != "":
			words = append([]string{block}, words...)
		}
		if len(words) < 2 {
			continue
		}
		value := strings.Trim(words[1], "\"`")
		switch words[0] {
		case "module":
			name = value
		case "require":
			requires = requires || value == Vendorsync
		}
	}
	return name, requires || name == Vendorsync
}

// GoMod returns the go.mod of a new module, which requires that version of
// vendorsync; none, if the version is empty.
func (p Place) GoMod(version string) File {
	text := "module " + p.Module + "\n\ngo " + GoVersion + "\n"
	if version != "" {
		text += "\nrequire " + Vendorsync + " " + version + "\n"
	}
	return File{Name: "../go.mod", Holds: "the module", Data: []byte(text)}
}

// Path returns where a file goes.
func (p Place) Path(f File) string { return filepath.Join(p.Dir, filepath.FromSlash(f.Name)) }

// Write makes the package's folder and writes the files, in their order. The error
// is fs.ErrExist if the folder or a file is there already. If it fails, nothing of
// the folder stays.
func (p Place) Write(files []File) (err error) {
	if err := os.MkdirAll(filepath.Dir(p.Dir), sourceDir); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	if err := os.Mkdir(p.Dir, sourceDir); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(p.Dir))
		}
	}()
	for _, f := range files {
		if err := write(p.Path(f), f.Data); err != nil {
			return fmt.Errorf("write the connector: %w", err)
		}
	}
	return nil
}

// Source code is for everybody to read who the umask lets.
const (
	sourceDir  = 0o777
	sourceFile = 0o666
)

// write writes a file that is not there yet, and none if that fails.
func write(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), sourceDir); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, sourceFile) //nolint:gosec // A new file in the folder that the caller names.
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close(), os.Remove(name))
	}
	return f.Close()
}
