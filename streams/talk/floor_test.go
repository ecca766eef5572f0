package talk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"gridhub/streams/talk"
)

var start = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

// desk drives a floor and keeps its events.
type desk struct {
	t   *testing.T
	f   *talk.Floor
	now time.Time
	seq uint64
	log []talk.Event
}

func open(t *testing.T, members ...talk.Person) *desk {
	t.Helper()
	f, err := talk.New("cleaners")
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, f: f, now: start}
	for _, p := range members {
		d.do(talk.Command{Verb: talk.DoJoin, Person: p})
	}
	d.log = nil
	return d
}

func (d *desk) try(c talk.Command) error {
	if d.seq++; c.Sequence == 0 && c.Verb != talk.DoRevoke && c.Verb != talk.DoForget {
		c.Sequence = d.seq
	}
	events, err := d.f.Apply(c, d.now)
	d.log = append(d.log, events...)
	return err
}

func (d *desk) do(c talk.Command) {
	d.t.Helper()
	if err := d.try(c); err != nil {
		d.t.Fatalf("%+v: %v", c, err)
	}
}

func (d *desk) press(p talk.Person, at talk.Priority) {
	d.t.Helper()
	d.do(talk.Command{Verb: talk.DoRequest, Person: p, Priority: at})
}

func (d *desk) letGo(p talk.Person) {
	d.t.Helper()
	d.do(talk.Command{Verb: talk.DoRelease, Person: p})
}

func (d *desk) after(wait time.Duration) {
	d.now = d.now.Add(wait)
	d.log = append(d.log, d.f.Expire(d.now)...)
}

