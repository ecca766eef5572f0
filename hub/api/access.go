package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"gridhub/hub/audit"
	"gridhub/hub/identity"

	"github.com/danielgtaylor/huma/v2"
)

// anyone marks operations that need no session; signedIn those that need one
// but no particular role.
var (
	anyone   = []identity.Role{"*"}
	signedIn = identity.Roles
	desk     = []identity.Role{identity.Viewer, identity.CallTaker, identity.Dispatcher, identity.Checker, identity.Head, identity.Auditor, identity.Admin}
	auditors = []identity.Role{identity.Auditor, identity.Admin}
	works    = append(slices.Clone(craft), desk...)
	inside   = append([]identity.Role{identity.Handler}, desk...)
)

// access says which roles may call an operation. An operation that is not here
// cannot be registered: whoever adds one decides who may call it.
var access = map[string][]identity.Role{
	"setup-state": anyone,
	"setup-claim": anyone,
	"sign-in":     anyone,
	"sign-out":    signedIn,
	"me":          signedIn,

	"my-sessions": signedIn, "end-my-session": signedIn, "end-my-sessions": signedIn, "change-password": signedIn,
	"second-factor": signedIn, "begin-second-factor": signedIn, "confirm-second-factor": signedIn, "remove-second-factor": signedIn,
	"oidc": anyone, "oidc-start": anyone, "oidc-callback": anyone,

	"accounts":             {identity.Admin},
	"put-account":          {identity.Admin},
	"change-account":       {identity.Admin},
	"set-password":         {identity.Admin},
	"reset-second-factor":  {identity.Admin},
	"account-sessions":     {identity.Admin},
	"end-account-sessions": {identity.Admin},

	"absences":       desk,
	"set-absence":    {identity.Dispatcher, identity.Head, identity.Admin},
	"end-absence":    {identity.Dispatcher, identity.Head, identity.Admin},
	"staff-template": {identity.Admin},
	"import-staff":   {identity.Admin},

	"bind-terminal": {identity.Handler, identity.Dispatcher},
	"set-duty":      {identity.Handler, identity.Dispatcher},

	"street": signedIn,
	"grids":  signedIn,
	"roads":  signedIn,
	"ground": signedIn,
	"people": desk,
	"track":  {identity.Dispatcher, identity.Head, identity.Auditor, identity.Admin},

	"devices":  works,
	"series":   append(slices.Clone(craft), inside...),
	"ledger":   works,
	"gateways": works,
	"cameras":  works,
	"faults":   works,
	"clocks":   works,

	"logbook":     works,
	"maintain":    {identity.Installer, identity.Dispatcher, identity.Admin},
	"give-device": {identity.Installer, identity.Dispatcher, identity.Admin},

	"device-controls": commandReaders,
	"send-command":    commanders,
	"device-commands": commandReaders,
	"device-command":  commandReaders,
	"command-keys":    anyone, // who verifies pins the key, not the account that fetched it
	"invite":          {identity.Admin, identity.Installer},
	"identities":      {identity.Admin, identity.Installer, identity.Auditor},
	"revoke":          {identity.Admin},
	"enrol":           anyone, // the one-time code is the ticket
	"enrol-renew":     anyone, // the certificate of the connection is

	"matters":       signedIn,
	"cases":         inside,
	"report":        {identity.Handler, identity.CallTaker, identity.Dispatcher},
	"case":          inside,
	"command":       {identity.Handler, identity.CallTaker, identity.Dispatcher, identity.Checker, identity.Head},
	"candidates":    {identity.Dispatcher, identity.Head},
	"hazards":       inside,
	"put-evidence":  {identity.Handler, identity.Dispatcher, identity.Checker},
	"evidence-file": inside,
	"forecast":      desk,
	"upload":        {identity.Handler, identity.Dispatcher, identity.Checker}, // as put-evidence
	"upload-offset": {identity.Handler, identity.Dispatcher, identity.Checker},
	"upload-piece":  {identity.Handler, identity.Dispatcher, identity.Checker},
	"upload-drop":   {identity.Handler, identity.Dispatcher, identity.Checker},

	"alike": desk,
	"merge": {identity.CallTaker, identity.Dispatcher},
	"part":  {identity.CallTaker, identity.Dispatcher},

	"import-hotline":   {identity.CallTaker, identity.Dispatcher, identity.Admin},
	"hotline-imports":  {identity.CallTaker, identity.Dispatcher, identity.Auditor, identity.Admin},
	"hotline-import":   {identity.CallTaker, identity.Dispatcher, identity.Auditor, identity.Admin},
	"hotline-rejected": {identity.CallTaker, identity.Dispatcher, identity.Admin}, // it shows callers' words
	"hotline-orders":   {identity.CallTaker, identity.Dispatcher},

	"seals":         desk,
	"seal-file":     {identity.Head, identity.Auditor, identity.Admin}, // it holds names, numbers and all photos
	"seal-redacted": desk,
	"checkpoints":   desk,
	"archive-key":   anyone, // who verifies trusts the key, not the account that fetched it

	"audit":        auditors,
	"audit-chain":  auditors,
	"audit-export": auditors,

	"routes":   inside,
	"patrols":  inside,
	"check-in": {identity.Handler},
	"figures":  desk,

	"public-street":    anyone, // the open door: each of these has an allowance per network
	"public-grids":     anyone,
	"public-roads":     anyone,
	"public-ground":    anyone,
	"public-nearby":    anyone,
	"public-report":    anyone,
	"public-follow":    anyone, // the code is the ticket
	"public-add-photo": anyone,
	"public-photo":     anyone,
	"public-rate":      anyone,
	"public-reopen":    anyone,

	"figures-table":       desk,
	"figures-cases":       desk,
	"figures-definitions": desk,
	"reports":             desk,
	"report-file":         desk,

	"recordings":     desk,
	"recording":      desk,
	"play-recording": players,
	"recording-part": players,
	"record-call":    {identity.Dispatcher},

	"quarantine-causes": {identity.Admin, identity.Installer, identity.Auditor},
	"quarantine":        {identity.Admin, identity.Installer, identity.Auditor},
	"quarantine-replay": {identity.Admin, identity.Installer},
	"health":            works,
	"stream":            works, // the desk sees where everybody is, installers devices alone
}

