package api

import (
	"context"
	"crypto/x509"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/audit"
	"gridhub/hub/limit"
	"gridhub/hub/registry"

	"github.com/danielgtaylor/huma/v2"
)

// Enrolments lets gateways and devices in, and keeps them out. Errors: those
// of the registry.
type Enrolments interface {
	// Invite makes a one-time code; hub is the address that the client will
	// use, empty for the usual one.
	Invite(ctx context.Context, p registry.Principal, valid time.Duration, hub string) (Invited, error)
	Enrol(ctx context.Context, from netip.Prefix, host string, in wire.Enrolment) (wire.Identity, error)
	// Renew trusts that the TLS layer has verified the certificate.
	Renew(ctx context.Context, certificate *x509.Certificate, host string, in wire.Enrolment) (wire.Identity, error)
	Revoke(ctx context.Context, id devices.ID) error
	Identities() []IdentityState
}

// Invited is a one-time code as it is shown, once.
type Invited struct {
	ID          devices.ID       `json:"id"`
	Code        string           `json:"code"`
	Hub         string           `json:"hub" doc:"the address that the gateway will use"`
	Fingerprint string           `json:"fingerprint" doc:"SHA-256 of the hub's own authority, hexadecimal"`
	Invitation  string           `json:"invitation" doc:"all of it as one text, for edge enrol and for a QR"`
	Expires     telemetry.Millis `json:"expires"`
}

// IdentityState is one identity and how long its certificate is good.
type IdentityState struct {
	ID      devices.ID       `json:"id"`
	Kind    devices.Kind     `json:"kind"`
	Label   string           `json:"label,omitempty"`
	Online  bool             `json:"online"`
	Created telemetry.Millis `json:"created"`
	Revoked telemetry.Millis `json:"revoked,omitempty"`
	Serial  string           `json:"serial,omitempty" doc:"of the newest certificate in force"`
	Expires telemetry.Millis `json:"expires,omitempty" doc:"that certificate's end; without one the identity has a secret"`
}

type inviteInput struct {
	Body struct {
		ID      devices.ID   `json:"id" minLength:"1" maxLength:"64"`
		Kind    devices.Kind `json:"kind" enum:"gateway,sensor"`
		Profile string       `json:"profile,omitempty" maxLength:"64" doc:"kind of measurement of a sensor"`
		Label   string       `json:"label,omitempty" maxLength:"80"`
		Minutes int          `json:"minutes,omitempty" minimum:"1" maximum:"43200" default:"60" doc:"how long the code is good"`
		Hub     string       `json:"hub,omitempty" maxLength:"200" doc:"https://host:port, if not the usual one"`
	}
}

type invitedOutput struct {
	Cache string `header:"Cache-Control"`
	Body  Invited
}

type identityInput struct {
	ID devices.ID `path:"identity"`
}

type identitiesOutput struct{ Body []IdentityState }

type enrolInput struct {
	Body struct {
		_ struct{} `additionalProperties:"true"` // of a newer client
		wire.Enrolment
	}
}

type enrolOutput struct {
	Cache string `header:"Cache-Control"`
	Body  wire.Identity
}

// maxEnrolment bounds a request that nobody has signed in for, in bytes.
const maxEnrolment = 16 << 10

func (a *API) registerEnrolments() {
	register(a, huma.Operation{OperationID: "invite", Method: "POST", Path: "/api/v1/enrolments", Summary: "A one-time code for a gateway or sensor, shown once"}, a.invite)
	register(a, huma.Operation{OperationID: "identities", Method: "GET", Path: "/api/v1/identities", Summary: "Who may connect, and how long certificates are good"}, a.identities)
	register(a, huma.Operation{OperationID: "revoke", Method: "POST", Path: "/api/v1/identities/{identity}/revoke", Summary: "End an identity and cut its connection", DefaultStatus: 204}, a.revoke)
	register(a, huma.Operation{OperationID: "enrol", Method: "POST", Path: wire.EnrolPath, Summary: "Trade a one-time code for a certificate", MaxBodyBytes: maxEnrolment, Middlewares: huma.Middlewares{withVisitor}}, a.enrol)
	register(a, huma.Operation{OperationID: "enrol-renew", Method: "POST", Path: wire.RenewPath, Summary: "Trade the certificate of this connection for the next one", MaxBodyBytes: maxEnrolment, Middlewares: huma.Middlewares{withVisitor}}, a.renew)
}

// visitor is who asks without a session.
type visitor struct {
	from        netip.Prefix
	host        string            // under which it found the hub
	certificate *x509.Certificate // verified; nil: none was shown
}

