package broker

// A window holds the publishes of one connection that are not answered yet, in
// the order they came; answers leave in that order (MQTT 5.0, 4.6). It is
// guarded by the connection's mutex and grows only as far as it is used.
type window struct {
	slots      []slot // length a power of two
	head, tail uint32 // slots[head&mask] is the oldest
	undecided  int    // slots still with the sink
}

type slot struct {
	id    uint16
	kind  byte // typePuback or typePubrec
	state byte
	code  byte // reason code of the answer
}

const (
	slotWaiting = iota
	slotDone
	slotFailed
)

func (w *window) len() int { return int(w.tail - w.head) }

// add appends a publish and returns its number. The caller has checked the
// limit.
func (w *window) add(kind byte, id uint16) uint32 {
	if w.len() == len(w.slots) {
		w.grow()
	}
	seq := w.tail
	w.slots[seq&uint32(len(w.slots)-1)] = slot{id: id, kind: kind}
	w.tail++
	w.undecided++
	return seq
}

func (w *window) grow() {
	bigger := make([]slot, max(8, 2*len(w.slots)))
	for seq := w.head; seq != w.tail; seq++ {
		bigger[seq&uint32(len(bigger)-1)] = w.slots[seq&uint32(len(w.slots)-1)]
	}
	w.slots = bigger
}

// decide records the answer for publish seq.
func (w *window) decide(seq uint32, state, code byte) *slot {
	s := &w.slots[seq&uint32(len(w.slots)-1)]
	s.state, s.code = state, code
	w.undecided--
	return s
}

// pop takes the oldest publish if it is decided.
func (w *window) pop() (slot, bool) {
	if w.head == w.tail {
		return slot{}, false
	}
	s := w.slots[w.head&uint32(len(w.slots)-1)]
	if s.state == slotWaiting {
		return slot{}, false
	}
	w.head++
	if w.head == w.tail && len(w.slots) > 64 {
		w.slots = nil // a burst is over: an idle connection keeps little
	}
	return s, true
}
