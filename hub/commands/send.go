package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Unsent is a Sender's error: why nothing was or will be delivered.
type Unsent string

// The reasons, as Instruction.Waiting shows them.
const (
	Offline       Unsent = "offline"        // the receiver has no connection
	NotSubscribed Unsent = "not-subscribed" // it has not subscribed to commands
	QueueFull     Unsent = "queue-full"
	otherwise     Unsent = "unsent" // the log says why
)

func (u Unsent) Error() string { return string(u) }

// removeEvery is how often old commands are removed.
const removeEvery = time.Hour

// Run sends, sends again and expires until ctx ends. It returns nil.
func (d *Desk) Run(ctx context.Context) error {
	tidy := d.now()
	for {
		now := d.now()
		if now >= tidy {
			d.tidy(ctx, now)
			tidy = now.Add(removeEvery)
		}
		timer := time.NewTimer(max(min(d.work(ctx), tidy).Sub(d.now()), time.Millisecond))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-d.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (d *Desk) tidy(ctx context.Context, now telemetry.Millis) {
	n, err := d.remove(ctx, now.Add(-d.Config.Keep), d.Config.KeepMost)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("old commands could not be removed", "error", err)
	} else if n > 0 {
		d.log.Info("old commands were removed", "commands", n)
	}
}

// retryStore is the pause after the database refused a change.
const retryStore = time.Second

// work does what is due and returns when the next is.
func (d *Desk) work(ctx context.Context) (next telemetry.Millis) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	next = now.Add(MaxWithin)
	all := make([]*tracked, 0, len(d.open))
	for _, t := range d.open {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *tracked) int { return cmp.Compare(a.Number, b.Number) }) // in the order in which they were asked for
	for _, t := range all {
		if err := d.advance(ctx, t, now); err != nil {
			if ctx.Err() == nil {
				d.log.Warn("a command stands still", "command", t.ID, "error", err)
			}
			next = min(next, now.Add(retryStore))
			continue
		}
		if due := d.due(t, now); d.open[t.ID] != nil {
			next = min(next, due)
		}
	}
	return next
}

// due is when a command must be looked at next, after advance has looked now.
func (d *Desk) due(t *tracked, now telemetry.Millis) telemetry.Millis {
	if d.sendable(t) && t.next > now && t.next < t.Expires {
		return t.next
	}
	if t.State == Created {
		return t.Expires
	}
	return t.Expires.Add(d.Config.Grace)
}

// sendable reports whether a command may be sent, now or later. A foreign
// receiver does not know that it was told before, so what reached its connection
// is never said twice.
func (d *Desk) sendable(t *tracked) bool {
	return t.State == Created || t.State == Sent && !t.Unsigned
}

// advance expires a command, or sends it when that is due; d.mu is held.
func (d *Desk) advance(ctx context.Context, t *tracked, now telemetry.Millis) error {
	rec := t.record
	if rec.expire(now, telemetry.Millis(d.Config.Grace.Milliseconds())) {
		return d.keep(ctx, &rec)
	}
	if !d.sendable(t) || now < t.next || now >= t.Expires {
		return nil
	}
	t.wait = min(max(2*t.wait, d.Config.Again), d.Config.AgainMax)
	t.next = now.Add(t.wait)
	return d.send(ctx, t, now)
}

// send has a command delivered and notes it. What waits says why.
func (d *Desk) send(ctx context.Context, t *tracked, now telemetry.Millis) error {
	if !d.Sender.Connected(t.To) {
		return d.waits(ctx, t, Offline)
	}
	rec := t.record
	rec.sent(now)
	if t.Unsigned { // noted first: a crash in between must not tell it twice
		return d.once(ctx, t, &rec)
	}
	kind, payload, err := d.signed(&rec.Instruction, now)
	if err != nil {
		return err
	}
	if err := d.Sender.Send(rec.To, kind, payload, 1); err != nil {
		return d.waits(ctx, t, d.reason(t, err))
	}
	return d.keep(ctx, &rec)
}

// once sends a command to a receiver that would do it twice. If it was not
// delivered, the record is what it was.
func (d *Desk) once(ctx context.Context, t *tracked, rec *record) error {
	before := t.record
	if err := d.update(ctx, rec); err != nil {
		return err
	}
	m := rec.Foreign
	if err := d.Sender.Send(rec.To, m.Kind, m.Payload, 1); err != nil {
		if err := d.update(ctx, &before); err != nil {
			return err
		}
		return d.waits(ctx, t, d.reason(t, err))
	}
	return d.keep(ctx, rec)
}

// signed is the order as it travels, with a fresh time of signing.
func (d *Desk) signed(i *Instruction, now telemetry.Millis) (kind string, payload []byte, err error) {
	o := wire.Order{V: wire.Version, ID: i.ID, To: i.To, Device: i.Device, Text: i.Text, By: i.By,
		At: i.Stages[0].At, Now: now, Expires: i.Expires}
	if i.Value != nil {
		o.Set = map[string]float64{i.Control: *i.Value}
	}
	s, err := d.Keys.seal(o)
	if err == nil {
		payload, err = json.Marshal(s)
	}
	if err != nil {
		return "", nil, fmt.Errorf("command %s: %w", i.ID, err)
	}
	return wire.Command, payload, nil
}

func (d *Desk) reason(t *tracked, err error) Unsent {
	d.log.Debug("a command was not sent yet", "command", t.ID, "device", t.To, "error", err)
	if why := otherwise; errors.As(err, &why) {
		return why
	}
	return otherwise
}

// waits notes why a command was not sent, once.
func (d *Desk) waits(ctx context.Context, t *tracked, why Unsent) error {
	if t.Waiting == why || t.State != Created {
		return nil
	}
	rec := t.record
	rec.Waiting = why
	rec.Rev++
	return d.keep(ctx, &rec)
}

// Greet has what waits for a receiver sent at once: it has connected, and has
// had time to subscribe.
func (d *Desk) Greet(id devices.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.open {
		if t.To == id {
			t.next, t.wait = 0, 0
		}
	}
	d.nudge()
}
