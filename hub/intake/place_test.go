package intake

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

const badge = "badge-7"

// walk is the state of a decoder that knows one terminal behind a gateway.
type walk struct {
	*Decoder
	number, seq uint64
}

func newWalk() *walk {
	w := &walk{Decoder: NewDecoder(), number: 1}
	s := wire.Stock{V: 1, Devices: []wire.Entry{{ID: badge, Kind: PositionKind, Profile: "terminal-jt808@1"}}}
	w.Fold(w.number, publish(t0, "gw-1", wire.Inventory, s))
	return w
}

// tell is one position as the terminal stamped it, delivered at hub time at.
func (w *walk) tell(at, own telemetry.Millis, values map[string]float64) Decoded {
	w.number, w.seq = w.number+1, w.seq+1
	r := wire.Record{Seq: w.seq, Device: badge, At: at, Own: own, Values: values}
	return w.Fold(w.number, batch(at, "gw-1", 1, 0, r))
}

// spot is a position with a fix; sos is the bit of its button.
func spot(lon, sos float64) map[string]float64 {
	return map[string]float64{"lon": lon, "lat": 30.27, "speed": 1.2, "heading": 90, "fix": 1, "satellites": 9, "sos": sos}
}

func TestReadingOfATerminalBecomesAPosition(t *testing.T) {
	w := newWalk()
	out := w.tell(t0+9000, t0+5000, map[string]float64{"lon": 120.15, "lat": 30.27, "speed": 1.2, "heading": 90, "hdop": 0.8, "fix": 1, "satellites": 9})
	key := telemetry.Key{Sender: "gw-1", Stream: "data", Epoch: 7, Seq: 1, Offset: 2}
	want := telemetry.Position{Device: badge, At: t0 + 5000, Basis: telemetry.ByDevice, Lon: 120.15, Lat: 30.27, Accuracy: 4,
		Speed: 1.2, Heading: 90, Battery: -1, Source: "gnss", Key: key}
	if !reflect.DeepEqual(out.Positions, []telemetry.Position{want}) {
		t.Errorf("positions %+v", out.Positions)
	}
	rest := []telemetry.Field{{Metric: "fix", Value: 1}, {Metric: "hdop", Value: 0.8}, {Metric: "satellites", Value: 9}}
	if len(out.Points) != 1 || out.Points[0].Kind != PositionKind || !reflect.DeepEqual(out.Points[0].Fields, rest) {
		t.Errorf("points %+v", out.Points)
	}
	if want := []Tally{{Device: badge, Hour: t0, Outcome: Stored, N: 1}}; !reflect.DeepEqual(out.Tally, want) {
		t.Errorf("one record counts as %+v", out.Tally)
	}
	again := w.tell(t0+9500, t0+5000, map[string]float64{"lon": 120.15, "lat": 30.27, "speed": 1.2, "heading": 90, "hdop": 0.8, "fix": 1, "satellites": 9})
	if len(again.Positions)+len(again.Points) != 0 || again.Tally[0].Outcome != Repeated {
		t.Errorf("the terminal repeated a position: %+v", again)
	}
}

