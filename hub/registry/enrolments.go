package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/hub/limit"
	"gridhub/hub/store"
)

// Errors of Enrol and Renew, beside RequestError and LimitError.
var (
	ErrCode    = errors.New("no such code")
	ErrUsed    = errors.New("the code was used for another key: ask for a new one")
	ErrExpired = errors.New("the code has expired: ask for a new one")
	ErrWorn    = errors.New("the code was tried too often: ask for a new one")
)

// LimitError says that somebody tried too often, and when to come back.
type LimitError struct{ Wait time.Duration }

func (e *LimitError) Error() string {
	return fmt.Sprintf("too many failed attempts, the next in %s", e.Wait.Round(time.Second))
}

// Bounds of codes. A code has 80 bits: at the rate that all of the world
// together may try, finding one takes longer than there is time.
const (
	codeGroups  = 4 // of four letters, 5 bits each
	maxValid    = 30 * 24 * time.Hour
	maxTries    = 10   // with the right code, for a wrong identity or another key
	maxInvited  = 1000 // codes that wait for use
	peerTries   = 10   // failures of one network at once …
	peerPace    = 30 * time.Second
	globalTries = 100 // … and of all of them; good attempts are not counted
	globalPace  = time.Second
	maxRenewals = 8 // certificates of one identity in 24 hours
)

// crockford is Crockford's base 32: no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Enrolments trades one-time codes for certificates. It may be used
// concurrently.
type Enrolments struct {
	r      *Registry
	ca     *CA
	peers  *limit.Limiter
	global *limit.Limiter
}

// Enrolments joins the registry with the authority that signs for it.
func (r *Registry) Enrolments(ca *CA) *Enrolments {
	return &Enrolments{r: r, ca: ca, peers: limit.New(peerTries, peerPace, r.now), global: limit.New(globalTries, globalPace, r.now)}
}

// newCode returns 80 random bits as people read them to each other.
func newCode() string {
	var b [4 * codeGroups]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand since Go 1.24)
	var s strings.Builder
	for i, v := range b {
		if i > 0 && i%4 == 0 {
			s.WriteByte('-')
		}
		s.WriteByte(crockford[v&31])
	}
	return s.String()
}

