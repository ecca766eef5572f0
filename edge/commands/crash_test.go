package commands

import (
	"context"
	"errors"
	"math/rand"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices/wire"
	"gridhub/streams/journal/fsx"
)

// dead is a point at which the power goes: the device's part never returns.
func dead(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// TestCutBetween cuts the power around the moment at which the device is set,
// and holds what is said and done afterwards.
func TestCutBetween(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after func(context.Context) error
		blind         bool
		undo          bool // the device lost what it was told
		sent          int
		want          string // the end that is told
	}{
		{"waiting for its turn", dead, nil, false, false, 1, "executed"},
		{"sent", nil, dead, false, false, 1, "executed"}, // its reading shows it
		{"begun, not sent", nil, dead, false, true, 1, "failed/interrupted"},
		{"sent, and no reading tells", nil, dead, true, false, 1, "failed/unknown-outcome"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk, s := fsx.NewMemory(), newStreet()
				s.before, s.after, s.blind = tt.before, tt.after, tt.blind
				o := start(t, disk, s)
				payload := sealed(t, order(nil), hubKey)
				o.give(payload)
				o.expect("o-1", "acknowledged")
				left := disk.Crash(rand.New(rand.NewSource(1)))
				o.stop()
				s.before, s.after = nil, nil
				if tt.undo {
					s.values["siren"] = 0
				}
				o = start(t, left, s)
				defer o.stop()
				synctest.Wait()
				o.give(payload) // and the hub sends it once more
				got := o.states("o-1")
				if !slices.Contains(got, tt.want) || got[len(got)-1] != tt.want {
					t.Errorf("said %q, want %q", got, tt.want)
				}
				if len(s.sent) != tt.sent {
					t.Errorf("sent %d times", len(s.sent))
				}
			})
		})
	}
}

// TestCrashEverywhere lets the disk die at its n-th operation, for every n, and
// the power with it. An order is sent at most once; one that was acknowledged
// comes to an end that is told; and an end that was told stays what it was.
func TestCrashEverywhere(t *testing.T) {
	for seed := range int64(20) {
		for n, more := 1, true; more; n++ {
			synctest.Test(t, func(t *testing.T) { more = crashAt(t, n, seed) })
		}
	}
}

func crashAt(t *testing.T, n int, seed int64) (more bool) {
	disk, s := fsx.NewMemory(), newStreet()
	o := start(t, disk, s)
	ops := 0
	disk.SetFail(func(fsx.Op) error {
		if ops++; ops >= n {
			return syscall.EIO
		}
		return nil
	})
	payload := sealed(t, order(nil), hubKey)
	o.give(payload)
	before := o.states("o-1")
	left := disk.Crash(rand.New(rand.NewSource(seed)))
	o.stop()
	o = start(t, left, s)
	defer o.stop()
	synctest.Wait()
	resumed := o.states("o-1")
	if slices.Contains(before, "acknowledged") && (len(resumed) == 0 || resumed[len(resumed)-1] == "acknowledged") {
		t.Errorf("operation %d: %q was said, after the crash %q", n, before, resumed)
	}
	o.give(payload)
	after := o.states("o-1")
	if len(s.sent) > 1 {
		t.Errorf("operation %d: sent %d times; said %q, then %q", n, len(s.sent), before, after)
	}
	if last := after[len(after)-1]; last == "acknowledged" {
		t.Errorf("operation %d: no end: %q, then %q", n, before, after)
	}
	if slices.Contains(before, "executed") && !slices.Contains(after, "executed") {
		t.Errorf("operation %d: it was executed, and then %q", n, after)
	}
	return ops >= n
}

