package uplink

import (
	"context"
	"sync"
	"time"
)

// presence is the connection at work, if there is one, and tells when it
// changes.
type presence struct {
	mu      sync.Mutex
	conn    *connection
	changed chan struct{} // closed with every change
}

// enter makes c the connection until leave is called.
func (p *presence) enter(c *connection) (leave func()) {
	p.set(c)
	return func() { p.set(nil) }
}

func (p *presence) set(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn = c
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// now returns the connection, nil if there is none, and what is closed when
// another comes.
func (p *presence) now() (c *connection, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.conn, p.changed
}

// sayPause is how long an attempt is apart from the next on one connection.
const sayPause = 500 * time.Millisecond

// Say publishes what envelope makes under kind, and returns when its PUBACK
// came, over as many connections as that takes. envelope is called anew for
// each attempt, so that its clock is true. What is said may arrive more than
// once. The error is ctx's.
func (u *Uplink) Say(ctx context.Context, kind string, envelope func() any) error {
	for {
		conn, changed := u.line.now()
		if conn != nil {
			within, cancel := context.WithTimeout(ctx, u.cfg.Resend)
			err := conn.say(within, kind, false, envelope())
			cancel()
			if err == nil {
				return nil
			}
			u.log.Debug("not said, trying again", "kind", kind, "error", err)
		}
		var pause <-chan time.Time // without a connection: until there is one
		if conn != nil {
			pause = time.After(sayPause)
		}
		select {
		case <-changed:
		case <-pause:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
