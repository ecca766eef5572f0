package api

import (
	"context"

	"gridhub/devices/telemetry"
	"gridhub/hub/health"

	"github.com/danielgtaylor/huma/v2"
)

// Faults are what is broken between the sensors and the hub, and what was.
type Faults interface {
	List(ctx context.Context, open bool, from telemetry.Millis, limit int) ([]health.Outage, error)
}

// Clocks are those of gateways, terminals and devices, against the hub's.
type Clocks interface {
	Clocks() []health.ClockState
}

type brokenInput struct {
	Open  bool             `query:"open" doc:"only those that last"`
	From  telemetry.Millis `query:"from" doc:"ms since 1970; leaves out what was over before"`
	Limit int              `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

type brokenOutput struct{ Body []health.Outage }

type clocksOutput struct{ Body []health.ClockState }

func (a *API) registerFaults() {
	register(a, huma.Operation{OperationID: "faults", Method: "GET", Path: "/api/v1/faults", Summary: "Broken sensors, lines, gateways, uplinks and supplies, with reasons and what to do, newest first"}, a.faults)
	register(a, huma.Operation{OperationID: "clocks", Method: "GET", Path: "/api/v1/clocks", Summary: "How far each sender's and device's clock is off, and what is done about it, the bad ones first"}, a.clocks)
}

func (a *API) faults(ctx context.Context, in *brokenInput) (*brokenOutput, error) {
	all, err := a.deps.Faults.List(ctx, in.Open, in.From, in.Limit)
	if err != nil {
		return nil, status(err)
	}
	return &brokenOutput{Body: all}, nil
}

func (a *API) clocks(context.Context, *struct{}) (*clocksOutput, error) {
	return &clocksOutput{Body: a.deps.Clocks.Clocks()}, nil
}
