package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"gridhub/hub/broker"
	"gridhub/hub/people"
)

// claim is whether the hub has an administrator. Before that nothing but the
// setup page is open: no MQTT listener, no MQTT over WebSocket, no counters; the
// API has nobody to let in. The media port is bound, and answers nobody: rooms
// are made by calls alone. The command line's socket stays open, for its owner.
type claim struct {
	once sync.Once
	made chan struct{} // closed when it has
}

func (c *claim) done() { c.once.Do(func() { close(c.made) }) }

func (c *claim) pending() bool {
	select {
	case <-c.made:
		return false
	default:
		return true
	}
}

// setupTokenFile is where the token is written, below the data folder.
const setupTokenFile = "setup-token"

// setupToken makes the one-time token of a hub that nobody has claimed.
func (h *Hub) setupToken(ctx context.Context) error {
	needed, err := h.accounts.SetupNeeded(ctx)
	if err != nil {
		return err
	}
	if !needed {
		h.claim.done()
		return nil
	}
	file := filepath.Join(h.cfg.Data, setupTokenFile)
	if _, err := h.accounts.NewSetupToken(ctx, file); err != nil {
		return err
	}
	h.log.Info("nobody has claimed this hub, only its setup page is open: enter the token there", "file", file, "valid", "10m")
	return nil
}

// serveBroker opens the broker when the hub is claimed. Addresses that are taken
// stop the start at once, not the claim.
func (h *Hub) serveBroker(ctx context.Context) error {
	if h.claim.pending() && !h.anonymous() {
		if err := h.probe(ctx); err != nil {
			return err
		}
		select {
		case <-h.claim.made:
		case <-ctx.Done():
			return nil
		}
	}
	return h.broker.Run(ctx)
}

// anonymous reports whether the broker serves interoperability suites alone:
// there is nothing to claim on such an island.
func (h *Hub) anonymous() bool {
	for _, l := range h.cfg.MQTT.Listeners {
		if l.Profile != broker.ProfileConformance {
			return false
		}
	}
	return len(h.cfg.MQTT.Listeners) > 0
}

// probe takes every address of the broker for a moment.
func (h *Hub) probe(ctx context.Context) error {
	var errs []error
	for _, l := range h.cfg.MQTT.Listeners {
		if l.Network == "unix" {
			continue
		}
		open, err := new(net.ListenConfig).Listen(ctx, "tcp", l.Address)
		if err == nil {
			err = open.Close()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("listener %s: %w", l.Name, err))
		}
	}
	return errors.Join(errs...)
}

// openTime is how long the answer to a claim waits for the listeners that it
// opens, so that whoever claims may connect at once.
const openTime = 5 * time.Second

// claimable is the accounts with the hub told of its claim.
type claimable struct {
	*accounts
	h *Hub
}

// accounts has another name than its method Accounts, to be embedded.
type accounts = people.Accounts

func (c claimable) Claim(ctx context.Context, token, account, password string) error {
	if err := c.accounts.Claim(ctx, token, account, password); err != nil {
		return err
	}
	c.h.claim.done()
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	select {
	case <-c.h.ready:
	case <-ctx.Done(): // it is claimed nevertheless
	}
	return nil
}
