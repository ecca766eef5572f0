package record

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// lane is one person's tracks on their way into that person's parts.
type lane struct {
	person string
	rec    *Recording
	clock  envelope
	lines  []*line
	part   *part

	ended   bool          // a part has ended and no other has begun
	until   time.Duration // where the newest part ended
	cause   string        // and why nothing follows it yet
	newest  time.Time     // of the newest packet
	entries []Entry       // since the last advance
	touched bool          // the part has bytes that are not synced
}

// advance takes what is complete, puts it in order into parts, and makes it
// durable. The entries are for the chain.
func (l *lane) advance(now time.Time, last bool) ([]Entry, error) {
	for _, line := range l.lines {
		line.take(now, last)
		if line.heard.After(l.newest) {
			l.newest = line.heard
		}
	}
	horizon := l.rec.since(now) - hold
	for {
		line := l.first()
		if line == nil || !last && (line.queue[0].at > horizon || l.settles(now)) {
			break
		}
		f := line.queue[0]
		line.queue = line.queue[1:]
		if err := l.add(line, f, now); err != nil {
			return nil, err
		}
	}
	if err := l.rest(now, horizon, last); err != nil {
		return nil, err
	}
	return l.chained()
}

// first is the line whose next frame is the earliest; nil when none waits.
func (l *lane) first() (out *line) {
	for _, line := range l.lines {
		if len(line.queue) > 0 && (out == nil || line.queue[0].at < out.queue[0].at) {
			out = line
		}
	}
	return out
}

// settles reports whether a part that is to begin waits for the picture.
func (l *lane) settles(now time.Time) bool {
	if l.part != nil || l.rec.since(now)-l.first().queue[0].at > hold+settle {
		return false
	}
	for _, line := range l.lines {
		if _, key := line.key(); line.video() && !key && now.Sub(line.heard) < idle {
			return true
		}
	}
	return false
}

// add puts one frame into the part it belongs to.
func (l *lane) add(from *line, f frame, now time.Time) error {
	if l.part != nil && !l.part.fits(from, f) {
		if from.video() && !f.key {
			from.frames.(*pictures).broken = true // it can only go on with a key frame
			return nil
		}
		if err := l.end(""); err != nil {
			return err
		}
	}
	if l.part == nil && !l.begin(from, f, now) {
		return nil
	}
	p := l.part
	if p.due(f.at, from.video() && f.key) {
		if err := l.flush(); err != nil {
			return err
		}
	}
	i := p.of(from)
	if from.video() {
		if f.lost && p.written[i] {
			l.gap("video", from.lastAt, f.at, from.cause())
		}
		p.picture(i, f)
		from.lastAt = f.at
		return nil
	}
	start, filled := p.sound(i, f)
	if f.lost && filled > 0 {
		l.gap("audio", p.start+start, p.start+start+filled, from.cause())
	}
	return nil
}

func (l *lane) gap(kind string, from, to time.Duration, cause string) {
	l.entries = append(l.entries, Entry{Kind: Gap, Person: l.person, Part: l.part.name, Media: []Media{{Kind: kind}},
		Start: from.Milliseconds(), End: to.Milliseconds(), Cause: cause})
}

// begin opens a part with everything that the person sends now. A picture that
// is no key frame begins none.
func (l *lane) begin(from *line, f frame, now time.Time) bool {
	if from.video() && !f.key {
		from.frames.(*pictures).broken = true
		return false
	}
	p := &part{fs: l.rec.fs, dir: l.rec.dir, start: max(0, f.at)}
	for _, line := range l.lines {
		m := Media{Kind: "audio", Codec: codecOpus, Private: opusHead}
		format, key := line.key()
		if line == from {
			format, key = f.format, f.key
		}
		switch {
		case line.video() && !key, line != from && len(line.queue) == 0 && now.Sub(line.heard) > idle:
			continue
		case line.video():
			m = Media{Kind: "video", Codec: fileCodec(line.Codec), Width: format.width, Height: format.height, Private: []byte(format.private)}
		}
		p.lines, p.media = append(p.lines, line), append(p.media, m)
	}
	p.written = make([]bool, len(p.media))
	l.rec.parts++
	p.name = fmt.Sprintf("%04d%s", l.rec.parts, extension(p.media))
	l.part = p
	if l.ended && p.start > l.until {
		l.entries = append(l.entries, Entry{Kind: Gap, Person: l.person, Start: l.until.Milliseconds(), End: p.start.Milliseconds(), Cause: l.cause})
	}
	l.ended = false
	return true
}

func fileCodec(codec string) string {
	if strings.EqualFold(codec, "video/H264") {
		return codecH264
	}
	return codecVP8
}

func extension(media []Media) string {
	if docType(media) == "webm" {
		return ".webm"
	}
	return ".mkv"
}

// rest closes what has waited long enough although nothing followed.
func (l *lane) rest(now time.Time, horizon time.Duration, last bool) error {
	p := l.part
	switch {
	case p == nil:
		return nil
	case last:
		return l.end("")
	case now.Sub(l.newest) > idle && l.first() == nil:
		return l.end(Away)
	}
	if now.Sub(l.newest) < time.Second { // the other track goes on
		p.quiet(horizon - time.Second)
	}
	if p.due(horizon, false) {
		return l.flush()
	}
	return nil
}

// flush writes the cluster under way.
func (l *lane) flush() error {
	more, err := l.part.flush(l.person)
	l.entries = append(l.entries, more...)
	l.touched = l.touched || len(more) > 0
	return err
}

// end closes the part; what the person sends later goes into another.
func (l *lane) end(cause string) error {
	if err := l.flush(); err != nil {
		return err
	}
	p := l.part
	l.part, l.ended, l.until, l.cause = nil, true, p.start+p.end(), Away
	if cause != "" {
		for _, line := range l.lines {
			if v, ok := line.frames.(*pictures); ok {
				v.broken = true
			}
		}
	}
	if p.file == nil {
		return nil
	}
	l.touched = false
	return errors.Join(p.sync(), p.close())
}

// chained hands over the entries once what they speak of is durable.
func (l *lane) chained() ([]Entry, error) {
	if l.touched {
		if err := l.part.sync(); err != nil {
			return nil, err
		}
		l.touched = false
	}
	out := l.entries
	l.entries = nil
	return out, nil
}

func (l *lane) close() error { return l.part.close() }
