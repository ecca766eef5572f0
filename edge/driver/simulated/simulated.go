// Package simulated is a line of devices that do not exist: slow, plausible
// curves with a day's rhythm and noise, and now and then a hazard.
//
// Every value is a pure function of (seed, device, metric, time), so a restart
// continues the same street and a test can ask for any instant; only what a
// command has set stays as it was set, until the program ends. What curve a
// metric follows is written in its profile. Nothing here pretends to be a
// measurement: profiles and this driver say "simulated".
package simulated

import (
	"context"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
)

// Line invents readings. It is safe for concurrent use.
type Line struct {
	seed    uint64
	hazards schedule
	now     func() time.Time

	mu  sync.Mutex
	set map[devices.ID]map[string]float64 // by metric: what was commanded
}

var _ driver.Commander = (*Line)(nil)

// New returns the line that l describes. stations are the devices on it: one
// of those whose profile knows a hazard is chosen for each.
func New(l profile.Line, stations []driver.Station, now func() time.Time) *Line {
	s := schedule{seed: l.Seed, every: l.HazardEvery}
	for _, st := range stations {
		if lasts := hazardLasts(st.Profile); lasts > 0 {
			s.subjects = append(s.subjects, subject{st.ID, lasts})
		}
	}
	return &Line{seed: l.Seed, hazards: s, now: now, set: map[devices.ID]map[string]float64{}}
}

// Read invents the reading of this moment.
func (l *Line) Read(ctx context.Context, s driver.Station) (driver.Reading, error) {
	if err := ctx.Err(); err != nil {
		return driver.Reading{}, err
	}
	return l.at(s, l.now()), nil
}

// Write sets the metric that tells the outcome of control; a pulse is over at
// once.
func (l *Line) Write(ctx context.Context, s driver.Station, control string, value float64) (driver.Reading, error) {
	c := s.Profile.Control(control)
	if c == nil {
		return driver.Reading{}, &driver.ReadError{Device: s.ID, Cause: driver.Unfit, Err: driver.ErrNoControl}
	}
	if m := s.Profile.Outcome(c); m != nil && !c.Pulse {
		l.hold(s.ID, m.Name, value)
	}
	return l.Read(ctx, s)
}

func (l *Line) hold(id devices.ID, metric string, value float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.set[id] == nil {
		l.set[id] = map[string]float64{}
	}
	l.set[id][metric] = value
}

// held is what a device's metric was set to.
func (l *Line) held(id devices.ID, metric string) (float64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.set[id][metric]
	return v, ok
}

// Close does nothing.
func (l *Line) Close() error { return nil }

// at is the reading of s at t.
func (l *Line) at(s driver.Station, t time.Time) driver.Reading {
	danger := l.hazards.level(s.ID, t)
	r := driver.Reading{Values: make([]telemetry.Field, len(s.Profile.Metrics))}
	for i := range s.Profile.Metrics {
		m := &s.Profile.Metrics[i]
		r.Values[i].Metric = m.Name
		if m.Simulate != nil {
			w := wave{seed: mix(l.seed, string(s.ID), m.Name), Curve: m.Simulate}
			r.Values[i].Value = w.at(t, danger)
		}
		if v, ok := l.held(s.ID, m.Name); ok {
			r.Values[i].Value = v
		}
		if rg := m.Range; rg != nil && (r.Values[i].Value < rg[0] || r.Values[i].Value > rg[1]) {
			r.Quality = telemetry.Uncertain
		}
	}
	return r
}

func hazardLasts(p *profile.Profile) time.Duration {
	for _, m := range p.Metrics {
		if m.Simulate != nil && m.Simulate.Hazard != nil {
			return m.Simulate.Lasts
		}
	}
	return 0
}
