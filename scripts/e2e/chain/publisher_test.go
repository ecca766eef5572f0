package chain_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/api"
)

const (
	window  = 32                   // publishes in flight
	pace    = 2 * time.Millisecond // between two new readings
	episode = 200                  // readings of which the first are high
	high    = 20
	methane = 25.0 // beyond the rule's limit
	little  = 3.0
)

// publisher is a device with a memory of its own: it numbers its readings,
// sends them with QoS 1, sends again after a cut what was not acknowledged, and
// keeps a ledger of what was. Of each episode the first readings are high, so
// that it is known how many hazards there must be.
type publisher struct {
	t      testing.TB
	broker string
	id     devices.ID
	secret string
	epoch  uint64
	seq    uint64
	last   telemetry.Millis
	open   []*wire.Reading // sent or about to be, not acknowledged, in order

	mu    sync.Mutex
	more  *sync.Cond
	acked []*wire.Reading

	quit chan struct{}
	done chan struct{}
}

// publish starts a publisher.
func (h *hub) publish(id devices.ID) *publisher {
	h.t.Helper()
	secret := h.add(string(id), "sensor", "--profile", "gas")
	p := &publisher{t: h.t, broker: "tcp://" + h.mqtt, id: id, secret: secret, epoch: uint64(time.Now().UnixMilli()),
		quit: make(chan struct{}), done: make(chan struct{})}
	p.more = sync.NewCond(&p.mu)
	go p.run()
	return p
}

// run publishes until finish, over as many connections as it takes.
func (p *publisher) run() {
	defer close(p.done)
	for !p.over() {
		c, err := dial(p.broker, p.id, p.secret)
		if err != nil {
			time.Sleep(50 * time.Millisecond) // the hub is down
			continue
		}
		p.talk(c)
		c.Disconnect(0)
	}
}

// over says that nothing is left to do.
func (p *publisher) over() bool {
	select {
	case <-p.quit:
		return len(p.open) == 0
	default:
		return false
	}
}

// talk publishes at a pace, many at a time, until the connection ends or
// nothing is left.
func (p *publisher) talk(c *client) {
	var tokens []mqtt.Token
	for _, r := range p.open {
		tokens = append(tokens, p.send(c, r))
	}
	for !p.over() {
		wait := p.quitting() || len(p.open) == window
		if !wait {
			p.open = append(p.open, p.reading())
			tokens = append(tokens, p.send(c, p.open[len(p.open)-1]))
			time.Sleep(pace)
		}
		for ; len(tokens) > 0 && (wait || settled(tokens[0])); wait = false {
			if finish(tokens[0]) != nil {
				return
			}
			p.note(p.open[0])
			p.open, tokens = p.open[1:], tokens[1:]
		}
	}
}

func settled(t mqtt.Token) bool {
	select {
	case <-t.Done():
		return true
	default:
		return false
	}
}

func (p *publisher) quitting() bool {
	select {
	case <-p.quit:
		return true
	default:
		return false
	}
}

// reading makes the next reading; no two are of one instant.
func (p *publisher) reading() *wire.Reading {
	value := little
	if p.seq%episode < high {
		value = methane
	}
	p.seq++
	p.last = max(p.last+1, telemetry.At(time.Now()))
	return &wire.Reading{Stamp: wire.Stamp{V: wire.Version, Epoch: p.epoch, Seq: p.seq}, At: p.last, Values: map[string]float64{"ch4": value}}
}

func (p *publisher) send(c *client, r *wire.Reading) mqtt.Token {
	again := *r
	again.Now = telemetry.At(time.Now())
	payload, err := json.Marshal(again)
	if err != nil {
		panic(err) // plain values
	}
	return c.Publish(wire.Up(p.id, wire.Telemetry), 1, false, payload)
}

func (p *publisher) note(r *wire.Reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acked = append(p.acked, r)
	p.more.Broadcast()
}

// await waits for n further acknowledgements.
func (p *publisher) await(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for end := len(p.acked) + n; len(p.acked) < end; {
		p.more.Wait()
	}
}

// finish ends the publisher when all that it sent is acknowledged.
func (p *publisher) finish() {
	p.t.Helper()
	close(p.quit)
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s waits for an acknowledgement", p.id)
	}
}

// verify holds that the hub has each acknowledged reading exactly once.
func (p *publisher) verify(s *session) {
	p.t.Helper()
	eventually(p.t, "all acknowledged readings of "+string(p.id), func() error { return p.compare(s.series(p.id, "ch4")) })
	eventually(p.t, "the ledger of "+string(p.id), func() error {
		if sum := s.ledger(p.id); sum.Polled != int64(len(p.acked)) || sum.Stored != sum.Polled {
			return fmt.Errorf("%d are acknowledged, the ledger says %+v", len(p.acked), sum)
		}
		return nil
	})
	p.hazards(s)
}

func (p *publisher) compare(have []api.Sample) error {
	for i, r := range p.acked {
		if i >= len(have) || have[i].At != r.At || have[i].Value != r.Values["ch4"] {
			return fmt.Errorf("of %d acknowledged and %d stored readings, number %d is %+v: want %+v", len(p.acked), len(have), i, have[max(0, min(i, len(have)-1)):min(i+1, len(have))], r)
		}
	}
	if len(have) != len(p.acked) {
		return fmt.Errorf("%d readings are acknowledged, %d are stored", len(p.acked), len(have))
	}
	return nil
}

// hazards holds that each episode made one hazard, and each hazard one case.
func (p *publisher) hazards(s *session) {
	p.t.Helper()
	want := (len(p.acked) + episode - 1) / episode
	eventually(p.t, "the hazards and cases of "+string(p.id), func() error {
		known := s.hazardsOf(p.id)
		cases := s.casesOf(p.id)
		if len(known) != want || len(cases) != want {
			return fmt.Errorf("%d hazards, %d cases: want %d", len(known), len(cases), want)
		}
		for _, c := range cases {
			if known[c.Hazard] != c.ID {
				return fmt.Errorf("case %s is of hazard %s, whose case is %q", c.ID, c.Hazard, known[c.Hazard])
			}
			delete(known, c.Hazard)
		}
		return nil
	})
}
