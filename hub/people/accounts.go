package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

const (
	setupLife    = 10 * time.Minute
	sessionIdle  = 30 * time.Minute // at the desk
	fieldIdle    = 14 * 24 * time.Hour
	maxFailures  = 5
	lockTime     = 15 * time.Minute
	maxLockState = 10_000 // entries of failures; the oldest go first
)

// Accounts signs people in. Failures lock (account, address), so that nobody
// can lock somebody else out from elsewhere.
type Accounts struct {
	db  *store.DB
	now func() time.Time

	mu       sync.Mutex
	failures map[[2]string]failure
	cache    map[string]cached // session hash -> principal, for a few seconds
}

type failure struct {
	n     int
	until time.Time
}

type cached struct {
	who  identity.Principal
	till time.Time
}

// OpenAccounts needs the tables of OpenDirectory.
func OpenAccounts(db *store.DB, now func() time.Time) *Accounts {
	return &Accounts{db: db, now: now, failures: map[[2]string]failure{}, cache: map[string]cached{}}
}

// random returns 32 random bytes as text; digest is what is stored of it.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand since Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b)
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// SetupNeeded reports whether there is no account yet.
func (a *Accounts) SetupNeeded(ctx context.Context) (bool, error) {
	var n int
	err := a.db.QueryRow(ctx, `SELECT COUNT(*) FROM accounts`).Scan(&n)
	return n == 0, err
}

// NewSetupToken makes the one-time token of a hub without accounts and writes
// it to file, mode 0600. It lives ten minutes; a restart makes another.
func (a *Accounts) NewSetupToken(ctx context.Context, file string) (string, error) {
	token := random()
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO setup (id, hash, expires) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, expires = excluded.expires`,
			digest(token), a.now().Add(setupLife).UnixMilli())
		return err
	})
	if err != nil {
		return "", err
	}
	return token, os.WriteFile(file, []byte(token+"\n"), 0o600)
}

// Claim trades the setup token for the first administrator.
func (a *Accounts) Claim(ctx context.Context, token, account, password string) error {
	if err := strong(account, password); err != nil {
		return err
	}
	hash := hashPassword(password)
	return a.db.Write(ctx, func(tx *store.Tx) error {
		var want string
		var expires int64
		err := tx.QueryRow(ctx, `SELECT hash, expires FROM setup WHERE id = 1`).Scan(&want, &expires)
		if errors.Is(err, sql.ErrNoRows) || err == nil && a.now().UnixMilli() > expires {
			return ErrSetupDone
		}
		if err != nil {
			return err
		}
		if digest(token) != want {
			return ErrToken
		}
		if _, err := tx.Exec(ctx, `DELETE FROM setup`); err != nil {
			return err
		}
		return a.put(ctx, tx, Account{Name: account, Roles: []identity.Role{identity.Admin, identity.Dispatcher}}, hash)
	})
}

// Put adds an account or gives an existing one a new password and new roles.
func (a *Accounts) Put(ctx context.Context, acc Account, password string) error {
	if err := strong(acc.Name, password); err != nil {
		return err
	}
	hash := hashPassword(password)
	return a.db.Write(ctx, func(tx *store.Tx) error { return a.put(ctx, tx, acc, hash) })
}

func (a *Accounts) put(ctx context.Context, tx *store.Tx, acc Account, hash string) error {
	roles, err := json.Marshal(acc.Roles)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO accounts (name, person, roles, password, created) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET person = excluded.person, roles = excluded.roles, password = excluded.password`,
		acc.Name, string(acc.Person), string(roles), hash, a.now().UnixMilli())
	return err
}

// Accounts lists all accounts by name.
func (a *Accounts) Accounts(ctx context.Context) ([]Account, error) {
	rows, err := a.db.Query(ctx, `SELECT name, person, roles FROM accounts ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Account{}
	for rows.Next() {
		var acc Account
		var roles []byte
		if err := rows.Scan(&acc.Name, &acc.Person, &roles); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(roles, &acc.Roles); err != nil {
			return nil, err
		}
		out = append(out, acc)
	}
	return out, rows.Err()
}

// dummy is compared for unknown accounts, so that they take as long.
var dummy = sync.OnceValue(func() string { return hashPassword(random()) })

// SignIn checks a password and opens a session.
func (a *Accounts) SignIn(ctx context.Context, account, password, from string) (string, identity.Principal, error) {
	key := [2]string{account, from}
	if a.locked(key) {
		return "", identity.Principal{}, ErrLocked
	}
	p, stored, err := a.find(ctx, account)
	if errors.Is(err, sql.ErrNoRows) {
		stored = dummy()
	} else if err != nil {
		return "", identity.Principal{}, err
	}
	if !matches(stored, password) || err != nil {
		a.failed(key)
		return "", identity.Principal{}, ErrCredentials
	}
	a.mu.Lock()
	delete(a.failures, key)
	a.mu.Unlock()
	session := random()
	now := a.now().UnixMilli()
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO sessions (hash, account, created, seen) VALUES (?, ?, ?, ?)`, digest(session), account, now, now)
		return err
	})
	return session, p, err
}

func (a *Accounts) find(ctx context.Context, account string) (p identity.Principal, stored string, err error) {
	var roles []byte
	p.Account = account
	err = a.db.QueryRow(ctx, `SELECT person, roles, password FROM accounts WHERE name = ?`, account).Scan(&p.Person, &roles, &stored)
	if err != nil {
		return p, "", err
	}
	return p, stored, json.Unmarshal(roles, &p.Roles)
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
	var account string
	var seen int64
	if err := a.db.QueryRow(ctx, `SELECT account, seen FROM sessions WHERE hash = ?`, h).Scan(&account, &seen); err != nil {
		return identity.Principal{}, ErrCredentials
	}
	p, _, err := a.find(ctx, account)
	if err != nil {
		return identity.Principal{}, ErrCredentials
	}
	if a.now().Sub(telemetry.Millis(seen).Time()) > idle(p) {
		return identity.Principal{}, errors.Join(ErrCredentials, a.SignOut(ctx, session))
	}
	return p, a.touch(ctx, h, p, seen)
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
