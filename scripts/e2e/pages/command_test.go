package pages_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// cabinet is a gateway with a siren and a valve. It says at once that an order
// is on its disk; the siren sounds only when the valve has stuck.
type cabinet struct {
	mqtt.Client
	t  *testing.T
	id devices.ID

	mu     sync.Mutex
	waits  string // the siren's order
	failed bool   // the valve's came
	done   bool
}

func (s *street) cabinet(id devices.ID) {
	s.t.Helper()
	secret, err := exec.Command(filepath.Join(s.bin, "hub"), "device", "add", string(id), "--kind", "gateway", "--config", s.config).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	c := &cabinet{t: s.t, id: id}
	c.Client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + s.mqtt).SetClientID(string(id)).SetUsername(string(id)).
		SetPassword(strings.TrimSpace(string(secret))).SetOrderMatters(false).SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { c.hear(m) }))
	s.t.Cleanup(func() { c.Disconnect(100) })
	low, high := 0.0, 100.0
	for _, step := range []func() mqtt.Token{c.Connect, func() mqtt.Token { return c.Subscribe(wire.DownFilter(id), 1, nil) }} {
		token := step()
		if token.WaitTimeout(patience); token.Error() != nil {
			s.t.Fatal(token.Error())
		}
	}
	place := wire.Place{Grid: "G03", Lon: 120.16, Lat: 30.2753, Note: "3 号楼东侧配电房"}
	c.say(wire.Inventory, wire.Stock{V: wire.Version, Hash: "sha256:1", Devices: []wire.Entry{{ID: "siren-1", Name: "3 号楼声光警号", Kind: "relay", Profile: "relay@1", Place: place, Period: 5000,
		Metrics: []wire.Metric{{Name: "relay_1"}}, Controls: []wire.Control{{Name: "relay_1", Bool: true}, {Name: "opening", Unit: "%", Min: &low, Max: &high}}}}})
	now := telemetry.At(time.Now())
	c.say(wire.Batches, wire.Batch{V: wire.Version, Stream: wire.Data, Epoch: 1, First: 1, Last: 1, Floor: 1, Now: now,
		Records: []wire.Record{{Seq: 1, Device: "siren-1", At: now, Values: map[string]float64{"relay_1": 0}}}})
}

func (c *cabinet) say(kind string, body any) {
	b, err := json.Marshal(body)
	if err == nil {
		token := c.Publish(wire.Up(c.id, kind), 1, false, b)
		token.WaitTimeout(patience)
		err = token.Error()
	}
	if err != nil {
		c.t.Error(err)
	}
}

func (c *cabinet) hear(m mqtt.Message) {
	var s wire.Signed
	var o wire.Order
	if m.Topic() != wire.Down(c.id, wire.Command) || json.Unmarshal(m.Payload(), &s) != nil || json.Unmarshal(s.Order, &o) != nil {
		return
	}
	c.tell(o.ID, wire.Accepted, "", nil)
	c.mu.Lock()
	if _, siren := o.Set["relay_1"]; siren {
		c.waits = o.ID
	} else {
		c.failed = true
	}
	sounds := c.waits
	if !c.failed || c.done {
		sounds = ""
	}
	c.done = c.done || sounds != ""
	c.mu.Unlock()
	if _, valve := o.Set["opening"]; valve {
		c.tell(o.ID, wire.Failed, "timeout", nil)
	}
	if sounds != "" {
		c.tell(sounds, wire.Executed, "", map[string]float64{"relay_1": 1})
	}
}

func (c *cabinet) tell(id, state, cause string, values map[string]float64) {
	now := telemetry.At(time.Now())
	c.say(wire.Reply, wire.Result{V: wire.Version, ID: id, Device: "siren-1", State: state, At: now, Now: now, Cause: cause, Values: values})
}

// The desk switches a siren: what it sees is what the gateway has said, and
// nothing is green before the device has done it.
func TestTheCentreSwitchesADevice(t *testing.T) {
	s := open(t, place{})
	s.staff()
	s.cabinet("gw-cabinet-3")
	s.browse("command", task{})
}
