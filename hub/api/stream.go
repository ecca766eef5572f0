package api

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/commands"
	"gridhub/hub/health"
	"gridhub/hub/live"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"
)

// Changes is the feed of everything that screens show. The channel is closed
// when the reader was too slow: it must take a new snapshot.
type Changes interface {
	Subscribe() (changes <-chan live.Change, cancel func())
}

// Hello opens a stream, and Beat keeps it open; both carry the hub's clock.
type Hello struct {
	Now telemetry.Millis `json:"now"`
}

// Beat is sent every 15 s, so that a dead line is noticed.
type Beat struct {
	Now telemetry.Millis `json:"now"`
}

type streamInput struct {
	Session string `cookie:"gridhub_session"`
}

func (a *API) registerStream() {
	declared("stream")
	sse.Register(a.huma, huma.Operation{OperationID: "stream", Method: "GET", Path: "/api/v1/stream",
		Summary: "Server-sent events: every change of devices, people, cases, hazards and commands"},
		map[string]any{
			"hello":   Hello{},
			"beat":    Beat{},
			"device":  live.DeviceState{},
			"person":  live.PersonState{},
			"case":    tasks.Case{},
			"hazard":  rules.Hazard{},
			"command": commands.Instruction{},
			"fault":   health.Outage{},
			"camera":  CameraChanged{},
		}, a.stream)
}

// lookEvery is how often a stream asks whether its session still is what it was:
// a disabled account sees nothing five seconds later.
const lookEvery = 3 * time.Second

func (a *API) stream(ctx context.Context, in *streamInput, send sse.Sender) {
	changes, cancel := a.deps.Changes.Subscribe()
	defer cancel()
	if send.Data(Hello{Now: telemetry.At(a.deps.Clock())}) != nil {
		return
	}
	beat, look := time.NewTicker(15*time.Second), time.NewTicker(lookEvery)
	defer beat.Stop()
	defer look.Stop()
	sees, err := a.sight(ctx)
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			err = send.Data(Beat{Now: telemetry.At(a.deps.Clock())})
		case <-look.C:
			if sees, err = a.sight(ctx); err == nil {
				err = a.unchanged(ctx, in.Session)
			}
		case c, open := <-changes:
			if !open {
				return
			}
			body, may := a.shown(who(ctx), c.Body)
			if may {
				body, may = sees(body)
			}
			if may {
				err = send.Data(body)
			}
		}
	}
}

// errChanged ends a stream whose reader has other rights by now; the page comes
// back and gets what is right.
var errChanged = errors.New("the session has ended, or its rights have changed")

func (a *API) unchanged(ctx context.Context, session string) error {
	p, err := a.deps.Accounts.Alive(ctx, session)
	if was := who(ctx); err != nil || p.Unproven || !slices.Equal(p.Roles, was.Roles) || !reflect.DeepEqual(p.Scopes, was.Scopes) || !slices.Equal(p.For, was.For) {
		return errChanged
	}
	return nil
}

// sight says what of a change is shown to who asks: all of it, less, or nothing.
func (a *API) sight(ctx context.Context) (func(any) (any, bool), error) {
	r := a.reach(ctx)
	if r.Street {
		return func(body any) (any, bool) { return body, true }, nil
	}
	in, err := a.staffWithin(ctx)
	if err != nil {
		return nil, err
	}
	return func(body any) (any, bool) {
		shown := true
		switch b := body.(type) {
		case tasks.Case:
			shown = r.Sees(b.Marks, b.Hands())
		case live.PersonState:
			shown = in(b.ID)
		case rules.Hazard:
			seen, err := a.reached(ctx, b.Case)
			shown = err == nil && seen[b.Case]
		case live.DeviceState:
			body = carried(b, in)
		case health.Outage, commands.Instruction:
		default:
			shown = false // whoever adds a kind decides who sees it
		}
		return body, shown
	}, nil
}
