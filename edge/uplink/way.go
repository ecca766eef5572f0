package uplink

import (
	"crypto/tls"
	"sync/atomic"
	"time"

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
}

// way settles how to connect this time: an enrolment, a renewed certificate and
// a new secret need no restart.
func (u *Uplink) way() (way, error) {
	if u.enrolled != nil {
		if w, err := u.enrolled(); err != nil || w.TLS != nil {
			return way{url: w.URL, user: string(u.id), trust: w.TLS}, err
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
	w := way{u.cfg.URL, u.cfg.Username, secret, trust}
	if w.user == "" {
		w.user = string(u.id)
	}
	return w, nil
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
