package fsx

import "time"

// Slow is fs with every Sync of a file taking at least delay longer, as on a
// worn flash card.
func Slow(fs FS, delay time.Duration) FS { return slowFS{fs, delay} }

type slowFS struct {
	FS
	delay time.Duration
}

type slowFile struct {
	File
	delay time.Duration
}

func (s slowFS) Create(name string) (File, error) {
	f, err := s.FS.Create(name)
	if err != nil {
		return nil, err
	}
	return slowFile{f, s.delay}, nil
}

func (f slowFile) Sync() error {
	time.Sleep(f.delay)
	return f.File.Sync()
}
