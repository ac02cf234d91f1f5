package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
)

// A credentialView is a credential as commands show it: without its secret.
type credentialView struct {
	Name      string               `json:"name"`
	Label     string               `json:"label,omitempty"`
	Kind      credentials.Kind     `json:"kind"`
	Connector string               `json:"connector,omitempty"`
	Hosts     []string             `json:"hosts,omitempty"`
	Owner     string               `json:"owner,omitempty"`
	Expires   time.Time            `json:"expires_at,omitzero"`
	Warning   string               `json:"warning,omitempty"`
	UsedBy    []string             `json:"used_by"`
	Kept      string               `json:"kept"` // "vault", or "reference"
	Values    map[string]string    `json:"references,omitempty"`
	CreatedAt time.Time            `json:"created_at,omitzero"`
	CreatedBy string               `json:"created_by,omitempty"`
	Changes   []credentials.Change `json:"changes,omitempty"`
}

func (s *session) viewEntry(ctx context.Context, e credentials.Entry) (credentialView, error) {
	users, err := syncer.CredentialUsers(s.store)(ctx, e.ID)
	return credentialView{
		Name: e.ID, Label: e.Name, Kind: e.Kind, Connector: e.Binding.Connector, Hosts: e.Binding.Hosts, Owner: e.Owner,
		Expires: e.ExpiresAt, Warning: e.Warning(s.now()), UsedBy: append([]string{}, users...), Kept: "vault",
		CreatedAt: e.CreatedAt, CreatedBy: e.CreatedBy, Changes: e.Changes,
	}, err
}

// viewRef is a credential of the configuration file: it says where the values are
// found, and holds none.
func (s *session) viewRef(ctx context.Context, ref credentials.Ref) (credentialView, error) {
	v := credentialView{Name: ref.ID, Kind: ref.Kind, UsedBy: []string{}, Kept: "reference", Values: ref.Values}
	all, err := s.store.Integrations(ctx)
	if err != nil {
		return v, fmt.Errorf("list integrations: %w", err)
	}
	for _, in := range all {
		if in.Credential == ref.ID && in.Installation == syncer.Local && in.State != syncer.Archived {
			v.UsedBy = append(v.UsedBy, in.ID)
		}
	}
	return v, nil
}

// credentialViews returns all credentials, those of the vault and those of the
// file. A damaged one hides no other.
func (s *session) credentialViews(ctx context.Context) ([]credentialView, error) {
	views := []credentialView{}
	for _, name := range slices.Sorted(maps.Keys(s.file.Credentials)) {
		v, err := s.viewRef(ctx, s.file.Credentials[name])
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	if errors.Is(s.noVault, errNoKey) {
		return views, s.withoutKey(ctx)
	}
	if s.noVault != nil {
		return views, s.noVault
	}
	entries, damaged := s.vault.Entries(ctx)
	for _, e := range entries {
		v, err := s.viewEntry(ctx, e)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	slices.SortStableFunc(views, func(a, b credentialView) int { return strings.Compare(a.Name, b.Name) })
	return views, damaged
}

// withoutKey says how many credentials there are that cannot be looked at.
func (s *session) withoutKey(ctx context.Context) error {
	keeper, ok := s.store.(credentials.Keeper)
	if !ok {
		return nil
	}
	sealed, err := keeper.ListSealed(ctx)
	if err != nil || len(sealed) == 0 {
		return err
	}
	return fmt.Errorf("%w; it holds %d", s.noVault, len(sealed))
}

func (a *app) credentialsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List credentials: for what, whose, until when, who reads with them",
		Args:  cobra.NoArgs,
		RunE: a.in(func(ctx context.Context, s *session, _ []string) error {
			views, err := s.credentialViews(ctx)
			if s.json {
				return errors.Join(err, s.writeJSON(views))
			}
			if len(views) == 0 && err == nil {
				s.note("there are no credentials yet (see `vendorsync credentials add`)")
				return nil
			}
			t := newTable("NAME", "KIND", "CONNECTOR", "HOSTS", "OWNER", "EXPIRES", "USED BY", "KEPT")
			for _, v := range views {
				t.add(v.Name, string(v.Kind), v.Connector, strings.Join(v.Hosts, ", "), v.Owner, day(v.Expires), strings.Join(v.UsedBy, ", "), v.Kept)
			}
			err = errors.Join(s.print(t), err)
			s.warnOfEnds(ctx)
			return err
		}),
	}
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func (a *app) credentialsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show a credential, who reads with it, and who changed it when; never its secret",
		Args:  cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			if ref, ok := s.file.Credentials[args[0]]; ok {
				v, err := s.viewRef(ctx, ref)
				return errors.Join(err, s.showCredential(v))
			}
			_, entry, err := s.entry(ctx, args[0])
			if err != nil {
				return err
			}
			v, err := s.viewEntry(ctx, entry)
			return errors.Join(err, s.showCredential(v))
		}),
	}
}

// showEntry says what was done to a credential; as JSON, what it is now.
func (s *session) showEntry(ctx context.Context, e credentials.Entry, format string, args ...any) error {
	if !s.json {
		return s.line(format, args...)
	}
	v, err := s.viewEntry(ctx, e)
	return errors.Join(err, s.writeJSON(v))
}

func (s *session) showCredential(v credentialView) error {
	if s.json {
		return s.writeJSON(v)
	}
	t := newTable("CREDENTIAL", v.Name)
	row := func(name, value string) {
		if value != "" {
			t.add(name, value)
		}
	}
	row("name", v.Label)
	row("kind", fmt.Sprintf("%s (%s)", v.Kind, v.Kind.Label()))
	row("connector", v.Connector)
	row("may go to", strings.Join(v.Hosts, ", "))
	row("owner", v.Owner)
	row("expires", day(v.Expires))
	row("used by", cmp.Or(strings.Join(v.UsedBy, ", "), "no integration"))
	row("kept in", map[string]string{"vault": "the vault", "reference": s.file.Name + ", by reference"}[v.Kept])
	for _, name := range slices.Sorted(maps.Keys(v.Values)) {
		row(name, v.Values[name])
	}
	if err := s.print(t); err != nil {
		return err
	}
	changes := newTable("WHEN", "WHO", "CHANGE")
	for _, c := range v.Changes {
		what := c.What
		if c.Times > 1 {
			what += fmt.Sprintf(" (%d times)", c.Times)
		}
		changes.add(s.when(c.At), c.By, what)
	}
	if err := s.section(changes); err != nil {
		return err
	}
	if v.Warning != "" {
		s.note("warning: %s", v.Warning)
	}
	return nil
}
