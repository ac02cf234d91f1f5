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

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
)

func (a *app) credentialsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "credentials",
		Aliases: []string{"credential"},
		Short:   "Keep the credentials that integrations read with",
		Long: "Keep the credentials that integrations read with, sealed in the store.\n\n" +
			"A secret is typed without echo, read from a file with --file, or from standard input; it never stands on a command line. " +
			"It opens for the connector and the hosts it was entered for and for no others: a changed domain asks for the secret again.\n\n" +
			"The key that seals them is in " + keyVariable + ", in the file that " + keyFileVariable + " names, or in a file of your own configuration folder that `credentials add` makes for a new store. " +
			"What is not to be stored at all stands in the configuration file by reference (env:NAME, file:PATH); references may read the variables " + defaultEnv + " or those that " + envVariable + " lists, and files below " + defaultFolder + " or the folders of " + filesVariable + ".",
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.credentialsAddCommand(), a.credentialsEditCommand(), a.credentialsListCommand(), a.credentialsShowCommand(),
		a.credentialsTestCommand(), a.credentialsLoginCommand(), a.credentialsRemoveCommand(), a.credentialsRekeyCommand())
	return cmd
}

// A secretForm is what the flags of `credentials` say of a secret and of where it
// may go.
type secretForm struct {
	integration string
	connector   string
	kind        string
	sets, files []string
	listen      string
	noBrowser   bool
}

func (f *secretForm) flags(cmd *cobra.Command) {
	f.target(cmd)
	cmd.Flags().StringVar(&f.kind, "kind", "", "the way to authenticate, see `vendorsync catalog show` (default: the connector's only one)")
	cmd.Flags().StringArrayVar(&f.files, "file", nil, "a value from a file: private_key=key.pem (repeatable)")
	f.login(cmd)
}

func (f *secretForm) target(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.integration, "for", "", "the integration that reads with it: its connector and settings say where the secret may go")
	cmd.Flags().StringVar(&f.connector, "connector", "", "the connector, in place of --for")
	cmd.Flags().StringArrayVar(&f.sets, "set", nil, "a setting of the connector, or a value that is no secret: domain=acme.okta.com (repeatable)")
}

func (f *secretForm) login(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.listen, "listen", "", "where a log-in answers on this machine, HOST:PORT (default: as the vendor allows)")
	cmd.Flags().BoolVar(&f.noBrowser, "no-browser", false, "only print the address of a log-in")
}

// entered reports whether the flags say anything of a secret.
func (f *secretForm) entered() bool {
	return f.integration != "" || f.connector != "" || f.kind != "" || len(f.sets)+len(f.files) > 0
}

// A detailForm is what the flags say of a credential beside its secret.
type detailForm struct {
	name, owner, expires string
	warn                 int
}

func (f *detailForm) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "name", "", "its name for people")
	cmd.Flags().StringVar(&f.owner, "owner", "", "who answers for it")
	cmd.Flags().StringVar(&f.expires, "expires", "", "the day on which the vendor stops taking it, YYYY-MM-DD, or never")
	cmd.Flags().IntVar(&f.warn, "warn", 0, "how many days before that to warn (default 14)")
}

// change returns the details with what the flags say.
func (f detailForm) change(cmd *cobra.Command, d credentials.Details) (credentials.Details, error) {
	given := cmd.Flags().Changed
	if given("name") {
		d.Name = f.name
	}
	if given("owner") {
		d.Owner = f.owner
	}
	if given("warn") {
		d.WarnBefore = time.Duration(f.warn) * 24 * time.Hour
	}
	if given("expires") {
		d.ExpiresAt = time.Time{}
		if f.expires != "never" {
			day, err := time.Parse(time.DateOnly, f.expires)
			if err != nil {
				return d, usagef("--expires %q is no day such as 2027-01-31, nor never", f.expires)
			}
			d.ExpiresAt = day
		}
	}
	return d, nil
}

// changes reports whether the flags say anything of the details.
func (f detailForm) changes(cmd *cobra.Command) bool {
	return slices.ContainsFunc([]string{"name", "owner", "warn", "expires"}, cmd.Flags().Changed)
}

