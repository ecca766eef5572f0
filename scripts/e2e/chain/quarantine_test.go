package chain_test

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gridhub/devices"
	"gridhub/hub/api"
)

// TestQuarantine sends what cannot be read, as other products' clients would,
// and holds that it is acknowledged, listed with its reason, and tried again on
// demand; and that what can be read is stored.
func TestQuarantine(t *testing.T) {
	h, root := open(t, "")
	own := h.add("climate-own", "sensor", "--profile", "climate")
	token := h.add("tb-1", "sensor", "--convention", "thingsboard", "--profile", "gas")
	mosquitto(t, h.mqtt, "gh/1/climate-own/up/telemetry", `{"v":1,"values":{"temperature":21.5}}`, "-i", "climate-own", "-u", "climate-own", "-P", own)
	mosquitto(t, h.mqtt, "gh/1/climate-own/up/telemetry", `{"v":1,"values":{"temperature":`, "-i", "climate-own", "-u", "climate-own", "-P", own)
	mosquitto(t, h.mqtt, "v1/devices/me/telemetry", `{"ch4":3.5}`, "-u", token)
	mosquitto(t, h.mqtt, "v1/devices/me/telemetry", `ch4 is high`, "-u", token)
	for id, want := range map[devices.ID]struct {
		metric string
		value  float64
	}{"climate-own": {"temperature", 21.5}, "tb-1": {"ch4", 3.5}} {
		eventually(t, "the value of "+string(id), func() error {
			if got := root.series(id, want.metric); len(got) != 1 || got[0].Value != want.value {
				return fmt.Errorf("have %+v", got)
			}
			return nil
		})
		eventually(t, "the quarantine of "+string(id), func() error {
			list := h.cli("quarantine", "list", "--device", string(id))
			if n := strings.Count(list, string(id)); n != 1 {
				return fmt.Errorf("have %s", list)
			}
			return nil
		})
		if said := h.cli("quarantine", "replay", "--device", string(id)); said != "1 tried again\n" {
			t.Errorf("replay of %s said %q", id, said)
		}
	}
	var entries []api.QuarantineEntry
	root.get("/api/v1/quarantine", &entries)
	if len(entries) != 2 || entries[0].Cause == "" || !slices.ContainsFunc(entries, func(e api.QuarantineEntry) bool { return e.Payload == "ch4 is high" }) {
		t.Errorf("the list has %+v", entries)
	}
	sum := root.ledger("climate-own")
	if sum.Polled != 2 || sum.Stored != 1 || sum.Quarantined["all"] != 1 {
		t.Errorf("the ledger says %+v", sum)
	}
}

// mosquitto publishes with QoS 1 by somebody else's client, which succeeds only
// if the hub acknowledges.
func mosquitto(t testing.TB, broker, topic, payload string, flags ...string) {
	t.Helper()
	host, port, err := net.SplitHostPort(broker)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-h", host, "-p", port, "-q", "1", "-t", topic, "-m", payload}, flags...)
	if out, err := exec.Command("mosquitto_pub", args...).CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub on %s: %v: %s", topic, err, out)
	}
}
