package ledger_test

import (
	"reflect"
	"testing"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/intake"
	"gridhub/hub/intake/ledger"
)

// TestBalance holds the gateway's word against what came.
func TestBalance(t *testing.T) {
	told := func(polled, pending, lost int64, final bool) *ledger.Told {
		return &ledger.Told{Polled: polled, Pending: pending, Lost: lost, Final: final}
	}
	for name, c := range map[string]struct {
		stored int64
		told   *ledger.Told
		want   ledger.Balance
	}{
		"the gateway says nothing":      {5, nil, ledger.Balance{Polled: 5}},
		"all came":                      {5, told(5, 0, 0, true), ledger.Balance{Polled: 5}},
		"some are still there":          {3, told(5, 2, 0, true), ledger.Balance{Polled: 5, Pending: 2}},
		"more came since it said so":    {4, told(5, 2, 0, true), ledger.Balance{Polled: 5, Pending: 1}},
		"delivered, and lost here":      {1, told(5, 2, 0, true), ledger.Balance{Polled: 5, Pending: 2, Unexplained: 2}},
		"given up":                      {3, told(5, 0, 2, true), ledger.Balance{Polled: 5, Lost: 2}},
		"the hour goes on":              {9, told(5, 2, 0, false), ledger.Balance{Polled: 9}},
		"more than it ever issued":      {9, told(5, 0, 0, true), ledger.Balance{Polled: 5, Unexplained: -4}},
		"lost while the hour goes on":   {2, told(5, 0, 0, false), ledger.Balance{Polled: 5, Unexplained: 3}},
		"nothing came, nothing pending": {0, told(5, 0, 0, true), ledger.Balance{Polled: 5, Unexplained: 5}},
	} {
		if got := (ledger.Hour{Stored: c.stored, Told: c.told}).Balance(); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestAccount holds that what gateways say is kept by device, hour and epoch,
// that the newest counts, that nothing is taken back but what is pending, and
// that an epoch that is over has nothing pending.
func TestAccount(t *testing.T) {
	l := open(t, ledger.Options{})
	number := uint64(0)
	say := func(gw devices.ID, epoch uint64, now telemetry.Millis, hours ...wire.AccountHour) {
		t.Helper()
		number++
		d := intake.Decoded{Number: number, From: gw, Account: &wire.Account{V: 1, Epoch: epoch, Now: now, Hours: hours}}
		if err := l.Handle(t.Context(), []intake.Decoded{d}); err != nil {
			t.Fatal(err)
		}
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	told := func(device devices.ID) ledger.Told {
		t.Helper()
		all, err := l.Ledger(t.Context(), device, t0, t0+hour)
		if err != nil || len(all) != 1 || all[0].Told == nil || all[0].Device != device {
			t.Fatalf("%+v, %v", all, err)
		}
		return *all[0].Told
	}
	a := func(polled, pending, lost uint64) wire.AccountHour {
		return wire.AccountHour{Device: "a", Hour: t0, Polled: polled, Pending: pending, Lost: lost}
	}
	say("gw", 1, t0+hour/2, a(10, 4, 0), wire.AccountHour{Device: "b", Hour: t0, Polled: 7})
	say("gw", 1, t0+2*hour, a(12, 0, 3))
	if got, want := told("a"), (ledger.Told{Polled: 12, Lost: 3, Final: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := told("b"), (ledger.Told{Polled: 7}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	say("gw", 1, t0+2*hour, a(5, 2, 1)) // it had to count anew
	if got, want := told("a"), (ledger.Told{Polled: 12, Pending: 2, Lost: 3, Final: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, err := l.Pending(t.Context()); err != nil || !reflect.DeepEqual(got, map[devices.ID]int64{"gw": 2}) {
		t.Errorf("pending: %v, %v", got, err)
	}
	say("gw", 2, t0+2*hour, a(4, 1, 0)) // it lost its spool
	if got, want := told("a"), (ledger.Told{Polled: 16, Pending: 1, Lost: 3, Final: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	say("other", 1, t0+2*hour, a(3, 0, 0)) // the device moved
	if got, want := told("a"), (ledger.Told{Polled: 19, Pending: 1, Lost: 3, Final: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	say("gw", 2, t0+2*hour, a(3, 0, 0)) // what was pending belongs to another hour, since the clock was set
	if got, want := told("a"), (ledger.Told{Polled: 18, Lost: 3, Final: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	say("gw", 2, t0+2*hour, wire.AccountHour{Device: "a", Hour: t0 - 100*hour})
	if all, err := l.Ledger(t.Context(), "a", t0-101*hour, t0); err != nil || len(all) != 0 {
		t.Errorf("an hour of which nothing is left is shown: %+v, %v", all, err)
	}
}
