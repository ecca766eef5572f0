package api

import (
	"context"
	"net/http"

	"gridhub/devices"
	"gridhub/hub/identity"
	"gridhub/hub/people"

	"github.com/danielgtaylor/huma/v2"
)

// Accounts signs people in and out. Errors: people.ErrSetupDone, ErrToken,
// ErrCredentials, ErrLocked, ErrWeakPassword.
type Accounts interface {
	SetupNeeded(ctx context.Context) (bool, error)
	Claim(ctx context.Context, token, account, password string) error
	SignIn(ctx context.Context, t people.Attempt) (session string, p identity.Principal, err error)
	SignOut(ctx context.Context, session string) error
	Session(ctx context.Context, session string) (identity.Principal, error)
	// Alive is Session for what stays open: it does not count as using it.
	Alive(ctx context.Context, session string) (identity.Principal, error)
	Accounts(ctx context.Context) ([]people.Account, error)
	Put(ctx context.Context, acc people.Account, password string) error
	OwnAccount
	AccountCare
}

// Terminals binds handhelds to people.
type Terminals interface {
	// Bind gives person a terminal: the id to connect with and its secret,
	// shown once. A known id of the same person gets a new secret.
	Bind(ctx context.Context, person identity.PersonID, known devices.ID, label string) (id devices.ID, secret string, err error)
}

// Me is who is signed in.
type Me struct {
	Account string            `json:"account"`
	Person  identity.PersonID `json:"person,omitempty"`
	Roles   []identity.Role   `json:"roles"`
	Staff   *people.Staff     `json:"staff,omitempty"`
	OnDuty  bool              `json:"on_duty"`

	Scopes   map[identity.Role][]identity.Scope `json:"scopes,omitempty" doc:"what bounds the roles; those that are not named are not bounded"`
	For      []identity.PersonID                `json:"for,omitempty" doc:"the absent for whom the person stands in"`
	Unproven bool                               `json:"unproven,omitempty" doc:"a second factor must be set up before anything else"`
}

type setupState struct {
	Body struct {
		Needed bool `json:"needed" doc:"true until the one-time setup token was used"`
	}
}

type claimInput struct {
	Body struct {
		Token    string `json:"token" doc:"printed at the first start and kept in the data folder, mode 0600"`
		Account  string `json:"account" minLength:"2" maxLength:"64"`
		Password string `json:"password" minLength:"12" maxLength:"256"`
	}
}

type signInInput struct {
	Agent string `header:"User-Agent"`
	Body  struct {
		Account  string `json:"account" maxLength:"64"`
		Password string `json:"password" maxLength:"256"`
		Code     string `json:"code,omitempty" maxLength:"40" doc:"of the second factor, or a recovery code; an answer of 401 with the detail second-factor asks for it"`
	}
}

type meOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      Me
}

type accountsOutput struct{ Body []people.Account }

type accountInput struct {
	Body struct {
		Name     string            `json:"name" minLength:"2" maxLength:"64"`
		Person   identity.PersonID `json:"person,omitempty" doc:"the member of staff, by number"`
		Roles    []identity.Role   `json:"roles" minItems:"1"`
		Password string            `json:"password" minLength:"12" maxLength:"256"`

		Scopes map[identity.Role][]identity.Scope `json:"scopes,omitempty" doc:"bounds of roles: street, own, department:CODE, grid:CODE"`
	}
}

type terminalInput struct {
	Body struct {
		Known devices.ID `json:"known,omitempty" doc:"the id this browser was given earlier"`
		Label string     `json:"label,omitempty" maxLength:"80"`
	}
}

type terminalOutput struct {
	Body struct {
		ID     devices.ID `json:"id" doc:"MQTT client id and username"`
		Secret string     `json:"secret" doc:"MQTT password, shown once"`
		Path   string     `json:"path" doc:"MQTT over WebSocket on this host"`
	}
}

func (a *API) registerSession() {
	register(a, huma.Operation{OperationID: "setup-state", Method: "GET", Path: "/api/v1/setup", Summary: "Does the hub wait for its first administrator?"}, a.setupState)
	register(a, huma.Operation{OperationID: "setup-claim", Method: "POST", Path: "/api/v1/setup", Summary: "Create the first administrator with the one-time token", DefaultStatus: 204}, a.claim)
	register(a, huma.Operation{OperationID: "sign-in", Method: "POST", Path: "/api/v1/session", Summary: "Sign in; sets the session cookie"}, a.signIn)
	register(a, huma.Operation{OperationID: "sign-out", Method: "DELETE", Path: "/api/v1/session", Summary: "Sign out", DefaultStatus: 204}, a.signOut)
	register(a, huma.Operation{OperationID: "me", Method: "GET", Path: "/api/v1/me", Summary: "Who is signed in"}, a.me)
	register(a, huma.Operation{OperationID: "accounts", Method: "GET", Path: "/api/v1/accounts", Summary: "All accounts"}, a.accounts)
	register(a, huma.Operation{OperationID: "put-account", Method: "POST", Path: "/api/v1/accounts", Summary: "Add an account, or change its roles and password", DefaultStatus: 204}, a.putAccount)
	register(a, huma.Operation{OperationID: "bind-terminal", Method: "POST", Path: "/api/v1/terminals", Summary: "Bind this handheld to the person signed in"}, a.bindTerminal)
	a.registerOwnAccount()
	a.registerAccountCare()
	a.registerOIDC()
	a.registerAbsences()
	a.registerStaffImport()
}
