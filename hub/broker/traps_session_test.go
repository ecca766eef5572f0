package broker

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"gridhub/devices"
)

// The ids of what a client publishes and of what it is sent are two things.
func TestTrapPacketIDsOfBothDirections(t *testing.T) {
	t.Run("publishing with the id of a delivery does not lose it", func(t *testing.T) {
		r := start(t, nil, Events{})
		p := r.dial(t)
		p.join(hello{persist: true})
		p.subscribe("gh/1/a/down/#", 1, 1)
		if err := r.Send("a", "task", []byte("one"), 1); err != nil {
			t.Fatal(err)
		}
		got := p.receive()
		p.publish("gh/1/a/up/telemetry", 1, got.id, "x")
		p.expect(0x40, 2, byte(got.id>>8), byte(got.id))
		p.publish("gh/1/a/up/telemetry", 2, got.id, "x")
		p.expect(0x50, 2, byte(got.id>>8), byte(got.id))
		_ = p.nc.Close()
		eventually(t, "offline", func() bool { return !r.Connected("a") })
		p = r.dial(t)
		p.join(hello{persist: true})
		if again := p.receive(); again.payload != "one" || again.id != got.id || !again.dup {
			t.Errorf("after reconnecting got %+v, want %+v again", again, got)
		}
	})
	t.Run("subscribing with the id of a delivery works", func(t *testing.T) {
		r := start(t, nil, Events{})
		p := r.dial(t)
		p.join(hello{})
		p.subscribe("gh/1/a/down/#", 1, 1)
		if err := r.Send("a", "task", []byte("one"), 1); err != nil {
			t.Fatal(err)
		}
		got := p.receive()
		if code := p.subscribe("gh/1/a/down/call", 1, got.id); code != 1 {
			t.Errorf("SUBSCRIBE with packet id %d is answered %#x", got.id, code)
		}
		p.write(packet(0xa2, []byte{byte(got.id >> 8), byte(got.id)}, field("gh/1/a/down/call")))
		p.expect(0xb0, 2, byte(got.id>>8), byte(got.id))
	})
	t.Run("a receive maximum of 5 never starves", func(t *testing.T) {
		r := start(t, nil, Events{})
		p := r.dial(t)
		p.join(hello{v5: true, props: []byte{0x21, 0, 5}})
		p.subscribe("gh/1/a/down/#", 1, 1)
		for n := range 40 {
			if err := r.Send("a", "task", fmt.Append(nil, n), 1); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 40 {
			got := p.receive()
			if got.payload != fmt.Sprint(n) {
				t.Fatalf("delivery %d is %q", n, got.payload)
			}
			p.publish("gh/1/a/up/telemetry", 1, got.id, "collides")
			if n%5 == 4 { // all five open: none more may come before an acknowledgement
				for k := range 5 {
					p.expect(0x40, 2, 0, byte(int(got.id)-4+k))
				}
				for k := range 5 {
					p.puback(got.id - 4 + uint16(k))
				}
			}
		}
	})
}

func TestSubscriptionIdentifierComesBack(t *testing.T) {
	r := start(t, nil, Events{})
	p := r.dial(t)
	p.join(hello{v5: true})
	p.write(packet(0x82, []byte{0, 1, 2, 0x0b, 42}, field("gh/1/a/down/#"), []byte{0}))
	p.expect(0x90, 4, 0, 1, 0, 0)
	if err := r.Send("a", "task", []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	head, body := p.read()
	if want := packet(0x30, field("gh/1/a/down/task"), []byte{2, 0x0b, 42}, []byte("x")); string(packet(head, body)) != string(want) {
		t.Errorf("got % x, want % x", packet(head, body), want)
	}
}

// QoS 2 towards the client: released once, redelivered until then.
func TestSendAtQoS2(t *testing.T) {
	r := start(t, nil, Events{})
	p := r.dial(t)
	p.join(hello{persist: true})
	p.subscribe("gh/1/a/down/#", 2, 1)
	if err := r.Send("a", "task", []byte("exactly once"), 2); err != nil {
		t.Fatal(err)
	}
	d := p.receive()
	p.write([]byte{0x50, 2, 0, byte(d.id)})
	p.expect(0x62, 2, 0, byte(d.id))
	_ = p.nc.Close()
	eventually(t, "offline", func() bool { return !r.Connected("a") })
	p = r.dial(t)
	p.join(hello{persist: true})
	p.expect(0x62, 2, 0, byte(d.id)) // not the message again
	p.write([]byte{0x70, 2, 0, byte(d.id)})
	p.alive()
	if n := r.Stats()["queued_bytes"]; n != 0 {
		t.Errorf("%d bytes are still counted as queued", n)
	}
}

func TestTrapClientIDIsTheIdentity(t *testing.T) {
	for name, h := range map[string]hello{
		"another's client id": {id: "b", user: "a", password: "aa"},
		"a client id of none": {id: "whatever", user: "a", password: "aa"},
		"upper case":          {id: "A", user: "a", password: "aa"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil, Events{})
			victim := r.dial(t)
			victim.join(hello{id: "b", user: "b", password: "bb"})
			if body := r.dial(t).connect(h); body[1] != 2 {
				t.Errorf("3.1.1 is answered %d, want 2 (identifier rejected)", body[1])
			}
			h.v5 = true
			if body := r.dial(t).connect(h); body[1] != 0x85 {
				t.Errorf("version 5 is answered %#x, want 0x85", body[1])
			}
			victim.alive()
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		r := start(t, nil, Events{})
		if body := r.dial(t).connect(hello{id: "a", user: "a", password: "no"}); body[1] != 4 {
			t.Errorf("answered %d, want 4", body[1])
		}
	})
}

func TestTakeoverByOneselfIsCountedAndLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var audited atomic.Int32
		var r *running
		r = startClocked(t, func(c *Config) { c.TakeoverBurst = 3 }, Events{Refused: func(f Refusal) {
			if f.Cause == "flapping" && r.Connected(f.ID) { // a report may ask back
				audited.Add(1)
			}
		}})
		defer r.stop()
		held := r.pipe(t)
		held.join(hello{v5: true})
		for range 3 {
			next := r.pipe(t)
			go func(p *peer) {
				for {
					if _, _, err := p.tryRead(time.Hour); err != nil {
						return
					}
				}
			}(held)
			next.join(hello{v5: true})
			held = next
		}
		if body := r.pipe(t).connect(hello{v5: true}); body[1] != 0x9f {
			t.Errorf("the fourth takeover is answered %#x, want 0x9f", body[1])
		}
		held.alive()
		time.Sleep(r.cfg.TakeoverInterval)
		go func() { _, _ = io.Copy(io.Discard, held.nc) }()
		r.pipe(t).join(hello{v5: true})
		if n := r.Stats()["takeovers"]; n != 5 || audited.Load() != 1 {
			t.Errorf("%d takeovers counted, %d audited; want 5 and 1", n, audited.Load())
		}
	})
}

func TestTrapNothingExpiresByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, nil, Events{})
		defer r.stop()
		p := r.pipe(t)
		p.join(hello{persist: true, keepalive: 3600})
		p.subscribe("gh/1/a/down/#", 1, 1)
		if err := r.Send("a", "task", []byte("keep"), 1); err != nil {
			t.Fatal(err)
		}
		p.receive() // and never acknowledge it
		for range 40 {
			time.Sleep(time.Hour)
			p.alive()
		}
		_ = p.nc.Close()
		time.Sleep(11 * time.Hour)
		p = r.pipe(t)
		if !p.join(hello{persist: true}) {
			t.Fatal("the session is gone after 11 of 12 hours")
		}
		if got := p.receive(); got.payload != "keep" || !got.dup {
			t.Errorf("got %+v", got)
		}
	})
}

func TestTrapOfflineQueueIsBounded(t *testing.T) {
	r := start(t, func(c *Config) { c.SessionQueue = 10 }, Events{})
	p := r.dial(t)
	p.join(hello{persist: true})
	p.subscribe("gh/1/a/down/#", 1, 1)
	_ = p.nc.Close()
	eventually(t, "offline", func() bool { return !r.Connected("a") })
	for n := range 10 {
		if err := r.Send("a", "task", fmt.Append(nil, n), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Send("a", "task", []byte("too many"), 1); err != ErrQueueFull {
		t.Errorf("the eleventh message returns %v, want ErrQueueFull", err)
	}
	if n := r.Stats()["unsent"]; n != 1 {
		t.Errorf("%d unsent counted, want 1", n)
	}
	p = r.dial(t)
	p.join(hello{persist: true})
	for n := range 10 { // and in order, although all are of one second
		if got := p.receive(); got.payload != fmt.Sprint(n) {
			t.Fatalf("delivery %d is %q", n, got.payload)
		}
	}
}

func TestTrapSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, func(c *Config) { c.SessionExpiry = time.Hour }, Events{})
		defer r.stop()
		old, fresh := r.pipe(t), r.pipe(t)
		old.join(hello{persist: true})
		old.subscribe("gh/1/a/down/#", 1, 1)
		fresh.join(hello{id: "b", user: "b", password: "bb", v5: true, props: []byte{0x11, 0, 0, 0, 60}})
		fresh.subscribe("gh/1/b/down/#", 1, 1)
		_, _ = old.nc.Close(), fresh.nc.Close()
		time.Sleep(2 * time.Minute)
		if err := r.Send("b", "task", nil, 1); err != ErrNoSession {
			t.Errorf("version 5 session of 60 s after 2 min: %v, want ErrNoSession", err)
		}
		if err := r.Send("a", "task", nil, 1); err != nil {
			t.Errorf("3.1.1 session of 1 h after 2 min: %v", err)
		}
		time.Sleep(time.Hour)
		if err := r.Send("a", "task", nil, 1); err != ErrNoSession {
			t.Errorf("3.1.1 session of 1 h after 62 min: %v, want ErrNoSession", err)
		}
		if n := r.Stats()["sessions_expired"]; n != 2 {
			t.Errorf("%d sessions expired, want 2", n)
		}
		if left := r.identities.library.Topics.Subscribers("gh/1/a/down/task").Subscriptions; len(left) > 0 {
			t.Errorf("subscriptions of an expired session are left: %v", left)
		}
	})
}

