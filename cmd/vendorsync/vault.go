package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
)

// Where the vault's key is, and what references may read. None of it stands in
// the configuration file: whoever may edit that may not say what is read.
const (
	keyVariable     = "VENDORSYNC_KEY"         // the key itself
	keyFileVariable = "VENDORSYNC_KEY_FILE"    // a file that holds it
	envVariable     = "VENDORSYNC_ALLOW_ENV"   // patterns of variables, with commas: OKTA_*,JAMF_*
	filesVariable   = "VENDORSYNC_ALLOW_FILES" // folders, as in PATH
)

// What references may read where nothing says otherwise: variables of this
// program's own, and the folders in which service managers and containers put
// secrets.
const (
	defaultEnv    = "VENDORSYNC_*"
	defaultFolder = "/run/secrets"
	systemdFolder = "CREDENTIALS_DIRECTORY"
)

// errNoKey says that there is no key for the vault.
var errNoKey = errors.New("there is no key for the vault of credentials")

// keyFile is where the key is if no variable holds or names it.
func (a *app) keyFile() (string, error) {
	if name := a.lookup(keyFileVariable); name != "" {
		return name, nil
	}
	dir, err := a.configDir()
	if err != nil {
		return "", fmt.Errorf("find the folder of the vault's key (set %s or %s): %w", keyVariable, keyFileVariable, err)
	}
	return filepath.Join(dir, "vendorsync", "vault.key"), nil
}

// key returns the vault's key. Without any, the error is errNoKey.
func (a *app) key() (credentials.Key, error) {
	if text := a.lookup(keyVariable); text != "" {
		key, err := credentials.ParseKey(text)
		if err != nil {
			return key, fmt.Errorf("the variable %s: %w", keyVariable, err)
		}
		return key, nil
	}
	name, err := a.keyFile()
	if err != nil {
		return credentials.Key{}, err
	}
	key, err := credentials.KeyFromFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return key, fmt.Errorf("%w: neither %s is set nor is there a file %s", errNoKey, keyVariable, name)
	}
	return key, err
}

// newKey makes a key in the file that key looks in.
func (a *app) newKey() (credentials.Key, error) {
	name, err := a.keyFile()
	if err != nil {
		return credentials.Key{}, err
	}
	key := credentials.NewKey()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return key, fmt.Errorf("make the vault's key: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // The user names the file of the key.
	if err != nil {
		return key, fmt.Errorf("make the vault's key: %w", err)
	}
	_, err = fmt.Fprintln(f, key.Reveal())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return key, fmt.Errorf("make the vault's key: %w", err)
	}
	a.note("note: made the key of the vault in %s; keep a copy of it apart from the store: without it no credential opens", name)
	return key, nil
}

// references returns what resolves the references of the configuration file.
func (a *app) references(keys ...credentials.Key) credentials.References {
	env := defaultEnv
	if given := a.lookup(envVariable); given != "" {
		env = given
	}
	r := credentials.References{Keys: keys, Lookup: func(name string) (string, bool) {
		v := a.lookup(name)
		return v, v != ""
	}}
	for pattern := range strings.SplitSeq(env, ",") {
		if pattern = strings.TrimSpace(pattern); pattern != "" {
			r.Env = append(r.Env, pattern)
		}
	}
	if given := a.lookup(filesVariable); given != "" {
		r.Folders = filepath.SplitList(given)
		return r
	}
	if dir := a.lookup(systemdFolder); dir != "" {
		r.Folders = append(r.Folders, dir)
	}
	r.Folders = append(r.Folders, defaultFolder)
	return r
}

// openVault opens the vault in the store, and the references of the file. That
// there is no key is told to who needs one.
func (s *session) openVault() {
	var keys []credentials.Key
	key, err := s.key()
	if err == nil {
		keys = append(keys, key)
		s.vault, err = s.vaultOf(key)
	}
	s.noVault = err
	s.keyring = syncer.Keyring{Vault: s.vault, Refs: s.file.Credentials, Resolver: s.references(keys...)}
}

// vaultOf returns the vault in the store with a key, and with others that open what
// was sealed before.
func (s *session) vaultOf(key credentials.Key, old ...credentials.KeyWrapper) (*credentials.Vault, error) {
	keeper, ok := s.store.(credentials.Keeper)
	if !ok {
		return nil, s.keepsNone()
	}
	return credentials.NewVault(credentials.VaultOptions{
		Keeper: keeper, Key: key, OldKeys: old, Users: syncer.CredentialUsers(s.store), Now: s.now,
		Changed: func(ctx context.Context, e credentials.Entry, c credentials.Change) {
			s.logger().InfoContext(ctx, "credential changed", "credential", e.ID, "by", c.By, "what", c.What)
		},
	})
}

// credential is what the syncer asks for the credential of an integration.
func (s *session) credential(ctx context.Context, in syncer.Integration, b credentials.Binding) (credentials.Source, error) {
	s.keys.RLock()
	defer s.keys.RUnlock()
	if in.Installation != syncer.Local && s.vault == nil {
		return nil, s.noVault
	}
	return s.keyring.Source(ctx, in, b)
}

// useReferences has integrations read with the references of a file from now on.
func (s *session) useReferences(f *config.File) {
	s.keys.Lock()
	defer s.keys.Unlock()
	s.keyring.Refs = f.Credentials
}

// needVault returns the vault, with a key of its own if there is none yet and
// nothing is sealed under another.
func (s *session) needVault(ctx context.Context) (*credentials.Vault, error) {
	if err := s.checkVault(ctx); err != nil || s.vault != nil {
		return s.vault, err
	}
	key, err := s.newKey()
	if err != nil {
		return nil, err
	}
	s.vault, s.noVault = s.vaultOf(key)
	s.keyring.Vault = s.vault
	return s.vault, s.noVault
}

// checkVault reports why needVault would fail, before a person is asked for a
// secret.
func (s *session) checkVault(ctx context.Context) error {
	if !errors.Is(s.noVault, errNoKey) {
		return s.noVault
	}
	keeper, ok := s.store.(credentials.Keeper)
	if !ok {
		return s.keepsNone()
	}
	sealed, err := keeper.ListSealed(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("list credentials: %w", err)
	case len(sealed) > 0:
		return fmt.Errorf("%w; it holds %d that are sealed under one", s.noVault, len(sealed))
	}
	return nil
}

// keepsNone says that the store is no place for credentials.
func (s *session) keepsNone() error {
	return connector.Errorf(connector.ErrUnsupported, "open the vault", "the store %s keeps no credentials", s.file.Store)
}

// warnOfEnds notes the credentials that have expired or are about to.
func (s *session) warnOfEnds(ctx context.Context) {
	if s.vault == nil {
		return
	}
	ending, err := s.vault.Expiring(ctx, s.now())
	if err != nil {
		s.note("note: %v", err)
	}
	for _, e := range ending {
		s.note("warning: %s", e.Warning(s.now()))
	}
}
