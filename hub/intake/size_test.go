package intake

import (
	"fmt"
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

// A cursor holds so much; beyond that a replay after a crash would begin at the
// last state that fitted.
func TestStateOfALargeStreetFitsACursor(t *testing.T) {
	const devices = 5000
	plain, packed := len(street(devices).Save(nil)), len(pack(street(devices)))
	t.Logf("%d devices: %d bytes, packed %d", devices, plain, packed)
	if packed > journal.MaxState/2 {
		t.Errorf("the state of %d devices takes %d bytes, a cursor has room for %d", devices, packed, journal.MaxState)
	}
}

func BenchmarkPack(b *testing.B) {
	d := street(5000)
	for b.Loop() {
		pack(d)
	}
}