func (a *app) credentialsAddCommand() *cobra.Command {
	var form secretForm
	var details detailForm
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Enter a credential; its secret is typed without echo",
		Example: "  vendorsync credentials add okta --for okta-users --owner ada --expires 2027-01-31\n" +
			"  vendorsync credentials add okta --connector okta --kind api_token --set domain=acme.okta.com < token.txt\n" +
			"  vendorsync credentials add entra --connector entra --kind authorization_code --set tenant=acme.onmicrosoft.com",
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = a.in(func(ctx context.Context, s *session, args []string) error {
		d, err := details.change(cmd, credentials.Details{})
		if err != nil {
			return err
		}
		return s.addCredential(ctx, args[0], form, d)
	})
	form.flags(cmd)
	details.flags(cmd)
	return cmd
}

func (s *session) addCredential(ctx context.Context, name string, form secretForm, d credentials.Details) error {
	if _, ok := s.file.Credentials[name]; ok {
		return usagef("%s names a credential %q by reference already; choose another name", s.file.Name, name)
	}
	target, err := s.target(ctx, form)
	if err != nil {
		return err
	}
	if err := s.checkVault(ctx); err != nil {
		return err
	}
	if s.vault != nil {
		if _, err := s.vault.Entry(ctx, name); err == nil {
			return fmt.Errorf("add credential %q: %w", name, credentials.ErrExists)
		}
	}
	cred, err := s.enter(ctx, name, target, form)
	if err == nil {
		err = cred.Validate()
	}
	if err != nil {
		return err
	}
	vault, err := s.needVault(ctx)
	if err != nil {
		return err
	}
	entry, err := vault.Add(ctx, cred, target.binding, d, s.person())
	if err != nil {
		return err
	}
	if form.integration != "" {
		return s.useCredential(ctx, form.integration, entry)
	}
	if err := s.showEntry(ctx, entry, "kept credential %s for %s", entry.ID, entry.Binding); err != nil {
		return err
	}
	s.note("Next: vendorsync credentials test %s, then vendorsync edit ID --set credential=%s", name, name)
	return nil
}

// useCredential names a credential in the entry of the integration that it was
// entered for.
func (s *session) useCredential(ctx context.Context, id string, entry credentials.Entry) error {
	in, err := s.integration(ctx, id)
	if err != nil {
		return err
	}
	if in.Credential != entry.ID || in.Installation == syncer.Local {
		sets := []config.Assignment{{Key: "credential", Value: entry.ID}}
		if in.Installation == syncer.Local {
			sets = append(sets, config.Assignment{Key: "installation", Value: string(syncer.Cloud)})
		}
		err := s.editFile(func(data []byte, opt config.Options) ([]byte, error) { return config.Set(data, id, opt, sets...) })
		if err != nil {
			return fmt.Errorf("the credential is kept, but cannot be named in %s: %w", s.file.Name, err)
		}
	}
	if s.json {
		return s.showEntry(ctx, entry, "")
	}
	if err := s.afterEdit(ctx, id, "kept credential %s for %s, and %s reads with it", entry.ID, entry.Binding, id); err != nil {
		return err
	}
	s.note("Next: vendorsync check %s", id)
	return nil
}

// A secretTarget is where a secret may go, and how it proves who asks.
type secretTarget struct {
	spec     connector.Spec
	method   connector.AuthMethod
	settings connector.Settings
	values   map[string]string // of the credential, that are no secrets
	binding  credentials.Binding
}

// target finds out from flags and prompts where a secret may go.
func (s *session) target(ctx context.Context, form secretForm) (secretTarget, error) {
	var t secretTarget
	given := connector.Settings{}
	switch {
	case (form.integration == "") == (form.connector == ""):
		return t, usagef("say what reads with it: --for INTEGRATION, or --connector ID")
	case form.integration != "":
		in, err := s.integration(ctx, form.integration)
		if err != nil {
			return t, err
		}
		form.connector, given = in.Connector, maps.Clone(in.Settings)
	}
	c, err := s.registry.Get(form.connector)
	if err != nil {
		return t, usageError{err}
	}
	t.spec = c.Spec()
	if t.method, err = method(t.spec, form.kind); err != nil {
		return t, err
	}
	return t, s.settle(ctx, &t, given, form.sets)
}

