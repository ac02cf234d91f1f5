package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
)

//go:embed sample.yaml
var sample []byte

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Write a commented configuration file to begin with",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			name := a.configFile()
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // The user names the file.
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already and is left as it is (name another with --config)", name)
			}
			if err != nil {
				return fmt.Errorf("write the configuration: %w", err)
			}
			if _, err := f.Write(sample); err != nil {
				return errors.Join(fmt.Errorf("write the configuration: %w", err), f.Close())
			}
			if err := f.Close(); err != nil {
				return fmt.Errorf("write the configuration: %w", err)
			}
			if a.json {
				return a.writeJSON(map[string]string{"file": name})
			}
			return a.line("wrote %s; look at it, then try: vendorsync test this-machine", name)
		},
	}
}

// assignments reads key=value flags.
func assignments(texts []string) ([]config.Assignment, error) {
	out := make([]config.Assignment, len(texts))
	for i, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, usagef("--set %q is not of the form key=value", text)
		}
		out[i] = config.Assignment{Key: key, Value: value}
	}
	return out, nil
}

func (a *app) addCommand() *cobra.Command {
	var stream, id, name string
	var sets []string
	cmd := &cobra.Command{
		Use:   "add CONNECTOR",
		Short: "Add an integration to the configuration file, its mapping spelled out",
		Long: "Add an integration to the configuration file: complete, commented, its mapping spelled out.\n" +
			"Where a connector's records have no fixed shape, the mapping is made of the fields that the source itself shows, if its settings are given.",
		Example: "  vendorsync add files --id laptops --set path=devices.csv --set object=assets --set integration_user=it@example.com",
		Args:    cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			sets, err := assignments(sets)
			if err != nil {
				return err
			}
			outline, err := a.outline(args[0], stream, id, name)
			if err != nil {
				return err
			}
			return s.add(ctx, outline, sets)
		}),
		ValidArgsFunction: a.completeConnectors,
	}
	cmd.Flags().StringVar(&stream, "stream", "", "which of the connector's lists (default: its only one)")
	cmd.Flags().StringVar(&id, "id", "", "the integration's id (default: made of connector and stream)")
	cmd.Flags().StringVar(&name, "name", "", "its name for people (default: the id)")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "a key of the entry or a setting of the connector: key=value (repeatable)")
	return cmd
}

// outline begins an entry for a stream of a connector.
func (a *app) outline(connectorID, stream, id, name string) (config.Outline, error) {
	c, err := a.registry.Get(connectorID)
	if err != nil {
		return config.Outline{}, usageError{err}
	}
	spec := c.Spec()
	if stream == "" && len(spec.Streams) == 1 {
		stream = spec.Streams[0].Name
	}
	st, ok := spec.Stream(stream)
	if !ok {
		return config.Outline{}, usagef("choose one of the streams of %s with --stream: %s", spec.ID, strings.Join(streamNames(spec), ", "))
	}
	made := spec.ID
	if len(spec.Streams) > 1 {
		made += "-" + st.Name
	}
	return config.Outline{ID: cmp.Or(id, made), Name: name, Spec: spec, Stream: st}, nil
}

// add writes an entry into the configuration file and brings the store in line.
func (s *session) add(ctx context.Context, o config.Outline, sets []config.Assignment) error {
	var rest []config.Assignment
	for _, set := range sets {
		switch {
		case set.Key == "object":
			o.Object = set.Value
		case set.Key == "credential":
			o.Credential = set.Value
		case !o.Assign(set):
			rest = append(rest, set)
		}
	}
	if _, ok := s.file.Entry(o.ID); ok {
		return usagef("%s has an integration %q already; choose another id with --id", s.file.Name, o.ID)
	}
	o.Schema = s.schema
	s.explore(ctx, &o)
	err := s.editFile(func(data []byte, opt config.Options) ([]byte, error) {
		data, err := config.Add(data, o.Entry())
		if err != nil {
			return nil, err
		}
		return config.Set(data, o.ID, opt, rest...)
	})
	if err != nil {
		return err
	}
	return s.afterEdit(ctx, o.ID, "added %s to %s", o.ID, s.file.Name)
}

// explore asks the source for its fields where the stream does not declare any.
// That it cannot say is no reason not to add it.
func (s *session) explore(ctx context.Context, o *config.Outline) {
	if len(o.Stream.Fields) > 0 || !o.Spec.Discovers {
		return
	}
	var err error
	if o.Fields, err = s.discover(ctx, *o); err != nil {
		s.note("note: the fields of %s are not known yet: %v", o.ID, err)
	}
}

