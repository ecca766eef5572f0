package codec

import (
	"strings"
	"testing"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

func TestMetric(t *testing.T) {
	long := strings.Repeat("x", 80)
	seen := map[string]string{}
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{[]string{"cpu", "cpu0", "usage_idle"}, "cpu.cpu0.usage_idle"},
		{[]string{"disk", "/", "used"}, "disk._.used-"},
		{[]string{"disk", "_", "used"}, "disk._.used"},
		{[]string{"_field"}, "m_field-"},
		{[]string{""}, "m-"},
		{[]string{QualityField}, "mpoint_quality-"},
		{[]string{long}, long[:57] + "-"},
		{[]string{long + "y"}, long[:57] + "-"},
		{[]string{"温度"}, "m__-"},
		{[]string{"湿度"}, "m__-"},
	} {
		got := Metric(tt.names...)
		whole := strings.Join(tt.names, ".")
		marked := strings.HasSuffix(tt.want, "-")
		if !ValidMetric([]byte(got)) || !marked && got != tt.want || marked && (!strings.HasPrefix(got, tt.want) || len(got) > len(tt.want)+6) {
			t.Errorf("%q: %q, want %q", whole, got, tt.want)
		}
		if other, have := seen[got]; have {
			t.Errorf("%q and %q are both %s", whole, other, got)
		}
		seen[got] = whole
		if again := Metric(tt.names...); again != got {
			t.Errorf("%q: %s, then %s", whole, got, again)
		}
	}
}

func TestChild(t *testing.T) {
	seen := map[devices.ID]bool{}
	for _, name := range []string{"meter-1", "Meter-1", "meter 1", "", "泵", "a/b", "a-b", strings.Repeat("long", 40)} {
		id := Child("gw-1", name)
		if _, err := devices.ParseID(string(id)); err != nil || !strings.HasPrefix(string(id), "gw-1.") || seen[id] {
			t.Errorf("%q: %q, %v", name, id, err)
		}
		seen[id] = true
	}
	if id := Child("gw-1", "meter-1"); id != "gw-1.meter-1" {
		t.Errorf("a name that needs no change became %s", id)
	}
}

func TestSort(t *testing.T) {
	s := Sample{Values: []telemetry.Field{{Metric: "b", Value: 1}, {Metric: "a", Value: 2}}}
	if err := s.Sort(); err != nil || s.Values[0].Metric != "a" {
		t.Error(s, err)
	}
	s.Put("a", 2)
	if err := s.Sort(); CauseOf(err) != Duplicate {
		t.Error(err)
	}
}
