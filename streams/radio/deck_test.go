package radio

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gridhub/streams/sfu"
	"gridhub/streams/talk"
)

var start = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

// rack is a deck with a clock of its own; it keeps what each device was played.
type rack struct {
	*deck
	now   time.Time
	got   map[string][]sfu.Frame
	dark  map[string]bool
	notes []note
}

func newRack(listeners ...string) *rack {
	r := &rack{deck: newDeck(), now: start, got: map[string][]sfu.Frame{}, dark: map[string]bool{}}
	r.play = func(device string, f sfu.Frame) bool {
		if r.dark[device] {
			return false
		}
		r.got[device] = append(r.got[device], f)
		return true
	}
	r.voice = func(string, time.Time) (*sfu.Voice, bool) { return nil, false }
	r.note, r.later = func(n note) { r.notes = append(r.notes, n) }, func() {}
	for _, l := range listeners {
		r.admit(l, talk.Person(l), nil, r.now)
	}
	return r
}

// pass lets time go by, a millisecond after the other as the clock asks for it.
func (r *rack) pass(d time.Duration) {
	for end := r.now.Add(d); ; {
		next, ok := r.tick(r.now)
		if !ok || next.After(end) {
			r.now = end
			r.tick(r.now)
			return
		}
		r.now = next
	}
}

func (r *rack) burst(n uint64, p string, high talk.Priority) {
	r.begin(talk.Burst{Number: n, Person: talk.Person(p), Priority: high, From: r.now}, p, r.now)
}

// says sends n packets of 20 ms in real time; each holds the burst's number.
func (r *rack) says(p string, burst byte, n int, payload ...byte) {
	for range n {
		f := sfu.Frame{Seq: uint64(r.now.UnixMilli()) / 20, TS: uint32(r.now.Sub(start).Milliseconds() * 48), Arrived: r.now, Payload: append([]byte{burst}, payload...)}
		r.sound(p, f, r.now)
		r.pass(20 * time.Millisecond)
	}
}

var loud = []byte{1, 2, 3, 4}

func (r *rack) heardOf(device string, burst byte) (n int) {
	for _, f := range r.got[device] {
		if f.Payload[0] == burst {
			n++
		}
	}
	return n
}

func TestTheLateOneIsPlayedInItsTime(t *testing.T) {
	r := newRack("wang", "li")
	r.burst(1, "wang", talk.Normal)
	r.says("wang", 1, 500, loud...) // ten seconds
	if n := r.heardOf("li", 1); n != 500 {
		t.Fatalf("who is there heard %d of 500", n)
	}
	r.admit("zhao", "zhao", []talk.Burst{{Number: 1}}, r.now)
	r.tick(r.now)
	if n := r.heardOf("zhao", 1); n != 26 {
		t.Errorf("the late one was given %d packets at once, want those of half a second", n)
	}
	r.pass(5 * time.Second)
	if n := r.heardOf("zhao", 1); n != 276 {
		t.Errorf("after 5 s it was given %d, want 276", n)
	}
	r.end(r.now)
	r.burst(2, "li", talk.Normal)
	r.says("li", 2, 50, loud...)
	if a, b := r.heardOf("wang", 2), r.heardOf("zhao", 2); a != 50 || b != 0 {
		t.Errorf("of the next burst wang heard %d, the late one %d: want all, and nothing before its turn", a, b)
	}
	r.end(r.now)
	r.pass(10 * time.Second)
	if a, b := r.heardOf("zhao", 1), r.heardOf("zhao", 2); a != 500 || b != 50 {
		t.Errorf("in the end the late one heard %d and %d", a, b)
	}
	if len(r.waiting("zhao")) != 0 {
		t.Errorf("%v wait", r.waiting("zhao"))
	}
	inOrder(t, r.got["zhao"])
}

// inOrder checks that a stream's numbers are without a gap and its times go up.
func inOrder(t *testing.T, got []sfu.Frame) {
	t.Helper()
	for i := 1; i < len(got); i++ {
		if got[i].Seq != got[i-1].Seq+1 || got[i].TS == got[i-1].TS || got[i].TS-got[i-1].TS > 1<<31 {
			t.Fatalf("packet %d is %d/%d after %d/%d", i, got[i].Seq, got[i].TS, got[i-1].Seq, got[i-1].TS)
		}
	}
}

func TestAnEmergencyIsHeardAtOnce(t *testing.T) {
	r := newRack("wang", "li")
	r.burst(1, "wang", talk.Normal)
	r.says("wang", 1, 200, loud...)
	r.end(r.now)
	r.admit("zhao", "zhao", []talk.Burst{{Number: 1}}, r.now)
	r.pass(time.Second)
	r.burst(2, "li", talk.Emergency)
	r.says("li", 2, 10, loud...)
	if n := r.heardOf("zhao", 2); n != 10 {
		t.Errorf("zhao, who was hearing an old burst, heard %d of the emergency's 10", n)
	}
	if w := r.waiting("zhao"); !slices.Equal(w, []uint64{2, 1}) {
		t.Errorf("%v wait, want the emergency and again the old one", w)
	}
	r.end(r.now)
	r.pass(10 * time.Second)
	if n := len(r.waiting("zhao")); n != 0 {
		t.Errorf("%d wait in the end", n)
	}
	inOrder(t, r.got["zhao"])
}

