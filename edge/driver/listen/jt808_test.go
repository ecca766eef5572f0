package listen

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"sync"
	"testing"
	"time"

	"gridhub/devices/codec/jt808"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
)

// handheld is a terminal with an SOS button.
var handheld = &profile.Profile{Name: "handheld", Version: 1, Protocol: profile.JT808, Metrics: []profile.Metric{
	{Name: "lon", Scale: 1}, {Name: "lat", Scale: 1}, {Name: "speed", Scale: 1}, {Name: "sos", Scale: 1}, {Name: "battery", Field: "item-04", Scale: 1},
}}

// walker is a terminal that walks: it registers, signs on, reports, shows
// texts.
type walker struct {
	t      *testing.T
	conn   net.Conn
	newer  bool
	serial uint16
	buf    []byte
}

func (w *walker) send(id jt808.ID, body []byte) uint16 {
	w.t.Helper()
	w.serial++
	m := jt808.Message{ID: id, New: w.newer, Phone: "13912344329", Serial: w.serial, Body: body}
	put(w.t, w.conn, m.Bytes())
	return w.serial
}

func (w *walker) receive() *jt808.Message {
	w.t.Helper()
	for {
		m, rest, err := jt808.Next(w.buf)
		if err != nil {
			w.t.Fatal(err)
		}
		if w.buf = rest; m != nil {
			return m
		}
		chunk := make([]byte, 1)
		if _, err := io.ReadFull(w.conn, chunk); err != nil {
			w.t.Fatal(err)
		}
		w.buf = append(w.buf, chunk...)
	}
}

// confirmed expects the general answer to a message.
func (w *walker) confirmed(serial uint16, id jt808.ID, want jt808.Result) {
	w.t.Helper()
	m := w.receive()
	if m.ID != jt808.Answer || len(m.Body) != 5 || binary.BigEndian.Uint16(m.Body) != serial || binary.BigEndian.Uint16(m.Body[2:]) != uint16(id) || jt808.Result(m.Body[4]) != want {
		w.t.Errorf("answered with %+v, want result %d to %04x", m, want, uint16(id))
	}
}

func (w *walker) signOn() {
	w.t.Helper()
	w.send(jt808.Register, make([]byte, 37))
	m := w.receive()
	if m.ID != jt808.Registered || len(m.Body) < 4 || m.Body[2] != 0 {
		w.t.Fatalf("registration is answered with %+v", m)
	}
	code := m.Body[3:]
	if w.newer {
		code = append([]byte{byte(len(code))}, append(code, make([]byte, 35)...)...)
	}
	w.confirmed(w.send(jt808.Authenticate, code), jt808.Authenticate, jt808.OK)
}

var monday = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)

// TestWalk lets terminals of both editions walk a street, press the button,
// lose and catch up a stretch, and show a text.
func TestWalk(t *testing.T) {
	for _, newer := range []bool{false, true} {
		s, heard, dial := start(t, handheld, "013912344329")
		w := &walker{t: t, conn: dial(), newer: newer}
		w.signOn()
		w.confirmed(w.send(jt808.Heartbeat, nil), jt808.Heartbeat, jt808.OK)
		for step := range 50 {
			alarm := uint32(0)
			if step == 30 {
				alarm = 1 // the button
			}
			at := monday.Add(time.Duration(step) * 10 * time.Second)
			body := jt808.Report(alarm, 2, 104.0657+float64(step)*1e-4, 30.6598, 36, 90, at, 4, 2, 0, 87)
			w.confirmed(w.send(jt808.Position, body), jt808.Position, jt808.OK)
			got := <-heard
			if math.Abs(value(got.r, "lon")-104.0657-float64(step)*1e-4) > 1e-6 || value(got.r, "sos") != float64(alarm) || value(got.r, "speed") != 1 || value(got.r, "battery") != 87 || got.r.Own.Time() != at {
				t.Fatalf("step %d: %+v", step, got)
			}
		}
		w.catchUp(heard)
		w.shows(s)
		w.confirmed(w.send(0x0900, []byte{1}), 0x0900, jt808.Unsupported)
	}
}

