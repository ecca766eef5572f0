package broker

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTrapPubackOnlyAfterSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, nil, Events{})
		defer r.stop()
		r.sink.hold = true
		p := r.pipe(t)
		p.join(hello{})
		for id := uint16(1); id <= 3; id++ {
			p.publish("gh/1/a/up/telemetry", 1, id, "x")
		}
		r.sink.await(t, 3)
		if _, _, err := p.tryRead(time.Hour / 2); err == nil {
			t.Fatal("something was answered before the sink said so")
		}
		held := r.sink.messages()
		held[1].ack.Done(nil) // out of order: nothing may leave yet
		held[2].ack.Done(nil)
		if _, _, err := p.tryRead(time.Second); err == nil {
			t.Fatal("an acknowledgement overtook the first")
		}
		held[0].ack.Done(nil)
		for id := byte(1); id <= 3; id++ {
			p.expect(0x40, 2, 0, id)
		}
	})
}

// countingConn counts writes.
type countingConn struct {
	net.Conn
	writes atomic.Int32
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// What one commit acknowledges to one client leaves in one write, also while
// the client has more on the way.
func TestOneCommitIsOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, nil, Events{})
		defer r.stop()
		r.sink.hold = true
		near, far := net.Pipe()
		counting := &countingConn{Conn: far}
		r.welcome(&listener{Listener: Listener{Name: "pipe"}, realm: r.identities}, counting)
		p := &peer{t: t, nc: near}
		p.join(hello{})
		for id := uint16(1); id <= 150; id++ {
			p.publish("gh/1/a/up/telemetry", 1, id, "x")
		}
		held := r.sink.await(t, 150)
		before := counting.writes.Load()
		for _, k := range held[:100] {
			k.ack.Done(nil)
			synctest.Wait() // everything that could run has run; only time stands still
		}
		for id := 1; id <= 100; id++ {
			p.expect(0x40, 2, 0, byte(id))
		}
		if n := counting.writes.Load() - before; n != 1 {
			t.Errorf("100 acknowledgements left in %d writes, want 1", n)
		}
		for _, k := range held[100:] {
			k.ack.Done(nil)
		}
	})
}

func TestTrapFailedCommit(t *testing.T) {
	t.Run("version 5 is told 0x97 and may go on", func(t *testing.T) {
		r := start(t, nil, Events{})
		r.sink.err = errors.New("disk full")
		p := r.dial(t)
		p.join(hello{v5: true})
		p.publish("gh/1/a/up/telemetry", 1, 7, "x")
		p.expect(0x40, 3, 0, 7, 0x97)
		p.publish("gh/1/a/up/telemetry", 2, 8, "x")
		p.expect(0x50, 3, 0, 8, 0x97)
		p.alive()
	})
	t.Run("version 3.1.1 gets no answer and is closed", func(t *testing.T) {
		r := start(t, nil, Events{})
		r.sink.hold = true
		p := r.dial(t)
		p.join(hello{})
		p.publish("gh/1/a/up/telemetry", 1, 1, "kept")
		p.publish("gh/1/a/up/telemetry", 1, 2, "lost")
		held := r.sink.await(t, 2)
		held[0].ack.Done(nil)
		held[1].ack.Done(errors.New("disk full"))
		p.expect(0x40, 2, 0, 1)
		if head, body, err := p.tryRead(patience); err == nil {
			t.Fatalf("the failed publish was answered with %x %x", head, body)
		}
		eventually(t, "the end is counted", func() bool { return r.Stats()["end/sink"] == 1 })
	})
}

func TestTrapReceiveWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, func(c *Config) { c.ReceiveMaximum = 8 }, Events{})
		defer r.stop()
		r.sink.hold = true
		p := r.pipe(t)
		p.join(hello{})
		go func() {
			for id := uint16(1); id <= 20; id++ {
				_, _ = p.nc.Write(publishPacket(false, "gh/1/a/up/telemetry", 1, id, "x"))
			}
		}()
		synctest.Wait()
		if n := len(r.sink.messages()); n != 8 {
			t.Fatalf("sink holds %d messages of one client, want 8: reading must wait", n)
		}
		r.sink.settle(nil)
		for id := byte(1); id <= 20; id++ {
			p.expect(0x40, 2, 0, id)
		}
	})
}

