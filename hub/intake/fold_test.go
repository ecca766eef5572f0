package intake

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

const t0 = telemetry.Millis(1_760_000_400_000) // on the hour

func text(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func publish(at telemetry.Millis, from devices.ID, topic string, payload any) []byte {
	p, ok := payload.([]byte)
	if !ok {
		p = text(payload)
	}
	return appendRaw(nil, &Raw{At: at, From: from, Topic: topic, Payload: p, QoS: 1})
}

func stock(at telemetry.Millis, gw devices.ID, ids ...devices.ID) []byte {
	s := wire.Stock{V: 1}
	for _, id := range ids {
		s.Devices = append(s.Devices, wire.Entry{ID: id, Kind: "gas", Profile: "demo@1"})
	}
	return publish(at, gw, wire.Inventory, s)
}

func register(r Registration) []byte {
	b, err := appendRegistration(nil, t0, r)
	if err != nil {
		panic(err)
	}
	return b
}

// batch is a batch of one gateway whose clock is off by skew.
func batch(at telemetry.Millis, gw devices.ID, floor uint64, skew time.Duration, recs ...wire.Record) []byte {
	return publish(at, gw, wire.Batches, wire.Batch{V: 1, Stream: wire.Data, Epoch: 7, First: recs[0].Seq, Last: recs[len(recs)-1].Seq,
		Floor: floor, Now: at.Add(skew), Records: recs})
}

func rec(seq uint64, id devices.ID, at telemetry.Millis, v float64) wire.Record {
	return wire.Record{Seq: seq, Device: id, At: at, Values: map[string]float64{"ch4": v}}
}

// fold folds all records from number 1 on and returns what they came to.
func fold(d *Decoder, recs ...[]byte) (all []Decoded) {
	for i, r := range recs {
		all = append(all, d.Fold(uint64(i+1), r))
	}
	return all
}

func last(all []Decoded) Decoded { return all[len(all)-1] }

func TestBatchBecomesPoints(t *testing.T) {
	out := last(fold(NewDecoder(), stock(t0, "gw-1", "gas-1"), batch(t0+900, "gw-1", 1, 0, rec(1, "gas-1", t0+500, 0.25))))
	want := []telemetry.Point{{Device: "gas-1", Kind: "gas", At: t0 + 500, Basis: telemetry.ByGateway,
		Fields: []telemetry.Field{{Metric: "ch4", Value: 0.25}},
		Key:    telemetry.Key{Sender: "gw-1", Stream: "data", Epoch: 7, Seq: 1, Offset: 2}}}
	if !reflect.DeepEqual(out.Points, want) {
		t.Errorf("points %+v", out.Points)
	}
	if want := []Tally{{Device: "gas-1", Hour: t0, Outcome: Stored, N: 1}}; !reflect.DeepEqual(out.Tally, want) {
		t.Errorf("tally %+v", out.Tally)
	}
}

func TestRedeliveryIsDroppedEvenAfterARestart(t *testing.T) {
	d := NewDecoder()
	b := batch(t0, "gw-1", 1, 0, rec(1, "gas-1", t0, 1), rec(2, "gas-1", t0+1, 2))
	fold(d, stock(t0, "gw-1", "gas-1"), b)
	d, err := LoadDecoder(d.Save(nil))
	if err != nil {
		t.Fatal(err)
	}
	if out := d.Fold(3, b); out.Repeats != 2 || len(out.Points)+len(out.Tally)+len(out.Refused) > 0 {
		t.Errorf("came again: %+v", out)
	}
}

func TestEventTimes(t *testing.T) {
	day := 24 * time.Hour
	tests := []struct {
		name    string
		skew    time.Duration // the gateway's clock minus the hub's
		at, own telemetry.Millis
		want    telemetry.Millis
		basis   telemetry.Basis
		refused string
	}{
		{"gateway's clock is right", 0, t0 - 500, 0, t0 - 500, telemetry.ByGateway, ""},
		{"device's clock is better", 0, t0 - 500, t0 - 700, t0 - 700, telemetry.ByDevice, ""},
		{"a week late", 0, t0.Add(-7 * day), 0, t0.Add(-7 * day), telemetry.ByGateway, ""},
		{"gateway without a clock", time.Duration(-t0+60_000) * time.Millisecond, 59_000, 0, t0 - 1000, telemetry.ByCorrected, ""},
		{"gateway a day ahead", day, t0.Add(day) - 1000, 0, t0 - 1000, telemetry.ByCorrected, ""},
		{"its device was set by it", day, t0.Add(day) - 1000, t0.Add(day) - 1500, t0 - 1500, telemetry.ByCorrected, ""},
		{"its device keeps its own time", day, t0.Add(day) - 1000, t0 - 1500, t0 - 1500, telemetry.ByDevice, ""},
		{"device never set", 0, t0 - 500, 60_000, t0 - 500, telemetry.ByGateway, ""},
		{"device ahead of its reader", 0, t0 - 500, t0.Add(time.Hour), t0 - 500, telemetry.ByGateway, ""},
		{"device ahead of a reader that is a day ahead", day, t0.Add(day) - 1000, t0.Add(2 * day), t0 - 1000, telemetry.ByCorrected, ""},
		{"device says when it measured, an hour ago", 0, t0 - 500, t0.Add(-time.Hour), t0.Add(-time.Hour), telemetry.ByDevice, ""},
		{"a week late of a gateway without a clock", time.Duration(-t0+60_000+7*86_400_000) * time.Millisecond, 60_000, 0, t0.Add(-7 * day), telemetry.ByCorrected, ""},
		{"six minutes ahead", 0, t0.Add(6 * time.Minute), 0, 0, 0, Future},
		{"before any device", 0, 1000, 0, 0, 0, Past},
	}
	for _, tt := range tests {
		r := rec(1, "gas-1", tt.at, 1)
		r.Own = tt.own
		out := last(fold(NewDecoder(), stock(t0, "gw-1", "gas-1"), batch(t0, "gw-1", 1, tt.skew, r)))
		if tt.refused != "" {
			if len(out.Refused) != 1 || out.Refused[0].Cause != tt.refused || len(out.Points) > 0 || out.Raw == nil {
				t.Errorf("%s: %+v", tt.name, out)
			}
			continue
		}
		if len(out.Points) != 1 || out.Points[0].At != tt.want || out.Points[0].Basis != tt.basis {
			t.Errorf("%s: %+v %+v, want %d %v", tt.name, out.Points, out.Refused, tt.want, tt.basis)
		}
	}
}

func TestClockThatIsSetBackIsFollowed(t *testing.T) {
	var c clock
	hub := t0
	send := func(skew time.Duration, way time.Duration) time.Duration {
		hub += 1000
		c.observe(hub, hub.Add(skew-way))
		return c.offset(hub)
	}
	if got := send(-time.Hour, 40*time.Millisecond); got != time.Hour+40*time.Millisecond {
		t.Errorf("an hour behind: %v", got)
	}
	if got := send(-time.Hour, 5*time.Millisecond); got != time.Hour+5*time.Millisecond {
		t.Errorf("a faster way: %v", got)
	}
	if got := send(-time.Hour, 30*time.Second); got != time.Hour+5*time.Millisecond {
		t.Errorf("one slow message moved the clock: %v", got)
	}
	if got := send(0, 5*time.Millisecond); got != 0 {
		t.Errorf("the clock was set right: %v", got)
	}
	for range 2 {
		if got := send(-time.Minute, 0); got != 0 {
			t.Errorf("may still be slow messages: %v", got)
		}
	}
	if got := send(-time.Minute, 0); got != time.Minute {
		t.Errorf("three in a row are a clock set back: %v", got)
	}
	if got := c.offset(hub.Add(2 * time.Hour)); got != 0 {
		t.Errorf("an old estimate is applied: %v", got)
	}
}

func TestOneInstantTwice(t *testing.T) {
	tests := []struct {
		name string
		a, b wire.Record
		news []telemetry.Field
		want Outcome
	}{
		{"the same value", rec(1, "gas-1", t0, 1), rec(2, "gas-1", t0, 1), nil, Repeated},
		{"another value, higher number", rec(1, "gas-1", t0, 1), rec(2, "gas-1", t0, 2), []telemetry.Field{{Metric: "ch4", Value: 2}}, Superseded},
		{"another value, lower number", rec(2, "gas-1", t0, 1), rec(1, "gas-1", t0, 2), nil, Superseded},
		{"another metric", rec(1, "gas-1", t0, 1), wire.Record{Seq: 2, Device: "gas-1", At: t0, Values: map[string]float64{"temp": 3}},
			[]telemetry.Field{{Metric: "temp", Value: 3}}, Stored},
	}
	for _, tt := range tests {
		out := last(fold(NewDecoder(), stock(t0, "gw-1", "gas-1"), batch(t0, "gw-1", 1, 0, tt.a), batch(t0, "gw-1", 1, 0, tt.b)))
		var news []telemetry.Field
		for _, p := range out.Points {
			news = append(news, p.Fields...)
		}
		if !reflect.DeepEqual(news, tt.news) || out.Tally[0].Outcome != tt.want {
			t.Errorf("%s: news %v, tally %+v", tt.name, news, out.Tally)
		}
	}
}

func TestConditionsAreTold(t *testing.T) {
	d := NewDecoder()
	fold(d, stock(t0, "gw-1", "gas-1"))
	bad := wire.Record{Seq: 1, Device: "gas-1", At: t0.Add(-time.Hour), Quality: telemetry.Bad, Cause: "timeout"}
	slow := rec(2, "gas-1", t0.Add(-time.Hour)+100, 3)
	slow.Own = t0.Add(-2 * time.Hour)
	b := batch(t0, "gw-1", 1, -time.Hour, bad, slow)
	out := d.Fold(2, b)
	if len(out.Failures) != 1 || out.Failures[0] != (Failure{"gas-1", t0, "timeout"}) {
		t.Errorf("failures %+v", out.Failures)
	}
	if len(out.Lags) != 1 || out.Lags[0].By != 2*time.Hour+100*time.Millisecond || !out.Timed || out.Clock != time.Hour {
		t.Errorf("lags %+v, clock %v %v", out.Lags, out.Timed, out.Clock)
	}
	if out = d.Fold(3, b); len(out.Failures)+len(out.Lags) > 0 || out.Timed {
		t.Errorf("a re-delivery tells them again: %+v", out)
	}
	out = d.Fold(4, binary.AppendUvarint([]byte{recordVersion, began}, uint64(t0)))
	if !out.Began || out.At != t0 || len(out.Refused) > 0 {
		t.Errorf("a start of the hub is %+v", out)
	}
}

func TestFailedPollIsAPoint(t *testing.T) {
	d := NewDecoder()
	fold(d, stock(t0, "gw-1", "gas-1"))
	bad := wire.Record{Seq: 1, Device: "gas-1", At: t0, Quality: telemetry.Bad, Cause: "timeout"}
	if out := d.Fold(2, batch(t0, "gw-1", 1, 0, bad)); len(out.Points) != 1 || out.Points[0].Quality != telemetry.Bad || len(out.Points[0].Fields) > 0 || out.Tally[0].Outcome != Stored {
		t.Errorf("%+v", out)
	}
	none := wire.Record{Seq: 2, Device: "gas-1", At: t0 + 1}
	if out := d.Fold(3, batch(t0, "gw-1", 1, 0, none)); len(out.Refused) != 1 || out.Refused[0].Cause != "shape" {
		t.Errorf("%+v", out)
	}
}

func TestHolesBelowTheFloorAreMissing(t *testing.T) {
	all := fold(NewDecoder(), stock(t0, "gw-1", "gas-1"),
		batch(t0, "gw-1", 40, 0, rec(40, "gas-1", t0, 1)),   // of 1 to 39 nobody knows: the first time
		batch(t0, "gw-1", 41, 0, rec(50, "gas-1", t0+1, 1)), // live before backlog: no loss
		batch(t0, "gw-1", 46, 0, rec(46, "gas-1", t0+2, 1)), // 41 to 45 will never come
		batch(t0, "gw-1", 46, 0, wire.Record{Seq: 47, At: t0, Cause: "disk-full", Lost: 3}))
	var missing, expired int64
	for _, d := range all {
		for _, c := range d.Tally {
			switch c.Outcome {
			case Missing:
				missing += c.N
			case Expired:
				expired += c.N
			}
		}
	}
	if missing != 5 || expired != 3 {
		t.Errorf("missing %d, expired %d; want 5 and 3", missing, expired)
	}
}

func TestForeignDevicesAreRefused(t *testing.T) {
	d := NewDecoder()
	all := fold(d, stock(t0, "gw-1", "gas-1"), register(Registration{Set: []Registered{{ID: "meter-9", Kind: "power"}}}),
		stock(t0, "gw-2", "meter-9"),
		batch(t0, "gw-2", 1, 0, rec(1, "gas-1", t0, 1), rec(2, "meter-9", t0, 1), rec(3, "../x", t0, 1)),
		publish(t0, "meter-9", wire.Telemetry, wire.Reading{Stamp: wire.Stamp{V: 1}, At: t0, Values: map[string]float64{"kw": 2}}))
	if c := all[2].Refused; len(c) != 1 || c[0].Cause != Foreign {
		t.Errorf("a claim on a registered device: %+v", c)
	}
	if c := all[3].Refused; len(c) != 3 || c[0].Cause != UnknownDevice || c[2].Device != "gw-2" {
		t.Errorf("foreign devices: %+v", c)
	}
	if p := all[4].Points; len(p) != 1 || p[0].Kind != "power" {
		t.Errorf("it speaks for itself: %+v", all[4])
	}
}

// A batch that came before its inventory is held, and a replay gives the very
// points and counts that it would have given then.
func TestReplayGivesWhatItWouldHaveGiven(t *testing.T) {
	b := batch(t0, "gw-1", 1, -time.Hour, rec(1, "gas-1", t0.Add(-time.Hour), 1), rec(2, "gas-2", t0.Add(-time.Hour), 2))
	d := NewDecoder()
	all := fold(d, stock(t0, "gw-1", "gas-1"), b, stock(t0, "gw-1", "gas-1", "gas-2"))
	held := all[1]
	if len(held.Points) != 1 || len(held.Refused) != 1 || held.Refused[0].Item != 1 {
		t.Fatalf("%+v", held)
	}
	out := d.Fold(9, replayRecord(held))
	want := last(fold(NewDecoder(), stock(t0, "gw-1", "gas-1", "gas-2"), b))
	if len(out.Points) != 1 || !reflect.DeepEqual(out.Points[0], want.Points[1]) {
		t.Errorf("replayed %+v, want %+v", out.Points, want.Points[1])
	}
	if got, want := sum(held, out), sum(want); !reflect.DeepEqual(got, want) {
		t.Errorf("ledger %v, want %v", got, want)
	}
	if again := d.Fold(10, replayRecord(held)); len(again.Points)+len(again.Tally) != 0 {
		t.Errorf("the same replay once more: %+v", again)
	}
}

// What a consumer or a store gave up on was accepted and counted: its replay
// says the point again and counts nothing.
func TestReplayOfWhatWasAcceptedSaysItAgain(t *testing.T) {
	b := batch(t0, "gw-1", 1, 0, rec(1, "gas-1", t0, 1))
	d := NewDecoder()
	first := last(fold(d, stock(t0, "gw-1", "gas-1"), b))
	out := d.Fold(3, appendReplay(nil, replay{original: 2, items: []held{{item: -1, cause: Poison}}}, b))
	if !reflect.DeepEqual(out.Points, first.Points) || len(out.Tally) > 0 {
		t.Errorf("%+v", out)
	}
}

// replayRecord makes the record that tries all refused items of d again.
func replayRecord(d Decoded) []byte {
	p := replay{original: d.Number, offset: d.Offset}
	for _, r := range d.Refused {
		p.items = append(p.items, held{item: r.Item, device: r.Device, hour: r.Hour, cause: r.Cause, n: r.Items})
	}
	return appendReplay(nil, p, d.Raw)
}

// sum adds up tallies and leaves out what came to nothing.
func sum(all ...Decoded) map[Tally]int64 {
	m := map[Tally]int64{}
	for _, d := range all {
		for _, c := range d.Tally {
			n := c.N
			c.N = 0
			if m[c] += n; m[c] == 0 {
				delete(m, c)
			}
		}
	}
	return m
}

func TestUnreadableBatchArrivesOnce(t *testing.T) {
	bad := publish(t0, "gw-1", wire.Batches, []byte(`{"v":1,"stream":"data","epoch":7,"first":1,"last":3,"floor":1,"now":1760000000000,"records":[{"seq":1,"values":{"a":1e400}}]}`))
	d := NewDecoder()
	all := fold(d, stock(t0, "gw-1", "gas-1"), bad, bad)
	if r := all[1].Refused; len(r) != 1 || r[0].Cause != "number" || r[0].Items != 3 {
		t.Errorf("%+v", r)
	}
	if all[2].Repeats != 3 || len(all[2].Refused) > 0 {
		t.Errorf("the second time: %+v", all[2])
	}
}

func TestEveryKind(t *testing.T) {
	d := NewDecoder()
	d.Fold(1, register(Registration{Set: []Registered{{ID: "tb-1", Kind: "noise", Convention: ThingsBoard}, {ID: "p-1"}}}))
	tests := []struct {
		name, from, topic, payload string
		ok                         func(Decoded) bool
	}{
		{"thingsboard", "tb-1", "telemetry", `[{"ts":1760000000000,"values":{"laeq":61.5}}]`, func(o Decoded) bool { return len(o.Points) == 1 && o.Points[0].Kind == "noise" }},
		{"thingsboard's own topic", "tb-1", "tb/telemetry", `{"laeq":61.5,"text":"x"}`, func(o Decoded) bool { return len(o.Points) == 1 && o.Points[0].At == t0 }},
		{"thingsboard gateway", "tb-1", "tb/gateway/telemetry", `{"tb-1":[{"ts":1760000000001,"values":{"laeq":1}}],"nobody":[{"a":1}]}`, func(o Decoded) bool { return len(o.Points) == 1 && len(o.Refused) == 1 }},
		{"thingsboard answer", "tb-1", "tb/rpc/response/4", `{}`, func(o Decoded) bool { return string(o.Body) == "{}" }},
		{"position", "p-1", "position", `{"v":1,"at":1760000000000,"lon":116.4,"lat":39.9}`, func(o Decoded) bool { return len(o.Positions) == 1 && o.Positions[0].Speed < 0 }},
		{"the same position", "p-1", "position", `{"v":1,"at":1760000000000,"lon":116.4,"lat":39.9}`, func(o Decoded) bool { return len(o.Positions) == 0 && o.Tally[0].Outcome == Repeated }},
		{"event", "p-1", "event", `{"v":1,"at":1760000000000,"type":"sos"}`, func(o Decoded) bool { return len(o.Happenings) == 1 && o.Happenings[0].Type == "sos" }},
		{"status", "p-1", "status", `{"v":1,"online":true}`, func(o Decoded) bool { return o.Presence != nil && o.Presence.Online }},
		{"reply", "p-1", "reply", `{"v":1}`, func(o Decoded) bool { return string(o.Body) == `{"v":1}` }},
		{"no such kind", "p-1", "call", `{}`, func(o Decoded) bool { return len(o.Refused) == 1 && o.Refused[0].Cause == UnknownTopic }},
		{"measures nothing", "p-1", "telemetry", `{"v":1,"values":{"a":1}}`, func(o Decoded) bool { return len(o.Refused) == 1 && o.Refused[0].Cause == UnknownDevice }},
		{"nonsense", "p-1", "event", `[`, func(o Decoded) bool { return len(o.Refused) == 1 && len(o.Raw) > 0 }},
	}
	for i, tt := range tests {
		if out := d.Fold(uint64(i+2), publish(t0, devices.ID(tt.from), tt.topic, []byte(tt.payload))); !tt.ok(out) {
			t.Errorf("%s: %+v", tt.name, out)
		}
	}
}

// traffic is a random but fair mixture: repeats, holes, late data, clocks that
// jump, unknown devices, nonsense.
func traffic(r *rand.Rand, n int) (recs [][]byte) {
	recs = append(recs, register(Registration{Set: []Registered{{ID: "meter-1", Kind: "power"}}}))
	now, seq := t0, uint64(1)
	for len(recs) < n {
		now += telemetry.Millis(r.IntN(3000))
		gw := devices.ID(fmt.Sprintf("gw-%d", r.IntN(2)))
		switch r.IntN(9) {
		case 0:
			recs = append(recs, stock(now, gw, gw+"-gas", "shared"))
		case 1:
			recs = append(recs, recs[r.IntN(len(recs))]) // a re-delivery
		case 2:
			recs = append(recs, publish(now, gw, wire.Batches, []byte(`{"v":1,"stream":"data"`)))
		case 3:
			recs = append(recs, publish(now, "meter-1", wire.Telemetry, wire.Reading{Stamp: wire.Stamp{V: 1, Epoch: 1, Seq: seq, Now: now - 20}, At: now - telemetry.Millis(r.IntN(4000)), Values: map[string]float64{"kw": float64(r.IntN(3))}}))
		case 4:
			recs = append(recs, publish(now, "p-1", wire.Positions, wire.Fix{Stamp: wire.Stamp{V: 1}, At: now - telemetry.Millis(r.IntN(3)), Lon: 1, Lat: float64(r.IntN(2))}))
		default:
			var b []wire.Record
			for range 1 + r.IntN(4) {
				b = append(b, rec(seq, []devices.ID{gw + "-gas", "shared", "nobody"}[r.IntN(3)], now-telemetry.Millis(r.IntN(5)*1000), float64(r.IntN(3))))
				seq += 1 + uint64(r.IntN(2))
			}
			skew := []time.Duration{0, 0, 0, time.Hour, -100 * 24 * time.Hour}[r.IntN(5)]
			recs = append(recs, batch(now, gw, max(seq, 10)-uint64(r.IntN(9)), skew, b...))
		}
	}
	return recs
}

// TestFoldIsPure is the property behind every replay: wherever the fold is cut,
// saved and loaded, results and state are the same, byte for byte.
func TestFoldIsPure(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		recs := traffic(r, 300)
		d := NewDecoder()
		want := fmt.Sprintf("%+v", stripped(fold(d, recs...)))
		state := d.Save(nil)

		cutting, got := NewDecoder(), []Decoded(nil)
		for i, rec := range recs {
			if r.IntN(20) == 0 {
				var err error
				if cutting, err = LoadDecoder(cutting.Save(nil)); err != nil {
					t.Fatal(err)
				}
			}
			got = append(got, cutting.Fold(uint64(i+1), rec))
		}
		if s := fmt.Sprintf("%+v", stripped(got)); s != want {
			t.Fatalf("seed %d: results differ after a restart", seed)
		}
		if !bytes.Equal(cutting.Save(nil), state) {
			t.Fatalf("seed %d: states differ", seed)
		}
	}
}

