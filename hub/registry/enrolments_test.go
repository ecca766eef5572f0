package registry_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/hub/registry"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
)

var (
	home     = netip.MustParsePrefix("192.0.2.1/32")
	stranger = netip.MustParsePrefix("198.51.100.1/32")
)

// office is a registry with an authority, on a clock that the test moves.
type office struct {
	*testing.T
	*registry.Enrolments
	db  *store.DB
	r   *registry.Registry
	ca  *registry.CA
	now time.Time
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, db: storetest.Open(t), now: time.Now()}
	var err error
	if o.ca, err = registry.OpenCA(t.TempDir(), []string{"localhost"}, o.clock); err != nil {
		t.Fatal(err)
	}
	o.restart()
	return o
}

func (o *office) clock() time.Time { return o.now }

func (o *office) restart() {
	o.Helper()
	var err error
	if o.r, err = registry.Open(o.Context(), o.db, o.clock); err != nil {
		o.Fatal(err)
	}
	o.Enrolments = o.r.Enrolments(o.ca)
}

func (o *office) invite(id devices.ID) string {
	o.Helper()
	code, _, err := o.Invite(o.Context(), registry.Principal{ID: id, Kind: devices.Gateway}, time.Hour)
	if err != nil {
		o.Fatal(err)
	}
	return code
}

func (o *office) enrol(code, csr string) registry.Certificate {
	o.Helper()
	c, err := o.Enrol(o.Context(), home, code, csr)
	if err != nil {
		o.Fatal(err)
	}
	return c
}

func (o *office) admits(c registry.Certificate) error {
	_, err := o.r.Certificate(o.Context(), string(c.ID), c.Serial)
	return err
}

// signing asks for a certificate of name for a new key.
func signing(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signingWith(t, name, key)
}

func signingWith(t *testing.T, name string, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func TestACodeIsForOneKey(t *testing.T) {
	o := openOffice(t)
	secret, err := o.r.Add(t.Context(), registry.Principal{ID: "gw-1", Kind: devices.Gateway})
	if err != nil {
		t.Fatal(err)
	}
	code, csr := o.invite("gw-1"), signing(t, "gw-1")
	if len(strings.ReplaceAll(code, "-", ""))*5 < 80 {
		t.Errorf("the code %s has too few bits", code)
	}
	first := o.enrol(strings.ToLower(strings.ReplaceAll(code, "-", " ")), csr)
	o.restart() // the answer is lost, and the hub starts anew
	if again := o.enrol(code, csr); again.Serial != first.Serial || again.PEM() != first.PEM() {
		t.Errorf("the same key got %s and %s", first.Serial, again.Serial)
	}
	if _, err := o.Enrol(t.Context(), home, code, signing(t, "gw-1")); !errors.Is(err, registry.ErrUsed) {
		t.Errorf("another key with a used code: %v", err)
	}
	if _, err := o.r.Authenticate("gw-1", []byte(secret)); !errors.Is(err, registry.ErrSecret) {
		t.Errorf("the secret still counts: %v", err)
	}
	if err := o.admits(first); err != nil {
		t.Error(err)
	}
	o.now = o.now.Add(time.Hour)
	if _, err := o.Enrol(t.Context(), home, code, csr); !errors.Is(err, registry.ErrExpired) {
		t.Errorf("after an hour: %v", err)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	o := openOffice(t)
	code := o.invite("gw-1")
	broken := signing(t, "gw-1")
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(broken))
	block.Bytes[len(block.Bytes)-1] ^= 1
	for name, csr := range map[string]string{
		"another's name": signing(t, "gw-2"), "no name": signing(t, ""), "P-384": signingWith(t, "gw-1", p384), "RSA": signingWith(t, "gw-1", rsaKey),
		"signature": string(pem.EncodeToMemory(block)), "nothing": "", "a certificate": string(o.ca.PEM()),
	} {
		var refused *registry.RequestError
		if _, err := o.Enrol(t.Context(), netip.MustParsePrefix(fmt.Sprintf("203.0.113.%d/32", len(csr)%256)), code, csr); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.enrol(code, signing(t, "gw-1")) // it was not used up
	for name, p := range map[string]registry.Principal{
		"terminal": {ID: "t-1", Kind: devices.Terminal}, "partner": {ID: "p-1", Kind: devices.Partner}, "id": {ID: "A b", Kind: devices.Gateway},
		"other kind": {ID: "gw-1", Kind: devices.Sensor}, "profile": {ID: "s-1", Kind: devices.Sensor, Profile: "position"},
	} {
		if _, _, err := o.Invite(t.Context(), p, time.Hour); err == nil {
			t.Errorf("%s was invited", name)
		}
	}
	if _, _, err := o.Invite(t.Context(), registry.Principal{ID: "gw-3", Kind: devices.Gateway}, 0); err == nil {
		t.Error("a code for no time at all")
	}
}

// Whoever guesses is slowed down, alone; so is whoever has the code and tries
// it for others.
func TestGuessingIsLimited(t *testing.T) {
	o := openOffice(t)
	code := o.invite("gw-1")
	guess := func(from netip.Prefix) error {
		_, err := o.Enrol(t.Context(), from, "0000-0000-0000-0000", signing(t, "gw-1"))
		return err
	}
	var limited *registry.LimitError
	for n := range 10 {
		if err := guess(stranger); !errors.Is(err, registry.ErrCode) {
			t.Fatalf("guess %d: %v", n, err)
		}
	}
	if err := guess(stranger); !errors.As(err, &limited) || limited.Wait != 30*time.Second {
		t.Errorf("the eleventh guess: %v", err)
	}
	for range 20 { // good attempts cost nothing
		o.enrol(o.invite("gw-2"), signing(t, "gw-2"))
	}
	for n := range 90 {
		if err := guess(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), 32)); !errors.Is(err, registry.ErrCode) {
			t.Fatalf("guess %d of all: %v", n, err)
		}
	}
	if err := guess(netip.MustParsePrefix("10.1.0.1/32")); !errors.As(err, &limited) {
		t.Errorf("all of the world guesses on: %v", err)
	}
	o.now = o.now.Add(20 * time.Second)
	for range 10 {
		if _, err := o.Enrol(t.Context(), home, code, signing(t, "gw-9")); err == nil {
			t.Fatal("a code for another")
		}
		o.now = o.now.Add(30 * time.Second)
	}
	if _, err := o.Enrol(t.Context(), home, code, signing(t, "gw-1")); !errors.Is(err, registry.ErrWorn) {
		t.Errorf("after ten attempts for another: %v", err)
	}
}

