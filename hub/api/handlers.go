package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/audit"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/live"
	"gridhub/hub/people"
	"gridhub/hub/tasks"

	"github.com/danielgtaylor/huma/v2"
)

// SessionCookie is the name of the cookie that carries a session.
const SessionCookie = "gridhub_session"

// status turns a feature's error into the answer that its kind deserves.
func status(err error) error {
	var conflict *tasks.ConflictError
	var refused *tasks.RefusedError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tasks.ErrNotFound), errors.Is(err, people.ErrNoPerson):
		return huma.Error404NotFound(err.Error())
	case errors.As(err, &conflict):
		return huma.Error409Conflict(err.Error())
	case errors.As(err, &refused):
		return huma.Error422UnprocessableEntity(err.Error(), &huma.ErrorDetail{Location: "body", Message: refused.Code})
	case errors.Is(err, people.ErrSetupDone):
		return huma.Error410Gone(err.Error())
	case errors.Is(err, people.ErrSecondFactor):
		return huma.Error401Unauthorized(err.Error(), &huma.ErrorDetail{Message: "second-factor"})
	case errors.Is(err, people.ErrNoAccount), errors.Is(err, people.ErrNoSession), errors.Is(err, people.ErrNoAbsence):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, people.ErrInvalid), errors.Is(err, people.ErrNoKey):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, people.ErrCredentials), errors.Is(err, people.ErrToken), errors.Is(err, people.ErrCode):
		return huma.Error401Unauthorized(err.Error())
	case errors.Is(err, people.ErrLocked):
		return huma.Error429TooManyRequests(err.Error())
	case errors.Is(err, people.ErrWeakPassword):
		return huma.Error422UnprocessableEntity(err.Error())
	}
	return err
}

func (a *API) now() telemetry.Millis { return telemetry.At(a.deps.Clock()) }

// dayStart is midnight of today where the street is.
func (a *API) dayStart() telemetry.Millis {
	zone, err := time.LoadLocation(a.deps.Street.About().TimeZone)
	if err != nil {
		zone = time.UTC
	}
	t := a.deps.Clock().In(zone)
	return telemetry.At(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone))
}

// today fills an interval's blanks: from the start of today, until now.
func (a *API) today(from, to telemetry.Millis) (telemetry.Millis, telemetry.Millis) {
	if from == 0 {
		from = a.dayStart()
	}
	if to == 0 {
		to = a.now() + 1 // ends are not included, and what happened this millisecond is
	}
	return from, to
}

func (a *API) setupState(ctx context.Context, _ *struct{}) (*setupState, error) {
	out := &setupState{}
	var err error
	out.Body.Needed, err = a.deps.Accounts.SetupNeeded(ctx)
	return out, err
}

func (a *API) claim(ctx context.Context, in *claimInput) (*struct{}, error) {
	err := status(a.deps.Accounts.Claim(ctx, in.Body.Token, in.Body.Account, in.Body.Password))
	if err != nil {
		_ = a.record(ctx, audit.Entry{Act: "setup.refuse", Detail: map[string]string{"failed": failure(err)}}, true) // logged; it is refused all the same
		return nil, err
	}
	return nil, a.record(ctx, audit.Entry{Act: "setup.claim", Subject: in.Body.Account}, false)
}

func (a *API) signIn(ctx context.Context, in *signInInput) (*meOutput, error) {
	session, p, err := a.deps.Accounts.SignIn(ctx, people.Attempt{
		Account: in.Body.Account, Password: in.Body.Password, Code: in.Body.Code, From: from(ctx), Agent: in.Agent})
	if errors.Is(err, people.ErrSecondFactor) {
		return nil, status(err) // the password was right: the code comes next
	}
	if err != nil {
		return nil, a.turnedAwayAs(ctx, in.Body.Account, err)
	}
	if err := a.began(ctx, p); err != nil {
		return nil, err
	}
	out, err := a.describe(ctx, p)
	if err != nil {
		return nil, err
	}
	out.SetCookie = []http.Cookie{sessionCookie(session, 0)}
	return out, nil
}

// sessionCookie is Secure always: browsers treat loopback as trustworthy.
func sessionCookie(value string, maxAge int) http.Cookie {
	return http.Cookie{Name: SessionCookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode}
}

func (a *API) accounts(ctx context.Context, _ *struct{}) (*accountsOutput, error) {
	all, err := a.deps.Accounts.Accounts(ctx)
	return &accountsOutput{Body: all}, err
}

type signOutInput struct {
	Session string `cookie:"gridhub_session"`
}

type signOutOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

func (a *API) signOut(ctx context.Context, in *signOutInput) (*signOutOutput, error) {
	err := a.deps.Accounts.SignOut(ctx, in.Session)
	return &signOutOutput{SetCookie: []http.Cookie{sessionCookie("", -1)}}, err
}

func (a *API) me(ctx context.Context, _ *struct{}) (*meOutput, error) {
	return a.describe(ctx, who(ctx))
}

