package enrol

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// When certificates are renewed.
const (
	renewAhead = 30 * 24 * time.Hour
	lookEvery  = time.Hour // and less, at random, so that a street does not come at once
)

// Keeper renews a gateway's certificate before it ends. Run it once; Status may
// be called from anywhere.
type Keeper struct {
	folder Folder
	now    func() time.Time
	log    *slog.Logger

	mu     sync.Mutex
	status Status
}

// Status tells how long the identity is good.
type Status struct {
	Enrolled bool
	Expires  time.Time
	Left     time.Duration // until then, by the best clock there is
	Err      string        // why the newest renewal failed, or the identity cannot be read

	begins time.Time
}

// NewKeeper makes a keeper; now is the best clock that the gateway has.
func NewKeeper(f Folder, now func() time.Time, log *slog.Logger) *Keeper {
	return &Keeper{folder: f, now: now, log: log}
}

// Status returns how the identity was when it was last looked at.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.status
	if now := k.now(); now.After(s.begins) {
		s.Left = s.Expires.Sub(now)
	} else {
		s.Left = s.Expires.Sub(s.begins) // a clock that is behind
	}
	return s
}

// Run looks at the certificate now and every hour until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	for {
		k.look(ctx)
		t := time.NewTimer(lookEvery/2 + rand.N(lookEvery/2))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// look renews if it is time.
func (k *Keeper) look(ctx context.Context) {
	held, err := k.folder.Load()
	if errors.Is(err, fs.ErrNotExist) {
		k.note(nil, nil)
		return
	}
	if err != nil {
		k.log.Error("the identity cannot be read, enrol anew", "error", err)
		k.note(nil, err)
		return
	}
	left := held.Expires().Sub(latest(k.now(), held.pair.Leaf))
	if left > renewAhead {
		k.note(held, nil)
		return
	}
	next, err := k.folder.Renew(ctx, k.now)
	switch {
	case err == nil:
		k.log.Info("certificate renewed, the next connection uses it", "gateway", next.ID, "expires", next.Expires())
		held = next
	case left <= 0:
		k.log.Error("the certificate has ended, ask for a code and enrol anew", "gateway", held.ID, "expires", held.Expires(), "error", err)
	default:
		k.log.Warn("the certificate was not renewed, trying again", "gateway", held.ID, "expires", held.Expires(), "error", err)
	}
	k.note(held, err)
}

func (k *Keeper) note(held *Identity, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status = Status{}
	if held != nil {
		k.status.Enrolled, k.status.Expires, k.status.begins = true, held.Expires(), held.Begins()
	}
	if err != nil {
		k.status.Err = err.Error()
	}
}
