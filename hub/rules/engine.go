package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

// What happened to a hazard.
const (
	RaisedNow   = "raised"
	ClearedNow  = "cleared"
	SuppressNow = "suppressed" // late data would have raised it
)

// Transition is one change that the engine found.
type Transition struct {
	What   string
	Hazard Hazard
}

// Engine evaluates rules over points. It holds no clock and does no I/O: its
// state is a function of the rules and of what Step and Describe were given,
// in order. It is not safe for concurrent use.
type Engine struct {
	rules  []Rule
	byKind map[string][]int
	state  state
}

type state struct {
	Runs     map[string]*run        `json:"runs"` // rule NUL device
	Subjects map[devices.ID]subject `json:"subjects"`
	Service  map[devices.ID]service `json:"service,omitempty"`
}

// subject is what an inventory says of a device, as far as hazards show it.
type subject struct {
	Place geo.Point         `json:"place"`
	Grid  string            `json:"grid"`
	Units map[string]string `json:"units"`
}

// run is one rule's view of one device. Late follows data that came after
// newer data had been judged; it may only suppress.
type run struct {
	Last  telemetry.Millis `json:"last"`            // newest event time judged
	Since telemetry.Millis `json:"since,omitempty"` // first sample of the present run; 0 = none
	Peak  float64          `json:"peak,omitempty"`
	Open  *Hazard          `json:"open,omitempty"`
	Late  *run             `json:"late,omitempty"`

	Service *run `json:"service,omitempty"` // follows data of the maintenance that lasts; likewise
}

// New checks the rules, all of them at once.
func New(rules []Rule) (*Engine, error) {
	e := &Engine{rules: rules, byKind: map[string][]int{}, state: empty()}
	var errs []error
	names := map[string]bool{}
	for i, r := range rules {
		if names[r.Name] {
			errs = append(errs, fmt.Errorf("rule %q is defined twice", r.Name))
		}
		names[r.Name] = true
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("rule %q: %w", r.Name, err))
		}
		e.byKind[r.Kind] = append(e.byKind[r.Kind], i)
	}
	return e, errors.Join(errs...)
}

func empty() state {
	return state{Runs: map[string]*run{}, Subjects: map[devices.ID]subject{}, Service: map[devices.ID]service{}}
}

// State returns the engine's memory, to be saved with the cursor.
func (e *Engine) State() ([]byte, error) { return json.Marshal(e.state) }

// Restore brings State back. Runs of rules that no longer exist are dropped.
func (e *Engine) Restore(b []byte) error {
	s := empty()
	if len(b) > 0 {
		if err := json.Unmarshal(b, &s); err != nil {
			return fmt.Errorf("rules state: %w", err)
		}
	}
	known := map[string]bool{}
	for _, r := range e.rules {
		known[r.Name] = true
	}
	for key := range s.Runs {
		if name, _, _ := strings.Cut(key, "\x00"); !known[name] {
			delete(s.Runs, key)
		}
	}
	e.state = s
	return nil
}

func runKey(rule string, device devices.ID) string { return rule + "\x00" + string(device) }

// Describe takes what an inventory says of its devices. It came at this instant
// of the hub's clock.
func (e *Engine) Describe(s *wire.Stock, at telemetry.Millis) {
	for _, d := range s.Devices {
		units := make(map[string]string, len(d.Metrics))
		for _, m := range d.Metrics {
			units[m.Name] = m.Unit
		}
		e.state.Subjects[d.ID] = subject{Place: geo.Point{Lon: d.Place.Lon, Lat: d.Place.Lat}, Grid: d.Place.Grid, Units: units}
		e.filed(d.ID, d.Maintenance, at)
	}
}

