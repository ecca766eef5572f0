package commands

import (
	"reflect"
	"slices"
	"testing"

	"gridhub/devices/telemetry"
)

// fresh is a command that was asked for at 100 and expires at 1000.
func fresh() Instruction {
	return Instruction{ID: "c-1", To: "gw-1", Device: "siren-1", State: Created, Stages: []Stage{{State: Created, At: 100}}, Expires: 1000, Rev: 1}
}

func reply(s State, at telemetry.Millis) Reply { return Reply{From: "gw-1", State: s, At: at} }

func names(i Instruction) (all []State) {
	for _, s := range i.Stages {
		all = append(all, s.State)
	}
	return all
}

// TestOrderDoesNotMatter has two stages of the receiver come in every order and
// again and again: the command is the same.
func TestOrderDoesNotMatter(t *testing.T) {
	told := []Reply{reply(Acknowledged, 210), {From: "gw-1", State: Executed, At: 300, Values: map[string]float64{"relay_1": 1}}}
	want := fresh()
	want.sent(200)
	for _, r := range told {
		if v := want.take(r); v != Taken {
			t.Fatal(v)
		}
	}
	if want.State != Executed || !slices.Equal(names(want), []State{Created, Sent, Acknowledged, Executed}) {
		t.Fatalf("%+v", want)
	}
	for _, order := range [][]int{{0, 1}, {1, 0}, {0, 0, 1, 1}, {1, 1, 0, 0}, {1, 0, 1}, {0, 1, 0, 1, 0}} {
		got := fresh()
		got.sent(200)
		for _, k := range order {
			got.take(told[k])
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("in the order %v:\n%+v, want\n%+v", order, got, want)
		}
	}
}

func TestTransitions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		do    func(i *Instruction) Verdict
		want  Verdict
		state State
	}{
		{"another gateway's reply", func(i *Instruction) Verdict { return i.take(Reply{From: "gw-2", State: Executed, At: 300}) }, Stranger, Sent},
		{"a reply that is no stage", func(i *Instruction) Verdict { return i.take(reply("done", 300)) }, Odd, Sent},
		{"a reply that is the hub's to say", func(i *Instruction) Verdict { return i.take(reply(Created, 300)) }, Odd, Sent},
		{"acknowledged", func(i *Instruction) Verdict { return i.take(reply(Acknowledged, 300)) }, Taken, Acknowledged},
		{"refused at once", func(i *Instruction) Verdict { return i.take(reply(Refused, 300)) }, Taken, Refused},
		{"a second end", func(i *Instruction) Verdict { i.take(reply(Executed, 300)); return i.take(reply(Failed, 310)) }, Conflict, Executed},
		{"an end behind the receiver's expiry", func(i *Instruction) Verdict {
			i.take(Reply{From: "gw-1", State: Expired, At: 1000, Cause: "age"})
			return i.take(reply(Executed, 1010))
		}, Conflict, Expired},
		{"an end behind the hub's expiry", func(i *Instruction) Verdict { i.expire(1020, 20); return i.take(reply(Executed, 1010)) }, Taken, Executed},
		{"an acknowledgement behind the hub's expiry", func(i *Instruction) Verdict { i.expire(1020, 20); return i.take(reply(Acknowledged, 1010)) }, Taken, Expired},
		{"the receiver agrees that it expired", func(i *Instruction) Verdict { i.expire(1020, 20); return i.take(reply(Expired, 1010)) }, Repeated, Expired},
	} {
		i := fresh()
		i.sent(200)
		if v := tt.do(&i); v != tt.want || i.State != tt.state {
			t.Errorf("%s: %s and %s, want %s and %s", tt.name, v, i.State, tt.want, tt.state)
		}
	}
}

func TestExpiry(t *testing.T) {
	never := fresh()
	if never.expire(999, 20) || !never.expire(1000, 20) || never.Stages[1].Cause != NotDelivered {
		t.Errorf("what never left: %+v", never)
	}
	left := fresh()
	left.sent(200)
	if left.expire(1019, 20) || !left.expire(1020, 20) || left.Stages[2].Cause != NoAnswer || left.expire(1030, 20) {
		t.Errorf("what left: %+v", left)
	}
	slow := fresh()
	slow.take(reply(Executed, 50)) // by a clock that is slow: nothing was before it was asked for
	if slow.Stages[1].At != 100 || slow.State != Executed {
		t.Errorf("%+v", slow)
	}
}
