package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gridhub/hub/api"
	"gridhub/hub/open311"
	"gridhub/hub/web"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	closeTimeout  = 5 * time.Second // for requests under way when the hub stops
)

// doors are the hub's HTTP listeners: plain for this machine, TLS for phones,
// and a Unix socket in the data folder for the command line.
type doors struct {
	h         *Hub
	listeners []door
	once      sync.Once
}

type door struct {
	net.Listener
	server *http.Server
	secure bool
}

// openDoors listens at once, so that a port in use stops the start.
func openDoors(h *Hub) (*doors, error) {
	d := &doors{h: h}
	public := h.routes()
	if err := d.tcp(h.cfg.HTTP.Address, h.withMetrics(public), false); err != nil {
		return d, err
	}
	if err := d.tcp(h.cfg.HTTP.Secure, public, true); err != nil {
		return d, err
	}
	return d, d.local(SocketPath(h.cfg.Data), h.adminRoutes())
}

func (d *doors) tcp(address string, handler http.Handler, secure bool) error {
	if address == "" {
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("http: %s: %w", address, err)
	}
	d.add(l, handler, secure)
	return nil
}

// SocketPath is where the command line finds a running hub.
func SocketPath(data string) string { return filepath.Join(data, "hub.sock") }

// local opens the command line's socket, readable for the owner alone.
func (d *doors) local(path string, handler http.Handler) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("command socket: %w", err)
	}
	d.add(l, handler, false)
	return os.Chmod(path, 0o600)
}

func (d *doors) add(l net.Listener, handler http.Handler, secure bool) {
	s := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 32 << 10}
	if secure {
		s.TLSConfig = d.h.ca.TLS()
	}
	d.listeners = append(d.listeners, door{l, s, secure})
}

// address is where the first door listens, for logs and tests.
func (d *doors) address() string {
	if len(d.listeners) == 0 {
		return ""
	}
	return d.listeners[0].Addr().String()
}

// run serves until ctx ends. Streams and sockets end with ctx, as it is the
// base of every request's.
func (d *doors) run(ctx context.Context) error {
	failed := make(chan error, len(d.listeners))
	for _, l := range d.listeners {
		l.server.BaseContext = func(net.Listener) context.Context { return ctx }
		go func() {
			if l.secure {
				failed <- l.server.ServeTLS(l, "", "")
			} else {
				failed <- l.server.Serve(l)
			}
		}()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, d.close())
}

func (d *doors) close() error {
	var errs []error
	d.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		for _, l := range d.listeners {
			if err := l.server.Shutdown(ctx); err != nil {
				errs = append(errs, l.server.Close())
			}
			_ = l.Close() // Shutdown closed it, unless nothing ever served
		}
	})
	return errors.Join(errs...)
}

// routes is everything that is offered to the street.
func (h *Hub) routes() http.Handler {
	mux := http.NewServeMux()
	guard := http.NewCrossOriginProtection() // forged posts from other sites
	mux.Handle("/api/", guard.Handler(h.api))
	mux.Handle("/api/v1/public/", h.onceClaimed(guard.Handler(h.api)))
	mux.Handle("GET /api/v1/calls/socket", h.whileSignedIn(h.signaling.Handler(h.caller)))
	mux.HandleFunc("GET /api/v1/calls/relay", h.relayServers)
	h.cameraRoutes(mux, guard)
	writes := api.WriteAPI(writers{h})
	for _, path := range []string{"/api/v2/", "POST /write", "POST /query", "/ping", "GET /health"} {
		mux.Handle(path, h.onceClaimed(writes))
	}
	mux.Handle(open311.Base, h.onceClaimed(h.residents.Handler())) // no session is looked at, so nothing can be forged
	mux.Handle("/mqtt", h.broker)
	mux.HandleFunc("GET /ca.crt", h.certificate)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.Handle("/", web.Handler())
	return mux
}

// onceClaimed keeps a door shut that asks for no session until the hub has an
// administrator.
func (h *Hub) onceClaimed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.claim.pending() && !h.anonymous() {
			http.Error(w, "nobody has claimed this hub yet", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// withMetrics adds the counters for scrapers on this machine: they are shown to
// loopback addresses alone, and not before the hub is claimed.
func (h *Hub) withMetrics(public http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); r.URL.Path == "/metrics" && ip != nil && ip.IsLoopback() && !h.claim.pending() {
			h.metrics(w, r)
			return
		}
		public.ServeHTTP(w, r)
	})
}

// caller says who opened the call socket: the person, or the account of
// somebody who is no member of staff, and the tab that asks.
func (h *Hub) caller(r *http.Request) (person, device string, err error) {
	p, err := h.api.Principal(r)
	if err != nil {
		return "", "", err
	}
	person = string(p.Person)
	if person == "" {
		person = p.Account
	}
	tab := r.URL.Query().Get("tab")
	if len(tab) < 8 || len(tab) > 64 {
		return "", "", errors.New("tab: want 8 to 64 characters that name this window")
	}
	return person, "desk/" + p.Account + "/" + tab, nil
}

// certificate offers the private CA to phones and gateways.
func (h *Hub) certificate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Disposition", `attachment; filename="gridhub-ca.crt"`)
	_, _ = w.Write(h.ca.PEM()) // the reader left; nobody to tell
}

// readyz is green when publishes can be acknowledged and clients let in; on a hub
// that nobody has claimed, when it can be.
func (h *Hub) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := h.journal.Healthy(); err == nil && h.claim.pending() && !h.anonymous() {
		fmt.Fprintln(w, "ready to be claimed")
		return
	}
	err := errors.Join(h.journal.Healthy(), h.broker.Healthy())
	select {
	case <-h.ready:
	default:
		err = errors.Join(err, errors.New("starting"))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