// method returns the way to authenticate that is meant, by its id or kind.
func method(spec connector.Spec, kind string) (connector.AuthMethod, error) {
	var ways []connector.AuthMethod
	for _, m := range spec.Auth {
		if m.Kind != credentials.None {
			ways = append(ways, m)
		}
	}
	names := make([]string, len(ways))
	for i, m := range ways {
		names[i] = m.ID
		if m.ID == kind || string(m.Kind) == kind {
			return m, nil
		}
	}
	switch {
	case len(ways) == 0:
		return connector.AuthMethod{}, usagef("%s needs no credential", spec.Name)
	case kind == "" && len(ways) == 1:
		return ways[0], nil
	}
	return connector.AuthMethod{}, usagef("choose one of the ways to authenticate of %s with --kind: %s", spec.Name, strings.Join(names, ", "))
}

// settle takes settings and values from --set, asks for those settings that say
// where the secret goes, and makes the binding of them.
func (s *session) settle(ctx context.Context, t *secretTarget, given connector.Settings, sets []string) error {
	assigned, err := assignments(sets)
	if err != nil {
		return err
	}
	if given == nil {
		given = connector.Settings{}
	}
	t.values = map[string]string{}
	form := t.method.Kind.Form()
	for _, set := range assigned {
		if slices.ContainsFunc(t.spec.Settings, func(def connector.Setting) bool { return def.Name == set.Key }) {
			given[set.Key] = []string{set.Value}
			continue
		}
		i := slices.IndexFunc(form, func(f credentials.Field) bool { return f.Name == set.Key })
		switch {
		case i < 0:
			return usagef("%q is neither a setting of %s nor a value of a credential of kind %s", set.Key, t.spec.Name, t.method.Kind)
		case form[i].Secret:
			return usagef("%s is a secret, which a command line shows to others: type it when asked, or give it with --file %s=PATH", set.Key, set.Key)
		}
		t.values[set.Key] = set.Value
	}
	leading := t.spec
	leading.Settings = slices.DeleteFunc(slices.Clone(leading.Settings), func(def connector.Setting) bool { return !leads(*t, def) })
	for _, def := range leading.Settings {
		if len(given[def.Name]) > 0 || def.Default != "" || !def.Required {
			continue
		}
		text, err := s.stdin.field(ctx, credentials.Field{Name: def.Name, Label: cmp.Or(def.Label, def.Name), Help: def.Help, Required: true})
		if err != nil {
			return err
		}
		given[def.Name] = []string{text}
	}
	maps.DeleteFunc(given, func(name string, _ []string) bool {
		return !slices.ContainsFunc(leading.Settings, func(def connector.Setting) bool { return def.Name == name })
	})
	if t.settings, err = leading.Resolve(given); err != nil {
		return usageError{err}
	}
	t.binding = t.spec.Binding(t.settings)
	return nil
}

// leads reports whether a setting says where a secret goes: it names a host, or
// stands in an address of the log-in.
func leads(t secretTarget, def connector.Setting) bool {
	return def.Type == connector.Host || def.Type == connector.URL ||
		strings.Contains(t.method.AuthURL+t.method.TokenURL, "{"+def.Name+"}")
}

// enter asks for the values of a credential, and logs in where that brings one.
func (s *session) enter(ctx context.Context, name string, t secretTarget, form secretForm) (credentials.Credential, error) {
	cred := credentials.Credential{ID: name, Kind: t.method.Kind, Values: map[string]credentials.Secret{}}
	for field, text := range t.values {
		cred.Values[field] = credentials.NewSecret(text)
	}
	files, err := assignments(form.files)
	if err != nil {
		return cred, err
	}
	fields := t.method.Kind.Form()
	for _, file := range files {
		if !slices.ContainsFunc(fields, func(f credentials.Field) bool { return f.Name == file.Key }) {
			return cred, usagef("--file %s: a credential of kind %s has no such value", file.Key, cred.Kind)
		}
		text, err := readValue(file.Value)
		if err != nil {
			return cred, err
		}
		cred.Values[file.Key] = credentials.NewSecret(text)
	}
	logsIn := false
	for _, f := range fields {
		switch _, given := cred.Values[f.Name]; {
		case given:
		case f.Obtained:
			logsIn = true
		case f.Required, s.stdin.terminal != nil && !f.Advanced:
			text, err := s.stdin.field(ctx, f)
			if err != nil {
				return cred, err
			}
			if text != "" {
				cred.Values[f.Name] = credentials.NewSecret(text)
			}
		}
	}
	if logsIn {
		return s.logIn(ctx, cred, t, form)
	}
	return cred, nil
}

