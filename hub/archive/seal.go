package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// again is how long a case that could not be sealed waits for the next try.
const again = time.Minute

// page is how many archived cases are looked at in one go.
const page = 500

// Archived tells that a case was archived. It never blocks: when too many
// wait, Run finds this one when it looks at all of them.
func (a *Archive) Archived(id identity.CaseID) {
	select {
	case a.told <- id:
	default:
		a.missed.Store(true)
	}
}

// Run seals until ctx ends: first what a former life began, then every
// archived case that has no seal, then each as it is told. What fails is tried
// again every minute and logged each time.
func (a *Archive) Run(ctx context.Context) error {
	whole := a.all(ctx)
	retry := time.NewTicker(again)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-a.told:
			whole = a.try(ctx, id) && whole
		case <-retry.C:
			if a.missed.Swap(false) || !whole {
				whole = a.all(ctx)
			}
		}
	}
}

// all finishes what was begun and seals whatever is archived and is not; it
// reports whether nothing failed.
func (a *Archive) all(ctx context.Context) bool {
	whole := a.resume(ctx)
	for after := identity.CaseID(""); ctx.Err() == nil; {
		ids, err := a.pool.Archived(ctx, after, page)
		if err != nil {
			a.log.Error("the archived cases cannot be listed", "error", err)
			return false
		}
		for _, id := range ids {
			whole = a.try(ctx, id) && whole
		}
		if len(ids) < page {
			break
		}
		after = ids[len(ids)-1]
	}
	if whole {
		a.failed.Store(nil)
	}
	return whole
}

// resume writes the files of seals that the log has and the folder may not.
func (a *Archive) resume(ctx context.Context) bool {
	begun, err := a.rows(ctx, `WHERE content IS NOT NULL ORDER BY idx`)
	whole := err == nil
	for _, r := range begun {
		if err = a.file(ctx, r); err != nil {
			whole = false
			a.fail("a sealed file cannot be written", r.Case, err)
		}
	}
	return whole
}

func (a *Archive) try(ctx context.Context, id identity.CaseID) bool {
	err := a.Seal(ctx, id)
	if err != nil && ctx.Err() == nil {
		a.fail("a case cannot be sealed", id, err)
	}
	return err == nil
}

func (a *Archive) fail(what string, id identity.CaseID, err error) {
	a.log.Error(what, "case", id, "error", err)
	err = fmt.Errorf("case %s: %w", id, err)
	a.failed.Store(&err)
}

// Seal seals every archiving of a case that is not sealed yet. Run is the only
// caller while it runs.
func (a *Archive) Seal(ctx context.Context, id identity.CaseID) error {
	lines, err := a.pool.Canonical(ctx, id)
	if err != nil {
		return err
	}
	done, err := a.rowsOf(ctx, id)
	if err != nil {
		return err
	}
	for n, line := range lines {
		e, _, err := tasks.Read(line)
		if err != nil {
			return fmt.Errorf("event %d: %w", n+1, err)
		}
		if e.Type != tasks.Archived || covers(done, n+1) {
			continue
		}
		next, err := a.seal(ctx, id, lines[:n+1], done)
		if err != nil {
			return err
		}
		done = append(done, next)
	}
	return nil
}

func covers(done []row, events int) bool {
	for _, r := range done {
		if r.Events == events {
			return true
		}
	}
	return false
}

// seal makes one seal in three steps: collect; record in the log together with
// what was collected; write the file. A crash after the second leaves a row
// from which resume takes the third.
func (a *Archive) seal(ctx context.Context, id identity.CaseID, lines [][]byte, done []row) (row, error) {
	m := Manifest{V: version, Case: id, Seal: len(done) + 1}
	if len(done) > 0 {
		m.Former = sum(done[len(done)-1].statement)
	}
	c, err := a.gather(ctx, m, lines)
	if err != nil {
		return row{}, err
	}
	s := Statement{V: version, Case: id, Seal: m.Seal, Events: len(lines), Head: sum(lines[len(lines)-1]),
		Manifest: sum(c.Manifest), At: telemetry.At(a.now())}
	r, err := a.record(ctx, m, s, c)
	if err != nil {
		return row{}, err
	}
	return r, a.file(ctx, r)
}

// file writes the sealed file of a recorded seal. Repeated, it writes the same
// bytes.
func (a *Archive) file(ctx context.Context, r row) error {
	var c content
	if err := json.Unmarshal(r.content, &c); err != nil {
		return err
	}
	head, p, err := a.prove(ctx, r.Index)
	if err != nil {
		return err
	}
	all := a.entries(ctx, c, r.statement, p, head.Note)
	if err := replace(a.path(r.Case, r.Seal.Seal), 0o600, func(f *os.File) error { return pack(f, all) }); err != nil {
		return err
	}
	if err := a.filed(ctx, r.Index, head); err != nil {
		return err
	}
	a.log.Info("a case was sealed", "case", r.Case, "seal", r.Seal.Seal, "index", r.Index)
	return nil
}

// prove signs the log's head as it was when leaf n came, and shows that n is
// under it.
func (a *Archive) prove(ctx context.Context, n int64) (Checkpoint, proof, error) {
	hashes := reader(ctx, a.db)
	root, err := tlog.TreeHash(n+1, hashes)
	if err != nil {
		return Checkpoint{}, proof{}, err
	}
	path, err := tlog.ProveRecord(n+1, n, hashes)
	if err != nil {
		return Checkpoint{}, proof{}, err
	}
	c := Checkpoint{Size: n + 1, Root: root.String()}
	signed, err := note.Sign(&note.Note{Text: c.body()}, a.signer)
	c.Note = string(signed)
	return c, proof{n, n + 1, append([]tlog.Hash{}, path...)}, err
}
