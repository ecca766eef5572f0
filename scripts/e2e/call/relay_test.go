package call_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gridhub/streams/relay"
	"gridhub/streams/sfu"
)

const (
	here  = "198.18.79.1" // RFC 2544: for tests of networks
	there = "198.18.79.2"
)

// narrow makes another machine, whose network lets no UDP out, on one wire to
// this one: a network namespace. Only root can make one.
func narrow(t *testing.T) (command []string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("a network namespace is wanted, and only root can make one")
	}
	id := fmt.Sprint(os.Getpid())
	name := "gc-" + id
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() }) // with both ends of the wire
	for _, line := range []string{
		"netns add " + name,
		"link add gca" + id + " type veth peer name gcb" + id + " netns " + name,
		"addr add " + here + "/30 dev gca" + id,
		"link set gca" + id + " up",
		"-n " + name + " addr add " + there + "/30 dev gcb" + id,
		"-n " + name + " link set gcb" + id + " up",
		"-n " + name + " link set lo up",
		"-n " + name + " rule add ipproto udp pref 10 prohibit",
	} {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	return []string{"ip", "netns", "exec", name}
}

// relay starts a relay to the hub's media, of which the browsers are told.
func (h *hub) relay() *relay.Relay {
	h.t.Helper()
	c := relay.Default()
	c.UDP, c.TCP = h.host+":0", h.host+":0"
	r, err := relay.New(c, nil, h.media.Addresses, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("relay: %v", err)
		}
	})
	as := r.Credentials("wang")
	h.relays = []relayServer{{Username: as.Username, Credential: as.Password, URLs: []string{
		"turn:" + r.Addresses()["udp"].String() + "?transport=udp", "turn:" + r.Addresses()["tcp"].String() + "?transport=tcp"}}}
	return r
}

// A browser whose network lets no UDP out, before a hub that takes media over
// UDP alone: the direct way fails,
// and the call goes through the relay, both ways.
func TestABrowserWithoutUDPGoesThroughTheRelay(t *testing.T) {
	machine := narrow(t)
	h := startAt(t, here, func(c *sfu.Config) { c.TCP = false })
	r := h.relay()
	h.far = machine
	h.browse("person=wang")
	h.await("wang", "online", new(struct{}))
	h.far = nil
	h.browse("person=centre&calls=wang")
	var m measured
	field := h.await("wang", "flowing", &m)
	centre := h.flows("centre")
	if n := r.Held(); n < 2 || m.FramesDecoded == 0 || m.Energy == 0 {
		t.Errorf("%d allocations at the relay; the browser without UDP has %+v", n, m)
	}
	field.reply <- ""
	centre.reply <- "hangup"
	h.ends("wang", "left")
}

// The page's test of the ways says which of them a network blocks.
func TestThePageSaysWhichWayIsBlocked(t *testing.T) {
	machine := narrow(t)
	h := startAt(t, here)
	h.relay()
	h.browse("path&person=open")
	h.far = machine
	h.browse("path&person=narrow")
	for person, want := range map[string]map[string]string{
		"open":   {"udp": "ok", "tcp": "ok", "turn-udp": "ok", "turn-tcp": "ok", "turn-tls": "no-relay"},
		"narrow": {"udp": "no-way", "tcp": "ok", "turn-udp": "no-way", "turn-tcp": "ok", "turn-tls": "no-relay"},
	} {
		var found map[string]string
		if h.await(person, "paths", &found); !maps.Equal(found, want) {
			t.Errorf("%s: %v, want %v", person, found, want)
		}
	}
}
