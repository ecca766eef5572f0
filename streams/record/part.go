package record

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"gridhub/streams/journal/fsx"
)

const (
	// tolerance is how far sound may be from its place before it is moved by
	// one step.
	tolerance = 5 * time.Millisecond
	// pause is how long sound may be missing before silence is put in its
	// place although no packet was lost: the sender had nothing to say.
	pause = 60 * time.Millisecond
	// overlap is how much sound may come for time that is already filled with
	// silence before another part begins.
	overlap = 250 * time.Millisecond
	// longCluster is how much one cluster may hold: times in it are 16 bits of
	// milliseconds.
	longCluster = 10 * time.Second
)

// part is one file being written: one person's media over one stretch.
type part struct {
	fs     fsx.FS
	file   fsx.File
	name   string
	dir    string
	start  time.Duration // on the recording's time bar
	media  []Media
	lines  []*line
	size   int64
	synced bool // its name is durable

	blocks  []block // of the cluster under way
	cursor  time.Duration
	sounds  bool          // cursor has begun
	shown   time.Duration // from when on a picture may stand
	written []bool        // per track: something was
	last    time.Duration // end of the newest block, since start
}

// entry tells of the part.
func (p *part) entry(person string) Entry {
	return Entry{Kind: PartOf, Part: p.name, Person: person, Media: p.media, Start: p.start.Milliseconds()}
}

// of is the track of a line, -1 where the part has none.
func (p *part) of(l *line) int { return slices.Index(p.lines, l) }

// fits reports whether a frame can go into this part.
func (p *part) fits(l *line, f frame) bool {
	i := p.of(l)
	switch {
	case i < 0, f.begins && p.written[i]:
		return false
	case l.video() && f.key:
		m := p.media[i]
		return f.format == format{m.Width, m.Height, string(m.Private)} && p.size < maxPartBytes
	case !l.video():
		return (!p.sounds || p.cursor-(f.at-p.start) < overlap) && (len(p.media) > 1 || p.size < maxPartBytes)
	}
	return true
}

// picture adds a video frame. No two stand in the same millisecond.
func (p *part) picture(i int, f frame) {
	at := max(0, f.at-p.start, p.shown)
	p.shown = at + time.Millisecond
	p.put(block{track: i, at: at, data: f.data, key: f.key})
}

// sound adds an Opus packet where it belongs, exact to a few milliseconds for
// players that count samples as for those that read timestamps: silence fills
// what is missing, and where the sender's clock runs fast, decoders are told to
// leave out the end of a packet. The packet itself is kept whole. It returns
// where silence began, and its length.
func (p *part) sound(i int, f frame) (from, filled time.Duration) {
	at, length := f.at-p.start, opusDuration(f.data)
	if !p.sounds {
		p.sounds, p.cursor = true, max(0, at).Round(step)
	}
	from = p.cursor
	switch off := at - p.cursor; {
	case f.lost || off > pause:
		filled = p.fill(i, at)
	case off >= tolerance:
		p.silence(i, silence2, step)
	case off <= -tolerance && length > step:
		p.put(block{track: i, at: p.cursor, data: f.data, key: true, discard: step})
		p.cursor += length - step
		return from, 0
	}
	p.put(block{track: i, at: p.cursor, data: f.data, key: true})
	p.cursor += length
	return from, filled
}

// fill puts silence up to an instant.
func (p *part) fill(i int, until time.Duration) time.Duration {
	from := p.cursor
	for p.cursor+20*time.Millisecond <= until {
		p.silence(i, silence20, 20*time.Millisecond)
	}
	for p.cursor+step <= until {
		p.silence(i, silence2, step)
	}
	return p.cursor - from
}

func (p *part) silence(i int, b []byte, length time.Duration) {
	p.put(block{track: i, at: p.cursor, data: b, key: true})
	p.cursor += length
}