// TestNoRoom holds that what cannot be remembered is not done.
func TestNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, s := fsx.NewMemory(), newStreet()
		o := start(t, disk, s)
		defer o.stop()
		disk.SetCapacity(100)
		o.give(sealed(t, order(nil), hubKey))
		o.expect("o-1", "failed/disk")
		disk.SetCapacity(0)
		turn := make(chan struct{})
		s.before = func(context.Context) error { <-turn; return nil }
		o.give(sealed(t, order(func(o *wire.Order) { o.ID = "o-2" }), hubKey))
		disk.SetFail(func(op fsx.Op) error {
			if op.Kind == "sync" {
				return syscall.EIO
			}
			return nil
		})
		close(turn) // accepted, but that it begins cannot be written
		synctest.Wait()
		o.expect("o-2", "acknowledged", "failed/disk")
		if len(s.sent) != 0 {
			t.Errorf("sent %+v", s.sent)
		}
	})
}

// TestDamaged holds that a damaged memory is put aside, and that no order that
// it may have held is done again.
func TestDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at.Time())) // this gateway has a clock
		disk, s := fsx.NewMemory(), newStreet()
		o := start(t, disk, s)
		payload := sealed(t, order(nil), hubKey)
		o.give(payload)
		o.expect("o-1", "acknowledged", "executed")
		o.stop()
		disk = disk.Restart()
		text, err := read(disk, "commands/orders")
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 4
		if err := write(disk, "commands/orders", text); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		o = start(t, disk, s)
		defer o.stop()
		o.give(payload)
		o.expect("o-1", "failed/forgotten")
		o.give(sealed(t, order(func(o *wire.Order) { o.ID, o.At = "o-2", at.Add(11*time.Second) }), hubKey))
		o.expect("o-2", "acknowledged", "executed")
		if names, err := disk.ReadDir("commands"); err != nil || !slices.Contains(names, "orders.damaged") {
			t.Errorf("nothing was put aside: %q, %v", names, err)
		}
		if len(s.sent) != 2 {
			t.Errorf("sent %+v", s.sent)
		}
	})
}

// TestToldUntilItArrives holds that a stage whose arrival nobody confirmed is
// told again after a restart, in order.
func TestToldUntilItArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, s := fsx.NewMemory(), newStreet()
		desk, err := Open(Options{ID: "gw-1", Dir: "commands", Disk: disk, Lines: s, Keys: pinnedHub,
			Say: func(ctx context.Context, _ func() any) error { <-ctx.Done(); return ctx.Err() }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- desk.Run(ctx) }()
		desk.Handle(wire.Command, sealed(t, order(nil), hubKey))
		synctest.Wait()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		o := start(t, disk.Restart(), s)
		defer o.stop()
		synctest.Wait()
		o.expect("o-1", "acknowledged", "executed")
	})
}

// FuzzBook holds that no file makes the program panic or is taken for a book
// that it is not.
func FuzzBook(f *testing.F) {
	b := &book{page: page{V: 1, Now: at, Orders: []*entry{{Order: order(nil), Stages: []wire.Result{{ID: "o-1", State: wire.Accepted}}}}}}
	text, _ := b.encode()
	f.Add(text)
	f.Add([]byte(checksum([]byte(`{"v":1,"orders":[null]}`)) + "\n" + `{"v":1,"orders":[null]}`))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		b := &book{}
		if err := b.decode(p); err != nil && !errors.Is(err, errDamaged) {
			t.Error(err)
		}
		for _, e := range b.Orders {
			_ = strings.ToLower(e.newest().State)
		}
	})
}

// FuzzTake holds that nothing that comes down without a signature does harm.
func FuzzTake(f *testing.F) {
	f.Add([]byte(`{"v":1,"key":"b02c7581a76d0cf2","order":"eyJ2IjoxfQ==","sig":"AA=="}`))
	f.Add([]byte(`[]`))
	f.Add([]byte{0xFF, 0})
	desk, err := Open(Options{ID: "gw-1", Dir: "commands", Disk: fsx.NewMemory(), Lines: newStreet(), Keys: pinnedHub})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		desk.take(t.Context(), message{wire.Command, p})
		if len(desk.book.Orders) != 0 || len(desk.remarks) > maxRemarks {
			t.Errorf("%q left %d orders and %d remarks", p, len(desk.book.Orders), len(desk.remarks))
		}
	})
}
