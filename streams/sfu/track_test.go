package sfu

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

var vp8 = webrtc.RTPCodecCapability{MimeType: mimeVP8, ClockRate: 90000}

// raw is one RTP packet as it comes from a publisher.
func raw(t testing.TB, seq uint16, ts uint32, payload ...byte) []byte {
	t.Helper()
	b, err := (&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: ts}, Payload: payload}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openTrack() *track {
	t := newTrack("t1", nil, webrtc.RTPCodecTypeVideo, vp8, &atomic.Uint64{})
	t.begin(nil, 7)
	t.gate(true)
	return t
}

func (t *track) all() []packet {
	var all []packet
	for at := max(t.ring.first, t.ring.shown); at < t.ring.next; at++ {
		p, _ := t.ring.get(at)
		all = append(all, p)
	}
	return all
}

func TestTrackNumbersWithoutWrap(t *testing.T) {
	tr := openTrack()
	for _, seq := range []uint16{65534, 65535, 1, 0, 2} {
		tr.receive(7, raw(t, seq, 0xfffffff0, 0x10, 0), noon)
	}
	first := tr.all()[0].seq
	for i, want := range []uint64{0, 1, 3, 2, 4} {
		if got := tr.all()[i].seq - first; got != want {
			t.Errorf("packet %d is number %d, want %d", i, got, want)
		}
	}
}

// A publisher who reconnects has another SSRC, other numbers and another
// clock; the track goes on where it was.
func TestTrackGoesOnAfterReconnect(t *testing.T) {
	tr := openTrack()
	tr.receive(7, raw(t, 100, 5000, 0x10, 0), noon)
	tr.begin(nil, 8)
	tr.receive(7, raw(t, 101, 5900, 0x10, 1), noon) // the old connection's last
	tr.receive(8, raw(t, 9, 77, 0x10, 0), noon.Add(time.Second))
	tr.receive(8, raw(t, 8, 77, 0x10, 0), noon.Add(time.Second)) // older than its first
	all := tr.all()
	if len(all) != 2 {
		t.Fatalf("%d packets", len(all))
	}
	if d := all[1].seq - all[0].seq; d != 1 {
		t.Errorf("numbers go on by %d, want 1", d)
	}
	if d := all[1].ts - all[0].ts; d != 90000 {
		t.Errorf("a second is %d ticks, want 90000", d)
	}
	tr.reported(&rtcp.SenderReport{SSRC: 8, NTPTime: 99, RTPTime: 77})
	if r := tr.lastReport(); r.ntp != 99 || r.rtp != all[1].ts {
		t.Errorf("report %+v, want the new clock tied to %d", r, all[1].ts)
	}
}

func TestTrackBehindClosedGate(t *testing.T) {
	tr := openTrack()
	tr.receive(7, raw(t, 1, 0, 0x10, 0, 'a'), noon)
	tr.gate(false)
	tr.receive(7, raw(t, 2, 0, 0x10, 0, 'b'), noon)
	if n := len(tr.all()); n != 0 {
		t.Errorf("%d packets are remembered behind the gate", n)
	}
	tr.gate(true)
	tr.receive(7, raw(t, 3, 0, 0x10, 0, 'c'), noon)
	if all := tr.all(); len(all) != 1 || all[0].payload[2] != 'c' {
		t.Errorf("after opening: %+v", all)
	}
}

// written records what a slot writes, in place of an SRTP stream.
type written struct{ packets []rtp.Packet }

func (w *written) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	w.packets = append(w.packets, rtp.Packet{Header: *h, Payload: payload})
	return len(payload), nil
}
func (w *written) Write(b []byte) (int, error) { return len(b), nil }

func boundSlot(tr *track) (*slot, *written) {
	w := &written{}
	s := &slot{
		kind: tr.kind, ready: true, open: true, w: w, ssrc: 99,
		codecs: []webrtc.RTPCodecParameters{{RTPCodecCapability: vp8, PayloadType: 96}},
	}
	tr.subscribe(s)
	s.setTrack(tr)
	return s, w
}

func TestSlotStartsAtKeyFrame(t *testing.T) {
	tr := openTrack()
	now := time.Now()
	tr.receive(7, raw(t, 1, 0, 0x10, 1), now)
	_, w := boundSlot(tr)
	tr.receive(7, raw(t, 2, 900, 0x10, 1), now)
	tr.receive(7, raw(t, 3, 1800, 0x10, 0, 'k'), now)
	tr.receive(7, raw(t, 4, 2700, 0x10, 1), now)
	if len(w.packets) != 2 || w.packets[0].Payload[2] != 'k' {
		t.Fatalf("%+v", w.packets)
	}
	_, late := boundSlot(tr) // replayed
	tr.receive(7, raw(t, 5, 3600, 0x10, 1), now)
	if len(late.packets) != 3 || late.packets[0].Payload[2] != 'k' {
		t.Errorf("newcomer: %+v", late.packets)
	}
	for i, p := range late.packets {
		if p.SSRC != 99 || p.PayloadType != 96 || p.SequenceNumber != late.packets[0].SequenceNumber+uint16(i) {
			t.Errorf("newcomer's packet %d: %+v", i, p.Header)
		}
	}
}

