package broker

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gridhub/devices"
)

// patience is how long a test waits for something that must happen. It is no
// measure of speed: the machine may be busy.
const patience = 20 * time.Second

// roster is an Authority of fixed passwords.
type roster struct {
	mu        sync.Mutex
	passwords map[string]string    // by username
	known     map[string]Principal // by username; others are native terminals
	during    func()               // called while credentials are checked
}

func (r *roster) Authenticate(_ context.Context, c Credentials) (Principal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.during != nil {
		r.during()
	}
	if c.CertCN != "" && c.Username == "" {
		return Principal{ID: devices.ID(c.CertCN), Kind: devices.Terminal}, nil
	}
	if want, ok := r.passwords[c.Username]; !ok || want != string(c.Password) {
		return Principal{}, errors.New("wrong password")
	}
	if p, ok := r.known[c.Username]; ok {
		return p, nil
	}
	return Principal{ID: devices.ID(c.Username), Kind: devices.Terminal}, nil
}

// kept is a copy of a Message, for tests.
type kept struct {
	Message
	ack Ack
}

// memory is a Sink that keeps everything, and answers as told.
type memory struct {
	mu   sync.Mutex
	all  []kept
	hold bool  // answer nobody until settle
	err  error // answer with this
	came chan struct{}
}

func newMemory() *memory { return &memory{came: make(chan struct{}, 1<<16)} }

func (m *memory) Accept(msg *Message, ack Ack) {
	k := kept{Message: *msg, ack: ack}
	k.Topic, k.Payload = strings.Clone(msg.Topic), append([]byte(nil), msg.Payload...)
	m.mu.Lock()
	m.all = append(m.all, k)
	hold, err := m.hold, m.err
	m.mu.Unlock()
	m.came <- struct{}{}
	if !hold {
		ack.Done(err)
	}
}

func (m *memory) messages() []kept {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]kept(nil), m.all...)
}

// await returns the first n messages once they are there.
func (m *memory) await(t *testing.T, n int) []kept {
	t.Helper()
	limit := time.After(patience)
	for {
		if all := m.messages(); len(all) >= n {
			return all[:n]
		}
		select {
		case <-m.came:
		case <-limit:
			t.Fatalf("sink got %d messages, want %d", len(m.messages()), n)
		}
	}
}

// settle answers everything held back, in order.
func (m *memory) settle(err error) {
	m.mu.Lock()
	held := m.all
	m.all, m.hold = nil, false
	m.mu.Unlock()
	for _, k := range held {
		k.ack.Done(err)
	}
}

// running is a broker under test.
type running struct {
	*Broker
	sink   *memory
	roster *roster
	addr   string
	stop   func()
}

// start runs a broker on a free port with the identities "a", "b" and "c",
// whose passwords are their names doubled. change may be nil.
func start(t *testing.T, change func(*Config), ev Events) *running {
	t.Helper()
	cfg := Default()
	cfg.Listeners[0].Address = "127.0.0.1:0"
	if change != nil {
		change(&cfg)
	}
	r := &running{sink: newMemory(), roster: &roster{
		passwords: map[string]string{"a": "aa", "b": "bb", "c": "cc"}, known: map[string]Principal{}}}
	var err error
	if r.Broker, err = New(cfg, r.roster, r.sink, nil, ev); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	select {
	case <-r.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	t.Cleanup(r.stop)
	if a := r.Addr(cfg.Listeners[0].Name); a != nil {
		r.addr = a.String()
	}
	return r
}

func (r *running) hostPort(t *testing.T) (string, string) {
	t.Helper()
	host, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// eventually waits until ok, which must come true without further doing.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func TestMosquittoPublishIsAcknowledged(t *testing.T) {
	for _, version := range []string{"mqttv311", "mqttv5"} {
		for _, qos := range []string{"0", "1", "2"} {
			t.Run(version+" qos "+qos, func(t *testing.T) {
				r := start(t, nil, Events{})
				host, port := r.hostPort(t)
				out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-V", version, "-i", "a", "-u", "a", "-P", "aa",
					"-t", "gh/1/a/up/telemetry", "-q", qos, "-m", "21.5").CombinedOutput()
				if err != nil {
					t.Fatalf("mosquitto_pub: %v: %s", err, out)
				}
				m := r.sink.await(t, 1)[0]
				if m.From != "a" || m.Kind != "telemetry" || m.Topic != "gh/1/a/up/telemetry" || string(m.Payload) != "21.5" || m.Refused != "" {
					t.Errorf("sink got %+v", m.Message)
				}
			})
		}
	}
}

