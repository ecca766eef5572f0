package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/audit"
	"gridhub/hub/cameras"
	"gridhub/hub/identity"
	"gridhub/streams/camera"
	"gridhub/streams/whip"
)

// wall is the street's cameras: the list, the pictures, and who watches them.
type wall struct {
	book  *cameras.Book
	lens  *camera.Wall
	visit *whip.Service
}

// cameraFile is one file of cameras, checked against the grids and the files
// before it.
type cameraFile struct {
	cameras.File `yaml:",inline"`
	reader       *reader
	file         string
}

// Validate finds ids used twice and grids that the street does not have.
func (f *cameraFile) Validate() error {
	var errs []error
	for i, c := range f.Cameras {
		at := fmt.Sprintf("cameras[%d]", i)
		if other, twice := f.reader.cameraIn[c.ID]; twice && c.ID != "" {
			errs = append(errs, configs.Fault(at+".id", c.ID, "an id of its own, it stands in %s already", other))
		}
		f.reader.cameraIn[c.ID] = f.file
		errs = append(errs, f.reader.grid(at+".grid", c.Grid))
	}
	return errors.Join(errs...)
}

func (r *reader) cameras(paths []string) {
	for _, f := range r.expand(paths) {
		set := cameraFile{reader: r, file: f}
		r.note(configs.ReadFile(f, &set))
		for _, c := range set.Cameras {
			_, err := c.Secret(filepath.Dir(f))
			r.note(err)
		}
		r.files.Cameras = append(r.files.Cameras, set.Cameras...)
	}
	r.files.cameraDir = func(id string) string { return filepath.Dir(r.cameraIn[id]) }
}

// openCameras follows the media plane.
func (h *Hub) openCameras(context.Context) (err error) {
	w := &wall{}
	if w.book, err = cameras.Open(h.files.Cameras, h.files.cameraDir); err != nil {
		return err
	}
	w.lens, err = camera.NewWall(h.media, w.book.Sources(), func(id string, _ camera.State) { h.board.Publish(api.CameraChanged{ID: id}) }, h.log)
	if err != nil {
		return err
	}
	w.visit = whip.New(h.media, h.admit, h.relayLinks, h.log)
	h.wall = w
	return nil
}

// serveCameras ends sessions and connections with ctx.
func (h *Hub) serveCameras(ctx context.Context) error {
	<-ctx.Done()
	h.wall.visit.Close()
	h.wall.lens.Close()
	return nil
}

// watchers may see the pictures of cameras. Each look is on record.
var watchers = []identity.Role{identity.Dispatcher, identity.Head, identity.Admin, identity.Installer}

// admit lets people watch a camera, and a camera that pushes send.
func (h *Hub) admit(r *http.Request, way whip.Way) (whip.Visit, error) {
	id := r.PathValue("camera")
	if way == whip.Send {
		return h.admitCamera(r, id)
	}
	p, err := h.api.Principal(r)
	if err != nil {
		return whip.Visit{}, &whip.Refusal{Status: http.StatusUnauthorized, Reason: "sign in first"}
	}
	if !slices.ContainsFunc(watchers, func(role identity.Role) bool { return p.Has(role) }) {
		return whip.Visit{}, &whip.Refusal{Status: http.StatusForbidden, Reason: "cameras are for dispatchers, heads, administrators and installers"}
	}
	release, err := h.wall.lens.Look(id)
	if err != nil {
		return whip.Visit{}, &whip.Refusal{Status: http.StatusNotFound, Reason: err.Error()}
	}
	err = h.audit.Append(r.Context(), audit.Entry{Account: p.Account, Person: string(p.Person), Act: "camera.watch", Subject: id, From: r.RemoteAddr})
	if err != nil {
		release()
		return whip.Visit{}, err
	}
	return whip.Visit{Room: camera.Room(id), Person: p.Account, Leave: release}, nil
}

func (h *Hub) admitCamera(r *http.Request, id string) (whip.Visit, error) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !h.wall.book.MaySend(id, token) {
		return whip.Visit{}, &whip.Refusal{Status: http.StatusUnauthorized, Reason: "want the camera's token: Authorization: Bearer TOKEN"}
	}
	over, err := h.wall.lens.Sends(id)
	if err != nil {
		return whip.Visit{}, &whip.Refusal{Status: http.StatusNotFound, Reason: err.Error()}
	}
	return whip.Visit{Room: camera.Room(id), Person: id, Leave: over}, nil
}

// relayLinks tells players how to be relayed (RFC 9725, 4.6).
func (h *Hub) relayLinks(r *http.Request) []string {
	if h.relay == nil {
		return nil
	}
	c := h.relay.Credentials("camera")
	var out []string
	for _, u := range relayURLs(h.relay.Addresses(), hostOf(r)) {
		out = append(out, fmt.Sprintf("<%s>; rel=\"ice-server\"; username=%q; credential=%q; credential-type=\"password\"", u, c.Username, c.Password))
	}
	return out
}

// cameraRoutes are the doors for players and encoders.
func (h *Hub) cameraRoutes(mux *http.ServeMux, guard *http.CrossOriginProtection) {
	session := func(r *http.Request) string { return r.PathValue("session") }
	mux.Handle("/api/v1/cameras/{camera}/whep", guard.Handler(h.wall.visit.Endpoint(whip.Watch)))
	mux.Handle("/api/v1/cameras/{camera}/whep/{session}", guard.Handler(h.wall.visit.Session(session)))
	mux.Handle("/api/v1/cameras/{camera}/whip", h.onceClaimed(h.wall.visit.Endpoint(whip.Send)))
	mux.Handle("/api/v1/cameras/{camera}/whip/{session}", h.onceClaimed(h.wall.visit.Session(session)))
}

// gallery shows the cameras.
type gallery struct{ h *Hub }

func (g gallery) Cameras() []api.CameraState {
	out := []api.CameraState{}
	for _, c := range g.h.wall.book.List() {
		s, _ := g.h.wall.lens.State(c.ID)
		state := api.CameraState{Camera: c, Push: c.Pushes(), Phase: string(s.Phase), Viewers: s.Viewers}
		if !s.Since.IsZero() {
			state.Since = telemetry.At(s.Since)
		}
		if s.Fault != nil {
			state.Fault, state.FaultText = s.Fault.Code, s.Fault.Text
		}
		out = append(out, state)
	}
	return out
}
