package fsx_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"gridhub/streams/journal/fsx"
)

// Both file systems do the same, as far as a process can see.
func TestSameForProcesses(t *testing.T) {
	for name, f := range map[string]fsx.FS{"os": fsx.OS{}, "memory": fsx.NewMemory()} {
		t.Run(name, func(t *testing.T) { behaves(t, f, t.TempDir()) })
	}
}

func behaves(t *testing.T, f fsx.FS, dir string) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	must(f.MkdirAll(dir))
	file, err := f.Create(a)
	must(err)
	_, err = file.WriteAt([]byte("hello"), 2)
	must(err)
	must(file.Allocate(20))
	must(file.Sync())
	must(f.Rename(a, b))
	must(f.SyncDir(dir))
	must(f.Truncate(b, 10))
	if size, err := file.Size(); err != nil || size != 10 {
		t.Errorf("size %d, %v, want 10", size, err)
	}
	if names, err := f.ReadDir(dir); err != nil || !slices.Equal(names, []string{"b"}) {
		t.Errorf("names %v, %v, want b", names, err)
	}
	must(f.Remove(b))
	buf := make([]byte, 12)
	if n, err := file.ReadAt(buf, 0); n != 10 || !errors.Is(err, io.EOF) || string(buf[:10]) != "\x00\x00hello\x00\x00\x00" {
		t.Errorf("an open handle of a removed file reads %q, %v", buf[:n], err)
	}
	if _, err := f.Open(b); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening a removed file: %v", err)
	}
	lock, err := f.Lock(a)
	must(err)
	if _, err := f.Lock(a); !errors.Is(err, fsx.ErrLocked) {
		t.Errorf("second lock: %v, want ErrLocked", err)
	}
	must(lock.Close())
	if free, err := f.Free(dir); err != nil || free <= 0 {
		t.Errorf("free %d, %v", free, err)
	}
	must(file.Close())
}

// crashed writes a file, synced or not, and returns what a power cut leaves.
func crashed(t *testing.T, seed int64, syncs, dirSynced bool) []byte {
	m := fsx.NewMemory()
	f, err := m.Create("d/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{7}, 2000), 0); err != nil {
		t.Fatal(err)
	}
	if syncs {
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if dirSynced {
		if err := m.SyncDir("d"); err != nil {
			t.Fatal(err)
		}
	}
	after := m.Crash(rand.New(rand.NewSource(seed)))
	if err := f.Sync(); !errors.Is(err, fsx.ErrHalted) {
		t.Errorf("a dead process syncs: %v", err)
	}
	return after.Read("d/a")
}

func TestPowerCutForgetsOnlyWhatWasNotSynced(t *testing.T) {
	whole := bytes.Repeat([]byte{7}, 2000)
	var noFile, partOfData int
	for seed := range int64(200) {
		if got := crashed(t, seed, true, true); !bytes.Equal(got, whole) {
			t.Fatalf("seed %d: synced data is gone", seed)
		}
		if crashed(t, seed, true, false) == nil {
			noFile++
		}
		if got := crashed(t, seed, false, true); !bytes.Equal(got, whole) {
			partOfData++
		}
	}
	if noFile == 0 || noFile == 200 || partOfData == 0 || partOfData == 200 {
		t.Errorf("of 200 power cuts %d forgot the file, %d data: want some, not all", noFile, partOfData)
	}
}

// After a failed sync the data can be read but a later sync does not save it.
func TestFailedSyncForgets(t *testing.T) {
	m := fsx.NewMemory()
	f, err := m.Create("d/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("data"), 0); err != nil {
		t.Fatal(err)
	}
	m.SetFail(func(op fsx.Op) error {
		if op.Kind == "sync" {
			return syscall.EIO
		}
		return nil
	})
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("sync: %v, want EIO", err)
	}
	m.SetFail(nil)
	if err := errors.Join(f.Sync(), m.SyncDir("d")); err != nil {
		t.Fatal(err)
	}
	if got := m.Read("d/a"); string(got) != "data" {
		t.Errorf("readable: %q", got)
	}
	if got := m.Restart().Crash(rand.New(rand.NewSource(1))).Read("d/a"); string(got) == "data" {
		t.Error("the data reached the disk after all")
	}
}

func TestFullDiskTakesAPart(t *testing.T) {
	m := fsx.NewMemory()
	m.SetCapacity(10)
	f, err := m.Create("d/a")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.WriteAt(make([]byte, 25), 0); n != 10 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("wrote %d, %v, want 10 and ENOSPC", n, err)
	}
	if free, _ := m.Free("d"); free != 0 {
		t.Errorf("%d free, want 0", free)
	}
}
