package record

import (
	"strings"
	"time"

	"gridhub/streams/sfu"
)

// longDelay is more than any packet is under way that is worth keeping.
const longDelay = 15 * time.Second

// frame is what one block of a part will hold: an Opus packet or a picture.
type frame struct {
	at     time.Duration // on the recording's time bar
	data   []byte
	key    bool
	format format // of a key frame
	begins bool   // the first of a connection
	lost   bool   // something before it is missing
}

// format is what a decoder must know before the first picture.
type format struct {
	width, height int
	private       string // the codec's own bytes
}

// unit is a frame before it is placed.
type unit struct {
	frame
	ts uint32
}

// depacketizer makes frames of the packets of one track, which come in order.
type depacketizer interface {
	push(p sfu.Packet, lost bool) []unit
}

// line is one track on its way into parts.
type line struct {
	Track
	packets sequence
	clock   clock
	frames  depacketizer
	queue   []frame // placed, in order
	missed  bool    // packets were gone before they could be read
	behind  bool    // and that is why the next frame follows a gap
	heard   time.Time
	lastAt  time.Duration // of the newest picture in a part
	since   func(time.Time) time.Duration
}

// newLine returns nil for a codec that is not known.
func newLine(t Track, shared *envelope, since func(time.Time) time.Duration) *line {
	l := &line{Track: t, since: since, clock: clock{rate: 90000, shared: shared}}
	switch strings.ToLower(t.Codec) {
	case "audio/opus":
		l.frames, l.clock.rate = &sound{}, 48000
	case "video/vp8":
		l.frames = newPictures(&vp8{})
	case "video/h264":
		l.frames = newPictures(&h264{})
	default:
		return nil
	}
	return l
}

func (l *line) video() bool { return l.clock.rate == 90000 }

func (l *line) push(p sfu.Packet) {
	l.packets.push(p)
	l.heard = p.Arrived
}

func (l *line) report(s sfu.Report) { l.clock.report(s) }

// take moves what is complete at now into the queue.
func (l *line) take(now time.Time, all bool) {
	for {
		p, lost, ok := l.packets.pop(now, all)
		if !ok {
			return
		}
		if p.Begins {
			l.clock.begin()
		}
		l.clock.arrive(p.TS, l.since(p.Arrived), p.Arrived)
		l.behind = l.behind || l.missed
		for _, u := range l.frames.push(p, lost > 0 || l.missed) {
			u.at = l.place(u.ts, l.since(p.Arrived))
			l.queue = append(l.queue, u.frame)
		}
		l.missed = false
	}
}

// place says when a frame was taken. A publisher whose timestamps have leapt is
// placed anew: nothing was taken after it arrived, nor long before.
func (l *line) place(ts uint32, arrived time.Duration) time.Duration {
	at := l.clock.place(ts)
	if at > arrived+leap || at < arrived-longDelay {
		l.clock.begin()
		l.clock.own.learn(arrived-l.clock.media(l.clock.extend(ts)), time.Time{})
		at = arrived
	}
	return at
}

// cause says why something is missing before the next frame.
func (l *line) cause() string {
	if l.behind {
		l.behind = false
		return Behind
	}
	return Lost
}

// key returns the format of the first key frame in the queue.
func (l *line) key() (format, bool) {
	for _, f := range l.queue {
		if f.key {
			return f.format, true
		}
	}
	return format{}, false
}

// sound takes every packet for a frame.
type sound struct{}

func (*sound) push(p sfu.Packet, lost bool) []unit {
	if opusDuration(p.Payload) == 0 {
		return nil
	}
	return []unit{{frame{data: p.Payload, key: true, begins: p.Begins, lost: lost}, p.TS}}
}
