package main

import (
	"context"
	"log/slog"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// desk is a simulated dispatcher: it sends the best candidate to a share of
// what is filed, and checks and closes a share of what is claimed. The rest
// waits for the person who looks at the demo.
type desk struct {
	hub     *hub
	share   float64
	walkers map[identity.PersonID]bool // only those who can move
	log     *slog.Logger
}

// run looks at the pool every 10 s until ctx ends.
func (d *desk) run(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			d.look(ctx, now)
		}
	}
}

func (d *desk) look(ctx context.Context, now time.Time) {
	list, err := d.hub.cases(ctx, "open=true&limit=200")
	if err != nil {
		d.log.Warn("the desk cannot list cases", "err", err)
		return
	}
	for _, c := range list {
		cmd, ok := d.decide(c, telemetry.At(now))
		if !ok {
			continue
		}
		if cmd.Type == tasks.Dispatched && !d.choose(ctx, c, &cmd) {
			continue
		}
		d.log.Info("desk", "task", c.ID, "type", cmd.Type, "person", cmd.Assignee)
		if err := d.hub.do(ctx, c, cmd); err != nil {
			d.log.Warn("a step of the desk failed", "task", c.ID, "type", cmd.Type, "err", err)
		}
	}
}

// patience is how long a case waits before the desk moves it: a person who
// looks at the screen comes first.
const patience = 25 * time.Second

// decide says what the desk does with a case now. What it leaves alone, it
// leaves alone in every state: the choice follows from the case's id.
func (d *desk) decide(c tasks.Case, now telemetry.Millis) (tasks.Command, bool) {
	if share(string(c.ID)+"desk") >= d.share || now.Sub(c.Updated) < patience {
		return tasks.Command{}, false
	}
	switch c.State {
	case tasks.Filed, tasks.Returned, tasks.Upheld:
		return tasks.Command{Type: tasks.Dispatched}, true
	case tasks.Claimed:
		return tasks.Command{Type: tasks.Checked}, len(c.Waiting) == 0
	case tasks.Checked:
		return tasks.Command{Type: tasks.Closed}, true
	}
	return tasks.Command{}, false
}

// choose takes the first suggested candidate who is a walker.
func (d *desk) choose(ctx context.Context, c tasks.Case, cmd *tasks.Command) bool {
	list, err := d.hub.candidates(ctx, c.ID)
	if err != nil {
		d.log.Warn("no candidates", "task", c.ID, "err", err)
		return false
	}
	for _, k := range list {
		if k.Excluded == "" && d.walkers[k.Person] {
			cmd.Assignee = k.Person
			return true
		}
	}
	return false
}
