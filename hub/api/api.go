// Package api is the hub's HTTP: JSON operations whose OpenAPI document is
// generated from the Go types, server-sent events for the screens, and
// sessions. It asks its features through narrow interfaces and decides one
// thing itself: who may call what (see access.go), deny by default.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"gridhub/hub/identity"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Deps are the features behind the operations. All are required, except in
// Spec, which calls none of them.
type Deps struct {
	Audit       Audit
	Accounts    Accounts
	Enrolments  Enrolments
	Absences    Absences
	Import      StaffImport
	OIDC        OIDC // nil: no identity provider
	Terminals   Terminals
	Street      Street
	Staff       Staff
	Tracks      Tracks
	Now         Snapshot
	Changes     Changes
	History     History
	Cases       Cases
	Hazards     Hazards
	Dispatch    Dispatch
	Evidence    Evidence
	Uploads     Uploads
	Forecast    Forecast
	Archive     Archive
	Recordings  Recordings
	Hotline     Hotline
	Alike       Alike
	Merger      Merger
	Patrols     Patrols
	Figures     Figures
	FiguresOf   func(identity.Reach) Figures // of what is within reach
	Reach       func(context.Context, identity.Principal, ...identity.Role) identity.Reach
	Reports     Reports
	Quarantine  Quarantine
	Ledger      Ledger
	Gateways    Gateways
	Cameras     Cameras
	Care        Care
	Residents   Residents
	Commands    Commands
	CommandKeys CommandKeys
	Health      Health
	Faults      Faults
	Clocks      Clocks
	Clock       func() time.Time
	Log         *slog.Logger
}

// API is an http.Handler for everything below /api/.
type API struct {
	deps      Deps  // behind guards: see guarded
	unguarded Cases // for the guards alone
	mux       *http.ServeMux
	huma      huma.API

	looks looks
}

// New registers every operation. It panics only on a programming error: an
// operation without an entry in the access table.
func New(d Deps) *API {
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("gridhub", "1")
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "/api/v1/openapi", "", "/api/v1/schemas"
	cfg.CreateHooks = nil // no $schema links in bodies
	a := &API{mux: mux, huma: humago.New(mux, cfg)}
	a.deps = a.guarded(d)
	a.huma.UseMiddleware(withRemote, a.authorize)
	a.registerAudit()
	a.registerSession()
	a.registerEnrolments()
	a.registerStreet()
	a.registerDevices()
	a.registerGateways()
	a.registerCameras()
	a.registerFaults()
	a.registerCare()
	a.registerCommands()
	a.registerCases()
	a.registerUploads()
	a.registerForecast()
	a.registerArchive()
	a.registerRecordings()
	a.registerHotline()
	a.registerResidents()
	a.registerAlike()
	a.registerPatrols()
	a.registerFigures()
	a.registerSystem()
	a.registerStream()
	return a
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Spec returns the OpenAPI document, as the front end's types are made of.
func Spec() ([]byte, error) { return New(Deps{}).huma.OpenAPI().YAML() }
