package tasks

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/devices/telemetry"
)

// histories is how many random cases are compared with the brute force.
const histories = 100_000

var (
	china = time.FixedZone("CST", 8*3600)
	began = time.Date(2026, 9, 15, 0, 0, 0, 0, china) // before make-up days, mid-autumn and the national day
)

// autumn is 2026 in part, written out once for the calendar and once for the
// brute force.
var autumn = Year{Year: 2026, Breaks: []Break{
	{From: "2026-09-25", To: "2026-09-27"},
	{From: "2026-10-01", To: "2026-10-07", Work: []string{"2026-09-20", "2026-10-10"}},
}}

// limits are those of an invented matter: by severity and by region, each kind,
// with and without pauses and extensions.
func limits(rng *rand.Rand) []Limit {
	kinds := []LimitKind{Emergency, WorkingHours, WorkingDays, CalendarHours, CalendarDays}
	value := func() string {
		return []string{"20m", "90m", "2h", "4h", "1d", "2d", "3d"}[rng.IntN(7)]
	}
	kind := kinds[rng.IntN(len(kinds))]
	return []Limit{
		{Name: "arrive", From: Dispatched, Until: Onscene, Kind: Emergency, Value: value()},
		{Name: "handle", From: Dispatched, Until: Claimed, Kind: kind, Value: value(), When: "severity=critical region=A"},
		{Name: "handle", From: Dispatched, Until: Claimed, Kind: kinds[rng.IntN(len(kinds))], Value: value(), When: "severity=major|critical"},
		{Name: "handle", From: Dispatched, Until: Claimed, Kind: kinds[rng.IntN(len(kinds))], Value: value(), When: "region=B"},
		{Name: "handle", From: Dispatched, Until: Claimed, Kind: kind, Value: value()},
		{Name: "check", From: Claimed, Until: Checked, Kind: kinds[rng.IntN(len(kinds))], Value: value()},
		{Name: "whole", From: Reported, Until: Closed, Kind: kinds[rng.IntN(len(kinds))], Value: value()},
		{Name: "send", From: Filed, Until: Dispatched, Kind: kinds[rng.IntN(len(kinds))], Value: value()},
		{Name: "intake", From: Reported, Until: Filed, Kind: kinds[rng.IntN(len(kinds))], Value: value()},
		{Name: "co-accept", From: Ordered, Until: Taken, Kind: Emergency, Value: value()},
		{Name: "co-handle", From: Ordered, Until: Done, Kind: kinds[rng.IntN(len(kinds))], Value: value()},
		{Name: "co-work", From: Taken, Until: Done, Kind: kinds[rng.IntN(len(kinds))], Value: value()},
	}
}

