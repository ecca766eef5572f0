package api

import (
	"context"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/health"

	"github.com/danielgtaylor/huma/v2"
)

// Gateways lists the gateways of the street.
type Gateways interface {
	Gateways(ctx context.Context) ([]GatewayState, error)
}

// GatewayState is one gateway as the hub sees it and as it describes itself.
type GatewayState struct {
	ID       devices.ID       `json:"id"`
	Label    string           `json:"label,omitempty"`
	Online   bool             `json:"online"`
	Seen     telemetry.Millis `json:"seen,omitempty" doc:"when it last said anything, ms since 1970, by the hub's clock"`
	Config   string           `json:"config,omitempty" doc:"hash over all files that it runs"`
	Owner    string           `json:"owner,omitempty" enum:"gateway,hub" doc:"whose its device files are"`
	Software string           `json:"software,omitempty"`
	Devices  int              `json:"devices"`
	Retired  int              `json:"retired,omitempty" doc:"devices that it reads no more, but has readings of that are not delivered"`
	Pending  int64            `json:"pending" doc:"readings that it said it has and the hub had not acknowledged"`
	Remark   string           `json:"remark,omitempty" doc:"what is wrong with its files; it goes on with the former ones"`

	Changed telemetry.Millis `json:"changed,omitempty" doc:"when it began to run that configuration, by the hub's clock"`
	Program telemetry.Millis `json:"program,omitempty" doc:"when its program was started"`
	Machine telemetry.Millis `json:"machine,omitempty" doc:"when its machine was started"`
	Clock   *GatewayClock    `json:"clock,omitempty" doc:"left out: nothing is known of it"`
	Faults  []health.Cause   `json:"faults" nullable:"false" doc:"what is broken at or behind it, the widest first"`
	Silent  int              `json:"silent" doc:"devices that give no readings because of it"`
}

// GatewayClock is how far a gateway's clock is from the hub's.
type GatewayClock struct {
	Offset int64 `json:"offset_ms" doc:"the hub's clock minus this one"`
	Bad    bool  `json:"bad"`
}

type gatewaysOutput struct{ Body []GatewayState }

func (a *API) registerGateways() {
	register(a, huma.Operation{OperationID: "gateways", Method: "GET", Path: "/api/v1/gateways", Summary: "All gateways: configuration, software, backlog"}, a.gateways)
}

func (a *API) gateways(ctx context.Context, _ *struct{}) (*gatewaysOutput, error) {
	all, err := a.deps.Gateways.Gateways(ctx)
	if err != nil {
		return nil, err
	}
	return &gatewaysOutput{all}, nil
}