func TestTrapRestartForgetsSessions(t *testing.T) {
	r := start(t, nil, Events{})
	p := r.dial(t)
	p.join(hello{persist: true})
	r.stop()
	next := start(t, nil, Events{})
	if next.dial(t).join(hello{persist: true}) {
		t.Error("session present after a restart: there is no memory to be present")
	}
}

func TestTrapSharedSubscriptionsAreRefused(t *testing.T) {
	r := start(t, nil, Events{})
	p := r.dial(t)
	p.join(hello{})
	for id, filter := range []string{"$share/g/gh/1/a/down/#", "$SHARE/g/gh/1/a/down/#", "$share/gh/1/a/down/#"} {
		if code := p.subscribe(filter, 1, uint16(id+1)); code != 0x80 {
			t.Errorf("%s is granted %#x", filter, code)
		}
	}
}

func TestTrapNoInlineSubscriptions(t *testing.T) {
	r := start(t, nil, Events{})
	err := r.identities.library.Subscribe("#", 1, func(*mqtt.Client, packets.Subscription, packets.Packet) {})
	if err != mqtt.ErrInlineClientNotEnabled {
		t.Errorf("an inline subscription returns %v: it would run in the publisher's goroutine", err)
	}
}

// A slow subscriber is cut off alone; others and its own successor go on.
func TestTrapSlowSubscriber(t *testing.T) {
	r := start(t, func(c *Config) { c.SessionQueue, c.SessionBytes, c.AllSessionBytes = 8192, 1<<30, 1<<30 }, Events{})
	slow := r.dial(t)
	slow.join(hello{persist: true})
	slow.subscribe("gh/1/a/down/#", 0, 1)
	other := r.dial(t)
	other.join(hello{id: "b", user: "b", password: "bb"})
	other.subscribe("gh/1/b/down/#", 0, 1)

	payload := make([]byte, 200<<10)
	sent := 0
	eventually(t, "the slow one is cut off", func() bool {
		_ = r.Send("a", "config", payload, 0) // never read; must never block
		if err := r.Send("b", "task", fmt.Append(nil, sent), 0); err != nil {
			t.Fatal(err)
		}
		if got := other.receive(); got.payload != fmt.Sprint(sent) {
			t.Fatalf("the other got %q", got.payload)
		}
		other.publish("gh/1/b/up/telemetry", 1, 1, "x")
		other.expect(0x40, 2, 0, 1)
		sent++
		return r.Stats()["end/slow"] == 1
	})
	next := r.dial(t)
	if !next.join(hello{persist: true}) {
		t.Error("the session of the slow one is gone")
	}
	next.alive()
}

