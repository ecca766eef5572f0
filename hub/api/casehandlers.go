package api

import (
	"bytes"
	"context"
	"io"

	"gridhub/hub/audit"
	"gridhub/hub/evidence"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/tasks"

	"github.com/danielgtaylor/huma/v2"
)

func (a *API) matters(context.Context, *struct{}) (*mattersOutput, error) {
	return &mattersOutput{Body: a.deps.Cases.Matters()}, nil
}

func (a *API) cases(ctx context.Context, in *casesInput) (*casesOutput, error) {
	f := tasks.Filter{Open: in.Open, State: tasks.EventType(in.State), Assignee: in.Assignee, Matter: in.Matter, Since: in.Since, Limit: in.Limit}
	if f.Assignee == "me" {
		f.Assignee, f.For = who(ctx).Person, who(ctx).For
	}
	f.Department = a.departmentOf(ctx, f.Assignee)
	list, err := a.deps.Cases.List(ctx, f)
	return &casesOutput{Body: list}, err
}

func (a *API) report(ctx context.Context, in *reportInput) (*caseOutput, error) {
	if in.Body.At == 0 || in.Body.At > a.now() {
		in.Body.At = a.now()
	}
	c, err := a.deps.Cases.Report(ctx, who(ctx), in.Body)
	return &caseOutput{Body: c}, status(err)
}

func (a *API) oneCase(ctx context.Context, in *caseInput) (*caseViewOutput, error) {
	c, events, err := a.deps.Cases.Get(ctx, in.Case)
	if err != nil {
		return nil, status(err)
	}
	shown, err := a.veil(ctx, c, events)
	if err != nil {
		return nil, err
	}
	out := &caseViewOutput{Body: CaseView{Case: c, Events: shown, Items: []evidence.Item{}}}
	for _, hash := range c.Evidence {
		item, err := a.deps.Evidence.Get(ctx, hash)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}

// departmentOf is a person's department, empty where there is none.
func (a *API) departmentOf(ctx context.Context, person identity.PersonID) string {
	if person == "" {
		return ""
	}
	s, err := a.deps.Staff.Person(ctx, person)
	if err != nil {
		return ""
	}
	return s.Department
}

func (a *API) command(ctx context.Context, in *commandInput) (*caseOutput, error) {
	c := in.Body
	c.Case = in.Case
	if c.At == 0 || c.At > a.now() {
		c.At = a.now()
	}
	done, err := a.deps.Cases.Do(ctx, who(ctx), c)
	return &caseOutput{Body: done}, status(err)
}

func (a *API) candidates(ctx context.Context, in *caseInput) (*candidatesOutput, error) {
	list, err := a.deps.Dispatch.Candidates(ctx, in.Case)
	return &candidatesOutput{Body: list}, status(err)
}

func (a *API) hazards(ctx context.Context, in *hazardsInput) (*hazardsOutput, error) {
	list, err := a.deps.Hazards.List(ctx, in.Open, in.Limit)
	return &hazardsOutput{Body: list}, err
}

func (a *API) putEvidence(ctx context.Context, in *evidenceInput) (*evidenceOutput, error) {
	item, err := a.deps.Evidence.Put(ctx, evidence.Meta{Case: in.Case, Kind: in.Kind, By: who(ctx).Person,
		At: in.At, Place: in.place(), Accuracy: in.Accuracy}, bytes.NewReader(in.RawBody))
	return &evidenceOutput{Body: item}, status(err)
}

// originals are the roles that see a photo as it came, with the camera's own
// records of owner, device and place (EXIF); the other forms are without.
var originals = []identity.Role{identity.Head, identity.Auditor, identity.Admin}

func (a *API) evidenceFile(ctx context.Context, in *evidenceFileInput) (*huma.StreamResponse, error) {
	if in.Form == evidence.Original && !who(ctx).Has(originals...) {
		return nil, huma.Error403Forbidden("the original holds what the camera wrote into it: ask for the marked form")
	}
	if in.Form == evidence.Original {
		if err := a.record(ctx, audit.Entry{Act: "evidence.look", Subject: in.Hash}, true); err != nil {
			return nil, err
		}
	}
	f, kind, err := a.deps.Evidence.Open(ctx, in.Hash, in.Form)
	if err != nil {
		return nil, huma.Error404NotFound("no such evidence", err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		hc.SetHeader("Content-Type", kind)
		hc.SetHeader("Cache-Control", "private, max-age=31536000, immutable")
		_, _ = io.Copy(hc.BodyWriter(), f) // the reader left; nobody to tell
	}}, nil
}

func (a *API) routes(context.Context, *struct{}) (*routesOutput, error) {
	return &routesOutput{Body: a.deps.Patrols.Routes()}, nil
}

func (a *API) progress(ctx context.Context, in *progressInput) (*progressOutput, error) {
	day := in.Day
	if day == "" {
		day = a.dayStart().Time().Add(12 * 3600e9).Format("2006-01-02")
	}
	p, err := a.deps.Patrols.Progress(ctx, day)
	return &progressOutput{Body: p}, err
}

func (a *API) checkIn(ctx context.Context, in *checkInInput) (*visitOutput, error) {
	b := in.Body
	v, err := a.deps.Patrols.CheckIn(ctx, who(ctx).Person, patrol.Visit{ID: b.ID, Route: b.Route, Point: b.Point,
		At: b.At, Place: b.Place, Accuracy: b.Accuracy, Evidence: b.Evidence})
	return &visitOutput{Body: v}, status(err)
}

func (a *API) figures(ctx context.Context, in *figuresInput) (*figuresOutput, error) {
	from, to := a.today(in.From, in.To)
	r, err := a.deps.Figures.Summary(ctx, from, to)
	return &figuresOutput{Body: r}, err
}

func (a *API) quarantineCauses(ctx context.Context, _ *struct{}) (*causesOutput, error) {
	c, err := a.deps.Quarantine.Causes(ctx)
	return &causesOutput{Body: c}, err
}

func (a *API) quarantineList(ctx context.Context, in *quarantineInput) (*quarantineOutput, error) {
	list, err := a.deps.Quarantine.List(ctx, in.Cause, in.Device, in.Limit)
	return &quarantineOutput{Body: list}, err
}

func (a *API) quarantineReplay(ctx context.Context, in *replayInput) (*replayOutput, error) {
	out := &replayOutput{}
	var err error
	out.Body.Replayed, err = a.deps.Quarantine.Replay(ctx, in.Body.Cause, in.Body.Device)
	return out, err
}

func (a *API) health(context.Context, *struct{}) (*healthOutput, error) {
	return &healthOutput{Body: a.deps.Health.Parts()}, nil
}
