package sparkplug

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// m is a metric to be written: v is a value of the Go type that names its field.
type m struct {
	name       string
	alias      int // 0: none
	at         int64
	kind       uint32
	v          any // nil: null
	historical bool
	props      map[string]any
}

func write(at int64, seq int, metrics ...m) []byte {
	var p []byte
	if at != 0 {
		p = number(p, 1, uint64(at))
	}
	for _, x := range metrics {
		p = protowire.AppendBytes(protowire.AppendTag(p, 2, protowire.BytesType), x.bytes())
	}
	if seq >= 0 {
		p = number(p, 3, uint64(seq))
	}
	return p
}

func number(p []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(p, field, protowire.VarintType), v)
}

func words(p []byte, field protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(p, field, protowire.BytesType), v)
}

func (x m) bytes() (p []byte) {
	if x.name != "" {
		p = words(p, 1, x.name)
	}
	if x.alias != 0 {
		p = number(p, 2, uint64(x.alias))
	}
	if x.at != 0 {
		p = number(p, 3, uint64(x.at))
	}
	if x.kind != 0 {
		p = number(p, 4, uint64(x.kind))
	}
	if x.historical {
		p = number(p, 5, 1)
	}
	if x.v == nil {
		p = number(p, 7, 1)
	}
	if len(x.props) > 0 {
		p = protowire.AppendBytes(protowire.AppendTag(p, 9, protowire.BytesType), properties(x.props))
	}
	switch v := x.v.(type) {
	case uint32:
		p = number(p, fieldInt, uint64(v))
	case uint64:
		p = number(p, fieldLong, v)
	case float32:
		p = protowire.AppendFixed32(protowire.AppendTag(p, fieldFloat, protowire.Fixed32Type), math.Float32bits(v))
	case float64:
		p = protowire.AppendFixed64(protowire.AppendTag(p, fieldDouble, protowire.Fixed64Type), math.Float64bits(v))
	case bool:
		p = number(p, fieldBoolean, protowire.EncodeBool(v))
	case string:
		p = words(p, fieldString, v)
	case []byte:
		p = protowire.AppendBytes(protowire.AppendTag(p, fieldBytes, protowire.BytesType), v)
	case dataSet:
		p = protowire.AppendBytes(protowire.AppendTag(p, fieldDataSet, protowire.BytesType), nil)
	}
	return p
}

type dataSet struct{}

func properties(all map[string]any) (p []byte) {
	for _, key := range []string{"engUnit", "Quality"} {
		v, ok := all[key]
		if !ok {
			continue
		}
		p = words(p, 1, key)
		var value []byte
		switch v := v.(type) {
		case string:
			value = words(number(nil, 1, typeString), 8, v)
		case int:
			value = number(number(nil, 1, typeInt32), 3, uint64(v))
		}
		p = protowire.AppendBytes(protowire.AppendTag(p, 2, protowire.BytesType), value)
	}
	return p
}

func say(t Told) string {
	var b strings.Builder
	if t.Presence {
		fmt.Fprintf(&b, "online %v ", t.Online)
	}
	for _, s := range t.Samples {
		units := map[string]string{}
		for _, u := range s.Units {
			units[u.Metric] = u.Unit
		}
		fmt.Fprintf(&b, "[%s @%d", s.Device, s.At)
		for _, v := range s.Values {
			fmt.Fprintf(&b, " %s=%v%s", v.Metric, v.Value, units[v.Metric])
		}
		for _, o := range s.LeftOut {
			fmt.Fprintf(&b, " -%s:%d", o.Why, o.N)
		}
		b.WriteString("] ")
	}
	if t.Dead != nil {
		fmt.Fprintf(&b, "dead %q ", t.Dead)
	}
	if t.Rebirth {
		b.WriteString("rebirth ")
	}
	return strings.TrimSpace(b.String())
}

const t0 = 1486144502122

