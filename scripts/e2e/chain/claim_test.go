package chain_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"gridhub/devices"
)

// TestNothingIsOpenBeforeTheClaim holds that a fresh hub answers on its setup
// page and nowhere else, that the claim opens the rest at once, and that it
// stays open after a restart.
func TestNothingIsOpenBeforeTheClaim(t *testing.T) {
	h := prepare(t, "")
	h.serve()
	secret := h.add("gas-1", "sensor", "--profile", "gas") // its owner may prepare it
	for _, address := range []string{h.mqtt, h.mqtts} {
		if c, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s is open: %v, %v", address, c, err)
		}
	}
	for path, want := range map[string]int{
		"/mqtt": 503, "/metrics": 404, "/api/v1/cases": 401, "/api/v1/people": 401, "/api/v1/accounts": 401,
		"/api/v1/calls/socket?tab=12345678": 401, "/api/v1/setup": 200, "/healthz": 200, "/readyz": 200,
	} {
		if got := h.status(path); got != want {
			t.Errorf("GET %s is answered with %d, want %d", path, got, want)
		}
	}
	nobody := &session{t: t, base: "http://" + h.http}
	if err := nobody.call("POST", "/api/v1/session", map[string]string{"account": administrator, "password": password}, nil); !isStatus(err, 401) {
		t.Errorf("somebody signed in: %v", err)
	}
	wrong := map[string]string{"token": strings.Repeat("x", 43), "account": administrator, "password": password}
	if err := nobody.call("POST", "/api/v1/setup", wrong, nil); !isStatus(err, 401) {
		t.Errorf("a wrong token: %v", err)
	}
	if _, err := dial("tcp://"+h.mqtt, "gas-1", secret); err == nil {
		t.Error("a device was let in after a wrong token")
	}

	h.claim()
	h.lets("gas-1", secret) // without waiting
	h.stop()
	h.serve()
	h.lets("gas-1", secret)
	if got := h.status("/metrics"); got != 200 {
		t.Errorf("the counters of a claimed hub are answered with %d", got)
	}
}

// lets holds that a device is let in.
func (h *hub) lets(id devices.ID, secret string) {
	h.t.Helper()
	c, err := dial("tcp://"+h.mqtt, id, secret)
	if err != nil {
		h.t.Fatalf("%s is not let in: %v", id, err)
	}
	c.Disconnect(0)
}

func (h *hub) status(path string) int {
	h.t.Helper()
	res, err := http.Get("http://" + h.http + path)
	if err != nil {
		h.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// TestPortInUseStopsTheStart holds that a fresh hub which could not open after
// its claim says so before.
func TestPortInUseStopsTheStart(t *testing.T) {
	h := prepare(t, "")
	taken, err := net.Listen("tcp", h.mqtts)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	said := fails(t, "serve", "--config", h.config)
	if !strings.Contains(said, "listener tls") || !strings.Contains(said, "address already in use") {
		t.Errorf("it says %s", said)
	}
}
