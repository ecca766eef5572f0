package api

import (
	"context"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/live"
	"gridhub/hub/people"

	"github.com/danielgtaylor/huma/v2"
)

// Street is the unmoving ground: names, grids, roads.
type Street interface {
	About() StreetInfo
	Grids() []byte  // GeoJSON FeatureCollection of polygons; properties code, name_zh, name_en
	Roads() []byte  // GeoJSON FeatureCollection of lines; properties class, name
	Ground() []byte // GeoJSON FeatureCollection: water, parks, buildings; property kind
}

// Staff knows the people.
type Staff interface {
	List(ctx context.Context) ([]people.Staff, error)
	Person(ctx context.Context, id identity.PersonID) (people.Staff, error)
	SetDuty(ctx context.Context, id identity.PersonID, on bool, at telemetry.Millis) error
	OnDuty(ctx context.Context, id identity.PersonID, at telemetry.Millis) (bool, error)
}

// Tracks answers where somebody was.
type Tracks interface {
	Track(ctx context.Context, id identity.PersonID, from, to telemetry.Millis) (geo.Track, error)
}

// StreetInfo names the street and says where the map starts.
type StreetInfo struct {
	Name        people.Name         `json:"name"`
	Center      geo.Point           `json:"center"`
	Bounds      [4]float64          `json:"bounds" doc:"west, south, east, north in WGS-84 degrees"`
	TimeZone    string              `json:"time_zone"`
	Departments []people.Department `json:"departments"`
	Demo        bool                `json:"demo"`
	Version     string              `json:"version"`
}

// PersonView joins who a person is with where the person is.
type PersonView struct {
	people.Staff
	Live live.PersonState `json:"live"`
}

type geoJSONOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

type peopleOutput struct{ Body []PersonView }

type trackInput struct {
	Person identity.PersonID `path:"person"`
	From   telemetry.Millis  `query:"from" doc:"ms since 1970; default: start of today in the street's time zone"`
	To     telemetry.Millis  `query:"to" doc:"ms since 1970; default: now"`
}

type dutyInput struct {
	Body struct {
		On bool             `json:"on"`
		At telemetry.Millis `json:"at,omitempty" doc:"when it was switched, for what was done offline; default: now"`
	}
}

func (a *API) registerStreet() {
	register(a, huma.Operation{OperationID: "street", Method: "GET", Path: "/api/v1/street", Summary: "The street: names, map start, departments"}, a.street)
	register(a, huma.Operation{OperationID: "grids", Method: "GET", Path: "/api/v1/grids", Summary: "Grids as GeoJSON"}, a.grids)
	register(a, huma.Operation{OperationID: "roads", Method: "GET", Path: "/api/v1/roads", Summary: "Walkable roads as GeoJSON"}, a.roads)
	register(a, huma.Operation{OperationID: "ground", Method: "GET", Path: "/api/v1/ground", Summary: "Water, parks and buildings as GeoJSON"}, a.ground)
	register(a, huma.Operation{OperationID: "people", Method: "GET", Path: "/api/v1/people", Summary: "Everybody, with newest position and duty"}, a.people)
	register(a, huma.Operation{OperationID: "track", Method: "GET", Path: "/api/v1/people/{person}/track", Summary: "Fixes, stays and gaps of one person"}, a.track)
	register(a, huma.Operation{OperationID: "set-duty", Method: "POST", Path: "/api/v1/duty", Summary: "Go on or off duty", DefaultStatus: 204}, a.setDuty)
}