// stripped makes pointers printable.
func stripped(all []Decoded) []string {
	var s []string
	for _, d := range all {
		inv, pres := string(text(d.Inventory)), string(text(d.Presence))
		d.Inventory, d.Presence = nil, nil
		s = append(s, fmt.Sprintf("%+v %s %s", d, inv, pres))
	}
	return s
}

func TestSeenAgainstASet(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		var s seen
		set := map[uint64]bool{}
		for range 400 {
			first := 1 + uint64(r.IntN(200))
			last := first + uint64(r.IntN(4))
			fresh := uint64(0)
			if r.IntN(20) == 0 {
				floor := uint64(r.IntN(60))
				for n := uint64(1); n < floor; n++ {
					if !set[n] {
						fresh++
						set[n] = true
					}
				}
				if got := s.settle(floor); got != fresh {
					t.Fatalf("settle(%d) = %d, want %d", floor, got, fresh)
				}
				continue
			}
			covered := true
			for n := first; n <= last; n++ {
				if !set[n] {
					fresh++
					covered = false
				}
				set[n] = true
			}
			if s.covers(first, last) != covered {
				t.Fatalf("covers(%d, %d) is wrong in %v", first, last, s)
			}
			if got := s.add(first, last); got != fresh {
				t.Fatalf("add(%d, %d) = %d, want %d", first, last, got, fresh)
			}
		}
		for i := 1; i < len(s); i++ {
			if s[i].first <= s[i-1].last+1 {
				t.Fatalf("spans touch: %v", s)
			}
		}
	}
}

