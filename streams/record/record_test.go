package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	oldrand "math/rand"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"

	"gridhub/streams/journal/fsx"
	"gridhub/streams/sfu"
)

var start = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

const dir = "recordings/c1"

// source is a device that sends one track. Its frames carry the instant at
// which they were taken, on the true clock.
type source struct {
	Track
	rate  float64 // of timestamps, in true seconds
	every time.Duration
	keys  time.Duration // between key frames; 0: sound
	size  [2]int
	ts0   uint32
	seq   uint64
	begin bool
	next  time.Duration // when the next frame is taken
	key   time.Duration
}

func microphone(person string, ppm float64) *source {
	return &source{Track: Track{person + "-a", person, "audio/opus"}, rate: 48000 * (1 + ppm/1e6), every: 20 * time.Millisecond, ts0: 1<<32 - 5000, seq: 1 << 16, begin: true}
}

func camera(person string, ppm float64) *source {
	return &source{Track: Track{person + "-v", person, "video/VP8"}, rate: 90000 * (1 + ppm/1e6), every: 66 * time.Millisecond,
		keys: 5 * time.Second, size: [2]int{640, 480}, ts0: 77, seq: 1 << 16, begin: true}
}

// stamp is the timestamp of an instant.
func (s *source) stamp(at time.Duration) uint32 {
	return s.ts0 + uint32(int64(at.Seconds()*s.rate))
}

// packets are those of one frame.
func (s *source) packets(at time.Duration) (out []sfu.Packet) {
	mark := binary.BigEndian.AppendUint64(nil, uint64(at))
	if s.keys == 0 {
		out = []sfu.Packet{{Payload: append([]byte{31 << 3}, mark...), Marker: true}}
	} else {
		out = append(s.picture(at, mark), sfu.Packet{}) // and padding
	}
	for i := range out {
		out[i].Seq, out[i].TS, out[i].Begins = s.seq, s.stamp(at), s.begin
		s.begin = false
		s.seq++
	}
	return out
}

// picture is a frame of two packets, the mark in the second.
func (s *source) picture(at time.Duration, mark []byte) []sfu.Packet {
	head := []byte{0x10, 0x01, 0, 0} // descriptor; no key frame
	if at >= s.key {
		s.key = at + s.keys
		head = []byte{0x10, 0x00, 0, 0, 0x9d, 0x01, 0x2a, byte(s.size[0]), byte(s.size[0] >> 8), byte(s.size[1]), byte(s.size[1] >> 8)}
	}
	return []sfu.Packet{{Payload: head}, {Payload: append([]byte{0x00}, mark...), Marker: true}}
}

func (s *source) report(at time.Duration, publisher func(time.Duration) time.Duration) sfu.Report {
	ntp := publisher(at) + 100_000_000*time.Second
	seconds := uint64(ntp/time.Second) + origin
	fraction := uint64(ntp%time.Second) << 32 / uint64(time.Second)
	return sfu.Report{NTP: seconds<<32 | fraction, TS: s.stamp(at), OK: true}
}

// arrival is a packet on its way.
type arrival struct {
	at time.Duration
	of *source
	p  sfu.Packet
}

// world drives recordings on virtual time.
type world struct {
	t         *testing.T
	fs        *fsx.Memory
	rec       *Recording
	sources   []*source
	publisher func(time.Duration) time.Duration // the devices' own clock
	delay     func(s *source, p sfu.Packet) (time.Duration, bool)
	asks      bool // key frames are sent when they are wanted
	now       time.Duration
	way       []arrival
}

func newWorld(t *testing.T, sources ...*source) *world {
	w := &world{t: t, fs: fsx.NewMemory(), sources: sources, asks: true,
		publisher: func(at time.Duration) time.Duration { return at },
		delay:     func(*source, sfu.Packet) (time.Duration, bool) { return 30 * time.Millisecond, true }}
	rec, err := Create(w.fs, dir, About{Call: "c1", Task: "case-7", Policy: "always"}, start)
	if err != nil {
		t.Fatal(err)
	}
	w.rec = rec
	return w
}