// Step judges one point and returns what changed, in the order of the rules.
// Points of Bad quality carry no values and change nothing.
func (e *Engine) Step(p *telemetry.Point) []Transition {
	var out []Transition
	for _, i := range e.byKind[p.Kind] {
		r := &e.rules[i]
		at := slices.IndexFunc(p.Fields, func(f telemetry.Field) bool { return f.Metric == r.Metric })
		if at < 0 {
			continue
		}
		key := runKey(r.Name, p.Device)
		n := e.state.Runs[key]
		if n == nil {
			n = &run{}
			e.state.Runs[key] = n
		}
		if t, changed := e.judge(r, n, p, p.Fields[at].Value); changed {
			out = append(out, t)
		}
	}
	return out
}

// judge steps one run. Late points go to the run's shadow, whose hazards are
// only listed.
func (e *Engine) judge(r *Rule, n *run, p *telemetry.Point, v float64) (Transition, bool) {
	if p.At > n.Last {
		if n.Open == nil && e.maintained(p.Device, p.At) {
			return e.spare(r, n, p, v)
		}
		n.Service = nil
		return e.advance(r, n, p, v)
	}
	if n.Late == nil {
		n.Late = &run{}
	}
	if p.At <= n.Late.Last {
		return Transition{}, false
	}
	t, changed := e.advance(r, n.Late, p, v)
	if !changed || t.What != RaisedNow {
		return Transition{}, false
	}
	t.What, t.Hazard.Reason = SuppressNow, Late
	return t, true
}

func (e *Engine) advance(r *Rule, n *run, p *telemetry.Point, v float64) (Transition, bool) {
	n.Last = p.At
	switch {
	case n.Open != nil:
		return e.follow(r, n, p, v)
	case !r.Raise.Holds(v):
		n.Since = 0
		return Transition{}, false
	case n.Since == 0:
		n.Since, n.Peak = p.At, v
	case r.Raise.more(v, n.Peak):
		n.Peak = v
	}
	if p.At.Sub(n.Since) < r.For {
		return Transition{}, false
	}
	h := e.hazard(r, n, p, v)
	n.Open = &h
	return Transition{RaisedNow, h}, true
}

// follow watches an open hazard until its clear condition holds.
func (e *Engine) follow(r *Rule, n *run, p *telemetry.Point, v float64) (Transition, bool) {
	if r.Raise.more(v, n.Open.Peak) {
		n.Open.Peak = v
	}
	if !r.Clear.Holds(v) {
		return Transition{}, false
	}
	h := *n.Open
	h.Cleared = p.At
	n.Open, n.Since, n.Peak = nil, 0, 0
	return Transition{ClearedNow, h}, true
}

func (e *Engine) hazard(r *Rule, n *run, p *telemetry.Point, v float64) Hazard {
	s := e.state.Subjects[p.Device]
	return Hazard{ID: HazardFor(r.Name, p.Device, n.Since), Rule: r.Name, Device: p.Device, Kind: p.Kind, Metric: r.Metric,
		Unit: s.Units[r.Metric], Title: r.Title, Matter: r.Matter, Severity: r.Severity, Place: s.Place, Grid: s.Grid,
		Since: n.Since, Raised: p.At, Value: v, Peak: n.Peak}
}

// HazardFor derives a hazard's id from its rule, its subject and the event
// time of the first sample of the run, so that a replay finds the same one.
func HazardFor(rule string, subject devices.ID, first telemetry.Millis) identity.HazardID {
	sum := sha256.Sum256(fmt.Appendf(nil, "gridhub hazard\x00%s\x00%s\x00%d", rule, subject, first))
	return identity.HazardID("h-" + hex.EncodeToString(sum[:8]))
}

// OpenHazards lists what is raised and not cleared, oldest first.
func (e *Engine) OpenHazards() []Hazard {
	var out []Hazard
	for _, n := range e.state.Runs {
		if n.Open != nil {
			out = append(out, *n.Open)
		}
	}
	slices.SortFunc(out, func(a, b Hazard) int { return cmp.Or(cmp.Compare(a.Raised, b.Raised), cmp.Compare(a.ID, b.ID)) })
	return out
}
