package enrol

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

const me = "gw-1"

// street is an authority and the hub that it vouches for; the real one is tried
// in scripts/e2e/chain.
type street struct {
	*testing.T
	ca     *x509.Certificate
	key    *ecdsa.PrivateKey
	server *httptest.Server
	life   time.Duration // of the next certificate

	mu      sync.Mutex
	asked   []wire.Enrolment
	shown   []string // common names of the clients' certificates
	issued  map[string][]byte
	answer  func(*wire.Identity) // spoils answers
	lose    bool                 // answers are lost
	refused int                  // status, if not 0
}

func openStreet(t *testing.T) *street {
	t.Helper()
	s := &street{T: t, issued: map[string][]byte{}, life: 365 * 24 * time.Hour}
	s.ca, s.key = s.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "street"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	leaf, key := s.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "hub"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, nil)
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are what is tried here
	pool := x509.NewCertPool()
	pool.AddCert(s.ca)
	s.server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw, s.ca.Raw}, PrivateKey: key}},
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool}
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

// sign makes a certificate of public, or of a new key.
func (s *street) sign(c *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	if public == nil {
		public = key.Public()
	}
	c.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(s.life)
	parent, signer := s.ca, s.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, signer)
	if err != nil {
		s.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		s.Fatal(err)
	}
	return cert, key
}

func toPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (s *street) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in wire.Enrolment
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		s.Error(err)
	}
	s.asked = append(s.asked, in)
	if len(r.TLS.PeerCertificates) > 0 {
		s.shown = append(s.shown, r.TLS.PeerCertificates[0].Subject.CommonName)
	}
	if s.refused != 0 {
		w.WriteHeader(s.refused)
		io.WriteString(w, `{"detail": "the code has expired"}`)
		return
	}
	block, _ := pem.Decode([]byte(in.CSR))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		s.Error(err)
		return
	}
	hash := string(csr.RawSubjectPublicKeyInfo)
	if s.issued[hash] == nil {
		cert, _ := s.sign(&x509.Certificate{Subject: csr.Subject, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, csr.PublicKey)
		s.issued[hash] = cert.Raw
	}
	if s.lose {
		panic(http.ErrAbortHandler)
	}
	id := wire.Identity{V: 1, ID: me, Certificate: toPEM("CERTIFICATE", s.issued[hash]), CA: toPEM("CERTIFICATE", s.ca.Raw),
		MQTT: "ssl://127.0.0.1:8883", Now: telemetry.At(time.Now())}
	if s.answer != nil {
		s.answer(&id)
	}
	_ = json.NewEncoder(w).Encode(id)
}

func (s *street) invitation() wire.Invitation {
	sum := sha256.Sum256(s.ca.Raw)
	return wire.Invitation{Hub: s.server.URL, ID: me, Code: "7K3M-0QPV-XW8T-2RZC", CA: hex.EncodeToString(sum[:])}
}

func (s *street) enrol(f Folder, i wire.Invitation) (*Identity, error) {
	return f.Enrol(s.Context(), i, Options{ID: me, Now: time.Now})
}

func (s *street) keys() int { return len(s.issued) }

func TestEnrol(t *testing.T) {
	s, data := openStreet(t), filepath.Join(t.TempDir(), "data")
	f := In(data)
	if _, err := f.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before: %v", err)
	}
	s.answer = func(id *wire.Identity) {
		key, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Error(err)
		}
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Error(err)
		}
		id.CommandKeys = toPEM("PUBLIC KEY", der)
	}
	held, err := s.enrol(f, s.invitation())
	if err != nil {
		t.Fatal(err)
	}
	if held.ID != me || held.Hub != s.server.URL || held.MQTT != "ssl://127.0.0.1:8883" || time.Until(held.Expires()) < 364*24*time.Hour {
		t.Errorf("it is %+v until %s", held, held.Expires())
	}
	for name, mode := range map[string]fs.FileMode{keyFile: 0o600, certFile: 0o644, caFile: 0o644, commandFile: 0o644, factsFile: 0o644} {
		if st, err := os.Stat(filepath.Join(data, "identity", name)); err != nil || st.Mode() != mode {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
	if left, err := os.ReadDir(data); err != nil || len(left) != 1 {
		t.Errorf("the data folder has %v, %v", left, err)
	}
	again, err := f.Renew(t.Context(), time.Now)
	if err != nil || again.pair.Leaf.SerialNumber.Cmp(held.pair.Leaf.SerialNumber) == 0 {
		t.Fatalf("renewed: %v", err)
	}
	if len(s.shown) != 1 || s.shown[0] != me || s.keys() != 2 || s.asked[1].Code != "" {
		t.Errorf("the renewal showed %v, made %d keys, sent code %q", s.shown, s.keys(), s.asked[1].Code)
	}
}

// A gateway that was enrolled with sudo can read what it was given.
func TestRootHandsOver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: there is nobody to hand over to")
		return
	}
	s, data := openStreet(t), t.TempDir()
	if err := os.Chown(data, 4711, 4712); err != nil {
		t.Fatal(err)
	}
	if _, err := s.enrol(In(data), s.invitation()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", keyFile, certFile, caFile, factsFile} {
		st, err := os.Stat(filepath.Join(data, "identity", name))
		if err != nil {
			t.Fatal(err)
		}
		if owner := st.Sys().(*syscall.Stat_t); owner.Uid != 4711 || owner.Gid != 4712 {
			t.Errorf("identity/%s belongs to %d:%d", name, owner.Uid, owner.Gid)
		}
	}
}

