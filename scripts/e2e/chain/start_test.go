package chain_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
)

// TestMistakes holds that a start with a wrong configuration fails with every
// mistake and its place, and that check says the same.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "hub.yaml")
	write(t, config, `data: data
http:
  adress: "127.0.0.1:1"
history:
  store: postgres
journal:
  max: many
mqtt:
  max_packet: 3
  listeners:
    - {name: plain, network: udp, address: "127.0.0.1:1"}
media:
  address: here
matters: []
rules: []
`)
	want := []string{
		":3:3: http.adress: 127.0.0.1:1: not known here, did you mean address?",
		":5:10: history.store: postgres: want sqlite or influx",
		":7:8: journal.max: many: want a size such as 512KiB, 64MiB or 2GiB",
		":9:15: mqtt.max_packet: 3: want 1024 to 16777216",
		":11:30: mqtt.listeners[0].network: udp: want tcp, tls or unix",
		":13:12: media.address: here: want IP:port, e.g. 0.0.0.0:8189",
	}
	for _, args := range [][]string{{"serve", "--config", config}, {"check", config}} {
		said := fails(t, args...)
		for i := range want {
			if !strings.Contains(said, config+want[i]+"\n") {
				t.Errorf("hub %s does not say %q:\n%s", args[0], want[i], said)
			}
		}
		if n := strings.Count(said, "\n"); n != len(want) {
			t.Errorf("hub %s says %d lines, want %d:\n%s", args[0], n, len(want), said)
		}
	}
}

// TestMistakesInRules does the same for a file that the configuration names.
func TestMistakesInRules(t *testing.T) {
	h := prepare(t, "")
	file := filepath.Join(h.dir, "rules.yaml")
	write(t, file, `rules:
  - name: hot
    kind: gas
    metric: ch4
    raise: "about 3"
    clear: "< 2"
    matter: AQ03
    severity: awful
    title: {zh: 甲, en: a}
  - name: hot
    kind: gas
    metric: ch4
    raise: "> 3"
    clear: "< 5"
    matter: ZZ99
    severity: minor
    title: {zh: 甲, en: a}
`)
	for _, args := range [][]string{{"serve", "--config", h.config}, {"check", h.config}} {
		said := fails(t, args...)
		for _, want := range []string{":5:12: rules[0].raise: about 3", ":8:15: rules[0].severity: awful: want info, minor, major or critical",
			":10:11: rules[1].name: hot: want", ":14:12: rules[1].clear: < 5: want", ":15:13: rules[1].matter: ZZ99: want"} {
			if !strings.Contains(said, file+want) {
				t.Errorf("hub %s does not say %q:\n%s", args[0], want, said)
			}
		}
	}
}

// TestMistakesInRoutes does the same for a file of the street's folder.
func TestMistakesInRoutes(t *testing.T) {
	h := prepare(t, "")
	street := filepath.Join(h.dir, "street")
	if err := os.CopyFS(street, os.DirFS(configs(t, "demo"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(street, "routes.yaml")
	write(t, file, `routes:
  - id: r-1
    from: "12:00"
    until: "08:00"
    stops:
      - {id: s-1, place: {lon: 120.15, lat: 30.27}, radius_m: 30}
      - {id: s-1, place: {lon: 120.15, lat: 30.27}, radius_m: 30}
  - id: r-1
    from: early
    until: "08:00"
    stops: []
`)
	write(t, h.config, "data: data\nmatters: []\nrules: []\nstreet: street\n")
	said := fails(t, "check", h.config)
	for _, want := range []string{":4:12: routes[0].until: 08:00: want", ":7:14: routes[0].stops[1].id: s-1: want",
		":8:9: routes[1].id: r-1: want", ":9:11: routes[1].from: early: want", ":11:12: routes[1].stops: "} {
		if !strings.Contains(said, file+want) {
			t.Errorf("hub check does not say %q:\n%s", want, said)
		}
	}
}

// fails runs hub, which must end with 1, and returns what it said on standard
// error.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	var errs strings.Builder
	cmd := exec.Command(hubProgram, args...)
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("hub %s: %v, want exit code 1: %s", strings.Join(args, " "), err, errs.String())
	}
	return errs.String()
}

// TestTaken holds that a start fails and says why when what it needs is taken,
// and that it leaves nothing behind that would hinder the next.
func TestTaken(t *testing.T) {
	h := prepare(t, "")
	for what, address := range map[string]string{"http": h.http, "https": h.https, "mqtt": h.mqtt, "mqtt over tls": h.mqtts, "media": h.media} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if said := fails(t, "serve", "--config", h.config); !strings.Contains(said, address) || !strings.Contains(said, "in use") {
			t.Errorf("%s is taken, and the hub says:\n%s", what, said)
		}
		l.Close()
	}
	h.serve()
	other := prepare(t, "")
	other.dir = h.dir // its own ports, but the same data
	text, err := os.ReadFile(other.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(h.dir, "other.yaml"), string(text))
	if said := fails(t, "serve", "--config", filepath.Join(h.dir, "other.yaml")); !strings.Contains(said, filepath.Join(h.dir, "data")) {
		t.Errorf("a second hub on the same data says:\n%s", said)
	}
	h.stop()
}

