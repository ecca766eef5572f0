package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gridhub/hub/server/cli"
)

// differences compares the hub's figures of the month with the plan's: nothing,
// or a line for each count that is another.
func (r *run) differences() (map[string]int, []string, error) {
	table, err := r.figures.Table(r.ctx, millis(r.from), millis(r.to), "matter")
	if err != nil {
		return nil, nil, err
	}
	var out []string
	want := r.truth()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got := table.Total.Counts[name]; got != want[name] {
			out = append(out, fmt.Sprintf("%s: the hub counts %d, the plan %d", name, got, want[name]))
		}
	}
	return table.Total.Counts, out, nil
}

// components counts the problems about the street's own parts, as the hub has
// them.
func (r *run) components() (n int, err error) {
	table, err := r.figures.Table(r.ctx, millis(r.from), millis(r.to), "matter")
	for _, row := range table.Rows {
		if row.Key == "CG07" || row.Key == "CG09" {
			n += row.Counts["reported"]
		}
	}
	return n, err
}

// seal runs the archive until everything is sealed that the script archives.
func (r *run) seal(ctx context.Context, progress func(n int)) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for want := int64(r.month.sealed()); ; {
		heads, err := r.archive.Checkpoints(ctx, 1)
		if err != nil {
			return err
		}
		if len(heads) == 1 {
			progress(int(heads[0].Size))
			if heads[0].Size >= want {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		if err := r.archive.Healthy(); err != nil {
			return err
		}
	}
}

// verify lets the hub's own command examine every sealed case against the public
// key and the newest checkpoint, and returns its last line, or what it found.
func (r *run) verify(ctx context.Context) (valid int, err error) {
	heads, err := r.archive.Checkpoints(ctx, 1)
	if err != nil {
		return 0, err
	}
	key, head := filepath.Join(r.folder, "archive.pub"), filepath.Join(r.folder, "checkpoint")
	if err := errors.Join(os.WriteFile(key, []byte(r.archive.PublicKey()), 0o600), os.WriteFile(head, []byte(heads[0].Note), 0o600)); err != nil {
		return 0, err
	}
	var out bytes.Buffer
	err = cli.Run(ctx, []string{"verify", "--key", key, "--checkpoint", head, "--lang", "en", r.sealed()}, &out, &out)
	return strings.Count(out.String(), ": OK, "), err
}

// tamper changes one byte of one seal, asks for the seals that are not valid any
// more, and puts the byte back.
func (r *run) tamper(ctx context.Context) (string, error) {
	files, err := filepath.Glob(filepath.Join(r.sealed(), "*.zip"))
	if err != nil {
		return "", err
	}
	name := files[len(files)/3]
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	at := bytes.Index(data, []byte("claimed"))
	if at < 0 {
		at = len(data) / 2
	}
	data[at] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return "", err
	}
	_, found := r.verify(ctx)
	data[at] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return "", err
	}
	if found == nil {
		return "", fmt.Errorf("%s was changed at byte %d, and nobody noticed", name, at)
	}
	return fmt.Sprintf("%s, byte %d: %v", filepath.Base(name), at, found), nil
}
