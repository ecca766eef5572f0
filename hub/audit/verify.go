package audit

import (
	"context"
	"fmt"

	"gridhub/devices/telemetry"
)

// Code is what is wrong with a chain.
type Code string

// What can be wrong.
const (
	Changed Code = "changed" // the entry is not the one that was written
	Missing Code = "missing" // entries from this number on are not there
	Moved   Code = "moved"   // the entry stands in another's place
	Broken  Code = "broken"  // the entry does not name the one before it: either was rewritten
	Head    Code = "head"    // the signed head was not signed by the key, or cannot be read
)

// Fault is the first thing that is wrong, and where.
type Fault struct {
	N    int64 `json:"n" doc:"number of the entry"`
	Code Code  `json:"code" enum:"changed,missing,moved,broken,head"`
}

// Report is the outcome of walking a chain.
type Report struct {
	First  int64            `json:"first" doc:"number of the first entry that was seen; 0: none"`
	Last   int64            `json:"last" doc:"number of the newest"`
	Hash   string           `json:"hash" doc:"hex SHA-256 of the newest"`
	Signed int64            `json:"signed" doc:"number of the entry that the signed head covers; 0: there is none"`
	At     telemetry.Millis `json:"at" doc:"when the head was signed"`
	Cuts   []int64          `json:"cuts,omitempty" doc:"entries that tell of a history that was cut off earlier"`
	Fault  *Fault           `json:"fault,omitempty"`
}

// OK reports whether every entry is what was written.
func (r Report) OK() bool { return r.Fault == nil }

// walker follows a chain entry by entry up to the first fault.
type walker struct {
	Report
	head head
}

// newWalker expects the entry of that number first.
func newWalker(first int64, h head) *walker {
	w := &walker{head: h}
	w.First, w.Last, w.Signed, w.At = first, first-1, h.N, h.At
	return w
}

// step takes the next entry; it reports whether to go on. Only of the first of
// a part of a chain it cannot know which entry it follows.
func (w *walker) step(r row) bool {
	follows := w.Last >= w.First || w.First == 1
	e, readable := parse(r.line)
	switch {
	case r.N > w.Last+1:
		w.fault(w.Last+1, Missing)
	case r.N <= w.Last:
		w.fault(r.N, Moved)
	case !readable || sum(r.line) != r.hash:
		w.fault(r.N, Changed)
	case e.N != r.N:
		w.fault(r.N, Moved)
	case !r.fits(e):
		w.fault(r.N, Changed)
	case follows && e.Prev != w.Hash:
		w.fault(r.N, Broken)
	case w.head.N == r.N && w.head.Hash != r.hash:
		w.fault(r.N, Changed)
	}
	if w.Fault != nil {
		return false
	}
	w.Last, w.Hash = r.N, r.hash
	if e.Act == cutAct {
		w.Cuts = append(w.Cuts, e.N)
	}
	return true
}

// fits reports whether the columns for searching say what the entry says.
func (r row) fits(e Record) bool {
	return r.At == e.At && r.Account == e.Account && r.Person == e.Person && r.Act == e.Act && r.Subject == e.Subject
}

func (w *walker) fault(n int64, c Code) { w.Fault = &Fault{N: n, Code: c} }

// end holds the chain against the signed head.
func (w *walker) end() Report {
	if w.Last < w.First {
		w.First, w.Last = 0, 0
	}
	if w.Fault == nil && w.head.N > w.Last {
		w.fault(w.Last+1, Missing)
	}
	return w.Report
}

// page is how many entries are read in one go: a walk holds no connection for
// long.
const page = 1000

// Verify walks the whole chain, from the first entry to the newest, and holds it
// against the signed head. The error says that the table could not be read.
func (l *Log) Verify(ctx context.Context) (Report, error) {
	h, err := l.signed()
	w := newWalker(1, h)
	if err != nil {
		w.fault(0, Head)
		return w.end(), nil
	}
	for {
		rows, err := l.page(ctx, w.Last)
		if err != nil {
			return w.Report, err
		}
		for _, r := range rows {
			if !w.step(r) {
				return w.end(), nil
			}
		}
		if len(rows) < page {
			return w.end(), nil
		}
	}
}

// page reads the entries that follow a number, oldest first.
func (l *Log) page(ctx context.Context, after int64) ([]row, error) {
	rows, err := l.db.Query(ctx, columns+`WHERE n > ? ORDER BY n LIMIT ?`, after, page)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