func TestMosquittoSubscribeReceives(t *testing.T) {
	for _, version := range []string{"mqttv311", "mqttv5"} {
		t.Run(version, func(t *testing.T) {
			r := start(t, nil, Events{})
			host, port := r.hostPort(t)
			cmd := exec.Command("mosquitto_sub", "-h", host, "-p", port, "-V", version, "-i", "b", "-u", "b", "-P", "bb",
				"-t", "gh/1/b/down/#", "-q", "1", "-C", "1", "-v", "-W", "20")
			var out strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "a task can be sent", func() bool {
				return r.Send("b", "task", []byte("go there"), 1) == nil
			})
			if err := cmd.Wait(); err != nil {
				t.Fatalf("mosquitto_sub: %v: %s", err, out.String())
			}
			if got := strings.TrimSpace(out.String()); got != "gh/1/b/down/task go there" {
				t.Errorf("mosquitto_sub printed %q", got)
			}
		})
	}
}

// pythonOverWebSocket publishes with the paho client for Python and waits for
// one message.
const pythonOverWebSocket = `
import sys, paho.mqtt.client as mqtt
host, port = sys.argv[1], int(sys.argv[2])
c = mqtt.Client("a", transport="websockets")
c.username_pw_set("a", "aa")
c.ws_set_options(path="/mqtt")
def on_connect(c, u, f, rc):
    if rc != 0: print("refused", rc); c.disconnect(); return
    c.subscribe("gh/1/a/down/task", 1)
def on_subscribe(c, u, mid, granted): c.publish("gh/1/a/up/event", "hello", qos=1)
def on_message(c, u, m): print(m.topic, m.payload.decode()); c.disconnect()
c.on_connect, c.on_subscribe, c.on_message = on_connect, on_subscribe, on_message
c.connect(host, port, 30)
c.loop_forever()
`

// A clean stop also reaches clients in browsers, whose transport cannot be
// interrupted while it reads.
func TestCleanStopOverWebSocket(t *testing.T) {
	r := start(t, nil, Events{})
	web := httptest.NewServer(r.Broker)
	defer web.Close()
	ws, _, err := websocket.Dial(t.Context(), web.URL, &websocket.DialOptions{Subprotocols: []string{"mqtt"}})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, nc: websocket.NetConn(t.Context(), ws, websocket.MessageBinary)}
	r.sink.hold = true
	p.join(hello{v5: true})
	p.publish("gh/1/a/up/telemetry", 1, 1, "x")
	r.sink.await(t, 1)
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	<-r.stopping
	r.sink.settle(nil)
	p.expect(0x40, 2, 0, 1)
	p.expect(0xe0, 1, 0x8b)
	<-stopped
}

func TestWebSocketCarriesPublishAndDelivery(t *testing.T) {
	r := start(t, nil, Events{})
	web := httptest.NewServer(r.Broker)
	defer web.Close()
	host, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	go func() {
		<-r.sink.came
		_ = r.Send("a", "task", []byte("answered"), 1)
	}()
	out, err := exec.Command("/usr/bin/python3", "-c", pythonOverWebSocket, host, port).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "gh/1/a/down/task answered" {
		t.Fatalf("python client: %v: %s", err, out)
	}
}
