package api

import (
	"context"
	"io"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/alike"
	"gridhub/hub/archive"
	"gridhub/hub/evidence"
	"gridhub/hub/figures"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"
)

// guarded puts a guard before each feature that has something to hide, so that
// no handler can forget the scope of who asks: what is beyond it is not in a
// list, is not found when it is asked for by name, and cannot be acted on.
func (a *API) guarded(d Deps) Deps {
	a.unguarded = d.Cases
	d.Cases = guardedCases{d.Cases, a}
	d.Hazards = guardedHazards{d.Hazards, a}
	d.Dispatch = guardedDispatch{d.Dispatch, a}
	d.Evidence = guardedEvidence{d.Evidence, a}
	d.Archive = guardedArchive{d.Archive, a}
	d.Alike = guardedAlike{d.Alike, a}
	d.Merger = guardedMerger{d.Merger, a}
	d.Staff = guardedStaff{d.Staff, a}
	d.Tracks = guardedTracks{d.Tracks, a}
	d.Patrols = guardedPatrols{d.Patrols, a}
	d.Figures = guardedFigures{d.Figures, a}
	return d
}

type guardedCases struct {
	Cases
	a *API
}

func (g guardedCases) List(ctx context.Context, f tasks.Filter) ([]tasks.Case, error) {
	r := g.a.reach(ctx)
	f.Within = &r
	return g.Cases.List(ctx, f)
}

func (g guardedCases) Find(ctx context.Context, f tasks.Filter) ([]identity.CaseID, error) {
	r := g.a.reach(ctx)
	f.Within = &r
	return g.Cases.Find(ctx, f)
}

func (g guardedCases) Get(ctx context.Context, id identity.CaseID) (tasks.Case, []tasks.Event, error) {
	c, events, err := g.Cases.Get(ctx, id)
	if err == nil && !g.a.reach(ctx).Sees(c.Marks, c.Hands()) {
		return tasks.Case{}, nil, tasks.ErrNotFound
	}
	return c, events, err
}

// Report is never beyond anybody's scope: whoever sees something says so. A
// repeat of somebody else's report does not show it.
func (g guardedCases) Report(ctx context.Context, who identity.Principal, r tasks.Report) (tasks.Case, error) {
	c, err := g.Cases.Report(ctx, who, r)
	mine := identity.Reach{Marks: []string{identity.WithPart(who.Person, who.Account)}}
	if err == nil && !g.a.reach(ctx).And(mine).Sees(c.Marks, c.Hands()) {
		return tasks.Case{}, errBeyond
	}
	return c, err
}

// Do takes a step in those roles whose scopes reach the case.
func (g guardedCases) Do(ctx context.Context, _ identity.Principal, cmd tasks.Command) (tasks.Case, error) {
	c, _, err := g.Cases.Get(ctx, cmd.Case)
	if err != nil {
		return tasks.Case{}, err
	}
	if !g.a.reach(ctx).Sees(c.Marks, c.Hands()) {
		return tasks.Case{}, errBeyond
	}
	return g.Cases.Do(ctx, g.a.there(ctx, &c), cmd)
}

type guardedHazards struct {
	Hazards
	a *API
}

// mostHazards is how many of the newest are looked through for those within a
// scope.
const mostHazards = 1000

func (g guardedHazards) List(ctx context.Context, open bool, limit int) ([]rules.Hazard, error) {
	if g.a.reach(ctx).Street {
		return g.Hazards.List(ctx, open, limit)
	}
	all, err := g.Hazards.List(ctx, open, mostHazards)
	if err != nil {
		return nil, err
	}
	var ids []identity.CaseID
	for _, h := range all {
		ids = append(ids, h.Case)
	}
	seen, err := g.a.reached(ctx, ids...)
	all = slices.DeleteFunc(all, func(h rules.Hazard) bool { return !seen[h.Case] })
	return all[:min(limit, len(all))], err
}

