package broker

// The library and its usual use have traps. Each has a test that falls into it
// if the guard in front is taken away:
//
//	SUBSCRIBE cut before its options panics        TestTrapTruncatedSubscribe, FuzzConnection
//	one slow subscriber freezes publishers         TestTrapSlowSubscriber, TestTakeoverOfASlowSubscriber
//	5 bytes allocate 128 MB before authentication  TestTrapFiveByteAllocation
//	no deadline before CONNECT, none in TLS        TestTrapSilentStranger, TestTrapSlowPacket
//	a topic of 60,000 slashes locks the tree       TestTrapTopicBomb
//	keepalive overflows; 0 means for ever          TestTrapKeepalive
//	one Accept error ends the listener             TestTrapAcceptError
//	WebSocket accepts every origin                 TestTrapWebSocketOrigin
//	PUBACK before anybody has the message          TestTrapPubackOnlyAfterSink
//	a failed commit is acknowledged to 3.1.1       TestTrapFailedCommit
//	the receive quota misses rejected packets      TestTrapReceiveWindow
//	QoS 2 rejected with the wrong packet           TestTrapQoS2
//	a refusal makes store-and-forward loop         TestTrapRefusedPublishIsQuarantined
//	rights are an OR over hooks, aliases are ""    TestTrapRights, TestTrapTopicAlias
//	wills skip every check                         TestTrapWills, TestTrapWillDelay
//	packet ids of both directions share one map    TestTrapPacketIDsOfBothDirections
//	anyone may take anyone's client id             TestTrapClientIDIsTheIdentity
//	state is deleted after 24 h by wall clock      TestTrapNothingExpiresByTheClock
//	offline queues and sessions grow               TestTrapOfflineQueueIsBounded, TestTrapSessionsExpire
//	persistence only logs its errors               TestTrapRestartForgetsSessions
//	41 KB per idle connection                      TestTrapIdleConnectionIsSmall
//	$share may pick an offline member              TestTrapSharedSubscriptionsAreRefused
//	inline subscribers run in the publisher        TestTrapNoInlineSubscriptions
//	messages held back for the receive maximum
//	are forgotten, then nothing comes any more     TestTrapPacketIDsOfBothDirections (receive maximum of 5)
//	a SUBSCRIBE id equal to a delivery's is refused TestTrapPacketIDsOfBothDirections (subscribing)
//	DISCONNECT 0x04 without properties is not seen TestTrapWills (DISCONNECT 0x04)

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"gridhub/devices"
)

func TestTrapTruncatedSubscribe(t *testing.T) {
	r := start(t, nil, Events{})
	p := r.dial(t)
	p.join(hello{v5: true})
	p.write([]byte{0x82, 0x06, 0x00, 0x01, 0x00, 0x00, 0x01, 0x61})
	p.expect(0xe0, 1, 0x81)
	p.expectEnd()
	if n := r.Stats()["panics"]; n != 0 {
		t.Errorf("%d connections panicked", n)
	}
	r.dial(t).join(hello{})
}

func TestTrapFiveByteAllocation(t *testing.T) {
	r := start(t, nil, Events{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 200 {
		p := r.dial(t)
		p.write([]byte{0x10, 0xff, 0xff, 0xff, 0x7f})
		p.expectEnd()
	}
	p := r.dial(t)
	p.join(hello{v5: true})
	p.write([]byte{0x30, 0xff, 0xff, 0xff, 0x7f})
	p.expect(0xe0, 1, 0x95)
	p.expectEnd()
	runtime.ReadMemStats(&after)
	if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 16 {
		t.Errorf("201 packets of 5 bytes allocated %d MB", mb)
	}
	eventually(t, "all are counted as oversize", func() bool { return r.Stats()["end/oversize"] == 201 })
}

func TestPacketLimitIsExact(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxPacket = 2048 }, Events{})
	p := r.dial(t)
	p.join(hello{})
	const overhead = 3 + 2 + len("gh/1/a/up/data") + 2
	p.publish("gh/1/a/up/data", 1, 1, strings.Repeat("x", 2048-overhead))
	p.expect(0x40, 2, 0, 1)
	p.publish("gh/1/a/up/data", 1, 2, strings.Repeat("x", 2049-overhead))
	p.expectEnd()
}

func TestTrapSilentStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, nil, Events{})
		defer r.stop()
		for _, said := range []string{"", "\x10", "\x10\x20\x00\x04MQTT"} {
			p := r.pipe(t)
			p.write([]byte(said))
			began := time.Now()
			p.expectEnd()
			if after := time.Since(began); after != 5*time.Second {
				t.Errorf("after saying %q cut off in %s, want 5s", said, after)
			}
		}
		synctest.Wait()
		if n := r.Stats()["end/connect-timeout"]; n != 3 {
			t.Errorf("%d counted as connect-timeout, want 3", n)
		}
	})
}

func TestConnectionLimits(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxPerAddress = 3 }, Events{})
	for range 3 {
		r.dial(t)
	}
	eventually(t, "three are in", func() bool { return r.Stats()["connections"] == 3 })
	r.dial(t).expectEnd()
	if n := r.Stats()["turned"]; n != 1 {
		t.Errorf("%d turned away, want 1", n)
	}
}

func TestTrapSlowPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, nil, Events{})
		defer r.stop()
		p := r.pipe(t)
		p.join(hello{})
		began := time.Now()
		for _, b := range publishPacket(false, "gh/1/a/up/telemetry", 1, 1, strings.Repeat("x", 100)) {
			if _, err := p.nc.Write([]byte{b}); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if after := time.Since(began); after < 20*time.Second || after > 23*time.Second {
			t.Errorf("a packet of one byte a second was cut off after %s, want 20s", after)
		}
		synctest.Wait()
		if n := r.Stats()["end/frame-timeout"]; n != 1 {
			t.Errorf("%d counted as frame-timeout, want 1", n)
		}
	})
}

func TestTrapTopicBomb(t *testing.T) {
	r := start(t, nil, Events{})
	witness := r.dial(t)
	witness.join(hello{id: "b", user: "b", password: "bb"})
	witness.subscribe("gh/1/b/down/#", 1, 1)
	slashes := strings.Repeat("/", 60000)
	t.Run("publish", func(t *testing.T) {
		p := r.dial(t)
		p.join(hello{v5: true})
		p.publish(slashes, 1, 1, "")
		p.expect(0x40, 3, 0, 1, 0x87)
	})
	t.Run("subscribe", func(t *testing.T) {
		p := r.dial(t)
		p.join(hello{})
		for n, filter := range []string{slashes, "gh/1/a/down/" + slashes, "gh/1/a/down" + strings.Repeat("/x", 13), "gh/1/a/down/" + strings.Repeat("x", 256)} {
			if code := p.subscribe(filter, 1, uint16(n+1)); code != 0x80 {
				t.Errorf("filter %d is granted %#x", n, code)
			}
		}
		if code := p.subscribe("gh/1/a/down"+strings.Repeat("/x", 12), 1, 9); code != 1 {
			t.Errorf("a filter of 16 levels is answered %#x", code)
		}
	})
	t.Run("unsubscribe", func(t *testing.T) {
		p := r.dial(t)
		p.join(hello{})
		p.write(packet(0xa2, []byte{0, 1}, field(slashes)))
		p.expectEnd()
	})
	t.Run("will", func(t *testing.T) {
		if body := r.dial(t).connect(hello{willTopic: slashes[:20000], will: "x"}); body[1] != 5 {
			t.Errorf("answered %d, want 5", body[1])
		}
	})
	for _, topic := range []string{"a\x00b", "\xff\xfe", "gh/1/a/up/#", "gh/1/a/up/+", "a#", ""} {
		t.Run(fmt.Sprintf("publish %q", topic), func(t *testing.T) {
			p := r.dial(t)
			p.join(hello{})
			p.publish(topic, 1, 1, "")
			p.expectEnd()
		})
	}
	witness.alive()
}