// Whoever answers in place of the hub hears nothing.
func TestAnotherHub(t *testing.T) {
	s, other, f := openStreet(t), openStreet(t), In(t.TempDir())
	i := s.invitation()
	i.Hub = other.server.URL
	_, err := s.enrol(f, i)
	var wrong *AuthorityError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "another hub answers there") {
		t.Errorf("another hub: %v", err)
	}
	if _, err := s.enrol(f, s.invitation()); err != nil {
		t.Fatal(err)
	}
	held, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	_, err = tls.Dial("tcp", other.server.Listener.Addr().String(), held.TLS("127.0.0.1", time.Now))
	if !errors.As(err, &wrong) {
		t.Errorf("a connection to another hub: %v", err)
	}
	if len(other.asked) != 0 {
		t.Errorf("the other hub heard %v", other.asked)
	}
	i.CA = ""
	if _, err := s.enrol(f, i); err == nil || !strings.Contains(err.Error(), "--ca-fingerprint") {
		t.Errorf("without a fingerprint: %v", err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(toPEM("CERTIFICATE", s.ca.Raw)), 0o600); err != nil {
		t.Fatal(err)
	}
	i = s.invitation()
	i.CA = ""
	if _, err := f.Enrol(t.Context(), i, Options{ID: me, CAFile: file, Now: time.Now}); err != nil {
		t.Errorf("with the authority as a file: %v", err)
	}
}

func TestClocks(t *testing.T) {
	s := openStreet(t)
	at := func(year int) (func() time.Time, error) {
		now := func() time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
		f := In(t.TempDir())
		held, err := f.Enrol(t.Context(), s.invitation(), Options{ID: me, Now: now})
		if err == nil {
			var c *tls.Conn
			if c, err = tls.Dial("tcp", s.server.Listener.Addr().String(), held.TLS("127.0.0.1", now)); err == nil {
				c.Close()
			}
		}
		return now, err
	}
	if _, err := at(1970); err != nil {
		t.Errorf("without a clock: %v", err)
	}
	_, err := at(2099)
	var clock *ClockError
	if !errors.As(err, &clock) || !strings.Contains(err.Error(), "this gateway's clock says 2099-01-01") {
		t.Errorf("a clock that is ahead: %v", err)
	}
}

// A key that the hub has answered once is kept until its certificate is here.
func TestLostAnswer(t *testing.T) {
	s, f := openStreet(t), In(t.TempDir())
	s.lose = true
	if _, err := s.enrol(f, s.invitation()); err == nil {
		t.Fatal("an answer that was lost was heard")
	}
	s.lose = false
	if _, err := s.enrol(f, s.invitation()); err != nil || s.keys() != 1 {
		t.Errorf("%d keys, %v", s.keys(), err)
	}
}

// TestCrash stops a renewal before each change of the disk, in turn. What a
// restart finds is one of the two identities, whole; and the next attempt
// succeeds.
func TestCrash(t *testing.T) {
	crash := errors.New("crash")
	for n := 1; ; n++ {
		s, data := openStreet(t), t.TempDir()
		first, err := s.enrol(In(data), s.invitation())
		if err != nil {
			t.Fatal(err)
		}
		f, steps := In(data), 0
		at := ""
		f.step = func(what string) error {
			if steps++; steps >= n { // and nothing after it
				at += what + " "
				return crash
			}
			return nil
		}
		if _, err = f.Renew(t.Context(), time.Now); err == nil {
			if n < 10 {
				t.Errorf("a renewal has %d steps only", n)
			}
			return
		}
		held, err := In(data).Load()
		if err != nil {
			t.Fatalf("crash before %s: %v", at, err)
		}
		before := s.keys()
		next, err := In(data).Renew(t.Context(), time.Now)
		if err != nil || next.pair.Leaf.Equal(first.pair.Leaf) {
			t.Errorf("crash before %s: the next attempt: %v", at, err)
		}
		if held.pair.Leaf.Equal(first.pair.Leaf) && before == 2 && s.keys() != 2 {
			t.Errorf("crash before %s: the next attempt has another key", at)
		}
	}
}

