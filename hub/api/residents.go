package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/netip"
	"strconv"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/limit"
	"gridhub/hub/people"
	"gridhub/hub/residents"

	"github.com/danielgtaylor/huma/v2"
)

// Residents is the street's open door. Errors: tasks.ErrNotFound,
// *residents.LimitedError, *tasks.RefusedError.
type Residents interface {
	Services() []residents.Offer
	Report(ctx context.Context, from netip.Prefix, r residents.Message) (residents.Receipt, error)
	AddPhoto(ctx context.Context, from netip.Prefix, code string, at telemetry.Millis, body io.Reader) error
	Follow(ctx context.Context, from netip.Prefix, code string) (residents.Following, error)
	Photo(ctx context.Context, from netip.Prefix, code, hash string) (io.ReadSeekCloser, error)
	Rate(ctx context.Context, from netip.Prefix, code string, satisfied bool, words string) (residents.Following, error)
	Reopen(ctx context.Context, from netip.Prefix, code, id, words string) (residents.Following, error)
	Nearby(ctx context.Context, from netip.Prefix, service string, at geo.Point) ([]residents.Nearby, error)
}

// Visitor is the network that an open operation was asked from.
type Visitor struct{ from netip.Prefix }

// Resolve finds the network, also behind a proxy on this machine.
func (v *Visitor) Resolve(ctx huma.Context) []error {
	var forwarded []string
	ctx.EachHeader(func(name, value string) {
		if name == "X-Forwarded-For" {
			forwarded = append(forwarded, value)
		}
	})
	v.from = limit.Peer(ctx.RemoteAddr(), forwarded...)
	return nil
}

// Holder is who knows a follow code. It is carried in a header, so that it stands
// in no log of addresses.
type Holder struct {
	Visitor
	Code string `header:"Follow-Code" required:"true" maxLength:"40" doc:"twelve digits, with or without spaces"`
}

// PublicStreet is what the open page starts with.
type PublicStreet struct {
	Name     people.Name       `json:"name"`
	Center   geo.Point         `json:"center"`
	Bounds   [4]float64        `json:"bounds"`
	TimeZone string            `json:"time_zone"`
	Services []residents.Offer `json:"services"`
	Photos   int               `json:"photos" doc:"of one report, at most"`
	Words    int               `json:"words" doc:"characters, at most"`
}

type publicStreetOutput struct {
	Cache string `header:"Cache-Control"`
	Body  PublicStreet
}

type residentReportInput struct {
	Visitor
	Body residents.Message
}

type receiptOutput struct{ Body residents.Receipt }

type residentPhotoInput struct {
	Holder
	At      telemetry.Millis `query:"at" doc:"when it was taken, by the phone's clock"`
	RawBody []byte           `contentType:"image/jpeg"`
}

type followOutput struct {
	Cache string `header:"Cache-Control"`
	Body  residents.Following
}

type residentPhotoFileInput struct {
	Holder
	Hash string `path:"hash" pattern:"^[0-9a-f]{64}$"`
}

type ratingInput struct {
	Holder
	Body struct {
		Satisfied bool   `json:"satisfied"`
		Words     string `json:"words,omitempty" maxLength:"4000"`
	}
}

type reopeningInput struct {
	Holder
	Body struct {
		ID    string `json:"id" minLength:"8" maxLength:"64" doc:"made by the phone; a repeat is harmless"`
		Words string `json:"words" maxLength:"4000" doc:"what is not in order"`
	}
}

type nearbyInput struct {
	Visitor
	Service string  `query:"service" required:"true" maxLength:"20"`
	Lon     float64 `query:"lon" required:"true"`
	Lat     float64 `query:"lat" required:"true"`
}

type nearbyOutput struct{ Body []residents.Nearby }

// bodyTimeout is how long a photo may take over a bad line.
const bodyTimeout = 2 * time.Minute

