package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/edge/enrol"
	"gridhub/edge/uplink"
)

// Enrol trades the code of an invitation for this gateway's identity, which Run
// uses from the next connection on.
func (c Config) Enrol(ctx context.Context, i wire.Invitation) (*enrol.Identity, error) {
	return enrol.In(c.path(c.Data)).Enrol(ctx, i, enrol.Options{ID: c.ID, CAFile: c.path(c.Hub.CA), Now: time.Now})
}

// Renew trades the certificate in force for the next, before its time.
func (c Config) Renew(ctx context.Context) (*enrol.Identity, error) {
	return enrol.In(c.path(c.Data)).Renew(ctx, time.Now)
}

// Bare is the configuration of a gateway that is enrolled before its
// configuration is written.
func Bare(id devices.ID, data string) Config {
	c := Default()
	c.ID, c.Data = id, data
	return c
}

// checkIdentity refuses to run under another's name.
func (g *Gateway) checkIdentity() error {
	held, err := g.folder().Load()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: the folder must belong to the user that edge run has", err)
	case err != nil:
		return err
	case held.ID != g.cfg.ID:
		return fmt.Errorf("this gateway was enrolled as %s, its configuration says id: %s; correct it, or enrol anew", held.ID, g.cfg.ID)
	}
	g.log.Info("enrolled", "gateway", held.ID, "expires", held.Expires())
	return nil
}

func (g *Gateway) folder() enrol.Folder { return enrol.In(g.cfg.path(g.cfg.Data)) }

// way tells the uplink of the identity; nothing, where there is none.
func (g *Gateway) way() (uplink.Way, error) {
	held, err := g.folder().Load()
	if errors.Is(err, fs.ErrNotExist) {
		return uplink.Way{}, nil
	}
	if err != nil {
		return uplink.Way{}, err
	}
	address := g.cfg.Hub.URL
	if address == uplink.Default().URL && held.MQTT != "" {
		address = held.MQTT
	}
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "ssl" {
		return uplink.Way{}, fmt.Errorf("hub.url %s: an enrolled gateway shows its certificate over TLS: want ssl://host:port", address)
	}
	return uplink.Way{URL: address, TLS: held.TLS(at.Hostname(), g.uplink.HubTime)}, nil
}

// tellIdentity adds to /healthz how long the certificate is good.
func (g *Gateway) tellIdentity(answer map[string]any) {
	st := g.keeper.Status()
	if !st.Enrolled && st.Err == "" {
		return
	}
	about := map[string]any{"expires": st.Expires.UTC(), "days_left": int(st.Left.Hours() / 24)}
	if st.Err != "" {
		about["error"] = st.Err
	}
	answer["certificate"] = about
}

func (g *Gateway) identityMetrics(w io.Writer) {
	if st := g.keeper.Status(); st.Enrolled {
		head(w, "gridhub_edge_certificate_expires_seconds", "gauge", "End of the gateway's certificate, seconds since 1970.")
		fmt.Fprintf(w, "gridhub_edge_certificate_expires_seconds %d\n", st.Expires.Unix())
	}
}