// TestNoFolder holds that a data folder which cannot be one is said by name.
func TestNoFolder(t *testing.T) {
	h := prepare(t, "")
	write(t, filepath.Join(h.dir, "data"), "a file stands here")
	if said := fails(t, "serve", "--config", h.config); !strings.Contains(said, "data folder") || !strings.Contains(said, filepath.Join(h.dir, "data")) {
		t.Errorf("the hub says:\n%s", said)
	}
}

// TestStrangers sends to the broker what no good client sends, and holds that
// each is turned away and that good clients do not notice.
func TestStrangers(t *testing.T) {
	h, root := open(t, "")
	secret := h.add("probe", "sensor", "--profile", "gas")
	good, err := dial("tcp://"+h.mqtt, "probe", secret)
	if err != nil {
		t.Fatal(err)
	}
	defer good.Disconnect(0)
	h.add("other", "sensor", "--profile", "gas")
	for _, stranger := range []struct {
		id     devices.ID
		secret string
	}{{"nobody", secret}, {"other", secret}, {"other", ""}} {
		if c, err := dial("tcp://"+h.mqtt, stranger.id, stranger.secret); err == nil {
			c.Disconnect(0)
			t.Errorf("%s came in with %q", stranger.id, stranger.secret)
		}
	}
	greeting := connect("mallory", h.add("mallory", "sensor", "--profile", "gas"))
	for what, packets := range map[string][]byte{
		"256 MB before CONNECT":     {0x10, 0xff, 0xff, 0xff, 0x7f},
		"no MQTT":                   []byte("GET / HTTP/1.1\r\nHost: hub\r\n\r\n"),
		"a reserved type":           append(slices.Clone(greeting), 0x00, 0x00),
		"a SUBSCRIBE that is cut":   append(slices.Clone(greeting), 0x82, 0x06, 0x00, 0x01, 0x00, 0x00, 0x01, 0x61),
		"a PUBLISH of 256 MB":       append(slices.Clone(greeting), 0x32, 0xff, 0xff, 0xff, 0x7f),
		"a topic that is no UTF-8":  append(slices.Clone(greeting), 0x32, 0x06, 0x00, 0x02, 0xc3, 0x28, 0x00, 0x01),
		"a length of five bytes":    append(slices.Clone(greeting), 0x32, 0xff, 0xff, 0xff, 0xff, 0xff),
		"a publish with a wildcard": append(slices.Clone(greeting), publish("gh/1/mallory/up/#", "{}")...),
	} {
		if err := turnedAway(h.mqtt, packets); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := good.say(wire.Telemetry, wire.Reading{Stamp: wire.Stamp{V: wire.Version}, Values: map[string]float64{"ch4": 1}}); err != nil {
		t.Errorf("a good client cannot publish any more: %v", err)
	}
	h.spoofs(root, "liar", "probe")
	if err := h.readyz(); err != nil || !h.running() {
		t.Errorf("the hub is not well: %v", err)
	}
	for _, words := range [][]string{{"refused", "detail=nobody"}, {"refused", "detail=other"}} {
		if !containsAll(h.printed(), words) {
			t.Errorf("the log lacks %q:\n%s", words, h.printed())
		}
	}
}

// spoofs publishes as one device into the tree of another, which has said one
// thing so far, and holds that nothing is stored as the other's.
func (h *hub) spoofs(root *session, liar, victim devices.ID) {
	h.t.Helper()
	c, err := dial("tcp://"+h.mqtt, liar, h.add("liar", "sensor", "--profile", "gas"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Disconnect(0)
	for _, topic := range []string{wire.Up(victim, wire.Telemetry), wire.Down(victim, wire.Command), "$SYS/broker"} {
		_ = finish(c.Publish(topic, 1, false, `{"v":1,"values":{"ch4":99}}`)) // refused or swallowed: it must not count
	}
	if err := c.say(wire.Telemetry, wire.Reading{Stamp: wire.Stamp{V: wire.Version}, Values: map[string]float64{"ch4": 2}}); err != nil {
		h.t.Error(err)
	}
	eventually(h.t, "what the liar said for itself", func() error {
		if have := root.series(liar, "ch4"); len(have) != 1 || have[0].Value != 2 {
			return fmt.Errorf("have %+v", have)
		}
		return nil
	})
	if have := root.series(victim, "ch4"); len(have) != 1 || have[0].Value != 1 {
		h.t.Errorf("%s was made to say %+v", victim, have)
	}
}

// turnedAway sends bytes and returns nil once the hub has closed the
// connection.
func turnedAway(address string, packets []byte) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.Write(packets); err != nil {
		return nil // it closed before it had read all
	}
	answer := make([]byte, 1024)
	for {
		_, err := c.Read(answer)
		if os.IsTimeout(err) {
			return errors.New("the connection stays open")
		}
		if err != nil {
			return nil
		}
	}
}

// connect is a CONNECT of MQTT 3.1.1.
func connect(id, secret string) []byte {
	body := append(field("MQTT"), 4, 0xc2, 0, 60)
	for _, s := range []string{id, id, secret} {
		body = append(body, field(s)...)
	}
	return append([]byte{0x10, byte(len(body))}, body...)
}

// publish is a PUBLISH with QoS 1.
func publish(topic, payload string) []byte {
	body := append(append(field(topic), 0, 1), payload...)
	return append([]byte{0x32, byte(len(body))}, body...)
}

// field is a string with its length before it.
func field(s string) []byte { return append([]byte{0, byte(len(s))}, s...) }
