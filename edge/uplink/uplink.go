// Package uplink carries what a gateway measured to the hub, losing none.
//
// It owns two journals on disk, alarm and data. A record enters with Put and
// is numbered by its journal; it leaves over MQTT in batches, fresh ones before
// backlog, and is let go only when the hub's down/ack names it: a PUBACK alone
// deletes nothing. A crash or a broken connection repeats, never loses; what
// the disk had no room for travels as a gap that says how many are missing.
// What the hub does with a record, and what devices are, is not known here.
package uplink

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"gridhub/configs"
	"gridhub/devices"
	"gridhub/devices/wire"
)

// Backoff between connections: doubled from the first to the longest, with
// half of it random, so that many gateways do not return at once.
const (
	firstBackoff   = 500 * time.Millisecond
	longestBackoff = 30 * time.Second
)

// Uplink delivers the records of one gateway. Put may be called concurrently
// while Run runs or not.
type Uplink struct {
	id      devices.ID
	cfg     Config
	stock   func() wire.Stock
	down    func(kind string, payload []byte)
	log     *slog.Logger
	time    *timescale
	streams []*stream // alarm, data: in the order of their urgency
	spool   *Spool
	heard   atomic.Uint64 // acknowledgements that came
	line    presence      // the connection, for those who have something to say
	remark  func() string
	edition atomic.Uint64 // of stock and remark
	news    chan struct{} // capacity 1: the edition changed

	looks chan lookBack // unbuffered: Resend waits for the session

	accountEvery time.Duration

	enrolled func() (Way, error)
	hubTime  hubTime

	mu     sync.Mutex
	status Status
}

// Status tells how the connection stands.
type Status struct {
	Online   bool
	Since    time.Time // of the present state
	Connects uint64
	Cause    string // why the newest connection ended or failed
}

// Options are what the composition root passes in.
type Options struct {
	ID    devices.ID
	Spool *Spool
	// Stock describes the gateway's devices; asked on each connection.
	Stock func() wire.Stock
	// Remark is what the operator should know of this gateway, told as the cause
	// of its status; nil and "" are nothing. See Changed.
	Remark func() string
	// Down receives what the hub sends besides acknowledgements (command,
	// config, call); nil drops it. It must not block.
	Down func(kind string, payload []byte)
	// Enrolled says how an enrolled gateway reaches its hub; asked for each
	// connection. nil, or a zero Way: as the Config says.
	Enrolled func() (Way, error)
	Logger   *slog.Logger
}

// New checks the configuration and starts nothing.
func New(cfg Config, o Options) (*Uplink, error) {
	if err := configs.Validate(cfg); err != nil {
		return nil, fmt.Errorf("uplink: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	u := &Uplink{id: o.ID, cfg: cfg, stock: o.Stock, down: o.Down, enrolled: o.Enrolled, log: o.Logger,
		spool: o.Spool, time: o.Spool.time, remark: o.Remark, news: make(chan struct{}, 1), looks: make(chan lookBack), accountEvery: accountEvery}
	u.streams = []*stream{o.Spool.alarm, o.Spool.data}
	return u, nil
}

// Status returns how the connection stands.
func (u *Uplink) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

// Run keeps one connection to the hub, and delivers while there is one, until
// ctx ends.
func (u *Uplink) Run(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	for _, s := range u.streams {
		group.Go(func() { s.keep(ctx) })
	}
	group.Go(func() { u.time.keep(ctx) })
	failures := 0
	for ctx.Err() == nil {
		before := u.heard.Load()
		err := u.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if u.heard.Load() != before { // the connection was good for something
			failures = 0
		}
		u.setOffline(err)
		pause := backoff(failures)
		failures++
		u.log.Warn("hub not reached, trying again", "error", err, "in", pause)
		sleep(ctx, pause)
	}
	return nil
}

// backoff is the pause after so many failures in a row.
func backoff(failures int) time.Duration {
	d := min(firstBackoff<<min(failures, 16), longestBackoff)
	return d/2 + rand.N(d/2+1)
}

func (u *Uplink) setOnline() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status.Online, u.status.Since = true, time.Now()
	u.status.Connects++
}

func (u *Uplink) setOffline(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.status.Online || u.status.Since.IsZero() {
		u.status.Since = time.Now()
	}
	u.status.Online = false
	if err != nil {
		u.status.Cause = err.Error()
	}
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
