package sfu

import (
	"bytes"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func fill(r *ring, seqs ...uint64) {
	for _, s := range seqs {
		r.push(packet{seq: s, ts: uint32(s), arrived: noon, payload: []byte{byte(s)}})
	}
}

func TestRingFindsBySequence(t *testing.T) {
	r := newRing(4, 1000)
	fill(r, 10, 12, 11, 13)
	for seq := uint64(10); seq <= 13; seq++ {
		if p, ok := r.find(seq); !ok || p.payload[0] != byte(seq) {
			t.Errorf("find %d: %+v, %v", seq, p, ok)
		}
	}
	fill(r, 14) // in the place of 10
	for seq, want := range map[uint64]bool{10: false, 14: true, 18: false, 9: false} {
		if _, ok := r.find(seq); ok != want {
			t.Errorf("find %d: %v, want %v", seq, ok, want)
		}
	}
}

func TestRingIsBounded(t *testing.T) {
	r := newRing(1000, 50)
	for seq := range uint64(20) {
		r.push(packet{seq: seq, arrived: noon, payload: make([]byte, 10)})
	}
	if n := r.next - r.first; n != 5 || r.bytes != 50 {
		t.Errorf("%d packets of %d bytes are kept, want 5 of 50", n, r.bytes)
	}
	r.push(packet{seq: 20, arrived: noon.Add(ringAge + 1), payload: make([]byte, 10)})
	if n := r.next - r.first; n != 1 {
		t.Errorf("%d packets outlive %v", n-1, ringAge)
	}
	if _, at := r.push(packet{seq: 21, arrived: noon, payload: make([]byte, 100_000)}); at != 21 {
		t.Errorf("index %d", at)
	}
	if n := r.next - r.first; n != 1 {
		t.Errorf("a packet above the bound: %d are kept", n)
	}
}

func TestRingCopies(t *testing.T) {
	r := newRing(4, 1000)
	b := []byte("sound")
	p, _ := r.push(packet{seq: 1, payload: b})
	copy(b, "noise")
	if !bytes.Equal(p.payload, []byte("sound")) {
		t.Errorf("the ring shares its caller's bytes: %q", p.payload)
	}
}

func TestSinceKey(t *testing.T) {
	key := func(r *ring, seq uint64) {
		r.push(packet{seq: seq, ts: uint32(seq), key: true, arrived: noon, payload: []byte{0}})
	}
	tests := map[string]struct {
		fill       func(r *ring)
		after      time.Duration
		from, to   uint64
		replayable bool
	}{
		"nothing":            {func(*ring) {}, 0, 0, 0, false},
		"no key frame":       {func(r *ring) { fill(r, 1, 2) }, 0, 0, 0, false},
		"key frame":          {func(r *ring) { fill(r, 1); key(r, 2); fill(r, 3) }, 0, 1, 3, true},
		"out of order":       {func(r *ring) { key(r, 2); fill(r, 4, 1, 3) }, 0, 0, 4, true},
		"newest wins":        {func(r *ring) { key(r, 2); fill(r, 3); key(r, 4) }, 0, 2, 3, true},
		"one is lost":        {func(r *ring) { key(r, 2); fill(r, 4) }, 0, 0, 0, false},
		"too old":            {func(r *ring) { key(r, 2); fill(r, 3) }, replayAge + 1, 0, 0, false},
		"hidden":             {func(r *ring) { key(r, 2); r.hide() }, 0, 0, 0, false},
		"pushed out":         {func(r *ring) { key(r, 2); fill(r, 3, 4, 5, 6, 7, 8, 9, 10) }, 0, 0, 0, false},
		"after being hidden": {func(r *ring) { key(r, 2); r.hide(); key(r, 3) }, 0, 1, 2, true},
	}
	for name, test := range tests {
		r := newRing(8, 1000)
		test.fill(r)
		from, to, ok := r.sinceKey(noon.Add(test.after), replayAge)
		if ok != test.replayable || ok && (from != test.from || to != test.to) {
			t.Errorf("%s: [%d, %d) %v, want [%d, %d) %v", name, from, to, ok, test.from, test.to, test.replayable)
		}
	}
}