// nbirth and dbirth are the examples of Sparkplug 3.0.0, chapter 6, "NBIRTH" and
// "DBIRTH", less what repeats and with properties and aliases.
var (
	nbirth = write(t0, 0,
		m{name: "bdSeq", at: t0, kind: typeInt64, v: uint64(0)},
		m{name: "Node Control/Reboot", at: t0, kind: typeBoolean, v: false},
		m{name: "Node Control/Rebirth", at: t0, kind: typeBoolean, v: false},
		m{name: "Properties/Hardware Make", at: t0, kind: typeString, v: "Raspberry Pi"},
		m{name: "Supply Voltage", at: t0, kind: typeFloat, v: float32(12.1), props: map[string]any{"engUnit": "V"}})
	dbirth = write(t0, 1,
		m{name: "Inputs/A", alias: 3, at: t0, kind: typeBoolean, v: false},
		m{name: "Inputs/B", alias: 4, at: t0, kind: typeBoolean, v: false},
		m{name: "Level", alias: 5, at: t0, kind: typeInt16, v: uint32(0xFFFE), props: map[string]any{"engUnit": "mm"}},
		m{name: "Properties/Hardware Make", at: t0, kind: typeString, v: "Pimoroni"})
)

// story is what a node says, message by message, with what each comes to.
type story struct {
	t      *testing.T
	n      *Node
	number uint64
	at     telemetry.Millis
}

func (s *story) hear(kind, device string, body []byte, want string) {
	s.t.Helper()
	s.number++
	s.at += 1000
	told, err := s.n.Take(Message{Kind: kind, Device: device, Body: body, Number: s.number, At: s.at})
	got := say(told)
	if err != nil {
		got = strings.TrimSpace(string(codec.CauseOf(err)) + " " + got)
	}
	if got != want {
		s.t.Errorf("%s %s is\n%s, %v, want\n%s", kind, device, got, err, want)
	}
	again, err := Load(s.n.State())
	if err != nil || !bytes.Equal(again.State(), s.n.State()) {
		s.t.Fatalf("%s became %s, %v", s.n.State(), again.State(), err)
	}
	s.n = again // nothing may live outside of the state
}

func TestLifeOfANode(t *testing.T) {
	s := &story{t: t, n: New(), at: t0}
	const noSuch = "no-birth rebirth"
	s.hear(NData, "", write(t0, 7, m{name: "Supply Voltage", kind: typeFloat, v: float32(1)}), noSuch)
	s.hear(DData, "d", write(t0, 8, m{alias: 3, v: true}), "no-birth") // asked just now
	s.hear(DBirth, "d", dbirth, "no-birth")
	s.hear(NBirth, "", nbirth, "online true [ @1486144502122 Supply_Voltage=12.100000381469727V -text:1]")
	s.hear(DBirth, "d", dbirth, "[d @1486144502122 Inputs.A=0 Inputs.B=0 Level=-2mm -text:1]")
	s.hear(NData, "", write(t0+1, 2, m{name: "Supply Voltage", at: t0 + 1, kind: typeFloat, v: float32(12.5)}), "[ @1486144502123 Supply_Voltage=12.5V]")
	s.hear(DData, "d", write(t0+9, 3, m{alias: 3, v: true}, m{alias: 5, v: uint32(5)}, m{alias: 4}), "[d @1486144502131 Inputs.A=1 Level=5mm -null:1]")
	s.hear(DData, "d", write(t0+9, 4, m{alias: 5, at: t0 - 5000, v: uint32(1), historical: true}, m{alias: 5, at: t0 - 4000, v: uint32(2), historical: true}),
		"[d @1486144497122 Level=1mm] [d @1486144498122 Level=2mm]")
	s.at += askEvery
	s.hear(DData, "d", write(t0+10, 6, m{alias: 3, v: false}), "[d @1486144502132 Inputs.A=0] rebirth") // 5 is missing
	s.hear(DData, "d", write(t0+10, 8, m{alias: 3, v: true}), "[d @1486144502132 Inputs.A=1]")          // asked just now
	s.hear(DData, "d", write(t0+10, 9, m{alias: 77, v: true}), "unknown-alias")
	s.hear(DDeath, "d", write(t0+11, 10), `dead ["d"]`)
	s.hear(DData, "d", write(t0+12, 11, m{alias: 3, v: false}), "no-birth")
	s.hear(NDeath, "", write(0, -1, m{name: "bdSeq", kind: typeInt64, v: uint64(9)}), "") // of an older connection
	s.hear(DBirth, "d", dbirth, "[d @1486144502122 Inputs.A=0 Inputs.B=0 Level=-2mm -text:1]")
	s.hear(NDeath, "", write(0, -1, m{name: "bdSeq", kind: typeInt64, v: uint64(0)}), `online false dead ["" "d"]`)
	s.hear(NDeath, "", write(0, -1, m{name: "bdSeq", kind: typeInt64, v: uint64(0)}), "")
	s.at += askEvery
	s.hear(NData, "", write(t0+13, 2, m{name: "Supply Voltage", v: float32(1)}), noSuch)
}

