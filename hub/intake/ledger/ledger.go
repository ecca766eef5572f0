// Package ledger keeps the account of every reading: for each device and hour,
// by the clock of whoever read it, how many were stored, repeated, superseded,
// quarantined (by cause), expired, or never came. It is a consumer of the
// intake.
//
// It promises that each record of the journal is counted exactly once: counts
// and the journal's position change in one transaction. What was polled and
// what is still under way the gateway knows and tells in its own account, which
// is kept beside: the two are held against each other, and what neither
// explains is shown.
package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/intake"
	"gridhub/hub/store"
)

// Options are what an account is joined to.
type Options struct {
	Epoch uint64 // of the journal: with another one, its numbers begin anew
	// Expired says whether a position is dropped behind the decoder, and why:
	// "off-duty". It must say the same whenever it is asked. nil: none is.
	Expired func(ctx context.Context, p telemetry.Position) (cause string, expired bool, err error)
}

// Ledger is the account. All methods may be called concurrently. Counts gather
// in memory for a moment before they are written, for a transaction costs as
// much as a thousand counts; who reads the account has them written first.
type Ledger struct {
	db *store.DB
	o  Options

	mu       sync.Mutex
	position uint64    // of the newest record whose counts are written
	written  time.Time // when they were
	sums     map[line]int64
	said     map[saying]said
	repeats  int64
	summed   uint64 // the newest record in sums
}

// writeEvery is the shortest time between two transactions while records come.
const writeEvery = 250 * time.Millisecond

var migrations = []string{`
CREATE TABLE ledger (device TEXT NOT NULL, hour INTEGER NOT NULL, outcome INTEGER NOT NULL, cause TEXT NOT NULL, n INTEGER NOT NULL,
	PRIMARY KEY (device, hour, outcome, cause));
CREATE TABLE ledger_position (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, number INTEGER NOT NULL, redelivered INTEGER NOT NULL);
INSERT INTO ledger_position (id, epoch, number, redelivered) VALUES (1, 0, 0, 0)`, `
CREATE TABLE ledger_account (device TEXT NOT NULL, hour INTEGER NOT NULL, gateway TEXT NOT NULL, epoch INTEGER NOT NULL,
	polled INTEGER NOT NULL, pending INTEGER NOT NULL, lost INTEGER NOT NULL, told INTEGER NOT NULL, PRIMARY KEY (device, hour, gateway, epoch));
CREATE INDEX ledger_account_pending ON ledger_account (gateway, epoch, pending)`}

// Open brings the tables up to date and reads how far the account goes.
func Open(ctx context.Context, db *store.DB, o Options) (*Ledger, error) {
	if err := db.Migrate(ctx, "ledger", migrations...); err != nil {
		return nil, err
	}
	var n, epoch int64
	if err := db.QueryRow(ctx, `SELECT number, epoch FROM ledger_position WHERE id = 1`).Scan(&n, &epoch); err != nil {
		return nil, fmt.Errorf("ledger position: %w", err)
	}
	if uint64(epoch) != o.Epoch {
		n = 0 // the first Handle writes both
	}
	return &Ledger{db: db, o: o, position: uint64(n), summed: uint64(n), sums: map[line]int64{}, said: map[saying]said{}}, nil
}

// Name is the consumer's and its cursor's.
func (l *Ledger) Name() string { return "ledger" }

// line names one count.
type line struct {
	device  devices.ID
	hour    telemetry.Millis
	outcome intake.Outcome
	cause   string
}

// Handle counts what was not counted yet.
func (l *Ledger) Handle(ctx context.Context, batch []intake.Decoded) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.sum(ctx, batch); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if time.Since(l.written) < writeEvery {
		return nil
	}
	return l.write(ctx)
}

// Flush returns when all that was handled is written.
func (l *Ledger) Flush(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write(ctx)
}

