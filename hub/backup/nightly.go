package backup

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gridhub/configs"
)

// Config says when backups are made by themselves.
type Config struct {
	Folder string `yaml:"folder"` // best on another disk; empty: none are made
	At     string `yaml:"at"`     // time of day, HH:MM
	Keep   int    `yaml:"keep"`   // how many stay
}

// Default is a backup each night, once a folder is named, and a week of them.
func Default() Config { return Config{At: "03:10", Keep: 7} }

// Validate checks each key.
func (c Config) Validate() error {
	var errs []error
	if _, err := time.Parse("15:04", c.At); err != nil {
		errs = append(errs, configs.Fault("at", c.At, "a time of day such as 03:10"))
	}
	if c.Keep < 1 || c.Keep > 1000 {
		errs = append(errs, configs.Fault("keep", c.Keep, "1 to 1000"))
	}
	return errors.Join(errs...)
}

const (
	prefix  = "gridhub-"
	suffix  = ".tar.gz"
	partial = ".partial"
	stamp   = "20060102-150405"
)

// Nightly makes backups at one time of each day, or as soon as the hub runs
// again when it did not at that time, and removes old ones.
type Nightly struct {
	Config
	Zone  *time.Location
	Write func(ctx context.Context, w io.Writer) error
	Now   func() time.Time
	Log   *slog.Logger

	mu    sync.Mutex
	fault error
}

// again is the pause after a backup that failed.
const again = 30 * time.Minute

// Run makes backups until ctx ends.
func (n *Nightly) Run(ctx context.Context) error {
	if n.Folder == "" {
		return nil
	}
	for ctx.Err() == nil {
		newest, err := n.newest()
		due := n.due(newest)
		if err == nil && n.Now().Before(due) {
			wait(ctx, due.Sub(n.Now()))
			continue
		}
		if err == nil {
			err = n.make(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		n.note(err)
		if err != nil {
			wait(ctx, again)
		}
	}
	return nil
}

// Healthy says why there is no new backup.
func (n *Nightly) Healthy() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fault
}

func (n *Nightly) note(err error) {
	n.mu.Lock()
	n.fault = err
	n.mu.Unlock()
	if err != nil {
		n.Log.Error("the backup failed, trying again", "error", err, "in", again)
	}
}

// due is when the next backup should be made.
func (n *Nightly) due(newest time.Time) time.Time {
	at, _ := time.Parse("15:04", n.At) // Validate has seen it
	day := newest.In(n.Zone)
	due := time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), 0, 0, n.Zone)
	if !due.After(newest) {
		due = due.AddDate(0, 0, 1)
	}
	return due
}

// newest is when the newest backup was made; without one, long ago.
func (n *Nightly) newest() (time.Time, error) {
	names, err := n.names()
	if err != nil || len(names) == 0 {
		return time.Time{}, err
	}
	last := strings.TrimSuffix(strings.TrimPrefix(names[len(names)-1], prefix), suffix)
	t, err := time.ParseInLocation(stamp, last, time.UTC)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is not the name of a backup", names[len(names)-1])
	}
	return t, nil
}

// names lists the backups, oldest first.
func (n *Nightly) names() (names []string, err error) {
	if err := os.MkdirAll(n.Folder, 0o700); err != nil {
		return nil, err
	}
	list, err := os.ReadDir(n.Folder)
	for _, e := range list {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), suffix) {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, cmp.Compare[string])
	return names, err
}

// make writes one backup, reads it again, and removes what is too old.
func (n *Nightly) make(ctx context.Context) error {
	began := n.Now()
	path := filepath.Join(n.Folder, prefix+began.UTC().Format(stamp)+suffix)
	m, err := ToFile(path, func(w io.Writer) error { return n.Write(ctx, w) })
	if err != nil {
		return err
	}
	n.Log.Info("backup made", "file", path, "files", len(m.Files), "bytes", m.Bytes(), "took", n.Now().Sub(began))
	names, err := n.names()
	for len(names) > n.Keep && err == nil {
		err = os.Remove(filepath.Join(n.Folder, names[0]))
		names = names[1:]
	}
	return err
}

// ToFile has a backup written to path and reads it again before path comes into
// being.
func ToFile(path string, write func(io.Writer) error) (m Manifest, err error) {
	unfinished := path + partial
	f, err := os.OpenFile(unfinished, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return m, err
	}
	defer os.Remove(unfinished) // after the renaming it is not there
	defer f.Close()
	if err := errors.Join(write(f), f.Sync()); err != nil {
		return m, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return m, err
	}
	if m, err = Verify(bufio.NewReaderSize(f, 1<<20)); err != nil {
		return m, err
	}
	return m, os.Rename(unfinished, path)
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
