package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"rsc.io/qr"

	"gridhub/devices"
	"gridhub/hub/api"
	"gridhub/hub/registry"
)

// enroll prints a one-time code for a gateway or sensor, as text and as a QR.
func enroll(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub enroll")
	p := registry.Principal{Kind: devices.Gateway}
	f.Func("kind", "gateway or sensor", func(s string) error { return set(&p.Kind, s) })
	f.StringVar(&p.Profile, "profile", "", "kind of measurement of a sensor")
	f.StringVar(&p.Label, "label", "", "what people call it")
	valid := f.Duration("valid", time.Hour, "how long the code is good")
	address := f.String("url", "", "the hub as the gateway reaches it, https://host:port")
	plain := f.Bool("plain", false, "no QR")
	w, err := words(f, args)
	if err != nil {
		return fmt.Errorf("hub enroll: %w\n\n%s", err, usage)
	}
	if len(w) != 1 {
		return fmt.Errorf("hub enroll: want one ID\n\n%s", usage)
	}
	hub, err := reach(*config)
	if err != nil {
		return err
	}
	p.ID = devices.ID(w[0])
	var made api.Invited
	ask := struct {
		registry.Principal
		Valid time.Duration `json:"valid"`
		Hub   string        `json:"hub"`
	}{p, *valid, *address}
	if err := hub.get(ctx, "POST", "/enrolments", ask, &made); err != nil {
		return err
	}
	return show(out, made, !*plain)
}

// show prints an invitation so that it can be typed, pasted or photographed.
func show(out io.Writer, i api.Invited, picture bool) error {
	fmt.Fprintf(out, "%s may enrol once until %s, on the gateway:\n\n  edge enrol '%s'\n\n", i.ID, stamp(int64(i.Expires)), i.Invitation)
	fmt.Fprintf(out, "or by hand:\n\n  edge enrol --hub %s --code %s --ca-fingerprint %s\n", i.Hub, i.Code, i.Fingerprint)
	if !picture {
		return nil
	}
	text, err := terminalQR(i.Invitation)
	if err != nil {
		return fmt.Errorf("QR: %w", err)
	}
	_, err = fmt.Fprintf(out, "\n%s", text)
	return err
}

// quiet is the margin that a QR needs to be found (ISO/IEC 18004, 9.1), in
// modules.
const quiet = 4

// terminalQR draws text with half blocks, two modules to a character, dark on
// light whatever the colours of the terminal are.
func terminalQR(text string) (string, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("\x1b[30;107m") // black on bright white
		for x := -quiet; x < code.Size+quiet; x++ {
			b.WriteString(halfBlock(code.Black(x, y), code.Black(x, y+1)))
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String(), nil
}

func halfBlock(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}

// certificates lists what the hub has issued to one identity.
func certificates(ctx context.Context, hub *running, id string, out io.Writer) error {
	var all []registry.Certificate
	if err := hub.get(ctx, "GET", "/devices/"+id+"/certificates", nil, &all); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(all)
}
