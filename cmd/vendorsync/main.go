// Command vendorsync keeps a database of people, assets and software in step
// with the vendors that know them.
//
//	vendorsync init                  write a commented vendorsync.yaml
//	vendorsync add files --set path=devices.csv --id laptops
//	vendorsync map laptops           show what fills which field, or change it
//	vendorsync test laptops          show what a run would do; nothing is written
//	vendorsync launch laptops
//	vendorsync run laptops
//	vendorsync history assets C02XY1 who changed what, when, in which run
//	vendorsync duplicates assets     records that are probably one
//	vendorsync revert RUN            put back what a run changed
//
// Tables go to standard output, and so does --json, alone; notes, progress and
// errors go to standard error. The exit status is 0 if all is done, 1 if
// something failed, 2 for a wrong command line or configuration, and 3 if a run
// is done and some of its records failed.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(withSignals()) }

// withSignals runs the command until the first SIGINT or SIGTERM asks it to
// stop; a second one ends the process at once.
func withSignals() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
