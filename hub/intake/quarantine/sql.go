package quarantine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/hub/intake"
	"gridhub/hub/store"
)

var migrations = []string{`
CREATE TABLE quarantine_messages (number INTEGER PRIMARY KEY, offset_ms INTEGER NOT NULL, size INTEGER NOT NULL, raw BLOB);
CREATE TABLE quarantine (number INTEGER NOT NULL, item INTEGER NOT NULL, sender TEXT NOT NULL, topic TEXT NOT NULL,
	device TEXT NOT NULL, at INTEGER NOT NULL, cause TEXT NOT NULL, detail TEXT NOT NULL, items INTEGER NOT NULL,
	state INTEGER NOT NULL, PRIMARY KEY (number, item));
CREATE INDEX quarantine_by_cause ON quarantine (state, cause, device);
CREATE TABLE quarantine_epoch (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL);
INSERT INTO quarantine_epoch (id, epoch) VALUES (1, 0)`}

// former moves the numbers of a former journal out of the way: below zero, and
// below those of the journals before.
const former = 1 << 40

// enter takes note of the journal's epoch.
func enter(ctx context.Context, tx *store.Tx, epoch uint64) error {
	var old int64
	err := tx.QueryRow(ctx, `SELECT epoch FROM quarantine_epoch WHERE id = 1`).Scan(&old)
	if err != nil || uint64(old) == epoch {
		return err
	}
	for _, change := range []string{
		`UPDATE quarantine_messages SET number = number - ?`,
		`UPDATE quarantine SET number = number - ?`,
	} {
		if _, err := tx.Exec(ctx, change, int64(former)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE quarantine_epoch SET epoch = ? WHERE id = 1`, int64(epoch))
	return err
}

// insert adds an entry that is not there yet.
func insert(ctx context.Context, tx *store.Tx, e Entry, offset time.Duration, raw []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO quarantine_messages (number, offset_ms, size, raw) VALUES (?, ?, ?, ?) ON CONFLICT (number) DO NOTHING`,
		e.Number, offset.Milliseconds(), len(raw), raw)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO quarantine (number, item, sender, topic, device, at, cause, detail, items, state)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number, item) DO NOTHING`,
		e.Number, e.Item, string(e.From), text(e.Topic), string(e.Device), int64(e.At), e.Cause, text(e.Detail), int64(e.Items), int(Waiting))
	return err
}

// text makes what came from outside fit for any database.
func text(s string) string { return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "�"), "�") }

func setState(ctx context.Context, tx *store.Tx, number uint64, item int, s State) error {
	_, err := tx.Exec(ctx, `UPDATE quarantine SET state = ? WHERE number = ? AND item = ?`, int(s), int64(number), item)
	return err
}

// where is the filter as a condition.
func (f Filter) where() (string, []any) {
	c, args := "1 = 1", []any(nil)
	and := func(cond string, arg any) {
		c += " AND " + cond
		args = append(args, arg)
	}
	if !f.All {
		and("state < ?", int(Done))
	}
	if f.Cause != "" {
		and("cause = ?", f.Cause)
	}
	if f.Device != "" {
		and("device = ?", string(f.Device))
	}
	if f.From != "" {
		and("sender = ?", string(f.From))
	}
	if f.Since != 0 {
		and("at >= ?", int64(f.Since))
	}
	if f.Until != 0 {
		and("at < ?", int64(f.Until))
	}
	if f.Before != 0 {
		and("number < ?", f.Before)
	}
	if f.replay {
		and("number > ?", int64(f.after))
	}
	return c, args
}

func (f Filter) limit() int {
	if f.Limit <= 0 {
		return 100
	}
	return min(f.Limit, 1000)
}

// List returns entries, newest first, without their payloads.
func (q *Quarantine) List(ctx context.Context, f Filter) (all []Entry, err error) {
	cond, args := f.where()
	rows, err := q.db.Query(ctx, fmt.Sprintf(`SELECT number, item, sender, topic, device, at, cause, detail, items, state FROM quarantine
		WHERE %s ORDER BY number DESC, item LIMIT %d`, cond, f.limit()), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Number, &e.Item, &e.From, &e.Topic, &e.Device, &e.At, &e.Cause, &e.Detail, &e.Items, &e.State); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// Causes counts what waits, by cause and device, the most first.
func (q *Quarantine) Causes(ctx context.Context) (all []Count, err error) {
	rows, err := q.db.Query(ctx, `SELECT cause, device, COUNT(*), MAX(at) FROM quarantine WHERE state < ? GROUP BY cause, device
		ORDER BY COUNT(*) DESC, cause, device LIMIT 1000`, int(Done))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Cause, &c.Device, &c.Entries, &c.Newest); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// unknown returns the devices of which a sender spoke before it named them.
func (q *Quarantine) unknown(ctx context.Context, from devices.ID) (map[devices.ID]bool, error) {
	rows, err := q.db.Query(ctx, `SELECT DISTINCT device FROM quarantine WHERE state < ? AND cause = ? AND sender = ?`,
		int(Done), intake.UnknownDevice, string(from))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[devices.ID]bool{}
	for rows.Next() {
		var id devices.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all[id] = true
	}
	return all, rows.Err()
}

// numbers returns messages that have entries that match, oldest first.
func (q *Quarantine) numbers(ctx context.Context, f Filter) (all []uint64, err error) {
	cond, args := f.where()
	rows, err := q.db.Query(ctx, fmt.Sprintf(`SELECT DISTINCT number FROM quarantine WHERE %s ORDER BY number LIMIT %d`, cond, replayAtOnce), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		all = append(all, uint64(n))
	}
	return all, rows.Err()
}

// again collects a message's entries that match: those that the decoder had
// refused apart from those on which a consumer or a store gave up. A message
// that is gone has none.
func (q *Quarantine) again(ctx context.Context, number uint64, f Filter) (all []intake.Again, err error) {
	refused := intake.Again{Number: number}
	var offset int64
	err = q.db.QueryRow(ctx, `SELECT offset_ms, raw FROM quarantine_messages WHERE number = ?`, int64(number)).Scan(&offset, &refused.Raw)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(refused.Raw) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	refused.Offset = time.Duration(offset) * time.Millisecond
	redo := refused
	f.after, f.replay = 0, false
	cond, args := f.where()
	rows, err := q.db.Query(ctx, `SELECT item, device, at, cause, items FROM quarantine WHERE number = ? AND `+cond+` ORDER BY item`,
		append([]any{int64(number)}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r intake.Refusal
		if err := rows.Scan(&r.Item, &r.Device, &r.Hour, &r.Cause, &r.Items); err != nil {
			return nil, err
		}
		if r.Cause == intake.Damaged {
			continue // no hub can read it, ever
		}
		if r.Cause == intake.Poison || r.Cause == StoreRejected {
			redo.Items = append(redo.Items, r)
		} else {
			refused.Items = append(refused.Items, r)
		}
	}
	for _, a := range []intake.Again{refused, redo} {
		if len(a.Items) > 0 {
			all = append(all, a)
		}
	}
	return all, rows.Err()
}

var errGone = errors.New("the message is no longer kept")

func (q *Quarantine) raw(ctx context.Context, number int64) (b []byte, err error) {
	err = q.db.QueryRow(ctx, `SELECT raw FROM quarantine_messages WHERE number = ?`, number).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(b) == 0 {
		return nil, errGone
	}
	return b, err
}

// prune keeps the bounds: the oldest messages go, with their entries.
func (q *Quarantine) prune(ctx context.Context) error {
	for {
		var n, size int64
		if err := q.db.QueryRow(ctx, `SELECT COUNT(*), COALESCE(SUM(size), 0) FROM quarantine_messages`).Scan(&n, &size); err != nil {
			return err
		}
		if n <= int64(q.cfg.MaxMessages) && size <= q.cfg.MaxBytes || n <= 1 {
			return nil
		}
		if err := q.dropOldest(ctx, max(1, n/20)); err != nil {
			return err
		}
	}
}

func (q *Quarantine) dropOldest(ctx context.Context, n int64) error {
	var below, waiting int64
	err := q.db.QueryRow(ctx, `SELECT MAX(number) FROM (SELECT number FROM quarantine_messages ORDER BY number LIMIT ?) AS oldest`, n).Scan(&below)
	if err != nil {
		return err
	}
	err = q.db.Write(ctx, func(tx *store.Tx) error {
		err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM quarantine WHERE number <= ? AND state < ?`, below, int(Done)).Scan(&waiting)
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM quarantine WHERE number <= ?`, below)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM quarantine_messages WHERE number <= ?`, below)
		}
		return err
	})
	if err != nil {
		return err
	}
	q.mu.Lock()
	q.dropped += uint64(waiting)
	q.mu.Unlock()
	if waiting > 0 {
		q.log.Warn("quarantine is full: the oldest entries went", "entries", waiting)
	}
	return nil
}
