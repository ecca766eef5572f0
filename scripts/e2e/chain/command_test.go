package chain_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/api"
	"gridhub/hub/commands"
)

// cabinet is a gateway that a test plays by the protocol's page alone.
type cabinet struct {
	*client
	h    *hub
	keys []commands.PublicKey
}

// cabinet connects a gateway with one siren.
func (h *hub) cabinet(s *session, id devices.ID, secret string) *cabinet {
	h.t.Helper()
	c := &cabinet{h: h}
	s.get("/api/v1/commands/keys", &c.keys)
	var err error
	if c.client, err = dial("tcp://"+h.mqtt, id, secret); err != nil {
		h.t.Fatal(err)
	}
	c.must(c.say(wire.Status, wire.Presence{V: wire.Version, Online: true, Now: telemetry.At(time.Now())}))
	c.must(c.say(wire.Inventory, wire.Stock{V: wire.Version, Hash: "sha256:1", Devices: []wire.Entry{{ID: "siren-1", Kind: "relay", Profile: "relay@1",
		Metrics: []wire.Metric{{Name: "siren"}}, Controls: []wire.Control{{Name: "siren", Bool: true}}}}}))
	return c
}

func (c *cabinet) must(err error) {
	c.h.t.Helper()
	if err != nil {
		c.h.t.Fatal(err)
	}
}

// orders are all orders that came, in order, each verified with the keys that
// the hub hands out.
func (c *cabinet) orders() (all []wire.Order) {
	c.h.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.heard {
		if m.topic != wire.Down(c.id, wire.Command) {
			continue
		}
		var s wire.Signed
		c.must(json.Unmarshal([]byte(m.payload), &s))
		o, err := s.Open(pinned(c.h.t, c.keys)...)
		c.must(err)
		all = append(all, o)
	}
	return all
}

// order waits for the order of a command.
func (c *cabinet) order(id string) (o wire.Order) {
	c.h.t.Helper()
	eventually(c.h.t, "the order "+id, func() error {
		for _, o = range c.orders() {
			if o.ID == id {
				return nil
			}
		}
		return errors.New("it did not come")
	})
	return o
}

// pinned are the keys of a gateway that fetched them.
func pinned(t testing.TB, all []commands.PublicKey) (keys []ed25519.PublicKey) {
	t.Helper()
	for _, k := range all {
		block, _ := pem.Decode([]byte(k.PEM))
		if block == nil {
			t.Errorf("%+v is no PEM", k)
			continue
		}
		one, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, one.(ed25519.PublicKey))
	}
	return keys
}

func (c *cabinet) tells(id, state string, more ...func(*wire.Result)) {
	c.h.t.Helper()
	now := telemetry.At(time.Now())
	r := wire.Result{V: wire.Version, ID: id, Device: "siren-1", State: state, At: now, Now: now}
	for _, f := range more {
		f(&r)
	}
	c.must(c.say(wire.Reply, r))
}

// becomes waits until a command has a state.
func (s *session) becomes(device devices.ID, id string, want commands.State) (i commands.Instruction) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%s to be %s", id, want), func() error {
		err := s.call("GET", fmt.Sprintf("/api/v1/devices/%s/commands/%s", device, id), nil, &i)
		if err == nil && i.State != want {
			err = fmt.Errorf("it is %+v", i)
		}
		return err
	})
	return i
}

func (s *session) settable(device devices.ID, control string) {
	s.t.Helper()
	eventually(s.t, "the controls of "+string(device), func() error {
		var c api.Controls
		err := s.call("GET", fmt.Sprintf("/api/v1/devices/%s/controls", device), nil, &c)
		if err == nil && (len(c.Controls) == 0 || c.Controls[0].Name != control) {
			err = fmt.Errorf("have %+v", c)
		}
		return err
	})
}

