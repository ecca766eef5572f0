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
	"fmt"
	"os"
	"sync"
	"time"

	"gridhub/hub/identity"
	"gridhub/hub/store"
)

const setupLife = 10 * time.Minute

// Accounts signs people in. Failures lock (account, address), so that nobody
// can lock somebody else out from elsewhere.
type Accounts struct {
	db    *store.DB
	now   func() time.Time
	rules Rules

	mu       sync.Mutex
	failures map[[2]string]failure
	cache    map[string]cached // session hash -> principal, for a few seconds
}

// Rules are what signing in demands. Key is 32 bytes that close the secrets of
// second factors in the store; without it there are no second factors. Ended is
// told of each account whose sessions an administrator has ended, and must not
// block; it may be nil.
type Rules struct {
	SecondFactor []identity.Role // who holds one of them needs a second factor
	Key          []byte
	Ended        func(Account)
}

// Enforce sets the rules. It is called before anybody signs in.
func (a *Accounts) Enforce(r Rules) error {
	if r.Key != nil && len(r.Key) != keyBytes {
		return fmt.Errorf("the accounts' key has %d bytes, want %d", len(r.Key), keyBytes)
	}
	a.rules = r
	return nil
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
// Sessions that it had are over.
func (a *Accounts) Put(ctx context.Context, acc Account, password string) error {
	if err := strong(acc.Name, password); err != nil {
		return err
	}
	hash := hashPassword(password)
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		if err := a.put(ctx, tx, acc, hash); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE account = ?`, acc.Name)
		return err
	})
	a.forget()
	return err
}

func (a *Accounts) put(ctx context.Context, tx *store.Tx, acc Account, hash string) error {
	roles, scopes, err := written(acc)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO accounts (name, person, roles, scopes, password, created, subject) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET person = excluded.person, roles = excluded.roles, scopes = excluded.scopes, password = excluded.password`,
		acc.Name, string(acc.Person), roles, scopes, hash, a.now().UnixMilli(), acc.Subject)
	return err
}

// written is how the roles of an account and their bounds are stored.
func written(acc Account) (roles, scopes string, err error) {
	r, err1 := json.Marshal(acc.Roles)
	s, err2 := json.Marshal(acc.Scopes)
	return string(r), string(s), errors.Join(acc.Validate(), err1, err2)
}

// Change gives an account other roles and bounds and says whether it may sign
// in; its password stays. Sessions of a disabled account are over.
func (a *Accounts) Change(ctx context.Context, acc Account) error {
	roles, scopes, err := written(acc)
	if err != nil {
		return err
	}
	disabled := 0
	if acc.Disabled {
		disabled = 1
	}
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE accounts SET person = ?, roles = ?, scopes = ?, disabled = ?, subject = ? WHERE name = ?`,
			string(acc.Person), roles, scopes, disabled, acc.Subject, acc.Name)
		if err != nil || n == 0 {
			return errors.Join(err, ErrNoAccount)
		}
		if !acc.Disabled {
			return nil
		}
		_, err = tx.Exec(ctx, `DELETE FROM sessions WHERE account = ?`, acc.Name)
		return err
	})
	if err != nil {
		return err
	}
	a.forget()
	if acc.Disabled && a.rules.Ended != nil {
		a.rules.Ended(acc)
	}
	return nil
}

// SetPassword gives an account a new password and ends its sessions.
func (a *Accounts) SetPassword(ctx context.Context, account, password string) error {
	if err := strong(account, password); err != nil {
		return err
	}
	return a.password(ctx, account, hashPassword(password), "")
}

// ChangePassword is what people do themselves; keep is the session in which
// they do it, all others end.
func (a *Accounts) ChangePassword(ctx context.Context, account, old, password, from, keep string) error {
	key := [2]string{account, from}
	if a.locked(key) {
		return ErrLocked
	}
	_, stored, err := a.find(ctx, account)
	if err != nil {
		return err
	}
	if !matches(stored, old) {
		a.failed(key)
		return ErrCredentials
	}
	if err := strong(account, password); err != nil {
		return err
	}
	return a.password(ctx, account, hashPassword(password), digest(keep))
}

// password stores a hash and ends all sessions but one.
func (a *Accounts) password(ctx context.Context, account, hash, keep string) error {
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE accounts SET password = ? WHERE name = ?`, hash, account)
		if err != nil || n == 0 {
			return errors.Join(err, ErrNoAccount)
		}
		_, err = tx.Exec(ctx, `DELETE FROM sessions WHERE account = ? AND hash <> ?`, account, keep)
		return err
	})
	a.forget()
	return err
}

// Accounts lists all accounts by name.
func (a *Accounts) Accounts(ctx context.Context) ([]Account, error) {
	rows, err := a.db.Query(ctx, `SELECT a.name, a.person, a.roles, a.scopes, a.disabled, a.subject, COALESCE(f.confirmed, 0)
		FROM accounts a LEFT JOIN second_factors f ON f.account = a.name ORDER BY a.name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Account{}
	for rows.Next() {
		var acc Account
		var roles, scopes []byte
		var disabled, second int
		if err := rows.Scan(&acc.Name, &acc.Person, &roles, &scopes, &disabled, &acc.Subject, &second); err != nil {
			return nil, err
		}
		if err := errors.Join(json.Unmarshal(roles, &acc.Roles), json.Unmarshal(scopes, &acc.Scopes)); err != nil {
			return nil, err
		}
		acc.Disabled, acc.SecondFactor = disabled != 0, second != 0
		out = append(out, acc)
	}
	return out, rows.Err()
}
