package api

import (
	"context"
	"errors"
	"io"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/audit"
	"gridhub/hub/identity"
	"gridhub/hub/people"

	"github.com/danielgtaylor/huma/v2"
)

// Audit is the record of who did and who looked at what.
type Audit interface {
	Append(ctx context.Context, e audit.Entry) error
	List(ctx context.Context, q audit.Query) ([]audit.Line, error)
	Verify(ctx context.Context) (audit.Chain, error)
	Export(ctx context.Context, w io.Writer, from telemetry.Millis) error
}

type auditInput struct {
	Account string           `query:"account" doc:"who asked"`
	Person  string           `query:"person" doc:"the member of staff behind the account"`
	Act     string           `query:"act" doc:"an act, or how acts begin: track is track.look too"`
	Subject string           `query:"subject" doc:"id of what was acted on"`
	From    telemetry.Millis `query:"from" doc:"first instant, ms since 1970"`
	To      telemetry.Millis `query:"to" doc:"first instant that is not wanted any more"`
	Before  int64            `query:"before" minimum:"0" doc:"only entries with smaller numbers: the next page"`
	Limit   int              `query:"limit" default:"100" minimum:"1" maximum:"500"`
}

type auditOutput struct{ Body []audit.Line }

type auditExportInput struct {
	From telemetry.Millis `query:"from" doc:"first instant; default: everything"`
}

type auditChainOutput struct{ Body audit.Chain }

func (a *API) registerAudit() {
	register(a, huma.Operation{OperationID: "audit", Method: "GET", Path: "/api/v1/audit", Summary: "Who did and who looked at what, newest first"}, a.audit)
	register(a, huma.Operation{OperationID: "audit-chain", Method: "GET", Path: "/api/v1/audit/chain", Summary: "Walk the whole chain, and say whether every entry is what was written"}, a.auditChain)
	register(a, huma.Operation{OperationID: "audit-export", Method: "GET", Path: "/api/v1/audit/export", Summary: "The chain with its signed head, as JSON lines for hub verify"}, a.auditExport)
}

func (a *API) audit(ctx context.Context, in *auditInput) (*auditOutput, error) {
	list, err := a.deps.Audit.List(ctx, audit.Query{Account: in.Account, Person: in.Person, Act: in.Act, Subject: in.Subject,
		From: in.From, To: in.To, Before: in.Before, Limit: in.Limit})
	return &auditOutput{Body: list}, err
}

func (a *API) auditChain(ctx context.Context, _ *struct{}) (*auditChainOutput, error) {
	r, err := a.deps.Audit.Verify(ctx)
	return &auditChainOutput{Body: r}, err
}

func (a *API) auditExport(ctx context.Context, in *auditExportInput) (*huma.StreamResponse, error) {
	name := "audit-" + a.deps.Clock().UTC().Format("20060102-150405") + ".jsonl"
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/jsonl")
		hc.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
		hc.SetHeader("Cache-Control", neverKept)
		if err := a.deps.Audit.Export(ctx, hc.BodyWriter(), in.From); err != nil {
			a.deps.Log.Error("an export of the audit log was broken off; it lacks what its head names", "error", err)
		}
	}}, nil
}

// began writes down that somebody signed in. Who cannot be written down is not
// let in.
func (a *API) began(ctx context.Context, p identity.Principal) error {
	return a.record(context.WithValue(ctx, principalKey{}, p), audit.Entry{Act: "session.begin"}, false)
}

// turnedAwayAs writes down that somebody could not sign in. Only the name of an
// account is kept: people type passwords there, and numbers. Who is locked out
// is written down once in a while.
func (a *API) turnedAwayAs(ctx context.Context, account string, err error) error {
	all, listing := a.deps.Accounts.Accounts(ctx)
	if !slices.ContainsFunc(all, func(known people.Account) bool { return known.Name == account }) || listing != nil {
		account = ""
	}
	answer := status(err)
	e := audit.Entry{Act: "session.refuse", Subject: account, Detail: map[string]string{"failed": failure(answer)}}
	if err := a.record(ctx, e, errors.Is(err, people.ErrLocked)); err != nil {
		return err
	}
	return answer
}
