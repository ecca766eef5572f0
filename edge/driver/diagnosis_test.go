package driver

import (
	"errors"
	"testing"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
)

func tally(of map[Symptom]int) (t Tally) {
	for s, n := range of {
		t[s] = n
	}
	return t
}

// TestDiagnose gives the picture of each fault as installers make it.
func TestDiagnose(t *testing.T) {
	good := tally(map[Symptom]int{Sound: 500})
	dead := tally(map[Symptom]int{Silence: 20})
	type line = map[devices.ID]Tally
	for _, tt := range []struct {
		name string
		line line
		want []Finding
	}{
		{"sound", line{"a": good, "b": good}, nil},
		{"a few disturbances", line{"a": tally(map[Symptom]int{Sound: 500, Checksum: 3, Silence: 2}), "b": good}, nil},
		{"too early", line{"a": tally(map[Symptom]int{Silence: 2})}, nil},
		{"unplugged", line{"a": tally(map[Symptom]int{Lost: 20, Sound: 1})}, []Finding{{"", noLine}}},
		{"A and B swapped", line{"a": dead, "b": dead}, []Finding{{"", allSilent}}},
		{"wrong speed", line{"a": tally(map[Symptom]int{Garbage: 19, Silence: 1}), "b": tally(map[Symptom]int{Garbage: 20})}, []Finding{{"", garbled}}},
		{"wrong parity", line{"a": tally(map[Symptom]int{Garbage: 9, Checksum: 11})}, []Finding{{"", garbled}}},
		{"no termination", line{"a": tally(map[Symptom]int{Sound: 80, Checksum: 20}), "b": tally(map[Symptom]int{Sound: 90, Checksum: 10}), "c": good}, []Finding{{"", noisy}}},
		{"one dead", line{"a": good, "b": dead}, []Finding{{"b", silent}}},
		{"one address twice, apart", line{"a": good, "b": tally(map[Symptom]int{Sound: 10, Overlap: 10})}, []Finding{{"b", doubled}}},
		{"one address twice, at once", line{"a": good, "b": tally(map[Symptom]int{Sound: 5, Checksum: 15})}, []Finding{{"b", clashing}}},
		{"a second master", line{"a": good, "b": tally(map[Symptom]int{Stranger: 15})}, []Finding{{"b", stranger}}},
		{"wrong word order", line{"a": tally(map[Symptom]int{Implausible: 40}), "b": good}, []Finding{{"a", ordered}}},
		{"wrong profile", line{"a": tally(map[Symptom]int{Refused: 40}), "b": good}, []Finding{{"a", refusing}}},
	} {
		got := Diagnose(tt.line)
		same := len(got) == len(tt.want)
		for i := range got {
			same = same && got[i] == tt.want[i]
		}
		if !same {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestSymptomOf(t *testing.T) {
	read := func(cause string, err error) error { return &ReadError{Device: "a", Cause: cause, Err: err} }
	for _, tt := range []struct {
		r    Reading
		err  error
		want Symptom
	}{
		{Reading{}, nil, Sound},
		{Reading{Overlap: true}, nil, Overlap},
		{Reading{Quality: telemetry.Uncertain}, nil, Implausible},
		{Reading{}, read(Timeout, Unanswered(Garbage, nil)), Silence},
		{Reading{}, read(Timeout, Unanswered(Garbage, []byte{1})), Garbage},
		{Reading{}, read(Timeout, Unanswered(Stranger, []byte{1})), Stranger},
		{Reading{}, read(Timeout, errors.New("x")), Silence},
		{Reading{}, read(Damaged, errors.New("x")), Checksum},
		{Reading{}, read(Exception+"2", errors.New("x")), Refused},
		{Reading{}, read(LineDown, errors.New("x")), Lost},
	} {
		if got := SymptomOf(tt.r, tt.err); got != tt.want {
			t.Errorf("%+v, %v: %d, want %d", tt.r, tt.err, got, tt.want)
		}
	}
	for _, f := range []profile.Title{noLine, allSilent, garbled, noisy, silent, doubled, clashing, stranger, ordered, refusing} {
		if f.ZH == "" || f.EN == "" {
			t.Errorf("%+v lacks a language", f)
		}
	}
}
