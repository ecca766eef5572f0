package call_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"gridhub/streams/call"
)

// TestAnySequenceOfCommands drives calls with random commands of members,
// strangers and the server, with repeats and pauses, and checks after every
// one what must always hold.
func TestAnySequenceOfCommands(t *testing.T) {
	for seed := range uint64(3000) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { wander(t, rand.New(rand.NewPCG(seed, 1))) }) {
			return
		}
	}
}

var (
	modes   = []call.Mode{call.One, call.Group, call.Broadcast, call.Listen}
	members = []call.Person{"centre", "wang", "li", "zhao"}
	verbs   = []call.Verb{
		call.DoInvite, call.DoRing, call.DoAccept, call.DoAccept, call.DoDecline, call.DoBusy,
		call.DoHangup, call.DoEnd, call.DoResume, call.DoAway, call.DoRestart, "nonsense",
	}
)

func wander(t *testing.T, r *rand.Rand) {
	var c call.Call
	now := start
	log, err := c.Apply(invite(modes[r.IntN(4)], members[1:2+r.IntN(3)]...), now)
	if err != nil {
		t.Fatal(err)
	}
	var effective []call.Command
	for i := range uint64(60) {
		now = now.Add(time.Duration(r.ExpFloat64() * float64(3*time.Second)))
		if len(effective) > 0 && r.IntN(4) == 0 {
			repeats(t, &c, effective[r.IntN(len(effective))])
			continue
		}
		cmd := anyCommand(r, i)
		ended := c.Phase == call.Ended
		due := c.Expire(now)
		log = append(log, due...)
		events, err := c.Apply(cmd, now)
		if err != nil && len(events) > 0 {
			t.Fatalf("%+v: refused with %v, yet %s", cmd, err, told(events))
		}
		if ended && len(due)+len(events) > 0 {
			t.Fatalf("after the end: %s", told(append(due, events...)))
		}
		if len(events) > 0 && events[0].Sequence == cmd.Sequence && cmd.Sequence > 0 {
			effective = append(effective, cmd)
		}
		log = append(log, events...)
		holds(t, &c, log, now)
	}
	sameAfterRestart(t, &c, log)
}

func anyCommand(r *rand.Rand, i uint64) call.Command {
	p := append(members, "mallory", "")[r.IntN(len(members)+2)]
	c := call.Command{Verb: verbs[r.IntN(len(verbs))], Person: p, Call: "c1", Epoch: uint64(r.IntN(8))}
	if p != "" {
		c.Device, c.Sequence = fmt.Sprintf("%s-%d", p, r.IntN(2)), i+2
	}
	return c
}

// repeats: a command that had its effect has none the second time.
func repeats(t *testing.T, c *call.Call, cmd call.Command) {
	t.Helper()
	_, at := c.Next()
	before := fmt.Sprintf("%+v", c)
	events, err := c.Apply(cmd, time.Time{}) // no time passes
	if err != nil || len(events) > 0 || fmt.Sprintf("%+v", c) != before {
		t.Fatalf("repeating %+v (deadline %v): %s, %v", cmd, at, told(events), err)
	}
}

func holds(t *testing.T, c *call.Call, log []call.Event, now time.Time) {
	t.Helper()
	for i, e := range log {
		if e.Number != uint64(i+1) || e.Call != "c1" || e.Task != "case-7" || e.Kind == "" {
			t.Fatalf("event %d: %+v", i, e)
		}
		if i > 0 && e.At.Before(log[i-1].At) {
			t.Fatalf("event %d is before its predecessor", i)
		}
		if e.Person == "mallory" || e.By == "mallory" {
			t.Fatalf("a stranger acted: %+v", e)
		}
	}
	present := 0
	for _, s := range c.Seats {
		if s.Status == "" {
			t.Fatalf("seat without status: %+v", s)
		}
		if s.Status.Present() {
			present++
		}
	}
	next, waits := c.Next()
	switch {
	case c.Phase == call.Ended && waits:
		t.Fatal("an ended call waits for a deadline")
	case c.Phase == call.Ended && log[len(log)-1].Kind != call.HasEnded:
		t.Fatal("something happened after the end")
	case c.Phase != call.Ended && present == 0:
		t.Fatal("a call goes on with nobody in it")
	case waits && !next.After(now):
		t.Fatalf("deadline %v passed at %v", next, now)
	}
	if c.Phase == call.Live && (c.Invite.Mode == call.One || c.Invite.Mode == call.Listen) && present != 2 {
		t.Fatalf("%d present in a call for two: %+v", present, c.Seats)
	}
}