// write adds the sums to the account, in one order always, so that two hubs
// cannot block each other. mu is held.
func (l *Ledger) write(ctx context.Context) error {
	if l.summed == l.position {
		return nil
	}
	order := slices.SortedFunc(maps.Keys(l.sums), func(a, b line) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.hour, b.hour), cmp.Compare(a.outcome, b.outcome), cmp.Compare(a.cause, b.cause))
	})
	err := l.db.Write(ctx, func(tx *store.Tx) error {
		for _, k := range order {
			_, err := tx.Exec(ctx, `INSERT INTO ledger (device, hour, outcome, cause, n) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (device, hour, outcome, cause) DO UPDATE SET n = ledger.n + excluded.n`,
				string(k.device), int64(k.hour), int(k.outcome), k.cause, l.sums[k])
			if err != nil {
				return err
			}
		}
		if err := l.writeSaid(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE ledger_position SET epoch = ?, number = ?, redelivered = redelivered + ? WHERE id = 1`, int64(l.o.Epoch), int64(l.summed), l.repeats)
		return err
	})
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	clear(l.sums)
	clear(l.said)
	l.position, l.repeats, l.written = l.summed, 0, time.Now()
	return nil
}

// sum adds what the records behind the newest that was summed tell. An error
// leaves that record, and all behind it, for the next time. mu is held.
func (l *Ledger) sum(ctx context.Context, batch []intake.Decoded) error {
	for i := range batch {
		d := &batch[i]
		if d.Number <= l.summed {
			continue
		}
		moved, err := l.expired(ctx, d)
		if err != nil {
			return err
		}
		for _, t := range append(moved, d.Tally...) {
			l.sums[line{t.Device, t.Hour, t.Outcome, t.Cause}] += t.N
		}
		l.hear(d)
		l.repeats += int64(d.Repeats)
		l.summed = d.Number
	}
	return nil
}

// expired moves positions that are dropped behind the decoder from stored to
// expired, in the hours in which the message was counted.
func (l *Ledger) expired(ctx context.Context, d *intake.Decoded) (moved []intake.Tally, err error) {
	if l.o.Expired == nil || len(d.Positions) == 0 {
		return nil, nil
	}
	hours := map[devices.ID][]telemetry.Millis{}
	for _, t := range d.Tally {
		for range t.N {
			if t.Outcome == intake.Stored {
				hours[t.Device] = append(hours[t.Device], t.Hour)
			}
		}
	}
	for _, p := range d.Positions {
		cause, expired, err := l.o.Expired(ctx, p)
		if err != nil {
			return nil, err
		}
		own := hours[p.Device]
		if len(own) == 0 {
			continue
		}
		hours[p.Device] = own[1:]
		if expired {
			moved = append(moved, intake.Tally{Device: p.Device, Hour: own[0], Outcome: intake.Stored, N: -1},
				intake.Tally{Device: p.Device, Hour: own[0], Outcome: intake.Expired, Cause: cause, N: 1})
		}
	}
	return moved, nil
}

// Hour is the account of one device and hour.
type Hour struct {
	Device      devices.ID
	Begin       telemetry.Millis
	Stored      int64
	Repeated    int64
	Superseded  int64
	Expired     map[string]int64 // by cause
	Quarantined map[string]int64 // by cause
	Missing     int64
	LeftOut     map[string]int64 // values, not readings: text and the like, by reason
	Told        *Told            // what the gateway says; nil: nothing
}

// Total is how many readings came, or were given up or missed by all that the
// hub itself can see.
func (h Hour) Total() int64 {
	n := h.Stored + h.Repeated + h.Superseded + h.Missing
	for _, c := range h.Expired {
		n += c
	}
	for _, c := range h.Quarantined {
		n += c
	}
	return n
}

// maxHours bounds one answer: a year of one device, or an hour of a street.
const maxHours = 10_000

// Ledger returns the hours of [from, to) that have any count, oldest first, of
// one device or, when device is empty, of all.
func (l *Ledger) Ledger(ctx context.Context, device devices.ID, from, to telemetry.Millis) (all []Hour, err error) {
	if err := l.Flush(ctx); err != nil {
		return nil, err
	}
	rows, err := l.db.Query(ctx, `SELECT device, hour, outcome, cause, n FROM ledger WHERE (device = ? OR ? = '') AND hour >= ? AND hour < ? AND n <> 0
		ORDER BY hour, device, outcome, cause`, string(device), string(device), int64(from-from%hourMillis), int64(to))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k line
		var n int64
		if err := rows.Scan(&k.device, &k.hour, &k.outcome, &k.cause, &n); err != nil {
			return nil, err
		}
		if last := len(all) - 1; last < 0 || all[last].Device != k.device || all[last].Begin != k.hour {
			if len(all) == maxHours {
				return nil, fmt.Errorf("more than %d hours: ask for a shorter range", maxHours)
			}
			all = append(all, Hour{Device: k.device, Begin: k.hour})
		}
		all[len(all)-1].add(k, n)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return l.join(ctx, all, device, from, to)
}

const hourMillis = telemetry.Millis(time.Hour / time.Millisecond)

func (h *Hour) add(k line, n int64) {
	put := func(m *map[string]int64) {
		if *m == nil {
			*m = map[string]int64{}
		}
		(*m)[k.cause] += n
	}
	switch k.outcome {
	case intake.Stored:
		h.Stored += n
	case intake.Repeated:
		h.Repeated += n
	case intake.Superseded:
		h.Superseded += n
	case intake.Quarantined:
		put(&h.Quarantined)
	case intake.Expired:
		put(&h.Expired)
	case intake.Missing:
		h.Missing += n
	case intake.LeftOut:
		put(&h.LeftOut)
	}
}

// Redelivered is how many items came again and were dropped by their number.
func (l *Ledger) Redelivered(ctx context.Context) (n int64, err error) {
	if err := l.Flush(ctx); err != nil {
		return 0, err
	}
	err = l.db.QueryRow(ctx, `SELECT redelivered FROM ledger_position WHERE id = 1`).Scan(&n)
	return n, err
}
