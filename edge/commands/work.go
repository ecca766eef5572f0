package commands

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// errExpired means that the time of an order was over when its turn came.
var errExpired = errors.New("its time was over before its turn came")

// carryOut does an order. If ctx ends on the way it stays open.
func (d *Desk) carryOut(ctx context.Context, e *entry) {
	if len(e.Order.Files) > 0 {
		d.configure(ctx, e)
		return
	}
	said := map[string]float64{}
	for _, a := range actions(e.Order) {
		values, err := d.opts.Lines.Do(ctx, a, func() error { return d.begin(e) })
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			d.fail(e, err, said)
			return
		}
		maps.Copy(said, values)
	}
	d.end(e, wire.Result{State: wire.Executed, Values: said})
}

// configure hands device files to whoever takes them.
func (d *Desk) configure(ctx context.Context, e *entry) {
	if err := d.begin(e); err != nil {
		d.fail(e, err, nil)
		return
	}
	r := d.opts.Config(ctx, e.Order)
	if ctx.Err() != nil && r.State != wire.Executed {
		return
	}
	if r.State == "" || r.State == wire.Accepted {
		r = wire.Result{State: wire.Failed, Cause: "internal"}
	}
	d.end(e, r)
}

// begin is the point of no return: from then on the order counts as begun,
// whatever happens.
func (d *Desk) begin(e *entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case e.Begun: // a further control of the same order
		return nil
	case d.hubTime() >= e.Order.Expires:
		return errExpired
	}
	e.Begun = true
	if err := d.book.save(); err != nil {
		e.Begun = false
		return &Failure{CauseDisk, err}
	}
	return nil
}

// fail ends an order that was not carried out; said is what the device said of
// the controls that were.
func (d *Desk) fail(e *entry, err error, said map[string]float64) {
	r := wire.Result{State: wire.Failed, Values: said}
	r.Cause, r.Detail = causeOf(err)
	if errors.Is(err, errExpired) {
		r = wire.Result{State: wire.Expired, Cause: wire.Expired, Detail: errExpired.Error()}
	}
	d.end(e, r)
}

// settle finds out what became of an order that was begun when the program
// ended. It is not done again.
func (d *Desk) settle(ctx context.Context, e *entry) {
	said := map[string]float64{}
	all := actions(e.Order)
	if len(all) == 0 {
		d.fail(e, fail(CauseUnknown, "the gateway stopped while it was taking the files over"), nil)
		return
	}
	for _, a := range all {
		values, done, err := d.opts.Lines.Settle(ctx, a)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.fail(e, fail(CauseUnknown, "the gateway stopped on the way, and no reading tells what came of it: %w", err), said)
			return
		}
		maps.Copy(said, values)
		if !done {
			d.fail(e, fail(CauseCut, "the gateway stopped on the way, and %s does not show %s %v", a.Device, a.Control, a.Value), said)
			return
		}
	}
	d.end(e, wire.Result{State: wire.Executed, Values: said})
}

// end notes the outcome. A disk that fails now changes nothing of it: after a
// crash it is settled again.
func (d *Desk) end(e *entry, r wire.Result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.ID, r.Device = e.Order.ID, e.Order.Device
	e.Stages = append(e.Stages, stamped(r))
	e.Order = bare(e.Order)
	if err := d.book.save(); err != nil {
		d.log.Error("outcome of an order cannot be remembered", "order", r.ID, "error", err)
	}
	d.log.Info("order ended", "order", r.ID, "device", r.Device, "state", r.State, "cause", r.Cause, "detail", clip(r.Detail, maxLine))
	d.wake()
}

// bare is what must be remembered of an order that has ended.
func bare(o wire.Order) wire.Order {
	o.Set, o.Text, o.Files = nil, "", nil
	return o
}

// Bounds of what is repeated from others, in bytes.
const (
	maxID     = 64
	maxLine   = 200
	maxDetail = 4096
)

func clip(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }

// stamped completes a result.
func stamped(r wire.Result) wire.Result {
	r.V, r.At, r.Detail = wire.Version, telemetry.At(time.Now()), clip(r.Detail, maxDetail)
	return r
}

// remark answers without remembering; the oldest gives way. mu is held.
func (d *Desk) remark(r wire.Result) {
	if r.V == 0 {
		r = stamped(r)
	}
	if len(d.remarks) >= maxRemarks {
		d.remarks = d.remarks[1:]
	}
	d.remarks = append(d.remarks, r)
	d.wake()
}

// wake tells say that there is something.
func (d *Desk) wake() {
	select {
	case d.more <- struct{}{}:
	default:
	}
}

// say tells one stage after the other, each until it has arrived, until ctx
// ends.
func (d *Desk) say(ctx context.Context) {
	for {
		r, told, ok := d.unsaid()
		if !ok {
			select {
			case <-d.more:
				continue
			case <-ctx.Done():
				return
			}
		}
		envelope := func() any { r.Now = telemetry.At(time.Now()); return r }
		if err := d.opts.Say(ctx, envelope); err != nil {
			return
		}
		told()
	}
}

// unsaid returns what is to be told next, stages of remembered orders first,
// and what to call when it has arrived.
func (d *Desk) unsaid() (r wire.Result, told func(), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.book.Orders {
		if e.Said < len(e.Stages) {
			return e.Stages[e.Said], func() {
				d.mu.Lock()
				defer d.mu.Unlock()
				e.Said++
			}, true
		}
	}
	if len(d.remarks) == 0 {
		return r, nil, false
	}
	r, d.remarks = d.remarks[0], d.remarks[1:]
	return r, func() {}, true
}
