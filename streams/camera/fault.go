package camera

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
)

// Fault is what is wrong with a camera, for the one who set it up: a code for
// programs, and the setting to change.
type Fault struct {
	Code string
	Text string
}

func (f *Fault) Error() string { return f.Text }

// The faults of a camera that answers and cannot be shown.
var (
	errH265 = &Fault{"h265", "the camera sends H.265, which browsers do not show: set its video coding to H.264, or take the address of its H.264 stream (often the second one)"}
	errB    = &Fault{"b-frames", "the camera sends B-frames, which live pictures cannot carry: switch B-frames (also: smart codec, H.264+) off, or set its H.264 profile to Baseline"}
	errNone = &Fault{"no-video", "the camera offers no H.264 video at this address: set its video coding to H.264, and look whether the path of the address is that of a video stream"}
	errGone = &Fault{"silent", "the camera sent nothing any more"}
)

// diagnose says in an installer's words why pulling ended.
func diagnose(err error) *Fault {
	var fault *Fault
	var bad liberrors.ErrClientBadStatusCode
	var netErr net.Error
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.As(err, &bad):
		return refused(int(bad.Code), bad.Message)
	case strings.Contains(err.Error(), "authentication"), strings.Contains(err.Error(), "credentials"):
		return refused(401, "")
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return &Fault{"unreachable", fmt.Sprintf("the camera does not answer: is it powered, and does its address belong to this network? (%v)", err)}
	case strings.Contains(err.Error(), "refused"), errors.As(err, &netErr):
		return &Fault{"unreachable", fmt.Sprintf("no connection to the camera: is the address right, and RTSP switched on? (%v)", err)}
	}
	return &Fault{"broken", err.Error()}
}

// refused names what a status of RTSP (RFC 7826, section 17) means here.
func refused(status int, message string) *Fault {
	switch status {
	case 401, 403:
		return &Fault{"auth", "the camera refuses user or password"}
	case 404, 400:
		return &Fault{"not-found", "the camera has no stream at this path: see its manual for the path of the main and of the second stream"}
	case 453, 503:
		return &Fault{"busy", "the camera serves no more connections: raise its limit, or end others"}
	}
	return &Fault{"refused", fmt.Sprintf("the camera refuses: %d %s", status, message)}
}
