package registry

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/hub/store"
)

// Errors of certificates. ErrStore is temporary: come back later.
var (
	ErrCertificate = errors.New("the certificate is not in the register")
	ErrEnded       = errors.New("the certificate was ended")
	ErrStore       = errors.New("the register cannot be written")
)

// Why a certificate ended before its time.
const (
	endedRevoked    = "revoked"
	endedSuperseded = "superseded" // its successor has been used
	endedReplaced   = "replaced"   // its owner enrolled anew
)

// Certificate is one that this hub issued, without its bytes. Times are
// milliseconds; 0 is never.
type Certificate struct {
	Serial  string     `json:"serial"` // hexadecimal
	ID      devices.ID `json:"id"`
	Issued  int64      `json:"issued"`
	Expires int64      `json:"expires"`
	Used    int64      `json:"used,omitempty"` // first
	Ended   int64      `json:"ended,omitempty"`
	Cause   string     `json:"cause,omitempty"`

	key string // SHA-256 of the public key
	der []byte
}

// living reports whether the certificate is good for anything.
func (c Certificate) living(now time.Time) bool { return c.Ended == 0 && c.Expires > now.UnixMilli() }

// PEM is the certificate as its owner gets it.
func (c Certificate) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.der}))
}

var certificateTables = `
CREATE TABLE certificates (
	serial TEXT PRIMARY KEY, id TEXT NOT NULL, key_hash TEXT NOT NULL, der TEXT NOT NULL, issued INTEGER NOT NULL,
	expires INTEGER NOT NULL, used INTEGER NOT NULL, ended INTEGER NOT NULL, cause TEXT NOT NULL);
CREATE TABLE enrolments (
	hash TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL, expires INTEGER NOT NULL, tries INTEGER NOT NULL,
	used INTEGER NOT NULL, key_hash TEXT NOT NULL)`

// forgetAfter is how long after its end a certificate or a code is remembered:
// whoever asks why a gateway is refused finds it. TLS refuses what has expired
// by itself.
const forgetAfter = 90 * 24 * time.Hour

func (r *Registry) readCertificates(ctx context.Context) error {
	if err := r.db.Migrate(ctx, "enrolment", certificateTables); err != nil {
		return err
	}
	err := r.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM certificates WHERE expires < ?`, r.now().Add(-forgetAfter).UnixMilli())
		return err
	})
	if err != nil {
		return err
	}
	rows, err := r.db.Query(ctx, `SELECT serial, id, key_hash, der, issued, expires, used, ended, cause FROM certificates`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c Certificate
		var der string
		if err := rows.Scan(&c.Serial, &c.ID, &c.key, &der, &c.Issued, &c.Expires, &c.Used, &c.Ended, &c.Cause); err != nil {
			return err
		}
		if c.der, err = base64.StdEncoding.DecodeString(der); err != nil {
			return fmt.Errorf("certificate %s: %w", c.Serial, err)
		}
		r.certificates[c.Serial] = c
	}
	return rows.Err()
}

// Certificate says who presents a certificate that the TLS layer verified, by
// its common name and its serial number. The first use of one ends those that
// came before it. An error that wraps ErrStore refuses nobody.
func (r *Registry) Certificate(ctx context.Context, name, serial string) (Principal, error) {
	r.mu.RLock()
	p, err := admit(r.byID[devices.ID(name)])
	c, known := r.certificates[serial]
	r.mu.RUnlock()
	switch {
	case err != nil:
		return Principal{}, err
	case !known || c.ID != p.ID:
		return Principal{}, ErrCertificate
	case c.Ended != 0:
		return Principal{}, fmt.Errorf("%w: %s", ErrEnded, c.Cause)
	case c.Used == 0:
		return r.firstUse(ctx, c.Serial)
	}
	return p, nil
}

// firstUse notes that a certificate has reached its owner.
func (r *Registry) firstUse(ctx context.Context, serial string) (Principal, error) {
	r.change.Lock()
	defer r.change.Unlock()
	r.mu.RLock()
	c := r.certificates[serial]
	p, err := admit(r.byID[c.ID])
	r.mu.RUnlock()
	switch {
	case err != nil: // revoked while we waited
		return Principal{}, err
	case c.Ended != 0:
		return Principal{}, fmt.Errorf("%w: %s", ErrEnded, c.Cause)
	case c.Used != 0:
		return p, nil
	}
	c.Used = r.now().UnixMilli()
	changed := append(r.ended(c.ID, endedSuperseded, func(old Certificate) bool { return old.Serial != serial && old.Issued <= c.Issued }), c)
	if err := r.db.Write(ctx, func(tx *store.Tx) error { return saveCertificates(ctx, tx, changed) }); err != nil {
		return Principal{}, fmt.Errorf("%w: %w", ErrStore, err)
	}
	r.keepCertificates(changed)
	return p, nil
}

// ended returns those of id's certificates that end now because of cause.
func (r *Registry) ended(id devices.ID, cause string, which func(Certificate) bool) (all []Certificate) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, c := range r.certificates {
		if c.ID == id && c.Ended == 0 && which(c) {
			c.Ended, c.Cause = r.now().UnixMilli(), cause
			all = append(all, c)
		}
	}
	return all
}

func everyOne(Certificate) bool { return true }

func (r *Registry) keepCertificates(all []Certificate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range all {
		r.certificates[c.Serial] = c
	}
}

func saveCertificates(ctx context.Context, tx *store.Tx, all []Certificate) error {
	for _, c := range all {
		_, err := tx.Exec(ctx, `INSERT INTO certificates (serial, id, key_hash, der, issued, expires, used, ended, cause)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (serial) DO UPDATE SET used = excluded.used, ended = excluded.ended, cause = excluded.cause`,
			c.Serial, string(c.ID), c.key, base64.StdEncoding.EncodeToString(c.der), c.Issued, c.Expires, c.Used, c.Ended, c.Cause)
		if err != nil {
			return err
		}
	}
	return nil
}

// Certificates lists the certificates of id that are not forgotten, newest
// first.
func (r *Registry) Certificates(id devices.ID) []Certificate {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := []Certificate{}
	for _, c := range r.certificates {
		if c.ID == id {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b Certificate) int { return int(b.Issued - a.Issued) })
	return all
}

// request is a certificate signing request that may be granted.
type request struct {
	name string
	key  *ecdsa.PublicKey
	hash string // of the key
}

// RequestError says what is wrong with a signing request.
type RequestError struct{ Want string }

func (e *RequestError) Error() string { return "signing request: " + e.Want }

func parseRequest(text string) (q request, err error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return q, &RequestError{"want PEM that begins with -----BEGIN CERTIFICATE REQUEST-----"}
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil {
		return q, &RequestError{err.Error()}
	}
	key, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return q, &RequestError{"want an ECDSA key on the curve P-256"}
	}
	sum := sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	return request{csr.Subject.CommonName, key, hex.EncodeToString(sum[:])}, nil
}

// sign makes the certificate that q asks for; it is not kept yet.
func (r *Registry) sign(ca *CA, q request) (c Certificate, err error) {
	der, err := ca.Client(q.name, q.key)
	if err != nil {
		return c, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return c, err
	}
	return Certificate{Serial: cert.SerialNumber.Text(16), ID: devices.ID(q.name), Issued: r.now().UnixMilli(),
		Expires: cert.NotAfter.UnixMilli(), key: q.hash, der: der}, nil
}
