package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/hub/commands"
	"gridhub/hub/identity"

	"github.com/danielgtaylor/huma/v2"
)

// Commands brings orders down to devices. Errors: commands.ErrUnknownDevice,
// ErrNotFound, ErrConflict, ErrBusy, *commands.Invalid.
type Commands interface {
	Controls(ctx context.Context, device devices.ID) (controls []wire.Control, signed bool, err error)
	Command(ctx context.Context, r commands.Request) (commands.Instruction, error)
	List(ctx context.Context, device devices.ID, limit int) ([]commands.Instruction, error)
	Get(ctx context.Context, device devices.ID, id string) (commands.Instruction, error)
}

// CommandKeys has the public keys that receivers of commands pin.
type CommandKeys interface {
	List() []commands.PublicKey
	PEM() []byte
}

// commanders may set something on a device; installers try out what they have
// wired.
var commanders = []identity.Role{identity.Dispatcher, identity.Admin, identity.Installer}

// commandReaders see what was set.
var commandReaders = append(slices.Clone(desk), identity.Installer)

// Controls is what may be set on a device.
type Controls struct {
	Controls []wire.Control `json:"controls" nullable:"false"`
	Signed   bool           `json:"signed" doc:"orders are signed; false: the device's protocol cannot carry it"`
}

// ControlRequest is what somebody wants a device to do. Exactly one of value and
// text is given.
type ControlRequest struct {
	ID      string   `json:"id,omitempty" doc:"made by the client, 8 to 64 letters, digits, - and _: the same request again changes nothing"`
	Control string   `json:"control"`
	Value   *float64 `json:"value,omitempty" doc:"in the control's unit; 0 or 1 of a switch"`
	Text    string   `json:"text,omitempty"`
	Expires int      `json:"expires_s,omitempty" doc:"seconds until it must not be begun any more; default 60, at most 86400"`
}

type controlsInput struct {
	Device devices.ID `path:"device"`
}

type controlsOutput struct{ Body Controls }

type controlInput struct {
	Device devices.ID `path:"device"`
	Body   ControlRequest
}

type instructionsInput struct {
	Device devices.ID `path:"device"`
	Limit  int        `query:"limit" default:"20" minimum:"1" maximum:"500"`
}

type instructionsOutput struct{ Body []commands.Instruction }

type instructionInput struct {
	Device  devices.ID `path:"device"`
	Command string     `path:"command"`
}

type instructionOutput struct{ Body commands.Instruction }

type commandKeysInput struct {
	Format string `query:"format" enum:"json,pem" default:"json"`
}

func (a *API) registerCommands() {
	register(a, huma.Operation{OperationID: "device-controls", Method: "GET", Path: "/api/v1/devices/{device}/controls", Summary: "What may be set on a device"}, a.deviceControls)
	register(a, huma.Operation{OperationID: "send-command", Method: "POST", Path: "/api/v1/devices/{device}/commands", Summary: "Set something on a device; the answer says that it was taken, not that it was done", DefaultStatus: 202}, a.sendCommand)
	register(a, huma.Operation{OperationID: "device-commands", Method: "GET", Path: "/api/v1/devices/{device}/commands", Summary: "A device's newest commands, newest first"}, a.deviceCommands)
	register(a, huma.Operation{OperationID: "device-command", Method: "GET", Path: "/api/v1/devices/{device}/commands/{command}", Summary: "How far one command has come"}, a.deviceCommand)
	register(a, huma.Operation{OperationID: "command-keys", Method: "GET", Path: "/api/v1/commands/keys", Summary: "The public keys that commands are signed with, the one in use first"}, a.commandKeys)
}

// commanded turns an error of commands into the answer that it deserves.
func commanded(err error) error {
	var invalid *commands.Invalid
	switch {
	case errors.As(err, &invalid):
		return huma.Error422UnprocessableEntity(err.Error(), &huma.ErrorDetail{Location: "body." + invalid.Field, Message: "want " + invalid.Want, Value: invalid.Value})
	case errors.Is(err, commands.ErrUnknownDevice), errors.Is(err, commands.ErrNotFound):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, commands.ErrConflict):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, commands.ErrBusy):
		return huma.Error429TooManyRequests(err.Error())
	}
	return err
}

func (a *API) deviceControls(ctx context.Context, in *controlsInput) (*controlsOutput, error) {
	controls, signed, err := a.deps.Commands.Controls(ctx, in.Device)
	return &controlsOutput{Body: Controls{Controls: controls, Signed: signed}}, commanded(err)
}

func (a *API) sendCommand(ctx context.Context, in *controlInput) (*instructionOutput, error) {
	b := in.Body
	i, err := a.deps.Commands.Command(ctx, commands.Request{ID: b.ID, Device: in.Device, Control: b.Control, Value: b.Value, Text: b.Text,
		By: who(ctx).Account, Within: time.Duration(b.Expires) * time.Second})
	return &instructionOutput{Body: i}, commanded(err)
}

func (a *API) deviceCommands(ctx context.Context, in *instructionsInput) (*instructionsOutput, error) {
	list, err := a.deps.Commands.List(ctx, in.Device, in.Limit)
	return &instructionsOutput{Body: list}, err
}

func (a *API) deviceCommand(ctx context.Context, in *instructionInput) (*instructionOutput, error) {
	i, err := a.deps.Commands.Get(ctx, in.Device, in.Command)
	return &instructionOutput{Body: i}, commanded(err)
}

func (a *API) commandKeys(_ context.Context, in *commandKeysInput) (*huma.StreamResponse, error) {
	if in.Format == "json" {
		return table("json", "", a.deps.CommandKeys.List(), nil)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/x-pem-file")
		_, _ = hc.BodyWriter().Write(a.deps.CommandKeys.PEM()) // the reader left; nobody to tell
	}}, nil
}
