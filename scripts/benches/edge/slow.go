package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"gridhub/streams/journal"
	"gridhub/streams/journal/fsx"
)

// How the gateway's spool is tuned (edge/uplink), on a disk whose syncs take
// this much longer.
const (
	slowSync    = 20 * time.Millisecond
	spoolDelay  = 100 * time.Millisecond
	spoolQueue  = 1 << 20
	recordBytes = 200 // ten values with their names
	appending   = 3 * time.Second
)

// slow measures how many records a spool on a slow disk takes when the lines
// bring them as fast as it lets them.
func (b *bench) slow(ctx context.Context) error {
	j, err := journal.Open(filepath.Join(b.dir, "slow"), journal.Options{FS: fsx.Slow(fsx.OS{}, slowSync),
		Delay: spoolDelay, QueueBytes: spoolQueue, MaxBytes: 512 << 20, Overrun: journal.DropOldest})
	if err != nil {
		return err
	}
	defer j.Close()
	var durable atomic.Int64
	var lost atomic.Pointer[error]
	record := make([]byte, recordBytes)
	for began := time.Now(); time.Since(began) < appending && ctx.Err() == nil; {
		err := j.AppendAsync([][]byte{record}, func(_ uint64, err error) {
			if err != nil {
				lost.Store(&err)
			}
			durable.Add(1)
		})
		if err != nil {
			return err
		}
	}
	b.Spool = int(float64(durable.Load()) / appending.Seconds())
	if p := lost.Load(); p != nil {
		return *p
	}
	fmt.Printf("a spool whose syncs take %v more takes %d readings/s; %d come\n", slowSync, b.Spool, slaves)
	return nil
}
