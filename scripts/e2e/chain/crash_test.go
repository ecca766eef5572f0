package chain_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/hub/identity"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"
)

var (
	kills = flag.Int("kills", 20, "how often TestCrashes kills the hub")
	seed  = flag.Uint64("seed", 0, "of TestCrashes' choices; 0: another each time")
)

// A plant's size, and how often its devices are read: busily, or once at the
// start by a gateway that shall only deliver what it has.
const (
	plantSize = 8 // devices

	busy = 100 * time.Millisecond
	calm = 24 * time.Hour
)

// simulated is a plant of devices that are often in alarm.
func simulated(prefix string, period time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "lines: [{name: sim, kind: simulated, seed: %d, hazard_every: 20s}]\ndevices:\n", len(prefix))
	for i := range plantSize {
		fmt.Fprintf(&b, "  - {id: %s-%d, profile: gas-ch4@1, line: sim, period: %s, place: {grid: G02, lon: 120.152, lat: 30.271}}\n", prefix, i, period)
	}
	return b.String()
}

func (s *session) hazardsOf(id devices.ID) map[identity.HazardID]identity.CaseID {
	s.t.Helper()
	var all []rules.Hazard
	s.get("/api/v1/hazards?limit=1000", &all)
	out := map[identity.HazardID]identity.CaseID{}
	for _, z := range all {
		if z.Device == id {
			out[z.ID] = z.Case
		}
	}
	return out
}

func (s *session) casesOf(id devices.ID) (out []tasks.Case) {
	s.t.Helper()
	var all []tasks.Case
	s.get("/api/v1/cases?limit=1000", &all)
	for _, c := range all {
		if c.Device == string(id) {
			out = append(out, c)
		}
	}
	return out
}

// TestCrashes kills the hub and its gateways without warning while gateways and
// devices publish, starts them again, and holds that everything that was ever
// acknowledged is there exactly once.
func TestCrashes(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("again with: -seed %d", *seed)
	dice := rand.New(rand.NewPCG(*seed, 1))
	h, _ := open(t, "")
	edges := []*edge{h.gateway("gw-1", simulated("north", busy)), h.gateway("gw-2", simulated("southern", busy))}
	for _, e := range edges {
		e.run()
	}
	publishers := []*publisher{h.publish("probe-1"), h.publish("probe-2"), h.publish("probe-3")}
	var slowest time.Duration
	for round := range *kills {
		publishers[round%len(publishers)].await(100 + dice.IntN(700))
		e := edges[dice.IntN(len(edges))]
		if dice.IntN(2) == 0 {
			e.end(t, syscall.SIGKILL)
		}
		h.end(t, syscall.SIGKILL)
		slowest = max(slowest, h.serve())
		if !e.running() {
			e.run()
		}
	}
	t.Logf("%d kills; the slowest restart took %v", *kills, slowest.Round(time.Millisecond))
	root := h.signIn(administrator, password)
	acked := 0
	for _, p := range publishers {
		p.await(1) // it came back after the last crash
		p.finish()
	}
	for _, p := range publishers {
		p.verify(root)
		acked += len(p.acked)
	}
	t.Logf("the devices had %d readings acknowledged", acked)
	for i, prefix := range []string{"north", "southern"} {
		edges[i].verify(h, root, prefix)
	}
}

// verify quietens the gateway and holds that the hub stored every reading that
// it numbered exactly once.
func (e *edge) verify(h *hub, s *session, prefix string) {
	e.t.Helper()
	e.quieten(simulated(prefix, calm))
	eventually(e.t, "every reading of "+prefix, func() error {
		numbered, err := e.delivered()
		if err != nil {
			return err
		}
		exported, stored := 0, 0
		for i := range plantSize {
			id := fmt.Sprintf("%s-%d", prefix, i)
			sum := s.ledger(devices.ID(id))
			if sum.Pending != 0 || sum.Stored != sum.Polled || sum.Unexplained != 0 || !sum.Told {
				return fmt.Errorf("%s: the ledger says %+v", id, sum)
			}
			stored += int(sum.Stored)
			exported += strings.Count(h.cli("export", "--device", id), "gas,device="+id+" ")
		}
		if stored != numbered || exported != numbered {
			return fmt.Errorf("the gateway numbered %d, the ledger has %d, the export %d", numbered, stored, exported)
		}
		return nil
	})
	e.stop()
}

// TestOutage stops the hub for a while: its gateway keeps polling, catches up
// when the hub is back, and then nothing is missing and nothing is there twice.
func TestOutage(t *testing.T) {
	h, _ := open(t, "")
	e := h.gateway("gw-1", simulated("north", busy))
	e.run()
	e.reaches("gridhub_edge_records_total", 50, math.Inf(1))
	h.stop()
	e.reaches("gridhub_edge_waiting", 200, math.Inf(1))
	h.serve()
	e.reaches("gridhub_edge_waiting", 0, 50) // while it goes on polling
	e.verify(h, h.signIn(administrator, password), "north")
}

// reaches waits until a metric is between two bounds.
func (e *edge) reaches(metric string, low, high float64) {
	e.t.Helper()
	eventually(e.t, metric, func() error {
		n, err := e.metric(metric)
		if err == nil && (n < low || n > high) {
			err = fmt.Errorf("have %v, want %v to %v", n, low, high)
		}
		return err
	})
}
