// Package commands does what the hub asks of this gateway's devices, at most
// once, and tells it what came of it.
//
// An order counts only if a pinned key signed it, if it is meant for this
// gateway, if its time is not over and if it is new. It is on the disk before
// it is called acknowledged, and again before anything goes to a device, so
// that neither a crash nor a replay does it twice: an order that was begun when
// the program died is settled by the device's own reading, or told as of
// unknown outcome. Executed means that the device confirmed it. Each stage is
// told until it has arrived. How a device is set is the lines', the connection
// is the caller's.
//
// Time only moves forward here: an order is judged by our own clock or by the
// latest hub time that was ever verified, whichever is later. A hub that once
// signed with a clock far ahead has made its orders expire; deleting the file
// orders in the commands folder is the remedy, at the price of the memory.
package commands

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal/fsx"
)

// Lines is what commands need of the devices. It is used concurrently.
type Lines interface {
	// Controls returns what may be set on id; known is false if it is no device
	// of this gateway.
	Controls(id devices.ID) (all []wire.Control, known bool)
	// Do carries a out when its turn on the line has come, and returns what the
	// device said afterwards. It calls begin before anything is sent; if that
	// fails nothing is, and the error is begin's. Other errors are a *Failure, or
	// ctx's if it ended.
	Do(ctx context.Context, a Action, begin func() error) (said map[string]float64, err error)
	// Settle reads the device and reports whether it shows that a was done. The
	// error says that no reading can tell.
	Settle(ctx context.Context, a Action) (said map[string]float64, done bool, err error)
}

// Options are what the composition root passes in.
type Options struct {
	ID    devices.ID
	Dir   string // a folder for what must survive a restart
	Disk  fsx.FS // nil = the operating system's
	Keys  func() []ed25519.PublicKey
	Lines Lines
	// Lists takes what the hub says of its keys, in order with its orders. nil:
	// nothing that it says changes the keys.
	Lists func(wire.Signed)
	// Config takes the device files of an order and returns its end: executed,
	// failed or refused. nil: they are not the hub's.
	Config func(ctx context.Context, o wire.Order) wire.Result
	// Say publishes what envelope makes as a reply and returns when it has
	// arrived; envelope is called anew for each attempt. The error is ctx's.
	Say    func(ctx context.Context, envelope func() any) error
	Logger *slog.Logger
}

// Limits. maxInbox: one more message is dropped, its sender gets no answer and
// sends it again. maxOpen: one more order is refused. maxRemarks: the oldest
// answer to an order that is not remembered is dropped.
const (
	maxInbox   = 32
	maxOpen    = 64
	maxRemarks = 32
)

// Desk takes orders. Handle may be called at any time, from any goroutine.
type Desk struct {
	opts  Options
	log   *slog.Logger
	inbox chan message  // capacity maxInbox
	more  chan struct{} // capacity 1: there is something to say
	work  sync.WaitGroup

	mu      sync.Mutex
	book    *book
	heard   time.Time     // when book.Now was learned
	remarks []wire.Result // answers that need not survive a restart
}

type message struct {
	kind    string
	payload []byte
}