func TestTakeoverOfASlowSubscriber(t *testing.T) {
	r := start(t, func(c *Config) { c.WriteQueue = 64 << 20 }, Events{})
	slow := r.dial(t)
	slow.join(hello{persist: true})
	slow.subscribe("gh/1/a/down/#", 0, 1)
	for range 64 { // more than the network holds
		_ = r.Send("a", "config", make([]byte, 200<<10), 0)
	}
	r.dial(t).join(hello{persist: true})
}

func TestTrapWills(t *testing.T) {
	t.Run("outside the own tree the connection is refused", func(t *testing.T) {
		r := start(t, nil, Events{})
		for _, topic := range []string{"gh/1/b/down/command", "gh/1/b/up/status", "gh/1/a/down/x", "$SYS/x", "a/#"} {
			if body := r.dial(t).connect(hello{willTopic: topic, will: "boo", retain: true}); body[1] != 5 {
				t.Errorf("3.1.1 with a will for %q is answered %d, want 5", topic, body[1])
			}
			if body := r.dial(t).connect(hello{v5: true, willTopic: topic, will: "boo"}); body[1] != 0x87 {
				t.Errorf("version 5 with a will for %q is answered %#x, want 0x87", topic, body[1])
			}
		}
		if n := len(r.sink.messages()); n != 0 {
			t.Errorf("%d wills were published", n)
		}
	})
	t.Run("goes to the sink when the client vanishes, not when it says goodbye", func(t *testing.T) {
		r := start(t, nil, Events{})
		p := r.dial(t)
		p.join(hello{willTopic: "gh/1/a/up/status", will: "", retain: true, willQoS: 1})
		p.write([]byte{0xe0, 0})
		p.expectEnd()
		eventually(t, "offline", func() bool { return !r.Connected("a") })
		p = r.dial(t)
		p.join(hello{willTopic: "gh/1/a/up/status", will: "gone", retain: true, willQoS: 1})
		_ = p.nc.Close()
		m := r.sink.await(t, 1)[0]
		if m.Kind != "status" || string(m.Payload) != "gone" || !m.Will || !m.Retain || m.QoS != 1 || m.From != "a" {
			t.Errorf("sink got %+v", m.Message)
		}
	})
	t.Run("version 5 may ask for it with DISCONNECT 0x04", func(t *testing.T) {
		r := start(t, nil, Events{})
		p := r.dial(t)
		p.join(hello{v5: true, willTopic: "gh/1/a/up/status", will: "gone"})
		p.write([]byte{0xe0, 1, 0x04})
		r.sink.await(t, 1)
	})
}

func TestTrapWillDelay(t *testing.T) {
	delay := func(s byte) []byte { return []byte{0x18, 0, 0, 0, s} }
	week := []byte{0x11, 0, 0x09, 0x3a, 0x80}
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, nil, Events{})
		defer r.stop()
		leave := func(props []byte, s byte) {
			p := r.pipe(t)
			p.join(hello{v5: true, persist: true, props: props, willTopic: "gh/1/a/up/status", will: "gone", willProps: delay(s)})
			_ = p.nc.Close()
			synctest.Wait()
		}
		count := func(want int, when string) {
			t.Helper()
			synctest.Wait()
			if n := len(r.sink.messages()); n != want {
				t.Errorf("%s: %d wills published, want %d", when, n, want)
			}
		}
		leave(week, 30)
		time.Sleep(29 * time.Second)
		count(0, "after 29 of 30 s")
		leave(week, 30) // came back and left again: the first one is off
		time.Sleep(29 * time.Second)
		count(0, "29 s after coming back")
		time.Sleep(2 * time.Second)
		count(1, "after 31 s")
		leave(nil, 30)
		count(2, "the session ended with the connection")
		leave([]byte{0x11, 0, 0, 0, 10}, 30)
		time.Sleep(11 * time.Second)
		count(3, "the session ended before the delay")
		leave(week, 30)
		p := r.pipe(t)
		p.join(hello{v5: true}) // clean start ends the session
		count(4, "a clean start ended the session")
	})
}

