package api

import (
	"context"

	"gridhub/hub/forecast"

	"github.com/danielgtaylor/huma/v2"
)

// Forecast says which open cases are likely to overrun a limit.
type Forecast interface {
	Open(ctx context.Context) ([]forecast.Risk, error)
}

type forecastOutput struct{ Body []forecast.Risk }

func (a *API) registerForecast() {
	register(a, huma.Operation{OperationID: "forecast", Method: "GET", Path: "/api/v1/forecast",
		Summary: "How likely open cases are to overrun a limit, from how long such cases took; the likeliest first"}, a.forecast)
}

func (a *API) forecast(ctx context.Context, _ *struct{}) (*forecastOutput, error) {
	all, err := a.deps.Forecast.Open(ctx)
	return &forecastOutput{Body: all}, err
}
