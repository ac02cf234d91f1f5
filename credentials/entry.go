package credentials

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// An Entry is what a [Vault] tells of a credential without opening it. It holds
// no secret.
type Entry struct {
	ID string `json:"id"`
	Details
	Kind      Kind      `json:"kind"`
	Binding   Binding   `json:"binding"`
	KeyID     string    `json:"key_id"` // the key-encryption key it is sealed under
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	// Changes are the last MaxChanges changes, the newest last.
	Changes []Change `json:"changes"`
}

// Details are what people say of a credential. The zero value is allowed.
type Details struct {
	Name      string    `json:"name,omitempty"`      // for people: "Okta Read-Only API Key"
	Owner     string    `json:"owner,omitempty"`     // who answers for it
	ExpiresAt time.Time `json:"expires_at,omitzero"` // when the vendor stops taking it; zero if never, or if nobody knows
	// WarnBefore is how long before it expires to warn. Zero means
	// DefaultWarnBefore.
	WarnBefore time.Duration `json:"warn_before,omitempty"`
}

// DefaultWarnBefore is how long before its end a credential is warned of.
const DefaultWarnBefore = 14 * 24 * time.Hour

// A Change is one change of a kept credential. It names values that are no
// secret, and never a secret.
type Change struct {
	At   time.Time `json:"at"` // the last time, if there were several
	By   string    `json:"by"`
	What string    `json:"what"`
	// Times counts rotations in a row, which are one Change, so that they do not
	// push out what people did. It is at least 1.
	Times int `json:"times"`
}

// MaxChanges is how many changes an Entry keeps.
const MaxChanges = 50

// rotated is the Change of a Source's Save.
const rotated = "rotated"

// A Binding says what a credential is for. It opens for this connector and
// these hosts and for no others.
type Binding struct {
	Connector string `json:"connector"` // the connector's id in the catalogue
	// Hosts are the host names, or patterns of them, that the secret may be sent
	// to: the Spec's patterns, or where a person names the host, that host. Their
	// order and case do not count. At least one is required, and "*" is refused: it
	// would bind to nothing.
	Hosts []string `json:"hosts"`
}

// Equal reports whether both name the same connector and hosts.
func (b Binding) Equal(other Binding) bool {
	b, other = b.normal(), other.normal()
	return b.Connector == other.Connector && slices.Equal(b.Hosts, other.Hosts)
}

// String returns the binding for a message.
func (b Binding) String() string {
	return fmt.Sprintf("connector %s and hosts %s", b.Connector, strings.Join(b.Hosts, ", "))
}

// normal returns b with its hosts in lower case, in order and once each.
func (b Binding) normal() Binding {
	hosts := make([]string, len(b.Hosts))
	for i, host := range b.Hosts {
		hosts[i] = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(host)), ".")
	}
	slices.Sort(hosts)
	b.Hosts = slices.Compact(hosts)
	return b
}

// check says what is wrong with a normal binding.
func (b Binding) check() error {
	if b.Connector == "" {
		return errors.New("the connector is missing")
	}
	if err := checkText("connector", b.Connector); err != nil {
		return err
	}
	if len(b.Hosts) == 0 {
		return errors.New("name the hosts that the secret may be sent to")
	}
	if len(b.Hosts) > maxHosts {
		return fmt.Errorf("there are more than %d hosts", maxHosts)
	}
	for _, host := range b.Hosts {
		switch err := checkText("host", host); {
		case err != nil:
			return err
		case strings.Trim(host, "*.") == "":
			return fmt.Errorf("the host %q stands for any: name the host that the secret may be sent to", host)
		case strings.ContainsAny(host, "/@?# "):
			return fmt.Errorf("%q is not a host name: leave out scheme and path", host)
		}
	}
	return nil
}

// Expired reports whether the credential has come to its end.
func (e Entry) Expired(now time.Time) bool {
	return !e.ExpiresAt.IsZero() && !now.Before(e.ExpiresAt)
}

