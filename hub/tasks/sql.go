package tasks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// migrations of the pool. cases is an index over the events, rebuilt from them
// when in doubt, and so is case_hands, which names who has a move on a case
// beside its lead, and case_marks, which says for whom it is; case_events is the
// truth; case_secrets holds personal values, which may be erased. A case that has
// ended carries its digest; case_bases says of which matters all digests are up to
// date.
var migrations = []string{`
CREATE TABLE cases (
	id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE, rev INTEGER NOT NULL, state TEXT NOT NULL, live INTEGER NOT NULL,
	matter TEXT NOT NULL, assignee TEXT NOT NULL, hazard TEXT NOT NULL, reported INTEGER NOT NULL, updated INTEGER NOT NULL);
CREATE INDEX cases_live ON cases (live, updated);
CREATE INDEX cases_updated ON cases (updated);
CREATE TABLE case_events (
	case_id TEXT NOT NULL, seq INTEGER NOT NULL, command TEXT NOT NULL, bytes BLOB NOT NULL, hash TEXT NOT NULL,
	PRIMARY KEY (case_id, seq));
CREATE UNIQUE INDEX case_events_command ON case_events (case_id, command);
CREATE TABLE case_secrets (
	case_id TEXT NOT NULL, seq INTEGER NOT NULL, field TEXT NOT NULL, salt BLOB NOT NULL, value TEXT NOT NULL,
	PRIMARY KEY (case_id, seq, field));
CREATE TABLE case_numbers (day TEXT PRIMARY KEY, n INTEGER NOT NULL)`, `
CREATE TABLE case_hands (case_id TEXT NOT NULL, hand TEXT NOT NULL, PRIMARY KEY (case_id, hand));
CREATE INDEX case_hands_hand ON case_hands (hand)`, `
CREATE TABLE case_marks (case_id TEXT NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (case_id, mark));
CREATE INDEX case_marks_mark ON case_marks (mark)`, `

ALTER TABLE cases ADD COLUMN ended INTEGER NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE cases ADD COLUMN basis TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN digest BLOB;
CREATE INDEX cases_ended ON cases (ended, reported);
CREATE TABLE case_bases (matter TEXT PRIMARY KEY, basis TEXT NOT NULL)`,
}

