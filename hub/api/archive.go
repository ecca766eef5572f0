package api

import (
	"context"
	"errors"
	"fmt"
	"io"

	"gridhub/hub/archive"
	"gridhub/hub/identity"

	"github.com/danielgtaylor/huma/v2"
)

// Archive has the sealed cases. Errors: archive.ErrNotFound.
type Archive interface {
	Seals(ctx context.Context, id identity.CaseID) ([]archive.Seal, error)
	Read(ctx context.Context, id identity.CaseID, seal int, cut archive.Cut) (io.ReadCloser, error)
	Checkpoints(ctx context.Context, limit int) ([]archive.Checkpoint, error)
	PublicKey() string
}

type sealsOutput struct{ Body []archive.Seal }

type sealInput struct {
	Case identity.CaseID `path:"case"`
	Seal int             `path:"seal" minimum:"1"`
}

type redactedInput struct {
	Case     identity.CaseID `path:"case"`
	Seal     int             `path:"seal" minimum:"1"`
	Evidence bool            `query:"evidence" doc:"leave the originals in; personal words are always withheld"`
}

type newestInput struct {
	Limit int `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type checkpointsOutput struct{ Body []archive.Checkpoint }

type keyOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (a *API) registerArchive() {
	register(a, huma.Operation{OperationID: "seals", Method: "GET", Path: "/api/v1/cases/{case}/seals", Summary: "The sealings of a case"}, a.seals)
	register(a, huma.Operation{OperationID: "seal-file", Method: "GET", Path: "/api/v1/cases/{case}/seals/{seal}/file", Summary: "A sealed case, whole; recorded"}, a.sealFile)
	register(a, huma.Operation{OperationID: "seal-redacted", Method: "GET", Path: "/api/v1/cases/{case}/seals/{seal}/redacted", Summary: "A sealed case without personal words; recorded"}, a.sealRedacted)
	register(a, huma.Operation{OperationID: "checkpoints", Method: "GET", Path: "/api/v1/archive/checkpoints", Summary: "The signed heads of the archive's log, newest first"}, a.checkpoints)
	register(a, huma.Operation{OperationID: "archive-key", Method: "GET", Path: "/api/v1/archive/key", Summary: "The public key that sealed cases are verified with"}, a.archiveKey)
}

func (a *API) seals(ctx context.Context, in *caseInput) (*sealsOutput, error) {
	list, err := a.deps.Archive.Seals(ctx, in.Case)
	return &sealsOutput{Body: list}, status(err)
}

func (a *API) sealFile(ctx context.Context, in *sealInput) (*huma.StreamResponse, error) {
	return a.sealed(ctx, in.Case, in.Seal, archive.Cut{}, "")
}

func (a *API) sealRedacted(ctx context.Context, in *redactedInput) (*huma.StreamResponse, error) {
	return a.sealed(ctx, in.Case, in.Seal, archive.Cut{Fields: archive.PersonalFields, Evidence: !in.Evidence}, "-redacted")
}

// sealed gives one file out under a name that says which it is.
func (a *API) sealed(ctx context.Context, id identity.CaseID, seal int, cut archive.Cut, suffix string) (*huma.StreamResponse, error) {
	f, err := a.deps.Archive.Read(ctx, id, seal, cut)
	if errors.Is(err, archive.ErrNotFound) {
		return nil, huma.Error404NotFound(err.Error())
	}
	if err != nil {
		return nil, status(err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		hc.SetHeader("Content-Type", "application/zip")
		hc.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%d%s.zip"`, id, seal, suffix))
		hc.SetHeader("Cache-Control", "no-store")
		_, _ = io.Copy(hc.BodyWriter(), f) // the reader left; nobody to tell
	}}, nil
}

func (a *API) checkpoints(ctx context.Context, in *newestInput) (*checkpointsOutput, error) {
	list, err := a.deps.Archive.Checkpoints(ctx, in.Limit)
	return &checkpointsOutput{Body: list}, err
}

func (a *API) archiveKey(context.Context, *struct{}) (*keyOutput, error) {
	return &keyOutput{ContentType: "text/plain; charset=utf-8", Body: []byte(a.deps.Archive.PublicKey() + "\n")}, nil
}
