package serial

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"math"
	"sync"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec/nmea"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
	"gridhub/edge/driver/slave"
)

type told struct {
	r   driver.Reading
	err error
}

// start hears a device with profile p on a pseudo-terminal; the test speaks on
// the other end.
func start(t *testing.T, p *profile.Profile, every time.Duration) (*slave.PTY, chan told) {
	t.Helper()
	layout, err := p.Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	pty, err := slave.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	l := profile.Line{Name: "bus", Kind: profile.Serial, Path: pty.Path()}
	l.SetDefaults()
	s, err := New(l, driver.Station{ID: "dev-1", Profile: p, Layout: layout}, every, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	heard := make(chan told, 1000) // more than any test brings about
	var listening sync.WaitGroup
	listening.Go(func() {
		_ = s.Listen(ctx, func(_ devices.ID, r driver.Reading, err error) { heard <- told{r, err} })
	})
	t.Cleanup(func() {
		stop()
		listening.Wait()
		pty.Close()
	})
	return pty, heard
}

// say repeats text until the test ends: a device does not wait for listeners.
func say(t *testing.T, w io.Writer, text string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var saying sync.WaitGroup
	saying.Go(func() {
		for ctx.Err() == nil {
			if _, err := io.WriteString(w, text); err != nil {
				return
			}
			sleep(ctx, 150*time.Millisecond)
		}
	})
	t.Cleanup(func() {
		stop()
		saying.Wait()
	})
}

func values(r driver.Reading) map[string]float64 {
	m := map[string]float64{}
	for _, f := range r.Values {
		m[f.Metric] = f.Value
	}
	return m
}

func metrics(names ...string) (all []profile.Metric) {
	for _, n := range names {
		all = append(all, profile.Metric{Name: n, Scale: 1})
	}
	return all
}

func TestNMEA(t *testing.T) {
	p := &profile.Profile{Protocol: profile.NMEA, Metrics: metrics("lon", "lat", "speed", "satellites", "fix")}
	pty, heard := start(t, p, 200*time.Millisecond)
	say(t, pty.Master, nmea.Line("GNRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W")+"\r\n"+
		nmea.Line("GNGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,")+"\r\n$GPGSV,damaged*00\r\n")
	got := <-heard
	v := values(got.r)
	if got.err != nil || math.Abs(v["lat"]-48.1173) > 1e-9 || v["satellites"] != 8 || got.r.Own.Time() != time.Date(1994, 3, 23, 12, 35, 19, 0, time.UTC) {
		t.Errorf("got %+v", got)
	}
}

func TestText(t *testing.T) {
	p := &profile.Profile{Protocol: profile.Lines, Pattern: `^L=(?P<laeq>[0-9.]+)`, Metrics: metrics("laeq")}
	p.Metrics[0].Range = &profile.Range{20, 140}
	pty, heard := start(t, p, 100*time.Millisecond)
	say(t, pty.Master, "hello\r\nL=58.6 dB\r\n")
	for range 3 {
		if got := <-heard; got.err != nil || values(got.r)["laeq"] != 58.6 || got.r.Quality != telemetry.Good {
			t.Errorf("got %+v", got)
		}
	}
}

// asked is a sensor that wants to be asked, as the MH-Z19 is.
var asked = &profile.Profile{Protocol: profile.Frames, Metrics: []profile.Metric{{Name: "co2", At: 2, Bytes: 2, Scale: 1}},
	Frame: &profile.FixedFrame{Ask: "FF 01 86 00 00 00 00 00 79", Start: "FF 86", Length: 9, Checksum: "complement", From: 1}}

func TestAsked(t *testing.T) {
	pty, heard := start(t, asked, 100*time.Millisecond)
	var answering sync.WaitGroup
	answering.Go(func() {
		r := bufio.NewReader(pty.Master)
		request := make([]byte, 9)
		for {
			if _, err := io.ReadFull(r, request); err != nil {
				return
			}
			if string(request) == "\xFF\x01\x86\x00\x00\x00\x00\x00\x79" {
				_, _ = pty.Master.Write([]byte("\xFF\x86\x02\x60\x47\x00\x00\x00\xD1"))
			}
		}
	})
	for range 3 {
		if got := <-heard; got.err != nil || values(got.r)["co2"] != 608 {
			t.Errorf("got %+v", got)
		}
	}
	pty.Close()
	answering.Wait()
	for got := range heard {
		if driver.Cause(got.err) == driver.LineDown {
			return // an adapter that is pulled out is told
		}
	}
}

// TestMissing holds that a period without a reading is told, with its reason.
func TestMissing(t *testing.T) {
	for text, want := range map[string]driver.Symptom{
		"":                                     driver.Silence,
		"\x00\x01":                             driver.Garbage,
		"\xFF\x86\x02\x61\x47\x00\x00\x00\xD1": driver.Checksum,
	} {
		pty, heard := start(t, asked, 200*time.Millisecond)
		if text != "" {
			say(t, pty.Master, text)
		}
		if got := <-heard; driver.SymptomOf(got.r, got.err) != want {
			t.Errorf("%q: %+v, want symptom %d", text, got, want)
		}
	}
}