// logIn has a person log in at the vendor.
func (s *session) logIn(ctx context.Context, cred credentials.Credential, t secretTarget, form secretForm) (credentials.Credential, error) {
	login := rest.Authorization{
		Spec: t.spec, Method: t.method.ID, Settings: t.settings, Credential: cred, Listen: form.listen, Transport: s.transport,
		Open: func(ctx context.Context, address string) error {
			s.note("Log in at %s with this address, on this machine:\n\n  %s\n", t.spec.Vendor, address)
			if form.noBrowser {
				return nil
			}
			if err := s.browse(ctx, address); err != nil {
				s.note("note: no browser could be started: %v", err)
			}
			return nil
		},
	}
	redirect, err := login.Redirect()
	if err != nil {
		return cred, err
	}
	s.note("The application at %s must allow the redirect to %s.", t.spec.Vendor, redirect)
	return rest.Authorize(ctx, login)
}

func (a *app) credentialsLoginCommand() *cobra.Command {
	var form secretForm
	cmd := &cobra.Command{
		Use:     "login NAME",
		Short:   "Log in at the vendor again, for a credential that reads in your name",
		Example: "  vendorsync credentials login entra",
		Args:    cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			vault, entry, err := s.entry(ctx, args[0])
			if err != nil {
				return err
			}
			if entry.Kind != credentials.AuthorizationCode {
				return usagef("credential %s is of kind %s, and one logs in with kind %s alone", entry.ID, entry.Kind, credentials.AuthorizationCode)
			}
			t, err := s.targetOf(ctx, entry, form)
			if err != nil {
				return err
			}
			cred, err := vault.Open(ctx, entry.ID, entry.Binding)
			if err != nil {
				return err
			}
			if cred, err = s.logIn(ctx, cred, t, form); err != nil {
				return err
			}
			if entry, err = vault.Replace(ctx, cred, entry.Binding, s.person()); err != nil {
				return err
			}
			return s.showEntry(ctx, entry, "logged in; credential %s is kept", entry.ID)
		}),
	}
	form.target(cmd)
	form.login(cmd)
	return cmd
}

// entry returns the vault and what it knows of a credential.
func (s *session) entry(ctx context.Context, name string) (*credentials.Vault, credentials.Entry, error) {
	if _, ok := s.file.Credentials[name]; ok {
		return nil, credentials.Entry{}, usagef("%s names the credential %q by reference: it is not in the vault, and is changed in the file", s.file.Name, name)
	}
	if err := s.hasVault(ctx, name); err != nil {
		return nil, credentials.Entry{}, err
	}
	entry, err := s.vault.Entry(ctx, name)
	return s.vault, entry, err
}

// hasVault reports an error if there is no vault in which a credential could be.
func (s *session) hasVault(ctx context.Context, name string) error {
	if err := s.checkVault(ctx); err != nil {
		return err
	}
	if s.vault == nil {
		return fmt.Errorf("credential %q: %w", name, credentials.ErrNotFound)
	}
	return nil
}

// targetOf finds the connector and the settings that a kept credential is for: from
// --for or --set, from an integration that reads with it, or from its own binding.
func (s *session) targetOf(ctx context.Context, entry credentials.Entry, form secretForm) (secretTarget, error) {
	var t secretTarget
	given := connector.Settings{}
	if form.connector != "" && form.connector != entry.Binding.Connector {
		return t, usagef("credential %s is for the connector %s", entry.ID, entry.Binding.Connector)
	}
	c, err := s.registry.Get(entry.Binding.Connector)
	if err != nil {
		return t, err
	}
	t.spec = c.Spec()
	id := form.integration
	if id == "" {
		users, err := syncer.CredentialUsers(s.store)(ctx, entry.ID)
		if err != nil {
			return t, err
		}
		if len(users) > 0 {
			id = users[0]
		}
	}
	if id != "" {
		in, err := s.integration(ctx, id)
		if err != nil {
			return t, err
		}
		given = maps.Clone(in.Settings)
	} else if name, ok := hostSetting(t.spec); ok && len(entry.Binding.Hosts) == 1 {
		given[name] = entry.Binding.Hosts
	}
	if t.method, err = method(t.spec, string(entry.Kind)); err != nil {
		return t, err
	}
	return t, s.settle(ctx, &t, given, form.sets)
}

