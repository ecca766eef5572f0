package chain_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/hub/api"
	"gridhub/hub/registry"
)

// cutWithin is how soon a revoked gateway must be gone.
const cutWithin = 5 * time.Second

// invite has the hub print a code, and reads it as an installer's camera would.
func (h *hub) invite(id string, flags ...string) wire.Invitation {
	h.t.Helper()
	printed := h.cli(append([]string{"enroll", id, "--url", "https://" + h.https}, flags...)...)
	i, err := wire.ParseInvitation(regexp.MustCompile(`gridhub:[^']+`).FindString(printed))
	if err != nil || !strings.Contains(printed, "--code "+i.Code+" --ca-fingerprint "+i.CA) || strings.Count(printed, "\x1b[30;107m") < 20 {
		h.t.Fatalf("%v; hub enroll printed:\n%s", err, printed)
	}
	return i
}

// newcomer is a gateway whose configuration says nothing of the hub.
func newcomer(t testing.TB, id, plant string) *edge {
	t.Helper()
	e := configure(t, id, "nobody's", "keep_alive: 30s", plant)
	text, err := os.ReadFile(e.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, e.config, strings.Replace(string(text), "  password_file: secret\n", "", 1))
	return e
}

func (e *edge) enrol(args ...string) (string, error) {
	return run(edgeProgram, append([]string{"enrol", "--config", e.config}, args...)...)
}

// online holds that the gateway is, or is not, connected.
func (e *edge) online(want float64) error {
	got, err := e.metric("gridhub_edge_hub_online")
	if err == nil && got != want {
		err = fmt.Errorf("online is %v", got)
	}
	return err
}

func (h *hub) certificates(id string) (all []registry.Certificate) {
	h.t.Helper()
	if err := json.Unmarshal([]byte(h.cli("device", "certificates", id)), &all); err != nil {
		h.t.Fatal(err)
	}
	return all
}

// TestEnrolment takes a gateway from a one-time code to its readings, to its
// next certificate, to its end, and back.
func TestEnrolment(t *testing.T) {
	h, s := open(t, "")
	e := newcomer(t, "gw-1", simulated("north", busy))
	i := h.invite("gw-1")

	other := strings.Repeat("ab", 32)
	if _, err := e.enrol("--hub", i.Hub, "--code", i.Code, "--ca-fingerprint", other); err == nil || !strings.Contains(err.Error(), "another hub answers there") {
		t.Errorf("with another hub's fingerprint: %v", err)
	}
	if _, err := e.enrol("--hub", i.Hub, "--code", i.Code); err == nil || !strings.Contains(err.Error(), "--ca-fingerprint") {
		t.Errorf("without a fingerprint: %v", err)
	}
	if out, err := e.enrol(i.String()); err != nil || !strings.Contains(out, "gw-1 is enrolled until ") {
		t.Fatalf("%s, %v", out, err)
	}
	if _, err := newcomer(t, "gw-1", simulated("north", busy)).enrol(i.String()); err == nil || !strings.Contains(err.Error(), "the code was used for another key") {
		t.Errorf("the code once more: %v", err)
	}
	e.run()
	e.reaches("gridhub_edge_records_total", 20, 1e9)
	e.reaches("gridhub_edge_certificate_expires_seconds", float64(time.Now().Add(364*24*time.Hour).Unix()), 1e12)
	eventually(t, "a reading", func() error {
		if len(s.series("north-0", "ch4")) == 0 {
			return errors.New("no value of north-0")
		}
		return nil
	})

	first := h.certificates("gw-1")[0]
	if out, err := e.enrol("--renew"); err != nil {
		t.Fatalf("%s, %v", out, err)
	}
	if got := h.certificates("gw-1"); len(got) != 2 || got[1].Serial != first.Serial || got[1].Ended != 0 {
		t.Errorf("after the renewal: %+v", got)
	}
	h.stop()
	h.serve()
	eventually(t, "the next connection", func() error { return e.online(1) })
	if got := h.certificates("gw-1"); got[0].Used == 0 || got[1].Cause != "superseded" {
		t.Errorf("after the next connection: %+v", got)
	}

	e.isRevoked(h)
	e.comesBack(h, s)
}

