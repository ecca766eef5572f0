package chain_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gridhub/devices/wire"
)

// TestTLS holds that API, pages and MQTT are open to whoever trusts the
// street's own authority, and to nobody else.
func TestTLS(t *testing.T) {
	h, _ := open(t, "")
	ca := h.authority()
	trusting := &tls.Config{RootCAs: pool(t, ca)}
	s := &session{t: t, base: "https://" + h.https}
	if err := s.call("GET", "/healthz", nil, nil); err == nil {
		t.Error("HTTPS is trusted without the authority")
	}
	s.client.Transport = &http.Transport{TLSClientConfig: trusting}
	s.post("/api/v1/session", map[string]string{"account": administrator, "password": password}, nil)
	s.get("/api/v1/me", nil)

	secret := h.add("probe", "sensor", "--profile", "gas")
	if _, err := dial("ssl://"+h.mqtts, "probe", secret); err == nil {
		t.Error("MQTT is trusted without the authority")
	}
	for _, broker := range []string{"ssl://" + h.mqtts, "wss://" + h.https + "/mqtt"} {
		c, err := dial(broker, "probe", secret, func(o *mqtt.ClientOptions) { o.SetTLSConfig(trusting) })
		if err != nil {
			t.Fatalf("%s: %v", broker, err)
		}
		if err := c.say(wire.Telemetry, wire.Reading{Stamp: wire.Stamp{V: wire.Version}, Values: map[string]float64{"ch4": 1}}); err != nil {
			t.Errorf("%s: %v", broker, err)
		}
		c.Disconnect(0)
	}
	e := configure(t, "gw-1", h.add("gw-1", "gateway"), fmt.Sprintf("url: \"ssl://%s\"\n  ca: %s", h.mqtts, h.caFile(ca)), simulated("north", busy))
	e.run()
	e.reaches("gridhub_edge_records_total", 20, 1e9)
	e.quieten(simulated("north", calm))
	eventually(t, "delivery over TLS", func() error { _, err := e.delivered(); return err })
}

// authority fetches the certificate of the street's own authority.
func (h *hub) authority() []byte {
	h.t.Helper()
	res, err := http.Get("http://" + h.http + "/ca.crt")
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	pem, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		h.t.Fatalf("/ca.crt: %s, %v", res.Status, err)
	}
	return pem
}

func pool(t testing.TB, pem []byte) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate: %s", pem)
	}
	return p
}

// caFile keeps the authority where other programs can read it.
func (h *hub) caFile(pem []byte) string {
	path := filepath.Join(h.dir, "ca.crt")
	write(h.t, path, string(pem))
	return path
}

// TestAnotherMachine reaches the hub from a network namespace of its own, as a
// phone or a gateway does, by an address and by a name of the certificate. Only
// root can make namespaces.
func TestAnotherMachine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: TestTLS alone speaks TLS")
		return
	}
	there := otherMachine(t)
	h := prepare(t, "")
	h.https, h.mqtts = there.outward(h.https), there.outward(h.mqtts)
	h.configure("")
	h.serve()
	h.claim()
	ca := h.caFile(h.authority())
	secret := h.add("probe", "sensor", "--profile", "gas")
	host, port, err := net.SplitHostPort(h.https)
	if err != nil {
		t.Fatal(err)
	}
	named := []string{"--resolve", name + ":" + port + ":" + host, "https://" + name + ":" + port}
	for _, at := range [][]string{{"https://" + h.https}, named} {
		page := at[len(at)-1] + "/field/"
		code, err := there.run("curl", append(at[:len(at)-1:len(at)-1], "--silent", "--cacert", ca, "--output", os.DevNull, "--write-out", "%{http_code}", page)...)
		if err != nil || code != "200" && code != "503" { // 503: built without pages
			t.Errorf("%s: %s, %v", page, code, err)
		}
		if out, err := there.run("curl", append(at[:len(at)-1:len(at)-1], "--silent", page)...); err == nil {
			t.Errorf("%s is trusted without the authority: %.100s", page, out)
		}
	}
	for _, closed := range []string{there.outward(h.http), there.outward(h.mqtt)} {
		if out, err := there.run("curl", "--silent", "--max-time", "5", "http://"+closed); err == nil {
			t.Errorf("%s is open in plain: %.100s", closed, out)
		}
	}
	host, port, err = net.SplitHostPort(h.mqtts)
	if err != nil {
		t.Fatal(err)
	}
	say := []string{"-h", host, "-p", port, "-q", "1", "-i", "probe", "-u", "probe", "-P", secret, "-t", "gh/1/probe/up/telemetry", "-m", `{"v":1,"values":{"ch4":1}}`}
	if out, err := there.run("mosquitto_pub", append(say, "--cafile", ca)...); err != nil {
		t.Errorf("MQTT over TLS: %v: %s", err, out)
	}
}

// machine is a network namespace with one wire to this one.
type machine struct {
	namespace string
	here      string // our address on the wire
}

func otherMachine(t testing.TB) machine {
	t.Helper()
	id := fmt.Sprint(os.Getpid())
	m := machine{namespace: "gh-" + id, here: "198.18.77.1"} // RFC 2544: for tests of networks
	ip := func(line string) {
		t.Helper()
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	ip("netns add " + m.namespace)
	t.Cleanup(func() { ip("netns del " + m.namespace) }) // and with it both ends of the wire
	ip("link add gha" + id + " type veth peer name ghb" + id + " netns " + m.namespace)
	ip("addr add " + m.here + "/30 dev gha" + id)
	ip("link set gha" + id + " up")
	ip("-n " + m.namespace + " addr add 198.18.77.2/30 dev ghb" + id)
	ip("-n " + m.namespace + " link set ghb" + id + " up")
	return m
}

// outward is a loopback address moved to the wire, same port.
func (m machine) outward(address string) string {
	return strings.Replace(address, "127.0.0.1", m.here, 1)
}

// run runs a program on the other machine.
func (m machine) run(program string, args ...string) (string, error) {
	return run("ip", append([]string{"netns", "exec", m.namespace, program}, args...)...)
}
