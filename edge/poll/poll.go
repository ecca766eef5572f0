// Package poll decides who is read when: one Scheduler per physical line, a
// period per device, retries and backoff for those that do not answer.
//
// It promises that a dead device never starves the others: while it fails it
// gets one attempt at a time, ever less often, and only when no healthy device
// is due. Every poll that was carried out becomes one record, good or bad; a
// failed one says why and carries no values. A command takes a turn between two
// readings. Devices that speak of themselves have a Listener instead, with one
// record for each thing they say and one when they fall silent. How a device is
// asked or heard is the driver's, where records go is the caller's.
package poll

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
)

// Task is one device and how often it is read.
type Task struct {
	Station driver.Station
	Every   time.Duration
}

// Sink takes the record of one poll, still without a number. urgent records
// travel before others. It may block briefly; the line waits for it. It must be
// safe for concurrent use: several lines, and connections of one, share it.
type Sink func(rec wire.Record, urgent bool)

// Options tunes a Scheduler.
type Options struct {
	Retries    int           // further attempts at once for a device that answered before; 0 = none
	MaxBackoff time.Duration // longest pause of a device that fails, unless its period is longer; 0 = 1 minute
	Pause      time.Duration // between two readings on the line
	Logger     *slog.Logger  // nil = silent
}

// spread is the longest time over which first readings are spread.
const spread = 2 * time.Second

// Scheduler reads the devices of one line.
type Scheduler struct {
	retirement
	name    string
	line    driver.Line
	sink    Sink
	opts    Options
	log     *slog.Logger
	jobs    []*job // owned by Run, as is what follows
	advised map[devices.ID]profile.Title

	turns   chan *command // capacity maxTurns; full: refused
	stopped chan struct{} // closed when Run ends

	mu    sync.Mutex
	stats map[devices.ID]Stats
}

// Stats is what happened to one device since the start.
type Stats struct {
	Polls  uint64 // carried out, retries not counted
	Failed uint64 // of these, without values
	Cause  string // why the newest one failed; empty = it did not
	Tally  driver.Tally
}

// job is one device's place in the schedule.
type job struct {
	Task
	next     time.Time
	phase    time.Time // when its readings fall, so that those of one period are spread over it
	settled  bool      // it reads in its phase
	failures int       // in a row
	urgent   bool      // the newest reading was
}

// New returns a Scheduler for the devices of the line called name.
func New(name string, line driver.Line, tasks []Task, sink Sink, o Options) *Scheduler {
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Scheduler{retirement: newRetirement(), name: name, line: line, sink: sink, opts: o, log: o.Logger.With("line", name), stats: map[devices.ID]Stats{}, advised: map[devices.ID]profile.Title{},
		turns: make(chan *command, maxTurns), stopped: make(chan struct{})}
	for _, t := range tasks {
		s.jobs = append(s.jobs, &job{Task: t})
		s.stats[t.Station.ID] = Stats{}
	}
	return s
}

// Name is the line's.
func (s *Scheduler) Name() string { return s.name }

// Stats returns a copy of the counts by device.
func (s *Scheduler) Stats() map[devices.ID]Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[devices.ID]Stats, len(s.stats))
	for id, st := range s.stats {
		all[id] = st
	}
	return all
}

// Findings says what is probably wrong with the line and its devices.
func (s *Scheduler) Findings() []driver.Finding { return diagnose(s.Stats()) }

// Run reads until ctx ends or the line is to retire, then closes the line.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.line.Close()
	idle, release := s.until(ctx)
	defer release()
	s.begin(time.Now())
	defer close(s.stopped)
	for obeyed := false; idle.Err() == nil; {
		j, wait := s.pick(time.Now())
		if j != nil {
			wait = 0
		}
		var c *command
		if j == nil || !obeyed {
			c = s.next(idle, wait)
		}
		obeyed = c != nil
		switch {
		case obeyed:
			s.obey(ctx, c)
		case j != nil:
			s.turn(ctx, j)
		default:
			continue
		}
		sleep(idle, s.opts.Pause)
	}
	return nil
}

// begin spreads the first readings a little, since somebody may be waiting for
// them, and those that follow over the whole period.
func (s *Scheduler) begin(now time.Time) {
	for i, j := range s.jobs {
		part := func(d time.Duration) time.Time { return now.Add(d * time.Duration(i) / time.Duration(len(s.jobs))) }
		j.next, j.phase = part(min(spread, j.Every)), part(j.Every)
	}
}

// settle moves the job, once, from the hasty beginning to its phase. A phase
// that is due at once waits for the next period.
func (j *job) settle(now time.Time) {
	if j.settled {
		return
	}
	j.settled = true
	if j.phase.Sub(now) < j.Every/4 && j.phase.After(j.next) {
		j.phase = j.phase.Add(j.Every)
	}
	j.next = j.phase.Add(-j.Every)
}

// pick returns the job to do now, or how long nothing is due.
func (s *Scheduler) pick(now time.Time) (*job, time.Duration) {
	var best *job
	wait := time.Hour
	for _, j := range s.jobs {
		late := now.Sub(j.next)
		if late < 0 {
			wait = min(wait, -late)
			continue
		}
		if best == nil || before(j, best, now) {
			best = j
		}
	}
	return best, wait
}