// All clients together may hold only so many bytes in the sink.
func TestInflightBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, func(c *Config) { c.MaxPacket, c.MaxInflightBytes = 1024, 4096 }, Events{})
		defer r.stop()
		r.sink.hold = true
		payload := string(make([]byte, 900))
		for _, id := range []string{"a", "b", "c"} {
			p := r.pipe(t)
			p.join(hello{id: id, user: id, password: id + id})
			go func() {
				for n := uint16(1); n <= 3; n++ {
					_, _ = p.nc.Write(publishPacket(false, "gh/1/"+id+"/up/data", 1, n, payload))
				}
			}()
			go func() {
				for {
					if _, _, err := p.tryRead(time.Hour); err != nil {
						return
					}
				}
			}()
		}
		synctest.Wait()
		if n := len(r.sink.messages()); n != 4 {
			t.Fatalf("sink holds %d messages of 900 bytes, want 4 of 4096 bytes", n)
		}
		r.sink.settle(nil)
		synctest.Wait()
		if n := r.Stats()["published"]; n != 9 {
			t.Errorf("%d of 9 publishes came through after the sink answered", n)
		}
		if left := r.budget.used.Load(); left != 0 {
			t.Errorf("%d bytes are still counted as held", left)
		}
	})
}

// A client is not late because the sink is: while its window is full nobody
// reads, and neither keepalive nor the time for a packet runs.
func TestWaitingForTheSinkIsNotTheClientsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, func(c *Config) { c.ReceiveMaximum = 1 }, Events{})
		defer r.stop()
		r.sink.hold = true
		p := r.pipe(t)
		p.join(hello{keepalive: 10})
		three := append(publishPacket(false, "gh/1/a/up/telemetry", 1, 1, "x"), publishPacket(false, "gh/1/a/up/telemetry", 1, 2, "y")...)
		third := publishPacket(false, "gh/1/a/up/telemetry", 1, 3, "z")
		p.write(append(three, third[:5]...)) // the third is cut in the middle
		time.Sleep(time.Minute)
		r.sink.settle(nil)
		p.expect(0x40, 2, 0, 1)
		p.expect(0x40, 2, 0, 2)
		p.write(third[5:])
		p.expect(0x40, 2, 0, 3)
		p.alive()
	})
}

func TestPublishRateHoldsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startClocked(t, func(c *Config) { c.PublishRate = 10 }, Events{})
		defer r.stop()
		p := r.pipe(t)
		p.join(hello{})
		go func() {
			for range 40 {
				_, _ = p.nc.Write(publishPacket(false, "gh/1/a/up/telemetry", 0, 0, "x"))
			}
		}()
		time.Sleep(time.Millisecond)
		for second, want := range []int{10, 20, 30, 40} {
			if n := len(r.sink.messages()); n != want {
				t.Errorf("after %d s the sink has %d messages, want %d", second, n, want)
			}
			time.Sleep(time.Second)
		}
		p.alive()
	})
}

