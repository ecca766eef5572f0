package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/history"
	"gridhub/hub/identity"
	"gridhub/hub/intake"
	"gridhub/hub/live"
	"gridhub/hub/people"
	"gridhub/hub/registry"
	"gridhub/hub/rules"
)

// offDuty is the cause under which a fix is dropped that was taken off duty.
const offDuty = "off-duty"

// duties decides which fixes are dropped: those that a person's terminal sent
// while the person was off duty, except a call for help.
type duties struct {
	registry *registry.Registry
	staff    *people.Directory
}

func (d duties) expired(ctx context.Context, p telemetry.Position) (cause string, dropped bool, err error) {
	who, bound := d.registry.Carrier(p.Device, p.At)
	if !bound || p.SOS {
		return "", false, nil
	}
	on, err := d.staff.OnDuty(ctx, who, p.At)
	return offDuty, !on, err
}

// keep returns the fixes that may be kept.
func (d duties) keep(ctx context.Context, all []telemetry.Position) ([]telemetry.Position, error) {
	out := all[:0:0]
	for _, p := range all {
		_, dropped, err := d.expired(ctx, p)
		if err != nil {
			return nil, err
		}
		if !dropped {
			out = append(out, p)
		}
	}
	return out, nil
}

// keeper brings points into the history.
type keeper struct {
	*history.Writer
	duties duties
	points []telemetry.Point // of the batch at hand
}

func (*keeper) Name() string { return "history" }

// Handle hands a batch on as one: the writer wakes once, not for each message.
func (k *keeper) Handle(ctx context.Context, batch []intake.Decoded) error {
	k.points = k.points[:0]
	var spots []telemetry.Position
	for i := range batch {
		k.points = append(k.points, batch[i].Points...)
		kept, err := k.duties.keep(ctx, batch[i].Positions)
		if err != nil {
			return err
		}
		spots = append(spots, kept...)
	}
	err := k.Put(ctx, k.points, spots)
	clear(k.points) // what it refers to must not live on
	return err
}

// watch runs the rules over what comes in, and hears calls for help. What the engine found and the book
// has not taken yet waits in pending, which is saved with the engine, so that
// a failing store neither loses nor repeats a hazard.
type watch struct {
	engine *rules.Engine
	book   interface {
		Apply(ctx context.Context, t rules.Transition) error
	}
	help interface {
		Happened(ctx context.Context, e intake.Happening) error // harmless when repeated
	}
	memory watchMemory
}

type watchMemory struct {
	Engine  json.RawMessage    `json:"engine"`
	Done    uint64             `json:"done"` // newest record that the engine has seen
	Pending []rules.Transition `json:"pending,omitempty"`
}

func (*watch) Name() string { return "rules" }

