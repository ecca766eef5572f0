package commands

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/homeassistant"
	"gridhub/devices/codec/sparkplug"
	"gridhub/devices/codec/tasmota"
	"gridhub/devices/codec/thingsboard"
	"gridhub/devices/wire"
)

// Conventions whose devices can be told something.
const (
	thingsBoard   = "thingsboard"
	sparkplugB    = "sparkplug"
	tasmotaName   = "tasmota"
	homeAssistant = "homeassistant"
)

// way is how one control of a device is set where an inventory of ours does not
// say it. At most one of Spark and Home is set.
type way struct {
	Device  devices.ID              `json:"device"`
	Control wire.Control            `json:"control"`
	Spark   *sparkplug.Writable     `json:"spark,omitempty"`
	Behind  string                  `json:"behind,omitempty"` // a device's name behind a Sparkplug node
	Home    *homeassistant.Settable `json:"home,omitempty"`
}

func byDevice(a, b way) int {
	return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Control.Name, b.Control.Name))
}

// message is an order in a foreign receiver's words, and what will show that it
// was done. Metric is empty where the receiver answers by the order's number.
type message struct {
	Way     way     `json:"-"` // for render alone
	Route   Route   `json:"-"`
	Kind    string  `json:"kind"` // behind down/
	Payload []byte  `json:"payload"`
	Side    string  `json:"side,omitempty"`   // topics that may show it begin so
	Metric  string  `json:"metric,omitempty"` // whose value shows it
	Value   float64 `json:"value,omitempty"`
}

// render writes a record's foreign message: its number is known by now.
func (r *record) render() (err error) {
	m := r.Foreign
	if m == nil {
		return nil
	}
	if r.Value != nil {
		m.Value = *r.Value
	}
	switch m.Route.Convention {
	case thingsBoard:
		return m.thingsboard(&r.Instruction)
	case tasmotaName:
		m.Kind, m.Payload = "tasmota/cmnd/"+r.Control, tasmota.Command(r.Control, m.Value)
		m.Side, m.Metric = "tasmota/stat/", r.Control
		return nil
	case sparkplugB:
		return m.sparkplug(&r.Instruction)
	case homeAssistant:
		return m.homeassistant()
	}
	return fmt.Errorf("convention %s takes no commands", m.Route.Convention)
}

// thingsboard calls the control's name as a method, with the value as params,
// as ThingsBoard's own switches and knobs do.
func (m *message) thingsboard(i *Instruction) (err error) {
	var params any = m.Value
	switch {
	case m.Way.Control.Text:
		params = i.Text
	case m.Way.Control.Bool:
		params = m.Value != 0
	}
	if m.Route.Name == "" {
		m.Kind = "tb/rpc/request/" + strconv.FormatInt(i.Number, 10)
		m.Payload, err = thingsboard.Request(i.Control, params)
		return err
	}
	m.Kind = "tb/gateway/rpc"
	m.Payload, err = thingsboard.GatewayRequest(i.Number, m.Route.Name, i.Control, params)
	return err
}

func (m *message) sparkplug(i *Instruction) (err error) {
	w := m.Way.Spark
	if w == nil {
		return &Invalid{"control", i.Control, "a metric that the node's birth lets others write"}
	}
	m.Kind, m.Side = "spb/"+sparkplug.NCmd, "spb/"+sparkplug.NData
	if m.Way.Behind != "" {
		m.Kind, m.Side = "spb/"+sparkplug.DCmd+"/"+m.Way.Behind, "spb/"+sparkplug.DData+"/"+m.Way.Behind
	}
	m.Payload, err = w.Command(i.Stages[0].At, m.Value)
	if err != nil {
		return &Invalid{"value", m.Value, err.Error()}
	}
	m.Metric, m.Value = w.Metric, w.As(m.Value)
	return nil
}

// homeassistant finds the announced topic in the sender's tree. One beyond it
// would reach nobody.
func (m *message) homeassistant() error {
	w := m.Way.Home
	if w == nil {
		return &Invalid{"control", m.Way.Control.Name, "a component that was announced with a command topic"}
	}
	below, discovery := strings.CutPrefix(w.Topic, "homeassistant/")
	switch {
	case discovery:
		m.Kind = "ha/discovery/" + below
	case w.Topic == m.Route.Foreign || strings.HasPrefix(w.Topic, m.Route.Foreign+"/"):
		m.Kind = "ha/state/" + w.Topic
	default:
		return &Invalid{"control", w.Metric, "a command topic at or below " + m.Route.Foreign + ", not " + w.Topic}
	}
	m.Payload, m.Side, m.Metric = w.Payload(m.Value), "ha/", w.Metric
	return nil
}

// announced keeps what a foreign sender's announcement lets others set.
func (d *Desk) announced(ctx context.Context, h Heard) error {
	kind, rest, _ := strings.Cut(h.Topic, "/")
	switch {
	case kind == "ha" && strings.HasPrefix(rest, "discovery/"):
		topic := strings.TrimPrefix(rest, "discovery/")
		if !strings.HasSuffix(topic, "/config") {
			return nil
		}
		return d.replaceWays(ctx, h.From, rest, h.settables(topic))
	case kind == "spb" && (rest == sparkplug.NBirth || strings.HasPrefix(rest, sparkplug.DBirth+"/")):
		return d.replaceWays(ctx, h.From, rest, h.writables(strings.TrimPrefix(rest, sparkplug.DBirth+"/")))
	}
	return nil
}

// settables reads an announcement that the decoder has taken; what it cannot be
// read as lets nobody set anything.
func (h Heard) settables(topic string) (all []way) {
	found, err := homeassistant.Settables(topic, h.Body, h.Speaks)
	if err != nil {
		return nil
	}
	for _, s := range found {
		c := wire.Control{Name: s.Metric, Bool: s.Bool, Unit: s.Unit, Min: s.Min, Max: s.Max}
		all = append(all, way{Device: h.child(s.Device), Control: c, Home: &s})
	}
	return all
}

func (h Heard) writables(behind string) (all []way) {
	found, err := sparkplug.Writables(h.Body)
	if err != nil {
		return nil
	}
	if behind == sparkplug.NBirth {
		behind = ""
	}
	for _, w := range found {
		c := wire.Control{Name: w.Metric, Bool: w.Bool(), Unit: w.Unit}
		if low, high, whole := w.Range(); whole && !c.Bool {
			c.Min, c.Max = &low, &high
		}
		all = append(all, way{Device: h.child(behind), Control: c, Spark: &w, Behind: behind})
	}
	return all
}

// child is the id of a device that a foreign sender calls so.
func (h Heard) child(name string) devices.ID {
	if name == "" {
		return h.From
	}
	return codec.Child(h.From, name)
}

// tasmotaWays are what a Tasmota's own metrics let others set.
func tasmotaWays(id devices.ID, metrics []string) (all []way) {
	low, high := 0.0, 100.0
	for _, name := range metrics {
		switch {
		case tasmota.Switch(name):
			all = append(all, way{Device: id, Control: wire.Control{Name: name, Bool: true}})
		case name == tasmota.Dimmer:
			all = append(all, way{Device: id, Control: wire.Control{Name: name, Unit: "%", Min: &low, Max: &high}})
		}
	}
	return all
}
