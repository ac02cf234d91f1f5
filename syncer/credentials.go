package syncer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
)

// A Keyring is where the integrations of a host find their credentials: those of
// Cloud integrations in a vault, those of Local ones by reference, so that
// nothing of them is stored. Its method Source is for [Options].Credentials.
//
//	keyring := syncer.Keyring{Vault: vault, Refs: refs, Resolver: credentials.References{Env: []string{"ACME_*"}}}
//	s, err := syncer.New(store, syncer.Options{Registry: registry, Credentials: keyring.Source})
//
// The zero value holds no credential. A Keyring is not changed while it is in
// use, and then safe for concurrent use.
type Keyring struct {
	// Vault keeps the credentials of Cloud integrations. Nil means that there are
	// none.
	Vault *credentials.Vault
	// Refs are the references of Local integrations, by the name that integrations
	// have for them.
	Refs map[string]credentials.Ref
	// Resolver reads what Refs name, anew with each request.
	Resolver credentials.Resolver
}

// Source returns the credential that an integration names. It does no I/O: that
// there is no such credential, or that it was entered for other hosts, is found
// out by its Get.
func (k Keyring) Source(_ context.Context, in Integration, b credentials.Binding) (credentials.Source, error) {
	if in.Installation == Local {
		ref, ok := k.Refs[in.Credential]
		if !ok || k.Resolver == nil {
			return nil, fmt.Errorf("there is no reference named %q, and a local installation takes references alone", in.Credential)
		}
		ref.ID = cmp.Or(ref.ID, in.Credential)
		return credentials.FromRef(k.Resolver, ref), nil
	}
	if k.Vault == nil {
		return nil, errors.New("this host has no vault of credentials")
	}
	return k.Vault.Source(in.Credential, b, cmp.Or(in.User, "integration "+in.ID)), nil
}

// CredentialUsers returns what [credentials.VaultOptions].Users takes: the ids of
// the integrations of a journal that read with a credential of the vault, those
// that are archived apart.
func CredentialUsers(j Journal) func(ctx context.Context, id string) ([]string, error) {
	return func(ctx context.Context, id string) ([]string, error) {
		all, err := j.Integrations(ctx)
		if err != nil {
			return nil, fmt.Errorf("list integrations: %w", err)
		}
		var users []string
		for _, in := range all {
			if in.Credential == id && in.Installation != Local && in.State != Archived {
				users = append(users, in.ID)
			}
		}
		return users, nil
	}
}

// Open opens a source with the settings and credential of an integration, saved
// or not: to look at a sample, to ask for its fields. The caller closes it.
func (s *Syncer) Open(ctx context.Context, in Integration) (connector.Source, error) {
	c, err := s.opt.Registry.Get(in.Connector)
	if err != nil {
		return nil, err
	}
	spec := c.Spec()
	if _, ok := spec.Stream(in.Stream); !ok {
		return nil, connector.Errorf(connector.ErrNotFound, "open "+in.Connector, "it has no stream %q", in.Stream)
	}
	settings, err := spec.Resolve(in.Settings)
	if err != nil {
		return nil, err
	}
	cfg := connector.Config{Settings: settings, Dir: s.opt.Dir, Transport: s.opt.Transport, Logger: s.log.With("integration", in.ID, "connector", in.Connector)}
	if cfg.Credential, err = s.credential(ctx, in, spec, settings); err != nil {
		return nil, &connector.Error{Class: connector.ErrAuth, Op: "resolve credential " + in.Credential, Err: err}
	}
	if cfg.Credential != nil {
		cfg.Tokens = s.tokensOf(in)
	}
	if s.opt.Limiter != nil {
		cfg.Limiter = s.opt.Limiter(in)
	}
	return openSource(ctx, c, cfg)
}

// credential returns the source of the credential that an integration names, nil
// if it names none or the host keeps none.
func (s *Syncer) credential(ctx context.Context, in Integration, spec connector.Spec, settings connector.Settings) (credentials.Source, error) {
	if in.Credential == "" || s.opt.Credentials == nil {
		return nil, nil //nolint:nilnil // A nil source is what a connector takes for no credential.
	}
	return s.opt.Credentials(ctx, in, spec.Binding(settings))
}

// tokensOf returns the tokens that integrations of one credential share.
func (s *Syncer) tokensOf(in Integration) *connector.Tokens {
	key := strings.Join([]string{in.Connector, string(in.Installation), in.Credential}, "\x00")
	shared, _ := s.tokens.LoadOrStore(key, &connector.Tokens{})
	return shared.(*connector.Tokens) //nolint:errcheck,forcetypeassert // Nothing else is stored there.
}

// missingCredential says what an integration's credential lacks, "" for nothing.
func (s *Syncer) missingCredential(ctx context.Context, in Integration, spec connector.Spec) string {
	switch {
	case in.Credential == "" && spec.NeedsCredential():
		return fmt.Sprintf("a credential: %s needs one (credential)", spec.Name)
	case in.Credential == "" || s.opt.Credentials == nil:
		return ""
	}
	settings, err := spec.Resolve(in.Settings)
	if err != nil {
		return "" // what is wrong with the settings comes first
	}
	src, err := s.credential(ctx, in, spec, settings)
	if err != nil {
		return fmt.Sprintf("a credential: %v", err)
	}
	cred, err := src.Get(ctx)
	if errors.Is(err, credentials.ErrNotFound) {
		return fmt.Sprintf("a credential: the vault has none named %q", in.Credential)
	}
	if err != nil {
		return fmt.Sprintf("a credential: %v", err)
	}
	kind := cmp.Or(cred.Kind, credentials.None)
	if !slices.ContainsFunc(spec.Auth, func(a connector.AuthMethod) bool { return a.Kind == kind }) {
		kinds := make([]string, len(spec.Auth))
		for i, a := range spec.Auth {
			kinds[i] = string(a.Kind)
		}
		return fmt.Sprintf("a credential that %s takes: %q is of kind %s, and it takes %s", spec.Name, in.Credential, kind, cmp.Or(strings.Join(kinds, ", "), "none"))
	}
	return ""
}
