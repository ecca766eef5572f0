package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/edge/gateway"
	"gridhub/edge/uplink"
)

// onHangup lets g reload on SIGHUP until the returned function is called.
func onHangup(g *gateway.Gateway) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		for range hangup {
			_ = g.Reload() // the log has what is wrong
		}
	}()
	return func() {
		signal.Stop(hangup)
		close(hangup)
	}
}

func reload(ctx context.Context, args []string, out io.Writer) error {
	c := newCommand("reload", "")
	config := c.String("config", "configs/edge.yaml", "configuration `file` of the running gateway")
	if _, err := c.parse(args, 0, 0); err != nil {
		return err
	}
	return ask(ctx, *config, "reload", nil, out)
}

func resend(ctx context.Context, args []string, out io.Writer) error {
	c := newCommand("resend", "")
	config := c.String("config", "configs/edge.yaml", "configuration `file` of the running gateway")
	from := c.String("from", "", "first `time`: 2026-05-01T08:00:00+08:00, or 2026-05-01 08:00 as this machine's clock shows it")
	to := c.String("to", "", "`time` before which it ends; empty: now")
	device := c.String("device", "", "`id` of one device; empty: all")
	if _, err := c.parse(args, 0, 0); err != nil {
		return err
	}
	look := uplink.Look{To: telemetry.At(time.Now()), Device: devices.ID(*device)}
	var err error
	if look.From, err = moment(*from); err != nil {
		return c.fault("--from: " + err.Error())
	}
	if *to != "" {
		if look.To, err = moment(*to); err != nil {
			return c.fault("--to: " + err.Error())
		}
	}
	return ask(ctx, *config, "resend", look, out)
}

// moment reads a time as people write it.
func moment(text string) (telemetry.Millis, error) {
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return telemetry.At(t), nil
		}
	}
	return 0, fmt.Errorf("%q: want a time such as 2026-05-01T08:00:00+08:00 or 2026-05-01 08:00", text)
}

// ask puts a question to the gateway that runs with this configuration.
func ask(ctx context.Context, config, what string, body any, out io.Writer) error {
	cfg, err := gateway.Load(config)
	if err != nil {
		return err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	socket := gateway.SocketOf(cfg)
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://edge/"+what, bytes.NewReader(text))
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		var request *url.Error
		if errors.As(err, &request) {
			err = request.Err // whose address is of no interest
		}
		return fmt.Errorf("edge %s: no gateway runs with %s: %w", what, config, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("edge %s: %w", what, err)
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(answer)))
	}
	_, err = out.Write(answer)
	return err
}
