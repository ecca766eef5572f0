package tasks

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// Pool is the task pool. All methods may be called concurrently; writes to one
// case are serialised by the store.
type Pool struct {
	db      *store.DB
	matters []Matter
	byCode  map[string]Matter
	cal     Calendar
	now     func() time.Time
	changed func(Case)
	o       Options
	ladder  *ladder
	log     *slog.Logger
	basis   map[string]string // of digests, by matter

	remembered remembered

	telling sync.Mutex // held while changed is told; guards the field below
	told    map[identity.CaseID]uint64
}

// Options of a pool. Changed is told after each change that is durable; it must
// not block, and change nothing in the pool. Of changes that overtake one another
// only the later is told. Department says to which department a person belongs,
// and Region of which class the region of a grid, else of a place, is: empty
// where that is not known. Both may be left out.
type Options struct {
	Matters  []Matter
	Calendar Calendar
	Now      func() time.Time
	Changed  func(Case)

	Department func(context.Context, identity.PersonID) string
	Region     func(grid string, at geo.Point) string

	// Standing is what the street demands of every matter. Superior names the
	// person of a level in a department, or empty; it may be left out.
	Standing Standing
	Superior func(ctx context.Context, department string, to Level) identity.PersonID
	Log      *slog.Logger // nil: the default one
}

// Open prepares the pool's tables and checks the matters, all of them at once.
func Open(ctx context.Context, db *store.DB, o Options) (*Pool, error) {
	p := &Pool{db: db, byCode: map[string]Matter{}, basis: map[string]string{}, cal: o.Calendar, now: o.Now, changed: o.Changed, o: o,
		ladder: newLadder(), log: cmp.Or(o.Log, slog.Default())}
	p.matters = slices.Clone(o.Matters)
	var errs []error
	for i, m := range o.Matters {
		m = m.under(o.Standing)
		p.matters[i] = m
		if _, twice := p.byCode[m.Code]; twice {
			errs = append(errs, fmt.Errorf("matter %s is defined twice", m.Code))
		}
		p.byCode[m.Code] = m
		basis, err := basisOf(m, o.Calendar)
		if p.basis[m.Code] = basis; err != nil {
			errs = append(errs, fmt.Errorf("matter %s: %w", m.Code, err))
		}
		if err := configs.Validate(m); err != nil {
			errs = append(errs, fmt.Errorf("matter %s: %w", m.Code, err))
		}
	}
	if err := errors.Join(append(errs, configs.Validate(o.Standing))...); err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, "tasks", migrations...); err != nil {
		return nil, err
	}
	return p, p.markAll(ctx)
}

// Matters lists the matters in the order in which they were given.
func (p *Pool) Matters() []Matter { return p.matters }

// Matter returns the matter with a code.
func (p *Pool) Matter(code string) (Matter, bool) {
	m, ok := p.byCode[code]
	return m, ok
}

// CaseFor is the id of the case that a report makes, derived from the report's
// id, so that the same report always finds the same case.
func CaseFor(report string) identity.CaseID {
	sum := sha256.Sum256([]byte("gridhub case\x00" + report))
	return identity.CaseID("c-" + hex.EncodeToString(sum[:8]))
}

// Report brings something into the pool. A repeat with the same id returns
// the case as it is. The steps that the matter takes by itself follow at once.
func (p *Pool) Report(ctx context.Context, who identity.Principal, r Report) (Case, error) {
	m, ok := p.byCode[r.Matter]
	if !ok {
		return Case{}, &RefusedError{Code: "invalid", Reason: fmt.Sprintf("matter %q: no such matter", r.Matter)}
	}
	if !r.Place.Valid() {
		return Case{}, &RefusedError{Code: "invalid", Reason: "place: want longitude and latitude in WGS-84 degrees"}
	}
	if p.o.Region != nil {
		r.Region = cmp.Or(p.o.Region(r.Grid, r.Place), r.Region)
	}
	id := CaseFor(r.ID)
	return p.change(ctx, id, "report", func(tx *store.Tx, events []Event) ([]Event, error) {
		if len(events) > 0 {
			return nil, nil
		}
		server := p.server(r.At, r.Source)
		n, err := number(ctx, tx, day(server, p.cal))
		if err != nil {
			return nil, err
		}
		return opening(who, r, m, n, server), nil
	})
}

// server is the hub's time of an event. What a sensor raised carries the time
// of its reading instead, so that a replay writes the same bytes.
func (p *Pool) server(at telemetry.Millis, source string) telemetry.Millis {
	if source == "sensor" {
		return at
	}
	return telemetry.At(p.now())
}