// run lets time pass until then.
func (w *world) run(until time.Duration) error {
	w.t.Helper()
	for ; w.now < until; w.now += 100 * time.Millisecond {
		if err := w.tick(); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) tick() error {
	for _, s := range w.sources {
		for ; s.next <= w.now; s.next += s.every {
			for _, p := range s.packets(s.next) {
				if late, ok := w.delay(s, p); ok {
					w.way = append(w.way, arrival{s.next + late, s, p})
				}
			}
		}
	}
	slices.SortStableFunc(w.way, func(a, b arrival) int { return int(a.at - b.at) })
	n := 0
	for ; n < len(w.way) && w.way[n].at <= w.now; n++ {
		a := w.way[n]
		a.p.Arrived = start.Add(a.at)
		w.rec.Push(a.of.Track, a.p)
	}
	w.way = append(w.way[:0], w.way[n:]...)
	for _, s := range w.sources {
		if r := w.now.Truncate(5 * time.Second); w.now >= 2*time.Second {
			w.rec.Report(s.Track, s.report(max(r, 2*time.Second), w.publisher))
		}
		if w.asks && s.keys > 0 && w.rec.WantsKeyFrame(s.Track) {
			s.key = min(s.key, w.now+300*time.Millisecond)
		}
	}
	return w.rec.Advance(start.Add(w.now))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) finish() *Book {
	w.t.Helper()
	for _, s := range w.sources {
		s.next = 1 << 62 // what is under way arrives
	}
	w.must(w.run(w.now + time.Second))
	_, err := w.rec.Finish(start.Add(w.now), "left")
	w.must(err)
	return w.sound()
}

// sound is the recording's book; it must verify.
func (w *world) sound() *Book {
	w.t.Helper()
	b, faults, err := Verify(w.fs, dir)
	w.must(err)
	for _, f := range faults {
		w.t.Errorf("fault: %v", f)
	}
	return b
}

// placed is one frame as it stands in a part.
type placed struct {
	video  bool
	silent bool
	taken  time.Duration // when it was, truly
	stamp  time.Duration // where its timestamp puts it on the time bar
	played time.Duration // where a player that counts samples plays it; sound only
}

// content reads a part back, through the view.
func (w *world) content(b *Book, part Part) (out []placed) {
	w.t.Helper()
	v, err := b.View(w.fs, dir, part.Name)
	w.must(err)
	defer v.Close()
	var file struct {
		Segment struct {
			Cluster []clusterBody `ebml:"Cluster"`
		} `ebml:"Segment"`
	}
	if err := ebml.Unmarshal(v, &file, ebml.WithIgnoreUnknown(true)); err != nil {
		w.t.Fatalf("part %s: %v", part.Name, err)
	}
	samples, counted := time.Duration(0), false
	for _, c := range file.Segment.Cluster {
		for _, g := range c.Blocks {
			m := part.Media[g.Block.TrackNumber-1]
			at := part.Start + ms(int64(c.Timecode)+int64(g.Block.Timecode))
			data := g.Block.Data[0]
			if m.Kind == "video" {
				out = append(out, placed{video: true, stamp: at, taken: time.Duration(binary.BigEndian.Uint64(data[len(data)-8:]))})
				continue
			}
			if !counted {
				samples, counted = at, true
			}
			p := placed{stamp: at, played: samples, silent: bytes.Equal(data, silence20) || bytes.Equal(data, silence2)}
			if !p.silent {
				p.taken = time.Duration(binary.BigEndian.Uint64(data[1:]))
			}
			samples += opusDuration(data)
			if len(g.DiscardPadding) > 0 {
				samples -= time.Duration(g.DiscardPadding[0])
			}
			out = append(out, p)
		}
	}
	return out
}

// apart is the greatest distance between sound and picture that were taken
// together, after the first settle.
func apart(frames []placed, after time.Duration) (stamped, played time.Duration) {
	var video placed
	for _, f := range frames {
		switch {
		case f.video:
			video = f
		case f.silent || f.taken < after || !video.video || f.taken-video.taken > 200*time.Millisecond || video.taken-f.taken > 200*time.Millisecond:
		default:
			off := func(at time.Duration) time.Duration { return ((at - f.taken) - (video.stamp - video.taken)).Abs() }
			stamped, played = max(stamped, off(f.stamp)), max(played, off(f.played))
		}
	}
	return stamped, played
}

// A microphone runs 300 ppm fast or slow against the camera and the publisher's
// clock, and that one against the hub's: after 30 minutes sound and picture
// would be 540 ms apart.
func TestSoundAndPictureStayTogether(t *testing.T) {
	for name, ppm := range map[string][3]float64{
		"fast microphone": {300, 0, 0}, "slow microphone": {-300, 0, 0}, "fast camera": {0, 300, 0},
		"device clock": {0, 0, 300}, "all": {300, -300, -300},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, microphone("wang", ppm[0]), camera("wang", ppm[1]))
			w.publisher = func(at time.Duration) time.Duration { return at + time.Duration(float64(at)*ppm[2]/1e6) }
			r := rand.New(rand.NewPCG(1, 2))
			w.delay = func(s *source, _ sfu.Packet) (time.Duration, bool) {
				encoding := time.Duration(0)
				if s.keys > 0 {
					encoding = 25 * time.Millisecond
				}
				return encoding + time.Duration(20+r.ExpFloat64()*15)*time.Millisecond, true
			}
			w.must(w.run(30 * time.Minute))
			b := w.finish()
			if len(b.Parts) != 1 || len(b.Gaps) != 0 {
				t.Errorf("%d parts, gaps %+v, want one part without gaps", len(b.Parts), b.Gaps)
			}
			frames := w.content(b, b.Parts[0])
			stamped, played := apart(frames, 10*time.Second)
			t.Logf("record_av: %v by timestamps, %v by samples", stamped, played)
			if most := 40 * time.Millisecond; stamped > most || played > most {
				t.Errorf("sound and picture are %v (timestamps) and %v (samples) apart, want at most %v", stamped, played, most)
			}
			for _, f := range frames {
				if !f.silent && f.taken > 10*time.Second && (f.stamp-f.taken).Abs() > 150*time.Millisecond {
					t.Fatalf("what was taken at %v stands at %v", f.taken, f.stamp)
				}
			}
			if want := int(30 * time.Minute / (20 * time.Millisecond)); heardOf(frames) < want-5 {
				t.Errorf("%d sound packets of %d", heardOf(frames), want)
			}
		})
	}
}

