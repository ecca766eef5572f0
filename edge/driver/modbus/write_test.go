package modbus

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	codec "gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
	"gridhub/edge/driver/modbus/modbustest"
)

// relay is a device with one coil, and what its line makes of it.
type relay struct {
	mu    sync.Mutex
	coil  byte
	stuck bool                                 // it confirms and does nothing
	reply func(n int, confirmed []byte) []byte // what becomes of the n-th confirmation; nil = nothing
	sent  int                                  // commands that reached it
}

func (r *relay) answer(_ int, request []byte) []modbustest.Chunk {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := codec.OpenRTU(1, request)
	if err != nil {
		return nil
	}
	if b, ok := codec.Asked(body); ok {
		return []modbustest.Chunk{{Bytes: codec.RTU(1, b.Answered([]byte{r.coil}))}}
	}
	w, err := codec.Written(body)
	if err != nil {
		return nil
	}
	r.sent++
	if !r.stuck {
		r.coil = w.Data[0]
	}
	answer := codec.RTU(1, w.Done())
	if r.reply != nil {
		answer = r.reply(r.sent, answer)
	}
	return []modbustest.Chunk{{Bytes: answer}}
}

func lamp(pulse bool) driver.Station {
	zero := uint16(0)
	p := &profile.Profile{
		Name: "lamp", Version: 1,
		Metrics:  []profile.Metric{{Name: "lamp", Coil: &zero, Scale: 1}},
		Controls: []profile.Control{{Name: "lamp", Coil: &zero, Scale: 1, Pulse: pulse}},
	}
	layout, _ := p.Layout(nil)
	return driver.Station{ID: "lamp-1", Address: "1", Profile: p, Layout: layout, Timeout: 100 * time.Millisecond}
}

// TestWriteProof plays what can happen to a command on a bus: the reading
// after it decides, and nothing is sent more often than it may be.
func TestWriteProof(t *testing.T) {
	same := func(_ int, b []byte) []byte { return b }
	lost := func(int, []byte) []byte { return nil }
	refuse := func(e byte) func(int, []byte) []byte {
		return func(int, []byte) []byte { return codec.RTU(1, []byte{0x85, e}) }
	}
	damage := func(_ int, b []byte) []byte { b = bytes.Clone(b); b[4] ^= 1; return b }
	for _, tt := range []struct {
		name         string
		stuck, pulse bool
		reply        func(int, []byte) []byte
		cause        string // "" = executed
		sent         int
	}{
		{"confirmed", false, false, same, "", 1},
		{"confirmed, but nothing happens", true, false, same, driver.Unproven, 1},
		{"the reply is lost, the reading shows it", false, false, lost, "", 1},
		{"the reply is damaged, the reading shows it", false, false, damage, "", 1},
		{"all is lost", true, false, lost, driver.Timeout, 2},
		{"refused", true, false, refuse(4), "exception-4", 2}, // passing: once more
		{"refused for good", true, false, refuse(3), "exception-3", 1},
		{"taken, still at it", false, false, refuse(5), "", 1},
		{"another value is confirmed", true, false, func(int, []byte) []byte { return codec.RTU(1, []byte{5, 0, 0, 0, 0}) }, driver.Timeout, 2},
		{"a pulse is confirmed", true, true, same, "", 1},
		{"the reply to a pulse is lost", false, true, lost, driver.Timeout, 1},
		{"a pulse is refused", true, true, refuse(6), "exception-6", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &relay{stuck: tt.stuck, reply: tt.reply}
			b := modbustest.NewBus(t, r.answer)
			line := serialLine(b.Path())
			defer line.Close()
			s := lamp(tt.pulse)
			got, err := line.Write(t.Context(), s, "lamp", 1)
			cause := ""
			if err != nil {
				cause = driver.Cause(err)
			}
			if cause != tt.cause || r.sent != tt.sent {
				t.Errorf("%+v, %v after %d commands, want cause %q after %d", got, err, r.sent, tt.cause, tt.sent)
			}
		})
	}
}

// TestWriteNobody holds that no command goes to a device that does not answer,
// even where an adapter echoes every request, and to no missing port.
func TestWriteNobody(t *testing.T) {
	echo := func(_ int, request []byte) []modbustest.Chunk { return []modbustest.Chunk{{Bytes: request}} }
	b := modbustest.NewBus(t, echo)
	line := serialLine(b.Path())
	defer line.Close()
	if r, err := line.Write(t.Context(), lamp(false), "lamp", 1); driver.Cause(err) != driver.Timeout {
		t.Errorf("an echo confirmed: %+v, %v", r, err)
	}
	if slices.ContainsFunc(b.Requests(), func(r []byte) bool { return r[1] == 5 }) {
		t.Error("a command was sent")
	}
	b.Unplug()
	if _, err := line.Write(t.Context(), lamp(false), "lamp", 1); driver.Cause(err) != driver.LineDown {
		t.Errorf("no port: %v", err)
	}
	if _, err := line.Write(t.Context(), lamp(false), "light", 1); driver.Cause(err) != driver.Unfit {
		t.Errorf("no control: %v", err)
	}
}

