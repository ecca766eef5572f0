package broker

import (
	"sync"
	"time"

	"gridhub/devices"
)

// presence reports who comes and goes, from one goroutine, so that a slow
// receiver of the reports holds up no connection. It queues at most the newest
// report of each identity: between two reports of one, older ones are skipped.
type presence struct {
	tell func(id devices.ID, online bool, at time.Time, cause string)

	mu     sync.Mutex // guards what follows
	some   *sync.Cond
	order  []devices.ID
	newest map[devices.ID]report
	closed bool
}

type report struct {
	online bool
	at     time.Time
	cause  string
}

func (p *presence) init(tell func(devices.ID, bool, time.Time, string)) {
	p.tell = tell
	p.newest = map[devices.ID]report{}
	p.some = sync.NewCond(&p.mu)
}

// note queues a report. The state is read again here, so that the last report
// of an identity is always the truth even if two goroutines arrive crossed.
func (p *presence) note(r *realm, id devices.ID, online bool, cause string) {
	if p.tell == nil || r.anonymous {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if online != r.online(id) {
		return // overtaken; whoever changed it reports
	}
	if _, queued := p.newest[id]; !queued {
		p.order = append(p.order, id)
	}
	p.newest[id] = report{online, r.b.now(), cause}
	p.some.Signal()
}

// run reports until close and everything queued is told.
func (p *presence) run() {
	for {
		p.mu.Lock()
		for len(p.order) == 0 && !p.closed {
			p.some.Wait()
		}
		if len(p.order) == 0 {
			p.mu.Unlock()
			return
		}
		id := p.order[0]
		p.order = p.order[1:]
		rep := p.newest[id]
		delete(p.newest, id)
		p.mu.Unlock()
		p.tell(id, rep.online, rep.at, rep.cause)
	}
}

func (p *presence) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.some.Signal()
}
