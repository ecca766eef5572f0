package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver/simulated"
	"gridhub/edge/driver/slave"
	"gridhub/edge/poll"
)

// LoadFiles reads configuration or device files, as Check does.
func LoadFiles(paths ...string) (profile.Library, profile.Plant, error) {
	var profiles, devices []string
	for _, path := range paths {
		if kindOf(path) == "devices" {
			profiles, devices = append(profiles, profilesNear(path)), append(devices, path)
			continue
		}
		c, err := Load(path)
		if err != nil {
			return nil, profile.Plant{}, err
		}
		profiles, devices = append(profiles, c.paths(c.Profiles)...), append(devices, c.paths(c.Devices)...)
	}
	lib, err1 := profile.LoadLibrary(unique(profiles)...)
	plant, err2 := profile.LoadPlant(lib, unique(devices)...)
	return lib, plant, errors.Join(err1, err2)
}

func unique(paths []string) (once []string) {
	seen := map[string]bool{}
	for _, p := range paths {
		if !seen[p] {
			once = append(once, p)
		}
		seen[p] = true
	}
	return once
}

// Watch reads the devices of the given files until ctx ends and hands every
// record to sink, several lines at a time. Nothing is stored and nothing sent,
// so devices that push get no acknowledgement and send again where it is.
func Watch(ctx context.Context, sink poll.Sink, log *slog.Logger, paths ...string) error {
	library, plant, err := LoadFiles(paths...)
	if err != nil {
		return err
	}
	lines, err := definitions(library, plant)
	if err != nil {
		return err
	}
	c := crew{cfg: Default().Poll, sink: sink, settle: unstored, log: log}
	if err := c.change(lines); err != nil {
		return err
	}
	c.start(ctx)
	c.wait()
	return nil
}

// unstored is the driver.Settle of what nobody keeps.
func unstored() func(context.Context) error {
	return func(context.Context) error { return errUnstored }
}

var errUnstored = errors.New("watching stores nothing")

// Simulate answers in place of the devices of the given files until ctx ends:
// each serial line becomes a pseudo-terminal with a link called after the line
// in dir, each network line a port of this machine. What was made is written
// to w. Lines whose devices speak of themselves are left out.
func Simulate(ctx context.Context, w io.Writer, dir string, f slave.Faults, paths ...string) error {
	library, plant, err := LoadFiles(paths...)
	if err != nil {
		return err
	}
	var open sync.WaitGroup
	defer open.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	made := 0
	for _, l := range plant.Lines {
		tasks, err := tasksOn(l, library, plant.Devices)
		if err != nil {
			return err
		}
		if len(tasks) == 0 || l.Kind == profile.Simulated || !tasks[0].Station.Profile.Protocol.Asked() {
			continue
		}
		slaves := slave.New(pretend(tasks), f)
		where, serve, err := stage(l, slaves, dir)
		if err != nil {
			return fmt.Errorf("line %s: %w", l.Name, err)
		}
		open.Go(func() { _ = serve(ctx) })
		made++
		fmt.Fprintf(w, "line %s: %d devices answer at %s\n", l.Name, len(tasks), where)
	}
	if made == 0 {
		return errors.New("no line to simulate: want devices that are asked, on serial or tcp lines")
	}
	<-ctx.Done()
	return nil
}

// stage makes the place at which the slaves of l answer.
func stage(l profile.Line, slaves *slave.Slaves, dir string) (where string, serve func(context.Context) error, err error) {
	if l.Kind == profile.TCP {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", nil, err
		}
		framed := l.Framing != profile.RTU
		return listener.Addr().String(), func(ctx context.Context) error { return slaves.Accept(ctx, listener, framed) }, nil
	}
	pty, err := slave.OpenPTY()
	if err != nil {
		return "", nil, err
	}
	link := filepath.Join(dir, l.Name)
	if old, err := os.Readlink(link); err == nil && filepath.Dir(old) == "/dev/pts" {
		_ = os.Remove(link) // of an earlier run
	}
	if err := os.Symlink(pty.Path(), link); err != nil {
		return "", nil, errors.Join(err, pty.Close())
	}
	return link, func(ctx context.Context) error {
		defer os.Remove(link)
		return slaves.ServePTY(ctx, pty)
	}, nil
}

// pretend gives devices the values that their profiles' curves invent.
func pretend(tasks []poll.Task) []slave.Device {
	line := simulated.New(profile.Line{Seed: 1}, nil, time.Now)
	all := make([]slave.Device, len(tasks))
	for i, t := range tasks {
		all[i] = slave.Device{Address: t.Station.Address, Layout: t.Station.Layout, Values: func() map[string]float64 {
			r, _ := line.Read(context.Background(), t.Station) // fails only when its context ends
			values := map[string]float64{}
			for _, f := range r.Values {
				values[f.Metric] = f.Value
			}
			return values
		}, Write: func(w modbus.Write) bool {
			c, v, ok := t.Station.Profile.Wrote(w)
			if ok {
				_, _ = line.Write(context.Background(), t.Station, c.Name, v) // as Read
			}
			return ok
		}}
	}
	return all
}
