package uplink

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"gridhub/devices/wire"
	"gridhub/edge/uplink/hubtest"
)

// authority makes a CA and a certificate for localhost signed by it, as PEM
// files in dir.
func authority(t *testing.T, dir string) (ca, cert, key string) {
	t.Helper()
	caKey, caDER := issue(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "street"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	parent, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	leafKey, leafDER := issue(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
	}, parent, caKey)
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	return pemFile(t, dir, "ca.pem", "CERTIFICATE", caDER),
		pemFile(t, dir, "cert.pem", "CERTIFICATE", leafDER),
		pemFile(t, dir, "key.pem", "PRIVATE KEY", keyDER)
}

// issue signs template with the parent's key; without parent, with its own.
func issue(t *testing.T, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, signer = template, key
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

func pemFile(t *testing.T, dir, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTLSAndSecret connects to a broker that demands both, first with a wrong
// authority, then with a wrong secret, then rightly.
func TestTLSAndSecret(t *testing.T) {
	dir := t.TempDir()
	ca, cert, key := authority(t, dir)
	passwords := filepath.Join(dir, "passwords")
	for i, user := range []string{"edge-1", "hub"} {
		args := []string{"-b", passwords, user, "right-" + user}
		if i == 0 {
			args = append([]string{"-c"}, args...)
		}
		if out, err := exec.Command("/usr/bin/mosquitto_passwd", args...).CombinedOutput(); err != nil {
			t.Fatalf("mosquitto_passwd: %v %s", err, out)
		}
	}
	broker := hubtest.StartBroker(t, "cafile "+ca, "certfile "+cert, "keyfile "+key, "password_file "+passwords, "allow_anonymous false", "user root")
	_, port, _ := strings.Cut(broker.Address(), ":")
	cfg := quick(broker.Address())
	cfg.URL, cfg.CA, cfg.PasswordFile = "ssl://localhost:"+port, ca, filepath.Join(dir, "secret")
	spool := openSpool(t, t.TempDir())

	other, _, _ := authority(t, t.TempDir())
	wrong := cfg
	wrong.CA = other
	secretFile(t, cfg, "right-edge-1")
	if cause := refusal(t, wrong, spool); !strings.Contains(cause, "certificate") {
		t.Errorf("a stranger's certificate: %s", cause)
	}
	secretFile(t, cfg, "wrong")
	if cause := refusal(t, cfg, spool); !strings.Contains(strings.ToLower(cause), "not authori") {
		t.Errorf("a wrong secret: %s", cause)
	}
	secretFile(t, cfg, "right-edge-1\n")
	u := newUplink(t, cfg, spool)
	conn, err := u.connect(t.Context(), func(string, []byte) {})
	if err != nil {
		t.Fatal(err)
	}
	conn.leave(0, "done")
}

func secretFile(t *testing.T, cfg Config, secret string) {
	t.Helper()
	if err := os.WriteFile(cfg.PasswordFile, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newUplink(t *testing.T, cfg Config, s *Spool) *Uplink {
	t.Helper()
	u, err := New(cfg, Options{ID: gateway, Spool: s, Stock: func() wire.Stock { return wire.Stock{} }})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// refusal runs an uplink until its first attempt has failed.
func refusal(t *testing.T, cfg Config, s *Spool) string {
	t.Helper()
	u := newUplink(t, cfg, s)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { u.Run(ctx) })
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if st := u.Status(); st.Online || st.Cause != "" {
			if st.Online {
				t.Error("connected")
			}
			return st.Cause
		}
	}
	t.Fatal("no attempt failed")
	return ""
}

// TestRefusedSubscription holds that a hub which lets us in but not listen is
// no hub: without acknowledgements nothing could ever be let go.
func TestRefusedSubscription(t *testing.T) {
	address := fakeBroker(t, func(conn net.Conn, p packets.ControlPacket) {
		switch p := p.(type) {
		case *packets.ConnectPacket:
			_ = packets.NewControlPacket(packets.Connack).Write(conn)
		case *packets.SubscribePacket:
			_, _ = conn.Write([]byte{0x90, 3, byte(p.MessageID >> 8), byte(p.MessageID), 0x80})
		}
	})
	if cause := refusal(t, quick(address), openSpool(t, t.TempDir())); !strings.Contains(cause, "refuses gh/1/edge-1/down/#") {
		t.Errorf("got %s", cause)
	}
}

// TestPoisonousSuback sends the packet that makes paho panic: one more code
// than filters. The guard ends the connection instead.
func TestPoisonousSuback(t *testing.T) {
	address := fakeBroker(t, func(conn net.Conn, p packets.ControlPacket) {
		switch p := p.(type) {
		case *packets.ConnectPacket:
			_ = packets.NewControlPacket(packets.Connack).Write(conn)
		case *packets.SubscribePacket:
			_, _ = conn.Write([]byte{0x90, 4, byte(p.MessageID >> 8), byte(p.MessageID), 1, 1})
		}
	})
	if cause := refusal(t, quick(address), openSpool(t, t.TempDir())); cause == "" {
		t.Error("no cause")
	}
}

// fakeBroker answers packets as the test says.
func fakeBroker(t *testing.T, answer func(net.Conn, packets.ControlPacket)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for {
					p, err := packets.ReadPacket(conn)
					if err != nil {
						return
					}
					answer(conn, p)
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	ca, _, _ := authority(t, dir)
	if err := CheckCA(ca); err != nil {
		t.Error(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if CheckCA(empty) == nil || CheckCA(dir+"/none") == nil || CheckSecret(empty) == nil || CheckSecret(dir+"/none") == nil {
		t.Error("a file that cannot serve was accepted")
	}
}
