package chain_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// client is an identity's MQTT connection. One life each: after a cut the test
// makes another.
type client struct {
	id devices.ID
	mqtt.Client

	mu    sync.Mutex
	heard []heard
}

type heard struct{ topic, payload string }

// dial connects an identity once. It subscribes to all that may come down.
func dial(broker string, id devices.ID, secret string, options ...func(*mqtt.ClientOptions)) (*client, error) {
	c := &client{id: id}
	o := mqtt.NewClientOptions().AddBroker(broker).SetClientID(string(id)).SetUsername(string(id)).SetPassword(secret).
		SetAutoReconnect(false).SetCleanSession(true).SetOrderMatters(false).SetConnectTimeout(10 * time.Second).
		SetWriteTimeout(10 * time.Second).SetDefaultPublishHandler(c.hear)
	for _, f := range options {
		f(o)
	}
	c.Client = mqtt.NewClient(o)
	if err := finish(c.Connect()); err != nil {
		return nil, err
	}
	if err := finish(c.Subscribe(wire.DownFilter(id), 1, nil)); err != nil {
		c.Disconnect(0)
		return nil, err
	}
	return c, nil
}

func (c *client) hear(_ mqtt.Client, m mqtt.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = append(c.heard, heard{m.Topic(), string(m.Payload())})
}

// told returns nil once a message of that kind came with all the words in it.
func (c *client) told(kind string, words ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.heard {
		if h.topic == wire.Down(c.id, kind) && containsAll(h.payload, words) {
			return nil
		}
	}
	return fmt.Errorf("of %d messages none is %s with %q", len(c.heard), kind, words)
}

// finish waits for a token.
func finish(t mqtt.Token) error {
	if !t.WaitTimeout(15 * time.Second) {
		return errors.New("the broker does not answer")
	}
	return t.Error()
}

// say publishes with QoS 1 and returns when the hub has it on disk.
func (c *client) say(kind string, body any) error {
	payload, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return finish(c.Publish(wire.Up(c.id, kind), 1, false, payload))
}

// handheld is a worker's session, terminal and place.
type handheld struct {
	t testing.TB
	*session
	*client
	epoch uint64
	seq   uint64
}

// handheld signs a worker in, binds a terminal, connects it and goes on duty.
func (h *hub) handheld(account string) *handheld {
	h.t.Helper()
	s := h.signIn(account, password)
	var bound struct {
		ID     devices.ID `json:"id"`
		Secret string     `json:"secret"`
	}
	s.post("/api/v1/terminals", map[string]string{"label": "handheld"}, &bound)
	c, err := dial("tcp://"+h.mqtt, bound.ID, bound.Secret)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Disconnect(0) })
	s.post("/api/v1/duty", map[string]bool{"on": true}, nil)
	return &handheld{t: h.t, session: s, client: c, epoch: uint64(time.Now().UnixMilli())}
}

// stand publishes a fix.
func (w *handheld) stand(lon, lat float64) {
	w.t.Helper()
	w.seq++
	now, still := telemetry.At(time.Now()), 0.0
	err := w.say(wire.Positions, wire.Fix{Stamp: wire.Stamp{V: wire.Version, Epoch: w.epoch, Seq: w.seq, Now: now},
		At: now, Lon: lon, Lat: lat, Accuracy: 6, Speed: &still, Source: "gnss"})
	if err != nil {
		w.t.Fatal(err)
	}
}
