package health

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Evaluator is told what comes in, in order, and returns what is broken. It is
// not safe for concurrent use.
type Evaluator struct {
	silenced func(devices.ID) bool
	state    state
	changed  []Outage
	dirty    map[devices.ID]bool         // gateways to judge again
	behind   map[devices.ID][]devices.ID // each gateway's devices, sorted
}

type state struct {
	Now      telemetry.Millis        `json:"now"`
	Gateways map[devices.ID]*gateway `json:"gateways"`
	Devices  map[devices.ID]*device  `json:"devices"`
	Open     map[string]*Outage      `json:"open"` // by key
	Ever     map[string][]devices.ID `json:"ever"` // devices that each open one has had
	Clocks   map[devices.ID]*clock   `json:"clocks"`
}

// presence is what is known of a gateway's connection.
type presence string

const (
	unknown presence = ""
	online  presence = "online"
	offline presence = "offline"
)

// gateway is who speaks for devices. Times are the hub's.
type gateway struct {
	Presence presence         `json:"presence,omitempty"`
	Left     telemetry.Millis `json:"left,omitempty"`  // when it was noticed to be gone
	Clean    bool             `json:"clean,omitempty"` // it said that it would
	Heard    telemetry.Millis `json:"heard"`
	From     telemetry.Millis `json:"from"` // silence counts from here at the earliest
	Back     *absence         `json:"back,omitempty"`
	Due      telemetry.Millis `json:"due,omitempty"` // when to judge again, if nothing comes
}

// absence is the newest one that ended, until it is explained.
type absence struct {
	Heard telemetry.Millis `json:"heard"` // before
	At    telemetry.Millis `json:"at"`    // the return
	Clean bool             `json:"clean,omitempty"`
	Fault Outage           `json:"fault"`
}

// device is what is read. Times are event times, except From.
type device struct {
	Gateway     devices.ID       `json:"gateway"`
	Line        string           `json:"line,omitempty"`
	Period      int64            `json:"period_ms,omitempty"`
	Maintenance bool             `json:"maintenance,omitempty"`
	From        telemetry.Millis `json:"from"`
	Last        telemetry.Millis `json:"last,omitempty"`    // newest reading, good or bad
	Good        telemetry.Millis `json:"good,omitempty"`    // newest with values
	Well        telemetry.Millis `json:"well,omitempty"`    // first with values after the newest run of failures
	Failing     telemetry.Millis `json:"failing,omitempty"` // first failed reading of the present run
	Failures    int              `json:"failures,omitempty"`
	Cause       string           `json:"cause,omitempty"`
	Percent     string           `json:"percent,omitempty"` // the metric that is its battery's charge
	Charge      float64          `json:"charge,omitempty"`
	Charged     bool             `json:"charged,omitempty"` // Charge was heard
	Weak        bool             `json:"weak,omitempty"`    // it said low-battery
}

// NewEvaluator returns one that was told nothing. silenced may be nil; it names
// devices that are worked on, whose silence is no fault.
func NewEvaluator(silenced func(devices.ID) bool) *Evaluator {
	if silenced == nil {
		silenced = func(devices.ID) bool { return false }
	}
	return &Evaluator{silenced: silenced, state: empty(), dirty: map[devices.ID]bool{}, behind: map[devices.ID][]devices.ID{}}
}

func empty() state {
	return state{Gateways: map[devices.ID]*gateway{}, Devices: map[devices.ID]*device{}, Open: map[string]*Outage{}, Ever: map[string][]devices.ID{}, Clocks: map[devices.ID]*clock{}}
}

// State returns the memory, to be saved with the journal's cursor.
func (e *Evaluator) State() ([]byte, error) { return json.Marshal(&e.state) }

// Restore brings State back.
func (e *Evaluator) Restore(b []byte) error {
	s := empty()
	if len(b) > 0 {
		if err := json.Unmarshal(b, &s); err != nil {
			return fmt.Errorf("health: saved state: %w", err)
		}
	}
	for key, f := range s.Open {
		f.key = key
	}
	e.state = s
	e.index()
	return nil
}

// index sorts the devices by gateway.
func (e *Evaluator) index() {
	clear(e.behind)
	for _, id := range slices.Sorted(maps.Keys(e.state.Devices)) {
		gw := e.state.Devices[id].Gateway
		e.behind[gw] = append(e.behind[gw], id)
	}
}

// Open lists the faults that last, oldest first.
func (e *Evaluator) Open() []Outage {
	var all []Outage
	for _, f := range e.state.Open {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Outage) int { return cmp.Or(cmp.Compare(a.Since, b.Since), strings.Compare(a.ID, b.ID)) })
	return all
}

// take hands out what changed since the last time.
func (e *Evaluator) take() []Outage {
	all := e.changed
	e.changed = nil
	return all
}

// Inventory replaces the devices of a gateway.
func (e *Evaluator) Inventory(at telemetry.Millis, from devices.ID, s *wire.Stock) {
	e.gateway(from)
	named := map[devices.ID]bool{}
	for i := range s.Devices {
		n := &s.Devices[i]
		named[n.ID] = true
		d := e.state.Devices[n.ID]
		if d == nil || d.Gateway != from {
			if d != nil {
				e.dirty[d.Gateway] = true
			}
			d = &device{From: at}
			e.state.Devices[n.ID] = d
		}
		if d.Maintenance && !n.Maintenance {
			d.From = at
		}
		d.Gateway, d.Line, d.Period, d.Maintenance, d.Percent = from, n.Line, n.Period, n.Maintenance, battery(n)
	}
	for id, d := range e.state.Devices {
		if d.Gateway == from && !named[id] {
			delete(e.state.Devices, id)
		}
	}
	e.index()
	e.dirty[from] = true
}

