package call_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gridhub/streams/call"
)

var start = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

func invite(mode call.Mode, callees ...call.Person) call.Command {
	return call.Command{
		Verb: call.DoInvite, Person: "centre", Device: "desk", Sequence: 1, Epoch: 1, Call: "c1",
		Invite: &call.Invite{Task: "case-7", Callees: callees, Mode: mode, Media: call.Video, Priority: call.Normal},
	}
}

// does reads "person[@device] verb [reason]"; the device is otherwise "phone"
// of the person, and the caller's is "desk".
func does(s string, seq uint64) call.Command {
	f := strings.Fields(s)
	person, device, ok := strings.Cut(f[0], "@")
	if !ok {
		device = person + "-phone"
	}
	if person == "centre" && !ok {
		device = "desk"
	}
	c := call.Command{Verb: call.Verb(f[1]), Person: call.Person(person), Device: device, Sequence: seq, Epoch: seq}
	if person == "server" {
		c.Person, c.Device, c.Sequence = "", "", 0
	}
	if len(f) > 2 {
		c.Reason = f[2]
	}
	return c
}

// told writes events as "person kind" or, at the end, "ended reason".
func told(events []call.Event) string {
	var out []string
	for _, e := range events {
		switch {
		case e.Kind == call.HasEnded:
			out = append(out, "ended "+e.Reason)
		default:
			out = append(out, fmt.Sprintf("%s %s", e.Person, e.Kind))
		}
	}
	return strings.Join(out, ", ")
}

type step struct {
	at    time.Duration
	do    string // "" lets time pass
	want  string
	fails error
}