// quiet keeps a sound track that stopped sending in step with the time.
func (p *part) quiet(until time.Duration) {
	for i, l := range p.lines {
		if !l.video() && p.sounds && until-p.start-p.cursor > time.Second {
			p.fill(i, until-p.start)
		}
	}
}

func (p *part) put(b block) {
	p.blocks = append(p.blocks, b)
	p.written[b.track] = true
	p.last = max(p.last, b.at)
}

// due reports whether the cluster under way should be closed before a frame at
// is added.
func (p *part) due(at time.Duration, key bool) bool {
	return len(p.blocks) > 0 && (key || at-p.start-p.blocks[0].at >= clusterSpan)
}

// create makes the file with its head.
func (p *part) create() ([]byte, error) {
	h, err := head(p.media, unknownSize, 0, nil)
	if err != nil {
		return nil, err
	}
	if p.file, err = p.fs.Create(filepath.Join(p.dir, p.name)); err != nil {
		return nil, err
	}
	return h, nil
}

// flush writes the cluster under way and returns what the chain says of it.
// sync must follow.
func (p *part) flush(person string) (entries []Entry, err error) {
	if len(p.blocks) == 0 {
		return nil, nil
	}
	if p.file == nil {
		h, err := p.create()
		if err != nil {
			return nil, fmt.Errorf("part %s: %w", p.name, err)
		}
		e, err := p.write(h)
		if err != nil {
			return nil, err
		}
		e.Start, e.End = p.start.Milliseconds(), p.start.Milliseconds()
		entries = append(entries, p.entry(person), e)
	}
	slices.SortStableFunc(p.blocks, func(a, b block) int { return int(a.at - b.at) })
	for len(p.blocks) > 0 {
		e, err := p.piece()
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// piece writes the blocks under way as one cluster, or those of the first
// seconds where they span more.
func (p *part) piece() (Entry, error) {
	first := p.blocks[0].at
	n := slices.IndexFunc(p.blocks, func(b block) bool { return b.at-first > longCluster })
	if n < 0 {
		n = len(p.blocks)
	}
	now, rest := p.blocks[:n], p.blocks[n:]
	b, err := encode(now)
	if err != nil {
		return Entry{}, fmt.Errorf("part %s: %w", p.name, err)
	}
	e, err := p.write(b)
	if err != nil {
		return Entry{}, err
	}
	end := p.end()
	if len(rest) > 0 {
		end = rest[0].at
	}
	e.Start, e.End, e.Key = (p.start + first).Milliseconds(), (p.start + end).Milliseconds(), p.startable(now)
	p.blocks = rest
	return e, nil
}

// end is when the newest block ends, as far as that is known.
func (p *part) end() time.Duration { return max(p.last, p.cursor) }

// startable reports whether a player can start with a cluster: its first
// picture is a key frame, or the part has none.
func (p *part) startable(blocks []block) bool {
	for _, b := range blocks {
		if p.media[b.track].Kind == "video" {
			return b.key
		}
	}
	return len(p.media) == 1 && p.media[0].Kind == "audio"
}

func (p *part) write(b []byte) (Entry, error) {
	if _, err := p.file.WriteAt(b, p.size); err != nil {
		return Entry{}, fmt.Errorf("part %s: %w", p.name, err)
	}
	e := Entry{Kind: PieceOf, Part: p.name, From: p.size, To: p.size + int64(len(b)), SHA256: sum(b)}
	p.size = e.To
	return e, nil
}

// sync makes what was written durable.
func (p *part) sync() error {
	err := p.file.Sync()
	if err == nil && !p.synced {
		err = p.fs.SyncDir(p.dir)
		p.synced = err == nil
	}
	if err != nil {
		return fmt.Errorf("part %s: %w", p.name, err)
	}
	return nil
}

func (p *part) close() error {
	if p == nil || p.file == nil {
		return nil
	}
	f := p.file
	p.file = nil
	return f.Close()
}
