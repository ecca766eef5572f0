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
// is none. It may block while the disk is busy; what was heard is acknowledged
// to the device only after it returned. It is safe for concurrent use.
type Deliver func(id devices.ID, r Reading, err error)