func TestNoPlaceIsMadeUp(t *testing.T) {
	for name, values := range map[string]map[string]float64{
		"no fix":              {"fix": 0, "satellites": 2},
		"the last place":      {"lon": 120.15, "lat": 30.27, "fix": 0},
		"zeros":               {"lon": 0, "lat": 0, "fix": 1},
		"half a place":        {"lon": 120.15, "fix": 1},
		"not on this planet":  {"lon": 120.15, "lat": 95, "fix": 1},
		"beyond the meridian": {"lon": 181, "lat": 30, "fix": 1},
	} {
		if out := newWalk().tell(t0+1000, t0, values); len(out.Positions) != 0 || out.Tally[0].Outcome != Stored {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

// press is one position of TestOnePressOneHappening.
type press struct {
	minute int // of the terminal's clock
	sos    float64
}

func TestOnePressOneHappening(t *testing.T) {
	for name, tt := range map[string]struct {
		sent []press
		want []int // minutes of the happenings
	}{
		"latched until it is cleared":             {[]press{{0, 0}, {1, 1}, {2, 1}, {3, 1}, {4, 0}, {5, 0}}, []int{1}},
		"pressed again":                           {[]press{{1, 1}, {2, 0}, {3, 1}, {4, 1}}, []int{1, 3}},
		"the first word is a cry":                 {[]press{{0, 1}}, []int{0}},
		"alarms overtake what came before":        {[]press{{3, 1}, {4, 1}, {5, 0}, {1, 0}, {2, 0}, {6, 0}}, []int{3}},
		"an old clear does not end a press":       {[]press{{3, 1}, {2, 0}, {4, 1}}, []int{3}},
		"pressed and cleared out of reach":        {[]press{{60, 0}, {10, 0}, {11, 1}, {12, 1}, {13, 0}, {61, 0}}, []int{11}},
		"twice out of reach":                      {[]press{{60, 0}, {10, 1}, {11, 0}, {12, 1}, {13, 1}}, []int{10, 12}},
		"still pressed when it is back in reach":  {[]press{{0, 0}, {30, 1}, {10, 1}, {11, 1}, {12, 1}, {31, 1}}, []int{30}},
		"the same position again":                 {[]press{{1, 1}, {1, 1}, {2, 1}}, []int{1}},
		"again, hours after a press out of reach": {[]press{{60, 0}, {10, 1}, {11, 1}, {200, 0}, {150, 1}, {201, 0}}, []int{10, 150}},
	} {
		w, got := newWalk(), []int{}
		for i, p := range tt.sent {
			var err error
			if w.Decoder, err = LoadDecoder(w.Save(nil)); err != nil { // a restart between any two changes nothing
				t.Fatal(err)
			}
			own := t0.Add(time.Duration(p.minute) * time.Minute)
			out := w.tell(t0.Add(4*time.Hour)+telemetry.Millis(i)*1000, own, spot(120.15+float64(p.minute)/1e4, p.sos))
			for _, h := range out.Happenings {
				if h.Type != SOSEvent || h.Device != badge || h.At != own || h.Lon == 0 {
					t.Errorf("%s: %+v", name, h)
				}
				got = append(got, p.minute)
			}
			if p.sos != 0 && len(out.Positions) > 0 && !out.Positions[0].SOS {
				t.Errorf("%s: minute %d: the position does not say SOS", name, p.minute)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: happenings at minutes %v, want %v", name, got, tt.want)
		}
	}
}

// TestBatchOfPositionsGoesToItsTimes holds that what a terminal kept while it
// was out of reach lies where it was then.
func TestBatchOfPositionsGoesToItsTimes(t *testing.T) {
	w := newWalk()
	w.tell(t0.Add(time.Hour), t0.Add(time.Hour)-500, spot(120.16, 0))
	b := wire.Batch{V: 1, Stream: wire.Data, Epoch: 7, First: 2, Last: 11, Floor: 1, Now: t0.Add(time.Hour) + 900}
	for i := range uint64(10) {
		b.Records = append(b.Records, wire.Record{Seq: 2 + i, Device: badge, At: t0.Add(time.Hour) + 800,
			Own: t0.Add(time.Duration(i) * time.Minute), Values: spot(120.15+float64(i)/1e3, 0)})
	}
	out := w.Fold(3, publish(t0.Add(time.Hour)+1000, "gw-1", wire.Batches, b))
	if len(out.Positions) != 10 {
		t.Fatalf("%d positions of ten: %+v", len(out.Positions), out)
	}
	for i, p := range out.Positions {
		if p.At != t0.Add(time.Duration(i)*time.Minute) || fmt.Sprintf("%.3f", p.Lon) != fmt.Sprintf("%.3f", 120.15+float64(i)/1e3) {
			t.Errorf("position %d: %+v", i, p)
		}
	}
}