func TestSequenceWraps(t *testing.T) {
	s := &story{t: t, n: New(), at: t0}
	s.hear(NBirth, "", nbirth, "online true [ @1486144502122 Supply_Voltage=12.100000381469727V -text:1]")
	for i := 1; i <= 600; i++ {
		s.hear(NData, "", write(t0, i%256, m{name: "Supply Voltage", kind: typeFloat, v: float32(i)}), fmt.Sprintf("[ @1486144502122 Supply_Voltage=%dV]", i))
	}
}

// TestReplay holds that what came before its birth is not read with a later
// one, and that trying again changes nothing.
func TestReplay(t *testing.T) {
	n := New()
	early := Message{Kind: DData, Device: "d", Number: 1, At: t0, Body: write(t0, 9, m{alias: 3, v: true})}
	for _, msg := range []Message{early, {Kind: NBirth, Number: 2, At: t0, Body: nbirth}, {Kind: DBirth, Device: "d", Number: 3, At: t0, Body: dbirth}} {
		_, _ = n.Take(msg)
	}
	before := string(n.State())
	early.Replay = true
	if told, err := n.Take(early); codec.CauseOf(err) != NoBirth || told.Rebirth {
		t.Errorf("%s, %v", say(told), err)
	}
	late := Message{Kind: DData, Device: "d", Number: 4, At: t0, Replay: true, Body: write(t0, 99, m{alias: 3, v: true})}
	if told, err := n.Take(late); err != nil || say(told) != "[d @1486144502122 Inputs.A=1]" {
		t.Errorf("%s, %v", say(told), err)
	}
	for _, kind := range []string{NBirth, DBirth, NDeath, DDeath} {
		_, _ = n.Take(Message{Kind: kind, Device: "d", Number: 5, At: t0, Replay: true, Body: nbirth})
	}
	if after := string(n.State()); after != before {
		t.Errorf("a replay changed\n%s into\n%s", before, after)
	}
}

func TestTypes(t *testing.T) {
	for _, tt := range []struct {
		kind uint32
		v    any
		want float64
		why  codec.Why
	}{
		{typeInt8, uint32(0xFF), -1, ""},
		{typeInt8, uint32(0xFFFFFF80), -128, ""},
		{typeInt16, uint32(0xFFFF), -1, ""},
		{typeInt32, uint32(0xFFFFFFFF), -1, ""},
		{typeInt64, uint64(math.MaxUint64), -1, ""},
		{typeUInt8, uint32(255), 255, ""},
		{typeUInt16, uint32(65535), 65535, ""},
		{typeUInt32, uint64(4294967295), 4294967295, ""},
		{typeUInt64, uint64(1 << 40), 1 << 40, ""},
		{typeFloat, float32(0.5), 0.5, ""},
		{typeFloat, float32(math.Inf(1)), 0, codec.Infinite},
		{typeDouble, -0.25, -0.25, ""},
		{typeDouble, math.NaN(), 0, codec.Infinite},
		{typeBoolean, true, 1, ""},
		{typeDateTime, uint64(t0), t0, ""},
		{typeString, "x", 0, codec.Text},
		{typeUUID, "x", 0, codec.Text},
		{typeDataSet, dataSet{}, 0, codec.Structure},
		{typeFile, []byte{1}, 0, codec.Bytes},
		{typeInt8Array, []byte{1}, 0, codec.Bytes},
		{typeInt32, nil, 0, codec.Null},
		{typeInt32, struct{}{}, 0, codec.Null},
	} {
		p, err := Decode(write(t0, 0, m{name: "x", kind: tt.kind, v: tt.v}))
		if err != nil || len(p.Metrics) != 1 {
			t.Fatalf("%+v: %v", p, err)
		}
		if v, why := p.Metrics[0].number(tt.kind); v != tt.want || why != tt.why {
			t.Errorf("type %d, %v: %v %q, want %v %q", tt.kind, tt.v, v, why, tt.want, tt.why)
		}
	}
	for quality, want := range map[int]codec.Why{192: "", 0: codec.Unfit, 500: codec.Unfit} {
		p, err := Decode(write(t0, 0, m{name: "x", kind: typeInt32, v: uint32(1), props: map[string]any{"Quality": quality}}))
		if err != nil {
			t.Fatal(err)
		}
		if _, why := p.Metrics[0].number(typeInt32); why != want {
			t.Errorf("quality %d: %q", quality, why)
		}
	}
}

