package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridhub/configs"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal/fsx"
)

// Owner says whose the device files are; never both's.
type Owner string

// The owners. Files that lie with the gateway are not the hub's to change.
const (
	OwnGateway Owner = "gateway"
	OwnHub     Owner = "hub"
)

// Causes of a Result that refuses an order's files.
const (
	CauseOwner = "owner" // the files are the gateway's own
	CauseFiles = "files" // they are not sound; detail has every problem
)

const (
	maxFiles = 64
	pushed   = "devices" // below data: a link to the folder in force
)

// fileName is what a pushed file may be called: it becomes a name in one folder.
var fileName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,58}\.yaml$`)

// devicePaths is where the device files in force lie.
func (c Config) devicePaths() []string {
	if c.Owner != OwnHub {
		return c.paths(c.Devices)
	}
	if _, err := os.Stat(c.pushed()); err != nil {
		return nil // the hub has sent none yet
	}
	return []string{c.pushed()}
}

func (c Config) pushed() string { return filepath.Join(c.path(c.Data), pushed) }

// absent fails if path holds device files.
func absent(path string) error {
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	if files := profile.Files(path); len(files) > 0 {
		return fmt.Errorf("want no files here, since owner is hub: move %s away, or set owner to gateway", filepath.Base(files[0]))
	}
	return nil
}

// checkOwner holds that nobody put files beside those of the hub.
func (c Config) checkOwner() error {
	if c.Owner != OwnHub {
		return nil
	}
	var all configs.Problems
	for _, path := range c.paths(c.Devices) {
		if err := absent(path); err != nil {
			all = append(all, configs.Problem{File: path, Key: "devices", Want: err.Error()})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// Configure takes the device files of an order, which the caller has verified.
// They are checked as edge check does, stored below the data folder at once or
// not at all, and taken over as by Reload. The result is executed, refused (not
// ours to change, or not sound) or failed (the disk); then the former files go
// on.
func (g *Gateway) Configure(ctx context.Context, o wire.Order) wire.Result {
	g.changing.Lock()
	defer g.changing.Unlock()
	answer := func(state, cause, detail string) wire.Result {
		return wire.Result{V: wire.Version, ID: o.ID, Device: g.cfg.ID, State: state, Cause: cause, Detail: detail, At: telemetry.At(time.Now())}
	}
	if g.cfg.Owner != OwnHub {
		return answer(wire.Refused, CauseOwner, "owner is gateway: the device files lie at the gateway and are changed there")
	}
	if err := checkNames(o.Files); err != nil {
		return answer(wire.Refused, CauseFiles, err.Error())
	}
	if ctx.Err() != nil {
		return answer(wire.Failed, "stopped", ctx.Err().Error())
	}
	next, err := g.cfg.store(o.Files)
	if err != nil {
		return answer(wire.Failed, "disk", err.Error())
	}
	if err := g.install(next); err != nil {
		return answer(wire.Refused, CauseFiles, strings.ReplaceAll(err.Error(), next+string(filepath.Separator), ""))
	}
	return answer(wire.Executed, "", g.running().config)
}

// checkNames holds that files can lie in one folder.
func checkNames(files map[string]string) error {
	var errs []error
	if len(files) > maxFiles {
		errs = append(errs, fmt.Errorf("%d files: want at most %d", len(files), maxFiles))
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !fileName.MatchString(name) {
			errs = append(errs, fmt.Errorf("file %.64q: want a name of a-z 0-9 - _ . that ends with .yaml", name))
		}
	}
	return errors.Join(errs...)
}

// store writes files into a new folder and returns it.
func (c Config) store(files map[string]string) (string, error) {
	dir, err := os.MkdirTemp(c.path(c.Data), pushed+"-")
	if err != nil {
		return "", err
	}
	for name, text := range files {
		if err := fsx.Replace(filepath.Join(dir, name), []byte(text)); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
	}
	return dir, nil
}

// install checks the files in dir and, if they are sound, puts them in force:
// the link turns at once. Who is not sound is removed.
func (g *Gateway) install(dir string) error {
	if _, err := g.config().planWith([]string{dir}); err != nil {
		return errors.Join(problemsOf(err), os.RemoveAll(dir))
	}
	former, _ := os.Readlink(g.cfg.pushed())
	if err := point(g.cfg.pushed(), filepath.Base(dir)); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if _, err := g.reload(); err != nil { // a line cannot be made of them
		back := func() error { return os.Remove(g.cfg.pushed()) }
		if former != "" {
			back = func() error { return point(g.cfg.pushed(), former) }
		}
		err = errors.Join(err, back(), os.RemoveAll(dir))
		_, again := g.reload()
		return errors.Join(err, again)
	}
	g.cfg.sweep()
	return nil
}

// point makes link point to target, at once and durably.
func point(link, target string) error {
	temp := link + ".new"
	_ = os.Remove(temp) // of a crash
	if err := os.Symlink(target, temp); err != nil {
		return err
	}
	if err := os.Rename(temp, link); err != nil {
		return err
	}
	return fsx.OS{}.SyncDir(filepath.Dir(link))
}

// sweep removes folders that the link does not point to: former ones, and what
// a crash left.
func (c Config) sweep() {
	now, _ := os.Readlink(c.pushed())
	all, _ := filepath.Glob(c.pushed() + "-*")
	for _, dir := range all {
		if filepath.Base(dir) != now {
			_ = os.RemoveAll(dir)
		}
	}
}
