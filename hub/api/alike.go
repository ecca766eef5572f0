package api

import (
	"context"

	"gridhub/hub/alike"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"

	"github.com/danielgtaylor/huma/v2"
)

// Alike finds cases that speak of the same thing, best first, with reasons.
type Alike interface {
	Alike(ctx context.Context, id identity.CaseID) ([]alike.Match, error)
}

// Merger puts cases together and takes them apart again. Errors as of Cases.
type Merger interface {
	Merge(ctx context.Context, who identity.Principal, m tasks.Merge) (tasks.Case, error)
	Part(ctx context.Context, who identity.Principal, m tasks.Merge) (tasks.Case, error)
}

type alikeOutput struct{ Body []alike.Match }

type mergeInput struct{ Body tasks.Merge }

func (a *API) registerAlike() {
	register(a, huma.Operation{OperationID: "alike", Method: "GET", Path: "/api/v1/cases/{case}/alike", Summary: "Duplicates to merge, and earlier cases of the same trouble, with reasons"}, a.alike)
	register(a, huma.Operation{OperationID: "merge", Method: "POST", Path: "/api/v1/merges", Summary: "Merge one case into another; all reporters are kept"}, a.merge)
	register(a, huma.Operation{OperationID: "part", Method: "POST", Path: "/api/v1/merges/undo", Summary: "Undo a merge"}, a.part)
}

func (a *API) alike(ctx context.Context, in *caseInput) (*alikeOutput, error) {
	list, err := a.deps.Alike.Alike(ctx, in.Case)
	return &alikeOutput{Body: list}, status(err)
}

func (a *API) merge(ctx context.Context, in *mergeInput) (*caseOutput, error) {
	c, err := a.deps.Merger.Merge(ctx, who(ctx), in.Body)
	return &caseOutput{Body: c}, status(err)
}

func (a *API) part(ctx context.Context, in *mergeInput) (*caseOutput, error) {
	c, err := a.deps.Merger.Part(ctx, who(ctx), in.Body)
	return &caseOutput{Body: c}, status(err)
}
