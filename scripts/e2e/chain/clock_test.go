package chain_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridhub/edge/uplink"
	"gridhub/hub/api"
)

// clockwork is a gateway's machine whose clock is set by the test.
type clockwork struct {
	began time.Time
	wrong atomic.Int64 // the wall clock minus the true time
}

func (c *clockwork) now() time.Time { return time.Now().Add(time.Duration(c.wrong.Load())) }

func (c *clockwork) set(wrong time.Duration) { c.wrong.Store(int64(wrong)) }

func (c *clockwork) machine() uplink.Machine {
	return uplink.Machine{Wall: c.now, Up: func() time.Duration { return time.Minute + time.Since(c.began) }, Boot: "one"}
}

// TestLedgerOverClockSteps starts a gateway without a clock and sets it again
// and again, with readings on its disk, on the way and delivered: in the end the
// hub's ledger explains every hour, and only the first batch of all, to which the
// hub answers with the time, is in an hour that never was.
func TestLedgerOverClockSteps(t *testing.T) {
	h, root := open(t, "")
	v := newValve(t, h.mqtt)
	clock := &clockwork{began: time.Now()}
	unset := time.Until(time.Unix(8, 0))
	clock.set(unset)
	c := h.returnerOn(clock.machine(), 0, v.listen.Addr().String())
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = c.uplink.Run(ctx) })
	t.Cleanup(func() {
		stop()
		group.Wait()
		c.spool.Close()
	})
	online := func(want bool) {
		t.Helper()
		eventually(t, "the connection", func() error {
			if c.uplink.Status().Online != want {
				return errors.New(c.uplink.Status().Cause)
			}
			return nil
		})
	}
	total := int64(0)
	read := func(n int) {
		for range n {
			c.put(clock.now(), 3)
			total++
			time.Sleep(2 * time.Millisecond) // readings of one instant are one
		}
	}
	online(true)
	read(100)
	for _, wrong := range []time.Duration{0, 25 * time.Hour, -time.Hour, unset, 0} {
		v.set(true)
		online(false)
		read(600) // more than drains at once
		v.set(false)
		online(true)
		read(50)
		clock.set(wrong)
		read(100)
	}
	eventually(t, "delivery", func() error {
		if n := c.waiting(); n > 0 {
			return fmt.Errorf("%d readings wait", n)
		}
		return nil
	})
	v.set(true)
	online(false) // the account is told anew on each connection
	v.set(false)
	eventually(t, "the ledger", func() error { return root.explains(c, total) })
}

// explains reports what is wrong unless every hour of a gateway's device is
// explained and all of its readings are in the history.
func (s *session) explains(c *returner, total int64) error {
	var hours []api.LedgerHour
	s.get(fmt.Sprintf("/api/v1/devices/%s/ledger?from=%d&to=%d", c.device, 1, time.Now().Add(72*time.Hour).UnixMilli()), &hours)
	known := int64(0)
	for _, hour := range hours {
		never := hour.Hour < 1_700_000_000_000
		if hour.Unexplained != 0 || hour.Pending != 0 || !hour.Told || never && hour.Stored > int64(uplink.Default().BatchRecords) {
			return fmt.Errorf("%+v", hour)
		}
		known += hour.Stored + hour.Repeated + hour.Superseded
	}
	if known != total {
		return fmt.Errorf("%d readings in %d hours, want %d", known, len(hours), total)
	}
	return nil
}
