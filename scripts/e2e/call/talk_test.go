package call_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gridhub/streams/radio"
	"gridhub/streams/talk"
)

// talkers is the directory and the store of one talk group, which nobody has
// to keep: the tests of streams/radio restart it.
type talkers struct{ h *hub }

func (talkers) Groups(context.Context, string) ([]radio.Group, error) { return nil, nil }
func (t talkers) Devices(person string) []string                      { return []string{person + "-tab"} }
func (talkers) Group(_ context.Context, id talk.Group) (radio.Group, error) {
	if id != "grid/G07" {
		return radio.Group{}, errors.New("no such group")
	}
	return radio.Group{ID: id, Members: map[talk.Person]talk.Priority{"wang": talk.Normal, "li": talk.Normal, "late": talk.Normal}}, nil
}

func (talkers) Load(context.Context, talk.Group) ([]byte, []talk.Event, []radio.Tape, error) {
	return nil, nil, nil, nil
}
func (talkers) Record(context.Context, talk.Event) error                   { return nil }
func (talkers) Snapshot(context.Context, talk.Group, uint64, []byte) error { return nil }
func (talkers) Keep(context.Context, radio.Tape) error                     { return nil }
func (talkers) Drop(context.Context, talk.Group, uint64) error             { return nil }

const (
	sampleRate = 48_000
	toneMS     = 250 // of each step
	tones      = 40
)

// climb writes a WAV file of tones that climb by 100 Hz from 400 Hz, a quarter
// of a second each: what a browser takes for its microphone. Who hears it can
// say from the sound alone which moment of it that is.
func climb(t *testing.T) string {
	t.Helper()
	samples := make([]byte, 0, tones*sampleRate*toneMS/1000*2)
	phase := 0.0
	for step := range tones {
		for range sampleRate * toneMS / 1000 {
			phase += 2 * math.Pi * float64(400+100*step) / sampleRate
			samples = binary.LittleEndian.AppendUint16(samples, uint16(int16(12000*math.Sin(phase))))
		}
	}
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, uint32(36+len(samples)))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // channel
	b = binary.LittleEndian.AppendUint32(b, sampleRate)
	b = binary.LittleEndian.AppendUint32(b, sampleRate*2)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(samples)))
	path := filepath.Join(t.TempDir(), "climb.wav")
	if err := os.WriteFile(path, append(b, samples...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// heard is what a page says it has heard.
type heard struct {
	Steps []int    `json:"steps"`
	Heard []string `json:"heard"`
}

// Wang speaks; li is there; a third comes four seconds later and hears the burst
// from its beginning, as the tones in the sound say.
func TestTheLateOneHearsTheBeginningInABrowser(t *testing.T) {
	h := start(t)
	h.browse("talk&person=wang&group=grid/G07", "--use-file-for-fake-audio-capture="+climb(t)+"%noloop")
	wang := h.await("wang", "ready", new(struct{}))
	h.browse("talk&person=li&group=grid/G07")
	h.await("li", "ready", new(struct{})).reply <- "listen"
	wang.reply <- "speak 8000"
	h.await("wang", "speaking", new(struct{}))
	h.await("li", "hears", new(struct{}))
	h.browse("talk&person=late&group=grid/G07") // a browser takes its time to open
	h.await("late", "ready", new(struct{})).reply <- "listen"
	var there, late heard
	h.await("li", "report", &there).reply <- ""
	h.await("late", "report", &late).reply <- ""
	t.Logf("who was there heard %v", there.Steps)
	t.Logf("who came late heard %v", late.Steps)
	if len(there.Steps) < 10 || len(late.Steps) < 10 {
		t.Fatal("too little was heard")
	}
	if first := there.Steps[0]; late.Steps[0] > first+1 {
		t.Errorf("the burst began with tone %d; the late one heard from %d on", first, late.Steps[0])
	}
	if end, ended := there.Steps[len(there.Steps)-1], late.Steps[len(late.Steps)-1]; ended < end-1 {
		t.Errorf("the burst ended with tone %d; the late one heard up to %d", end, ended)
	}
	if missing := gaps(late.Steps); missing > 2 {
		t.Errorf("the late one missed %d tones: %v", missing, late.Steps)
	}
	var spoke heard
	h.await("wang", "report", &spoke)
}

// gaps counts the tones that were skipped.
func gaps(steps []int) (n int) {
	all := slices.Clone(steps)
	slices.Sort(all)
	for i := 1; i < len(all); i++ {
		n += max(0, all[i]-all[i-1]-1)
	}
	return n
}
