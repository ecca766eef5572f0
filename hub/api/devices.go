package api

import (
	"context"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/live"

	"github.com/danielgtaylor/huma/v2"
)

// Snapshot is what is true now.
type Snapshot interface {
	Devices() []live.DeviceState
	People() []live.PersonState
}

// History answers what was measured. Every is 0 for raw values.
type History interface {
	Series(ctx context.Context, id devices.ID, metric string, from, to telemetry.Millis, every int64, fn string) ([]Sample, error)
}

// Ledger accounts for every reading of a device, hour by hour.
type Ledger interface {
	Hours(ctx context.Context, id devices.ID, from, to telemetry.Millis) ([]LedgerHour, error)
}

// Sample is one value of a series.
type Sample struct {
	At    telemetry.Millis `json:"at"`
	Value float64          `json:"value"`
}

// LedgerHour says what became of the readings of one hour of gateway time:
// polled = stored + repeated + superseded + quarantined + expired + pending +
// unexplained. Polled and pending are the gateway's word where it told them.
type LedgerHour struct {
	Hour        telemetry.Millis `json:"hour"`
	Polled      int64            `json:"polled"`
	Stored      int64            `json:"stored"`
	Repeated    int64            `json:"repeated"`
	Superseded  int64            `json:"superseded"`
	Quarantined map[string]int64 `json:"quarantined"`
	Expired     map[string]int64 `json:"expired"`
	Pending     int64            `json:"pending" doc:"still at the gateway"`
	Unexplained int64            `json:"unexplained" doc:"of which neither side knows what became; negative: more came than the gateway issued"`
	Told        bool             `json:"told" doc:"the gateway told its own count; else polled is what came"`
	LeftOut     map[string]int64 `json:"left_out,omitempty" doc:"values, not readings, that a history of numbers cannot hold"`
}

type devicesOutput struct{ Body []live.DeviceState }

type seriesInput struct {
	Device devices.ID       `path:"device"`
	Metric string           `query:"metric" required:"true"`
	From   telemetry.Millis `query:"from" doc:"ms since 1970; default: 24 h ago"`
	To     telemetry.Millis `query:"to" doc:"ms since 1970; default: now"`
	Every  int64            `query:"every" doc:"width of a bucket in ms; 0: raw values"`
	Fn     string           `query:"fn" enum:"mean,min,max,last,count" default:"mean"`
}

type seriesOutput struct{ Body []Sample }

type ledgerInput struct {
	Device devices.ID       `path:"device"`
	From   telemetry.Millis `query:"from"`
	To     telemetry.Millis `query:"to"`
}

type ledgerOutput struct{ Body []LedgerHour }

func (a *API) registerDevices() {
	register(a, huma.Operation{OperationID: "devices", Method: "GET", Path: "/api/v1/devices", Summary: "All devices with newest values and health"}, a.devices)
	register(a, huma.Operation{OperationID: "series", Method: "GET", Path: "/api/v1/devices/{device}/series", Summary: "Values of one metric, raw or in buckets"}, a.series)
	register(a, huma.Operation{OperationID: "ledger", Method: "GET", Path: "/api/v1/devices/{device}/ledger", Summary: "What became of every reading, per hour"}, a.ledger)
}