func (a *API) registerResidents() {
	register(a, huma.Operation{OperationID: "public-street", Method: "GET", Path: "/api/v1/public/street", Summary: "What can be reported here"}, a.publicStreet)
	register(a, huma.Operation{OperationID: "public-grids", Method: "GET", Path: "/api/v1/public/grids", Summary: "The grids, as GeoJSON"}, a.grids)
	register(a, huma.Operation{OperationID: "public-roads", Method: "GET", Path: "/api/v1/public/roads", Summary: "The roads, as GeoJSON"}, a.roads)
	register(a, huma.Operation{OperationID: "public-ground", Method: "GET", Path: "/api/v1/public/ground", Summary: "Water, parks and buildings, as GeoJSON"}, a.ground)
	register(a, huma.Operation{OperationID: "public-nearby", Method: "GET", Path: "/api/v1/public/nearby", Summary: "Open reports of one kind near a place"}, a.nearby)
	register(a, huma.Operation{OperationID: "public-report", Method: "POST", Path: "/api/v1/public/reports", Summary: "Report something; no name is wanted", MaxBodyBytes: 32 << 10}, a.residentReport)
	register(a, huma.Operation{OperationID: "public-follow", Method: "GET", Path: "/api/v1/public/report", Summary: "What became of a report"}, a.follow)
	register(a, huma.Operation{OperationID: "public-add-photo", Method: "POST", Path: "/api/v1/public/report/photos", Summary: "Add a photo to the own report",
		MaxBodyBytes: residents.MaxPhoto + 1<<10, BodyReadTimeout: bodyTimeout}, a.residentPhoto)
	register(a, huma.Operation{OperationID: "public-photo", Method: "GET", Path: "/api/v1/public/report/photos/{hash}", Summary: "An own photo, or one of the finished work"}, a.residentPhotoFile)
	register(a, huma.Operation{OperationID: "public-rate", Method: "POST", Path: "/api/v1/public/report/rating", Summary: "Is it in order now?"}, a.rate)
	register(a, huma.Operation{OperationID: "public-reopen", Method: "POST", Path: "/api/v1/public/report/reopening", Summary: "It is not: have it opened again"}, a.reopen)
}

func (a *API) publicStreet(context.Context, *struct{}) (*publicStreetOutput, error) {
	s := a.deps.Street.About()
	return &publicStreetOutput{Cache: "no-cache", Body: PublicStreet{Name: s.Name, Center: s.Center, Bounds: s.Bounds, TimeZone: s.TimeZone,
		Services: a.deps.Residents.Services(), Photos: residents.MaxPhotos, Words: residents.MaxWords}}, nil
}

// openly turns a feature's error into an answer for the public, which learns
// nothing of our own trouble. Too many questions get the time to wait.
func openly(err error) error {
	var limited *residents.LimitedError
	if !errors.As(err, &limited) {
		return status(err)
	}
	seconds := strconv.Itoa(int(math.Ceil(limited.Wait.Seconds())))
	return huma.ErrorWithHeaders(huma.Error429TooManyRequests(err.Error(), &huma.ErrorDetail{Location: "body", Message: "limit"}),
		map[string][]string{"Retry-After": {seconds}})
}

func (a *API) residentReport(ctx context.Context, in *residentReportInput) (*receiptOutput, error) {
	r, err := a.deps.Residents.Report(ctx, in.from, in.Body)
	return &receiptOutput{Body: r}, openly(err)
}

func (a *API) residentPhoto(ctx context.Context, in *residentPhotoInput) (*struct{}, error) {
	return nil, openly(a.deps.Residents.AddPhoto(ctx, in.from, in.Code, in.At, bytes.NewReader(in.RawBody)))
}

func (a *API) follow(ctx context.Context, in *Holder) (*followOutput, error) {
	p, err := a.deps.Residents.Follow(ctx, in.from, in.Code)
	return followed(p, err)
}

func followed(p residents.Following, err error) (*followOutput, error) {
	return &followOutput{Cache: "no-store", Body: p}, openly(err)
}

func (a *API) residentPhotoFile(ctx context.Context, in *residentPhotoFileInput) (*huma.StreamResponse, error) {
	f, err := a.deps.Residents.Photo(ctx, in.from, in.Code, in.Hash)
	return picture(f, err)
}

// picture streams a JPEG that nobody but who asked keeps.
func picture(f io.ReadSeekCloser, err error) (*huma.StreamResponse, error) {
	if err != nil {
		return nil, openly(err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		hc.SetHeader("Content-Type", "image/jpeg")
		hc.SetHeader("Cache-Control", "private, no-store")
		hc.SetHeader("X-Content-Type-Options", "nosniff")
		_, _ = io.Copy(hc.BodyWriter(), f) // the reader left; nobody to tell
	}}, nil
}

func (a *API) rate(ctx context.Context, in *ratingInput) (*followOutput, error) {
	p, err := a.deps.Residents.Rate(ctx, in.from, in.Code, in.Body.Satisfied, in.Body.Words)
	return followed(p, err)
}

func (a *API) reopen(ctx context.Context, in *reopeningInput) (*followOutput, error) {
	p, err := a.deps.Residents.Reopen(ctx, in.from, in.Code, in.Body.ID, in.Body.Words)
	return followed(p, err)
}

func (a *API) nearby(ctx context.Context, in *nearbyInput) (*nearbyOutput, error) {
	list, err := a.deps.Residents.Nearby(ctx, in.from, in.Service, geo.Point{Lon: in.Lon, Lat: in.Lat})
	return &nearbyOutput{Body: list}, openly(err)
}
