package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/streams/journal/fsx"
)

var goldenHeader = header{epoch: 0x0102030405060708, serial: 2, first: 41, prevEnd: 1111, created: 1700000000000, salt: 0xdeadbeef}

var goldenFrames = []frame{
	{number: 41, at: 1700000000123, kind: Data, flags: commitStart, data: []byte("hello")},
	{number: 42, at: 1700000000123, kind: Gap, data: gapData(7, "damaged")},
}

// goldenBlock returns the bytes that FORMAT.md gives under a heading.
func goldenBlock(t *testing.T, heading string) []byte {
	t.Helper()
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "### "+heading+"\n")
	if !ok {
		t.Fatalf("FORMAT.md has no heading %q", heading)
	}
	_, rest, _ = strings.Cut(rest, "```\n")
	block, _, _ := strings.Cut(rest, "```")
	var digits strings.Builder
	for line := range strings.Lines(block) {
		code, _, _ := strings.Cut(line, "|")
		digits.WriteString(strings.Join(strings.Fields(code), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%s: %v", heading, err)
	}
	return b
}

// FORMAT.md shows real bytes: what the code writes is what the document says.
func TestBytesAreThoseOfTheDocument(t *testing.T) {
	var records []byte
	for _, f := range goldenFrames {
		records = appendFrame(records, goldenHeader.salt, f)
	}
	cursor := place{epoch: goldenHeader.epoch, position: 49, saved: 1700000000456, state: []byte("state")}
	for heading, got := range map[string][]byte{
		"Example: segment header": goldenHeader.encode()[:headerSize],
		"Example: two records":    records,
		"Example: cursor":         cursor.encode(),
	} {
		if want := goldenBlock(t, heading); !bytes.Equal(got, want) {
			t.Errorf("%s:\n%s\ndiffers from FORMAT.md:\n%s", heading, hex.Dump(got), hex.Dump(want))
		}
	}
}

func TestOtherVersionIsRefused(t *testing.T) {
	m := fsx.NewMemory()
	b := goldenHeader.encode()
	b[8] = 2
	for _, at := range []int{0, headerCopyAt} {
		copy(b[at:], b[:60])
		resum(b[at:])
	}
	m.Write("j/"+segmentName(2), b)
	_, err := Open("j", Options{FS: m})
	if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("got %v, want ErrVersion naming version 2", err)
	}
}

// A sector of the disk that cannot be read: the caller learns of it, and in
// the end the rest of that segment is a gap.
func TestUnreadableSegmentBecomesAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fsx.NewMemory()
		j, err := Open("j", Options{FS: m, SegmentBytes: segmentHeader + 1})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		for range 3 {
			if _, err := j.Append(t.Context(), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		broken := "j/" + j.segments[1].name
		m.SetFail(func(op fsx.Op) error {
			if op.Kind == "read" && op.Name == broken {
				return errors.New("medium error")
			}
			return nil
		})
		r := j.Reader(2)
		defer r.Close()
		for range readAttempts - 1 {
			if _, err := r.Next(t.Context(), 9, 999); err == nil || !strings.Contains(err.Error(), "medium error") {
				t.Fatalf("got %v, want the disk's error", err)
			}
		}
		recs, err := r.Next(t.Context(), 9, 999)
		if err != nil || recs[0].Kind != Gap || recs[0].Lost != 1 || !strings.Contains(recs[0].Cause, "medium error") {
			t.Fatalf("got %+v, %v, want a gap of 1", recs, err)
		}
		if recs, err = r.Next(t.Context(), 9, 999); err != nil || recs[0].Number != 3 {
			t.Fatalf("got %+v, %v, want number 3", recs, err)
		}
		if s := j.Stats(); s.Damaged != 1 {
			t.Errorf("%d segments counted as damaged, want 1", s.Damaged)
		}
	})
}

func TestTimingCountsEveryDuration(t *testing.T) {
	var x Timing
	for _, d := range []time.Duration{0, time.Millisecond, 2 * time.Millisecond, time.Hour} {
		x.observe(d)
	}
	if x.Count != 4 || x.Max != time.Hour || x.Buckets[0] != 1 || x.Buckets[2] != 1 || x.Buckets[3] != 1 || x.Buckets[9] != 1 {
		t.Errorf("got %+v", x)
	}
}