// register adds an operation that the access table names, and that is recorded
// if acts does.
func register[I, O any](a *API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	declared(op.OperationID)
	if act, is := acts[op.OperationID]; is {
		handler = recorded(a, act, handler)
	}
	huma.Register(a.huma, op, handler)
}

func declared(id string) {
	if len(access[id]) == 0 {
		panic(fmt.Sprintf("api: operation %q has no entry in the access table", id))
	}
}

type principalKey struct{}

// who returns the principal that authorize found.
func who(ctx context.Context) identity.Principal {
	p, _ := ctx.Value(principalKey{}).(identity.Principal)
	return p
}

// authorize runs before every operation: it finds the session's principal and
// compares its roles with the access table. Deny is the default.
func (a *API) authorize(ctx huma.Context, next func(huma.Context)) {
	allowed := access[ctx.Operation().OperationID]
	if len(allowed) == 1 && allowed[0] == "*" {
		next(ctx)
		return
	}
	p, err := a.principal(ctx)
	if err != nil {
		_ = huma.WriteErr(a.huma, ctx, http.StatusUnauthorized, "sign in first")
		return
	}
	roles := counted(ctx.Operation().OperationID, p)
	if len(roles) == 0 {
		refused := audit.Entry{Act: "access.refuse", Subject: ctx.Operation().OperationID}
		_ = a.record(huma.WithValue(ctx, principalKey{}, p).Context(), refused, true) // logged; it is refused all the same
		_ = huma.WriteErr(a.huma, ctx, http.StatusForbidden, fmt.Sprintf("account %s may not do this", p.Account))
		return
	}
	if p.Unproven && !slices.Contains(unproven, ctx.Operation().OperationID) {
		_ = huma.WriteErr(a.huma, ctx, http.StatusForbidden, "set up a second factor first", &huma.ErrorDetail{Message: "second-factor"})
		return
	}
	next(huma.WithValue(huma.WithValue(ctx, principalKey{}, p), rolesKey{}, roles))
}

func (a *API) principal(ctx huma.Context) (identity.Principal, error) {
	c, err := huma.ReadCookie(ctx, SessionCookie)
	if err != nil {
		return identity.Principal{}, err
	}
	return a.deps.Accounts.Session(ctx.Context(), c.Value)
}

// Principal finds who sent a request outside the operations, by its session
// cookie: for the sockets that are mounted beside the API.
func (a *API) Principal(r *http.Request) (identity.Principal, error) {
	c, err := r.Cookie(SessionCookie)
	if err != nil {
		return identity.Principal{}, err
	}
	return a.deps.Accounts.Session(r.Context(), c.Value)
}
