package api

import (
	"context"

	"gridhub/devices/telemetry"
	"gridhub/hub/figures"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/sheets"

	"github.com/danielgtaylor/huma/v2"
)

// Patrols knows the routes and takes check-ins.
type Patrols interface {
	Routes() []patrol.Route
	Progress(ctx context.Context, day string) ([]patrol.Progress, error)
	CheckIn(ctx context.Context, who identity.PersonID, v patrol.Visit) (patrol.Visit, error)
}

// Figures counts cases of a period.
type Figures interface {
	Summary(ctx context.Context, from, to telemetry.Millis) (figures.Summary, error)
	Table(ctx context.Context, from, to telemetry.Millis, by string) (figures.Table, error)
	Cases(ctx context.Context, from, to telemetry.Millis, by, key, count string) ([]identity.CaseID, error)
	Definitions() figures.Definitions
	Sheet(t figures.Table) sheets.Sheet
}

type routesOutput struct{ Body []patrol.Route }

type progressInput struct {
	Day string `query:"day" doc:"2026-11-23; default: today in the street's time zone"`
}

type progressOutput struct{ Body []patrol.Progress }

type checkInInput struct {
	Body struct {
		ID       string           `json:"id" minLength:"8" maxLength:"64" doc:"made on the terminal; a repeat is harmless"`
		Route    string           `json:"route"`
		Point    string           `json:"point"`
		At       telemetry.Millis `json:"at" doc:"capture time"`
		Place    geo.Point        `json:"place"`
		Accuracy float64          `json:"accuracy_m"`
		Evidence string           `json:"evidence" doc:"hash of the uploaded photo"`
	}
}

type visitOutput struct{ Body patrol.Visit }

type figuresInput struct {
	From telemetry.Millis `query:"from" doc:"ms since 1970; default: start of today"`
	To   telemetry.Millis `query:"to" doc:"ms since 1970; default: now"`
}

type figuresOutput struct{ Body figures.Summary }

func (a *API) registerPatrols() {
	register(a, huma.Operation{OperationID: "routes", Method: "GET", Path: "/api/v1/routes", Summary: "Standard patrol routes"}, a.routes)
	register(a, huma.Operation{OperationID: "patrols", Method: "GET", Path: "/api/v1/patrols", Summary: "How far the routes of a day are walked"}, a.progress)
	register(a, huma.Operation{OperationID: "check-in", Method: "POST", Path: "/api/v1/checkins", Summary: "Check in at a point with a photo taken there"}, a.checkIn)
	register(a, huma.Operation{OperationID: "figures", Method: "GET", Path: "/api/v1/figures", Summary: "Handled, closed, response time, time to close"}, a.figures)
}
