// Package residents is the street's own open door: who lives or works here
// reports with a photo, follows what becomes of it by a code that can be said on
// the phone, says whether it is in order now, and has it opened again if not.
//
// It promises that nobody needs a name; that a repeat is harmless and brings the
// same code, so that a phone may try until it gets an answer; that a follower
// reads neither who else reported nor who works on it, and sees no photo but the
// own ones and those of the finished work, without what a camera wrote into them.
// What the public reports is looked at on site first, unless somebody is in
// danger. Every door has an allowance per network, every code one of its own. It
// owns no page and no case: those are hub/web's and hub/tasks'. hub/open311 is the
// same door for other programs.
package residents

import (
	"context"
	"io"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/alike"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/limit"
	"gridhub/hub/people"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// Pool is the task pool. Errors as of tasks.Pool.
type Pool interface {
	Matters() []tasks.Matter
	Report(ctx context.Context, who identity.Principal, r tasks.Report) (tasks.Case, error)
	Get(ctx context.Context, id identity.CaseID) (tasks.Case, []tasks.Event, error)
	Do(ctx context.Context, who identity.Principal, c tasks.Command) (tasks.Case, error)
	Add(ctx context.Context, of identity.CaseID, id string, e tasks.Event) (tasks.Case, error)
	Reopen(ctx context.Context, id identity.CaseID, command, words string) (tasks.Case, error)
}

// Evidence keeps the photos.
type Evidence interface {
	Put(ctx context.Context, m evidence.Meta, body io.Reader) (evidence.Item, error)
	Open(ctx context.Context, hash, form string) (io.ReadSeekCloser, string, error)
	Public(ctx context.Context, hash string, caption []string) (io.ReadSeekCloser, error)
}

// Similar finds cases of one matter near a place.
type Similar interface {
	About(ctx context.Context, matter string, at geo.Point) ([]alike.Match, error)
}

// Options of a desk. Grid names the grid in which a place lies; false outside the
// street. Collector is who looks whether a report is so, empty when nobody is on
// duty there. Department is what people call one.
type Options struct {
	Grid       func(geo.Point) (code string, inside bool)
	Collector  func(ctx context.Context, grid string) identity.PersonID
	Department func(code string) people.Name
	Street     string // for the mark on public photos
	Zone       *time.Location
	Now        func() time.Time
}

// Desk serves residents. It may be used concurrently.
type Desk struct {
	db       *store.DB
	pool     Pool
	evidence Evidence
	similar  Similar
	o        Options
	key      []byte
	public   map[string]tasks.Matter // by matter code
	order    []string
	limits   limits
}

// Open prepares the tables and the key from which codes are made.
func Open(ctx context.Context, db *store.DB, pool Pool, e Evidence, s Similar, o Options) (*Desk, error) {
	d := &Desk{db: db, pool: pool, evidence: e, similar: s, o: o, public: map[string]tasks.Matter{}, limits: newLimits(o.Now)}
	for _, m := range pool.Matters() {
		if m.Privacy == "public" && m.Open311 != "" {
			d.public[m.Code] = m
			d.order = append(d.order, m.Code)
		}
	}
	if err := db.Migrate(ctx, "residents", migrations...); err != nil {
		return nil, err
	}
	var err error
	d.key, err = d.openKey(ctx)
	return d, err
}

// Offer is one kind of trouble that can be reported.
type Offer struct {
	Code   string      `json:"code"`
	Name   people.Name `json:"name"`
	Domain string      `json:"domain" enum:"urban,governance,environment,safety"`
	Usual  string      `json:"usual,omitempty" doc:"how long handling usually takes at most: 4h, 2d"`
	Kind   string      `json:"kind,omitempty" doc:"which hours usual counts"`
}

// Services lists what can be reported, in the order of the matters.
func (d *Desk) Services() []Offer {
	out := []Offer{}
	for _, code := range d.order {
		m := d.public[code]
		s := Offer{Code: code, Name: m.Name, Domain: m.Domain}
		for _, l := range m.Limits {
			if l.Name == "handle" && l.When == "" && s.Usual == "" {
				s.Usual, s.Kind = l.Value, string(l.Kind)
			}
		}
		out = append(out, s)
	}
	return out
}

// LimitedError says that a network or a code has used up its allowance.
type LimitedError struct{ Wait time.Duration }

func (e *LimitedError) Error() string { return "too many requests: try again later, or call 12345" }

func refuse(code, why string) error { return &tasks.RefusedError{Code: code, Reason: why} }

// resident is who reports, adds photos and rates.
var resident = identity.Principal{Account: "resident", Roles: []identity.Role{identity.Partner}}

func (d *Desk) now() telemetry.Millis { return telemetry.At(d.o.Now()) }

// limits bound what costs the hub something. Many people share one address
// behind a carrier's gateway, so a network's allowance is generous, and all
// together have one as well.
type limits struct {
	reports *limit.Limiter // of a network: ten at once, one more a minute
	all     *limit.Limiter // of everybody: three hundred at once, one more every six seconds
	photos  *limit.Limiter // of a network: thirty at once, one more every ten seconds
	reads   *limit.Limiter // of a network
	misses  *limit.Limiter // of a network: codes that do not exist, so that none is found by trying
	code    *limit.Limiter // of a code: questions
	deeds   *limit.Limiter // of a code: photos, ratings, reopening
}

func newLimits(now func() time.Time) limits {
	return limits{
		reports: limit.New(10, time.Minute, now), all: limit.New(300, 6*time.Second, now), photos: limit.New(30, 10*time.Second, now),
		reads: limit.New(120, 500*time.Millisecond, now), misses: limit.New(10, time.Minute, now),
		code: limit.New(60, 2*time.Second, now), deeds: limit.New(20, 30*time.Second, now),
	}
}
