package live

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

const (
	flushEvery = 250 * time.Millisecond // changes of one thing within it become one
	checkEvery = 5 * time.Second        // whether something went stale
	staleAfter = 3                      // periods without a reading
	leastStale = 30 * time.Second
	maxMetrics = 64   // shown of a device that names its metrics itself
	feedSize   = 4096 // changes waiting for one screen; a slower one is cut off
)

// Board is what is true now. It is safe for concurrent use.
type Board struct {
	now func() time.Time

	mu      sync.Mutex
	devices map[devices.ID]*DeviceState
	people  map[identity.PersonID]*PersonState
	tracks  map[identity.PersonID]*geo.Tracker
	dirty   map[any]bool // devices.ID or identity.PersonID
	feeds   map[chan Change]bool
}

// NewBoard returns an empty board.
func NewBoard(now func() time.Time) *Board {
	return &Board{now: now, devices: map[devices.ID]*DeviceState{}, people: map[identity.PersonID]*PersonState{},
		tracks: map[identity.PersonID]*geo.Tracker{}, dirty: map[any]bool{}, feeds: map[chan Change]bool{}}
}

// Describe makes a device appear, or changes what it is called and where it
// stands; its values stay.
func (b *Board) Describe(gateway devices.ID, e wire.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.device(e.ID)
	d.Name, d.Kind, d.Profile, d.Gateway, d.Place, d.Period = e.Name, e.Kind, e.Profile, gateway, e.Place, e.Period
	if gateway == "" {
		return
	}
	values := make([]Value, 0, len(e.Metrics))
	for _, m := range e.Metrics {
		v := Value{Name: m.Name}
		if i := slices.IndexFunc(d.Values, func(v Value) bool { return v.Name == m.Name }); i >= 0 {
			v = d.Values[i]
		}
		v.Unit, v.Min, v.Max = m.Unit, m.Min, m.Max
		values = append(values, v)
	}
	d.Values = values
}

// device needs the lock; it marks the device as changed.
func (b *Board) device(id devices.ID) *DeviceState {
	d := b.devices[id]
	if d == nil {
		d = &DeviceState{ID: id, Health: "unknown", Quality: telemetry.Good.String(), Values: []Value{}}
		b.devices[id] = d
	}
	b.dirty[id] = true
	return d
}

// Forget removes a device that no inventory names any more.
func (b *Board) Forget(id devices.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.devices, id)
}

// Point takes a reading of a device that was described. Each metric keeps the
// newest event time; an older point changes nothing, and no screen hears of it:
// a backlog that drains is not news.
func (b *Board) Point(p *telemetry.Point) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.devices[p.Device]
	if d == nil {
		return
	}
	changed := p.At >= d.Heard
	if changed {
		d.Heard, d.Quality = p.At, p.Quality.String()
	}
	for _, f := range p.Fields {
		i := slices.IndexFunc(d.Values, func(v Value) bool { return v.Name == f.Metric })
		if i < 0 && d.Gateway == "" && len(d.Values) < maxMetrics {
			i = len(d.Values) // who speaks for itself has no inventory that names its metrics
			d.Values = append(d.Values, Value{Name: f.Metric})
		}
		if i >= 0 && p.At > d.Values[i].At {
			v := f.Value
			d.Values[i].Value, d.Values[i].At, changed = &v, p.At, true
		}
	}
	if h := health(d, b.now()); h != d.Health {
		d.Health, changed = h, true
	}
	if changed {
		b.dirty[p.Device] = true
	}
}

// health says whether a device speaks as often as its profile promises.
func health(d *DeviceState, now time.Time) string {
	limit := max(staleAfter*time.Duration(d.Period)*time.Millisecond, leastStale)
	switch {
	case d.Heard == 0:
		return "unknown"
	case telemetry.At(now).Sub(d.Heard) > limit:
		return "stale"
	case d.Quality == telemetry.Bad.String():
		return "fault"
	}
	return "fresh"
}

// Hazard marks a device as the subject of an open hazard, or of none.
func (b *Board) Hazard(device devices.ID, open identity.HazardID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.devices[device] != nil {
		b.device(device).Hazard = open
	}
}

