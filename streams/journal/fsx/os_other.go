//go:build !linux

package fsx

import (
	"io"
	"math"
	"os"
)

// Sync implements File.
func (f osFile) Sync() error { return f.File.Sync() }

// Free is unknown here, and taken as plenty.
func (OS) Free(string) (int64, error) { return math.MaxInt64, nil }

// Lock keeps the file open but cannot keep others out on this system.
func (OS) Lock(name string) (io.Closer, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}
