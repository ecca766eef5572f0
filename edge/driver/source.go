package driver

import (
	"context"

	"gridhub/devices"
)

// Source is a way on which devices speak when they like.
type Source interface {
	// Listen hears until ctx ends and hands every reading to deliver. It opens
	// what it needs by itself, and opens it again after it was lost.
	Listen(ctx context.Context, deliver Deliver) error
}

// Deliver takes the reading of one device, or a *ReadError that says why there
// is none. It may block while the disk is busy. It is safe for concurrent use.
type Deliver func(id devices.ID, r Reading, err error)

// Settle begins to watch what is delivered. The function that it returns waits
// until all that was delivered since is on disk; only then may it be
// acknowledged to a device that forgets what was acknowledged. An error means
// that some of it may be lost. Many may wait at once: they share one commit. It
// is safe for concurrent use.
type Settle func() (wait func(ctx context.Context) error)