func heardOf(frames []placed) (n int) {
	for _, f := range frames {
		if !f.video && !f.silent {
			n++
		}
	}
	return n
}

func gaps(b *Book) (out []string) {
	for _, g := range b.Gaps {
		what := g.Cause
		if len(g.Media) > 0 {
			what = g.Media[0].Kind + " " + what
		}
		out = append(out, what)
	}
	return out
}

func TestLossIsMarkedAndReorderingIsNot(t *testing.T) {
	w := newWorld(t, microphone("wang", 0), camera("wang", 0))
	r := rand.New(rand.NewPCG(3, 4))
	w.delay = func(s *source, p sfu.Packet) (time.Duration, bool) {
		at := time.Duration(r.IntN(80)) * time.Millisecond // out of order
		switch {
		case s.keys == 0 && p.Seq >= 1<<16+500 && p.Seq < 1<<16+505: // 100 ms of sound
			return 0, false
		case s.keys > 0 && p.Seq == 1<<16+301: // one packet of a picture
			return 0, false
		case p.Seq%97 == 0: // sent again
			at += 250 * time.Millisecond
		}
		return at, true
	}
	w.must(w.run(30 * time.Second))
	b := w.finish()
	if got := gaps(b); !slices.Equal(got, []string{"audio lost", "video lost"}) && !slices.Equal(got, []string{"video lost", "audio lost"}) {
		t.Fatalf("gaps %v", got)
	}
	for _, g := range b.Gaps {
		if length := g.End - g.Start; g.Media[0].Kind == "audio" && (length < 95 || length > 105) || length > 1500 {
			t.Errorf("gap of %d ms: %+v", length, g)
		}
	}
	frames := w.content(b, b.Parts[0])
	if lost := 1500 - heardOf(frames); lost < 5 || lost > 40 {
		t.Errorf("%d sound packets are missing", lost)
	}
	if len(b.Parts) != 1 {
		t.Errorf("%d parts, want 1", len(b.Parts))
	}
}

