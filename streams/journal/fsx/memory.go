package fsx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
)

// ErrHalted is what every operation on a Memory returns after Halt: the
// process that used it is dead.
var ErrHalted = errors.New("halted")

// Sector is what a Memory writes at once, in bytes.
const Sector = 512

// Op is one operation, as a Memory shows it to its Fail function.
type Op struct {
	Kind string // create, open, write, sync, truncate, allocate, rename, remove, syncdir
	Name string
}

// Memory is a disk in memory for tests. Crash shows what a power cut may leave
// of it: what was synced, and of everything else an arbitrary part, down to
// half a sector. A sync that fails forgets what it should have written, as
// Linux does: the data stays readable but never reaches the disk.
type Memory struct {
	mu       sync.Mutex
	live     map[string]*inode // what the process sees
	disk     map[string]*inode // entries that are durable
	pending  []entryOp         // entries that are not, in order
	capacity int64             // 0 = unlimited
	locks    map[string]bool
	fail     func(Op) error
	halted   bool
}

type inode struct {
	live  []byte
	disk  []byte
	dirty []extent // written since the last sync, in order
}

type extent struct{ off, end int64 }

// entryOp sets a directory entry, or deletes it if node is nil.
type entryOp struct {
	name string
	node *inode
}

var _ FS = (*Memory)(nil)

// NewMemory is an empty disk.
func NewMemory() *Memory {
	return &Memory{live: map[string]*inode{}, disk: map[string]*inode{}, locks: map[string]bool{}}
}

// SetFail calls f before each operation that changes or opens something; an
// error fails it. A failing write has written half of its data.
func (m *Memory) SetFail(f func(Op) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = f
}

// SetCapacity makes writes beyond n bytes in all files fail with ENOSPC; 0
// lifts the limit.
func (m *Memory) SetCapacity(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.capacity = n
}

// Halt fails every later operation with ErrHalted.
func (m *Memory) Halt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.halted = true
}

// Read returns a copy of a file as the process sees it; nil if there is none.
func (m *Memory) Read(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.live[filepath.Clean(name)]; n != nil {
		return slices.Clone(n.live)
	}
	return nil
}

// Write makes a file durable with the given content.
func (m *Memory) Write(name string, b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := &inode{live: slices.Clone(b), disk: slices.Clone(b)}
	m.live[filepath.Clean(name)], m.disk[filepath.Clean(name)] = n, n
}

// Names lists all files below dir, sorted.
func (m *Memory) Names(dir string) (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.live {
		if strings.HasPrefix(name, filepath.Clean(dir)+"/") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func setEntry(entries map[string]*inode, op entryOp) {
	if op.node == nil {
		delete(entries, op.name)
	} else {
		entries[op.name] = op.node
	}
}

func sortedNames(entries map[string]*inode) (names []string) {
	for name := range entries {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// begin checks whether an operation may go on. m is locked.
func (m *Memory) begin(kind, name string) error {
	if m.halted {
		return ErrHalted
	}
	if m.fail != nil {
		if err := m.fail(Op{kind, name}); err != nil {
			return fmt.Errorf("%s %s: %w", kind, name, err)
		}
	}
	return nil
}

// set changes an entry for the process; the disk learns of it by SyncDir.
func (m *Memory) set(name string, node *inode) {
	op := entryOp{name, node}
	setEntry(m.live, op)
	m.pending = append(m.pending, op)
}

func (m *Memory) used() (sum int64) {
	for _, n := range m.live {
		sum += int64(len(n.live))
	}
	return sum
}

// MkdirAll implements FS; directories need no making.
func (m *Memory) MkdirAll(string) error { return nil }

// ReadDir implements FS.
func (m *Memory) ReadDir(dir string) ([]string, error) {
	var names []string
	for _, name := range m.Names(dir) {
		if path.Dir(name) == filepath.Clean(dir) {
			names = append(names, path.Base(name))
		}
	}
	return names, nil
}

// Create implements FS.
func (m *Memory) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = filepath.Clean(name)
	if err := m.begin("create", name); err != nil {
		return nil, err
	}
	n := &inode{}
	m.set(name, n)
	return &memoryFile{m, name, n}, nil
}

// Open implements FS.
func (m *Memory) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = filepath.Clean(name)
	if err := m.begin("open", name); err != nil {
		return nil, err
	}
	n := m.live[name]
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memoryFile{m, name, n}, nil
}

// Rename implements FS.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, to = filepath.Clean(from), filepath.Clean(to)
	if err := m.begin("rename", to); err != nil {
		return err
	}
	n := m.live[from]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	m.set(to, n)
	m.set(from, nil)
	return nil
}

// Remove implements FS.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = filepath.Clean(name)
	if err := m.begin("remove", name); err != nil {
		return err
	}
	if m.live[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	m.set(name, nil)
	return nil
}

// Truncate implements FS.
func (m *Memory) Truncate(name string, size int64) error {
	f, err := m.Open(name)
	if err != nil {
		return err
	}
	return f.Truncate(size)
}

// SyncDir implements FS.
func (m *Memory) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = filepath.Clean(dir)
	if err := m.begin("syncdir", dir); err != nil {
		return err
	}
	m.pending = slices.DeleteFunc(m.pending, func(op entryOp) bool {
		if path.Dir(op.name) != dir {
			return false
		}
		setEntry(m.disk, op)
		return true
	})
	return nil
}

// Free implements FS.
func (m *Memory) Free(string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.capacity == 0 {
		return 1 << 50, nil
	}
	return max(0, m.capacity-m.used()), nil
}

type memoryLock struct {
	m    *Memory
	name string
}

// Lock implements FS.
func (m *Memory) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.halted {
		return nil, ErrHalted
	}
	if m.locks[name] {
		return nil, &fs.PathError{Op: "lock", Path: name, Err: ErrLocked}
	}
	m.locks[name] = true
	return memoryLock{m, name}, nil
}

func (l memoryLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	delete(l.m.locks, l.name)
	return nil
}
