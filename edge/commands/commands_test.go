package commands

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal/fsx"
)

// Keys of the tests: the hub's, the one that will follow it, a stranger's.
var hubKey, nextKey, strange = keyOf("hub"), keyOf("next"), keyOf("stranger")

func keyOf(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// street is a device that a test can stop at any point of a command.
type street struct {
	mu     sync.Mutex
	values map[string]float64
	sent   []Action                        // what reached the device
	before func(ctx context.Context) error // its turn comes when this returns
	after  func(ctx context.Context) error // it was sent when this is called
	blind  bool                            // no reading can tell
}

func newStreet() *street { return &street{values: map[string]float64{"siren": 0, "level": 5}} }

func (s *street) Controls(id devices.ID) ([]wire.Control, bool) {
	low, high := 0.0, 10.0
	switch id {
	case "siren-1":
		return []wire.Control{{Name: "siren", Bool: true}, {Name: "level", Min: &low, Max: &high}}, true
	case "handheld-1":
		return []wire.Control{{Name: "text", Text: true}}, true
	}
	return nil, false
}

func (s *street) Do(ctx context.Context, a Action, begin func() error) (map[string]float64, error) {
	if s.before != nil {
		if err := s.before(ctx); err != nil {
			return nil, err
		}
	}
	if err := begin(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.sent = append(s.sent, a)
	if a.Control != "" {
		s.values[a.Control] = a.Value
	}
	said := maps.Clone(s.values)
	s.mu.Unlock()
	if s.after != nil {
		if err := s.after(ctx); err != nil {
			return nil, err
		}
	}
	return said, nil
}

func (s *street) Settle(ctx context.Context, a Action) (map[string]float64, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blind || a.Text != "" {
		return nil, false, errors.New("no reading shows it")
	}
	return maps.Clone(s.values), s.values[a.Control] == a.Value, nil
}

// office is a desk at work, and what it said.
type office struct {
	t      *testing.T
	desk   *Desk
	street *street
	stop   func()

	mu   sync.Mutex
	said []wire.Result
}

// pinnedHub are the keys of a gateway whose hub is about to change its key.
func pinnedHub() []ed25519.PublicKey { return []ed25519.PublicKey{public(nextKey), public(hubKey)} }

// at is the hub's clock of the tests. A bubble's own clock stands at 2000, so
// the gateways here have no clock of their own.
const at = telemetry.Millis(1_760_000_000_000)

func start(t *testing.T, disk fsx.FS, s *street) *office {
	t.Helper()
	o := &office{t: t, street: s}
	desk, err := Open(Options{
		ID: "gw-1", Dir: "commands", Disk: disk, Lines: s,
		Keys: pinnedHub,
		Say: func(ctx context.Context, envelope func() any) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			o.said = append(o.said, envelope().(wire.Result))
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.desk = desk
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- desk.Run(ctx) }()
	o.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	return o
}

// order is one that switches the siren on, and what a test makes of it.
func order(change func(o *wire.Order)) wire.Order {
	o := wire.Order{V: 1, ID: "o-1", To: "gw-1", Device: "siren-1", Set: map[string]float64{"siren": 1}, By: "dispatcher",
		At: at, Now: at.Add(time.Second), Expires: at.Add(time.Minute)}
	if change != nil {
		change(&o)
	}
	return o
}

func sealed(t *testing.T, o wire.Order, key ed25519.PrivateKey) []byte {
	t.Helper()
	s, err := wire.Seal(o, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// give hands the desk an order and waits until nothing moves.
func (o *office) give(payload []byte) {
	o.desk.Handle(wire.Command, payload)
	synctest.Wait()
}

// states is what was said of an order, as "state" or "state/cause".
func (o *office) states(id string) (all []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.said {
		if r.ID != id {
			continue
		}
		s := r.State
		if r.Cause != "" {
			s += "/" + r.Cause
		}
		all = append(all, s)
	}
	return all
}

func (o *office) expect(id string, want ...string) {
	o.t.Helper()
	if got := o.states(id); !slices.Equal(got, want) {
		o.t.Errorf("order %s: said %q, want %q", id, got, want)
	}
}

// TestExecuted follows an order from its bytes to the device's answer.
func TestExecuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreet()
		answer := make(chan struct{})
		s.after = func(context.Context) error { <-answer; return nil }
		o := start(t, fsx.NewMemory(), s)
		defer o.stop()
		o.give(sealed(t, order(nil), hubKey))
		o.expect("o-1", "acknowledged") // sent, and the device has said nothing yet
		close(answer)
		synctest.Wait()
		o.expect("o-1", "acknowledged", "executed")
		r := o.said[1]
		if r.V != 1 || r.Device != "siren-1" || r.Values["siren"] != 1 || r.At == 0 || r.Now == 0 {
			t.Errorf("said %+v", r)
		}
		o.give(sealed(t, order(func(o *wire.Order) {
			o.ID, o.Set = "o-2", map[string]float64{"siren": 0, "level": 7}
		}), nextKey))
		o.expect("o-2", "acknowledged", "executed")
		o.give(sealed(t, order(func(o *wire.Order) { o.ID, o.Set, o.Text, o.Device = "o-3", nil, "请到 3 号楼", "handheld-1" }), hubKey))
		o.expect("o-3", "acknowledged", "executed")
		want := []Action{{Device: "siren-1", Control: "siren", Value: 1}, {Device: "siren-1", Control: "level", Value: 7},
			{Device: "siren-1", Control: "siren"}, {Device: "handheld-1", Text: "请到 3 号楼"}}
		if !slices.Equal(s.sent, want) {
			t.Errorf("sent %+v", s.sent)
		}
	})
}

// TestRefused gives orders that are not to be done. Nothing reaches a device.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name, cause string
		key         ed25519.PrivateKey
		change      func(o *wire.Order)
	}{
		{"unknown key", CauseKey, strange, nil},
		{"another gateway's", CauseReceiver, hubKey, func(o *wire.Order) { o.To = "gw-2" }},
		{"no such device", CauseReceiver, hubKey, func(o *wire.Order) { o.Device = "siren-9" }},
		{"the gateway itself", CauseReceiver, hubKey, func(o *wire.Order) { o.Device = "gw-1" }},
		{"no such control", CauseControl, hubKey, func(o *wire.Order) { o.Set = map[string]float64{"siren": 1, "light": 1} }},
		{"a text to a siren", CauseControl, hubKey, func(o *wire.Order) { o.Set, o.Text = nil, "x" }},
		{"a value for a text", CauseControl, hubKey, func(o *wire.Order) { o.Device, o.Set = "handheld-1", map[string]float64{"text": 1} }},
		{"half on", CauseValue, hubKey, func(o *wire.Order) { o.Set = map[string]float64{"siren": 0.5} }},
		{"too much", CauseValue, hubKey, func(o *wire.Order) { o.Set = map[string]float64{"level": 10.1} }},
		{"too little", CauseValue, hubKey, func(o *wire.Order) { o.Set = map[string]float64{"level": -1} }},
		{"two ways", CauseValue, hubKey, func(o *wire.Order) { o.Text = "x" }},
		{"no way", CauseValue, hubKey, func(o *wire.Order) { o.Set = nil }},
		{"files as a command", CauseValue, hubKey, func(o *wire.Order) { o.Set, o.Files = nil, map[string]string{"a.yaml": ""} }},
		{"a novel", CauseValue, hubKey, func(o *wire.Order) { o.Set, o.Text, o.Device = nil, strings.Repeat("长", 501), "handheld-1" }},
		{"for ever", CauseValue, hubKey, func(o *wire.Order) { o.Expires = at.Add(8 * 24 * time.Hour) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := start(t, fsx.NewMemory(), newStreet())
				defer o.stop()
				o.give(sealed(t, order(tt.change), tt.key))
				o.expect("o-1", "refused/"+tt.cause)
				if len(o.street.sent) != 0 {
					t.Errorf("sent %+v", o.street.sent)
				}
			})
		})
	}
}

