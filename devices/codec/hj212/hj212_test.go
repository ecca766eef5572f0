package hj212

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// Packets from public places: the standard's own example (annex A), and what
// the authors of other readers took from stations.
const (
	standard = "##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80\r\n"
	dust     = "##0239QN=20180821142509000;ST=39;CN=2011;PW=123456;MN=690000D5800028F889221AC0;Flag=4;CP=&&DataTime=20180821142509;a34004-Rtd=0.0;a34002-Rtd=0.0;a34001-Rtd=0.0;LA-Rtd=0.0;a01001-Rtd=0.0;a01002-Rtd=0.0;a01006-Rtd=0.0;a01007-Rtd=0.0;a01008-Rtd=0&&E541\r\n"
	site     = "##0325QN=20190816173300001;ST=43;CN=2011;PW=123456;MN=2019051703100020;Flag=5;CP=&&DataTime=20190816173300;a34004-Rtd=26.0,a34004-Flag=N;a34002-Rtd=27.0,a34002-Flag=N;LA-Rtd=0.0,LA-Flag=N;a01007-Rtd=0.0,a01007-Flag=N;a01008-Rtd=0.0,a01008-Flag=N;a01001-Rtd=26.0,a01001-Flag=N;H01-Rtd=52.7,H01-Flag=N;a01006-Rtd=50.0,a01006-Flag=N&&4980\r\n"
	old      = "##0178ST=32;CN=2011;PW=123456;MN=0873HHMZWSLH02;CP=&&DataTime=20160103133030;060-Rtd=3.0943,060-Flag=N;011-Rtd=18.0412,011-Flag=N;001-Rtd=8.2137,001-Flag=N;B01-Rtd=10.9890,B01-Flag=N&&a9c1\r\n"
)

func TestPublic(t *testing.T) {
	for _, text := range []string{standard, dust, site, old} {
		p, rest, err := Next([]byte(text))
		if p == nil || err != nil || len(rest) != 0 {
			t.Errorf("%.40s: %v, %q, %v", text, p, rest, err)
		}
	}
	p, _, _ := Next([]byte(standard))
	if got := string(p.Bytes()); got != standard {
		t.Errorf("written again: %s", got)
	}
	if !p.Asks() || p.QN != "20160801085857223" || p.CN != 1062 {
		t.Errorf("got %+v", p)
	}
	if _, ok := p.Sample(); ok {
		t.Error("a command counts as data")
	}
	p, _, _ = Next([]byte(site))
	s, ok := p.Sample()
	if !ok || len(s.Values) != 8 || s.Values["a34004-Rtd"] != 26 || s.Values["H01-Rtd"] != 52.7 || !s.At.Equal(time.Date(2019, 8, 16, 9, 33, 0, 0, time.UTC)) {
		t.Errorf("got %+v", s)
	}
}

func TestAck(t *testing.T) {
	p, _, _ := Next([]byte(site))
	back, rest, err := Next(p.Ack())
	if err != nil || len(rest) != 0 {
		t.Fatal(err)
	}
	if want := (&Packet{QN: p.QN, ST: "91", CN: 9014, Password: "123456", MN: p.MN, Flag: 4}); !reflect.DeepEqual(back, want) {
		t.Errorf("got %+v, want %+v", back, want)
	}
}

// TestStream gives packets as a connection does: in pieces, several at once,
// with noise and damage between them.
func TestStream(t *testing.T) {
	damaged := bytes.Replace([]byte(dust), []byte("LA-Rtd=0.0"), []byte("LA-Rtd=9.0"), 1)
	stream := append(append([]byte("noise#"), damaged...), site+"##99zz"+old...)
	var buf []byte
	var got []string
	var faults []error
	for _, b := range stream {
		buf = append(buf, b)
		for {
			p, rest, err := Next(buf)
			progress := p != nil || err != nil
			buf = rest
			if p != nil {
				got = append(got, p.MN)
			}
			if err != nil {
				faults = append(faults, err)
			}
			if !progress {
				break
			}
		}
	}
	if fmt.Sprint(got) != "[2019051703100020 0873HHMZWSLH02]" || len(faults) != 3 || !errors.Is(faults[0], ErrLength) || !errors.Is(faults[1], ErrCRC) || !errors.Is(faults[2], ErrLength) {
		t.Errorf("got %v, %v", got, faults)
	}
}

func TestFlags(t *testing.T) {
	for flag, want := range map[string]Sample{
		"N": {Values: map[string]float64{"LA-Rtd": 66.8}},
		"T": {Values: map[string]float64{"LA-Rtd": 66.8}, Doubt: true},
		"D": {Values: map[string]float64{}},
		"C": {Values: map[string]float64{}},
	} {
		p := Packet{CN: RealTime, Text: "LA-Rtd=66.8,LA-Flag=" + flag}
		if got, ok := p.Sample(); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", flag, got)
		}
	}
}

// FuzzNext holds that foreign bytes never make Next panic or go round in
// circles, and that what it reads can be written and read again.
func FuzzNext(f *testing.F) {
	for _, text := range []string{standard, dust, site, old} {
		f.Add([]byte(text))
	}
	f.Add([]byte("##9999"))
	f.Fuzz(func(t *testing.T, buf []byte) {
		for {
			p, rest, err := Next(buf)
			if p == nil && err == nil {
				return
			}
			if len(rest) >= len(buf) {
				t.Fatalf("nothing was taken off %q", buf)
			}
			if p != nil {
				p.Sample()
				again, _, err := Next(p.Bytes())
				if err != nil || again == nil || again.MN != p.MN || again.Text != p.Text {
					t.Fatalf("%+v became %+v, %v", p, again, err)
				}
			}
			buf = rest
		}
	})
}
