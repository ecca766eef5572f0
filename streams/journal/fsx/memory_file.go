package fsx

import (
	"errors"
	"io"
	"syscall"
)

type memoryFile struct {
	m    *Memory
	name string
	n    *inode
}

func (f *memoryFile) Close() error { return nil }

func (f *memoryFile) Size() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.n.live)), nil
}

func (f *memoryFile) ReadAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.begin("read", f.name); err != nil {
		return 0, err
	}
	if off >= int64(len(f.n.live)) {
		return 0, io.EOF
	}
	n := copy(b, f.n.live[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) WriteAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	err := f.m.begin("write", f.name)
	if errors.Is(err, ErrHalted) {
		return 0, err
	}
	n := len(b)
	if err != nil {
		n /= 2
	} else if grow := off + int64(n) - int64(len(f.n.live)); f.m.capacity > 0 && grow > 0 {
		if room := f.m.capacity - f.m.used(); room < grow {
			n, err = max(0, n-int(grow-max(0, room))), syscall.ENOSPC
		}
	}
	f.write(b[:n], off)
	return n, err
}

func (f *memoryFile) write(b []byte, off int64) {
	if len(b) == 0 {
		return
	}
	f.n.live = overwrite(f.n.live, b, off)
	f.n.dirty = append(f.n.dirty, extent{off, off + int64(len(b))})
}

func (f *memoryFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.begin("truncate", f.name); err != nil {
		return err
	}
	if size < int64(len(f.n.live)) {
		f.n.live = f.n.live[:size:size]
	}
	return nil
}

func (f *memoryFile) Allocate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.begin("allocate", f.name); err != nil {
		return err
	}
	grow := size - int64(len(f.n.live))
	if f.m.capacity > 0 && grow > f.m.capacity-f.m.used() {
		return syscall.ENOSPC
	}
	f.write(make([]byte, max(0, grow)), int64(len(f.n.live)))
	return nil
}

func (f *memoryFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.begin("sync", f.name); err != nil {
		f.n.dirty = nil // the kernel takes the pages for clean now
		return err
	}
	for _, e := range f.n.dirty {
		if end := min(e.end, int64(len(f.n.live))); e.off < end {
			f.n.disk = overwrite(f.n.disk, f.n.live[e.off:end], e.off)
		}
	}
	f.n.disk = f.n.disk[:min(len(f.n.disk), len(f.n.live))]
	f.n.dirty = nil
	return nil
}