// TestCommandByContract sends orders to a gateway that is written from the
// protocol's page, kills the hub in between, and holds that only what the
// gateway says counts.
func TestCommandByContract(t *testing.T) {
	h, s := open(t, "")
	secret := h.add("gw-cabinet-3", "gateway")
	other := h.add("gw-other", "gateway")
	gw := h.cabinet(s, "gw-cabinet-3", secret)
	s.settable("siren-1", "siren")
	screen := s.watch()
	on, two := 1.0, 2.0
	var made commands.Instruction
	s.post("/api/v1/devices/siren-1/commands", api.ControlRequest{ID: "first-press", Control: "siren", Value: &on}, &made)
	if made.State != commands.Created {
		t.Errorf("the answer says %s", made.State)
	}
	eventually(t, "the order", func() error {
		if n := len(gw.orders()); n != 1 {
			return fmt.Errorf("%d orders", n)
		}
		return nil
	})
	if o := gw.orders()[0]; o.ID != "first-press" || o.To != "gw-cabinet-3" || o.Device != "siren-1" || o.Set["siren"] != 1 || o.By != administrator {
		t.Errorf("the order is %+v", o)
	}
	s.becomes("siren-1", "first-press", commands.Sent) // its PUBACK is there: nothing more
	stranger, err := dial("tcp://"+h.mqtt, "gw-other", other)
	gw.must(err)
	defer stranger.Disconnect(0)
	gw.must(stranger.say(wire.Reply, wire.Result{V: wire.Version, ID: "first-press", State: wire.Executed, At: 1, Now: 1}))
	gw.tells("first-press", wire.Accepted)
	s.becomes("siren-1", "first-press", commands.Acknowledged) // and not executed, as the stranger says
	gw.tells("first-press", wire.Executed, func(r *wire.Result) { r.Values = map[string]float64{"siren": 1} })
	done := s.becomes("siren-1", "first-press", commands.Executed)
	if len(done.Stages) != 4 || done.Stages[3].Values["siren"] != 1 {
		t.Errorf("%+v", done)
	}
	eventually(t, "the screens to hear it", func() error { return screen.has("command", `"first-press"`, `"executed"`) })
	s.post("/api/v1/devices/siren-1/commands", api.ControlRequest{ID: "first-press", Control: "siren", Value: &on}, &made)
	if made.State != commands.Executed || len(gw.orders()) != 1 {
		t.Errorf("the same request again: %s, %d orders", made.State, len(gw.orders()))
	}
	err = s.call("POST", "/api/v1/devices/siren-1/commands", api.ControlRequest{Control: "siren", Value: &two}, nil)
	if !isStatus(err, http.StatusUnprocessableEntity) || !strings.Contains(err.Error(), `"body.value"`) || !strings.Contains(err.Error(), "want 0 or 1") {
		t.Errorf("2 for a switch: %v", err)
	}
	h.killed(s, secret)
}

// killed holds that a command outlives the hub and a gateway that is away, and
// is signed anew each time it is sent.
func (h *hub) killed(s *session, secret string) {
	t, off := h.t, 0.0
	h.t.Helper()
	again, err := dial("tcp://"+h.mqtt, "gw-cabinet-3", secret) // takes the place of the first connection
	if err != nil {
		t.Fatal(err)
	}
	again.Disconnect(0)
	var away commands.Instruction
	eventually(t, "the hub to know that the gateway is away", func() error {
		s.post("/api/v1/devices/siren-1/commands", api.ControlRequest{Control: "siren", Value: &off, Expires: 600}, &away)
		eventually(t, "a look at the gateway", func() error {
			s.get("/api/v1/devices/siren-1/commands/"+away.ID, &away)
			if away.State == commands.Created && away.Waiting == "" {
				return errors.New("not yet")
			}
			return nil
		})
		if away.Waiting != commands.Offline {
			return fmt.Errorf("%+v", away)
		}
		return nil
	})
	h.end(t, syscall.SIGKILL)
	h.serve()
	s = h.signIn(administrator, password)
	gw := h.cabinet(s, "gw-cabinet-3", secret)
	first := gw.order(away.ID)
	h.cli("command-key", "rotate")
	gw.Disconnect(0)
	gw = h.cabinet(s, "gw-cabinet-3", secret)
	if len(gw.keys) != 2 || !gw.keys[0].Current || gw.keys[1].Current {
		t.Errorf("after a rotation the keys are %+v", gw.keys)
	}
	second := gw.order(away.ID)
	if second.Now <= first.Now || second.Expires != first.Expires {
		t.Errorf("sent %+v, then %+v", first, second)
	}
	gw.tells(away.ID, wire.Failed, func(r *wire.Result) { r.Cause = "timeout" })
	if i := s.becomes("siren-1", away.ID, commands.Failed); i.Stages[len(i.Stages)-1].Cause != "timeout" {
		t.Errorf("%+v", i)
	}
	if out := h.cli("command-key", "forget", gw.keys[1].ID); strings.Count(out, "BEGIN PUBLIC KEY") != 1 {
		t.Errorf("the keys are now %s", out)
	}
}