// One slot plays one track after another without a jump in its numbering.
func TestSlotChangesTrack(t *testing.T) {
	a, b := openTrack(), openTrack()
	now := time.Now()
	s, w := boundSlot(a)
	a.receive(7, raw(t, 1, 1000, 0x10, 0), now)
	a.unsubscribe(s)
	b.subscribe(s)
	s.setTrack(b)
	a.receive(7, raw(t, 2, 1900, 0x10, 0), now)
	b.receive(7, raw(t, 900, 7, 0x10, 0), now.Add(time.Second))
	if len(w.packets) != 2 {
		t.Fatalf("%d packets", len(w.packets))
	}
	if d := w.packets[1].SequenceNumber - w.packets[0].SequenceNumber; d != 1 {
		t.Errorf("numbers go on by %d", d)
	}
	if d := w.packets[1].Timestamp - w.packets[0].Timestamp; d != 90000 {
		t.Errorf("timestamps go on by %d, want 90000", d)
	}
}

func TestSlotSendsAgain(t *testing.T) {
	tr := openTrack()
	s, w := boundSlot(tr)
	now := time.Now()
	for seq := range uint16(10) {
		tr.receive(7, raw(t, 65530+seq, 0, 0x10, 0, byte(seq)), now)
	}
	lost := w.packets[4]
	w.packets = nil
	s.resend([]uint16{lost.SequenceNumber, lost.SequenceNumber + 1000, lost.SequenceNumber - 1000}, now)
	if len(w.packets) != 1 || w.packets[0].SequenceNumber != lost.SequenceNumber || w.packets[0].Payload[2] != 4 {
		t.Fatalf("sent again: %+v", w.packets)
	}
	s.resend([]uint16{lost.SequenceNumber}, now.Add(nackAge+1))
	if len(w.packets) != 1 {
		t.Error("a packet older than a second was sent again")
	}
	for range 2 * nackBudget { // a flood
		s.resend([]uint16{lost.SequenceNumber}, now)
	}
	if n := len(w.packets); n > nackBudget {
		t.Errorf("%d packets sent again within a second, want at most %d", n, nackBudget)
	}
}

// Many subscribers are shared out among writers; all get everything, and the
// writers end with the last subscriber.
func TestManySubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := openTrack()
		var slots []*slot
		var outs []*written
		for range 50 {
			s, w := boundSlot(tr)
			slots, outs = append(slots, s), append(outs, w)
		}
		if n, want := len(tr.subs.Load().writers), min(8, runtime.GOMAXPROCS(0)); n != want {
			t.Errorf("%d writers for 50 subscribers, want %d", n, want)
		}
		for seq := range uint16(100) {
			tr.receive(7, raw(t, seq, 0, 0x10, 0), time.Now())
		}
		time.Sleep(frameWait) // the frame has no end
		synctest.Wait()
		for i, w := range outs {
			if len(w.packets) != 100 {
				t.Errorf("subscriber %d got %d packets", i, len(w.packets))
			}
		}
		for _, s := range slots {
			tr.unsubscribe(s)
		}
		tr.ask.stop()
	})
}

// A writer that is behind leaves out whole rests of frames, counted, and the
// reader does not wait for it.
func TestWriterBehind(t *testing.T) {
	tr := openTrack()
	w := &writer{track: tr, queue: make(chan uint64, 2)}
	for i, p := range []packet{{}, {marker: true}, {}, {}, {marker: true}, {}} {
		w.offer(p, uint64(i))
		if i == 4 {
			<-w.queue
		}
	}
	if n := tr.dropped.Load(); n != 3 {
		t.Errorf("%d dropped, want the whole frame of 3", n)
	}
	if a, b := <-w.queue, <-w.queue; a != 1 || b != 5 {
		t.Errorf("queued %d and %d, want 1 and 5", a, b)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0x10, 0})
	f.Add([]byte{0xa0, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0xff})          // padding longer than the packet
	f.Add([]byte{0x9f, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0xbe, 0xde, 9}) // extension cut short
	f.Fuzz(func(t *testing.T, b []byte) {
		tr := openTrack()
		_, w := boundSlot(tr)
		tr.receive(7, raw(t, 1, 0, 0x10, 0), noon)
		tr.receive(7, b, noon)
		tr.receive(7, raw(t, 2, 0, 0x10, 0), noon)
		if len(w.packets) == 0 {
			t.Error("the track no longer plays")
		}
	})
}
