package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/health"
	"gridhub/hub/intake"
)

// beatEvery is how often the journal notes that time passes, and so how late a
// silence may be noticed.
const beatEvery = 10 * time.Second

// conditions watches the way from the sensors to here. What the evaluator found
// and the book has not taken yet waits in pending, saved with it.
type conditions struct {
	book interface {
		Put(ctx context.Context, f health.Outage) error
	}
	tell func(health.Outage)

	mu     sync.Mutex
	judge  *health.Evaluator
	memory conditionMemory
}

type conditionMemory struct {
	Judge   json.RawMessage `json:"judge"`
	Done    uint64          `json:"done"` // newest record that was judged
	Pending []health.Outage `json:"pending,omitempty"`
}

func (*conditions) Name() string { return "health" }

func (c *conditions) Handle(ctx context.Context, batch []intake.Decoded) error {
	for i := range batch {
		if batch[i].Number > c.memory.Done {
			c.see(&batch[i])
		}
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// see tells the evaluator one record, at its time.
func (c *conditions) see(d *intake.Decoded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.memory.Done = d.Number
	if d.At == 0 || d.Replay != 0 {
		return // damaged, or of another time
	}
	if d.Began {
		c.judge.Began(d.At)
	} else {
		c.memory.Pending = append(c.memory.Pending, c.judge.Advance(d.At)...)
		c.told(d)
	}
	c.memory.Pending = append(c.memory.Pending, c.judge.Advance(d.At)...)
}

func (c *conditions) told(d *intake.Decoded) {
	if d.From != "" && (d.Presence == nil || d.Presence.Online) {
		c.judge.Heard(d.At, d.From)
	}
	if d.Inventory != nil {
		c.judge.Inventory(d.At, d.From, d.Inventory)
	}
	if len(d.Maintenance) > 0 {
		c.judge.Reconsider()
	}
	if d.Presence != nil {
		c.judge.Presence(d.At, d.From, d.Presence)
	}
	for _, r := range readings(d) {
		if r.point != nil {
			c.judge.Answered(r.point)
		} else {
			c.judge.Failed(r.failure.At, r.failure.Device, r.failure.Cause)
		}
	}
	for _, h := range d.Happenings {
		if h.Type == "low-battery" {
			c.judge.Weak(h.Device)
		}
	}
	if d.Timed {
		c.judge.Clock(d.At, d.From, d.Clock)
	}
	for _, l := range d.Lags {
		c.judge.Lag(d.At, l.Device, l.By)
	}
}

// polled is one poll, with values or without.
type polled struct {
	at      telemetry.Millis
	point   *telemetry.Point
	failure *intake.Failure
}

// readings are those of one message in the order in which they were made.
func readings(d *intake.Decoded) (all []polled) {
	for i := range d.Points {
		if p := &d.Points[i]; p.Quality != telemetry.Bad {
			all = append(all, polled{at: p.At, point: p})
		}
	}
	for i := range d.Failures {
		all = append(all, polled{at: d.Failures[i].At, failure: &d.Failures[i]})
	}
	if len(d.Failures) > 0 {
		slices.SortStableFunc(all, func(a, b polled) int { return cmp.Compare(a.at, b.at) })
	}
	return all
}

func (c *conditions) settle(ctx context.Context) error {
	for len(c.memory.Pending) > 0 {
		if err := c.book.Put(ctx, c.memory.Pending[0]); err != nil {
			return err
		}
		c.tell(c.memory.Pending[0])
		c.memory.Pending = c.memory.Pending[1:]
	}
	return nil
}

// Save returns the evaluator's memory and what waits.
func (c *conditions) Save() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.memory.Judge, err = c.judge.State(); err != nil {
		panic(err) // maps of plain values cannot fail to be written
	}
	b, err := json.Marshal(c.memory)
	if err != nil {
		panic(err)
	}
	return b
}

// Restore brings Save back.
func (c *conditions) Restore(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.memory = conditionMemory{}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &c.memory); err != nil {
			return fmt.Errorf("health: saved state: %w", err)
		}
	}
	return c.judge.Restore(c.memory.Judge)
}

