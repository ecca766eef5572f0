package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"gridhub/edge/uplink"
)

// control is what the commands of this machine ask the running gateway: HTTP
// over a socket in the data folder that only its owner can open. A nil control
// serves nothing.
type control struct {
	path     string
	listener net.Listener
	server   *http.Server
}

// SocketOf is where the gateway with this configuration listens.
func SocketOf(c Config) string { return filepath.Join(c.path(c.Data), "edge.sock") }

// maxSocket is how long a socket's path may be (sockaddr_un, less its end).
const maxSocket = 107

func newControl(path string, g *Gateway) (*control, error) {
	if len(path) > maxSocket {
		g.log.Warn("the data folder's path is too long for a socket: edge reload and edge resend do not work", "path", path)
		return nil, nil
	}
	_ = os.Remove(path) // of a crash; the spool's lock says that nobody else runs here
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("data folder: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /reload", g.serveReload)
	mux.HandleFunc("POST /resend", g.serveResend)
	return &control{path, l, &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}}, nil
}

func (c *control) serve(ctx context.Context) {
	if c == nil {
		return
	}
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	_ = c.server.Serve(c.listener) // ends with ErrServerClosed
}

func (c *control) close() {
	if c != nil {
		_ = c.server.Close()
		_ = c.listener.Close()
	}
}

func (g *Gateway) serveReload(w http.ResponseWriter, _ *http.Request) {
	if err := g.Reload(); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	p := g.running()
	fmt.Fprintf(w, "%d lines, %d devices run, %s\n", len(p.lines), len(p.plant.Devices), p.config)
	if waiting := g.mistakes(); len(waiting) > 0 {
		fmt.Fprintln(w, waiting.Error())
	}
}

func (g *Gateway) serveResend(w http.ResponseWriter, r *http.Request) {
	var look uplink.Look
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&look); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n, err := g.uplink.Resend(r.Context(), look)
	if err != nil {
		http.Error(w, fmt.Sprintf("%v, after %d records", err, n), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "%d records offered again\n", n)
}
