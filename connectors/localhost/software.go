package localhost

import (
	"cmp"
	"context"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// application is one installed package.
type application struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Publisher   string `json:"publisher,omitempty"`
	Identifier  string `json:"identifier"`
	InstalledAt string `json:"installed_at,omitempty"` // RFC 3339; rpm alone keeps it
}

// software returns everything that dpkg, apk and rpm have installed, sorted. It
// is empty but not nil if they have installed nothing. Where the machine does
// not let it be known, unknown says why; a list with gaps is no list.
func (m *machine) software(ctx context.Context) (apps []application, unknown string, err error) {
	files, err := m.packageFiles()
	if err != nil {
		return nil, "", err
	}
	apps = []application{}
	for _, f := range files {
		err := m.parse("read installed software", f.name, func(r io.Reader) error {
			found, err := f.parse(r)
			apps = append(apps, found...)
			return err
		})
		if err != nil {
			return nil, "", err
		}
	}
	folder := m.rpmDatabase()
	if folder == "" && len(files) == 0 {
		return nil, "this machine has no dpkg, apk or rpm database", nil
	}
	if folder != "" {
		command, err := m.findRPM()
		if err != nil {
			return nil, "there is an rpm database in /" + folder + ", but no rpm command to read it with: " + err.Error(), nil
		}
		found, err := m.queryRPM(ctx, command, folder)
		if err != nil {
			return nil, "", err
		}
		apps = append(apps, found...)
	}
	return distinct(apps), "", nil
}

// packageFile is a package database that is a text file.
type packageFile struct {
	name  string
	parse func(io.Reader) ([]application, error)
}

// packageFiles returns the text databases there are: the status file of dpkg,
// the folder status.d that images without dpkg have in its place, and apk's, at
// its old and its new place.
func (m *machine) packageFiles() ([]packageFile, error) {
	var files []packageFile
	for _, f := range []packageFile{
		{"var/lib/dpkg/status", parseDpkg},
		{"lib/apk/db/installed", parseApk},
		{"usr/lib/apk/db/installed", parseApk},
	} {
		if m.exists(f.name) {
			files = append(files, f)
		}
	}
	const folder = "var/lib/dpkg/status.d"
	if !m.exists(folder) {
		return files, nil
	}
	entries, err := fs.ReadDir(m.files, folder)
	if err != nil {
		return nil, fileError("read installed software", folder, err)
	}
	for _, e := range entries {
		if !e.IsDir() && !strings.HasSuffix(e.Name(), ".md5sums") {
			files = append(files, packageFile{folder + "/" + e.Name(), parseDpkg})
		}
	}
	return files, nil
}

// distinct sorts the packages and keeps one of those that only differ in what a
// record does not tell, such as the architecture.
func distinct(apps []application) []application {
	order := func(a, b application) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Publisher, b.Publisher))
	}
	slices.SortStableFunc(apps, order)
	return slices.CompactFunc(apps, func(a, b application) bool { return order(a, b) == 0 })
}

// withoutAddress takes the e-mail address off "Ada Lovelace <ada@example.com>".
func withoutAddress(maintainer string) string {
	if name, _, ok := strings.Cut(maintainer, "<"); ok && strings.TrimSpace(name) != "" {
		maintainer = name
	}
	return strings.Trim(maintainer, " \t\"")
}
