// Package registry knows which gateways, terminals and devices exist, and with
// what they prove who they are: a random 256-bit secret of which only the
// SHA-256 is kept, or a certificate of the street's private CA.
//
// It answers from memory, as ten thousand clients may return at once after a
// restart. What connects how is the broker's; what devices say is intake's.
package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// Errors of Authenticate and Add.
var (
	ErrUnknown = errors.New("unknown identity")
	ErrSecret  = errors.New("wrong secret")
	ErrRevoked = errors.New("the identity was revoked")
	ErrExists  = errors.New("the identity exists already")
)

// Principal is one identity that may connect.
type Principal struct {
	ID         devices.ID        `json:"id"`
	Kind       devices.Kind      `json:"kind"`
	Convention string            `json:"convention,omitempty"` // "" = our own, thingsboard, …
	Foreign    string            `json:"foreign,omitempty"`    // its name in that convention: Tasmota's topic, Sparkplug's group/node, …
	Profile    string            `json:"profile,omitempty"`    // of a sensor that speaks for itself
	Person     identity.PersonID `json:"person,omitempty"`     // of a terminal
	Label      string            `json:"label,omitempty"`
	Created    int64             `json:"created"` // ms
	Revoked    int64             `json:"revoked,omitempty"`
}

type entry struct {
	Principal
	secret [sha256.Size]byte
}

// Registry is safe for concurrent use.
type Registry struct {
	db  *store.DB
	now func() time.Time

	change sync.Mutex // held while credentials change in the store and then here; taken before mu

	mu      sync.RWMutex
	byID    map[devices.ID]*entry
	byToken map[[sha256.Size]byte]*entry // conventions whose username is the secret
	person  map[identity.PersonID][]devices.ID
	stock   map[devices.ID]Device
	told    map[devices.ID]Gateway
	life
	certificates map[string]Certificate // by serial
	revoked      func(devices.ID)       // told after a revocation
}

var migrations = []string{`
CREATE TABLE principals (
	id TEXT PRIMARY KEY, kind TEXT NOT NULL, convention TEXT NOT NULL, profile TEXT NOT NULL, person TEXT NOT NULL,
	label TEXT NOT NULL, secret TEXT NOT NULL, created INTEGER NOT NULL, revoked INTEGER NOT NULL);
CREATE TABLE devices (id TEXT PRIMARY KEY, gateway TEXT NOT NULL, body TEXT NOT NULL, seen INTEGER NOT NULL)`,
	`ALTER TABLE principals ADD COLUMN foreign_name TEXT NOT NULL DEFAULT ''`,
	`CREATE TABLE gateways (id TEXT PRIMARY KEY, body TEXT NOT NULL)`,
}

// Open reads what the registry holds.
func Open(ctx context.Context, db *store.DB, now func() time.Time) (*Registry, error) {
	if err := db.Migrate(ctx, "registry", migrations...); err != nil {
		return nil, err
	}
	r := &Registry{db: db, now: now, byID: map[devices.ID]*entry{}, byToken: map[[sha256.Size]byte]*entry{},
		person: map[identity.PersonID][]devices.ID{}, stock: map[devices.ID]Device{}, told: map[devices.ID]Gateway{}, life: newLife(), certificates: map[string]Certificate{}}
	if err := r.readPrincipals(ctx); err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	if err := errors.Join(r.readDevices(ctx), r.readGateways(ctx), r.readCertificates(ctx)); err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return r, r.readLife(ctx)
}

func (r *Registry) readPrincipals(ctx context.Context) error {
	rows, err := r.db.Query(ctx, `SELECT id, kind, convention, foreign_name, profile, person, label, secret, created, revoked FROM principals`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		var secret string
		if err := rows.Scan(&e.ID, &e.Kind, &e.Convention, &e.Foreign, &e.Profile, &e.Person, &e.Label, &secret, &e.Created, &e.Revoked); err != nil {
			return err
		}
		if _, err := hex.Decode(e.secret[:], []byte(secret)); err != nil {
			return fmt.Errorf("secret of %s: %w", e.ID, err)
		}
		r.remember(&e)
	}
	return rows.Err()
}

// remember needs the lock, or nobody else around.
func (r *Registry) remember(e *entry) {
	if old, ok := r.byID[e.ID]; ok {
		delete(r.byToken, old.secret)
	}
	r.byID[e.ID] = e
	if e.Convention != "" {
		r.byToken[e.secret] = e
	}
	if e.Person != "" && !slices.Contains(r.person[e.Person], e.ID) {
		r.person[e.Person] = append(r.person[e.Person], e.ID)
	}
}

// NewSecret returns 256 random bits as text.
func NewSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand since Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Add registers a new identity and returns its secret, which is not kept.
func (r *Registry) Add(ctx context.Context, p Principal) (secret string, err error) {
	if _, err := devices.ParseID(string(p.ID)); err != nil {
		return "", err
	}
	if !p.Kind.Valid() {
		return "", fmt.Errorf("kind %q: want gateway, terminal, sensor or partner", p.Kind)
	}
	if p.Profile != "" && (!codec.ValidMetric([]byte(p.Profile)) || p.Profile == "position") {
		return "", errProfile(p.Profile)
	}
	if _, known := r.Get(p.ID); known {
		return "", fmt.Errorf("%s: %w", p.ID, ErrExists)
	}
	if p.Convention != "" && p.Profile == "" {
		p.Profile = p.Convention // what it measures has a home even if nobody says what kind it is
	}
	return r.renew(ctx, p)
}

func errProfile(name string) error {
	return fmt.Errorf("profile %q: want letters, digits, _ - . and not position", name)
}

