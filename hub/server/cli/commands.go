package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"text/tabwriter"

	"gridhub/devices/wire"
	"gridhub/hub/commands"
)

// control shows and changes what may be set on a device.
func control(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub control")
	var c wire.Control
	f.BoolVar(&c.Bool, "switch", false, "it is on or off")
	f.BoolVar(&c.Text, "text", false, "it takes a text")
	f.StringVar(&c.Unit, "unit", "", "of its value: Cel, %, …")
	f.Func("min", "the lowest value", func(s string) error { return limit(&c.Min, s) })
	f.Func("max", "the highest value", func(s string) error { return limit(&c.Max, s) })
	w, err := words(f, args)
	if err != nil {
		return fmt.Errorf("hub control: %w", err)
	}
	hub, err := reach(*config)
	if err != nil {
		return err
	}
	switch {
	case len(w) == 3 && w[0] == "add":
		c.Name = w[2]
		return hub.get(ctx, "POST", controlsOf(w[1]), c, &struct{}{})
	case len(w) == 3 && w[0] == "remove":
		return hub.get(ctx, "POST", controlsOf(w[1])+"/"+url.PathEscape(w[2])+"/remove", nil, &struct{}{})
	case len(w) == 2 && w[0] == "list":
		var all []wire.Control
		if err := hub.get(ctx, "GET", controlsOf(w[1]), nil, &all); err != nil {
			return err
		}
		return listControls(all, out)
	}
	return fmt.Errorf("hub control: want add ID NAME, remove ID NAME or list ID\n\n%s", usage)
}

func controlsOf(id string) string { return "/devices/" + url.PathEscape(id) + "/controls" }

func limit(into **float64, s string) error {
	v, err := strconv.ParseFloat(s, 64)
	*into = &v
	return err
}

func listControls(all []wire.Control, out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tTAKES\tUNIT\tMIN\tMAX")
	for _, c := range all {
		takes := "number"
		if c.Bool {
			takes = "switch"
		} else if c.Text {
			takes = "text"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", c.Name, takes, c.Unit, shown(c.Min), shown(c.Max))
	}
	return t.Flush()
}

func shown(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// commandKey prints the public keys that commands are signed with, the one in
// use first, after it has changed them if it is told to.
func commandKey(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub command-key")
	w, err := words(f, args)
	if err != nil {
		return fmt.Errorf("hub command-key: %w", err)
	}
	method, path := "GET", "/command-key"
	switch {
	case len(w) == 0:
	case len(w) == 1 && (w[0] == "prepare" || w[0] == "rotate"):
		method, path = "POST", "/command-key/"+w[0]
	case len(w) == 2 && w[0] == "forget":
		method, path = "POST", "/command-key/"+url.PathEscape(w[1])+"/forget"
	default:
		return fmt.Errorf("hub command-key: want prepare, rotate, forget KEY or nothing\n\n%s", usage)
	}
	hub, err := reach(*config)
	if err != nil {
		return err
	}
	var all []commands.PublicKey
	if err := hub.get(ctx, method, path, nil, &all); err != nil {
		return err
	}
	for _, k := range all {
		note := "older: remove it with hub command-key forget " + k.ID
		if k.Current {
			note = "in use"
		} else if k.Next {
			note = "in use from hub command-key rotate on: give it to the gateways before"
		}
		if _, err := fmt.Fprintf(out, "# %s, %s\n%s", k.ID, note, k.PEM); err != nil {
			return err
		}
	}
	return nil
}
