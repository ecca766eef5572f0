package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"gridhub/hub/identity"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Uploads takes evidence in pieces by the tus protocol; see evidence/uploads.
type Uploads interface {
	ServeHTTP(w http.ResponseWriter, r *http.Request, who identity.Principal)
}

type uploadInput struct {
	Upload string `path:"upload" doc:"as the creation's Location named it"`
}

// registerUploads names the protocol's four requests as operations, so that the
// access table decides over them; the answers are the protocol's own.
func (a *API) registerUploads() {
	const one = "/api/v1/uploads/{upload}"
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, DefaultStatus: http.StatusNoContent}
	}
	register(a, op("upload", "POST", "/api/v1/uploads/", "Announce a photo, a document or a video that is sent in pieces (tus 1.0.0); metadata: kind, at, case, lon, lat, accuracy, sha256"), a.announce)
	register(a, op("upload-offset", "HEAD", one, "How far an upload got; Evidence names what it has become"), a.upload)
	register(a, op("upload-piece", "PATCH", one, "The next piece of an upload"), a.upload)
	register(a, op("upload-drop", "DELETE", one, "Drop an upload"), a.upload)
}

type announceInput struct {
	Metadata string `header:"Upload-Metadata" doc:"key and base64 value, with a space between; pairs with commas between"`
}

// announce lets pieces come for a case within reach, or for none.
func (a *API) announce(ctx context.Context, in *announceInput) (*huma.StreamResponse, error) {
	if id := announcedCase(in.Metadata); id != "" {
		if err := a.writable(ctx, id); err != nil {
			return nil, status(err)
		}
	}
	return a.pass(who(ctx)), nil
}

func (a *API) upload(ctx context.Context, _ *uploadInput) (*huma.StreamResponse, error) {
	return a.pass(who(ctx)), nil
}

// announcedCase is the case that the metadata of an upload names. Metadata that
// cannot be read is refused by who takes the upload.
func announcedCase(metadata string) identity.CaseID {
	for pair := range strings.SplitSeq(metadata, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
		if id, err := base64.StdEncoding.DecodeString(value); key == "case" && err == nil {
			return identity.CaseID(id)
		}
	}
	return ""
}

// pass hands the request over as it came.
func (a *API) pass(who identity.Principal) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		a.deps.Uploads.ServeHTTP(w, r, who)
	}}
}