// TestClocksAgainstMinutes compares the clocks of random histories with a brute
// force that looks at every minute.
func TestClocksAgainstMinutes(t *testing.T) {
	cal := OfficeHours(china).With(autumn)
	b := newBrute()
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			for range histories / workers {
				if fault := b.compare(rng, cal); fault != "" {
					t.Error(fault)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, what := range []string{"extended", "suspended", "graded", "rework", "redispatched", "red", "yellow", "stopped", "due",
		"ordered", "taken", "declined", "done", "waived", "joined", "parted", "earlier", "rested", "checked", "checked late", "order extended", "cosign",
		"closed", "reopened", "reopened and joined", "reopened and reworked", "reopened and red"} {
		if n, _ := b.seen.Load(what); n == nil {
			t.Errorf("no history was %s", what)
		}
	}
}

// story is a random case: events at whole minutes, in order.
type story struct {
	rng    *rand.Rand
	at     time.Time
	events []Event
}

func (s *story) pass(minutes int) {
	s.at = s.at.Add(time.Duration(1+s.rng.IntN(minutes)) * time.Minute)
}

func (s *story) add(t EventType, b Body) {
	s.events = append(s.events, Event{Type: t, At: telemetry.At(s.at), Body: b})
}

var grades = []string{"info", "minor", "major", "critical"}

func tell(rng *rand.Rand) *story {
	s := &story{rng: rng, at: began.Add(time.Duration(3*1440+rng.IntN(5*1440)) * time.Minute)} // joined cases began earlier
	s.add(Reported, Body{Severity: grades[rng.IntN(4)], Region: []string{"", "A", "B"}[rng.IntN(3)]})
	s.pass(120)
	if rng.IntN(2) == 0 {
		s.add(Filed, Body{})
		s.pass(60)
	}
	s.add(Dispatched, Body{})
	for range rng.IntN(9) {
		s.pass(1500)
		switch rng.IntN(10) {
		case 0:
			s.add(Suspended, Body{})
			if rng.IntN(3) == 0 {
				s.pass(600)
				s.add(Graded, Body{Severity: grades[rng.IntN(4)]})
			}
			s.pass(4000)
			if rng.IntN(8) > 0 {
				s.add(Resumed, Body{})
				continue
			}
			return s // still suspended
		case 1:
			s.add(Extended, Body{Until: telemetry.At(s.at.Add(time.Duration(rng.IntN(5000)) * time.Minute))})
		case 2:
			s.add(Graded, Body{Severity: grades[rng.IntN(4)]})
		case 3:
			s.add(Dispatched, Body{})
		case 4:
			s.add(Onscene, Body{})
		case 6, 7:
			s.order()
		case 8:
			s.join()
		case 9:
			if !s.sign() {
				s.pass(900)
				return s // still asked for
			}
		case 5:
			s.add(Claimed, Body{})
			s.pass(500)
			if rng.IntN(2) == 0 {
				s.order()
				s.pass(500)
			}
			switch rng.IntN(4) { // what comes after the claim is no business of its clock
			case 0:
				s.add(Graded, Body{Severity: grades[rng.IntN(4)]})
				return s
			case 1:
				s.add(Extended, Body{Until: telemetry.At(s.at.Add(90 * time.Hour))})
				return s
			case 2:
				s.add(Checked, Body{})
				s.pass(300)
				if ready(s.events) && rng.IntN(3) > 0 {
					if s.reopen() {
						continue
					}
					return s
				}
				if rng.IntN(2) == 0 {
					return s
				}
			}
			s.add(Rework, Body{})
		}
	}
	s.pass(2500)
	return s
}

// brute knows of each minute whether it counts, for the kinds that have hours.
type brute struct {
	office []bool // minutes from began
	seen   sync.Map
}

func newBrute() *brute {
	b := &brute{office: make([]bool, 60*1440)}
	free := map[string]bool{}
	for d := 25; d <= 27; d++ {
		free[fmt.Sprintf("2026-09-%d", d)] = true
	}
	for d := 1; d <= 7; d++ {
		free[fmt.Sprintf("2026-10-0%d", d)] = true
	}
	for m := range b.office {
		at := began.Add(time.Duration(m) * time.Minute)
		date, clock := at.Format("2006-01-02"), at.Format("15:04")
		weekend := strings.HasPrefix(at.Format("Mon"), "S")
		works := date == "2026-09-20" || date == "2026-10-10" || !weekend && !free[date]
		b.office[m] = works && (clock >= "09:00" && clock < "12:00" || clock >= "13:30" && clock < "17:30")
	}
	return b
}

func minute(at telemetry.Millis) int { return int(at-telemetry.At(began)) / 60_000 }

func (b *brute) counts(k LimitKind, m int) bool {
	return k != WorkingHours && k != WorkingDays || b.office[m]
}

// compare tells one story and holds every clock against the minutes.
func (b *brute) compare(rng *rand.Rand, cal Calendar) string {
	m := Matter{Limits: limits(rng)}
	s := tell(rng)
	now := minute(telemetry.At(s.at))
	if fault := b.beside(m, s, cal, now); fault != "" {
		return fault
	}
	if fault := b.each(m, m.Clocks(s.events, cal, s.at), s.events, now); fault != "" {
		return fault
	}
	if fault := b.before(m, s, cal); fault != "" {
		return fault
	}
	for _, e := range s.events[2:] {
		b.seen.Store(map[EventType]string{Dispatched: "redispatched"}[e.Type], true)
		b.seen.Store(string(e.Type), true)
	}
	return ""
}

// each holds the clocks of a case against the minutes.
func (b *brute) each(m Matter, clocks []Clock, events []Event, now int) string {
	got := map[string]Clock{}
	for _, c := range clocks {
		got[c.Name] = c
	}
	for _, name := range []string{"arrive", "handle", "check", "whole", "send", "intake"} {
		want, ok := b.clock(m.Limits, name, events, now)
		c, have := got[name]
		if ok != have {
			return fmt.Sprintf("%s: clock %v, want %v\n%v", name, have, ok, events)
		}
		if !ok {
			continue
		}
		if fault := b.same(name, c, want, events); fault != "" {
			return fault
		}
	}
	return ""
}

// same holds one clock against what the minutes say.
func (b *brute) same(name string, c Clock, want counted, events []Event) string {
	used := c.Used * want.length
	if d := used - want.used; d > want.length/1000+0.01 || d < -want.length/1000-0.01 {
		return fmt.Sprintf("%s %s: used %.2f min of %.2f, by minutes %.0f\n%v", name, c.Kind, used, want.length, want.used, events)
	}
	if c.Stopped != 0 != want.stopped {
		return fmt.Sprintf("%s: stopped at %d, by minutes %v\n%v", name, c.Stopped, want.stopped, events)
	}
	if want.due >= 0 && minute(c.Due) != want.due {
		return fmt.Sprintf("%s %s: due %s, by minutes %s\n%v", name, c.Kind, c.Due.Time().In(china),
			began.Add(time.Duration(want.due)*time.Minute), events)
	}
	b.note(c, want)
	return ""
}

func (b *brute) note(c Clock, want counted) {
	b.seen.Store(c.Light, true)
	if want.stopped {
		b.seen.Store("stopped", true)
	}
	if want.due >= 0 {
		b.seen.Store("due", true)
	}
}

// counted is one clock by minutes. due is -1 while the limit is not reached.
type counted struct {
	used, length float64 // minutes
	due          int
	stopped      bool
}

// clock replays the story minute by minute for one name of limits.
func (b *brute) clock(all []Limit, name string, events []Event, now int) (counted, bool) {
	whole := events
	events = sinceReopened(events)
	begin, end := b.span(name, events)
	if begin < 0 {
		return counted{}, false
	}
	out := counted{due: -1, stopped: end >= 0}
	if end < 0 {
		end = now
	}
	l := choose(all, name, whole, end)
	b.count(&out, l, 0, events, begin, end)
	return out, true
}

// count counts the minutes of a clock of one order; 0 is the case.
func (b *brute) count(out *counted, l Limit, order int, events []Event, begin, end int) {
	out.length = max(minutesOf(l), b.grants(l, order, events, begin, end))
	resting := pauses(events, end)
	for m := begin; m < end; m++ {
		if b.counts(l.Kind, m) && (l.Kind == Emergency || !resting(m)) {
			if out.used++; out.used == out.length {
				out.due = m + 1
			}
		}
	}
}

// span finds the minutes between which a clock of the case runs.
func (b *brute) span(name string, events []Event) (begin, end int) {
	if ends := map[string][2]EventType{"whole": {Reported, Closed}, "send": {Filed, Dispatched}, "intake": {Reported, Filed}}[name]; ends[0] != "" {
		return b.simple(ends[0], ends[1], events)
	}
	begin, end = -1, -1
	earlier, again := -1, false
	for i, e := range events {
		at := minute(e.At)
		switch {
		case name == "check" && e.Type == Checked && begin >= 0 && end < 0, name == "handle" && e.Type == Claimed && begin >= 0 && end < 0,
			name == "arrive" && e.Type == Onscene && begin >= 0 && end < 0:
			end = at
		case name == "check" && e.Type == Rework:
			if begin >= 0 && end < 0 {
				end = at
			}
			again = true
		case name == "check" && ready(events[:i+1]) && !ready(events[:i]) && (begin < 0 || again):
			begin, end, again = at, -1, false
		case name == "check":
		case e.Type == Dispatched && (begin < 0 || name == "arrive"):
			begin, end = at, -1
		case e.Type == Rework && name == "handle":
			begin, end, again = at, -1, true
		}
		if name == "handle" && !again && end < 0 && e.Type == Joined && !parted(events, i) {
			if d := minute(e.Body.Starts[Dispatched]); e.Body.Starts[Dispatched] != 0 && (earlier < 0 || d < earlier) {
				earlier = d
			}
		}
		if earlier >= 0 && earlier < begin && !again {
			begin = earlier
			b.seen.Store("earlier", true)
		}
	}
	return begin, end
}

// choose finds the limit in force at a minute.
func choose(all []Limit, name string, events []Event, at int) Limit {
	severity, region := "", ""
	for _, e := range events {
		if minute(e.At) > at {
			break
		}
		if e.Body.Severity != "" {
			severity = e.Body.Severity
		}
		if e.Type == Reported {
			region = e.Body.Region
		}
	}
	for _, l := range all {
		switch {
		case l.Name != name:
		case l.When == "severity=critical region=A" && (severity != "critical" || region != "A"):
		case l.When == "severity=major|critical" && severity != "major" && severity != "critical":
		case l.When == "region=B" && region != "B":
		default:
			return l
		}
	}
	return Limit{}
}

func minutesOf(l Limit) float64 {
	day := 1440.0
	if l.Kind == WorkingDays || l.Kind == WorkingHours {
		day = 7 * 60
	}
	return map[string]float64{"20m": 20, "90m": 90, "2h": 120, "4h": 240, "1d": day, "2d": 2 * day, "3d": 3 * day}[l.Value]
}

// grants is the longest time that extensions gave, by minutes.
func (b *brute) grants(l Limit, order int, events []Event, begin, end int) float64 {
	longest := 0.0
	for i, e := range events {
		at := minute(e.At)
		if e.Type != Extended || e.Body.Order != order || l.Until != Claimed && l.Until != Done || at < begin || at > end {
			continue
		}
		// A pause before a case of its own is known of only since the cases were
		// joined: a day that was granted earlier stands as it was counted then.
		resting := pauses(events[:i], at)
		n := 0.0
		for m := begin; m < at; m++ {
			if b.counts(l.Kind, m) && (l.Kind == Emergency || !resting(m)) {
				n++
			}
		}
		for m := at; m < minute(e.Body.Until); m++ {
			if b.counts(l.Kind, m) {
				n++
			}
		}
		if e.Body.Until > e.At {
			longest = max(longest, n)
		}
	}
	return longest
}

// pauses says of each minute up to end whether the case was suspended, or, before
// it was reported, one that joined it.
func pauses(events []Event, end int) func(m int) bool {
	if len(events) == 0 {
		return func(int) bool { return false }
	}
	first := minute(events[0].At)
	out := make([]bool, max(0, end-first)+1)
	when := make([]int, len(events))
	for i, e := range events {
		when[i] = minute(e.At)
	}
	on, next := false, 0
	for m := first; m <= end; m++ {
		for next < len(events) && when[next] <= m {
			on = events[next].Type == Suspended || on && events[next].Type != Resumed
			next++
		}
		out[m-first] = on
	}
	return func(m int) bool {
		if m >= first {
			return out[m-first]
		}
		for i, e := range events {
			for _, r := range e.Body.Rests {
				if !parted(events, i) && m >= minute(r.From) && (r.To == 0 || m < minute(r.To)) {
					return true
				}
			}
		}
		return false
	}
}

func TestWrongConditionsAreRefused(t *testing.T) {
	for _, when := range []string{"severity", "severity=", "colour=red", "region=A night"} {
		l := Limit{Name: "handle", Value: "1h", When: when}
		if _, err := l.length(OfficeHours(china)); err == nil {
			t.Errorf("when %q was accepted", when)
		}
	}
}
