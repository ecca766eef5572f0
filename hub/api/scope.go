package api

import (
	"context"
	"net/http"
	"slices"

	"gridhub/hub/identity"
	"gridhub/hub/tasks"

	"github.com/danielgtaylor/huma/v2"
)

// How an operation treats roles that are bounded to a department, a grid or the
// person's own. An operation that is not named in within treats them as if they
// were not held: whoever adds one decides.
type bounds int

const (
	streetOnly bounds = iota // its answer cannot be cut to a scope: a bounded role does not count
	open                     // it shows nothing of anybody's work: every role counts
	cut                      // every role counts; the guards cut the answer to what its scopes reach
)

var bounded = map[string]bounds{
	"sign-out": open, "me": open, "street": open, "grids": open, "roads": open, "ground": open, "matters": open,
	"bind-terminal": open, "set-duty": open, "check-in": open, "routes": open, "figures-definitions": open, "health": open,
	"series": open, "ledger": open, "gateways": open, "faults": open, "clocks": open, "logbook": open,
	"device-controls": open, "device-commands": open, "device-command": open,

	"my-sessions": open, "end-my-session": open, "end-my-sessions": open, "change-password": open,
	"second-factor": open, "begin-second-factor": open, "confirm-second-factor": open, "remove-second-factor": open,
	"absences": cut, "set-absence": cut, "end-absence": cut,

	"cases": cut, "case": cut, "report": cut, "command": cut, "candidates": cut, "hazards": cut, "alike": cut, "merge": cut, "part": cut,
	"put-evidence": cut, "evidence-file": cut, "seals": cut, "seal-file": cut, "seal-redacted": cut,
	"upload": cut, "upload-offset": open, "upload-piece": open, "upload-drop": open, // an account's uploads are its own
	"recordings": cut,
	"people":     cut, "track": cut, "patrols": cut, "devices": cut, "stream": cut,
	"figures": cut, "figures-table": cut, "figures-cases": cut,
}

// counted are the roles of p that count for an operation.
func counted(op string, p identity.Principal) []identity.Role {
	return slices.DeleteFunc(slices.Clone(p.Roles), func(r identity.Role) bool {
		return !slices.Contains(access[op], r) || bounded[op] == streetOnly && p.Bounded(r)
	})
}

type rolesKey struct{}

// reach is what the roles that count for this operation reach of people and
// cases. Outside of an operation it reaches nothing.
func (a *API) reach(ctx context.Context) identity.Reach {
	roles, _ := ctx.Value(rolesKey{}).([]identity.Role)
	return a.reachOf(ctx, who(ctx), slices.DeleteFunc(slices.Clone(roles), func(r identity.Role) bool { return slices.Contains(craft, r) })...)
}

func (a *API) reachOf(ctx context.Context, p identity.Principal, roles ...identity.Role) identity.Reach {
	for _, r := range roles {
		if slices.Contains(p.ScopesOf(r), identity.Street) {
			return identity.Reach{Street: true}
		}
	}
	if a.deps.Reach == nil {
		return identity.Reach{}
	}
	return a.deps.Reach(ctx, p, roles...)
}

// there is the principal with only those roles whose scopes reach a case: who
// is a dispatcher in one grid is none in the next.
func (a *API) there(ctx context.Context, c *tasks.Case) identity.Principal {
	p := who(ctx)
	p.Roles = slices.DeleteFunc(slices.Clone(p.Roles), func(r identity.Role) bool {
		return !a.reachOf(ctx, p, r).Sees(c.Marks, c.Hands())
	})
	return p
}

// reached are those of the cases that are within reach.
func (a *API) reached(ctx context.Context, ids ...identity.CaseID) (map[identity.CaseID]bool, error) {
	r := a.reach(ctx)
	out := make(map[identity.CaseID]bool, len(ids))
	for some := range slices.Chunk(ids, askAtOnce) {
		found, err := a.unguarded.Find(ctx, tasks.Filter{Within: &r, Cases: some, Limit: len(some)})
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			out[id] = true
		}
	}
	return out, nil
}

// askAtOnce bounds the cases that one question of reached names.
const askAtOnce = 500

// readable is nil for a case within reach, else what is said of one that is not
// there: nobody learns what exists elsewhere.
func (a *API) readable(ctx context.Context, id identity.CaseID) error {
	if a.reach(ctx).Street {
		return nil
	}
	seen, err := a.reached(ctx, id)
	if err == nil && !seen[id] {
		err = tasks.ErrNotFound
	}
	return err
}

// writable is nil for a case within reach. Who acts is told why it cannot be.
func (a *API) writable(ctx context.Context, id identity.CaseID) error {
	if err := a.readable(ctx, id); err != nil {
		if there, e := a.unguarded.Find(ctx, tasks.Filter{Cases: []identity.CaseID{id}}); e == nil && len(there) == 0 {
			return err
		}
		return errBeyond
	}
	return nil
}

var errBeyond = huma.NewError(http.StatusForbidden, "this is not within your scope")

// staffWithin are the persons within reach.
func (a *API) staffWithin(ctx context.Context) (func(identity.PersonID) bool, error) {
	r := a.reach(ctx)
	if r.Street || len(r.Marks) == 0 {
		return func(identity.PersonID) bool { return r.Street }, nil
	}
	all, err := a.deps.Staff.List(ctx) // guarded
	if err != nil {
		return nil, err
	}
	in := make(map[identity.PersonID]bool, len(all))
	for _, s := range all {
		in[s.ID] = true
	}
	return func(p identity.PersonID) bool { return in[p] }, nil
}