// hostSetting returns the only setting of a connector that names a host.
func hostSetting(spec connector.Spec) (name string, ok bool) {
	for _, def := range spec.Settings {
		switch {
		case def.Type == connector.URL, def.Type == connector.Host && ok:
			return "", false
		case def.Type == connector.Host:
			name, ok = def.Name, true
		}
	}
	return name, ok
}

func (a *app) credentialsEditCommand() *cobra.Command {
	var form secretForm
	var details detailForm
	var secret bool
	cmd := &cobra.Command{
		Use:   "edit NAME",
		Short: "Change what is said of a credential, or enter its secret again",
		Long: "Change what is said of a credential, or enter its secret again.\n\n" +
			"Owner, name and expiry change as they are. Another kind, connector or host asks for the secret again, as --secret does: a secret never goes elsewhere than where it was entered for.",
		Example: "  vendorsync credentials edit okta --owner bob --expires 2027-06-30\n" +
			"  vendorsync credentials edit okta --secret\n" +
			"  vendorsync credentials edit okta --set domain=acme-new.okta.com",
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = a.in(func(ctx context.Context, s *session, args []string) error {
		vault, entry, err := s.entry(ctx, args[0])
		if err != nil {
			return err
		}
		again := secret || form.entered()
		if !again && !details.changes(cmd) {
			return usagef("say what to change: --owner, --name, --expires, --warn, or --secret to enter it again")
		}
		d, err := details.change(cmd, entry.Details)
		if err != nil {
			return err
		}
		if again {
			if entry, err = s.enterAgain(ctx, vault, entry, form); err != nil {
				return err
			}
			if !details.changes(cmd) {
				d = entry.Details // an old secret's expiry went with it
			}
		}
		if entry, err = vault.Describe(ctx, entry.ID, d, s.person()); err != nil {
			return err
		}
		return s.showEntry(ctx, entry, "changed credential %s", entry.ID)
	})
	cmd.Flags().BoolVar(&secret, "secret", false, "enter the secret again")
	form.flags(cmd)
	details.flags(cmd)
	return cmd
}

// enterAgain asks for a secret anew and keeps it in the old one's place.
func (s *session) enterAgain(ctx context.Context, vault *credentials.Vault, entry credentials.Entry, form secretForm) (credentials.Entry, error) {
	var t secretTarget
	var err error
	if form.integration == "" && (form.connector == "" || form.connector == entry.Binding.Connector) {
		form.connector = ""
		t, err = s.targetOf(ctx, entry, form)
		if err == nil && form.kind != "" {
			t.method, err = method(t.spec, form.kind)
		}
	} else {
		form.kind = cmp.Or(form.kind, string(entry.Kind))
		t, err = s.target(ctx, form)
	}
	if err != nil {
		return entry, err
	}
	cred, err := s.enter(ctx, entry.ID, t, form)
	if err != nil {
		return entry, err
	}
	return vault.Replace(ctx, cred, t.binding, s.person())
}

func (a *app) credentialsTestCommand() *cobra.Command {
	var form secretForm
	cmd := &cobra.Command{
		Use:   "test NAME",
		Short: "Ask the vendor what a credential may read",
		Args:  cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			ins, err := s.readers(ctx, args[0], form)
			if err != nil {
				return err
			}
			var failed error
			for _, in := range ins {
				if err := s.testCredential(ctx, in); err != nil {
					s.report(nil, err)
					failed = errReported
				}
			}
			s.warnOfEnds(ctx)
			return failed
		}),
	}
	form.target(cmd)
	return cmd
}

