package api

import (
	"context"
	"io"

	"gridhub/devices/telemetry"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"

	"github.com/danielgtaylor/huma/v2"
)

// Cases is the task pool. Errors: tasks.ErrNotFound, *tasks.ConflictError
// (another revision), *tasks.RefusedError (the state machine or a missing
// proof says no, and why).
type Cases interface {
	Matters() []tasks.Matter
	List(ctx context.Context, f tasks.Filter) ([]tasks.Case, error)
	Find(ctx context.Context, f tasks.Filter) ([]identity.CaseID, error)
	Get(ctx context.Context, id identity.CaseID) (tasks.Case, []tasks.Event, error)
	Report(ctx context.Context, who identity.Principal, r tasks.Report) (tasks.Case, error)
	Do(ctx context.Context, who identity.Principal, c tasks.Command) (tasks.Case, error)
}

// Hazards lists hazard events, newest first.
type Hazards interface {
	List(ctx context.Context, open bool, limit int) ([]rules.Hazard, error)
}

// Dispatch says who could take a case, best first, everybody with reasons.
type Dispatch interface {
	Candidates(ctx context.Context, id identity.CaseID) ([]tasks.Candidate, error)
}

// Evidence keeps photos and documents. Put returns the same entry when the
// same bytes come again.
type Evidence interface {
	Put(ctx context.Context, m evidence.Meta, body io.Reader) (evidence.Item, error)
	Get(ctx context.Context, hash string) (evidence.Item, error)
	Open(ctx context.Context, hash, form string) (io.ReadSeekCloser, string, error)
}

// CaseView is one case with all that happened.
type CaseView struct {
	tasks.Case
	Events []tasks.Event   `json:"events"`
	Items  []evidence.Item `json:"items"`
}

type mattersOutput struct{ Body []tasks.Matter }

type casesInput struct {
	Open     bool              `query:"open" doc:"only cases that are not closed, archived, rejected or void"`
	State    string            `query:"state"`
	Assignee identity.PersonID `query:"assignee" doc:"'me' for the person signed in"`
	Matter   string            `query:"matter"`
	Since    telemetry.Millis  `query:"since" doc:"changed at or after"`
	Limit    int               `query:"limit" default:"200" minimum:"1" maximum:"1000"`
}

type casesOutput struct{ Body []tasks.Case }

type caseInput struct {
	Case identity.CaseID `path:"case"`
}

type caseViewOutput struct{ Body CaseView }

type caseOutput struct{ Body tasks.Case }

type reportInput struct{ Body tasks.Report }

type commandInput struct {
	Case identity.CaseID `path:"case"`
	Body tasks.Command
}

type candidatesOutput struct{ Body []tasks.Candidate }

type hazardsInput struct {
	Open  bool `query:"open"`
	Limit int  `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type hazardsOutput struct{ Body []rules.Hazard }

type evidenceInput struct {
	Case     identity.CaseID  `query:"case"`
	Kind     string           `query:"kind" required:"true" doc:"photo-before, photo-after, patrol, document, …"`
	At       telemetry.Millis `query:"at" required:"true" doc:"capture time by the terminal's clock; never replaced by the time of upload"`
	Lon      float64          `query:"lon"`
	Lat      float64          `query:"lat"`
	Accuracy float64          `query:"accuracy"`
	RawBody  []byte           `contentType:"image/jpeg"`
}

type evidenceOutput struct{ Body evidence.Item }

type evidenceFileInput struct {
	Hash string `path:"hash" pattern:"^[0-9a-f]{64}$"`
	Form string `query:"form" enum:"original,marked,thumb" default:"marked" doc:"marked carries the watermark that the hub rendered"`
}

// Place puts a query's coordinates together; nil when the terminal had none.
func (in evidenceInput) place() *geo.Point {
	p := geo.Point{Lon: in.Lon, Lat: in.Lat}
	if !p.Valid() {
		return nil
	}
	return &p
}

func (a *API) registerCases() {
	register(a, huma.Operation{OperationID: "matters", Method: "GET", Path: "/api/v1/matters", Summary: "The standardised matters"}, a.matters)
	register(a, huma.Operation{OperationID: "cases", Method: "GET", Path: "/api/v1/cases", Summary: "The task pool, most urgent first"}, a.cases)
	register(a, huma.Operation{OperationID: "report", Method: "POST", Path: "/api/v1/cases", Summary: "Report something into the pool"}, a.report)
	register(a, huma.Operation{OperationID: "case", Method: "GET", Path: "/api/v1/cases/{case}", Summary: "One case with its events"}, a.oneCase)
	register(a, huma.Operation{OperationID: "command", Method: "POST", Path: "/api/v1/cases/{case}/commands", Summary: "Take a step on a case"}, a.command)
	register(a, huma.Operation{OperationID: "candidates", Method: "GET", Path: "/api/v1/cases/{case}/candidates", Summary: "Who could go: the nearest first, with reasons"}, a.candidates)
	register(a, huma.Operation{OperationID: "hazards", Method: "GET", Path: "/api/v1/hazards", Summary: "Hazard events, newest first"}, a.hazards)
	register(a, huma.Operation{OperationID: "put-evidence", Method: "POST", Path: "/api/v1/evidence", Summary: "Upload a photo", MaxBodyBytes: 20 << 20}, a.putEvidence)
	register(a, huma.Operation{OperationID: "evidence-file", Method: "GET", Path: "/api/v1/evidence/{hash}/file", Summary: "A photo's bytes"}, a.evidenceFile)
}
