package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vendorsync/vendorsync/internal/scaffold"
)

func (a *app) newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Begin something of your own",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(a.newConnectorCommand())
	return cmd
}

func (a *app) newConnectorCommand() *cobra.Command {
	var c scaffold.Connector
	var where scaffold.Where
	cmd := &cobra.Command{
		Use:   "connector NAME",
		Short: "Write a connector to begin with, whose tests pass",
		Long: "Write a connector to begin with, in a folder of its own: small and complete, for a vendor that is made up, with tests that pass.\n" +
			"Within the vendorsync module the folder goes below connectors, in another module into the current folder; where there is no module, one is made.\n" +
			"No file that is there is written over.",
		Example: "  vendorsync new connector acme-fleet --auth basic --paging link",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c.ID = args[0]
			return a.newConnector(c, where)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	flags.StringVar(&where.Dir, "dir", "", "the folder that the connector's own goes into (default: connectors in vendorsync's module, else the current folder)")
	flags.StringVar(&where.Module, "module", "", "the path of the module to make where there is none (default: NAME)")
	flags.StringVar(&c.Stream, "stream", "", "what the vendor's list is called (default: devices, or users for --object users)")
	choice := func(value *string, name, what string, known []string) {
		flags.StringVar(value, name, known[0], what+": "+strings.Join(known, ", "))
	}
	choice(&c.Object, "object", "what the list fills", scaffold.Objects())
	choice(&c.Auth, "auth", "how the connector proves who asks", scaffold.Auths())
	choice(&c.Paging, "paging", "how the list comes in pages", scaffold.Pagings())
	return cmd
}

// newConnector writes a connector and says what to do next.
func (a *app) newConnector(c scaffold.Connector, where scaffold.Where) error {
	if _, err := a.registry.Get(c.ID); err == nil {
		return usagef("the catalogue has a connector %q already; choose another name", c.ID)
	}
	place, err := scaffold.Locate(where, c.ID)
	if err != nil {
		return usageError{err}
	}
	c.ImportPath = place.ImportPath
	files, err := c.Files()
	if err != nil {
		return usageError{err}
	}
	version := ownVersion()
	if place.New {
		files = append(files, place.GoMod(version))
	}
	err = place.Write(files)
	var at *fs.PathError
	if errors.Is(err, fs.ErrExist) && errors.As(err, &at) {
		return fmt.Errorf("%s is there already and is left as it is (choose another name, or another folder with --dir)", fromHere(at.Path))
	}
	if err != nil {
		return err
	}
	return a.showNew(c, place, files, version)
}

// showNew says what was written, and what to do next.
func (a *app) showNew(c scaffold.Connector, place scaffold.Place, files []scaffold.File, version string) error {
	t := newTable("FILE", "HOLDS")
	var names []string
	for _, f := range files {
		name := fromHere(place.Path(f))
		t.add(name, f.Holds)
		names = append(names, name)
	}
	steps := nextSteps(place, version)
	if a.json {
		return a.writeJSON(map[string]any{"connector": c.ID, "import_path": place.ImportPath, "files": names, "next": steps})
	}
	if err := a.print(t); err != nil {
		return err
	}
	a.note("Next: %s", strings.Join(steps, ", then "))
	a.explainNext(place, version)
	return nil
}

// explainNext says what the connector needs when it is done.
func (a *app) explainNext(place scaffold.Place, version string) {
	constructor := filepath.Base(place.Dir) + ".New()"
	if !place.Requires && version == "" {
		a.note("This program is built from source and has no version that Go can fetch; FOLDER is that of its source.")
	}
	if place.Module != scaffold.Vendorsync {
		a.note("A program of yours offers it beside the others: connector.NewRegistry(append(connectors.All(), %s)...)", constructor)
		return
	}
	a.note("When it reads the real vendor, it goes into:")
	a.note("  - connectors/connectors.go: its import, and %s in All, which is ordered by id", constructor)
	a.note("  - README.md: go test . -run TestTheREADMEListsEveryConnector -update")
	a.note("  - CHANGELOG.md: a line under Unreleased")
	a.note("layers_test.go and .golangci.yml know what is below connectors; they need a line only for a module that no other connector uses.")
}

// nextSteps are the commands to give next.
func nextSteps(place scaffold.Place, version string) []string {
	goCommand, base := "go ", currentDir()
	if below, err := filepath.Rel(place.Root, base); err != nil || below == ".." || strings.HasPrefix(below, ".."+string(filepath.Separator)) {
		goCommand, base = "go -C "+fromHere(place.Root)+" ", place.Root
	}
	var steps []string
	switch {
	case place.Requires, place.New && version != "":
	case version != "":
		steps = append(steps, goCommand+"get "+scaffold.Vendorsync+"@"+version)
	default:
		steps = append(steps, goCommand+"mod edit -replace "+scaffold.Vendorsync+"=FOLDER")
	}
	if place.Module != scaffold.Vendorsync {
		steps = append(steps, goCommand+"mod tidy")
	}
	pattern := filepath.ToSlash(relative(base, place.Dir))
	if !strings.HasPrefix(pattern, ".") {
		pattern = "./" + pattern
	}
	return append(steps, goCommand+"test "+pattern+"/...")
}

// currentDir returns the working directory, empty if there is none.
func currentDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return dir
}

// fromHere returns a path as it is typed in the working directory.
func fromHere(name string) string { return relative(currentDir(), name) }

// relative returns a path as seen from a folder, the path itself if it cannot be.
func relative(from, name string) string {
	if below, err := filepath.Rel(from, name); err == nil {
		return below
	}
	return name
}

// ownVersion returns the version of vendorsync's module that this program was
// built from, empty if it was built from a folder of source.
func ownVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path != scaffold.Vendorsync || info.Main.Version == "(devel)" {
		return ""
	}
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs") {
			return ""
		}
	}
	return info.Main.Version
}
