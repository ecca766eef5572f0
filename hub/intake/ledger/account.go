package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/intake"
	"gridhub/hub/store"
)

// saying names one line of a gateway's account.
type saying struct {
	device  devices.ID
	hour    telemetry.Millis
	gateway devices.ID
	epoch   uint64
}

// said is such a line.
type said struct {
	wire.AccountHour
	told telemetry.Millis // when it was said, by the gateway's clock
}

// hear takes what a gateway says of itself; the newest counts. mu is held.
func (l *Ledger) hear(d *intake.Decoded) {
	if d.Account == nil {
		return
	}
	for _, h := range d.Account.Hours {
		l.said[saying{h.Device, h.Hour, d.From, d.Account.Epoch}] = said{h, d.Account.Now}
	}
}

// writeSaid adds to the account what gateways said. What is settled, polled
// less pending, only grows within an epoch, and so does lost: a gateway that had
// to count anew from what its journal still had may say less. What is pending
// may leave its hour when the clock is set, and is polled in another then.
func (l *Ledger) writeSaid(ctx context.Context, tx *store.Tx) error {
	order := slices.SortedFunc(maps.Keys(l.said), func(a, b saying) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.hour, b.hour), cmp.Compare(a.gateway, b.gateway), cmp.Compare(a.epoch, b.epoch))
	})
	for _, k := range order {
		h := l.said[k]
		_, err := tx.Exec(ctx, `INSERT INTO ledger_account (device, hour, gateway, epoch, polled, pending, lost, told) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (device, hour, gateway, epoch) DO UPDATE SET pending = excluded.pending, told = excluded.told,
			polled = CASE WHEN excluded.polled - excluded.pending >= ledger_account.polled - ledger_account.pending THEN excluded.polled ELSE ledger_account.polled END,
			lost = CASE WHEN excluded.lost > ledger_account.lost THEN excluded.lost ELSE ledger_account.lost END`,
			string(k.device), int64(k.hour), string(k.gateway), int64(k.epoch), int64(h.Polled), int64(h.Pending), int64(h.Lost), int64(h.told))
		if err != nil {
			return err
		}
	}
	return nil
}

// Told is what gateways say of one device and hour.
type Told struct {
	Polled  int64 // numbers issued
	Pending int64 // of them not acknowledged, when they said so
	Lost    int64 // of them given up before that
	Final   bool  // it was said after the hour was over
}

// late is how long after its hour a gateway may still issue a number for it.
const late = telemetry.Millis(time.Minute / time.Millisecond)

// join puts what gateways say beside what came.
func (l *Ledger) join(ctx context.Context, all []Hour, device devices.ID, from, to telemetry.Millis) ([]Hour, error) {
	rows, err := l.db.Query(ctx, `SELECT device, hour, polled, CASE WHEN epoch < (SELECT MAX(epoch) FROM ledger_account n WHERE n.gateway = a.gateway) THEN 0 ELSE pending END, lost, told
		FROM ledger_account a WHERE (device = ? OR ? = '') AND hour >= ? AND hour < ?`, string(device), string(device), int64(from-from%hourMillis), int64(to))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type at struct {
		hour   telemetry.Millis
		device devices.ID
	}
	index := map[at]int{}
	for i := range all {
		index[at{all[i].Begin, all[i].Device}] = i
	}
	for rows.Next() {
		var k at
		var t Told
		var told telemetry.Millis
		if err := rows.Scan(&k.device, &k.hour, &t.Polled, &t.Pending, &t.Lost, &told); err != nil {
			return nil, err
		}
		t.Final = told >= k.hour+hourMillis+late
		i, known := index[k]
		if !known && t.Polled == 0 {
			continue // all that was pending here belongs to another hour
		}
		if !known {
			if i = len(all); i == maxHours {
				return nil, fmt.Errorf("more than %d hours: ask for a shorter range", maxHours)
			}
			index[k] = i
			all = append(all, Hour{Device: k.device, Begin: k.hour})
		}
		all[i].tell(t)
	}
	slices.SortStableFunc(all, func(a, b Hour) int { return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.Device, b.Device)) })
	return all, rows.Err()
}

// tell adds what one gateway, in one epoch, says.
func (h *Hour) tell(t Told) {
	if h.Told != nil {
		t.Polled, t.Pending, t.Lost, t.Final = t.Polled+h.Told.Polled, t.Pending+h.Told.Pending, t.Lost+h.Told.Lost, t.Final && h.Told.Final
	}
	h.Told = &t
}

// Balance is the account with both sides: polled = Total + what the gateway
// gave up + pending + unexplained.
type Balance struct {
	Polled      int64 // what the gateway issued, where it tells; else what came
	Pending     int64 // still at the gateway
	Lost        int64 // given up by the gateway
	Unexplained int64 // readings that nobody can say the fate of; negative: more came than were issued
}

// Balance holds what the gateway says against what came. Its word is up to a
// minute old: what came since is not held against it before the hour is over.
func (h Hour) Balance() Balance {
	known := h.Total()
	if h.Told == nil {
		return Balance{Polled: known}
	}
	b := Balance{Polled: h.Told.Polled, Lost: h.Told.Lost}
	rest := b.Polled - known - b.Lost
	if rest < 0 && !h.Told.Final {
		b.Polled, rest = known+b.Lost, 0
	}
	b.Pending = max(0, min(rest, h.Told.Pending))
	b.Unexplained = rest - b.Pending
	return b
}

// Pending is how many numbers each gateway said last that it has and the hub
// has not acknowledged.
func (l *Ledger) Pending(ctx context.Context) (map[devices.ID]int64, error) {
	if err := l.Flush(ctx); err != nil {
		return nil, err
	}
	rows, err := l.db.Query(ctx, `SELECT gateway, SUM(pending) FROM ledger_account a
		WHERE pending > 0 AND epoch = (SELECT MAX(epoch) FROM ledger_account n WHERE n.gateway = a.gateway) GROUP BY gateway`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[devices.ID]int64{}
	for rows.Next() {
		var id devices.ID
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		all[id] = n
	}
	return all, rows.Err()
}
