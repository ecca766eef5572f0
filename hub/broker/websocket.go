package broker

import (
	"context"
	"net/http"

	"github.com/coder/websocket"
)

// ServeHTTP takes MQTT over WebSocket (MQTT 5.0, 6): subprotocol "mqtt", binary
// messages, only from the hub's own pages and the configured Origins. The
// server that calls it sets the time limits for request headers.
func (b *Broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := b.newConn(b.web, r.RemoteAddr)
	c.hello.WebSocket = true
	if !closed(b.ready) {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	host, ok := b.admit(c)
	if !ok {
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	defer b.dismiss(c, host)
	b.stats.Accepted.Add(1)
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{"mqtt"}, OriginPatterns: b.cfg.Origins, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		b.stats.ended("websocket")
		return
	}
	if ws.Subprotocol() != "mqtt" {
		_ = ws.Close(websocket.StatusPolicyViolation, "want subprotocol mqtt")
		return
	}
	ws.SetReadLimit(int64(b.cfg.MaxPacket))
	c.transport(websocket.NetConn(context.Background(), ws, websocket.MessageBinary),
		func() { b.serving.Go(func() { _ = ws.CloseNow() }) }) // it may wait for its own reader
	c.serve()
}
