package enrol

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// An anchor is the authority that may sign the hub's certificate: known as a
// whole, or at the first contact by its fingerprint alone.
type anchor struct {
	ca          *x509.Certificate
	fingerprint string // SHA-256 of the certificate, hexadecimal; counts without ca
}

// A ClockError says that this machine's clock and the hub's certificate do not
// go together.
type ClockError struct {
	Now, From, Until time.Time
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("this gateway's clock says %s, but the hub's certificate ends at %s: set the clock (timedatectl set-time, or NTP); if it is right, the hub's own clock is wrong or its certificate was not renewed",
		e.Now.UTC().Format(time.DateTime), e.Until.UTC().Format(time.DateTime))
}

// An AuthorityError says that another hub answers than the one that the
// installer was told.
type AuthorityError struct {
	Host, Want, Got string
}

func (e *AuthorityError) Error() string {
	return fmt.Sprintf("%s shows the authority %s, the code came with %s: another hub answers there, or the code is another hub's; nothing was sent to it, find out which before you go on",
		e.Host, short(e.Got), short(e.Want))
}

// short is a fingerprint as people compare it.
func short(fingerprint string) string {
	if len(fingerprint) < 16 {
		return "none"
	}
	return fingerprint[:16] + "…"
}

// config verifies the hub by the anchor. pair is shown if it is there.
//
// A clock that is behind is no obstacle: the certificates that we hold or are
// shown were made by the pinned authority, so it is later than their beginning
// whatever the clock says. A gateway without a battery (1970) connects, and is
// told the time. A clock that is ahead cannot be told from a certificate that
// has ended, and is refused with words.
func (a anchor) config(host string, pair *tls.Certificate, now func() time.Time) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host,
		InsecureSkipVerify: true, // VerifyConnection does it, at the time of latest
		VerifyConnection:   func(s tls.ConnectionState) error { return a.verify(host, s.PeerCertificates, pair, now()) }}
	if pair != nil {
		c.Certificates = []tls.Certificate{*pair}
	}
	return c
}

func (a anchor) verify(host string, shown []*x509.Certificate, pair *tls.Certificate, now time.Time) error {
	ca := a.ca
	if ca == nil {
		if ca = pinned(shown, a.fingerprint); ca == nil {
			return &AuthorityError{host, a.fingerprint, fingerprint(shown)}
		}
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(ca)
	for _, c := range shown[1:] {
		between.AddCert(c)
	}
	at := latest(now, ca, shown[0])
	if pair != nil {
		at = latest(at, pair.Leaf)
	}
	_, err := shown[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return &ClockError{now, invalid.Cert.NotBefore, invalid.Cert.NotAfter}
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) && a.ca != nil {
		sum := sha256.Sum256(a.ca.Raw)
		return &AuthorityError{host, hex.EncodeToString(sum[:]), fingerprint(shown)}
	}
	return err
}

// pinned finds the certificate with a fingerprint among those that were shown.
func pinned(shown []*x509.Certificate, want string) *x509.Certificate {
	for _, c := range shown {
		if sum := sha256.Sum256(c.Raw); c.IsCA && hex.EncodeToString(sum[:]) == want {
			return c
		}
	}
	return nil
}

// fingerprint is of the last certificate that was shown, the authority's.
func fingerprint(shown []*x509.Certificate) string {
	if len(shown) == 0 {
		return ""
	}
	sum := sha256.Sum256(shown[len(shown)-1].Raw)
	return hex.EncodeToString(sum[:])
}

// latest is the clock, but not before any of these certificates began.
func latest(now time.Time, certs ...*x509.Certificate) time.Time {
	for _, c := range certs {
		if c.NotBefore.After(now) {
			now = c.NotBefore
		}
	}
	return now
}

// explain puts what the network says into an installer's words.
func explain(hub string, err error) error {
	var clock *ClockError
	var authority *AuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	var lookup *net.DNSError
	var request *url.Error
	var alert *net.OpError
	switch {
	case errors.As(err, &clock):
		return clock
	case errors.As(err, &authority):
		return authority
	case errors.As(err, &name):
		return fmt.Errorf("the hub's certificate is for %s, not for %q: use one of these names, or add this one at the hub under http.names", names(name.Certificate), name.Host)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%s does not speak TLS: want the hub's secure address, usually port 8443", hub)
	case errors.As(err, &alert) && alert.Op == "remote error":
		return fmt.Errorf("the hub does not take this gateway's certificate (%w): ask for a code and enrol anew", alert.Err)
	case errors.As(err, &lookup):
		return fmt.Errorf("nobody knows the name %q: use the hub's address in numbers, or correct this machine's name server", lookup.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: does the hub run, and is http.secure this port? (%w)", hub, syscall.ECONNREFUSED)
	case errors.As(err, &request) && request.Timeout():
		return fmt.Errorf("%s does not answer: is it the right address, and does every firewall let it through? (%w)", hub, request.Err)
	case errors.As(err, &request):
		return fmt.Errorf("%s: %w", hub, request.Err)
	}
	return err
}

func names(c *x509.Certificate) string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	return strings.Join(all, ", ")
}
