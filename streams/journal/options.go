package journal

import (
	"fmt"
	"log/slog"
	"time"

	"gridhub/streams/journal/fsx"
)

// Overrun is what happens when space runs out while a cursor still needs the
// oldest segment.
type Overrun int

const (
	// Refuse fails appends with ErrFull or ErrDiskFull until a cursor moves or
	// space returns.
	Refuse Overrun = iota
	// DropOldest removes the oldest segment; its readers get a Gap.
	DropOldest
)

// Limits and defaults, in bytes.
const (
	// MaxRecord is the longest record.
	MaxRecord = 16 << 20

	defaultSegment = 64 << 20
	minSegment     = 64 << 10 // smallest default, for a small MaxBytes
	minBytes       = 4 << 10  // smallest MaxBytes
	defaultQueue   = 8 << 20
	allocateStep   = 4 << 20
	minStep        = 4 << 10
)

// Options tunes a journal. The zero value is a journal without limits, which
// removes nothing. With MaxBytes, MaxAge or DropOldest, a full disk (Reserve,
// or ENOSPC) also removes the oldest segments that no cursor needs. Set
// Reserve to a few MiB at least: cursors need room to move on a full disk.
type Options struct {
	SegmentBytes int64         // size at which a new segment is begun; 0 = 64 MiB, or an eighth of MaxBytes if that is less
	MaxBytes     int64         // retention by size over all segments, exceeded at most by the copy of one commit after a restart; 0 = unlimited
	MaxAge       time.Duration // retention by age, by the steady clock, never against a cursor; 0 = unlimited
	Overrun      Overrun       // what to do when space runs out and a cursor still needs the oldest segment
	Reserve      int64         // bytes of disk kept free; below it appends fail with ErrDiskFull, or DropOldest acts
	Delay        time.Duration // how long an AppendAsync waits for company before its commit; Append, and a queue half full, end the wait; 0 = none
	QueueBytes   int64         // bound of what waits for the next commit; 0 = 8 MiB; at most a quarter of MaxBytes. Full: callers block
	Epoch        uint64        // used only when the journal is created; 0 = unix ms
	// Dropping is told, on the commit goroutine, before DropOldest takes numbers
	// below upto from a cursor. They can still be read, even if it was told before:
	// it must not append. nil: nobody is.
	Dropping func(upto uint64)
	FS       FS // nil = the operating system
	Now      func() time.Time
	Logger   *slog.Logger
}

// withDefaults fills in what is zero and refuses what makes no sense.
func (o Options) withDefaults() (Options, error) {
	if o.SegmentBytes < 0 || o.MaxBytes < 0 || o.MaxAge < 0 || o.Reserve < 0 || o.QueueBytes < 0 || o.Delay < 0 {
		return o, fmt.Errorf("negative limit in %+v: want 0 (default or unlimited) or more", o)
	}
	if o.MaxBytes > 0 && o.MaxBytes < minBytes {
		return o, fmt.Errorf("MaxBytes %d: want 0 for unlimited, or at least %d", o.MaxBytes, minBytes)
	}
	if o.Overrun != Refuse && o.Overrun != DropOldest {
		return o, fmt.Errorf("overrun %d: want Refuse or DropOldest", o.Overrun)
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegment
		if o.MaxBytes > 0 {
			o.SegmentBytes = max(minSegment, min(defaultSegment, o.MaxBytes/8))
		}
	}
	if o.QueueBytes == 0 {
		o.QueueBytes = defaultQueue
	}
	if o.MaxBytes > 0 { // a full queue must fit
		o.QueueBytes = min(o.QueueBytes, o.MaxBytes/4)
	}
	if o.FS == nil {
		o.FS = fsx.OS{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}