func TestTrapKeepalive(t *testing.T) {
	for wish, granted := range map[uint16]time.Duration{
		0: time.Hour, 1: time.Second, 60: time.Minute, 3600: time.Hour, 3601: time.Hour, 43691: time.Hour, 65535: time.Hour,
	} {
		t.Run(fmt.Sprint(wish), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := startClocked(t, nil, Events{})
				defer r.stop()
				p := r.pipe(t)
				body := p.connect(hello{v5: true, keepalive: wish})
				told := strings.Contains(string(body), "\x13\x0e\x10")
				if want := granted != time.Duration(wish)*time.Second; told != want {
					t.Errorf("server keepalive of 3600 in CONNACK is %t, want %t", told, want)
				}
				time.Sleep(granted)
				p.alive()
				began := time.Now()
				_ = p.nc.SetReadDeadline(time.Time{})
				go func() { _, _ = io.Copy(io.Discard, p.nc) }()
				synctest.Wait()
				time.Sleep(granted*3/2 - time.Millisecond)
				if !r.Connected("a") {
					t.Errorf("cut off %s after the last packet, keepalive %s", time.Since(began), granted)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if r.Connected("a") {
					t.Errorf("still there %s after the last packet, keepalive %s", time.Since(began), granted)
				}
			})
		})
	}
}

// scarce is a listener that sometimes has no file descriptor left.
type scarce struct {
	net.Listener
	failures int
	conns    chan net.Conn
}

func (s *scarce) Accept() (net.Conn, error) {
	if s.failures > 0 {
		s.failures--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	nc, ok := <-s.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return nc, nil
}

func TestTrapAcceptError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, nil, Events{})
		defer r.stop()
		s := &scarce{failures: 12, conns: make(chan net.Conn)}
		go r.accept(&listener{Listener: Listener{Name: "scarce"}, realm: r.identities, net: s})
		time.Sleep(time.Second)
		if err := r.Healthy(); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("Healthy returns %v while accepting fails", err)
		}
		near, far := net.Pipe()
		s.conns <- far
		p := &peer{t: t, nc: near}
		p.join(hello{})
		if err := r.Healthy(); err != nil {
			t.Errorf("Healthy returns %v after accepting again", err)
		}
		if n := r.Stats()["accept_errors"]; n != 12 {
			t.Errorf("%d accept errors counted, want 12", n)
		}
		close(s.conns)
	})
}

func TestTrapWebSocketOrigin(t *testing.T) {
	r := start(t, func(c *Config) { c.Origins = []string{"*.street.example"} }, Events{})
	web := httptest.NewServer(r.Broker)
	defer web.Close()
	for origin, ok := range map[string]bool{
		"": true, web.URL: true, "https://desk.street.example": true,
		"https://evil.example": false, "https://street.example.evil.example": false, "null": false,
	} {
		opts := &websocket.DialOptions{Subprotocols: []string{"mqtt"}, HTTPHeader: http.Header{}}
		if origin != "" {
			opts.HTTPHeader.Set("Origin", origin)
		}
		ws, _, err := websocket.Dial(t.Context(), web.URL, opts)
		if (err == nil) != ok {
			t.Errorf("origin %q: %v, want accepted %t", origin, err, ok)
		}
		if err == nil {
			_ = ws.CloseNow()
		}
	}
	ws, _, err := websocket.Dial(t.Context(), web.URL, nil)
	if err == nil {
		if _, _, err = ws.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("without the subprotocol: %v, want a policy violation", err)
		}
	}
}

