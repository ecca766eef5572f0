package chain_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridhub/hub/api"
	"gridhub/hub/commands"
)

// TestCommandKeysReachGateways rotates the hub's key under a gateway that is
// connected, and twice more while it is away, and holds that it obeys the key
// in use without being enrolled anew, and no key that was dropped.
func TestCommandKeysReachGateways(t *testing.T) {
	for name, join := range map[string]func(h *hub, plant string) *edge{
		"enrolled": func(h *hub, plant string) *edge {
			e := newcomer(h.t, "gw-1", plant)
			if out, err := e.enrol(h.invite("gw-1").String()); err != nil {
				h.t.Fatalf("%s, %v", out, err)
			}
			return e
		},
		"with a secret and the first key written down": func(h *hub, plant string) *edge {
			e := h.gateway("gw-1", plant)
			write(h.t, filepath.Join(e.dir, "command-keys.pem"), h.cli("command-key"))
			e.configured("  command_keys: command-keys.pem\n")
			return e
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := open(t, "")
			relay := startSlave(t, fmt.Sprint(relayUnit))
			e := join(h, fmt.Sprintf(relays, relay.address, relayUnit, gaugeLon, gaugeLat))
			e.run()
			s.settable("siren-1", "relay_1")
			value := 0.0
			obeys := func(id string) {
				t.Helper()
				value = 1 - value
				s.post("/api/v1/devices/siren-1/commands", api.ControlRequest{ID: id, Control: "relay_1", Value: &value, Expires: 600}, nil)
				s.becomes("siren-1", id, commands.Executed)
				if got, err := relay.coil(relayUnit, 0); err != nil || got != (value == 1) {
					t.Errorf("%s: the relay is on: %v, %v", id, got, err)
				}
			}
			obeys("first-key")
			h.cli("command-key", "rotate")
			obeys("second-key")
			e.stop()
			h.cli("command-key", "rotate")
			listed := h.cli("command-key", "rotate")
			for strings.Contains(listed, "command-key forget ") {
				_, hint, _ := strings.Cut(listed, "command-key forget ")
				old, _, _ := strings.Cut(hint, "\n")
				listed = h.cli("command-key", "forget", old)
			}
			h.stop()
			h.serve()
			e.run()
			obeys("fourth-key")
			eventually(t, "the dropped keys to be gone", func() error { return e.pins(1) })
			if name == "enrolled" {
				if out, err := e.enrol("--renew"); err != nil {
					t.Fatalf("%s, %v", out, err)
				}
				h.cli("command-key", "prepare")
				eventually(t, "the next key", func() error { return e.pins(2) })
			}
		})
	}
}

// pins holds that the hub's keys on the gateway's disk are so many.
func (e *edge) pins(want int) error {
	text, err := os.ReadFile(filepath.Join(e.dir, "data", "identity", "command-keys.pem"))
	if errors.Is(err, os.ErrNotExist) {
		text, err = os.ReadFile(filepath.Join(e.dir, "data", "commands", "keys.pem"))
	}
	if n := strings.Count(string(text), "BEGIN PUBLIC KEY"); err == nil && n != want {
		err = fmt.Errorf("%d keys, want %d", n, want)
	}
	return err
}
