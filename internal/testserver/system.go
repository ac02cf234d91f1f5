package testserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// An account is a user of the system.
type account struct {
	uid, gid uint32
}

// unprivileged returns whom a server that refuses to run as root is to run as:
// the first of the named users that there is. Nobody but root can choose, so for
// all others it returns nil, the current user.
func unprivileged(names ...string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		var unknown user.UnknownUserError
		if errors.As(err, &unknown) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("looking for the user %s: %w", name, err)
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("the id of the user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("the group of the user %s: %w", name, err)
		}
		return &account{uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("root cannot run it, and none of the users %s exists", strings.Join(names, ", "))
}

// A folder is a temporary one that belongs to the user whom a server runs as. It
// stands in the system's folder for such, since another user cannot enter the
// ones that testing.T makes.
type folder struct {
	path  string
	owner *account
}

// newFolder makes a folder that is gone after the test.
func newFolder(t testing.TB, name string, owner *account) folder {
	t.Helper()
	path, err := os.MkdirTemp("", "vendorsync-"+name+"-") //nolint:usetesting // see folder
	if err != nil {
		t.Fatalf("making a folder for %s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(path); err != nil {
			t.Errorf("removing the folder of %s: %v", name, err)
		}
	})
	f := folder{path: path, owner: owner}
	if err := f.give(path); err != nil {
		t.Fatalf("giving a folder to %s: %v", name, err)
	}
	return f
}

// join returns the path of a file in the folder.
func (f folder) join(name string) string { return filepath.Join(f.path, name) }

// write makes a file, for the folder's owner alone.
func (f folder) write(t testing.TB, name, content string) string {
	t.Helper()
	path := f.join(name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatalf("writing a server's file: %v", err)
	}
	if err := f.give(path); err != nil {
		t.Fatalf("giving a file to a server: %v", err)
	}
	return path
}

// give hands a file or folder to the owner.
func (f folder) give(path string) error {
	if f.owner == nil {
		return nil
	}
	return os.Chown(path, int(f.owner.uid), int(f.owner.gid))
}

// searchPath is where executables are looked for: servers often stand where only
// root's PATH points.
func searchPath() string {
	return strings.Join(append(filepath.SplitList(os.Getenv("PATH")), binaryFolders...), string(os.PathListSeparator))
}

// binaryFolders are searched after those of PATH.
var binaryFolders = []string{
	"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
	"/usr/libexec", "/usr/lib/openldap", "/opt/homebrew/bin", "/opt/homebrew/opt/openldap/libexec",
}

// executable returns the path of an executable, from the folders of PATH, those
// where such servers usually stand, and others. Without it a test cannot run: it
// fails, and says which of Debian's packages to install.
func executable(t testing.TB, name, packages string, others ...string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(searchPath()), others...) {
		path, err := exec.LookPath(filepath.Join(dir, name))
		if err == nil && filepath.IsAbs(path) {
			return path
		}
	}
	t.Fatalf("this test needs %s: install it (Debian: apt-get install %s)", name, packages)
	return ""
}
