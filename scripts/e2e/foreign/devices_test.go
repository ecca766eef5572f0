package foreign_test

import (
	"encoding/hex"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gridhub/hub/live"
)

// TestTasmota plays a Tasmota plug with its factory settings: user name and
// password, a client id of its own making, retained LWT.
func TestTasmota(t *testing.T) {
	h := open(t)
	secret := h.add("hall-plug", "--kind", "sensor", "--label", "走廊插座", "--codec", "tasmota", "--foreign", "plug_3F", "--profile", "plug")
	as := []string{"-i", "DVES_AB12CD", "-u", "hall-plug", "-P", secret, "-q", "1"}
	h.pub("tele/plug_3F/LWT", "Online", append(as, "-r")...)
	h.pub("tele/plug_3F/STATE", `{"Time":"2024-02-24T22:20:38","UptimeSec":611,"POWER":"ON","Wifi":{"SSId":"street","RSSI":44,"Signal":-78}}`, as...)
	h.pub("tele/plug_3F/SENSOR", `{"Time":"2024-02-24T22:20:38","ENERGY":{"Total":3.185,"Power":11.5,"Voltage":231},"DS18B20":{"Temperature":20.6},"TempUnit":"C"}`, as...)
	h.pub("stat/plug_3F/POWER", "OFF", as...)
	h.has("hall-plug", "DS18B20.Temperature", 20.6)
	h.has("hall-plug", "ENERGY.Power", 11.5)
	h.has("hall-plug", "POWER", 0)
	h.shows("hall-plug", withUnit("DS18B20.Temperature", "Cel"))
	h.shows("hall-plug", func(d live.DeviceState) error {
		if d.Name != "走廊插座" || d.Kind != "plug" {
			return errors.New("it is called " + d.Name + ", a " + d.Kind)
		}
		return nil
	})
	h.pub("tele/other_plug/SENSOR", `{"DS18B20":{"Temperature":99}}`, as...) // somebody else's: acknowledged, and kept apart
	h.pub("tele/plug_3F/SENSOR", `{"DS18B20":`, as...)
	h.quarantined("hall-plug", "topic", 1)
	h.quarantined("hall-plug", "shape", 1)
	h.has("hall-plug", "DS18B20.Temperature", 20.6)
	if err := exec.Command("mosquitto_pub", "-L", "mqtt://hall-plug:wrong@"+h.mqtt+"/tele/plug_3F/STATE", "-m", "{}", "-q", "1").Run(); err == nil {
		t.Error("a wrong password is taken")
	}
}

// TestHomeAssistant plays a bridge that announces two devices, one by
// abbreviations, and ESPHome's plain states.
func TestHomeAssistant(t *testing.T) {
	h := open(t)
	secret := h.add("bridge", "--kind", "gateway", "--convention", "homeassistant", "--foreign", "zigbee2mqtt", "--profile", "climate")
	as := []string{"-i", "any", "-u", "bridge", "-P", secret, "-q", "1"}
	h.pub("homeassistant/sensor/0x01/temperature/config", `{"~":"zigbee2mqtt/hall","stat_t":"~","val_tpl":"{{ value_json.temperature }}","unit_of_meas":"°C","dev_cla":"temperature","dev":{"ids":["0x01"],"name":"Hall"}}`, as...)
	h.pub("homeassistant/binary_sensor/0x02/door/config", `{"state_topic":"zigbee2mqtt/gate","value_template":"{{ value_json.contact }}","payload_on":false,"payload_off":true,"device":{"identifiers":"0x02"}}`, as...)
	h.pub("zigbee2mqtt/hall", `{"temperature":21.75,"linkquality":90}`, as...)
	h.pub("zigbee2mqtt/gate", `{"contact":true}`, as...)
	h.has("bridge.0x01", "temperature", 21.75)
	h.has("bridge.0x02", "binary_sensor.door", 0) // true is closed
	h.shows("bridge.0x01", withUnit("temperature", "Cel"))

	secret = h.add("esp", "--kind", "sensor", "--convention", "homeassistant", "--foreign", "kitchen")
	as = []string{"-i", "kitchen", "-u", secret, "-q", "1"} // the secret as user name will do
	h.pub("homeassistant/sensor/kitchen/co2/config", `{"stat_t":"kitchen/sensor/co2/state","unit_of_meas":"ppm","avty_t":"kitchen/status"}`, as...)
	h.pub("kitchen/status", "online", as...)
	h.pub("kitchen/sensor/co2/state", "612", as...)
	h.has("esp", "co2", 612)
	h.pub("homeassistant/sensor/kitchen/x/config", `{"stat_t":"kitchen/x","val_tpl":"{{ value | int * 2 }}"}`, as...)
	h.quarantined("esp", "shape", 1)
}

