package api

import (
	"context"
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

func (a *API) stream(ctx context.Context, _ *struct{}, send sse.Sender) {
	p := who(ctx)
	changes, cancel := a.deps.Changes.Subscribe()
	defer cancel()
	if send.Data(Hello{Now: telemetry.At(a.deps.Clock())}) != nil {
		return
	}
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			err = send.Data(Beat{Now: telemetry.At(a.deps.Clock())})
		case c, open := <-changes:
			if !open {
				return
			}
			if body, may := a.shown(p, c.Body); may {
				err = send.Data(body)
			}
		}
		if err != nil {
			return
		}
	}
}