// What each role may do, by topic or filter.
func TestTrapRights(t *testing.T) {
	r := start(t, nil, Events{})
	read := map[string]bool{
		"gh/1/a/down/#": true, "gh/1/a/down/+": true, "gh/1/a/down/task": true, "gh/1/a/down/tb/rpc/+": true, "gh/1/a/down/call/#": true,
		"gh/1/a/down": false, "gh/1/a/down/": false, "gh/1/a/#": false, "gh/1/a/+/task": false, "gh/1/+/down/#": false,
		"gh/1/b/down/#": false, "gh/1/a/up/#": false, "gh/#": false, "#": false, "+": false, "+/+/+/+/+": false, "$SYS/#": false,
		"gh/1/a/down/#/x": false, "gh/1/a/down/x#": false, "gh/1/a/down/+x": false, "gh/2/a/down/#": false, "/gh/1/a/down/#": false,
		"gh/1/ab/down/#": false, "gh/1/a/downs/#": false, "GH/1/a/down/#": false,
	}
	write := map[string]bool{
		"gh/1/a/up/telemetry": true, "gh/1/a/up/position": true, "gh/1/a/up/event": true, "gh/1/a/up/batch": true, "gh/1/a/up/inventory": true,
		"gh/1/a/up/ledger": true, "gh/1/a/up/reply": true, "gh/1/a/up/call": true, "gh/1/a/up/status": true, "gh/1/a/up/tb/telemetry": true,
		"gh/1/a/up": false, "gh/1/a/down/task": false, "gh/1/b/up/telemetry": false, "gh/1/ab/up/x": false, "gh/2/a/up/x": false,
		"$SYS/x": false, "$share/g/gh/1/a/up/x": false, "test": false, "/gh/1/a/up/x": false, "gh/1/a/ups/x": false, "gh/1/a/up//x": false,
	}
	for _, v5 := range []bool{false, true} {
		p := r.dial(t)
		p.join(hello{v5: v5})
		id := uint16(0)
		for filter, granted := range read {
			id++
			if code := p.subscribe(filter, 1, id); (code == 1) != granted {
				t.Errorf("v5 %t: subscribing to %q is answered %#x", v5, filter, code)
			}
		}
		if !v5 {
			continue // its refusals have no reason code, see TestTrapRefusedPublishIsQuarantined
		}
		for topic, granted := range write {
			id++
			p.publish(topic, 1, id, "x")
			head, body := p.read()
			if head != 0x40 || (len(body) == 2) != granted || !granted && body[2] != 0x87 {
				t.Errorf("publishing to %q is answered %x %x", topic, head, body)
			}
		}
	}
}

func TestSubscriptionsAreCapped(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxSubscriptions = 4 }, Events{})
	p := r.dial(t)
	p.join(hello{})
	for n := range 6 {
		want := byte(1)
		if n >= 4 {
			want = 0x80
		}
		if code := p.subscribe(fmt.Sprint("gh/1/a/down/", n), 1, uint16(n+1)); code != want {
			t.Errorf("subscription %d is answered %#x, want %#x", n+1, code, want)
		}
	}
	if code := p.subscribe("gh/1/a/down/0", 0, 9); code != 0 {
		t.Errorf("changing an existing one is answered %#x", code)
	}
	var many []byte
	for range 5 {
		many = append(append(many, field("gh/1/a/down/0")...), 0)
	}
	p.write(packet(0x82, []byte{0, 1}, many))
	p.expectEnd()
}

func TestTrapTopicAlias(t *testing.T) {
	r := start(t, nil, Events{})
	p := r.dial(t)
	p.join(hello{v5: true})
	p.write(packet(0x32, field(""), []byte{0, 1, 3, 0x23, 0, 1}, []byte("x")))
	p.expect(0xe0, 1, 0x94)
	p.expectEnd()
}

// Nothing a client publishes is kept for others, retained or not.
func TestRetainedPublishesAreNotKept(t *testing.T) {
	r := start(t, nil, Events{})
	p := r.dial(t)
	p.join(hello{})
	p.write(packet(0x33, field("gh/1/a/up/status"), []byte{0, 1}, []byte("online")))
	p.expect(0x40, 2, 0, 1)
	if m := r.sink.await(t, 1)[0]; !m.Retain || m.Refused != "" {
		t.Errorf("sink got %+v", m.Message)
	}
	if n := r.identities.library.Topics.Retained.Len(); n != 0 {
		t.Errorf("%d retained messages are kept", n)
	}
}

