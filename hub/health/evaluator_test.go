package health

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

const dawn = telemetry.Millis(1_760_000_000_000)

// street drives an Evaluator as the intake does.
type street struct {
	t testing.TB
	*Evaluator
	now   telemetry.Millis
	seen  map[string]Outage // newest word on each
	order []string
}

func newStreet(t testing.TB) *street {
	return &street{t: t, Evaluator: NewEvaluator(nil), now: dawn, seen: map[string]Outage{}}
}

func (s *street) note(all []Outage) {
	for _, f := range all {
		if _, known := s.seen[f.ID]; !known {
			s.order = append(s.order, f.ID)
		}
		s.seen[f.ID] = f
	}
}

// message is told at now, and time stands behind it.
func (s *street) message(tell func()) {
	s.note(s.Advance(s.now))
	tell()
	s.note(s.Advance(s.now))
}

func (s *street) pass(d time.Duration) { s.now = s.now.Add(d) }

// wait passes time while somebody looks now and then.
func (s *street) wait(d time.Duration) {
	s.pass(d)
	s.note(s.Advance(s.now))
}

func dev(line string, i int) devices.ID { return devices.ID(fmt.Sprintf("%s-%02d", line, i)) }

// stock is a gateway with lines of so many devices, each read every 10 s.
func stock(lines map[string]int) *wire.Stock {
	s := &wire.Stock{V: 1}
	for line, n := range lines {
		for i := range n {
			s.Devices = append(s.Devices, wire.Entry{ID: dev(line, i), Kind: "gas", Line: line, Period: 10_000,
				Metrics: []wire.Metric{{Name: "battery", Unit: "%"}}})
		}
	}
	return s
}

// up brings a gateway online with its lines.
func (s *street) up(gw devices.ID, lines map[string]int, program, machine time.Duration) {
	s.message(func() {
		s.Heard(s.now, gw)
		s.Inventory(s.now, gw, stock(lines))
	})
	s.pass(20 * time.Millisecond)
	s.message(func() {
		s.Evaluator.Presence(s.now, gw, &wire.Presence{V: 1, Online: true, Program: program.Milliseconds(), Machine: machine.Milliseconds()})
	})
}

func (s *street) lost(gw devices.ID) {
	s.message(func() { s.Evaluator.Presence(s.now, gw, &wire.Presence{V: 1, Cause: "connection lost"}) })
}

// read is one reading of a device; no cause: it answered.
func (s *street) read(gw, id devices.ID, cause string) {
	s.message(func() {
		s.Heard(s.now, gw)
		if cause != "" {
			s.Failed(s.now-100, id, cause)
			return
		}
		s.Answered(&telemetry.Point{Device: id, At: s.now - 100, Fields: []telemetry.Field{{Metric: "battery", Value: 80}}})
	})
}

// round reads all devices of all lines for so long; broken says who does not
// answer, and why.
func (s *street) rounds(gw devices.ID, lines map[string]int, d time.Duration, broken func(devices.ID) string) {
	for end := s.now.Add(d); s.now < end; {
		for _, line := range slices.Sorted(mapsKeys(lines)) {
			for i := range lines[line] {
				s.read(gw, dev(line, i), broken(dev(line, i)))
				s.pass(300 * time.Millisecond)
			}
		}
		s.pass(10*time.Second - time.Duration(len(lines))*300*time.Millisecond)
	}
}

func mapsKeys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func nothing(devices.ID) string { return "" }

func on(line, cause string) func(devices.ID) string {
	return func(id devices.ID) string {
		if strings.HasPrefix(string(id), line) {
			return cause
		}
		return ""
	}
}