// TestWrongSignature holds that no bit of an order can be changed, and that a
// forged one does not speak in the name of a true one.
func TestWrongSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := start(t, fsx.NewMemory(), newStreet())
		defer o.stop()
		signed, err := wire.Seal(order(nil), hubKey)
		if err != nil {
			t.Fatal(err)
		}
		signed.Order = bytes.Replace(signed.Order, []byte(`"siren":1`), []byte(`"siren":0`), 1)
		forged, _ := json.Marshal(signed)
		o.give(forged)
		o.expect("o-1", "refused/signature")
		o.give(sealed(t, order(nil), hubKey))
		o.give(forged)
		o.expect("o-1", "refused/signature", "acknowledged", "executed")
		o.give([]byte("no JSON"))
		o.give([]byte(`{"v":2}`))
		if len(o.street.sent) != 1 || len(o.said) != 3 {
			t.Errorf("sent %+v, said %+v", o.street.sent, o.said)
		}
	})
}

// TestReplay gives the same bytes again and again, over restarts, too: they
// are done once and answered each time.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, s := fsx.NewMemory(), newStreet()
		turn := make(chan struct{})
		s.before = func(context.Context) error { <-turn; return nil }
		o := start(t, disk, s)
		payload := sealed(t, order(nil), hubKey)
		o.give(payload)
		o.give(payload)
		o.expect("o-1", "acknowledged", "acknowledged")
		close(turn)
		synctest.Wait()
		o.give(payload)
		// A new copy, signed later, is the same order.
		o.give(sealed(t, order(func(o *wire.Order) { o.Now = at.Add(30 * time.Second) }), hubKey))
		o.expect("o-1", "acknowledged", "acknowledged", "executed", "executed", "executed")
		o.stop()
		o = start(t, disk.Restart(), s)
		defer func() { o.stop() }()
		o.give(payload)
		if got := o.states("o-1"); len(got) == 0 || got[len(got)-1] != "executed" {
			t.Errorf("after the restart: %q", got)
		}
		// Long after, when nobody remembers it, its time is over.
		o.give(sealed(t, order(func(o *wire.Order) { o.ID, o.Now, o.Expires = "o-2", at.Add(time.Hour), at.Add(2*time.Hour) }), hubKey))
		o.give(sealed(t, order(func(o *wire.Order) { o.ID, o.Now, o.Expires = "o-3", at.Add(time.Hour), at.Add(2*time.Hour) }), hubKey))
		if o.desk.book.find("o-1") != nil {
			t.Error("remembered for ever")
		}
		o.give(payload)
		if got := o.states("o-1"); got[len(got)-1] != "expired/expired" {
			t.Errorf("replayed after it was forgotten: %q", got)
		}
		if len(s.sent) != 3 {
			t.Errorf("sent %+v, want three orders once each", s.sent)
		}
	})
}

