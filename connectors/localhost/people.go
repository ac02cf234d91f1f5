package localhost

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vendorsync/vendorsync/connector"
)

// person is a record of the stream "people".
type person struct {
	ID        string `json:"id"`
	Username  string `json:"username"`
	UID       uint32 `json:"uid"`
	GID       uint32 `json:"gid"`
	FullName  string `json:"full_name,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Email     string `json:"email,omitempty"`
	Shell     string `json:"shell,omitempty"`
	Home      string `json:"home,omitempty"`
	Status    string `json:"status"`
}

const passwdFile = "etc/passwd"

// people returns the accounts that people log in with, or all accounts, in the
// order of the password file, and a fault for each line that is none.
func (m *machine) people(system bool) ([]person, []connector.Fault, error) {
	var (
		found    []person
		faults   []connector.Fault
		first    = firstUID(m.text("etc/login.defs"))
		hostname = m.hostname()
	)
	each := func(a account) {
		if system || a.isPerson(first) {
			found = append(found, newPerson(a, hostname))
		}
	}
	bad := func(e *syntaxError) {
		faults = append(faults, connector.Fault{
			Place: fmt.Sprintf("line %d", e.line),
			Err:   connector.Errorf(connector.ErrMalformed, "read /"+passwdFile, "line %d %s", e.line, e.reason),
		})
	}
	err := m.parse("read people", passwdFile, func(r io.Reader) error { return parsePasswd(r, each, bad) })
	if err != nil {
		return nil, nil, err
	}
	return found, faults, nil
}

// nobody is the number of the account that stands for no account; those above
// it are the system's or a network service's.
const nobody = 65534

func (a account) isPerson(firstUID uint32) bool {
	return a.uid >= firstUID && a.uid < nobody && a.canLogIn()
}

func newPerson(a account, hostname string) person {
	p := person{
		ID:       a.name,
		Username: a.name,
		UID:      a.uid,
		GID:      a.gid,
		FullName: a.fullName(),
		Shell:    a.shell,
		Home:     a.home,
		Status:   "active",
	}
	p.FirstName, p.LastName = splitName(p.FullName)
	// A name of the form "ada@corp.example", as directories give, makes no
	// address with another @ behind it.
	if hostname != "" && !strings.Contains(a.name, "@") {
		p.Email = a.name + "@" + hostname
	}
	if a.locked || !a.canLogIn() {
		p.Status = "inactive"
	}
	return p
}

// splitName splits a name of two words that both begin with a capital. How a
// longer one divides cannot be told, and "PostgreSQL administrator" is no
// person.
func splitName(full string) (first, last string) {
	words := strings.Fields(full)
	if len(words) != 2 || !capital(words[0]) || !capital(words[1]) {
		return "", ""
	}
	return words[0], words[1]
}

func capital(word string) bool {
	r, _ := utf8.DecodeRuneInString(word)
	return unicode.IsUpper(r)
}

// firstUID returns UID_MIN of login.defs(5), the least number of an account of a
// person, or 1000, its default.
func firstUID(loginDefs string) uint32 {
	for line := range strings.Lines(loginDefs) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "UID_MIN" {
			continue
		}
		// The manual allows octal and hexadecimal numbers too.
		if n, err := strconv.ParseUint(f[1], 0, 32); err == nil {
			return uint32(n)
		}
	}
	return 1000
}