func TestSeenStaysBounded(t *testing.T) {
	var s seen
	for n := uint64(1); n < 3*maxSpans; n++ {
		s.add(2*n, 2*n)
	}
	if len(s) > maxSpans || !s.covers(2*(3*maxSpans-1), 2*(3*maxSpans-1)) {
		t.Errorf("%d spans", len(s))
	}
}

func FuzzFold(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, rec := range traffic(r, 60) {
		f.Add(rec)
	}
	f.Add(appendReplay(nil, replay{original: 3, items: []held{{item: -1, cause: "x", n: 2}}}, publish(t0, "gw-1", "batch", []byte(`{}`))))
	f.Fuzz(func(t *testing.T, rec []byte) {
		d := NewDecoder()
		d.Fold(1, stock(t0, "gw-1", "gas-1"))
		d.Fold(2, rec)
		state := d.Save(nil)
		again, err := LoadDecoder(state)
		if err != nil || !bytes.Equal(again.Save(nil), state) {
			t.Fatalf("state does not come back: %v", err)
		}
	})
}

func FuzzLoadDecoder(f *testing.F) {
	d := NewDecoder()
	fold(d, traffic(rand.New(rand.NewPCG(3, 1)), 50)...)
	f.Add(d.Save(nil))
	f.Fuzz(func(t *testing.T, b []byte) { LoadDecoder(b) })
}

