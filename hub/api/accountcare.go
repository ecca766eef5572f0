package api

import (
	"context"
	"fmt"
	"slices"

	"gridhub/hub/identity"
	"gridhub/hub/people"

	"github.com/danielgtaylor/huma/v2"
)

// AccountCare is what administrators do with accounts. Errors:
// people.ErrNoAccount, ErrWeakPassword, ErrInvalid.
type AccountCare interface {
	Change(ctx context.Context, acc people.Account) error
	SetPassword(ctx context.Context, account, password string) error
}

type namedAccountInput struct {
	Account string `path:"account"`
}

type changeAccountInput struct {
	Account string `path:"account"`
	Body    struct {
		Person   identity.PersonID                  `json:"person,omitempty"`
		Roles    []identity.Role                    `json:"roles" minItems:"1"`
		Scopes   map[identity.Role][]identity.Scope `json:"scopes,omitempty"`
		Disabled bool                               `json:"disabled,omitempty" doc:"may not sign in; sessions end at once"`
		Provider bool                               `json:"provider,omitempty" doc:"signs in at the identity provider"`
	}
}

type setPasswordInput struct {
	Account string `path:"account"`
	Body    struct {
		Password string `json:"password" minLength:"12" maxLength:"256"`
	}
}

func (a *API) registerAccountCare() {
	register(a, huma.Operation{OperationID: "change-account", Method: "POST", Path: "/api/v1/accounts/{account}", Summary: "Change an account's person, roles and scopes; disable it", DefaultStatus: 204}, a.changeAccount)
	register(a, huma.Operation{OperationID: "set-password", Method: "POST", Path: "/api/v1/accounts/{account}/password", Summary: "Give an account a new password; its sessions end", DefaultStatus: 204}, a.setPassword)
	register(a, huma.Operation{OperationID: "reset-second-factor", Method: "DELETE", Path: "/api/v1/accounts/{account}/second-factor", Summary: "Take an account's second factor away; its sessions end", DefaultStatus: 204}, a.resetSecondFactor)
	register(a, huma.Operation{OperationID: "account-sessions", Method: "GET", Path: "/api/v1/accounts/{account}/sessions", Summary: "Where an account is signed in"}, a.accountSessions)
	register(a, huma.Operation{OperationID: "end-account-sessions", Method: "DELETE", Path: "/api/v1/accounts/{account}/sessions", Summary: "End all sessions of an account", DefaultStatus: 204}, a.endAccountSessions)
}

// sound checks what only the hub knows: persons, and departments.
func (a *API) sound(ctx context.Context, acc people.Account) error {
	if err := acc.Validate(); err != nil {
		return status(err)
	}
	if acc.Person != "" {
		if _, err := a.deps.Staff.Person(ctx, acc.Person); err != nil {
			return huma.Error422UnprocessableEntity(err.Error())
		}
	}
	known := a.deps.Street.About().Departments
	for _, list := range acc.Scopes {
		for _, s := range list {
			code := s.Department()
			if code != "" && len(known) > 0 && !slices.ContainsFunc(known, func(d people.Department) bool { return d.Code == code }) {
				return huma.Error422UnprocessableEntity(fmt.Sprintf("scope %s: the street has no such department", s))
			}
		}
	}
	return nil
}

func (a *API) putAccount(ctx context.Context, in *accountInput) (*struct{}, error) {
	acc := people.Account{Name: in.Body.Name, Person: in.Body.Person, Roles: in.Body.Roles, Scopes: in.Body.Scopes}
	if err := a.sound(ctx, acc); err != nil {
		return nil, err
	}
	return nil, status(a.deps.Accounts.Put(ctx, acc, in.Body.Password))
}

func (a *API) changeAccount(ctx context.Context, in *changeAccountInput) (*struct{}, error) {
	acc := people.Account{Name: in.Account, Person: in.Body.Person, Roles: in.Body.Roles, Scopes: in.Body.Scopes, Disabled: in.Body.Disabled}
	if err := a.sound(ctx, acc); err != nil {
		return nil, err
	}
	if me := who(ctx); acc.Name == me.Account && (acc.Disabled || !slices.Contains(acc.Roles, identity.Admin) || len(acc.Scopes[identity.Admin]) > 0) {
		return nil, huma.Error422UnprocessableEntity("nobody takes the administrator's role from oneself: another administrator does")
	}
	if in.Body.Provider {
		acc.Subject = people.Awaited
	}
	all, err := a.deps.Accounts.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, was := range all {
		if was.Name == acc.Name && was.Subject != "" && in.Body.Provider {
			acc.Subject = was.Subject
		}
	}
	return nil, status(a.deps.Accounts.Change(ctx, acc))
}

func (a *API) setPassword(ctx context.Context, in *setPasswordInput) (*struct{}, error) {
	return nil, status(a.deps.Accounts.SetPassword(ctx, in.Account, in.Body.Password))
}

func (a *API) resetSecondFactor(ctx context.Context, in *namedAccountInput) (*struct{}, error) {
	return nil, status(a.deps.Accounts.RemoveSecondFactor(ctx, in.Account))
}

func (a *API) accountSessions(ctx context.Context, in *namedAccountInput) (*sessionsOutput, error) {
	list, err := a.deps.Accounts.Sessions(ctx, in.Account, "")
	return &sessionsOutput{Body: list}, status(err)
}

func (a *API) endAccountSessions(ctx context.Context, in *namedAccountInput) (*struct{}, error) {
	return nil, status(a.deps.Accounts.EndSessions(ctx, in.Account, ""))
}