// TestExpired holds that no order is begun when its time is over, by our own
// clock, by the hub's last word, or while it waited for its turn.
func TestExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, s := fsx.NewMemory(), newStreet()
		o := start(t, disk, s)
		own := telemetry.At(time.Now())
		o.give(sealed(t, order(func(o *wire.Order) { o.ID, o.At, o.Now, o.Expires = "own", own-2000, own-1000, own }), hubKey))
		o.expect("own", "expired/expired")
		// The hub says what time it is; what was held back until then is late.
		o.give(sealed(t, order(func(o *wire.Order) { o.ID = "true" }), hubKey))
		o.stop()
		o = start(t, disk.Restart(), s)
		late := sealed(t, order(func(o *wire.Order) { o.ID, o.Now, o.Expires = "late", at, at.Add(time.Second) }), hubKey)
		o.give(late)
		o.expect("late", "expired/expired")
		// The hub's clock goes on while we hear nothing of it.
		time.Sleep(59 * time.Second)
		o.give(sealed(t, order(func(o *wire.Order) { o.ID = "held" }), hubKey))
		o.expect("held", "expired/expired")
		// A line may be busy for long.
		s.before = func(context.Context) error { time.Sleep(2 * time.Minute); return nil }
		o.give(sealed(t, order(func(o *wire.Order) { o.ID, o.Now, o.Expires = "queued", at.Add(time.Hour), at.Add(61*time.Minute) }), hubKey))
		time.Sleep(3 * time.Minute)
		o.expect("queued", "acknowledged", "expired/expired")
		o.stop()
		if len(s.sent) != 1 {
			t.Errorf("sent %+v", s.sent)
		}
	})
}

