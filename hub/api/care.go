package api

import (
	"context"
	"errors"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/registry"
	"gridhub/hub/rules"

	"github.com/danielgtaylor/huma/v2"
)

// Care is what people do to devices, and what is written down of it. Errors:
// ErrNoDevice, ErrElsewhere, ErrWanted.
type Care interface {
	Logbook(ctx context.Context, id devices.ID) (Logbook, error)
	// Maintain puts a device into maintenance until an instant; 0 ends it.
	Maintain(ctx context.Context, who identity.Principal, id devices.ID, until telemetry.Millis, why string) error
	// Give says who carries a device or into which vehicle it is built; an
	// empty holder takes it back.
	Give(ctx context.Context, by string, id devices.ID, to registry.Holder) (registry.Hold, error)
}

// Errors of Care.
var (
	ErrNoDevice  = errors.New("no such device")
	ErrElsewhere = errors.New("this is set elsewhere")
	ErrWanted    = errors.New("this cannot be")
)

// Logbook is what happened to a device, newest first.
type Logbook struct {
	Events     []registry.LogEntry `json:"events"`
	Suppressed []rules.Hazard      `json:"suppressed" doc:"what it would have raised, had it not been late or in maintenance"`
}

type deviceInput struct {
	Device devices.ID `path:"device"`
}

type logbookOutput struct{ Body Logbook }

type maintenanceInput struct {
	Device devices.ID `path:"device"`
	Body   struct {
		Until  telemetry.Millis `json:"until" minimum:"0" doc:"ms since 1970, at most 30 days ahead; 0 ends it"`
		Reason string           `json:"reason,omitempty" maxLength:"500"`
	}
}

type holderInput struct {
	Device devices.ID `path:"device"`
	Body   registry.Holder
}

type holderOutput struct{ Body registry.Hold }

func (a *API) registerCare() {
	register(a, huma.Operation{OperationID: "logbook", Method: "GET", Path: "/api/v1/devices/{device}/logbook", Summary: "What happened to a device: replacement, maintenance, moves; and what it did not raise"}, a.logbook)
	register(a, huma.Operation{OperationID: "maintain", Method: "POST", Path: "/api/v1/devices/{device}/maintenance", Summary: "Begin or end maintenance: readings are kept, no hazard is raised", DefaultStatus: 204}, a.maintain)
	register(a, huma.Operation{OperationID: "give-device", Method: "POST", Path: "/api/v1/devices/{device}/holder", Summary: "Bind a positioning device to a person or a vehicle, or to nobody"}, a.giveDevice)
}

func (a *API) logbook(ctx context.Context, in *deviceInput) (*logbookOutput, error) {
	l, err := a.deps.Care.Logbook(ctx, in.Device)
	return &logbookOutput{Body: l}, careStatus(err)
}

func (a *API) maintain(ctx context.Context, in *maintenanceInput) (*struct{}, error) {
	if in.Body.Until != 0 && in.Body.Reason == "" {
		return nil, huma.Error422UnprocessableEntity("say why the device is being worked on", &huma.ErrorDetail{Location: "body.reason", Message: "want a reason"})
	}
	return nil, careStatus(a.deps.Care.Maintain(ctx, who(ctx), in.Device, in.Body.Until, in.Body.Reason))
}

func (a *API) giveDevice(ctx context.Context, in *holderInput) (*holderOutput, error) {
	h, err := a.deps.Care.Give(ctx, who(ctx).Account, in.Device, in.Body)
	return &holderOutput{Body: h}, careStatus(err)
}

// careStatus turns Care's errors into answers.
func careStatus(err error) error {
	switch {
	case errors.Is(err, ErrNoDevice):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, ErrElsewhere):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, ErrWanted):
		return huma.Error422UnprocessableEntity(err.Error())
	}
	return status(err)
}
