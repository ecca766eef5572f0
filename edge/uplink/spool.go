package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gridhub/configs"
	"gridhub/devices/wire"
	"gridhub/streams/journal"
	"gridhub/streams/journal/fsx"
)

// SpoolConfig says how much may wait on this machine's disk.
type SpoolConfig struct {
	Data    configs.Size  `yaml:"data"`    // most bytes of ordinary records; full: the oldest are dropped, as a gap
	Alarm   configs.Size  `yaml:"alarm"`   // most bytes of urgent records; full: new ones are refused, none dropped
	Reserve configs.Size  `yaml:"reserve"` // bytes of disk that ordinary records leave free
	Keep    time.Duration `yaml:"keep"`    // how long acknowledged records stay for a look back
}

// DefaultSpool returns what configs/edge.yaml says.
func DefaultSpool() SpoolConfig {
	return SpoolConfig{Data: 512 << 20, Alarm: 64 << 20, Reserve: 64 << 20, Keep: 24 * time.Hour}
}

// Validate checks each key.
func (c SpoolConfig) Validate() error {
	var errs []error
	if c.Data < 1<<20 {
		errs = append(errs, configs.Fault("data", nil, "1MiB or more"))
	}
	if c.Alarm < 1<<20 {
		errs = append(errs, configs.Fault("alarm", nil, "1MiB or more"))
	}
	if c.Keep < 0 {
		errs = append(errs, configs.Fault("keep", nil, "0 or more"))
	}
	return errors.Join(errs...)
}

// maxQueue bounds, in bytes, the records of one stream that wait for the disk.
// Full: Put blocks, and with it the line that was read.
const maxQueue = 1 << 20

// commitEvery is how long an ordinary record waits for others before it is
// written: a commit costs a gateway more than a reading does. A power cut takes
// these records with it, as if they had not been read.
const commitEvery = 100 * time.Millisecond

// Spool is the pair of journals of one gateway.
type Spool struct {
	alarm, data *stream
	time        *timescale
}

// OpenSpool opens or creates the journals below dir.
func OpenSpool(dir string, c SpoolConfig, log *slog.Logger) (*Spool, error) {
	return OpenSpoolOn(ThisMachine(), dir, c, log)
}

// OpenSpoolOn is OpenSpool with clocks of the caller's.
func OpenSpoolOn(m Machine, dir string, c SpoolConfig, log *slog.Logger) (*Spool, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	// The clock's memory and the disk's free space are asked before a journal
	// makes the folder.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	t := openTimescale(dir, m, log)
	common := journal.Options{MaxAge: c.Keep, Logger: log}
	alarm, data := common, common
	alarm.MaxBytes, alarm.Overrun = int64(c.Alarm), journal.Refuse
	data.MaxBytes, data.Overrun, data.Reserve = int64(c.Data), journal.DropOldest, int64(c.Reserve)
	data.Delay = commitEvery
	// What waits for one commit must fit the journal with room to spare, or a
	// slow disk would gather more than can ever be stored.
	alarm.QueueBytes, data.QueueBytes = min(maxQueue, alarm.MaxBytes/8), min(maxQueue, data.MaxBytes/8)
	alarm.SegmentBytes, data.SegmentBytes = portion(dir, alarm.MaxBytes), portion(dir, data.MaxBytes)
	a, err := openStream(filepath.Join(dir, wire.Alarm), wire.Alarm, alarm, t, log)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	d, err := openStream(filepath.Join(dir, wire.Data), wire.Data, data, t, log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("spool: %w", err), a.journal.Close())
	}
	return &Spool{alarm: a, data: d, time: t}, nil
}

// Sizes of a segment, which is dropped as a whole.
const (
	minPortion = 64 << 10
	maxPortion = 64 << 20
)

// portion is a small part of what there is room for, by the limit and by the
// disk, so that a disk smaller than the limit does not drop all at once.
func portion(dir string, limit int64) int64 {
	if free, err := (fsx.OS{}).Free(dir); err == nil {
		limit = min(limit, free)
	}
	return max(minPortion, min(maxPortion, limit/8))
}

// Put stores a record; urgent ones go to the alarm stream. It returns before
// the record is durable, and blocks while the journal's queue is full. What
// the journal refuses is counted and logged: it has no number and is lost.
func (s *Spool) Put(rec wire.Record, urgent bool) {
	st := s.data
	if urgent {
		st = s.alarm
	}
	st.put(rec)
}

// Settle begins to watch what is put from now on. The function that it returns
// waits until all of that is on disk, and fails when something is not, or when
// its context ends. Who acknowledges readings to a device puts them between the
// two.
func (s *Spool) Settle() func(ctx context.Context) error {
	alarm, data := s.alarm.settling.mark(), s.data.settling.mark()
	return func(ctx context.Context) error {
		return errors.Join(s.alarm.settling.wait(ctx, alarm), s.data.settling.wait(ctx, data))
	}
}

// StreamStatus tells how one stream stands.
type StreamStatus struct {
	Stream  string
	Epoch   uint64
	First   uint64 // oldest number still on disk
	Next    uint64 // number that the next record gets
	Floor   uint64 // lowest number not acknowledged
	Refused uint64 // records that the journal did not take
	Bytes   int64  // on disk
	Err     error  // why nothing can be stored, or why acknowledgements are refused
}

// Waiting is how many numbers the hub has not acknowledged, islands above the
// floor included.
func (s StreamStatus) Waiting() uint64 { return s.Next - min(s.Floor, s.Next) }

// Status returns how both streams stand, the urgent one first.
func (s *Spool) Status() []StreamStatus {
	return []StreamStatus{s.alarm.statusNow(), s.data.statusNow()}
}

// Clock tells how the gateway's clock stands.
func (s *Spool) Clock() ClockStatus { return s.time.status() }

// Close writes what waits and closes both journals. It is idempotent.
func (s *Spool) Close() error {
	s.time.save()
	return errors.Join(s.alarm.close(), s.data.close())
}
