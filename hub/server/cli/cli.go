// Package cli is the command line of hub: its subcommands and their flags. The
// commands that speak of a running hub ask it over the socket in its data
// folder.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"gridhub/hub/api"
	"gridhub/hub/server"
)

const usage = `hub is the centre of a street: broker, task pool, calls and the pages.

  hub serve --config FILE                      run until it is interrupted
  hub check FILE…                              find all mistakes without starting
  hub device add ID --kind KIND [--label TEXT] [--profile KIND] [--convention C [--foreign NAME]]
                                               register an identity; prints its secret, once;
                                               C is thingsboard, influx, tasmota, homeassistant,
                                               sparkplug or senml, NAME what it is called there
  hub device list | revoke ID | secret ID      secret gives it another one; the old one ends at once
  hub device bind ID PERSON | bind ID --vehicle PLATE | unbind ID
                                               who carries a receiver or terminal behind a gateway
  hub device replace ID UNIT                   another thing with serial number UNIT stands in the
                                               place of one that speaks for itself: prints its new
                                               secret, once; identity and history stay
  hub control list ID | remove ID NAME         what may be set on a device
  hub control add ID NAME [--switch | --text] [--unit U] [--min N] [--max N]
                                               write it down for a device that cannot say it
  hub command-key [prepare | rotate | forget KEY]
                                               the public keys that commands are signed with, as PEM;
                                               the next one, its use, and the end of an old one
  hub device certificates ID                   what it was issued, newest first, as JSON
  hub enroll ID [--kind gateway|sensor] [--profile KIND] [--valid 1h] [--url https://HOST:PORT]
                                               a one-time code for a certificate, as text and QR
  hub quarantine list [--cause C] [--device D] what could not be used, and why
  hub quarantine replay [--cause C] [--device D]
  hub export [--device D] --from MS --to MS    history as line protocol
  hub import hotline FILE [--rejected FILE]    orders of the 12345 hotline, from CSV or XLSX; the
                                               rejected rows go to the second file, or are shown
  hub verify FILE|FOLDER… --key FILE [--checkpoint FILE] [--lang zh|en]
                                               examine sealed cases, exports of the audit log, and
                                               recordings of calls (their folders), offline
  hub audit list [--account A] [--person P] [--act A] [--subject S] [--before N] [--limit N]
                                               who did and who looked at what, newest first
  hub audit export FILE | verify               the whole chain into a file; walk it and say whether
                                               every entry is what was written
  hub backup FILE                              everything that must not be lost, while the hub runs
  hub backup --verify FILE                     read a backup and compare it with its sums
  hub restore FILE                             put a backup into the empty places that --config names
  hub openapi                                  the description of the HTTP interface

device, enroll, control, command-key, quarantine, export, import, audit and backup speak to a running hub: --config FILE names it`

// Run executes one command line. The error is what main prints before it exits
// with 1.
func Run(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case "serve":
		return serve(ctx, args[1:], errs)
	case "check":
		return check(args[1:], out)
	case "device":
		return device(ctx, args[1:], out)
	case "control":
		return control(ctx, args[1:], out)
	case "command-key":
		return commandKey(ctx, args[1:], out)
	case "enroll", "enrol":
		return enroll(ctx, args[1:], out)
	case "quarantine":
		return quarantine(ctx, args[1:], out)
	case "export":
		return export(ctx, args[1:], out)
	case "import":
		return imports(ctx, args[1:], out)
	case "verify":
		return verify(args[1:], out)
	case "audit":
		return auditLog(ctx, args[1:], out)
	case "backup":
		return backUp(ctx, args[1:], out)
	case "restore":
		return restore(ctx, args[1:], out)
	case "openapi":
		return openapi(out)
	case "help", "-h", "--help":
		_, err := fmt.Fprintln(out, usage)
		return err
	}
	return fmt.Errorf("hub: no command %q\n\n%s", args[0], usage)
}

// flags makes a set that leaves printing to main and has the flag that every
// command has.
func flags(name string) (*flag.FlagSet, *string) {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f, f.String("config", "configs/hub.yaml", "configuration `file`")
}

func serve(ctx context.Context, args []string, errs io.Writer) error {
	f, path := flags("hub serve")
	verbose := f.Bool("verbose", false, "log more than an operator would write down")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("hub serve: %w\n\n%s", err, usage)
	}
	cfg, err := server.Load(*path)
	if err != nil {
		return server.Check(*path) // the files that it names may have mistakes too
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	h, err := server.New(ctx, cfg, slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	return h.Run(ctx)
}

// check reads every file and reports all mistakes of all of them.
func check(paths []string, out io.Writer) error {
	if len(paths) == 0 {
		return errors.New("hub check: name at least one configuration file")
	}
	var faults []error
	for _, p := range paths {
		if err := server.Check(p); err != nil {
			faults = append(faults, err)
			continue
		}
		if _, err := fmt.Fprintf(out, "%s: sound\n", p); err != nil {
			return err
		}
	}
	return errors.Join(faults...)
}

func openapi(out io.Writer) error {
	spec, err := api.Spec()
	if err != nil {
		return err
	}
	_, err = out.Write(spec)
	return err
}