func TestTrapIdleConnectionIsSmall(t *testing.T) {
	const n, limit = 400, 28 << 10
	r := start(t, func(c *Config) { c.MaxPerAddress = 0 }, Events{})
	r.roster.mu.Lock()
	for i := range n {
		id := fmt.Sprint("t", i)
		r.roster.passwords[id] = "x"
	}
	r.roster.mu.Unlock()
	used := func() int64 {
		for range 6 {
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := used()
	peers := make([]*peer, n)
	for i := range peers {
		id := fmt.Sprint("t", i)
		peers[i] = r.dial(t)
		peers[i].join(hello{id: id, user: id, password: "x", persist: true})
		peers[i].subscribe("gh/1/"+id+"/down/#", 1, 1)
	}
	if per := (used() - before) / n; per > limit {
		t.Errorf("an idle connection holds %d bytes, both ends, want at most %d", per, limit)
	}
	runtime.KeepAlive(peers)
}

// A foreign device keeps its own topics; behind the guard it has its tree.
func TestThingsBoardConvention(t *testing.T) {
	r := start(t, nil, Events{})
	for token, id := range map[string]string{"token-one": "one", "token-two": "two"} {
		r.roster.passwords[token] = ""
		r.roster.known[token] = Principal{ID: devices.ID(id), Kind: devices.Sensor, Convention: "thingsboard"}
	}
	one, two := r.dial(t), r.dial(t)
	one.join(hello{id: "same", user: "token-one", willTopic: "v1/devices/me/attributes", will: "{}"})
	two.join(hello{id: "same", user: "token-two", v5: true})
	for _, p := range []*peer{one, two} {
		if code := p.subscribe("v1/devices/me/rpc/request/+", 1, 1); code != 1 {
			t.Fatalf("subscribing is answered %#x", code)
		}
		if code := p.subscribe("gh/1/one/down/#", 1, 2); code < 0x80 {
			t.Errorf("a foreign client may subscribe to native topics: %#x", code)
		}
		p.publish("v1/devices/me/telemetry", 1, 1, `{"t":1}`)
		p.expect(0x40, 2, 0, 1)
	}
	got := r.sink.await(t, 2)
	if got[0].Topic != "gh/1/one/up/tb/telemetry" || got[1].Topic != "gh/1/two/up/tb/telemetry" || got[0].Kind != "tb" {
		t.Errorf("sink got %q and %q, kind %q", got[0].Topic, got[1].Topic, got[0].Kind)
	}
	one.publish("v1/gateway/telemetry", 1, 2, `{}`)
	one.expect(0x40, 2, 0, 2)
	if m := r.sink.await(t, 3)[2]; m.Topic != "gh/1/one/up/tb/gateway/telemetry" {
		t.Errorf("sink got %q", m.Topic)
	}
	if err := r.Send("one", "tb/rpc/request/7", []byte(`{"method":"on"}`), 1); err != nil {
		t.Fatal(err)
	}
	if d := one.receive(); d.topic != "v1/devices/me/rpc/request/7" {
		t.Errorf("delivered on %q", d.topic)
	}
	two.alive() // and got nothing
	one.write(packet(0xa2, []byte{0, 3}, field("v1/devices/me/rpc/request/+")))
	one.expect(0xb0, 2, 0, 3)
	if err := r.Send("one", "tb/rpc/request/8", nil, 1); err != ErrNotSubscribed {
		t.Errorf("after UNSUBSCRIBE Send returns %v", err)
	}
	_ = one.nc.Close()
	if m := r.sink.await(t, 4)[3]; m.Topic != "gh/1/one/up/tb/attributes" || !m.Will {
		t.Errorf("the will went to %q", m.Topic)
	}
}

func TestConformanceProfile(t *testing.T) {
	r := start(t, func(c *Config) {
		c.Listeners[0].Profile = ProfileConformance
	}, Events{})
	p := r.dial(t)
	body := p.connect(hello{v5: true, id: "", user: "-", keepalive: 120})
	if body[1] != 0 || !strings.Contains(string(body), "\x13\x00\x3c") || !strings.Contains(string(body), "auto-") {
		t.Errorf("CONNACK is %q: want a server keepalive of 60 and an assigned client id", body)
	}
	if code := p.subscribe("#", 2, 1); code != 2 {
		t.Errorf("subscribing to # is answered %#x", code)
	}
	if code := p.subscribe("test/nosubscribe", 2, 2); code != 0x80 {
		t.Errorf("subscribing to test/nosubscribe is answered %#x", code)
	}
	p.publish("anything/at/all", 1, 3, "hello")
	p.expect(0x40, 2, 0, 3)
	if d := p.receive(); d.topic != "anything/at/all" || d.payload != "hello" {
		t.Errorf("got %+v", d)
	}
	if n := len(r.sink.messages()); n != 0 {
		t.Errorf("%d messages of anonymous clients reached the sink", n)
	}
	if err := r.Send("a", "task", nil, 1); err != ErrNoSession {
		t.Errorf("Send to a conformance client returns %v", err)
	}
}

// Whatever bytes follow CONNECT, the connection ends or answers; the process
// and the other clients go on.
func FuzzConnection(f *testing.F) {
	f.Add([]byte{0x82, 0x06, 0x00, 0x01, 0x00, 0x00, 0x01, 0x61}, true)
	f.Add(publishPacket(true, "gh/1/a/up/x", 1, 1, "payload"), true)
	f.Add(publishPacket(false, "gh/1/a/up/x", 2, 1, "payload"), false)
	f.Add(packet(0x33, field("gh/1/a/up/x"), []byte{0, 1, 3, 0x23, 0, 1}), true)
	f.Add(packet(0xa2, []byte{0, 1, 0}, field("gh/1/a/down/#")), true)
	f.Add([]byte{0xe0, 7, 0, 5, 0x11, 0, 0, 0, 9}, true)
	f.Add([]byte{0x50, 2, 0, 1, 0x62, 2, 0, 1, 0x70, 2, 0, 1, 0xf0, 0}, false)
	r := (*running)(nil)
	f.Fuzz(func(t *testing.T, input []byte, v5 bool) {
		if r == nil {
			r = start(t, nil, Events{})
			r.stop = func() {}
		}
		near, far := net.Pipe()
		c := r.newConn(&listener{Listener: Listener{Name: "fuzz"}, realm: r.identities}, "fuzz")
		c.transport(far, func() { _ = far.Close() })
		ended := make(chan struct{})
		r.serving.Add(1)
		go func() { defer r.serving.Done(); c.serve(); close(ended) }()
		go func() { _, _ = io.Copy(io.Discard, near) }()
		_, _ = near.Write(hello{v5: v5, persist: true}.packet())
		_, _ = near.Write(input)
		_ = near.Close()
		<-ended
		if n := r.Stats()["panics"]; n != 0 {
			t.Fatalf("%x panicked", input)
		}
	})
}

func FuzzParsePublish(f *testing.F) {
	f.Add(publishPacket(true, "gh/1/a/up/x", 1, 1, "payload"), true)
	f.Add(packet(0x3d, field("t"), []byte{0, 1, 9, 0x26, 0, 1, 'k', 0, 1, 'v', 1, 0}, []byte("x")), true)
	f.Add([]byte{0x30, 0x80, 0x80, 0x80, 0x80, 1}, false)
	f.Fuzz(func(t *testing.T, input []byte, v5 bool) {
		fr, size, whole, err := split(input, 1<<10)
		if err != nil || !whole {
			return
		}
		if size > len(input) || size > 1<<10 || len(fr.body) > size {
			t.Fatalf("frame of %d bytes with a body of %d from %d", size, len(fr.body), len(input))
		}
		if fr.kind() != typePublish {
			return
		}
		p, err := parsePublish(fr, v5)
		if err == nil && (len(p.topic)+len(p.payload) > len(fr.body) || p.qos > 2 || p.qos > 0 && p.id == 0) {
			t.Fatalf("parsed %+v", p)
		}
	})
}