// opening are the first events of a case: the report, its photos, and the
// steps that the matter takes by itself.
func opening(who identity.Principal, r Report, m Matter, number string, server telemetry.Millis) []Event {
	place := r.Place
	title := r.Title
	if title == "" {
		title = m.Name.ZH
	}
	severity := r.Severity
	if severity == "" {
		severity = "minor"
	}
	head := Event{At: r.At, Server: server, By: who.Account, Person: who.Person}
	first := head
	first.Type, first.Place = Reported, &place
	first.Body = Body{Number: number, Matter: r.Matter, Source: r.Source, Severity: severity, Grid: r.Grid, Region: r.Region, Title: title,
		Text: r.Text, Reporter: r.Reporter, Hazard: r.Hazard, Device: r.Device, Metric: r.Metric, Value: r.Value, Department: m.Lead, With: m.With}
	out := []Event{first}
	for _, hash := range r.Evidence {
		e := head
		e.Type, e.Body = Evidence, Body{Evidence: hash, Kind: "photo-before"}
		out = append(out, e)
	}
	if r.Verify {
		return append(out, byItself(Verifying, server, Body{Assignee: r.Verifier}))
	}
	for _, step := range m.Auto {
		out = append(out, byItself(step, server, Body{}))
	}
	return out
}

// byItself is a step that the hub takes because the matter says so.
func byItself(step EventType, at telemetry.Millis, b Body) Event {
	return Event{Type: step, At: at, Server: at, By: identity.System.Account, Why: "automatic", Body: b}
}

// Do takes one step. The same command id again returns the case as it is.
func (p *Pool) Do(ctx context.Context, who identity.Principal, c Command) (Case, error) {
	by := actor{who, p.department(ctx, who.Person)}
	if c.Type == Ordered && c.Department == "" {
		c.Department = p.department(ctx, c.Assignee)
	}
	return p.change(ctx, c.Case, c.ID, func(_ *store.Tx, events []Event) ([]Event, error) {
		if len(events) == 0 {
			return nil, ErrNotFound
		}
		now := Fold(events)
		if c.Rev != 0 && c.Rev != now.Rev {
			return nil, &ConflictError{Have: now.Rev, Want: c.Rev}
		}
		if err := p.allowed(by, &now, c); err != nil {
			return nil, err
		}
		e := p.event(by, &now, c)
		return append([]Event{e}, p.follow(&now, e)...), nil
	})
}

// department is that of a person, empty where it is not known.
func (p *Pool) department(ctx context.Context, who identity.PersonID) string {
	if who == "" || p.o.Department == nil {
		return ""
	}
	return p.o.Department(ctx, who)
}

// allowed asks the state machine, the caller's rights and the matter's demands.
func (p *Pool) allowed(who actor, now *Case, c Command) error {
	if err := now.may(who, c); err != nil {
		return err
	}
	if missing := p.byCode[now.Matter].missing(now, c.Type); len(missing) > 0 {
		return &RefusedError{Code: "evidence", Reason: fmt.Sprintf("%s needs evidence first: %v", c.Type, missing)}
	}
	if err := p.byCode[now.Matter].bars(now, c.Type); err != nil {
		return err
	}
	switch {
	case c.Type == Dispatched && c.Assignee == "":
		return &RefusedError{Code: "invalid", Reason: "dispatched: name the assignee"}
	case slices.Contains(remarks, c.Type) && c.Order > len(now.Orders):
		return &RefusedError{Code: "invalid", Reason: fmt.Sprintf("order %d: the case has %d", c.Order, len(now.Orders))}
	case c.Type == Ordered && c.Department == "" && c.Order == 0:
		return &RefusedError{Code: "invalid", Reason: "ordered: name the department, or a person of one"}
	case c.Type == Cosign && len(p.byCode[now.Matter].signing(c.With).Signers) == 0:
		return &RefusedError{Code: "invalid", Reason: "cosign: name the departments that sign, the matter names none"}
	case c.Why == "" && slices.Contains(explained, c.Type):
		return &RefusedError{Code: "invalid", Reason: string(c.Type) + ": say why"}
	case (c.Type == Graded) != (c.Severity != ""):
		return &RefusedError{Code: "invalid", Reason: "graded, and nothing else, names a severity"}
	case c.Type == Evidence && len(c.Evidence) != 64:
		return &RefusedError{Code: "invalid", Reason: "evidence: want the hash that the upload returned"}
	}
	return nil
}

// explained are the steps that are refused without a reason.
var explained = []EventType{Returned, Rejected, Suspended, Supervised, Objected, Upheld, Dismissed, Opposed, Withdrawn, Declined, Waived}

