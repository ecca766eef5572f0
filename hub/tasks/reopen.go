package tasks

import (
	"context"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// A reporter may have a case opened again this long after it was closed, and so
// many times.
const (
	ReopenWithin = 30 * 24 * time.Hour
	ReopenTimes  = 3
)

// reopened is why a case is filed again; the words themselves are personal.
const reopened = "reopened by the reporter"

// MayReopen says until when a reporter may have a case opened again; the error is
// a *RefusedError that says why it cannot be. events are those of c.
func MayReopen(c Case, events []Event, now telemetry.Millis) (until telemetry.Millis, err error) {
	times := 0
	closed := c.Updated
	for _, e := range events {
		switch {
		case e.Type == Filed && e.By == identity.System.Account && e.Why == reopened:
			times++
		case e.Type == Closed || e.Type == Spot:
			closed = e.Server
		}
	}
	until = closed.Add(ReopenWithin)
	switch {
	case !slices.Contains(ended, c.State):
		return 0, &RefusedError{Code: "state", Reason: "the case is still open"}
	case times >= ReopenTimes:
		return 0, &RefusedError{Code: "state", Reason: "the case was reopened often enough: please report again"}
	case now > until:
		return 0, &RefusedError{Code: "state", Reason: "the case was closed long ago: please report again"}
	}
	return until, nil
}

// Reopen files a closed case again in its reporter's words. Of a merged case it
// is the one that was kept. command makes a repeat harmless. Whether who asks is
// the reporter is known by those who gave out the code.
func (p *Pool) Reopen(ctx context.Context, id identity.CaseID, command, words string) (Case, error) {
	c, _, err := p.Get(ctx, id)
	if err == nil && c.Into != "" {
		c, _, err = p.Get(ctx, c.Into)
	}
	if err != nil {
		return Case{}, err
	}
	return p.change(ctx, c.ID, command, func(_ *store.Tx, events []Event) ([]Event, error) {
		now := telemetry.At(p.now())
		if _, err := MayReopen(Fold(events), events, now); err != nil {
			return nil, err
		}
		return []Event{{Type: Filed, At: now, Server: now, By: identity.System.Account, Why: reopened, Body: Body{Text: words}}}, nil
	})
}
