package tasks

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// mark adds whom an event makes the case concern. Marks are never taken away:
// who had a part in a case may know what became of it.
func (c *Case) mark(e *Event) {
	add := func(when bool, m string) {
		if when && !slices.Contains(c.Marks, m) {
			c.Marks = append(c.Marks, m)
		}
	}
	b := &e.Body
	add(true, identity.WithPart(e.Person, e.By))
	add(b.Assignee != "", identity.WithPart(b.Assignee, ""))
	add(b.Assignee != "", identity.WorkOf(b.Assignee))
	add(b.Department != "", identity.InDepartment(b.Department))
	for _, d := range b.Signers {
		add(true, identity.InDepartment(d))
	}
	add(b.Grid != "", identity.InGrid(b.Grid))
	add(b.Evidence != "", evidenceMark(b.Evidence))
}

// evidenceMark finds the cases that a photo belongs to.
func evidenceMark(hash string) string { return "!" + hash }

// mark writes down marks that a case did not have before.
func mark(ctx context.Context, tx *store.Tx, id identity.CaseID, fresh []string) error {
	if len(fresh) == 0 {
		return nil
	}
	var args []any
	for _, m := range fresh {
		args = append(args, string(id), m)
	}
	rows := strings.TrimSuffix(strings.Repeat("(?, ?),", len(fresh)), ",")
	_, err := tx.Exec(ctx, `INSERT INTO case_marks (case_id, mark) VALUES `+rows+` ON CONFLICT (case_id, mark) DO NOTHING`, args...)
	return err
}

// idsOf reads the ids that a query finds.
func idsOf(r *sql.Rows, err error) ([]identity.CaseID, error) {
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []identity.CaseID
	for r.Next() {
		var id identity.CaseID
		if err := r.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, r.Err()
}

// markAtOnce is how many old cases are marked in one transaction.
const markAtOnce = 500

// markAll marks the cases that were made before there were marks.
func (p *Pool) markAll(ctx context.Context) error {
	for {
		ids, err := idsOf(p.db.Query(ctx, `SELECT id FROM cases WHERE NOT EXISTS (SELECT 1 FROM case_marks WHERE case_id = cases.id) LIMIT ?`, markAtOnce))
		if err != nil || len(ids) == 0 {
			return err
		}
		err = p.db.Write(ctx, func(tx *store.Tx) error {
			events, err := load(ctx, tx, ids...)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := mark(ctx, tx, id, Fold(events[id]).Marks); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// bounds are the conditions of a filter that marks decide.
func (f Filter) bounds() (where []string, args []any) {
	add := func(cond string, list []string) {
		where = append(where, cond)
		for _, one := range list {
			args = append(args, one)
		}
	}
	if f.Evidence != "" {
		add("id IN (SELECT case_id FROM case_marks WHERE mark = ?)", []string{evidenceMark(f.Evidence)})
	}
	if f.Cases != nil {
		marks, ids := in(f.Cases)
		where, args = append(where, "id IN ("+marks+")"), append(args, ids...)
	}
	if r := f.Within; r != nil && !r.Street {
		add("(id IN (SELECT case_id FROM case_marks WHERE mark IN ("+places(len(r.Marks))+")) OR id IN (SELECT case_id FROM case_hands WHERE hand IN ("+places(len(r.Hands))+")))",
			slices.Concat(r.Marks, r.Hands))
	}
	return where, args
}

// places are the marks for n values of a list.
func places(n int) string {
	if n == 0 {
		return "NULL" // nothing is in it, in both dialects
	}
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}
