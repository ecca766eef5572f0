package tasks

import (
	"strings"
	"testing"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/people"
)

// sound is a matter in which nothing is wrong.
func sound() Matter {
	return Matter{Code: "X1", Name: people.Name{ZH: "某"}, Domain: "safety", Privacy: "public", Lead: "HC", With: []string{"ES", "FR", "PM"},
		Must: []string{"ES"}, Cosign: Signing{Signers: []string{"ES", "FR"}, Quorum: 1, Veto: []string{"FR"}}, Review: []string{"hotline"},
		Limits: []Limit{
			{Name: "handle", From: Dispatched, Until: Claimed, Kind: WorkingHours, Value: "2h", When: "region=A"},
			{Name: "handle", From: Dispatched, Until: Claimed, Kind: WorkingHours, Value: "4h"},
			{Name: "co-handle", From: Ordered, Until: Done, Kind: WorkingHours, Value: "4h"}}}
}

// TestGuardsAreLinted tries what a matter's file may say wrongly of those who
// work together.
func TestGuardsAreLinted(t *testing.T) {
	if err := configs.Validate(sound()); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*Matter)
		want   string
	}{
		"must of no co-handler":        {func(m *Matter) { m.Must = []string{"TP"} }, "must[0]"},
		"must twice":                   {func(m *Matter) { m.Must = []string{"ES", "ES"} }, "must[1]"},
		"a signer from outside":        {func(m *Matter) { m.Cosign.Signers = []string{"ES", "HC"} }, "cosign.signers[1]"},
		"a signer twice":               {func(m *Matter) { m.Cosign.Signers = []string{"FR", "FR"} }, "signers[1]"},
		"no quorum":                    {func(m *Matter) { m.Cosign.Quorum = 0 }, "quorum"},
		"a quorum of more than all":    {func(m *Matter) { m.Cosign.Quorum = 3 }, "quorum"},
		"a veto of one who signs not":  {func(m *Matter) { m.Cosign.Veto = []string{"PM"} }, "veto[0]"},
		"a quorum of nobody":           {func(m *Matter) { m.Cosign = Signing{Quorum: 1} }, "signers"},
		"a review of no source":        {func(m *Matter) { m.Review = []string{"hotlin"} }, "did you mean hotline?"},
		"an order's limit to the case": {func(m *Matter) { m.Limits[2].Until = Claimed }, "limits[2].until"},
		"from taken until taken":       {func(m *Matter) { m.Limits[2].From, m.Limits[2].Until = Taken, Taken }, "limits[2].until"},
		"a limit that never counts":    {func(m *Matter) { m.Limits[0], m.Limits[1] = m.Limits[1], m.Limits[0] }, "limits[1].name"},
		"one condition twice":          {func(m *Matter) { m.Limits[1].When = "region=A" }, "limits[1].name"},
	} {
		m := sound()
		tt.change(&m)
		if err := configs.Validate(m); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// FuzzFoldOfAnything folds events that no pool wrote: a case is computed of
// whatever a chain holds, and nothing panics.
func FuzzFoldOfAnything(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 30, 31, 32, 40})
	f.Add([]byte{18, 22, 19, 20, 21, 23, 25, 26})
	all := append([]EventType{Reported, Joined, Parted, Merged, Unmerged, Noted, Evidence, Sensed, Ordered, Taken, Declined, Done, Waived}, order...)
	cal := OfficeHours(china)
	f.Fuzz(func(t *testing.T, script []byte) {
		var events []Event
		for i, b := range script[:min(len(script), 120)] {
			events = append(events, Event{Seq: uint64(i + 1), Type: all[int(b)%len(all)], At: at(i, b),
				Body: Body{Order: int(b>>6) - 1, Department: []string{"ES", "FR", ""}[b%3], Other: "o", Quorum: int(b % 4), Signers: []string{"ES", "FR"}[:b%3], Veto: []string{"FR"}}})
		}
		c := Fold(events)
		m := sound()
		m.Describe(&c, events, cal, began)
		for _, s := range c.Stays(c.stays.at) {
			if s.To < s.From {
				t.Errorf("%s held it from %d to %d", s.Department, s.From, s.To)
			}
		}
	})
}

// at is a time that mostly goes on, and now and then goes back.
func at(i int, b byte) telemetry.Millis {
	return telemetry.At(began) + telemetry.Millis(i)*600_000 - telemetry.Millis(b%16)*100_000
}
