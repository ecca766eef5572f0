package uplink

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
)

const (
	// accountEvery is the time between two accounts on one connection.
	accountEvery = time.Minute
	// accountHours bounds one account; the rest goes in further ones.
	accountHours = 1000
)

// accounts tells the hub what the gateway did: all hours that it remembers when
// the connection begins, then every minute those that changed.
func (s *session) accounts(ctx context.Context) error {
	for all := true; ; all = false {
		hours := s.u.spool.Account(all)
		for part := range slices.Chunk(hours, accountHours) {
			a := wire.Account{V: wire.Version, Epoch: s.u.spool.data.journal.Epoch(), Now: s.u.time.scale().now, Hours: part}
			if err := s.conn.say(ctx, wire.Ledger, false, a); err != nil {
				return err
			}
		}
		sleep(ctx, s.u.accountEvery)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// Account returns the gateway's own ledger, both streams together, by device
// and hour of the stamps that the hub gets: what changed since it was asked
// last, or all that it remembers.
func (s *Spool) Account(all bool) []wire.AccountHour {
	streams := []*stream{s.alarm, s.data}
	changed := map[cell]bool{}
	for _, st := range streams {
		st.recount()
		st.tally.changed(all, changed)
	}
	hours := make([]wire.AccountHour, 0, len(changed))
	for c := range changed {
		h := wire.AccountHour{Device: c.device, Hour: c.hour}
		for _, st := range streams {
			st.tally.add(&h, c)
		}
		hours = append(hours, h)
	}
	slices.SortFunc(hours, func(a, b wire.AccountHour) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Device, b.Device))
	})
	return hours
}

// changed adds the cells that have news, or all, and takes them as told.
func (t *tally) changed(all bool, to map[cell]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c, s := range t.hours {
		if all || s.news {
			to[c] = true
		}
		s.news = false
	}
}

func (t *tally) add(h *wire.AccountHour, c cell) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.hours[c]; s != nil {
		h.Polled += s.issued
		h.Pending += s.pending
		h.Lost += s.lost
	}
}

// Delivered reports whether the hub has acknowledged all of a device that is
// read no more. Records that still wait for the disk count as not delivered.
func (s *Spool) Delivered(device devices.ID) bool {
	return !s.alarm.tally.waits(device) && !s.data.tally.waits(device)
}