func TestCalls(t *testing.T) {
	tests := map[string]struct {
		mode    call.Mode
		callees []call.Person
		steps   []step
	}{
		"accepted and hung up by the callee": {call.One, []call.Person{"wang"}, []step{
			{time.Second, "wang ringing", "wang ringing", nil},
			{5 * time.Second, "wang accept", "wang accepted", nil},
			{time.Minute, "wang hangup", "wang left, ended left", nil},
			{time.Minute, "wang accept", "", call.ErrOver},
		}},
		"hung up by the caller": {call.One, []call.Person{"wang"}, []step{
			{time.Second, "wang ringing", "wang ringing", nil},
			{5 * time.Second, "wang accept", "wang accepted", nil},
			{time.Minute, "centre hangup done", "centre left, ended left", nil},
		}},
		"cancelled while it rings": {call.One, []call.Person{"wang"}, []step{
			{time.Second, "wang ringing", "wang ringing", nil},
			{3 * time.Second, "centre hangup", "centre left, ended cancelled", nil},
		}},
		"declined": {call.One, []call.Person{"wang"}, []step{
			{time.Second, "wang ringing", "wang ringing", nil},
			{2 * time.Second, "wang decline driving", "wang declined, ended declined", nil},
		}},
		"busy": {call.One, []call.Person{"wang"}, []step{
			{time.Second, "wang busy", "wang busy, ended busy", nil},
		}},
		"unreachable after two seconds": {call.One, []call.Person{"wang"}, []step{
			{2*time.Second - 1, "", "", nil},
			{2 * time.Second, "", "wang unreachable, ended unreachable", nil},
		}},
		"nobody answers for thirty seconds": {call.One, []call.Person{"wang"}, []step{
			{time.Second, "wang ringing", "wang ringing", nil},
			{31*time.Second - 1, "", "", nil},
			{31 * time.Second, "", "wang timed-out, ended timed-out", nil},
		}},
		"an answer after the deadline is late however late the timer": {call.One, []call.Person{"wang"}, []step{
			{time.Second, "wang ringing", "wang ringing", nil},
			{32 * time.Second, "wang accept", "wang timed-out, ended timed-out", call.ErrOver},
		}},
		"answered elsewhere": {call.One, []call.Person{"wang", "li", "zhao"}, []step{
			{time.Second, "wang ringing", "wang ringing", nil},
			{time.Second, "li ringing", "li ringing", nil},
			{2 * time.Second, "", "zhao unreachable", nil},
			{5 * time.Second, "li accept", "li accepted, wang elsewhere, zhao elsewhere", nil},
			{5 * time.Second, "wang accept", "", call.ErrElsewhere},
			{6 * time.Second, "zhao ringing", "", call.ErrElsewhere},
			{7 * time.Second, "li@tablet accept", "", call.ErrElsewhere},
			{8 * time.Second, "li@tablet hangup", "", call.ErrElsewhere},
		}},
		"comes back in time": {call.One, []call.Person{"wang"}, []step{
			{0, "wang ringing", "wang ringing", nil},
			{time.Second, "wang accept", "wang accepted", nil},
			{10 * time.Second, "wang away", "wang resuming", nil},
			{10 * time.Second, "wang away", "", nil},
			{69 * time.Second, "wang resume", "wang resumed", nil},
			{200 * time.Second, "", "", nil},
		}},
		"does not come back": {call.One, []call.Person{"wang"}, []step{
			{0, "wang ringing", "wang ringing", nil},
			{time.Second, "wang accept", "wang accepted", nil},
			{10 * time.Second, "wang away", "wang resuming", nil},
			{70 * time.Second, "wang resume", "wang lost, ended lost", call.ErrOver},
		}},
		"the newer connection takes the seat, the older cannot lose it": {call.One, []call.Person{"wang"}, []step{
			{0, "wang ringing", "wang ringing", nil},
			{time.Second, "wang accept", "wang accepted", nil},
			{2 * time.Second, "wang@tablet resume", "wang resumed", nil},
			{3 * time.Second, "wang away", "", nil},
			{3 * time.Second, "wang@tablet away", "wang resuming", nil},
		}},
		"a group goes on until fewer than two remain": {call.Group, []call.Person{"wang", "li"}, []step{
			{0, "wang ringing", "wang ringing", nil},
			{0, "li ringing", "li ringing", nil},
			{time.Second, "wang accept", "wang accepted", nil},
			{time.Second, "li accept", "li accepted", nil},
			{time.Minute, "centre hangup", "centre left", nil},
			{time.Minute, "centre end", "ended ended", nil},
		}},
		"a group may be left and joined again": {call.Group, []call.Person{"wang", "li"}, []step{
			{0, "wang ringing", "wang ringing", nil},
			{0, "wang accept", "wang accepted", nil},
			{2 * time.Second, "", "li unreachable", nil},
			{3 * time.Second, "li ringing", "li ringing", nil},
			{3 * time.Second, "li accept", "li accepted", nil},
			{4 * time.Second, "li hangup", "li left", nil},
			{5 * time.Second, "li accept", "li accepted", nil},
			{6 * time.Second, "li hangup", "li left", nil},
			{7 * time.Second, "wang hangup", "wang left, ended left", nil},
		}},
		"only the caller ends it for all": {call.Group, []call.Person{"wang"}, []step{
			{0, "wang accept", "wang accepted", nil},
			{time.Second, "wang end", "", call.ErrState},
			{time.Second, "server end supervisor", "ended supervisor", nil},
		}},
		"a stranger": {call.One, []call.Person{"wang"}, []step{
			{0, "mallory accept", "", call.ErrNotInvited},
			{0, "mallory end", "", call.ErrNotInvited},
		}},
		"the hub was away": {call.Group, []call.Person{"wang", "li"}, []step{
			{0, "wang ringing", "wang ringing", nil},
			{0, "li ringing", "li ringing", nil},
			{time.Second, "wang accept", "wang accepted", nil},
			{9 * time.Second, "server restart", "centre resuming, wang resuming", nil},
			{10 * time.Second, "centre resume", "centre resumed", nil},
			{30 * time.Second, "", "li timed-out", nil},
			{69 * time.Second, "", "wang lost, ended lost", nil},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { play(t, test.mode, test.callees, test.steps) })
	}
}

func play(t *testing.T, mode call.Mode, callees []call.Person, steps []step) {
	var c call.Call
	log, err := c.Apply(invite(mode, callees...), start)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range steps {
		var events []call.Event
		var err error
		if s.do == "" {
			events = c.Expire(start.Add(s.at))
		} else {
			events, err = c.Apply(does(s.do, uint64(i+2)), start.Add(s.at))
		}
		if got := told(events); got != s.want || !errors.Is(err, s.fails) {
			t.Fatalf("at %v %q: got %q, %v; want %q, %v", s.at, s.do, got, err, s.want, s.fails)
		}
		log = append(log, events...)
	}
	sameAfterRestart(t, &c, log)
}

// sameAfterRestart stores the events as JSON, as a task does, and compares
// the call they make with the one that lived.
func sameAfterRestart(t *testing.T, c *call.Call, log []call.Event) {
	t.Helper()
	stored, err := json.Marshal(log)
	if err != nil {
		t.Fatal(err)
	}
	var events []call.Event
	if err := json.Unmarshal(stored, &events); err != nil {
		t.Fatal(err)
	}
	again, err := call.New(events...)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprintf("%+v", again), fmt.Sprintf("%+v", c); a != b {
		t.Fatalf("rebuilt:\n%s\nlived:\n%s", a, b)
	}
}

func TestInvitationsThatAreRefused(t *testing.T) {
	tests := map[string]func(*call.Command){
		"no callee":      func(c *call.Command) { c.Invite.Callees = nil },
		"too many":       func(c *call.Command) { c.Invite.Callees = make([]call.Person, 65) },
		"named twice":    func(c *call.Command) { c.Invite.Callees = []call.Person{"wang", "wang"} },
		"the caller":     func(c *call.Command) { c.Invite.Callees = []call.Person{"centre"} },
		"no caller":      func(c *call.Command) { c.Person = "" },
		"no invitation":  func(c *call.Command) { c.Invite = nil },
		"strange mode":   func(c *call.Command) { c.Invite.Mode = "party" },
		"strange media":  func(c *call.Command) { c.Invite.Media = "smell" },
		"no priority":    func(c *call.Command) { c.Invite.Priority = "" },
		"rings for ever": func(c *call.Command) { c.Invite.RingSeconds = 3600 },
		"long task":      func(c *call.Command) { c.Invite.Task = strings.Repeat("x", 257) },
		"bad id":         func(c *call.Command) { c.Call = "a/b" },
		"long reason":    func(c *call.Command) { c.Reason = strings.Repeat("x", 257) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			var c call.Call
			cmd := invite(call.One, "wang")
			spoil(&cmd)
			if events, err := c.Apply(cmd, start); !errors.Is(err, call.ErrInvalid) || len(events) > 0 {
				t.Errorf("got %v, %v; want %v", events, err, call.ErrInvalid)
			}
		})
	}
}

