package api

import (
	"context"
	"reflect"

	"gridhub/devices/telemetry"
	"gridhub/hub/figures"
	"gridhub/hub/identity"
	"gridhub/hub/sheets"

	"github.com/danielgtaylor/huma/v2"
)

type tableInput struct {
	From   telemetry.Millis `query:"from" doc:"default: the beginning of today"`
	To     telemetry.Millis `query:"to" doc:"default: now"`
	By     string           `query:"by" enum:"matter,grid,department,person,source,day,week,month,daykind" default:"department"`
	Format string           `query:"format" enum:"json,csv,xlsx" default:"json"`
}

// tableType is what figures-table answers with unless a file is asked for.
var tableType = reflect.TypeFor[figures.Table]()

type behindInput struct {
	From  telemetry.Millis `query:"from"`
	To    telemetry.Millis `query:"to"`
	By    string           `query:"by" enum:",matter,grid,department,person,source,day,week,month,daykind" doc:"empty: of the total"`
	Key   string           `query:"key" doc:"of the line"`
	Count string           `query:"count" required:"true" doc:"as a table's counts name it"`
}

type behindOutput struct{ Body []identity.CaseID }

type definitionsOutput struct{ Body figures.Definitions }

func (a *API) registerFigures() {
	register(a, huma.Operation{OperationID: "figures-table", Method: "GET", Path: "/api/v1/figures/table", Summary: "Counts, rates with intervals, scores and times, a line for each matter, grid, department, person, day, …",
		Responses: map[string]*huma.Response{"200": {Description: "A table; with format csv or xlsx a file", Content: map[string]*huma.MediaType{"application/json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(tableType, true, "Table")}}}}}, a.figuresTable)
	register(a, huma.Operation{OperationID: "figures-cases", Method: "GET", Path: "/api/v1/figures/cases", Summary: "The cases behind one number of a table"}, a.figuresCases)
	register(a, huma.Operation{OperationID: "figures-definitions", Method: "GET", Path: "/api/v1/figures/definitions", Summary: "The formulas, in all versions"}, a.figuresDefinitions)
	a.registerReports()
}

func (a *API) figuresTable(ctx context.Context, in *tableInput) (*huma.StreamResponse, error) {
	from, to := a.today(in.From, in.To)
	t, err := a.deps.Figures.Table(ctx, from, to, in.By)
	if err != nil {
		return nil, status(err)
	}
	return table(in.Format, "figures-"+in.By, t, func() sheets.Sheet { return a.deps.Figures.Sheet(t) })
}

func (a *API) figuresCases(ctx context.Context, in *behindInput) (*behindOutput, error) {
	from, to := a.today(in.From, in.To)
	list, err := a.deps.Figures.Cases(ctx, from, to, in.By, in.Key, in.Count)
	return &behindOutput{Body: list}, status(err)
}

func (a *API) figuresDefinitions(context.Context, *struct{}) (*definitionsOutput, error) {
	return &definitionsOutput{Body: a.deps.Figures.Definitions()}, nil
}
