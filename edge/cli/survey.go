package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
	"gridhub/edge/gateway/survey"
)

// quiet is for commands that print a report and no log.
var quiet = slog.New(slog.DiscardHandler)

// command is a subcommand's flags. A mistake comes back as an error that lists
// them; so does -h, which is no mistake but has to be printed too.
type command struct {
	*flag.FlagSet
	args string
}

func newCommand(name, args string) command {
	f := flag.NewFlagSet("edge "+name, flag.ContinueOnError)
	f.SetOutput(io.Discard) // main prints what is wrong, once
	return command{f, args}
}

// parse reads flags wherever they stand among the arguments, and wants from
// least to most of these.
func (c command) parse(args []string, least, most int) ([]string, error) {
	var rest []string
	for {
		if err := c.Parse(args); err != nil {
			return nil, c.fault(err.Error())
		}
		if c.NArg() == 0 {
			break
		}
		rest = append(rest, c.Arg(0))
		args = c.Args()[1:]
	}
	if len(rest) < least || len(rest) > most {
		return nil, c.fault("want " + c.args)
	}
	return rest, nil
}

func (c command) fault(what string) error {
	var b strings.Builder
	c.SetOutput(&b)
	c.PrintDefaults()
	c.SetOutput(io.Discard)
	return fmt.Errorf("%s: %s\n\n  %s [flags] %s\n%s", c.Name(), what, c.Name(), c.args, b.String())
}

// lineFlags are the settings of a line that is named on the command line.
type lineFlags struct {
	baud, stop      *int
	parity, framing *string
	timeout         *time.Duration
}

func (c command) line(timeout time.Duration) lineFlags {
	return lineFlags{
		c.Int("baud", 9600, "speed of a serial line"), c.Int("stop", 1, "stop bits: 1 or 2"),
		c.String("parity", "none", "none, even or odd"), c.String("framing", "tcp", "of host:port: tcp (Modbus TCP) or rtu (transparent converter)"),
		c.Duration("timeout", timeout, "for one answer"),
	}
}

func (f lineFlags) parse(name string) (profile.Line, error) {
	l, err := survey.ParseLine(name)
	if err != nil {
		return l, err
	}
	l.Baud, l.StopBits, l.Parity, l.Framing, l.Timeout = *f.baud, *f.stop, *f.parity, profile.Framing(*f.framing), *f.timeout
	return l, l.Validate()
}

// probe shows the registers of one device.
func probe(ctx context.Context, args []string, out io.Writer) error {
	c := newCommand("probe", "LINE [UNIT]")
	line := c.line(500 * time.Millisecond)
	table := c.String("table", "", "holding, input, coil or discrete; empty: holding, and input where there is no such register")
	from := c.Uint("from", 0, "first register, from 0")
	count := c.Uint("count", 16, "how many")
	protocol := c.String("protocol", "modbus", "modbus, dlt645-2007 or dlt645-1997; UNIT is then a meter's number")
	args, err := c.parse(args, 1, 2)
	if err != nil {
		return err
	}
	if p := profile.Protocol(*protocol); p.Edition() != 0 {
		return probeMeter(ctx, out, line, p, args)
	}
	unit := 0
	if len(args) == 2 {
		if unit, err = strconv.Atoi(args[1]); err != nil || unit < 1 || unit > 247 {
			return fmt.Errorf("edge probe: unit %q: want a number from 1 to 247", args[1])
		}
	}
	at := survey.Window{First: uint16(min(*from, 1<<16-1)), Count: uint16(min(*count, 1<<16-1))}
	if *table != "" {
		if at.Table, err = modbus.ParseTable(*table); err != nil {
			return fmt.Errorf("edge probe: table %q: %w", *table, err)
		}
	}
	l, err := line.parse(args[0])
	if err != nil {
		return err
	}
	err = survey.Probe(ctx, out, l, unit, at)
	if *table == "" && slices.Contains(noRegister, driver.Cause(err)) {
		fmt.Fprintln(out, "no holding registers there; its input registers:")
		at.Table = modbus.Input
		err = survey.Probe(ctx, out, l, unit, at)
	}
	return err
}

// noRegister are the causes of a refusal with Modbus' exceptions 1, illegal
// function, and 2, illegal data address: devices without holding registers give
// one or the other.
var noRegister = []string{"exception-1", "exception-2"}

func probeMeter(ctx context.Context, out io.Writer, line lineFlags, p profile.Protocol, args []string) error {
	l, err := line.parse(args[0])
	if err != nil {
		return err
	}
	return survey.ProbeMeter(ctx, out, l, p, strings.Join(args[1:], ""))
}

// usualProfiles is where profiles lie in a copy of the project, or beside an
// edge.yaml; "" if nowhere.
func usualProfiles() string {
	for _, dir := range []string{"configs/profiles", "profiles"} {
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return dir
		}
	}
	return ""
}

// scan finds devices.
func scan(ctx context.Context, args []string, out io.Writer) error {
	c := newCommand("scan", "LINE")
	line := c.line(150 * time.Millisecond)
	first := c.Int("first", 1, "first Modbus unit")
	last := c.Int("last", 32, "last Modbus unit, up to 247")
	all := c.Bool("all", false, "try every speed, also after something was found")
	profiles := c.String("profiles", "", "folder of profiles to guess from; empty: configs/profiles or profiles, where there is one")
	args, err := c.parse(args, 1, 1)
	if err != nil {
		return err
	}
	if *first < 1 || *last > 247 || *first > *last {
		return fmt.Errorf("edge scan: units %d to %d: want a range within 1 to 247", *first, *last)
	}
	l, err := line.parse(args[0])
	if err != nil {
		return err
	}
	var library profile.Library
	if *profiles == "" {
		*profiles = usualProfiles()
	}
	if *profiles == "" {
		fmt.Fprintln(out, "no folder of profiles here: none is guessed, see --profiles")
	} else {
		if library, err = profile.LoadLibrary(*profiles); err != nil {
			return err
		}
	}
	search := survey.Search{First: *first, Last: *last, Timeout: l.Timeout, All: *all, Speeds: survey.Usual()}
	c.Visit(func(f *flag.Flag) { // who names the speed knows it
		if f.Name == "baud" || f.Name == "parity" {
			search.Speeds = []survey.Speed{{Baud: l.Baud, Parity: l.Parity}}
		}
	})
	_, err = survey.Scan(ctx, out, l, search, library)
	return err
}
