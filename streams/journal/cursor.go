package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
)

const (
	cursorMagic  = "gridhubC"
	cursorHeader = 44
	cursorSuffix = ".cur"
	lossName     = "dropped" // same layout as a cursor: what DropOldest took last

	// MaxState is the longest state that a cursor keeps, in bytes: what the hub
	// remembers of some hundred thousand devices. A longer file is damage.
	MaxState = 64 << 20
)

// Cursor is a consumer's durable place in a journal, with a state of the
// consumer's own, which each Commit writes whole. Commits are serialised; all methods may be called
// concurrently.
type Cursor struct {
	j    *Journal
	name string

	commit sync.Mutex // held while the file is written

	// Guarded by Journal.mu.
	epoch    uint64
	position uint64
	state    []byte
	damage   error
	removed  bool
}

var errCursor = errors.New("cursor file is damaged")

// place is what a cursor file holds.
type place struct {
	epoch    uint64
	position uint64
	saved    int64 // unix ms
	state    []byte
}

func (p place) encode() []byte {
	b := make([]byte, cursorHeader, cursorHeader+len(p.state))
	copy(b, cursorMagic)
	binary.LittleEndian.PutUint32(b[8:], formatVersion)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(p.state)))
	binary.LittleEndian.PutUint64(b[16:], p.epoch)
	binary.LittleEndian.PutUint64(b[24:], p.position)
	binary.LittleEndian.PutUint64(b[32:], uint64(p.saved))
	b = append(b, p.state...)
	binary.LittleEndian.PutUint32(b[40:], cursorSum(b))
	return b
}

// cursorSum covers everything but itself.
func cursorSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:40], castagnoli), castagnoli, b[cursorHeader:])
}

