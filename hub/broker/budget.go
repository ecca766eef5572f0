package broker

import (
	"sync"
	"sync/atomic"
)

// A budget bounds the bytes of all publishes that the sink has not answered.
// When it is spent, readers wait: the clients' TCP windows fill and the field
// keeps what it has.
type budget struct {
	max     int64
	used    atomic.Int64
	waiting atomic.Int32
	mu      sync.Mutex
	freed   *sync.Cond
}

func newBudget(max int) *budget {
	g := &budget{max: int64(max)}
	g.freed = sync.NewCond(&g.mu)
	return g
}

// take spends n bytes, waiting until they are there or gone is closed.
func (g *budget) take(n int, gone <-chan struct{}) bool {
	if g.used.Add(int64(n)) <= g.max {
		return true
	}
	g.used.Add(-int64(n))
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	g.mu.Lock()
	defer g.mu.Unlock()
	for !closed(gone) {
		if g.used.Add(int64(n)) <= g.max {
			return true
		}
		g.used.Add(-int64(n))
		g.freed.Wait()
	}
	return false
}

func (g *budget) give(n int) {
	g.used.Add(-int64(n))
	g.wake()
}

// wake lets those who wait look again.
func (g *budget) wake() {
	if g.waiting.Load() > 0 {
		g.mu.Lock()
		g.freed.Broadcast()
		g.mu.Unlock()
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
