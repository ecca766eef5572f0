package fsx

import (
	"math/rand"
	"slices"
)

// Clone is an independent disk with everything as the process sees it, all of
// it durable: what is left when only the process dies.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMemory()
	c.capacity = m.capacity
	for name, n := range m.live {
		k := &inode{live: slices.Clone(n.live), disk: slices.Clone(n.live)}
		c.live[name], c.disk[name] = k, k
	}
	return c
}

// Restart is the same disk for the next process, and halts m: what was not
// synced is still there to read, and still not durable.
func (m *Memory) Restart() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.halted = true
	c := NewMemory()
	c.live, c.disk, c.pending, c.capacity = m.live, m.disk, m.pending, m.capacity
	m.live, m.disk, m.pending = nil, nil, nil
	return c
}

// Crash is an independent disk with what a power cut may have left, chosen by
// rng, and halts m.
func (m *Memory) Crash(rng *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.halted = true
	left := make(map[string]*inode)
	for name, n := range m.disk {
		left[name] = n
	}
	// Entries reach the disk in order, so an arbitrary head of them is there.
	for _, op := range m.pending[:rng.Intn(len(m.pending)+1)] {
		setEntry(left, op)
	}
	c := NewMemory()
	c.capacity = m.capacity
	for _, name := range sortedNames(left) {
		b := left[name].afterCrash(rng)
		n := &inode{live: b, disk: slices.Clone(b)}
		c.live[name], c.disk[name] = n, n
	}
	return c
}

// afterCrash is the durable content with an arbitrary choice of unsynced
// sectors, one of them torn.
func (n *inode) afterCrash(rng *rand.Rand) []byte {
	b := slices.Clone(n.disk)
	keep := rng.Float64()
	torn := false
	for _, e := range n.dirty {
		end := min(e.end, int64(len(n.live)))
		for at := e.off; at < end; {
			next := min(end, (at/Sector+1)*Sector)
			if rng.Float64() < keep {
				stop := next
				if !torn && rng.Intn(8) == 0 {
					torn, stop = true, at+rng.Int63n(next-at+1)
				}
				b = overwrite(b, n.live[at:stop], at)
			}
			at = next
		}
	}
	return b
}

func overwrite(b, data []byte, off int64) []byte {
	if end := int(off) + len(data); end > len(b) {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[off:], data)
	return b
}