// TestWriteEcho holds that an adapter's echo does not stand for the device.
func TestWriteEcho(t *testing.T) {
	r := &relay{stuck: true}
	b := modbustest.NewBus(t, func(n int, request []byte) []modbustest.Chunk {
		return append([]modbustest.Chunk{{Bytes: request}}, r.answer(n, request)...)
	})
	line := serialLine(b.Path())
	defer line.Close()
	if got, err := line.Write(t.Context(), lamp(false), "lamp", 1); driver.Cause(err) != driver.Unproven {
		t.Errorf("%+v, %v, want unproven", got, err)
	}
	r.stuck = false
	if got, err := line.Write(t.Context(), lamp(false), "lamp", 1); err != nil || got.Values[0].Value != 1 {
		t.Errorf("%+v, %v, want executed", got, err)
	}
}

// writeForeign commands the slave that somebody else wrote, and looks whether
// it did as it was told.
func writeForeign(t *testing.T, line *Line, at func(byte, profile.Ref) driver.Station) {
	relays := at(1, "relay-waveshare-8@2")
	for n, value := range []float64{1, 0, 1} {
		r, err := line.Write(t.Context(), relays, "relay_3", value)
		if err != nil || r.Values[2].Value != value {
			t.Errorf("write %d: %+v, %v", n, r, err)
		}
	}
	if r, err := line.Read(t.Context(), relays); err != nil || r.Values[2].Value != 1 || r.Values[1].Value != 0 {
		t.Errorf("afterwards: %+v, %v", r, err)
	}
	ten, far := uint16(10), uint16(60000)
	p := &profile.Profile{
		Name: "boiler", Version: 1,
		Metrics: []profile.Metric{{Name: "target", Holding: &ten, Type: codec.S32, Scale: 0.01}},
		Controls: []profile.Control{
			{Name: "target", Holding: &ten, Type: codec.S32, Scale: 0.01, Range: &profile.Range{-500, 500}},
			{Name: "once", Coil: &ten, Scale: 1, Multiple: true, Pulse: true},
			{Name: "beyond", Holding: &far, Scale: 1, Range: &profile.Range{0, 9}},
		},
	}
	layout, err := p.Layout(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := driver.Station{ID: "dev", Address: "1", Profile: p, Layout: layout}
	if r, err := line.Write(t.Context(), s, "target", -123.45); err != nil || fmt.Sprint(r.Values[0].Value) != "-123.45" {
		t.Errorf("two registers: %+v, %v", r, err)
	}
	if _, err := line.Write(t.Context(), s, "once", 1); err != nil {
		t.Errorf("function 15: %v", err)
	}
	if _, err := line.Write(t.Context(), s, "beyond", 1); driver.Cause(err) != "exception-2" {
		t.Errorf("a register that is not there: %v", err)
	}
}

// TestWriteLost lets a network device hang up behind a command: it is not sent
// again by itself, and the device's reading on the next connection decides.
func TestWriteLost(t *testing.T) {
	for _, stuck := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r := &relay{stuck: stuck}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				hangUp(c, r)
			}
		}()
		line := profile.Line{Name: "net", Kind: profile.TCP, Address: l.Addr().String()}
		line.SetDefaults()
		way := New(line, slog.New(slog.DiscardHandler))
		got, err := way.Write(t.Context(), lamp(true), "lamp", 1)
		if driver.Cause(err) != driver.Timeout || r.sent != 1 {
			t.Errorf("a pulse: %+v, %v after %d commands", got, err, r.sent)
		}
		got, err = way.Write(t.Context(), lamp(false), "lamp", 1)
		switch {
		case stuck && (driver.Cause(err) != driver.Timeout || r.sent != 1+writes):
			t.Errorf("nothing happened: %+v, %v after %d commands", got, err, r.sent)
		case !stuck && (err != nil || r.sent != 2):
			t.Errorf("it happened: %+v, %v after %d commands", got, err, r.sent)
		}
		way.Close()
	}
}

// hangUp answers readings of unit 1 and closes the connection on a command.
func hangUp(c net.Conn, r *relay) {
	defer c.Close()
	frame := make([]byte, 12)
	for {
		if _, err := io.ReadFull(c, frame); err != nil {
			return
		}
		answers := r.answer(0, codec.RTU(frame[6], frame[7:]))
		if frame[7] == 5 || len(answers) == 0 {
			return
		}
		body, err := codec.OpenRTU(1, answers[0].Bytes)
		if err != nil {
			return
		}
		head := append(bytes.Clone(frame[:4]), 0, byte(1+len(body)), frame[6])
		if _, err := c.Write(append(head, body...)); err != nil {
			return
		}
	}
}
