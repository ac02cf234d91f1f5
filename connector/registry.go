package connector

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Registry is a set of connectors, found by id or by search. It is a value of
// the host's, never a global. The zero value is empty. A Registry is immutable
// after NewRegistry and safe for concurrent use.
type Registry struct {
	byID map[string]Connector
	ids  []string
}

// NewRegistry returns a registry of the given connectors. It reports every id
// that is empty or taken twice.
func NewRegistry(connectors ...Connector) (*Registry, error) {
	r := &Registry{byID: make(map[string]Connector, len(connectors))}
	var errs []error
	for _, c := range connectors {
		id := c.Spec().ID
		switch {
		case id == "":
			errs = append(errs, fmt.Errorf("connector %T has no id", c))
		case r.byID[id] != nil:
			errs = append(errs, fmt.Errorf("two connectors have the id %q", id))
		default:
			r.byID[id] = c
			r.ids = append(r.ids, id)
		}
	}
	slices.Sort(r.ids)
	return r, errors.Join(errs...)
}

// Get returns the connector of that id, or an ErrNotFound that names the ids
// there are.
func (r *Registry) Get(id string) (Connector, error) {
	if r != nil {
		if c, ok := r.byID[id]; ok {
			return c, nil
		}
	}
	return nil, &Error{Class: ErrNotFound, Op: "find connector", Message: fmt.Sprintf("there is no connector %q", id), Remedy: "see `vendorsync catalog`; there are " + strings.Join(r.list(), ", ")}
}

func (r *Registry) list() []string {
	if r == nil || len(r.ids) == 0 {
		return []string{"none"}
	}
	return r.ids
}

// All returns every connector, ordered by id.
func (r *Registry) All() []Connector {
	if r == nil {
		return nil
	}
	all := make([]Connector, len(r.ids))
	for i, id := range r.ids {
		all[i] = r.byID[id]
	}
	return all
}

// Search returns the connectors whose id, name, vendor, category or alias
// contains word, whatever its case, ordered by id. An empty word finds all.
func (r *Registry) Search(word string) []Connector {
	word = strings.ToLower(strings.TrimSpace(word))
	return slices.DeleteFunc(r.All(), func(c Connector) bool {
		s := c.Spec()
		texts := append([]string{s.ID, s.Name, s.Vendor, s.Category}, s.Aliases...)
		return !slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), word) })
	})
}