func TestTrapQoS2(t *testing.T) {
	t.Run("PUBREC when durable, a repeat stored once, also on the next connection", func(t *testing.T) {
		r := start(t, nil, Events{})
		p := r.dial(t)
		p.join(hello{persist: true})
		p.publish("gh/1/a/up/event", 2, 5, "once")
		p.expect(0x50, 2, 0, 5)
		p.publish("gh/1/a/up/event", 2, 5, "once")
		p.expect(0x50, 2, 0, 5)
		_ = p.nc.Close()
		eventually(t, "offline", func() bool { return !r.Connected("a") })

		p = r.dial(t)
		if !p.join(hello{persist: true}) {
			t.Fatal("the session is gone")
		}
		p.publish("gh/1/a/up/event", 2, 5, "once")
		p.expect(0x50, 2, 0, 5)
		p.write([]byte{0x62, 2, 0, 5})
		p.expect(0x70, 2, 0, 5)
		p.publish("gh/1/a/up/event", 2, 5, "another")
		p.expect(0x50, 2, 0, 5)
		if n := len(r.sink.messages()); n != 2 {
			t.Errorf("sink got %d messages, want 2", n)
		}
	})
	t.Run("a refusal is a PUBREC", func(t *testing.T) {
		r := start(t, nil, Events{})
		p := r.dial(t)
		p.join(hello{v5: true})
		p.publish("gh/1/b/up/event", 2, 9, "not mine")
		p.expect(0x50, 3, 0, 9, 0x87)
		p.write([]byte{0x62, 2, 0, 9})
		p.expect(0x70, 3, 0, 9, 0x92)
	})
	t.Run("a flood without PUBREL ends at the receive maximum", func(t *testing.T) {
		r := start(t, func(c *Config) { c.ReceiveMaximum = 16 }, Events{})
		p := r.dial(t)
		p.join(hello{v5: true})
		for id := uint16(1); id <= 17; id++ {
			p.publish("gh/1/a/up/event", 2, id, "x")
		}
		for id := byte(1); id <= 16; id++ {
			p.expect(0x50, 2, 0, id)
		}
		p.expect(0xe0, 1, 0x93)
		p.expectEnd()
	})
}

// A 3.1.1 client that stores and forwards must not be made to repeat for ever.
func TestTrapRefusedPublishIsQuarantined(t *testing.T) {
	foreign := []string{"gh/1/b/up/telemetry", "gh/1/a/down/command", "gh/1/a/up", "gh/1/a/up/", "gh/1/a/up//x", "$SYS/broker", "other",
		fmt.Sprintf("gh/1/a/up/%0300d", 1), "gh/1/a/up/1/2/3/4/5/6/7/8/9/10/11/12/13"}
	for _, topic := range foreign {
		t.Run(topic[:min(len(topic), 24)], func(t *testing.T) {
			var refusals atomic.Int32
			r := start(t, nil, Events{Refused: func(f Refusal) {
				if f.ID == "a" && f.What == "publish" && f.Cause == "topic" {
					refusals.Add(1)
				}
			}})
			p := r.dial(t)
			p.join(hello{})
			p.publish(topic, 1, 3, "stray")
			p.expect(0x40, 2, 0, 3)
			m := r.sink.await(t, 1)[0]
			if m.Refused != "topic" || m.From != "a" || m.Kind != "" || string(m.Payload) != "stray" || m.Topic != topic[:min(len(topic), 256)] {
				t.Errorf("sink got %+v", m.Message)
			}
			p.publish(topic, 0, 0, "stray") // nothing to acknowledge: counted, audited, gone
			p.alive()

			q := r.dial(t)
			q.join(hello{v5: true})
			q.publish(topic, 1, 4, "stray")
			q.expect(0x40, 3, 0, 4, 0x87)
			q.alive()
			if n := len(r.sink.messages()); n != 1 {
				t.Errorf("sink got %d messages, want the one of version 3.1.1", n)
			}
			if n := refusals.Load(); n != 3 {
				t.Errorf("%d refusals audited, want 3", n)
			}
		})
	}
}

func TestCleanStopAnswersWhatItTook(t *testing.T) {
	r := start(t, nil, Events{})
	r.sink.hold = true
	p := r.dial(t)
	p.join(hello{v5: true})
	p.publish("gh/1/a/up/telemetry", 1, 1, "x")
	r.sink.await(t, 1)
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	<-r.stopping
	r.sink.settle(nil)
	p.expect(0x40, 2, 0, 1)
	p.expect(0xe0, 1, 0x8b)
	p.expectEnd()
	<-stopped
}
