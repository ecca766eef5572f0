package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/streams/journal/fsx"
)

// stock is what the hub is told of this gateway's devices: those that are read,
// and those that are not any more but have records that the hub lacks, for the
// hub refuses records of devices that it does not know. It outlives the program
// in a file, so that a device that was removed while nothing ran is noticed.
type stock struct {
	file string
	log  *slog.Logger

	mu      sync.Mutex
	told    wire.Stock
	retired []wire.Entry
}

// openStock reads what was told by the former run. A damaged file only means
// that what was removed meanwhile is not noticed.
func openStock(file string, log *slog.Logger) (*stock, error) {
	s := &stock{file: file, log: log}
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("inventory of the former run: %w", err)
	}
	if err := json.Unmarshal(text, &s.told); err != nil {
		log.Warn("inventory of the former run is damaged and not used", "error", err)
		s.told = wire.Stock{}
	}
	return s, nil
}

// renew takes over what a plan reads. Devices that it leaves out are retired.
func (s *stock) renew(p plan, owner string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	read := map[devices.ID]bool{}
	for _, e := range p.entries {
		read[e.ID] = true
	}
	retired := slices.Clone(s.retired)
	for _, e := range s.told.Devices {
		if !slices.ContainsFunc(retired, func(r wire.Entry) bool { return r.ID == e.ID }) {
			e.Retired = true
			retired = append(retired, e)
		}
	}
	retired = slices.DeleteFunc(retired, func(e wire.Entry) bool { return read[e.ID] })
	told := wire.Stock{V: wire.Version, Devices: append(slices.Clone(p.entries), retired...), Config: p.config, Owner: owner, Software: software()}
	return s.tell(told, retired)
}

// restore goes back to what was told before.
func (s *stock) restore(before wire.Stock) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var retired []wire.Entry
	for _, e := range before.Devices {
		if e.Retired {
			retired = append(retired, e)
		}
	}
	return s.tell(before, retired)
}

// settle lets go of retired devices that are done, and reports whether any was.
func (s *stock) settle(done func(devices.ID) bool) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := map[devices.ID]bool{}
	for _, e := range s.retired {
		if done(e.ID) {
			gone[e.ID] = true
		}
	}
	if len(gone) == 0 {
		return false, nil
	}
	left := func(e wire.Entry) bool { return gone[e.ID] }
	told := s.told
	told.Devices = slices.DeleteFunc(slices.Clone(told.Devices), left)
	return true, s.tell(told, slices.DeleteFunc(slices.Clone(s.retired), left))
}

// tell makes told what the hub hears from now on, once it is on disk. mu is
// held.
func (s *stock) tell(told wire.Stock, retired []wire.Entry) (err error) {
	if told.Hash, err = hashOf(told.Devices); err != nil {
		return err
	}
	text, err := json.Marshal(told)
	if err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	if len(text) > maxInventory {
		return fmt.Errorf("inventory takes %d bytes with %d devices that were removed and have readings which the hub lacks, a hub takes %d: change fewer at once", len(text), len(retired), maxInventory)
	}
	if err := fsx.Replace(s.file, text); err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	s.told, s.retired = told, retired
	return nil
}

// now is what the hub is to be told.
func (s *stock) now() wire.Stock {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}