// readers returns the integrations that read with a credential; where there are
// none, one that would.
func (s *session) readers(ctx context.Context, name string, form secretForm) ([]syncer.Integration, error) {
	all, err := s.store.Integrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list integrations: %w", err)
	}
	_, local := s.file.Credentials[name]
	var ins []syncer.Integration
	for _, in := range all {
		if in.Credential == name && (in.Installation == syncer.Local) == local && in.State != syncer.Archived && (form.integration == "" || in.ID == form.integration) {
			ins = append(ins, in)
		}
	}
	switch {
	case len(ins) > 0:
		return ins, nil
	case form.integration != "":
		return nil, usagef("%s does not read with the credential %s", form.integration, name)
	case local:
		return nil, usagef("no integration reads with the reference %s yet", name)
	}
	_, entry, err := s.entry(ctx, name)
	if err != nil {
		return nil, err
	}
	t, err := s.targetOf(ctx, entry, form)
	if err != nil {
		return nil, err
	}
	settings := t.settings
	sets, err := assignments(form.sets)
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		settings[set.Key] = []string{set.Value}
	}
	return []syncer.Integration{{ID: name, Connector: t.spec.ID, Stream: t.spec.Streams[0].Name, Settings: settings, Credential: name, User: s.person()}}, nil
}

func (s *session) testCredential(ctx context.Context, in syncer.Integration) (err error) {
	src, err := s.syncer.Open(ctx, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	report, err := src.Check(ctx)
	if err != nil {
		return err
	}
	return s.showReport(in, report)
}

func (a *app) credentialsRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME",
		Aliases: []string{"remove"},
		Short:   "Delete a credential that no integration reads with",
		Args:    cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			if _, ok := s.file.Credentials[args[0]]; ok {
				return usagef("%s names the credential %q by reference; take it out there", s.file.Name, args[0])
			}
			if err := s.hasVault(ctx, args[0]); err != nil {
				return err
			}
			if err := s.vault.Remove(ctx, args[0], s.person()); err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(map[string]string{"removed": args[0]})
			}
			return s.line("removed credential %s", args[0])
		}),
	}
}

func (a *app) credentialsRekeyCommand() *cobra.Command {
	var oldFile, oldVariable string
	cmd := &cobra.Command{
		Use:   "rekey",
		Short: "Seal all credentials under the present key, given the one before",
		Long: "Seal all credentials under the present key (" + keyVariable + ", " + keyFileVariable + "), given the one they are sealed under. " +
			"Each is moved whole or not at all; what an interrupted call has moved stays moved. Runs do not notice.",
		Example: "  VENDORSYNC_KEY_FILE=new.key vendorsync credentials rekey --old-key-file old.key",
		Args:    cobra.NoArgs,
		RunE: a.in(func(ctx context.Context, s *session, _ []string) error {
			if (oldFile == "") == (oldVariable == "") {
				return usagef("say where the old key is: --old-key-file PATH, or --old-key-variable NAME")
			}
			old, err := s.oldKey(oldFile, oldVariable)
			if err != nil {
				return err
			}
			key, err := s.key()
			if err != nil {
				return err
			}
			vault, err := s.vaultOf(key, old)
			if err != nil {
				return err
			}
			done, err := vault.Rekey(ctx, s.person())
			if s.json {
				return errors.Join(err, s.writeJSON(map[string]int{"moved": done.Moved, "already": done.Already, "failed": done.Failed}))
			}
			return errors.Join(err, s.line("%d sealed anew, %d under this key already, %d failed", done.Moved, done.Already, done.Failed))
		}),
	}
	cmd.Flags().StringVar(&oldFile, "old-key-file", "", "the file of the old key")
	cmd.Flags().StringVar(&oldVariable, "old-key-variable", "", "the environment variable that holds the old key")
	return cmd
}

func (s *session) oldKey(file, variable string) (credentials.Key, error) {
	if file != "" {
		return credentials.KeyFromFile(file)
	}
	key, err := credentials.ParseKey(s.lookup(variable))
	if err != nil {
		return key, fmt.Errorf("the old key in the variable %s: %w", variable, err)
	}
	return key, nil
}