// rows is what both a transaction and the readers can do.
type rows interface {
	Query(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}

// load reads the events of the given cases, each in order, without personal
// values.
func load(ctx context.Context, db rows, ids ...identity.CaseID) (map[identity.CaseID][]Event, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	marks, args := in(ids)
	r, err := db.Query(ctx, `SELECT bytes FROM case_events WHERE case_id IN (`+marks+`) ORDER BY case_id, seq`, args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := map[identity.CaseID][]Event{}
	for r.Next() {
		var b []byte
		if err := r.Scan(&b); err != nil {
			return nil, err
		}
		e, _, err := open(b)
		if err != nil {
			return nil, fmt.Errorf("a stored event cannot be read: %w", err)
		}
		out[e.Case] = append(out[e.Case], e)
	}
	return out, r.Err()
}

// loadWhole is load with the personal values that still exist.
func loadWhole(ctx context.Context, db rows, ids ...identity.CaseID) (map[identity.CaseID][]Event, error) {
	events, err := load(ctx, db, ids...)
	if err != nil || len(ids) == 0 {
		return events, err
	}
	marks, args := in(ids)
	return events, reveal(ctx, db, events, marks, args)
}

func in[S ~string](ids []S) (marks string, args []any) {
	for _, id := range ids {
		args = append(args, string(id))
	}
	return places(len(ids)), args
}

// reveal puts the personal values back into the events.
func reveal(ctx context.Context, db rows, events map[identity.CaseID][]Event, marks string, args []any) error {
	r, err := db.Query(ctx, `SELECT case_id, seq, field, value FROM case_secrets WHERE case_id IN (`+marks+`)`, args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		var id identity.CaseID
		var seq int
		var field, value string
		if err := r.Scan(&id, &seq, &field, &value); err != nil {
			return err
		}
		list := events[id]
		if seq < 1 || seq > len(list) {
			continue
		}
		Secret{Field: field, Value: value}.Reveal(&list[seq-1])
	}
	return r.Err()
}

// insert appends one event with its secrets.
func insert(ctx context.Context, tx *store.Tx, e *Event, command, prev string) error {
	bytes, secrets, err := e.seal(prev)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO case_events (case_id, seq, command, bytes, hash) VALUES (?, ?, ?, ?, ?)`,
		string(e.Case), int64(e.Seq), command, bytes, e.Hash); err != nil {
		return err
	}
	for _, s := range secrets {
		if _, err := tx.Exec(ctx, `INSERT INTO case_secrets (case_id, seq, field, salt, value) VALUES (?, ?, ?, ?, ?)`,
			string(e.Case), int64(e.Seq), s.field, s.salt, s.value); err != nil {
			return err
		}
	}
	return nil
}

// index brings the case's row up to date.
func index(ctx context.Context, tx *store.Tx, c *Case, s settled) error {
	_, err := tx.Exec(ctx, `INSERT INTO cases (`+caseColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, state = excluded.state, live = excluded.live, assignee = excluded.assignee,
			updated = excluded.updated, ended = excluded.ended, basis = excluded.basis, digest = excluded.digest`, c.row(s)...)
	if err != nil {
		return err
	}
	return hands(ctx, tx, c)
}

// caseColumns are those of a case's row.
const caseColumns = "id, number, rev, state, live, matter, assignee, hazard, reported, updated, ended, basis, digest"

func (c *Case) row(s settled) []any {
	live := 0
	if c.Open() {
		live = 1
	}
	return []any{string(c.ID), c.Number, int64(c.Rev), string(c.State), live, c.Matter, string(c.Assignee), string(c.Hazard),
		int64(c.Reported), int64(c.Updated), int64(s.ended), s.basis, s.bytes}
}

// hands brings the list of those who have a move beside the lead up to date.
func hands(ctx context.Context, tx *store.Tx, c *Case) error {
	if len(c.Orders) == 0 && c.Round == nil {
		return nil // nobody ever had
	}
	if _, err := tx.Exec(ctx, `DELETE FROM case_hands WHERE case_id = ?`, string(c.ID)); err != nil {
		return err
	}
	for _, h := range c.Hands() {
		if _, err := tx.Exec(ctx, `INSERT INTO case_hands (case_id, hand) VALUES (?, ?)`, string(c.ID), h); err != nil {
			return err
		}
	}
	return nil
}

// number gives the next number of a day: 261123-042.
func number(ctx context.Context, tx *store.Tx, day string) (string, error) {
	if _, err := tx.Exec(ctx, `INSERT INTO case_numbers (day, n) VALUES (?, 1) ON CONFLICT (day) DO UPDATE SET n = case_numbers.n + 1`, day); err != nil {
		return "", err
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT n FROM case_numbers WHERE day = ?`, day).Scan(&n); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s-%03d", day, n), nil
}

// find lists the cases that a filter names: open ones first, newest change first.
func find(ctx context.Context, db *store.DB, f Filter) ([]known, error) {
	where, args := []string{"updated >= ?"}, []any{int64(f.Since)}
	add := func(cond string, arg any) { where, args = append(where, cond), append(args, arg) }
	if f.Open {
		add("live = ?", 1)
	}
	if f.State != "" {
		add("state = ?", string(f.State))
	}
	if f.Assignee != "" {
		marks, who := in(append([]identity.PersonID{f.Assignee}, f.For...))
		where = append(where, "(assignee IN ("+marks+") OR id IN (SELECT case_id FROM case_hands WHERE hand IN ("+marks+", ?)))")
		args = append(append(append(args, who...), who...), HandOf(f.Department))
	}
	if f.Matter != "" {
		add("matter = ?", f.Matter)
	}
	if f.ReportedFrom != 0 {
		add("reported >= ?", int64(f.ReportedFrom))
	}
	if f.ReportedTo != 0 {
		add("reported < ?", int64(f.ReportedTo))
	}
	w, a := f.bounds()
	where, args = append(where, w...), append(args, a...)
	limit := f.Limit
	if limit <= 0 {
		limit = 200
	}
	r, err := db.Query(ctx, `SELECT id, rev FROM cases WHERE `+strings.Join(where, " AND ")+` ORDER BY live DESC, updated DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []known
	for r.Next() {
		var c known
		if err := r.Scan(&c.id, &c.rev); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, r.Err()
}

// standing is the revision of a case, 0 when there is none, and whether it has a
// command of this id.
func standing(ctx context.Context, db row, id identity.CaseID, command string) (rev uint64, taken bool, err error) {
	var n int
	err = db.QueryRow(ctx, `SELECT rev, (SELECT COUNT(*) FROM case_events WHERE case_id = cases.id AND command = ?) FROM cases WHERE id = ?`,
		command, string(id)).Scan(&rev, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return rev, n > 0, err
}

// row is what both a transaction and the readers can ask one row of.
type row interface {
	QueryRow(ctx context.Context, q string, args ...any) *sql.Row
}

// digestRow is a case as Period finds it.
type digestRow struct {
	known
	matter, basis string
	ended         telemetry.Millis
	bytes         []byte // valid until the next row
}

// digests shows the rows of cases within reach that were reported before to and
// had not ended before from.
func digests(ctx context.Context, db *store.DB, from, to telemetry.Millis, reach identity.Reach, see func(*digestRow) error) error {
	where, args := Filter{Within: &reach}.bounds()
	where = append([]string{"ended >= ?", "reported < ?"}, where...)
	r, err := db.Query(ctx, `SELECT id, rev, matter, basis, ended, digest FROM cases WHERE `+strings.Join(where, " AND "), append([]any{int64(from), int64(to)}, args...)...)
	if err != nil {
		return err
	}
	defer r.Close()
	var d digestRow
	var bytes sql.RawBytes
	for r.Next() {
		if err := r.Scan(&d.id, &d.rev, &d.matter, &d.basis, &d.ended, &bytes); err != nil {
			return err
		}
		d.bytes = bytes
		if err := see(&d); err != nil {
			return err
		}
	}
	return r.Err()
}

// day is the key of case_numbers in the street's zone: 261123.
func day(at telemetry.Millis, cal Calendar) string { return at.Time().In(cal.Zone).Format("060102") }

// Canonical returns the hashed bytes of a case's events, in order, for sealing
// and for verifying without trust in the hub.
func (p *Pool) Canonical(ctx context.Context, id identity.CaseID) ([][]byte, error) {
	r, err := p.db.Query(ctx, `SELECT bytes FROM case_events WHERE case_id = ? ORDER BY seq`, string(id))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out [][]byte
	for r.Next() {
		var b []byte
		if err := r.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, r.Err()
}

// Secrets returns the personal values of a case that still exist, in the order
// of their events.
func (p *Pool) Secrets(ctx context.Context, id identity.CaseID) ([]Secret, error) {
	r, err := p.db.Query(ctx, `SELECT seq, field, salt, value FROM case_secrets WHERE case_id = ? ORDER BY seq, field`, string(id))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := []Secret{}
	for r.Next() {
		var s Secret
		if err := r.Scan(&s.Seq, &s.Field, &s.Salt, &s.Value); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, r.Err()
}

// Archived lists cases that are archived now, by id, at most limit of those
// after the one named.
func (p *Pool) Archived(ctx context.Context, after identity.CaseID, limit int) ([]identity.CaseID, error) {
	return idsOf(p.db.Query(ctx, `SELECT id FROM cases WHERE id > ? AND state = ? ORDER BY id LIMIT ?`, string(after), string(Archived), limit))
}

// settledRow is a case as Settle finds it.
type settledRow struct {
	known
	matter, basis string
	live          bool
}

// unsettled lists cases by id, at most limit of those after the one named.
func unsettled(ctx context.Context, db *store.DB, after identity.CaseID, limit int) ([]settledRow, error) {
	r, err := db.Query(ctx, `SELECT id, rev, matter, basis, live FROM cases WHERE id > ? ORDER BY id LIMIT ?`, string(after), limit)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []settledRow
	for r.Next() {
		var s settledRow
		live := 0
		if err := r.Scan(&s.id, &s.rev, &s.matter, &s.basis, &live); err != nil {
			return nil, err
		}
		s.live = live != 0
		out = append(out, s)
	}
	return out, r.Err()
}

// bases are the matters of which all digests are up to date, and with what.
func bases(ctx context.Context, db *store.DB) (map[string]string, error) {
	r, err := db.Query(ctx, `SELECT matter, basis FROM case_bases`)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := map[string]string{}
	for r.Next() {
		var matter, basis string
		if err := r.Scan(&matter, &basis); err != nil {
			return nil, err
		}
		out[matter] = basis
	}
	return out, r.Err()
}

// keepDigest puts a digest beside a case, unless the case moved on.
func keepDigest(ctx context.Context, tx *store.Tx, id identity.CaseID, rev uint64, s settled) error {
	_, err := tx.Exec(ctx, `UPDATE cases SET ended = ?, basis = ?, digest = ? WHERE id = ? AND rev = ?`,
		int64(s.ended), s.basis, s.bytes, string(id), int64(rev))
	return err
}