// isRevoked cuts the running gateway, and tries everything that it has.
func (e *edge) isRevoked(h *hub) {
	e.t.Helper()
	began := time.Now()
	h.cli("device", "revoke", "gw-1")
	eventually(e.t, "the cut", func() error { return e.online(0) })
	took := time.Since(began)
	e.t.Logf("revoked and gone in %s", took)
	if took > cutWithin {
		e.t.Errorf("the connection lived on for %s", took)
	}
	eventually(e.t, "words for it", func() error {
		if !strings.Contains(e.printed(), "the hub does not take this gateway's certificate") {
			return errors.New("the gateway does not say why")
		}
		return nil
	})
	held, err := tls.LoadX509KeyPair(filepath.Join(e.dir, "data", "identity", "client.crt"), filepath.Join(e.dir, "data", "identity", "client.key"))
	if err != nil {
		e.t.Fatal(err)
	}
	h.turnsAway("revoked", "gw-1", held)
	if _, err := e.enrol("--renew"); err == nil || !strings.Contains(err.Error(), "revoked") {
		e.t.Errorf("a revoked gateway renews: %v", err)
	}
}

// comesBack enrols the running gateway anew: it needs no restart, and what it
// had before stays refused.
func (e *edge) comesBack(h *hub, s *session) {
	e.t.Helper()
	identity := filepath.Join(e.dir, "data", "identity")
	before, err := tls.LoadX509KeyPair(filepath.Join(identity, "client.crt"), filepath.Join(identity, "client.key"))
	if err != nil {
		e.t.Fatal(err)
	}
	var made api.Invited
	s.post("/api/v1/enrolments", map[string]any{"id": "gw-1", "kind": "gateway", "hub": "https://" + h.https}, &made)
	if out, err := e.enrol(made.Invitation); err != nil {
		e.t.Fatalf("%s, %v", out, err)
	}
	eventually(e.t, "the gateway to be back", func() error { return e.online(1) })
	h.turnsAway("from before the revocation", "gw-1", before)
	var all []api.IdentityState
	s.get("/api/v1/identities", &all)
	if len(all) != 1 || !all[0].Online || all[0].Revoked != 0 || all[0].Expires == 0 {
		e.t.Errorf("the hub lists %+v", all)
	}
	e.quieten(simulated("north", calm))
	eventually(e.t, "delivery of all readings", func() error { _, err := e.delivered(); return err })
}

// turnsAway holds that a certificate opens neither MQTT nor HTTP.
func (h *hub) turnsAway(what string, id devices.ID, pair tls.Certificate) {
	h.t.Helper()
	if c, err := h.present(id, pair); err == nil {
		h.t.Errorf("%s: let in over MQTT", what)
		c.Disconnect(0)
	}
	if err := h.renew(id, pair); err == nil || isStatus(err, http.StatusUnprocessableEntity) {
		h.t.Errorf("%s: heard over HTTP: %v", what, err)
	}
}

func (h *hub) showing(pair tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: pool(h.t, h.authority()), // and shown whatever the server asks for:
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }}
}

func (h *hub) present(id devices.ID, pair tls.Certificate) (*client, error) {
	return dial("ssl://"+h.mqtts, id, "", func(o *mqtt.ClientOptions) { o.SetTLSConfig(h.showing(pair)) })
}

func (h *hub) renew(id devices.ID, pair tls.Certificate) error {
	s := &session{t: h.t, base: "https://" + h.https, client: http.Client{Transport: &http.Transport{TLSClientConfig: h.showing(pair)}}}
	_, csr := signing(h.t, id)
	return s.call("POST", wire.RenewPath, wire.Enrolment{V: 1, CSR: csr}, nil)
}

