package uplink

import (
	"context"
	"errors"
	"sync"
	"testing"

	"gridhub/devices/wire"
	"gridhub/edge/uplink/hubtest"
)

// TestSayAcrossConnections says something while the broker is away and while
// it dies: it returns when it has arrived, and not before.
func TestSayAcrossConnections(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), gateway)
	u, err := New(quick(broker.Address()), Options{ID: gateway, Spool: openSpool(t, t.TempDir()), Stock: func() wire.Stock { return wire.Stock{V: 1} }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	say := func(id string) chan error {
		said := make(chan error, 1)
		group.Go(func() {
			said <- u.Say(ctx, wire.Reply, func() any { return wire.Result{V: 1, ID: id, State: wire.Executed} })
		})
		return said
	}
	arrived := func(id string) func(hubtest.State) bool {
		return func(s hubtest.State) bool {
			for _, r := range s.Replies() {
				if r.ID == id {
					return true
				}
			}
			return false
		}
	}
	early := say("early") // there is no connection yet
	group.Go(func() { u.Run(ctx) })
	hub.Wait("what was said early", arrived("early"))
	if err := <-early; err != nil {
		t.Error(err)
	}
	broker.Kill()
	away := say("away")
	select {
	case err := <-away:
		t.Fatalf("said to nobody: %v", err)
	default:
	}
	broker.Start()
	hub.Wait("what was said to nobody", arrived("away"))
	if err := <-away; err != nil {
		t.Error(err)
	}
	broker.Kill()
	never := say("never")
	cancel()
	if err := <-never; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}
