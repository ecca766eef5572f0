package gateway

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec/jt808"
	"gridhub/devices/codec/modbus"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver/modbus/modbustest"
	"gridhub/edge/uplink/hubtest"
)

// desk is a hub with a key, and a gateway that has pinned it.
type desk struct {
	t   *testing.T
	hub *hubtest.Hub
	key ed25519.PrivateKey
	n   int
}

// commanded runs a gateway with the devices of plant, whose enrolment left the
// hub's key, until the test ends.
func commanded(t *testing.T, broker *hubtest.Broker, cfg Config, plant string) *desk {
	t.Helper()
	d := &desk{t: t, hub: hubtest.New(t, broker.Address(), "edge-1"), key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	cfg.Devices = nil // the hub's
	if plant != "" {
		path := filepath.Join(t.TempDir(), "plant.yaml")
		write(t, path, plant)
		cfg.Devices = []string{path}
	}
	der, err := x509.MarshalPKIXPublicKey(d.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	identity := filepath.Join(cfg.path(cfg.Data), "identity")
	if err := os.MkdirAll(identity, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(identity, "command-keys.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	g, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	d.hub.Wait("the gateway", func(s hubtest.State) bool { return len(s.Presence()) > 0 })
	return d
}

// order signs and sends one, and returns its id.
func (d *desk) order(device string, set map[string]float64, text string) string {
	d.t.Helper()
	d.n++
	now := telemetry.At(time.Now())
	o := wire.Order{V: 1, ID: fmt.Sprint("o-", d.n), To: "edge-1", Device: devices.ID(device), Set: set, Text: text, At: now, Now: now, Expires: now.Add(time.Minute)}
	signed, err := wire.Seal(o, d.key)
	if err != nil {
		d.t.Fatal(err)
	}
	d.hub.Send(wire.Command, signed)
	return o.ID
}

// ends waits for the stages of an order.
func (d *desk) ends(id string, want ...string) (last wire.Result) {
	d.t.Helper()
	d.hub.Wait(fmt.Sprint("order ", id, " to end as ", want), func(s hubtest.State) bool {
		var got []string
		for _, r := range s.Replies() {
			if r.ID == id {
				last = r
				got = append(got, r.State)
				if r.Cause != "" {
					got[len(got)-1] += "/" + r.Cause
				}
			}
		}
		return slices.Equal(slices.Compact(got), want)
	})
	return last
}

// TestSirenOnTheStreet switches the simulated siren as the demo street has it:
// the order's end and the next reading say so.
func TestSirenOnTheStreet(t *testing.T) {
	broker := hubtest.StartBroker(t)
	d := commanded(t, broker, street(t, broker.Address(), 1, ""), `
lines: [{name: sim, kind: simulated}]
devices: [{id: siren-1, profile: relay-waveshare-8@2, line: sim, period: 30s}]
`)
	d.hub.Wait("what can be set", func(s hubtest.State) bool {
		return len(s.Stock().Devices) == 1 && len(s.Stock().Devices[0].Controls) == 8
	})
	if r := d.ends(d.order("siren-1", map[string]float64{"relay_1": 1, "relay_2": 1}, ""), wire.Accepted, wire.Executed); r.Values["relay_1"] != 1 || r.Values["relay_2"] != 1 || r.Values["relay_3"] != 0 {
		t.Errorf("replied %+v", r)
	}
	d.hub.Wait("a reading that shows it", func(s hubtest.State) bool {
		for _, r := range s.Records(wire.Data) {
			if r.Values["relay_1"] == 1 && r.Values["relay_2"] == 1 {
				return true
			}
		}
		return false
	})
	d.ends(d.order("siren-1", map[string]float64{"relay_9": 1}, ""), "refused/control")
	d.ends(d.order("siren-1", map[string]float64{"relay_1": 2}, ""), "refused/value")
	d.ends(d.order("siren-2", map[string]float64{"relay_1": 1}, ""), "refused/receiver")
	before := 0
	d.hub.Wait("now", func(s hubtest.State) bool { before = len(s.Presence()); return true })
	broker.Kill()
	broker.Start()
	d.hub.Wait("the gateway again", func(s hubtest.State) bool {
		return len(s.Presence()) > before && s.Presence()[len(s.Presence())-1].Online
	})
	d.ends(d.order("siren-1", map[string]float64{"relay_1": 0}, ""), wire.Accepted, wire.Executed)
}

// TestForgedKeys has somebody who can publish to a gateway tell it of keys: it
// believes none that the hub's key has not signed, and then no older ones.
func TestForgedKeys(t *testing.T) {
	broker := hubtest.StartBroker(t)
	d := commanded(t, broker, street(t, broker.Address(), 1, ""), `
lines: [{name: sim, kind: simulated}]
devices: [{id: siren-1, profile: relay-waveshare-8@2, line: sim, period: 30s}]
`)
	d.hub.Wait("what can be set", func(s hubtest.State) bool { return len(s.Stock().Devices) == 1 })
	first := d.key
	stranger := ed25519.NewKeyFromSeed([]byte("somebody else's key, of 32 bytes"))
	list := func(serial uint64, by ed25519.PrivateKey, keys ...ed25519.PrivateKey) wire.Signed {
		text := ""
		for _, k := range keys {
			der, err := x509.MarshalPKIXPublicKey(k.Public())
			if err != nil {
				t.Fatal(err)
			}
			text += string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		}
		s, err := wire.SealKeys(wire.KeyList{V: wire.Version, Serial: serial, Keys: text}, by)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	on := map[string]float64{"relay_1": 1}
	forged := list(7, stranger, stranger)
	d.hub.Send(wire.Keys, forged)
	forged.Key = wire.KeyID(first.Public().(ed25519.PublicKey))
	d.hub.Send(wire.Keys, forged)
	d.key = stranger
	d.ends(d.order("siren-1", on, ""), "refused/key")
	next := ed25519.NewKeyFromSeed([]byte("the hub's next key, of 32 bytes."))
	d.hub.Send(wire.Keys, list(8, first, first, next))
	d.key = next
	d.ends(d.order("siren-1", on, ""), wire.Accepted, wire.Executed)
	d.hub.Send(wire.Keys, list(9, next, next))
	d.hub.Send(wire.Keys, list(8, first, first, next)) // the one of before
	d.key = first
	d.ends(d.order("siren-1", on, ""), "refused/key")
	d.key = next
	d.ends(d.order("siren-1", on, ""), wire.Accepted, wire.Executed)
}

// TestForeignDevice commands a Modbus device that somebody else wrote, over
// TCP and on a serial line, two orders at once each; then it is taken away.
func TestForeignDevice(t *testing.T) {
	for _, kind := range []string{"tcp", "rtu"} {
		t.Run(kind, func(t *testing.T) {
			line, args := foreign(t, kind)
			cmd := exec.Command("/usr/bin/python3", append([]string{"../driver/modbus/testdata/slave.py"}, args...)...)
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			gone := sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			t.Cleanup(gone)
			broker := hubtest.StartBroker(t)
			d := commanded(t, broker, street(t, broker.Address(), 1, ""), fmt.Sprintf(`
lines: [{name: bus, %s, timeout: 500ms}]
devices:
  - {id: siren-1, profile: relay-waveshare-8@2, line: bus, address: 1, period: 200ms}
  - {id: siren-2, profile: relay-waveshare-8@2, line: bus, address: 2, period: 200ms}
`, line))
			d.hub.Wait("both devices", func(s hubtest.State) bool {
				seen := map[devices.ID]bool{}
				for _, r := range s.Records(wire.Data) {
					seen[r.Device] = seen[r.Device] || len(r.Values) > 0
				}
				return seen["siren-1"] && seen["siren-2"]
			})
			first := d.order("siren-1", map[string]float64{"relay_1": 1, "relay_4": 1}, "")
			second := d.order("siren-2", map[string]float64{"relay_8": 1}, "")
			if r := d.ends(first, wire.Accepted, wire.Executed); r.Values["relay_1"] != 1 || r.Values["relay_4"] != 1 || r.Values["relay_8"] != 0 {
				t.Errorf("replied %+v", r)
			}
			if r := d.ends(second, wire.Accepted, wire.Executed); r.Values["relay_8"] != 1 || r.Values["relay_1"] != 0 {
				t.Errorf("replied %+v", r)
			}
			gone()
			want := map[string]string{"tcp": "failed/line-down", "rtu": "failed/timeout"}[kind]
			d.ends(d.order("siren-1", map[string]float64{"relay_1": 0}, ""), wire.Accepted, want)
		})
	}
}

// foreign is the way to a slave of the given kind, as the device file says it
// and as the slave's arguments do.
func foreign(t *testing.T, kind string) (line string, args []string) {
	t.Helper()
	if kind == "tcp" {
		address := freePort(t)
		host, port, _ := net.SplitHostPort(address)
		return fmt.Sprintf("kind: tcp, address: %q", address), []string{"tcp", host, port}
	}
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	cmd := exec.Command("socat", "pty,raw,echo=0,link="+ours, "pty,raw,echo=0,link="+theirs)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err1 := os.Stat(ours)
		_, err2 := os.Stat(theirs)
		if err1 == nil && err2 == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no pair of terminals")
		}
	}
	return fmt.Sprintf("kind: serial, path: %s", ours), []string{"rtu", theirs}
}

// TestCommandToUnpluggedBus holds that a command to a line that is down fails
// and says so, and that the next one finds the line that is back.
func TestCommandToUnpluggedBus(t *testing.T) {
	var mu sync.Mutex
	coils := byte(0)
	bus := modbustest.NewBus(t, func(_ int, request []byte) []modbustest.Chunk {
		mu.Lock()
		defer mu.Unlock()
		body, err := modbus.OpenRTU(1, request)
		if err != nil {
			return nil
		}
		if b, ok := modbus.Asked(body); ok {
			return []modbustest.Chunk{{Bytes: modbus.RTU(1, b.Answered([]byte{coils}))}}
		}
		w, err := modbus.Written(body)
		if err != nil {
			return nil
		}
		coils = coils&^(1<<w.Address) | w.Data[0]<<w.Address
		return []modbustest.Chunk{{Bytes: modbus.RTU(1, w.Done())}}
	})
	broker := hubtest.StartBroker(t)
	d := commanded(t, broker, street(t, broker.Address(), 1, ""), fmt.Sprintf(`
lines: [{name: bus, kind: serial, path: %s, timeout: 200ms}]
devices: [{id: siren-1, profile: relay-waveshare-8@2, line: bus, address: 1, period: 1m}]
`, bus.Path()))
	on := map[string]float64{"relay_2": 1}
	bus.Unplug()
	d.ends(d.order("siren-1", on, ""), wire.Accepted, "failed/line-down")
	bus.Plug()
	d.ends(d.order("siren-1", on, ""), wire.Accepted, wire.Executed)
	if mu.Lock(); coils != 2 {
		t.Errorf("coils %b", coils)
	}
	mu.Unlock()
}

// TestTextToTerminal sends a text to a JT/T 808 terminal: it is executed when
// the terminal has said so, and fails while nobody is there.
func TestTextToTerminal(t *testing.T) {
	port := freePort(t)
	broker := hubtest.StartBroker(t)
	d := commanded(t, broker, street(t, broker.Address(), 1, ""), fmt.Sprintf(`
lines: [{name: walkers, kind: listen, address: %q}]
devices: [{id: walker-1, profile: terminal-jt808@2, line: walkers, address: "13912344329"}]
`, port))
	d.ends(d.order("walker-1", nil, "有人吗"), wire.Accepted, "failed/line-down")
	conn := dialSoon(t, port)
	defer conn.Close()
	hello := jt808.Message{ID: jt808.Heartbeat, Phone: "13912344329", Serial: 1}
	if _, err := conn.Write(hello.Bytes()); err != nil {
		t.Fatal(err)
	}
	receive(t, conn, jt808.Answer)
	id := d.order("walker-1", nil, "请到 3 号楼")
	m := receive(t, conn, jt808.TextDown)
	d.ends(id, wire.Accepted) // it was sent, and not confirmed
	body := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, m.Serial), uint16(m.ID))
	confirm := jt808.Message{ID: jt808.TerminalAnswer, Phone: "13912344329", Serial: 2, Body: append(body, 0)}
	if _, err := conn.Write(confirm.Bytes()); err != nil {
		t.Fatal(err)
	}
	d.ends(id, wire.Accepted, wire.Executed)
}

func dialSoon(t *testing.T, address string) net.Conn {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// receive reads messages until one of kind comes.
func receive(t *testing.T, r io.Reader, kind jt808.ID) *jt808.Message {
	t.Helper()
	var buf []byte
	chunk := make([]byte, 1024)
	for {
		n, err := r.Read(chunk)
		if err != nil {
			t.Fatal(err)
		}
		buf = append(buf, chunk[:n]...)
		for {
			m, rest, err := jt808.Next(buf)
			if err != nil {
				t.Fatal(err)
			}
			if m == nil {
				break
			}
			if buf = rest; m.ID == kind {
				return m
			}
		}
	}
}

// TestCommandDuringReload gives commands while the lines are exchanged: each
// comes to its end on the one or the other.
func TestCommandDuringReload(t *testing.T) {
	broker := hubtest.StartBroker(t)
	cfg := street(t, broker.Address(), 1, "")
	plant := func(period int) string {
		return fmt.Sprintf("lines: [{name: sim, kind: simulated}]\ndevices: [{id: siren-1, profile: relay-waveshare-8@2, line: sim, period: %ds}]\n", period)
	}
	cfg.Owner = OwnHub
	d := commanded(t, broker, cfg, "")
	var ids []string
	for n := range 6 {
		d.n++
		now := telemetry.At(time.Now())
		o := wire.Order{V: 1, ID: fmt.Sprint("o-", d.n), To: "edge-1", Device: "edge-1", Files: map[string]string{"plant.yaml": plant(10 + n)}, At: now, Now: now, Expires: now.Add(time.Minute)}
		signed, err := wire.Seal(o, d.key)
		if err != nil {
			t.Fatal(err)
		}
		d.hub.Send(wire.Config, signed)
		ids = append(ids, o.ID)
		if n > 0 {
			ids = append(ids, d.order("siren-1", map[string]float64{"relay_1": float64(n % 2)}, ""))
		}
		if n == 0 {
			d.ends(ids[0], wire.Accepted, wire.Executed)
		}
	}
	for _, id := range ids {
		d.ends(id, wire.Accepted, wire.Executed)
	}
}