type guardedDispatch struct {
	Dispatch
	a *API
}

func (g guardedDispatch) Candidates(ctx context.Context, id identity.CaseID) ([]tasks.Candidate, error) {
	if err := g.a.readable(ctx, id); err != nil {
		return nil, err
	}
	in, err := g.a.staffWithin(ctx)
	if err != nil {
		return nil, err
	}
	all, err := g.Dispatch.Candidates(ctx, id)
	return slices.DeleteFunc(all, func(c tasks.Candidate) bool { return !in(c.Person) }), err
}

type guardedEvidence struct {
	Evidence
	a *API
}

func (g guardedEvidence) Put(ctx context.Context, m evidence.Meta, body io.Reader) (evidence.Item, error) {
	if m.Case != "" {
		if err := g.a.writable(ctx, m.Case); err != nil {
			return evidence.Item{}, err
		}
	}
	return g.Evidence.Put(ctx, m, body)
}

// Open gives out what a case within reach refers to, and what the person, or a
// person within reach, has taken.
func (g guardedEvidence) Open(ctx context.Context, hash, form string) (io.ReadSeekCloser, string, error) {
	if err := g.visible(ctx, hash); err != nil {
		return nil, "", err
	}
	return g.Evidence.Open(ctx, hash, form)
}

func (g guardedEvidence) visible(ctx context.Context, hash string) error {
	r := g.a.reach(ctx)
	if r.Street {
		return nil
	}
	item, err := g.Evidence.Get(ctx, hash)
	if err != nil {
		return err
	}
	if me := who(ctx).Person; item.By != "" && item.By == me {
		return nil
	}
	found, err := g.a.unguarded.Find(ctx, tasks.Filter{Within: &r, Evidence: hash, Limit: 1})
	if err != nil || len(found) > 0 {
		return err
	}
	if item.Case != "" {
		return g.a.readable(ctx, item.Case)
	}
	in, err := g.a.staffWithin(ctx)
	if err == nil && !in(item.By) {
		err = evidence.ErrNotFound
	}
	return err
}

type guardedArchive struct {
	Archive
	a *API
}

func (g guardedArchive) Seals(ctx context.Context, id identity.CaseID) ([]archive.Seal, error) {
	if err := g.a.readable(ctx, id); err != nil {
		return nil, err
	}
	return g.Archive.Seals(ctx, id)
}

func (g guardedArchive) Read(ctx context.Context, id identity.CaseID, seal int, c archive.Cut) (io.ReadCloser, error) {
	if err := g.a.readable(ctx, id); err != nil {
		return nil, err
	}
	return g.Archive.Read(ctx, id, seal, c)
}

type guardedAlike struct {
	to Alike // not embedded: its method has its name
	a  *API
}

func (g guardedAlike) Alike(ctx context.Context, id identity.CaseID) ([]alike.Match, error) {
	if err := g.a.readable(ctx, id); err != nil {
		return nil, err
	}
	all, err := g.to.Alike(ctx, id)
	if err != nil || g.a.reach(ctx).Street {
		return all, err
	}
	var ids []identity.CaseID
	for _, m := range all {
		ids = append(ids, m.Case)
	}
	seen, err := g.a.reached(ctx, ids...)
	return slices.DeleteFunc(all, func(m alike.Match) bool { return !seen[m.Case] }), err
}

type guardedMerger struct {
	Merger
	a *API
}

func (g guardedMerger) Merge(ctx context.Context, _ identity.Principal, m tasks.Merge) (tasks.Case, error) {
	p, err := g.both(ctx, m)
	if err != nil {
		return tasks.Case{}, err
	}
	return g.Merger.Merge(ctx, p, m)
}

func (g guardedMerger) Part(ctx context.Context, _ identity.Principal, m tasks.Merge) (tasks.Case, error) {
	p, err := g.both(ctx, m)
	if err != nil {
		return tasks.Case{}, err
	}
	return g.Merger.Part(ctx, p, m)
}

