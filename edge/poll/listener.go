package poll

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
)

// Silent is the cause of the record that says that a device which speaks of
// itself has not done so for several of its periods.
const Silent = "silent"

// patience is how many periods such a device may be silent, and at least how
// long: networks and power-saving terminals pause.
const (
	patience    = 3
	minPatience = time.Minute
)

// Listener makes records of what the devices of one line say of themselves.
type Listener struct {
	retirement
	name   string
	source driver.Source
	sink   Sink
	log    *slog.Logger

	mu    sync.Mutex
	heard map[devices.ID]*voice
	stats map[devices.ID]Stats
}

// voice is one device that speaks.
type voice struct {
	job
	last time.Time // when it was heard, or last called silent
}

// Listen returns a Listener for the devices of the line called name.
func Listen(name string, source driver.Source, tasks []Task, sink Sink, log *slog.Logger) *Listener {
	l := &Listener{
		retirement: newRetirement(), name: name, source: source, sink: sink, log: log.With("line", name),
		heard: map[devices.ID]*voice{}, stats: map[devices.ID]Stats{},
	}
	for _, t := range tasks {
		l.heard[t.Station.ID] = &voice{job: job{Task: t}}
		l.stats[t.Station.ID] = Stats{}
	}
	return l
}

// Name is the line's.
func (l *Listener) Name() string { return l.name }

// Stats returns a copy of the counts by device.
func (l *Listener) Stats() map[devices.ID]Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[devices.ID]Stats, len(l.stats))
	for id, st := range l.stats {
		all[id] = st
	}
	return all
}

// Findings says what is probably wrong with the line and its devices.
func (l *Listener) Findings() []driver.Finding { return diagnose(l.Stats()) }

// Run hears until ctx ends or the line is to retire. What was heard has been
// handed over by then.
func (l *Listener) Run(ctx context.Context) error {
	now := time.Now()
	for _, v := range l.heard {
		v.last = now
	}
	var watch sync.WaitGroup
	defer watch.Wait()
	ctx, stop := l.until(ctx)
	defer stop()
	watch.Go(func() { l.watch(ctx) })
	return l.source.Listen(ctx, l.deliver)
}

// deliver is a driver.Deliver.
func (l *Listener) deliver(id devices.ID, r driver.Reading, err error) {
	at := time.Now()
	l.mu.Lock()
	v, known := l.heard[id]
	if !known {
		l.mu.Unlock()
		return
	}
	v.last = at
	rec := wire.Record{Device: id, At: telemetry.At(at), Own: r.Own, Quality: r.Quality}
	if err != nil {
		rec.Quality, rec.Cause = telemetry.Bad, driver.Cause(err)
	} else {
		rec.Values = values(r.Values)
	}
	urgent := v.report(rec)
	l.count(rec, r, err)
	l.mu.Unlock()
	l.sink(rec, urgent)
}

// count notes a record; mu is held.
func (l *Listener) count(rec wire.Record, r driver.Reading, err error) {
	st := l.stats[rec.Device]
	before := st.Cause
	st.Polls++
	st.Cause = rec.Cause
	st.Tally.Add(r, err)
	if err != nil {
		st.Failed++
	}
	l.stats[rec.Device] = st
	switch {
	case rec.Cause != "" && rec.Cause != before:
		l.log.Warn("device is not heard", "device", rec.Device, "cause", rec.Cause, "error", err)
	case rec.Cause == "" && before != "":
		l.log.Info("device is heard again", "device", rec.Device)
	}
}

// watch calls devices silent that have not spoken for long.
func (l *Listener) watch(ctx context.Context) {
	for ctx.Err() == nil {
		sleep(ctx, minPatience/4)
		for _, rec := range l.silent(time.Now()) {
			l.sink(rec, false)
		}
	}
}

// silent returns the records that say so.
func (l *Listener) silent(now time.Time) (all []wire.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, v := range l.heard {
		if now.Sub(v.last) < max(patience*v.Every, minPatience) {
			continue
		}
		v.last = now
		rec := wire.Record{Device: id, At: telemetry.At(now), Quality: telemetry.Bad, Cause: Silent}
		l.count(rec, driver.Reading{}, &driver.ReadError{Device: id, Cause: driver.Timeout, Err: driver.Unanswered(driver.Silence, nil)})
		all = append(all, rec)
	}
	return all
}

// diagnose judges a line by its devices' tallies.
func diagnose(stats map[devices.ID]Stats) []driver.Finding {
	tallies := map[devices.ID]driver.Tally{}
	for id, st := range stats {
		tallies[id] = st.Tally
	}
	return driver.Diagnose(tallies)
}
