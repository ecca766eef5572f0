package intake

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/streams/journal"
)

// street is a decoder that has heard of so many devices behind gateways of
// fifty each, every one with its memory full of noisy values.
func street(n int) *Decoder {
	d, r, number := NewDecoder(), rand.New(rand.NewPCG(1, 1)), uint64(0)
	for g := 0; g*50 < n; g++ {
		gw := devices.ID(fmt.Sprint("gateway-", g))
		var ids []devices.ID
		for i := range 50 {
			ids = append(ids, devices.ID(fmt.Sprint("sensor-", g*50+i)))
		}
		number++
		d.Fold(number, stock(t0, gw, ids...))
		for round := range uint64(recentInstants) {
			var recs []wire.Record
			for i, id := range ids {
				recs = append(recs, wire.Record{Seq: round*50 + uint64(i) + 1, Device: id, At: t0.Add(time.Duration(round) * time.Minute),
					Values: map[string]float64{"ch4": float64(r.IntN(1000)) / 100, "humidity": float64(r.IntN(1000)) / 10, "temp": r.NormFloat64()}})
			}
			number++
			d.Fold(number, batch(t0.Add(time.Duration(round)*time.Minute), gw, 1, 0, recs...))
		}
	}
	return d
}

// streets is one street of 5000 devices, n times under other names: too far
// apart for the packing to notice.
func streets(n int) *Decoder {
	d := street(5000)
	senders, known := maps.Clone(d.senders), maps.Clone(d.devices)
	for i := 1; i < n; i++ {
		for id, s := range senders {
			d.senders[devices.ID(fmt.Sprintf("street-%d-%s", i, id))] = s
		}
		for id, dev := range known {
			d.devices[devices.ID(fmt.Sprintf("street-%d-%s", i, id))] = dev
		}
	}
	return d
}

// TestStateOfAHundredThousandDevicesOutlivesARestart holds that what a decoder
// remembers of many streets fits a cursor with room to spare, and comes back.
func TestStateOfAHundredThousandDevicesOutlivesARestart(t *testing.T) {
	const devices = 100_000
	d, dir := streets(devices/5000), t.TempDir()
	plain, packed := d.Save(nil), pack(d)
	t.Logf("%d devices: %d bytes, packed %d", devices, len(plain), len(packed))
	if len(packed) > journal.MaxState/2 || len(plain) > maxState/2 {
		t.Errorf("the state takes %d bytes, packed %d: a cursor has room for %d", len(plain), len(packed), journal.MaxState)
	}
	j, err := journal.Open(dir, journal.Options{MaxBytes: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	first, err := New(Default(), j, Options{}, idle{})
	if err != nil {
		t.Fatal(err)
	}
	w := first.workers[0]
	w.save(t.Context(), chunk{first: w.pos, next: w.pos, state: packed})
	if s := w.stat(); s.Error != "" {
		t.Fatalf("the cursor was not saved: %s", s.Error)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = journal.Open(dir, journal.Options{MaxBytes: 256 << 20}); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	again, err := New(Default(), j, Options{}, idle{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := unpack(again.workers[0].state)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.Save(nil), plain) {
		t.Error("another state came back")
	}
}

// idle is a consumer that takes everything.
type idle struct{}

func (idle) Name() string                            { return "idle" }
func (idle) Handle(context.Context, []Decoded) error { return nil }

// TestPackingLeavesTimeToDecode holds that a state which takes long to pack is
// taken more rarely.
func TestPackingLeavesTimeToDecode(t *testing.T) {
	s := source{every: 5 * time.Second, saved: time.Unix(100, 0), took: 2 * time.Millisecond}
	if at := s.due(); !at.Equal(time.Unix(105, 0)) {
		t.Errorf("a small state is due at %v", at)
	}
	s.took = time.Second
	if at := s.due(); !at.Equal(time.Unix(130, 0)) {
		t.Errorf("a large state is due at %v", at)
	}
}

func BenchmarkPack(b *testing.B) {
	d := street(5000)
	for b.Loop() {
		pack(d)
	}
}
