package intake

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// TestWhatWasPassedOverMayStillCome holds that a number below the floor that
// never came is taken when it is offered after all, once, and is then no longer
// missing: a hub that was restored from a backup gets what it lost.
func TestWhatWasPassedOverMayStillCome(t *testing.T) {
	d := NewDecoder()
	fold(d, stock(t0, "gw", "a"), batch(t0, "gw", 1, 0, rec(1, "a", t0, 1)))
	all := fold(d, batch(t0+1000, "gw", 5, 0, rec(5, "a", t0+500, 5)))
	if n := sum(all...)[Tally{Device: "gw", Hour: t0 - t0%hourMillis, Outcome: Missing}]; n != 3 {
		t.Fatalf("%d missing, want 3", n)
	}
	saved, err := LoadDecoder(d.Save(nil))
	if err != nil {
		t.Fatal(err)
	}
	late := batch(t0+2*hourMillis, "gw", 6, 0, rec(3, "a", t0+300, 3), rec(5, "a", t0+500, 5))
	all = append(all, fold(saved, late, late)...)
	if n := sum(all...)[Tally{Device: "gw", Hour: t0 - t0%hourMillis, Outcome: Missing}]; n != 2 {
		t.Errorf("%d missing, want 2", n)
	}
	if a := saved.Acknowledgements("gw"); a[0].Upto != 5 {
		t.Errorf("acknowledged up to %d", a[0].Upto)
	}
	points, repeats := 0, 0
	for _, o := range all[1:] {
		points, repeats = points+len(o.Points), repeats+o.Repeats
	}
	if points != 1 || repeats != 3 {
		t.Errorf("%d points and %d repeats, want 1 and 3", points, repeats)
	}
}

// TestOfAnUnheardNumberingNothingIsMissing holds that a hub without memory
// counts nothing as missing and takes all that is offered again.
func TestOfAnUnheardNumberingNothingIsMissing(t *testing.T) {
	d := NewDecoder()
	all := fold(d, stock(t0, "gw", "a"), batch(t0, "gw", 3, 0, rec(3, "a", t0+300, 3)), batch(t0, "gw", 4, 0, rec(1, "a", t0+100, 1), rec(2, "a", t0+200, 2)))
	for k, n := range sum(all...) {
		if k.Outcome != Stored || n != 3 {
			t.Errorf("%+v: %d", k, n)
		}
	}
}

// TestACopyNamesItsHour holds that a record that was sent before under another
// hour is counted there, whatever becomes of it.
func TestACopyNamesItsHour(t *testing.T) {
	h := t0 - t0%hourMillis
	moved := rec(2, "a", t0, 2)
	moved.Hour = h - 5*hourMillis
	unknown := rec(3, "nobody", t0, 2)
	unknown.Hour = h - 7*hourMillis
	early := rec(4, "a", 1, 2)
	early.Hour = h - 9*hourMillis
	got := sum(fold(NewDecoder(), stock(t0, "gw", "a"), batch(t0, "gw", 1, 0, rec(1, "a", t0, 1), moved, unknown, early))...)
	for k, want := range map[Tally]int64{
		{Device: "a", Hour: h, Outcome: Stored}:                                                1,
		{Device: "a", Hour: h - 5*hourMillis, Outcome: Repeated}:                               0,
		{Device: "nobody", Hour: h - 7*hourMillis, Outcome: Quarantined, Cause: UnknownDevice}: 1,
		{Device: "a", Hour: h - 9*hourMillis, Outcome: Quarantined, Cause: Past}:               1,
	} {
		if got[k] != want {
			t.Errorf("%+v: %d, want %d of %v", k, got[k], want, got)
		}
	}
}

// TestALowerEpochIsAcknowledged holds that a gateway that lost its spool, and had
// no clock when it began another, is acknowledged; and so are two gateways that
// use one identity, each after its own batches.
func TestALowerEpochIsAcknowledged(t *testing.T) {
	d := NewDecoder()
	all := fold(d, stock(t0, "gw", "a"), batch(t0, "gw", 1, 0, rec(1, "a", t0, 1)))
	number := uint64(len(all))
	for _, epoch := range []uint64{3, 7, 3} {
		number++
		d.Fold(number, publish(t0, "gw", wire.Batches, wire.Batch{V: 1, Stream: wire.Data, Epoch: epoch, First: number, Last: number,
			Now: t0, Records: []wire.Record{rec(number, "a", t0+telemetry.Millis(number), 1)}}))
		if got := d.Acknowledgements("gw"); len(got) != 1 || got[0].Epoch != epoch {
			t.Errorf("after a batch of epoch %d: %+v", epoch, got)
		}
	}
}

