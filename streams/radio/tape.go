package radio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"gridhub/streams/sfu"
	"gridhub/streams/talk"
)

const (
	clockRate = 48_000 // samples per second of every Opus stream (RFC 7587, 4.1)
	// silent is the longest packet that holds no sound: Opus makes one of up to
	// three bytes out of digital silence, and for discontinued transmission
	// (RFC 6716, 2.1.9).
	silent = 3
	// maxFrame bounds one packet of sound, in bytes: the longest that Opus
	// makes (RFC 6716, 3.2.1).
	maxFrame = 1275
	// tapeFrames bounds one burst: the longest, of an emergency, in packets of
	// 10 ms.
	tapeFrames = int(talk.EmergencyLimit / (10 * time.Millisecond))
)

var errTape = errors.New("not a tape")

// Tape is one burst as it was said.
type Tape struct {
	Group  talk.Group
	Burst  uint64
	Person talk.Person
	From   time.Time
	Sound  []byte // the frames, as one piece
}

// tape is a burst that is being said or was.
type tape struct {
	burst     uint64
	person    talk.Person
	device    string // from which it comes
	emergency bool
	from      time.Time
	frames    []sfu.Frame // in the order in which they came
	bytes     int
	done      bool // nothing more comes
}

// add takes a packet. Silence before the first word is left out: nobody shall
// wait for it. What is too long for a burst is not kept.
func (t *tape) add(f sfu.Frame) {
	switch {
	case len(t.frames) == 0 && len(f.Payload) <= silent, len(t.frames) >= tapeFrames, len(f.Payload) > maxFrame:
		return
	}
	t.frames = append(t.frames, f)
	t.bytes += len(f.Payload)
}

// at is where frame i stands in the burst, in samples after its first.
func (t *tape) at(i int) int64 { return int64(int32(t.frames[i].TS - t.frames[0].TS)) }

// seq is where frame i stands in the numbering, after its first.
func (t *tape) seq(i int) int64 { return int64(t.frames[i].Seq - t.frames[0].Seq) }

// bytes writes the frames: for each, as variable-length integers, its distance
// from the first in numbers and in samples and its length, then its bytes.
func (t *tape) encode() []byte {
	b := make([]byte, 0, t.bytes+8*len(t.frames))
	for i, f := range t.frames {
		b = binary.AppendVarint(b, t.seq(i))
		b = binary.AppendVarint(b, t.at(i))
		b = binary.AppendUvarint(b, uint64(len(f.Payload)))
		b = append(b, f.Payload...)
	}
	return b
}

// play is a kept tape, to be played.
func (k Tape) play() (*tape, error) {
	t := &tape{burst: k.Burst, person: k.Person, from: k.From, done: true}
	for b := k.Sound; len(b) > 0; {
		f, rest, err := readFrame(b)
		if err != nil {
			return nil, fmt.Errorf("burst %d of %s: %w", k.Burst, k.Group, err)
		}
		b, t.frames, t.bytes = rest, append(t.frames, f), t.bytes+len(f.Payload)
		if len(t.frames) > tapeFrames {
			return nil, fmt.Errorf("burst %d of %s: %w: more than %d frames", k.Burst, k.Group, errTape, tapeFrames)
		}
	}
	return t, nil
}

func readFrame(b []byte) (f sfu.Frame, rest []byte, err error) {
	seq, n := binary.Varint(b)
	if n <= 0 || seq < -1<<31 || seq > 1<<31 {
		return f, nil, errTape
	}
	at, m := binary.Varint(b[n:])
	if m <= 0 || at < -1<<31 || at >= 1<<31 {
		return f, nil, errTape
	}
	size, l := binary.Uvarint(b[n+m:])
	b = b[n+m+max(l, 0):]
	if l <= 0 || size > maxFrame || size > uint64(len(b)) {
		return f, nil, errTape
	}
	return sfu.Frame{Seq: uint64(seq) + 1<<32, TS: uint32(at), Payload: b[:size:size]}, b[size:], nil
}