func (w *watch) Handle(ctx context.Context, batch []intake.Decoded) error {
	for i := range batch {
		d := &batch[i]
		if d.Number > w.memory.Done {
			w.see(d)
		}
		if err := w.settle(ctx); err != nil {
			return err
		}
		for _, e := range d.Happenings {
			if err := w.help.Happened(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *watch) see(d *intake.Decoded) {
	if d.Inventory != nil {
		w.engine.Describe(d.Inventory, d.At)
	}
	for _, m := range d.Maintenance {
		w.engine.Maintain(m.Device, m.From, m.Until)
	}
	for i := range d.Points {
		w.memory.Pending = append(w.memory.Pending, w.engine.Step(&d.Points[i])...)
	}
	w.memory.Done = d.Number
}

func (w *watch) settle(ctx context.Context) error {
	for len(w.memory.Pending) > 0 {
		if err := w.book.Apply(ctx, w.memory.Pending[0]); err != nil {
			return err
		}
		w.memory.Pending = w.memory.Pending[1:]
	}
	return nil
}

// Save returns the engine's memory and what waits.
func (w *watch) Save() []byte {
	var err error
	if w.memory.Engine, err = w.engine.State(); err != nil {
		panic(err) // a map of plain values cannot fail to be written
	}
	b, err := json.Marshal(w.memory)
	if err != nil {
		panic(err)
	}
	return b
}

// Restore brings Save back.
func (w *watch) Restore(b []byte) error {
	w.memory = watchMemory{}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &w.memory); err != nil {
			return fmt.Errorf("rules: saved state: %w", err)
		}
	}
	return w.engine.Restore(w.memory.Engine)
}

// screen brings what comes in to the board, and inventories to the registry.
type screen struct {
	board    *live.Board
	registry *registry.Registry
	grids    *geo.Grids
	duties   duties
	heard    *heard
}

func (screen) Name() string { return "live" }

func (s screen) Handle(ctx context.Context, batch []intake.Decoded) error {
	s.heard.note(batch)
	for i := range batch {
		d := &batch[i]
		if err := s.introduce(ctx, d); err != nil {
			return err
		}
		if d.Inventory != nil {
			changed, err := s.registry.Stock(ctx, d.From, d.At, *d.Inventory)
			if err != nil {
				return err
			}
			s.describe(changed)
		}
		for j := range d.Points {
			s.board.Point(&d.Points[j])
		}
		for _, f := range d.Failures {
			s.board.Failed(f.Device, f.At, f.Cause)
		}
		if err := s.positions(ctx, d.Positions); err != nil {
			return err
		}
	}
	return nil
}

func (s screen) describe(all []registry.Device) {
	for _, d := range all {
		if d.Name == "" && d.Gateway == d.ID { // it told what it measures, not what people call it
			p, _ := s.registry.Get(d.ID)
			d.Name = p.Label
		}
		s.board.Describe(d.Gateway, d.Entry)
		s.attend(d.ID)
		if d.Gone {
			s.board.Remove(d.ID, d.Changed)
		}
	}
}

func (s screen) positions(ctx context.Context, all []telemetry.Position) error {
	kept, err := s.duties.keep(ctx, all)
	if err != nil {
		return err
	}
	for i := range kept {
		s.place(&kept[i])
	}
	return nil
}

func (s screen) gridAt(p geo.Point) string {
	if s.grids == nil {
		return ""
	}
	g, _ := s.grids.At(p)
	return g.Code
}

// refill brings the board back after a start: devices from the registry, their
// newest values and everybody's newest fix from the history.
func (s screen) refill(ctx context.Context, store history.Store, on func(identity.PersonID) bool) error {
	stock := s.registry.Stocked()
	s.describe(stock)
	var ids []devices.ID
	for _, d := range stock {
		ids = append(ids, d.ID)
	}
	for _, p := range s.registry.List() {
		if p.Kind == devices.Sensor || p.Person != "" && on(p.Person) {
			ids = append(ids, p.ID)
		}
	}
	var unavailable *history.Unavailable
	newest, err := store.Newest(ctx, ids...)
	if errors.As(err, &unavailable) {
		return nil // the screens fill as readings come; the part's health says why they were empty
	}
	if err != nil {
		return err
	}
	for _, p := range points(newest) {
		s.put(p, on)
	}
	return nil
}

// points joins series back into the points that they were written as.
func points(all []history.Series) []telemetry.Point {
	type instant struct {
		id   devices.ID
		kind string
		at   telemetry.Millis
	}
	byInstant := map[instant]*telemetry.Point{}
	var order []*telemetry.Point
	for _, s := range all {
		for _, v := range s.Samples {
			key := instant{s.Device, s.Kind, v.At}
			p := byInstant[key]
			if p == nil {
				p = &telemetry.Point{Device: s.Device, Kind: s.Kind, At: v.At}
				byInstant[key], order = p, append(order, p)
			}
			p.Fields = append(p.Fields, telemetry.Field{Metric: s.Metric, Value: v.Value})
		}
	}
	slices.SortStableFunc(order, func(a, b *telemetry.Point) int { return int(a.At - b.At) })
	out := make([]telemetry.Point, len(order))
	for i, p := range order {
		out[i] = *p
	}
	return out
}

// put brings a point of the history to the board; positions only of those who
// are on duty.
func (s screen) put(p telemetry.Point, on func(identity.PersonID) bool) {
	if p.Kind != history.PositionKind {
		s.board.Point(&p)
		return
	}
	s.board.Point(&p) // of a terminal behind a gateway: what it tells beside its place
	f := fix(p)
	if who, ok := s.registry.Carrier(p.Device, p.At); (f.Lon != 0 || f.Lat != 0) && (!ok || on(who)) {
		s.place(&f)
	}
}

// fix reads a position back from the point that it was kept as.
func fix(p telemetry.Point) telemetry.Position {
	f := telemetry.Position{Device: p.Device, At: p.At, Speed: -1, Heading: -1, Battery: -1}
	for _, v := range p.Fields {
		switch v.Metric {
		case "lon":
			f.Lon = v.Value
		case "lat":
			f.Lat = v.Value
		case "accuracy":
			f.Accuracy = v.Value
		case "speed":
			f.Speed = v.Value
		case "heading":
			f.Heading = v.Value
		case "battery":
			f.Battery = v.Value
		}
	}
	return f
}
