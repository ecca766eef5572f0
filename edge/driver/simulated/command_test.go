package simulated

import (
	"testing"
	"time"

	"gridhub/devices/profile"
	"gridhub/edge/driver"
)

// TestSetStays holds that what a command set is read from then on, on that
// device alone, and that a pulse leaves nothing behind.
func TestSetStays(t *testing.T) {
	lib, err := profile.LoadLibrary("../../../configs/profiles")
	if err != nil {
		t.Fatal(err)
	}
	p := lib["relay-waveshare-8@2"]
	siren, other := driver.Station{ID: "siren-1", Profile: p}, driver.Station{ID: "siren-2", Profile: p}
	line := New(profile.Line{Seed: 1}, nil, time.Now)
	relay := func(s driver.Station) float64 {
		r, err := line.Read(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return r.Values[1].Value
	}
	for _, v := range []float64{1, 0, 1} {
		r, err := line.Write(t.Context(), siren, "relay_2", v)
		if err != nil || r.Values[1].Value != v || relay(siren) != v || relay(other) != 0 {
			t.Errorf("set to %v: %+v, %v; then %v, the other %v", v, r, err, relay(siren), relay(other))
		}
	}
	if _, err := line.Write(t.Context(), siren, "relay_9", 1); driver.Cause(err) != driver.Unfit {
		t.Errorf("no such relay: %v", err)
	}
	pulsed := *p
	pulsed.Controls = []profile.Control{p.Controls[0]}
	pulsed.Controls[0].Pulse = true
	if r, err := line.Write(t.Context(), driver.Station{ID: "door", Profile: &pulsed}, "relay_1", 1); err != nil || r.Values[0].Value != 0 {
		t.Errorf("a pulse stays: %+v, %v", r, err)
	}
}