// before reports whether a goes before b when both are due: the healthy first,
// then the longest due. A failing device that waited another whole backoff in
// vain counts as healthy, so that a full line does not forget it.
func before(a, b *job, now time.Time) bool {
	first, second := a.patient(now), b.patient(now)
	if first != second {
		return second
	}
	return a.next.Before(b.next)
}

func (j *job) patient(now time.Time) bool {
	return j.failures > 0 && now.Sub(j.next) < j.Every<<min(j.failures, 8)
}

// turn polls one device, reports it and sets its next time.
func (s *Scheduler) turn(ctx context.Context, j *job) {
	at := time.Now()
	r, err := s.ask(ctx, j)
	if ctx.Err() != nil {
		return // a poll that was broken off is none
	}
	rec := wire.Record{Device: j.Station.ID, At: telemetry.At(at), Own: r.Own, Quality: r.Quality}
	if err != nil {
		rec.Quality, rec.Cause = telemetry.Bad, driver.Cause(err)
	} else {
		rec.Values = values(r.Values)
	}
	s.note(j, rec, r, err)
	s.sink(rec, j.report(rec))
	j.plan(at, err, s.opts.MaxBackoff)
}

// ask reads once, and again at once if that can help a device that is healthy.
func (s *Scheduler) ask(ctx context.Context, j *job) (r driver.Reading, err error) {
	for attempt := 0; ; attempt++ {
		r, err = s.line.Read(ctx, j.Station)
		if err == nil || attempt >= s.opts.Retries || j.failures > 0 || !driver.MayRetry(err) || ctx.Err() != nil {
			return r, err
		}
		s.healed(j, r, err)
	}
}

// healed counts an answer that came damaged and is asked for again: a line
// without termination works thanks to retries, and has to be repaired still.
func (s *Scheduler) healed(j *job, r driver.Reading, err error) {
	switch driver.SymptomOf(r, err) {
	case driver.Checksum, driver.Garbage:
		s.mu.Lock()
		defer s.mu.Unlock()
		st := s.stats[j.Station.ID]
		st.Tally.Add(r, err)
		s.stats[j.Station.ID] = st
	}
}

// report reports whether rec is urgent: it is beyond a threshold, or the first
// that no longer is.
func (j *job) report(rec wire.Record) bool {
	if rec.Quality == telemetry.Bad {
		return false
	}
	was := j.urgent
	j.urgent = false
	for _, m := range j.Station.Profile.Metrics {
		if v, ok := rec.Values[m.Name]; ok && m.Alarm.Urgent(v) {
			j.urgent = true
		}
	}
	return was || j.urgent
}

// plan sets the next time after a poll that began at began: the next slot of
// the period that is not past, or after a failure ever later. A poll that came
// late has done the work of a slot less than half a period behind it, too: two
// readings within one millisecond would be one instant of the device. A line
// that is down is no fault of the device.
func (j *job) plan(began time.Time, err error, longest time.Duration) {
	now := time.Now()
	if err != nil && driver.Cause(err) != driver.LineDown {
		j.failures++
		pause := time.Duration(min(float64(j.Every)*math.Pow(2, float64(j.failures)), float64(max(longest, j.Every))))
		j.next = now.Add(pause)
		return
	}
	if err == nil {
		j.failures = 0
	}
	j.settle(now)
	j.next = j.next.Add(j.Every)
	soonest := began.Add(j.Every / 2)
	if now.After(soonest) {
		soonest = now
	}
	if late := soonest.Sub(j.next); late > 0 {
		j.next = j.next.Add(late.Truncate(j.Every) + j.Every)
	}
}

// note counts the poll and logs the change between answering and silent.
func (s *Scheduler) note(j *job, rec wire.Record, r driver.Reading, err error) {
	s.mu.Lock()
	st := s.stats[j.Station.ID]
	before := st.Cause
	st.Polls++
	st.Tally.Add(r, err)
	st.Cause = rec.Cause
	if err != nil {
		st.Failed++
	}
	s.stats[j.Station.ID] = st
	s.mu.Unlock()
	switch {
	case rec.Cause != "" && rec.Cause != before:
		s.log.Warn("device does not answer", "device", j.Station.ID, "cause", rec.Cause, "error", err)
	case rec.Cause == "" && before != "":
		s.log.Info("device answers again", "device", j.Station.ID)
	}
	if err != nil || r.Overlap {
		s.advise()
	}
}

// advise logs what is probably wrong, when it is another thing than before.
func (s *Scheduler) advise() {
	for _, f := range s.Findings() {
		if s.advised[f.Device] != f.Text {
			s.advised[f.Device] = f.Text
			s.log.Warn("line needs an installer", "device", f.Device, "look", f.Text.EN)
		}
	}
}

func values(fields []telemetry.Field) map[string]float64 {
	m := make(map[string]float64, len(fields))
	for _, f := range fields {
		m[f.Metric] = f.Value
	}
	return m
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
