package tasks

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"gridhub/devices/telemetry"
)

// Packed are the bytes of a digest, for the tests outside: two that pack alike
// count alike.
func Packed(d Digest) []byte { return d.encode() }

// TestAKeptDigestIsTheFold ends random histories in every way and holds what is
// kept of them against the fold, at instants soon after the end and long after.
func TestAKeptDigestIsTheFold(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 3))
	kept, left := 0, 0
	for range 3000 {
		p := &Pool{byCode: map[string]Matter{"": {Limits: limits(rng)}}, basis: map[string]string{"": "b"}, cal: OfficeHours(china).With(autumn)}
		s := tell(rng)
		ends := [][]EventType{{Claimed, Checked, Closed}, {Closed, Noted}, {Voided}, {Merged}, {Closed, Archived}}
		for _, end := range ends[rng.IntN(len(ends))] {
			s.pass(3000)
			s.add(end, Body{})
		}
		c := Fold(s.events)
		was := p.settle(s.events, &c)
		if was.bytes == nil {
			left++
			continue
		}
		kept++
		d, err := decodeDigest(was.bytes, names{})
		if err != nil || !bytes.Equal(d.encode(), was.bytes) {
			t.Fatalf("%v\n%x, packed again\n%x", err, was.bytes, d.encode())
		}
		for range 3 {
			at := was.ended + 1 + telemetry.Millis(rng.Int64N(int64(400*24*time.Hour/time.Millisecond)))
			if then := p.digest(s.events, at); !bytes.Equal(then.encode(), was.bytes) {
				t.Fatalf("at %d the fold says\n%+v, kept is\n%+v", at, then, d)
			}
		}
	}
	if kept < 2000 || left == 0 {
		t.Errorf("%d histories were kept and %d were not", kept, left)
	}
}

// FuzzKeptDigests holds that foreign bytes are refused, or packed again as they
// came.
func FuzzKeptDigests(f *testing.F) {
	d := Digest{Case: Case{State: Closed, Grid: "G01", Reported: 5, Times: map[EventType]telemetry.Millis{Reported: 5, Closed: 9},
		Clocks: []Clock{{Name: "handle", Started: 6, Due: 8, Stopped: 9}}, Passes: []Pass{{Kind: Returned, From: "ES", Got: 6, Gave: 7}}}}
	d.stays.all = []Stay{{Department: Desk, From: 5, To: 9}}
	f.Add(d.encode())
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := decodeDigest(b, names{})
		if err != nil {
			if !errors.Is(err, errDigest) {
				t.Error(err)
			}
			return
		}
		again, err := decodeDigest(d.encode(), names{})
		if err != nil || !bytes.Equal(again.encode(), d.encode()) {
			t.Errorf("%x, then %x, %v", d.encode(), again.encode(), err)
		}
	})
}