// FuzzSegment opens a journal whose newest segment is arbitrary: nothing may
// panic, loop or hand out a number twice, and what is appended is served.
func FuzzSegment(f *testing.F) {
	var records []byte
	for _, fr := range goldenFrames {
		records = appendFrame(records, goldenHeader.salt, fr)
	}
	f.Add(records, []byte{})
	f.Add(append(records[:len(records):len(records)], make([]byte, 600)...), []byte{41, 1, 0, 42, 1, 3})
	f.Add(append(make([]byte, 40), records...), []byte{41, 2, 200, 43, 1, 0, 0, 0, 0})
	f.Add(records[:len(records)-3], []byte{44, 1, 1, 41, 1, 2, 255, 130, 9})
	f.Fuzz(func(t *testing.T, tail, script []byte) {
		m := fsx.NewMemory()
		m.Write("j/"+segmentName(2), append(append(goldenHeader.encode(), frames(script)...), tail...))
		for range 2 {
			j, err := Open("j", Options{FS: m, SegmentBytes: 8 << 10})
			if err != nil {
				t.Fatal(err)
			}
			first, err := j.Append(t.Context(), []byte("appended"))
			if err != nil {
				t.Fatal(err)
			}
			if got := lastRecord(t, j); got.Number != first || string(got.Data) != "appended" {
				t.Fatalf("last is %+v, want %d", got, first)
			}
			j.Close()
		}
	})
}

// frames makes records with right checksums from three bytes each: number,
// kind and flags, length or, for a gap, how much it spans.
func frames(script []byte) (b []byte) {
	for ; len(script) >= 3; script = script[3:] {
		f := frame{number: uint64(script[0]), kind: Kind(script[1] & 3), flags: script[1] >> 7}
		f.data = bytes.Repeat([]byte{script[2]}, int(script[2]))
		if f.kind == Gap {
			f.data = gapData(1<<(script[2]%64)-uint64(script[2]&1), "x")
		}
		b = appendFrame(b, goldenHeader.salt, f)
		if script[1]&64 != 0 {
			b[len(b)-1]++ // damaged
		}
	}
	return b
}

// lastRecord reads everything and checks that numbers are consecutive.
func lastRecord(t *testing.T, j *Journal) (last Record) {
	r := j.Reader(j.First())
	defer r.Close()
	for want := j.First(); want < j.Next(); {
		recs, err := r.Next(t.Context(), 3, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range recs {
			if rec.Number != want || rec.Kind == Gap && rec.Lost == 0 {
				t.Fatalf("got %+v, want number %d", rec, want)
			}
			if want++; rec.Kind == Gap {
				want = rec.Number + rec.Lost
			}
			last = rec
		}
	}
	return last
}

func FuzzHeader(f *testing.F) {
	f.Add(goldenHeader.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHeader(b)
		if err != nil {
			return
		}
		if again, err := decodeHeader(h.encode()); err != nil || again != h {
			t.Fatalf("%+v came back as %+v, %v", h, again, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(place{epoch: 1, position: 2, saved: 3, state: []byte("s")}.encode())
	f.Add([]byte(cursorMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePlace(b)
		if err == nil && !bytes.Equal(p.encode(), b) {
			t.Fatalf("%x came back as %x", b, p.encode())
		}
		m := fsx.NewMemory()
		m.Write("j/cursors/hub.cur", b)
		m.Write("j/"+lossName, b)
		j, err := Open("j", Options{FS: m, SegmentBytes: 8 << 10})
		if err != nil {
			if !errors.Is(err, ErrVersion) {
				t.Fatal(err)
			}
			return
		}
		defer j.Close()
		c, err := j.Cursor("hub")
		if err != nil || c.Position() > j.Next() {
			t.Fatalf("cursor at %d, next is %d, %v", c.Position(), j.Next(), err)
		}
	})
}

// resum makes the checksum of a header copy right.
func resum(b []byte) {
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
}