func TestAnotherSizeAndAnotherConnectionBeginAnotherPart(t *testing.T) {
	mic, cam := microphone("wang", 0), camera("wang", 0)
	w := newWorld(t, mic, cam, microphone("centre", 0))
	w.must(w.run(10 * time.Second))
	cam.size, cam.key = [2]int{320, 240}, 0
	w.must(w.run(20 * time.Second))
	// the publisher drops for five seconds and returns
	w.sources = w.sources[2:]
	w.must(w.run(25 * time.Second))
	w.sources = append(w.sources, mic, cam)
	mic.next, cam.next, mic.begin, cam.begin, cam.key = w.now, w.now, true, true, 0
	w.must(w.run(35 * time.Second))
	b := w.finish()
	var wang, centre []Part
	for _, p := range b.Parts {
		if p.Person == "wang" {
			wang = append(wang, p)
		} else {
			centre = append(centre, p)
		}
	}
	if len(wang) != 3 || len(centre) != 1 {
		t.Fatalf("%d and %d parts, want 3 and 1", len(wang), len(centre))
	}
	if wang[0].Media[1].Width != 640 || wang[1].Media[1].Width != 320 {
		t.Errorf("media %+v then %+v", wang[0].Media, wang[1].Media)
	}
	if got := gaps(b); !slices.Equal(got, []string{Away}) {
		t.Errorf("gaps %v, want one: away", got)
	}
	if g := b.Gaps[0]; g.End-g.Start < 4500 || g.End-g.Start > 6000 {
		t.Errorf("away from %d to %d", g.Start, g.End)
	}
	want := (19900+9900)/20 + 2 // a tick sends what was taken up to it
	if n := heardOf(w.content(b, wang[0])) + heardOf(w.content(b, wang[1])) + heardOf(w.content(b, wang[2])); n != want {
		t.Errorf("%d sound packets, want %d", n, want)
	}
}

// A sender that pauses without losing anything leaves silence and no gap.
func TestPausesAreSilence(t *testing.T) {
	mic := microphone("wang", 0)
	w := newWorld(t, mic, camera("wang", 0))
	w.must(w.run(5 * time.Second))
	mic.next = 15 * time.Second
	w.must(w.run(20 * time.Second))
	b := w.finish()
	if len(b.Parts) != 1 || len(b.Gaps) != 0 {
		t.Fatalf("%d parts, gaps %+v", len(b.Parts), b.Gaps)
	}
	frames := w.content(b, b.Parts[0])
	if stamped, played := apart(frames, 16*time.Second); stamped > 40*time.Millisecond || played > 40*time.Millisecond {
		t.Errorf("%v and %v apart after a pause", stamped, played)
	}
}

// What arrived before the members were told is not kept, whatever the ring
// still has.
func TestNothingFromBeforeTheAnnouncement(t *testing.T) {
	w := newWorld(t, microphone("wang", 0))
	rec, err := Create(w.fs, "recordings/c2", About{Call: "c2", Announced: start.Add(-2 * time.Second), From: start.Add(-time.Minute)}, start)
	w.must(err)
	mic := microphone("wang", 0)
	for at := -10 * time.Second; at < time.Second; at += 20 * time.Millisecond {
		p := sfu.Packet{Seq: mic.seq, TS: uint32(at / time.Millisecond * 48), Payload: append([]byte{31 << 3}, make([]byte, 8)...), Arrived: start.Add(at)}
		mic.seq++
		rec.Push(mic.Track, p)
	}
	_, err = rec.Finish(start.Add(2*time.Second), "left")
	w.must(err)
	b, err := Read(w.fs, "recordings/c2")
	w.must(err)
	if len(b.Parts) != 1 {
		t.Fatalf("%d parts", len(b.Parts))
	}
	if length := b.Parts[0].End - b.Parts[0].Start; length < 2900*time.Millisecond || length > 3100*time.Millisecond {
		t.Errorf("%v are kept, want the 3 s since the announcement", length)
	}
}

