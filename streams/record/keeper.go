package record

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"gridhub/streams/journal/fsx"
	"gridhub/streams/sfu"
)

const (
	// readEvery is how often the rings are read. They hold seconds: a reader
	// that is held up by a slow disk misses nothing.
	readEvery = 100 * time.Millisecond
	// keyEvery is how often a picture is asked for a key frame, so that a
	// player can start near any place.
	keyEvery = 10 * time.Second
	// tryAgain is how long a broken disk is left alone.
	tryAgain = 5 * time.Second
)

// Rooms is where media is read; *sfu.SFU is one.
type Rooms interface {
	Sources(room string) []sfu.Source
}

// Keeper records one room into one folder, through failures of the disk.
type Keeper struct {
	FS     fsx.FS
	Dir    string
	About  About
	Room   string
	Rooms  Rooms
	Clock  func() time.Time
	Log    *slog.Logger
	Failed func(error) // told of each failure, and nil when it goes on; may be nil

	rec  *Recording
	taps map[sfu.Source]*tap
}

// tap is how far a source was read.
type tap struct {
	next  uint64
	asked time.Time
}

// Run records until ctx ends, leaving the recording to be gone on with, or
// until over is closed, which finishes it. It returns the head of a finished
// recording.
func (k *Keeper) Run(ctx context.Context, over <-chan string) (head string, err error) {
	k.taps = map[sfu.Source]*tap{}
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	reason, ends := "", false
	for !ends {
		if err := k.step(); err != nil {
			if errors.Is(err, ErrFinished) {
				return "", err
			}
			if !k.rest(ctx, err) {
				return "", ctx.Err()
			}
		}
		select {
		case <-ctx.Done():
			return "", errors.Join(ctx.Err(), k.pause())
		case reason = <-over:
			ends = true
		case <-tick.C:
		}
	}
	for {
		if head, err = k.finish(reason); err == nil || errors.Is(err, ErrFinished) || !k.rest(ctx, err) {
			return head, err
		}
	}
}

// step opens the recording where it is not, and takes what the rings have.
func (k *Keeper) step() (err error) {
	if k.rec == nil {
		if k.rec, err = Open(k.FS, k.Dir, k.About, k.Clock()); err != nil {
			return err
		}
		k.failed(nil)
	}
	k.read()
	return k.rec.Advance(k.Clock())
}

func (k *Keeper) finish(reason string) (string, error) {
	if err := k.step(); err != nil {
		return "", err
	}
	return k.rec.Finish(k.Clock(), reason)
}

// rest gives a recording up that could not be written, to go on with it later.
func (k *Keeper) rest(ctx context.Context, err error) bool {
	k.Log.Error("a call cannot be recorded; trying again", "call", k.About.Call, "error", err, "after", tryAgain)
	k.failed(err)
	_ = k.close() // what it had not written is lost, and marked
	select {
	case <-ctx.Done():
		return false
	case <-time.After(tryAgain):
		return true
	}
}

func (k *Keeper) failed(err error) {
	if k.Failed != nil {
		k.Failed(err)
	}
}

// pause writes what there is, for another process to go on with.
func (k *Keeper) pause() error {
	if k.rec == nil {
		return nil
	}
	k.read()
	return k.rec.Pause(k.Clock())
}

func (k *Keeper) close() error {
	if k.rec == nil {
		return nil
	}
	rec := k.rec
	k.rec = nil
	return rec.Close()
}

// read takes what came since the last time. A source that was withdrawn is
// read to its end.
func (k *Keeper) read() {
	for _, s := range k.Rooms.Sources(k.Room) {
		if k.taps[s] == nil {
			k.taps[s] = &tap{next: s.Oldest()}
		}
	}
	var packets []sfu.Packet
	for s, at := range k.taps {
		t := Track{ID: s.Track() + " " + s.Codec(), Person: s.Person(), Codec: s.Codec()}
		k.rec.Report(t, s.Report())
		var missed uint64
		packets, at.next, missed = s.Read(at.next, packets[:0])
		if missed > 0 {
			k.rec.Missed(t)
		}
		for _, p := range packets {
			k.rec.Push(t, p)
		}
		if now := k.Clock(); k.rec.WantsKeyFrame(t) || len(packets) > 0 && now.Sub(at.asked) > keyEvery {
			at.asked = now
			s.AskKeyFrame()
		}
	}
}