// codeHash is what is kept of a code. I and L read as 1, O as 0; case, hyphens
// and spaces are nothing.
func codeHash(code string) string {
	plain := strings.NewReplacer("-", "", " ", "", "I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(code))
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}

// Invite makes a one-time code for p.ID and forgets an earlier one. An identity
// that does not exist is made when the code is used; one that was revoked comes
// back then, with its old certificates still refused.
func (e *Enrolments) Invite(ctx context.Context, p Principal, valid time.Duration) (code string, expires time.Time, err error) {
	if err := e.r.invitable(p); err != nil {
		return "", expires, err
	}
	if valid < time.Minute || valid > maxValid {
		return "", expires, fmt.Errorf("valid %s: want 1m to %s", valid, maxValid)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return "", expires, err
	}
	code, expires = newCode(), e.r.now().Add(valid)
	err = e.r.db.Write(ctx, func(tx *store.Tx) error {
		if err := e.makeRoom(ctx, tx, p.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO enrolments (hash, id, body, expires, tries, used, key_hash) VALUES (?, ?, ?, ?, 0, 0, '')`,
			codeHash(code), string(p.ID), string(body), expires.UnixMilli())
		return err
	})
	return code, expires, err
}

// invitable checks who is to be enrolled.
func (r *Registry) invitable(p Principal) error {
	if _, err := devices.ParseID(string(p.ID)); err != nil {
		return err
	}
	if p.Kind != devices.Gateway && p.Kind != devices.Sensor {
		return fmt.Errorf("kind %q: want gateway or sensor; terminals are bound when their people sign in", p.Kind)
	}
	if p.Profile != "" && (!codec.ValidMetric([]byte(p.Profile)) || p.Profile == "position") {
		return errProfile(p.Profile)
	}
	if have, known := r.Get(p.ID); known && (have.Kind != p.Kind || have.Convention != "") {
		return fmt.Errorf("%s exists as %s %s: %w", p.ID, have.Convention, have.Kind, ErrExists)
	}
	return nil
}

// makeRoom forgets codes that nobody asks for any more.
func (e *Enrolments) makeRoom(ctx context.Context, tx *store.Tx, id devices.ID) error {
	now := e.r.now()
	_, err := tx.Exec(ctx, `DELETE FROM enrolments WHERE expires < ? OR id = ? AND used = 0`, now.Add(-forgetAfter).UnixMilli(), string(id))
	if err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM enrolments WHERE used = 0 AND expires > ?`, now.UnixMilli()).Scan(&n); err != nil {
		return err
	}
	if n >= maxInvited {
		return fmt.Errorf("%d codes wait for use already", n)
	}
	return nil
}

// ticket is what is kept of a code.
type ticket struct {
	hash    string
	who     Principal
	expires int64
	tries   int
	used    int64
	key     string
}

// find reads the ticket of a code and counts the attempt.
func (e *Enrolments) find(ctx context.Context, code string) (t ticket, err error) {
	t.hash = codeHash(code)
	err = e.r.db.Write(ctx, func(tx *store.Tx) error {
		var body []byte
		err := tx.QueryRow(ctx, `SELECT body, expires, tries, used, key_hash FROM enrolments WHERE hash = ?`, t.hash).
			Scan(&body, &t.expires, &t.tries, &t.used, &t.key)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrCode
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal(body, &t.who); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE enrolments SET tries = tries + 1 WHERE hash = ?`, t.hash)
		return err
	})
	return t, err
}

// admits reports why a ticket does not entitle to what q asks for.
func (t ticket) admits(q request, now time.Time) error {
	switch {
	case now.UnixMilli() >= t.expires:
		return ErrExpired
	case t.tries >= maxTries:
		return ErrWorn
	case t.used != 0 && t.key != q.hash:
		return ErrUsed
	case q.name != string(t.who.ID):
		return &RequestError{fmt.Sprintf("the code is for %s, the request names %q", t.who.ID, q.name)}
	}
	return nil
}

// Enrol trades a code and a signing request for a certificate. The same key
// with the same code gets the same certificate again while the code is valid,
// so that a lost answer costs nothing; another key is refused. From then on the
// identity's secret and its earlier certificates count no more.
func (e *Enrolments) Enrol(ctx context.Context, from netip.Prefix, code, csr string) (Certificate, error) {
	if err := e.take(from); err != nil {
		return Certificate{}, err
	}
	q, err := parseRequest(csr)
	if err != nil {
		return Certificate{}, err
	}
	e.r.change.Lock()
	defer e.r.change.Unlock()
	t, err := e.find(ctx, code)
	if err == nil {
		err = t.admits(q, e.r.now())
	}
	if err != nil {
		return Certificate{}, err
	}
	c, err := e.grant(ctx, t, q)
	if err == nil {
		e.give(from)
	}
	return c, err
}

// take counts an attempt of a network; give takes it back.
func (e *Enrolments) take(from netip.Prefix) error {
	for _, l := range []struct {
		*limit.Limiter
		of netip.Prefix
	}{{e.peers, from}, {e.global, netip.Prefix{}}} {
		if wait, ok := l.Take(l.of); !ok {
			return &LimitError{wait}
		}
	}
	return nil
}

func (e *Enrolments) give(from netip.Prefix) {
	e.peers.Give(from)
	e.global.Give(netip.Prefix{})
}

// grant issues the certificate and keeps everything in one transaction. The
// caller holds the lock of changes.
func (e *Enrolments) grant(ctx context.Context, t ticket, q request) (Certificate, error) {
	if t.used != 0 {
		return e.r.again(t, q)
	}
	c, err := e.r.sign(e.ca, q)
	if err != nil {
		return c, err
	}
	p := t.who
	if have, known := e.r.Get(p.ID); known {
		p = have
		p.Revoked = 0
	} else {
		p.Created = e.r.now().UnixMilli()
	}
	who := &entry{Principal: p, secret: sha256.Sum256([]byte(NewSecret()))} // nobody knows it: the certificate alone counts
	changed := append(e.r.ended(p.ID, endedReplaced, everyOne), c)
	err = e.r.db.Write(ctx, func(tx *store.Tx) error {
		if err := save(ctx, tx, who); err != nil {
			return err
		}
		if err := saveCertificates(ctx, tx, changed); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE enrolments SET used = ?, key_hash = ? WHERE hash = ?`, e.r.now().UnixMilli(), q.hash, t.hash)
		return err
	})
	if err != nil {
		return Certificate{}, fmt.Errorf("%w: %w", ErrStore, err)
	}
	e.r.keepCertificates(changed)
	e.r.mu.Lock()
	defer e.r.mu.Unlock()
	e.r.remember(who)
	return c, nil
}

// again finds the certificate that a used code has brought already.
func (r *Registry) again(t ticket, q request) (Certificate, error) {
	for _, c := range r.Certificates(t.who.ID) {
		if c.key == q.hash && c.living(r.now()) {
			return c, nil
		}
	}
	return Certificate{}, ErrUsed
}

// Renew trades a certificate in force for the next one. The old one is good
// until the next is used for the first time, or until its own end. A key that
// has an unused certificate gets it again.
func (e *Enrolments) Renew(ctx context.Context, name, serial, csr string) (Certificate, error) {
	p, err := e.r.Certificate(ctx, name, serial)
	if err != nil {
		return Certificate{}, err
	}
	q, err := parseRequest(csr)
	if err != nil {
		return Certificate{}, err
	}
	if q.name != string(p.ID) {
		return Certificate{}, &RequestError{fmt.Sprintf("the certificate is %s's, the request names %q", p.ID, q.name)}
	}
	e.r.change.Lock()
	defer e.r.change.Unlock()
	return e.next(ctx, p.ID, q)
}

// next issues the certificate after those that id has. The caller holds the
// lock of changes.
func (e *Enrolments) next(ctx context.Context, id devices.ID, q request) (Certificate, error) {
	if have, _ := e.r.Get(id); have.Revoked != 0 { // while we waited
		return Certificate{}, ErrRevoked
	}
	today, day := 0, e.r.now().Add(-24*time.Hour).UnixMilli()
	for _, c := range e.r.Certificates(id) {
		if c.key == q.hash && c.Used == 0 && c.living(e.r.now()) {
			return c, nil
		}
		if c.Issued > day {
			today++
		}
	}
	if today >= maxRenewals {
		return Certificate{}, &LimitError{time.Hour}
	}
	c, err := e.r.sign(e.ca, q)
	if err != nil {
		return c, err
	}
	unused := func(old Certificate) bool { return old.Used == 0 } // its answer was lost: at most two are good at one time
	changed := append(e.r.ended(id, endedReplaced, unused), c)
	if err := e.r.db.Write(ctx, func(tx *store.Tx) error { return saveCertificates(ctx, tx, changed) }); err != nil {
		return Certificate{}, fmt.Errorf("%w: %w", ErrStore, err)
	}
	e.r.keepCertificates(changed)
	return c, nil
}

// Fingerprint is the SHA-256 of the authority's certificate, by which a client
// recognises the hub at the first contact.
func (ca *CA) Fingerprint() string {
	sum := sha256.Sum256(ca.cert.Raw)
	return hex.EncodeToString(sum[:])
}
