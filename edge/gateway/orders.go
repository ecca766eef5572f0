package gateway

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/edge/commands"
	"gridhub/edge/driver"
	"gridhub/edge/poll"
	"gridhub/streams/journal/fsx"
)

// openDesk makes the desk that takes the hub's orders. Keys come from the
// configuration and from the enrolment.
func (g *Gateway) openDesk() (*commands.Desk, error) {
	data, ring := g.cfg.path(g.cfg.Data), g.ring()
	return commands.Open(commands.Options{
		ID: g.cfg.ID, Dir: filepath.Join(data, "commands"), Logger: g.log,
		Keys:  ring.Keys,
		Lists: ring.Take,
		Lines: orders{lines: func() []*worker { return g.crew.all() }}, Config: g.Configure,
		Say: func(ctx context.Context, envelope func() any) error { return g.uplink.Say(ctx, wire.Reply, envelope) },
	})
}

// ring is where the keys of orders are: those of the configuration, and those
// of the enrolment, which the hub may change. A gateway that has a secret
// instead keeps what the hub tells beside its orders.
func (g *Gateway) ring() commands.Ring {
	folder, beside := g.folder(), filepath.Join(g.cfg.path(g.cfg.Data), "commands", "keys.pem")
	return commands.Ring{
		Log: g.log,
		Own: g.cfg.path(g.cfg.Hub.CommandKeys),
		Told: func() string {
			if path, enrolled := folder.CommandKeys(); enrolled {
				return path
			}
			return beside
		},
		Keep: func(text string, replaces func(string) bool) error {
			if kept, err := folder.KeepCommandKeys(text, replaces); kept || err != nil {
				return err
			}
			if !replaces(beside) {
				return nil
			}
			return fsx.Replace(beside, []byte(text))
		},
	}
}

// down sorts what the hub sends besides acknowledgements.
func (g *Gateway) down(kind string, payload []byte) {
	switch kind {
	case wire.Command, wire.Config, wire.Keys:
		g.desk.Handle(kind, payload)
	}
}

// orders carries commands out on the lines that are read.
type orders struct {
	lines func() []*worker // those at work
}

// turner is a line on which commands take turns; teller is one whose devices
// can be sent a text.
type (
	turner interface {
		Turn(ctx context.Context, id devices.ID, work poll.Work) (driver.Reading, error)
	}
	teller interface {
		Tell(ctx context.Context, id devices.ID, text string) error
	}
)

// find returns the line of a device.
func (o orders) find(id devices.ID) (line reader, s driver.Station, ok bool) {
	for _, w := range o.lines() {
		line = w.reader
		if has, is := line.(interface {
			Station(devices.ID) (driver.Station, bool)
		}); is {
			if s, ok = has.Station(id); ok {
				return line, s, true
			}
		}
	}
	return nil, s, false
}

// Controls is what a device's profile offers.
func (o orders) Controls(id devices.ID) ([]wire.Control, bool) {
	_, s, ok := o.find(id)
	if !ok {
		return nil, false
	}
	return s.Profile.Offers(), true
}

// A line may stop between two turns because another configuration takes over;
// its device is then looked for on the new one.
const (
	moves     = 20
	movePause = 250 * time.Millisecond
)

// Do sets a control, or sends a text.
func (o orders) Do(ctx context.Context, a commands.Action, begin func() error) (map[string]float64, error) {
	if a.Text != "" {
		return nil, o.tell(ctx, a, begin)
	}
	r, err := o.turn(ctx, a.Device, func(ctx context.Context, line driver.Line, s driver.Station) (driver.Reading, error) {
		c, ok := line.(driver.Commander)
		if !ok {
			return driver.Reading{}, &driver.ReadError{Device: a.Device, Cause: driver.Unfit, Err: driver.ErrNoControl}
		}
		if err := begin(); err != nil {
			return driver.Reading{}, err
		}
		return c.Write(ctx, s, a.Control, a.Value)
	})
	return said(r), inWords(err)
}

func (o orders) tell(ctx context.Context, a commands.Action, begin func() error) error {
	line, _, ok := o.find(a.Device)
	t, can := line.(teller)
	if !ok || !can {
		return &commands.Failure{Cause: commands.CauseControl, Err: fmt.Errorf("%s takes no text", a.Device)}
	}
	if err := begin(); err != nil {
		return err
	}
	return inWords(t.Tell(ctx, a.Device, a.Text))
}

// turn does work on the line of a device, also if the line is another one when
// its turn comes.
func (o orders) turn(ctx context.Context, id devices.ID, work poll.Work) (r driver.Reading, err error) {
	for range moves {
		line, _, ok := o.find(id)
		w, can := line.(turner)
		if !ok || !can {
			return r, &commands.Failure{Cause: commands.CauseReceiver, Err: fmt.Errorf("%s is on no line that is asked", id)}
		}
		if r, err = w.Turn(ctx, id, work); !errors.Is(err, poll.ErrStopped) {
			return r, err
		}
		if !rest(ctx, movePause) {
			return r, ctx.Err()
		}
	}
	return r, err
}

// A device may need a while after a power cut that has hit the gateway, too.
const (
	settleTries = 10
	settlePause = 3 * time.Second
)

// Settle reads the device until it answers.
func (o orders) Settle(ctx context.Context, a commands.Action) (map[string]float64, bool, error) {
	_, s, ok := o.find(a.Device)
	if !ok {
		return nil, false, fmt.Errorf("%s is not here any more", a.Device)
	}
	c := s.Profile.Control(a.Control)
	if c == nil || c.Pulse || s.Profile.Outcome(c) == nil {
		return nil, false, fmt.Errorf("no metric shows it")
	}
	read := func(ctx context.Context, line driver.Line, s driver.Station) (driver.Reading, error) {
		return line.Read(ctx, s)
	}
	for n := 0; ; n++ {
		r, err := o.turn(ctx, a.Device, read)
		if err == nil {
			return said(r), s.Profile.Told(c, a.Value, r.Values), nil
		}
		if n+1 >= settleTries || !rest(ctx, settlePause) {
			return nil, false, err
		}
	}
}

// said is a reading as a reply carries it.
func said(r driver.Reading) map[string]float64 {
	values := make(map[string]float64, len(r.Values))
	for _, f := range r.Values {
		values[f.Metric] = f.Value
	}
	return values
}

// inWords puts a line's error into a reply's words; what is not the line's own
// stays as it is.
func inWords(err error) error {
	var re *driver.ReadError
	switch {
	case errors.As(err, &re):
		return &commands.Failure{Cause: re.Cause, Err: re.Err}
	case errors.Is(err, poll.ErrBusy):
		return &commands.Failure{Cause: commands.CauseBusy, Err: err}
	case errors.Is(err, poll.ErrStopped):
		return &commands.Failure{Cause: driver.LineDown, Err: err}
	case errors.Is(err, context.Canceled): // the line ended, and not the gateway
		return &commands.Failure{Cause: commands.CauseUnknown, Err: err}
	}
	return err
}

// rest reports whether d went by before ctx ended.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

var _ commands.Lines = orders{}
