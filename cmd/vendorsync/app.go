package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/connector"
	"github.com/vendorsync/vendorsync/connector/rest"
	"github.com/vendorsync/vendorsync/connectors"
	"github.com/vendorsync/vendorsync/credentials"
	"github.com/vendorsync/vendorsync/syncer"
	"github.com/vendorsync/vendorsync/syncer/config"
)

// The exit statuses.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2 // a wrong command line or configuration
	exitRecords = 3 // done, and some records failed
)

// configVariable names the configuration file where no flag does.
const configVariable = "VENDORSYNC_CONFIG"

// An app is one call of the command.
type app struct {
	out, err io.Writer
	registry *connector.Registry
	lookup   func(variable string) string
	now      func() time.Time
	zone     *time.Location // of times for people
	outWidth int            // of the terminal that out is; 0 if it is none
	errIsTTY bool

	stdin     *prompter
	configDir func() (string, error)                          // of the person's own settings
	browse    func(ctx context.Context, address string) error // shows a page to the person
	transport http.RoundTripper                               // of all connectors; nil for their own
	limiters  rest.Limiters
	poll      time.Duration // how often a server looks what is due; 0 for the usual

	openStore func(context.Context, *config.File, *slog.Logger) (store, func() error, error)

	// Flags.
	file    string
	json    bool
	by      string
	verbose bool

	serves bool // what happens is logged
	parsed bool // the command line was understood
	code   int
}

// run runs one command line and returns its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	registry, err := connectors.Registry()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "vendorsync: %v\n", err)
		return exitFailed
	}
	a := &app{
		out: stdout, err: stderr, registry: registry, lookup: os.Getenv, now: time.Now, zone: time.Local,
		outWidth: widthOf(stdout), errIsTTY: widthOf(stderr) > 0, openStore: openStore,
		stdin: newPrompter(stdin, stderr), configDir: os.UserConfigDir, browse: browse,
	}
	return a.run(ctx, args, stdin)
}

func (a *app) run(ctx context.Context, args []string, stdin io.Reader) int {
	root := a.command() //nolint:contextcheck // cobra hands the context to each command
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return a.code
	}
	a.report(cmd, err)
	return a.status(err)
}

// status is the exit status that an error means.
func (a *app) status(err error) int {
	var faults *config.Error
	var usage usageError
	switch {
	case !a.parsed, errors.As(err, &faults), errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

// A usageError is a command line that is understood and wrong, or a
// configuration file that is not there.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errReported is an error that a person has been told of already.
var errReported = errors.New("reported already")

// report tells a person what went wrong, and what to do.
func (a *app) report(cmd *cobra.Command, err error) {
	if errors.Is(err, errReported) {
		return
	}
	var faults *config.Error
	switch {
	case errors.As(err, &faults):
		a.note("%v", err)
		return
	case errors.Is(err, context.Canceled):
		a.note("vendorsync: interrupted")
		return
	}
	text := err.Error()
	if remedy := a.remedy(cmd, err); remedy != "" {
		text += " (" + remedy + ")"
	}
	a.note("vendorsync: %s", text)
}

// remedy says what to do about an error that does not say so itself.
func (a *app) remedy(cmd *cobra.Command, err error) string {
	var busy *syncer.BusyError
	switch {
	case !a.parsed:
		return "see `" + cmd.CommandPath() + " --help`"
	case errors.Is(err, errNoConfig):
		return "write one with `vendorsync init`, or name another with --config"
	case errors.As(err, &busy):
		return "wait for it, or stop it with `vendorsync cancel`"
	case errors.Is(err, errNoKey):
		return "give its key in " + keyVariable + " or " + keyFileVariable + "; `vendorsync credentials add` makes one for a new store"
	case errors.Is(err, credentials.ErrExists):
		return "change it with `vendorsync credentials edit`"
	case errors.Is(err, credentials.ErrNotFound):
		return "see `vendorsync credentials list`"
	}
	return ""
}

// note writes a line for people.
func (a *app) note(format string, args ...any) {
	lines := strings.Split(fmt.Sprintf(format, args...), "\n")
	for _, line := range lines {
		_, _ = fmt.Fprintln(a.err, printable(line))
	}
}

// command returns the command line's grammar.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "vendorsync",
		Short: "Keep a database of people, assets and software in step with the vendors that know them",
		Long: "Keep a database of people, assets and software in step with the vendors that know them.\n\n" +
			"Begin with `vendorsync init`, then `vendorsync test this-machine`.\n\n" +
			"Exit status: 0 done, 1 failed, 2 wrong command line or configuration, 3 done with failed records.",
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { a.parsed = true; return nil },
		Args:              noCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	flags := root.PersistentFlags()
	flags.StringVarP(&a.file, "config", "c", "", "the configuration file (default $"+configVariable+", else vendorsync.yaml)")
	flags.BoolVar(&a.json, "json", false, "write JSON to standard output, and nothing else there")
	flags.StringVar(&a.by, "by", "", "who asks, for the history of changes (default: the account's name)")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log what happens to standard error")
	root.AddCommand(
		a.initCommand(), a.catalogCommand(), a.credentialsCommand(), a.addCommand(), a.listCommand(), a.editCommand(),
		a.mapCommand(), a.precedenceCommand(), a.checkCommand(), a.missingCommand(), a.launchCommand(), a.pauseCommand(), a.archiveCommand(),
		a.testCommand(), a.runCommand(), a.scheduleCommand(), a.serveCommand(), a.reportCommand(), a.cancelCommand(), a.runsCommand(), a.revertCommand(),
		a.recordsCommand(), a.historyCommand(), a.duplicatesCommand(), a.mergeCommand(), a.splitCommand(), a.saasCommand(),
		a.fieldsCommand(), a.schemaCommand(), a.newCommand(), a.versionCommand(),
	)
	return root
}

// noCommand refuses what is no command, and says what may be meant.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q; did you mean %q?", args[0], near[0])
	}
	return fmt.Errorf("there is no command %q", args[0])
}

// configFile returns the path of the configuration file.
func (a *app) configFile() string {
	return cmp.Or(a.file, a.lookup(configVariable), "vendorsync.yaml")
}

// person returns who asks.
func (a *app) person() string {
	if a.by != "" {
		return a.by
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case a.verbose:
		level = slog.LevelDebug
	case a.serves:
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// errNoConfig says that there is no configuration file.
var errNoConfig = errors.New("there is no configuration file")

// load reads the configuration file.
func (a *app) load() (*config.File, error) {
	name := a.configFile()
	f, err := config.Load(name, config.Options{Registry: a.registry})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{fmt.Errorf("%w %s", errNoConfig, name)}
	}
	return f, err
}

// completeIDs completes the ids of integrations.
func (a *app) completeIDs(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	f, err := a.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, e := range f.Integrations {
		taken := false
		for _, arg := range args {
			taken = taken || arg == e.ID
		}
		if !taken {
			ids = append(ids, cobra.CompletionWithDesc(e.ID, e.Name))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
