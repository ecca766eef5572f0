package commands

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/native"
	"gridhub/devices/codec/thingsboard"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Heard is a message that was journaled, as far as commands are concerned. The
// same one may come again: it changes nothing then.
type Heard struct {
	From   devices.ID
	Speaks bool             // for devices behind it
	Topic  string           // behind up/
	Body   []byte           // as it came, of what is no measurement
	At     telemetry.Millis // the hub's clock when it came
	Offset time.Duration    // hub clock minus sender's clock
	Points []telemetry.Point
}

// Concerns reports whether Hear has a use for messages on a topic.
func Concerns(topic string) bool {
	switch kind, _, _ := strings.Cut(topic, "/"); kind {
	case wire.Reply, "tb", "tasmota", "spb", "ha":
		return true
	}
	return false
}

// Hear takes a message. An error means that it must be offered again.
func (d *Desk) Hear(ctx context.Context, h Heard) error {
	switch kind, rest, _ := strings.Cut(h.Topic, "/"); {
	case kind == wire.Reply:
		return d.replied(ctx, h)
	case kind == "tb" && strings.HasPrefix(rest, "rpc/response/"), kind == "tb" && rest == "gateway/rpc":
		return d.answered(ctx, h, rest)
	case kind == "tasmota" || kind == "spb" || kind == "ha":
		if err := d.announced(ctx, h); err != nil {
			return err
		}
		return d.shown(ctx, h)
	}
	return nil
}

// replied takes an answer of our own protocol.
func (d *Desk) replied(ctx context.Context, h Heard) error {
	var r wire.Result
	if err := native.Unmarshal(h.Body, &r); err != nil || r.V != wire.Version || r.ID == "" || len(r.ID) > maxID {
		d.ignore(Odd, h.From, "no reply of this version")
		return nil
	}
	return d.settle(ctx, `WHERE id = ?`, []any{r.ID}, Reply{From: h.From, State: State(r.State), At: h.when(r.At),
		Cause: clip(r.Cause), Detail: clip(r.Detail), Values: sound(r.Values)}, r.ID)
}

// when is an instant of the sender's clock by the hub's: not later than it was
// heard of, and not told means then.
func (h Heard) when(at telemetry.Millis) telemetry.Millis {
	if at == 0 {
		return h.At
	}
	return min(at.Add(h.Offset), h.At)
}

// Bounds of what is kept of a receiver's own words: bytes of a text, of a
// command's id, and values.
const (
	maxWords  = 2000
	maxID     = 64
	maxValues = 64
)

// sound returns the values that can be kept.
func sound(all map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		v := all[name]
		if len(out) < maxValues && codec.ValidMetric([]byte(name)) && !math.IsNaN(v) && !math.IsInf(v, 0) {
			out[name] = v
		}
	}
	return out
}

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxWords)], "\ufffd") }

// answered takes ThingsBoard's answer to a request: the device's own.
func (d *Desk) answered(ctx context.Context, h Heard, topic string) error {
	read := thingsboard.ReadAnswer
	if topic == "gateway/rpc" {
		read = thingsboard.ReadGatewayAnswer
	}
	a, err := read(h.Body)
	if number, direct := strings.CutPrefix(topic, "rpc/response/"); direct && err == nil {
		a.Number, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil {
		d.ignore(Odd, h.From, err.Error())
		return nil
	}
	r := Reply{From: h.From, State: Executed, At: h.At, Values: sound(a.Values)}
	if a.Failed {
		r.State, r.Cause, r.Detail = Failed, "device", clip(a.Detail)
	}
	return d.settle(ctx, `WHERE receiver = ? AND number = ?`, []any{string(h.From), a.Number}, r, strconv.FormatInt(a.Number, 10))
}

// settle brings a reply to its command.
func (d *Desk) settle(ctx context.Context, where string, args []any, r Reply, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	rec, err := d.find(ctx, where, args...)
	if errors.Is(err, ErrNotFound) {
		d.count(Unknown, "device", r.From, "command", name)
		return nil
	}
	if err != nil {
		return err
	}
	return d.take(ctx, rec, r)
}

// take brings a reply into a record and keeps what changed; d.mu is held.
func (d *Desk) take(ctx context.Context, rec *record, r Reply) error {
	verdict := rec.take(r)
	if verdict == Taken {
		if err := d.keep(ctx, rec); err != nil {
			return err
		}
	}
	d.count(verdict, "device", r.From, "command", rec.ID, "to", rec.To, "state", rec.State, "told", clip(string(r.State)))
	return nil
}

// quiet is the least time between two lines about replies that count for
// nothing: who floods the hub with them must not fill its log. The counters
// have them all.
const quiet = time.Second

// count notes what became of a reply, and says so if it is odd; d.mu is held.
func (d *Desk) count(v Verdict, facts ...any) {
	d.counts[v]++
	if v == Taken || v == Repeated {
		return
	}
	if now := d.now(); now >= d.said.Add(quiet) {
		d.said = now
		d.log.Warn("a reply was ignored", append(facts, "cause", v)...)
	}
}

// keep makes a changed record durable and tells of it; d.mu is held. On an
// error the record in memory is as it was.
func (d *Desk) keep(ctx context.Context, rec *record) error {
	if err := d.update(ctx, rec); err != nil {
		return err
	}
	if rec.State.Ended() {
		delete(d.open, rec.ID)
		d.log.Info("a command has ended", "command", rec.ID, "device", rec.Device, "state", rec.State, "cause", rec.Stages[len(rec.Stages)-1].Cause)
	} else if t := d.open[rec.ID]; t != nil {
		t.record = *rec
	}
	d.tell(&rec.Instruction)
	return nil
}

func (d *Desk) ignore(v Verdict, from devices.ID, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count(v, "device", from, "detail", why)
}

// shown looks whether a foreign device's values show that an order was done.
// What it told before the order left shows nothing.
func (d *Desk) shown(ctx context.Context, h Heard) error {
	if len(h.Points) == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.open {
		v, ok := t.shownBy(h)
		if !ok {
			continue
		}
		rec := t.record
		if err := d.take(ctx, &rec, Reply{From: h.From, State: Executed, At: h.At, Values: map[string]float64{t.Foreign.Metric: v}}); err != nil {
			return err
		}
	}
	return nil
}

// ownClock is how far a foreign sender's event times may lag behind what it is
// told: an older value is one from before.
const ownClock = telemetry.Millis(5000)

func (t *tracked) shownBy(h Heard) (float64, bool) {
	m := t.Foreign
	if m == nil || m.Metric == "" || t.To != h.From || t.LastSent == 0 || h.At < t.LastSent || !under(h.Topic, m.Side) {
		return 0, false
	}
	for i := range h.Points {
		p := &h.Points[i]
		if p.Device != t.Device || p.At < t.LastSent-ownClock || p.Quality == telemetry.Bad {
			continue
		}
		for _, f := range p.Fields {
			if f.Metric == m.Metric && near(f.Value, m.Value) {
				return f.Value, true
			}
		}
	}
	return 0, false
}

// under reports whether a topic is side, or lies below it.
func under(topic, side string) bool {
	rest, ok := strings.CutPrefix(topic, strings.TrimSuffix(side, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// near reports whether two values are one: foreign devices round.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b)) }
