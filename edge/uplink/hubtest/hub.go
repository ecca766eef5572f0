package hubtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Hub receives what one gateway sends, keeps a ledger of it, and acknowledges.
type Hub struct {
	t      testing.TB
	id     devices.ID
	client paho.Client

	mu       sync.Mutex
	changed  chan struct{} // closed and renewed with every message
	drop     func(wire.Batch) bool
	silent   bool
	restamps bool // the clock is set while copies are sent
	strict   bool // records of devices that the inventory does not name are mistakes
	streams  map[string]*ledger
	order    []wire.Batch // as they came
	stock    wire.Stock
	presence []wire.Presence
	replies  []wire.Result
	account  map[string]wire.AccountHour // device and hour: what the gateway said last
}

// ledger is what came of one stream.
type ledger struct {
	epoch   uint64
	records map[uint64]wire.Record
	times   map[uint64]int // how often each number came
	runs    [][2]uint64    // numbers that came, as runs, sorted and apart
}

// New connects to the broker and subscribes to gateway id's tree. It stands
// for the hub, so it survives a broker's restart by itself.
func New(t testing.TB, broker string, id devices.ID) *Hub {
	t.Helper()
	h := &Hub{t: t, id: id, changed: make(chan struct{}), streams: map[string]*ledger{}, account: map[string]wire.AccountHour{}}
	o := paho.NewClientOptions().AddBroker("tcp://" + broker).SetClientID("hub").SetCleanSession(true).
		SetAutoReconnect(true).SetMaxReconnectInterval(50 * time.Millisecond).SetConnectRetry(true).
		SetConnectRetryInterval(50 * time.Millisecond).SetOrderMatters(true)
	ready := make(chan struct{}, 16)
	o.SetOnConnectHandler(func(c paho.Client) {
		token := c.Subscribe("gh/1/"+string(id)+"/up/#", 1, h.receive)
		go func() {
			<-token.Done()
			h.acknowledgeAll()
			select {
			case ready <- struct{}{}:
			default:
			}
		}()
	})
	h.client = paho.NewClient(o)
	h.client.Connect()
	select {
	case <-ready:
	case <-time.After(patience):
		t.Fatal("hub does not reach the broker")
	}
	t.Cleanup(func() { h.client.Disconnect(0) })
	return h
}

// Silence makes the hub receive without acknowledging, until Speak.
func (h *Hub) Silence() { h.set(func() { h.silent = true }) }

// Speak ends Silence and acknowledges what came meanwhile.
func (h *Hub) Speak() {
	h.set(func() { h.silent = false })
	h.acknowledgeAll()
}

// Drop makes the hub forget the batches that f chooses, as if they had been
// lost behind the broker; nil forgets none.
func (h *Hub) Drop(f func(wire.Batch) bool) { h.set(func() { h.drop = f }) }

// Strict makes the hub call it a mistake when a record comes of a device that
// the newest inventory does not name: a real one refuses it.
func (h *Hub) Strict() { h.set(func() { h.strict = true }) }

// Restamps makes the hub take copies with other stamps, as come after the
// gateway's clock was set. It keeps those that came first.
func (h *Hub) Restamps() { h.set(func() { h.restamps = true }) }

func (h *Hub) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func (h *Hub) receive(_ paho.Client, m paho.Message) {
	_, kind, _, _ := wire.SplitUp(m.Topic())
	switch kind {
	case wire.Batches:
		var b wire.Batch
		h.decode(m, &b)
		if h.take(b) {
			h.acknowledge(b.Stream)
		}
	case wire.Reply:
		var r wire.Result
		h.decode(m, &r)
		h.set(func() { h.replies = append(h.replies, r) })
	case wire.Ledger:
		var a wire.Account
		h.decode(m, &a)
		h.set(func() {
			for _, hour := range a.Hours {
				h.account[fmt.Sprint(hour.Device, hour.Hour)] = hour
			}
		})
	case wire.Inventory:
		h.set(func() { h.decode(m, &h.stock) })
	case wire.Status:
		var p wire.Presence
		h.decode(m, &p)
		h.set(func() { h.presence = append(h.presence, p) })
		if p.Online {
			h.acknowledgeAll() // as the contract says: repeated on connect
		}
	}
	h.set(func() {
		close(h.changed)
		h.changed = make(chan struct{})
	})
}

func (h *Hub) decode(m paho.Message, into any) {
	if err := json.Unmarshal(m.Payload(), into); err != nil {
		h.t.Errorf("%s: %v in %q", m.Topic(), err, m.Payload())
	}
}

// take enters a batch into the ledger and checks what must hold of any batch.
func (h *Hub) take(b wire.Batch) (acknowledge bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.drop != nil && h.drop(b) {
		return false
	}
	l := h.streams[b.Stream]
	if l == nil {
		l = &ledger{epoch: b.Epoch, records: map[uint64]wire.Record{}, times: map[uint64]int{}}
		h.streams[b.Stream] = l
	}
	if b.Epoch != l.epoch {
		h.t.Errorf("%s: epoch changed from %d to %d", b.Stream, l.epoch, b.Epoch)
	}
	if upto, _ := l.known(); b.Floor > upto+1 {
		h.t.Errorf("%s: floor %d, but the hub has only everything up to %d", b.Stream, b.Floor, upto)
	}
	h.order = append(h.order, b)
	next := b.First
	for _, r := range b.Records {
		if r.Seq != next {
			h.t.Errorf("%s: number %d in batch %d-%d, want %d", b.Stream, r.Seq, b.First, b.Last, next)
		}
		next += max(r.Lost, 1)
		if h.strict && r.Lost == 0 && !slices.ContainsFunc(h.stock.Devices, func(e wire.Entry) bool { return e.ID == r.Device }) {
			h.t.Errorf("%s %d is of %s, which the inventory does not name", b.Stream, r.Seq, r.Device)
		}
		if old, ok := l.records[r.Seq]; ok && h.restamps {
			r.At, r.Hour = old.At, old.Hour
		}
		l.enter(h.t, b.Stream, r)
	}
	if next != b.Last+1 {
		h.t.Errorf("%s: batch %d-%d ends at %d", b.Stream, b.First, b.Last, next-1)
	}
	return !h.silent
}