// Rotate gives a known identity a new secret; the old one ends at once, and the
// connection that was opened with it is cut by whoever OnRevoke told.
func (r *Registry) Rotate(ctx context.Context, id devices.ID) (secret string, err error) {
	p, known := r.Get(id)
	switch {
	case !known:
		return "", fmt.Errorf("%s: %w", id, ErrUnknown)
	case p.Revoked != 0:
		return "", fmt.Errorf("%s: %w", id, ErrRevoked)
	}
	if secret, err = r.renew(ctx, p); err != nil {
		return "", err
	}
	r.notify(id)
	return secret, nil
}

// renew gives p a new secret and stores it.
func (r *Registry) renew(ctx context.Context, p Principal) (string, error) {
	r.change.Lock()
	defer r.change.Unlock()
	secret := NewSecret()
	if p.Created == 0 {
		p.Created = r.now().UnixMilli()
	}
	e := &entry{Principal: p, secret: sha256.Sum256([]byte(secret))}
	if err := r.db.Write(ctx, func(tx *store.Tx) error { return save(ctx, tx, e) }); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remember(e)
	return secret, nil
}

func save(ctx context.Context, tx *store.Tx, e *entry) error {
	_, err := tx.Exec(ctx, `INSERT INTO principals (id, kind, convention, foreign_name, profile, person, label, secret, created, revoked)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET label = excluded.label, secret = excluded.secret, revoked = excluded.revoked`,
		string(e.ID), string(e.Kind), e.Convention, e.Foreign, e.Profile, string(e.Person), e.Label, hex.EncodeToString(e.secret[:]), e.Created, e.Revoked)
	return err
}

// Get returns one identity.
func (r *Registry) Get(id devices.ID) (Principal, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.byID[id]
	if !ok {
		return Principal{}, false
	}
	return e.Principal, true
}

// List returns all identities by id.
func (r *Registry) List() []Principal {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Principal, 0, len(r.byID))
	for _, e := range r.byID {
		out = append(out, e.Principal)
	}
	slices.SortFunc(out, func(a, b Principal) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// Authenticate says who presents these; the secret decides. A client of a
// foreign convention may have the secret as username and no password.
func (r *Registry) Authenticate(username string, password []byte) (Principal, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e := r.byToken[sha256.Sum256([]byte(username))]; e != nil {
		return admit(e)
	}
	e := r.byID[devices.ID(username)]
	if e == nil {
		return Principal{}, ErrUnknown
	}
	sum := sha256.Sum256(password)
	if subtle.ConstantTimeCompare(sum[:], e.secret[:]) != 1 {
		return Principal{}, ErrSecret
	}
	return admit(e)
}

// Token says who presents a secret alone, as HTTP clients do: the secret of an
// identity with a foreign convention, or id:secret of any.
func (r *Registry) Token(token string) (Principal, error) {
	if id, secret, both := strings.Cut(token, ":"); both {
		return r.Authenticate(id, []byte(secret))
	}
	return r.Authenticate(token, nil)
}

func admit(e *entry) (Principal, error) {
	if e == nil {
		return Principal{}, ErrUnknown
	}
	if e.Revoked != 0 {
		return Principal{}, ErrRevoked
	}
	return e.Principal, nil
}

// OnRevoke sets who is told of a revocation; it must not block.
func (r *Registry) OnRevoke(f func(devices.ID)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revoked = f
}

// notify passes on that an identity's credentials ended.
func (r *Registry) notify(id devices.ID) {
	r.mu.RLock()
	tell := r.revoked
	r.mu.RUnlock()
	if tell != nil {
		tell(id)
	}
}

// Revoke ends an identity, its certificates and the code that it may have been
// given; its connection is cut by whoever OnRevoke told.
func (r *Registry) Revoke(ctx context.Context, id devices.ID) error {
	if err := r.revoke(ctx, id); err != nil {
		return err
	}
	r.notify(id)
	return nil
}

func (r *Registry) revoke(ctx context.Context, id devices.ID) error {
	r.change.Lock()
	defer r.change.Unlock()
	r.mu.RLock()
	e, ok := r.byID[id]
	r.mu.RUnlock()
	if !ok {
		return fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	gone := *e
	gone.Revoked = r.now().UnixMilli()
	certificates := r.ended(id, endedRevoked, everyOne)
	err := r.db.Write(ctx, func(tx *store.Tx) error {
		if err := save(ctx, tx, &gone); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM enrolments WHERE id = ?`, string(id)); err != nil {
			return err
		}
		return saveCertificates(ctx, tx, certificates)
	})
	if err != nil {
		return err
	}
	r.keepCertificates(certificates)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remember(&gone)
	return nil
}

// Bind gives a person a terminal, or a known terminal of the same person a new
// secret. Two phones of one person are two terminals.
func (r *Registry) Bind(ctx context.Context, person identity.PersonID, known devices.ID, label string) (devices.ID, string, error) {
	p := Principal{Kind: devices.Terminal, Person: person, Label: label}
	if have, ok := r.Get(known); ok && have.Person == person && have.Revoked == 0 {
		p.ID = known
	} else {
		p.ID = devices.ID("t-" + strings.ToLower(hexID()))
	}
	secret, err := r.renew(ctx, p)
	return p.ID, secret, err
}

func hexID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails (crypto/rand since Go 1.24)
	return hex.EncodeToString(b)
}

// Terminals lists a person's terminals that are not revoked.
func (r *Registry) Terminals(person identity.PersonID) []devices.ID {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []devices.ID
	for _, id := range r.person[person] {
		if r.byID[id].Revoked == 0 {
			out = append(out, id)
		}
	}
	return out
}

// Person says to whom a terminal is bound.
func (r *Registry) Person(id devices.ID) (identity.PersonID, bool) {
	p, ok := r.Get(id)
	return p.Person, ok && p.Person != ""
}
