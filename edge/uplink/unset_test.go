package uplink

import (
	"log/slog"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/uplink/hubtest"
)

// unset is a machine whose clock nobody has set: it began in 1970.
func unset() Machine {
	began := time.Now()
	return Machine{Wall: func() time.Time { return time.Unix(8, 0).Add(time.Since(began)) },
		Up: func() time.Duration { return time.Minute + time.Since(began) }, Boot: "one"}
}

// TestNothingIsSentBeforeTheTimeIsKnown lets a gateway without a clock come with
// a backlog: all but the first batch, to which the hub's first acknowledgement
// answers, are stamped by the hub's time. Then it looks back by that time.
func TestNothingIsSentBeforeTheTimeIsKnown(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), gateway)
	machine := unset()
	spool, err := OpenSpoolOn(machine, t.TempDir(), DefaultSpool(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spool.Close() })
	const total = 500
	for range total {
		spool.Put(wire.Record{Device: "gas-1", At: telemetry.At(machine.Wall()), Values: map[string]float64{"v": 1}}, false)
	}
	cfg := quick(broker.Address())
	u := run(t, cfg, spool)
	waitFloor(t, spool, 1, total+1)
	now := telemetry.At(time.Now())
	early := 0
	hub.Wait("all", func(s hubtest.State) bool {
		if s.Upto(wire.Data) < total {
			return false
		}
		early = 0
		for _, r := range s.Records(wire.Data) {
			if d := now.Sub(r.At); d > time.Hour || d < -time.Hour {
				early++
			}
		}
		return true
	})
	if early > cfg.BatchRecords {
		t.Errorf("%d records were stamped before anybody knew the time, more than one batch", early)
	}
	hub.Restamps()
	hour := telemetry.Millis(time.Hour.Milliseconds())
	for _, c := range []struct {
		look Look
		want uint64
	}{
		{Look{From: now - hour, To: now + hour}, total},
		{Look{From: now - hour, To: now + hour, Device: "other"}, 0},
		{Look{From: 0, To: neverSet}, 0}, // by the stamps on disk, all
	} {
		if n, err := u.Resend(t.Context(), c.look); n != c.want || err != nil {
			t.Errorf("%+v: %d offered again, %v; want %d", c.look, n, err, c.want)
		}
	}
}
