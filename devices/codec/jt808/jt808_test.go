package jt808

import (
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Messages from public places, with the values that their authors give:
// batch19 and place19 from the examples of hylexus/xtream-codec, place13 and
// batch13 from the documentation and tests of SmallChi/JT808.
const (
	place13 = "7E02000026123456789012007D02000000010000000200BA7F0E07E4F11C0028003C00001810151010100104000000640202007D01137E"
	batch19 = "7e0704403f01000000000139123443290000000200001c000000010000000101d907f2073d336c029a00210059241029213903001c000000010000000101d907f3073d336d03090043005a241029213903f87e"
	batch13 = "7E0704005311223344556622B80002000026000000010000000200BA7F0E07E4F11C0028003C000018071510101001040000006402020037" + "0026000000020000000100CB735507E6A32300290036007818071510103001040000006002020042D47E"
	place19 = "7e02004026010000000001391234432900000000006f0000001601dc9a0707456246007b004200032501292233440202006401040000000c417e"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func message(t testing.TB, s string) *Message {
	t.Helper()
	m, rest, err := Next(unhex(t, s))
	if m == nil || err != nil || len(rest) != 0 {
		t.Fatalf("%s: %v, % x, %v", s, m, rest, err)
	}
	return m
}

func TestBatch(t *testing.T) {
	m := message(t, batch19)
	if m.ID != Batch || !m.New || m.Phone != "13912344329" {
		t.Errorf("got %+v", m)
	}
	// The example has no fix (status 1): its coordinates are no place.
	all, err := m.Positions()
	if err != nil || len(all) != 2 || all[1].Values["sos"] != 1 || !all[0].At.Equal(time.Date(2024, 10, 29, 13, 39, 3, 0, time.UTC)) {
		t.Errorf("got %+v, %v", all, err)
	}
	if _, placed := all[0].Values["lat"]; placed {
		t.Error("a place without a fix")
	}
	m = message(t, batch13)
	all, err = m.Positions()
	if err != nil || m.New || len(all) != 2 || all[0].Values["fuel"] != 5.5 || all[0].Values["lon"] != 132.444444 || all[1].Values["alarm"] != 2 || all[1].Values["acc"] != 1 {
		t.Errorf("got %+v, %v", all, err)
	}
	m.Body = m.Body[:len(m.Body)-1] // the last position breaks off
	if all, err = m.Positions(); len(all) != 1 || !errors.Is(err, ErrBody) {
		t.Errorf("cut: %d positions, %v", len(all), err)
	}
}

func TestPosition(t *testing.T) {
	m := message(t, place19)
	all, err := m.Positions()
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	v := all[0].Values
	// alarm 111, status 22: a fix in the south; speed 66 is 6.6 km/h.
	for name, want := range map[string]float64{
		"alarm": 111, "status": 22, "fix": 1, "sos": 1, "lat": -31.234567, "lon": 121.987654, "altitude": 123,
		"speed": 66.0 / 36, "heading": 3, "fuel": 10, "mileage": 1.2,
	} {
		if math.Abs(v[name]-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, v[name], want)
		}
	}
	m = message(t, place13)
	all, err = m.Positions()
	if err != nil || m.New || m.Phone != "123456789012" || m.Serial != 126 || all[0].Values["lat"] != 12.222222 || all[0].Values["lon"] != 132.444444 ||
		all[0].Values["mileage"] != 10 || all[0].Values["fuel"] != 12.5 || !all[0].At.Equal(time.Date(2018, 10, 15, 2, 10, 10, 0, time.UTC)) {
		t.Errorf("got %+v, %+v, %v", m, all, err)
	}
}

func TestWrittenAgain(t *testing.T) {
	for _, s := range []string{batch19, batch13, place19, place13} {
		if got := hex.EncodeToString(message(t, s).Bytes()); got != strings.ToLower(s) {
			t.Errorf("%s became %s", s, got)
		}
	}
}

// TestEscapes follows the standard's own example (4.4.2): 30 7e 08 7d 55.
func TestEscapes(t *testing.T) {
	if got := hex.EncodeToString(wrap([]byte{0x30, 0x7E, 0x08, 0x7D, 0x55})); got != "7e307d02087d01557e" {
		t.Errorf("got %s", got)
	}
	m := &Message{ID: Position, Phone: "13800000000", Serial: 0x7E7D, Body: []byte{0x7D, 0x7E, 0x7D}}
	if got := message(t, hex.EncodeToString(m.Bytes())); !reflect.DeepEqual(got, m) {
		t.Errorf("got %+v", got)
	}
}

func TestStream(t *testing.T) {
	sound := unhex(t, place19)
	damaged := append([]byte(nil), sound...)
	damaged[30] ^= 1
	stream := append(append(append([]byte{1, 2, 0x7E}, damaged...), sound...), sound[:20]...)
	stream = append(stream, sound...) // one breaks off, another begins
	var buf []byte
	seen, faults := 0, 0
	for _, b := range stream {
		buf = append(buf, b)
		for {
			m, rest, err := Next(buf)
			buf = rest
			if m != nil {
				seen++
			}
			if err != nil {
				faults++
			}
			if m == nil && err == nil {
				break
			}
		}
	}
	if seen != 2 || faults == 0 {
		t.Errorf("%d messages, %d faults", seen, faults)
	}
}

func TestAnswers(t *testing.T) {
	m := &Message{ID: Authenticate, New: true, Phone: "13912344329", Serial: 7, Body: append([]byte{4}, "abcd860000000000000"...)}
	if code, err := m.Code(); code != "abcd" || err != nil {
		t.Errorf("code %q, %v", code, err)
	}
	if got := Reply(m, 9, OK).Body; hex.EncodeToString(got) != "0007010200" {
		t.Errorf("reply % x", got)
	}
	if got := Welcome(m, 9, "key").Body; string(got) != "\x00\x07\x00key" {
		t.Errorf("welcome % x", got)
	}
	text := Text("1", false, 1, Urgent|Display, "请到3号楼\U0001F600")
	if got := hex.EncodeToString(text.Body); got != "05c7ebb5bd33bac5c2a5"+"1a" && got != "05c7ebb5bd33bac5c2a5"+"3f" {
		t.Errorf("text %s", got)
	}
	if long := Text("1", true, 1, 0, strings.Repeat("急", 2000)); len(long.Body) > lengthBits || len(long.Body)%2 != 0 {
		t.Errorf("a text of %d bytes", len(long.Body))
	}
	if _, err := (&Message{New: true, Body: []byte{9, 1}}).Code(); !errors.Is(err, ErrBody) {
		t.Errorf("a code that is cut: %v", err)
	}
}

// FuzzNext holds that foreign bytes never make Next panic or go round in
// circles, that what it reads can be written and read again, and that no place
// lies off the Earth.
func FuzzNext(f *testing.F) {
	for _, s := range []string{place13, place19, batch13, batch19} {
		f.Add(unhex(f, s))
		m, _, _ := Next(unhex(f, s))
		f.Add(m.Body)
	}
	f.Fuzz(func(t *testing.T, buf []byte) {
		place(buf)
		batch(buf)
		for {
			m, rest, err := Next(buf)
			if m == nil && err == nil {
				return
			}
			if len(rest) >= len(buf) {
				t.Fatalf("nothing was taken off %x", buf)
			}
			if m != nil {
				m.Code()
				m.Answered()
				all, _ := m.Positions()
				for _, p := range all {
					if lat, ok := p.Values["lat"]; ok && (math.Abs(lat) > 90 || math.Abs(p.Values["lon"]) > 180) {
						t.Fatalf("%x is at %v", buf, p.Values)
					}
				}
				again, _, err := Next(m.Bytes())
				if err != nil || !reflect.DeepEqual(again, m) {
					t.Fatalf("%+v became %+v, %v", m, again, err)
				}
			}
			buf = rest
		}
	})
}
