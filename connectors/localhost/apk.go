package localhost

import "io"

// parseApk reads apk's database of installed packages: stanzas of lines that
// are one letter, a colon and a value; P is the name, V the version, m the
// maintainer. The letters of the files in a package may repeat.
func parseApk(r io.Reader) ([]application, error) {
	var (
		found []application
		app   application
		last  int // the last line of the stanza; 0 between stanzas
	)
	end := func() error {
		switch {
		case last == 0:
			return nil
		case app.Name == "":
			return &syntaxError{last, "the stanza that ends here names no package"}
		case app.Version == "":
			return &syntaxError{last, "the installed package " + app.Name + " has no version"}
		}
		found = append(found, app)
		app, last = application{}, 0
		return nil
	}
	err := lines(r, func(n int, line string) error {
		if line == "" {
			return end()
		}
		if len(line) < 2 || line[1] != ':' {
			return &syntaxError{n, "not a letter, a colon and a value"}
		}
		last = n
		switch value := line[2:]; line[0] {
		case 'P':
			app.Name, app.Identifier = value, value
		case 'V':
			app.Version = value
		case 'm':
			app.Publisher = withoutAddress(value)
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
