// Package enrol gives a gateway its identity: it trades a one-time code for a
// certificate, keeps it, and renews it before it ends.
//
// It promises that the private key never leaves the gateway, that nothing is
// said to a hub which is not the one that the code came from, and that a crash
// at any instant leaves a whole identity, the old or the new, and the code
// still good for the same key. What travels over the connection that the
// identity opens is uplink's.
package enrol

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
)

const (
	exchangeTimeout = 30 * time.Second
	maxAnswer       = 64 << 10 // bytes
)

// A RefusalError is what a hub answers to somebody whom it does not enrol.
type RefusalError struct {
	Status int // of HTTP
	Detail string
}

func (e *RefusalError) Error() string { return "the hub refuses: " + e.Detail }

// Options of an enrolment.
type Options struct {
	ID     devices.ID
	CAFile string // what to trust where the invitation has no fingerprint
	Now    func() time.Time
}

// Enrol trades the code of an invitation for an identity and keeps it. After a
// failure, whatever it was, the same call may be made again.
func (f Folder) Enrol(ctx context.Context, i wire.Invitation, o Options) (*Identity, error) {
	if i.ID != "" && i.ID != o.ID {
		return nil, fmt.Errorf("the code is for %s, this gateway's configuration says id: %s", i.ID, o.ID)
	}
	trust, err := firstTrust(i, o)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(f.data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return f.trade(ctx, exchange{hub: i.Hub, path: wire.EnrolPath, id: o.ID, code: i.Code, trust: trust, now: o.Now})
}

// firstTrust is by what the hub is recognised before there is an identity.
func firstTrust(i wire.Invitation, o Options) (anchor, error) {
	if i.CA != "" {
		return anchor{fingerprint: i.CA}, nil
	}
	if o.CAFile == "" {
		return anchor{}, errors.New("want --ca-fingerprint, as hub enroll prints it, or hub.ca in the configuration: without it another machine could pose as the hub")
	}
	text, err := os.ReadFile(o.CAFile)
	if err != nil {
		return anchor{}, fmt.Errorf("hub.ca: %w", err)
	}
	ca, err := parseCertificate(string(text))
	if err != nil {
		return anchor{}, fmt.Errorf("hub.ca: %w", err)
	}
	return anchor{ca: ca}, nil
}

// Renew trades the identity in force for the next one. The old one stays good
// until the hub has seen the next.
func (f Folder) Renew(ctx context.Context, now func() time.Time) (*Identity, error) {
	held, err := f.Load()
	if err != nil {
		return nil, err
	}
	return f.trade(ctx, exchange{hub: held.Hub, path: wire.RenewPath, id: held.ID, trust: anchor{ca: held.ca}, pair: &held.pair, now: now})
}

// exchange is one request to a hub.
type exchange struct {
	hub, path string
	id        devices.ID
	code      string
	trust     anchor
	pair      *tls.Certificate // shown, where there is one
	now       func() time.Time
}

// trade makes a key, asks for its certificate, and keeps both.
func (f Folder) trade(ctx context.Context, x exchange) (*Identity, error) {
	release, err := f.lock()
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	err = f.obtain(ctx, x)
	release()
	if err != nil {
		return nil, err
	}
	return f.Load()
}

// obtain needs the lock: a key and its certificate are made as one.
func (f Folder) obtain(ctx context.Context, x exchange) error {
	if err := f.finish(); err != nil { // what a crash interrupted
		return fmt.Errorf("identity: %w", err)
	}
	key, err := f.pending()
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: string(x.id)}}, key)
	if err != nil {
		return fmt.Errorf("signing request: %w", err)
	}
	answer, shown, err := x.ask(ctx, wire.Enrolment{V: wire.Version, Code: x.code,
		CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))})
	if err != nil {
		return explain(x.hub, err)
	}
	if err := x.check(answer, key, shown); err != nil {
		return fmt.Errorf("the hub's answer: %w", err)
	}
	if err := f.keep(x.hub, answer); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	return nil
}

// ask sends one request; shown are the certificates of the hub that answered.
func (x exchange) ask(ctx context.Context, in wire.Enrolment) (out wire.Identity, shown []*x509.Certificate, err error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	at, err := url.Parse(x.hub)
	if err != nil {
		return out, nil, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return out, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, x.hub+x.path, bytes.NewReader(body))
	if err != nil {
		return out, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{TLSClientConfig: x.trust.config(at.Hostname(), x.pair, x.now)} // no proxy: the code is for the hub alone
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return out, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return out, nil, err
	}
	if response.StatusCode != http.StatusOK {
		return out, nil, refusal(response.StatusCode, text)
	}
	return out, response.TLS.PeerCertificates, json.Unmarshal(text, &out)
}

func refusal(status int, text []byte) error {
	var said struct{ Detail string }
	if json.Unmarshal(text, &said) != nil || said.Detail == "" {
		said.Detail = http.StatusText(status)
	}
	return &RefusalError{status, said.Detail}
}

// check believes nothing that would leave the gateway without a working
// identity.
func (x exchange) check(answer wire.Identity, key *ecdsa.PrivateKey, shown []*x509.Certificate) error {
	if answer.V != wire.Version || answer.ID != x.id {
		return fmt.Errorf("version %d for %q, want %d for %s", answer.V, answer.ID, wire.Version, x.id)
	}
	ca, err := parseCertificate(answer.CA)
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	want := x.trust.ca
	if want == nil {
		want = pinned(shown, x.trust.fingerprint)
	}
	if want == nil || !ca.Equal(want) {
		return errors.New("ca: another authority than the one that vouched for the hub")
	}
	cert, err := parseCertificate(answer.Certificate)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if public, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(key.Public()) || cert.Subject.CommonName != string(x.id) {
		return errors.New("certificate: for another key or another name")
	}
	if err := cert.CheckSignatureFrom(ca); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return checkKeys(answer.CommandKeys)
}

// checkKeys wants every block of the PEM text to be an Ed25519 key.
func checkKeys(text string) error {
	rest := bytes.TrimSpace([]byte(text))
	for len(rest) > 0 {
		block, more := pem.Decode(rest)
		if block == nil || block.Type != "PUBLIC KEY" {
			return errors.New("command_keys: want PEM (-----BEGIN PUBLIC KEY-----)")
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if _, ok := key.(ed25519.PublicKey); err != nil || !ok {
			return errors.New("command_keys: want Ed25519 keys")
		}
		rest = bytes.TrimSpace(more)
	}
	return nil
}

// Expires is the certificate's end.
func (i *Identity) Expires() time.Time { return i.pair.Leaf.NotAfter }

// Begins is the certificate's beginning: it is later than that, whatever a
// clock says.
func (i *Identity) Begins() time.Time { return i.pair.Leaf.NotBefore }

// TLS is the client's side of a connection to the hub at host.
func (i *Identity) TLS(host string, now func() time.Time) *tls.Config {
	return anchor{ca: i.ca}.config(host, &i.pair, now)
}