// expect compares the faults that ever were: cause, subject, number of devices,
// open or not.
func (s *street) expect(want ...string) {
	s.t.Helper()
	got := []string{}
	for _, id := range s.order {
		f := s.seen[id]
		name := string(f.Subject.Device)
		if name == "" {
			name = strings.TrimSuffix(string(f.Subject.Gateway)+"/"+f.Subject.Line, "/")
		}
		text := fmt.Sprintf("%s %s x%d", f.Cause, name, len(f.Devices))
		if f.Was != "" {
			text += " was " + string(f.Was)
		}
		if !f.Open() {
			text += " over"
		}
		if f.Into != "" {
			text += " into " + string(s.seen[f.Into].Cause)
		}
		got = append(got, text)
		if f.Why[0].ZH == "" || f.Why[0].EN == "" || len(f.Next) == 0 || f.Since > f.Found || strings.Contains(fmt.Sprint(f.Why, f.Next), "%!") {
			s.t.Errorf("fault without reasons: %+v", f)
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("faults\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestOneDeadLineIsOneFault(t *testing.T) {
	for _, cause := range []string{"timeout", "damaged", "line-down"} {
		s := newStreet(t)
		lines := map[string]int{"a": 32, "b": 3}
		s.up("gw", lines, time.Hour, time.Hour)
		s.rounds("gw", lines, time.Minute, nothing)
		s.rounds("gw", lines, 3*time.Minute, on("a", cause))
		s.expect("line gw/a x32")
		// They return one after the other, since silent ones are asked seldom.
		s.rounds("gw", lines, 10*time.Second, func(id devices.ID) string {
			if id == "a-00" || id[0] != 'a' {
				return ""
			}
			return cause
		})
		s.expect("line gw/a x31")
		s.rounds("gw", lines, 20*time.Second, nothing)
		s.expect("line gw/a x32 over")
	}
}

func TestCausesAreToldApart(t *testing.T) {
	lines := map[string]int{"a": 6, "b": 3, "c": 1}
	tests := []struct {
		name string
		run  func(s *street)
		want []string
	}{
		{"nothing is wrong", func(s *street) { s.rounds("gw", lines, 5*time.Minute, nothing) }, nil},
		{"one failed reading is a disturbance", func(s *street) {
			s.read("gw", "a-02", "timeout")
			s.pass(5 * time.Second)
			s.rounds("gw", lines, time.Minute, nothing)
		}, nil},
		{"one sensor", func(s *street) { s.rounds("gw", lines, 3*time.Minute, on("a-02", "timeout")) }, []string{"sensor a-02 x1"}},
		{"one sensor, back again", func(s *street) {
			s.rounds("gw", lines, 3*time.Minute, on("a-02", "exception-2"))
			s.rounds("gw", lines, time.Minute, nothing)
		}, []string{"sensor a-02 x1 over"}},
		{"the only one of its line", func(s *street) { s.rounds("gw", lines, 3*time.Minute, on("c", "timeout")) }, []string{"sensor c-00 x1"}},
		{"an adapter pulled out", func(s *street) { s.rounds("gw", lines, time.Minute, on("c", "line-down")) }, []string{"line gw/c x1"}},
		{"a whole line", func(s *street) {
			s.rounds("gw", lines, 3*time.Minute, on("a", "timeout"))
		}, []string{"line gw/a x6"}},
		{"a cable broken in the middle", func(s *street) {
			s.rounds("gw", lines, 3*time.Minute, func(id devices.ID) string {
				if id == "a-03" || id == "a-04" || id == "a-05" {
					return "timeout"
				}
				return ""
			})
		}, []string{"line gw/a x3"}},
		{"the sensors' supply", func(s *street) {
			s.rounds("gw", lines, 3*time.Minute, func(devices.ID) string { return "timeout" })
		}, []string{"power gw x10"}},
		{"the network was cut", func(s *street) {
			s.pass(45 * time.Second)
			s.lost("gw")
			s.wait(5 * time.Minute)
			s.up("gw", lines, time.Hour, time.Hour)
			s.rounds("gw", lines, time.Minute, nothing)
		}, []string{"uplink gw x10 over"}},
		{"the gateway had no power", func(s *street) {
			s.pass(45 * time.Second)
			s.lost("gw")
			s.wait(5 * time.Minute)
			s.up("gw", lines, 15*time.Second, 20*time.Second)
		}, []string{"power gw x10 was uplink over"}},
		{"no power, and back before the will", func(s *street) {
			s.pass(40 * time.Second)
			s.lost("gw")
			s.wait(21 * time.Second)
			s.up("gw", lines, 20*time.Second, 50*time.Second)
		}, []string{"power gw x10 was uplink over"}},
		{"its program was restarted", func(s *street) {
			s.lost("gw")
			s.wait(2 * time.Minute)
			s.up("gw", lines, 10*time.Second, time.Hour)
		}, []string{"gateway gw x10 was uplink over"}},
		{"its program was stopped", func(s *street) {
			s.message(func() { s.Evaluator.Presence(s.now, "gw", &wire.Presence{V: 1, Cause: "stopped"}) })
			s.wait(2 * time.Minute)
		}, []string{"gateway gw x10"}},
		{"back at once", func(s *street) {
			s.lost("gw")
			s.wait(10 * time.Second)
			s.up("gw", lines, time.Hour, time.Hour)
			s.rounds("gw", lines, time.Minute, nothing)
		}, nil},
		{"connected and mute", func(s *street) {
			s.wait(4 * time.Minute)
		}, []string{"gateway gw x10"}},
		{"one device is never spoken of", func(s *street) {
			s.rounds("gw", map[string]int{"a": 5, "b": 3, "c": 1}, 5*time.Minute, nothing)
		}, []string{"sensor a-05 x1"}},
		{"a flat battery", func(s *street) {
			s.message(func() {
				s.Answered(&telemetry.Point{Device: "a-02", At: s.now, Fields: []telemetry.Field{{Metric: "battery", Value: 7}}})
			})
			s.pass(time.Second)
			s.rounds("gw", lines, 3*time.Minute, on("a-02", "silent"))
		}, []string{"power a-02 x1"}},
		{"the hub was away, its gateway was not", func(s *street) {
			s.pass(2 * time.Hour)
			s.Began(s.now)
			s.wait(time.Minute)
			s.up("gw", lines, 3*time.Hour, 3*time.Hour)
			s.rounds("gw", lines, time.Minute, nothing)
		}, nil},
		{"the hub was away, and its gateway does not return", func(s *street) {
			s.pass(2 * time.Hour)
			s.Began(s.now)
			s.wait(4 * time.Minute)
		}, []string{"uplink gw x10"}},
		{"a line dead, then the gateway away", func(s *street) {
			s.rounds("gw", lines, 3*time.Minute, on("b", "timeout"))
			s.lost("gw")
			s.wait(2 * time.Minute)
			s.up("gw", lines, time.Hour, time.Hour)
			s.rounds("gw", lines, time.Minute, nothing)
		}, []string{"line gw/b x3 over", "uplink gw x10 over"}},
		{"yesterday's failures raise nothing", func(s *street) {
			s.message(func() {
				for range 5 {
					s.Failed(s.now.Add(-24*time.Hour), "a-02", "timeout")
				}
			})
			s.rounds("gw", lines, time.Minute, nothing)
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStreet(t)
			s.up("gw", lines, time.Hour, time.Hour)
			s.rounds("gw", lines, time.Minute, nothing)
			tt.run(s)
			s.expect(tt.want...)
		})
	}
}

func TestMaintenanceIsSilent(t *testing.T) {
	s := newStreet(t)
	lines := map[string]int{"a": 4}
	hidden := map[devices.ID]bool{"a-01": true}
	s.Evaluator = NewEvaluator(func(id devices.ID) bool { return hidden[id] })
	st := stock(lines)
	st.Devices[2].Maintenance = true
	s.message(func() { s.Heard(s.now, "gw"); s.Inventory(s.now, "gw", st) })
	s.rounds("gw", lines, 5*time.Minute, func(id devices.ID) string {
		if id == "a-01" || id == "a-02" {
			return "timeout"
		}
		return ""
	})
	s.expect()
	delete(hidden, "a-01")
	s.Reconsider()
	s.wait(time.Second)
	s.expect("sensor a-01 x1")
}

// A device that begins a line's silence is not called broken on the way.
func TestSlowLineIsNotCalledSensorsFirst(t *testing.T) {
	s := newStreet(t)
	lines := map[string]int{"a": 32}
	s.up("gw", lines, time.Hour, time.Hour)
	s.rounds("gw", lines, time.Minute, nothing)
	for range 3 { // each attempt takes two seconds, the first is asked again before the last was
		for i := range 32 {
			s.read("gw", dev("a", i), "timeout")
			s.pass(2 * time.Second)
			if i > 5 {
				s.read("gw", dev("a", 0), "timeout")
				s.pass(2 * time.Second)
			}
		}
	}
	s.expect("line gw/a x32")
}

// step is one thing that happens.
type step struct {
	at    telemetry.Millis
	tell  func(e *Evaluator)
	began bool // the hub starts: nobody listened before
}

// history makes a random morning of two gateways.
func history(r *rand.Rand, n int) (all []step) {
	now := dawn
	lines := map[string]int{"a": 5, "b": 2}
	bad := map[devices.ID]string{}
	for _, gw := range []devices.ID{"gw-1", "gw-2"} {
		st := stock(lines)
		for i := range st.Devices {
			st.Devices[i].ID = gw + "." + st.Devices[i].ID
		}
		all = append(all, step{at: now, tell: func(e *Evaluator) { e.Inventory(now, gw, st); e.Heard(now, gw) }})
	}
	for range n {
		now += telemetry.Millis(r.IntN(4000))
		at, gw := now, devices.ID(fmt.Sprintf("gw-%d", 1+r.IntN(2)))
		id := gw + "." + dev([]string{"a", "b"}[r.IntN(2)], r.IntN(5))
		switch k := r.IntN(60); {
		case k == 0:
			all = append(all, step{at: at, tell: func(e *Evaluator) { e.Presence(at, gw, &wire.Presence{Cause: "connection lost"}) }})
			now += telemetry.Millis(r.IntN(200_000))
		case k == 1:
			up := int64(r.IntN(300_000))
			all = append(all, step{at: at, tell: func(e *Evaluator) {
				e.Presence(at, gw, &wire.Presence{Online: true, Program: up, Machine: 2 * up})
			}})
		case k == 2:
			now += telemetry.Millis(r.IntN(1_000_000))
			at = now
			all = append(all, step{at: at, began: true})
		case k < 8:
			bad[id] = []string{"timeout", "line-down", "", "", "damaged"}[r.IntN(5)]
		default:
			cause := bad[id]
			all = append(all, step{at: at, tell: func(e *Evaluator) {
				e.Heard(at, gw)
				if cause != "" {
					e.Failed(at-50, id, cause)
				} else {
					e.Answered(&telemetry.Point{Device: id, At: at - 50})
				}
			}})
		}
	}
	return all
}

// play runs a history; look and crash happen in between as r likes.
func play(t *testing.T, all []step, r *rand.Rand) map[string]string {
	e, seen := NewEvaluator(nil), map[string]string{}
	note := func(fs []Outage) {
		for _, f := range fs {
			b, _ := json.Marshal(f)
			seen[f.ID] = string(b)
		}
	}
	for i, s := range all {
		if r != nil && i > 0 && r.IntN(3) == 0 { // a clock looks in
			if gap := s.at - all[i-1].at; gap > 1 && !s.began {
				note(e.Advance(all[i-1].at + telemetry.Millis(r.IntN(int(gap)))))
			}
		}
		if r != nil && r.IntN(20) == 0 { // a restart
			b, err := e.State()
			if err != nil {
				t.Fatal(err)
			}
			e = NewEvaluator(nil)
			if err := e.Restore(b); err != nil {
				t.Fatal(err)
			}
		}
		if s.began {
			e.Began(s.at)
		} else {
			note(e.Advance(s.at))
			s.tell(e)
		}
		note(e.Advance(s.at))
		for key, f := range e.state.Open {
			if f.key != key || f.Subject.Line != "" && f.Subject.Device != "" && coveredBy(e, f) {
				t.Fatalf("a sensor's fault beside its line's: %+v", f)
			}
		}
	}
	return seen
}

func coveredBy(e *Evaluator, f *Outage) bool {
	l := e.state.Open[lineKey(f.Subject.Gateway, f.Subject.Line)]
	return l != nil && slices.Contains(l.Devices, f.Subject.Device)
}

// Whenever somebody looks and however often the hub is restarted with its saved
// state, the same faults are found with the same words.
func TestReplayFindsTheSameFaults(t *testing.T) {
	faults := 0
	for seed := range uint64(150) {
		all := history(rand.New(rand.NewPCG(seed, 1)), 400)
		want := play(t, all, nil)
		faults += len(want)
		for k := range uint64(3) {
			if got := play(t, all, rand.New(rand.NewPCG(seed, 2+k))); !reflect.DeepEqual(got, want) {
				for id := range want {
					if got[id] != want[id] {
						t.Logf("want %s\ngot  %s", want[id], got[id])
					}
				}
				for id := range got {
					if want[id] == "" {
						t.Logf("more %s", got[id])
					}
				}
				t.Fatalf("seed %d.%d differs", seed, k)
			}
		}
	}
	if faults < 300 {
		t.Errorf("only %d faults, little is shown", faults)
	}
}

func TestClocks(t *testing.T) {
	s := newStreet(t)
	s.up("gw", map[string]int{"a": 3}, time.Hour, time.Hour)
	s.Clock(s.now, "gw", 25*time.Hour)
	s.Clock(s.now, "gw-ok", 300*time.Millisecond)
	for i := range 5 {
		s.pass(10 * time.Second)
		s.Lag(s.now, "a-00", time.Duration(i)*time.Hour) // what was held back comes between
		s.Lag(s.now, "a-00", 2*time.Second)
		s.Lag(s.now, "a-01", -time.Hour)
		s.Lag(s.now, "a-02", 8*time.Hour+time.Duration(i)*time.Second)
	}
	want := map[devices.ID]ClockState{
		"gw":    {ID: "gw", Offset: 90_000_000, Heard: s.now - 50_000, Bad: true, Rule: Corrected},
		"gw-ok": {ID: "gw-ok", Offset: 300, Heard: s.now - 50_000, Rule: Kept},
		"a-00":  {ID: "a-00", Reader: "gw", Offset: 0, Heard: s.now, Rule: Kept},
		"a-01":  {ID: "a-01", Reader: "gw", Offset: -3_600_000, Heard: s.now, Bad: true, Rule: Ignored},
		"a-02":  {ID: "a-02", Reader: "gw", Offset: 28_800_000, Heard: s.now, Bad: true, Rule: Flagged},
	}
	got := s.Clocks()
	if len(got) != len(want) || got[3].Bad || !got[2].Bad {
		t.Errorf("%+v", got)
	}
	for _, c := range got {
		if c != want[c.ID] {
			t.Errorf("%+v, want %+v", c, want[c.ID])
		}
	}
}
