package foreign_test

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gridhub/devices"
	"gridhub/hub/api"
	"gridhub/hub/commands"
)

// hears has mosquitto's client, as a device, wait for one message.
func (h *hub) hears(topic string, as ...string) *process {
	h.t.Helper()
	host, port, err := net.SplitHostPort(h.mqtt)
	if err != nil {
		h.t.Fatal(err)
	}
	name := strings.NewReplacer("/", "-", "+", "any").Replace(topic)
	return launch(h.t, filepath.Join(h.dir, name+".log"), "mosquitto_sub",
		append([]string{"-h", host, "-p", port, "-t", topic, "-C", "1", "-F", "%t %p"}, as...)...)
}

// hear waits until the device has heard just that.
func (h *hub) hear(p *process, want string) {
	h.t.Helper()
	<-p.done
	if got := p.printed(); got != want {
		h.t.Fatalf("the device heard %q, want %q", got, want)
	}
}

// does runs a subcommand against the running hub.
func (h *hub) does(args ...string) {
	h.t.Helper()
	if out, err := exec.Command(hubProgram, append(args, "--config", h.config)...).CombinedOutput(); err != nil {
		h.t.Fatalf("hub %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// sets asks for a command once the control is known.
func (h *hub) sets(device devices.ID, control string, v float64) string {
	h.t.Helper()
	var made commands.Instruction
	h.eventually("the control "+control, func() error {
		return h.Call(h.t.Context(), "POST", fmt.Sprintf("/api/v1/devices/%s/commands", device), api.ControlRequest{Control: control, Value: &v}, &made)
	})
	if made.State != commands.Created || !made.Unsigned {
		h.t.Errorf("%+v", made)
	}
	return made.ID
}

func (h *hub) becomes(device devices.ID, id string, want commands.State) commands.Instruction {
	h.t.Helper()
	var i commands.Instruction
	h.eventually(fmt.Sprintf("%s of %s to be %s", id, device, want), func() error {
		err := h.Call(h.t.Context(), "GET", fmt.Sprintf("/api/v1/devices/%s/commands/%s", device, id), nil, &i)
		if err == nil && i.State != want {
			err = fmt.Errorf("it is %+v", i)
		}
		return err
	})
	return i
}

// TestTasmotaCommand switches a plug: what counts is its own stat.
func TestTasmotaCommand(t *testing.T) {
	h := open(t)
	secret := h.add("hall-plug", "--kind", "sensor", "--convention", "tasmota", "--foreign", "plug_3F", "--profile", "plug")
	as := []string{"-i", "DVES_AB12CD", "-u", "hall-plug", "-P", secret, "-q", "1"}
	h.pub("tele/plug_3F/STATE", `{"Time":"2024-02-24T22:20:38","POWER":"OFF"}`, as...)
	id := h.sets("hall-plug", "POWER", 1)
	h.hear(h.hears("cmnd/plug_3F/#", as...), "cmnd/plug_3F/POWER ON")
	h.becomes("hall-plug", id, commands.Sent)
	h.pub("tele/plug_3F/STATE", `{"Time":"2024-02-24T22:25:38","POWER":"OFF"}`, as...)
	h.pub("stat/plug_3F/RESULT", `{"POWER":"ON"}`, as...)
	if i := h.becomes("hall-plug", id, commands.Executed); len(i.Stages) != 3 || i.Stages[2].Values["POWER"] != 1 {
		t.Errorf("%+v", i)
	}
}

// TestThingsBoardCommand calls a method of a device and of one behind a gateway:
// what counts is their answer, and a failure is one.
func TestThingsBoardCommand(t *testing.T) {
	h := open(t)
	token := h.add("board", "--kind", "sensor", "--convention", "thingsboard", "--profile", "relay")
	as := []string{"-u", token, "-q", "1"}
	h.does("control", "add", "board", "setSiren", "--switch")
	id := h.sets("board", "setSiren", 1)
	h.hear(h.hears("v1/devices/me/rpc/request/+", as...), `v1/devices/me/rpc/request/1 {"method":"setSiren","params":true}`)
	h.pub("v1/devices/me/rpc/response/1", `{"siren":true}`, as...)
	h.becomes("board", id, commands.Executed)

	token = h.add("tb", "--kind", "gateway", "--convention", "thingsboard", "--profile", "climate")
	as = []string{"-u", token, "-q", "1"}
	h.pub("v1/gateway/connect", `{"device":"Cabinet 4"}`, as...)
	h.pub("v1/gateway/telemetry", `{"Cabinet 4":[{"temperature":31.5}]}`, as...)
	var behind devices.ID
	h.eventually("the device behind the gateway", func() error {
		var all []struct{ ID devices.ID }
		err := h.Call(t.Context(), "GET", "/api/v1/devices", nil, &all)
		for _, d := range all {
			if strings.HasPrefix(string(d.ID), "tb.cabinet") {
				behind = d.ID
				return err
			}
		}
		return errors.Join(err, fmt.Errorf("have %+v", all))
	})
	h.does("control", "add", string(behind), "setpoint", "--unit", "Cel", "--min", "5", "--max", "30")
	id = h.sets(behind, "setpoint", 21.5)
	h.hear(h.hears("v1/gateway/rpc", as...), `v1/gateway/rpc {"data":{"id":2,"method":"setpoint","params":21.5},"device":"Cabinet 4"}`)
	h.pub("v1/gateway/rpc", `{"device":"Cabinet 4","id":2,"data":{"success":false,"error":"valve stuck"}}`, as...)
	if i := h.becomes(behind, id, commands.Failed); !strings.Contains(i.Stages[2].Detail, "valve stuck") {
		t.Errorf("%+v", i)
	}
}

// TestHomeAssistantCommand sets what a bridge has announced: what counts is the
// state that the device then tells.
func TestHomeAssistantCommand(t *testing.T) {
	h := open(t)
	secret := h.add("bridge", "--kind", "gateway", "--convention", "homeassistant", "--foreign", "zigbee2mqtt", "--profile", "climate")
	as := []string{"-i", "any", "-u", "bridge", "-P", secret, "-q", "1"}
	h.pub("homeassistant/switch/0x01/relay/config", `{"~":"zigbee2mqtt/hall","stat_t":"~","cmd_t":"~/set","val_tpl":"{{ value_json.state }}","pl_on":"OPEN","pl_off":"SHUT","dev":{"ids":["0x01"]}}`, as...)
	h.pub("zigbee2mqtt/hall", `{"state":"SHUT"}`, as...)
	id := h.sets("bridge.0x01", "switch.relay", 1)
	h.hear(h.hears("zigbee2mqtt/hall/set", as...), "zigbee2mqtt/hall/set OPEN")
	h.becomes("bridge.0x01", id, commands.Sent)
	h.pub("zigbee2mqtt/hall", `{"state":"OPEN"}`, as...)
	h.becomes("bridge.0x01", id, commands.Executed)
}

// TestSparkplugCommand writes a metric that a node's birth lets others write:
// what counts is the data that the node then tells.
func TestSparkplugCommand(t *testing.T) {
	h := open(t)
	secret := h.add("plant", "--kind", "gateway", "--convention", "sparkplug", "--foreign", "street/node-1", "--profile", "pump")
	node := launch(t, filepath.Join(h.dir, "node.log"), "/usr/bin/python3", "testdata/node.py", h.mqtt, "plant", secret)
	id := h.sets("plant.pump1", "Outputs.Valve", 1)
	i := h.becomes("plant.pump1", id, commands.Executed)
	if !strings.Contains(node.printed(), "set on spBv1.0/street/DCMD/node-1/pump1 True") || i.Stages[len(i.Stages)-1].Values["Outputs.Valve"] != 1 {
		t.Errorf("%+v; the node printed %s", i, node.printed())
	}
}
