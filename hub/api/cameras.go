package api

import (
	"context"

	"gridhub/devices/telemetry"
	"gridhub/hub/cameras"

	"github.com/danielgtaylor/huma/v2"
)

// Cameras lists the cameras of the street.
type Cameras interface {
	Cameras() []CameraState
}

// CameraState is one camera and how it is. Its pictures are at
// /api/v1/cameras/ID/whep, by WHEP.
type CameraState struct {
	cameras.Camera
	Push      bool             `json:"push,omitempty" doc:"it sends by itself, by WHIP"`
	Phase     string           `json:"phase" enum:"idle,connecting,live,failed"`
	Since     telemetry.Millis `json:"since,omitempty"`
	Viewers   int              `json:"viewers"`
	Fault     string           `json:"fault,omitempty" doc:"h265, b-frames, no-video, auth, not-found, busy, unreachable, silent, refused, broken"`
	FaultText string           `json:"fault_text,omitempty" doc:"the setting to change, in English"`
}

// CameraChanged tells the screens that a camera's state is another.
type CameraChanged struct {
	ID string `json:"camera"`
}

type camerasOutput struct{ Body []CameraState }

func (a *API) registerCameras() {
	register(a, huma.Operation{OperationID: "cameras", Method: "GET", Path: "/api/v1/cameras", Summary: "All cameras, where they stand and how they are"}, a.cameras)
}

func (a *API) cameras(context.Context, *struct{}) (*camerasOutput, error) {
	return &camerasOutput{a.deps.Cameras.Cameras()}, nil
}