func decodePlace(b []byte) (place, error) {
	if len(b) < cursorHeader || string(b[:8]) != cursorMagic || cursorSum(b) != binary.LittleEndian.Uint32(b[40:]) {
		return place{}, errCursor
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != formatVersion {
		return place{}, fmt.Errorf("cursor has version %d, this program reads %d: %w", v, formatVersion, ErrVersion)
	}
	p := place{
		epoch:    binary.LittleEndian.Uint64(b[16:]),
		position: binary.LittleEndian.Uint64(b[24:]),
		saved:    int64(binary.LittleEndian.Uint64(b[32:])),
		state:    b[cursorHeader:],
	}
	if int(binary.LittleEndian.Uint32(b[12:])) != len(p.state) || p.position == 0 || p.position > maxJump {
		return place{}, errCursor
	}
	return p, nil
}

// Cursor returns the cursor called name (a-z 0-9 - _ .), made at First if
// there is none. From then on retention keeps what it needs.
func (j *Journal) Cursor(name string) (*Cursor, error) {
	if err := checkCursorName(name); err != nil {
		return nil, err
	}
	j.mu.Lock()
	if c := j.cursors[name]; c != nil {
		j.mu.Unlock()
		return c, nil
	}
	c := &Cursor{j: j, name: name, epoch: j.epoch, position: j.firstLocked()}
	j.cursors[name] = c
	position := c.position
	j.mu.Unlock()
	if err := c.Commit(position, nil); err != nil {
		j.mu.Lock()
		delete(j.cursors, name)
		c.removed = true
		j.mu.Unlock()
		return nil, err
	}
	return c, nil
}

func checkCursorName(name string) error {
	ok := name != "" && len(name) <= 64 && name[0] != '.'
	for i := range len(name) {
		ok = ok && strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789-_.", name[i]) >= 0
	}
	if !ok {
		return fmt.Errorf("cursor %q: want 1 to 64 of a-z 0-9 - _ . and no . first", name)
	}
	return nil
}

// Position is the next number that the consumer wants.
func (c *Cursor) Position() uint64 {
	c.j.mu.RLock()
	defer c.j.mu.RUnlock()
	return c.position
}

// State is what was committed with the position; not to be changed.
func (c *Cursor) State() []byte {
	c.j.mu.RLock()
	defer c.j.mu.RUnlock()
	return c.state
}

// Damage says why the cursor lost its place when the journal was opened and
// began again at First; nil if it did not.
func (c *Cursor) Damage() error {
	c.j.mu.RLock()
	defer c.j.mu.RUnlock()
	return c.damage
}

// Commit makes position and state durable together, at once or not at all.
// Going back is allowed, and repeats what is still there; going beyond Next is
// not. state is copied.
func (c *Cursor) Commit(position uint64, state []byte) error {
	c.commit.Lock()
	defer c.commit.Unlock()
	if err := c.check(position, state); err != nil {
		return fmt.Errorf("cursor %s: %w", c.name, err)
	}
	state = append([]byte(nil), state...)
	p := place{epoch: c.j.epoch, position: position, saved: c.j.o.Now().UnixMilli(), state: state}
	if err := c.j.savePlace(filepath.Join(c.j.dir, cursorDir, c.name+cursorSuffix), p); err != nil {
		return fmt.Errorf("cursor %s: %w", c.name, err)
	}
	c.j.mu.Lock()
	c.epoch, c.position, c.state = c.j.epoch, position, state
	c.j.mu.Unlock()
	c.j.reconsider()
	return nil
}

// reconsider wakes a journal that refuses appends: a cursor moved or went, so
// there may be room now.
func (j *Journal) reconsider() {
	if j.failing.Load() != nil {
		poke(j.wake)
	}
}

func (c *Cursor) check(position uint64, state []byte) error {
	select {
	case <-c.j.stopped:
		return ErrClosed
	default:
	}
	c.j.mu.RLock()
	defer c.j.mu.RUnlock()
	switch {
	case c.removed:
		return errors.New("was removed")
	case position == 0 || position > c.j.next:
		return fmt.Errorf("position %d: want 1 to %d", position, c.j.next)
	case len(state) > MaxState:
		return fmt.Errorf("state of %d bytes: want at most %d", len(state), MaxState)
	}
	return nil
}

// savePlace replaces a cursor file durably.
func (j *Journal) savePlace(name string, p place) error {
	f, err := j.createDurable(name+tempSuffix, name, p.encode())
	if err != nil {
		_ = j.fs.Remove(name + tempSuffix)
		return err
	}
	return f.Close()
}

// Remove forgets the cursor called name: retention no longer waits for it.
func (j *Journal) Remove(name string) error {
	j.mu.RLock()
	c := j.cursors[name]
	j.mu.RUnlock()
	if c == nil {
		return fmt.Errorf("cursor %q: %w", name, fs.ErrNotExist)
	}
	c.commit.Lock()
	defer c.commit.Unlock()
	dir := filepath.Join(j.dir, cursorDir)
	if err := j.fs.Remove(filepath.Join(dir, name+cursorSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cursor %s: %w", name, err)
	}
	j.mu.Lock()
	c.removed = true
	delete(j.cursors, name)
	j.mu.Unlock()
	j.reconsider()
	if err := j.fs.SyncDir(dir); err != nil {
		return fmt.Errorf("cursor %s: %w", name, err)
	}
	return nil
}

// loadCursors reads all cursor files. A damaged one keeps its name, so that
// retention keeps everything for it.
func (j *Journal) loadCursors() error {
	dir := filepath.Join(j.dir, cursorDir)
	if err := j.fs.SyncDir(dir); err != nil { // what is read must also survive a power cut
		return err
	}
	names, err := j.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range names {
		name, ok := strings.CutSuffix(file, cursorSuffix)
		if !ok {
			_ = j.fs.Remove(filepath.Join(dir, file)) // unfinished
			continue
		}
		p, err := j.loadPlace(filepath.Join(dir, file))
		if errors.Is(err, ErrVersion) {
			return fmt.Errorf("cursor %s: %w", name, err)
		}
		j.cursors[name] = &Cursor{j: j, name: name, epoch: p.epoch, position: p.position, state: p.state, damage: err}
	}
	return j.loadLoss()
}

func (j *Journal) loadPlace(name string) (place, error) {
	f, err := j.fs.Open(name)
	if err != nil {
		return place{}, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return place{}, err
	}
	if size > cursorHeader+MaxState {
		return place{}, errCursor
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && size > 0 {
		return place{}, err
	}
	return decodePlace(b)
}

// settleCursors sends cursors that lost their place, or belong to another
// numbering, back to the first record.
func (j *Journal) settleCursors() {
	first := j.next
	if len(j.segments) > 0 {
		first = j.segments[0].first
	}
	for _, c := range j.cursors {
		if c.damage == nil && c.epoch != j.epoch {
			c.damage = fmt.Errorf("cursor belongs to epoch %d, the journal is epoch %d", c.epoch, j.epoch)
		}
		if c.damage != nil {
			c.position, c.state = first, nil
			j.log.Warn("journal cursor starts again", slog.String("cursor", c.name),
				slog.Uint64("position", first), slog.Any("error", c.damage))
		}
	}
}

// saveLoss notes durably what DropOldest took.
func (j *Journal) saveLoss(l span) error {
	p := place{epoch: j.epoch, position: l.upto, saved: j.o.Now().UnixMilli(), state: gapData(l.from, l.cause)}
	return j.savePlace(filepath.Join(j.dir, lossName), p)
}

// loadLoss reads the note; without it a Gap only has a vaguer cause.
func (j *Journal) loadLoss() error {
	p, err := j.loadPlace(filepath.Join(j.dir, lossName))
	if err == nil && len(p.state) >= 8 {
		j.lost = span{from: gapCount(p.state), upto: p.position, cause: string(p.state[8:])}
	}
	return nil
}
