package intake

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// acks holds, for each gateway, what down/ack would say just now. It is bounded
// by the number of gateways.
type acks struct {
	touched map[devices.ID]bool // owned by the decoding goroutine

	mu     sync.Mutex
	newest map[devices.ID][]wire.Acknowledgement
	unsent map[devices.ID]bool
	wake   chan struct{} // capacity 1
}

func newAcks() *acks {
	return &acks{touched: map[devices.ID]bool{}, newest: map[devices.ID][]wire.Acknowledgement{},
		unsent: map[devices.ID]bool{}, wake: make(chan struct{}, 1)}
}

// start takes over what a saved state knows, so that a gateway that connects
// first of all is answered.
func (a *acks) start(d *Decoder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range d.senders {
		if all := d.Acknowledgements(id); len(all) > 0 {
			a.newest[id] = all
		}
	}
}

func (a *acks) news(id devices.ID) { a.touched[id] = true }

// collect asks the decoder about all who had news.
func (a *acks) collect(d *Decoder) {
	if len(a.touched) == 0 {
		return
	}
	a.mu.Lock()
	for id := range a.touched {
		a.newest[id] = d.Acknowledgements(id)
		a.unsent[id] = true
	}
	a.mu.Unlock()
	clear(a.touched)
	select {
	case a.wake <- struct{}{}:
	default: // it is awake
	}
}

func (a *acks) of(id devices.ID) []wire.Acknowledgement {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.newest[id]
}

// run sends what is new, at most once per interval to each.
func (a *acks) run(ctx context.Context, every time.Duration, send func(devices.ID, []byte)) {
	for ctx.Err() == nil {
		select {
		case <-a.wake:
			a.flush(send)
			pause(ctx, every)
		case <-ctx.Done():
		}
	}
}

func (a *acks) flush(send func(devices.ID, []byte)) {
	a.mu.Lock()
	due := map[devices.ID][]wire.Acknowledgement{}
	for id := range a.unsent {
		due[id] = a.newest[id]
	}
	clear(a.unsent)
	a.mu.Unlock()
	if send == nil {
		return
	}
	for id, all := range due {
		for _, ack := range all {
			ack.Now = telemetry.At(time.Now())
			if b, err := json.Marshal(ack); err == nil { // numbers and texts always can be
				send(id, b)
			}
		}
	}
}

// Acknowledgements returns what the numbers seen of a gateway's streams come
// to, one for the epoch of each stream that was heard last. That need not be the
// highest: a gateway that lost its spool and has no clock begins with a low one.
func (d *Decoder) Acknowledgements(id devices.ID) (all []wire.Acknowledgement) {
	s := d.senders[id]
	if s == nil {
		return nil
	}
	for _, st := range s.streams {
		if st.name != "" && s.latest(st) {
			all = append(all, st.acknowledgement())
		}
	}
	return all
}

// latest reports whether no other numbering of st's name was heard after it.
func (s *sender) latest(st *stream) bool {
	for _, o := range s.streams {
		if o.name == st.name && o.used > st.used {
			return false
		}
	}
	return true
}

func (st *stream) acknowledgement() wire.Acknowledgement {
	a := wire.Acknowledgement{V: wire.Version, Stream: st.name, Epoch: st.epoch}
	rest := st.seen
	if len(rest) > 0 && rest[0].first == 1 {
		a.Upto = rest[0].last
		rest = rest[1:]
	}
	for _, s := range rest[:min(len(rest), wire.MaxRanges)] {
		a.Ranges = append(a.Ranges, [2]uint64{s.first, s.last})
	}
	return a
}