// Open reads what is remembered and starts nothing.
func Open(o Options) (*Desk, error) {
	if o.Disk == nil {
		o.Disk = fsx.OS{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Desk{opts: o, log: o.Logger, inbox: make(chan message, maxInbox), more: make(chan struct{}, 1), heard: time.Now()}
	var err error
	d.book, err = openBook(o.Disk, o.Dir)
	if errors.Is(err, errDamaged) {
		d.log.Error("orders that were given before now will not be done", "error", err)
		d.book.Since = telemetry.At(time.Now())
		err = d.book.save()
	}
	return d, err
}

// Handle takes a message of kind command, config or keys. It does not block; when
// too many wait it is dropped.
func (d *Desk) Handle(kind string, payload []byte) {
	select {
	case d.inbox <- message{kind, payload}:
	default:
		d.log.Warn("order dropped, too many wait", "kind", kind)
	}
}

// Run takes orders until ctx ends and what is being done has been broken off.
// What was not done by then is done or settled by the next Run.
func (d *Desk) Run(ctx context.Context) error {
	defer d.work.Wait()
	d.resume(ctx)
	d.work.Go(func() { d.say(ctx) })
	for {
		select {
		case m := <-d.inbox:
			d.take(ctx, m)
		case <-ctx.Done():
			return nil
		}
	}
}

// resume goes on with what was open when the program ended.
func (d *Desk) resume(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.book.Orders {
		switch {
		case e.ended():
		case e.Begun:
			d.work.Go(func() { d.settle(ctx, e) })
		default:
			d.work.Go(func() { d.carryOut(ctx, e) })
		}
	}
}

// take reads one message and answers it.
func (d *Desk) take(ctx context.Context, m message) {
	var signed wire.Signed
	if err := json.Unmarshal(m.payload, &signed); err != nil {
		d.log.Warn("order not understood", "kind", m.kind, "error", err)
		return
	}
	if m.kind == wire.Keys {
		if d.opts.Lists != nil {
			d.opts.Lists(signed)
		}
		return
	}
	o, err := signed.Open(d.opts.Keys()...)
	if err != nil {
		d.reject(signed, err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listen(o.Now)
	if e := d.book.find(o.ID); e != nil {
		d.remark(e.newest())
		return
	}
	if e := d.admit(m.kind, o); e != nil {
		d.log.Info("order accepted", "order", o.ID, "device", o.Device, "by", o.By)
		d.work.Go(func() { d.carryOut(ctx, e) })
	}
}

// listen notes the hub's clock. It is on the disk with the next change. mu is
// held.
func (d *Desk) listen(now telemetry.Millis) {
	if now > d.book.Now {
		d.book.Now, d.heard = now, time.Now()
	}
}

// reject answers what no pinned key vouches for. Nothing of it is believed but
// the id, and that only as long as no true order bears it.
func (d *Desk) reject(signed wire.Signed, err error) {
	cause := CauseSignature
	if errors.Is(err, wire.ErrKey) {
		cause = CauseKey
	}
	var claimed wire.Order
	_ = json.Unmarshal(signed.Order, &claimed)
	d.log.Warn("order refused", "order", clip(claimed.ID, maxID), "key", clip(signed.Key, maxID), "error", err)
	d.mu.Lock()
	defer d.mu.Unlock()
	if claimed.ID != "" && len(claimed.ID) <= maxID && d.book.find(claimed.ID) == nil {
		d.remark(wire.Result{ID: claimed.ID, State: wire.Refused, Cause: cause, Detail: err.Error()})
	}
}

// admit judges a verified order that is new, and returns it if it is to be
// done. Its end is remembered as well if it has one already: the same bytes
// shall not be judged otherwise tomorrow. mu is held.
func (d *Desk) admit(kind string, o wire.Order) *entry {
	refuse := func(err error) wire.Result {
		cause, detail := causeOf(err)
		return wire.Result{ID: o.ID, Device: o.Device, State: wire.Refused, Cause: cause, Detail: detail}
	}
	switch {
	case len(o.ID) > maxID:
		return nil
	case o.To != d.opts.ID:
		d.remark(refuse(fail(CauseReceiver, "it is meant for %s", o.To)))
		return nil
	case d.book.Now >= o.Expires: // for good, by the hub's own word
		d.remark(wire.Result{ID: o.ID, Device: o.Device, State: wire.Expired, Cause: wire.Expired})
		return nil
	case len(d.book.Orders) >= maxRemembered || d.book.open() >= maxOpen:
		d.remark(refuse(fail(CauseBusy, "%d orders are open, %d remembered", d.book.open(), len(d.book.Orders))))
		return nil
	}
	first := wire.Result{ID: o.ID, Device: o.Device, State: wire.Accepted}
	err := checkShape(kind, o)
	if err == nil {
		err = d.checkDevice(o)
	}
	switch {
	case err != nil:
		first = refuse(err)
		d.log.Warn("order refused", "order", o.ID, "device", o.Device, "error", err)
	case d.hubTime() >= o.Expires:
		first.State, first.Cause = wire.Expired, wire.Expired
	case o.At < d.book.Since:
		first.State, first.Cause = wire.Failed, CauseForgotten
	}
	return d.enter(o, first)
}

// enter writes a new order into the book; nil if it ended with that. mu is
// held.
func (d *Desk) enter(o wire.Order, first wire.Result) *entry {
	first = stamped(first)
	e := &entry{Order: o, Stages: []wire.Result{first}}
	if e.ended() {
		e.Order = bare(o)
	}
	d.book.Orders = append(d.book.Orders, e)
	if err := d.book.save(); err != nil {
		d.book.Orders = d.book.Orders[:len(d.book.Orders)-1]
		d.log.Error("order cannot be remembered and is not done", "order", o.ID, "error", err)
		d.remark(wire.Result{ID: o.ID, Device: o.Device, State: wire.Failed, Cause: CauseDisk, Detail: err.Error()})
		return nil
	}
	d.wake()
	if e.ended() {
		return nil
	}
	return e
}
