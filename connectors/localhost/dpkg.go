package localhost

import (
	"io"
	"slices"
	"strings"
)

// parseDpkg reads a dpkg status file, see deb822(5) and dpkg(1), and returns
// the packages that are installed, a package on hold among them.
func parseDpkg(r io.Reader) ([]application, error) {
	var (
		found  []application
		stanza map[string]string
		last   int
	)
	end := func() error {
		defer func() { stanza = nil }()
		app, installed, err := dpkgPackage(stanza, last)
		if err == nil && installed {
			found = append(found, app)
		}
		return err
	}
	err := lines(r, func(n int, line string) error {
		switch {
		case strings.TrimSpace(line) == "":
			return end()
		case line[0] == ' ' || line[0] == '\t': // goes on with the field above
			if stanza == nil {
				return &syntaxError{n, "a continuation without a field to continue"}
			}
			last = n
			return nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return &syntaxError{n, "neither a field nor the continuation of one"}
		}
		if stanza == nil {
			stanza = map[string]string{}
		}
		last = n
		if name = strings.ToLower(name); slices.Contains(dpkgFields, name) {
			stanza[name] = strings.TrimSpace(value)
		}
		return nil
	})
	if err == nil {
		err = end()
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// dpkgFields are the fields that are looked at.
var dpkgFields = []string{"package", "status", "version", "maintainer"}

// dpkgPackage returns the package of a stanza that ends at a line, and whether
// it is installed. A stanza that says no status is one of status.d, where a file
// is there because the package is.
func dpkgPackage(stanza map[string]string, line int) (app application, installed bool, err error) {
	if stanza == nil {
		return application{}, false, nil
	}
	if stanza["package"] == "" {
		return application{}, false, &syntaxError{line, "the stanza that ends here names no package"}
	}
	if status, ok := stanza["status"]; ok {
		// Wanted action, flag, state: "hold ok installed". Waiting for a trigger
		// is a state of installed packages.
		words := strings.Fields(status)
		if len(words) != 3 {
			return application{}, false, &syntaxError{line, "the status of package " + stanza["package"] + " is not three words"}
		}
		if !slices.Contains([]string{"installed", "triggers-awaited", "triggers-pending"}, words[2]) {
			return application{}, false, nil
		}
	}
	if stanza["version"] == "" {
		return application{}, false, &syntaxError{line, "the installed package " + stanza["package"] + " has no version"}
	}
	return application{
		Name:       stanza["package"],
		Version:    stanza["version"],
		Publisher:  withoutAddress(stanza["maintainer"]),
		Identifier: stanza["package"],
	}, true, nil
}