// The process dies, or the power does, or the disk fails, at any operation:
// what was chained is there and verifies, at most two seconds and what waited
// are missing, and the recording goes on.
func TestCrashAtEveryWrite(t *testing.T) {
	for _, power := range []bool{false, true} {
		for op := 0; op < 60; op++ {
			if crashAt(t, op, power) {
				break
			}
		}
	}
}

// crashAt fails operation number op of a recording and lets another process go
// on; it reports whether the recording ended before.
func crashAt(t *testing.T, op int, power bool) (over bool) {
	t.Helper()
	w := newWorld(t, microphone("wang", 0), camera("wang", 0))
	broken := errors.New("broken disk")
	n := 0
	w.fs.SetFail(func(fsx.Op) error {
		if n++; n > op {
			return broken
		}
		return nil
	})
	err := w.run(8 * time.Second)
	if err == nil {
		return true
	}
	if !errors.Is(err, broken) {
		t.Fatalf("operation %d: %v", op, err)
	}
	died := w.now
	w.fs.SetFail(nil)
	if power {
		w.fs = w.fs.Crash(newRand(int64(op)))
	} else {
		w.fs = w.fs.Restart()
	}
	w.now += 5 * time.Second
	w.rec, err = Open(w.fs, dir, About{Call: "c1"}, start.Add(w.now))
	w.must(err)
	before := w.sound()
	if died-before.Length > 3500*time.Millisecond {
		t.Fatalf("operation %d: died at %v, recorded up to %v", op, died, before.Length)
	}
	for _, s := range w.sources {
		s.next, s.begin, s.key = w.now, true, 0
	}
	w.way = nil
	w.must(w.run(w.now + 4*time.Second))
	b := w.finish()
	if !slices.Contains(gaps(b), Restart) || len(b.Parts) != len(before.Parts)+1 {
		t.Fatalf("operation %d: gaps %v, %d parts then %d", op, gaps(b), len(before.Parts), len(b.Parts))
	}
	for _, p := range b.Parts {
		if p.Bytes > 0 { // else the crash came before its first piece was chained
			w.content(b, p)
		}
	}
	return false
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	w := newWorld(t, microphone("wang", 0), camera("wang", 0))
	w.must(w.run(4 * time.Second))
	b := w.finish()
	for _, name := range append([]string{filepath.Base(chainName(dir, 1))}, b.Parts[0].Name) {
		path := filepath.Join(dir, name)
		good := w.fs.Read(path)
		for at := 0; at < len(good); at += 7 {
			bad := slices.Clone(good)
			bad[at] ^= 0x10
			w.fs.Write(path, bad)
			after, faults, err := Verify(w.fs, dir)
			w.must(err)
			if name == b.Parts[0].Name {
				if len(faults) != 1 || faults[0].File != name || faults[0].From > int64(at) || faults[0].To <= int64(at) {
					t.Fatalf("byte %d of %s: %v", at, name, faults)
				}
			} else if len(faults) == 0 && after.Head == b.Head {
				t.Fatalf("byte %d of the chain: not found", at)
			}
		}
		w.fs.Write(path, good)
	}
}

func TestErasedLeavesItsChain(t *testing.T) {
	w := newWorld(t, microphone("wang", 0))
	w.must(w.run(4 * time.Second))
	if err := Erase(w.fs, dir, "system", "keep", start); err == nil {
		t.Error("a recording that goes on was erased")
	}
	w.finish()
	w.must(Erase(w.fs, dir, "system", "kept for 180 days", start.Add(time.Hour)))
	b := w.sound()
	if !b.Erased || len(b.Parts) != 1 || len(w.fs.Names(dir)) != 2 {
		t.Errorf("%+v, files %v", b, w.fs.Names(dir))
	}
	if _, err := Open(w.fs, dir, About{}, start); !errors.Is(err, ErrFinished) {
		t.Errorf("opened again: %v", err)
	}
	if _, err := b.View(w.fs, dir, b.Parts[0].Name); !errors.Is(err, ErrNoPart) {
		t.Errorf("viewed: %v", err)
	}
}

func newRand(seed int64) *oldrand.Rand { return oldrand.New(oldrand.NewSource(seed)) }
