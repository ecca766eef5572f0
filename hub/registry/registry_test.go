package registry_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/registry"
	"gridhub/hub/store/storetest"
)

func TestSecretsAndRevocation(t *testing.T) {
	ctx, db := t.Context(), storetest.Open(t)
	r, err := registry.Open(ctx, db, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := r.Add(ctx, registry.Principal{ID: "gw-1", Kind: devices.Gateway})
	if err != nil {
		t.Fatal(err)
	}
	token, err := r.Add(ctx, registry.Principal{ID: "tb-1", Kind: devices.Sensor, Convention: "thingsboard"})
	if err != nil {
		t.Fatal(err)
	}
	for _, profile := range []string{"position", "two words", "a,b"} {
		if _, err := r.Add(ctx, registry.Principal{ID: "odd", Kind: devices.Sensor, Profile: profile}); err == nil {
			t.Errorf("a profile called %q", profile)
		}
	}
	if _, err := r.Add(ctx, registry.Principal{ID: "gw-1", Kind: devices.Gateway}); !errors.Is(err, registry.ErrExists) {
		t.Errorf("adding twice: %v, want ErrExists", err)
	}
	r, err = registry.Open(ctx, db, time.Now) // everything must survive a restart
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, user, pass string
		id               devices.ID
		err              error
	}{
		{"right secret", "gw-1", secret, "gw-1", nil},
		{"wrong secret", "gw-1", "guess", "", registry.ErrSecret},
		{"no secret", "gw-1", "", "", registry.ErrSecret},
		{"nobody", "gw-2", secret, "", registry.ErrUnknown},
		{"token as username", token, "", "tb-1", nil},
		{"a token device by its id", "tb-1", token, "tb-1", nil},
		{"a token device without its token", "tb-1", "", "", registry.ErrSecret},
	}
	for _, tt := range tests {
		p, err := r.Authenticate(tt.user, []byte(tt.pass))
		if p.ID != tt.id || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, p.ID, err, tt.id, tt.err)
		}
	}
	for token, want := range map[string]devices.ID{token: "tb-1", "tb-1:" + token: "tb-1", "gw-1:" + secret: "gw-1", secret: "", "gw-1": "", "": ""} {
		if p, err := r.Token(token); p.ID != want || (err == nil) != (want != "") {
			t.Errorf("token %q is %q's, %v; want %q", token, p.ID, err, want)
		}
	}
	if p, _ := r.Get("tb-1"); p.Profile != "thingsboard" || p.Foreign != "" {
		t.Errorf("the foreign identity is %+v", p)
	}
	var told devices.ID
	r.OnRevoke(func(id devices.ID) { told = id })
	if err := r.Revoke(ctx, "gw-1"); err != nil || told != "gw-1" {
		t.Errorf("revoke: %v, told %q", err, told)
	}
	if _, err := r.Authenticate("gw-1", []byte(secret)); !errors.Is(err, registry.ErrRevoked) {
		t.Errorf("after the revocation: %v, want ErrRevoked", err)
	}
}

func TestTerminalsOfAPerson(t *testing.T) {
	r, err := registry.Open(t.Context(), storetest.Open(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	bind := func(person, known string) (devices.ID, string) {
		id, secret, err := r.Bind(context.Background(), "p-"+"017", devices.ID(known), person)
		if err != nil {
			t.Fatal(err)
		}
		return id, secret
	}
	first, s1 := bind("phone", "")
	second, _ := bind("tablet", "")
	again, s3 := bind("phone", string(first))
	if first == second || again != first {
		t.Errorf("two phones: %s and %s, the first again: %s", first, second, again)
	}
	if _, err := r.Authenticate(string(first), []byte(s1)); !errors.Is(err, registry.ErrSecret) {
		t.Errorf("the old secret still works: %v", err)
	}
	if _, err := r.Authenticate(string(first), []byte(s3)); err != nil {
		t.Errorf("the new secret: %v", err)
	}
	if got := r.Terminals("p-017"); len(got) != 2 {
		t.Errorf("terminals %v, want two", got)
	}
	if who, ok := r.Person(second); !ok || who != "p-017" {
		t.Errorf("person of %s: %q %v", second, who, ok)
	}
}

func TestInventory(t *testing.T) {
	r, err := registry.Open(t.Context(), storetest.Open(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	stock := func(ids ...devices.ID) int {
		s := wire.Stock{V: 1}
		for _, id := range ids {
			s.Devices = append(s.Devices, wire.Entry{ID: id, Profile: "gas@1", Kind: "gas"})
		}
		changed, err := r.Stock(t.Context(), "gw-1", telemetry.At(time.Now()), s)
		if err != nil {
			t.Fatal(err)
		}
		return len(changed)
	}
	if n := stock("a", "b"); n != 2 {
		t.Errorf("first inventory changed %d, want 2", n)
	}
	if n := stock("a", "b"); n != 0 {
		t.Errorf("the same again changed %d, want 0", n)
	}
	if n := stock("b", "c"); n != 2 {
		t.Errorf("one gone, one new changed %d, want 2", n)
	}
	if got := r.Devices(); len(got) != 2 || got[0].ID != "b" {
		t.Errorf("devices %v, want b and c", got)
	}
}

func TestCertificates(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	clock := func() time.Time { return now }
	ca, err := registry.OpenCA(dir, []string{"localhost", "127.0.0.1"}, clock)
	if err != nil {
		t.Fatal(err)
	}
	again, err := registry.OpenCA(dir, []string{"localhost"}, clock)
	if err != nil || string(again.PEM()) != string(ca.PEM()) {
		t.Fatalf("a second start made another authority: %v", err)
	}
	server, err := ca.Server(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Leaf.Verify(x509.VerifyOptions{DNSName: "127.0.0.1", Roots: ca.Pool(), CurrentTime: now}); err != nil {
		t.Errorf("server certificate: %v", err)
	}
	now = now.Add(180 * 24 * time.Hour)
	renewed, err := ca.Server(&tls.ClientHelloInfo{})
	if err != nil || renewed.Leaf.SerialNumber.Cmp(server.Leaf.SerialNumber) == 0 {
		t.Errorf("twenty days before its end the certificate was not renewed: %v", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := ca.Client("gw-1", key.Public())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil || cert.Subject.CommonName != "gw-1" {
		t.Fatalf("client certificate: %v", err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: ca.Pool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Errorf("client certificate: %v", err)
	}
}
