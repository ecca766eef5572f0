package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/geo"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// line is a terminal's connection to the broker. A new client is made for each
// connection: the library's own reconnection loses what was in flight.
type line struct {
	broker string
	id     devices.ID
	secret string
	wake   chan struct{} // capacity 1: several nudges are one
	epoch  uint64
	seq    uint64
	client mqtt.Client
}

var errOffline = errors.New("not connected")

// connect dials once; the caller tries again later.
func (l *line) connect() error {
	o := mqtt.NewClientOptions().AddBroker(l.broker).SetClientID(string(l.id)).SetUsername(string(l.id)).SetPassword(l.secret).
		SetAutoReconnect(false).SetCleanSession(true).SetKeepAlive(30 * time.Second).SetConnectTimeout(10 * time.Second).
		SetWriteTimeout(10 * time.Second).SetOrderMatters(false)
	o.SetDefaultPublishHandler(func(mqtt.Client, mqtt.Message) { l.nudge() })
	status, err := json.Marshal(wire.Presence{V: wire.Version, Cause: "connection lost"})
	if err != nil {
		return err
	}
	o.SetBinaryWill(wire.Up(l.id, wire.Status), status, 1, true)
	c := mqtt.NewClient(o)
	if err := finish(c.Connect()); err != nil {
		return err
	}
	if err := finish(c.Subscribe(wire.DownFilter(l.id), 1, nil)); err != nil {
		c.Disconnect(0)
		return err
	}
	l.client = c
	l.nudge() // what came meanwhile is in the store
	return l.publish(wire.Status, true, wire.Presence{V: wire.Version, Online: true, Now: telemetry.At(time.Now())})
}

func (l *line) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// finish waits for a token; a broker that does not answer is an error.
func finish(t mqtt.Token) error {
	if !t.WaitTimeout(15 * time.Second) {
		return errors.New("the broker does not answer")
	}
	return t.Error()
}

func (l *line) online() bool { return l.client != nil && l.client.IsConnectionOpen() }

func (l *line) publish(kind string, retained bool, body any) error {
	if !l.online() {
		return errOffline
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return finish(l.client.Publish(wire.Up(l.id, kind), 1, retained, data))
}

// tell publishes a fix.
func (l *line) tell(at time.Time, p geo.Point, accuracy, speed, battery float64) error {
	l.seq++
	now := telemetry.At(at)
	return l.publish(wire.Positions, false, wire.Fix{
		Stamp: wire.Stamp{V: wire.Version, Epoch: l.epoch, Seq: l.seq, Now: now},
		At:    now, Lon: p.Lon, Lat: p.Lat, Accuracy: accuracy, Speed: &speed, Battery: &battery, Source: "gnss",
	})
}

// keep reconnects with a growing pause until ctx ends or the line stands.
func (l *line) keep(ctx context.Context) error {
	for pause := time.Second; !l.online(); pause = min(2*pause, 30*time.Second) {
		err := l.connect()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return nil
}

func (l *line) close() {
	if l.online() {
		_ = l.publish(wire.Status, true, wire.Presence{V: wire.Version, Cause: "signed off"}) // the will says it otherwise
		l.client.Disconnect(250)
	}
}