// told writes what happened since the last time as "kind person[/reason] …".
func (d *desk) told(want string) {
	d.t.Helper()
	var all []string
	for _, e := range d.log {
		s := fmt.Sprint(e.Kind, " ", e.Person)
		if e.Reason != "" {
			s += "/" + e.Reason
		}
		all = append(all, s)
	}
	d.log = nil
	if got := strings.Join(all, ", "); got != want {
		d.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOneSpeaksTheOthersWaitInTurn(t *testing.T) {
	d := open(t, "wang", "li", "zhao")
	d.press("wang", talk.Normal)
	d.press("li", talk.Normal)
	d.press("zhao", talk.Urgent) // higher: takes it from wang
	d.told("granted wang, queued li, released wang/preempted, granted zhao")
	d.press("wang", talk.Normal)
	d.letGo("zhao")
	d.told("queued wang, released zhao/let-go, granted li")
	d.letGo("wang") // no longer wants it
	d.letGo("li")
	d.told("dropped wang/let-go, released li/let-go")
	if d.f.Holder != nil || len(d.f.Queue) > 0 {
		t.Errorf("the floor is not free: %+v", d.f)
	}
}

func TestEmergencyIsTakenByNobody(t *testing.T) {
	d := open(t, "wang", "li", "zhao")
	d.press("wang", talk.Urgent)
	d.press("li", talk.Emergency)
	d.press("zhao", talk.Emergency)
	d.press("wang", talk.Urgent)
	d.told("granted wang, released wang/preempted, granted li, queued zhao, queued wang")
	d.do(talk.Command{Verb: talk.DoRevoke})
	d.told("released li/revoked, granted zhao") // before the urgent one
	d.do(talk.Command{Verb: talk.DoRequest, Person: "zhao", Priority: talk.Normal})
	d.told("") // speaks already, and higher
	d.after(talk.BurstLimit)
	d.told("dropped wang/timed-out")
	d.after(talk.EmergencyLimit)
	d.told("released zhao/timed-out")
}

func TestWhoSitsOnTheButtonIsCutOff(t *testing.T) {
	d := open(t, "wang", "li")
	d.press("wang", talk.Normal)
	d.after(talk.BurstLimit - 10*time.Second)
	d.press("li", talk.Normal)
	d.after(10*time.Second - 1)
	d.told("granted wang, queued li")
	d.after(1)
	d.told("released wang/timed-out, granted li")
	d.after(time.Hour)
	d.told("released li/timed-out")
}

func TestFirstWordsArePlayed(t *testing.T) {
	d := open(t, "wang", "li")
	d.press("wang", talk.Normal)
	if from := d.f.Holder.From; !from.Equal(d.now) {
		t.Errorf("plays from %v, pressed at %v", from, d.now)
	}
	d.now = d.now.Add(time.Second)
	d.press("li", talk.Normal)
	d.now = d.now.Add(300 * time.Millisecond)
	d.letGo("wang")
	if from, want := d.f.Holder.From, d.now.Add(-300*time.Millisecond); !from.Equal(want) {
		t.Errorf("plays from %v, pressed at %v", from, want)
	}
	d.press("wang", talk.Normal)
	d.now = d.now.Add(time.Second)
	d.letGo("li")
	if from, want := d.f.Holder.From, d.now.Add(-talk.PreRoll); !from.Equal(want) {
		t.Errorf("plays from %v, want %v: no more than the pre-roll", from, want)
	}
}

func TestWhoComesLateOrWasAwayHears(t *testing.T) {
	d := open(t, "wang", "li")
	d.press("wang", talk.Normal)
	d.letGo("wang")
	d.do(talk.Command{Verb: talk.DoLeave, Person: "li"})
	d.now = d.now.Add(time.Minute)
	d.press("wang", talk.Normal)
	began := d.now
	d.now = d.now.Add(5 * time.Second)
	d.do(talk.Command{Verb: talk.DoJoin, Person: "zhao"}) // for the first time, mid-burst
	heard := func(p talk.Person, want ...uint64) {
		t.Helper()
		var got []uint64
		for _, b := range d.f.Unheard(p) {
			got = append(got, b.Number)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s has yet to hear %v, want %v", p, got, want)
		}
	}
	heard("zhao", 2)
	if b := d.f.Unheard("zhao")[0]; !b.From.Equal(began) {
		t.Errorf("the late one begins at %v, the burst at %v", b.From, began)
	}
	heard("li", 1, 2)
	heard("wang")
	heard("mallory")
	d.do(talk.Command{Verb: talk.DoHeard, Person: "li", Burst: 1}) // away, from the queue
	heard("li", 2)
	d.do(talk.Command{Verb: talk.DoHeard, Person: "zhao", Burst: 2})
	if got := d.f.HeardBy(1); !reflect.DeepEqual(got, []talk.Person{"li"}) {
		t.Errorf("burst 1 was heard by %v, want li alone", got)
	}
	if err := d.try(talk.Command{Verb: talk.DoHeard, Person: "li", Burst: 3}); !errors.Is(err, talk.ErrCommand) {
		t.Errorf("heard what was never said: %v", err)
	}
}

func TestWhoLeavesLetsGo(t *testing.T) {
	d := open(t, "wang", "li")
	d.press("wang", talk.Emergency)
	d.press("li", talk.Normal)
	d.do(talk.Command{Verb: talk.DoForget, Person: "wang"})
	d.told("granted wang, queued li, released wang/gone, left wang, granted li, forgotten wang")
	if err := d.try(talk.Command{Verb: talk.DoRequest, Person: "wang"}); !errors.Is(err, talk.ErrNotPresent) {
		t.Errorf("a stranger pressed: %v", err)
	}
}

func TestReleaseThatOvertakesItsRequest(t *testing.T) {
	d := open(t, "wang")
	d.do(talk.Command{Verb: talk.DoRelease, Person: "wang", Sequence: 11})
	if err := d.try(talk.Command{Verb: talk.DoRequest, Person: "wang", Sequence: 10}); !errors.Is(err, talk.ErrStale) {
		t.Errorf("the old request: %v", err)
	}
	d.told("")
}

func TestQueueIsBounded(t *testing.T) {
	d := open(t, "first")
	d.press("first", talk.Urgent)
	for i := range talk.MaxQueue + 1 {
		p := talk.Person(fmt.Sprint("p", i))
		d.do(talk.Command{Verb: talk.DoJoin, Person: p})
		err := d.try(talk.Command{Verb: talk.DoRequest, Person: p})
		if full := i == talk.MaxQueue; errors.Is(err, talk.ErrFull) != full {
			t.Errorf("%d in the queue: %v", i, err)
		}
	}
	d.log = nil
	d.press("p16", talk.Urgent) // takes the last place
	d.told("dropped p15/preempted, queued p16")
	if d.f.Queue[0].Person != "p16" || len(d.f.Queue) != talk.MaxQueue {
		t.Errorf("queue %+v", d.f.Queue)
	}
}

// TestAnySequenceOfCommands drives floors with random commands of members and
// strangers, with repeats and pauses, and checks after every one what must
// always hold.
func TestAnySequenceOfCommands(t *testing.T) {
	for seed := range uint64(2000) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { wander(t, rand.New(rand.NewPCG(seed, 1))) }) {
			return
		}
	}
}

var (
	verbs   = []talk.Verb{talk.DoExpect, talk.DoJoin, talk.DoJoin, talk.DoLeave, talk.DoRequest, talk.DoRequest, talk.DoRequest, talk.DoRelease, talk.DoRelease, talk.DoHeard, talk.DoRevoke, talk.DoForget, "nonsense"}
	members = []talk.Person{"wang", "li", "zhao", "centre", ""}
)