// Clocks lists what is known of clocks.
func (c *conditions) Clocks() []health.ClockState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.judge.Clocks()
}

// metrics writes how many faults last by cause, and whose clocks are off.
func (c *conditions) metrics(w io.Writer) {
	c.mu.Lock()
	open, clocks := c.judge.Open(), c.judge.Clocks()
	c.mu.Unlock()
	count := map[health.Cause]int{}
	for _, f := range open {
		count[f.Cause]++
	}
	for _, cause := range []health.Cause{health.Sensor, health.Line, health.Gateway, health.Uplink, health.Power} {
		fmt.Fprintf(w, "gridhub_faults_open{cause=%q} %d\n", cause, count[cause])
	}
	for _, k := range clocks {
		if k.Bad {
			fmt.Fprintf(w, "gridhub_clock_bad_offset_seconds{sender=%q,rule=%q} %g\n", k.ID, k.Rule, float64(k.Offset)/1000)
		}
	}
}

// part says whether more than single sensors is broken: that is for the head of
// the screen, one sensor is for the room of devices.
func (c *conditions) part() api.Part {
	c.mu.Lock()
	open := c.judge.Open()
	c.mu.Unlock()
	p := api.Part{Name: "devices", State: "ok"}
	for _, f := range open {
		if f.Subject.Device == "" {
			p.State = "degraded"
			p.Detail += fmt.Sprintf("%s %s%s: %d · ", f.Cause, f.Subject.Gateway, prefixed("/", f.Subject.Line), len(f.Devices))
		}
	}
	p.Detail = strings.TrimSuffix(p.Detail, " · ")
	return p
}

func prefixed(with, s string) string {
	if s == "" {
		return ""
	}
	return with + s
}

// openConditions makes the consumer; its book opens with it.
func (h *Hub) openConditions(ctx context.Context) (*conditions, error) {
	book, err := health.OpenBook(ctx, h.db)
	if err != nil {
		return nil, err
	}
	h.faults = book
	h.conditions = &conditions{book: book, tell: h.faultChanged, judge: health.NewEvaluator(h.serviced)}
	return h.conditions, nil
}

// serviced reports whether a device is being worked on, and its silence no fault.
func (h *Hub) serviced(id devices.ID) bool { return h.registry.Maintained(id) }

func (h *Hub) faultChanged(f health.Outage) {
	h.mark(f)
	h.board.Publish(f)
}

// mark shows a fault at its devices.
func (h *Hub) mark(f health.Outage) {
	affected := f.Devices
	if !f.Open() {
		affected = nil
	}
	h.board.Fault(f.ID, string(f.Cause), affected)
}

// maxFaults is how many open faults are shown after a start.
const maxFaults = 10_000

// refillFaults marks the board after a start.
func (h *Hub) refillFaults(ctx context.Context) error {
	open, err := h.faults.List(ctx, true, 0, maxFaults)
	for _, f := range open {
		h.mark(f)
	}
	return err
}

// keepFaults is how long faults that are over are remembered: a year and a
// month, so that each can be held against the same season before.
const keepFaults = 396 * 24 * time.Hour

func (h *Hub) forgetFaults(ctx context.Context) {
	if err := h.faults.Forget(ctx, before(h.now(), keepFaults)); err != nil {
		h.log.Warn("old faults could not be removed", "error", err)
	}
}

// beat notes in the journal that the hub has begun and listens, until ctx ends.
func (h *Hub) beat(ctx context.Context) error {
	say := h.intake.Begin
	for ctx.Err() == nil {
		if err := say(ctx, telemetry.At(h.now())); err != nil && ctx.Err() == nil {
			h.log.Warn("the journal does not take the time", "error", err)
		} else {
			say = h.intake.Beat
		}
		select {
		case <-ctx.Done():
		case <-time.After(beatEvery):
		}
	}
	return nil
}