// discover asks the source for its fields.
func (s *session) discover(ctx context.Context, o config.Outline) (fields []connector.Field, err error) {
	src, err := s.syncer.Open(ctx, syncer.Integration{ID: o.ID, Connector: o.Spec.ID, Stream: o.Stream.Name, Settings: o.Settings, Credential: o.Credential})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	d, ok := src.(connector.Discoverer)
	if !ok {
		return nil, connector.Errorf(connector.ErrUnsupported, "discover fields", "%s cannot tell its fields", o.Spec.ID)
	}
	return d.Discover(ctx, o.Stream.Name)
}

// editFile changes the configuration file, unless the change makes a fault.
func (s *session) editFile(edit func(data []byte, opt config.Options) ([]byte, error)) error {
	opt := config.Options{Name: s.file.Name, Registry: s.registry}
	return config.EditFile(s.file.Name, func(data []byte) ([]byte, error) {
		data, err := edit(data, opt)
		if err != nil {
			return nil, usageError{err}
		}
		changed, err := config.Parse(data, config.Options{Name: "after this change", Registry: s.registry})
		if err != nil {
			return nil, err
		}
		_, err = changed.Check(s.schema)
		return data, err
	})
}

// afterEdit brings the store in line with the edited file, and says what is
// next.
func (s *session) afterEdit(ctx context.Context, id, format string, args ...any) (err error) {
	if s.file, err = s.load(); err != nil {
		return err
	}
	if err := s.apply(ctx); err != nil {
		return err
	}
	in, err := s.integration(ctx, id)
	if err != nil {
		return err
	}
	if s.json {
		return s.showState(ctx, in)
	}
	if err := s.line(format, args...); err != nil {
		return err
	}
	if in.State == syncer.Archived {
		return nil
	}
	missing, err := s.syncer.Missing(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case len(missing) > 0:
		s.note("It is %s and lacks:", stateWords(in.State))
		for _, m := range missing {
			s.note("  - %s", m)
		}
	case in.State == syncer.Active:
		s.note("It is active. Next: vendorsync run %s", id)
	default:
		s.note("It is %s. Next: vendorsync test %s, then vendorsync launch %s", stateWords(in.State), id, id)
	}
	return nil
}

func (a *app) editCommand() *cobra.Command {
	var sets []string
	cmd := &cobra.Command{
		Use:     "edit ID",
		Short:   "Change an integration in the configuration file; comments and layout stay",
		Example: "  vendorsync edit laptops --set policy=create-only --set settings.path=new.csv --set mapping.sync_keys=serial_number,asset_tag",
		Args:    cobra.ExactArgs(1),
		RunE: a.in(func(ctx context.Context, s *session, args []string) error {
			sets, err := assignments(sets)
			if err != nil {
				return err
			}
			if len(sets) == 0 {
				return usagef("say what to change with --set key=value")
			}
			return s.edit(ctx, args[0], sets)
		}),
		ValidArgsFunction: a.completeIDs,
	}
	cmd.Flags().StringArrayVar(&sets, "set", nil, "a key of the entry or a setting of the connector: key=value (repeatable)")
	return cmd
}

func (s *session) edit(ctx context.Context, id string, sets []config.Assignment) error {
	err := s.editFile(func(data []byte, opt config.Options) ([]byte, error) { return config.Set(data, id, opt, sets...) })
	if err != nil {
		return err
	}
	keys := make([]string, len(sets))
	for i, set := range sets {
		keys[i] = set.Key
	}
	return s.afterEdit(ctx, id, "set %s of %s in %s", strings.Join(keys, ", "), id, s.file.Name)
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file, for editors",
		Long: "Print the JSON Schema of the configuration file. Editors complete and check by it:\n\n" +
			"  vendorsync schema > vendorsync.schema.json\n\n" +
			"and in the first line of vendorsync.yaml\n\n" +
			"  # yaml-language-server: $schema=vendorsync.schema.json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write(config.JSONSchema(a.registry))
			return err
		},
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version := "(devel)"
			if info, ok := debug.ReadBuildInfo(); ok {
				version = cmp.Or(info.Main.Version, version)
			}
			if a.json {
				return a.writeJSON(map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			return a.line("vendorsync %s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
