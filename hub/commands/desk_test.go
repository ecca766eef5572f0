package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
)

// street is a gateway with a siren, a valve and a sign, and foreign devices; it
// is who is connected and what was sent there, too.
type street struct {
	online map[devices.ID]bool
	fails  error
	sent   []sending
}

type sending struct {
	to      devices.ID
	kind    string
	payload []byte
}

func (s *street) Connected(id devices.ID) bool { return s.online[id] }

func (s *street) Send(to devices.ID, kind string, payload []byte, qos byte) error {
	if s.fails != nil {
		return s.fails
	}
	s.sent = append(s.sent, sending{to, kind, payload})
	return nil
}

func (s *street) Route(id devices.ID) (Route, bool) {
	low, high := 0.0, 80.0
	r, known := map[devices.ID]Route{
		"siren-1":    {To: "gw-1", Controls: []wire.Control{{Name: "siren", Bool: true}}},
		"valve-1":    {To: "gw-1", Controls: []wire.Control{{Name: "open", Unit: "%", Min: &low, Max: &high}}},
		"sign-1":     {To: "gw-1", Controls: []wire.Control{{Name: "text", Text: true}}},
		"gas-1":      {To: "gw-1"},
		"plug":       {To: "plug", Convention: "tasmota", Foreign: "plug_3F", Metrics: []string{"POWER", "ENERGY.Power", "Dimmer"}},
		"board":      {To: "board", Convention: "thingsboard"},
		"tb.hall":    {To: "tb", Convention: "thingsboard", Name: "hall"},
		"plant":      {To: "plant", Convention: "sparkplug", Foreign: "street/plant"},
		"plant.pump": {To: "plant", Convention: "sparkplug", Foreign: "street/plant", Name: "pump"},
		"z.0x1":      {To: "z", Convention: "homeassistant", Foreign: "z2m"},
	}[id]
	return r, known
}

// desk is a Desk of a street, and the state of its database.
type desk struct {
	*Desk
	*street
	t    *testing.T
	db   *store.DB
	keys *Keys
	seen []Instruction
	stop func()
}

func open(t *testing.T) *desk {
	t.Helper()
	keys, err := OpenKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{street: &street{online: map[devices.ID]bool{}}, t: t, db: storetest.Open(t), keys: keys, stop: func() {}}
	d.start(Default())
	return d
}

// start opens the desk and runs it: again after stop, as a new program does.
func (d *desk) start(cfg Config) {
	d.t.Helper()
	var err error
	d.Desk, err = Open(d.t.Context(), d.db, Options{Config: cfg, Keys: d.keys, Devices: d.street, Sender: d.street,
		Changed: func(i Instruction) { d.seen = append(d.seen, i) }, Clock: time.Now})
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	d.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Error(err)
		}
	}
}

func (d *desk) command(device devices.ID, control string, v float64) Instruction {
	d.t.Helper()
	i, err := d.Command(d.t.Context(), Request{Device: device, Control: control, Value: &v, By: "desk"})
	if err != nil {
		d.t.Fatal(err)
	}
	return i
}

func (d *desk) is(id string, device devices.ID, want State, stages ...State) Instruction {
	d.t.Helper()
	i, err := d.Get(d.t.Context(), device, id)
	if err != nil || i.State != want || len(stages) > 0 && !slices.Equal(names(i), stages) {
		d.t.Fatalf("%+v, %v; want %s by %v", i, err, want, stages)
	}
	return i
}

func (d *desk) hear(h Heard) {
	d.t.Helper()
	if h.At == 0 {
		h.At = telemetry.At(time.Now())
	}
	if err := d.Hear(d.t.Context(), h); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) reply(from devices.ID, r wire.Result) {
	d.t.Helper()
	r.V = wire.Version
	b, err := json.Marshal(r)
	if err != nil {
		d.t.Fatal(err)
	}
	d.hear(Heard{From: from, Topic: wire.Reply, Body: b})
}

// order opens what was sent last.
func (d *desk) order() wire.Order {
	d.t.Helper()
	if len(d.sent) == 0 {
		d.t.Fatal("nothing was sent")
	}
	last := d.sent[len(d.sent)-1]
	var s wire.Signed
	if err := json.Unmarshal(last.payload, &s); err != nil || last.kind != wire.Command {
		d.t.Fatalf("%s: %v", last.kind, err)
	}
	o, err := s.Open(d.keys.PublicKeys()...)
	if err != nil {
		d.t.Fatal(err)
	}
	return o
}

