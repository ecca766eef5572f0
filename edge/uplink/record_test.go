package uplink

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

var records = []reading{
	{Record: wire.Record{Device: "gas-1", At: 1_700_000_000_123, Values: map[string]float64{"ch4": 3.1, "fault": 0}}},
	{Record: wire.Record{Device: "gas-1", At: -5, Own: 1_700_000_000_000, Quality: telemetry.Bad, Cause: "timeout"}, mark: mark{3, 86_400_000}},
	{Record: wire.Record{Device: "d", Quality: telemetry.Uncertain, Values: map[string]float64{"水位": -0.5}}},
	{},
}

func TestRecordThereAndBack(t *testing.T) {
	for _, r := range records {
		got, err := decode(encode(r))
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v came back as %+v, %v", r, got, err)
		}
	}
	long := reading{Record: wire.Record{Device: "d", Cause: strings.Repeat("停电", 100)}}
	got, err := decode(encode(long))
	if err != nil || len(got.Cause) > maxCause || !strings.HasPrefix(long.Cause, got.Cause) || got.Cause == "" {
		t.Errorf("a long cause came back as %q, %v", got.Cause, err)
	}
}

func TestRecordCutAnywhere(t *testing.T) {
	whole := encode(records[0])
	for n := range len(whole) {
		if r, err := decode(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes decoded to %+v", n, len(whole), r)
		}
	}
	if _, err := decode(append(whole, 0)); err == nil {
		t.Error("a byte too many was accepted")
	}
}

// FuzzDecode holds that no bytes make decode panic, and that what it accepts
// survives another round.
func FuzzDecode(f *testing.F) {
	for _, r := range records {
		f.Add(encode(r))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(b)
		if err != nil {
			return
		}
		for _, v := range r.Values {
			if math.IsNaN(v) {
				return
			}
		}
		if len(r.Cause) > maxCause || strings.ToValidUTF8(r.Cause, "") != r.Cause {
			return
		}
		if again, err := decode(encode(r)); err != nil || !reflect.DeepEqual(again, r) && len(r.Values) > 0 {
			t.Fatalf("%+v came back as %+v, %v", r, again, err)
		}
	})
}
