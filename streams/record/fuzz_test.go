package record

import (
	"bytes"
	"testing"
	"time"

	"gridhub/streams/journal/fsx"
	"gridhub/streams/sfu"
)

// FuzzPackets sends arbitrary payloads of every codec; the recording goes on,
// and what it made verifies.
func FuzzPackets(f *testing.F) {
	f.Add([]byte("\x00\x10\x00\x00\x9d\x01\x2a\x10\x00\x10\x00\xff\x00\x01\x02"))
	f.Add([]byte("\x01\x67\x42\xe0\x1f\x8c\x8d\x40\xff\x01\x68\xce\x3c\x80\xff\x01\x65\x88\x84\x00"))
	f.Add([]byte("\x01\x7c\x85\x00\x01\xff\x01\x7c\x45\x02\x03\xff\x01\x78\x00\x02\x67\x42\x00\x01\x68"))
	f.Add([]byte("\x02\xf8\xff\xfe\xff\x02\x03\x30\xff\x02\xfb\x3f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := fsx.NewMemory()
		r, err := Create(fs, dir, About{Call: "c1"}, start)
		if err != nil {
			t.Fatal(err)
		}
		tracks := []Track{{"v", "wang", "video/VP8"}, {"h", "li", "video/H264"}, {"a", "wang", "audio/opus"}}
		now := start
		for i, p := range bytes.Split(b, []byte{0xff}) {
			if len(p) == 0 {
				continue
			}
			now = now.Add(time.Duration(p[0]>>2) * time.Millisecond)
			r.Push(tracks[p[0]%3], sfu.Packet{Seq: uint64(i) + uint64(p[0]>>6), TS: uint32(i) * 3000 << (p[0] >> 5), Marker: p[0]&4 != 0,
				Begins: p[0]&8 != 0, Arrived: now, Payload: p[1:]})
			r.Report(tracks[p[0]%3], sfu.Report{NTP: uint64(i) << (p[0] >> 2), TS: uint32(i), OK: true})
			if err := r.Advance(now); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.Finish(now.Add(time.Second), "left"); err != nil {
			t.Fatal(err)
		}
		if _, faults, err := Verify(fs, dir); err != nil || len(faults) > 0 {
			t.Fatal(faults, err)
		}
	})
}

// FuzzChain verifies arbitrary bytes as a chain: it answers, whatever they are.
func FuzzChain(f *testing.F) {
	f.Add([]byte(`{"v":1,"n":1,"prev":"","kind":"began","at":"2026-05-01T08:00:00Z","call":"c1","start_ms":0}` + "\n"))
	f.Add([]byte(`{"v":1,"n":1,"prev":"","kind":"piece","at":"2026-05-01T08:00:00Z","part":"x","from":9,"to":-3,"start_ms":0}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := fsx.NewMemory()
		fs.Write(chainName(dir, 1), b)
		book, _, err := Verify(fs, dir)
		if err == nil && book == nil {
			t.Fatal("neither a book nor an error")
		}
	})
}