func (a *API) describe(ctx context.Context, p identity.Principal) (*meOutput, error) {
	out := &meOutput{Body: Me{Account: p.Account, Person: p.Person, Roles: p.Roles, Scopes: p.Scopes, For: p.For, Unproven: p.Unproven}}
	if p.Person == "" {
		return out, nil
	}
	s, err := a.deps.Staff.Person(ctx, p.Person)
	if err != nil {
		return nil, err
	}
	out.Body.Staff = &s
	out.Body.OnDuty, err = a.deps.Staff.OnDuty(ctx, p.Person, a.now())
	return out, err
}

func (a *API) bindTerminal(ctx context.Context, in *terminalInput) (*terminalOutput, error) {
	p := who(ctx)
	if p.Person == "" {
		return nil, huma.Error422UnprocessableEntity("account " + p.Account + " belongs to no member of staff")
	}
	id, secret, err := a.deps.Terminals.Bind(ctx, p.Person, in.Body.Known, in.Body.Label)
	if err != nil {
		return nil, err
	}
	out := &terminalOutput{}
	out.Body.ID, out.Body.Secret, out.Body.Path = id, secret, "/mqtt"
	return out, nil
}

func (a *API) setDuty(ctx context.Context, in *dutyInput) (*struct{}, error) {
	at := in.Body.At
	if now := a.now(); at == 0 || at > now {
		at = now
	}
	return nil, a.deps.Staff.SetDuty(ctx, who(ctx).Person, in.Body.On, at)
}

type streetOutput struct{ Body StreetInfo }

func (a *API) street(context.Context, *struct{}) (*streetOutput, error) {
	return &streetOutput{Body: a.deps.Street.About()}, nil
}

func (a *API) grids(context.Context, *struct{}) (*geoJSONOutput, error) {
	return &geoJSONOutput{ContentType: "application/geo+json", Body: a.deps.Street.Grids()}, nil
}

func (a *API) roads(context.Context, *struct{}) (*geoJSONOutput, error) {
	return &geoJSONOutput{ContentType: "application/geo+json", Body: a.deps.Street.Roads()}, nil
}

func (a *API) ground(context.Context, *struct{}) (*geoJSONOutput, error) {
	return &geoJSONOutput{ContentType: "application/geo+json", Body: a.deps.Street.Ground()}, nil
}

func (a *API) people(ctx context.Context, _ *struct{}) (*peopleOutput, error) {
	staff, err := a.deps.Staff.List(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[identity.PersonID]int, len(staff))
	out := &peopleOutput{Body: make([]PersonView, len(staff))}
	for i, s := range staff {
		out.Body[i].Staff, out.Body[i].Live.ID, out.Body[i].Live.Presence = s, s.ID, "unknown"
		byID[s.ID] = i
	}
	for _, l := range a.deps.Now.People() {
		if i, ok := byID[l.ID]; ok {
			out.Body[i].Live = l
		}
	}
	return out, nil
}

type trackOutput struct{ Body geo.Track }

func (a *API) track(ctx context.Context, in *trackInput) (*trackOutput, error) {
	from, to := a.today(in.From, in.To)
	t, err := a.deps.Tracks.Track(ctx, in.Person, from, to)
	return &trackOutput{Body: t}, status(err)
}

// devices shows those that who asks may see; who carries one only where the
// person is within reach.
func (a *API) devices(ctx context.Context, _ *struct{}) (*devicesOutput, error) {
	in, err := a.staffWithin(ctx)
	if err != nil {
		return nil, err
	}
	out := &devicesOutput{Body: []live.DeviceState{}}
	for _, d := range a.deps.Now.Devices() {
		if d, may := seen(who(ctx), d); may {
			out.Body = append(out.Body, carried(d, in))
		}
	}
	return out, nil
}

var errElsewhere = huma.Error404NotFound("no such device within your scope")

func (a *API) series(ctx context.Context, in *seriesInput) (*seriesOutput, error) {
	if !a.maySee(who(ctx), in.Device) {
		return nil, errElsewhere
	}
	to := in.To
	if to == 0 {
		to = a.now()
	}
	from := in.From
	if from == 0 {
		from = to.Add(-24 * time.Hour)
	}
	s, err := a.deps.History.Series(ctx, in.Device, in.Metric, from, to, in.Every, in.Fn)
	return &seriesOutput{Body: s}, err
}

func (a *API) ledger(ctx context.Context, in *ledgerInput) (*ledgerOutput, error) {
	if !a.maySee(who(ctx), in.Device) {
		return nil, errElsewhere
	}
	from, to := a.today(in.From, in.To)
	h, err := a.deps.Ledger.Hours(ctx, in.Device, from, to)
	return &ledgerOutput{Body: h}, err
}

// from names where a request came from, for locks and the audit.
func from(ctx context.Context) string {
	s, _ := ctx.Value(remoteKey{}).(string)
	return s
}

type remoteKey struct{}

// withRemote keeps the peer's address for from.
func withRemote(ctx huma.Context, next func(huma.Context)) {
	host, _, err := net.SplitHostPort(ctx.RemoteAddr())
	if err != nil {
		host = ctx.RemoteAddr()
	}
	next(huma.WithValue(ctx, remoteKey{}, host))
}