// run is a test with a clock of its own.
func run(t *testing.T, f func(t *testing.T, d *desk)) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t)
		defer func() { d.stop() }()
		f(t, d)
	})
}

func pass(d time.Duration) {
	time.Sleep(d) // the bubble's clock: nobody waits
	synctest.Wait()
}

func TestWayOfACommand(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		d.online["gw-1"] = true
		i := d.command("siren-1", "siren", 1)
		if i.State != Created || i.To != "gw-1" || i.Unsigned {
			t.Fatalf("%+v", i)
		}
		pass(time.Second)
		d.is(i.ID, "siren-1", Sent)
		if o := d.order(); o.ID != i.ID || o.To != "gw-1" || o.Device != "siren-1" || o.Set["siren"] != 1 || o.Expires != i.Expires || o.By != "desk" {
			t.Errorf("the order is %+v", o)
		}
		for range 2 { // the journal may be read twice
			d.reply("gw-1", wire.Result{ID: i.ID, State: wire.Accepted})
			d.reply("gw-2", wire.Result{ID: i.ID, State: wire.Executed}) // F30, P8: another gateway's word is none
			d.is(i.ID, "siren-1", Acknowledged)
		}
		for range 2 {
			d.reply("gw-1", wire.Result{ID: i.ID, State: wire.Executed, Values: map[string]float64{"siren": 1, "two words": 2}})
		}
		got := d.is(i.ID, "siren-1", Executed, Created, Sent, Acknowledged, Executed)
		if v := got.Stages[3].Values; len(v) != 1 || v["siren"] != 1 {
			t.Errorf("%+v", got)
		}
		d.reply("gw-1", wire.Result{ID: "nobody-asked", State: wire.Executed})
		d.hear(Heard{From: "gw-1", Topic: wire.Reply, Body: []byte(`{"v":1`)})
		want := map[Verdict]uint64{Taken: 2, Repeated: 2, Stranger: 2, Unknown: 1, Odd: 1}
		if c := d.Counts(); fmt.Sprint(c) != fmt.Sprint(want) {
			t.Errorf("counted %v, want %v", c, want)
		}
		rev := 0
		for _, s := range d.seen { // what the screens were told
			if s.Rev <= rev {
				t.Errorf("%+v comes after revision %d", s, rev)
			}
			rev = s.Rev
		}
		if n := len(d.seen); n != 4 || d.Underway() != 0 {
			t.Errorf("%d changes were told, %d are under way", n, d.Underway())
		}
	})
}

// TestSentAgain holds that an order is signed anew until its receiver has it,
// and never afterwards.
func TestSentAgain(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		v := 1.0
		i, err := d.Command(t.Context(), Request{ID: "made-by-the-page", Device: "siren-1", Control: "siren", Value: &v, Within: 10 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if got := d.is(i.ID, "siren-1", Created); got.Waiting != Offline || len(d.sent) != 0 {
			t.Fatalf("%+v", got)
		}
		d.online["gw-1"], d.fails = true, NotSubscribed
		d.Greet("gw-1")
		pass(time.Second)
		if got := d.is(i.ID, "siren-1", Created); got.Waiting != NotSubscribed {
			t.Fatalf("%+v", got)
		}
		d.fails = nil
		d.Greet("gw-1")
		pass(time.Second)
		first := d.order()
		pass(Default().Again)
		second := d.order()
		if len(d.sent) != 2 || second.Now <= first.Now || second.ID != first.ID || second.At != first.At || second.Expires != first.Expires {
			t.Fatalf("sent %d times: %+v, then %+v", len(d.sent), first, second)
		}
		d.stop() // and the hub starts again
		d.start(Default())
		pass(time.Second)
		if got := d.is(i.ID, "siren-1", Sent); len(d.sent) != 3 || got.Sends != 3 || got.Waiting != "" {
			t.Fatalf("%+v after %d", got, len(d.sent))
		}
		d.reply("gw-1", wire.Result{ID: i.ID, State: wire.Accepted})
		d.Greet("gw-1")
		pass(11 * time.Minute)
		if got := d.is(i.ID, "siren-1", Expired, Created, Sent, Acknowledged, Expired); len(d.sent) != 3 || got.Stages[3].Cause != NoAnswer {
			t.Fatalf("%+v after %d", got, len(d.sent))
		}
		d.reply("gw-1", wire.Result{ID: i.ID, State: wire.Executed}) // it was done after all
		d.is(i.ID, "siren-1", Executed)
	})
}