// Warns reports whether the credential has expired or is about to.
func (e Entry) Warns(now time.Time) bool {
	before := e.WarnBefore
	if before == 0 {
		before = DefaultWarnBefore
	}
	return !e.ExpiresAt.IsZero() && !now.Before(e.ExpiresAt.Add(-before))
}

// Warning returns a sentence on a credential that has expired or is about to,
// and nothing on any other.
func (e Entry) Warning(now time.Time) string {
	if !e.Warns(now) {
		return ""
	}
	owner := ""
	if e.Owner != "" {
		owner = " of " + e.Owner
	}
	date := e.ExpiresAt.UTC().Format(time.DateOnly)
	if e.Expired(now) {
		return fmt.Sprintf("credential %q%s expired on %s: enter a new secret", e.ID, owner, date)
	}
	when := "in less than a day"
	if days := int(e.ExpiresAt.Sub(now) / (24 * time.Hour)); days == 1 {
		when = "in 1 day"
	} else if days > 1 {
		when = fmt.Sprintf("in %d days", days)
	}
	return fmt.Sprintf("credential %q%s expires on %s, %s: enter a new secret", e.ID, owner, date, when)
}

// record adds a change; of more than MaxChanges the oldest goes.
func (e *Entry) record(c Change) {
	if last := len(e.Changes) - 1; last >= 0 && c.What == rotated && e.Changes[last].What == rotated && e.Changes[last].By == c.By {
		c.Times += e.Changes[last].Times
		e.Changes = e.Changes[:last]
	}
	if len(c.What) > maxWhat {
		c.What = strings.ToValidUTF8(c.What[:maxWhat], "") + " ..."
	}
	e.Changes = append(e.Changes, c)
	e.Changes = slices.Delete(e.Changes, 0, max(0, len(e.Changes)-MaxChanges))
}

// check says what is wrong with details.
func (d Details) check() error {
	if err := checkText("name", d.Name); err != nil {
		return err
	}
	if err := checkText("owner", d.Owner); err != nil {
		return err
	}
	if d.WarnBefore < 0 {
		return errors.New("the time to warn before it expires is negative")
	}
	if y := d.ExpiresAt.Year(); y > 9999 {
		return fmt.Errorf("the year %d of its expiry has more than four digits", y)
	}
	return nil
}

// differences says what d changes of old, for the list of changes.
func (d Details) differences(old Details) string {
	var parts []string
	add := func(what, from, to string) {
		if from != to {
			parts = append(parts, fmt.Sprintf("%s: %q to %q", what, from, to))
		}
	}
	add("name", old.Name, d.Name)
	add("owner", old.Owner, d.Owner)
	add("expires", dateOrNothing(old.ExpiresAt), dateOrNothing(d.ExpiresAt))
	add("warn before", old.WarnBefore.String(), d.WarnBefore.String())
	return strings.Join(parts, "; ")
}

func dateOrNothing(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Bounds of what is kept in clear.
const (
	maxText  = 256  // bytes of a text
	maxWhat  = 2000 // bytes of a Change.What
	maxHosts = 100
)

// checkText says what is wrong with a text that is kept in clear.
func checkText(what, text string) error {
	switch {
	case len(text) > maxText:
		return fmt.Errorf("the %s has more than %d bytes", what, maxText)
	case !utf8.ValidString(text):
		return fmt.Errorf("the %s is not valid UTF-8", what)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("the %s has a control character", what)
	default:
		return nil
	}
}

// checkID says what is wrong with an id.
func checkID(id string) error {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	}
	if id == "" || len(id) > 128 || strings.ContainsFunc(id, other) {
		return fmt.Errorf("the id %.140q is not 1 to 128 letters, digits and \"._-\"", id)
	}
	return nil
}

// checkActor says what is wrong with the name of who makes a change.
func checkActor(by string) error {
	if by == "" {
		return errors.New("who makes the change is missing")
	}
	return checkText("name of who makes the change", by)
}
