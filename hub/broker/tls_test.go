package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// An issuer is a certificate authority for one test.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	ca := &issuer{t: t}
	ca.cert, ca.key = ca.sign("test ca", true)
	return ca
}

func (ca *issuer) sign(name string, authority bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		ca.t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: authority, BasicConstraintsValid: authority}
	parent, signer := ca.cert, ca.key
	if parent == nil {
		parent, signer = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		ca.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		ca.t.Fatal(err)
	}
	return cert, key
}

func (ca *issuer) pair(name string) tls.Certificate {
	cert, key := ca.sign(name, false)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (ca *issuer) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

func startTLS(t *testing.T, ca *issuer) *running {
	server := ca.pair("hub")
	return start(t, func(c *Config) {
		c.Listeners[0].Network = "tls"
		c.Listeners[0].TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: ca.pool(),
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &server, nil }}
	}, Events{})
}

func (r *running) dialTLS(t *testing.T, ca *issuer, certs ...tls.Certificate) *peer {
	t.Helper()
	nc, err := tls.Dial("tcp", r.addr, &tls.Config{RootCAs: ca.pool(), Certificates: certs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return &peer{t: t, nc: nc}
}

func TestCertificateNamesTheIdentity(t *testing.T) {
	ca := newIssuer(t)
	r := startTLS(t, ca)
	t.Run("right", func(t *testing.T) {
		p := r.dialTLS(t, ca, ca.pair("a"))
		p.write(packet(0x10, field("MQTT"), []byte{4, 2, 0, 60}, field("a")))
		p.expect(0x20, 2, 0, 0)
		p.publish("gh/1/a/up/telemetry", 1, 1, "x")
		p.expect(0x40, 2, 0, 1)
	})
	t.Run("another's client id", func(t *testing.T) {
		p := r.dialTLS(t, ca, ca.pair("a"))
		p.write(packet(0x10, field("MQTT"), []byte{4, 2, 0, 60}, field("b")))
		p.expect(0x20, 2, 0, 2)
	})
	t.Run("another's name and password", func(t *testing.T) {
		p := r.dialTLS(t, ca, ca.pair("a"))
		if body := p.connect(hello{v5: true, id: "b", user: "b", password: "bb"}); body[1] != 0x85 {
			t.Errorf("answered %#x, want 0x85", body[1])
		}
	})
	t.Run("a certificate of somebody else", func(t *testing.T) {
		other := newIssuer(t)
		nc, err := tls.Dial("tcp", r.addr, &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{other.pair("a")}})
		if err == nil {
			p := &peer{t: t, nc: nc}
			_, _ = nc.Write(packet(0x10, field("MQTT"), []byte{4, 2, 0, 60}, field("a")))
			p.expectEnd()
			_ = nc.Close()
		}
		eventually(t, "it is counted", func() bool { return r.Stats()["end/tls"] == 1 })
	})
	t.Run("password over tls", func(t *testing.T) {
		r.dialTLS(t, ca).join(hello{})
	})
}

// A stranger who never finishes the handshake is sent away, and nobody waits
// for him. The limit is short here because TLS cannot run on a test clock.
func TestSilentTLSHandshake(t *testing.T) {
	ca := newIssuer(t)
	server := ca.pair("hub")
	r := start(t, func(c *Config) {
		c.ConnectTimeout = 100 * time.Millisecond
		c.Listeners[0].Network = "tls"
		c.Listeners[0].TLS = &tls.Config{Certificates: []tls.Certificate{server}}
	}, Events{})
	var all sync.WaitGroup
	for range 50 {
		p := r.dial(t)
		all.Go(p.expectEnd)
	}
	all.Wait()
}

func TestMosquittoOverTLSWithCertificate(t *testing.T) {
	ca := newIssuer(t)
	r := startTLS(t, ca)
	dir := t.TempDir()
	save := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := ca.sign("b", false)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	host, port := r.hostPort(t)
	out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-i", "b", "-q", "1", "-t", "gh/1/b/up/event", "-m", "signed",
		"--cafile", save("ca.pem", "CERTIFICATE", ca.cert.Raw), "--cert", save("b.pem", "CERTIFICATE", cert.Raw),
		"--key", save("b.key", "PRIVATE KEY", der)).CombinedOutput()
	if err != nil {
		t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
	if m := r.sink.await(t, 1)[0]; m.From != "b" || string(m.Payload) != "signed" {
		t.Errorf("sink got %+v", m.Message)
	}
}
