package intake

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// spb writes a Sparkplug payload with double values; an alias alone has no name.
func spb(seq int, at telemetry.Millis, metrics map[string]float64, alias uint64) []byte {
	p := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(at))
	for _, name := range []string{"bdSeq", "Temp", ""} {
		v, ok := metrics[name]
		if !ok {
			continue
		}
		var m []byte
		if name != "" {
			m = protowire.AppendString(protowire.AppendTag(m, 1, protowire.BytesType), name)
		}
		if name != "bdSeq" {
			m = protowire.AppendVarint(protowire.AppendTag(m, 2, protowire.VarintType), alias)
			m = protowire.AppendFixed64(protowire.AppendTag(m, 13, protowire.Fixed64Type), math.Float64bits(v))
		} else {
			m = protowire.AppendVarint(protowire.AppendTag(m, 11, protowire.VarintType), uint64(v))
		}
		p = protowire.AppendBytes(protowire.AppendTag(p, 2, protowire.BytesType), m)
	}
	if seq >= 0 {
		p = protowire.AppendVarint(protowire.AppendTag(p, 3, protowire.VarintType), uint64(seq))
	}
	return p
}

// foreigners are one sender for each convention, those with a g speak for others.
func foreigners() []byte {
	return register(Registration{Set: []Registered{
		{ID: "tele", Kind: "server", Convention: "influx"}, {ID: "tele-g", Kind: "server", Convention: "influx", Speaks: true},
		{ID: "plug", Kind: "plug", Convention: "tasmota"}, {ID: "home-g", Kind: "room", Convention: "homeassistant", Speaks: true},
		{ID: "node-g", Kind: "plant", Convention: "sparkplug", Speaks: true}, {ID: "meter", Kind: "power", Convention: "senml"},
		{ID: "tb-g", Kind: "climate", Convention: ThingsBoard, Speaks: true}, {ID: "own", Kind: "gas"}, {ID: "tele-g.taken", Kind: "gas"},
	}})
}