type visitorKey struct{}

func withVisitor(ctx huma.Context, next func(huma.Context)) {
	v := visitor{host: ctx.Host()}
	var forwarded []string
	ctx.EachHeader(func(name, value string) {
		if http.CanonicalHeaderKey(name) == "X-Forwarded-For" {
			forwarded = append(forwarded, value)
		}
	})
	v.from = limit.Peer(ctx.RemoteAddr(), forwarded...)
	if t := ctx.TLS(); t != nil && len(t.VerifiedChains) > 0 {
		v.certificate = t.PeerCertificates[0]
	}
	next(huma.WithValue(ctx, visitorKey{}, v))
}

func visiting(ctx context.Context) visitor {
	v, _ := ctx.Value(visitorKey{}).(visitor)
	return v
}

const neverKept = "no-store"

func (a *API) invite(ctx context.Context, in *inviteInput) (*invitedOutput, error) {
	b := in.Body
	p := registry.Principal{ID: b.ID, Kind: b.Kind, Profile: b.Profile, Label: b.Label}
	made, err := a.deps.Enrolments.Invite(ctx, p, time.Duration(b.Minutes)*time.Minute, b.Hub)
	switch {
	case errors.Is(err, registry.ErrExists):
		return nil, huma.Error409Conflict(err.Error())
	case err != nil:
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	return &invitedOutput{Cache: neverKept, Body: made}, nil
}

func (a *API) identities(context.Context, *struct{}) (*identitiesOutput, error) {
	return &identitiesOutput{Body: a.deps.Enrolments.Identities()}, nil
}

func (a *API) revoke(ctx context.Context, in *identityInput) (*struct{}, error) {
	err := a.deps.Enrolments.Revoke(ctx, in.ID)
	if errors.Is(err, registry.ErrUnknown) {
		return nil, huma.Error404NotFound(err.Error())
	}
	return nil, err
}

func (a *API) enrol(ctx context.Context, in *enrolInput) (*enrolOutput, error) {
	v := visiting(ctx)
	if in.Body.V != wire.Version {
		return nil, huma.Error422UnprocessableEntity("v: want 1")
	}
	id, err := a.deps.Enrolments.Enrol(ctx, v.from, v.host, in.Body.Enrolment)
	if err != nil {
		return nil, a.turnedAway(ctx, "enrol", err)
	}
	return &enrolOutput{Cache: neverKept, Body: id}, nil
}

func (a *API) renew(ctx context.Context, in *enrolInput) (*enrolOutput, error) {
	v := visiting(ctx)
	if in.Body.V != wire.Version {
		return nil, huma.Error422UnprocessableEntity("v: want 1")
	}
	if v.certificate == nil {
		return nil, huma.Error401Unauthorized("show the certificate in force, over TLS")
	}
	id, err := a.deps.Enrolments.Renew(ctx, v.certificate, v.host, in.Body.Enrolment)
	if err != nil {
		return nil, a.turnedAway(ctx, "renew", err)
	}
	return &enrolOutput{Cache: neverKept, Body: id}, nil
}

// turnedAway writes a refusal down and gives it the status that it deserves.
func (a *API) turnedAway(ctx context.Context, what string, err error) error {
	v := visiting(ctx)
	name := ""
	if v.certificate != nil {
		name = v.certificate.Subject.CommonName
	}
	a.deps.Log.Warn("refused", "what", what, "device", name, "remote", v.from, "cause", err)
	refusal := audit.Entry{Act: "identity.refuse", Subject: name, Detail: map[string]string{"what": what, "peer": v.from.String()}}
	_ = a.record(ctx, refusal, true) // logged; it is refused all the same
	var limited *registry.LimitError
	var request *registry.RequestError
	switch {
	case errors.As(err, &limited):
		wait := strconv.Itoa(int(math.Ceil(limited.Wait.Seconds())))
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests(err.Error()), http.Header{"Retry-After": {wait}})
	case errors.As(err, &request):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, registry.ErrUsed), errors.Is(err, registry.ErrExpired), errors.Is(err, registry.ErrWorn):
		return huma.Error410Gone(err.Error())
	case errors.Is(err, registry.ErrCode):
		return huma.Error401Unauthorized(err.Error())
	case errors.Is(err, registry.ErrRevoked), errors.Is(err, registry.ErrEnded), errors.Is(err, registry.ErrCertificate), errors.Is(err, registry.ErrUnknown):
		return huma.Error403Forbidden(err.Error())
	}
	return huma.Error503ServiceUnavailable("the hub cannot enrol anybody now")
}
