package main

import (
	"context"
	"fmt"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/live"
	"gridhub/scripts/hubclient"
)

// fresh is how old a newest value may be.
const fresh = time.Minute

// alive waits until the hub is ready and sensors and walkers are on its map.
func alive(ctx context.Context, c *hubclient.Client, o options) error {
	b, err := openBook(o.passwords)
	if err != nil {
		return err
	}
	if err := until(ctx, "the hub is not ready", func() error { return c.Call(ctx, "GET", "/readyz", nil, nil) }); err != nil {
		return err
	}
	if _, err := c.SignIn(ctx, "dispatcher", b.known["dispatcher"]); err != nil {
		return err
	}
	var sensors, walkers int
	err = until(ctx, "the street is not alive", func() (err error) {
		sensors, walkers, err = look(ctx, c, o.walkers)
		return err
	})
	if err == nil {
		fmt.Printf("%d sensors and %d people have told something within the last minute\n", sensors, walkers)
	}
	return err
}

// look counts who told something lately. Half of the walkers and one sensor
// will do: the others follow.
func look(ctx context.Context, c *hubclient.Client, wanted int) (sensors, walkers int, err error) {
	var devices []live.DeviceState
	if err := c.Call(ctx, "GET", "/api/v1/devices", nil, &devices); err != nil {
		return 0, 0, err
	}
	var people []api.PersonView
	if err := c.Call(ctx, "GET", "/api/v1/people", nil, &people); err != nil {
		return 0, 0, err
	}
	since := telemetry.At(time.Now().Add(-fresh))
	sensors, walkers = heard(devices, since), seen(people, since)
	if sensors == 0 || walkers*2 < wanted {
		err = fmt.Errorf("%d sensors and %d of %d people have told something", sensors, walkers, wanted)
	}
	return sensors, walkers, err
}

func heard(all []live.DeviceState, since telemetry.Millis) (n int) {
	for _, d := range all {
		if d.Heard >= since {
			n++
		}
	}
	return n
}

func seen(all []api.PersonView, since telemetry.Millis) (n int) {
	for _, p := range all {
		if l := p.Live; l.OnDuty && l.Position != nil && l.At >= since {
			n++
		}
	}
	return n
}