func TestRefusals(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	for name, tt := range map[string]struct {
		body []byte
		want codec.Cause
	}{
		"cut":                  {nbirth[:len(nbirth)-9], codec.Malformed},
		"text":                 {[]byte("online"), codec.Malformed},
		"no name":              {write(t0, 0, m{alias: 1, v: true}), codec.Shape},
		"one name for two":     {write(t0, 0, m{name: "a/b", v: true}, m{name: "a.b", v: true}), codec.Duplicate},
		"one alias for two":    {write(t0, 0, m{name: "a", alias: 1, v: true}, m{name: "b", alias: 1, v: true}), codec.Duplicate},
		"one metric twice":     {write(t0, 0, m{name: "a", v: true}, m{name: "a", v: false}), codec.Duplicate},
		"seq":                  {write(t0, 256), codec.Number},
		"time":                 {write(math.MaxInt64, 0), codec.Number},
		"long name":            {write(t0, 0, m{name: long, v: true}), codec.Shape},
		"too many":             {write(t0, 0, make([]m, MaxMetrics+1)...), codec.TooLarge},
		"too many bytes":       {make([]byte, MaxBytes+1), codec.TooLarge},
		"too many of one node": {crowd(), codec.TooLarge},
	} {
		n := New()
		kind := NBirth
		if name == "too many of one node" {
			kind = DBirth
			n.births[""] = &birth{Alive: true}
			for i := range MaxDevices {
				n.births[fmt.Sprint(i)] = &birth{}
			}
		}
		if _, err := n.Take(Message{Kind: kind, Device: "new", Body: tt.body}); codec.CauseOf(err) != tt.want || err == nil {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if _, err := New().Take(Message{Kind: "NXXX"}); codec.CauseOf(err) != codec.Shape {
		t.Error(err)
	}
	for _, state := range []string{"", "{}", `{}{"":null}`, "{}[]"} {
		if _, err := Load([]byte(state)); err == nil {
			t.Errorf("%q is a state", state)
		}
	}
}

func crowd() []byte { return write(t0, 1, m{name: "a", v: true}) }

// TestRebirthCommand holds the NCMD of the chapter's example byte by byte.
func TestRebirthCommand(t *testing.T) {
	want := "08eaf2f5a8a02b" + "1221" + "0a14" + hex.EncodeToString([]byte("Node Control/Rebirth")) + "18eaf2f5a8a02b" + "200b" + "7001"
	if got := hex.EncodeToString(RebirthCommand(t0)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	p, err := Decode(RebirthCommand(t0))
	if err != nil || p.At != t0 || p.Metrics[0].Name != rebirthMetric || p.Seq != -1 {
		t.Errorf("%+v, %v", p, err)
	}
}

func FuzzNode(f *testing.F) {
	f.Add(nbirth, dbirth, write(t0, 2, m{alias: 3, v: true}), []byte{0, 1, 2})
	f.Add(nbirth, write(t0, 0, m{name: "bdSeq", v: uint64(0)}), write(t0, 3, m{name: "Supply Voltage", v: 2.5}), []byte{0, 3, 4, 5})
	f.Fuzz(func(t *testing.T, a, b, c, order []byte) {
		n := New()
		kinds := []string{NBirth, DBirth, DData, NDeath, NData, DDeath}
		bodies := [][]byte{a, b, c}
		for i, o := range order[:min(len(order), 16)] {
			told, err := n.Take(Message{Kind: kinds[int(o)%len(kinds)], Device: "d", Body: bodies[i%3], Number: uint64(i + 1), At: t0 + telemetry.Millis(i)*1000, Replay: o&0x80 != 0})
			again, err2 := Load(n.State())
			if err2 != nil || !bytes.Equal(again.State(), n.State()) {
				t.Fatalf("%s became %s, %v", n.State(), again.State(), err2)
			}
			n = again
			for _, s := range told.Samples {
				for k, v := range s.Values {
					if err == nil && (math.IsInf(v.Value, 0) || math.IsNaN(v.Value) || !codec.ValidMetric([]byte(v.Metric)) || k > 0 && s.Values[k-1].Metric >= v.Metric) {
						t.Fatalf("accepted %+v", s.Values)
					}
				}
			}
		}
	})
}
