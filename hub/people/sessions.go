package people

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// Signing in, in time.
const (
	sessionIdle  = 30 * time.Minute // at the desk
	fieldIdle    = 14 * 24 * time.Hour
	maxFailures  = 5
	lockTime     = 15 * time.Minute
	maxLockState = 10_000 // entries of failures, and of sessions that are believed
)

type failure struct {
	n     int
	until time.Time
}

type cached struct {
	who  identity.Principal
	till time.Time
}

// dummy is compared for unknown accounts, so that they take as long.
var dummy = sync.OnceValue(func() string { return hashPassword(random()) })

// Attempt is what somebody shows to sign in. Code is of the second factor, or
// one of the recovery codes; Agent names the browser for the list of sessions.
type Attempt struct {
	Account, Password, Code string
	From, Agent             string
}

// SignIn checks a password, and where the account has one the second factor,
// and opens a session. ErrSecondFactor says that all was right but the code,
// which was not given: the same again with a code will do.
func (a *Accounts) SignIn(ctx context.Context, t Attempt) (string, identity.Principal, error) {
	key := [2]string{t.Account, t.From}
	if a.locked(key) {
		return "", identity.Principal{}, ErrLocked
	}
	_, stored, err := a.find(ctx, t.Account)
	known := err == nil
	if !known {
		if !errors.Is(err, sql.ErrNoRows) && !errors.Is(err, ErrDisabled) {
			return "", identity.Principal{}, err
		}
		stored = dummy()
	}
	if !matches(stored, t.Password) || !known {
		a.failed(key)
		return "", identity.Principal{}, ErrCredentials
	}
	if err := a.Prove(ctx, t.Account, t.Code); err != nil {
		return "", identity.Principal{}, err
	}
	a.mu.Lock()
	delete(a.failures, key)
	a.mu.Unlock()
	session, err := a.open(ctx, t, "password")
	if err != nil {
		return "", identity.Principal{}, err
	}
	p, err := a.Session(ctx, session)
	return session, p, err
}

// open begins a session that was signed into in a given way.
func (a *Accounts) open(ctx context.Context, t Attempt, via string) (string, error) {
	session, now := random(), a.now().UnixMilli()
	agent := []rune(t.Agent)
	return session, a.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO sessions (hash, account, created, seen, remote, agent, via) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			digest(session), t.Account, now, now, t.From, string(agent[:min(len(agent), maxAgent)]), via)
		return err
	})
}

// maxAgent bounds what is kept of a browser's name, in characters.
const maxAgent = 200

// find reads an account that may sign in. Errors: sql.ErrNoRows, ErrDisabled.
func (a *Accounts) find(ctx context.Context, account string) (p identity.Principal, stored string, err error) {
	var roles, scopes []byte
	var disabled int
	p.Account = account
	err = a.db.QueryRow(ctx, `SELECT person, roles, scopes, password, disabled FROM accounts WHERE name = ?`, account).
		Scan(&p.Person, &roles, &scopes, &stored, &disabled)
	switch {
	case err != nil:
		return p, "", err
	case disabled != 0:
		return p, "", ErrDisabled
	}
	return p, stored, errors.Join(json.Unmarshal(roles, &p.Roles), json.Unmarshal(scopes, &p.Scopes))
}

func (a *Accounts) locked(key [2]string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now().Before(a.failures[key].until)
}

func (a *Accounts) failed(key [2]string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.failures) >= maxLockState {
		for k := range a.failures { // any one: an attacker with ten thousand addresses forgets one of them
			delete(a.failures, k)
			break
		}
	}
	f := a.failures[key]
	f.n++
	if f.n >= maxFailures {
		f = failure{until: a.now().Add(lockTime)}
	}
	a.failures[key] = f
}

// SignOut ends a session at once.
func (a *Accounts) SignOut(ctx context.Context, session string) error {
	h := digest(session)
	a.mu.Lock()
	delete(a.cache, h)
	a.mu.Unlock()
	return a.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE hash = ?`, h)
		return err
	})
}

// forget makes every session be looked up again.
func (a *Accounts) forget() {
	a.mu.Lock()
	clear(a.cache)
	a.mu.Unlock()
}

// cacheTime is how long a session is believed without asking the store, and so
// how long a change of roles may take to act.
const cacheTime = 5 * time.Second

// Session returns who a session belongs to. A desk's session ends after half
// an hour without a request; a handheld's lives two weeks, because its worker
// wears gloves.
func (a *Accounts) Session(ctx context.Context, session string) (identity.Principal, error) {
	h := digest(session)
	a.mu.Lock()
	c, ok := a.cache[h]
	a.mu.Unlock()
	if ok && a.now().Before(c.till) {
		return c.who, nil
	}
	var account, via string
	var seen int64
	if err := a.db.QueryRow(ctx, `SELECT account, seen, via FROM sessions WHERE hash = ?`, h).Scan(&account, &seen, &via); err != nil {
		return identity.Principal{}, ErrCredentials
	}
	p, _, err := a.find(ctx, account)
	if err != nil {
		return identity.Principal{}, ErrCredentials
	}
	if p.Unproven, err = a.unproven(ctx, p, via); err != nil {
		return identity.Principal{}, err
	}
	if a.now().Sub(telemetry.Millis(seen).Time()) > idle(p) {
		return identity.Principal{}, errors.Join(ErrCredentials, a.SignOut(ctx, session))
	}
	return p, a.touch(ctx, h, p, seen)
}

// Alive returns who a session belongs to as long as nobody has ended it, and
// does not count as using it: for what was opened once and stays open.
func (a *Accounts) Alive(ctx context.Context, session string) (identity.Principal, error) {
	var account, via string
	if err := a.db.QueryRow(ctx, `SELECT account, via FROM sessions WHERE hash = ?`, digest(session)).Scan(&account, &via); err != nil {
		return identity.Principal{}, ErrCredentials
	}
	p, _, err := a.find(ctx, account)
	if err != nil {
		return identity.Principal{}, ErrCredentials
	}
	p.Unproven, err = a.unproven(ctx, p, via)
	return p, err
}

func idle(p identity.Principal) time.Duration {
	if len(p.Roles) == 1 && p.Roles[0] == identity.Handler {
		return fieldIdle
	}
	return sessionIdle
}

// touch remembers that the session was used; it writes at most once a minute.
func (a *Accounts) touch(ctx context.Context, hash string, p identity.Principal, seen int64) error {
	now := a.now()
	a.mu.Lock()
	if len(a.cache) > maxLockState {
		clear(a.cache)
	}
	a.cache[hash] = cached{who: p, till: now.Add(cacheTime)}
	a.mu.Unlock()
	if now.UnixMilli()-seen < time.Minute.Milliseconds() {
		return nil
	}
	return a.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE sessions SET seen = ? WHERE hash = ?`, now.UnixMilli(), hash)
		return err
	})
}
