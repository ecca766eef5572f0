package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"gridhub/edge/driver"
	"gridhub/edge/poll"
)

// crew are the lines at work. Its methods may be called concurrently, change
// by one caller at a time.
type crew struct {
	cfg    Poll
	sink   poll.Sink
	settle driver.Settle
	parts  string // folder for messages that have not come whole
	log    *slog.Logger

	mu      sync.Mutex
	ctx     context.Context // of Run; nil before it. A field, because lines come and go while it runs
	workers []*worker       // in the order of the files
}

// worker is one line at work.
type worker struct {
	definition
	reader
	ended chan struct{} // closed when Run has returned; nil if it never ran
}

// all returns the lines at work.
func (c *crew) all() []*worker {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*worker(nil), c.workers...)
}

// change makes next the lines at work. Those that are defined as before go on
// without noticing; the others finish the reading at hand, then begin as they
// are defined now. An error changes nothing.
func (c *crew) change(next []definition) error {
	old := c.all()
	workers := make([]*worker, len(next))
	kept := map[*worker]bool{}
	for i, d := range next {
		for _, w := range old {
			if w.equal(d) {
				workers[i], kept[w] = w, true
			}
		}
		if workers[i] != nil {
			continue
		}
		r, err := c.readerOf(d.line, d.tasks)
		if err != nil {
			return fmt.Errorf("line %s: %w", d.line.Name, err)
		}
		workers[i] = &worker{definition: d, reader: r}
	}
	retire(old, kept)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.workers = workers
	c.begin()
	return nil
}

// retire ends all that are not kept, and waits for them: the next one may need
// their port.
func retire(old []*worker, kept map[*worker]bool) {
	for _, w := range old {
		if !kept[w] {
			w.Retire()
		}
	}
	for _, w := range old {
		if !kept[w] && w.ended != nil {
			<-w.ended
		}
	}
}

// begin starts those that do not work yet, once there is a Run. mu is held.
func (c *crew) begin() {
	if c.ctx == nil {
		return
	}
	for _, w := range c.workers {
		if w.ended != nil {
			continue
		}
		w.ended = make(chan struct{})
		go func() {
			defer close(w.ended)
			if err := w.Run(c.ctx); err != nil {
				c.log.Error("line ended", "line", w.Name(), "error", err)
			}
		}()
	}
}

// start lets all work until ctx ends.
func (c *crew) start(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctx = ctx
	c.begin()
}

// wait returns when all have ended, after the end of the context of start.
func (c *crew) wait() {
	for _, w := range c.all() {
		if w.ended != nil {
			<-w.ended
		}
	}
}