// both is the principal with the roles that reach both cases.
func (g guardedMerger) both(ctx context.Context, m tasks.Merge) (identity.Principal, error) {
	p := who(ctx)
	for _, id := range []identity.CaseID{m.Keep, m.Drop} {
		if err := g.a.writable(ctx, id); err != nil {
			return p, err
		}
		c, _, err := g.a.unguarded.Get(ctx, id)
		if err != nil {
			return p, err
		}
		there := g.a.there(ctx, &c)
		p.Roles = slices.DeleteFunc(slices.Clone(p.Roles), func(r identity.Role) bool { return !there.Has(r) })
	}
	return p, nil
}

type guardedStaff struct {
	Staff
	a *API
}

func (g guardedStaff) List(ctx context.Context) ([]people.Staff, error) {
	all, err := g.Staff.List(ctx)
	if r := g.a.reach(ctx); !r.Street {
		all = slices.DeleteFunc(all, func(s people.Staff) bool { return !r.Sees(s.Marks(), nil) })
	}
	return all, err
}

type guardedTracks struct {
	Tracks
	a *API
}

func (g guardedTracks) Track(ctx context.Context, id identity.PersonID, from, to telemetry.Millis) (geo.Track, error) {
	in, err := g.a.staffWithin(ctx)
	if err != nil {
		return geo.Track{}, err
	}
	if !in(id) {
		return geo.Track{}, tasks.ErrNotFound
	}
	return g.Tracks.Track(ctx, id, from, to)
}

type guardedPatrols struct {
	Patrols
	a *API
}

// Progress leaves out routes of other grids, except for who may walk any; of
// visits by persons beyond reach it leaves that they were, and when.
func (g guardedPatrols) Progress(ctx context.Context, day string) ([]patrol.Progress, error) {
	all, err := g.Patrols.Progress(ctx, day)
	r := g.a.reach(ctx)
	if err != nil || r.Street {
		return all, err
	}
	in, err := g.a.staffWithin(ctx)
	if err != nil {
		return nil, err
	}
	out := []patrol.Progress{}
	for _, p := range all {
		if !who(ctx).Has(identity.Handler) && !r.Sees([]string{identity.InGrid(p.Route.Grid)}, nil) &&
			!slices.ContainsFunc(p.Visits, func(v patrol.Visit) bool { return in(v.Person) }) {
			continue
		}
		p.Visits = slices.Clone(p.Visits)
		for i, v := range p.Visits {
			if !in(v.Person) {
				p.Visits[i] = patrol.Visit{ID: v.ID, Route: v.Route, Point: v.Point, At: v.At, Counts: v.Counts, Why: []string{}}
			}
		}
		out = append(out, p)
	}
	return out, nil
}

type guardedFigures struct {
	Figures
	a *API
}

// over are the figures of what is within reach.
func (g guardedFigures) over(ctx context.Context) (Figures, error) {
	r := g.a.reach(ctx)
	switch {
	case r.Street:
		return g.Figures, nil
	case g.a.deps.FiguresOf == nil:
		return nil, errBeyond
	}
	return g.a.deps.FiguresOf(r), nil
}

func (g guardedFigures) Summary(ctx context.Context, from, to telemetry.Millis) (figures.Summary, error) {
	f, err := g.over(ctx)
	if err != nil {
		return figures.Summary{}, err
	}
	return f.Summary(ctx, from, to)
}

func (g guardedFigures) Table(ctx context.Context, from, to telemetry.Millis, by string) (figures.Table, error) {
	f, err := g.over(ctx)
	if err != nil {
		return figures.Table{}, err
	}
	return f.Table(ctx, from, to, by)
}

func (g guardedFigures) Cases(ctx context.Context, from, to telemetry.Millis, by, key, count string) ([]identity.CaseID, error) {
	f, err := g.over(ctx)
	if err != nil {
		return nil, err
	}
	return f.Cases(ctx, from, to, by, key, count)
}
