package uplink

import (
	"crypto/tls"
	"errors"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"gridhub/devices/telemetry"
)

// Way is how an enrolled gateway reaches its hub: a certificate takes the place
// of user name, secret and configured authority.
type Way struct {
	URL string      // ssl://host:port
	TLS *tls.Config // verifies the hub and shows the certificate
}

// way is what one connection is made of.
type way struct {
	url, user, secret string
	trust             *tls.Config
	enrolled          bool
}

// way settles how to connect this time: an enrolment, a renewed certificate and
// a new secret need no restart.
func (u *Uplink) way() (way, error) {
	if u.enrolled != nil {
		if w, err := u.enrolled(); err != nil || w.TLS != nil {
			return way{url: w.URL, user: string(u.id), trust: w.TLS, enrolled: true}, err
		}
	}
	secret, err := readSecret(u.cfg.PasswordFile)
	if err != nil {
		return way{}, err
	}
	trust, err := readTrust(u.cfg.CA)
	if err != nil {
		return way{}, err
	}
	w := way{url: u.cfg.URL, user: u.cfg.Username, secret: secret, trust: trust}
	if w.user == "" {
		w.user = string(u.id)
	}
	return w, nil
}

// refused puts a refusal of somebody who shows a certificate into an
// installer's words.
func (w way) refused(err error) error {
	if w.enrolled && (errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) || errors.Is(err, packets.ErrorRefusedNotAuthorised)) {
		return errors.New("the hub does not take this gateway's certificate: it was revoked, or another was issued since; ask for a code and enrol anew")
	}
	return err
}

// hubTime is how far the hub's clock is ahead of ours, in milliseconds, as its
// newest acknowledgement told. Safe for concurrent use.
type hubTime struct{ ahead atomic.Int64 }

func (t *hubTime) hear(now telemetry.Millis) {
	if now > 0 {
		t.ahead.Store(int64(now - telemetry.At(time.Now())))
	}
}

// HubTime is the hub's clock as far as it is known, else this machine's. It may
// be off by as long as a message takes.
func (u *Uplink) HubTime() time.Time {
	return time.Now().Add(time.Duration(u.hubTime.ahead.Load()) * time.Millisecond)
}