func wander(t *testing.T, r *rand.Rand) {
	d := open(t)
	var past []talk.Command
	for i := range uint64(120) {
		d.now = d.now.Add(time.Duration(r.ExpFloat64() * float64(4*time.Second)))
		c := talk.Command{Verb: verbs[r.IntN(len(verbs))], Person: members[r.IntN(len(members))], Sequence: i + 1,
			Priority: talk.Priority(r.IntN(4)), Burst: r.Uint64N(20), Held: time.Duration(r.Int64N(int64(time.Second)))}
		if len(past) > 0 && r.IntN(5) == 0 {
			c = past[r.IntN(len(past))] // delivered again, late
		}
		past = append(past, c)
		before := len(d.log)
		d.log = append(d.log, d.f.Expire(d.now)...)
		events, err := d.f.Apply(c, d.now)
		if err != nil && len(events) > 0 {
			t.Fatalf("%+v: refused with %v, yet %+v", c, err, events)
		}
		d.log = append(d.log, events...)
		if again, err := d.f.Apply(c, d.now); err == nil && len(again) > 0 && c.Verb != talk.DoRevoke {
			t.Fatalf("%+v repeated: %+v", c, again)
		} else {
			d.log = append(d.log, again...)
		}
		holds(t, d, before)
	}
	restarts(t, d, r.IntN(len(d.log)+1))
}

// restarts checks that the floor is the same out of all its events, and out of
// a snapshot taken after some of them and the rest.
func restarts(t *testing.T, d *desk, at int) {
	t.Helper()
	early, err := talk.New("cleaners", d.log[:at]...)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := talk.New("cleaners", d.log...)
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := talk.Resume("cleaners", early.Snapshot(), d.log[at/2:]...)
	if err != nil {
		t.Fatal(err)
	}
	want := state(d.f)
	for _, f := range []*talk.Floor{whole, resumed} {
		if got := state(f); got != want {
			t.Fatalf("after a restart\n%s\nbefore\n%s", got, want)
		}
	}
}

func TestWhoNeverCameIsWaitedFor(t *testing.T) {
	d := open(t, "wang")
	d.do(talk.Command{Verb: talk.DoExpect, Person: "li"})
	d.press("wang", talk.Normal)
	d.letGo("wang")
	d.told("expected li, granted wang, released wang/let-go")
	if got := d.f.Unheard("li"); len(got) != 1 || got[0].Person != "wang" {
		t.Errorf("li has yet to hear %+v", got)
	}
}

func TestPressBeforeItsMessageIsPlayed(t *testing.T) {
	d := open(t, "wang")
	d.do(talk.Command{Verb: talk.DoRequest, Person: "wang", Held: time.Minute})
	if from, want := d.f.Holder.From, d.now.Add(-talk.PreRoll); !from.Equal(want) {
		t.Errorf("plays from %v, want %v", from, want)
	}
}

// state is all that a floor says of itself.
func state(f *talk.Floor) string {
	s := fmt.Sprintf("%+v %+v %+v %v", f.Holder, f.Queue, f.Past, f.Present)
	if f.Holder != nil {
		s = fmt.Sprintf("%+v %s", *f.Holder, s[strings.Index(s, " "):])
	}
	for _, p := range members {
		s += fmt.Sprintf(" %s: %+v", p, f.Unheard(p))
	}
	at, ok := f.Next()
	return fmt.Sprint(s, at, ok)
}

func holds(t *testing.T, d *desk, before int) {
	t.Helper()
	f := d.f
	for i, e := range d.log[before:] {
		if e.Number != uint64(before+i+1) || e.Group != "cleaners" || e.Person == "" {
			t.Fatalf("event %d: %+v", before+i+1, e)
		}
		if n := before + i; n > 0 && e.At.Before(d.log[n-1].At) {
			t.Fatalf("event %d is before its predecessor", n)
		}
		if e.Kind == talk.Granted && (e.From.After(e.At) || e.At.Sub(e.From) > talk.PreRoll) {
			t.Fatalf("plays from %v, granted at %v", e.From, e.At)
		}
	}
	if f.Holder == nil && len(f.Queue) > 0 {
		t.Fatalf("a free floor, and %+v waits", f.Queue)
	}
	if f.Holder != nil && !f.Present[f.Holder.Person] {
		t.Fatalf("%s speaks and is not there", f.Holder.Person)
	}
	waits := map[talk.Person]bool{}
	for i, w := range f.Queue {
		if waits[w.Person] || !f.Present[w.Person] || w.Person == f.Holder.Person || w.Priority > f.Holder.Priority {
			t.Fatalf("%+v waits for %+v", w, f.Holder)
		}
		if i > 0 && w.Priority > f.Queue[i-1].Priority {
			t.Fatalf("queue out of order: %+v", f.Queue)
		}
		waits[w.Person] = true
	}
	if at, ok := f.Next(); ok && !at.After(d.now) {
		t.Fatalf("deadline %v passed at %v", at, d.now)
	}
}