// enter notes one record; a number must always mean the same.
func (l *ledger) enter(t testing.TB, stream string, r wire.Record) {
	for n := r.Seq; n < r.Seq+max(r.Lost, 1); n++ {
		if old, ok := l.records[n]; ok && r.Lost == 0 && old.Lost == 0 && !reflect.DeepEqual(old, r) {
			t.Errorf("%s %d changed from %+v to %+v", stream, n, old, r)
		}
		l.records[n] = r
		l.times[n]++
	}
	l.include(r.Seq, r.Seq+max(r.Lost, 1)-1)
}

// include adds first to last to the runs.
func (l *ledger) include(first, last uint64) {
	i, _ := slices.BinarySearchFunc(l.runs, first, func(run [2]uint64, n uint64) int { return cmp.Compare(run[0], n) })
	l.runs = slices.Insert(l.runs, i, [2]uint64{first, last})
	for i = max(i-1, 0); i+1 < len(l.runs) && l.runs[i][0] <= last+1; {
		if l.runs[i+1][0] > l.runs[i][1]+1 {
			i++
			continue
		}
		l.runs[i][1] = max(l.runs[i][1], l.runs[i+1][1])
		l.runs = slices.Delete(l.runs, i+1, i+2)
	}
}

// known is what the ledger holds, as an acknowledgement says it.
func (l *ledger) known() (upto uint64, ranges [][2]uint64) {
	ranges = slices.Clone(l.runs)
	if len(ranges) > 0 && ranges[0][0] == 1 {
		upto, ranges = ranges[0][1], ranges[1:]
	}
	return upto, ranges[:min(len(ranges), wire.MaxRanges)]
}

func (h *Hub) acknowledgeAll() {
	h.mu.Lock()
	names := slices.Collect(maps.Keys(h.streams))
	h.mu.Unlock()
	for _, name := range names {
		h.acknowledge(name)
	}
}

// acknowledge tells the gateway what the ledger holds of a stream.
func (h *Hub) acknowledge(stream string) {
	h.mu.Lock()
	l := h.streams[stream]
	a := wire.Acknowledgement{V: wire.Version, Stream: stream, Epoch: l.epoch, Now: telemetry.At(time.Now())}
	a.Upto, a.Ranges = l.known()
	silent := h.silent
	h.mu.Unlock()
	if !silent {
		h.Send(wire.Ack, a)
	}
}

// Send publishes an envelope to the gateway.
func (h *Hub) Send(kind string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		h.t.Errorf("send %s: %v", kind, err)
		return
	}
	h.client.Publish(wire.Down(h.id, kind), 1, false, text)
}

// Wait blocks until f, which sees the hub standing still, is true.
func (h *Hub) Wait(what string, f func(s State) bool) {
	h.t.Helper()
	end := time.After(patience)
	for {
		h.mu.Lock()
		ok := f(State{h})
		changed := h.changed
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-end:
			h.mu.Lock()
			said := fmt.Sprint(State{h})
			h.mu.Unlock()
			h.t.Fatalf("waited in vain for %s; %s", what, said)
		}
	}
}

// State is the hub standing still, for the function that Wait calls.
type State struct{ h *Hub }

func (s State) String() string {
	text := "the hub has"
	for name, l := range s.h.streams {
		upto, ranges := l.known()
		text += fmt.Sprintf(" %s up to %d and %v", name, upto, ranges)
	}
	return text
}

// Records returns what came of a stream, by number.
func (s State) Records(stream string) map[uint64]wire.Record {
	if l := s.h.streams[stream]; l != nil {
		return l.records
	}
	return nil
}

// Upto is the number up to which a stream is complete.
func (s State) Upto(stream string) uint64 {
	if l := s.h.streams[stream]; l != nil {
		upto, _ := l.known()
		return upto
	}
	return 0
}

// Times is how often number n of a stream came.
func (s State) Times(stream string, n uint64) int {
	if l := s.h.streams[stream]; l != nil {
		return l.times[n]
	}
	return 0
}

// Batches are all that came, in order.
func (s State) Batches() []wire.Batch { return s.h.order }

// Stock is the newest inventory.
func (s State) Stock() wire.Stock { return s.h.stock }

// Replies are what came of commands, in order.
func (s State) Replies() []wire.Result { return s.h.replies }

// Presence is every status that came, in order.
func (s State) Presence() []wire.Presence { return s.h.presence }

// Account sums what the gateway said of a device over all hours.
func (s State) Account(device devices.ID) (sum wire.AccountHour) {
	for _, h := range s.h.account {
		if h.Device == device {
			sum.Polled, sum.Pending, sum.Lost = sum.Polled+h.Polled, sum.Pending+h.Pending, sum.Lost+h.Lost
		}
	}
	return sum
}
