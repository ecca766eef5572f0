package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
	"gridhub/edge/driver/dlt645"
	"gridhub/edge/driver/listen"
	"gridhub/edge/driver/modbus"
	"gridhub/edge/driver/serial"
	"gridhub/edge/driver/simulated"
	"gridhub/edge/poll"
)

// maxInventory is what a hub takes in one message, less a little for the rest
// of the packet.
const maxInventory = 250 << 10

// inventory describes all devices to the hub.
func inventory(library profile.Library, plant profile.Plant) (wire.Stock, error) {
	s := wire.Stock{V: wire.Version, Devices: []wire.Entry{}}
	for i := range plant.Devices {
		d := &plant.Devices[i]
		s.Devices = append(s.Devices, d.Entry(library[d.Profile]))
	}
	text, err := json.Marshal(s.Devices)
	if err != nil {
		return s, fmt.Errorf("inventory: %w", err)
	}
	if len(text) > maxInventory {
		return s, fmt.Errorf("inventory of %d devices takes %d bytes, a hub takes %d: share the devices between gateways", len(s.Devices), len(text), maxInventory)
	}
	s.Hash, err = hashOf(s.Devices)
	return s, err
}

// hashOf is over the devices' JSON, whose field order is fixed.
func hashOf(devices []wire.Entry) (string, error) {
	text, err := json.Marshal(devices)
	if err != nil {
		return "", fmt.Errorf("inventory: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// reader is a line at work: one that asks its devices or one that listens.
type reader interface {
	Name() string
	Run(ctx context.Context) error // returns when ctx ends, or when it is to retire
	Retire()                       // after the reading at hand
	Stats() map[devices.ID]poll.Stats
	Findings() []driver.Finding
}

// readerOf asks the devices of l, or listens to them, as their protocol wants.
func (c *crew) readerOf(l profile.Line, tasks []poll.Task) (reader, error) {
	if l.Kind == profile.Simulated || tasks[0].Station.Profile.Protocol.Asked() {
		return poll.New(l.Name, open(l, tasks, c.log), tasks, c.sink, poll.Options{
			Retries: c.cfg.Retries, MaxBackoff: c.cfg.MaxBackoff, Pause: l.Pause, Logger: c.log,
		}), nil
	}
	var source driver.Source
	var err error
	if l.Kind == profile.Listen {
		source, err = listen.New(l, stations(tasks), c.settle, filepath.Join(c.parts, "line-"+url.PathEscape(l.Name)), c.log)
	} else {
		source, err = serial.New(l, tasks[0].Station, tasks[0].Every, c.log)
	}
	if err != nil {
		return nil, err
	}
	return poll.Listen(l.Name, source, tasks, c.sink, c.log), nil
}

func stations(tasks []poll.Task) []driver.Station {
	all := make([]driver.Station, len(tasks))
	for i, t := range tasks {
		all[i] = t.Station
	}
	return all
}

// tasksOn compiles the devices that hang on l.
func tasksOn(l profile.Line, library profile.Library, all []profile.Device) ([]poll.Task, error) {
	var tasks []poll.Task
	for i := range all {
		d := &all[i]
		if d.Line != l.Name {
			continue
		}
		p := library[d.Profile]
		layout, err := p.Compile(d.Answers)
		if err != nil {
			return nil, fmt.Errorf("device %s: %w", d.ID, err)
		}
		tasks = append(tasks, poll.Task{
			Station: driver.Station{ID: d.ID, Address: d.Address, Timeout: d.Timeout, Profile: p, Layout: layout},
			Every:   d.Every(p),
		})
	}
	return tasks, nil
}

// open makes the driver of a line whose devices are asked. Nothing is opened
// before the first reading.
func open(l profile.Line, tasks []poll.Task, log *slog.Logger) driver.Line {
	switch {
	case l.Kind == profile.Simulated:
		return simulated.New(l, stations(tasks), time.Now)
	case tasks[0].Station.Profile.Protocol.Edition() != 0:
		return dlt645.New(l, log)
	}
	return modbus.New(l, log)
}
