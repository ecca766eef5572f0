// Package record makes evidence of live media: what the members of a room said
// and showed, in files that a browser plays, that lose at most a second when
// the process is killed, and in which any changed byte is found.
//
// A Recording is a folder of parts (one person's sound and picture over one
// stretch, WebM or Matroska) and of a chain of entries, each naming the hash of
// the one before: who is in which part, the SHA-256 of every second of it, and
// every gap with its cause. FORMAT.md says every byte. A part never changes
// once an entry names it. Sound and picture of one person are placed by that
// person's own clock, as its sender reports tell it, on the hub's.
//
// Package record reads the SFU's rings, so a slow disk delays no call. It
// leaves out which calls are recorded, who may play them and how long they are
// kept.
package record

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"gridhub/streams/journal/fsx"
	"gridhub/streams/sfu"
)

// The times of a recording.
const (
	// waitForGap is how long a missing packet may still come, sent again.
	waitForGap = 400 * time.Millisecond
	// hold is how long frames wait to be put in order with those of the
	// person's other track.
	hold = 700 * time.Millisecond
	// settle is how long a new part waits for the picture to begin with the
	// sound.
	settle = 1500 * time.Millisecond
	// clusterSpan is the length of the piece that is written, synced, hashed
	// and chained together: what a crash may take.
	clusterSpan = time.Second
	// idle is how long nothing may come from a person before its part ends.
	idle = 3 * time.Second
)

// maxPartBytes ends a part at its next key frame, so that one damaged disk
// block costs no more than that to set aside.
const maxPartBytes = 1 << 30

// ErrFinished says that a recording has ended.
var ErrFinished = errors.New("the recording is finished")

// Track names one medium of one person.
type Track struct {
	ID     string // unique in the recording, for as long as the process runs
	Person string
	Codec  string // "audio/opus", "video/VP8" or "video/H264", in any case
}

// About is what the first entry of a recording says.
type About struct {
	Call   string
	Task   string
	Policy string
	// Announced is when the members were told that they are recorded. Nothing
	// that arrived before it is kept.
	Announced time.Time
	// From is where the time bar begins: before now for a look-back, into what
	// the rings still hold. Zero is now; it is never before Announced.
	From time.Time
}

// Recording is one call being recorded. It has no clock of its own: the caller
// says what time it is. It is not safe for concurrent use; one goroutine owns
// it, one process owns its folder.
type Recording struct {
	fs    fsx.FS
	dir   string
	chain *chain
	about About
	parts int // ever begun, for names
	lanes map[string]*lane
	track map[string]*line
}

// Create begins a recording in dir, which must not hold one.
func Create(fs fsx.FS, dir string, about About, now time.Time) (*Recording, error) {
	if names, err := fs.ReadDir(dir); err == nil && len(names) > 0 {
		return nil, fmt.Errorf("recording of call %s: its folder is not empty", about.Call)
	}
	if err := errors.Join(fs.MkdirAll(dir), fs.SyncDir(filepath.Dir(dir))); err != nil {
		return nil, fmt.Errorf("recording of call %s: %w", about.Call, err)
	}
	about = about.from(now.UTC().Truncate(time.Millisecond))
	r := &Recording{fs: fs, dir: dir, about: about}
	begin := Entry{Kind: Began, Call: about.Call, Task: about.Task, Policy: about.Policy, Announced: &about.Announced, Zero: &about.From}
	var err error
	if r.chain, err = createChain(fs, dir, 1, "", 0); err != nil {
		return nil, err
	}
	return r.ready(), r.chain.write(now, begin)
}

// from settles where a recording that is begun at now begins.
func (a About) from(now time.Time) About {
	if a.Announced.IsZero() || a.Announced.After(now) {
		a.Announced = now
	}
	if a.From.IsZero() || a.From.After(now) {
		a.From = now
	}
	a.Announced = a.Announced.UTC().Truncate(time.Millisecond)
	if a.From = a.From.UTC().Truncate(time.Millisecond); a.From.Before(a.Announced) {
		a.From = a.Announced
	}
	return a
}

func (r *Recording) ready() *Recording {
	r.lanes, r.track = map[string]*lane{}, map[string]*line{}
	return r
}

// Push takes one packet of a track. Packets may come late and out of order.
func (r *Recording) Push(t Track, p sfu.Packet) {
	if p.Arrived.Before(r.about.From) {
		return
	}
	if l := r.line(t); l != nil {
		l.push(p)
	}
}

// Report takes the newest sender report of a track.
func (r *Recording) Report(t Track, s sfu.Report) {
	if l := r.line(t); l != nil {
		l.report(s)
	}
}

// Missed says that packets of a track were gone before they could be read.
func (r *Recording) Missed(t Track) {
	if l := r.line(t); l != nil {
		l.missed = true
	}
}

// WantsKeyFrame reports whether the track's picture can only go on with one.
func (r *Recording) WantsKeyFrame(t Track) bool {
	l := r.track[t.ID]
	return l != nil && l.video() && l.frames.(*pictures).broken
}

// line finds or makes the line of a track; nil for a codec that is not known.
func (r *Recording) line(t Track) *line {
	if l := r.track[t.ID]; l != nil {
		return l
	}
	of := r.lanes[t.Person]
	if of == nil {
		of = &lane{person: t.Person, rec: r}
	}
	l := newLine(t, &of.clock, r.since)
	if l == nil {
		return nil
	}
	r.lanes[t.Person], r.track[t.ID] = of, l
	of.lines = append(of.lines, l)
	return l
}

// Advance writes what is due at now. When it returns nil, everything older
// than about two seconds is durable and chained. After an error the recording
// must not be used any more; Resume goes on with it.
func (r *Recording) Advance(now time.Time) error { return r.advance(now, false) }

func (r *Recording) advance(now time.Time, last bool) error {
	if r.chain.finished {
		return ErrFinished
	}
	var entries []Entry
	for _, person := range slices.Sorted(maps.Keys(r.lanes)) {
		more, err := r.lanes[person].advance(now, last)
		if err != nil {
			return fmt.Errorf("recording of call %s: %w", r.about.Call, err)
		}
		entries = append(entries, more...)
	}
	if len(entries) == 0 {
		return nil
	}
	return r.chain.write(now, entries...)
}

// Finish writes what is left and ends the recording. The head names all of it.
func (r *Recording) Finish(now time.Time, reason string) (head string, err error) {
	if err := r.advance(now, true); err != nil {
		return "", err
	}
	if err := r.chain.write(now, Entry{Kind: Ended, Reason: reason}); err != nil {
		return "", err
	}
	return r.chain.head, r.Close()
}

// Pause writes what is left, and closes the recording for another process to go
// on with.
func (r *Recording) Pause(now time.Time) error {
	return errors.Join(r.advance(now, true), r.Close())
}

// Close releases the files of a recording that is not finished here.
func (r *Recording) Close() error {
	var errs []error
	for _, l := range r.lanes {
		errs = append(errs, l.close())
	}
	return errors.Join(append(errs, r.chain.close())...)
}

// since is an instant of the hub's clock on the recording's time bar.
func (r *Recording) since(at time.Time) time.Duration { return at.Sub(r.about.From) }
