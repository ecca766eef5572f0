package api

import (
	"context"
	"net/http"

	"gridhub/hub/identity"
	"gridhub/hub/people"

	"github.com/danielgtaylor/huma/v2"
)

// OwnAccount is what people do with their own account. Errors: those of
// Accounts, people.ErrCode, ErrNoSession, ErrInvalid.
type OwnAccount interface {
	ChangePassword(ctx context.Context, account, old, password, from, keep string) error
	Sessions(ctx context.Context, account, current string) ([]people.SignedIn, error)
	EndSession(ctx context.Context, account, id string) error
	EndSessions(ctx context.Context, account, keep string) error
	NeedsSecondFactor(p identity.Principal) bool
	BeginSecondFactor(ctx context.Context, account, issuer string) (people.Factor, error)
	ConfirmSecondFactor(ctx context.Context, account, code string) ([]string, error)
	Prove(ctx context.Context, account, code string) error
	RemoveSecondFactor(ctx context.Context, account string) error
}

// unproven are the operations for who must set up a second factor first.
var unproven = []string{"me", "sign-out", "second-factor", "begin-second-factor", "confirm-second-factor", "change-password", "street"}

// SecondFactor is how an account stands.
type SecondFactor struct {
	On     bool `json:"on"`
	Needed bool `json:"needed" doc:"a role of the account demands one"`
}

type ownInput struct {
	Session string `cookie:"gridhub_session"`
}

type ownSessionInput struct {
	ID string `path:"session"`
}

type sessionsOutput struct{ Body []people.SignedIn }

type passwordInput struct {
	Session string `cookie:"gridhub_session"`
	Body    struct {
		Old      string `json:"old" maxLength:"256"`
		Password string `json:"password" minLength:"12" maxLength:"256"`
	}
}

type codeInput struct {
	Body struct {
		Code string `json:"code" minLength:"6" maxLength:"40"`
	}
}

type secondFactorOutput struct{ Body SecondFactor }

type factorOutput struct {
	Body struct {
		people.Factor
		QR Drawing `json:"qr"`
	}
}

// Drawing is a picture of one colour: the path of an SVG of Size by Size.
type Drawing struct {
	Size int    `json:"size"`
	Path string `json:"path"`
}

type recoveryOutput struct {
	Body struct {
		Codes []string `json:"codes" doc:"each signs in once in place of a code; shown this once"`
	}
}

func (a *API) registerOwnAccount() {
	register(a, huma.Operation{OperationID: "my-sessions", Method: "GET", Path: "/api/v1/me/sessions", Summary: "Where I am signed in"}, a.mySessions)
	register(a, huma.Operation{OperationID: "end-my-session", Method: "DELETE", Path: "/api/v1/me/sessions/{session}", Summary: "End one of my sessions", DefaultStatus: 204}, a.endMySession)
	register(a, huma.Operation{OperationID: "end-my-sessions", Method: "DELETE", Path: "/api/v1/me/sessions", Summary: "End all my sessions but this one", DefaultStatus: 204}, a.endMySessions)
	register(a, huma.Operation{OperationID: "change-password", Method: "POST", Path: "/api/v1/me/password", Summary: "Change my password; my other sessions end", DefaultStatus: 204}, a.changePassword)
	register(a, huma.Operation{OperationID: "second-factor", Method: "GET", Path: "/api/v1/me/second-factor", Summary: "Whether I have a second factor, and need one"}, a.secondFactor)
	register(a, huma.Operation{OperationID: "begin-second-factor", Method: "POST", Path: "/api/v1/me/second-factor", Summary: "Make a secret for an authenticator app; it counts once its first code was shown"}, a.beginSecondFactor)
	register(a, huma.Operation{OperationID: "confirm-second-factor", Method: "POST", Path: "/api/v1/me/second-factor/code", Summary: "Show the first code; the answer holds the recovery codes"}, a.confirmSecondFactor)
	register(a, huma.Operation{OperationID: "remove-second-factor", Method: "POST", Path: "/api/v1/me/second-factor/removal", Summary: "Do without a second factor; all my sessions end", DefaultStatus: 204}, a.removeSecondFactor)
}

func (a *API) mySessions(ctx context.Context, in *ownInput) (*sessionsOutput, error) {
	list, err := a.deps.Accounts.Sessions(ctx, who(ctx).Account, in.Session)
	return &sessionsOutput{Body: list}, status(err)
}

func (a *API) endMySession(ctx context.Context, in *ownSessionInput) (*struct{}, error) {
	return nil, status(a.deps.Accounts.EndSession(ctx, who(ctx).Account, in.ID))
}

func (a *API) endMySessions(ctx context.Context, in *ownInput) (*struct{}, error) {
	return nil, status(a.deps.Accounts.EndSessions(ctx, who(ctx).Account, in.Session))
}

func (a *API) changePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	err := a.deps.Accounts.ChangePassword(ctx, who(ctx).Account, in.Body.Old, in.Body.Password, from(ctx), in.Session)
	return nil, notMine(status(err))
}

// notMine turns a 401, which would sign the page out, into a 403: the session is
// good, what was typed into it is not.
func notMine(err error) error {
	if e, ok := err.(huma.StatusError); ok && e.GetStatus() == http.StatusUnauthorized {
		return huma.Error403Forbidden(e.Error())
	}
	return err
}

func (a *API) secondFactor(ctx context.Context, _ *struct{}) (*secondFactorOutput, error) {
	all, err := a.deps.Accounts.Accounts(ctx)
	out := &secondFactorOutput{}
	for _, acc := range all {
		out.Body.On = out.Body.On || acc.Name == who(ctx).Account && acc.SecondFactor
	}
	out.Body.Needed = a.deps.Accounts.NeedsSecondFactor(who(ctx))
	return out, err
}

func (a *API) beginSecondFactor(ctx context.Context, _ *struct{}) (*factorOutput, error) {
	f, err := a.deps.Accounts.BeginSecondFactor(ctx, who(ctx).Account, "gridhub")
	if err != nil {
		return nil, status(err)
	}
	out := &factorOutput{}
	out.Body.Factor = f
	out.Body.QR.Size, out.Body.QR.Path, err = people.Draw(f.URI)
	return out, err
}

func (a *API) confirmSecondFactor(ctx context.Context, in *codeInput) (*recoveryOutput, error) {
	codes, err := a.deps.Accounts.ConfirmSecondFactor(ctx, who(ctx).Account, in.Body.Code)
	out := &recoveryOutput{}
	out.Body.Codes = codes
	return out, notMine(status(err))
}

func (a *API) removeSecondFactor(ctx context.Context, in *codeInput) (*struct{}, error) {
	if a.deps.Accounts.NeedsSecondFactor(who(ctx)) {
		return nil, huma.Error422UnprocessableEntity("a role of this account demands a second factor: an administrator can reset it")
	}
	if err := a.deps.Accounts.Prove(ctx, who(ctx).Account, in.Body.Code); err != nil {
		return nil, notMine(status(err))
	}
	return nil, status(a.deps.Accounts.RemoveSecondFactor(ctx, who(ctx).Account))
}
