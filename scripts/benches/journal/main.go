// Command journal measures how many records per second the journal makes
// durable with 1, 50 and 1,000 writers that each wait for their record, on the
// disk below -dir, and with every sync 10 ms slower. The last line is JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gridhub/streams/journal"
	"gridhub/streams/journal/fsx"
)

// result is the last line, in records per second.
type result struct {
	Bench       string  `json:"bench"`
	W1          int     `json:"w1"`
	W50         int     `json:"w50"`
	W1000       int     `json:"w1000"`
	W50Slow     int     `json:"w50_10ms"`
	W1000Slow   int     `json:"w1000_10ms"`
	Followed    int     `json:"w1000_3readers"`
	Async       int     `json:"async"`
	Bare        int     `json:"bare_w1"` // what the disk itself gives
	MeanSyncMS  float64 `json:"mean_sync_ms"`
	RecordBytes int     `json:"record_bytes"`
}

// bench is how to measure.
type bench struct {
	dir   string
	each  time.Duration
	bytes int
}

func main() {
	seconds := flag.Float64("seconds", 3, "how long each case runs")
	dir := flag.String("dir", "", "where to write; default the temporary directory")
	size := flag.Int("bytes", 100, "length of a record")
	profile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			log.Fatal(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			log.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	b := bench{dir: *dir, each: time.Duration(*seconds * float64(time.Second)), bytes: *size}
	if err := b.run(); err != nil {
		log.Fatal(err)
	}
}

func (b bench) run() error {
	r := result{Bench: "journal", RecordBytes: b.bytes}
	slow := fsx.Slow(fsx.OS{}, 10*time.Millisecond)
	cases := []struct {
		name string
		into *int
		fs   journal.FS
		load load
	}{
		{"1 writer", &r.W1, fsx.OS{}, load{1, 0, b.wait}},
		{"50 writers", &r.W50, fsx.OS{}, load{50, 0, b.wait}},
		{"1,000 writers", &r.W1000, fsx.OS{}, load{1000, 0, b.wait}},
		{"50 writers, sync +10 ms", &r.W50Slow, slow, load{50, 0, b.wait}},
		{"1,000 writers, sync +10 ms", &r.W1000Slow, slow, load{1000, 0, b.wait}},
		{"1,000 writers, 3 readers", &r.Followed, fsx.OS{}, load{1000, 3, b.wait}},
		{"4 callers, not waiting", &r.Async, fsx.OS{}, load{4, 0, b.async}},
	}
	for _, c := range cases {
		s, rate, err := b.measure(c.fs, c.load)
		if err != nil {
			return err
		}
		*c.into = rate
		r.report(c.name, s, rate)
	}
	var err error
	if r.Bare, err = b.bare(); err != nil {
		return err
	}
	fmt.Printf("%-28s %9d records/s\n", "bare write and fdatasync", r.Bare)
	return json.NewEncoder(os.Stdout).Encode(r)
}

// bare is the measure for one writer: the same bytes written one after the
// other into a file that is already as long, each synced, and nothing else.
func (b bench) bare() (rate int, err error) {
	f, err := os.CreateTemp(b.dir, "journal-bench-bare-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(make([]byte, 16<<20)); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	rec := make([]byte, b.bytes)
	began := time.Now()
	for at := int64(0); time.Since(began) < b.each; at += int64(len(rec)) {
		if _, err := f.WriteAt(rec, at%(16<<20-int64(len(rec)))); err != nil {
			return 0, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		rate++
	}
	return int(float64(rate) / time.Since(began).Seconds()), nil
}

func (r *result) report(name string, s journal.Stats, rate int) {
	mean := s.Sync.Sum.Seconds() * 1000 / float64(max(1, s.Sync.Count))
	if r.MeanSyncMS == 0 {
		r.MeanSyncMS = mean // of the single writer
	}
	fmt.Printf("%-28s %9d records/s  %8.1f records a commit  %.3f ms a commit's write and sync\n",
		name, rate, float64(s.Records)/float64(max(1, s.Commits)), mean)
}

// load is who works on the journal at once.
type load struct {
	writers, readers int
	write            func(*journal.Journal, *atomic.Bool)
}

// measure puts a load on a fresh journal and returns its figures. The time ends
// when all is durable and every reader has read it.
func (b bench) measure(fs journal.FS, l load) (journal.Stats, int, error) {
	dir, err := os.MkdirTemp(b.dir, "journal-bench-")
	if err != nil {
		return journal.Stats{}, 0, err
	}
	defer os.RemoveAll(dir)
	j, err := journal.Open(dir, journal.Options{FS: fs, MaxBytes: 1 << 30, SegmentBytes: 64 << 20})
	if err != nil {
		return journal.Stats{}, 0, err
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	began := time.Now()
	for range l.writers {
		wg.Go(func() { l.write(j, &stop) })
	}
	for range l.readers {
		wg.Go(func() { follow(j, &stop) })
	}
	time.Sleep(b.each)
	stop.Store(true)
	wg.Wait()
	if err := j.Close(); err != nil {
		return journal.Stats{}, 0, err
	}
	took := time.Since(began)
	s := j.Stats()
	return s, int(float64(s.Records) / took.Seconds()), nil
}

// wait appends one record after the other.
func (b bench) wait(j *journal.Journal, stop *atomic.Bool) {
	rec := make([]byte, b.bytes)
	for !stop.Load() {
		if _, err := j.Append(context.Background(), rec); err != nil {
			log.Fatal(err)
		}
	}
}

// follow reads behind the writers until they have stopped and all is read.
func follow(j *journal.Journal, stop *atomic.Bool) {
	r := j.Reader(1)
	defer r.Close()
	for next := uint64(1); !stop.Load() || next < j.Next(); {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		recs, err := r.Next(ctx, 1000, 256<<10)
		cancel()
		if err != nil && ctx.Err() == nil {
			log.Fatal(err)
		}
		if n := len(recs); n > 0 {
			next = recs[n-1].Number + 1
		}
	}
}

// async queues as fast as the bounded queue lets it.
func (b bench) async(j *journal.Journal, stop *atomic.Bool) {
	recs := [][]byte{make([]byte, b.bytes)}
	done := func(_ uint64, err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	for !stop.Load() {
		if err := j.AppendAsync(recs, done); err != nil {
			log.Fatal(err)
		}
	}
}
