// Package cli is the command line of edge: its subcommands and their flags.
// It prints; what the commands do belongs to gateway and profile.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"gridhub/edge/gateway"
)

const usage = `edge reads sensors and delivers every reading to a hub.

  edge run --config FILE    run the gateway until it is interrupted
  edge enrol 'gridhub:…'    make this gateway known to a hub, with what hub enroll printed
  edge check FILE…          find all mistakes in configuration, profile and device files; --lang zh or en
  edge scan LINE            find speed, addresses and profiles of what hangs on a line
  edge probe LINE [UNIT]    show a device's registers as every type and word order
  edge watch FILE…          read the devices of files and show their values
  edge simulate FILE…       answer in place of the devices of files, for training
  edge reload               let the running gateway read its profiles and device files again
  edge resend --from T --to T   let it offer again what it keeps of that time
  edge schema KIND          print the JSON Schema of profile, devices or edge, for editors
  edge version              which build this is

LINE is a serial port such as /dev/ttyUSB0, or host:port. A command's flags
follow its name: edge scan -h`

// Run executes one command line. The error is what main prints before it exits
// with 1; it says everything that the user has to know.
func Run(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case "run":
		return run(ctx, args[1:], errs)
	case "enrol", "enroll":
		return enrolment(ctx, args[1:], out)
	case "check":
		return check(args[1:], out)
	case "scan":
		return scan(ctx, args[1:], out)
	case "probe":
		return probe(ctx, args[1:], out)
	case "watch":
		return watch(ctx, args[1:], out, errs)
	case "simulate":
		return simulate(ctx, args[1:], out)
	case "reload":
		return reload(ctx, args[1:], out)
	case "resend":
		return resend(ctx, args[1:], out)
	case "schema":
		return printSchema(args[1:], out)
	case "version", "--version":
		return version(out)
	case "help", "-h", "--help":
		_, err := fmt.Fprintln(out, usage)
		return err
	}
	return fmt.Errorf("edge: no command %q\n\n%s", args[0], usage)
}

func run(ctx context.Context, args []string, errs io.Writer) error {
	flags := flag.NewFlagSet("edge run", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints what is wrong, once
	path := flags.String("config", "configs/edge.yaml", "configuration `file`")
	verbose := flags.Bool("verbose", false, "log more than an operator would write down")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("edge run: %w\n\n%s", err, usage)
	}
	cfg, err := gateway.Load(*path)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	g, err := gateway.New(cfg, slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	defer onHangup(g)()
	return g.Run(ctx)
}
