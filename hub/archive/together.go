package archive

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Together holds several seals of one archive against each other, adding to
// each report what only the others show: two statements in one place of the
// log, two heads of one size, a seal that does not name the one before it, and,
// when every leaf up to the trusted checkpoint is there, another root.
func Together(t Trust, reports []*Report) {
	leaves, roots, seals := map[int64]*Report{}, map[int64]*Report{}, map[string]*Report{}
	for _, r := range reports {
		if len(r.statement) == 0 {
			continue
		}
		if o := leaves[r.Index]; o != nil && sum(o.statement) != sum(r.statement) {
			r.fault(Fault{Code: BadHistory, Entry: statementName, Detail: fmt.Sprintf("%s/%d = %s/%d: %d", r.Case, r.Seal, o.Case, o.Seal, r.Index)})
		}
		if o := roots[r.Size]; o != nil && o.root != r.root {
			r.fault(Fault{Code: BadHistory, Entry: signedName, Detail: fmt.Sprintf("%d: %s ≠ %s", r.Size, r.root, o.root)})
		}
		leaves[r.Index], roots[r.Size], seals[fmt.Sprint(r.Case, "/", r.Seal)] = r, r, r
	}
	for _, r := range reports {
		if before := seals[fmt.Sprint(r.Case, "/", r.Seal-1)]; before != nil && r.Former != sum(before.statement) {
			r.fault(Fault{Code: BadHistory, Entry: manifestName, Detail: fmt.Sprintf("%s ≠ %s", r.Former, sum(before.statement))})
		}
	}
	if c := t.checkpoint; c != nil && !rebuilt(*c, leaves) {
		last := leaves[c.Size-1]
		last.fault(Fault{Code: BadHistory, Entry: statementName, Detail: c.Root})
	}
}

// rebuilt reports whether the leaves lead to the checkpoint's root, or too few
// of them are there to say.
func rebuilt(c Checkpoint, leaves map[int64]*Report) bool {
	var stored []tlog.Hash
	at := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, n := range indexes {
			out[i] = stored[n]
		}
		return out, nil
	})
	for n := range c.Size {
		r := leaves[n]
		if r == nil {
			return true
		}
		more, err := tlog.StoredHashes(n, r.statement, at)
		if err != nil {
			return false
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(c.Size, at)
	return err == nil && root.String() == c.Root
}