func BenchmarkFold(b *testing.B) {
	one := publish(t0, "meter-1", wire.Telemetry, []byte(`{"v":1,"at":1760000000000,"values":{"ch4":0.25,"humidity":61.5,"temp":21.75}}`))
	b.Run("reading", func(b *testing.B) {
		d := NewDecoder()
		d.Fold(1, register(Registration{Set: []Registered{{ID: "meter-1", Kind: "power"}}}))
		at, n := bytes.Index(one, []byte("1760000000000"))+5, uint64(2)
		b.ReportAllocs()
		for b.Loop() {
			n++
			copy(one[at:], fmt.Appendf(nil, "%08d", n%500_000))
			if out := d.Fold(n, one); len(out.Points) != 1 {
				b.Fatalf("%+v", out)
			}
		}
	})
	b.Run("batch100", func(b *testing.B) {
		d := NewDecoder()
		d.Fold(1, stock(t0, "gw-1", "gas-1"))
		var msgs [][]byte
		for i := range 200 {
			var recs []wire.Record
			for k := range 100 {
				recs = append(recs, wire.Record{Seq: uint64(i*100 + k + 1), Device: "gas-1", At: t0 + telemetry.Millis(i*100+k), Values: map[string]float64{"ch4": 1, "temp": float64(k)}})
			}
			msgs = append(msgs, batch(t0.Add(time.Duration(i)*time.Second), "gw-1", 1, 0, recs...))
		}
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if i == len(msgs) {
				b.StopTimer()
				d, i = NewDecoder(), 0
				d.Fold(1, stock(t0, "gw-1", "gas-1"))
				b.StartTimer()
			}
			if out := d.Fold(uint64(i+2), msgs[i]); len(out.Points) != 100 {
				b.Fatalf("%+v", out)
			}
			i++
		}
	})
}
