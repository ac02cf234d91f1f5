package localhost

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vendorsync/vendorsync/connector"
)

const (
	// rpmFormat makes one line a package: name, version with epoch and release,
	// vendor, time of installation in Unix seconds.
	rpmFormat = `%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\t%|VENDOR?{%{VENDOR}}|\t%{INSTALLTIME}\n`
	// rpmTime bounds a query, which takes a second; a database that is locked
	// would hold it for ever.
	rpmTime = 2 * time.Minute
	maxUnix = 253402300799 // the last second that RFC 3339 can write
)

// rpmDatabase returns the folder of the rpm database, or "" if there is none.
// It looks for the database itself: asked for a folder without one, rpm would
// create it.
func (m *machine) rpmDatabase() string {
	for _, folder := range []string{"usr/lib/sysimage/rpm", "var/lib/rpm"} {
		for _, file := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} { // SQLite, ndb, Berkeley DB
			if m.exists(folder + "/" + file) {
				return folder
			}
		}
	}
	return ""
}

// queryRPM asks the rpm command for the packages in a database.
func (m *machine) queryRPM(ctx context.Context, command, folder string) ([]application, error) {
	const op = "read installed software"
	limited, cancel := context.WithTimeout(ctx, rpmTime)
	defer cancel()
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(limited, command, "-qa", "--dbpath", filepath.Join(m.root, filepath.FromSlash(folder)), "--qf", rpmFormat) //nolint:gosec // The command is the rpm of the machine's own PATH, and no argument comes from a record.
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.Stdout, cmd.Stderr = &out, &complaints
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, connector.Errorf(connector.ErrUnavailable, op, "wait for rpm: %w", ctx.Err())
	}
	if limited.Err() != nil {
		return nil, &connector.Error{Class: connector.ErrUnavailable, Op: op, Message: "rpm did not answer within " + rpmTime.String(), Remedy: "see whether another process holds the rpm database", Err: limited.Err()}
	}
	// Some versions complain of a broken database and yet exit with 0.
	if err == nil && !hasErrorLine(complaints.String()) {
		var apps []application
		if apps, err = parseRPM(&out); err == nil {
			return apps, nil
		}
	}
	return nil, rpmError(op, folder, complaints.String(), err)
}

func hasErrorLine(complaints string) bool {
	for line := range strings.Lines(complaints) {
		if strings.HasPrefix(line, "error:") {
			return true
		}
	}
	return false
}

func rpmError(op, folder, complaints string, err error) error {
	const most = 500
	if len(complaints) > most {
		complaints = strings.ToValidUTF8(complaints[:most], "")
	}
	said := strings.Join(strings.Split(strings.TrimSpace(complaints), "\n"), "; ")
	e := connector.Errorf(connector.ErrMalformed, op, "rpm cannot list the packages of /%s: %s", folder, said)
	e.Err = err
	e.Remedy = "run `rpm -qa` on this machine; `rpm --rebuilddb` repairs a damaged database"
	var exit *exec.ExitError
	var bad *syntaxError
	switch {
	case errors.As(err, &bad):
		e.Message = "the answer of rpm: " + bad.Error()
		e.Remedy = "run `rpm -qa` on this machine and look at that line"
	case strings.Contains(complaints, "Permission denied"):
		e.Class = connector.ErrPermission
		e.Remedy = "let the user that runs vendorsync read the rpm database"
	case err != nil && !errors.As(err, &exit): // it did not even start
		e.Class = connector.ErrUnavailable
		e.Message = "rpm cannot be run: " + err.Error()
		e.Remedy = "repair the rpm command of this machine"
	}
	return e
}

// parseRPM reads what rpm writes in rpmFormat.
func parseRPM(r io.Reader) ([]application, error) {
	var found []application
	err := lines(r, func(n int, line string) error {
		f := strings.Split(line, "\t")
		if len(f) != 4 || f[0] == "" || f[1] == "" {
			return &syntaxError{n, "not the four columns that were asked for"}
		}
		installed, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil || installed < 0 || installed > maxUnix {
			return &syntaxError{n, "the time of installation is no Unix time"}
		}
		// The keys that packages are signed with are kept as packages too.
		if f[0] == "gpg-pubkey" {
			return nil
		}
		app := application{Name: f[0], Version: f[1], Publisher: f[2], Identifier: f[0]}
		if installed > 0 {
			app.InstalledAt = time.Unix(installed, 0).UTC().Format(time.RFC3339)
		}
		found = append(found, app)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
