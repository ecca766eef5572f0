package uplink

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/uplink/hubtest"
)

// TestEnrolledWay holds that an enrolment which comes while the uplink runs
// decides the next connection, in place of what the Config says.
func TestEnrolledWay(t *testing.T) {
	dir := t.TempDir()
	ca, cert, key := authority(t, dir)
	broker := hubtest.StartBroker(t, "cafile "+ca, "certfile "+cert, "keyfile "+key, "require_certificate true", "use_identity_as_username true", "allow_anonymous false", "user root")
	_, port, _ := strings.Cut(broker.Address(), ":")
	cfg := quick("127.0.0.1:1") // nobody is there
	var enrolled Way
	var failed error
	u, err := New(cfg, Options{ID: gateway, Spool: openSpool(t, t.TempDir()), Stock: func() wire.Stock { return wire.Stock{} },
		Enrolled: func() (Way, error) { return enrolled, failed }})
	if err != nil {
		t.Fatal(err)
	}
	connect := func() error {
		conn, err := u.connect(t.Context(), func(string, []byte) {})
		if err == nil {
			conn.leave(0, "done")
		}
		return err
	}
	if err := connect(); err == nil || !strings.Contains(err.Error(), cfg.URL) {
		t.Errorf("before the enrolment: %v", err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := readTrust(ca)
	if err != nil {
		t.Fatal(err)
	}
	trust.Certificates = []tls.Certificate{pair}
	enrolled = Way{URL: "ssl://localhost:" + port, TLS: trust}
	if err := connect(); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
	failed = errors.New("half a folder")
	if err := connect(); !errors.Is(err, failed) {
		t.Errorf("an identity that cannot be read: %v", err)
	}
}

// A hub that refuses a certificate is not described by passwords.
func TestRefusedCertificateInWords(t *testing.T) {
	address := fakeBroker(t, func(conn net.Conn, p packets.ControlPacket) {
		if _, ok := p.(*packets.ConnectPacket); ok {
			_, _ = conn.Write([]byte{0x20, 2, 0, packets.ErrRefusedBadUsernameOrPassword})
		}
	})
	if cause := refusal(t, quick(address), openSpool(t, t.TempDir())); strings.Contains(cause, "certificate") {
		t.Errorf("without a certificate: %s", cause)
	}
	if err := (way{enrolled: true}).refused(packets.ErrorRefusedBadUsernameOrPassword); !strings.Contains(err.Error(), "enrol anew") {
		t.Errorf("with one: %v", err)
	}
}

func TestHubTime(t *testing.T) {
	u := &Uplink{}
	if d := time.Until(u.HubTime()).Abs(); d > time.Minute {
		t.Errorf("before it is known it is %s off", d)
	}
	u.hubTime.hear(0) // an older hub does not say
	u.hubTime.hear(telemetry.At(time.Now().Add(50 * 365 * 24 * time.Hour)))
	if d := time.Until(u.HubTime()); d < 49*365*24*time.Hour {
		t.Errorf("a clock that stands in 1970 is only %s behind", d)
	}
}
