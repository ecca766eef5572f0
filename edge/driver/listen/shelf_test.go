package listen

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridhub/devices/codec/hj212"
	"gridhub/devices/codec/jt808"
)

// third is one of three packets of a message.
func third(n int) []byte {
	text := []string{"DataTime=20190816173300;a34004-Rtd=7", "LA-Rtd=50", "a34002-Rtd=8"}[n-1]
	p := hj212.Packet{QN: "20190816173300002", ST: "43", CN: hj212.RealTime, MN: site, Flag: 7, Total: 3, Number: n, Text: text}
	return p.Bytes()
}

// TestPartsSurvive ends the server between the parts of a message, whose device
// sends the next part only when the one before was acknowledged, and never an
// acknowledged one again.
func TestPartsSurvive(t *testing.T) {
	folder := t.TempDir()
	for n := 1; n <= 3; n++ {
		_, heard, dial, stop := startIn(t, folder, dust, site, onDisk)
		c := dial()
		put(t, c, third(n))
		if ack := receive(t, c); ack.CN != hj212.Received {
			t.Errorf("part %d is answered with %+v", n, ack)
		}
		if n == 3 {
			if got := <-heard; value(got.r, "pm25") != 7 || value(got.r, "pm10") != 8 {
				t.Errorf("got %+v", got)
			}
		}
		stop()
		if len(heard) != 0 {
			t.Errorf("after part %d: %+v", n, <-heard)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}

	positions := []byte{0, 4, 1}
	for i := range 4 {
		report := jt808.Report(0, 2, 104.07, 30.66, 0, 0, monday.Add(time.Duration(i)*time.Minute))
		positions = append(binary.BigEndian.AppendUint16(positions, uint16(len(report))), report...)
	}
	packet := jt808.Message{ID: jt808.Batch, Phone: "13912344329", Serial: 8, Total: 2, Number: 1, Body: positions[:50]}
	for range 2 {
		_, heard, dial, stop := startIn(t, folder, handheld, "13912344329", onDisk)
		w := &walker{t: t, conn: dial()}
		w.signOn()
		put(t, w.conn, packet.Bytes())
		w.confirmed(packet.Serial, jt808.Batch, jt808.OK)
		stop()
		if want := 4 * (int(packet.Number) - 1); len(heard) != want {
			t.Errorf("%d positions after packet %d, want %d", len(heard), packet.Number, want)
		}
		packet.Serial, packet.Number, packet.Body = 9, 2, positions[50:]
	}
}

// TestPartsThatCannotBeKept holds that a part is not acknowledged which is not
// on disk, and that one comes again after the disk has room.
func TestPartsThatCannotBeKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "parts")
	_, heard, dial, _ := startIn(t, folder, dust, site, onDisk)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	c := dial()
	put(t, c, third(1))
	put(t, c, []byte(public)) // is answered, and behind it
	if ack := receive(t, c); ack.QN != "20190816173300001" {
		t.Errorf("a part that could not be kept is answered with %+v", ack)
	}
	<-heard
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 3, 2} {
		put(t, c, third(n))
		if ack := receive(t, c); ack.QN != "20190816173300002" {
			t.Errorf("part %d: %+v", n, ack)
		}
	}
	if got := <-heard; value(got.r, "pm25") != 7 {
		t.Errorf("got %+v", got)
	}
	put(t, c, third(2)) // its acknowledgement was lost
	receive(t, c)
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) != 0 || len(heard) != 0 {
		t.Errorf("a part of a message that is done begins another: %v", left)
	}
	many := jt808.Message{ID: jt808.Batch, Phone: "13912344329", Serial: 8, Total: maxParts + 1, Number: 1, Body: []byte{1}}
	_, _, dial = start(t, handheld, "13912344329")
	w := &walker{t: t, conn: dial()}
	w.signOn()
	put(t, w.conn, many.Bytes())
	w.confirmed(8, jt808.Batch, jt808.Failed)
}

// TestShelfAtRandom gives parts of several messages in any order, again and
// again, over restarts and damaged files, and holds that every message whose
// parts were all taken comes out whole.
func TestShelfAtRandom(t *testing.T) {
	for seed := range uint64(40) {
		dice := rand.New(rand.NewPCG(seed, 9))
		dir := t.TempDir()
		open := func() *shelf {
			s := newShelf(dir, slog.New(slog.DiscardHandler))
			if err := s.load(); err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open()
		const messages, parts = 5, 4
		taken, whole := map[int]bool{}, map[int]string{}
		for len(whole) < messages {
			if dice.IntN(10) == 0 {
				if dice.IntN(2) == 0 {
					if err := os.WriteFile(filepath.Join(dir, "nonsense.json"), []byte("{"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				s = open()
			}
			m, n := dice.IntN(messages), 1+dice.IntN(parts)
			if whole[m] != "" {
				continue
			}
			got, err := s.put(fmt.Sprint("m", m), n, parts, fmt.Appendf(nil, "%d.%d ", m, n))
			if err != nil {
				t.Fatal(err)
			}
			taken[m*10+n] = true
			if got == nil {
				continue
			}
			for _, part := range got {
				whole[m] += string(part)
			}
			s.finish(fmt.Sprint("m", m), got)
			for n := 1; n <= parts; n++ {
				if !taken[m*10+n] || !strings.Contains(whole[m], fmt.Sprintf("%d.%d ", m, n)) {
					t.Fatalf("seed %d: message %d came as %q", seed, m, whole[m])
				}
			}
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "m*")); len(left) != 0 {
			t.Errorf("seed %d: left behind: %v", seed, left)
		}
	}
}

// TestShelfIsBounded holds that what is never whole makes room.
func TestShelfIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := newShelf(dir, slog.New(slog.DiscardHandler))
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	for n := range maxBundles + 10 {
		if _, err := s.put(fmt.Sprint(n), 1, 2, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != maxBundles || len(s.bundles) != maxBundles {
		t.Errorf("%d files, %d messages", len(left), len(s.bundles))
	}
	for _, b := range s.bundles {
		b.grew = b.grew.Add(-partsKept - time.Second)
	}
	if whole, err := s.put("10", 2, 2, []byte("y")); whole != nil || err != nil {
		t.Errorf("a part joins what was given up: %q, %v", whole, err)
	}
	if len(s.bundles) != 1 {
		t.Errorf("%d messages are kept for ever", len(s.bundles)-1)
	}
}