// signing makes a key and asks for its certificate.
func signing(t testing.TB, id devices.ID) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: string(id)}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// TestCertificatesThatOpenNothing shows the hub every certificate that it must
// not take, each over MQTT and over HTTP.
func TestCertificatesThatOpenNothing(t *testing.T) {
	h, _ := open(t, "")
	s := &session{t: t, base: "https://" + h.https, client: http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(t, h.authority())}}}}
	key, csr := signing(t, "gw-1")
	var id wire.Identity
	s.post(wire.EnrolPath, wire.Enrolment{V: 1, Code: h.invite("gw-1").Code, CSR: csr}, &id)
	good, err := tls.X509KeyPair([]byte(id.Certificate), toPEM(t, key))
	if err != nil {
		t.Fatal(err)
	}
	if id.MQTT != "ssl://"+h.mqtts || id.ID != "gw-1" || id.CA != string(h.authority()) {
		t.Errorf("the hub answered %+v", id)
	}
	c, err := h.present("gw-1", good)
	if err != nil {
		t.Fatalf("the right certificate: %v", err)
	}
	c.Disconnect(0)
	if c, err := h.present("gw-2", good); err == nil {
		t.Error("under another's client id: let in")
		c.Disconnect(0)
	}
	if err := s.call("POST", wire.RenewPath, wire.Enrolment{V: 1, CSR: csr}, nil); !isStatus(err, http.StatusUnauthorized) {
		t.Errorf("a renewal without a certificate: %v", err)
	}

	authority, err := tls.LoadX509KeyPair(filepath.Join(h.dir, "data", "tls", "ca.crt"), filepath.Join(h.dir, "data", "tls", "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string]tls.Certificate{
		"self-signed":                     forge(t, nil, time.Hour),
		"of the authority, but ended":     forge(t, &authority, -time.Minute),
		"of the authority, but not known": forge(t, &authority, time.Hour),
	} {
		h.turnsAway(name, "gw-1", pair)
	}
	c, err = h.present("gw-1", good) // nothing of that touched the right one
	if err != nil {
		t.Fatal(err)
	}
	c.Disconnect(0)
}

func toPEM(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// forge makes a certificate of gw-1 that ends in life, signed by the authority
// or by itself.
func forge(t testing.TB, authority *tls.Certificate, life time.Duration) tls.Certificate {
	t.Helper()
	key, _ := signing(t, "gw-1")
	c := &x509.Certificate{SerialNumber: big.NewInt(17), Subject: pkix.Name{CommonName: "gw-1"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(life), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature}
	parent, signer := c, any(key)
	if authority != nil {
		parent, signer = authority.Leaf, authority.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestCodesAreNotGuessed holds how a code may be used: once, in its time, and
// by whoever does not guess.
func TestCodesAreNotGuessed(t *testing.T) {
	h := prepare(t, "")
	h.serve()
	early := h.invite("gw-1", "--plain=false")
	s := &session{t: t, base: "http://" + h.http}
	ask := func(code string) error {
		_, csr := signing(t, "gw-1")
		return s.call("POST", wire.EnrolPath, wire.Enrolment{V: 1, Code: code, CSR: csr}, nil)
	}
	if err := ask(early.Code); !isStatus(err, http.StatusServiceUnavailable) {
		t.Errorf("before the claim: %v", err)
	}
	h.claim()
	if err := ask(early.Code); err != nil {
		t.Errorf("a code from before the claim: %v", err)
	}
	if err := ask(early.Code); !isStatus(err, http.StatusGone) {
		t.Errorf("a used code: %v", err)
	}
	open := h.invite("gw-2")
	for n := range 9 {
		if err := ask(fmt.Sprintf("0000-0000-0000-000%d", n)); !isStatus(err, http.StatusUnauthorized) {
			t.Errorf("guess %d: %v", n, err)
		}
	}
	if err := ask(open.Code); !isStatus(err, http.StatusTooManyRequests) {
		t.Errorf("after nine guesses and a used code: %v", err)
	}
	if log := h.printed(); strings.Contains(log, early.Code) || strings.Contains(log, open.Code) || !strings.Contains(log, "no such code") {
		t.Error("the log shows a code, or does not show the guesses")
	}
	for _, key := range []string{"hub.db", "hub.db-wal"} {
		if out, err := exec.Command("grep", "-c", "-a", "-F", early.Code, filepath.Join(h.dir, "data", key)).Output(); err == nil {
			t.Errorf("%s holds a code in clear: %s", key, out)
		}
	}
}

// TestASecretIsChanged gives a simple device another secret: the connection of
// the old one ends, and it opens nothing more.
func TestASecretIsChanged(t *testing.T) {
	h, _ := open(t, "")
	old := h.add("gas-1", "sensor", "--profile", "gas")
	c, err := dial("tcp://"+h.mqtt, "gas-1", old)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimSpace(h.cli("device", "secret", "gas-1"))
	eventually(t, "the cut", func() error {
		if c.IsConnectionOpen() {
			return errors.New("still open")
		}
		return nil
	})
	if _, err := dial("tcp://"+h.mqtt, "gas-1", old); err == nil {
		t.Error("the old secret still opens")
	}
	h.lets("gas-1", secret)
}