// TestTogether has several programs load and renew one identity at once, as
// edge run and edge enrol do.
func TestTogether(t *testing.T) {
	s, data := openStreet(t), t.TempDir()
	if _, err := s.enrol(In(data), s.invitation()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 5 {
				if _, err := In(data).Renew(t.Context(), time.Now); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 200 {
				if _, err := In(data).Load(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, err := In(data).Load(); err != nil {
		t.Errorf("in the end: %v", err)
	}
}

func TestAnswersThatAreNotBelieved(t *testing.T) {
	s, other, data := openStreet(t), openStreet(t), t.TempDir()
	first, err := s.enrol(In(data), s.invitation())
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*wire.Identity){
		"version":             func(id *wire.Identity) { id.V = 2 },
		"another's":           func(id *wire.Identity) { id.ID = "gw-2" },
		"another authority":   func(id *wire.Identity) { id.CA = toPEM("CERTIFICATE", other.ca.Raw) },
		"no authority":        func(id *wire.Identity) { id.CA = "" },
		"another key":         func(id *wire.Identity) { id.Certificate = toPEM("CERTIFICATE", first.pair.Leaf.Raw) },
		"no certificate":      func(id *wire.Identity) { id.Certificate = "" },
		"broken command keys": func(id *wire.Identity) { id.CommandKeys = "-----BEGIN PUBLIC KEY-----" },
	} {
		s.answer = spoil
		if _, err := s.enrol(In(data), s.invitation()); err == nil || !strings.Contains(err.Error(), "the hub's answer") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if held, err := In(data).Load(); err != nil || !held.pair.Leaf.Equal(first.pair.Leaf) {
		t.Errorf("the identity was touched: %v", err)
	}
}

func TestExplanations(t *testing.T) {
	s := openStreet(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	plain.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer plain.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	_, port, _ := net.SplitHostPort(s.server.Listener.Addr().String())
	for want, hub := range map[string]string{
		"does not speak TLS":                      strings.Replace(plain.URL, "http:", "https:", 1),
		"nothing listens at":                      "https://" + closed.Addr().String(),
		"is for 127.0.0.1, not for \"localhost\"": "https://localhost:" + port,
		"nobody knows the name \"hub.invalid\"":   "https://hub.invalid:8443",
		"the hub refuses: the code has expired":   s.server.URL,
		"the code is for gw-1, this gateway's co": "",
	} {
		i, o := s.invitation(), Options{ID: me, Now: time.Now}
		s.refused = http.StatusGone
		if i.Hub = hub; hub == "" {
			o.ID = "gw-2"
		}
		if _, err := In(t.TempDir()).Enrol(t.Context(), i, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", hub, err, want)
		}
	}
}

func TestKeeper(t *testing.T) {
	s, data, now := openStreet(t), t.TempDir(), time.Now()
	k := NewKeeper(In(data), func() time.Time { return now }, slog.New(slog.DiscardHandler))
	k.look(t.Context())
	if st := k.Status(); st.Enrolled || st.Err != "" {
		t.Errorf("before the enrolment: %+v", st)
	}
	first, err := s.enrol(In(data), s.invitation())
	if err != nil {
		t.Fatal(err)
	}
	now = first.Expires().Add(-31 * 24 * time.Hour)
	k.look(t.Context())
	if st := k.Status(); !st.Enrolled || st.Left != 31*24*time.Hour || s.keys() != 1 {
		t.Errorf("31 days before the end: %+v, %d keys", st, s.keys())
	}
	now = time.Unix(0, 0)
	if k.look(t.Context()); k.Status().Left < 364*24*time.Hour || s.keys() != 1 {
		t.Errorf("without a clock: %+v, %d keys", k.Status(), s.keys())
	}
	now = first.Expires().Add(-29 * 24 * time.Hour)
	s.refused = http.StatusServiceUnavailable
	if k.look(t.Context()); k.Status().Err == "" || !k.Status().Expires.Equal(first.Expires()) {
		t.Errorf("a hub that cannot: %+v", k.Status())
	}
	s.refused, s.life = 0, 2*365*24*time.Hour
	if k.look(t.Context()); k.Status().Err != "" || !k.Status().Expires.After(first.Expires()) || s.keys() != 2 {
		t.Errorf("29 days before the end: %+v, %d keys", k.Status(), s.keys())
	}
}
