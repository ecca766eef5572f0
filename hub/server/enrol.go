package server

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/api"
	"gridhub/hub/audit"
	"gridhub/hub/registry"
)

// enrolment lets gateways in: the registry issues, the intake is told, and the
// answer says where to go next.
type enrolment struct {
	*registry.Enrolments
	h *Hub
}

var errUnclaimed = errors.New("nobody has claimed this hub yet")

// Invite makes a code. hub is the address that the client will use, empty for
// the usual one.
func (e enrolment) Invite(ctx context.Context, p registry.Principal, valid time.Duration, hub string) (out api.Invited, err error) {
	if hub == "" {
		hub = e.h.hubURL()
	}
	if hub, err = wire.ParseHub(hub); err != nil {
		return out, err
	}
	code, expires, err := e.Enrolments.Invite(ctx, p, valid)
	if err != nil {
		return out, err
	}
	i := wire.Invitation{Hub: hub, ID: p.ID, Code: code, CA: e.h.ca.Fingerprint()}
	return api.Invited{ID: p.ID, Code: code, Hub: hub, Fingerprint: i.CA, Invitation: i.String(), Expires: telemetry.At(expires)}, nil
}

// Enrol answers a code and a signing request with an identity.
func (e enrolment) Enrol(ctx context.Context, from netip.Prefix, host string, in wire.Enrolment) (wire.Identity, error) {
	if e.h.claim.pending() {
		return wire.Identity{}, errUnclaimed
	}
	c, err := e.Enrolments.Enrol(ctx, from, in.Code, in.CSR)
	if err == nil {
		err = e.h.register(ctx, c.ID)
	}
	if err != nil {
		return wire.Identity{}, err
	}
	e.h.didItself(audit.Entry{Account: string(c.ID), Act: "identity.enrol", Subject: string(c.ID), From: from.String(), Detail: map[string]string{"serial": c.Serial}})
	e.h.log.Info("enrolled", "device", c.ID, "serial", c.Serial, "remote", from, "expires", telemetry.Millis(c.Expires).Time())
	return e.identity(c, host), nil
}

// Renew answers a certificate in force with the next.
func (e enrolment) Renew(ctx context.Context, held *x509.Certificate, host string, in wire.Enrolment) (wire.Identity, error) {
	c, err := e.Enrolments.Renew(ctx, held.Subject.CommonName, held.SerialNumber.Text(16), in.CSR)
	if err != nil {
		return wire.Identity{}, err
	}
	e.h.didItself(audit.Entry{Account: string(c.ID), Act: "identity.renew", Subject: string(c.ID), Detail: map[string]string{"serial": c.Serial}})
	e.h.log.Info("certificate renewed", "device", c.ID, "serial", c.Serial, "expires", telemetry.Millis(c.Expires).Time())
	return e.identity(c, host), nil
}

func (e enrolment) Revoke(ctx context.Context, id devices.ID) error {
	return e.h.registry.Revoke(ctx, id)
}

func (e enrolment) identity(c registry.Certificate, host string) wire.Identity {
	return wire.Identity{V: wire.Version, ID: c.ID, Certificate: c.PEM(), CA: string(e.h.ca.PEM()), CommandKeys: keysPEM(e.h.commandKeys()),
		MQTT: e.h.mqttURL(host), Expires: telemetry.Millis(c.Expires), Now: telemetry.At(e.h.now())}
}

// Identities lists everybody who may connect, with the newest certificate in
// force.
func (e enrolment) Identities() []api.IdentityState {
	all := []api.IdentityState{}
	for _, p := range e.h.registry.List() {
		s := api.IdentityState{ID: p.ID, Kind: p.Kind, Label: p.Label, Online: e.h.broker.Connected(p.ID),
			Created: telemetry.Millis(p.Created), Revoked: telemetry.Millis(p.Revoked)}
		for _, c := range e.h.registry.Certificates(p.ID) {
			if c.Ended == 0 {
				s.Serial, s.Expires = c.Serial, telemetry.Millis(c.Expires)
				break
			}
		}
		all = append(all, s)
	}
	return all
}

// commandKeys are the public keys whose orders a gateway may obey, told to it
// at its enrolment and with each new certificate.
func (h *Hub) commandKeys() []ed25519.PublicKey { return h.keys.PublicKeys() }

func keysPEM(keys []ed25519.PublicKey) string {
	var b strings.Builder
	for _, key := range keys {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			panic(err) // every Ed25519 key has this form
		}
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	return b.String()
}

// mqttURL is where a client that found the hub under host finds the broker; ""
// where MQTT over TLS is not offered.
func (h *Hub) mqttURL(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, l := range h.cfg.MQTT.Listeners {
		if _, port, err := net.SplitHostPort(l.Address); err == nil && l.Network == "tls" {
			return "ssl://" + net.JoinHostPort(strings.Trim(host, "[]"), port)
		}
	}
	return ""
}

// hubURL is the address that an installer is told unless another is asked for:
// that of the secure door, under the first configured name, else under this
// machine's own.
func (h *Hub) hubURL() string {
	host, port, err := net.SplitHostPort(h.cfg.HTTP.Secure)
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = h.ownName()
	}
	return "https://" + net.JoinHostPort(host, port)
}

func (h *Hub) ownName() string {
	if len(h.cfg.HTTP.Names) > 0 {
		return h.cfg.HTTP.Names[0]
	}
	names := registry.HostNames()
	if i := slices.IndexFunc(names, func(n string) bool {
		ip, err := netip.ParseAddr(n)
		return err == nil && ip.Is4() && !ip.IsLoopback()
	}); i >= 0 {
		return names[i]
	}
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "localhost"
}

// invitation is what the command line asks for.
type invitation struct {
	registry.Principal
	Valid time.Duration `json:"valid"`
	Hub   string        `json:"hub"`
}

func (h *Hub) inviteDevice(w http.ResponseWriter, r *http.Request) {
	var in invitation
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
		answer(w, nil, err)
		return
	}
	if err := h.consoleDid(r.Context(), "identity.invite", string(in.ID), map[string]string{"kind": string(in.Kind)}); err != nil {
		answer(w, nil, err)
		return
	}
	made, err := enrolment{h.enrolments, h}.Invite(r.Context(), in.Principal, in.Valid, in.Hub)
	answer(w, made, err)
}

// rotateSecret gives a device a new secret; a connection that the old one
// opened ends.
func (h *Hub) rotateSecret(w http.ResponseWriter, r *http.Request) {
	id := devices.ID(r.PathValue("id"))
	secret, err := h.registry.Rotate(r.Context(), id)
	answer(w, map[string]string{"id": string(id), "secret": secret}, err)
}

func (h *Hub) certificates(w http.ResponseWriter, r *http.Request) {
	all := h.registry.Certificates(devices.ID(r.PathValue("id")))
	if len(all) == 0 {
		answer(w, nil, fmt.Errorf("%s has no certificate", r.PathValue("id")))
		return
	}
	answer(w, all, nil)
}
