package server

import (
	"context"
	"time"
)

// settleTold is how often a long pass over old cases says how far it is.
const settleTold = 10 * time.Second

// settle makes the digests of ended cases again after a change of limits or
// calendar, beside everything else; until then figures read the events.
func (h *Hub) settle(ctx context.Context) error {
	told := h.now()
	err := h.pool.Settle(ctx, func(done, of int) {
		if now := h.now(); now.Sub(told) >= settleTold {
			told = now
			h.log.Info("ended cases are summed up again", "done", done, "of", of)
		}
	})
	if err != nil && ctx.Err() == nil {
		h.log.Error("ended cases could not be summed up: figures stay right and are slow; it is tried again at the next start", "error", err)
	}
	return nil
}

// warm reads what cases say before somebody asks what is alike one.
func (h *Hub) warm(ctx context.Context) error {
	if err := h.alike.Warm(ctx); err != nil && ctx.Err() == nil {
		h.log.Warn("cases were not read for duplicates; they are at the first question", "error", err)
	}
	return nil
}
