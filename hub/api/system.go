package api

import (
	"context"

	"gridhub/devices"
	"gridhub/devices/telemetry"

	"github.com/danielgtaylor/huma/v2"
)

// Quarantine lists what could not be used, and tries it again after a fix.
type Quarantine interface {
	Causes(ctx context.Context) ([]QuarantineCause, error)
	List(ctx context.Context, cause string, device devices.ID, limit int) ([]QuarantineEntry, error)
	Replay(ctx context.Context, cause string, device devices.ID) (int, error)
}

// Health says what works and what does not.
type Health interface {
	Parts() []Part
}

// Part is one part of the hub; Detail says what to do when it is not well.
type Part struct {
	Name   string `json:"name"`
	State  string `json:"state"` // ok, degraded, down
	Detail string `json:"detail,omitempty"`
	Words  string `json:"detail_zh,omitempty"` // the detail in Chinese, as far as it can be said
	Lag    uint64 `json:"lag,omitempty"`       // records a consumer is behind
}

// QuarantineCause counts the entries of one cause on one device.
type QuarantineCause struct {
	Cause  string           `json:"cause"`
	Device devices.ID       `json:"device"`
	N      uint64           `json:"n"`
	Last   telemetry.Millis `json:"last"`
}

// QuarantineEntry is one publish that was kept aside.
type QuarantineEntry struct {
	Number  int64            `json:"number"` // in the hub's journal; negative: in a former one
	At      telemetry.Millis `json:"at"`
	Device  devices.ID       `json:"device"`
	Topic   string           `json:"topic"`
	Cause   string           `json:"cause"`
	Detail  string           `json:"detail"`
	Payload string           `json:"payload" doc:"as text when it is UTF-8, else base64"`
	Binary  bool             `json:"binary"`
	Done    bool             `json:"done" doc:"replayed since"`
}

type causesOutput struct{ Body []QuarantineCause }

type quarantineInput struct {
	Cause  string     `query:"cause"`
	Device devices.ID `query:"device"`
	Limit  int        `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type quarantineOutput struct{ Body []QuarantineEntry }

type replayInput struct {
	Body struct {
		Cause  string     `json:"cause,omitempty"`
		Device devices.ID `json:"device,omitempty"`
	}
}

type replayOutput struct {
	Body struct {
		Replayed int `json:"replayed"`
	}
}

type healthOutput struct{ Body []Part }

func (a *API) registerSystem() {
	register(a, huma.Operation{OperationID: "quarantine-causes", Method: "GET", Path: "/api/v1/quarantine/causes", Summary: "Quarantine, counted by cause and device"}, a.quarantineCauses)
	register(a, huma.Operation{OperationID: "quarantine", Method: "GET", Path: "/api/v1/quarantine", Summary: "Quarantined publishes, newest first"}, a.quarantineList)
	register(a, huma.Operation{OperationID: "quarantine-replay", Method: "POST", Path: "/api/v1/quarantine/replay", Summary: "Try quarantined publishes again"}, a.quarantineReplay)
	register(a, huma.Operation{OperationID: "health", Method: "GET", Path: "/api/v1/health", Summary: "What works and what does not"}, a.health)
}