// battery is the metric that says how full a device's battery is.
func battery(n *wire.Entry) string {
	for _, m := range n.Metrics {
		if strings.HasPrefix(m.Name, "battery") && m.Unit == "%" {
			return m.Name
		}
	}
	return ""
}

func (e *Evaluator) gateway(id devices.ID) *gateway {
	g := e.state.Gateways[id]
	if g == nil {
		g = &gateway{From: e.state.Now}
		e.state.Gateways[id] = g
	}
	return g
}

// Heard notes that a message of id came, which was not its will.
func (e *Evaluator) Heard(at telemetry.Millis, id devices.ID) {
	g := e.state.Gateways[id]
	if g == nil {
		return
	}
	if g.Presence != online {
		g.Back = nil
		if f := e.state.Open[gatewayKey(id)]; f != nil {
			g.Back = &absence{Heard: g.Heard, At: at, Clean: g.Clean, Fault: *f}
		}
		g.Presence, g.Clean, g.From = online, false, at
		e.dirty[id] = true
	}
	g.Heard = max(g.Heard, at)
}

// Presence takes a status: the gateway's own, or its will.
func (e *Evaluator) Presence(at telemetry.Millis, id devices.ID, p *wire.Presence) {
	g := e.state.Gateways[id]
	if g == nil {
		return // nobody's gateway
	}
	if p.Online {
		e.Heard(at, id)
		e.explain(at, id, g, p)
		return
	}
	if g.Presence != offline {
		g.Presence, g.Left, g.Clean = offline, at, p.Cause == "stopped"
		e.dirty[id] = true
	}
}

// Answered takes a reading with values. An older one than the newest changes
// nothing.
func (e *Evaluator) Answered(p *telemetry.Point) {
	d := e.state.Devices[p.Device]
	if d == nil || p.At <= d.Last {
		return
	}
	d.Last, d.Good, d.Weak = p.At, p.At, false
	for _, f := range p.Fields {
		if f.Metric == d.Percent {
			d.Charge, d.Charged = f.Value, true
		}
	}
	if d.Failing != 0 {
		d.Well, d.Failing, d.Failures, d.Cause = p.At, 0, 0, ""
		e.dirty[d.Gateway] = true
	} else if e.state.Open[deviceKey(p.Device)] != nil || e.lineFault(d) != nil {
		e.dirty[d.Gateway] = true
	}
}

// Failed takes a reading that brought no values. What is told long after raises
// nothing: it was over, or is told again.
func (e *Evaluator) Failed(at telemetry.Millis, id devices.ID, cause string) {
	d := e.state.Devices[id]
	if d == nil || at <= d.Last || e.state.Now.Sub(at) > tooLate {
		return
	}
	d.Last, d.Cause = at, cause
	if d.Failing == 0 {
		d.Failing = at
	}
	d.Failures++
	e.dirty[d.Gateway] = true
}

// Reconsider judges everything anew, since what is silenced may have changed.
func (e *Evaluator) Reconsider() {
	for id := range e.state.Gateways {
		e.dirty[id] = true
	}
}

// Weak notes that a device said its battery is low.
func (e *Evaluator) Weak(id devices.ID) {
	if d := e.state.Devices[id]; d != nil {
		d.Weak = true
	}
}

// Began notes that the hub starts; it is told without Advance before, since what
// became due meanwhile nobody could have heard. Who is connected is unknown until they
// return, and nobody's silence counts from before.
func (e *Evaluator) Began(at telemetry.Millis) {
	e.state.Now = max(e.state.Now, at)
	for id, g := range e.state.Gateways {
		if g.Presence == online {
			g.Presence = unknown
		}
		g.From = max(g.From, at)
		e.dirty[id] = true
	}
}

// Advance moves time to now and judges whatever that makes due, each at its own
// moment. It returns what changed since it was called last. It is called with
// the time of a message before what is in it is told, and again behind it.
func (e *Evaluator) Advance(now telemetry.Millis) []Outage {
	for _, id := range slices.Sorted(maps.Keys(e.dirty)) {
		e.judge(id, e.state.Now)
	}
	clear(e.dirty)
	for _, id := range e.due(now) {
		for g := e.state.Gateways[id]; g.Due != 0 && g.Due <= now; {
			e.judge(id, g.Due)
		}
	}
	e.state.Now = max(e.state.Now, now)
	return e.take()
}

// due lists the gateways that are to be judged until now, the earliest first.
func (e *Evaluator) due(now telemetry.Millis) (ids []devices.ID) {
	for id, g := range e.state.Gateways {
		if g.Due != 0 && g.Due <= now {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b devices.ID) int {
		return cmp.Or(cmp.Compare(e.state.Gateways[a].Due, e.state.Gateways[b].Due), strings.Compare(string(a), string(b)))
	})
	return ids
}

func (d *device) every() time.Duration { return time.Duration(d.Period) * time.Millisecond }
