package chain_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/hub/api"
	"gridhub/hub/commands"
)

// relayUnit is a relay module of eight on a foreign slave.
const relayUnit = 7

const relays = `
lines: [{name: cabinet, kind: tcp, address: %q, timeout: 500ms}]
devices:
  - {id: siren-1, name: 声光警号, profile: relay-waveshare-8@2, line: cabinet, address: %d, period: 1s, place: {grid: G02, lon: %f, lat: %f}}
`

// coil asks the slave itself, past gateway and hub, how a relay stands
// (MODBUS Application Protocol 1.1b3, 6.1).
func (s *slave) coil(unit, n byte) (on bool, err error) {
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		return false, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience)) // of a connection that is open
	answer := make([]byte, 10)
	_, err = c.Write([]byte{0, 1, 0, 0, 0, 6, unit, 1, 0, n, 0, 1})
	if err == nil {
		_, err = io.ReadFull(c, answer)
	}
	return answer[9]&1 == 1, err
}

// TestCommandToARelay goes the whole way down and back: page, hub, gateway,
// line, a foreign relay; with the gateway killed in between, and a relay that
// does not answer any more.
func TestCommandToARelay(t *testing.T) {
	h, s := open(t, "")
	relay := startSlave(t, fmt.Sprint(relayUnit))
	e := h.gateway("gw-1", fmt.Sprintf(relays, relay.address, relayUnit, gaugeLon, gaugeLat))
	write(t, filepath.Join(e.dir, "command-keys.pem"), h.cli("command-key"))
	e.configured("  command_keys: command-keys.pem\n")
	e.run()
	s.settable("siren-1", "relay_1")
	on, off := 1.0, 0.0
	ask := func(id string, v *float64, within int) {
		t.Helper()
		s.post("/api/v1/devices/siren-1/commands", api.ControlRequest{ID: id, Control: "relay_1", Value: v, Expires: within}, nil)
	}
	stands := func(want bool) {
		t.Helper()
		if got, err := relay.coil(relayUnit, 0); err != nil || got != want {
			t.Errorf("the relay is on: %v, %v; want %v", got, err, want)
		}
	}
	stands(false)
	ask("switch-on", &on, 0)
	i := s.becomes("siren-1", "switch-on", commands.Executed)
	if len(i.Stages) != 4 || i.Stages[3].Values["relay_1"] != 1 {
		t.Errorf("%+v", i)
	}
	stands(true)

	e.end(t, syscall.SIGKILL)
	ask("while-dead", &off, 600)
	e.run()
	s.becomes("siren-1", "while-dead", commands.Executed)
	stands(false)

	write(t, filepath.Join(e.dir, "command-keys.pem"), strangerKey)
	ask("not-believed", &on, 0)
	if i := s.becomes("siren-1", "not-believed", commands.Refused); i.Stages[len(i.Stages)-1].Cause != "key" {
		t.Errorf("%+v", i)
	}
	stands(false)
}

// strangerKey is the public half of somebody's key (RFC 8410, 10.1).
const strangerKey = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`

// configured adds lines to the block hub of the gateway's configuration.
func (e *edge) configured(lines string) {
	e.t.Helper()
	raw, err := os.ReadFile(e.config)
	text := string(raw)
	before, after, ok := strings.Cut(text, "  linger:")
	if err != nil || !ok {
		e.t.Fatal(errors.Join(err, errors.New("the configuration has no block hub")))
	}
	write(e.t, e.config, before+lines+"  linger:"+after)
}