// catchUp sends ten positions that waited, split into two packets, the second
// first.
func (w *walker) catchUp(heard chan told) {
	w.t.Helper()
	body := []byte{0, 10, 1}
	for i := range 10 {
		report := jt808.Report(0, 2, 104.07, 30.66, 0, 0, monday.Add(-time.Duration(10-i)*time.Minute))
		body = append(binary.BigEndian.AppendUint16(body, uint16(len(report))), report...)
	}
	first := jt808.Message{ID: jt808.Batch, New: w.newer, Phone: "13912344329", Serial: w.serial + 1, Total: 2, Number: 1, Body: body[:100]}
	second := first
	second.Serial, second.Number, second.Body = w.serial+2, 2, body[100:]
	w.serial += 2
	put(w.t, w.conn, append(second.Bytes(), first.Bytes()...))
	w.confirmed(second.Serial, jt808.Batch, jt808.OK)
	w.confirmed(first.Serial, jt808.Batch, jt808.OK)
	for i := range 10 {
		if got := <-heard; got.r.Own.Time() != monday.Add(-time.Duration(10-i)*time.Minute) {
			w.t.Errorf("position %d: %+v", i, got)
		}
	}
}

// shows receives a text and confirms it.
func (w *walker) shows(s *Server) {
	w.t.Helper()
	var sending sync.WaitGroup
	sending.Go(func() {
		if err := s.Text(w.t.Context(), "dev-1", jt808.Urgent|jt808.Speak, "请立即到 3 号楼"); err != nil {
			w.t.Errorf("text: %v", err)
		}
	})
	m := w.receive()
	if m.ID != jt808.TextDown || m.Body[0] != jt808.Urgent|jt808.Speak {
		w.t.Errorf("got %+v", m)
	}
	body := binary.BigEndian.AppendUint16(nil, m.Serial)
	w.send(jt808.TerminalAnswer, append(binary.BigEndian.AppendUint16(body, uint16(m.ID)), 0))
	sending.Wait()
}

// TestTextToNobody holds that a text to a terminal that is away fails at once,
// and one that is not confirmed when its time is over.
func TestTextToNobody(t *testing.T) {
	s, _, dial := start(t, handheld, "13912344329")
	if err := s.Text(t.Context(), "dev-1", 0, "x"); !errors.Is(err, ErrAway) {
		t.Errorf("away: %v", err)
	}
	w := &walker{t: t, conn: dial()}
	w.signOn()
	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() {
		if err := s.Text(ctx, "dev-1", 0, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("not confirmed: %v", err)
		}
	})
	w.receive()
	stop()
	sending.Wait()
}

// TestTell holds that a text was told when the terminal says so, and what is
// said of it otherwise.
func TestTell(t *testing.T) {
	s, _, dial := start(t, handheld, "13912344329")
	if err := s.Tell(t.Context(), "dev-1", "x"); driver.Cause(err) != driver.LineDown {
		t.Errorf("away: %v", err)
	}
	w := &walker{t: t, conn: dial()}
	w.signOn()
	for result, want := range map[byte]string{0: "internal", 3: "exception-3"} {
		var telling sync.WaitGroup
		telling.Go(func() {
			err := s.Tell(t.Context(), "dev-1", "请立即到 3 号楼")
			if (err == nil) != (result == 0) || driver.Cause(err) != want {
				t.Errorf("result %d: %v", result, err)
			}
		})
		m := w.receive()
		body := binary.BigEndian.AppendUint16(nil, m.Serial)
		w.send(jt808.TerminalAnswer, append(binary.BigEndian.AppendUint16(body, uint16(m.ID)), result))
		telling.Wait()
	}
}

// TestStranger holds that a number that no file knows is refused and leaves no
// reading.
func TestStranger(t *testing.T) {
	_, heard, dial := start(t, handheld, "1")
	w := &walker{t: t, conn: dial()}
	w.send(jt808.Register, make([]byte, 37))
	if m := w.receive(); m.ID != jt808.Registered || m.Body[2] != 4 {
		t.Errorf("registration is answered with %+v", m)
	}
	w.confirmed(w.send(jt808.Position, jt808.Report(1, 2, 104, 30, 0, 0, monday)), jt808.Position, jt808.Failed)
	if len(heard) != 0 {
		t.Errorf("heard %+v", <-heard)
	}
}
