// Package fsx is the narrow view of a file system that the journal writes
// through. It owns the few operations whose durability matters (write, sync,
// rename, sync of a directory), the operating system's version of them, and
// two doubles for tests: Memory, a disk that forgets what was not synced, fills
// up and fails on request, and Slow, a disk whose syncs take their time. It
// promises no more than POSIX does; formats and recovery are the journal's.
package fsx

import (
	"errors"
	"io"
)

// ErrLocked means that another process, or another owner in this one, holds
// the lock.
var ErrLocked = errors.New("locked by another owner")

// FS is a file system. All methods may be called concurrently.
type FS interface {
	// MkdirAll makes dir and its parents, readable by the owner alone.
	MkdirAll(dir string) error
	// ReadDir returns the names of the plain files in dir, sorted.
	ReadDir(dir string) ([]string, error)
	// Create makes or empties a file and opens it for reading and writing.
	Create(name string) (File, error)
	// Open opens an existing file for reading.
	Open(name string) (File, error)
	// Rename moves a file over another one atomically.
	Rename(from, to string) error
	// Remove unlinks a file; open handles stay readable.
	Remove(name string) error
	// Truncate cuts a file to size bytes.
	Truncate(name string, size int64) error
	// SyncDir makes creations, renames and removals in dir durable.
	SyncDir(dir string) error
	// Free is the number of bytes that can still be written below dir.
	Free(dir string) (int64, error)
	// Lock takes an exclusive lock, held until closed or the process ends;
	// ErrLocked when someone else has it.
	Lock(name string) (io.Closer, error)
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size is the length in bytes.
	Size() (int64, error)
	// Truncate cuts the file to size bytes.
	Truncate(size int64) error
	// Allocate extends the file with zeros to size bytes, so that syncing
	// what is written over them costs less. It never harms data; when it
	// fails, some of the zeros may be there.
	Allocate(size int64) error
	// Sync returns when all written data and the length are durable
	// (fdatasync). After an error nothing is known about unsynced data, and
	// calling Sync again proves nothing.
	Sync() error
}
