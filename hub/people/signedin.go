package people

import (
	"context"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// SignedIn is one session as its owner sees it. ID names it and opens nothing.
type SignedIn struct {
	ID      string           `json:"id"`
	Since   telemetry.Millis `json:"since"`
	Seen    telemetry.Millis `json:"seen" doc:"within a minute"`
	From    string           `json:"from"`
	Agent   string           `json:"agent"`
	Via     string           `json:"via" enum:"password,oidc"`
	Current bool             `json:"current" doc:"the one that asks"`
}

// idBytes is how much of a session's hash names it.
const idBytes = 16

// Sessions lists where an account is signed in, the newest first; current is the
// session that asks. Those that have run out are left out.
func (a *Accounts) Sessions(ctx context.Context, account, current string) ([]SignedIn, error) {
	p, _, err := a.find(ctx, account)
	if err != nil {
		return nil, ErrNoAccount
	}
	rows, err := a.db.Query(ctx, `SELECT hash, created, seen, remote, agent, via FROM sessions WHERE account = ? AND seen > ? ORDER BY created DESC, hash`,
		account, a.now().Add(-idle(p)).UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []SignedIn{}
	for rows.Next() {
		var s SignedIn
		var hash string
		if err := rows.Scan(&hash, &s.Since, &s.Seen, &s.From, &s.Agent, &s.Via); err != nil {
			return nil, err
		}
		s.ID, s.Current = hash[:idBytes], hash == digest(current)
		out = append(out, s)
	}
	return out, rows.Err()
}

// EndSession ends one session of an account, named as Sessions does.
func (a *Accounts) EndSession(ctx context.Context, account, id string) error {
	if len(id) != idBytes {
		return ErrNoSession
	}
	n, err := a.end(ctx, `account = ? AND substr(hash, 1, ?) = ?`, account, idBytes, id)
	if err == nil && n == 0 {
		return ErrNoSession
	}
	return err
}

// EndSessions ends all sessions of an account but the one that is kept, if any.
func (a *Accounts) EndSessions(ctx context.Context, account, keep string) error {
	_, err := a.end(ctx, `account = ? AND hash <> ?`, account, digest(keep))
	return err
}

func (a *Accounts) end(ctx context.Context, which string, args ...any) (n int64, err error) {
	err = a.db.Write(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.Exec(ctx, `DELETE FROM sessions WHERE `+which, args...)
		return err
	})
	a.forget()
	return n, err
}

// Foreign is somebody whom an identity provider vouches for.
type Foreign struct {
	Subject string // the provider's own name of the person, never reused
	Account string // the account's name here
	Person  identity.PersonID
	Roles   []identity.Role // as the provider's groups say
	Scopes  map[identity.Role][]identity.Scope
	Create  bool // an account that is not there may be made
}

// SignInForeign opens a session for somebody whom a provider vouches for. The
// account must be there and await somebody, unless it may be made; it belongs to the
// subject that came first. Roles are what the provider says, each time anew, if it says any.
func (a *Accounts) SignInForeign(ctx context.Context, f Foreign, from, agent string) (string, identity.Principal, error) {
	if err := a.adopt(ctx, f); err != nil {
		return "", identity.Principal{}, err
	}
	a.forget()
	if _, _, err := a.find(ctx, f.Account); err != nil {
		return "", identity.Principal{}, ErrDisabled
	}
	session, err := a.open(ctx, Attempt{Account: f.Account, From: from, Agent: agent}, "oidc")
	if err != nil {
		return "", identity.Principal{}, err
	}
	p, err := a.Session(ctx, session)
	return session, p, err
}

// adopt brings an account in line with what the provider says of its owner.
func (a *Accounts) adopt(ctx context.Context, f Foreign) error {
	all, err := a.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, acc := range all {
		if acc.Name != f.Account {
			continue
		}
		if acc.Subject != f.Subject && acc.Subject != Awaited {
			return ErrNoAccount // a local account, or somebody else of the same name
		}
		if len(f.Roles) > 0 {
			acc.Roles, acc.Scopes = f.Roles, f.Scopes
		}
		return a.claimed(ctx, acc, f.Subject)
	}
	if !f.Create || len(f.Roles) == 0 {
		return ErrNoAccount
	}
	acc := Account{Name: f.Account, Person: f.Person, Roles: f.Roles, Scopes: f.Scopes, Subject: f.Subject}
	return a.db.Write(ctx, func(tx *store.Tx) error { return a.put(ctx, tx, acc, noPassword) })
}

// Awaited is the subject of an account whose owner the provider will name: the
// first who comes under its name.
const Awaited = "?"

// noPassword matches nothing.
const noPassword = "-"

func (a *Accounts) claimed(ctx context.Context, acc Account, subject string) error {
	roles, scopes, err := written(acc)
	if err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE accounts SET subject = ?, roles = ?, scopes = ? WHERE name = ?`, subject, roles, scopes, acc.Name)
		return err
	})
}