func TestWhoIsHeard(t *testing.T) {
	tests := []struct {
		mode                       call.Mode
		callerSends, calleeSends   bool
		callerListens, calleeHears bool
	}{
		{call.One, true, true, true, true},
		{call.Group, true, true, true, true},
		{call.Broadcast, true, false, false, true},
		{call.Listen, false, true, true, false},
	}
	for _, test := range tests {
		var c call.Call
		apply(t, &c, invite(test.mode, "wang"))
		if c.Sends("wang") || c.Hears("wang") {
			t.Errorf("%s: heard before accepting", test.mode)
		}
		apply(t, &c, does("wang accept", 2))
		got := [4]bool{c.Sends("centre"), c.Sends("wang"), c.Hears("centre"), c.Hears("wang")}
		if want := [4]bool{test.callerSends, test.calleeSends, test.callerListens, test.calleeHears}; got != want {
			t.Errorf("%s: got %v, want %v", test.mode, got, want)
		}
		if c.Sends("mallory") || c.Hears("mallory") {
			t.Errorf("%s: a stranger is heard", test.mode)
		}
		apply(t, &c, does("centre end", 3))
		if c.Sends("wang") || c.Hears("centre") {
			t.Errorf("%s: heard after the end", test.mode)
		}
	}
}

func apply(t *testing.T, c *call.Call, cmd call.Command) []call.Event {
	t.Helper()
	events, err := c.Apply(cmd, start)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestEventsThatMakeNoCall(t *testing.T) {
	var c call.Call
	log := apply(t, &c, invite(call.One, "wang"))
	log = append(log, apply(t, &c, does("wang accept", 2))...)
	spoiled := func(f func(e *call.Event)) []call.Event {
		events := append([]call.Event(nil), log...)
		f(&events[1])
		return events
	}
	tests := map[string][]call.Event{
		"beginning missing": log[1:],
		"hole":              spoiled(func(e *call.Event) { e.Number = 3 }),
		"other call":        spoiled(func(e *call.Event) { e.Call = "c2" }),
		"unknown kind":      spoiled(func(e *call.Event) { e.Kind = "sneezed" }),
		"stranger":          spoiled(func(e *call.Event) { e.Person = "mallory" }),
		"created twice":     spoiled(func(e *call.Event) { *e = log[0]; e.Number = 2 }),
	}
	for name, events := range tests {
		if _, err := call.New(events...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