// TestHolesAgainstASet compares holes with a plain set.
func TestHolesAgainstASet(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var h holes
		set := map[uint64]telemetry.Millis{}
		at := uint64(1)
		for i := range 1 + r.IntN(8) {
			first := at + r.Uint64N(5)
			last := first + r.Uint64N(6)
			at = last + 2
			h.add(hole{span{first, last}, telemetry.Millis(i)})
			for n := first; n <= last; n++ {
				set[n] = telemetry.Millis(i)
			}
		}
		for range 60 {
			n := 1 + r.Uint64N(at)
			hour, ok := h.take(n)
			if want, in := set[n]; ok != in || ok && hour != want {
				t.Fatalf("take %d: %d %v, want %d %v", n, hour, ok, want, in)
			}
			delete(set, n)
			var again holes
			c := &cut{b: h.save(nil)}
			if again.load(c); c.err != nil || !bytes.Equal(again.save(nil), h.save(nil)) {
				t.Fatal("saved and loaded they differ")
			}
		}
	}
}

// TestAMovedDeviceArrivesFromBoth holds that what a former gateway still has of
// a device is taken as long as it names the device, and not longer, and that
// its naming does not take the device back.
func TestAMovedDeviceArrivesFromBoth(t *testing.T) {
	d := NewDecoder()
	retired := func(ids ...devices.ID) []byte {
		s := wire.Stock{V: wire.Version}
		for _, id := range ids {
			s.Devices = append(s.Devices, wire.Entry{ID: id, Kind: "gas", Retired: true})
		}
		return publish(t0, "old", wire.Inventory, s)
	}
	seq := uint64(0)
	accepted := func(gw devices.ID) bool {
		t.Helper()
		seq++
		o := last(fold(d, batch(t0, gw, 1, 0, rec(seq, "a", t0+telemetry.Millis(seq), float64(seq)))))
		return len(o.Points) == 1 && len(o.Refused) == 0
	}
	want := func(what string, old, now bool) {
		t.Helper()
		if o, n := accepted("old"), accepted("new"); o != old || n != now {
			t.Errorf("%s: from the old one %v, from the new one %v; want %v, %v", what, o, n, old, now)
		}
	}
	fold(d, stock(t0, "old", "a"))
	want("before", true, false)
	fold(d, retired("a"))
	want("retired", true, false)
	fold(d, stock(t0, "new", "a"))
	want("moved", true, true)
	fold(d, retired("a")) // it connects again
	want("named on", true, true)
	again, err := LoadDecoder(d.Save(nil))
	if err != nil {
		t.Fatal(err)
	}
	d = again
	want("after a restart", true, true)
	fold(d, retired())
	want("delivered", false, true)
	fold(d, stock(t0, "old", "a"))
	want("moved back", true, true)
	fold(d, stock(t0, "new"))
	want("all over", true, false)
}

// TestAccounts holds that a gateway's account is taken without what it says of
// others' devices, and refused when it makes no sense.
func TestAccounts(t *testing.T) {
	d := NewDecoder()
	fold(d, stock(t0, "gw", "a"), stock(t0, "other", "b"))
	hourly := func(h ...wire.AccountHour) Decoded {
		return last(fold(d, publish(t0, "gw", wire.Ledger, wire.Account{V: wire.Version, Epoch: 1, Now: t0, Hours: h})))
	}
	h := t0 - t0%hourMillis
	o := hourly(wire.AccountHour{Device: "a", Hour: h, Polled: 3, Pending: 2, Lost: 1}, wire.AccountHour{Device: "b", Hour: h, Polled: 9})
	if o.Account == nil || len(o.Account.Hours) != 1 || o.Account.Hours[0].Device != "a" || len(o.Refused) != 0 {
		t.Errorf("%+v, refused %+v", o.Account, o.Refused)
	}
	for name, bad := range map[string]wire.AccountHour{
		"no hour":        {Device: "a", Hour: h + 1, Polled: 1},
		"no device":      {Device: "A b", Hour: h, Polled: 1},
		"more than all":  {Device: "a", Hour: h, Polled: 2, Pending: 2, Lost: 1},
		"wrapped around": {Device: "a", Hour: h, Polled: 1 << 60},
	} {
		if o := hourly(bad); o.Account != nil || len(o.Refused) != 1 {
			t.Errorf("%s: %+v, refused %+v", name, o.Account, o.Refused)
		}
	}
}