func TestRevokedForGood(t *testing.T) {
	o := openOffice(t)
	code, csr := o.invite("gw-1"), signing(t, "gw-1")
	first := o.enrol(code, csr)
	other := o.enrol(o.invite("gw-2"), signing(t, "gw-2"))
	for name, c := range map[string]registry.Certificate{
		"another's name": {ID: "gw-2", Serial: first.Serial}, "another's serial": {ID: "gw-1", Serial: other.Serial}, "a serial of nobody": {ID: "gw-1", Serial: "1f"},
	} {
		if err := o.admits(c); !errors.Is(err, registry.ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := o.admits(first); err != nil {
		t.Fatal(err)
	}
	unused := o.invite("gw-1")
	if err := o.r.Revoke(t.Context(), "gw-1"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := o.admits(first); !errors.Is(err, registry.ErrRevoked) {
			t.Errorf("revoked: %v", err)
		}
		if _, err := o.Renew(t.Context(), "gw-1", first.Serial, signing(t, "gw-1")); !errors.Is(err, registry.ErrRevoked) {
			t.Errorf("a revoked one renews: %v", err)
		}
		for _, old := range []string{code, unused} {
			if _, err := o.Enrol(t.Context(), home, old, csr); !errors.Is(err, registry.ErrCode) {
				t.Errorf("an old code of a revoked one: %v", err)
			}
		}
		o.restart()
	}
	second := o.enrol(o.invite("gw-1"), signing(t, "gw-1"))
	for range 2 {
		if err := o.admits(second); err != nil {
			t.Errorf("enrolled anew: %v", err)
		}
		if err := o.admits(first); !errors.Is(err, registry.ErrEnded) {
			t.Errorf("the certificate from before: %v", err)
		}
		o.restart()
	}
}

func TestRenewal(t *testing.T) {
	o := openOffice(t)
	first := o.enrol(o.invite("gw-1"), signing(t, "gw-1"))
	o.now = o.now.Add(340 * 24 * time.Hour)
	renew := func(with registry.Certificate, csr string) registry.Certificate {
		t.Helper()
		c, err := o.Renew(t.Context(), "gw-1", with.Serial, csr)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	lost := renew(first, signing(t, "gw-1"))
	csr := signing(t, "gw-1")
	o.now = o.now.Add(time.Minute)
	second := renew(first, csr)
	if again := renew(first, csr); again.Serial != second.Serial {
		t.Error("the same key got another certificate")
	}
	if second.Expires <= first.Expires {
		t.Error("the next certificate ends before the first")
	}
	if err := o.admits(first); err != nil {
		t.Errorf("the old one, before the new was used: %v", err)
	}
	if err := o.admits(lost); !errors.Is(err, registry.ErrEnded) {
		t.Errorf("one whose answer was lost: %v", err)
	}
	if err := o.admits(second); err != nil {
		t.Fatal(err)
	}
	o.restart()
	if err := o.admits(first); !errors.Is(err, registry.ErrEnded) {
		t.Errorf("the old one, after the new was used: %v", err)
	}
	var refused *registry.RequestError
	if _, err := o.Renew(t.Context(), "gw-1", second.Serial, signing(t, "gw-2")); !errors.As(err, &refused) {
		t.Errorf("for another: %v", err)
	}
	var limited *registry.LimitError
	for range 6 {
		renew(second, signing(t, "gw-1"))
	}
	if _, err := o.Renew(t.Context(), "gw-1", second.Serial, signing(t, "gw-1")); !errors.As(err, &limited) {
		t.Errorf("the ninth of a day: %v", err)
	}
}

func TestANewSecretEndsTheOld(t *testing.T) {
	o := openOffice(t)
	if _, err := o.r.Rotate(t.Context(), "tb-1"); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("nobody's: %v", err)
	}
	old, err := o.r.Add(t.Context(), registry.Principal{ID: "tb-1", Kind: devices.Sensor, Convention: "thingsboard"})
	if err != nil {
		t.Fatal(err)
	}
	var cut devices.ID
	o.r.OnRevoke(func(id devices.ID) { cut = id })
	secret, err := o.r.Rotate(t.Context(), "tb-1")
	if err != nil || cut != "tb-1" {
		t.Fatalf("cut %q, %v", cut, err)
	}
	for range 2 {
		if _, err := o.r.Token(old); err == nil {
			t.Error("the old secret still counts")
		}
		if p, err := o.r.Token(secret); err != nil || p.Convention != "thingsboard" {
			t.Errorf("the new secret: %+v, %v", p, err)
		}
		o.restart()
	}
}
