package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/tasks"
	"gridhub/scripts/hubclient"
)

// worker is one simulated field worker: legs, a handheld with its line, a
// session, a round, and at most one case in hand.
type worker struct {
	staff  people.Staff
	hub    *hub
	line   *line
	walker *walker
	round  *round
	log    *slog.Logger
	every  time.Duration // between fixes
	answer float64       // share of the tasks that are answered

	job     identity.CaseID
	state   tasks.EventType // of the job when it was last looked at
	pending time.Time       // nothing is done on the job before
	battery float64
}

// run lives one shift: ctx ends it.
func (w *worker) run(ctx context.Context) error {
	if err := w.hub.duty(ctx, true); err != nil {
		return fmt.Errorf("%s: duty: %w", w.staff.ID, err)
	}
	defer w.goHome()
	if err := w.line.keep(ctx); err != nil {
		return nil // asked to stop before the line stood
	}
	defer w.line.close()
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-w.line.wake:
			w.look(ctx)
		case now := <-tick.C:
			w.walker.advance(now.Sub(last))
			last = now
			w.live(ctx, now)
		}
	}
}

// goHome ends the duty. The hub may be stopping too, so it is tried once.
func (w *worker) goHome() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := w.hub.duty(ctx, false); err != nil {
		w.log.Warn("still on duty at the hub", "person", w.staff.ID, "err", err)
	}
}

// live is one beat: tell where we are, then work or patrol.
func (w *worker) live(ctx context.Context, now time.Time) {
	p, accuracy, speed := w.walker.fix()
	w.battery = max(0.1, w.battery-w.every.Seconds()/40_000)
	if err := w.line.tell(now, p, accuracy, speed, w.battery); err != nil {
		if w.line.keep(ctx) != nil {
			return
		}
	}
	if w.job != "" {
		w.work(ctx, now)
		return
	}
	if stop := w.round.step(w.walker, now); stop != nil {
		w.visit(ctx, now, *stop)
	}
}

// look asks the hub for a task: something concerning us has changed.
func (w *worker) look(ctx context.Context) {
	if w.job != "" {
		w.pending = time.Time{}
		return
	}
	list, err := w.hub.cases(ctx, "open=true&assignee=me")
	if err != nil {
		w.log.Warn("cannot list tasks", "person", w.staff.ID, "err", err)
		return
	}
	for _, c := range list {
		if inHand(c.State) && w.answers(c.ID) {
			w.job, w.pending = c.ID, time.Now().Add(w.pause(8, 30))
			return
		}
	}
}

func inHand(s tasks.EventType) bool {
	return slices.Contains([]tasks.EventType{tasks.Dispatched, tasks.Accepted, tasks.Enroute, tasks.Onscene, tasks.Handling, tasks.Rework}, s)
}

// answers decides by the case's id, so that a restart decides the same.
func (w *worker) answers(id identity.CaseID) bool { return share(string(id)) < w.answer }

// share spreads texts over [0, 1). FNV moves its low bits most.
func share(text string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return float64(h.Sum64()*0x9e3779b97f4a7c15>>11) / (1 << 53)
}

// pause is a random time of so many seconds.
func (w *worker) pause(from, to int) time.Duration {
	return time.Duration(from+w.walker.rand.IntN(to-from)) * time.Second
}

// work takes the next step on the case in hand. Every decision rests on what
// the hub says the case is now, so a restart or a lost answer changes nothing.
func (w *worker) work(ctx context.Context, now time.Time) {
	if now.Before(w.pending) || w.state == tasks.Enroute && !w.walker.arrived() {
		return
	}
	c, err := w.hub.oneCase(ctx, w.job)
	if err == nil {
		w.state = c.State
		err = w.step(ctx, c)
	}
	if err != nil {
		w.log.Warn("a step failed", "person", w.staff.ID, "task", w.job, "state", w.state, "err", err)
		w.pending = now.Add(20 * time.Second)
		if final(err) {
			w.done()
		}
	}
}

// final says that trying again cannot help: the case is not ours any more, or
// the hub refuses the step.
func final(err error) bool {
	code := hubclient.Status(err)
	return code == http.StatusForbidden || code == http.StatusNotFound || code == http.StatusUnprocessableEntity
}

func (w *worker) done() {
	w.job, w.state, w.pending = "", "", time.Time{}
	w.walker.line = nil // the round goes on from here
	w.line.nudge()      // perhaps another one waits
}

func (w *worker) step(ctx context.Context, c tasks.Case) error {
	if c.Assignee != w.staff.ID {
		w.done()
		return nil
	}
	next := func(t tasks.EventType, from, to int) error {
		w.pending = time.Now().Add(w.pause(from, to))
		return w.command(ctx, c, tasks.Command{Type: t})
	}
	switch c.State {
	case tasks.Dispatched:
		return next(tasks.Accepted, 3, 15)
	case tasks.Accepted, tasks.Rework:
		w.walker.goTo(c.Place, hurry)
		return next(tasks.Enroute, 1, 4)
	case tasks.Enroute:
		if geo.Distance(w.walker.at, c.Place) > 5 {
			w.walker.goTo(c.Place, hurry) // after a restart
			return nil
		}
		return next(tasks.Onscene, 10, 40)
	case tasks.Onscene:
		return next(tasks.Handling, 20, 60)
	case tasks.Handling:
		if len(c.Missing) > 0 {
			w.pending = time.Now().Add(w.pause(15, 60))
			return w.prove(ctx, c, c.Missing[0])
		}
		return next(tasks.Claimed, 1, 2)
	}
	w.log.Info("task ended", "person", w.staff.ID, "task", c.ID, "state", c.State)
	w.done()
	return nil
}

func (w *worker) command(ctx context.Context, c tasks.Case, cmd tasks.Command) error {
	p, _, _ := w.walker.fix()
	cmd.At, cmd.Place = telemetry.At(time.Now()), &p
	w.log.Info("step", "person", w.staff.ID, "task", c.ID, "type", cmd.Type)
	return w.hub.do(ctx, c, cmd)
}

// prove takes a photo, uploads it and puts it into the case.
func (w *worker) prove(ctx context.Context, c tasks.Case, kind string) error {
	hash, err := w.shoot(ctx, c.ID, kind, time.Now())
	if err != nil {
		return err
	}
	return w.command(ctx, c, tasks.Command{Type: tasks.Evidence, Evidence: hash, Kind: kind})
}

func (w *worker) shoot(ctx context.Context, of identity.CaseID, kind string, now time.Time) (string, error) {
	p, accuracy, _ := w.walker.fix()
	return w.hub.upload(ctx, of, kind, telemetry.At(now), p, accuracy, photo(w.walker.rand.Uint64()))
}

// visit checks in at a stop of the round.
func (w *worker) visit(ctx context.Context, now time.Time, stop patrol.Stop) {
	hash, err := w.shoot(ctx, "", "patrol", now)
	if err == nil {
		p, accuracy, _ := w.walker.fix()
		err = w.hub.checkIn(ctx, patrol.Visit{ID: fmt.Sprintf("demo-%s-%s-%d", w.staff.ID, stop.ID, now.Unix()),
			Route: w.round.route.ID, Point: stop.ID, At: telemetry.At(now), Place: p, Accuracy: accuracy, Evidence: hash})
	}
	if err != nil {
		w.log.Warn("a check-in failed", "person", w.staff.ID, "point", stop.ID, "err", err)
	}
}