func TestSenML(t *testing.T) {
	h := open(t)
	secret := h.add("meter", "--kind", "sensor", "--convention", "senml", "--foreign", "meters/7")
	as := []string{"-i", "x", "-u", "meter", "-P", secret, "-q", "1"}
	h.pub("meters/7", `[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},{"n":"current","u":"A","t":-2,"v":1.2}]`, as...)
	h.has("meter", "voltage", 120.1)
	h.has("meter", "current", 1.2)
	packed, err := hex.DecodeString("81a300781b75726e3a6465763a6f773a31306532303733613031303830303633016343656c02fb403719999999999a")
	if err != nil {
		t.Fatal(err)
	}
	h.pub("meters/7/cbor", string(packed), as...)
	h.has("meter", "temperature", 23.1)
	h.shows("meter", withUnit("temperature", "Cel"))
	own := h.add("own", "--kind", "sensor", "--profile", "gas") // our own senders may speak it, too
	h.pub("gh/1/own/up/senml", `[{"n":"ch4","v":0.5}]`, "-i", "own", "-u", "own", "-P", own, "-q", "1")
	h.has("own", "ch4", 0.5)
}

// TestSparkplug runs a node on Python's paho client: births with aliases, data,
// a hole in its numbers that the hub answers with a request for births, and a
// death by its will.
func TestSparkplug(t *testing.T) {
	h := open(t)
	secret := h.add("plant", "--kind", "gateway", "--convention", "sparkplug", "--foreign", "street/node-1", "--profile", "pump")
	node := launch(t, filepath.Join(h.dir, "node.log"), "/usr/bin/python3", "testdata/node.py", h.mqtt, "plant", secret)
	h.has("plant", "Supply_Voltage", 12.5)
	h.has("plant.pump1", "Inputs.A", 1)
	h.eventually("a request for births", func() error {
		if !strings.Contains(node.printed(), "rebirth on spBv1.0/street/NCMD/node-1") {
			return errors.New(node.printed())
		}
		return nil
	})
	h.has("plant.pump1", "Level", -7) // told in the second birth only
	h.shows("plant.pump1", withUnit("Level", "mm"))
	h.eventually("the primary host's state", func() error {
		if !strings.Contains(node.printed(), `host on spBv1.0/STATE/gridhub {"online":true`) {
			return errors.New(node.printed())
		}
		return nil
	})
	node.end(syscall.SIGKILL)
	h.shows("plant.pump1", func(d live.DeviceState) error {
		if d.Quality != "bad" {
			return errors.New("its quality is " + d.Quality)
		}
		return nil
	})
}

// TestThingsBoardGateway has a gateway's devices appear as it connects them, and
// asks for attributes as such a gateway does, which wants an answer.
func TestThingsBoardGateway(t *testing.T) {
	h := open(t)
	token := h.add("tb", "--kind", "gateway", "--convention", "thingsboard", "--profile", "climate")
	as := []string{"-u", token, "-q", "1"}
	h.pub("v1/gateway/connect", `{"device":"cabinet-4"}`, as...)
	h.pub("v1/gateway/telemetry", `{"cabinet-4":[{"temperature":31.5}],"tb":[{"load":0.5}]}`, as...)
	h.has("tb.cabinet-4", "temperature", 31.5)
	h.has("tb", "load", 0.5)
	host, port, err := net.SplitHostPort(h.mqtt)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("mosquitto_rr", "-h", host, "-p", port, "-u", token, "-q", "1", "-W", "20", "-V", "mqttv311",
		"-t", "v1/devices/me/attributes/request/1", "-e", "v1/devices/me/attributes/response/1", "-m", `{"sharedKeys":"a"}`).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "{}" {
		t.Errorf("a question for attributes is answered %q, %v", out, err)
	}
}

// TestRegistration holds that an identity which could never speak is refused
// when it is made.
func TestRegistration(t *testing.T) {
	h := open(t)
	for want, flags := range map[string][]string{
		"want one of homeassistant": {"--convention", "zigbee"},
		"want 2 levels":             {"--codec", "sparkplug", "--foreign", "one"},
		"want 1 to 128 bytes":       {"--codec", "tasmota"},
		"our own topics need none":  {"--foreign", "x"},
		"want letters, digits, _ -": {"--codec", "influx", "--profile", "two words"},
	} {
		args := append([]string{"device", "add", "odd", "--kind", "sensor", "--config", h.config}, flags...)
		if out, err := exec.Command(hubProgram, args...).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%q said %q, %v; want %q", flags, out, err, want)
		}
	}
}
