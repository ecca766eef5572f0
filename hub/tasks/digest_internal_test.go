package tasks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
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

// TestTheFormatOfDigestsIsRaised holds that what is kept of some cases is what it
// was: who changes the layout, the fold or the clocks so that it is not, raises
// digestFormat, and puts the new sum here.
func TestTheFormatOfDigestsIsRaised(t *testing.T) {
	const format, want = 1, "7f852b0208137eef"
	p := &Pool{byCode: map[string]Matter{"M": {Limits: []Limit{
		{Name: "arrive", From: Dispatched, Until: Onscene, Kind: Emergency, Value: "20m"},
		{Name: "handle", From: Dispatched, Until: Claimed, Kind: WorkingHours, Value: "4h"},
		{Name: "check", From: Claimed, Until: Checked, Kind: CalendarHours, Value: "2h"}}}}, cal: OfficeHours(china).With(autumn)}
	h := sha256.New()
	for _, told := range []string{
		"filed dispatched:ES accepted onscene claimed checked closed",
		"filed dispatched:ES returned dispatched:UM onscene claimed rework claimed checked closed archived",
		"filed suspended resumed dispatched:ES extended suspended graded resumed claimed checked closed",
		"filed dispatched:ES ordered:UT taken done joined:x claimed checked closed noted",
		"rejected",
		"filed dispatched:ES voided",
	} {
		var events []Event
		at := telemetry.At(began)
		for step := range strings.FieldsSeq("reported " + told) {
			name, about, _ := strings.Cut(step, ":")
			e := Event{Case: "c", Seq: uint64(len(events)) + 1, Type: EventType(name), At: at, Server: at}
			switch at += 50 * 60_000; e.Type {
			case Reported:
				e.Body = Body{Matter: "M", Source: "hotline", Severity: "minor", Grid: "G01", Department: "ES"}
			case Dispatched:
				e.Body = Body{Department: about, Assignee: "p-1"}
			case Ordered:
				e.Body = Body{Department: about, Order: 1, Must: true}
			case Taken, Done:
				e.Body.Order = 1
			case Joined:
				e.Body = Body{Other: "x", Since: events[0].At - 1000}
			case Graded:
				e.Body.Severity = "major"
			case Extended:
				e.Body.Until = at + 100*60_000
			}
			events = append(events, e)
		}
		c := Fold(events)
		h.Write(p.settle(events, &c).bytes)
	}
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != want || digestFormat != format {
		t.Errorf("format %d makes %s, want format %d and %s", digestFormat, got, format, want)
	}
}
