package server

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"gridhub/streams/relay"
)

// openRelay opens the way for media out of networks that let nothing else
// through, where it is configured.
func (h *Hub) openRelay() (err error) {
	if !h.cfg.Relay.Enabled() {
		return nil
	}
	h.relay, err = relay.New(h.cfg.Relay, h.ca.TLS(), h.media.Addresses, h.relayRefused, h.log)
	return err
}

// relayRefused writes down what signed-in clients tried. Anybody can try
// credentials, and must not fill the log with it.
func (h *Hub) relayRefused(r relay.Refusal) {
	if r.Cause == "credentials" {
		h.log.Debug("relay refused", "cause", r.Cause, "identity", r.Identity, "client", r.Client)
		return
	}
	h.log.Warn("relay refused", "cause", r.Cause, "identity", r.Identity, "client", r.Client, "peer", r.Peer)
}

// iceServer is what a browser's RTCPeerConnection takes.
type iceServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

// relayServers tells who is signed in how to be relayed; nothing where there
// is no relay.
func (h *Hub) relayServers(w http.ResponseWriter, r *http.Request) {
	p, err := h.api.Principal(r)
	if err != nil {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	var out struct {
		ICEServers []iceServer `json:"iceServers"`
		Expires    *time.Time  `json:"expires,omitempty"`
	}
	out.ICEServers = []iceServer{}
	if h.relay != nil {
		c := h.relay.Credentials(p.Account)
		out.Expires = &c.Expires
		out.ICEServers = append(out.ICEServers, iceServer{relayURLs(h.relay.Addresses(), hostOf(r)), c.Username, c.Password})
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(out) // the reader left; nobody to tell
}

// hostOf is the name under which the client has found the hub.
func hostOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		return host
	}
	return r.Host
}

// relayURLs are the relay's ways in (RFC 7065), the quickest first.
func relayURLs(at map[string]netip.AddrPort, host string) []string {
	urls := []string{}
	for _, way := range []struct{ name, format string }{
		{"udp", "turn:%s?transport=udp"}, {"tcp", "turn:%s?transport=tcp"}, {"tls", "turns:%s?transport=tcp"},
	} {
		if a, ok := at[way.name]; ok {
			urls = append(urls, fmt.Sprintf(way.format, net.JoinHostPort(host, strconv.Itoa(int(a.Port())))))
		}
	}
	return urls
}
