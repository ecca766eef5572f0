package commands

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// TestCrashesChangeNothing has the same messages come calmly, and over restarts
// with repeats of what came before: every command ends the same.
func TestCrashesChangeNothing(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 7))
			calm, hard := fmt.Sprintf("calm-%04d", seed), fmt.Sprintf("hard-%04d", seed)
			d.online["gw-1"] = true
			v := 1.0
			for _, id := range []string{calm, hard} {
				if _, err := d.Command(t.Context(), Request{ID: id, Device: "siren-1", Control: "siren", Value: &v}); err != nil {
					t.Fatal(err)
				}
			}
			pass(time.Second)
			told := story(r, telemetry.At(time.Now()))
			for _, h := range told {
				d.hear(h(calm))
			}
			for k := 0; k < len(told); k++ {
				d.hear(told[k](hard))
				switch r.IntN(4) {
				case 0: // the program dies, and has not saved how far it had read
					d.stop()
					d.start(Default())
					k = max(-1, k-1-r.IntN(3))
				case 1:
					d.hear(told[r.IntN(k+1)](hard))
				}
			}
			a, err := d.Get(t.Context(), "siren-1", calm)
			b, err2 := d.Get(t.Context(), "siren-1", hard)
			if x, y := shape(a), shape(b); err != nil || err2 != nil || x != y {
				t.Fatalf("seed %d: %v %v\n%s, undisturbed\n%s", seed, err, err2, y, x)
			}
			pass(5 * time.Minute) // what has no end yet expires
		}
	})
}

// story is what a gateway and strangers say of a command, in any order.
func story(r *rand.Rand, now telemetry.Millis) (all []func(id string) Heard) {
	for range 2 + r.IntN(5) {
		state := []string{wire.Accepted, wire.Executed, wire.Failed, wire.Refused, "nonsense"}[r.IntN(5)]
		from := []devices.ID{"gw-1", "gw-1", "gw-2"}[r.IntN(3)]
		at := now + telemetry.Millis(r.IntN(500))
		all = append(all, func(id string) Heard {
			b, _ := json.Marshal(wire.Result{V: wire.Version, ID: id, State: state, At: at}) // plain values
			return Heard{From: from, Topic: wire.Reply, Body: b, At: now + 500}
		})
	}
	return all
}

// shape is all of a command but its names and how often it was sent.
func shape(i Instruction) string {
	i.ID, i.Number, i.Sends, i.LastSent = "", 0, 0, 0
	b, _ := json.Marshal(i) // plain values
	return string(b)
}