// TestFailed holds that the lines' causes reach the hub, with what was done
// before.
func TestFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreet()
		s.after = func(context.Context) error {
			if s.sent[len(s.sent)-1].Control == "siren" {
				return &Failure{"line-down", errors.New("unplugged")}
			}
			return nil
		}
		o := start(t, fsx.NewMemory(), s)
		defer o.stop()
		o.give(sealed(t, order(func(o *wire.Order) { o.Set["level"] = 3 }), hubKey))
		o.expect("o-1", "acknowledged", "failed/line-down")
		if r := o.said[1]; r.Detail != "unplugged" || r.Values["level"] != 3 {
			t.Errorf("said %+v", r)
		}
	})
}

// TestBounds holds that what is too much is refused, and that the room comes
// back.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreet()
		turn := make(chan struct{})
		s.before = func(context.Context) error { <-turn; return nil }
		o := start(t, fsx.NewMemory(), s)
		defer o.stop()
		for n := range maxOpen + 1 {
			o.give(sealed(t, order(func(o *wire.Order) { o.ID = fmt.Sprint("n-", n) }), hubKey))
		}
		last := fmt.Sprint("n-", maxOpen)
		o.expect(last, "refused/busy")
		close(turn)
		synctest.Wait()
		o.give(sealed(t, order(func(o *wire.Order) { o.ID = "again" }), hubKey))
		o.expect("again", "acknowledged", "executed")
		for range maxInbox + maxRemarks { // a flood of forgeries
			o.desk.Handle(wire.Command, sealed(t, order(func(o *wire.Order) { o.ID = "f" }), strange))
		}
		synctest.Wait()
		if n := len(o.desk.remarks); n != 0 {
			t.Errorf("%d answers wait", n)
		}
		if len(s.sent) != maxOpen+1 {
			t.Errorf("%d were sent", len(s.sent))
		}
	})
}

// TestConfig holds that device files go to whoever takes them, and to nobody
// where they are the gateway's own.
func TestConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := start(t, fsx.NewMemory(), newStreet())
		defer o.stop()
		files := func(id string) []byte {
			return sealed(t, order(func(o *wire.Order) {
				o.ID, o.Device, o.Set, o.Files = id, "gw-1", nil, map[string]string{"a.yaml": "devices: []"}
			}), hubKey)
		}
		o.desk.Handle(wire.Config, files("c-1"))
		synctest.Wait()
		o.expect("c-1", "refused/control")
		o.desk.opts.Config = func(_ context.Context, o wire.Order) wire.Result {
			if o.Files["a.yaml"] == "" {
				t.Error("the files are not there")
			}
			return wire.Result{State: wire.Refused, Cause: CauseValue, Detail: "a.yaml:1:1: want lines"}
		}
		o.desk.Handle(wire.Config, files("c-2"))
		synctest.Wait()
		o.expect("c-2", "acknowledged", "refused/value")
	})
}
