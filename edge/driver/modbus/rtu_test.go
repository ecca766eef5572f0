package modbus

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
	"gridhub/edge/driver/bus"
	"gridhub/edge/driver/modbus/modbustest"
)

// station is a device with one u32 in holding registers 4 and 5.
func station(t *testing.T, unit byte) driver.Station {
	t.Helper()
	layout, err := modbus.New([]modbus.Field{{Metric: "v", Address: 4, Type: modbus.U32}}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return driver.Station{ID: "dev-1", Address: fmt.Sprint(unit), Layout: layout}
}

func serialLine(path string) *Line {
	l := profile.Line{Name: "bus", Kind: profile.Serial, Path: path}
	l.SetDefaults()
	l.Timeout = 150 * time.Millisecond
	return New(l, slog.New(slog.DiscardHandler))
}

// sound is the right answer of unit 1: 70000.
var sound = modbus.RTU(1, []byte{3, 4, 0, 1, 0x11, 0x70})

func chunks(parts ...[]byte) []modbustest.Chunk {
	var all []modbustest.Chunk
	for _, p := range parts {
		all = append(all, modbustest.Chunk{Bytes: p})
	}
	return all
}

func damage(frame []byte, i int) []byte {
	f := slices.Clone(frame)
	f[i] ^= 0x20
	return f
}

// TestAnswers gives every kind of answer that a bus has been seen to give. A
// wrong value is never among the results.
func TestAnswers(t *testing.T) {
	babble := slices.Repeat([]byte{0x01, 0x03, 0x04, 0x55}, 500)
	tests := []struct {
		name  string
		reply func(request []byte) []modbustest.Chunk
		cause string // "" = the right value
	}{
		{"sound", func([]byte) []modbustest.Chunk { return chunks(sound) }, ""},
		{"byte by byte", func([]byte) []modbustest.Chunk {
			var all []modbustest.Chunk
			for _, b := range sound {
				all = append(all, modbustest.Chunk{After: 3 * time.Millisecond, Bytes: []byte{b}})
			}
			return all
		}, ""},
		{"echo of the request first", func(r []byte) []modbustest.Chunk { return chunks(r, sound) }, ""},
		{"noise first", func([]byte) []modbustest.Chunk { return chunks([]byte{0xFF, 0x01, 0x00}, sound) }, ""},
		{"bytes behind the frame", func([]byte) []modbustest.Chunk { return chunks(append(slices.Clone(sound), 0, 0, 9)) }, ""},
		{"another unit's frame first", func([]byte) []modbustest.Chunk {
			return chunks(modbus.RTU(2, []byte{3, 4, 9, 9, 9, 9}), sound)
		}, ""},
		{"a damaged copy first", func([]byte) []modbustest.Chunk { return chunks(damage(sound, 4), sound) }, ""},
		{"damaged data", func([]byte) []modbustest.Chunk { return chunks(damage(sound, 4)) }, driver.Damaged},
		{"damaged sum", func([]byte) []modbustest.Chunk { return chunks(damage(sound, len(sound)-1)) }, driver.Damaged},
		{"damaged unit", func([]byte) []modbustest.Chunk { return chunks(damage(sound, 0)) }, driver.Timeout},
		{"damaged count", func([]byte) []modbustest.Chunk { return chunks(damage(sound, 2)) }, driver.Timeout},
		{"cut", func([]byte) []modbustest.Chunk { return chunks(sound[:6]) }, driver.Timeout},
		{"another unit alone", func([]byte) []modbustest.Chunk { return chunks(modbus.RTU(2, []byte{3, 4, 9, 9, 9, 9})) }, driver.Timeout},
		{"another function", func([]byte) []modbustest.Chunk { return chunks(modbus.RTU(1, []byte{4, 4, 9, 9, 9, 9})) }, driver.Timeout},
		{"another length", func([]byte) []modbustest.Chunk { return chunks(modbus.RTU(1, []byte{3, 2, 9, 9})) }, driver.Timeout},
		{"echo alone", func(r []byte) []modbustest.Chunk { return chunks(r) }, driver.Timeout},
		{"silence", func([]byte) []modbustest.Chunk { return nil }, driver.Timeout},
		{"a bus that babbles", func([]byte) []modbustest.Chunk { return chunks(babble) }, driver.Damaged},
	}
	for code := byte(1); code <= 11; code++ {
		tests = append(tests, struct {
			name  string
			reply func(request []byte) []modbustest.Chunk
			cause string
		}{fmt.Sprintf("exception %d", code), func([]byte) []modbustest.Chunk {
			return chunks(modbus.RTU(1, []byte{0x83, code}))
		}, fmt.Sprintf("exception-%d", code)})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			slave := modbustest.NewBus(t, func(_ int, r []byte) []modbustest.Chunk { return tt.reply(r) })
			line := serialLine(slave.Path())
			defer line.Close()
			r, err := line.Read(t.Context(), station(t, 1))
			if tt.cause == "" {
				if err != nil || len(r.Values) != 1 || r.Values[0].Value != 70000 {
					t.Fatalf("got %+v, %v, want 70000", r, err)
				}
				return
			}
			if err == nil || driver.Cause(err) != tt.cause {
				t.Fatalf("got %+v, %v, want cause %s", r, err, tt.cause)
			}
			// The next answer is sound again, and so is what is read.
			slave.Script(func(int, []byte) []modbustest.Chunk { return chunks(sound) })
			// A busy machine may need a second attempt; a wrong value is never one.
			for range 20 {
				if r, err = line.Read(t.Context(), station(t, 1)); err == nil {
					break
				}
			}
			if err != nil || r.Values[0].Value != 70000 {
				t.Errorf("afterwards: %+v, %v", r, err)
			}
		})
	}
}