// person needs the lock; it marks the person as changed.
func (b *Board) person(id identity.PersonID) *PersonState {
	p := b.people[id]
	if p == nil {
		p = &PersonState{ID: id, Presence: "unknown", Speed: -1, Battery: -1}
		b.people[id] = p
	}
	b.dirty[id] = true
	return p
}

// Position takes a fix of a person. grid is where it lies.
func (b *Board) Position(id identity.PersonID, f *telemetry.Position, grid string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.person(id)
	if f.At <= p.At {
		return
	}
	place := geo.Point{Lon: f.Lon, Lat: f.Lat}
	p.At, p.Position, p.Accuracy, p.Speed, p.Battery, p.Grid = f.At, &place, f.Accuracy, f.Speed, f.Battery, grid
	t := b.tracks[id]
	if t == nil {
		t = geo.NewTracker(geo.OnFoot())
		b.tracks[id] = t
	}
	t.Add(geo.Fix{Point: place, At: f.At, Accuracy: f.Accuracy, Speed: f.Speed})
	p.StillSince = t.StillSince()
}

// Presence says whether one of the person's terminals is connected.
func (b *Board) Presence(id identity.PersonID, online bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.person(id).Presence = map[bool]string{true: "online", false: "offline"}[online]
}

// Duty says whether a person is on duty. Off duty, the position is forgotten.
func (b *Board) Duty(id identity.PersonID, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.person(id)
	p.OnDuty = on
	if !on {
		p.Position, p.At, p.StillSince, p.Grid = nil, 0, 0, ""
		delete(b.tracks, id)
	}
}

// Work says on which case a person works; "" for none.
func (b *Board) Work(id identity.PersonID, on identity.CaseID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.person(id).Case = on
}

// Done clears a case from whoever worked on it.
func (b *Board) Done(which identity.CaseID, but identity.PersonID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, p := range b.people {
		if p.Case == which && id != but {
			b.person(id).Case = ""
		}
	}
}

// Devices is a snapshot, by id.
func (b *Board) Devices() []DeviceState {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]DeviceState, 0, len(b.devices))
	for _, d := range b.devices {
		out = append(out, copyOf(d))
	}
	slices.SortFunc(out, func(x, y DeviceState) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

// copyOf detaches the values, so that readers and the board do not meet.
func copyOf(d *DeviceState) DeviceState {
	c := *d
	c.Values = slices.Clone(d.Values)
	return c
}

// People is a snapshot, by number.
func (b *Board) People() []PersonState {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]PersonState, 0, len(b.people))
	for _, p := range b.people {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(x, y PersonState) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

// Subscribe opens a feed of changes. The channel is closed when its reader
// falls feedSize changes behind, and by cancel.
func (b *Board) Subscribe() (<-chan Change, func()) {
	c := make(chan Change, feedSize)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.feeds[c] = true
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.drop(c)
	}
}

func (b *Board) drop(c chan Change) {
	if b.feeds[c] {
		delete(b.feeds, c)
		close(c)
	}
}

// Publish tells every screen of something that another feature owns.
func (b *Board) Publish(body any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tell(body)
}

func (b *Board) tell(body any) {
	for c := range b.feeds {
		select {
		case c <- Change{Body: body}:
		default:
			b.drop(c)
		}
	}
}

// Run tells the screens what changed until ctx ends.
func (b *Board) Run(ctx context.Context) error {
	flush, check := time.NewTicker(flushEvery), time.NewTicker(checkEvery)
	defer flush.Stop()
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-check.C:
			b.age()
		case <-flush.C:
			b.flush()
		}
	}
}

// age looks for devices that went stale.
func (b *Board) age() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, d := range b.devices {
		if h := health(d, b.now()); h != d.Health {
			d.Health = h
			b.dirty[id] = true
		}
	}
}

func (b *Board) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.dirty {
		switch id := key.(type) {
		case devices.ID:
			if d := b.devices[id]; d != nil {
				b.tell(copyOf(d))
			}
		case identity.PersonID:
			b.tell(*b.people[id])
		}
	}
	clear(b.dirty)
}
