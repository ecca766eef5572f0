package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/edge/enrol"
	"gridhub/edge/gateway"
)

// enrolment makes this gateway known to a hub with a one-time code.
func enrolment(ctx context.Context, args []string, out io.Writer) error {
	c := newCommand("enrol", "['gridhub:…']")
	path := c.String("config", "configs/edge.yaml", "configuration `file`")
	data := c.String("data", "", "data `folder`, in place of a configuration that is not written yet")
	id := c.String("id", "", "with --data and --code: this gateway's id")
	var i wire.Invitation
	c.StringVar(&i.Hub, "hub", "", "the hub, https://host:port")
	c.StringVar(&i.Code, "code", "", "the one-time code that hub enroll printed")
	c.StringVar(&i.CA, "ca-fingerprint", "", "SHA-256 of the hub's authority, printed with the code")
	renew := c.Bool("renew", false, "a new key and certificate for a gateway that is enrolled already")
	args, err := c.parse(args, 0, 1)
	if err == nil && !*renew {
		i, err = invitation(c, i, args)
	}
	if err != nil {
		return err
	}
	cfg, err := gatewayOf(*path, *data, devices.ID(*id), i.ID)
	if err != nil {
		return err
	}
	var held *enrol.Identity
	if *renew {
		held, err = cfg.Renew(ctx)
	} else {
		held, err = cfg.Enrol(ctx, i)
	}
	if err != nil {
		return fmt.Errorf("edge enrol: %w", err)
	}
	return greet(out, held)
}

// invitation is the QR's text, or what the flags say.
func invitation(c command, flags wire.Invitation, args []string) (i wire.Invitation, err error) {
	if len(args) == 1 {
		if i, err = wire.ParseInvitation(args[0]); err != nil {
			return i, c.fault(err.Error())
		}
		return i, nil
	}
	if flags.Hub == "" || flags.Code == "" {
		return i, c.fault("want the text that hub enroll printed (gridhub:…), or --hub, --code and --ca-fingerprint")
	}
	if flags.Hub, err = wire.ParseHub(flags.Hub); err != nil {
		return i, c.fault(err.Error())
	}
	if flags.CA != "" {
		if flags.CA, err = wire.ParseFingerprint(flags.CA); err != nil {
			return i, c.fault(err.Error())
		}
	}
	return flags, nil
}

// gatewayOf reads the configuration, or does without one.
func gatewayOf(path, data string, ids ...devices.ID) (gateway.Config, error) {
	if data == "" {
		return gateway.Load(path)
	}
	for _, id := range ids {
		if id != "" {
			_, err := devices.ParseID(string(id))
			return gateway.Bare(id, data), err
		}
	}
	return gateway.Bare("", data), nil
}

// greet says what has been reached, and whether the clock will do.
func greet(out io.Writer, held *enrol.Identity) error {
	_, err := fmt.Fprintf(out, "%s is enrolled until %s; edge run uses the certificate from its next connection on\n", held.ID, held.Expires().Format(time.DateOnly))
	if now := time.Now(); err == nil && now.Before(held.Begins()) {
		_, err = fmt.Fprintf(out, "this machine's clock says %s, and it is later than %s: the hub puts the times of readings right, but set the clock\n",
			now.UTC().Format(time.DateTime), held.Begins().UTC().Format(time.DateTime))
	}
	return err
}
