package localhost

import (
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// account is one line of /etc/passwd.
type account struct {
	name, gecos, home, shell string
	uid, gid                 uint32
	locked                   bool
}

// parsePasswd reads a password file, see passwd(5), and calls each with every
// account, and bad with every line that is none. Comments and the lines that
// merge in accounts of a network service ("+", "-") are passed over, as the C
// library does.
func parsePasswd(r io.Reader, each func(account), bad func(*syntaxError)) error {
	return lines(r, func(n int, line string) error {
		if line = strings.TrimRight(line, "\r"); strings.TrimSpace(line) == "" || strings.ContainsRune("#+-", rune(line[0])) {
			return nil
		}
		a, reason := parseAccount(line)
		if reason != "" {
			bad(&syntaxError{n, reason})
			return nil
		}
		each(a)
		return nil
	})
}

// parseAccount returns the account of a line, or the reason why it is none. The
// reason does not repeat the line, which may hold a password hash.
func parseAccount(line string) (a account, reason string) {
	f := strings.Split(line, ":")
	if len(f) != 7 {
		return account{}, "has " + strconv.Itoa(len(f)) + " fields and not 7"
	}
	if f[0] == "" || !utf8.ValidString(f[0]) {
		return account{}, "has no readable login name"
	}
	uid, err := strconv.ParseUint(f[2], 10, 32)
	if err != nil {
		return account{}, "the user number is no number"
	}
	gid, err := strconv.ParseUint(f[3], 10, 32)
	if err != nil {
		return account{}, "the group number is no number"
	}
	return account{
		name:   f[0],
		gecos:  f[4],
		home:   f[5],
		shell:  f[6],
		uid:    uint32(uid),
		gid:    uint32(gid),
		locked: strings.HasPrefix(f[1], "!") || strings.HasPrefix(f[1], "*"),
	}, ""
}

// canLogIn reports whether the account has a shell. An empty one means /bin/sh.
func (a account) canLogIn() bool {
	base := path.Base(a.shell)
	return base != "nologin" && base != "false"
}

// fullName returns the first part of the comment field, or "". Old files may be
// in an encoding that cannot be known; such a name is left out.
func (a account) fullName() string {
	name, _, _ := strings.Cut(a.gecos, ",")
	if !utf8.ValidString(name) {
		return ""
	}
	return strings.TrimSpace(name)
}
