package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gridhub/devices/wire"
	"gridhub/hub/registry"
)

// porter answers everybody alike, and remembers who came. The real one is tried
// in hub/registry and scripts/e2e/chain.
type porter struct {
	Enrolments
	err    error
	from   netip.Prefix
	host   string
	shown  string
	record wire.Enrolment
}

func (p *porter) Enrol(_ context.Context, from netip.Prefix, host string, in wire.Enrolment) (wire.Identity, error) {
	p.from, p.host, p.record = from, host, in
	return wire.Identity{V: 1, ID: "gw-1"}, p.err
}

func (p *porter) Renew(_ context.Context, c *x509.Certificate, host string, in wire.Enrolment) (wire.Identity, error) {
	p.shown, p.host, p.record = c.Subject.CommonName, host, in
	return wire.Identity{V: 1, ID: "gw-1"}, p.err
}

func TestEnrolmentOverHTTP(t *testing.T) {
	p := &porter{}
	a := New(Deps{Audit: openAudit(t), Accounts: doorman{}, Enrolments: p, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	verified := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Subject: pkix.Name{CommonName: "gw-1"}}}}
	verified.VerifiedChains = [][]*x509.Certificate{verified.PeerCertificates}
	ask := func(path, body string, state *tls.ConnectionState) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "https://hub.street:8443"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr, r.TLS = "[2001:db8::7]:4711", state
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		return w
	}
	const body = `{"v":1,"code":"c","csr":"x","of a later version":true}`
	for _, tt := range []struct {
		name, path, body string
		state            *tls.ConnectionState
		err              error
		want             int
	}{
		{"a code", wire.EnrolPath, body, nil, nil, 200},
		{"another version", wire.EnrolPath, `{"v":2,"code":"c","csr":"x"}`, nil, nil, 422},
		{"too much", wire.EnrolPath, `{"v":1,"csr":"` + strings.Repeat("x", maxEnrolment) + `"}`, nil, nil, 413},
		{"unknown", wire.EnrolPath, body, nil, registry.ErrCode, 401},
		{"used", wire.EnrolPath, body, nil, registry.ErrUsed, 410},
		{"expired", wire.EnrolPath, body, nil, registry.ErrExpired, 410},
		{"worn", wire.EnrolPath, body, nil, registry.ErrWorn, 410},
		{"a bad request", wire.EnrolPath, body, nil, &registry.RequestError{Want: "PEM"}, 422},
		{"too often", wire.EnrolPath, body, nil, &registry.LimitError{Wait: 1500 * time.Millisecond}, 429},
		{"no disk", wire.EnrolPath, body, nil, errors.New("disk full"), 503},
		{"a renewal", wire.RenewPath, body, verified, nil, 200},
		{"without TLS", wire.RenewPath, body, nil, nil, 401},
		{"without a certificate", wire.RenewPath, body, &tls.ConnectionState{}, nil, 401},
		{"one that nobody verified", wire.RenewPath, body, &tls.ConnectionState{PeerCertificates: verified.PeerCertificates}, nil, 401},
		{"revoked", wire.RenewPath, body, verified, registry.ErrRevoked, 403},
		{"ended", wire.RenewPath, body, verified, registry.ErrEnded, 403},
		{"not in the register", wire.RenewPath, body, verified, registry.ErrCertificate, 403},
	} {
		*p = porter{err: tt.err}
		w := ask(tt.path, tt.body, tt.state)
		if w.Code != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.want)
		}
		if tt.want == http.StatusOK && (w.Header().Get("Cache-Control") != "no-store" || p.record.CSR != "x" || p.host != "hub.street:8443") {
			t.Errorf("%s: %v, %+v", tt.name, w.Header(), p)
		}
		if tt.want == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "2" {
			t.Errorf("%s: again after %q", tt.name, w.Header().Get("Retry-After"))
		}
		if tt.want == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), "disk") {
			t.Errorf("a stranger is told %s", w.Body)
		}
	}
	ask(wire.EnrolPath, body, nil)
	if p.from.String() != "2001:db8::/64" {
		t.Errorf("it came from %s", p.from)
	}
	if ask(wire.RenewPath, body, verified); p.shown != "gw-1" {
		t.Errorf("the certificate was %q's", p.shown)
	}
}
