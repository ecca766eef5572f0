// Package dispatch says who could take a case: the nearest of those on duty by
// the road network, each with the reasons, and for everybody else why not.
//
// It suggests and never decides: a dispatcher, or a matter's automatic step,
// takes one of the candidates, and what was known at that moment is kept with
// the decision. Where people are, who is on duty and what a case is, it asks
// through two small interfaces.
package dispatch

import (
	"context"
	"errors"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// Someone is a member of staff as dispatch sees one.
type Someone struct {
	ID         identity.PersonID
	Force      string // patrol, grid, community, cadre
	Department string
	Grids      []string // empty: the whole street
	Skills     []string
	OnDuty     bool
	Position   *geo.Point       // nil = unknown
	FixAt      telemetry.Millis // event time of Position
	Open       int              // tasks in hand
	Absent     string           // why the person is not there: leave, sick, …; empty: there
	InNeed     bool             // the case is this person's own call for help
}

// Pool reads one case and the matters. Get answers tasks.ErrNotFound.
type Pool interface {
	Get(ctx context.Context, id identity.CaseID) (tasks.Case, []tasks.Event, error)
	Matters() []tasks.Matter
}

// Roster tells of all staff what is known now.
type Roster interface {
	Everybody(ctx context.Context) ([]Someone, error)
}

// Config holds what the costs are made of. All durations are prices: what one
// would accept to be later to have it otherwise.
type Config struct {
	Show       int                 `yaml:"show"`        // how many are suggested
	Speed      float64             `yaml:"speed"`       // m/s of those who go
	Detour     float64             `yaml:"detour"`      // straight line to way, where no roads are known
	StaleAfter time.Duration       `yaml:"stale_after"` // an older fix says nothing
	Busy       int                 `yaml:"busy"`        // tasks in hand that are enough
	PerTask    time.Duration       `yaml:"per_task"`    // price of a task in hand
	PerAge     float64             `yaml:"per_age"`     // price of a second of the fix's age, in seconds
	OwnGrid    time.Duration       `yaml:"own_grid"`    // worth of knowing the place
	Skilled    time.Duration       `yaml:"skilled"`     // worth of a fitting skill
	Skills     map[string][]string `yaml:"skills"`      // matter -> skills that fit
	FirstUp    []string            `yaml:"first_up"`    // forces that go to everything, whatever the department
}

// Default is for people on foot in a street of a few kilometres.
func Default() Config {
	return Config{
		Show: 3, Speed: geo.Foot, Detour: 1.35, StaleAfter: 10 * time.Minute, Busy: 3,
		PerTask: 5 * time.Minute, PerAge: 0.5, OwnGrid: time.Minute, Skilled: 2 * time.Minute,
		Skills: map[string][]string{
			"AQ03": {"gas", "fire"}, "AQ04": {"electric"}, "AQ08": {"water"}, "CG07": {"manhole", "traffic"},
			"HB02": {"noise", "mediation"}, "HB04": {"air"}, "SZ03": {"mediation", "first-aid"}, "SZ04": {"first-aid", "elderly-care"},
		},
		FirstUp: []string{"patrol", "grid"},
	}
}

// Validate reports every value that makes no sense.
func (c Config) Validate() error {
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(c.Show >= 1 && c.Show <= 20, "show", c.Show, "1 to 20")
	want(c.Speed > 0 && c.Speed <= 30, "speed", c.Speed, "metres per second, up to 30")
	want(c.Detour >= 1 && c.Detour <= 5, "detour", c.Detour, "a factor from 1 to 5")
	want(c.StaleAfter > 0, "stale_after", c.StaleAfter, "a time such as 10m")
	want(c.Busy >= 1, "busy", c.Busy, "at least 1")
	want(c.PerTask >= 0, "per_task", c.PerTask, "a time such as 5m, or 0s")
	want(c.PerAge >= 0, "per_age", c.PerAge, "0 or more")
	return errors.Join(errs...)
}

// Dispatcher answers for cases of the pool. It is safe for concurrent use.
type Dispatcher struct {
	config Config
	pool   Pool
	roster Roster
	roads  *geo.Graph // nil = none known
	clock  func() time.Time
}

// New joins a dispatcher. Without roads it falls back to straight lines and
// says so in each reason.
func New(c Config, pool Pool, roster Roster, roads *geo.Graph, clock func() time.Time) *Dispatcher {
	return &Dispatcher{config: c, pool: pool, roster: roster, roads: roads, clock: clock}
}

// Candidates returns everybody, the suggested first. Errors:
// tasks.ErrNotFound; *tasks.RefusedError when the case has no place.
func (d *Dispatcher) Candidates(ctx context.Context, id identity.CaseID) ([]tasks.Candidate, error) {
	c, events, err := d.pool.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !c.Place.Valid() {
		return nil, &tasks.RefusedError{Code: "invalid", Reason: "the case has no place, so nobody is nearest"}
	}
	all, err := d.roster.Everybody(ctx)
	if err != nil {
		return nil, err
	}
	var matter tasks.Matter
	for _, m := range d.pool.Matters() {
		if m.Code == c.Matter {
			matter = m
		}
	}
	for i := range all {
		all[i].InNeed = c.Source == tasks.SOS && len(events) > 0 && all[i].ID == events[0].Person
	}
	return Suggest(d.config, telemetry.At(d.clock()), c, matter, all, d.roads), nil
}
