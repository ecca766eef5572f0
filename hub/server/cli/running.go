package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"gridhub/hub/api"
	"gridhub/hub/registry"
	"gridhub/hub/server"
)

// running is the socket of the hub that runs with a configuration.
type running struct{ client http.Client }

func reach(config string) (*running, error) {
	cfg, err := server.Load(config)
	if err != nil {
		return nil, err
	}
	path := server.SocketPath(cfg.Data)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if err != nil {
			return nil, fmt.Errorf("no hub runs with %s (its socket would be %s): %w", config, path, err)
		}
		return c, nil
	}
	return &running{http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
}

// ask sends one request and returns the answer's body; an error carries what
// the hub said.
func (r *running) ask(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	payload, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return r.pass(ctx, method, path, bytes.NewReader(payload))
}

// send posts a file as it is and decodes the answer.
func (r *running) send(ctx context.Context, path string, file io.Reader, into any) error {
	b, err := r.pass(ctx, "POST", path, file)
	if err != nil {
		return err
	}
	defer b.Close()
	return json.NewDecoder(b).Decode(into)
}

func (r *running) pass(ctx context.Context, method, path string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://hub"+path, body)
	if err != nil {
		return nil, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // the status is error enough
		return nil, errors.New(strings.TrimSpace(string(said)))
	}
	return res.Body, nil
}

func (r *running) get(ctx context.Context, method, path string, body, into any) error {
	b, err := r.ask(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer b.Close()
	return json.NewDecoder(b).Decode(into)
}

// words splits positional words from flags, which may come in any order.
func words(f *flag.FlagSet, args []string) ([]string, error) {
	var out []string
	for len(args) > 0 {
		if !strings.HasPrefix(args[0], "-") {
			out, args = append(out, args[0]), args[1:]
			continue
		}
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		args = f.Args()
	}
	return out, nil
}

func device(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub device")
	var p registry.Principal
	f.Func("kind", "gateway, terminal, sensor or partner", func(s string) error { return set(&p.Kind, s) })
	f.StringVar(&p.Label, "label", "", "what people call it")
	f.StringVar(&p.Convention, "convention", "", "thingsboard, influx, tasmota, homeassistant, sparkplug or senml, for what speaks it")
	f.StringVar(&p.Convention, "codec", "", "the same as convention")
	f.StringVar(&p.Foreign, "foreign", "", "its `name` there: Tasmota's topic, Sparkplug's group/node, the base of Home Assistant's or SenML's topics")
	f.StringVar(&p.Profile, "profile", "", "kind of measurement of a device that speaks for itself")
	vehicle := f.String("vehicle", "", "the `plate` of what a positioning device is built into")
	w, err := words(f, args)
	if err != nil {
		return fmt.Errorf("hub device: %w", err)
	}
	hub, err := reach(*config)
	if err != nil {
		return err
	}
	switch {
	case len(w) == 2 && w[0] == "add":
		var made struct{ Secret string }
		if err := set(&p.ID, w[1]); err != nil {
			return err
		}
		if err := hub.get(ctx, "POST", "/devices", p, &made); err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, made.Secret)
		return err
	case len(w) == 2 && w[0] == "revoke":
		return hub.get(ctx, "POST", "/devices/"+url.PathEscape(w[1])+"/revoke", nil, &struct{}{})
	case len(w) == 2 && w[0] == "secret":
		var made struct{ Secret string }
		if err := hub.get(ctx, "POST", "/devices/"+url.PathEscape(w[1])+"/secret", nil, &made); err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, made.Secret)
		return err
	case len(w) == 2 && w[0] == "certificates":
		return certificates(ctx, hub, url.PathEscape(w[1]), out)
	case len(w) == 1 && w[0] == "list":
		return listDevices(ctx, hub, out)
	}
	if known, err := care(ctx, hub, w, *vehicle, out); known {
		return err
	}
	return fmt.Errorf("hub device: want add ID, secret ID, revoke ID, certificates ID, bind ID PERSON, unbind ID, replace ID UNIT or list\n\n%s", usage)
}

// set assigns a text to a named string type.
func set[T ~string](into *T, s string) error {
	*into = T(s)
	return nil
}

func listDevices(ctx context.Context, hub *running, out io.Writer) error {
	var all []registry.Principal
	if err := hub.get(ctx, "GET", "/devices", nil, &all); err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tKIND\tCONVENTION\tNAME THERE\tPERSON\tLABEL\tSINCE\tREVOKED")
	for _, p := range all {
		revoked := ""
		if p.Revoked != 0 {
			revoked = stamp(p.Revoked)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, p.Kind, p.Convention, p.Foreign, p.Person, p.Label, stamp(p.Created), revoked)
	}
	return t.Flush()
}

func stamp(ms int64) string { return time.UnixMilli(ms).Format("2006-01-02 15:04:05") }

func quarantine(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub quarantine")
	cause := f.String("cause", "", "only this cause")
	dev := f.String("device", "", "only this device")
	w, err := words(f, args)
	if err != nil {
		return fmt.Errorf("hub quarantine: %w", err)
	}
	if len(w) != 1 || w[0] != "list" && w[0] != "replay" {
		return fmt.Errorf("hub quarantine: want list or replay\n\n%s", usage)
	}
	hub, err := reach(*config)
	if err != nil {
		return err
	}
	query := url.Values{"cause": {*cause}, "device": {*dev}}.Encode()
	if w[0] == "list" {
		return listQuarantine(ctx, hub, query, out)
	}
	var done struct{ Replayed int }
	if err := hub.get(ctx, "POST", "/quarantine/replay?"+query, nil, &done); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d tried again\n", done.Replayed)
	return err
}

func listQuarantine(ctx context.Context, hub *running, query string, out io.Writer) error {
	var all []api.QuarantineEntry
	if err := hub.get(ctx, "GET", "/quarantine?"+query, nil, &all); err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NUMBER\tAT\tDEVICE\tTOPIC\tCAUSE\tDETAIL")
	for _, e := range all {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", e.Number, stamp(int64(e.At)), e.Device, e.Topic, e.Cause, e.Detail)
	}
	return t.Flush()
}

func export(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub export")
	dev := f.String("device", "", "only this device")
	from := f.Int64("from", 0, "first instant, ms since 1970")
	to := f.Int64("to", time.Now().UnixMilli(), "end, ms since 1970, not included")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("hub export: %w", err)
	}
	hub, err := reach(*config)
	if err != nil {
		return err
	}
	b, err := hub.ask(ctx, "GET", fmt.Sprintf("/export?device=%s&from=%d&to=%d", url.QueryEscape(*dev), *from, *to), nil)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = io.Copy(out, b)
	return err
}