func (p *Pool) event(who actor, now *Case, c Command) Event {
	e := Event{Type: c.Type, At: c.At, Server: telemetry.At(p.now()), By: who.Account, Person: who.Person, Place: c.Place, Why: c.Why}
	e.Body = Body{Text: c.Text, Assignee: c.Assignee, Department: c.Department, With: c.With, Evidence: c.Evidence, Kind: c.Kind,
		Until: c.Until, Severity: c.Severity, Candidates: c.Candidates}
	if _, ofOrder := orderSteps[c.Type]; ofOrder || slices.Contains(remarks, c.Type) {
		e.Body.Order = c.Order
	}
	switch {
	case c.Type == Dispatched && e.Body.Department == "":
		e.Body.Department, e.Body.With = now.Department, now.With
	case c.Type == Onscene && c.Place != nil:
		near := geo.Distance(*c.Place, now.Place)
		e.Body.Near = &near
	case c.Type == Cosign:
		s := p.byCode[now.Matter].signing(c.With)
		e.Body.With, e.Body.Signers, e.Body.Quorum, e.Body.Veto, e.Body.Round = nil, s.Signers, s.Quorum, s.Veto, 1
		if now.Round != nil {
			e.Body.Round = now.Round.N + 1
		}
	case c.Type == Agreed || c.Type == Opposed:
		e.Body.Department, e.Body.Round = signer(who, c), now.Round.N
		if !now.speaks(who, e.Body.Department) {
			e.Body.Kind = Recorded
		}
	case c.Type == Ordered:
		p.send(&e.Body, now, c)
	case orderSteps[c.Type].own:
		p.answer(&e.Body, now, c, who)
	}
	return e
}

// send fills what an order says: of one that is sent again what it said before.
func (p *Pool) send(b *Body, now *Case, c Command) {
	b.Must = !c.Optional
	if c.Order == 0 {
		b.Order = len(now.Orders) + 1
	} else if b.Department == "" {
		b.Department = now.Orders[c.Order-1].Department
	}
}

// answer fills what a co-handler's step says: who took the order, and whether a
// desk recorded it.
func (p *Pool) answer(b *Body, now *Case, c Command, who actor) {
	o := &now.Orders[c.Order-1]
	b.Assignee = ""
	if !o.of(who) {
		b.Kind = Recorded
	}
	if c.Type == Taken {
		if b.Assignee = cmp.Or(o.Assignee, who.Person); b.Kind == Recorded {
			b.Assignee = cmp.Or(o.Assignee, c.Assignee)
		}
	}
}

// follow are the steps that the matter takes by itself after one of somebody's: a
// case that was found true is filed, where it would have been filed at once; with
// a dispatch an order goes to each department that must take part and has none,
// or none since the case was opened again.
func (p *Pool) follow(now *Case, e Event) (out []Event) {
	if e.Type == Verified && slices.Contains(p.byCode[now.Matter].Auto, Filed) {
		return []Event{byItself(Filed, e.Server, Body{})}
	}
	if e.Type != Dispatched {
		return nil
	}
	for _, o := range now.due(p.byCode[now.Matter].Must, e.Body.Department) {
		out = append(out, Event{Type: Ordered, At: e.At, Server: e.Server, By: identity.System.Account, Why: "automatic",
			Body: Body{Order: o.N, Department: o.Department, Must: true}})
	}
	return out
}

// Add appends an event that the hub itself witnessed: a step of a call, a
// reading that confirmed or cleared the hazard. id makes a repeat harmless.
func (p *Pool) Add(ctx context.Context, of identity.CaseID, id string, e Event) (Case, error) {
	return p.change(ctx, of, id, func(_ *store.Tx, events []Event) ([]Event, error) {
		if len(events) == 0 {
			return nil, ErrNotFound
		}
		if Fold(events).State == Archived {
			return nil, nil
		}
		if e.Server == 0 {
			e.Server = telemetry.At(p.now())
		}
		if e.By == "" {
			e.By = identity.System.Account
		}
		return []Event{e}, nil
	})
}

func (p *Pool) describe(events []Event) Case { return p.Describe(events, telemetry.At(p.now())) }

// Describe is the case that events amount to, with its clocks as they stood at
// the given time. It reads nothing from the store.
func (p *Pool) Describe(events []Event, at telemetry.Millis) Case {
	c := Fold(events)
	p.byCode[c.Matter].Describe(&c, events, p.cal, at.Time())
	return c
}

// Get returns one case and its events.
func (p *Pool) Get(ctx context.Context, id identity.CaseID) (Case, []Event, error) {
	events, err := loadWhole(ctx, p.db, id)
	if err != nil {
		return Case{}, nil, err
	}
	if len(events[id]) == 0 {
		return Case{}, nil, ErrNotFound
	}
	return p.describe(events[id]), events[id], nil
}

// Find returns the ids of the cases that f names, as List.
func (p *Pool) Find(ctx context.Context, f Filter) ([]identity.CaseID, error) {
	cases, err := find(ctx, p.db, f)
	out := make([]identity.CaseID, len(cases))
	for i, c := range cases {
		out[i] = c.id
	}
	return out, err
}

// List returns the cases that f names: open ones first, then newest change.
func (p *Pool) List(ctx context.Context, f Filter) ([]Case, error) {
	cases, err := find(ctx, p.db, f)
	if err != nil {
		return nil, err
	}
	events, err := p.recall(ctx, p.db, cases...)
	if err != nil {
		return nil, err
	}
	out := make([]Case, 0, len(cases))
	for _, c := range cases {
		p.remembered.keep(c.id, events[c.id])
		out = append(out, p.describe(events[c.id]))
	}
	return out, nil
}
