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
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"gridhub/configs"
	"gridhub/edge/commands"
	"gridhub/edge/enrol"
	"gridhub/edge/uplink"
)

// Gateway is one edge, ready to run once.
type Gateway struct {
	cfg       Config
	log       *slog.Logger
	seen      string // the files' footprint before they were read
	lookEvery time.Duration
	spool     *uplink.Spool
	uplink    *uplink.Uplink
	stock     *stock
	crew      *crew
	desk      *commands.Desk
	keeper    *enrol.Keeper
	page      *page
	control   *control

	changing sync.Mutex // held while another configuration is taken over; before mu

	mu       sync.Mutex
	files    Config // as far as it was taken over; cfg stays as it was at the start
	plan     plan   // at work
	problems configs.Problems
}

// New checks cfg, loads profiles and devices, opens the spool and starts
// nothing. Close must be called if Run is not.
func New(cfg Config, log *slog.Logger) (*Gateway, error) {
	if err := configs.Validate(cfg); err != nil {
		return nil, err
	}
	g := &Gateway{cfg: cfg, files: cfg, log: log, seen: cfg.footprint(), lookEvery: lookEvery}
	var err error
	if g.plan, err = cfg.plan(); err != nil {
		return nil, err
	}
	data := cfg.path(cfg.Data)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := own(data); err != nil {
		return nil, err
	}
	if g.spool, err = uplink.OpenSpool(data, cfg.Spool, log); err != nil {
		return nil, err
	}
	cfg.sweep()
	if err := g.assemble(); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// own fails, in words for whoever typed the command, if the data folder cannot
// be written: it belongs to another user, or its disk is read-only.
func own(data string) error {
	f, err := os.CreateTemp(data, ".own-*")
	if err == nil {
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if info, statErr := os.Stat(data); statErr == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
			return fmt.Errorf("data folder %s belongs to user %d, and edge runs as user %d: run it as that one, or chown -R the folder: %w", data, owner.Uid, os.Geteuid(), err)
		}
	}
	return fmt.Errorf("data folder %s cannot be written: %w", data, err)
}

// assemble joins the parts.
func (g *Gateway) assemble() (err error) {
	if g.stock, err = openStock(filepath.Join(g.cfg.path(g.cfg.Data), "inventory.json"), g.log); err != nil {
		return err
	}
	if err := g.stock.renew(g.plan, string(g.cfg.Owner)); err != nil {
		return err
	}
	hub := g.cfg.Hub
	if err := g.checkIdentity(); err != nil {
		return err
	}
	hub.CA, hub.PasswordFile = g.cfg.path(hub.CA), g.cfg.path(hub.PasswordFile)
	if g.desk, err = g.openDesk(); err != nil {
		return err
	}
	g.uplink, err = uplink.New(hub, uplink.Options{
		ID: g.cfg.ID, Spool: g.spool, Logger: g.log, Stock: g.stock.now, Remark: g.remarks, Down: g.down,
		Enrolled: g.way,
	})
	if err != nil {
		return err
	}
	g.keeper = enrol.NewKeeper(g.folder(), g.uplink.HubTime, g.log)
	g.crew = &crew{cfg: g.cfg.Poll, sink: g.spool.Put, settle: g.spool.Settle, log: g.log,
		parts: filepath.Join(g.cfg.path(g.cfg.Data), "parts")}
	if err := g.crew.change(g.plan.lines); err != nil {
		return err
	}
	if g.control, err = newControl(SocketOf(g.cfg), g); err != nil {
		return err
	}
	g.page, err = newPage(g.cfg.HTTP, g)
	return err
}

// Run reads and delivers until ctx ends. It returns nil after a clean stop:
// lines first, then the spool with all that was read, the connection last.
func (g *Gateway) Run(ctx context.Context) error {
	defer g.Close()
	g.log.Info("gateway starts", "gateway", g.cfg.ID, "lines", len(g.plan.lines), "devices", len(g.plan.plant.Devices))
	g.crew.start(ctx)
	var changes, others sync.WaitGroup
	changes.Go(func() { g.look(ctx) })
	changes.Go(func() { g.settle(ctx) })
	changes.Go(func() { g.desk.Run(ctx) })
	deliver, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	others.Go(func() { g.uplink.Run(deliver) })
	others.Go(func() { g.keeper.Run(deliver) })
	others.Go(func() { g.page.serve(deliver) })
	others.Go(func() { g.control.serve(deliver) })
	<-ctx.Done()
	changes.Wait()
	g.changing.Lock() // whoever changes the lines has done so
	g.crew.wait()
	g.changing.Unlock()
	stop()
	others.Wait()
	g.log.Info("gateway stops", "gateway", g.cfg.ID)
	return g.Close()
}

// Close releases what New opened. It is idempotent.
func (g *Gateway) Close() error {
	g.page.close()
	g.control.close()
	return g.spool.Close()
}
