package api

import (
	"context"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/people"

	"github.com/danielgtaylor/huma/v2"
)

// Absences says who is not there, and who stands in. Errors: people.ErrInvalid,
// ErrNoPerson, ErrNoAbsence.
type Absences interface {
	Absences(after telemetry.Millis) []people.Absence
	SetAbsence(ctx context.Context, a people.Absence) (people.Absence, error)
	EndAbsence(ctx context.Context, person identity.PersonID, id string, now telemetry.Millis) (people.Absence, error)
}

type absencesInput struct {
	After telemetry.Millis `query:"after" doc:"leaves out what was over then; default: now"`
}

type absencesOutput struct{ Body []people.Absence }

type absenceInput struct {
	Body struct {
		Person identity.PersonID `json:"person"`
		From   telemetry.Millis  `json:"from"`
		To     telemetry.Millis  `json:"to" doc:"not included"`
		Reason string            `json:"reason" enum:"leave,sick,training,errand,other"`
		Note   string            `json:"note,omitempty" maxLength:"200"`
		Deputy identity.PersonID `json:"deputy,omitempty" doc:"who takes over; empty: nobody"`
	}
}

type absenceOutput struct{ Body people.Absence }

type endAbsenceInput struct {
	Person  identity.PersonID `path:"person"`
	Absence string            `path:"absence"`
}

func (a *API) registerAbsences() {
	register(a, huma.Operation{OperationID: "absences", Method: "GET", Path: "/api/v1/absences", Summary: "Who is or will be absent, and who stands in"}, a.absences)
	register(a, huma.Operation{OperationID: "set-absence", Method: "POST", Path: "/api/v1/absences", Summary: "Write an absence down", DefaultStatus: 201}, a.setAbsence)
	register(a, huma.Operation{OperationID: "end-absence", Method: "DELETE", Path: "/api/v1/people/{person}/absences/{absence}", Summary: "Withdraw an absence, or end one that lasts"}, a.endAbsence)
}

func (a *API) absences(ctx context.Context, in *absencesInput) (*absencesOutput, error) {
	after := in.After
	if after == 0 {
		after = a.now()
	}
	within, err := a.staffWithin(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(a.deps.Absences.Absences(after), func(x people.Absence) bool { return !within(x.Person) })
	return &absencesOutput{Body: all}, nil
}

func (a *API) setAbsence(ctx context.Context, in *absenceInput) (*absenceOutput, error) {
	b := in.Body
	if err := a.mayPlan(ctx, b.Person); err != nil {
		return nil, err
	}
	x, err := a.deps.Absences.SetAbsence(ctx, people.Absence{Person: b.Person, From: b.From, To: b.To, Reason: b.Reason,
		Note: b.Note, Deputy: b.Deputy, By: who(ctx).Account})
	return &absenceOutput{Body: x}, status(err)
}

func (a *API) endAbsence(ctx context.Context, in *endAbsenceInput) (*absenceOutput, error) {
	if err := a.mayPlan(ctx, in.Person); err != nil {
		return nil, err
	}
	x, err := a.deps.Absences.EndAbsence(ctx, in.Person, in.Absence, a.now())
	return &absenceOutput{Body: x}, status(err)
}

// mayPlan lets those plan a person's time within whose scope the person is.
func (a *API) mayPlan(ctx context.Context, p identity.PersonID) error {
	in, err := a.staffWithin(ctx)
	if err == nil && !in(p) {
		err = errBeyond
	}
	return err
}