func TestPresence(t *testing.T) {
	type told struct {
		online bool
		cause  string
	}
	var mu sync.Mutex
	var all []told
	r := start(t, nil, Events{Presence: func(id devices.ID, online bool, _ time.Time, cause string) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, told{online, cause})
	}})
	await := func(n int, want told) {
		t.Helper()
		eventually(t, fmt.Sprint("report ", n), func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(all) >= n
		})
		if all[n-1] != want {
			t.Errorf("report %d is %+v, want %+v", n, all[n-1], want)
		}
	}
	p := r.dial(t)
	p.join(hello{})
	await(1, told{true, "connect"})
	q := r.dial(t)
	q.join(hello{})
	p.expectEnd()
	await(2, told{true, "takeover"})
	q.write([]byte{0xe0, 0})
	await(3, told{false, "disconnect"})
	p = r.dial(t)
	p.join(hello{})
	await(4, told{true, "connect"})
	r.Disconnect("a", "revoked")
	p.expectEnd()
	await(5, told{false, "revoked"})
}

// Credentials that are revoked while they are being checked let nobody in.
func TestDisconnectDuringAuthentication(t *testing.T) {
	r := start(t, nil, Events{})
	r.roster.during = func() { r.Disconnect("a", "revoked") }
	if body := r.dial(t).connect(hello{v5: true}); body[1] != 0x98 {
		t.Errorf("answered %#x, want 0x98", body[1])
	}
	if r.Connected("a") {
		t.Error("connected")
	}
}

// A resumed session is whole: it delivers, and a clean start ends all of it.
func TestResumedSessionIsWhole(t *testing.T) {
	r := start(t, nil, Events{})
	first, resumed, clean := r.dial(t), r.dial(t), r.dial(t)
	first.join(hello{persist: true})
	first.subscribe("gh/1/a/down/#", 1, 1)
	if !resumed.join(hello{persist: true}) {
		t.Fatal("the session is gone")
	}
	if err := r.Send("a", "task", []byte("x"), 1); err != nil {
		t.Fatal(err)
	}
	resumed.receive()
	if clean.join(hello{}) {
		t.Error("a clean start found a session")
	}
	if err := r.Send("a", "task", nil, 1); err != ErrNotSubscribed {
		t.Errorf("after a clean start Send returns %v, want ErrNotSubscribed", err)
	}
	if n := r.Stats()["queued_bytes"]; n != 0 {
		t.Errorf("%d bytes of the old session are still queued", n)
	}
}

// A QoS 2 publish whose answer missed its connection is taken again.
func TestUndecidedQoS2IsTakenAgain(t *testing.T) {
	r := start(t, nil, Events{})
	r.sink.hold = true
	p := r.dial(t)
	p.join(hello{persist: true})
	p.publish("gh/1/a/up/event", 2, 5, "x")
	lost := r.sink.await(t, 1)
	_ = p.nc.Close()
	eventually(t, "offline", func() bool { return !r.Connected("a") })
	p = r.dial(t)
	p.join(hello{persist: true})
	p.publish("gh/1/a/up/event", 2, 5, "x")
	lost[0].ack.Done(errors.New("too late"))
	again := r.sink.await(t, 2)
	again[1].ack.Done(nil)
	p.expect(0x50, 2, 0, 5)
	p.publish("gh/1/a/up/event", 2, 5, "x")
	p.expect(0x50, 2, 0, 5)
	if n := len(r.sink.messages()); n != 2 {
		t.Errorf("sink got %d messages, want 2: the last is a repeat", n)
	}
}

// Revocation ends session and connection, and what was queued is gone.
func TestDisconnectCutsAtOnce(t *testing.T) {
	r := start(t, nil, Events{})
	p := r.dial(t)
	p.join(hello{v5: true, persist: true, props: []byte{0x11, 0, 0, 1, 0}, willTopic: "gh/1/a/up/status", will: "gone"})
	p.subscribe("gh/1/a/down/#", 1, 1)
	r.Disconnect("a", "revoked")
	p.expect(0xe0, 1, 0x98)
	p.expectEnd()
	if r.Connected("a") {
		t.Error("still connected")
	}
	if err := r.Send("a", "task", nil, 1); err != ErrNoSession {
		t.Errorf("Send returns %v, want ErrNoSession", err)
	}
	if n := len(r.sink.messages()); n != 0 {
		t.Errorf("the will of a revoked client was published")
	}
}
