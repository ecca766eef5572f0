package tasks

import (
	"context"
	"fmt"
	"strings"

	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// adoptRows is how many rows one statement of Adopt inserts: with thirteen
// columns each, well below what both databases take.
const adoptRows = 100

// Adopt brings finished cases of another system into the pool, each given by its
// events in order, with Type, At, Server, By and Body set, and a number of its
// own. They are chained, and their personal fields committed, as if they had
// happened here, and nobody is told of them. All of them become durable
// together, or none. A case that is there already is an error, and so is one
// that is still open.
func (p *Pool) Adopt(ctx context.Context, histories map[identity.CaseID][]Event) error {
	var events, secrets, cases, marks table
	for id, list := range histories {
		prev := ""
		for i := range list {
			e := &list[i]
			e.Case, e.Seq = id, uint64(i)+1
			bytes, hidden, err := e.seal(prev)
			if err != nil {
				return err
			}
			prev = e.Hash
			events.add(string(id), int64(e.Seq), fmt.Sprintf("adopted/%d", i), bytes, e.Hash)
			for _, s := range hidden {
				secrets.add(string(id), int64(e.Seq), s.field, s.salt, s.value)
			}
		}
		c := Fold(list)
		if _, known := p.byCode[c.Matter]; c.Open() || !known || c.Number == "" {
			return fmt.Errorf("adopted case %s: want a number, a matter of this street and an end, has %q, %q, %q", id, c.Number, c.Matter, c.State)
		}
		cases.add(c.row(p.settle(list, &c))...)
		for _, m := range c.Marks {
			marks.add(string(id), m)
		}
	}
	return p.db.Write(ctx, func(tx *store.Tx) error {
		for _, part := range []struct {
			into string
			rows table
		}{
			{"cases (" + caseColumns + ")", cases},
			{"case_events (case_id, seq, command, bytes, hash)", events},
			{"case_secrets (case_id, seq, field, salt, value)", secrets},
			{"case_marks (case_id, mark)", marks},
		} {
			if err := part.rows.insert(ctx, tx, part.into); err != nil {
				return fmt.Errorf("adopt: %w", err)
			}
		}
		return nil
	})
}

// table is rows to be inserted together.
type table struct {
	width int
	args  []any
}

func (t *table) add(row ...any) { t.width, t.args = len(row), append(t.args, row...) }

func (t *table) insert(ctx context.Context, tx *store.Tx, into string) error {
	for at := 0; at < len(t.args); {
		end := min(at+adoptRows*t.width, len(t.args))
		row := "(" + strings.TrimSuffix(strings.Repeat("?,", t.width), ",") + "),"
		rows := strings.TrimSuffix(strings.Repeat(row, (end-at)/t.width), ",")
		if _, err := tx.Exec(ctx, "INSERT INTO "+into+" VALUES "+rows, t.args[at:end]...); err != nil {
			return err
		}
		at = end
	}
	return nil
}