// heard writes what a message came to: points, refusals, and what it described.
func heard(o Decoded) string {
	var b strings.Builder
	for _, p := range o.Points {
		fmt.Fprintf(&b, "%s/%s@%d", p.Device, p.Kind, p.At-t0)
		if p.Quality != telemetry.Good {
			fmt.Fprintf(&b, " %s", p.Quality)
		}
		for _, f := range p.Fields {
			fmt.Fprintf(&b, " %s=%v", f.Metric, f.Value)
		}
		b.WriteString("; ")
	}
	for _, r := range o.Refused {
		fmt.Fprintf(&b, "refused %d %s %s; ", r.Item, r.Device, r.Cause)
	}
	for _, t := range o.Tally {
		if t.Outcome == LeftOut || t.Outcome == Expired {
			fmt.Fprintf(&b, "%s %s %d; ", t.Outcome, t.Cause, t.N)
		}
	}
	if o.Presence != nil {
		fmt.Fprintf(&b, "online %v; ", o.Presence.Online)
	}
	if o.Inventory != nil {
		for _, e := range o.Inventory.Devices {
			fmt.Fprintf(&b, "%s(%s)", e.ID, e.Name)
			for _, m := range e.Metrics {
				fmt.Fprintf(&b, " %s[%s]", m.Name, m.Unit)
			}
			b.WriteString("; ")
		}
	}
	if o.Answer != nil {
		fmt.Fprintf(&b, "answer %s; ", o.Answer.Kind)
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func TestForeignSenders(t *testing.T) {
	d := NewDecoder()
	d.Fold(1, foreigners())
	for i, tt := range []struct {
		from, topic, payload, want string
	}{
		{"tele", "influx/ms", "cpu,cpu=cpu0,host=a idle=1.5,name=\"x\" 1760000400100\nbad\nserver load=3 1760000400100",
			"tele/server@100 cpu.cpu0.idle=1.5; tele/server@100 load=3; refused 1 tele malformed; left-out text 1; tele() cpu.cpu0.idle[] load[]"},
		{"tele", "influx/topic/telegraf/a", "cpu,host=b idle=2", "tele/server@0 cpu.idle=2; tele() cpu.cpu0.idle[] cpu.idle[] load[]"},
		{"tele", "influx/s", "cpu idle=2 1760000400\ncpu s=\"x\"", "left-out text 1; expired no-number 1"},
		{"tele", "influx/weeks", "cpu idle=2", "refused -1 tele unknown-topic"},
		{"tele-g", "influx", "cpu,host=web-7 idle=2\ncpu,host=taken idle=2\ncpu idle=9",
			"tele-g.web-7/server@0 cpu.idle=2; tele-g/server@0 cpu.idle=9; refused 1 tele-g.taken unknown-device; tele-g() cpu.idle[]; tele-g.web-7(web-7) cpu.idle[]"},
		{"tele-g", "influx", "cpu,host=web-7 idle=3 1760000400001000000", "tele-g.web-7/server@1 cpu.idle=3"},
		{"own", "influx", "gas ch4=2", "own/gas@0 ch4=2"}, // our own senders may speak it, too
		{"own", "senml", `[{"n":"ch4","v":1,"t":-1}]`, "own/gas@-1000 ch4=1"},
		{"meter", "senml/topic", `[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1,"t":-2},{"n":"label","vs":"x"}]`,
			"meter/power@-2000 voltage=120.1; left-out text 1; expired no-number 1; meter() voltage[V]"},
		{"meter", "senml", `[{"n":"a:b","v":1},{"n":"c:b","v":1}]`, "refused -1 meter shape"},
		{"plug", "tasmota/tele/SENSOR", `{"Time":"2018-02-01T20:12:05","DS18B20":{"Temperature":20.6},"TempUnit":"C"}`,
			"plug/plug@0 DS18B20.Temperature=20.6; plug() DS18B20.Temperature[Cel]"},
		{"plug", "tasmota/tele/LWT", "Offline", "online false"},
		{"plug", "tasmota/stat/POWER", "ON", "plug/plug@0 POWER=1; plug() DS18B20.Temperature[Cel] POWER[]"},
		{"plug", "tasmota/tele/STATE", "{", "refused -1 plug shape"},
		{"plug", "tasmota/discovery/AABBCC/config", "{}", ""},
		{"home-g", "ha/state/z/lamp", `{"t":5}`, "expired undeclared 1"},
		{"home-g", "ha/discovery/sensor/lamp/t/config", `{"stat_t":"z/lamp","val_tpl":"{{ value_json.t }}","unit_of_meas":"°C","dev":{"ids":["0x1"]},"avty_t":"z/lamp/there"}`, ""},
		{"home-g", "ha/discovery/sensor/lamp/u/config", `{"stat_t":"z/lamp","val_tpl":"{{ 7 * value }}"}`, "refused -1 home-g shape"},
		{"home-g", "ha/state/z/lamp", `{"t":5}`, "home-g.0x1/room@0 t=5; home-g.0x1(0x1) t[Cel]"},
		{"home-g", "ha/state/z/lamp/there", "offline", "online false"},
		{"node-g", "spb/NDATA", string(spb(4, t0, map[string]float64{"": 1}, 9)), "refused -1 node-g no-birth; answer spb/NCMD"},
		{"node-g", "spb/NBIRTH", string(spb(0, t0, map[string]float64{"bdSeq": 3, "Temp": 1}, 9)), "node-g/plant@0 Temp=1; online true; node-g() Temp[]"},
		{"node-g", "spb/DBIRTH/Pump 1", string(spb(1, t0, map[string]float64{"Temp": 2}, 9)), "node-g.pump-1-4226f0/plant@0 Temp=2; node-g() Temp[]; node-g.pump-1-4226f0(Pump 1) Temp[]"},
		{"node-g", "spb/DDATA/Pump 1", string(spb(2, t0+5, map[string]float64{"": 3}, 9)), "node-g.pump-1-4226f0/plant@5 Temp=3"},
		{"node-g", "spb/NDEATH", string(spb(-1, t0, map[string]float64{"bdSeq": 3}, 9)), "node-g/plant@0 bad; node-g.pump-1-4226f0/plant@0 bad; online false"},
		{"tb-g", "tb/gateway/connect", `{"device":"Device A"}`, "tb-g.device-a-44a37f(Device A)"},
		{"tb-g", "tb/gateway/telemetry", `{"Device A":[{"ts":1760000400001,"values":{"t":1}}]}`, "tb-g.device-a-44a37f/climate@1 t=1; tb-g.device-a-44a37f(Device A) t[]"},
		{"tb-g", "tb/attributes/request/5", `{"sharedKeys":"a"}`, "answer tb/attributes/response/5"},
		{"tb-g", "tb/gateway/attributes/request", `{"id":7,"device":"Device A"}`, "answer tb/gateway/attributes/response"},
		{"tb-g", "tb/gateway/attributes/request", `{}`, "refused -1 tb-g shape"},
		{"tb-g", "tb/claim", `{}`, "refused -1 tb-g unknown-topic"},
	} {
		out := d.Fold(uint64(i+2), publish(t0, devices.ID(tt.from), tt.topic, []byte(tt.payload)))
		if got := heard(out); got != tt.want {
			t.Errorf("%s %s %.60q is\n%s, want\n%s", tt.from, tt.topic, tt.payload, got, tt.want)
			for _, r := range out.Refused {
				t.Logf("%s: %s", r.Cause, r.Detail)
			}
		}
		again, err := LoadDecoder(d.Save(nil))
		if err != nil || !bytes.Equal(again.Save(nil), d.Save(nil)) {
			t.Fatalf("after message %d the state is not itself: %v", i+2, err)
		}
		d = again // whatever is not in the state is lost here
	}
}

// TestForeignReplay holds that a replay of what was refused comes out once it
// can be understood, and that a Sparkplug message is not read by a later birth.
func TestForeignReplay(t *testing.T) {
	d := NewDecoder()
	d.Fold(1, register(Registration{Set: []Registered{{ID: "home", Kind: "room", Convention: "homeassistant"}, {ID: "node", Convention: "sparkplug"}}}))
	early := d.Fold(2, publish(t0, "node", "spb/NDATA", spb(4, t0, map[string]float64{"": 1}, 9)))
	d.Fold(3, publish(t0, "node", "spb/NBIRTH", spb(0, t0, map[string]float64{"Temp": 1}, 9)))
	p := replay{original: 2, items: []held{{item: -1, device: "node", hour: t0, cause: "no-birth", n: 1}}}
	if got := heard(d.Fold(4, appendReplay(nil, p, early.Raw))); got != "refused -1 node no-birth" {
		t.Errorf("what came before the birth is read by it: %s", got)
	}
	lines := d.Fold(5, publish(t0, "home", "influx", []byte("a b=1 1960000400000000000\na c=1")))
	d.Fold(6, register(Registration{Set: []Registered{{ID: "home", Kind: "hall", Convention: "homeassistant"}}}))
	p = replay{original: 5, items: []held{{item: 0, device: "home", hour: t0, cause: Future, n: 1}}}
	if got := heard(d.Fold(7, appendReplay(nil, p, lines.Raw))); got != "refused 0 home future" {
		t.Errorf("a line of several, tried again: %s; first it was %s", got, heard(lines))
	}
}

// TestForeignStateInPieces feeds random foreign traffic to one decoder, and to
// one that is saved and loaded again and again: both must say the same.
func TestForeignStateInPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	whole, parts := NewDecoder(), NewDecoder()
	at := t0
	for n := uint64(1); n < 2000; n++ {
		rec := foreigners()
		if n > 1 {
			at += telemetry.Millis(r.IntN(4000))
			rec = foreignMessage(r, at)
		}
		a, b := whole.Fold(n, rec), parts.Fold(n, rec)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("message %d is\n%s, in pieces\n%s", n, heard(a), heard(b))
		}
		if r.IntN(10) == 0 {
			state := parts.Save(nil)
			if !bytes.Equal(state, whole.Save(nil)) {
				t.Fatalf("after message %d the states differ", n)
			}
			var err error
			if parts, err = LoadDecoder(state); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func foreignMessage(r *rand.Rand, at telemetry.Millis) []byte {
	device := fmt.Sprintf("Dev %d", r.IntN(4))
	say := func(from devices.ID, topic string, p []byte) []byte { return publish(at, from, topic, p) }
	switch r.IntN(9) {
	case 0:
		return say("tele-g", "influx/ms", fmt.Appendf(nil, "m%d,host=h%d v=%d %d", r.IntN(3), r.IntN(5), r.IntN(3), at-telemetry.Millis(r.IntN(3))))
	case 1:
		return say("home-g", fmt.Sprintf("ha/discovery/sensor/x%d/config", r.IntN(4)), fmt.Appendf(nil, `{"stat_t":"s/%d","dev":{"ids":"%s"}}`, r.IntN(4), device))
	case 2:
		return say("home-g", fmt.Sprintf("ha/state/s/%d", r.IntN(4)), []byte("5"))
	case 3:
		return say("node-g", "spb/NBIRTH", spb(0, at, map[string]float64{"bdSeq": 1, "Temp": 1}, uint64(r.IntN(3))))
	case 4:
		return say("node-g", "spb/DBIRTH/"+device, spb(r.IntN(4), at, map[string]float64{"Temp": 1}, uint64(r.IntN(3))))
	case 5:
		return say("node-g", "spb/DDATA/"+device, spb(r.IntN(4), at, map[string]float64{"": 2}, uint64(r.IntN(3))))
	case 6:
		return say("node-g", "spb/NDEATH", spb(-1, at, map[string]float64{"bdSeq": float64(r.IntN(2))}, 0))
	case 7:
		return say("plug", "tasmota/tele/STATE", fmt.Appendf(nil, `{"S%d":%d}`, r.IntN(5), r.IntN(2)))
	}
	return say("tb-g", "tb/gateway/telemetry", fmt.Appendf(nil, `{"%s":[{"v":%d}]}`, device, r.IntN(2)))
}

// TestOldState holds that a state from before foreign senders is read.
func TestOldState(t *testing.T) {
	d := NewDecoder()
	d.Fold(1, register(Registration{Set: []Registered{{ID: "gw", Kind: "gas"}}}))
	d.Fold(2, batch(t0, "gw", 1, 0, rec(1, "gw", t0, 3)))
	now := d.Save(nil)
	sender := appendText(nil, "gw")
	sender = d.senders["gw"].save(sender)
	at := bytes.Index(now, sender)
	if at < 0 || len(d.senders) != 1 {
		t.Fatal("the sender is not in its state")
	}
	old := append([]byte{1}, now[1:at+len(sender)-4]...) // without holes, flags, book and memory, each nothing
	named := appendText(appendText(nil, "gas"), "")
	old = append(old, bytes.Replace(now[at+len(sender):len(now)-2], append(named, 0), named, 1)...) // without a former gateway and a button
	old = append(old, now[len(now)-1])
	again, err := LoadDecoder(old)
	if err != nil || !bytes.Equal(again.Save(nil), now) {
		t.Errorf("the state of version 1 became another: %v", err)
	}
	for _, bad := range [][]byte{append([]byte{stateVersion + 1}, now[1:]...), append([]byte{0}, now[1:]...), now[:len(now)-1]} {
		if _, err := LoadDecoder(bad); err == nil {
			t.Errorf("%x is a state", bad[:1])
		}
	}
}