func TestExpiryWhileOffline(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		i := d.command("siren-1", "siren", 1)
		pass(Default().Within - time.Second)
		d.is(i.ID, "siren-1", Created)
		pass(time.Second)
		if got := d.is(i.ID, "siren-1", Expired); got.Stages[1].Cause != NotDelivered {
			t.Errorf("%+v", got)
		}
		d.online["gw-1"] = true
		d.Greet("gw-1")
		pass(time.Hour)
		if len(d.sent) != 0 {
			t.Error("an expired command was sent")
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		one, two, big := 1.0, 2.0, 81.0
		for want, r := range map[string]Request{
			"control horn: want one of siren":             {Device: "siren-1", Control: "horn", Value: &one},
			"control open: want none: nothing may be set": {Device: "gas-1", Control: "open", Value: &one},
			"value 2: want 0 or 1":                        {Device: "siren-1", Control: "siren", Value: &two},
			"value null: want a number":                   {Device: "siren-1", Control: "siren"},
			"value 81: want 0 to 80 %":                    {Device: "valve-1", Control: "open", Value: &big},
			`text "x": want none`:                         {Device: "siren-1", Control: "siren", Value: &one, Text: "x"},
			"value 1: want none: text takes a text":       {Device: "sign-1", Control: "text", Value: &one},
			`text "": want 1 to 500 characters`:           {Device: "sign-1", Control: "text"},
			"id short: want 8 to 64":                      {ID: "short", Device: "siren-1", Control: "siren", Value: &one},
			"expires_s 0.5: want 1 to 86400 seconds":      {Device: "siren-1", Control: "siren", Value: &one, Within: time.Second / 2},
			"expires_s 90000: want":                       {Device: "siren-1", Control: "siren", Value: &one, Within: 25 * time.Hour},
		} {
			_, err := d.Command(t.Context(), r)
			var invalid *Invalid
			if !errors.As(err, &invalid) || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if _, err := d.Command(t.Context(), Request{Device: "nowhere", Control: "siren", Value: &one}); !errors.Is(err, ErrUnknownDevice) {
			t.Error(err)
		}
		if list, err := d.List(t.Context(), "siren-1", 10); err != nil || len(list) != 0 {
			t.Errorf("%v, %v are kept", list, err)
		}
	})
}

func TestRepeatAndBounds(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		v, w := 1.0, 0.0
		r := Request{ID: "one-press-of-a-key", Device: "siren-1", Control: "siren", Value: &v, By: "desk"}
		first, err := d.Command(t.Context(), r)
		again, err2 := d.Command(t.Context(), r)
		if err != nil || err2 != nil || first.Number != again.Number {
			t.Errorf("%+v, %v; then %+v, %v", first, err, again, err2)
		}
		r.Value = &w
		if _, err := d.Command(t.Context(), r); !errors.Is(err, ErrConflict) {
			t.Errorf("%v, want a conflict", err)
		}
		for range Default().PerDevice - 1 {
			d.command("siren-1", "siren", 1)
		}
		if _, err := d.Command(t.Context(), Request{Device: "siren-1", Control: "siren", Value: &v}); !errors.Is(err, ErrBusy) {
			t.Errorf("%v, want ErrBusy", err)
		}
		d.command("valve-1", "open", 5) // another device has room
		d.stop()
		cfg := Default()
		cfg.KeepMost = 2
		d.start(cfg)
		pass(3 * time.Hour) // all expire, and most are forgotten
		list, err := d.List(t.Context(), "siren-1", 100)
		more, err2 := d.List(t.Context(), "valve-1", 100)
		if err != nil || err2 != nil || len(list)+len(more) != 2 || d.Underway() != 0 {
			t.Errorf("%d and %d are kept, %d under way", len(list), len(more), d.Underway())
		}
		if next := d.command("valve-1", "open", 6); next.Number != 10 {
			t.Errorf("the next number is %d", next.Number)
		}
	})
}

func TestText(t *testing.T) {
	run(t, func(t *testing.T, d *desk) {
		d.online["gw-1"] = true
		if _, err := d.Command(t.Context(), Request{Device: "sign-1", Control: "text", Text: "积水 绕行"}); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if o := d.order(); o.Text != "积水 绕行" || o.Set != nil {
			t.Errorf("%+v", o)
		}
	})
}
