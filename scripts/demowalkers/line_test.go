package main

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/hub/broker"
	"gridhub/hub/geo"
)

// office is the broker's other side: it lets one terminal in and hands on what
// was published.
type office struct{ got chan broker.Message }

func (office) Authenticate(_ context.Context, c broker.Credentials) (broker.Principal, error) {
	if c.Username != "t-1" || c.ClientID != "t-1" || string(c.Password) != "right" {
		return broker.Principal{}, errors.New("unknown")
	}
	return broker.Principal{ID: "t-1", Kind: devices.Terminal}, nil
}

func (o office) Accept(m *broker.Message, ack broker.Ack) {
	c := *m
	c.Payload = append([]byte(nil), m.Payload...)
	ack.Done(nil)
	o.got <- c
}

func startBroker(t *testing.T) (*broker.Broker, office, string) {
	t.Helper()
	o := office{got: make(chan broker.Message, 100)}
	cfg := broker.Default()
	cfg.Listeners[0].Address = "127.0.0.1:0"
	b, err := broker.New(cfg, o, o, nil, broker.Events{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-b.Ready():
	case <-time.After(10 * time.Second):
		t.Fatal("the broker does not start")
	}
	return b, o, "tcp://" + b.Addr(cfg.Listeners[0].Name).String()
}

// next waits for a message of a kind.
func (o office) next(t *testing.T, kind string) broker.Message {
	t.Helper()
	for {
		select {
		case m := <-o.got:
			if m.Kind == kind {
				return m
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no %s came", kind)
		}
	}
}

// The line speaks with the real broker: it tells who is there and where, with
// numbers that grow, and is woken by what comes down.
func TestTheLineSpeaksWithTheBroker(t *testing.T) {
	b, o, address := startBroker(t)
	l := &line{broker: address, id: "t-1", secret: "right", wake: make(chan struct{}, 1), epoch: 7}
	if err := l.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer l.close()
	var p wire.Presence
	if m := o.next(t, wire.Status); json.Unmarshal(m.Payload, &p) != nil || !p.Online || !m.Retain {
		t.Errorf("status %s, retained %v", m.Payload, m.Retain)
	}
	for want := uint64(1); want <= 2; want++ {
		if err := l.tell(start, geo.Point{Lon: 120.16, Lat: 30.275}, 6, 1.3, 0.8); err != nil {
			t.Fatal(err)
		}
		m := o.next(t, wire.Positions)
		var f wire.Fix
		if err := json.Unmarshal(m.Payload, &f); err != nil || f.Seq != want || f.Epoch != 7 || f.Lon != 120.16 || *f.Speed != 1.3 || f.V != wire.Version {
			t.Errorf("fix %s, %v; want number %d", m.Payload, err, want)
		}
	}
	<-l.wake // connecting nudges: what came meanwhile is in the store
	if err := b.Send("t-1", wire.Task, []byte(`{"v":1,"task":"c-1","rev":4}`), 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.wake:
	case <-time.After(10 * time.Second):
		t.Error("a task did not wake the worker")
	}
	b.Disconnect("t-1", "the test cuts the line")
	for deadline := time.Now().Add(10 * time.Second); l.online(); {
		if time.Now().After(deadline) {
			t.Fatal("the cut was not noticed")
		}
		_ = l.tell(start, geo.Point{Lon: 120.16, Lat: 30.275}, 6, 0, 0.8) // it is the cut that is looked for
	}
	if err := l.keep(t.Context()); err != nil || !l.online() {
		t.Errorf("not connected again: %v", err)
	}
}

func TestAWrongSecretIsAnError(t *testing.T) {
	_, _, address := startBroker(t)
	l := &line{broker: address, id: "t-1", secret: "wrong", wake: make(chan struct{}, 1)}
	if err := l.connect(); err == nil {
		t.Error("connected with a wrong secret")
	}
}
