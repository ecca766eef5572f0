package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
	"gridhub/edge/driver/dlt645"
	"gridhub/edge/driver/modbus"
	"gridhub/edge/driver/simulated"
	"gridhub/edge/poll"
)

// maxInventory is what a hub takes in one message, less a little for the rest
// of the packet.
const maxInventory = 250 << 10

// inventory describes all devices to the hub. The hash is over their JSON,
// whose field order is fixed.
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
	sum := sha256.Sum256(text)
	s.Hash = hex.EncodeToString(sum[:])
	return s, nil
}

// reader is a line at work: one that asks its devices or one that listens.
type reader interface {
	Name() string
	Run(ctx context.Context) error // returns when ctx ends
	Stats() map[devices.ID]poll.Stats
	Findings() []driver.Finding
}

// readers makes one reader for each line that has devices.
func readers(cfg Poll, library profile.Library, plant profile.Plant, sink poll.Sink, log *slog.Logger) ([]reader, error) {
	var all []reader
	for _, l := range plant.Lines {
		tasks, err := tasksOn(l, library, plant.Devices)
		if err != nil {
			return nil, err
		}
		if len(tasks) == 0 {
			continue
		}
		line, err := open(l, tasks, log)
		if err != nil {
			return nil, fmt.Errorf("line %s: %w", l.Name, err)
		}
		all = append(all, poll.New(l.Name, line, tasks, sink, poll.Options{
			Retries: cfg.Retries, MaxBackoff: cfg.MaxBackoff, Pause: l.Pause, Logger: log,
		}))
	}
	return all, nil
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

// open makes the driver of a line. Nothing is opened before the first reading.
func open(l profile.Line, tasks []poll.Task, log *slog.Logger) (driver.Line, error) {
	switch l.Kind {
	case profile.Simulated:
		stations := make([]driver.Station, len(tasks))
		for i, t := range tasks {
			stations[i] = t.Station
		}
		return simulated.New(l, stations, time.Now), nil
	}
	if tasks[0].Station.Profile.Protocol.Edition() != 0 {
		return dlt645.New(l, log), nil
	}
	return modbus.New(l, log), nil
}