func TestWhoCannotBeReachedGoesOnWhereItBroke(t *testing.T) {
	r := newRack("wang", "li")
	r.burst(1, "wang", talk.Normal)
	r.says("wang", 1, 50, loud...)
	r.dark["li"] = true
	r.says("wang", 1, 100, loud...)
	r.dark["li"] = false
	r.says("wang", 1, 50, loud...)
	r.end(r.now)
	r.pass(10 * time.Second)
	if n := r.heardOf("li", 1); n != 200 {
		t.Errorf("heard %d of 200", n)
	}
	inOrder(t, r.got["li"])
}

func TestSilence(t *testing.T) {
	r := newRack("wang", "li")
	r.burst(1, "wang", talk.Normal)
	r.says("wang", 1, 20) // before the first word
	r.says("wang", 1, 50, loud...)
	r.says("wang", 1, 100) // two seconds of nothing
	r.says("wang", 1, 50, loud...)
	r.end(r.now)
	if n := r.heardOf("li", 1); n != 200 {
		t.Errorf("who is there heard %d, want all from the first word on", n)
	}
	late := newRack("wang")
	late.tapes, late.now = r.tapes, r.now
	late.admit("zhao", "zhao", []talk.Burst{{Number: 1}}, late.now)
	late.pass(2500 * time.Millisecond)
	if n := late.heardOf("zhao", 1); n != 100 {
		t.Errorf("the late one was played %d packets in 2.5 s, want the words alone", n)
	}
	inOrder(t, late.got["zhao"])
}

func TestOwnWordsAreNotPlayed(t *testing.T) {
	r := newRack("wang", "li")
	r.burst(1, "wang", talk.Normal)
	r.says("wang", 1, 10, loud...)
	if len(r.got["wang"]) != 0 {
		t.Errorf("wang hears himself: %d packets", len(r.got["wang"]))
	}
}

// TestAnyOrderOfThings lets bursts, listeners, dead spots and time come in any
// order: in the end everybody has heard each burst that concerned them from its
// first packet to its last, and each stream is whole.
func TestAnyOrderOfThings(t *testing.T) {
	for seed := range uint64(500) {
		r := newRack("a", "b", "c")
		rnd := rand.New(rand.NewPCG(seed, 7))
		said := map[byte]int{}
		concerns := map[string][]byte{}
		for n := byte(1); n <= 12; n++ {
			speaker := []string{"a", "b", "c"}[rnd.IntN(3)]
			r.burst(uint64(n), speaker, talk.Priority(rnd.IntN(3)))
			for _, l := range []string{"a", "b", "c"} {
				if l != speaker {
					concerns[l] = append(concerns[l], n)
				}
			}
			for range rnd.IntN(4) {
				r.dark[[]string{"a", "b", "c"}[rnd.IntN(3)]] = rnd.IntN(2) == 0
				k := rnd.IntN(60)
				r.says(speaker, n, k, loud...)
				said[n] += k
			}
			r.end(r.now)
			r.pass(time.Duration(rnd.IntN(900)) * time.Millisecond)
		}
		clear(r.dark)
		r.pass(10 * time.Minute)
		for l, bursts := range concerns {
			for _, n := range bursts {
				if got := r.heardOf(l, n); got < said[n] {
					t.Fatalf("seed %d: %s heard %d of the %d packets of burst %d", seed, l, got, said[n], n)
				}
			}
			if w := r.waiting(l); len(w) != 0 {
				t.Fatalf("seed %d: %v still wait for %s", seed, w, l)
			}
			inOrder(t, r.got[l])
		}
	}
}

func TestTapeIsReadAsItWasWritten(t *testing.T) {
	in := &tape{burst: 7, person: "wang"}
	for i, seq := range []uint64{100, 101, 103, 102} { // one lost, two out of order
		in.add(sfu.Frame{Seq: seq, TS: uint32(seq * 960), Payload: bytes.Repeat([]byte{byte(i + 1)}, 5+i)})
	}
	out, err := Tape{Group: "g", Burst: 7, Person: "wang", Sound: in.encode()}.play()
	if err != nil {
		t.Fatal(err)
	}
	for i := range in.frames {
		if in.seq(i) != out.seq(i) || in.at(i) != out.at(i) || !bytes.Equal(in.frames[i].Payload, out.frames[i].Payload) {
			t.Errorf("frame %d is %+v, was %+v", i, out.frames[i], in.frames[i])
		}
	}
}

func FuzzTape(f *testing.F) {
	in := &tape{}
	for i := range 3 {
		in.add(sfu.Frame{Seq: uint64(i), TS: uint32(i * 960), Payload: []byte(fmt.Sprint("sound", i))})
	}
	f.Add(in.encode())
	f.Add([]byte{0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		tape, err := Tape{Sound: b}.play()
		if err != nil {
			return
		}
		again, err := Tape{Sound: tape.encode()}.play()
		if err != nil || len(again.frames) != len(tape.frames) {
			t.Fatalf("%d frames became %v, %v", len(tape.frames), again, err)
		}
		r := newRack("li")
		tape.done = true
		r.tapes = append(r.tapes, tape)
		r.admit("zhao", "zhao", []talk.Burst{{}}, r.now)
		r.pass(time.Second)
	})
}
