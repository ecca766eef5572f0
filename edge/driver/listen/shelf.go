package listen

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gridhub/streams/journal/fsx"
)

// Bounds of what a port keeps of messages that are not whole.
const (
	maxParts   = 64               // of one message; one of more is not acknowledged
	maxBundles = 128              // messages; full: the one that has rested longest is given up
	partsKept  = 30 * time.Minute // since a message grew last, while the program runs: no device sends again for longer
	maxDone    = 64               // messages whose parts are recognised when they come again
)

// shelf keeps on disk the parts of messages that are not whole. A device that
// waits for the acknowledgement of one part before it sends the next must get
// it, and may forget the part then; so it is on disk by that time.
type shelf struct {
	dir string
	log *slog.Logger

	mu      sync.Mutex
	seed    maphash.Seed
	bundles map[string]*bundle
	done    []finished // the newest last
}

// bundle is a message of which some parts have come.
type bundle struct {
	Key   string         `json:"key"`
	Total int            `json:"total"`
	Parts map[int][]byte `json:"parts"` // by number, from 1
	grew  time.Time      // when it did last; loaded ones: when they were
}

// finished are the marks of a message's parts.
type finished struct {
	key   string
	parts []uint64
}

func newShelf(dir string, log *slog.Logger) *shelf {
	return &shelf{dir: dir, log: log, seed: maphash.MakeSeed(), bundles: map[string]*bundle{}}
}

// load reads what an earlier run kept.
func (s *shelf) load() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("parts of messages: %w", err)
	}
	all, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("parts of messages: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range all {
		if !strings.HasSuffix(f.Name(), ".json") {
			continue
		}
		b := &bundle{grew: time.Now()}
		path := filepath.Join(s.dir, f.Name())
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, b)
		}
		if err != nil || b.Total < 1 || b.Total > maxParts || len(b.Parts) > maxParts || len(s.bundles) == maxBundles {
			s.log.Error("parts of a message cannot be read and are lost", "file", path, "error", err)
			_ = os.Remove(path)
			continue
		}
		s.bundles[b.Key] = b
	}
	return nil
}

// put takes one part of a message. It returns all of them, in order, when this
// one was the last to come: the caller says done when they are stored. Else the
// part is on disk when put returns, or belongs to a message that is done.
func (s *shelf) put(key string, number, total int, part []byte) (whole [][]byte, err error) {
	if total > maxParts || number < 1 || number > total {
		return nil, fmt.Errorf("part %d of %d: want at most %d", number, total, maxParts)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy()
	if s.again(key, number, total, part) {
		return nil, nil
	}
	b := s.bundles[key]
	if b == nil || b.Total != total || b.Parts[number] != nil && string(b.Parts[number]) != string(part) {
		b = &bundle{Key: key, Total: total, Parts: map[int][]byte{}} // the number is used anew
	}
	if b.Parts[number] != nil {
		return nil, nil
	}
	if len(b.Parts) == total-1 {
		for n := 1; n <= total; n++ {
			if n == number {
				whole = append(whole, part)
			} else {
				whole = append(whole, b.Parts[n])
			}
		}
		return whole, nil
	}
	return nil, s.keep(b, number, part)
}

// keep adds a part to b, durably. mu is held.
func (s *shelf) keep(b *bundle, number int, part []byte) error {
	b.Parts[number] = slices.Concat([]byte{}, part)
	text, err := json.Marshal(b)
	if err == nil {
		err = fsx.Replace(s.file(b.Key), text)
	}
	if err != nil {
		delete(b.Parts, number)
		return fmt.Errorf("part of a message: %w", err)
	}
	if b.grew = time.Now(); s.bundles[b.Key] == nil && len(s.bundles) == maxBundles {
		s.giveUp(s.oldest(), "too many are not whole")
	}
	s.bundles[b.Key] = b
	return nil
}

// finish notes that a message is stored, and forgets its parts.
func (s *shelf) finish(key string, whole [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := finished{key: key}
	for _, part := range whole {
		f.parts = append(f.parts, maphash.Bytes(s.seed, part))
	}
	s.done = append(s.done, f)
	s.done = s.done[max(0, len(s.done)-maxDone):]
	if s.bundles[key] != nil {
		delete(s.bundles, key)
		_ = os.Remove(s.file(key)) // what a crash brings back is a message that comes twice
	}
}

// again reports whether a part belongs to a message that is done. mu is held.
func (s *shelf) again(key string, number, total int, part []byte) bool {
	mark := maphash.Bytes(s.seed, part)
	return slices.ContainsFunc(s.done, func(f finished) bool {
		return f.key == key && len(f.parts) == total && f.parts[number-1] == mark
	})
}

// tidy gives up what did not grow for long. mu is held.
func (s *shelf) tidy() {
	for key, b := range s.bundles {
		if time.Since(b.grew) > partsKept {
			s.giveUp(key, "the rest did not come")
		}
	}
}

func (s *shelf) oldest() (key string) {
	for k, b := range s.bundles {
		if key == "" || b.grew.Before(s.bundles[key].grew) {
			key = k
		}
	}
	return key
}

// giveUp forgets a message that is not whole, and says so. mu is held.
func (s *shelf) giveUp(key, why string) {
	b := s.bundles[key]
	s.log.Error("a message in parts is given up", "message", key, "parts", len(b.Parts), "of", b.Total, "because", why)
	delete(s.bundles, key)
	_ = os.Remove(s.file(key))
}

// file is where a message's parts lie.
func (s *shelf) file(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:12])+".json")
}
