package listen

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"gridhub/devices/codec/hj212"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
)

const site = "2019051703100020"

// dust is a monitor at a building site.
var dust = &profile.Profile{Name: "dust", Version: 1, Protocol: profile.HJ212, Metrics: []profile.Metric{
	{Name: "pm25", Field: "a34004-Rtd", Scale: 1, Range: &profile.Range{0, 1000}},
	{Name: "pm10", Field: "a34002-Rtd", Scale: 1},
	{Name: "pm25_mean", Field: "a34004-Avg", Scale: 1},
}}

// public is a packet that a site's monitor sent (devices/codec/hj212).
const public = "##0325QN=20190816173300001;ST=43;CN=2011;PW=123456;MN=2019051703100020;Flag=5;CP=&&DataTime=20190816173300;a34004-Rtd=26.0,a34004-Flag=N;a34002-Rtd=27.0,a34002-Flag=N;LA-Rtd=0.0,LA-Flag=N;a01007-Rtd=0.0,a01007-Flag=N;a01008-Rtd=0.0,a01008-Flag=N;a01001-Rtd=26.0,a01001-Flag=N;H01-Rtd=52.7,H01-Flag=N;a01006-Rtd=50.0,a01006-Flag=N&&4980\r\n"

// receive reads one packet.
func receive(t *testing.T, c net.Conn) *hj212.Packet {
	t.Helper()
	var buf []byte
	for {
		chunk := make([]byte, 1)
		if _, err := io.ReadFull(c, chunk); err != nil {
			t.Fatalf("no packet, %q: %v", buf, err)
		}
		buf = append(buf, chunk...)
		if p, _, err := hj212.Next(buf); p != nil || err != nil {
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
}

func put(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

// TestHJ212 sends what stations send: in pieces, with damage, again, and with
// other commands between.
func TestHJ212(t *testing.T) {
	_, heard, dial := start(t, dust, site)
	c := dial()
	damaged := strings.Replace(public, "a34004-Rtd=26.0", "a34004-Rtd=96.0", 1)
	for _, piece := range []string{"junk##", damaged, public[:7], public[7:100], public[100:]} {
		put(t, c, []byte(piece))
	}
	ack := receive(t, c)
	if ack.CN != hj212.Received || ack.QN != "20190816173300001" || ack.MN != site || ack.Flag != 4 || ack.ST != "91" {
		t.Errorf("acknowledged with %+v", ack)
	}
	got := <-heard
	if got.id != "dev-1" || value(got.r, "pm25") != 26 || value(got.r, "pm10") != 27 || len(got.r.Values) != 2 || got.r.Own != 1565947980000 || got.r.Quality != telemetry.Good {
		t.Errorf("got %+v", got)
	}
	put(t, c, []byte(public)) // the acknowledgement was lost
	if again := receive(t, c); again.CN != hj212.Received {
		t.Errorf("a repetition is answered with %+v", again)
	}
	minute := hj212.Packet{QN: "20190816174000001", ST: "43", CN: hj212.Minutes, MN: site, Flag: 5, Text: "DataTime=20190816174000;a34004-Avg=25.5,a34004-Flag=T"}
	stranger := minute
	stranger.MN = "somebody"
	put(t, c, append(stranger.Bytes(), minute.Bytes()...))
	if ack := receive(t, c); ack.QN != minute.QN || ack.MN != site {
		t.Errorf("acknowledged with %+v", ack)
	}
	// Neither the repetition nor the stranger was read.
	if got := <-heard; value(got.r, "pm25_mean") != 25.5 || got.r.Quality != telemetry.Uncertain {
		t.Errorf("got %+v", got)
	}
	if len(heard) != 0 {
		t.Errorf("also %+v", <-heard)
	}
}

// TestHJ212Split sends one message in three packets, the last first and one
// twice.
func TestHJ212Split(t *testing.T) {
	_, heard, dial := start(t, dust, site)
	c := dial()
	part := func(n int, text string) []byte {
		p := hj212.Packet{QN: "20190816173300002", ST: "43", CN: hj212.RealTime, MN: site, Flag: 7, Total: 3, Number: n, Text: text}
		return p.Bytes()
	}
	put(t, c, bytes.Join([][]byte{
		part(3, "a34002-Rtd=8"), part(1, "DataTime=20190816173300;a34004-Rtd=7"), part(3, "a34002-Rtd=8"), part(2, "LA-Rtd=50"),
	}, nil))
	for range 4 {
		if ack := receive(t, c); ack.CN != hj212.Received {
			t.Errorf("acknowledged with %+v", ack)
		}
	}
	if got := <-heard; value(got.r, "pm25") != 7 || value(got.r, "pm10") != 8 || got.r.Own != 1565947980000 {
		t.Errorf("got %+v", got)
	}
	if len(heard) != 0 {
		t.Errorf("also %+v", <-heard)
	}
}