// TestLateAnswer lets the answer to one question come before the next is
// asked: it must not be taken for the next one's.
func TestLateAnswer(t *testing.T) {
	slave := modbustest.NewBus(t, func(n int, _ []byte) []modbustest.Chunk {
		if n == 0 {
			return nil // it comes later
		}
		return chunks(sound)
	})
	line := serialLine(slave.Path())
	defer line.Close()
	if r, err := line.Read(t.Context(), station(t, 1)); driver.Cause(err) != driver.Timeout {
		t.Fatalf("first: %+v, %v, want a timeout", r, err)
	}
	slave.Say(modbus.RTU(1, []byte{3, 4, 0, 0, 0, 7}))
	if r, err := line.Read(t.Context(), station(t, 1)); err != nil || r.Values[0].Value != 70000 {
		t.Errorf("second: %+v, %v, want 70000", r, err)
	}
}

// TestTimeoutOfOneDevice holds that a slow device may have more time than its
// line.
func TestTimeoutOfOneDevice(t *testing.T) {
	slave := modbustest.NewBus(t, func(int, []byte) []modbustest.Chunk {
		return []modbustest.Chunk{{After: 400 * time.Millisecond, Bytes: sound}}
	})
	line := serialLine(slave.Path())
	defer line.Close()
	slow := station(t, 1)
	slow.Timeout = 30 * time.Second
	if r, err := line.Read(t.Context(), slow); err != nil || r.Values[0].Value != 70000 {
		t.Errorf("got %+v, %v, want 70000", r, err)
	}
}

func TestRequestIsRight(t *testing.T) {
	slave := modbustest.NewBus(t, func(int, []byte) []modbustest.Chunk { return chunks(sound) })
	line := serialLine(slave.Path())
	defer line.Close()
	if _, err := line.Read(t.Context(), station(t, 1)); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("% X", slave.Requests()[0]); got != "01 03 00 04 00 02 85 CA" {
		t.Errorf("asked %s", got)
	}
}

// TestUnplug pulls the adapter and plugs it in as another device behind the
// same link.
func TestUnplug(t *testing.T) {
	slave := modbustest.NewBus(t, func(int, []byte) []modbustest.Chunk { return chunks(sound) })
	line := serialLine(slave.Path())
	defer line.Close()
	if _, err := line.Read(t.Context(), station(t, 1)); err != nil {
		t.Fatal(err)
	}
	slave.Unplug()
	for range 3 {
		r, err := line.Read(t.Context(), station(t, 1))
		if driver.Cause(err) != driver.LineDown || len(r.Values) != 0 || driver.MayRetry(err) {
			t.Fatalf("unplugged: %+v, %v, want %s and no values", r, err, driver.LineDown)
		}
	}
	slave.Plug()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) { // the line's own pause runs
		r, err := line.Read(t.Context(), station(t, 1))
		if err == nil && r.Values[0].Value == 70000 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("plugged in again: %+v, %v", r, err)
		}
	}
}

// TestUnplugWhileWaiting pulls the adapter while an answer is awaited.
func TestUnplugWhileWaiting(t *testing.T) {
	asked := make(chan bool, 1)
	slave := modbustest.NewBus(t, func(int, []byte) []modbustest.Chunk {
		asked <- true
		return nil
	})
	line := serialLine(slave.Path())
	line.timeout = time.Minute
	defer line.Close()
	failed := make(chan error, 1)
	go func() {
		_, err := line.way0(t, 1)
		failed <- err
	}()
	<-asked
	slave.Unplug()
	select {
	case err := <-failed:
		if !errors.Is(err, bus.ErrUnplugged) {
			t.Errorf("got %v, want ErrUnplugged", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("an unplugged port was not noticed")
	}
}

// way0 asks once without opening again, to see the port's own error.
func (l *Line) way0(t *testing.T, unit byte) (data []byte, err error) {
	var port error
	err = l.way.Do(t.Context(), func(way transport) error {
		data, port = way.exchange(t.Context(), unit, modbus.Block{Address: 4, Count: 2}, l.timeout)
		return port
	}, func(error) bool { return false })
	return data, err
}

// TestInUse holds that a port has one owner.
func TestInUse(t *testing.T) {
	slave := modbustest.NewBus(t, func(int, []byte) []modbustest.Chunk { return chunks(sound) })
	first, second := serialLine(slave.Path()), serialLine(slave.Path())
	defer first.Close()
	defer second.Close()
	if _, err := first.Read(t.Context(), station(t, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Read(t.Context(), station(t, 1)); !errors.Is(err, bus.ErrInUse) {
		t.Errorf("second owner: %v, want ErrInUse", err)
	}
	first.Close()
	second.way.Impatient()
	if _, err := second.Read(t.Context(), station(t, 1)); err != nil {
		t.Errorf("after the first let go: %v", err)
	}
}

// FuzzFind holds that bytes from a bus never make find panic, and that what it
// finds is a frame with the right sum.
func FuzzFind(f *testing.F) {
	f.Add(sound)
	f.Add(append([]byte{1, 3, 4, 1, 3}, sound...))
	f.Add(modbus.RTU(1, []byte{0x83, 2}))
	block := modbus.Block{Address: 4, Count: 2}
	f.Fuzz(func(t *testing.T, buf []byte) {
		data, _, _ := find(buf, 1, block)
		if data == nil {
			return
		}
		frame := modbus.RTU(1, append([]byte{3, 4}, data...))
		for i := range buf {
			if len(data) == 4 && len(buf) >= i+len(frame) && slices.Equal(buf[i:i+len(frame)], frame) {
				return
			}
		}
		t.Fatalf("%x found in %x", data, buf)
	})
}
