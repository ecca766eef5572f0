// Package gateway puts the edge together: configuration in, one gateway out.
//
// New loads profiles and devices and opens the spool; Run reads every line,
// spools every reading and delivers to the hub until its context ends, then
// stops in that order, so that what was read is on disk. The package decides
// nothing else: what a device is belongs to profile, when it is read to poll,
// how to the drivers, what the hub gets to uplink.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"gridhub/configs"
	"gridhub/devices/profile"
	"gridhub/devices/wire"
	"gridhub/edge/enrol"
	"gridhub/edge/uplink"
)

// Gateway is one edge, ready to run once.
type Gateway struct {
	cfg    Config
	log    *slog.Logger
	plant  profile.Plant
	stock  wire.Stock
	spool  *uplink.Spool
	uplink *uplink.Uplink
	keeper *enrol.Keeper
	lines  []reader
	page   *page
}

// New checks cfg, loads profiles and devices, opens the spool and starts
// nothing. Close must be called if Run is not.
func New(cfg Config, log *slog.Logger) (*Gateway, error) {
	if err := configs.Validate(cfg); err != nil {
		return nil, err
	}
	library, err := profile.LoadLibrary(cfg.paths(cfg.Profiles)...)
	if err != nil {
		return nil, err
	}
	plant, err := profile.LoadPlant(library, cfg.paths(cfg.Devices)...)
	if err != nil {
		return nil, err
	}
	g := &Gateway{cfg: cfg, log: log, plant: plant}
	if g.stock, err = inventory(library, plant); err != nil {
		return nil, err
	}
	data := cfg.path(cfg.Data)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if g.spool, err = uplink.OpenSpool(data, cfg.Spool, log); err != nil {
		return nil, err
	}
	if err := g.assemble(library); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// assemble joins the parts.
func (g *Gateway) assemble(library profile.Library) (err error) {
	hub := g.cfg.Hub
	if err := g.checkIdentity(); err != nil {
		return err
	}
	hub.CA, hub.PasswordFile = g.cfg.path(hub.CA), g.cfg.path(hub.PasswordFile)
	g.uplink, err = uplink.New(hub, uplink.Options{
		ID: g.cfg.ID, Spool: g.spool, Logger: g.log, Stock: func() wire.Stock { return g.stock },
		Enrolled: g.way,
	})
	if err != nil {
		return err
	}
	g.keeper = enrol.NewKeeper(g.folder(), g.uplink.HubTime, g.log)
	if g.lines, err = readers(g.cfg.Poll, library, g.plant, g.spool.Put, g.log); err != nil {
		return err
	}
	g.page, err = newPage(g.cfg.HTTP, g)
	return err
}

// Run reads and delivers until ctx ends. It returns nil after a clean stop:
// lines first, then the spool with all that was read, the connection last.
func (g *Gateway) Run(ctx context.Context) error {
	defer g.Close()
	g.log.Info("gateway starts", "gateway", g.cfg.ID, "lines", len(g.lines), "devices", len(g.plant.Devices))
	var reading, others sync.WaitGroup
	for _, l := range g.lines {
		reading.Go(func() { l.Run(ctx) })
	}
	deliver, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	others.Go(func() { g.uplink.Run(deliver) })
	others.Go(func() { g.keeper.Run(deliver) })
	others.Go(func() { g.page.serve(deliver) })
	<-ctx.Done()
	reading.Wait()
	stop()
	others.Wait()
	g.log.Info("gateway stops", "gateway", g.cfg.ID)
	return g.Close()
}

// Close releases what New opened. It is idempotent.
func (g *Gateway) Close() error {
	g.page.close()
	return g.spool.Close()
}
